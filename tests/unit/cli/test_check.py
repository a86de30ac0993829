"""What the options of `check` make of its settings and its verdict."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from onnxtool.cli import check
from onnxtool.cli.app import main
from onnxtool.cli.check_output import fails
from onnxtool.cli.config import Config, FailOn
from onnxtool.errors import UsageError
from onnxtool.model import contract
from onnxtool.model.contract import Contract
from onnxtool.rules import engine, target
from onnxtool.rules.answer import Problem, Severity
from onnxtool.rules.subject import GraphSubject, Settings
from onnxtool.rules.target import Target
from onnxtool.runtime.session import Limits
from tests.support.checks import finding
from tests.support.models import model, write


def test_without_options_the_settings_are_the_usual() -> None:
    assert check._settings(Config()) == Settings()


def test_options_become_settings() -> None:
    wanted = Config(run=True, weights=False, time_limit_s=3, memory_limit_bytes=1 << 30)
    limits = Limits(time_s=3, memory_bytes=1 << 30)
    assert check._settings(wanted) == Settings(run=True, weights=False, limits=limits)


def test_a_contract_and_targets_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> Contract:
        return Contract(path, {}, None, None)

    chosen = Target("sherpa-onnx", "sherpa-onnx")
    monkeypatch.setattr(contract, "read_contract", read, raising=False)
    monkeypatch.setattr(target, "parse_target", {"sherpa-onnx": chosen}.get, raising=False)
    settings = check._settings(Config(contract=Path("c.json"), targets=("sherpa-onnx",)))
    assert settings.contract == read(Path("c.json"))
    assert settings.targets == (chosen,)


def test_an_option_and_its_opposite_are_refused() -> None:
    assert [
        check._either("run", *given) for given in ((False, False), (True, False), (False, True))
    ] == [
        None,
        True,
        False,
    ]
    with pytest.raises(UsageError, match="--run contradicts --no-run"):
        check._either("run", True, True)


@pytest.mark.parametrize(
    ("lists", "codes"),
    [
        (None, None),
        ([], None),
        (["X"], ("X",)),
        (["X, J001", "M"], ("X", "J001", "M")),
        (["X,"], ("X", "")),
    ],
)
def test_codes_come_in_lists(lists: list[str] | None, codes: tuple[str, ...] | None) -> None:
    assert check._split(lists) == codes


@pytest.mark.parametrize(
    ("fail_on", "failing"), [("never", ""), ("error", "3"), ("warning", "23"), ("info", "123")]
)
def test_findings_fail_from_a_severity_on(fail_on: str, failing: str) -> None:
    found = [each for each in Severity if fails(finding(severity=each), FailOn(fail_on))]
    assert "".join(str(int(each)) for each in found) == failing


def test_a_bug_of_ours_ends_with_3_after_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(graph: GraphSubject) -> list[Problem]:
        raise IndexError(graph.name)

    path = write(tmp_path / "m.onnx", model("g (float[1] x) => (float[1] y) { y = Relu(x) }"))
    rules = (replace(engine.rule_named("M001"), on_graph=broken), engine.rule_named("X001"))
    monkeypatch.setattr(engine, "CATALOG", rules)
    monkeypatch.setattr(sys, "argv", ["onnxtool", "check", str(path)])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == 3
    assert "M001 failed on m.onnx: IndexError: m.onnx: a bug in onnxtool" in out
    assert "1 rule checked" in out
    assert err.endswith("This is a bug in onnxtool; please report it with the above.\n")
