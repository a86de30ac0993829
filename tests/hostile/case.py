"""One hostile input, and what is expected of the tool."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# refused: nothing can be shown; exit 2, one line on stderr, nothing on stdout.
# damaged: the report is on stdout and lists the damage; exit 2.
# fine: the report is on stdout; exit 0.
Outcome = Literal["refused", "damaged", "fine"]


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile input.

    Attributes:
        name: The builder's name, and that of the folder that holds the files.
        path: What to pass to the command: a file, a folder, or something that is neither.
        outcome: What the tool must make of it.
        says: What the message must contain, in lower case: what is wrong, and where.
        allow_links_ok: Whether `--allow-links` makes it fine.
        skip: Why it cannot be tried here; empty if it can.
    """

    name: str
    path: Path
    outcome: Outcome
    says: tuple[str, ...] = ()
    allow_links_ok: bool = False
    skip: str = ""


def why_readable(path: Path) -> str:
    """Why a path whose mode forbids reading it can be read all the same; empty if it cannot."""
    return "root may open any file" if os.access(path, os.R_OK) else ""


def refused(path: Path, folder: Path, *says: str, skip: str = "") -> Case:
    """A case of which nothing can be shown."""
    return Case(folder.name, path, "refused", says, skip=skip)


def damaged(
    path: Path, folder: Path, *says: str, allow_links_ok: bool = False, skip: str = ""
) -> Case:
    """A case whose graph is readable, while something about it is broken."""
    return Case(folder.name, path, "damaged", says, allow_links_ok, skip)


def fine(path: Path, folder: Path, *says: str, skip: str = "") -> Case:
    """A case that looks odd and has nothing wrong with it."""
    return Case(folder.name, path, "fine", says, skip=skip)
