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
    from onnxtool.comparison.bundles import BundleVerification
    from onnxtool.comparison.diff import Diff, diff
    from onnxtool.comparison.difference import Difference, Impact
    from onnxtool.comparison.graphs import GraphDiff
    from onnxtool.comparison.metadata import Reconciliation
    from onnxtool.comparison.verification import Verdict, Verification
    from onnxtool.comparison.verify import verify
    from onnxtool.errors import (
        MetadataError,
        ModelLoadError,
        OnnxToolError,
        UnsupportedModelError,
        UsageError,
    )
    from onnxtool.model.artifact import save
    from onnxtool.model.bundle import Bundle, load
    from onnxtool.model.contract import Contract, read_contract
    from onnxtool.model.view import ModelView
    from onnxtool.release.lockfile import Manifest
    from onnxtool.release.manifest import write_manifest
    from onnxtool.release.verification import ManifestVerification, verify_manifest
    from onnxtool.rules.answer import Severity
    from onnxtool.rules.engine import check
    from onnxtool.rules.report import CheckReport, Finding, Suppression
    from onnxtool.rules.subject import Settings
    from onnxtool.rules.target import Target, parse_target
    from onnxtool.transforms.repack import RepackResult, repack

# Public name -> defining module. Imported on first use, so `onnxtool --help` never loads onnx.
_EXPORTS = {
    "BenchmarkMethod": "onnxtool.benchmark.result",
    "BenchmarkRequest": "onnxtool.benchmark.request",
    "BenchmarkResult": "onnxtool.benchmark.result",
    "Bundle": "onnxtool.model.bundle",
    "BundleInspection": "onnxtool.analysis.inspection",
    "BundleVerification": "onnxtool.comparison.bundles",
    "CheckReport": "onnxtool.rules.report",
    "Contract": "onnxtool.model.contract",
    "Diff": "onnxtool.comparison.diff",
    "Difference": "onnxtool.comparison.difference",
    "Finding": "onnxtool.rules.report",
    "GraphDiff": "onnxtool.comparison.graphs",
    "Impact": "onnxtool.comparison.difference",
    "Inspection": "onnxtool.analysis.inspection",
    "Manifest": "onnxtool.release.lockfile",
    "ManifestVerification": "onnxtool.release.verification",
    "MetadataError": "onnxtool.errors",
    "ModelLoadError": "onnxtool.errors",
    "ModelView": "onnxtool.model.view",
    "OnnxToolError": "onnxtool.errors",
    "Reconciliation": "onnxtool.comparison.metadata",
    "RepackResult": "onnxtool.transforms.repack",
    "Settings": "onnxtool.rules.subject",
    "Severity": "onnxtool.rules.answer",
    "Suppression": "onnxtool.rules.report",
    "Target": "onnxtool.rules.target",
    "UnsupportedModelError": "onnxtool.errors",
    "UsageError": "onnxtool.errors",
    "Verdict": "onnxtool.comparison.verification",
    "Verification": "onnxtool.comparison.verification",
    "bench": "onnxtool.benchmark.bench",
    "check": "onnxtool.rules.engine",
    "compare_benchmarks": "onnxtool.benchmark.comparison",
    "diff": "onnxtool.comparison.diff",
    "inspect": "onnxtool.analysis.inspection",
    "load": "onnxtool.model.bundle",
    "parse_target": "onnxtool.rules.target",
    "read_benchmark": "onnxtool.benchmark.reading",
    "read_contract": "onnxtool.model.contract",
    "repack": "onnxtool.transforms.repack",
    "save": "onnxtool.model.artifact",
    "verify": "onnxtool.comparison.verify",
    "verify_manifest": "onnxtool.release.verification",
    "write_manifest": "onnxtool.release.manifest",
}
__all__ = [
    "BenchmarkMethod",
    "BenchmarkRequest",
    "BenchmarkResult",
    "Bundle",
    "BundleInspection",
    "BundleVerification",
    "CheckReport",
    "Contract",
    "Diff",
    "Difference",
    "Finding",
    "GraphDiff",
    "Impact",
    "Inspection",
    "Manifest",
    "ManifestVerification",
    "MetadataError",
    "ModelLoadError",
    "ModelView",
    "OnnxToolError",
    "Reconciliation",
    "RepackResult",
    "Settings",
    "Severity",
    "Suppression",
    "Target",
    "UnsupportedModelError",
    "UsageError",
    "Verdict",
    "Verification",
    "bench",
    "check",
    "compare_benchmarks",
    "diff",
    "inspect",
    "load",
    "parse_target",
    "read_benchmark",
    "read_contract",
    "repack",
    "save",
    "verify",
    "verify_manifest",
    "write_manifest",
]


def __getattr__(name: str) -> object:
    try:
        module = _EXPORTS[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return __all__
