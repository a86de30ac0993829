"""Two tensors, two graphs, two bundles: how they differ, and whether one may replace the other."""
