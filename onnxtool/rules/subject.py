"""What rules look at: a graph, or a folder of graphs, and what may be done with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from onnxtool.errors import MetadataError, OnnxToolError
from onnxtool.model.bundle import Bundle
from onnxtool.model.contract import Contract, find_contract, read_contract
from onnxtool.model.families import Role
from onnxtool.model.signature import Signature
from onnxtool.model.view import ModelView
from onnxtool.rules.answer import Skipped
from onnxtool.rules.experiments import Experiments
from onnxtool.rules.target import Target
from onnxtool.rules.unreadable import unreadable
from onnxtool.runtime.session import Limits, Session


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for.

    Attributes:
        run: Whether graphs may be run; None for where it is usual: in folders.
        weights: Whether every weight may be read; None for where it is quick: below 1 GB.
        contract: What the release promised, if there is a contract.
        targets: The runtimes that it is for.
        limits: What one session may take.
    """

    run: bool | None = None
    weights: bool | None = None
    contract: Contract | None = None
    targets: tuple[Target, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def may_run(self, *, in_folder: bool) -> bool:
        """Whether graphs may be run."""
        return in_folder if self.run is None else self.run

    def unasked(self, reason: str, remedy: str) -> str:
        """Why nothing is asked: there is no target, which has a remedy, or it is not known to."""
        names = " or ".join(dict.fromkeys(target.name for target in self.targets))
        told = f"nothing is known that {names} asks of it" if names else f"give {remedy}"
        return f"{reason}: {told}"


@dataclass(frozen=True)
class GraphSubject:
    """One graph.

    Attributes:
        name: Its file name.
        siblings: The graphs of its folder, itself included.
        session: Runs it, in a process that starts when it is first needed.
        runs: Runs of it that several rules draw on.
    """

    name: str
    view: ModelView
    signature: Signature
    settings: Settings
    bundle: Bundle | None = None
    siblings: Sequence[GraphSubject] = field(default=(), repr=False, compare=False)

    @cached_property
    def runs(self) -> Experiments:
        return Experiments(self)

    @property
    def may_run(self) -> bool:
        """Whether it may be run."""
        return self.settings.may_run(in_folder=self.bundle is not None)

    @cached_property
    def session(self) -> Session:
        return Session(self.view.path, limits=self.settings.limits)

    @cached_property
    def contract(self) -> Contract | None:
        """What was promised: the contract that the user gave, or the one in its folder."""
        return _contract(self.settings, self.bundle)

    @cached_property
    def size_bytes(self) -> int:
        """On disk, weights included."""
        files = (file.size_bytes or 0 for file in self.view.external_files)
        return self.view.size_bytes + sum(files)

    def close(self) -> None:
        """End its session, if there is one."""
        if "session" in self.__dict__:
            self.session.close()


@dataclass(frozen=True)
class BundleSubject:
    """A folder of graphs that are one model."""

    bundle: Bundle
    graphs: tuple[GraphSubject, ...]
    settings: Settings

    @property
    def name(self) -> str:
        return "."

    @cached_property
    def contract(self) -> Contract | None:
        """What was promised: the contract that the user gave, or the one in the folder.

        A folder's own is its `*contract*.json` or `streaming.json`; one that cannot be read is as
        good as none, and for the rules on metadata.
        """
        return _contract(self.settings, self.bundle)

    @cached_property
    def unreadable(self) -> tuple[tuple[str, OnnxToolError], ...]:
        """Each file that is not what its name promises, and why."""
        return tuple(unreadable(self.bundle, own_contract=not self.settings.contract))

    @property
    def unreadable_graphs(self) -> tuple[str, ...]:
        """Graphs whose role nobody knows: what seems to be missing may be in them."""
        return tuple(name for name, _ in self.bundle.unreadable if name.endswith(".onnx"))

    @property
    def size_bytes(self) -> int:
        """Of all graphs, weights included."""
        return sum(graph.size_bytes for graph in self.graphs)

    def having(self, *roles: Role) -> tuple[GraphSubject, ...]:
        """The graphs of these roles."""
        return tuple(graph for graph in self.graphs if graph.signature.role in roles)

    def require(self, *roles: Role) -> GraphSubject:
        """The first graph of these roles.

        Raises:
            Skipped: There is none.
        """
        return first(self.having(*roles), f"no {' or '.join(roles)} in the folder")


Subject = GraphSubject | BundleSubject


def _contract(settings: Settings, bundle: Bundle | None) -> Contract | None:
    path = find_contract(bundle.path) if bundle and not settings.contract else None
    try:
        return read_contract(path) if path else settings.contract
    except MetadataError:
        return None


def first(graphs: Iterable[GraphSubject], reason: str) -> GraphSubject:
    """The first of them.

    Raises:
        Skipped: There is none, for this reason.
    """
    for graph in graphs:
        return graph
    raise Skipped(reason)
