"""Inspect ONNX models between export and release: evidence for each claim, at any size."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxtool.analysis.inspection import BundleInspection, Inspection, inspect
    from onnxtool.comparison.diff import Diff, diff
    from onnxtool.comparison.difference import Difference, Impact
    from onnxtool.comparison.graphs import GraphDiff
    from onnxtool.comparison.metadata import Reconciliation
    from onnxtool.errors import MetadataError, ModelLoadError, OnnxToolError, UsageError
    from onnxtool.model.artifact import save
    from onnxtool.model.bundle import Bundle, load
    from onnxtool.model.view import ModelView

# Public name -> defining module. Imported on first use, so `onnxtool --help` never loads onnx.
_EXPORTS = {
    "Bundle": "onnxtool.model.bundle",
    "BundleInspection": "onnxtool.analysis.inspection",
    "Diff": "onnxtool.comparison.diff",
    "Difference": "onnxtool.comparison.difference",
    "GraphDiff": "onnxtool.comparison.graphs",
    "Impact": "onnxtool.comparison.difference",
    "Inspection": "onnxtool.analysis.inspection",
    "MetadataError": "onnxtool.errors",
    "ModelLoadError": "onnxtool.errors",
    "ModelView": "onnxtool.model.view",
    "OnnxToolError": "onnxtool.errors",
    "Reconciliation": "onnxtool.comparison.metadata",
    "UsageError": "onnxtool.errors",
    "diff": "onnxtool.comparison.diff",
    "inspect": "onnxtool.analysis.inspection",
    "load": "onnxtool.model.bundle",
    "save": "onnxtool.model.artifact",
}
__all__ = [
    "Bundle",
    "BundleInspection",
    "Diff",
    "Difference",
    "GraphDiff",
    "Impact",
    "Inspection",
    "MetadataError",
    "ModelLoadError",
    "ModelView",
    "OnnxToolError",
    "Reconciliation",
    "UsageError",
    "diff",
    "inspect",
    "load",
    "save",
]


def __getattr__(name: str) -> object:
    try:
        module = _EXPORTS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return __all__
