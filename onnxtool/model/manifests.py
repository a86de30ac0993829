"""Hashes that a folder records of its own files: lock file, SHA256SUMS, *.sha256, metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from onnxtool.errors import MetadataError
from onnxtool.model.metadata import Metadata, read_metadata

_LINE = re.compile(r"([0-9a-fA-F]{64})(?:\s+[ *]?(?:\./)?(.+))?")
MAX_BYTES = 16 << 20
# What `onnxtool manifest write` writes; its other fields are for `onnxtool manifest verify`.
LOCK_FILE = "onnxtool.manifest.json"


@dataclass(frozen=True, slots=True)
class HashManifest:
    """Recorded SHA-256 digests.

    Attributes:
        name: The file that records them.
        digests: File name -> SHA-256, in lower case.
    """

    name: str
    digests: Mapping[str, str]


def hash_manifests(folder: Path, metadata: Metadata | None = None) -> tuple[HashManifest, ...]:
    """Every record of hashes in a folder and in its metadata, in order of name."""
    read = (_locked(folder / LOCK_FILE), *map(_read, _files(folder)))
    found = [manifest for manifest in read if manifest.digests]
    if metadata and (recorded := dict(_recorded(metadata.fields, folder))):
        found.append(HashManifest(metadata.path.name, recorded))
    return tuple(found)


def _locked(path: Path) -> HashManifest:
    """The files of a lock file; one that cannot be read records none."""
    try:
        files = read_metadata(path).fields.get("files") if path.is_file() else None
    except MetadataError:
        files = None
    entries: dict[str, str] = {}
    for file in files if isinstance(files, tuple) else ():
        match file:
            case {"path": str(name), "sha256": str(digest)}:
                entries[name] = digest.lower()
            case _:  # For `onnxtool manifest verify`.
                continue
    return HashManifest(path.name, entries)


def _files(folder: Path) -> list[Path]:
    candidates = sorted((*folder.glob("*SHA256SUMS*"), *folder.glob("*.sha256")))
    return [path for path in candidates if path.is_file() and path.stat().st_size < MAX_BYTES]


def _read(path: Path) -> HashManifest:
    """Lines `SHA256  NAME`; a line without a name is of the file that the manifest is named for."""
    entries: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if match := _LINE.fullmatch(line.strip()):
            entries[(match[2] or path.stem).strip()] = match[1].lower()
    return HashManifest(path.name, entries)


def _recorded(fields: object, folder: Path, key: str = "") -> Iterator[tuple[str, str]]:
    """Hashes anywhere in metadata, with the file of this folder that their key names.

    `{"hashes": {"encoder.onnx": …}}`, `{"encoder": {"sha256": …}}` and `{"encoder_sha256": …}`.
    """
    if isinstance(fields, Mapping):
        for name, value in fields.items():
            named = key if name.lower() in {"sha256", "hash", "digest"} else str(name)
            yield from _recorded(value, folder, named)
    elif isinstance(fields, str) and re.fullmatch("[0-9a-fA-F]{64}", fields):
        stem = re.sub(r"_(?:sha256|hash|digest)$", "", key)
        for name in (key, stem, f"{stem}.onnx"):
            if name and "/" not in name and (folder / name).is_file():
                yield name, fields.lower()
                return
