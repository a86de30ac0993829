"""What to feed, where nobody gives it: values that are made up."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from onnxtool.errors import UsageError
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
    for spec in needed:
        if "(" in spec.dtype:  # Of a sequence, an optional or a map: no file has them, either.
            raise UsageError(f"`{spec.name}` is of type {spec.dtype}: bench feeds tensors alone")
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
        hint = "ask for less" if spec.dynamic_axes else "its sizes are fixed in the graph"
        raise UsageError(f"`{spec.name}` would have {elements:,} elements", hint=hint)
