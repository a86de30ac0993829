from __future__ import annotations

import pytest

from onnxtool.model.families import FAMILIES, Family
from onnxtool.model.pairing import is_batch_symbol
from onnxtool.model.state_names import HOST_HELD
from onnxtool.model.states import StateKind, StatePair, host_inputs, pair_states
from tests.support.exports import EXPORTS, Export
from tests.support.models import interface

CANARY = next(family for family in FAMILIES if family.name == "canary")
NEMO = next(family for family in FAMILIES if family.name == "nemo")


def pairs(inputs: str, outputs: str, family: Family | None = None) -> tuple[StatePair, ...]:
    model = interface(inputs, outputs)
    return pair_states(model.inputs, model.outputs, family)


def names(inputs: str, outputs: str, family: Family | None = None) -> dict[str, str]:
    return {pair.input: pair.output for pair in pairs(inputs, outputs, family)}


# --- Which output feeds which input --------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("memory", "memory_out"),
        ("memory", "memory_next"),
        ("memory", "new_memory"),
        ("memory", "next_memory"),
        ("memory", "r_memory"),
        ("memory", "out_memory"),
        ("in_memory", "out_memory"),
        ("memory_in", "memory_out"),
        ("input_memory", "output_memory"),
        ("past_key_values.0.key", "present.0.key"),
        ("past_key", "present_key"),
        ("memory.1", "memory"),
        ("h", "hn"),
        ("state", "stateN"),
        ("cache_len", "cache_next_len"),
    ],
)
def test_names_that_exporters_give_to_states(source: str, target: str) -> None:
    inputs, outputs = f"x f32[1, 8]; {source} f32[1, 4]", f"y f32[1, 8]; {target} f32[1, 4]"
    (pair,) = pairs(inputs, outputs)
    assert (pair.input, pair.output, pair.found_by) == (source, target, "name")


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        pytest.param("x f32[1, 3, 64, 64]", "y f32[1, 3, 64, 64]", id="image to image"),
        pytest.param("input.1 f32[1, 3, 64, 64]", "495 f32[1, 3, 64, 64]", id="made up names"),
        pytest.param("0 f32[1, 3, H, W]; 1 f32[1, 3, H, W]", "2 f32[1, 3, H, W]", id="image pair"),
        pytest.param("x f32[1, 3, H, W]", "x_out f32[1, 3, H, W]", id="image renamed"),
        pytest.param(
            "x f32[1, 3, H, W]; m f32[1, 1, H, W]",
            "x_out f32[1, 3, H, W]; m_out f32[1, 1, H, W]",
            id="all renamed",
        ),
        pytest.param(
            "x f32[1, 3, H, W]; strength f32[1]",
            "x_out f32[1, 3, H, W]; score f32[1]",
            id="image of any size",
        ),
        pytest.param(
            "x f32[?, 3, ?, ?]; strength f32[1]",
            "x_out f32[?, 3, ?, ?]; score f32[1]",
            id="image of unknown size",
        ),
        pytest.param(
            "x f32[B, T, 80]; noise f32[B, T]",
            "y f32[B, T, 96]; noise_out f32[B, T]",
            id="as long as another input",
        ),
        pytest.param("x f32[1, 8]; mask f32[8]", "y f32[1, 8]; mask_out f32[8]", id="mask"),
        pytest.param(
            "x f32[1, 8]; pad_mask bool", "y f32[1, 8]; new_pad_mask bool", id="mask of any rank"
        ),
        pytest.param("x f32[1, 8]; image f32[8]", "y f32[1, 8]; image_out f32[8]", id="image"),
        pytest.param("x f32[1, 8]; length i64[1]", "y f32[1, 8]; length_out i64[1]", id="length"),
        pytest.param("x f32[1, 8]; x_lens i64[1]", "y f32[1, 8]; new_x_lens i64[1]", id="lens"),
        pytest.param("x f32[1, 8]; x_len.1 i64[1]", "y f32[1, 8]; x_len i64[1]", id="len.1"),
        pytest.param("x f32[1, 8]; mask f32[1]", "y f32[1]; new_mask f32[1, 8]", id="other rank"),
        pytest.param("x f32[1, 8]; mask f32[1]", "y f32[1, 8]; mask f32[1]", id="passed through"),
        pytest.param("x f32[1, 8]; 3 f32[4]", "y f32[1, 8]; 9 f32[4]", id="vector"),
        pytest.param("x f32[1, 8]; 3 f32[2, B]", "y f32[1, 8]; 9 f32[3, B]", id="other size"),
        pytest.param("x f32[1, 8]; 3 f32[2, 4]", "y f32[1, 8]; 9 f16[2, 4]", id="other type"),
        pytest.param("x f32[1, 8]; 3 f32[A, B]", "y f32[1, 8]; 9 f32[A, B]", id="no size at all"),
        pytest.param("x f32[1, 8]; 3 f32", "y f32[1, 8]; 9 f32[2, 4]", id="unknown rank in"),
        pytest.param("x f32[1, 8]; 3 f32[2, 4]", "y f32[1, 8]; 9 f32", id="unknown rank out"),
        pytest.param("3 f32[2, 4]", "y f32[1, 8]; 9 f32[2, 4]", id="nothing else in"),
        pytest.param("x f32[1, 8]; 3 f32[2, 4]", "9 f32[2, 4]", id="nothing else out"),
    ],
)
def test_what_is_no_state(inputs: str, outputs: str) -> None:
    assert names(inputs, outputs) == {}


@pytest.mark.parametrize("name", ["cache_len", "state_lens", "processed_lens"])
def test_length_of_a_state_is_a_state(name: str) -> None:
    assert names(f"x f32[1]; {name} i64[1]", f"y f32[1]; {name}_out i64[1]") == {
        name: f"{name}_out"
    }


@pytest.mark.parametrize(
    ("inside", "outside"),
    [("f32[2, 4]", "f32[2, 4]"), ("f32[1, 4]", "f32[B, 4]"), ("f32[B, 4]", "f32[1, 4]")],
)
def test_state_with_a_made_up_name_is_told_by_its_shape(inside: str, outside: str) -> None:
    assert names(f"x f32[1, 8]; 3 {inside}", f"y f32[1, 8]; 9 {outside}") == {"3": "9"}


@pytest.mark.parametrize("name", ["cache_mask", "state_image", "past_audio"])
def test_what_calls_itself_a_state_is_one(name: str) -> None:
    assert names(f"x f32[1, T]; {name} f32[1, T]", f"y f32[1]; new_{name} f32[1, T]") == {
        name: f"new_{name}"
    }


def test_state_of_the_past_is_one_though_it_has_two_dynamic_axes() -> None:
    inputs = "x i64[B, T]; past_key f32[B, heads, P, 64]"
    outputs = "y f32[B, T, V]; present_key f32[B, heads, Q, 64]"
    assert names(inputs, outputs) == {"past_key": "present_key"}


def test_states_without_a_word_for_it_keep_their_sizes() -> None:
    inputs, outputs = "x f32[B, T]; left f32[B, W]", "y f32[B, T]; left_out f32[B, W]"
    assert names(inputs, outputs) == {"left": "left_out"}


def test_family_knows_its_states_even_if_there_is_nothing_else() -> None:
    inputs, outputs = "cache_last_time f32[1, 4]", "cache_last_time_next f32[1, 4]"
    assert names(inputs, outputs, NEMO) == {"cache_last_time": "cache_last_time_next"}


def test_named_states_leave_nothing_for_those_with_made_up_names() -> None:
    inputs, outputs = "h f32[1, 4]; 3 f32[1, 4]", "h_out f32[1, 4]; 9 f32[1, 4]; y f32[1]"
    assert names(inputs, outputs) == {"h": "h_out"}


def test_states_with_made_up_names_are_paired_in_order_of_appearance() -> None:
    inputs = "x f32[1, 8]; onnx::LSTM_3 f32[2, 1, 4]; onnx::LSTM_4 f32[2, 1, 4]"
    outputs = "y f32[1, 8]; 74 f32[2, B, 4]; 75 f32[2, B, 4]"
    assert names(inputs, outputs) == {"onnx::LSTM_3": "74", "onnx::LSTM_4": "75"}
    assert {pair.found_by for pair in pairs(inputs, outputs)} == {"shape"}


def test_thousands_of_values_with_made_up_names_are_no_states() -> None:
    inputs = "".join(f"{number} f32[2, 4];" for number in range(5000))
    outputs = "".join(f"{number} f32[2, 5];" for number in range(5000, 10000))
    assert names(f"x f32[1]; {inputs}", f"y f32[1]; {outputs} 9 f32[2, 4]") == {}


def test_output_feeds_one_input_alone() -> None:
    inputs = "x f32[1, 8]; h f32[1, 4]; in_h f32[1, 4]"
    assert names(inputs, "y f32[1, 8]; out_h f32[1, 4]") == {"h": "out_h"}


def test_rule_of_the_family_is_tried_before_common_names() -> None:
    inputs = "audio_signal f32[1, 8]; cache_last_time f32[1, 4]"
    outputs = "cache_last_time_out f32[1, 4]; cache_last_time_next f32[1, 4]"
    family = next(each for each in FAMILIES if each.name == "nemo")
    (pair,) = pairs(inputs, outputs, family)
    assert (pair.output, pair.found_by) == ("cache_last_time_next", "family")


# Their names for a state going in and coming out follow no rule.
IRREGULAR = {"wenet ctc of sherpa", "canary decoder of sherpa", "canary decoder of onnx-asr"}


@pytest.mark.parametrize("export", [e for e in EXPORTS if e.name not in IRREGULAR], ids=str)
def test_common_names_and_shapes_find_the_states_of_nearly_all_families(export: Export) -> None:
    """And nothing else, so that a graph that is only like one of them is told as well."""
    expected = {**export.fixed, **export.growing}
    assert names(export.inputs, export.outputs) == expected


# --- Whether it can be fed back ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "outside", "kind"),
    [
        pytest.param("f32[B, 4]", "f32[B, 4]", StateKind.FIXED, id="same"),
        pytest.param("f32[1, 4]", "f32[B, 4]", StateKind.FIXED, id="size meets symbol"),
        pytest.param("f32[B, 4]", "f32[1, 4]", StateKind.FIXED, id="symbol meets size"),
        pytest.param("f32[B, 4]", "f32[?, 4]", StateKind.FIXED, id="symbol meets nothing"),
        pytest.param("f32[h_dim_0, 4]", "f32[h_out_dim_0, 4]", StateKind.FIXED, id="made up"),
        pytest.param("f32[B, P, 4]", "f32[B, Q, 4]", StateKind.GROWING, id="renamed axis"),
        pytest.param("f32[B, 0, 4]", "f32[B, P, 4]", StateKind.GROWING, id="empty at first"),
        pytest.param("f32[B, 0, 4]", "f32[B, ?, 4]", StateKind.GROWING, id="empty, then unknown"),
        pytest.param("f32[B, 0, 4]", "f32[B, 14, 4]", StateKind.GROWING, id="empty, then fixed"),
        pytest.param("f32[B, 0, 4]", "f32[B, 0, 4]", StateKind.FIXED, id="always empty"),
        pytest.param("f32[B, 4]", "f16[B, 4]", StateKind.MISMATCHED, id="type"),
        pytest.param("f32[B, 4]", "f32[B, 5]", StateKind.MISMATCHED, id="size"),
        pytest.param("f32[B, P, 4]", "f32[B, Q, 5]", StateKind.MISMATCHED, id="size and axis"),
    ],
)
def test_kind_of_state(inside: str, outside: str, kind: StateKind) -> None:
    (pair,) = pairs(f"x f32[1]; h {inside}", f"y f32[1]; h_out {outside}")
    assert pair.kind == kind
    assert bool(pair.problem) == (kind is StateKind.MISMATCHED)


@pytest.mark.parametrize(
    ("inside", "outside", "problem"),
    [
        ("f32[1, 4]", "i64[1, 4]", "float32 in, int64 out"),
        ("f32[1, 4]", "f32[1, 4, 1]", "2 axes in, 3 out"),
        ("f32[1, 4]", "f32[1, 8]", "axis 1: 4 in, 8 out"),
    ],
)
def test_mismatch_is_put_in_words(inside: str, outside: str, problem: str) -> None:
    (pair,) = pairs(
        f"x f32[1]; cache_last_time {inside}", f"y f32[1]; cache_last_time_next {outside}", NEMO
    )
    assert (pair.kind, pair.problem) == (StateKind.MISMATCHED, problem)


@pytest.mark.parametrize(
    ("inside", "outside", "kind"),
    [
        ("f32[6, B, past, 8]", "f32[6, B, total, 8]", StateKind.GROWING),
        ("f32[6, B, past, 8]", "f32[6, B, ?, 8]", StateKind.GROWING),
        ("f32[6, B, ?, 8]", "f32[6, B, ?, 8]", StateKind.GROWING),
        ("f32[6, B, 10, 8]", "f32[6, B, 10, 8]", StateKind.FIXED),
        ("f32[6, B, 10, 8]", "f32[6, B, ?, 8]", StateKind.FIXED),
        ("f32[6, B, S, 8]", "f32[6, B, S, 8]", StateKind.FIXED),
    ],
)
def test_unknown_axis_grows_in_a_family_that_grows(
    inside: str, outside: str, kind: StateKind
) -> None:
    inputs, outputs = f"decoder_mems {inside}", f"decoder_hidden_states {outside}"
    assert [pair.kind for pair in pairs(inputs, outputs, CANARY)] == [kind]


@pytest.mark.parametrize(
    ("inside", "outside"), [("f32", "f32[1, 4]"), ("f32[1, 4]", "f32"), ("f32", "f32")]
)
def test_unknown_rank_is_no_mismatch(inside: str, outside: str) -> None:
    (pair,) = pairs(f"x f32[1]; cache_last_time {inside}", f"cache_last_time_next {outside}", NEMO)
    assert (pair.kind, pair.problem) == (StateKind.FIXED, "")


@pytest.mark.parametrize(
    ("first", "second", "notes"),
    [
        pytest.param("[2, B, 8]", "[2, 1, 8]", ["", "batch 1 only"], id="the second"),
        pytest.param("[2, 1, 8]", "[2, ?, 8]", ["batch 1 only", ""], id="the first"),
        pytest.param("[2, 1, 8]", "[2, 1, 8]", ["", ""], id="both"),
        pytest.param("[2, B, 8]", "[2, B, 8]", ["", ""], id="neither"),
        pytest.param("[2, B, 8]", "[2, 1, 9]", ["", ""], id="other kinds of state"),
        pytest.param("[2, 3, 8]", "[2, 1, 8]", ["", ""], id="sizes"),
        pytest.param("[2, B, 8]", "[1, 8]", ["", ""], id="other ranks"),
        pytest.param("[2, B, 8]", "", ["", ""], id="unknown rank"),
    ],
)
def test_state_of_batch_1_beside_one_of_any(first: str, second: str, notes: list[str]) -> None:
    found = pairs(
        f"x f32[B]; h f32{first}; c f32{second}", f"y f32[B]; h_out f32{first}; c_out f32{second}"
    )
    assert [pair.note for pair in found] == notes


# --- The state that starts a stream --------------------------------------------------------------


@pytest.mark.parametrize(
    ("inside", "outside", "size"),
    [
        pytest.param("f32[2, 1, 640]", "f32[2, 1, 640]", 5120, id="sizes"),
        pytest.param("f16[2, batch, 640]", "f16[2, batch, 640]", 2560, id="one of a batch"),
        pytest.param("f32[N, P, 64]", "f32[N, Q, 64]", 0, id="a growing axis is empty"),
        pytest.param("f32[2, width, 64]", "f32[2, width, 64]", None, id="unknown size"),
        pytest.param("f32[?, 4]", "f32[?, 4]", 16, id="first axis without a name"),
        pytest.param("f32[4, ?]", "f32[4, ?]", None, id="other axis without a name"),
        pytest.param("f32", "f32", None, id="unknown rank"),
        pytest.param("str[2]", "str[2]", None, id="strings"),
        pytest.param(f"f32[{', '.join(['9' * 18] * 300)}]", "f32", 2**98, id="more than exists"),
    ],
)
def test_size_of_the_first_state(inside: str, outside: str, size: int | None) -> None:
    (pair,) = pairs(f"cache_last_time {inside}", f"cache_last_time_next {outside}", NEMO)
    assert pair.zero_bytes == size


@pytest.mark.parametrize("symbol", ["batch", "batch_size", "B", "N", "bs", "decoder_batch"])
def test_symbol_of_a_batch(symbol: str) -> None:
    assert is_batch_symbol(symbol)


@pytest.mark.parametrize("symbol", ["T", "time", "beam", "channels"])
def test_symbol_of_something_else(symbol: str) -> None:
    assert not is_batch_symbol(symbol)


# --- What the host must hold ---------------------------------------------------------------------


@pytest.mark.parametrize("name", HOST_HELD)
def test_input_that_only_the_host_can_keep(name: str) -> None:
    model = interface(f"x f32[1]; {name} i64[1]", "y f32[1]")
    (held,) = host_inputs(model.inputs, ())
    assert (held.input, held.meaning) == (name, HOST_HELD[name])


def test_family_says_what_the_host_keeps() -> None:
    silero = next(family for family in FAMILIES if family.name == "silero-vad-v5")
    model = interface("input f32[1, 576]; sr i64[]", "output f32[1, 1]")
    held = {each.input: each.meaning for each in host_inputs(model.inputs, (), silero)}
    assert list(held) == ["input", "sr"]
    assert "last 64 samples" in held["input"]


def test_input_that_the_graph_gives_back_is_not_the_hosts() -> None:
    model = interface("x f32[1]; processed_lens i64[1]", "y f32[1]; new_processed_lens i64[1]")
    states = pair_states(model.inputs, model.outputs, None)
    assert host_inputs(model.inputs, states) == ()
