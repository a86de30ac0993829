"""What to feed: values that are made up, or that a file has."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from onnxtool.errors import UsageError
from onnxtool.model.pairing import is_batch_symbol
from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec
from onnxtool.model.view import ModelView
from onnxtool.runtime.inputs import feeds, shape_at

Array = np.ndarray[Any, np.dtype[Any]]
# Of one input: more than that is a mistake in a size rather than a question.
MAX_ELEMENTS = 1 << 27
WAY_OUT = "give its value with --inputs FILE.npz"


def made_up(
    view: ModelView,
    known: Signature,
    sizes: Mapping[str, int],
    seed: int,
    given: Collection[str] = (),
) -> dict[str, Array]:
    """A value for each input that is not given.

    Raises:
        UsageError: One cannot be made up, or would be too large.
    """
    # Given audio is made up as well: lengths are as long as it is.
    needed = tuple(s for s in known.inputs if s.name not in given or _is_audio(s))
    try:
        for spec in needed:
            _check_size(spec, shape_at(spec, known, sizes))
        return feeds(view, replace(known, inputs=needed), sizes, seed=seed)
    except UsageError as error:
        raise UsageError(str(error), hint=error.hint or WAY_OUT) from None


def _is_audio(spec: TensorSpec) -> bool:
    return "float" in spec.dtype and spec.shape is not None


def _check_size(spec: TensorSpec, shape: tuple[int, ...]) -> None:
    elements = math.prod(shape)
    if elements > MAX_ELEMENTS:
        raise UsageError(f"`{spec.name}` would have {elements:,} elements", hint="ask for less")


def given_values(path: Path, known: Signature) -> dict[str, Array]:
    """The values of a file, for inputs of this graph; none where the others are meant.

    Raises:
        UsageError: It is no such file.
    """
    names = {spec.name for spec in known.inputs}
    try:
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            # A file of one array has no names.
            held = arrays if isinstance(arrays, np.lib.npyio.NpzFile) else {}
            return {name: held[name] for name in names if name in held}
    except OSError as error:
        raise UsageError(f"--inputs {path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"--inputs {path}: no .npz file of arrays: {error}") from None


def check_named(path: Path, graphs: Sequence[Signature]) -> None:
    """Refuse a file that has a value for no input of any graph.

    Raises:
        UsageError: With what inputs there are.
    """
    if not any(given_values(path, known) for known in graphs):
        names = sorted({spec.name for known in graphs for spec in known.inputs})
        raise UsageError(
            f"--inputs {path}: no array is named like an input",
            hint=f"there is {', '.join(names) or 'no input'}",
        )


def sizes_of(values: Mapping[str, Array], known: Signature) -> dict[str, int]:
    """The sizes of dynamic axes that given values have."""
    return {
        spec.axis_name(axis): values[spec.name].shape[axis]
        for spec in known.inputs
        if spec.name in values
        for axis in spec.dynamic_axes
        if axis < values[spec.name].ndim
    }


def audio_axis(known: Signature) -> tuple[str, int] | None:
    """Input and axis of the length of the audio: of features [B, D, T] or [B, T, D]."""
    for spec in known.free_inputs:
        if "float" in spec.dtype and len(spec.shape or ()) == 3:
            axis = _time_axis(spec)
            if axis is not None:
                return spec.name, axis
    return None


def _time_axis(spec: TensorSpec) -> int | None:
    for axis, symbol in spec.dynamic_axes.items():
        if not is_batch_symbol(symbol) if symbol else axis > 0:
            return axis
    return None
