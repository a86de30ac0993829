"""The command, and `python -m onnxtool`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program; Ctrl-C ends it with one line from the first moment on."""
    try:
        # Takes most of the time until a signal handler of ours is there.
        from onnxtool.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted (no file is half-written)\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
