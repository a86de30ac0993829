"""Streaming rules on graphs that are no cache-aware encoders, on contracts, and on odd ones."""

from __future__ import annotations

from pathlib import Path

import onnx.parser

from onnxtool.model.contract import Contract, StreamingConfig
from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.examples.streaming import CONFIG, FILES, encoder, folder, offline, pair
from onnxtool.rules.report import CheckReport
from onnxtool.rules.subject import Settings
from tests.support.models import write

# States without the names or the meaning of NeMo's: a moving sum, as an LSTM would be.
MEMORY = """
    g (float[N, T, 2] x, float[N, 2] memory) => (float[N, T, 2] y, float[N, 2] new_memory) {
        axis = Constant <value = int64[1] {1}> ()
        sum = ReduceSum <keepdims = 0> (x, axis)
        NEXT
        before = Unsqueeze(memory, axis)
        y = Add(x, before)
    }"""
KEPT, LOST = "new_memory = Add(memory, sum)", "new_memory = Identity(memory)"
GENERIC = {"S001", "S002", "S004", "S016", "S018"}


def checked(folder: Path, text: str, *codes: str, contract: Contract | None = None) -> CheckReport:
    path = write(folder / "model.onnx", onnx.parser.parse_model(text))
    return check(path, select=codes or ["S"], settings=Settings(run=True, contract=contract))


def codes(report: CheckReport) -> set[str]:
    return {finding.rule.code for finding in report.findings}


def promise(**fields: str | int | tuple[int, int]) -> Contract:
    config = StreamingConfig(**fields)  # type: ignore[arg-type]
    return Contract(Path("contract.json"), {}, config, None)


def test_any_graph_whose_states_pair_up_runs_in_a_closed_loop(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", MEMORY.replace("NEXT", KEPT))
    report = check(path, select=["S"], settings=Settings(run=True))
    assert not report.findings
    assert {rule.code for rule in report.checked} == GENERIC
    assert any("no input `audio_signal`" in skip.reason for skip in report.skipped)


def test_a_state_of_any_kind_that_never_changes_is_dead(tmp_path: Path) -> None:
    path = write(tmp_path / "model.onnx", MEMORY.replace("NEXT", LOST))
    report = check(path, select=["S"], settings=Settings(run=True))
    (finding,) = report.findings
    assert (finding.rule.code, finding.location) == ("S004", "memory")


def test_a_cache_that_comes_back_empty_is_dead(tmp_path: Path) -> None:
    empty = """
        next_context = Slice(joined, zero, zero, two)
        cache_last_time_next = Unsqueeze(next_context, one)"""
    report = checked(tmp_path, encoder(context=empty), "S002", "S004")
    assert codes(report) == {"S002"}


def test_a_count_that_stands_still(tmp_path: Path) -> None:
    still = "cache_last_channel_next_len = Identity(cache_last_channel_len)"
    (finding,) = checked(tmp_path, encoder(filled=still), "S003", "S017").findings
    assert finding.message == (
        "0 frames, twice, with room for 6 more; step by step: 0, 0, 0, 0, 0, 0, 0, 0, …"
    )


def test_a_contract_that_says_the_wrong_side(tmp_path: Path) -> None:
    report = checked(tmp_path, encoder(), "S005", contract=promise(cache_valid_region="prefix"))
    (finding,) = report.findings
    assert finding.message.startswith("contract.json says prefix, but it is a suffix: with 3 of 6")


def test_a_contract_that_is_kept(tmp_path: Path) -> None:
    kept = promise(
        chunk_size=(5, 8),
        shift_size=(5, 8),
        valid_out_len=2,
        conv_cache_size=2,
        cache_valid_region="suffix",
    )
    report = checked(tmp_path, encoder(), "S005", "S008", "S009", "S011", contract=kept)
    assert not report.findings
    assert len(report.checked) == 4


def test_a_graph_that_gives_fewer_frames_than_the_first_one_loses_some(tmp_path: Path) -> None:
    bundle = folder(pair(later=encoder(valid=1)))(tmp_path)
    (finding, *_) = check(bundle, select=["S008"]).findings
    assert finding.message == (
        "a call with 13 feature frames gives 1 encoder frames, and moves on by 8 feature frames, "
        "which is 2"
    )


def test_a_first_chunk_that_was_promised_and_cannot_be_is_an_error(tmp_path: Path) -> None:
    bundle = folder({FILES["later"]: encoder()}, {"streaming.json": CONFIG})(tmp_path)
    (finding,) = check(bundle, select=["S010"]).findings
    assert finding.severity is Severity.ERROR


def test_zeros_before_the_first_chunk_make_up_for_its_graph(tmp_path: Path) -> None:
    padded = {**CONFIG, "pre_encode_cache_size": [8, 5]}
    bundle = folder({FILES["later"]: encoder()}, {"streaming.json": padded})(tmp_path)
    assert not check(bundle, select=["S010"]).findings


def test_a_file_that_says_nonsense_is_a_reason_to_skip(tmp_path: Path) -> None:
    nonsense = {**CONFIG, "chunk_size": "long"}
    bundle = folder({FILES["later"]: encoder()}, {"streaming.json": nonsense})(tmp_path)
    report = check(bundle, select=["S009"])
    assert '`chunk_size` is "long", and not a number of frames' in report.skipped[0].reason


def test_a_broken_graph_does_not_keep_its_neighbor_from_being_checked(tmp_path: Path) -> None:
    broken = encoder(made="made = Unknown(frames)")
    bundle = folder(pair(later=broken))(tmp_path)
    report = check(bundle, select=["S005"])
    assert [skip.model for skip in report.skipped] == [FILES["later"]]


def test_one_graph_that_streams_well_is_near_the_offline_encoder_in_the_end(tmp_path: Path) -> None:
    bundle = folder({FILES["later"]: encoder(), "encoder.onnx": offline()})(tmp_path)
    assert not check(bundle, select=["S012"]).findings


def test_one_graph_that_does_not_is_told_by_how_much(tmp_path: Path) -> None:
    bundle = folder({FILES["later"]: encoder(), "encoder.onnx": offline(scale=2.0)})(tmp_path)
    (finding,) = check(bundle, select=["S012"]).findings
    assert "50% off `encoder.onnx`" in finding.message
