from __future__ import annotations

from onnx import helper

from onnxtool.model.attributes import integer, integers, text

NODE = helper.make_node("Conv", [], [], group=2, strides=[3, 4], auto_pad="SAME_UPPER")


def test_reads_what_is_set() -> None:
    assert integer(NODE, "group", 1) == 2
    assert integers(NODE, "strides") == (3, 4)
    assert text(NODE, "auto_pad", "NOTSET") == "SAME_UPPER"


def test_falls_back_to_the_default() -> None:
    assert integer(NODE, "axis", 1) == 1
    assert integers(NODE, "pads") == ()
    assert text(NODE, "mode", "linear") == "linear"


def test_text_need_not_be_utf_8() -> None:
    node = helper.make_node("Conv", [], [])
    node.attribute.add(name="auto_pad", s=b"\xff", type=3)
    assert text(node, "auto_pad") == "\N{REPLACEMENT CHARACTER}"
