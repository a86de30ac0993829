"""Rules for people to read: the table of all, and the page of each, which docs/rules/ holds."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator, Sequence

from onnxtool.render.document import Block, Code, Document, Facts, Heading, Markup, Table
from onnxtool.rules.rule import Example, Needs, Rule

RULES_SCHEMA = "onnxtool.rules/1"
Object = dict[str, object]
FAMILIES = {
    "X": "Files and external data",
    "M": "Header and weights",
    "I": "Interface and dynamic axes",
    "J": "Joint and predictor",
    "S": "Streaming",
    "B": "Bundle and metadata",
    "Q": "After simplifying or quantizing",
}
NEEDS = {
    Needs.STRUCTURE: "structure",
    Needs.WEIGHTS: "weights (--weights)",
    Needs.RUN: "a run (--run)",
}


def overview(rules: Sequence[Rule]) -> Document:
    """All of them, by family."""
    return tuple(block for family in _families(rules) for block in _family(rules, family))


def explanation(rule: Rule) -> Document:
    """One of them: why it is there, what to do, and what is wrong and what is right by example."""
    return tuple(_explanation(rule))


def index(rules: Sequence[Rule]) -> str:
    """The overview as Markdown, with links to the pages."""
    lines = ["# Rules", "", "`onnxtool rules` lists them, and `onnxtool rules CODE` explains one."]
    for family in _families(rules):
        lines += ["", f"## {family}: {FAMILIES.get(family, 'others')}", ""]
        lines += ["| code | name | severity | needs | finds |", "| --- | --- | --- | --- | --- |"]
        lines += [_row(rule) for rule in rules if rule.code[0] == family]
    return "\n".join(lines) + "\n"


def rules_json(rules: Sequence[Rule]) -> Object:
    """As JSON; the schema is docs/json-schemas/rules-1.json."""
    return {"schema": RULES_SCHEMA, "rules": [_rule(rule) for rule in rules]}


def _families(rules: Sequence[Rule]) -> list[str]:
    return list(dict.fromkeys(rule.code[0] for rule in rules))


def _family(rules: Sequence[Rule], family: str) -> Iterator[Block]:
    yield Heading(f"{family}: {FAMILIES.get(family, 'others')}")
    rows = tuple(
        (rule.code, rule.name, rule.severity.label, rule.needs.value, rule.summary)
        for rule in rules
        if rule.code[0] == family
    )
    yield Table(("code", "name", "severity", "needs", "finds"), rows)


def _row(rule: Rule) -> str:
    link = f"[{rule.code}]({rule.code}.md)"
    cells = link, rule.name, rule.severity.label, rule.needs.value, rule.summary
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _explanation(rule: Rule) -> Iterator[Block]:
    yield Heading(f"{rule.code} {rule.name}", level=1)
    yield Markup(rule.summary)
    yield Facts(
        (("severity", rule.severity.label), ("about", _about(rule)), ("needs", NEEDS[rule.needs]))
    )
    if rule.rationale:
        yield Markup(rule.rationale)
    yield Heading("What to do")
    yield Markup(rule.fix)
    yield from _example("Wrong", rule.bad)
    yield from _example("Right", rule.good)
    yield Heading("Let it through", note="in onnxtool.toml; model and location are patterns")
    yield Code(_snippet(rule), "toml")


def _about(rule: Rule) -> str:
    if rule.on_bundle:
        return "folders"
    return ", ".join(role.value for role in rule.roles) or "any graph"


def _example(title: str, example: Example) -> Iterator[Block]:
    yield Heading(title)
    if callable(example):
        told = inspect.getdoc(example) if inspect.isfunction(example) else None
        yield Markup((told or "").partition("\n")[0] or "Made by a program.")
    else:
        yield Code(textwrap.dedent(example).strip("\n"), "text")


def _snippet(rule: Rule) -> str:
    lines = ["[[check.suppress]]", f'code = "{rule.code}"', 'model = "*"', 'location = "*"']
    return "\n".join([*lines, 'reason = "why it may stay"'])


def _rule(rule: Rule) -> Object:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.label,
        "needs": rule.needs.value,
        "about": "folder" if rule.on_bundle else "graph",
        "roles": [role.value for role in rule.roles],
        "summary": rule.summary,
        "rationale": rule.rationale,
        "fix": rule.fix,
        "bad": _text(rule.bad),
        "good": _text(rule.good),
    }


def _text(example: Example) -> str | None:
    """ONNX text; None for an example that takes a program to make."""
    return None if callable(example) else textwrap.dedent(example).strip("\n")
