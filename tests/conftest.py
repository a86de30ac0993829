"""What holds for every test."""

from hypothesis import settings

# An example may take as long as a busy machine needs: how long is for benchmarks/ to measure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
