"""What `import onnxtool` offers is what is documented, and costs nothing until it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import onnxtool

ROOT = Path(__file__).parents[2]


def test_the_public_names_are_those_that_can_be_imported() -> None:
    assert onnxtool.__all__ == sorted(onnxtool._EXPORTS)
    assert dir(onnxtool) == onnxtool.__all__


@pytest.mark.parametrize("name", onnxtool.__all__)
def test_a_public_name_is_what_its_module_defines(name: str) -> None:
    value = getattr(onnxtool, name)
    assert (value.__name__, value.__module__) == (name, onnxtool._EXPORTS[name])
    assert value.__doc__


@pytest.mark.parametrize("name", onnxtool.__all__)
def test_a_public_name_is_documented(name: str) -> None:
    assert name in (ROOT / "docs" / "python-api.md").read_text()


def test_type_checkers_see_the_same_names() -> None:
    """mypy does not follow `__getattr__`, so each name is imported for it as well."""
    tree = ast.parse(Path(onnxtool.__file__).read_text())
    imported = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("onnxtool.")
        for alias in node.names
    }
    assert imported == onnxtool._EXPORTS


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'onnxtool' has no attribute 'quantise'"):
        onnxtool.quantise  # noqa: B018


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import onnxtool, sys; print(*{'onnx', 'numpy', 'onnxruntime', 'rich'} & {*sys.modules})"
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert finished.stdout.split() == []
