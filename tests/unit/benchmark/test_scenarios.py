"""What there is to measure follows from what the graphs do."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from onnxtool.benchmark.executor import Work
from onnxtool.benchmark.request import BenchmarkRequest, checked, frame_seconds
from onnxtool.benchmark.result import Failure, Kind, Subject
from onnxtool.benchmark.scenarios import plan
from onnxtool.benchmark.tasks import RunTask
from onnxtool.benchmark.utterances import UtterancesTask
from onnxtool.errors import UsageError
from onnxtool.model.artifact import load_graph
from onnxtool.model.bundle import load_bundle
from onnxtool.runtime.options import SessionOptions
from tests.support.models import WORDS_TDT, decoder_joint, model, write

ENCODER, JOINT = WORDS_TDT / "encoder.onnx", WORDS_TDT / "joint.onnx"


def planned(path: Path, **asked: object) -> list[Work | Failure]:
    request = BenchmarkRequest(steps=3, **asked)  # type: ignore[arg-type]
    loaded = load_bundle(path) if path.is_dir() else load_graph(path)
    return list(plan(loaded, request, Subject.CANDIDATE))


def sizes(works: list[Work | Failure]) -> list[Mapping[str, int]]:
    return [each.scenario.sizes for each in works if isinstance(each, Work)]


def test_an_encoder_is_run_over_lengths_of_audio() -> None:
    works = planned(ENCODER, frame_ms=10)
    assert sizes(works) == [{"time": 100}, {"time": 400}, {"time": 1000}]
    first = works[0]
    assert isinstance(first, Work)
    assert first.scenario.audio_s == (1.0,)
    assert first.scenario.shapes == {"audio_signal": (1, 80, 100), "length": (1,)}


def test_each_size_is_measured_with_each() -> None:
    asked = {"time": (10, 20), "batch": (1, 4)}
    works = planned(ENCODER, at=asked, frame_ms=10)
    assert {tuple(sorted(each.items())) for each in sizes(works)} == {
        (("batch", batch), ("time", time)) for batch in (1, 4) for time in (10, 20)
    }
    audio = [each.scenario.audio_s for each in works if isinstance(each, Work)]
    assert audio == [(0.1,), (0.2,), (0.4,), (0.8,)]


def test_each_setting_is_measured() -> None:
    options = (SessionOptions(threads=1), SessionOptions(threads=2))
    works = planned(JOINT, options=options)
    threads = [each.scenario.options.threads for each in works if isinstance(each, Work)]
    assert threads == [1, 2]


def test_a_folder_is_its_graphs_and_utterances() -> None:
    works = planned(WORDS_TDT, at={"time": (50,)})
    found = [each.scenario for each in works if isinstance(each, Work)]
    assert [(each.kind, each.graph, dict(each.sizes)) for each in found] == [
        (Kind.RUN, "encoder.onnx", {"time": 50}),
        (Kind.STREAM, "encoder_streaming.onnx", {"time": 57}),
        (Kind.RUN, "joint.onnx", {}),
        (Kind.RUN, "predictor.onnx", {}),
        (Kind.UTTERANCES, "", {"frames": 50}),
    ]
    assert found[0].audio_s == (0.5,)


def test_recordings_are_decoded_instead() -> None:
    (work,) = planned(WORDS_TDT, manifest=WORDS_TDT / "manifest.jsonl")
    assert isinstance(work, Work)
    assert isinstance(work.task, UtterancesTask)
    assert work.scenario.steps == 12
    assert work.scenario.real_audio
    assert work.scenario.audio_s[:2] == pytest.approx((0.64, 2.63))
    assert len(work.scenario.inputs_sha256 or "") == 64
    assert work.task.layout.durations == (0, 1, 2, 3, 4)


def test_the_time_base_is_that_of_the_metadata() -> None:
    bundle = load_bundle(WORDS_TDT)
    assert frame_seconds(BenchmarkRequest(), bundle) == 0.01
    assert frame_seconds(BenchmarkRequest(frame_ms=20), bundle) == 0.02


def test_the_time_base_of_a_graph_is_that_of_the_metadata_beside_it(tmp_path: Path) -> None:
    assert frame_seconds(BenchmarkRequest(), load_graph(ENCODER)) == 0.01
    alone = load_graph(Path(shutil.copy(JOINT, tmp_path)))
    assert frame_seconds(BenchmarkRequest(), alone) is None
    (tmp_path / "model_meta.json").write_text("no JSON")
    assert frame_seconds(BenchmarkRequest(), alone) is None


def test_an_axis_that_no_graph_has_is_refused_with_what_there_is() -> None:
    with pytest.raises(UsageError, match="no input has an axis called `tyme`") as caught:
        checked(BenchmarkRequest(at={"tyme": (5,)}), [load_graph(JOINT)])
    assert caught.value.hint == "there is batch, time, token_len"


def test_an_axis_may_be_named_by_its_input() -> None:
    request = BenchmarkRequest(at={"audio_signal:2": (5,)})
    assert checked(request, [load_graph(ENCODER)]).at == {"time": (5,)}
    twice = BenchmarkRequest(at={"time": (5,), "audio_signal:2": (5,)})
    with pytest.raises(UsageError, match="`audio_signal:2` is `time`"):
        checked(twice, [load_graph(ENCODER)])


def test_only_a_symbol_can_be_fixed(tmp_path: Path) -> None:
    """ONNX Runtime ignores anything else."""
    path = write(tmp_path / "m.onnx", model("g (float[n, ?] x) => (float[n, ?] y) { y = Neg(x) }"))
    options = (SessionOptions(free_dimensions=(("x:1", 5),)),)
    with pytest.raises(UsageError, match="no symbol `x:1` to fix") as caught:
        checked(BenchmarkRequest(options=options), [load_graph(path)])
    assert caught.value.hint == "there is n"


@pytest.mark.parametrize("asked", [{"steps": 0}, {"at": {"time": (5, 0)}}])
def test_numbers_that_make_no_sense_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        checked(BenchmarkRequest(**asked), [load_graph(ENCODER)])  # type: ignore[arg-type]


def test_a_graph_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    shutil.copy(WORDS_TDT / "predictor.onnx", tmp_path)
    (tmp_path / "joint.onnx").write_bytes(JOINT.read_bytes()[:1000])
    failure, work = planned(tmp_path)
    assert isinstance(failure, Failure)
    assert failure.graph == "joint.onnx"
    assert isinstance(work, Work)


def test_inputs_of_a_file_are_fed_as_they_are(tmp_path: Path) -> None:
    audio = np.ones((1, 80, 33), np.float32)
    np.savez(tmp_path / "i.npz", audio_signal=audio, other=audio)
    (work,) = planned(ENCODER, inputs=tmp_path / "i.npz", frame_ms=10)
    assert isinstance(work, Work)
    assert isinstance(work.task, RunTask)
    assert work.task.feeds["audio_signal"].all()
    assert work.task.feeds["length"].tolist() == [33]
    assert work.scenario.audio_s == (0.33,)


def test_inputs_for_one_graph_of_a_folder_leave_the_others_made_up(tmp_path: Path) -> None:
    np.savez(tmp_path / "i.npz", audio_signal=np.ones((1, 80, 33), np.float32))
    works = planned(WORDS_TDT, inputs=tmp_path / "i.npz", at={"batch": (1,)})
    given = {w.scenario.graph: w.scenario.real_audio for w in works if isinstance(w, Work)}
    assert given["encoder.onnx"]
    assert not given["joint.onnx"]


def test_an_axis_of_the_predictor_has_the_size_that_was_asked_for_in_a_folder_too() -> None:
    works = planned(WORDS_TDT, at={"time": (50,), "token_len": (5,)})
    asked = {w.scenario.graph: dict(w.scenario.sizes) for w in works if isinstance(w, Work)}
    assert asked["predictor.onnx"] == asked["joint.onnx"] == {"token_len": 5}


def test_a_graph_decodes_no_recordings() -> None:
    with pytest.raises(UsageError, match="recordings are decoded by"):
        planned(ENCODER, manifest=WORDS_TDT / "manifest.jsonl")


def test_a_file_without_inputs_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "i.npz", other=np.ones(3))
    with pytest.raises(UsageError, match="no array is named like an input") as caught:
        planned(ENCODER, inputs=tmp_path / "i.npz")
    assert caught.value.hint == "there is audio_signal, length"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text", b"\x93NUMPY"])
def test_a_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "i.npz").write_bytes(content)
    with pytest.raises(UsageError, match="--inputs"):
        planned(ENCODER, inputs=tmp_path / "i.npz")


def test_an_input_that_cannot_be_made_up_is_a_failure_with_a_way_out(tmp_path: Path) -> None:
    proto = model("g (float[n] x) => (float[n] y) { y = Neg(x) }")
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    path = write(tmp_path / "m.onnx", proto)
    (failure,) = planned(path)
    assert isinstance(failure, Failure)
    assert "`x` has no rank" in failure.message
    assert "--inputs FILE.npz" in failure.message
    np.savez(tmp_path / "i.npz", x=np.ones(3, np.float32))
    (work,) = planned(path, inputs=tmp_path / "i.npz")
    assert isinstance(work, Work)


@pytest.mark.parametrize("kind", ["seq", "optional"])
def test_what_no_file_can_have_is_a_failure_without_a_way_out(tmp_path: Path, kind: str) -> None:
    path = write(
        tmp_path / "m.onnx",
        model(f"g ({kind}(float[2]) x) => ({kind}(float[2]) y) {{ y = Identity(x) }}"),
    )
    (failure,) = planned(path)
    assert isinstance(failure, Failure)
    assert "(float32): bench feeds tensors alone" in failure.message
    assert "--inputs" not in failure.message


def test_a_size_that_is_a_mistake_is_a_failure_and_the_rest_go_on() -> None:
    works = planned(ENCODER, at={"time": (10**10, 50)})
    assert [type(each) for each in works] == [Failure, Work]


def test_a_manifest_without_recordings_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text("")
    (failure,) = planned(WORDS_TDT, manifest=tmp_path / "m.jsonl")
    assert isinstance(failure, Failure)
    assert "m.jsonl: no recordings in it" in failure.message


def test_recordings_need_a_folder_that_decodes(tmp_path: Path) -> None:
    shutil.copy(JOINT, tmp_path)
    (failure,) = planned(tmp_path, manifest=WORDS_TDT / "manifest.jsonl")
    assert isinstance(failure, Failure)
    assert "no graph is a" in failure.message


def test_a_predictor_and_joint_in_one_graph_decode_as_well(tmp_path: Path) -> None:
    for name in ("encoder.onnx", "model_meta.json", "vocab.txt"):
        shutil.copy(WORDS_TDT / name, tmp_path)
    write(tmp_path / "decoder_joint.onnx", decoder_joint())
    works = planned(tmp_path, at={"time": (50,)})
    assert isinstance(works[-1], Work)
    assert isinstance(works[-1].task, UtterancesTask)
    assert list(works[-1].graphs) == ["encoder", "decoder-joint"]
