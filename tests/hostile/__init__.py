"""Damaged and malicious model files, and what the tool must say about each."""
