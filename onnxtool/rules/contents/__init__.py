"""M: what a graph's own file holds: header, metadata and weights, and whether it runs."""
