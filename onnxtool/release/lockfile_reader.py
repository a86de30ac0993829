"""Read the lock file of a release, which anybody may have written."""

from __future__ import annotations

import re
from pathlib import Path

from onnxtool.model.external import stays_inside
from onnxtool.model.json_place import Step, spelled
from onnxtool.model.metadata import is_integer, read_metadata, wrong_value
from onnxtool.model.tensor_digest import TensorDigest
from onnxtool.release.contents import is_graph
from onnxtool.release.lockfile import SCHEMA, LockedFile, LockedGraph, LockedValue, Manifest

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODE = re.compile(r"[0-7]{4}")
MAX_SIZE = 1 << 62
REMEDY = "write it anew with onnxtool manifest write"


class _BadFieldError(Exception):
    """A value is not what the schema says, or is not there."""

    def __init__(self, steps: tuple[Step, ...], problem: str) -> None:
        super().__init__(problem)
        self.steps = steps
        self.problem = problem


def read_manifest(path: Path) -> Manifest:
    """Read a lock file.

    Raises:
        MetadataError: It is not JSON, or not a manifest; says the line and column.
    """
    fields = read_metadata(path, remedy=REMEDY).fields
    try:
        return _manifest(_Reader(fields))
    except _BadFieldError as error:
        problem = f"{spelled(error.steps) or 'manifest'}: {error.problem}"
        raise wrong_value(path, error.steps, problem, hint=REMEDY) from None


class _Reader:
    """A value of the file, and the steps that lead to it."""

    def __init__(self, value: object, steps: tuple[Step, ...] = ()) -> None:
        self.value, self.steps = value, steps

    def fail(self, problem: str) -> _BadFieldError:
        return _BadFieldError(self.steps, problem)

    def at(self, key: str) -> _Reader:
        fields = self.fields()
        if key not in fields:
            raise self.fail(f"lacks `{key}`")
        return fields[key]

    def fields(self) -> dict[str, _Reader]:
        if not isinstance(self.value, dict):
            raise self.fail(f"{_kind(self.value)} where an object is needed")
        return {key: _Reader(value, (*self.steps, key)) for key, value in self.value.items()}

    def items(self) -> list[_Reader]:
        if not isinstance(self.value, tuple):
            raise self.fail(f"{_kind(self.value)} where an array is needed")
        return [_Reader(value, (*self.steps, index)) for index, value in enumerate(self.value)]

    def text(self, pattern: re.Pattern[str] | None = None) -> str:
        if not isinstance(self.value, str):
            raise self.fail(f"{_kind(self.value)} where a string is needed")
        if pattern is not None and not pattern.fullmatch(self.value):
            raise self.fail(f"{self.value!r:.80} does not match {pattern.pattern}")
        return self.value

    def number(self, least: int = 0) -> int:
        if not is_integer(self.value):
            raise self.fail(f"{_kind(self.value)} where an integer is needed")
        if not least <= self.value <= MAX_SIZE:
            raise self.fail("a number that nothing has")
        return self.value

    def path(self) -> str:
        path = self.text()
        if not stays_inside(path):
            raise self.fail(f"{path!r:.80} is no path inside the folder")
        return path


def _kind(value: object) -> str:
    for kind, name in (
        (type(None), "null"),
        (dict, "an object"),
        (tuple, "an array"),
        (str, "a string"),
        (bool, "a boolean"),
    ):
        if isinstance(value, kind):
            return name
    return "a number"


def _manifest(whole: _Reader) -> Manifest:
    schema = whole.at("schema")
    if schema.text() != SCHEMA:
        raise schema.fail(f"{schema.value!r:.80} is not {SCHEMA}")
    files = whole.at("files").items()
    manifest = Manifest(
        {name: version.text() for name, version in whole.at("versions").fields().items()},
        tuple(_file(file) for file in files),
        tuple(_graph(graph) for graph in whole.at("graphs").items()),
    )
    seen: set[str] = set()
    for locked, file in zip(manifest.files, files, strict=True):
        if locked.path in seen:
            raise file.fail(f"{locked.path!r:.80} is listed twice")
        seen.add(locked.path)
    _require_complete(manifest, whole)
    return manifest


def _require_complete(manifest: Manifest, whole: _Reader) -> None:
    """Each graph among the files has one entry among the graphs, and there are no others."""
    graphs = {file.path for file in manifest.files if is_graph(file.path)}
    seen: set[str] = set()
    for graph, reader in zip(manifest.graphs, whole.at("graphs").items(), strict=True):
        if graph.file not in graphs:
            raise reader.fail(f"{graph.file!r:.80} is no graph among the files")
        if graph.file in seen:
            raise reader.fail(f"{graph.file!r:.80} is listed twice")
        seen.add(graph.file)
    if lacking := sorted(graphs - seen):
        raise whole.at("graphs").fail(f"lacks {lacking[0]!r:.80}, which is among the files")


def _file(file: _Reader) -> LockedFile:
    return LockedFile(
        path=file.at("path").path(),
        kind=file.at("kind").text(),
        size_bytes=file.at("size_bytes").number(),
        mode=file.at("mode").text(_MODE),
        sha256=file.at("sha256").text(_SHA256),
    )


def _graph(graph: _Reader) -> LockedGraph:
    family = graph.at("family")
    return LockedGraph(
        file=graph.at("file").path(),
        role=graph.at("role").text(),
        family=None if family.value is None else family.text(),
        structure_sha256=graph.at("structure_sha256").text(_SHA256),
        ir_version=graph.at("ir_version").number(least=-MAX_SIZE),
        opset_imports={
            domain: version.number(least=-MAX_SIZE)
            for domain, version in graph.at("opset_imports").fields().items()
        },
        producer=graph.at("producer").text(),
        inputs=tuple(_value(value) for value in graph.at("inputs").items()),
        outputs=tuple(_value(value) for value in graph.at("outputs").items()),
        states={k: v.text() for k, v in graph.at("states").fields().items()},
        tensors=tuple(_tensor(tensor) for tensor in graph.at("tensors").items()),
    )


def _value(value: _Reader) -> LockedValue:
    shape = value.at("shape")
    sizes = None if shape.value is None else tuple(_dimension(size) for size in shape.items())
    return LockedValue(value.at("name").text(), value.at("dtype").text(), sizes)


def _dimension(size: _Reader) -> int | str | None:
    if size.value is None:
        return None
    return size.text() if isinstance(size.value, str) else size.number(least=-MAX_SIZE)


def _tensor(tensor: _Reader) -> TensorDigest:
    return TensorDigest(
        name=tensor.at("name").text(),
        dtype=tensor.at("dtype").text(),
        shape=tuple(size.number() for size in tensor.at("shape").items()),
        sha256=tensor.at("sha256").text(_SHA256),
    )
