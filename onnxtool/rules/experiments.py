"""Runs that several rules draw on: each is made once for a graph, when a rule first asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onnxtool.errors import MetadataError, UnsupportedModelError, UsageError
from onnxtool.model.contract import StreamingConfig
from onnxtool.model.families import Role
from onnxtool.model.streaming_file import STREAMING_NAME, read_streaming
from onnxtool.rules.rule import Skipped
from onnxtool.runtime.inputs import Array, feeds
from onnxtool.runtime.session import RunRefusedError
from onnxtool.speech.cache_aware import CacheAwareEncoder
from onnxtool.speech.cache_sizes import sized
from onnxtool.speech.closed_loop import Loop, run_loop
from onnxtool.speech.driving import driven
from onnxtool.speech.liveness import CacheUse, cache_use
from onnxtool.speech.probing import Probe, probe
from onnxtool.speech.schedule import Schedule, schedule_of

if TYPE_CHECKING:
    from onnxtool.rules.subject import GraphSubject

STREAMING = (Role.STREAMING_ENCODER, Role.CTC)
STATEFUL = (*STREAMING, Role.VAD)


@dataclass(frozen=True)
class Declared:
    """A streaming configuration that was promised, and the file that does so."""

    config: StreamingConfig
    source: str


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
        graph = self.graph
        return graph.session.run(feeds(graph.view, graph.signature, {}))

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
        return next((graph for graph in self._alike if graph.runs.starts), None)

    @cached_property
    def later(self) -> GraphSubject | None:
        """The graph of its folder that runs every later chunk, if it runs the first only."""
        if not self.starts:
            return None
        found = next((graph for graph in self._alike if not graph.runs.starts), None)
        silent = next((graph for graph in self._beside if graph.runs.silent), None)
        if silent and not found:
            raise Skipped(f"it may start streams for `{silent.name}`, which cannot be driven")
        return found

    @property
    def starts(self) -> bool:
        """Whether it may run the first chunk of a stream."""
        return self.probe.starts

    @property
    def drives(self) -> bool:
        """Whether it can be probed."""
        try:
            return bool(self.probe)
        except (Skipped, RunRefusedError):
            return False

    @property
    def silent(self) -> bool:
        """Whether it runs, and yet cannot be probed."""
        try:
            return not bool(self.probe)
        except Skipped:
            return True
        except RunRefusedError:
            return False

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

    @cached_property
    def declared(self) -> Declared | None:
        """What was promised of its streaming: by the contract, or by a file beside it."""
        contract = self.graph.settings.contract
        if contract and contract.streaming:
            return Declared(contract.streaming, contract.path.name)
        path = self.graph.view.folder / STREAMING_NAME
        if not self.graph.bundle or not path.is_file():
            return None
        try:
            return Declared(read_streaming(path), path.name)
        except MetadataError as error:
            raise Skipped(str(error)) from None

    @cached_property
    def config(self) -> StreamingConfig:
        """How it is to be driven."""
        first = self.first.runs.probe if self.first else None
        return driven(self.probe, first, self.declared.config if self.declared else None)

    @cached_property
    def schedule(self) -> Schedule:
        """The calls of a stream."""
        if self.later:
            return self.later.runs.schedule
        schedule = schedule_of(self.config)
        if schedule is None:
            raise Skipped("nothing says how long its chunks are")
        return schedule

    @cached_property
    def window(self) -> int:
        """Feature frames of a call in steady state, or of the first where it starts streams."""
        return self.schedule.window_sizes[0 if self.starts else 1]

    @cached_property
    def use(self) -> CacheUse:
        """What it reads of its caches."""
        return cache_use(self.encoder, self.window)

    @cached_property
    def loop(self) -> Loop:
        """A stream of random features from a fresh start."""
        graph = self.graph
        if not graph.signature.states:
            raise Skipped("it keeps no state")
        try:
            window = self.window
            return run_loop(
                graph.session, graph.signature, lambda i: self.encoder.feeds(window, seed=i)
            )
        except Skipped:
            return self._generic_loop()

    def _generic_loop(self) -> Loop:
        """With any other kind of state: at the usual sizes."""
        graph = self.graph
        try:
            return run_loop(
                graph.session,
                graph.signature,
                lambda i: feeds(graph.view, graph.signature, {}, seed=i),
            )
        except UsageError as error:
            raise Skipped(str(error)) from None
