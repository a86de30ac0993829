"""What `model_meta.json` says against what its graphs say, and what would be right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from onnxtool.comparison.difference import Difference, Kind
from onnxtool.comparison.facts import facts
from onnxtool.comparison.fields import FieldCheck, Status, check_fields
from onnxtool.model.artifact import atomic_write
from onnxtool.model.bundle import Member
from onnxtool.model.frozen import thawed
from onnxtool.model.metadata import Metadata, Vocabulary


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A metadata file against the graphs that it is about.

    Attributes:
        path: The file.
        checks: Its fields, in order, and those that it lacks.
        corrected: The fields with every value that is known to be wrong put right.
    """

    path: Path
    checks: tuple[FieldCheck, ...]
    corrected: Mapping[str, object]

    @property
    def agrees(self) -> bool:
        """Whether the graphs contradict nothing in the file."""
        return not any(check.disagrees for check in self.checks)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What disagrees, as differences: the graphs first, the file second."""
        return tuple(
            Difference(
                Kind.METADATA_FIELD,
                check.impact,
                check.field,
                _text(check.in_graphs),
                _text(check.in_file),
                f"{check.status.value}: {check.source}",
            )
            for check in self.checks
            if check.disagrees
        )


def _text(value: object) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def reconcile(
    members: Sequence[Member], vocabulary: Vocabulary | None, metadata: Metadata, name: str
) -> Reconciliation:
    """Compare a metadata file with the graphs that it is about.

    Args:
        members: The graphs.
        vocabulary: Their token list, if there is one.
        metadata: The file.
        name: What the model is called, if the file has the name of another one.
    """
    known = facts(members, vocabulary)
    fields = dict(flat_fields(thawed(metadata.fields)))
    checks = {
        check.field: check for check in check_fields(members, vocabulary, known, fields, name)
    }
    unknown = (
        FieldCheck(field, Status.UNKNOWN, None, value, "", None)
        for field, value in fields.items()
        if field not in checks
    )
    checks |= {check.field: check for check in unknown}
    ordered = [checks[field] for field in fields]
    ordered += [check for field, check in checks.items() if field not in fields]
    corrected: dict[str, object] = thawed(metadata.fields)
    for check in ordered:
        if check.disagrees and check.right is not None:
            _set(corrected, check.field.split("."), check.right)
    return Reconciliation(metadata.path, tuple(ordered), corrected)


def write_metadata(found: Reconciliation, path: Path) -> None:
    """Write the corrected fields, whole or not at all.

    Raises:
        OnnxToolError: The file cannot be written.
    """
    text = json.dumps(found.corrected, indent=2, ensure_ascii=False) + "\n"
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))


def flat_fields(fields: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Fields, those of nested objects under dotted names."""
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from flat_fields(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _set(fields: dict[str, object], names: Sequence[str], value: object) -> None:
    *parents, last = names
    for name in parents:
        inner = fields.get(name)
        if not isinstance(inner, dict):
            inner = fields[name] = {}
        fields = inner
    fields[last] = value
