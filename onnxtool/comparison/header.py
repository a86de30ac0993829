"""How the headers of two models differ: opsets, file format, custom operators, metadata_props."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onnxtool.comparison.difference import Difference, Impact, Kind
from onnxtool.comparison.profile import Profile

# Operators that ONNX Runtime brings along; other runtimes do not have them.
RUNTIME_DOMAINS = frozenset({"com.microsoft", "com.microsoft.nchwc", "ai.onnx.contrib"})
# Keys of metadata_props that say who made the model and how; no runtime acts on them.
REMARKS = frozenset({"comment", "license", "model_author", "maintainer", "onnx.infer", "version"})
MAX_TEXT = 10_000


def header_differences(before: Profile, after: Profile) -> Iterator[Difference]:
    """How what a model says of itself differs from what another does."""
    yield from _opsets(before, after)
    if before.ir_version != after.ir_version:
        newer = after.ir_version > before.ir_version
        yield Difference(
            Kind.IR_VERSION,
            Impact.BEHAVIORAL if newer else Impact.COSMETIC,
            "ir_version",
            str(before.ir_version),
            str(after.ir_version),
            "a newer file format: older runtimes refuse it" if newer else "an older file format",
        )
    for name in before.origin:
        # Inspections keep no more of it.
        old, new = before.origin[name][:MAX_TEXT], after.origin.get(name, "")[:MAX_TEXT]
        if old != new:
            message = "another origin or description"
            yield Difference(Kind.ORIGIN, Impact.COSMETIC, name, old, new, message)
    yield from _metadata_props(before.metadata_props, after.metadata_props)


def _opsets(before: Profile, after: Profile) -> Iterator[Difference]:
    """Operator sets, by what a runtime must bring.

    1. A domain that is used and was not: breaking, unless ONNX Runtime brings its operators.
    2. Another version of a domain: behavioral, since operators of one name may compute otherwise.
    3. A domain that is only listed, or that is no longer there: cosmetic.
    """
    for domain in dict.fromkeys((*before.opset_imports, *after.opset_imports)):
        old, new = before.opset_imports.get(domain), after.opset_imports.get(domain)
        if old == new:
            continue
        needed = domain in after.custom_domains and domain not in before.custom_domains
        if needed:  # 1
            known = domain in RUNTIME_DOMAINS
            impact = Impact.BEHAVIORAL if known else Impact.BREAKING
            message = "operators that the runtime must bring"
        elif old is not None and new is not None:  # 2
            impact, message = Impact.BEHAVIORAL, "operators may compute otherwise"
        else:  # 3
            impact, message = Impact.COSMETIC, "an operator set listed, or no longer listed"
        where = f"opset {domain or 'ai.onnx'}"
        yield Difference(Kind.OPSET, impact, where, _text(old), _text(new), message)


def _text(version: int | None) -> str | None:
    return None if version is None else str(version)


def _metadata_props(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    """A key that is gone breaks whoever reads it; a value that changes, changes what they do."""
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if new is None:
            impact, message = Impact.BREAKING, "metadata removed"
        elif old is None:
            impact, message = Impact.COSMETIC, "metadata added"
        else:
            impact, message = Impact.BEHAVIORAL, "metadata changed"
        if key.lower() in REMARKS:
            impact = Impact.COSMETIC
        yield Difference(Kind.METADATA_PROP, impact, f"metadata {key}", old, new, message)
