from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.render.places import relative, shown, uri

ROOT = Path.cwd()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("export/joint.onnx", "export/joint.onnx"),
        ("./export/../joint.onnx", "joint.onnx"),
        (".", "."),
        (str(ROOT / "a.onnx"), "a.onnx"),
        (str(ROOT.parent / "a.onnx"), (ROOT.parent / "a.onnx").as_posix()),
        ("../a.onnx", (ROOT.parent / "a.onnx").as_posix()),
    ],
)
def test_a_path_is_told_from_the_root(path: str, expected: str) -> None:
    assert relative(Path(path), ROOT) == expected


def test_a_link_is_named_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    link = tmp_path / "here" / "link.onnx"
    link.symlink_to(tmp_path / "elsewhere.onnx")
    assert relative(link, tmp_path / "here") == "link.onnx"


def test_what_lies_elsewhere_is_a_file_uri() -> None:
    assert uri(Path("/data/a b.onnx"), ROOT) == "file:///data/a%20b.onnx"
    assert uri(Path("a b.onnx"), ROOT) == "a%20b.onnx"


@pytest.mark.parametrize(
    "name",
    ["a\x1b.onnx", "a\n.onnx", f"a{chr(0xDCFF)}.onnx", f"a{chr(0xD800)}.onnx"],
    ids=["escape", "line", "byte", "surrogate"],
)
def test_any_name_can_be_told(name: str) -> None:
    assert shown(Path(name), ROOT).isprintable()
    assert uri(Path(name), ROOT).isascii()
