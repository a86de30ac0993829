"""S: faults of states and caches."""

from __future__ import annotations

from pathlib import Path

import onnx

from onnxtool.rules.examples.streaming import INTERFACE
from tests.support.planted import graphs
from tests.support.planted.cause import Cause, in_run
from tests.support.planted.edits import edit
from tests.support.planted.graphs import FIRST, LATER

UNLIKE_OFFLINE = "the offline encoder beside it hears what the stream lost"


def unlike_state(bundle: Path) -> None:
    interface = INTERFACE.replace("float[B, 1, C, 2]", "float[B, 1, 7, 2]")
    onnx.save(graphs.later(interface=interface), bundle / LATER)


def lost_state(bundle: Path) -> None:
    def lose(model: onnx.ModelProto) -> None:
        (lost,) = (value for value in model.graph.output if value.name == "cache_last_time_next")
        model.graph.output.remove(lost)

    edit(bundle / LATER, lose)


def lost_count(bundle: Path) -> None:
    def lose(model: onnx.ModelProto) -> None:
        lost = model.graph.output.pop()
        assert lost.name == "cache_last_channel_next_len"

    edit(bundle / LATER, lose)


def smaller_context(bundle: Path) -> None:
    context = """
        last = Constant <value = int64[1] {-1}> ()
        next_context = Slice(joined, last, end, two)
        cache_last_time_next = Unsqueeze(next_context, one)"""
    onnx.save(graphs.later(context=context), bundle / LATER)


def smaller_cache(bundle: Path) -> None:
    cache = """
        extended = Concat <axis = 2> (cached, frames)
        fewer = Constant <value = int64[1] {-5}> ()
        moved = Slice(extended, fewer, end, two)"""
    onnx.save(graphs.later(cache=cache), bundle / LATER)


def unlimited_count(bundle: Path) -> None:
    filled = "cache_last_channel_next_len = Add(cache_last_channel_len, counted)"
    onnx.save(graphs.later(filled=filled), bundle / LATER)


def count_below_zero(bundle: Path) -> None:
    filled = """
        total = Sub(cache_last_channel_len, counted)
        cache_last_channel_next_len = Min(total, room)"""
    onnx.save(graphs.later(filled=filled), bundle / LATER)


def kept_context(bundle: Path) -> None:
    context = """
        nothing = Sub(cache_last_time, cache_last_time)
        cache_last_time_next = Add(cache_last_time, nothing)"""
    onnx.save(graphs.later(context=context), bundle / LATER)


def prefix_mask(bundle: Path) -> None:
    mask = """
        column = Unsqueeze(cache_last_channel_len, one)
        valid = Less(places, column)"""
    onnx.save(graphs.later(mask=mask), bundle / LATER)


def prefix_written(bundle: Path) -> None:
    cache = """
        extended = Concat <axis = 2> (frames, cached)
        most_cached = Constant <value = int64[1] {6}> ()
        moved = Slice(extended, zero, most_cached, two)"""
    onnx.save(graphs.later(cache=cache), bundle / LATER)


def one_place_too_many(bundle: Path) -> None:
    mask = """
        unfilled = Sub(room, cache_last_channel_len)
        start = Sub(unfilled, one)
        column = Unsqueeze(start, one)
        valid = GreaterOrEqual(places, column)"""
    onnx.save(graphs.later(mask=mask), bundle / LATER)


def no_mask(bundle: Path) -> None:
    mask = """
        column = Unsqueeze(cache_last_channel_len, one)
        below = Neg(column)
        never = Sub(below, room)
        valid = Greater(places, never)"""
    onnx.save(graphs.later(mask=mask), bundle / LATER)


def unread_cache(bundle: Path) -> None:
    mask = """
        column = Unsqueeze(cache_last_channel_len, one)
        below = Neg(column)
        never = Sub(below, room)
        valid = Less(places, never)"""
    onnx.save(graphs.later(mask=mask), bundle / LATER)


def short_table(bundle: Path) -> None:
    onnx.save(graphs.later(places=9), bundle / LATER)


def short_table_of_the_first(bundle: Path) -> None:
    onnx.save(graphs.first(places=9), bundle / FIRST)


def growing_memory(bundle: Path) -> None:
    """Another state, which has all that was ever counted."""
    interface = INTERFACE.replace("(float[B, 2, T]", "(float[B, P] memory, float[B, 2, T]")
    interface = interface.replace("=> (", "=> (float[B, N] memory_next, ")
    filled = """
        total = Add(cache_last_channel_len, counted)
        cache_last_channel_next_len = Min(total, room)
        now = Cast <to = 1> (total)
        remembered = Unsqueeze(now, one)
        memory_next = Concat <axis = 1> (memory, remembered)"""
    onnx.save(graphs.later(interface=interface, filled=filled), bundle / LATER)
    onnx.save(graphs.first(interface=interface, filled=filled), bundle / FIRST)


def counted_padding(bundle: Path) -> None:
    made = """
        shape = Shape <start = 2, end = 3> (frames)
        every = Sub(each, each)
        made = Add(every, shape)"""
    lengths = """
        longer_by = Add(each, two)
        in_all = Div(longer_by, stride)
        of_all = Add(in_all, one)
        left = Sub(of_all, dropped)
        positive = Max(left, zero)
        encoded_lengths = Min(positive, most)"""
    onnx.save(graphs.later(made=made, lengths=lengths), bundle / LATER)


RANDOM = """
        noise = RandomNormalLike <scale = 0.000001> (joined)
        noisy = Add(joined, noise)
        next_context = Slice(noisy, all_but_context, end, two)
        cache_last_time_next = Unsqueeze(next_context, one)"""


def random_context(bundle: Path) -> None:
    onnx.save(graphs.later(context=RANDOM), bundle / LATER)


def random_start(bundle: Path) -> None:
    onnx.save(graphs.first(context=RANDOM), bundle / FIRST)


CAUSES: tuple[Cause, ...] = (
    in_run("S001", unlike_state),
    in_run("S001", lost_state),
    in_run("S001", lost_count),
    in_run("S002", smaller_cache),
    in_run("S002", smaller_context),
    in_run("S003", unlimited_count),
    in_run("S003", count_below_zero),
    in_run("S004", kept_context, also={"S012": UNLIKE_OFFLINE}),
    in_run("S005", prefix_mask),
    in_run("S005", prefix_written),
    in_run("S006", no_mask),
    in_run("S006", one_place_too_many),
    in_run("S007", unread_cache, also={"S012": UNLIKE_OFFLINE}),
    in_run("S015", short_table),
    in_run("S015", short_table_of_the_first),
    in_run("S016", growing_memory),
    in_run("S017", counted_padding),
    in_run("S018", random_context),
    in_run("S018", random_start),
)
