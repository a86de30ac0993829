"""What a file that is not an ONNX model most likely is, by its first bytes."""

from __future__ import annotations

# First bytes, where they stand, and what that means for someone who expected a model.
_SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"version https://git-lfs", 0, "a Git LFS pointer: run `git lfs pull`"),
    (b"<!doctype html", 0, "an HTML page: the download gave an error or login page"),
    (b"<html", 0, "an HTML page: the download gave an error or login page"),
    (b"<?xml", 0, "an XML page: the download gave an error message of a storage service"),
    (b"ORTM", 4, "an ONNX Runtime .ort model: inspect the .onnx it was made from"),
    (b"TFL3", 4, "a TensorFlow Lite model: export it to ONNX"),
    (b"\x89HDF", 0, "an HDF5 file (Keras weights?): export the model to ONNX"),
    (b"ustar", 257, "a tar archive (a .nemo checkpoint is one): export the model, or unpack it"),
    (b"PK\x03\x04", 0, "a zip archive (a .pt checkpoint is one): export the model, or unpack it"),
    (b"\x1f\x8b", 0, "a gzip file: unpack it"),
    (b"\x28\xb5\x2f\xfd", 0, "a zstd file: unpack it"),
    (b"BZh", 0, "a bzip2 file: unpack it"),
    (b"\xfd7zXZ", 0, "an xz file: unpack it"),
    (b"\x80\x02", 0, "a Python pickle: export the model to ONNX"),
    (b"\x93NUMPY", 0, "a NumPy array"),
    (b"RIFF", 0, "a WAV recording"),
    (b"GGUF", 0, "a GGUF model"),
)


def likely_cause(head: bytes, *, truncated: bool = False) -> str:
    """A hint on what the file with these first bytes is; `head` may be shorter than the file."""
    if not head:
        return "the download or the export did not finish: fetch it again"
    lowered = head.lower()
    for magic, offset, meaning in _SIGNATURES:
        # Pages may begin with blank lines.
        if lowered.startswith(magic.lower(), offset) or (
            magic.startswith(b"<") and lowered.lstrip().startswith(magic)
        ):
            return f"it looks like {meaning}"
    if not any(head):
        return "it starts with zeros only: a download that reserved space and did not finish?"
    if head.lstrip()[:1] in {b"{", b"["}:
        return "it looks like JSON: pass the .onnx file, or the folder that holds both"
    if _is_text(head):
        return "it looks like a text file: pass an .onnx file, or a folder of them"
    if truncated:
        return "the download was probably cut: compare its size with the original and fetch again"
    return "pass an .onnx file, or a folder of them"


def _is_text(head: bytes) -> bool:
    """Whether these bytes are readable text, allowing a character cut at the end."""
    try:
        text = head[: max(len(head) - 3, 1)].decode()
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t" for character in text)
