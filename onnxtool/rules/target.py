"""Runtimes that a release is for, and what each of them requires."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A runtime, in a version."""

    name: str
