from __future__ import annotations

import io
import json
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

from onnxtool.model.file_kind import likely_cause


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model_config.yaml"))
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    return buffer.getvalue()


def array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "says"),
    [
        pytest.param(b"", "fetch it again", id="empty"),
        pytest.param(bytes(512), "zeros", id="zeros"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", id="lfs"),
        pytest.param(b"<!DOCTYPE html><html>", "HTML", id="doctype"),
        pytest.param(b"<HTML><body>404", "HTML", id="html"),
        pytest.param(b"\r\n\n <html><body>404", "HTML", id="html after blank lines"),
        pytest.param(b"<?xml version='1.0'?><Error>", "XML", id="xml"),
        pytest.param(tar(), ".nemo", id="tar"),
        pytest.param(zipped(), ".pt", id="zip"),
        pytest.param(b"\x1f\x8b\x08\x00", "gzip", id="gzip"),
        pytest.param(b"\x28\xb5\x2f\xfd\x04", "zstd", id="zstd"),
        pytest.param(b"BZh91AY", "bzip2", id="bzip2"),
        pytest.param(b"\xfd7zXZ\x00", "xz", id="xz"),
        pytest.param(pickle.dumps({}, protocol=2), "pickle", id="pickle"),
        pytest.param(array(), "NumPy", id="npy"),
        pytest.param(b"RIFF\x24\x00\x00\x00WAVE", "WAV", id="wav"),
        pytest.param(b"GGUF\x03\x00", "GGUF", id="gguf"),
        pytest.param(b"\x89HDF\r\n\x1a\n", "HDF5", id="hdf5"),
        pytest.param(b"\x08\x00\x00\x00ORTM", ".ort", id="ort"),
        pytest.param(b"\x1c\x00\x00\x00TFL3", "TensorFlow Lite", id="tflite"),
        pytest.param(json.dumps({"a": 1}).encode(), "JSON", id="json object"),
        pytest.param(b" \n[1, 2]", "JSON", id="json list"),
        pytest.param("Überschrift:\n\teins".encode(), "text", id="text"),
        pytest.param(("café" * 9).encode()[:-1], "text", id="text cut in a letter"),
        pytest.param(("🐦" * 9).encode()[:-1], "text", id="text cut in a bird"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF", "pass an .onnx file", id="not UTF-8"),
        pytest.param(b"\x08\x0a\x12\x07pytorch", "pass an .onnx file", id="anything else"),
    ],
)
def test_first_bytes_tell_what_the_file_is(head: bytes, says: str) -> None:
    assert says in likely_cause(head)


def test_truncated_protobuf_is_a_cut_download() -> None:
    assert "cut" in likely_cause(b"\x08\x0a\x12\x07pyt", truncated=True)


def test_kind_is_told_of_a_truncated_file_as_well() -> None:
    assert "gzip" in likely_cause(b"\x1f\x8b\x08\x00", truncated=True)
