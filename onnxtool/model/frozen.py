"""Results that nobody can change, down to what they hold."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class FrozenDict(dict[Key, Value]):
    """A dict that cannot be changed; `dict(...)` gives a copy that can.

    Not a `types.MappingProxyType`, which pickle, copy, json and `dataclasses.asdict` refuse, nor a
    mapping of our own, which json refuses: results are sent to other processes and written down.
    """

    __slots__ = ()

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a result cannot be changed: change a copy, dict(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type, tuple[dict[Key, Value]]]:
        # By default an empty one is made, and its items are set.
        return type(self), (dict(self),)


def frozen(value: object) -> object:
    """A value of JSON with its objects and lists frozen, at any depth."""
    if isinstance(value, dict):
        return FrozenDict({key: frozen(part) for key, part in value.items()})
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def thawed(value: object) -> Any:
    """A copy of a frozen value, in the objects and lists that JSON is written from."""
    if isinstance(value, dict):
        return {key: thawed(part) for key, part in value.items()}
    return list(map(thawed, value)) if isinstance(value, tuple) else value
