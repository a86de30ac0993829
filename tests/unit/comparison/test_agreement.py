"""Tokens of two recognizers: the same, or where they part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxtool.comparison.agreement import Agreement, agreement, edit_distance, smooth_noise
from onnxtool.comparison.verification import Verdict
from onnxtool.speech.decoding import Emission
from onnxtool.speech.evidence import Utterance

UTTERANCE = Utterance("u", np.zeros((80, 7), np.float32))
TOKENS = st.lists(st.integers(0, 3), max_size=8)


def emitted(*tokens: int, moved: int = 0) -> tuple[Emission, ...]:
    return tuple(Emission(token, i + moved, 1, 0.5, 0.25) for i, token in enumerate(tokens))


def compared(left: Sequence[Emission], right: Sequence[Emission]) -> Agreement:
    return agreement(lambda _: left, lambda _: right, [UTTERANCE], "f.npz")


def test_the_same_tokens_agree() -> None:
    found = compared(emitted(1, 2), emitted(1, 2))
    assert (found.verdict, found.tokens, found.edits) == (Verdict.PASSED, 2, 0)
    assert found.utterances[0].divergence is None
    assert found.utterances[0].frames == 7


def test_another_token_is_named_with_its_margins() -> None:
    found = compared(emitted(1, 2, 3), emitted(1, 4, 3))
    assert (found.verdict, found.edits) == (Verdict.FAILED, 1)
    part = found.utterances[0].divergence
    assert part is not None
    assert part.reference is not None
    assert part.candidate is not None
    assert (part.index, part.reference.token, part.candidate.token) == (1, 2, 4)
    assert (part.reference.token_margin, part.reference.duration_margin) == (0.5, 0.25)


def test_a_token_that_is_lost_is_named() -> None:
    part = compared(emitted(1, 2), emitted(1)).utterances[0].divergence
    assert part is not None
    assert part.candidate is None


def test_another_frame_is_told_and_is_no_edit() -> None:
    found = compared(emitted(1, 2), emitted(1, 2, moved=1))
    assert found.verdict is Verdict.PASSED
    assert found.utterances[0].divergence is not None


def test_two_that_are_silent_prove_nothing() -> None:
    assert compared((), ()).verdict is Verdict.INCONCLUSIVE
    assert agreement(lambda _: (), lambda _: (), [], "none").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)],
)
def test_edit_distance(left: str, right: str, edits: int) -> None:
    assert edit_distance([*map(ord, left)], [*map(ord, right)]) == edits


@given(TOKENS, TOKENS, TOKENS)
def test_edit_distance_is_a_metric(a: list[int], b: list[int], c: list[int]) -> None:
    """d(a, b) = d(b, a); d(a, c) <= d(a, b) + d(b, c); 0 only for equals."""
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert (edit_distance(a, b) == 0) == (a == b)


def test_noise_is_smooth_and_repeatable() -> None:
    noise = smooth_noise(80, 103, 1)
    assert noise.shape == (80, 103)
    assert noise.dtype == np.float32
    assert np.array_equal(noise, smooth_noise(80, 103, 1))
    assert np.abs(np.diff(noise[:, :8])).mean() < 0.5 * np.abs(noise).mean()
