"""`onnxtool rules`: what `check` looks for, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from onnxtool.cli.options import Format, FormatOption, OutputOption
from onnxtool.cli.output import deliver, deliver_json, refuse_to_overwrite

EXAMPLES = """
Examples:

onnxtool rules

onnxtool rules X001

onnxtool rules --format json | jq -r '.rules[].code'
"""


def rules(
    codes: Annotated[
        list[str] | None, typer.Argument(metavar="[CODE...]", help="Rules, by code or by name.")
    ] = None,
    format: FormatOption = Format.TEXT,
    output: OutputOption = None,
) -> None:
    """List the rules of `check`, or explain some of them.

    An explanation says why the rule is there and what to do about its findings, shows a graph that
    is wrong and one that is right, and how to let a finding through.
    """
    from onnxtool.render.rules import explanation, overview, rules_json
    from onnxtool.rules.catalog import CATALOG
    from onnxtool.rules.engine import rule_named

    refuse_to_overwrite(output, ())
    wanted = tuple(rule_named(code) for code in codes or ())
    if format is Format.JSON:
        deliver_json(rules_json(wanted or CATALOG), output)
        return
    blocks = [block for rule in wanted for block in explanation(rule)] or overview(CATALOG)
    deliver(blocks, format, output, show_all=True)
