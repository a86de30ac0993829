"""Benchmarks: raw samples and what they were measured on; what they say is derived on reading."""
