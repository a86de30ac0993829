"""Runs that several rules draw on: each is made once for a graph, when a rule first asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from onnxtool.comparison.values import compare_values
from onnxtool.errors import UnsupportedModelError, UsageError
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.families import Role
from onnxtool.rules.answer import Skipped
from onnxtool.rules.promised import Declared, promised
from onnxtool.rules.usual_sizes import larger_sizes
from onnxtool.runtime.inputs import Array, feeds
from onnxtool.runtime.run_errors import RunError, RunRefusedError
from onnxtool.speech.attention import Context, context
from onnxtool.speech.cache_aware import AUDIO, CacheAwareEncoder
from onnxtool.speech.cache_sizes import sized
from onnxtool.speech.closed_loop import MIN_STEPS, STEPS, Loop, run_loop
from onnxtool.speech.driving import implied, nearest
from onnxtool.speech.liveness import CacheUse, cache_use
from onnxtool.speech.probing import Probe, probe
from onnxtool.speech.schedule import Schedule, schedule_of

if TYPE_CHECKING:
    from onnxtool.rules.subject import GraphSubject

# Encoder frames of a call, where nothing tells.
USUAL_FRAMES = 4
# Encoder frames after one to look for what it sees: some models see 13, or all there are.
MOST_AHEAD = 64
STREAMING = (Role.STREAMING_ENCODER, Role.CTC)
STATEFUL = (*STREAMING, Role.VAD)


class Experiments:
    """What comes out of running one graph.

    Raises:
        Skipped: By any of them, where the graph is not of a kind that can be driven so.
    """

    def __init__(self, graph: GraphSubject) -> None:
        self.graph = graph

    @cached_property
    def usual(self) -> dict[str, Array]:
        """The outputs of one run at the usual sizes.

        Raises:
            UsageError: No inputs can be made up.
            RunRefusedError: ONNX Runtime refuses them.
        """
        outputs = self._first_run[1]
        if isinstance(outputs, RunRefusedError):
            raise outputs
        return outputs

    @property
    def needed(self) -> Mapping[str, int]:
        """Sizes that its caches, and what else it leaves open, must have for it to run at all."""
        try:
            return self._first_run[0]
        except (RunError, UsageError):
            return self._cache_sizes

    @property
    def _cache_sizes(self) -> Mapping[str, int]:
        try:
            return self.encoder.sizes if self.graph.signature.states else {}
        except Skipped:
            return {}

    @cached_property
    def _first_run(self) -> tuple[Mapping[str, int], dict[str, Array] | RunRefusedError]:
        """Sizes at which it runs, and what comes out; else the usual ones, and why it does not.

        Raises:
            UsageError: No inputs can be made up.
            RunError: It crashes or hangs at the usual sizes.
        """
        graph, usual = self.graph, self._cache_sizes
        try:
            return usual, graph.session.run(feeds(graph.view, graph.signature, usual))
        except RunRefusedError as error:
            refusal = error
        graph.session.open()  # What does not load runs at no size.
        for larger in larger_sizes(graph.signature):
            sizes = {**larger, **usual}
            try:
                return sizes, graph.session.run(feeds(graph.view, graph.signature, sizes))
            except RunRefusedError:
                continue
            except RunError:  # Nobody said that it takes as much.
                break
        return usual, refusal

    @cached_property
    def encoder(self) -> CacheAwareEncoder:
        """The graph as a cache-aware encoder."""
        graph = self.graph
        graph.session.open()
        try:
            return sized(CacheAwareEncoder(graph.view, graph.signature, graph.session))
        except (UnsupportedModelError, UsageError) as error:
            raise Skipped(str(error)) from None

    @cached_property
    def probe(self) -> Probe:
        """What it says itself of how it is to be driven."""
        try:
            return probe(self.encoder)
        except UnsupportedModelError as error:
            raise Skipped(f"probing: {error}") from None

    @cached_property
    def first(self) -> GraphSubject | None:
        """The graph of its folder that runs the first chunk for it, if there is one."""
        if self.starts:
            return None
        return self._likest([graph for graph in self._alike if graph.runs.starts])

    @cached_property
    def later(self) -> GraphSubject | None:
        """The graph of its folder that runs every later chunk, if it runs the first only."""
        if not self.starts:
            return None
        found = self._likest([graph for graph in self._alike if not graph.runs.starts])
        if self.unknown and not found:
            raise Skipped(f"it may start streams for `{self.unknown}`, which cannot be driven")
        return found

    @property
    def unknown(self) -> str:
        """A graph of its folder that may be what it lacks, and cannot be read, or driven."""
        unreadable = [name for name, _ in self.graph.bundle.unreadable] if self.graph.bundle else []
        names = [name for name in unreadable if name.endswith(".onnx")]
        names += [graph.name for graph in self._beside if not graph.runs.drives]
        return next(iter(names), "")

    @property
    def _leads(self) -> bool:
        """Whether it is known to run the first chunk, and no other."""
        try:
            return self.later is not None
        except Skipped:
            return False

    @property
    def starts(self) -> bool:
        """Whether it may run the first chunk of a stream."""
        return self.probe.starts

    @cached_property
    def drives(self) -> bool:
        """Whether it can be probed; one that crashes or hangs is asked once."""
        try:
            return bool(self.probe)
        except (Skipped, RunError):
            return False

    def _likest(self, graphs: Sequence[GraphSubject]) -> GraphSubject | None:
        """The one that computes the most alike: the quantized one for a quantized one."""
        own = self.graph.view.operators

        def unlike(other: GraphSubject) -> int:
            theirs = other.view.operators
            return ((own - theirs) + (theirs - own)).total()

        return min(graphs, key=unlike, default=None)

    @property
    def _alike(self) -> Sequence[GraphSubject]:
        """Those beside it that run."""
        return [graph for graph in self._beside if graph.runs.drives]

    @property
    def _beside(self) -> Sequence[GraphSubject]:
        """Streaming encoders of its folder that take the same inputs."""
        names = {spec.name for spec in self.graph.signature.inputs}
        return [
            graph
            for graph in self.graph.siblings
            if graph.name != self.graph.name
            and graph.signature.role in STREAMING
            and {spec.name for spec in graph.signature.inputs} == names
        ]

    @property
    def promised(self) -> Declared:
        """What was promised of its streaming.

        Raises:
            Skipped: Nothing was, or it cannot be read.
        """
        graph = self.graph
        return promised(graph.contract, graph.view.folder if graph.bundle else None)

    @cached_property
    def declared(self) -> Declared | None:
        """Likewise; None where nothing was promised that can be read."""
        try:
            return self.promised
        except Skipped:
            return None

    @cached_property
    def implied(self) -> StreamingConfig:
        """How it is to be driven, by what the graphs say; by what was declared where they do not.

        What was declared and is not so must not turn up as a fault of the graph: that is for S009.
        """
        first = self.first.runs.probe if self.first else None
        return implied(self.probe, first, self.declared.config if self.declared else None)

    @property
    def implied_by_declared(self) -> bool:
        """Whether the graphs do not say how many frames a call gives."""
        probes = [self.probe, *([self.first.runs.probe] if self.first else [])]
        return all(probe.valid_out_len is None for probe in probes)

    @cached_property
    def config(self) -> StreamingConfig:
        """Of the ways to drive it that come to the same, the one nearest to what was declared."""
        first = self.first.runs.probe if self.first else None
        said = self.declared.config if self.declared else StreamingConfig()
        return nearest(self.implied, self.probe, first, said)

    @cached_property
    def schedule(self) -> Schedule:
        """The calls of a stream, as NeMo makes them."""
        if self.later:
            return self.later.runs.schedule
        schedule = schedule_of(self.implied)
        if schedule is None:
            raise Skipped("nothing says how long its chunks are")
        return schedule

    @cached_property
    def window(self) -> int:
        """Feature frames of a call in steady state, or of the first where it starts streams."""
        fixed = self.encoder.spec(AUDIO).size(2)
        if isinstance(fixed, int):
            return fixed
        try:
            return self.schedule.window_sizes[0 if self.starts else 1]
        except Skipped:  # Nobody knows: one that gives some frames.
            probe = self.probe
            return probe.subsampling.shortest(probe.drop_extra_pre_encoded + USUAL_FRAMES)

    @cached_property
    def use(self) -> CacheUse:
        """What it reads of its caches."""
        self.require_repeatable()
        use = cache_use(self.encoder, self.window)
        if not np.isfinite([use.prefix, use.suffix, use.garbage, use.empty, use.context]).all():
            raise Skipped("its values are not finite (M010)")
        return use

    def context(self, right: int) -> Context | None:
        """How far its frames see, looked for beyond what they are said to see ahead."""
        chunk = self.schedule.chunk_size[1] // self.probe.subsampling.factor
        beyond = min(2 * max(chunk, right + 1), MOST_AHEAD)
        return context(self.encoder, self.probe, self.window, beyond)

    @cached_property
    def loop(self) -> Loop:
        """A stream of random features from a fresh start."""
        graph = self.graph
        if not graph.signature.states:
            raise Skipped("it keeps no state")
        try:
            window = self.window
            return run_loop(
                graph.session,
                graph.signature,
                lambda i: self.encoder.feeds(window, seed=i),
                # What runs the first chunk alone goes into no loop.
                steps_at_most=MIN_STEPS if self._leads else STEPS,
            )
        except Skipped:
            return self._generic_loop()

    @cached_property
    def first_again(self) -> Mapping[str, Array]:
        """The outputs of the first step of that stream, from the same start once more."""
        return self.graph.session.run(self.loop.fresh)

    @cached_property
    def repeats(self) -> bool:
        """Whether that first step gives the same values once more; true where none ran."""
        first = self.loop.first if self.loop.steps else {}
        return not any(
            compare_values(value, self.first_again[name]).differing for name, value in first.items()
        )

    def require_repeatable(self) -> None:
        """Where the same inputs give other values, a difference says no more than that.

        Raises:
            Skipped: They do, or it keeps no state.
        """
        if not self.repeats:
            raise Skipped("the same inputs give it other outputs (S018)")

    def _generic_loop(self) -> Loop:
        """With any other kind of state: at the usual sizes."""
        graph = self.graph
        try:
            return run_loop(
                graph.session,
                graph.signature,
                lambda i: feeds(graph.view, graph.signature, self.needed, seed=i),
            )
        except UsageError as error:
            raise Skipped(str(error)) from None
