"""`python -m onnxtool`."""

from onnxtool.cli.app import main

main()
