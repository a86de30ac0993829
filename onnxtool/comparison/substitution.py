"""Whether a caller of one graph could call another instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec


def misfits(reference: Signature, candidate: Signature) -> tuple[str, ...]:
    """Why a caller of the reference could not call the candidate; empty if it could.

    1. An input or output is gone, or is there under another name only.
    2. The candidate asks for an input that the reference does not have.
    3. A dtype is another.
    4. The order is another: some runtimes feed and read by position.
    5. An axis that was dynamic has a fixed size, or a fixed size is another.

    More outputs than before are no misfit.
    """
    return (
        *_misfits("input", reference.inputs, candidate.inputs, may_add=False),
        *_misfits("output", reference.outputs, candidate.outputs, may_add=True),
    )


def _misfits(
    kind: str, before: Sequence[TensorSpec], after: Sequence[TensorSpec], *, may_add: bool
) -> Iterator[str]:
    there = {spec.name: spec for spec in after}
    known = {spec.name for spec in before}
    for spec in before:
        if spec.name not in there:
            yield f"{kind} `{spec.name}` is gone"
            continue
        yield from _changed(kind, spec, there[spec.name])
    yield from (
        f"{kind} `{spec.name}` is new" for spec in after if spec.name not in known and not may_add
    )
    shared = [spec.name for spec in before if spec.name in there]
    now = [spec.name for spec in after if spec.name in known]
    if shared != now:
        yield f"{kind}s are in another order: {', '.join(now)}"


def _changed(kind: str, before: TensorSpec, after: TensorSpec) -> Iterator[str]:
    if before.dtype != after.dtype:
        yield f"{kind} `{before.name}` is {after.dtype}, was {before.dtype}"
    if before.shape is None or after.shape is None:
        return
    if len(before.shape) != len(after.shape):
        yield f"{kind} `{before.name}` has {len(after.shape)} axes, had {len(before.shape)}"
        return
    for axis, (was, now) in enumerate(zip(before.shape, after.shape, strict=True)):
        if isinstance(now, int) and now != was and (kind == "input" or isinstance(was, int)):
            yield f"{kind} `{before.name}` axis {axis} is {now}, was {was or 'dynamic'}"
