"""Which axis of a cache-aware encoder's tensors is the time: NeMo's order, and that of others."""

from __future__ import annotations

from collections.abc import Sequence

from onnxtool.model.tensors import Shape, TensorSpec

# NeMo: [B, layers, C, D] and [B, layers, D, K], earlier [layers, B, ...]; frames are [B, D, T].
CACHE_AXIS, CONV_AXIS, FRAMES_AXIS = 2, 3, 2


def own_axis(shape: Shape, other: Shape, usual: int) -> int:
    """The axis of a cache whose size the other cache lacks: batch, layers and width are of both.

    Where the sizes do not tell, as when two of them are equal, it is the usual one.
    """
    left = list(other)
    own: list[int] = []
    for axis, size in enumerate(shape):
        if size in left:
            left.remove(size)
        else:
            own.append(axis)
    return own[0] if len(own) == 1 else usual


def frames_axis(output: TensorSpec, shape: Sequence[int], length: int) -> int:
    """The axis of encoder frames that is the time: [B, D, T], or [B, T, D].

    It is the one that is not fixed; where that does not tell, the one as long as `length` says.

    Args:
        output: As declared.
        shape: As it came out.
        length: The frames that the graph says it gave.
    """
    dynamic = [axis for axis in output.dynamic_axes if axis > 0]
    if len(dynamic) == 1:
        return dynamic[0]
    return 1 if shape[1] == length != shape[FRAMES_AXIS] else FRAMES_AXIS
