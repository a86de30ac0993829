"""What a tensor is, whatever file its bytes are in: its dtype, its shape and their SHA-256.

The SHA-256 is of the values as little-endian memory, types under a byte packed as in `raw_data`:
the bytes of an external file between offset and offset + length. Of strings it is of each one's
length as eight bytes, little-endian, followed by the string itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from onnxtool.errors import ModelLoadError
from onnxtool.model.everywhere import every_tensor
from onnxtool.model.external import ExternalFile, external_files
from onnxtool.model.hashing import HashedFile, Span, hash_files
from onnxtool.model.stored_tensors import Holder, Storage, StoredTensor, read_bytes
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class TensorDigest:
    """A tensor's values, independent of where they are stored.

    Attributes:
        name: Where in the model it is, unique there: `main:encoder.weight`.
        sha256: Of its values; None where they cannot be read.
        trouble: Why they cannot be; else empty.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str | None
    trouble: str = ""


@dataclass(frozen=True)
class Survey:
    """Everything that was hashed.

    Attributes:
        files: Each file that was asked for, or that a model is stored in.
        tensors: The tensors of each model, in order of the models.
    """

    files: Mapping[Path, HashedFile]
    tensors: tuple[tuple[TensorDigest, ...], ...]


def survey(
    models: Sequence[ModelView],
    others: Iterable[Path] = (),
    *,
    whole: bool = True,
    progress: Progress = SILENT,
) -> Survey:
    """Hash the tensors of models, and the files that hold them, in one pass over the bytes.

    Args:
        models: Models, which may share files.
        others: Further files to hash.
        whole: Hash whole files as well; without it only tensors are hashed.
        progress: Is told of every byte read.

    Raises:
        ModelLoadError: A file could not be read to its end. What can be told beforehand (a missing
            file, a range beyond its end) is the `trouble` of a tensor instead.
    """
    located = [tuple(_located(model)) for model in models]
    wanted: defaultdict[Path, set[Span]] = defaultdict(set)
    for path in (*others, *(model.path for model in models)):
        wanted[path].update()
    for content in (content for tensors in located for _, content in tensors):
        if isinstance(content, _Place):
            wanted[content.path].add(content.span)
    if not whole:
        wanted = defaultdict(set, {path: spans for path, spans in wanted.items() if spans})
    files = hash_files(wanted, whole=whole, label="SHA-256 of tensors", progress=progress)
    return Survey(files, tuple(tuple(_digests(tensors, files)) for tensors in located))


def digest_tensors(model: ModelView, *, progress: Progress = SILENT) -> tuple[TensorDigest, ...]:
    """The digests of a model's tensors, in the order of `every_tensor`.

    Raises:
        ModelLoadError: A tensor cannot be read.
    """
    (digests,) = survey([model], whole=False, progress=progress).tensors
    require_readable(model.path, digests)
    return digests


def require_readable(path: Path, digests: Iterable[TensorDigest]) -> None:
    """Refuse a model with tensors that cannot be read.

    Raises:
        ModelLoadError: There is one; names it.
    """
    for digest in digests:
        if digest.sha256 is None:
            raise ModelLoadError(
                path, f"tensor `{digest.name}` {digest.trouble}", hint="export the model again"
            )


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    span: Span


# Where the bytes of a tensor are, or their SHA-256, or why they cannot be read.
_Content = _Place | bytes | str


def _located(model: ModelView) -> Iterator[tuple[TensorDigest, _Content]]:
    tensors = every_tensor(model)
    found = external_files(tensors, model.folder, allow_links=model.allow_links)
    files = {file.location: file for file in found}
    for name, tensor in zip(unique_names(tensors), tensors, strict=True):
        digest = TensorDigest(name, tensor.dtype.name, tensor.shape, None)
        yield digest, _content(model, tensor, files)


def _content(model: ModelView, tensor: StoredTensor, files: Mapping[str, ExternalFile]) -> _Content:
    if not tensor.proto.ByteSize():  # A sparse tensor without indices.
        return hashlib.sha256().digest()
    if tensor.dtype.bits is None and tensor.proto.data_type != onnx.TensorProto.STRING:
        return "is of an unknown element type"
    if any(size < 0 for size in tensor.shape):
        return f"has the impossible shape {list(tensor.shape)}"
    if tensor.storage is Storage.INLINE:
        return _inline(model, tensor)
    if tensor.dtype.bits is None:
        return "is of strings, which no other file can hold"
    if tensor.unreadable:
        return f"is at {tensor.unreadable}"
    if tensor.length not in {None, tensor.size_bytes}:
        return f"has {tensor.length:,} bytes where its shape needs {tensor.size_bytes:,}"
    path = model.path
    if tensor.storage is Storage.EXTERNAL:
        file = files[tensor.file]
        if file.trouble is not None:
            return f"is in {file.location!r}, which {file.explanation}"
        path = file.path
    return _Place(path, Span(tensor.offset, tensor.size_bytes))


def _inline(model: ModelView, tensor: StoredTensor) -> bytes | str:
    sha256 = hashlib.sha256()
    if tensor.dtype.bits is None:
        for text in tensor.proto.string_data:
            sha256.update(len(text).to_bytes(8, "little") + text)
        return sha256.digest()
    try:
        content = read_bytes(tensor, model.path)
    except ModelLoadError:
        return "has values that do not fit its type and shape"
    if len(content) != tensor.size_bytes:
        return f"has {len(content):,} bytes where its shape needs {tensor.size_bytes:,}"
    sha256.update(content)
    return sha256.digest()


def _digests(
    located: Iterable[tuple[TensorDigest, _Content]], files: Mapping[Path, HashedFile]
) -> Iterator[TensorDigest]:
    for digest, content in located:
        sha256, trouble = None, ""
        match content:
            case _Place(path, span):
                sha256 = files[path].spans[span]
            case bytes():
                sha256 = content.hex()
            case str():
                trouble = content
        yield TensorDigest(digest.name, digest.dtype, digest.shape, sha256, trouble)


def unique_names(tensors: Collection[StoredTensor]) -> Iterator[str]:
    """A name for each tensor: `SCOPE:NAME`, numbered where a model gives one several times."""
    seen: Counter[str] = Counter()
    sparse = ""
    for tensor in tensors:
        own = f"{sparse} indices" if tensor.holder is Holder.SPARSE_INDICES else _own_name(tensor)
        sparse = tensor.name if tensor.holder is Holder.SPARSE_VALUES else ""
        name = f"{tensor.scope}:{own}"
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name}#{seen[name]}"


def _own_name(tensor: StoredTensor) -> str:
    node = tensor.node_proto
    if node is None:
        return tensor.name
    # Exporters may leave out the names of nodes; the names of values are unique in a graph.
    return node.name or next(iter(node.output), "") or node.op_type
