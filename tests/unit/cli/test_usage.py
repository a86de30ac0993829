from __future__ import annotations

import pytest
import typer

from onnxtool.cli.usage import BadUsage, usage_error


def test_every_error_of_the_command_line_is_a_usage_error() -> None:
    assert BadUsage.__name__ == "ClickException"
    assert issubclass(typer.BadParameter, BadUsage)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("Not a number.", "invalid value: Not a number"),
        ("one\n  two", "invalid value: one two"),
    ],
)
def test_a_usage_error_is_one_line_like_all_others(told: str, message: str) -> None:
    error = usage_error(typer.BadParameter(told))
    assert (str(error), error.hint) == (message, "see onnxtool --help")
