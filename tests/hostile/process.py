"""Run a command, and measure the memory it took."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# `ru_maxrss` is in bytes on macOS and in kilobytes elsewhere: getrusage(2).
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
# These make libraries write colours although nobody looks.
_COLOUR = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE")


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended.

    Attributes:
        code: Its exit status; 128 + N where signal N ended it.
        peak_bytes: The most memory it had at once.
    """

    code: int
    stdout: str
    stderr: str
    peak_bytes: int


def run(command: Sequence[str | Path], *, cwd: Path, timeout_s: float) -> Finished:
    """Run a command in `cwd`, on wide lines and without colours.

    Raises:
        TimeoutError: It did not end in time, and was killed.
        UnicodeDecodeError: It printed something that is not UTF-8.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _COLOUR}
    environment |= {"COLUMNS": "300", "NO_COLOR": "1"}
    receiver, sender = os.pipe()
    # Measured from a process of its own: the peak of a child counts from that of its parent.
    wrapped = [sys.executable, "-I", __file__, str(sender), *(str(part) for part in command)]
    with (
        subprocess.Popen(
            wrapped,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(sender,),
            start_new_session=True,
        ) as process,
        os.fdopen(receiver, encoding="ascii") as report,
    ):
        os.close(sender)
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise TimeoutError(f"still running after {timeout_s:g} s: {command}") from None
        peak_bytes = int(report.read())
    return Finished(process.returncode, stdout.decode(), stderr.decode(), peak_bytes)


def _measure(report: int, command: list[str]) -> int:
    """Run a command to its end, and write its peak memory in bytes to the descriptor `report`."""
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    os.write(report, str(usage.ru_maxrss * _MAXRSS_UNIT).encode())
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    raise SystemExit(_measure(int(sys.argv[1]), sys.argv[2:]))
