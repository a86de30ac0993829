from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

import onnxtool
from onnxtool.analysis.shapes.values import MAX_ELEMENTS
from onnxtool.analysis.sizes import Sizes, axis_names, check_names, resolve, settable
from onnxtool.errors import UsageError
from onnxtool.model.signature import Signature, signature
from onnxtool.model.view import ModelView
from tests.support.models import WORDS_TDT, interface


def known(inputs: str, outputs: str = "y f32[1]") -> Signature:
    return signature(interface(inputs, outputs))


def resolved(inputs: str, at: Mapping[str, int]) -> Sizes:
    return resolve(known(inputs), at)


def test_axes_that_are_not_named_are_1() -> None:
    sizes = resolved("x f32[B, 80, T]", {"T": 7})
    assert sizes.shapes == {"x": (1, 80, 7)}
    assert (sizes.given, sizes.assumed) == ({"T": 7}, {"B": 1})


def test_one_symbol_sets_every_axis_that_bears_it() -> None:
    sizes = resolved("x f32[B, T]; z f32[T, B]", {"T": 7, "B": 2})
    assert sizes.shapes == {"x": (2, 7), "z": (7, 2)}


def test_an_axis_without_a_name_is_called_by_its_place() -> None:
    inputs = "x f32[?, 80, x_dynamic_axes_2]"
    assert axis_names(known(inputs)) == ("x:0", "x:2")
    assert resolved(inputs, {"x:2": 7}).shapes == {"x": (1, 80, 7)}


def test_integers_and_switches_can_be_set_too() -> None:
    names = settable(known("x f32[T]; n i64[]; m i32[1]; b bool[B]; far i64[2, 2]"))
    assert names == ("T", "B", "n", "m", "b")


@pytest.mark.parametrize(
    ("text", "contents"), [("n i64[]", 7), ("n i32[1]", [7]), ("n i64[B]", [7, 7])]
)
def test_a_value_fills_the_whole_input(text: str, contents: object) -> None:
    array = resolved(text, {"n": 7, "B": 2}).contents["n"]
    assert array.tolist() == contents


def test_any_value_but_0_turns_a_switch_on() -> None:
    assert resolved("b bool[]", {"b": 2}).contents["b"].tolist() is True
    assert resolved("b bool[]", {"b": 0}).contents["b"].tolist() is False


@pytest.mark.parametrize(
    ("inputs", "length"),
    [
        ("audio_signal f32[B, 80, T]; length i64[B]", 7),
        ("features f32[batch, 80, T]; x_lens i64[batch]", 7),
        # Without a name, the first axis is taken for the batch.
        ("audio_signal f32[?, 80, T]; length i64[1]", 7),
        ("audio_signal f32[B, 80, 100]; length i64[B]", None),
        ("audio_signal f32[B, 80, T]; tokens i64[B]", None),
        ("audio_signal f32[B, 80, T]; length i64[B, 2]", None),
    ],
    ids=["NeMo", "icefall", "unnamed batch", "fixed size", "no length", "a matrix"],
)
def test_lengths_are_as_long_as_the_audio(inputs: str, length: int | None) -> None:
    sizes = resolved(inputs, {"T": 7} if "T" in inputs else {})
    name = inputs.rpartition("; ")[2].split()[0]
    found = sizes.contents.get(name)
    assert (None if found is None else found.tolist()) == (length and [length])
    assert sizes.assumed.get(name) == length


def test_a_length_that_is_given_is_not_assumed() -> None:
    sizes = resolved("audio_signal f32[B, 80, T]; length i64[B]", {"T": 7, "length": 5})
    assert sizes.contents["length"].tolist() == [5]
    assert "length" not in sizes.assumed


def test_states_start_at_zero() -> None:
    model = onnxtool.load(WORDS_TDT / "encoder_streaming.onnx")
    assert isinstance(model, ModelView)
    contents = resolve(signature(model), {"time": 57}).contents
    assert contents["cache_last_channel_len"].tolist() == [0]


def test_contents_of_a_huge_batch_are_not_made() -> None:
    inputs = "audio_signal f32[B, 80, T]; length i64[B]"
    assert "length" in resolved(inputs, {"B": MAX_ELEMENTS}).contents
    assert "length" not in resolved(inputs, {"B": 10**12}).contents


@pytest.mark.parametrize("size", [-1, 1 << 63, 1 << 80])
def test_refuses_what_no_axis_can_be(size: int) -> None:
    with pytest.raises(UsageError, match=f"the size of `T` is {size}") as caught:
        resolved("x f32[T]", {"T": size})
    assert caught.value.hint == "give a number from 0 up"


@pytest.mark.parametrize(
    ("at", "name"),
    [({"m": 1 << 31}, "m"), ({"T": 1 << 31}, "length")],
    ids=["given", "as long as the audio"],
)
def test_refuses_what_an_input_cannot_hold(at: Mapping[str, int], name: str) -> None:
    with pytest.raises(UsageError, match=f"`{name}` would be 2,147,483,648, too much for int32"):
        resolved("audio_signal f32[B, 80, T]; length i32[B]; m i32[]", at)


def test_the_largest_number_of_an_input_is_allowed() -> None:
    largest = np.iinfo(np.int32).max
    assert resolved("m i32[]", {"m": largest}).contents["m"] == largest


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="no input has an axis called `tme`") as caught:
        check_names({"tme": 1}, [known("x f32[time, 80]"), known("x f32[batch, time]")])
    assert caught.value.hint == "there is batch, time"


def test_an_unknown_name_where_there_are_none_says_so() -> None:
    with pytest.raises(UsageError) as caught:
        check_names({"time": 1}, [known("x f32[1]")])
    assert caught.value.hint == "there is nothing: all sizes are fixed"


def test_names_that_are_there_pass() -> None:
    check_names({"time": 1, "n": 2, "x:1": 3}, [known("x f32[B, time]; n i64[]")])
    check_names({}, [])


def test_an_axis_of_fixed_size_is_no_name() -> None:
    with pytest.raises(UsageError, match="no input has an axis called `x:1`"):
        check_names({"x:1": 80}, [known("x f32[B, 80]")])


# --- An axis by its place ------------------------------------------------------------------------


def test_an_axis_that_has_a_symbol_sets_the_symbol() -> None:
    sizes = resolved("x f32[B, T]; z f32[T]", {"x:1": 7})
    assert sizes.shapes == {"x": (1, 7), "z": (7,)}
    assert (sizes.given, sizes.assumed) == ({"T": 7}, {"B": 1})


def test_a_symbol_may_be_set_twice_to_the_same() -> None:
    assert resolved("x f32[T]; z f32[T]", {"x:0": 7, "z:0": 7, "T": 7}).given == {"T": 7}


@pytest.mark.parametrize("at", [{"T": 7, "x:0": 8}, {"z:0": 7, "x:0": 8}, {"x:0": 7, "T": 8}])
def test_two_sizes_of_a_symbol_are_refused(at: Mapping[str, int]) -> None:
    with pytest.raises(UsageError, match="`T` would be 7 and 8") as caught:
        resolved("x f32[T]; z f32[T]", at)
    assert "INPUT:AXIS" in caught.value.hint


def test_a_symbol_that_looks_like_a_place_is_itself() -> None:
    assert resolved("x f32[z:0]; z f32[T]", {"z:0": 7}).shapes == {"x": (7,), "z": (1,)}


# --- Axes that follow from others ----------------------------------------------------------------


def test_an_axis_that_follows_from_others_is_computed() -> None:
    sizes = resolved("x f32[B, s]; mask f32[B, past+s]; y f32[2*B]", {"s": 3, "past": 9, "B": 2})
    assert sizes.shapes == {"x": (2, 3), "mask": (2, 12), "y": (4,)}


def test_what_it_follows_from_can_be_set_and_not_itself() -> None:
    inputs = known("x f32[past+s, floor(T/8)]")
    assert settable(inputs) == ("past", "s", "T")
    with pytest.raises(UsageError, match=r"`x:0` is past\+s") as caught:
        check_names({"x:0": 7}, [inputs])
    assert caught.value.hint == "give the size of `past` and `s`"
    with pytest.raises(UsageError, match=r"no input has an axis called `past\+s`"):
        check_names({"past+s": 7}, [inputs])


def test_what_is_not_given_of_it_is_assumed() -> None:
    sizes = resolved("x f32[past+s]", {"s": 3})
    assert (sizes.shapes, sizes.assumed) == ({"x": (4,)}, {"past": 1})


@pytest.mark.parametrize(
    ("inputs", "at", "said"),
    [
        ("x f32[T/2]", {"T": 7}, "T/2 is 7/2 at T=7"),
        ("x f32[T+1-k]", {"T": 3, "k": 5}, "T[+]1-k is -1 at T=3, k=5"),
        ("x f32[T//k]", {"T": 3, "k": 0}, "T//k is no number at T=3, k=0"),
        ("x f32[T*T]", {"T": 1 << 40}, "T[*]T is 1208925819614629174706176 at T=1099511627776"),
    ],
)
def test_refuses_what_is_no_size(inputs: str, at: Mapping[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        resolved(inputs, at)
    assert caught.value.hint == "give another size with --at"


# --- Empty axes ----------------------------------------------------------------------------------


STREAM = "x f32[B, T]; cache f32[B, past, 8]"


def streamed(at: Mapping[str, int]) -> Sizes:
    return resolve(known(STREAM, "y f32[B, T]; cache_out f32[B, next, 8]"), at)


def test_the_axis_of_a_state_may_be_empty() -> None:
    assert streamed({"past": 0}).shapes["cache"] == (1, 0, 8)


@pytest.mark.parametrize(("name", "place"), [("T", "x:1"), ("B", "x:0")])
def test_another_axis_may_not(name: str, place: str) -> None:
    with pytest.raises(UsageError, match=f"`{name}` is 0, and `{place}` would be empty") as caught:
        streamed({name: 0})
    assert caught.value.hint == "give a number from 1 up: only a state may be empty"


def test_an_integer_input_may_hold_zero() -> None:
    assert resolved("n i64[B]", {"n": 0}).contents["n"].tolist() == [0]


# --- Inputs of which less is known ---------------------------------------------------------------


def test_an_input_of_unknown_rank_has_no_shape() -> None:
    view = interface("x f32[T]", "y f32[1]")
    view.proto.graph.input[0].type.tensor_type.ClearField("shape")
    assert resolve(signature(view), {}).shapes == {}


def test_an_integer_input_of_negative_size_holds_nothing() -> None:
    view = interface("n i64[B]", "y f32[1]")
    view.proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    assert resolve(signature(view), {"n": 5}).contents["n"].tolist() == []
