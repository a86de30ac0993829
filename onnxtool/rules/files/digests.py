"""X: hashes that a release records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from onnxtool.errors import OnnxToolError
from onnxtool.model.artifact import CHUNK_BYTES, sha256_of
from onnxtool.model.manifests import HashManifest, hash_manifests
from onnxtool.model.stored_tensors import Storage
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.examples.graphs import ADD, HEADER, beside, external, folder
from onnxtool.rules.rule import Needs, bundle_rule, graph_rule
from onnxtool.rules.subject import BundleSubject, GraphSubject

_ZEROS_SHA1 = hashlib.sha1(bytes(8), usedforsecurity=False).hexdigest()


@bundle_rule(
    "X009",
    "unattested-weights",
    severity=Severity.ERROR,
    fix="Record the hash of every file: `onnxtool manifest write`, or `sha256sum * > SHA256SUMS`.",
    bad=folder(
        {
            "model.onnx": external("weights.bin"),
            "weights.bin": 8,
            "SHA256SUMS": f"{'0' * 64}  model.onnx\n",
        }
    ),
    good=folder(
        {
            "model.onnx": external("weights.bin"),
            "weights.bin": 8,
            "SHA256SUMS": f"{'0' * 64}  model.onnx\n{'1' * 64}  weights.bin\n",
        }
    ),
)
def unattested_weights(bundle: BundleSubject) -> Iterator[Problem]:
    """The hashes that a release records do not cover its weights.

    With external data, the graph's own file is less than a thousandth of the model: a report that
    hashes only that one attests none of the weights, and any of them can be replaced unnoticed.

    1. There are hashes, and files that they leave out: an error.
    2. There are none, and graphs with external data: a warning, of what their own hash covers.
    """
    manifests = hash_manifests(bundle.bundle.path, bundle.bundle.metadata)
    covered = {name for manifest in manifests for name in manifest.digests}
    for graph in bundle.graphs:
        weights = sorted(graph.view.external_locations)
        if manifests:
            missing = [name for name in (graph.name, *weights) if name not in covered]
            if missing:
                yield _uncovered(manifests, graph.name, missing)  # 1
        elif weights:
            yield _unrecorded(graph, len(weights))  # 2
    others = [name for kind, name in bundle.bundle.companions if kind in {"metadata", "vocabulary"}]
    missing = [name for name in others if name not in covered and not name.startswith(".")]
    # Metadata cannot hold its own hash.
    missing = [name for name in missing if name not in {manifest.name for manifest in manifests}]
    if manifests and missing:
        yield _uncovered(manifests, "", missing)


def _unrecorded(graph: GraphSubject, weights: int) -> Problem:
    files = "1 file" if weights == 1 else f"{weights} files"
    unseen = sum(file.size_bytes is None for file in graph.view.external_files)
    # What is missing, or behind a link that is not followed, has a size that is not known.
    more = f" and those of {unseen} that cannot be read" if unseen else ""
    return Problem(
        f"{files} not covered by the graph's hash, which attests {graph.view.size_bytes:,} of "
        f"{graph.size_bytes:,} bytes{more}; nothing in the folder records theirs",
        severity=Severity.WARNING,
        model=graph.name,
    )


def _uncovered(manifests: tuple[HashManifest, ...], model: str, missing: list[str]) -> Problem:
    names = ", ".join(manifest.name for manifest in manifests)
    shown = ", ".join(f"`{name}`" for name in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return Problem(f"{names}: no hash of {shown}{more}", missing[0], model=model)


@graph_rule(
    "X010",
    "digest-unlike-content",
    severity=Severity.ERROR,
    needs=Needs.WEIGHTS,
    fix="Fetch the file again; if it is right, record its hash anew.",
    bad=beside(ADD, {"SHA256SUMS": f"{'0' * 64}  model.onnx\n"}),
    good=beside(
        f"""{HEADER} g (float[2] x) => (float[2] y)
        <float[2] w = ["location": "w.bin", "checksum": "{_ZEROS_SHA1}"]> {{ y = Add(x, w) }}""",
        {"w.bin": 8},
    ),
)
def digest_unlike_content(graph: GraphSubject) -> Iterator[Problem]:
    """A recorded hash is not that of the file.

    Hashes are in `onnxtool.manifest.json`, `SHA256SUMS`, `*.sha256` and `model_meta.json`, and as
    the key `checksum` (SHA-1) in references to external data. Neither `onnx` nor ONNX Runtime
    compares the latter: wrong bytes of the right number load and run.
    """
    view = graph.view
    metadata = graph.bundle.metadata if graph.bundle else None
    files = {file.location: file.path for file in view.external_files if file.trouble is None}
    for manifest in hash_manifests(view.folder, metadata):
        for name, path in {graph.name: view.path, **files}.items():
            yield from _recorded(manifest, name, path)
        for name, path in _nobodys(graph):
            yield from (replace(p, model=name) for p in _recorded(manifest, name, path))
    yield from _checksums(graph, files)


def _recorded(manifest: HashManifest, name: str, path: Path) -> Iterator[Problem]:
    recorded = manifest.digests.get(name)
    if recorded and (actual := sha256_of(path)) != recorded:
        yield _unlike(name, f"{manifest.name} records SHA-256 {recorded:.12}", actual)


def _nobodys(graph: GraphSubject) -> Iterator[tuple[str, Path]]:
    """Files that no graph refers to: the first graph of the folder answers for them."""
    if graph.bundle and graph.siblings and graph is graph.siblings[0]:
        # A list of hashes may have that of the empty file that it was when it was begun.
        held = (name for kind, name in graph.bundle.companions if kind != "checksum")
        for name in (*held, *graph.bundle.orphans):
            yield name, graph.bundle.path / name


def _checksums(graph: GraphSubject, files: dict[str, Path]) -> Iterator[Problem]:
    recorded: dict[tuple[str, str], None] = {}
    for tensor in graph.view.tensors:
        if tensor.storage is Storage.EXTERNAL and tensor.file in files:
            keys = {entry.key: entry.value for entry in tensor.proto.external_data}
            if checksum := keys.get("checksum"):
                recorded[tensor.file, checksum.lower()] = None
    for name, checksum in recorded:
        if (actual := _sha1_of(files[name])) != checksum:
            yield _unlike(name, f"the graph records SHA-1 {checksum:.12}", actual)


def _unlike(name: str, record: str, actual: str) -> Problem:
    return Problem(f"`{name}`: {record}…, the file has {actual:.12}…", name)


def _sha1_of(path: Path) -> str:
    # The ONNX specification's choice, against accidents and not against attacks.
    digest = hashlib.sha1(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                digest.update(piece)
    except OSError as error:
        raise OnnxToolError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()
