"""What a model's file says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

from onnxtool.analysis.inspection import Inspection
from onnxtool.render.inspection.limits import Limits
from onnxtool.render.units import count, size


def header(result: Inspection, limits: Limits) -> Iterator[tuple[str, str]]:
    """Versions, producer, sizes, hashes, metadata."""
    said = result.header
    opsets = (f"{domain or 'ai.onnx'} {v}" for domain, v in said.opset_imports.items())
    yield "family", result.signature.family or "unknown"
    yield "format", f"IR {said.ir_version} · opset {limits.listed(opsets) or 'none'}"
    producer = " ".join(part for part in (said.producer, said.producer_version) if part)
    yield "producer", producer or "unknown"
    yield "graph file", f"{size(result.size_bytes)} ({result.size_bytes:,} bytes)"
    if result.digest:
        alone = f" (covers none of {count(result.external.files, 'weight file')})"
        yield "SHA-256", result.digest.sha256 + (alone if result.external.files else "")
        if result.external.files:
            yield "with weights", result.digest.complete or "not all files can be read"
    for key, text in said.metadata_props.items():
        yield f"metadata {key}", value(text, limits)
    if said.doc_string:
        yield "doc string", value(said.doc_string, limits)


def value(field: object, limits: Limits) -> str:
    """A value of the metadata: text as it is, anything else as JSON."""
    text = field if isinstance(field, str) else json.dumps(field, ensure_ascii=False)
    shown = text[: limits.characters]
    return text if shown == text else f"{shown}… ({len(text):,} characters)"
