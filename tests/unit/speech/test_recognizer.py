"""How a joint's output is divided: what the metadata says, else what follows from its width."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.errors import UnsupportedModelError
from onnxtool.model.bundle import Bundle, load_bundle
from onnxtool.model.metadata import Metadata
from onnxtool.speech.decoding import TokenLayout
from onnxtool.speech.recognizer import token_layout
from tests.support.models import WORDS_TDT


def layout_with(**changes: object) -> TokenLayout:
    bundle = load_bundle(WORDS_TDT)
    found = {name: getattr(bundle, name) for name in Bundle.__dataclass_fields__}
    return token_layout(Bundle(**{**found, **changes}))


def saying(**fields: object) -> Metadata:
    return Metadata(Path("model_meta.json"), fields)


def test_durations_that_nobody_names_are_counted_off_the_joint() -> None:
    assert layout_with() == TokenLayout(35, (0, 1, 2, 3, 4))


def test_metadata_names_them_where_it_can() -> None:
    metadata = saying(blank_id=35, duration_values=(0, 1, 2, 4, 8))
    assert layout_with(metadata=metadata, vocabulary=None) == TokenLayout(35, (0, 1, 2, 4, 8))


def test_without_metadata_and_vocabulary_the_blank_is_last() -> None:
    assert layout_with(metadata=None, vocabulary=None) == TokenLayout(40)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"blank_id": 41}, "blank 41 is not among its 41 outputs"),
        ({"blank_id": 35, "duration_values": (0, 1)}, "2 durations in the metadata, 5"),
    ],
)
def test_a_contradiction_is_refused(fields: dict[str, object], told: str) -> None:
    with pytest.raises(UnsupportedModelError, match=told) as caught:
        layout_with(metadata=saying(**fields))
    assert "model_meta.json" in caught.value.hint
