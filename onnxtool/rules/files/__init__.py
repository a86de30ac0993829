"""X: files, external data and digests."""
