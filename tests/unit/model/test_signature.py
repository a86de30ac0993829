from __future__ import annotations

import random

import pytest

from onnxtool.model.artifact import load_graph
from onnxtool.model.families import FAMILIES, Role
from onnxtool.model.signature import Signature, Symbol, signature
from onnxtool.model.states import StateKind
from tests.support.exports import EXPORTS, Export
from tests.support.models import WORDS_TDT, interface

every_export = pytest.mark.parametrize("export", EXPORTS, ids=str)


def told(export: Export, found: Signature) -> None:
    """Assert that a signature is what its export says."""
    assert (found.role, found.family) == (export.role, export.family)
    for kind, expected in ((StateKind.FIXED, export.fixed), (StateKind.GROWING, export.growing)):
        assert {p.input: p.output for p in found.states if p.kind is kind} == dict(expected)
    assert len(found.states) == len(export.fixed) + len(export.growing)
    assert {held.input for held in found.host_held} == export.host


@every_export
def test_interface_of_every_known_export(export: Export) -> None:
    told(export, signature(export.view))


# By their order alone, since their names and shapes do not tell one state from another.
@pytest.mark.parametrize("export", [e for e in EXPORTS if e.family != "moonshine"], ids=str)
def test_order_of_inputs_and_outputs_does_not_matter(export: Export) -> None:
    for seed in range(5):
        model = export.view
        for values in (model.proto.graph.input, model.proto.graph.output):
            shuffled = random.Random(seed).sample(list(values), len(values))
            del values[:]
            values.extend(shuffled)
        told(export, signature(model))


def test_every_family_has_an_export_that_is_recognised_as_it() -> None:
    seen = {(signature(export.view).family, signature(export.view).title) for export in EXPORTS}
    assert seen >= {(family.name, family.title) for family in FAMILIES}


# --- Graphs of no known family -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "inputs", "outputs"),
    [
        (Role.JOINT, "a f32[B, 96, T]; b f32[B, 64, U]", "z f32[B, T, U, 40]"),
        (
            Role.PREDICTOR,
            "ids i64[B, U]; h f32[2, B, 64]",
            "z f32[B, 64, U]; h_out f32[2, B, 64]",
        ),
        (
            Role.OTHER,
            "input_ids i64[B, U]; attention_mask i64[B, P]; past_key_values.0.key f32[B, 4, P, 8]",
            "logits f32[B, U, 64]; present.0.key f32[B, 4, P_1, 8]",
        ),
        (
            Role.OTHER,
            "input_ids i64[B, U]; past_key_values.0.key f32[B, 4, P, 8]",
            "logits f32[B, U, 64]; present.0.key f32[B, 4, P_1, 8]",
        ),
        (
            Role.DECODER_JOINT,
            "enc f32[B, 96, T]; ids i32[B, U]; h f32[2, B, 64]",
            "z f32[B, T, U, 40]; h_out f32[2, B, 64]",
        ),
        (
            Role.STREAMING_ENCODER,
            "mels f32[B, 80, T]; mem f32[B, 8, 64]",
            "z f32[B, 96, T2]; mem_out f32[B, 8, 64]",
        ),
        (Role.ENCODER, "mels f32[B, 80, T]; n i64[B]", "z f32[B, 96, T2]; m i64[B]"),
        (Role.ENCODER, "n i64[B]; mels f32[B, 80, T]", "m i64[B]; z f32[B, 96, T2]"),
    ],
)
def test_role_is_told_by_ranks_and_types(role: Role, inputs: str, outputs: str) -> None:
    found = signature(interface(inputs, outputs))
    assert (found.role, found.family, found.title) == (role, None, "")


STATE = "h f32[2, B, 64]", "h_out f32[2, B, 64]"


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ("x f32[1, 3, 64, 64]", "y f32[1, 3, 64, 64]"),
        ("x f32", "y f32"),
        ("a f32[B, 96, T]; b f32[B, 64, U]", "z f32[B, V]"),
        ("x f32[B, T]; n i64[B]", "z f32[B, 96, U]; m i64[B]"),
        ("x f32[B, 80, T]; n i64[B]", "z f32[B, 96]; m i64[B]"),
    ],
)
def test_role_of_a_graph_without_states_is_not_guessed(inputs: str, outputs: str) -> None:
    assert signature(interface(inputs, outputs)).role is Role.OTHER


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        pytest.param("x f32[B, T]", "y f32[B, V]", id="anything"),
        pytest.param("a f32[B, 96, T]; b f32[B, 64, U]", "z f32[B, T, U, 40]", id="like a joint"),
        pytest.param("n i64[B]", "z f32[B, 64, U]", id="ids of rank 1"),
        pytest.param("ids i64[B, U]; x f32[B, 9]", "z f32[B, 64, U]", id="ids and features"),
        pytest.param("ids i64[B, U]", "z f32[B, V]", id="ids to logits"),
        pytest.param("ids i32[B, U]", "z f32[B, T, U, 40]", id="ids to a lattice"),
        pytest.param("enc f32[B, 96, T]", "z f32[B, T, U, 40]", id="features to a lattice"),
        pytest.param("enc f32[B, 96, T]; ids i32[B, U]", "z f32[B, V]", id="both to logits"),
        pytest.param("mels f32[B, 80]", "z f32[B, 96, T2]", id="a frame to features"),
        pytest.param(
            "token i32[B, 1]; encoded f32[B, T, 288]; seq_len i32[1]",
            "logits f32[B, 1, V]",
            id="step of an attention decoder",
        ),
        pytest.param("mels f32[B, 80, T]", "z f32[B, V]", id="features to logits"),
    ],
)
def test_role_of_a_graph_with_states_is_not_guessed(inputs: str, outputs: str) -> None:
    model = interface(f"{inputs}; {STATE[0]}", f"{outputs}; {STATE[1]}")
    found = signature(model)
    assert len(found.states) == 1
    assert found.role is Role.OTHER


def test_decoder_without_an_encoder_is_no_whisper() -> None:
    model = interface(
        "input_ids i64[B, T]; past_key_values.0.key f32[B, 8, P, 64]",
        "logits f32[B, T, V]; present.0.key f32[B, 8, P+T, 64]",
    )
    found = signature(model)
    assert found.family is None
    assert [(pair.input, pair.kind) for pair in found.states] == [
        ("past_key_values.0.key", StateKind.GROWING)
    ]


@pytest.mark.parametrize("vocabulary", ["32128", "V", "?"])
def test_decoder_of_another_vocabulary_is_not_called_whisper(vocabulary: str) -> None:
    model = interface(
        "input_ids i64[B, T]; encoder_hidden_states f32[B, S, 384]",
        f"logits f32[B, T, {vocabulary}]; present.0.decoder.key f32[B, 6, P, 64]",
    )
    assert signature(model).family == "huggingface"


@pytest.mark.parametrize("shape", ["[B, 80, T]", "[B, 3000, 80]", "[B, 40, 3000]", "[B, T]", ""])
def test_encoder_of_other_features_is_not_called_whisper(shape: str) -> None:
    model = interface(f"input_features f32{shape}", "last_hidden_state f32[B, S, 384]")
    assert signature(model).family == "huggingface"


# --- Symbols -------------------------------------------------------------------------------------


def test_symbol_lists_the_axes_that_bear_its_name() -> None:
    model = interface("x f32[B, 80, T]; n i64[B]", "y f32[B, U]; z f32[y_dim_0, 3]")
    assert signature(model).symbols == (
        Symbol("B", ("x:0", "n:0", "y:0")),
        Symbol("T", ("x:2",)),
        Symbol("U", ("y:1",)),
        Symbol("y_dim_0", ("z:0",)),
    )


def test_symbol_that_an_exporter_made_up_is_none() -> None:
    model = interface("x f32[x_dynamic_axes_1, 80]", "y f32[Addy_dim_0, unk__3]")
    assert signature(model).symbols == ()


# --- The sample ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "role", "states", "free_inputs", "free_outputs"),
    [
        (
            "encoder",
            Role.ENCODER,
            {},
            ["audio_signal", "length"],
            ["encoder_output", "encoded_lengths"],
        ),
        (
            "encoder_streaming",
            Role.STREAMING_ENCODER,
            {
                "cache_last_channel": "cache_last_channel_out",
                "cache_last_time": "cache_last_time_out",
                "cache_last_channel_len": "cache_last_channel_len_out",
            },
            ["audio_signal", "length"],
            ["encoder_output", "encoded_lengths"],
        ),
        ("predictor", Role.PREDICTOR, {"h": "h_out", "c": "c_out"}, ["y"], ["g"]),
        ("joint", Role.JOINT, {}, ["encoder_output", "predictor_output"], ["joint_output"]),
    ],
)
def test_sample(
    file: str, role: Role, states: dict[str, str], free_inputs: list[str], free_outputs: list[str]
) -> None:
    found = signature(load_graph(WORDS_TDT / f"{file}.onnx"))
    assert (found.role, found.family) == (role, "parakeet-tdt")
    assert {pair.input: pair.output for pair in found.states} == states
    assert {pair.kind for pair in found.states} <= {StateKind.FIXED}
    assert [spec.name for spec in found.free_inputs] == free_inputs
    assert [spec.name for spec in found.free_outputs] == free_outputs
    assert found.host_held == ()


@pytest.mark.parametrize(
    ("inputs", "fixed"),
    [
        ("", True),
        ("x f32[1, 80]; n i64[]", True),
        ("x f32[1, T]", False),
        ("x f32[1, ?]", False),
        ("x f32", False),
    ],
    ids=["no inputs", "sizes", "symbol", "unnamed", "no rank"],
)
def test_a_graph_is_fixed_if_no_input_leaves_a_size_open(inputs: str, *, fixed: bool) -> None:
    assert signature(interface(inputs, "y f32[T]")).is_fixed is fixed
