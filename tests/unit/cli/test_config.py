"""The configuration of `check`: what is read, where from, and what is wrong in which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from onnxtool.cli.config import Config, FailOn, configuration
from onnxtool.errors import UsageError
from onnxtool.rules.report import Suppression

EVERYTHING = """
[check]
select = ["X", "X001"]
ignore = []
fail-on = "warning"
run = true
weights = false
contract = "contracts/asr.json"
target = ["sherpa-onnx", "onnxruntime==1.20"]
time-limit = 30
memory-limit = "2GiB"

[[check.suppress]]
code = "X001"
model = "encoder*.onnx"
location = "weights/*"
reason = "built on the device"

[[check.suppress]]
code = "missing-external-file"
reason = "by name"
"""

SUPPRESSED = "[[check.suppress]]\ncode = 'X001'\nreason = 'why'\n"


def written(folder: Path, text: str, name: str = "onnxtool.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def contract(tmp_path: Path) -> None:
    """The contract that the configuration of everything names."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "asr.json").touch()


def test_everything_is_read(tmp_path: Path) -> None:
    assert configuration(written(tmp_path, EVERYTHING)) == Config(
        select=("X", "X001"),
        ignore=(),
        fail_on=FailOn.WARNING,
        run=True,
        weights=False,
        contract=tmp_path / "contracts/asr.json",
        targets=("sherpa-onnx", "onnxruntime==1.20"),
        time_limit_s=30,
        memory_limit_bytes=2 << 30,
        suppress=(
            Suppression("X001", "built on the device", "encoder*.onnx", "weights/*"),
            Suppression("X001", "by name"),
        ),
    )


def test_a_pyproject_says_the_same_in_its_own_table(tmp_path: Path) -> None:
    text = EVERYTHING.replace("[check", "[tool.onnxtool.check")
    inside = configuration(written(tmp_path, text, "pyproject.toml"))
    assert inside == configuration(written(tmp_path, EVERYTHING))


def test_the_command_line_comes_first() -> None:
    config = Config(select=("X",), run=True, fail_on=FailOn.INFO)
    given = config.with_given(select=("J",), ignore=None, run=False, fail_on=None)
    assert given == Config(select=("J",), run=False, fail_on=FailOn.INFO)


# --- Where it is found ---------------------------------------------------------------------------


def test_it_is_found_in_a_folder_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "[check]\nrun = true")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert configuration(None).run is True


def test_the_nearest_one_counts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "[check]\nrun = true\nweights = true")
    (tmp_path / "a").mkdir()
    written(tmp_path / "a", "[tool.onnxtool.check]\nrun = false", "pyproject.toml")
    monkeypatch.chdir(tmp_path / "a")
    assert configuration(None) == Config(run=False)


def test_a_pyproject_that_says_nothing_is_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "[check]\nrun = true")
    (tmp_path / "a").mkdir()
    written(tmp_path / "a", "[tool.ruff]\n[project]", "pyproject.toml")
    monkeypatch.chdir(tmp_path / "a")
    assert configuration(None).run is True


def test_a_file_of_its_own_comes_before_a_pyproject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "[tool.onnxtool.check]\nrun = false", "pyproject.toml")
    written(tmp_path, "[check]\nrun = true")
    monkeypatch.chdir(tmp_path)
    assert configuration(None).run is True


@pytest.mark.parametrize("text", ["", "[check]", "# nothing", "\ufeff[check]\n"])
def test_a_file_may_say_nothing(tmp_path: Path, text: str) -> None:
    assert configuration(written(tmp_path, text)) == Config()


# --- What is wrong, and where --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[check]\nselect = [", ":2:11: not TOML: "),
        ("[check\n", ":1:7: not TOML: "),
        ("[check]\nrun = true\nrun = false\n", "not TOML: "),
        ("\n[chek]\n", ":2:2: chek: no such option"),
        ("check = 3", ":1:1: check: a table is needed"),
        ("[check]\n  selct = []", ":2:3: selct: no such option"),
        ("[check]\nselect = 'X'", ":2:1: select: an array of strings is needed"),
        ("[check]\nselect = [1]", ":2:11: select: an array of strings is needed"),
        ("[check]\n\nselect = ['X', 'Z9']", ":3:16: select: no rule `Z9`"),
        ("[check]\nignore = ['']", ":2:11: ignore: no rule ``"),
        ("[check]\nfail-on = 'fatal'", ":2:1: fail-on: one of error, warning, info, never"),
        ("[check]\nfail-on = 1", ":2:1: fail-on: one of "),
        ("[check]\nfail-on = ['error']", ":2:1: fail-on: one of "),
        ("[check]\n'run' = 'yes'", ":2:1: run: true or false is needed"),
        ("[check]\nweights = 1", ":2:1: weights: true or false is needed"),
        ("[check]\ncontract = 3", ":2:1: contract: a string is needed"),
        ("[check]\ncontract = ''", ":2:1: contract: names no file"),
        ("[check]\ncontract = 'none.json'", ":2:1: contract: no file "),
        ("[check]\ntarget = ['sherpa']", ":2:11: target: no target `sherpa`"),
        ("[check]\ntarget = 'sherpa-onnx'", ":2:1: target: an array of strings is needed"),
        ("[check]\ntime-limit = '3'", ":2:1: time-limit: a number of seconds is needed"),
        ("[check]\ntime-limit = true", ":2:1: time-limit: a number of seconds is needed"),
        ("[check]\ntime-limit = nan", ":2:1: time-limit: nan: no number of seconds"),
        ("[check]\nmemory-limit = 1.5", ":2:1: memory-limit: an amount of memory is needed"),
        ("[check]\nmemory-limit = 'much'", ":2:1: memory-limit: much: no amount of memory"),
        ("[check]\nsuppress = 3", ":2:1: suppress: tables are needed"),
        ("[check.suppress]\ncode = 'X001'", ":1:2: suppress: tables are needed"),
        ("[[check.suppress]]\ncode = 'X001'", ":1:3: reason: is missing or empty"),
        ("[[check.suppress]]\nreason = 'why'", ":1:3: code: is missing or empty"),
        (
            "[[check.suppress]]\ncode = 'X001'\nreason = ' '",
            ":3:1: reason: is missing or empty",
        ),
        (
            f"{SUPPRESSED}[[check.suppress]]\nreason = 'why'\ncode = 'X'",
            ":6:1: code: no rule `X`",
        ),
        (
            f"{SUPPRESSED}model = 3",
            ":4:1: model: a string is needed",
        ),
        (
            f"{SUPPRESSED}modle = 'a'",
            ":4:1: modle: no such option",
        ),
        ("check = { run = 3 }", ":1:11: run: true or false is needed"),
        ("check.run = 3", ":1:7: run: true or false is needed"),
        ("[check]\ntarget = [\n  'onnx-asr',\n  3,\n]", ":4:3: target: an array of strings"),
        ("check.suppress = [{ code = 'X001' }]", ":1:19: reason: is missing or empty"),
        ("check.suppress = [\n {}, { code = 3 }]", ":2:2: code: is missing or empty"),
        ("check.suppress = [{ reason = 'a', code = 3 }]", ":1:35: code: a string is needed"),
        ('x = """\n[check]\nrun = 3\n"""\n[check]\n', ":1:1: x: no such option"),
        ('[check] # [a]\r\n "r\\u0075n" = 3', ":2:2: run: true or false is needed"),
        ("a = " + "[" * 20_000, "onnxtool.toml"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        configuration(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)


def test_a_place_in_a_pyproject_is_told_too(tmp_path: Path) -> None:
    text = "[project]\nrun = 1\n[tool.onnxtool.check]\nrun = 3\n"
    path = written(tmp_path, text, "pyproject.toml")
    with pytest.raises(UsageError, match=r"pyproject\.toml:4:1: run: true or false"):
        configuration(path)


def test_a_file_that_is_not_there_is_told() -> None:
    path = Path(__file__).with_name("no-such.toml")
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        configuration(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[check]\nrun = \xff", "not UTF-8 at byte 14"),
        (b"#" * (1 << 20) + b"##", "larger than 1 MiB"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "onnxtool.toml").write_bytes(content)
    with pytest.raises(UsageError, match=told):
        configuration(tmp_path / "onnxtool.toml")


def test_a_hint_names_the_nearest_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        configuration(written(tmp_path, "[check]\nfail_on = 'error'"))
    assert caught.value.hint == "did you mean `fail-on`?"
