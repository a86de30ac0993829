"""The verdict of `verify`, as blocks and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator

from onnxtool.comparison.agreement import Agreement, Divergence, UtteranceAgreement
from onnxtool.comparison.bisection import Bisection
from onnxtool.comparison.bundles import BundleVerification
from onnxtool.comparison.verification import (
    Drift,
    OutputVerdict,
    Verdict,
    Verification,
)
from onnxtool.render.document import (
    Align,
    Block,
    Document,
    Facts,
    Heading,
    Paragraph,
    Table,
    Tone,
)
from onnxtool.render.units import count, size
from onnxtool.speech.decoding import Emission


def document(found: Verification | BundleVerification) -> Document:
    """What was compared, and how it came out."""
    if isinstance(found, Verification):
        return tuple(_graph(found))
    return tuple(_bundle(found))


def _bundle(found: BundleVerification) -> Iterator[Block]:
    yield Heading(f"{found.candidate} for {found.reference}: {found.verdict}", 1)
    for misfit in found.misfits:
        yield Paragraph(misfit, Tone.BAD)
    if found.asked and not found.agreement:
        yield Paragraph("the utterances were not used: nothing could recognize them", Tone.DOUBTFUL)
    if found.missing:
        yield Paragraph(f"no counterpart of {', '.join(found.missing)}", Tone.BAD)
    if found.agreement:
        yield from _agreement(found.agreement)
    elif found.no_agreement:
        yield Paragraph(f"not decoded end to end: {found.no_agreement}")
    for name, verification in found.graphs:
        yield Heading(f"{name}: {verification.verdict}")
        yield from _details(verification)


def _graph(found: Verification) -> Iterator[Block]:
    yield Heading(f"{found.candidate} for {found.reference}: {found.verdict}", 1)
    yield from _details(found)


def _details(found: Verification) -> Iterator[Block]:
    if found.misfits:
        yield Paragraph("a caller of the reference could not call it:", Tone.BAD)
        yield Table(("misfit",), tuple((misfit,) for misfit in found.misfits), tone=Tone.BAD)
        return
    yield Facts(tuple(_tried(found)))
    if found.outputs:
        yield _outputs(found.outputs)
    for doubt in found.doubts:
        yield Paragraph(f"proves too little: {doubt}", Tone.DOUBTFUL)
    for result in found.trials:
        if result.failed:
            yield Paragraph(f"{result.trial}: the candidate fails: {result.failed}", Tone.BAD)
    if found.drift:
        yield Facts(tuple(_drift(found.drift)))
    if found.bisection:
        yield Facts(tuple(_bisection(found.bisection)))


def _tried(found: Verification) -> Iterator[tuple[str, str]]:
    calls = sum(result.steps for result in found.trials)
    made = [result for result in found.trials if result.steps]
    weak = " (weak evidence)" if found.evidence == "random" else ""
    yield "tried", f"{count(len(made), 'trial')}, {count(calls, 'call')}, {found.evidence}{weak}"
    refused = [result for result in found.trials if result.refused]
    for result in refused:
        yield "refused", f"by the reference, {result.trial}: {result.refused}"


def _outputs(outputs: tuple[OutputVerdict, ...]) -> Table:
    return Table(
        (
            "output",
            "verdict",
            "error",
            "allowed",
            "max abs",
            "SNR dB",
            "cosine",
            "flips",
            "worst at",
        ),
        tuple(
            (
                output.name,
                "within" if output.passed else output.worst.problem or "out",
                number(output.worst.error),
                number(output.tolerance),
                number(output.worst.max_abs),
                number(output.worst.snr_db, 1),
                f"{output.worst.cosine:.6f}",
                _flips(output),
                _where(output),
            )
            for output in outputs
        ),
        (
            Align.LEFT,
            Align.LEFT,
            Align.RIGHT,
            Align.RIGHT,
            Align.RIGHT,
            Align.RIGHT,
            Align.RIGHT,
            Align.RIGHT,
            Align.LEFT,
        ),
        Tone.PLAIN if all(output.passed for output in outputs) else Tone.BAD,
    )


def _flips(output: OutputVerdict) -> str:
    if output.flips is None:
        return ""
    if not output.flips.flipped:
        return f"0 of {output.flips.rows:,}"
    return (
        f"{output.flips.flipped:,} of {output.flips.rows:,}, "
        f"margin up to {number(output.flips.largest_margin)}"
    )


def _where(output: OutputVerdict) -> str:
    if not output.worst.error:
        return ""
    return f"{output.trial}, call {output.step}"


def _drift(drift: Drift) -> Iterator[tuple[str, str]]:
    yield "closed loop", f"{count(len(drift.errors), 'call')}, each on its own states"
    yield "error", f"first {number(drift.errors[0])}, last {number(drift.errors[-1])}"
    yield (
        "slope",
        f"{number(drift.slope)} a call; last tenth over first {number(drift.last_over_first)}",
    )
    if drift.first_step is not None:
        yield "first out", f"call {drift.first_step}: `{drift.first_output}`"


def _bisection(found: Bisection) -> Iterator[tuple[str, str]]:
    shared = f"{found.candidates:,} of {count(found.values, 'value')}"
    spent = f"{count(found.rounds, 'round')} over {shared}, "
    spent += f"{size(found.largest_bytes)} of taps at most"
    if not found.value:
        yield "first node", f"none: no tapped value is out on the same inputs ({spent})"
        return
    if found.candidates < found.values // 2:
        # Renamed: `diff` aligns by structure, and knows which weights differ.
        yield "not sure", f"only {shared} go by the same names: the fault may be before this node"
    yield "first node", f"{found.node} ({found.operator})"
    yield "its output", f"{found.value}: error {number(found.error)}"
    yield "still good", found.last_good or "nothing before it"
    yield "found in", spent


def _agreement(found: Agreement) -> Iterator[Block]:
    yield Heading(f"end to end: {found.verdict}")
    weak = " (weak evidence)" if found.evidence == "random" else ""
    yield Facts(
        (
            ("utterances", f"{len(found.utterances)}, {found.evidence}{weak}"),
            ("tokens", f"{found.tokens:,} in the reference, {found.edits:,} edits"),
        )
    )
    if found.verdict is Verdict.INCONCLUSIVE:
        yield Paragraph("nothing but blanks on both sides: that two are silent proves nothing")
    differing = [u for u in found.utterances if u.divergence]
    if differing:
        yield Table(
            ("utterance", "frames", "tokens", "edits", "first divergence"),
            tuple(map(_utterance, differing)),
            (Align.LEFT, Align.RIGHT, Align.RIGHT, Align.RIGHT, Align.LEFT),
            Tone.BAD if found.edits else Tone.PLAIN,
        )


def _utterance(found: UtteranceAgreement) -> tuple[str, ...]:
    return (
        found.name,
        f"{found.frames:,}",
        f"{len(found.reference)} and {len(found.candidate)}",
        str(found.edits),
        _divergence(found.divergence) if found.divergence else "",
    )


def _divergence(found: Divergence) -> str:
    sides = (_emission(found.reference), _emission(found.candidate))
    return f"token {found.index}: {sides[0]} became {sides[1]}"


def _emission(emission: Emission | None) -> str:
    if emission is None:
        return "the end"
    margins = number(emission.token_margin)
    if emission.duration_margin is not None:
        margins += f" and {number(emission.duration_margin)}"
    return f"{emission.token} at frame {emission.frame} for {emission.duration} (margins {margins})"


def number(value: float, digits: int | None = None) -> str:
    """A measured number: few digits, and words for what is none."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if digits is not None:
        return f"{value:.{digits}f}"
    return "0" if value == 0 else f"{value:.3g}"
