"""The stored tensors of a model: how many parameters, how many bytes, what is there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from onnxtool.model.duplicates import Duplicate, find_duplicates
from onnxtool.model.external import ExternalFile
from onnxtool.model.frozen import FrozenDict
from onnxtool.model.stored_tensors import Holder, StoredTensor
from onnxtool.model.view import ModelView


@dataclass(frozen=True, slots=True)
class Weights:
    """What a model stores.

    Attributes:
        initializers: Number of initializers, sparse ones included, in all scopes.
        parameters: Elements of all initializers.
        bytes_by_dtype: Their bytes, by element type, most first.
        attribute_tensors: Number of tensors in node attributes, such as `Constant`.
        attribute_bytes_by_dtype: Their bytes, by element type, most first.
        duplicates: Large tensors that are stored more than once.
    """

    initializers: int
    parameters: int
    bytes_by_dtype: Mapping[str, int]
    attribute_tensors: int
    attribute_bytes_by_dtype: Mapping[str, int]
    duplicates: tuple[Duplicate, ...]

    @property
    def wasted_bytes(self) -> int:
        """What storing every duplicate once would save."""
        return sum((len(d.names) - 1) * d.size_bytes for d in self.duplicates)


def weigh(model: ModelView, files: Iterable[ExternalFile]) -> Weights:
    """Count a model's stored tensors; only possible duplicates are read, in pieces."""
    attributes = [t for t in model.tensors if t.holder is Holder.ATTRIBUTE]
    initializers = [t for t in model.tensors if t.holder is not Holder.ATTRIBUTE]
    # A sparse tensor's indices say where its parameters are; they are none themselves.
    values = [t for t in initializers if t.holder is not Holder.SPARSE_INDICES]
    return Weights(
        initializers=len(values),
        parameters=sum(tensor.elements for tensor in values),
        bytes_by_dtype=_bytes_by_dtype(initializers),
        attribute_tensors=len(attributes),
        attribute_bytes_by_dtype=_bytes_by_dtype(attributes),
        duplicates=find_duplicates(model, files),
    )


def _bytes_by_dtype(tensors: Iterable[StoredTensor]) -> FrozenDict[str, int]:
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[tensor.dtype.name] += tensor.size_bytes
    return FrozenDict(sizes.most_common())
