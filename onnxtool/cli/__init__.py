"""The command line: parse, call the library, render, choose the exit code. Nothing else."""
