from __future__ import annotations

import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.transforms.staging import publish, publish_folder, require_new, staging

posix = pytest.mark.skipif(sys.platform == "win32", reason="locks and modes are POSIX")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_is_gone_when_the_block_ends(tmp_path: Path) -> None:
    with staging(tmp_path / "out.onnx") as folder:
        (folder / "file").write_bytes(b"1")
        assert folder.parent == tmp_path
    assert names(tmp_path) == []


def test_the_folder_is_gone_when_the_block_fails(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), staging(tmp_path / "out.onnx") as folder:
        (folder / "file").write_bytes(b"1")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_what_a_killed_run_left_behind_is_taken_over(tmp_path: Path) -> None:
    left_over = tmp_path / ".out.onnx.partial"
    (left_over / "sub").mkdir(parents=True)
    (left_over / "file").touch()
    with staging(tmp_path / "out.onnx") as folder:
        assert (folder, names(folder)) == (left_over, [])
    assert names(tmp_path) == []


@posix
def test_two_runs_do_not_share_it(tmp_path: Path) -> None:
    with staging(tmp_path / "out") as folder:
        (folder / "file").touch()
        with pytest.raises(OnnxToolError, match="another run"), staging(tmp_path / "out"):
            pass
        assert names(folder) == ["file"]


@posix
def test_a_link_by_its_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").touch()
    (tmp_path / ".out.partial").symlink_to("elsewhere")
    with pytest.raises(OnnxToolError, match="cannot be written"), staging(tmp_path / "out"):
        pass
    assert names(tmp_path / "elsewhere") == ["precious"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OnnxToolError, match="cannot be written"),
        staging(tmp_path / "gone" / "out"),
    ):
        pass


def staged(tmp_path: Path, **files: bytes) -> Path:
    folder = tmp_path / "staged"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_files_are_published(tmp_path: Path) -> None:
    folder = staged(tmp_path, data=b"1", graph=b"2")
    publish(folder, ["data", "graph"], tmp_path)
    assert names(tmp_path) == ["data", "graph", "staged"]


def test_the_same_bytes_are_no_conflict(tmp_path: Path) -> None:
    folder = staged(tmp_path, data=b"1", graph=b"2")
    (tmp_path / "data").write_bytes(b"1")
    publish(folder, ["data", "graph"], tmp_path)
    assert names(tmp_path) == ["data", "graph", "staged"]


@pytest.mark.parametrize("name", ["data", "graph"])
@pytest.mark.parametrize("content", [b"3", b"", b"22"])
def test_other_bytes_are_not_replaced(tmp_path: Path, name: str, content: bytes) -> None:
    folder = staged(tmp_path, data=b"1", graph=b"2")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{name}: exists"):
        publish(folder, ["data", "graph"], tmp_path)
    assert names(tmp_path) == sorted([name, "staged"])
    assert (tmp_path / name).read_bytes() == content


def test_a_rename_that_fails_takes_the_others_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = staged(tmp_path, data=b"1", graph=b"2")
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.name == "graph":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="No space"):
        publish(folder, ["data", "graph"], tmp_path)
    assert names(tmp_path) == ["staged"]


@posix
def test_a_folder_is_published_readable_for_all(tmp_path: Path) -> None:
    folder = staged(tmp_path, graph=b"2")
    (folder / "sub").mkdir(mode=0o700)
    publish_folder(folder, tmp_path / "out")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out", tmp_path / "out/sub")]
    assert modes == [0o755, 0o755]


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    folder = staged(tmp_path, graph=b"2")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").touch()
    with pytest.raises(UsageError, match="exists"):
        publish_folder(folder, tmp_path / "out")
    assert names(tmp_path / "out") == ["file"]


@posix
def test_a_broken_link_exists(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UsageError, match="exists"):
        require_new(tmp_path / "link")
