"""Inputs that a graph can run on."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from onnxtool.errors import UsageError
from onnxtool.model.signature import signature
from onnxtool.model.view import ModelView
from onnxtool.runtime.inputs import TIME, WORDS, feeds, id_limit
from tests.support.exports import EXPORTS, Export
from tests.support.models import interface, view

LOOKUP = """
    g (int64[B, U] y) => (float[B, U, 3] e)
        <float[7, 3] table = {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}> {
        ids = Cast <to = 6> (y)
        e = Gather(table, ids)
    }"""


def made(model: ModelView, **sizes: int) -> dict[str, np.ndarray]:
    return feeds(model, signature(model), sizes)


def test_token_ids_are_within_the_table_that_they_look_up_in() -> None:
    model = view(LOOKUP)
    assert id_limit(model, "y") == 7
    ids = made(model, B=50, U=20)["y"]
    assert ids.shape == (50, 20)
    assert set(ids.flat) == set(range(7))


def test_integers_that_nothing_looks_up_are_data_of_both_signs() -> None:
    values = made(interface("mode i32[100]", "y f32[1]"))["mode"]
    assert values.dtype == np.int32
    assert values.min() < 0 < values.max()
    unsigned = made(view("g (uint8[1000] mode) => (uint8[1000] y) { y = Identity(mode) }"))["mode"]
    assert (unsigned.min(), unsigned.max()) == (0, 255)


def test_what_may_become_an_index_is_zero_or_one() -> None:
    text = """g (int64[100] i, float[N] x) => (float[100] y) {
        k = Identity(i) y = Gather(x, k) }"""
    found = view(text)
    values = feeds(found, signature(found), {})["i"]
    assert set(values) == {0, 1}


def test_utterances_of_a_ragged_batch_differ_in_length() -> None:
    model = interface(
        "audio_signal f32[B, 80, T]; length i64[B]", "outputs f32[B, 4, S]; encoded_lengths i64[B]"
    )
    values = feeds(model, signature(model), {"B": 3, "T": 60}, ragged=True)
    assert values["length"].tolist() == [60, 45, 30]


def test_the_length_is_that_of_the_audio() -> None:
    model = interface(
        "audio_signal f32[B, 80, T]; length i64[B]", "outputs f32[B, 4, S]; encoded_lengths i64[B]"
    )
    values = made(model, T=57, B=2)
    assert values["audio_signal"].shape == (2, 80, 57)
    assert values["length"].tolist() == [57, 57]
    assert made(model)["audio_signal"].shape == (1, 80, TIME)


@pytest.mark.parametrize(
    ("features", "length"), [("audio_signal f32[B, 2, 57]", 57), ("x f32[B, 45, 80]", 45)]
)
def test_a_window_of_one_size_is_heard_to_its_end(features: str, length: int) -> None:
    model = interface(f"{features}; x_lens i64[B]", "outputs f32[B, 4, S]; encoded_lengths i64[B]")
    assert made(model)["x_lens"].tolist() == [length]


def test_states_start_at_zero_and_empty_where_they_grow() -> None:
    model = interface(
        "x f32[N, T, 80]; cache f32[N, PAST, 4]; steps_state i64[N]",
        "y f32[N, T, 4]; new_cache f32[N, PAST_NEXT, 4]; new_steps_state i64[N]",
    )
    values = made(model)
    assert values["cache"].shape == (1, 0, 4)
    assert not values["steps_state"].any()
    assert values["x"].std() > 0.5


@pytest.mark.parametrize(
    ("element_type", "dtype"),
    [("f16", np.float16), ("f32", np.float32), ("f64", np.float64), ("bool", np.bool_)],
)
def test_values_have_the_type_of_the_input(element_type: str, dtype: type) -> None:
    values = made(interface(f"x {element_type}[9]", f"y {element_type}[9]"))["x"]
    assert values.dtype == dtype
    assert len(set(values.tolist())) > 1


def test_numpy_has_no_bfloat16_of_its_own() -> None:
    values = made(view("g (bfloat16[4] x) => (bfloat16[4] y) { y = Identity(x) }"))["x"]
    assert values.dtype == ml_dtypes.bfloat16


def test_the_sample_rate_is_one() -> None:
    model = interface("input f32[B, 512]; state f32[2, B, 128]; sr i64[]", "output f32[B, 1]")
    assert made(model)["sr"].item() == 16_000


def test_the_same_seed_gives_the_same_values() -> None:
    model = interface("x f32[8]", "y f32[8]")
    known = signature(model)
    first, again, other = (feeds(model, known, {}, seed=seed)["x"] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_cannot_be_made_up_is_told() -> None:
    with pytest.raises(UsageError, match="`x` has no rank"):
        made(interface("x f32", "y f32[1]"))
    text = "g (seq(float[2]) x) => (int64 y) { y = SequenceLength(x) }"
    with pytest.raises(UsageError, match=r"`x` is a sequence\(float32\): no value"):
        made(view(text))


def test_a_mask_has_something_and_then_nothing() -> None:
    model = interface("input_ids i64[B, 9]; attention_mask i64[B, 9]", "y f32[1]")
    mask = feeds(model, signature(model), {"B": 50})["attention_mask"]
    assert set(np.unique(mask)) == {0, 1}
    assert (np.diff(mask) <= 0).all()
    assert (mask.sum(axis=1) >= 5).all()


def test_two_inputs_of_one_name_get_no_values() -> None:
    with pytest.raises(UsageError, match="two inputs have one name") as caught:
        made(interface("x f32[B, 4]; x f32[B, 4, T]", "y f32[B, 4]"))
    assert "a name of its own" in str(caught.value.hint)


def test_strings_are_words() -> None:
    words = made(interface("x str[50]", "y f32[1]"))["x"]
    assert set(words) == set(WORDS)


@pytest.mark.parametrize("export", EXPORTS, ids=[export.name for export in EXPORTS])
def test_every_known_export_gets_inputs(export: Export) -> None:
    model = interface(export.inputs, export.outputs)
    values = made(model)
    assert values.keys() == {spec.name for spec in model.inputs}
