"""What holds for every test."""

from hypothesis import settings

# The same examples on every run, so that a red test is red for what was changed; `make fuzz` looks
# for others. An example may take as long as a busy machine needs: how long, benchmarks/ measure.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("others", deadline=None, print_blob=True)
settings.load_profile("same")
