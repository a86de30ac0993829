"""A whole release: what is in it, and whether it is what it should be."""
