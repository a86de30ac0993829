"""Run rules over a graph or a folder, and collect what they find."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase

from onnxtool.errors import OnnxToolError, UsageError
from onnxtool.model.bundle import Bundle, Source, loaded
from onnxtool.model.signature import signature
from onnxtool.model.view import ModelView
from onnxtool.progress import SILENT, Progress
from onnxtool.rules.answer import Problem, Skipped
from onnxtool.rules.catalog import CATALOG
from onnxtool.rules.report import CheckReport, Failure, Finding, Skip, Suppression
from onnxtool.rules.rule import Needs, Rule
from onnxtool.rules.subject import BundleSubject, GraphSubject, Settings, Subject
from onnxtool.runtime.run_errors import RunError, RunRefusedError

# Reading every weight of a model below this takes less than a second.
WEIGHTS_BYTES = 1_000_000_000


def check(
    model: Source,
    *,
    select: Collection[str] = (),
    ignore: Collection[str] = (),
    suppress: Sequence[Suppression] = (),
    settings: Settings = Settings(),  # noqa: B008 - immutable
    allow_links: bool = False,
    progress: Progress = SILENT,
) -> CheckReport:
    """Check a graph, or a folder of graphs.

    Args:
        model: A path, or what `load` returned for it.
        select: Codes, or beginnings of codes, of the rules to run; empty for all.
        ignore: Likewise, of rules not to run.
        suppress: Findings to let through, each with a reason.
        settings: What may be done, and what the model is held against.
        allow_links: Let external data be read through links; for a path only.
        progress: Told about each rule.

    Raises:
        ModelLoadError: There is no model at the path, or none that can be read.
        UsageError: `model` is neither, a code fits no rule, or none is left.
    """
    rules = chosen(select, ignore)
    for suppression in suppress:
        if rule_named(suppression.code).code != suppression.code:
            raise _unknown(suppression.code)
    model = loaded(model, "check", allow_links=allow_links)
    bundle, graphs = _subjects(model, settings)
    inspector = _Inspector(settings, bundle, graphs)
    progress.start(f"checking {model.path}", len(rules), "rules")
    try:
        inspector.prepare(rules)
        for rule in rules:
            inspector.apply(rule)
            progress.advance(1)
    finally:
        progress.finish()
        for graph in graphs:
            graph.close()
    return _report(model, inspector, suppress)


def chosen(select: Collection[str], ignore: Collection[str]) -> tuple[Rule, ...]:
    """The rules whose code begins with one of `select` and with none of `ignore`.

    Raises:
        UsageError: One of them fits no rule, or none is left.
    """
    for prefix in (*select, *ignore):
        if not prefix or not any(rule.code.startswith(prefix) for rule in CATALOG):
            raise _unknown(prefix)
    wanted, unwanted = tuple(select) or ("",), tuple(ignore)
    rules = tuple(
        rule
        for rule in CATALOG
        if rule.code.startswith(wanted) and not rule.code.startswith(unwanted)
    )
    if not rules:
        raise UsageError("every rule that is selected is ignored", hint="select others")
    return rules


def rule_named(text: str) -> Rule:
    """The rule of this code, or of this name.

    Raises:
        UsageError: There is none.
    """
    for rule in CATALOG:
        if text in {rule.code, rule.name}:
            return rule
    raise _unknown(text)


def _unknown(code: str) -> UsageError:
    return UsageError(f"no rule `{code}`", hint="`onnxtool rules` lists them")


def _subjects(
    model: ModelView | Bundle, settings: Settings
) -> tuple[BundleSubject | None, tuple[GraphSubject, ...]]:
    if isinstance(model, ModelView):
        return None, (GraphSubject(model.path.name, model, signature(model), settings),)
    graphs: list[GraphSubject] = []
    graphs.extend(
        GraphSubject(member.name, member.view, member.signature, settings, model, graphs)
        for member in model.models
    )
    return BundleSubject(model, tuple(graphs), settings), tuple(graphs)


class _Inspector:
    """Applies one rule after the other, and remembers what came of it."""

    def __init__(
        self, settings: Settings, bundle: BundleSubject | None, graphs: Sequence[GraphSubject]
    ) -> None:
        self.bundle = bundle
        self.graphs = graphs
        self.may_run = settings.may_run(in_folder=bundle is not None)
        self.findings: list[Finding] = []
        self.skipped: list[Skip] = []
        self.failed: list[Failure] = []
        self.answers: list[tuple[Rule, str]] = []
        # Subjects that crashed or hung ONNX Runtime: not again with every rule.
        self.broken: dict[str, str] = {}

    def prepare(self, rules: Sequence[Rule]) -> None:
        """Start the processes of graphs that will be run, while other rules look at the files."""
        running = [rule for rule in rules if rule.needs is Needs.RUN and self.may_run]
        subjects = {id(graph): graph for rule in running for graph in self._graphs(rule)}
        for graph in subjects.values():
            graph.session.prepare()

    def apply(self, rule: Rule) -> None:
        """Apply a rule to all that it is about."""
        subjects = list(self._subjects(rule))
        if not subjects:
            self.skipped.append(Skip(rule, "", self._why_none(rule)))
        for subject in subjects:
            self._answer(rule, subject)

    def _subjects(self, rule: Rule) -> Iterator[Subject]:
        if rule.on_bundle and self.bundle:
            yield self.bundle
        if rule.on_graph:
            yield from self._graphs(rule)

    def _graphs(self, rule: Rule) -> Iterator[GraphSubject]:
        """The graphs of a rule's roles."""
        for graph in self.graphs:
            if not rule.roles or graph.signature.role in rule.roles:
                yield graph

    def _why_none(self, rule: Rule) -> str:
        if rule.on_bundle:
            return "it is about folders: check the folder"
        return f"no graph with the role {' or '.join(rule.roles)}"

    def _answer(self, rule: Rule, subject: Subject) -> None:
        """Keep what the rule finds, or why it cannot tell."""
        try:
            self._require(rule.needs, subject)
            self.findings.extend(_found(rule, subject))
        except RunRefusedError as error:
            self.skipped.append(Skip(rule, subject.name, f"ONNX Runtime: {error}"))
            return
        except RunError as error:
            self.broken[subject.name] = f"{error} ({rule.code})"
            self.findings.append(Finding(rule, rule.severity, subject.name, "", str(error)))
        except (Skipped, OnnxToolError) as reason:  # The model is not of a kind to look into.
            self.skipped.append(Skip(rule, subject.name, str(reason)))
            return
        except Exception as error:  # noqa: BLE001 - a bug in one rule must not cost what others found
            told = f"{type(error).__name__}: {error}"
            self.failed.append(Failure(rule, subject.name, told, traceback.format_exc()))
            return
        self.answers.append((rule, subject.name))

    def _require(self, needs: Needs, subject: Subject) -> None:
        """Raises `Skipped` where the rule may not do what it needs to do."""
        if needs is Needs.RUN and not self.may_run:
            raise Skipped("graphs are not run: allow it with --run")
        if needs is Needs.RUN and subject.name in self.broken:
            raise Skipped(f"ONNX Runtime is not asked again: {self.broken[subject.name]}")
        if needs is Needs.WEIGHTS and not _may_read(subject):
            raise Skipped("weights are not read: allow it with --weights")


def _may_read(subject: Subject) -> bool:
    allowed = subject.settings.weights
    return subject.size_bytes < WEIGHTS_BYTES if allowed is None else allowed


def _found(rule: Rule, subject: Subject) -> list[Finding]:
    problems: list[Problem] = []
    if rule.on_graph and isinstance(subject, GraphSubject):
        problems.extend(rule.on_graph(subject))
    if rule.on_bundle and isinstance(subject, BundleSubject):
        problems.extend(rule.on_bundle(subject))
    return [
        Finding(
            rule,
            p.severity or rule.severity,
            p.model or subject.name,
            p.location,
            p.message,
            p.error,
        )
        for p in problems
    ]


def _report(
    model: ModelView | Bundle, inspector: _Inspector, suppress: Sequence[Suppression]
) -> CheckReport:
    kept: list[Finding] = []
    suppressed: list[tuple[Finding, Suppression]] = []
    for finding in inspector.findings:
        allowed = next((s for s in suppress if _lets_through(s, finding)), None)
        if allowed:
            suppressed.append((finding, allowed))
        else:
            kept.append(finding)
    used = {suppression for _, suppression in suppressed}
    answered = {rule.code for rule, _ in inspector.answers}
    return CheckReport(
        path=model.path,
        findings=tuple(sorted(kept, key=lambda finding: -finding.severity)),
        suppressed=tuple(suppressed),
        skipped=tuple(inspector.skipped),
        answers=tuple(inspector.answers),
        unused=tuple(s for s in suppress if s not in used and s.code in answered),
        unreadable=_trouble(inspector.bundle, kept, [finding for finding, _ in suppressed]),
        failed=tuple(inspector.failed),
    )


def _trouble(
    bundle: BundleSubject | None, kept: Sequence[Finding], suppressed: Sequence[Finding]
) -> tuple[OnnxToolError, ...]:
    """What could not be read, whatever rules were selected, and was not let through."""
    errors = [error for _, error in bundle.unreadable] if bundle else []
    errors += [finding.error for finding in kept if finding.error]
    allowed = {finding.error for finding in suppressed}
    return tuple(error for error in dict.fromkeys(errors) if error not in allowed)


def _lets_through(suppression: Suppression, finding: Finding) -> bool:
    return (
        suppression.code == finding.rule.code
        and fnmatchcase(finding.model, suppression.model)
        and fnmatchcase(finding.location, suppression.location)
    )
