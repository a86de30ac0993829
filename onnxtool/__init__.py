"""Inspect ONNX models between export and release: evidence for each claim, at any size."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxtool.analysis.inspection import BundleInspection, Inspection, inspect
    from onnxtool.errors import MetadataError, ModelLoadError, OnnxToolError, UsageError
    from onnxtool.model.artifact import save
    from onnxtool.model.bundle import Bundle, load
    from onnxtool.model.view import ModelView
    from onnxtool.transforms.repack import RepackResult, repack

# Public name -> defining module. Imported on first use, so `onnxtool --help` never loads onnx.
_EXPORTS = {
    "Bundle": "onnxtool.model.bundle",
    "BundleInspection": "onnxtool.analysis.inspection",
    "Inspection": "onnxtool.analysis.inspection",
    "MetadataError": "onnxtool.errors",
    "ModelLoadError": "onnxtool.errors",
    "ModelView": "onnxtool.model.view",
    "OnnxToolError": "onnxtool.errors",
    "RepackResult": "onnxtool.transforms.repack",
    "UsageError": "onnxtool.errors",
    "inspect": "onnxtool.analysis.inspection",
    "load": "onnxtool.model.bundle",
    "repack": "onnxtool.transforms.repack",
    "save": "onnxtool.model.artifact",
}
__all__ = [
    "Bundle",
    "BundleInspection",
    "Inspection",
    "MetadataError",
    "ModelLoadError",
    "ModelView",
    "OnnxToolError",
    "RepackResult",
    "UsageError",
    "inspect",
    "load",
    "repack",
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
