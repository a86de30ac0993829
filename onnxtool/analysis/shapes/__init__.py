"""The shape of every value at given sizes: propagation, and what it knows of single operators."""
