"""Whether two runs are alike: the same scenarios, on the same machine, with the same settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from onnxtool.benchmark.result import BenchmarkResult, Scenario, Subject
from onnxtool.runtime.options import SessionOptions


def key(scenario: Scenario, *, by_name: bool) -> tuple[object, ...]:
    """What makes two scenarios the same, but for the settings; threads are the last.

    Args:
        scenario: One of them.
        by_name: Whether graphs are told by the names of their files, as in a folder; a single
            graph, and its axes, may be called anything.
    """
    what: tuple[object, ...] = (scenario.role, *scenario.sizes.values())
    if by_name:
        what = scenario.graph, *sorted(scenario.sizes.items())
    return scenario.kind, what, scenario.steps, scenario.options.threads


def is_folder(result: BenchmarkResult) -> bool:
    """Whether a run is of several graphs, which are told by their names."""
    return len({each.scenario.graph for each in result.of(Subject.CANDIDATE)}) > 1


def differences(reference: BenchmarkResult, candidate: BenchmarkResult) -> Iterator[str]:
    """What differs between two runs besides the models, each by name and values."""
    old, new = reference.environment, candidate.environment
    for label, left, right in (
        ("CPU", old.cpu, new.cpu),
        # Those of one name may differ in this, in virtual machines above all.
        ("instruction sets", *_apart(old.instruction_sets, new.instruction_sets)),
        ("cores", old.cores, new.cores),
        ("provider", old.provider, new.provider),
        ("ONNX Runtime", old.onnxruntime, new.onnxruntime),
    ):
        if left != right:
            yield f"{label} {left} and {right}"
    yield from _setting_differences(reference, candidate)


def _setting_differences(reference: BenchmarkResult, candidate: BenchmarkResult) -> Iterator[str]:
    old, new = (
        [each.scenario for each in run.of(Subject.CANDIDATE)] for run in (reference, candidate)
    )
    if is_folder(reference) or is_folder(candidate):
        graphs = [{each.graph for each in run if each.graph} for run in (old, new)]
        for label, missing in (("before", graphs[0] - graphs[1]), ("after", graphs[1] - graphs[0])):
            if missing:
                yield f"graphs: only {label} there is {_listed(missing)}"
    for label, left, right in (
        ("threads", {s.options.threads for s in old}, {s.options.threads for s in new}),
        ("sizes", {_sizes(s) for s in old}, {_sizes(s) for s in new}),
    ):
        if left != right:
            yield f"{label} {_listed(left)} and {_listed(right)}"
    by_name = is_folder(candidate)
    others = {key(each, by_name=by_name): each for each in new}
    for each in old:
        other = others.get(key(each, by_name=by_name))
        if other:
            yield from _option_differences(each.options, other.options)
            yield from _input_differences(each, other)


def _apart(left: Sequence[str], right: Sequence[str]) -> tuple[str, str]:
    """What either has alone, in words."""
    return (
        " ".join(name for name in left if name not in right) or "none",
        " ".join(name for name in right if name not in left) or "none",
    )


def _option_differences(old: SessionOptions, new: SessionOptions) -> Iterator[str]:
    for field in fields(old):
        label = "pinned to" if field.name == "cores" else field.name.replace("_", " ")
        left, right = getattr(old, field.name), getattr(new, field.name)
        if left != right:
            yield f"{label} {_value(left)} and {_value(right)}"


def _value(value: object) -> str:
    """The value of an option, in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):  # Cores, or symbols and their sizes.
        parts = ("=".join(map(str, each)) if isinstance(each, tuple) else each for each in value)
        return ",".join(map(str, parts)) or "none"
    return str(value)


def _input_differences(old: Scenario, new: Scenario) -> Iterator[str]:
    """What was run on, where it was not made up: of that, the sizes that were asked for tell."""
    if old.real_audio != new.real_audio:
        origins = ["given" if each.real_audio else "made up" for each in (old, new)]
        yield f"inputs {origins[0]} and {origins[1]}"
    elif old.real_audio and sorted(old.shapes.values()) != sorted(new.shapes.values()):
        yield f"sizes of the inputs given to {old.graph}"
    elif old.real_audio and old.audio_s and new.audio_s and old.audio_s != new.audio_s:
        yield f"audio of {sum(old.audio_s):.3f} s and {sum(new.audio_s):.3f} s"
    elif old.inputs_sha256 and new.inputs_sha256 and old.inputs_sha256 != new.inputs_sha256:
        what = f"the inputs given to {old.graph}" if old.graph else "the recordings"
        digests = f"{old.inputs_sha256[:8]} and {new.inputs_sha256[:8]}"
        yield f"contents of {what} (SHA-256 {digests})"


def _sizes(scenario: Scenario) -> str:
    parts = [f"{name}={size}" for name, size in sorted(scenario.sizes.items())]
    return " ".join((scenario.kind, *parts, f"steps={scenario.steps}"))


def _listed(values: set[int] | set[str]) -> str:
    return ", ".join(map(str, sorted(values)))
