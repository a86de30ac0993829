"""I: inputs, outputs and dynamic axes."""
