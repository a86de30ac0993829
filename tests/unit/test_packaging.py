"""What pyproject.toml promises about dependencies is what the constraint files test."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PYPROJECT = ROOT / "pyproject.toml"
PROJECT = tomllib.loads(PYPROJECT.read_text())["project"]
DEPENDENCIES = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {
    name: [Requirement(text) for text in texts]
    for name, texts in PROJECT["optional-dependencies"].items()
}
every_dependency = pytest.mark.parametrize("dependency", DEPENDENCIES, ids=lambda each: each.name)


def pins(name: str) -> dict[str, str]:
    """The `name==version` lines of a constraint file; any other line but a comment is an error."""
    lines = (ROOT / "constraints" / name).read_text().splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    return dict(line.split("==") for line in lines)


def versions(dependency: Requirement, operator: str) -> list[str]:
    return [each.version for each in dependency.specifier if each.operator == operator]


def comment_above(dependency: Requirement) -> str:
    """The comment lines right above the dependency in pyproject.toml."""
    comment: list[str] = []
    for line in PYPROJECT.read_text().splitlines():
        if re.match(rf'\s*"{re.escape(dependency.name)}\b[^-\w]', line):
            return "\n".join(comment)
        comment = [*comment, line.strip()] if line.lstrip().startswith("#") else []
    raise AssertionError(f"{dependency} has no line of its own")


@every_dependency
def test_a_lower_bound_is_the_version_that_the_lowest_leg_installs(dependency: Requirement) -> None:
    assert versions(dependency, ">=") == [pins("lowest.txt")[dependency.name]]


@every_dependency
def test_a_lower_bound_has_a_reason(dependency: Requirement) -> None:
    assert comment_above(dependency)


@every_dependency
def test_an_excluded_version_has_a_reason(dependency: Requirement) -> None:
    reasons = [line for line in comment_above(dependency).splitlines() if line.startswith("# not ")]
    for version in versions(dependency, "!="):
        assert any(version in reason.partition(": ")[0] for reason in reasons)
        assert all(reason.partition(": ")[2] for reason in reasons)


@pytest.mark.parametrize(
    ("files", "requirements"),
    [
        (["dev.txt"], [*DEPENDENCIES, *EXTRAS["test"], *EXTRAS["dev"]]),
        (["lowest.txt"], [*DEPENDENCIES, *EXTRAS["test"]]),
        (["dev.txt", "benchmarks.txt"], [*DEPENDENCIES, *EXTRAS["benchmarks"]]),
    ],
    ids=["dev", "lowest", "benchmarks"],
)
def test_everything_that_is_asked_for_is_pinned(
    files: list[str], requirements: list[Requirement]
) -> None:
    pinned = {package: version for file in files for package, version in pins(file).items()}
    for requirement in requirements:
        if requirement.name != PROJECT["name"]:
            assert requirement.specifier.contains(pinned[requirement.name]), requirement
