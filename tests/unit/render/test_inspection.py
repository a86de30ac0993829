"""What the report of `inspect` says, whatever it is written as."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from onnxtool.analysis.inspection import inspect
from onnxtool.render.document import Document, Facts, Heading, Paragraph, Share, Table, Tone
from onnxtool.render.inspection import document
from onnxtool.render.inspection.limits import BRIEF
from tests.support.models import WORDS_TDT, model, write

RELU = "g (float[1] x) => (float[1] y) { y = Relu(x) }"
JOINT, STREAMING = WORDS_TDT / "joint.onnx", WORDS_TDT / "encoder_streaming.onnx"


def report(
    path: Path,
    at: Mapping[str, int] | None = None,
    *,
    depth: int = 1,
    hash: bool = False,
    show_all: bool = False,
) -> Document:
    return document(inspect(path, at=at, hash=hash), depth=depth, show_all=show_all)


def headings(blocks: Document) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Heading)]


def section(blocks: Document, title: str) -> Document:
    """The blocks under a heading, up to the next."""
    start = headings(blocks).index(title)
    places = [i for i, block in enumerate(blocks) if isinstance(block, Heading)]
    end = places[start + 1] if start + 1 < len(places) else len(blocks)
    return blocks[places[start] : end]


def facts(blocks: Document) -> dict[str, str]:
    return {k: v for block in blocks if isinstance(block, Facts) for k, v in block.rows}


def table(blocks: Document) -> Table:
    (found,) = (block for block in blocks if isinstance(block, Table))
    return found


def note(blocks: Document) -> str:
    assert isinstance(blocks[0], Heading)
    return blocks[0].note


# --- A graph -------------------------------------------------------------------------------------


def test_a_graph_has_its_sections_in_order() -> None:
    assert headings(report(STREAMING, {"time": 57})) == [
        str(STREAMING),
        "Interface",
        "Dynamic sizes",
        "States",
        "Operators",
        "Weights",
        "Cost",
        "Modules",
    ]


def test_a_plain_graph_has_no_empty_sections(tmp_path: Path) -> None:
    blocks = report(write(tmp_path / "m.onnx", model(RELU.replace("1", "?"))))
    assert headings(blocks)[1:] == ["Interface", "Operators", "Weights"]
    header = facts(blocks)
    assert (header["family"], header["producer"], header["bytes"]) == ("unknown", "unknown", "none")


def test_the_header_has_versions_size_and_hash() -> None:
    blocks = report(JOINT, hash=True)
    header = facts(blocks)
    assert note(blocks) == "joint · Parakeet-TDT joint"
    assert header["format"] == "IR 8 · opset ai.onnx 18"
    assert header["producer"] == "pytorch 2.13.0"
    assert header["graph file"] == "90.1 KiB (92,241 bytes)"
    assert len(header["SHA-256"]) == 64
    assert "SHA-256" not in facts(report(JOINT))


def external(folder: Path, *, size_bytes: int) -> Path:
    proto = model(RELU)
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [0], [])
    tensor.dims[0] = 2
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    proto.graph.initializer.append(tensor)
    (folder / "w.bin").write_bytes(bytes(size_bytes))
    return write(folder / "m.onnx", proto)


def test_two_hashes_where_weights_are_outside_the_file(tmp_path: Path) -> None:
    header = facts(report(external(tmp_path, size_bytes=8), hash=True))
    assert header["SHA-256"].endswith(" (covers none of 1 weight file)")
    assert len(header["with weights"]) == 64
    assert header["with weights"] != header["SHA-256"][:64]


def test_no_hash_with_weights_where_they_cannot_be_read(tmp_path: Path) -> None:
    header = facts(report(external(tmp_path, size_bytes=7), hash=True))
    assert header["with weights"] == "not all files can be read"


def test_external_data_lists_what_is_wrong(tmp_path: Path) -> None:
    blocks = section(report(external(tmp_path, size_bytes=7)), "External data")
    assert facts(blocks) == {"files": "1 file, 7 B, 1 tensor", "short": "1: w.bin"}


def test_long_metadata_are_cut(tmp_path: Path) -> None:
    proto = model(RELU)
    proto.metadata_props.add(key="vocab", value="x" * 100_000)
    path = write(tmp_path / "m.onnx", proto)
    value = facts(report(path))["metadata vocab"]
    assert value == "x" * (BRIEF.characters or 0) + "… (100,000 characters)"
    assert facts(report(path, show_all=True))["metadata vocab"] == "x" * 100_000


def test_long_lists_are_cut_unless_all_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", model(RELU))
    names = [f"stray{number}.bin" for number in range(9)]
    for name in names:
        (tmp_path / name).write_text("x")
    assert facts(report(tmp_path))["orphans"].endswith(" … and 4 more")
    assert facts(report(path.parent, show_all=True))["orphans"] == ", ".join(names)


def test_the_interface_tells_states_and_unknown_axes() -> None:
    rows = {row[1]: row for row in table(section(report(STREAMING), "Interface")).rows}
    assert rows["audio_signal"] == (
        "input",
        "audio_signal",
        "float32",
        "[batch, 80, time]",
        "0: batch, 2: time",
    )
    assert rows["cache_last_time"][0] == "input state"
    assert rows["cache_last_channel_out"][3:] == ("[batch, 4, ?, 96]", "0: batch, 2: ?")


def test_modules_of_a_level_are_shown_largest_first() -> None:
    blocks = section(report(WORDS_TDT / "encoder.onnx", {"time": 100}), "Modules")
    shares = [row[-1].fraction for row in table(blocks).rows if isinstance(row[-1], Share)]
    assert shares == sorted(shares, reverse=True)
    assert len(shares) > 3


def test_the_interface_tells_what_a_sequence_holds(tmp_path: Path) -> None:
    text = """g (seq(float[N, 80]) s, optional(int64[2]) o, seq(float[]) u) => (float[1] y) {
        y = custom.Magic(s, o, u)
    }"""
    rows = table(section(report(write(tmp_path / "m.onnx", model(text))), "Interface")).rows
    assert [row[2:] for row in rows[:3]] == [
        ("sequence(float32)", "of [N, 80]", "none"),
        ("optional(int64)", "of [2]", "none"),
        ("sequence(float32)", "[…]", "rank unknown"),
    ]


def test_inputs_that_may_be_left_out_are_named(tmp_path: Path) -> None:
    proto = model("g (float[1] x, float[1] w) => (float[1] y) { y = Add(x, w) }")
    proto.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=[1], float_data=[1.0])
    blocks = section(report(write(tmp_path / "m.onnx", proto)), "Interface")
    assert [row[1] for row in table(blocks).rows] == ["x", "y"]
    assert facts(blocks) == {"with a default, in an initializer": "1 input: w"}


def test_states_have_their_kind_and_size() -> None:
    rows = table(section(report(STREAMING), "States")).rows
    assert rows[0] == (
        "cache_last_channel",
        "cache_last_channel_out",
        "fixed",
        "float32",
        "[batch, 4, 256, 96]",
        "384.0 KiB",
    )


def test_a_state_has_its_remark_beside_its_kind(tmp_path: Path) -> None:
    text = """g (float[N, 8] x, float[2, N, 8] h, float[2, 1, 8] c)
        => (float[N, 8] y, float[2, N, 8] h_out, float[2, 1, 8] c_out) {
            y = Relu(x) h_out = Relu(h) c_out = Relu(c)
        }"""
    rows = table(section(report(write(tmp_path / "m.onnx", model(text))), "States")).rows
    assert [row[2] for row in rows] == ["fixed", "fixed (batch 1 only)"]


def test_operators_are_listed_whole() -> None:
    blocks = section(report(JOINT), "Operators")
    (paragraph,) = (block for block in blocks if isinstance(block, Paragraph))
    assert note(blocks) == "14 nodes"
    assert paragraph.text == "Add 4 · MatMul 3 · Transpose 2 · Constant 2 · Unsqueeze 2 · Relu 1"


def test_subgraphs_and_functions_are_counted(tmp_path: Path) -> None:
    text = """g (bool c, float[1] x) => (float[1] y) {
        a = local.f(x)
        y = If (c) <then_branch = t () => (float[1] o) { o = Abs(a) },
                    else_branch = e () => (float[1] p) { p = Neg(a) }>
    }
    <domain: "local", opset_import: ["": 21]> f (a) => (b) { b = custom.Abs(a) }"""
    blocks = section(report(write(tmp_path / "m.onnx", model(text))), "Operators")
    assert note(blocks) == "5 nodes, 2 subgraphs, 1 function"
    assert facts(blocks) == {"functions": "local::f", "custom domains": "custom"}


def test_weights_tell_parameters_from_attributes_and_duplicates(tmp_path: Path) -> None:
    proto = model("g () => (int64[2] y) { y = Constant<value = int64[2] {1, 2}>() }")
    for name in "ab":
        tensor = proto.graph.initializer.add(name=name, data_type=TensorProto.FLOAT, dims=[512])
        tensor.raw_data = bytes(2048)
    found = facts(section(report(write(tmp_path / "m.onnx", proto)), "Weights"))
    assert found == {
        "parameters": "1,024 in 2 initializers",
        "bytes": "float32 4.00 KiB",
        "in node attributes": "1 tensor: int64 16 B",
        "stored twice": "2.00 KiB in 1 group: a = b",
    }


# --- Cost ----------------------------------------------------------------------------------------


def test_the_cost_says_at_which_sizes() -> None:
    blocks = section(report(WORDS_TDT / "encoder.onnx", {"time": 1000}), "Cost")
    found = facts(blocks)
    assert note(blocks) == "of one run at time=1000"
    assert found["assumed"] == "batch=1, length=1000"
    assert found["MACs"] == "171.0 M (171,047,136)"
    assert found["outputs"] == "encoder_output [1, 96, 125] · encoded_lengths [1]"
    assert found["peak activations"].startswith("about ")


def test_shares_of_the_macs_add_up() -> None:
    rows = table(section(report(WORDS_TDT / "encoder.onnx", {"time": 1000}), "Cost")).rows
    shares = [row[2] for row in rows]
    assert sum(share.fraction for share in shares if isinstance(share, Share)) == pytest.approx(1)
    assert [row[0] for row in rows] == ["MatMul", "Conv"]


def test_a_symbol_with_two_sizes_is_told() -> None:
    blocks = section(report(WORDS_TDT / "encoder.onnx", {"time": 1000}), "Cost")
    (paragraph,) = (block for block in blocks if isinstance(block, Paragraph))
    assert paragraph.text == (
        "One symbol, several sizes: time is 1000 at audio_signal:2, 125 at encoder_output:2."
    )
    assert paragraph.tone is Tone.BAD


def test_a_graph_of_fixed_sizes_has_a_cost_too(tmp_path: Path) -> None:
    blocks = section(report(write(tmp_path / "m.onnx", model(RELU)), {}), "Cost")
    assert note(blocks) == "of one run at the sizes of the graph"
    assert facts(blocks)["MACs"] == "0 (0)"


def test_what_is_not_resolved_is_named(tmp_path: Path) -> None:
    text = """g (float[6] x, float[1,4] w) => (float[] y) {
        k = NonZero(x) t = Transpose(k) f = Cast<to = 1>(t) ["/head/MatMul"] y = MatMul(f, w)
    }"""
    blocks = report(write(tmp_path / "m.onnx", model(text)), {})
    gaps = section(blocks, "Not resolved")
    assert note(gaps) == "1 node, not in the total"
    assert table(gaps).rows == (("/head/MatMul", "MatMul", "shape depends on data"),)
    assert facts(section(blocks, "Cost"))["MACs"] == "unknown"
    assert facts(section(blocks, "Cost"))["not in the peak"] == "4 values of unknown size"


def test_a_total_that_lacks_nodes_is_the_least(tmp_path: Path) -> None:
    text = """g (float[2,3] x, float[3,4] w) => (float[] y) {
        a = MatMul(x, w) y = custom.Magic(a)
    }"""
    found = facts(section(report(write(tmp_path / "m.onnx", model(text))), "Cost"))
    assert found["MACs"] == "≥ 24 (24)"


def test_an_output_that_is_not_as_declared_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", model("g (float[T] x) => (float[5] y) { y = Relu(x) }"))
    blocks = section(report(path, {"T": 8}), "Cost")
    (paragraph,) = (block for block in blocks if isinstance(block, Paragraph))
    assert paragraph.text == (
        "Output that is not as declared: y comes out as [8], and the graph says [5]."
    )
    assert paragraph.tone is Tone.BAD


def test_inputs_that_do_not_fit_are_told(tmp_path: Path) -> None:
    text = "g (float[T, 4] x, float[7, 4] table) => (float[] y) { [a] y = Add(x, table) }"
    blocks = section(report(write(tmp_path / "m.onnx", model(text)), {"T": 8}), "Not executable")
    assert table(blocks).rows == (("a", "Add", "[8, 4], [7, 4]"),)
    assert table(blocks).tone is Tone.BAD


# --- Modules -------------------------------------------------------------------------------------


def test_modules_are_indented_to_the_depth_asked_for() -> None:
    encoder = WORDS_TDT / "encoder.onnx"
    assert "Modules" not in headings(report(encoder, depth=0))
    shallow = [row[0] for row in table(section(report(encoder, depth=1), "Modules")).rows]
    deep = [row[0] for row in table(section(report(encoder, depth=2), "Modules")).rows]
    assert shallow[0] == "layers.0"
    assert "layers.0" in shallow
    assert not any(str(name).startswith(" ") for name in shallow)
    assert "  self_attn" in deep
    assert [name for name in deep if not str(name).startswith(" ")] == shallow


def test_modules_show_macs_if_there_are_any() -> None:
    encoder = WORDS_TDT / "encoder.onnx"
    without = section(report(encoder), "Modules")
    with_macs = section(report(encoder, {"time": 100}), "Modules")
    assert note(without) == "share of the weight bytes, largest first"
    assert note(with_macs) == "share of the MACs, largest first"
    assert table(without).columns == ("module", "nodes", "parameters", "bytes", "share")
    assert table(with_macs).columns == ("module", "nodes", "parameters", "bytes", "MACs", "share")


def test_modules_end_with_what_none_of_them_has(tmp_path: Path) -> None:
    text = """g (float[2,2] x) => (float[2,2] y) <float[2,2] w = {1, 2, 3, 4}> {
        ["/a/MatMul"] h = MatMul(x, w) ["/b/MatMul"] y = MatMul(h, w)
    }"""
    path = write(tmp_path / "m.onnx", model(text))
    rows = [row[:4] for row in table(section(report(path), "Modules")).rows]
    assert rows == [
        ("a", "1", "0", "0 B"),
        ("b", "1", "0", "0 B"),
        ("(elsewhere)", "0", "4", "16 B"),
    ]


def test_modules_end_with_nothing_else_where_they_are_the_whole(tmp_path: Path) -> None:
    text = 'g (float[2] x) => (float[2] y) { ["/a/Relu"] h = Relu(x) ["/b/Relu"] y = Relu(h) }'
    blocks = report(write(tmp_path / "m.onnx", model(text)))
    assert [row[0] for row in table(section(blocks, "Modules")).rows] == ["a", "b"]


# --- Damage, and folders -------------------------------------------------------------------------


def test_damage_is_a_table_of_its_own(tmp_path: Path) -> None:
    text = "g (float[1] x) => (float[1] y) { [a] y = Add(x, gone) }"
    blocks = section(report(write(tmp_path / "m.onnx", model(text))), "Damage")
    assert note(blocks) == "1 found"
    assert table(blocks).tone is Tone.BAD
    assert table(blocks).rows == (
        ("main:a", "reads `gone`, which nothing gives", "export the model again"),
    )


def test_a_folder_stands_before_its_graphs() -> None:
    blocks = report(WORDS_TDT)
    titles = headings(blocks)
    assert titles[:4] == [str(WORDS_TDT), "Wiring", "model_meta.json", "Files beside the graphs"]
    assert [title for title in titles if title.endswith(".onnx")] == [
        str(WORDS_TDT / name)
        for name in ("encoder.onnx", "encoder_streaming.onnx", "joint.onnx", "predictor.onnx")
    ]
    assert note(blocks) == "4 graphs"


def test_a_folder_lists_its_graphs_by_role() -> None:
    members = report(WORDS_TDT)[1]
    assert isinstance(members, Table)
    assert [row[:3] for row in members.rows] == [
        ("encoder.onnx", "encoder", "parakeet-tdt"),
        ("encoder_streaming.onnx", "streaming-encoder", "parakeet-tdt"),
        ("joint.onnx", "joint", "parakeet-tdt"),
        ("predictor.onnx", "predictor", "parakeet-tdt"),
    ]


def test_nested_metadata_have_dotted_names(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", model(RELU))
    (tmp_path / "model_meta.json").write_text(
        '{"a": {"b": {"c": 1}, "d": null}, "e": {}, "f": [true, "g"]}'
    )
    blocks = section(report(tmp_path), "model_meta.json")
    assert facts(blocks) == {"a.b.c": "1", "a.d": "null", "e": "{}", "f": '[true, "g"]'}


def test_files_beside_the_graphs_are_sorted_by_kind(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", model(RELU))
    for name in ("README.md", "a.wav", "b.wav", "stray.bin"):
        (tmp_path / name).write_text("x")
    (tmp_path / "vocab.txt").write_text("a 0\nb 1\n")
    found = facts(section(report(tmp_path), "Files beside the graphs"))
    assert found == {
        "vocabulary": "vocab.txt: 2 tokens, no blank token",
        "document": "README.md",
        "recording": "a.wav, b.wav",
        "orphans": "stray.bin",
    }


def test_what_cannot_be_read_in_a_folder_is_damage(tmp_path: Path) -> None:
    write(tmp_path / "m.onnx", model(RELU))
    (tmp_path / "broken.onnx").write_text("no model")
    rows = table(section(report(tmp_path), "Damage")).rows
    assert [row[0] for row in rows] == ["broken.onnx"]
