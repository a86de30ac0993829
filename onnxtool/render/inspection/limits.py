"""How much of what is long a report shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from onnxtool.render.units import listed


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths beyond which something is cut, with a word on what is left out; None for never.

    Attributes:
        names: Of a list of names.
        characters: Of a value of the metadata, which can be a whole vocabulary.
    """

    names: int | None
    characters: int | None

    def listed(self, names: Iterable[str]) -> str:
        """The names, as many as are shown."""
        return listed(names, self.names)


BRIEF = Limits(names=5, characters=200)
WHOLE = Limits(names=None, characters=None)
