"""Given arrays are held against what the inputs take, before anything is run."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from onnxtool.benchmark.given import MAX_BYTES, check_sizes, digest_of, given_values
from onnxtool.errors import UsageError
from onnxtool.model.artifact import load_graph
from onnxtool.model.signature import signature
from tests.support.models import WORDS_TDT, view

ENCODER = signature(load_graph(WORDS_TDT / "encoder.onnx"))


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def array_file(shape: str) -> bytes:
    """An .npy file of zeros that says to be of this shape."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.ones((1, 80, 9)), "float64 [1, 80, 9]"),
        (np.ones((1, 80, 9), ">f4"), ">f4 [1, 80, 9]"),
        (np.ones((80, 9), np.float32), "float32 [80, 9]"),
        (np.ones((1, 64, 9), np.float32), "float32 [1, 64, 9]"),
        (np.array("audio"), "<U5 []"),
    ],
)
def test_what_an_input_cannot_take_is_refused_with_what_it_takes(
    tmp_path: Path, value: object, told: str
) -> None:
    path = saved(tmp_path / "i.npz", audio_signal=value)
    with pytest.raises(UsageError) as caught:
        given_values(path, ENCODER)
    assert str(caught.value).endswith(f"i.npz: `audio_signal` is {told}")
    assert caught.value.hint == "the graph takes float32 [batch, 80, time]"


def test_the_digest_is_of_what_is_given_whatever_it_is_called() -> None:
    audio, length = np.zeros((1, 80, 9), np.float32), np.array([9])
    digest = digest_of([audio, length])
    assert digest_of([length, audio.copy()]) == digest
    for other in (audio + 1, audio.reshape(1, 9, 80), audio.view(np.int32)):
        assert digest_of([other, length]) != digest


def test_words_are_given_to_an_input_of_strings(tmp_path: Path) -> None:
    known = signature(view("g (string[n] x) => (string[n] y) { y = Identity(x) }"))
    values = given_values(saved(tmp_path / "i.npz", x=np.array(["a", "b"])), known)
    assert values["x"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no array", "`audio_signal` is no array"),
        (array_file("(1, 80, 10**15)"), "no .npz file of arrays"),
        (array_file("(1, 80, 1000000000000)"), "no .npz file of arrays"),
        (b"\x93NUMPY\x01\x00\x50\x00" + b"(" * 80, "no .npz file of arrays"),
    ],
)
def test_members_that_are_no_arrays_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with zipfile.ZipFile(tmp_path / "i.npz", "w") as file:
        file.writestr("audio_signal.npy", content)
    with pytest.raises(UsageError, match=told):
        given_values(tmp_path / "i.npz", ENCODER)


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    path = saved(tmp_path / "i.npz", audio_signal=np.array([{}], object))
    with pytest.raises(UsageError, match="Object arrays cannot be loaded"):
        given_values(path, ENCODER)


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked(tmp_path: Path) -> None:
    """The size that the archive declares is enough to tell."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("audio_signal.npy", array_file("(1, 80, 9)"))
        file.infolist()[0].file_size = MAX_BYTES + 1
    (tmp_path / "i.npz").write_bytes(content.getvalue())
    with pytest.raises(UsageError, match="`audio_signal` is too large"):
        given_values(tmp_path / "i.npz", ENCODER)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "i.npz")
    for path in (tmp_path / "i.npz", tmp_path):
        with pytest.raises(UsageError, match="not a file"):
            given_values(path, ENCODER)


def test_a_size_that_given_values_contradict_is_refused() -> None:
    check_sizes({"time": (33,), "batch": (1, 4)}, {"time": 33})
    for sizes in ((50,), (33, 50)):
        with pytest.raises(UsageError, match="and is 33 in the file of --inputs"):
            check_sizes({"time": sizes}, {"time": 33})
