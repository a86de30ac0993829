"""B: the graphs of a folder, and the metadata beside them."""
