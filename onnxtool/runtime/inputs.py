"""Inputs that a graph can run on: seeded, in the range of what each input means.

Random values alone are weak evidence, and for integers mostly out of range: token ids must be in
the vocabulary, lengths must not exceed the audio, caches start at zero, and the sample rate is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from onnxtool.errors import UsageError
from onnxtool.model.attributes import integer
from onnxtool.model.order import WITH_SUBGRAPHS, reads
from onnxtool.model.pairing import is_features, time_axis
from onnxtool.model.signature import Signature
from onnxtool.model.state_names import LENGTH_NAME
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView, Scope
from onnxtool.model.wiring import JOINTS

Array = np.ndarray[Any, np.dtype[Any]]

# Sizes of axes that nobody named. A second of speech is 100 feature frames, and a chunk about half
# of that; images and the like have fixed sizes.
TIME, OTHER = 64, 1
# What inputs hold that mean something else than data.
_MEANINGS = {"sr": 16_000, "sample_rate": 16_000, "offset": 0, "use_cache_branch": 0}
# What says which tokens there are. Any other number, or none at all, makes sums overflow.
_MASK = r"(?:.*[._])?(?:attention|padding|attn|att|input|token)_?mask"
# Of data: small enough that sums of products stay exact in float32, and in int32.
LARGEST = 1000
# Operators, and which of their inputs are places or sizes.
INDICES = {
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "Gather": (1,),
    "GatherElements": (1,),
    "GatherND": (1,),
    "OneHot": (0, 1),
    "Pad": (1,),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (3,),
    "ScatterElements": (1,),
    "ScatterND": (1,),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Trilu": (1,),
    "Unsqueeze": (1,),
}
# Of strings.
WORDS = ("", "a", "word", "two words", "ß")
# Operators that give other ids than they take, in about the same range.
_ARITHMETIC = frozenset(
    {"Add", "Clip", "Concat", "Max", "Min", "Mod", "Pad", "Slice", "Sub", "Where"}
)
# Operators that hand ids through unchanged.
_THROUGH = frozenset(
    {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
)


def feeds(
    model: ModelView,
    signature: Signature,
    sizes: Mapping[str, int],
    *,
    seed: int = 0,
    ragged: bool = False,
    narrow: bool = False,
) -> dict[str, Array]:
    """A value for each input.

    Args:
        model: The graph; what reads an integer input tells its range.
        signature: Its signature.
        sizes: By symbol, or by `input:axis`; batches that are not given are 1, states start
            empty, and the audio has `TIME` frames.
        seed: Of what is random.
        ragged: Whether the utterances of a batch differ in length; the first is the longest.
        narrow: Whether integers that may be indices are 0 and 1 only, which nearly all graphs take.

    Returns:
        Name -> value, in the type and shape that the input declares.

    Raises:
        UsageError: An input has a type that cannot be made up, no rank, or the name of another.
    """
    shapes = {spec.name: shape_at(spec, signature, sizes) for spec in signature.inputs}
    if len(shapes) < len(signature.inputs):
        raise UsageError(
            "two inputs have one name: no values can be made up for them",
            hint="give each a name of its own: ONNX Runtime refuses such a graph, too",
        )
    # Of audio, its length; of tokens, that of the ids.
    time = _frames(signature, shapes) or 1
    states = {pair.input for pair in signature.states}
    generator = np.random.default_rng(seed)
    values: dict[str, Array] = {}
    for spec in signature.inputs:
        shape, dtype = shapes[spec.name], numpy_type(spec)
        if spec.name in states:
            values[spec.name] = np.zeros(shape, dtype)
        elif spec.name in _MEANINGS:
            values[spec.name] = np.full(shape, _MEANINGS[spec.name], dtype)
        elif _is_length(spec):
            values[spec.name] = _lengths(shape, time, ragged=ragged).astype(dtype)
        elif re.fullmatch(_MASK, spec.name) and dtype.kind in "iu" and shape:
            values[spec.name] = _mask(shape, generator).astype(dtype)
        else:
            values[spec.name] = _random(
                model.roots[0], spec.name, shape, dtype, generator, narrow=narrow
            )
    return values


def _is_length(spec: TensorSpec) -> bool:
    named = re.fullmatch(LENGTH_NAME, spec.name) is not None
    return named and spec.dtype.startswith(("int", "uint")) and len(spec.shape or ()) < 2


def _lengths(shape: tuple[int, ...], time: int, *, ragged: bool) -> Array:
    """The length of each utterance; if ragged, from all of the time down to half of it."""
    lengths = np.full(shape, time)
    if ragged and lengths.size > 1:
        lengths -= np.arange(lengths.size) * (time // 2) // (lengths.size - 1)
    return lengths


def _mask(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """One for each token of a sentence, zero after its end; none is shorter than half."""
    length = shape[-1]
    valid = generator.integers((length + 1) // 2, length + 1, (*shape[:-1], 1))
    return np.arange(length) < valid


def shape_at(spec: TensorSpec, signature: Signature, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of an input at these sizes.

    Raises:
        UsageError: It has no rank, or is no tensor.
    """
    if "(" in spec.dtype:
        raise UsageError(f"`{spec.name}` is a {spec.dtype}: no value can be made up for it")
    if spec.shape is None:
        raise UsageError(f"`{spec.name}` has no rank: no value can be made up for it")
    return tuple(
        size
        if isinstance(size, int)
        else sizes.get(spec.axis_name(axis), _usual(spec, axis, signature))
        for axis, size in enumerate(spec.shape)
    )


def _usual(spec: TensorSpec, axis: int, signature: Signature) -> int:
    if signature.is_batch_axis(spec, axis):
        return 1
    if any(pair.input == spec.name for pair in signature.states):
        return 0
    is_audio = is_features(spec, rank=3)
    return TIME if is_audio and signature.role not in JOINTS else OTHER


def _frames(signature: Signature, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """The length of the audio; 0 for a graph that takes none.

    In windows of one size, it is the last axis of NeMo's features. Of others nobody knows which it
    is: the shortest is too long for none.
    """
    if found := time_axis(signature.free_inputs):
        spec, axis = found
        return shapes[spec.name][axis]
    for spec in signature.free_inputs:
        if is_features(spec):
            sizes = shapes[spec.name][1:]
            return sizes[-1] if spec.name == "audio_signal" else min(sizes)
    return 0


def held_by_host(
    signature: Signature, values: Mapping[str, Array], *, call: int, trial: int
) -> dict[str, Array]:
    """Inputs that a host keeps count of, as they are at a later call, or in another trial.

    1. Which branch a merged decoder takes: the first at the first call, the other at all later
       ones; without states, they take turns.
    2. How much was consumed: as much more with every call as it has ids, or else one.
    3. The sample rate: 16 kHz, and 8 kHz in every other trial.
    """
    ids = next((v.shape[1] for v in values.values() if v.dtype.kind in "iu" and v.ndim == 2), 1)
    later = call if signature.states else trial
    held = {"use_cache_branch": later > 0, "offset": call * ids, "sr": (16_000, 8_000)[trial % 2]}
    return {
        name: np.full_like(values[name], value) for name, value in held.items() if name in values
    }


def _random(
    scope: Scope,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    generator: np.random.Generator,
    *,
    narrow: bool,
) -> Array:
    if dtype.kind == "O":
        return generator.choice(np.array(WORDS, object), shape)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        low, high = _range(scope, name, dtype, narrow=narrow)
        return generator.integers(low, high, shape).astype(dtype)
    return generator.standard_normal(shape).astype(dtype)


def id_limit(model: ModelView, name: str) -> int | None:
    """How many ids there are, judged by the table that an integer input looks up in; or None."""
    return _table_size(model.roots[0], name)


def _range(scope: Scope, name: str, dtype: np.dtype[Any], *, narrow: bool) -> tuple[int, int]:
    """From where, and up to but without where, an integer input makes sense.

    1. What looks up in a table of known size has as many values.
    2. What may become an index or a size has as many values as a table that it reaches through
       arithmetic; without one, or if that is too many, it is 0 or 1.
    3. Anything else is data, of both signs, in the range of its type.
    """
    size = _table_size(scope, name)
    if size is not None:
        return 0, size
    if _may_be_an_index(scope, name):
        table = None if narrow else _table_size(scope, name, through=_THROUGH | _ARITHMETIC)
        return 0, table or 2
    limits = np.iinfo(dtype)
    return max(int(limits.min), -LARGEST), min(int(limits.max), LARGEST) + 1


def _may_be_an_index(scope: Scope, name: str) -> bool:
    """Whether anything made from a value reaches an operator that takes it for a place or a size.

    A node with a subgraph may hide one.
    """
    known = {name}
    for node in scope.nodes:
        if known.isdisjoint(node.input) and node.op_type not in WITH_SUBGRAPHS:
            continue
        places = INDICES.get(node.op_type, ())
        if any(i < len(node.input) and node.input[i] in known for i in places):
            return True
        if node.op_type in WITH_SUBGRAPHS and not known.isdisjoint(reads(node)):
            return True
        known.update(node.output)
    return False


def _table_size(scope: Scope, name: str, through: frozenset[str] = _THROUGH) -> int | None:
    """Follow a value to the first `Gather` that uses it as its index into a stored table."""
    tables = {tensor.name: tensor for tensor in scope.initializers}
    known = {name}
    for node in scope.nodes:
        if node.op_type == "Gather" and len(node.input) == 2 and node.input[1] in known:
            table = tables.get(node.input[0])
            if table is not None and table.dims:
                return int(table.dims[integer(node, "axis") % len(table.dims)])
        if node.op_type in through and not known.isdisjoint(node.input):
            known.update(node.output)
    return None


def numpy_type(spec: TensorSpec) -> np.dtype[Any]:
    """The element type for NumPy.

    Raises:
        UsageError: It has none.
    """
    try:
        if spec.dtype == "string":
            return np.dtype(object)
        # ONNX writes float8e4m3fn, and ml_dtypes float8_e4m3fn.
        name = spec.dtype.replace("float8e", "float8_e")
        return np.dtype(getattr(ml_dtypes, name, spec.dtype))
    except TypeError:
        raise UsageError(f"`{spec.name}` is a {spec.dtype}: no value can be made up") from None
