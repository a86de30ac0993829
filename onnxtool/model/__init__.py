"""What is on disk, as read-only data."""
