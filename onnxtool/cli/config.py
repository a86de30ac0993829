"""The configuration of `check`: `onnxtool.toml`, or `[tool.onnxtool]` of a `pyproject.toml`.

It belongs to the command and not to the library: what `onnxtool.check` answers depends on its
arguments alone, and on no file that happens to lie in a folder above.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxtool.cli.limits import memory_bytes, seconds
from onnxtool.cli.toml_file import Table, read_toml
from onnxtool.errors import UsageError

if TYPE_CHECKING:
    from onnxtool.rules.report import Suppression

NAME, PYPROJECT = "onnxtool.toml", "pyproject.toml"


class FailOn(enum.StrEnum):
    """The least severity of a finding that fails the check."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Config:
    """What a check is asked to do.

    Attributes:
        select: Beginnings of the codes of rules to run; empty for all.
        ignore: Likewise, of rules not to run.
        fail_on: From which severity on a finding fails the check.
        run: Whether graphs may be run; None for in folders.
        weights: Whether all weights may be read; None for where it is quick.
        contract: What the release promised.
        targets: The runtimes that it is for, as NAME or NAME==VERSION.
        time_limit_s: For loading a model, and for each run; None for the usual.
        memory_limit_bytes: Of the process that runs a model; None for none.
        suppress: Findings to let through.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: FailOn = FailOn.ERROR
    run: bool | None = None
    weights: bool | None = None
    contract: Path | None = None
    targets: tuple[str, ...] = ()
    time_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    suppress: tuple[Suppression, ...] = ()

    def with_given(self, **options: Any) -> Config:
        """What the command line says instead; None where it says nothing."""
        told = {name: value for name, value in options.items() if value is not None}
        return replace(self, **told)


def configuration(path: Path | None) -> Config:
    """What the file at `path` says, or the one that applies here; the defaults without any.

    Raises:
        UsageError: The file cannot be read, or says something that makes no sense; with the place.
    """
    file = read_toml(path) if path else _find(Path.cwd())
    if file is None:
        return Config()
    if file.path.name == PYPROJECT:
        file = file.table("tool").table("onnxtool")
    _refuse_others(file, {"check"})
    return _read(file.table("check"))


def _find(folder: Path) -> Table | None:
    """The nearest configuration, from a folder upwards; `onnxtool.toml` before its neighbor."""
    for place in (folder, *folder.parents):
        if (place / NAME).is_file():
            return read_toml(place / NAME)
        if (place / PYPROJECT).is_file():
            project = read_toml(place / PYPROJECT)
            tools = project.values.get("tool")
            if isinstance(tools, dict) and "onnxtool" in tools:
                return project
    return None


def _read(table: Table) -> Config:
    _refuse_others(table, {*_KEYS, "suppress"})
    given = {field: read(table, key) for key, (field, read) in _KEYS.items() if key in table.values}
    suppress = tuple(_suppression(entry) for entry in table.tables("suppress"))
    return Config(**given, suppress=suppress)


def _refuse_others(table: Table, known: Collection[str]) -> None:
    for key in table.values:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(known))}"
            raise table.wrong(key, "no such option", hint)


def _suppression(table: Table) -> Suppression:
    from onnxtool.rules.engine import rule_named
    from onnxtool.rules.report import Suppression

    _refuse_others(table, {"code", "model", "location", "reason"})
    for key in ("code", "reason"):
        if not _text(table, key).strip():
            raise table.wrong(key, "is missing or empty", hint="a suppression needs one")
    given = {key: _text(table, key) for key in table.values}
    try:
        given["code"] = rule_named(given["code"]).code
    except UsageError as error:
        raise table.wrong("code", str(error), error.hint) from None
    return Suppression(**given)


def _text(table: Table, key: str) -> str:
    value = table.values.get(key, "")
    if not isinstance(value, str):
        raise table.wrong(key, "a string is needed")
    return value


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value = table.values[key]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    elements = enumerate(value if isinstance(value, list) else ())
    index = next((index for index, each in elements if not isinstance(each, str)), None)
    hint = f'as in {key} = ["…"]'
    raise table.wrong(key, "an array of strings is needed", hint, index=index)


def _codes(table: Table, key: str) -> tuple[str, ...]:
    from onnxtool.rules.engine import chosen

    codes = _texts(table, key)
    for index, code in enumerate(codes):
        try:
            chosen((code,), ())
        except UsageError as error:
            raise table.wrong(key, str(error), error.hint, index=index) from None
    return codes


def _flag(table: Table, key: str) -> bool:
    value = table.values[key]
    if not isinstance(value, bool):
        raise table.wrong(key, "true or false is needed")
    return value


def _fail_on(table: Table, key: str) -> FailOn:
    value = table.values[key]
    if value not in list(FailOn):
        raise table.wrong(key, f"one of {', '.join(FailOn)} is needed")
    return FailOn(str(value))


def _path(table: Table, key: str) -> Path:
    """From the folder that the configuration lies in."""
    if not (text := _text(table, key)):
        raise table.wrong(key, "names no file")
    return table.path.parent / text


def _file(table: Table, key: str) -> Path:
    path = _path(table, key)
    if not path.is_file():
        raise table.wrong(key, f"no file {path}")
    return path


def _targets(table: Table, key: str) -> tuple[str, ...]:
    from onnxtool.rules.target import parse_target

    names = _texts(table, key)
    for index, name in enumerate(names):
        try:
            parse_target(name)
        except UsageError as error:
            raise table.wrong(key, str(error), error.hint, index=index) from None
    return names


def _seconds(table: Table, key: str) -> float:
    value = table.values[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise table.wrong(key, "a number of seconds is needed")
    try:
        return seconds(value)
    except UsageError as error:
        raise table.wrong(key, str(error), error.hint) from None


def _memory(table: Table, key: str) -> int:
    value = table.values[key]
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise table.wrong(key, "an amount of memory is needed", hint='as in "2GiB"')
    try:
        return memory_bytes(str(value))
    except UsageError as error:
        raise table.wrong(key, str(error), error.hint) from None


# Key -> field of `Config`, and how to read it.
_KEYS: dict[str, tuple[str, Callable[[Table, str], Any]]] = {
    "select": ("select", _codes),
    "ignore": ("ignore", _codes),
    "fail-on": ("fail_on", _fail_on),
    "run": ("run", _flag),
    "weights": ("weights", _flag),
    "contract": ("contract", _file),
    "target": ("targets", _targets),
    "time-limit": ("time_limit_s", _seconds),
    "memory-limit": ("memory_limit_bytes", _memory),
}
