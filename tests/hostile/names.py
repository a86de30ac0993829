"""Sound models whose names attack the terminal, the markup or the reader's patience."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from onnx import ModelProto, TensorProto, helper

from .case import Case, damaged, fine, refused
from .models import WEIGHT_BYTES, parse, referring, small, weight, with_initializers, write

# Stands in for invalid UTF-8 until the model is bytes: protobuf refuses to write such names.
_PLACE, _INVALID = "\N{SNOWMAN}" * 2, b"a\xff\xfe\xed\xa0\x80"


def ansi_colour(folder: Path) -> Case:
    """Names that would colour the terminal and clear it."""
    return _everywhere(folder, "\x1b[31mred\x1b[0m\x1b[2J")


def terminal_title(folder: Path) -> Case:
    """Names that would rename the window and put a link on it."""
    return _everywhere(folder, "\x1b]0;owned\x07\x1b]8;;file:///etc\x1b\\here\x1b]8;;\x1b\\")


def c1_controls(folder: Path) -> Case:
    """Names with the one-character forms of escape sequences."""
    return _everywhere(folder, "\x9b31mred\x85\x9d0;owned\x9c")


def line_breaks(folder: Path) -> Case:
    """Names that would add lines to the report."""
    return _everywhere(folder, "a\nDamage: none\r\nerror: b\v\f\u2028\u2029c")


def carriage_return(folder: Path) -> Case:
    """Names that would write over what is on their line."""
    return _everywhere(folder, "virus\rsound\b\b\b\b\b\x7f")


def nul_and_tab(folder: Path) -> Case:
    """Names that C cuts, and that leave their column."""
    return _everywhere(folder, "a\0b\tc")


def right_to_left(folder: Path) -> Case:
    """Names that would be shown in another order than they are."""
    return _everywhere(folder, "\u202egnp.\u2066exe\u2069\u200f\u202c")


def markup(folder: Path) -> Case:
    """Names that rich takes for markup."""
    return _everywhere(folder, "[bold red]x[/]", "[bold red]x[/]")


def markup_unbalanced(folder: Path) -> Case:
    """Names on which rich gives up: markup that closes what was never opened."""
    return _everywhere(folder, "[/nope]", "[/nope]")


def markup_link(folder: Path) -> Case:
    """Names that rich takes for a link and an emoji."""
    text = "[link=file:///etc/passwd]:bomb:[/link]"
    return _everywhere(folder, text, text)


def format_fields(folder: Path) -> Case:
    """Names that are templates, to whoever formats twice."""
    return _everywhere(folder, "{0.__class__}%s%n${HOME}`id`", "{0.__class__}")


def html_tags(folder: Path) -> Case:
    """Names that are a script, to whoever puts them on a page."""
    return _everywhere(folder, "</td><script>alert(1)</script>")


def empty_names(folder: Path) -> Case:
    """Nodes without names, which ONNX allows and most exporters of old did."""
    text = "g (float[4] x) => (float[4] y) { h = Relu(x) y = Neg(h) }"
    return fine(write(folder / "model.onnx", parse(text)), folder)


def ten_thousand_characters(folder: Path) -> Case:
    """Names longer than any page."""
    return _everywhere(folder, "n" * 10_000)


def slashes(folder: Path) -> Case:
    """Names on which a pattern with two wildcards takes the square of their length."""
    return _everywhere(folder, "/" * 400_000)


def capitals(folder: Path) -> Case:
    """A symbol that repeats its input's name, on which backtracking takes a square as well."""
    model = ModelProto.FromString(small())
    name = "A" * 400_000
    model.graph.input[0].name = model.graph.node[0].input[0] = name
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = name * 2
    return fine(write(folder / "model.onnx", model.SerializeToString()), folder)


def external_file_of_odd_name(folder: Path) -> Case:
    """Weights in a file whose name has control characters, and that is there."""
    name = "w\x1b[31m\n[/nope]\u202e.bin"
    write(folder / name, bytes(WEIGHT_BYTES))
    content = with_initializers(referring({"location": name})).SerializeToString()
    return fine(write(folder / "model.onnx", content), folder)


def external_file_of_odd_name_missing(folder: Path) -> Case:
    """The same, and it is not there."""
    name = "w\x1b[31m\n[/nope]\u202e.bin"
    content = with_initializers(referring({"location": name})).SerializeToString()
    return damaged(write(folder / "model.onnx", content), folder, "missing")


def file_name_with_controls(folder: Path) -> Case:
    """A model in a file whose own name attacks the terminal."""
    return fine(write(folder / "m\x1b[31m\n[/nope]\u202e.onnx", small()), folder)


def file_name_not_utf8(folder: Path) -> Case:
    """A model in a file whose name is from before UTF-8."""
    path = folder / os.fsdecode(b"mod\xe8le.onnx")
    if sys.platform == "darwin":
        return fine(path, folder, skip="file names are UTF-8 here")
    return fine(write(path, small()), folder)


def utf8_invalid_in_input(folder: Path) -> Case:
    """An input's name that is not UTF-8, and that protobuf hands out as bytes."""
    model = ModelProto.FromString(small())
    model.graph.input[0].name = model.graph.node[0].input[0] = _PLACE
    return _invalid_model(folder, model)


def utf8_invalid_in_node(folder: Path) -> Case:
    """A node's name that is not UTF-8."""
    model = ModelProto.FromString(small())
    model.graph.node[0].name = _PLACE
    return _invalid_model(folder, model)


def utf8_invalid_in_operator(folder: Path) -> Case:
    """An operator's name and domain that are not UTF-8."""
    model = ModelProto.FromString(small())
    model.graph.node[0].op_type = model.graph.node[0].domain = _PLACE
    model.opset_import.add(domain=_PLACE, version=1)
    return _invalid_model(folder, model)


def utf8_invalid_in_initializer(folder: Path) -> Case:
    """A weight's name that is not UTF-8."""
    model = with_initializers(weight((100,), bytes(WEIGHT_BYTES), name=_PLACE))
    model.graph.node[0].input[1] = _PLACE
    return _invalid_model(folder, model)


def utf8_invalid_in_location(folder: Path) -> Case:
    """A name of a file of weights that is not UTF-8."""
    return _invalid_model(folder, with_initializers(referring({"location": _PLACE})))


def utf8_invalid_in_offset(folder: Path) -> Case:
    """An offset that is not even text."""
    reference = referring({"location": "w.bin", "offset": _PLACE})
    write(folder / "w.bin", bytes(WEIGHT_BYTES))
    return _invalid_model(folder, with_initializers(reference))


def utf8_invalid_in_symbol(folder: Path) -> Case:
    """A dynamic axis whose name is not UTF-8."""
    model = ModelProto.FromString(small())
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = _PLACE
    return _invalid_model(folder, model)


def utf8_invalid_in_metadata(folder: Path) -> Case:
    """A producer, a description and metadata that are not UTF-8."""
    model = ModelProto.FromString(small())
    model.producer_name = model.doc_string = model.graph.name = _PLACE
    helper.set_model_props(model, {_PLACE: _PLACE})
    return _invalid_model(folder, model)


def _everywhere(folder: Path, text: str, *says: str) -> Case:
    """A sound model with `text` wherever a name can be."""
    value = text + "'"
    node = helper.make_node(text, [text, "w" + text], [value], name=text, domain=text)
    node.doc_string = text
    graph = helper.make_graph(
        [node],
        text,
        [helper.make_tensor_value_info(text, TensorProto.FLOAT, [text, 100], text)],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [text, 100], text)],
        [weight((100,), bytes(WEIGHT_BYTES), name="w" + text)],
        doc_string=text,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(text, 1)]
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=8, producer_name=text, producer_version=text
    )
    model.domain = model.doc_string = text
    helper.set_model_props(model, {text: text})
    return fine(write(folder / "model.onnx", model.SerializeToString()), folder, *says)


def _invalid_model(folder: Path, model: ModelProto) -> Case:
    place = _PLACE.encode()
    assert len(place) == len(_INVALID), "the lengths around the name must stay true"
    content = model.SerializeToString().replace(place, _INVALID)
    return refused(write(folder / "model.onnx", content), folder, "utf-8")
