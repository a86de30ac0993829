"""What a cause is: a fault, the rule that is for it, and the healthy bundle it is planted in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from onnxtool.rules.engine import check
from onnxtool.rules.subject import Settings
from onnxtool.rules.target import parse_target
from tests.support.planted import onnx_asr, small, words


class Plant(Protocol):
    """Makes a fault in the folder of a healthy bundle."""

    @property
    def __name__(self) -> str: ...

    def __call__(self, bundle: Path, /) -> object: ...


class Found(NamedTuple):
    """What came of all rules.

    Attributes:
        red: The rules that found something, each with the file that it is about.
        answered: The rules that could tell.
    """

    red: frozenset[tuple[str, str]]
    answered: frozenset[str]


@dataclass(frozen=True)
class Healthy:
    """A bundle in which no rule finds anything, but for what is known.

    Attributes:
        build: Writes it into a folder.
        run: Whether its graphs are run.
        targets: The runtimes that it is for.
    """

    build: Plant
    run: bool = False
    targets: tuple[str, ...] = ()

    def found(self, bundle: Path) -> Found:
        """What is found in it, or in what became of it."""
        settings = Settings(run=self.run, targets=tuple(map(parse_target, self.targets)))
        report = check(bundle, settings=settings)
        assert not report.failed
        return Found(
            frozenset((finding.rule.code, finding.model) for finding in report.findings),
            frozenset(rule.code for rule in report.checked),
        )


@dataclass(frozen=True)
class Cause:
    """A fault.

    Attributes:
        code: The rule that must turn red.
        also: Other rules that are true of it by their definition, each with the reason.
    """

    code: str
    plant: Plant
    healthy: Healthy
    also: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.code}-{self.plant.__name__.replace('_', '-')}"


# A real export, whose graphs take longer to run than all others together.
WORDS = Healthy(words.build)
STREAMING_WORDS = Healthy(words.build_for_streaming)
SMALL = Healthy(small.build)
RUN = Healthy(small.build, run=True)
FOR_SHERPA = Healthy(small.build, targets=("sherpa-onnx", "onnxruntime==1.16"))
FOR_SHERPA_RNNT = replace(FOR_SHERPA, build=small.build_without_durations)
QUANTIZED = Healthy(small.build_quantized, run=True)
FOR_ONNX_ASR = Healthy(onnx_asr.build, run=True, targets=("onnx-asr",))

in_words = partial(Cause, healthy=WORDS)
in_streaming_words = partial(Cause, healthy=STREAMING_WORDS)
in_small = partial(Cause, healthy=SMALL)
in_run = partial(Cause, healthy=RUN)
for_sherpa = partial(Cause, healthy=FOR_SHERPA)
for_onnx_asr = partial(Cause, healthy=FOR_ONNX_ASR)
for_sherpa_rnnt = partial(Cause, healthy=FOR_SHERPA_RNNT)
in_quantized = partial(Cause, healthy=QUANTIZED)
