"""A benchmark: raw samples in the order measured, and what they were measured on."""

from __future__ import annotations

import enum
import itertools
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from onnxtool.benchmark.environment import Conditions, Environment, Meanwhile
from onnxtool.benchmark.profile import Profile
from onnxtool.benchmark.statistics import Groups, Summary, summarize
from onnxtool.errors import UsageError
from onnxtool.runtime.options import SessionOptions


class Kind(enum.StrEnum):
    """What one sample is.

    RUN: one run of one graph.
    STREAM: one step of a closed loop: states are fed back until the stream ends.
    UTTERANCES: one utterance, through encoder, predictor and joint, decoded greedily.
    """

    RUN = "run"
    STREAM = "stream"
    UTTERANCES = "utterances"


class Subject(enum.StrEnum):
    """Whose samples they are.

    CANDIDATE: the model that was asked about.
    REFERENCE: what it is compared with.
    AGAIN: the reference once more, to see what this machine makes of no difference at all.
    """

    CANDIDATE = "candidate"
    REFERENCE = "reference"
    AGAIN = "again"


class Stop(enum.StrEnum):
    """Why measuring came to an end."""

    PRECISION = "precision"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Model:
    """What was measured: a graph, or the graphs of a folder.

    Attributes:
        path: As it was given.
        sha256: Of each graph with its weights, by file name; None where a file cannot be read.
    """

    path: str
    sha256: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What was done with it.

    Attributes:
        kind: What one sample is.
        graph: File name of the graph; empty for utterances, which take several.
        role: What the graph does.
        sizes: Of dynamic axes, as asked for.
        shapes: Of each input; of a stream, the states come last.
        options: How the session ran.
        steps: Samples of one pass: 1 for a run, steps of a stream, utterances of a manifest.
        audio_s: Seconds of audio in each sample of a pass; empty where the time base is not known.
            Of a step of a stream, what one of its batch brings: how long there is for it.
        real_audio: Whether the inputs are recordings, and not made up.
        inputs_sha256: Of what was given: arrays, whatever they are called, or samples of
            recordings. None where nothing was, or where the file is of a time before this.
    """

    kind: Kind
    graph: str
    role: str
    sizes: Mapping[str, int]
    shapes: Mapping[str, tuple[int, ...]]
    options: SessionOptions
    steps: int = 1
    audio_s: tuple[float, ...] = ()
    real_audio: bool = False
    inputs_sha256: str | None = None

    @property
    def pass_audio_s(self) -> float | None:
        """Seconds of audio in one pass."""
        return sum(self.audio_s) if self.audio_s else None

    @property
    def batch(self) -> int:
        """How many items a run or a step is of: the first axis of the first input but vectors."""
        shape = next((shape for shape in self.shapes.values() if len(shape) > 1), (1,))
        return shape[0] or 1


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process, in bytes; None where the system does not tell.

    Attributes:
        anonymous_bytes, file_bytes: In use after the last run: its own, and mapped from files.
        peak_anonymous_bytes, peak_file_bytes: The most of either that was seen, looking every few
            milliseconds while the session was created and first run, and after every block.
        peak_bytes: The most of both together, as the system counts it.
    """

    anonymous_bytes: int | None = None
    file_bytes: int | None = None
    peak_anonymous_bytes: int | None = None
    peak_file_bytes: int | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessRun:
    """One fresh process.

    Attributes:
        session_s: What creating the session took.
        first_run_s: Of the first pass.
        warm_up_s: Of the samples before the blocks, in order.
        settled: Whether they had become stable.
        blocks_s: The samples, in order, in blocks; the other subjects' blocks come between.
        parts_s: What parts of a sample took, such as the encoder: one value a sample, in order.
        calls: How often each of these parts ran in one pass.
        memory: At the end.
        meanwhile: What else happened on the machine.
    """

    session_s: float
    first_run_s: float
    warm_up_s: tuple[float, ...]
    settled: bool
    blocks_s: tuple[tuple[float, ...], ...]
    parts_s: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    memory: Memory = Memory()
    meanwhile: Meanwhile = field(default_factory=Meanwhile)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The samples of one subject in one scenario.

    Attributes:
        processes: In the order they were started; the n-th of each subject ran at the same time.
        stop: Why there are not more.
    """

    subject: Subject
    scenario: Scenario
    processes: tuple[ProcessRun, ...]
    stop: Stop

    @property
    def samples_s(self) -> tuple[float, ...]:
        """All samples, in order."""
        return tuple(
            itertools.chain.from_iterable(
                block for process in self.processes for block in process.blocks_s
            )
        )

    @property
    def groups(self) -> Groups:
        """The median of each block, by process; of utterances, the median pass."""
        steps = self.scenario.steps if self.scenario.kind is Kind.UTTERANCES else 1
        return [
            [statistics.median(_passes(block, steps)) for block in process.blocks_s]
            for process in self.processes
        ]

    @property
    def pass_samples_s(self) -> tuple[float, ...]:
        """One duration for each pass over all utterances, or for each run or step."""
        steps = self.scenario.steps if self.scenario.kind is Kind.UTTERANCES else 1
        return tuple(_passes(self.samples_s, steps))

    @property
    def summary(self) -> Summary:
        """The distribution of runs, of steps, or of passes over all utterances."""
        return summarize(self.pass_samples_s, self.groups)


def _passes(samples_s: tuple[float, ...], steps: int) -> list[float]:
    return [sum(samples_s[at : at + steps]) for at in range(0, len(samples_s), steps)]


@dataclass(frozen=True, slots=True)
class BenchmarkMethod:
    """How it was measured.

    Attributes:
        precision: Half of the interval, as a part of the median or of the ratio, that is enough.
        budget_s: Seconds for each scenario, all subjects together.
        processes: Fresh processes of each subject, at least.
        blocks: Blocks of runs in each process.
        block_s: What a block should take at least; a run that takes longer is one.
        seed: Of made-up inputs.
    """

    precision: float = 0.02
    budget_s: float = 30.0
    processes: int = 5
    blocks: int = 8
    block_s: float = 0.05
    seed: int = 0

    def check(self) -> None:
        """Refuse what nothing can be measured with.

        Raises:
            UsageError: A number makes no sense.
        """
        if not all(0 < each < math.inf for each in (self.precision, self.budget_s, self.block_s)):
            raise UsageError("precision, budget_s and block_s are numbers above 0")
        if min(self.processes, self.blocks) < 1:
            raise UsageError("processes and blocks are at least 1")


@dataclass(frozen=True, slots=True)
class Failure:
    """A scenario that could not be measured, and why; the others were."""

    subject: Subject
    graph: str
    sizes: Mapping[str, int]
    message: str


@dataclass(frozen=True)
class BenchmarkResult:
    """Everything that was measured in one call.

    Attributes:
        models: What was measured, by subject.
        environment: The machine.
        conditions: What else happened on it.
        method: How it was measured.
        measurements: Of subjects that were measured in turn, one after the other.
        failures: What could not be measured.
        profiles: Where the time of each graph goes, if that was asked.
        interrupted: Whether somebody stopped it; what was measured until then is here.
    """

    models: Mapping[Subject, Model]
    environment: Environment
    conditions: Conditions
    method: BenchmarkMethod
    measurements: tuple[Measurement, ...]
    failures: tuple[Failure, ...] = ()
    profiles: tuple[Profile, ...] = ()
    interrupted: bool = False

    def of(self, subject: Subject) -> tuple[Measurement, ...]:
        """The measurements of one subject."""
        return tuple(each for each in self.measurements if each.subject is subject)
