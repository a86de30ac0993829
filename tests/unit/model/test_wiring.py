from __future__ import annotations

import pytest

from onnxtool.model.signature import signature
from onnxtool.model.wiring import Wire, wire
from tests.support.exports import EXPORTS
from tests.support.models import interface

BY_NAME = {export.name: export for export in EXPORTS}


def wires(**graphs: tuple[str, str]) -> tuple[Wire, ...]:
    """The wires between graphs that are given as inputs and outputs."""
    return wire([(name, signature(interface(*values))) for name, values in graphs.items()])


def ends(*exports: str) -> dict[str, str]:
    """Target -> source of the wires between these exports."""
    found = wire([(name, signature(BY_NAME[name].view)) for name in exports])
    assert all(not each.problem for each in found)
    return {each.target: each.source for each in found}


def test_encoder_and_predictor_feed_the_joint() -> None:
    assert ends("parakeet encoder_streaming", "parakeet joint", "parakeet predictor") == {
        "parakeet joint:encoder_output": "parakeet encoder_streaming:encoder_output",
        "parakeet joint:predictor_output": "parakeet predictor:g",
    }


def test_exports_with_other_names_are_wired_alike() -> None:
    assert ends("nemo encoder", "nemo decoder", "nemo joint") == {
        "nemo joint:encoder_outputs": "nemo encoder:outputs",
        "nemo joint:decoder_outputs": "nemo decoder:outputs",
    }
    assert ends("gigaam encoder", "gigaam decoder", "gigaam joint") == {
        "gigaam joint:enc": "gigaam encoder:encoded",
        "gigaam joint:dec": "gigaam decoder:dec",
    }
    assert ends("icefall decoder", "icefall encoder", "icefall joiner") == {
        "icefall joiner:encoder_out": "icefall encoder:encoder_out",
        "icefall joiner:decoder_out": "icefall decoder:decoder_out",
    }


def test_encoder_feeds_predictor_and_joint_in_one() -> None:
    assert ends("nemo encoder", "nemo decoder_joint") == {
        "nemo decoder_joint:encoder_outputs": "nemo encoder:outputs"
    }


def test_other_graphs_are_wired_by_equal_names() -> None:
    assert ends("paraformer-online encoder", "paraformer-online decoder") == {
        "paraformer-online decoder:enc": "paraformer-online encoder:enc",
        "paraformer-online decoder:enc_len": "paraformer-online encoder:enc_len",
    }
    assert ends("whisper encoder of sherpa", "whisper decoder of sherpa") == {
        "whisper decoder of sherpa:n_layer_cross_k": "whisper encoder of sherpa:n_layer_cross_k",
        "whisper decoder of sherpa:n_layer_cross_v": "whisper encoder of sherpa:n_layer_cross_v",
    }


def test_two_encoders_both_feed_the_joint_and_not_each_other() -> None:
    found = wire(
        [
            (name, signature(BY_NAME[name].view))
            for name in ("parakeet encoder", "parakeet encoder_streaming", "parakeet joint")
        ]
    )
    assert [(each.source, each.target) for each in found] == [
        ("parakeet encoder:encoder_output", "parakeet joint:encoder_output"),
        ("parakeet encoder_streaming:encoder_output", "parakeet joint:encoder_output"),
    ]


def test_wire_has_the_shapes_of_both_ends() -> None:
    assert wires(a=("x f32[N]", "m f32[N, 4]"), b=("m f32[B, 4]", "y f32[B]")) == (
        Wire("a:m", "b:m", "float32", ("N", 4), ("B", 4)),
    )


@pytest.mark.parametrize(
    ("given", "taken", "problem"),
    [
        ("f32[B, 96, T]", "f32[B, 96, T]", ""),
        ("f32[B, 96, T]", "f32[N, C, U]", ""),
        ("f32[B, 96, T]", "f32[1, ?, 8]", ""),
        ("f32[B, 96, T]", "f32[B, 80, T]", "axis 1: 96 into 80"),
        ("f32[B, 96, T]", "f32[1, 96]", ""),
        ("f32[B, T, 96]", "f32[B, 80]", "axis 1: 96 into 80"),
        ("f32[1, 96, 8]", "f32[1, 96]", "3 axes into 2"),
        ("f32[B, 96, T]", "f32[B, 96, 1, T]", "3 axes into 4"),
        ("f16[B, 96, T]", "f32[B, 96, T]", "float16 into float32"),
    ],
)
def test_ends_that_do_not_fit(given: str, taken: str, problem: str) -> None:
    (found,) = wires(
        encoder=(
            "audio_signal f32[B, 80, T]; length i64[B]",
            f"outputs {given}; encoded_lengths i64[B]",
        ),
        joint=(
            f"encoder_outputs {taken}; decoder_outputs f32[B, 64, U]",
            "outputs f32[B, T, U, 9]",
        ),
    )
    assert found.problem == problem


@pytest.mark.parametrize(("given", "taken"), [("f32", "f32[4]"), ("f32[4]", "f32"), ("f32", "f32")])
def test_unknown_rank_fits_everything(given: str, taken: str) -> None:
    (found,) = wires(a=("x f32[N]", f"m {given}"), b=(f"m {taken}", "y f32[B]"))
    assert found.problem == ""


JOINT = ("encoder_outputs f32[B, 96, T]; decoder_outputs f32[B, 64, U]", "outputs f32[B, T, U, 9]")


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        pytest.param("x f32[B, 9]", "y f32[B, 96, T]", id="no encoder or predictor"),
        pytest.param("audio_signal f32[B, 80, T]", "logprobs f32[B, T, 96]", id="ctc"),
        pytest.param(
            "audio_signal f32; length i64[B]", "outputs f32; encoded_lengths i64[B]", id="any rank"
        ),
        pytest.param(
            "audio_signal f32; length i64[B]", "outputs f32[B]; encoded_lengths i64[B]", id="vector"
        ),
        pytest.param(
            "audio_signal f32; length i64[B]",
            "outputs i64[B, 96]; encoded_lengths i64[B]",
            id="int",
        ),
    ],
)
def test_joint_is_fed_features_of_encoder_and_predictor_alone(inputs: str, outputs: str) -> None:
    assert wires(source=(inputs, outputs), joint=JOINT) == ()


def test_joint_without_features_is_fed_nothing() -> None:
    encoder = ("audio_signal f32; length i64[B]", "outputs f32[B, 96, T]; encoded_lengths i64[B]")
    joint = ("encoder_outputs i64[B]; decoder_outputs i64[B]", "outputs f32[B, T, U, 9]")
    assert wires(encoder=encoder, joint=joint) == ()


def test_predictor_does_not_feed_predictor_and_joint_in_one() -> None:
    assert ends("nemo decoder", "nemo decoder_joint") == {}


def test_graphs_of_the_same_role_stand_side_by_side() -> None:
    first = ("mels f32[B, 80, T]; n i64[B]", "z f32[B, 96, U]; m i64[B]")
    second = ("z f32[B, 96, U]; m i64[B]", "encoded f32[B, 96, V]; k i64[B]")
    assert wires(first=first, second=second) == ()


def test_only_a_joint_is_fed_frames() -> None:
    (found,) = wires(a=("x f32[N]", "m f32[N, T, 4]"), b=("m f32[N, 4]", "y f32[B]"))
    assert found.problem == "3 axes into 2"


def test_equal_names_of_another_type_are_a_coincidence() -> None:
    assert wires(a=("x f32[N]", "m i64[N]"), b=("m f32[N]", "y f32[N]")) == ()


def test_states_are_not_wired_to_other_graphs() -> None:
    states = ("x f32[1]; h f32[1, 4]", "y f32[1]; h_out f32[1, 4]")
    assert wires(a=states, b=("h_out f32[1, 4]", "z f32[1]")) == ()


def test_graph_is_not_wired_to_itself() -> None:
    assert wires(a=("x f32[4]", "x f32[4]")) == ()
