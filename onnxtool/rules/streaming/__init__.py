"""S: encoders that are run chunk by chunk."""
