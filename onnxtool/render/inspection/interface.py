"""What a graph takes and gives: values, dynamic sizes, states."""

from __future__ import annotations

from collections.abc import Iterator

from onnxtool.model.signature import Signature
from onnxtool.model.tensors import TensorSpec, shape_text
from onnxtool.render.document import Align, Block, Facts, Heading, Table
from onnxtool.render.inspection.limits import Limits
from onnxtool.render.units import count, size

LEFT, RIGHT = Align.LEFT, Align.RIGHT


def interface(known: Signature, limits: Limits) -> Iterator[Block]:
    """Inputs and outputs."""
    yield Heading("Interface")
    yield _values(known)
    if known.defaulted:
        inputs = f"{count(len(known.defaulted), 'input')}: {limits.listed(known.defaulted)}"
        yield Facts((("with a default, in an initializer", inputs),))


def _values(known: Signature) -> Table:
    states = {p.input for p in known.states} | {p.output for p in known.states}
    rows = [
        (
            way + (" state" if spec.name in states else ""),
            spec.name,
            spec.dtype,
            _shape(spec),
            _axes(spec),
        )
        for way, specs in (("input", known.inputs), ("output", known.outputs))
        for spec in specs
    ]
    columns = ("", "name", "dtype", "shape", "dynamic axes")
    return Table(columns, tuple(rows), lesser=("dynamic axes",))


def _shape(spec: TensorSpec) -> str:
    if spec.element_shape is not None:
        return f"of {shape_text(spec.element_shape)}"
    return shape_text(spec.shape)


def _axes(spec: TensorSpec) -> str:
    if spec.element_shape is not None:
        return "none"
    if spec.shape is None:
        return "rank unknown"
    return ", ".join(f"{axis}: {name or '?'}" for axis, name in spec.dynamic_axes.items()) or "none"


def symbols(known: Signature) -> Iterator[Block]:
    """Dynamic sizes, and every axis that bears them."""
    if known.symbols:
        yield Heading("Dynamic sizes")
        yield Table(
            ("symbol", "axes that bear it"),
            tuple((symbol.name, ", ".join(symbol.axes)) for symbol in known.symbols),
        )


def states(known: Signature) -> Iterator[Block]:
    """What goes round from call to call, and what the host must keep."""
    if known.states:
        yield Heading("States", note="each output is the next call's input")
        rows = tuple(
            (
                pair.input,
                pair.output,
                pair.kind.value + (f" ({remark})" if (remark := pair.problem or pair.note) else ""),
                pair.dtype,
                shape_text(pair.shape),
                "unknown" if pair.zero_bytes is None else size(pair.zero_bytes),
            )
            for pair in known.states
        )
        columns = ("input", "from output", "kind", "dtype", "shape", "zero state")
        align = (LEFT, LEFT, LEFT, LEFT, LEFT, RIGHT)
        # The interface tells dtype and shape, too.
        yield Table(columns, rows, align, lesser=("dtype", "shape", "zero state"))
    if known.host_held:
        yield Heading("Held by the host", note="inputs that no output gives back")
        yield Facts(tuple((held.input, held.meaning) for held in known.host_held))
