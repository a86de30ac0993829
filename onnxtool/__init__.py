"""Inspect ONNX models between export and release: evidence for each claim, at any size."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxtool.analysis.inspection import BundleInspection, Inspection, inspect
    from onnxtool.benchmark.bench import bench
    from onnxtool.benchmark.comparison import compare_benchmarks
    from onnxtool.benchmark.reading import read_benchmark
    from onnxtool.benchmark.request import BenchmarkRequest
    from onnxtool.benchmark.result import BenchmarkMethod, BenchmarkResult
    from onnxtool.errors import MetadataError, ModelLoadError, OnnxToolError, UsageError
    from onnxtool.model.artifact import save
    from onnxtool.model.bundle import Bundle, load
    from onnxtool.model.view import ModelView

# Public name -> defining module. Imported on first use, so `onnxtool --help` never loads onnx.
_EXPORTS = {
    "BenchmarkMethod": "onnxtool.benchmark.result",
    "BenchmarkRequest": "onnxtool.benchmark.request",
    "BenchmarkResult": "onnxtool.benchmark.result",
    "Bundle": "onnxtool.model.bundle",
    "BundleInspection": "onnxtool.analysis.inspection",
    "Inspection": "onnxtool.analysis.inspection",
    "MetadataError": "onnxtool.errors",
    "ModelLoadError": "onnxtool.errors",
    "ModelView": "onnxtool.model.view",
    "OnnxToolError": "onnxtool.errors",
    "UsageError": "onnxtool.errors",
    "bench": "onnxtool.benchmark.bench",
    "compare_benchmarks": "onnxtool.benchmark.comparison",
    "inspect": "onnxtool.analysis.inspection",
    "load": "onnxtool.model.bundle",
    "read_benchmark": "onnxtool.benchmark.reading",
    "save": "onnxtool.model.artifact",
}
__all__ = [
    "BenchmarkMethod",
    "BenchmarkRequest",
    "BenchmarkResult",
    "Bundle",
    "BundleInspection",
    "Inspection",
    "MetadataError",
    "ModelLoadError",
    "ModelView",
    "OnnxToolError",
    "UsageError",
    "bench",
    "compare_benchmarks",
    "inspect",
    "load",
    "read_benchmark",
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
