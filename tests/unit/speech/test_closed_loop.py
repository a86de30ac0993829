from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx.parser

from onnxtool.model.artifact import load_graph
from onnxtool.model.signature import signature
from onnxtool.rules.examples.streaming import encoder
from onnxtool.runtime.inputs import feeds
from onnxtool.runtime.session import Session
from onnxtool.speech.cache_aware import CHANNEL, FILLED, TIME
from onnxtool.speech.closed_loop import MIN_STEPS, STEPS, Loop, run_loop
from tests.support.models import write


def looped(folder: Path, text: str, second_s: float = 0.0) -> Loop:
    path = write(folder / "model.onnx", onnx.parser.parse_model(text))
    model = load_graph(path)
    known = signature(model)
    times = itertools.count(0.0, second_s)
    with Session(path) as session:
        return run_loop(
            session, known, lambda i: feeds(model, known, {"T": 13}, seed=i), lambda: next(times)
        )


def test_a_loop_goes_on_as_its_states_come_back(tmp_path: Path) -> None:
    loop = looped(tmp_path, encoder())
    assert len(loop.steps) == STEPS
    assert not loop.refusal
    assert [step.counts[FILLED] for step in loop.steps[:4]] == [2, 4, 6, 6]
    assert loop.steps[0].changed == {CHANNEL, TIME, FILLED}
    assert loop.steps[5].changed == {CHANNEL, TIME}
    assert np.all(loop.peaks[TIME] > 0)


def test_a_slow_graph_gets_fewer_steps(tmp_path: Path) -> None:
    assert len(looped(tmp_path, encoder(), second_s=30.0).steps) == MIN_STEPS


def test_a_refusal_ends_a_loop_and_is_kept(tmp_path: Path) -> None:
    shorter = """
        extended = Concat <axis = 2> (cached, kept)
        fewer = Constant <value = int64[1] {-5}> ()
        moved = Slice(extended, fewer, end, two)"""
    loop = looped(tmp_path, encoder(cache=shorter))
    assert len(loop.steps) == 1
    assert "cache_last_channel" in loop.refusal
