"""X: what files, folders and hashes get wrong, and what the checker of onnx lets through."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import pytest

from onnxtool.release.manifest import write_manifest
from onnxtool.rules.answer import Severity
from onnxtool.rules.engine import check
from onnxtool.rules.examples.graphs import ADD, Content, external, folder, linked, write_all
from onnxtool.rules.report import CheckReport, Finding
from onnxtool.rules.subject import Settings


def found(path: Path, *select: str) -> list[Finding]:
    return list(report(path, *select).findings)


def report(path: Path, *select: str) -> CheckReport:
    return check(path, select=select or ["X"], settings=Settings(run=False, weights=True))


def codes(path: Path) -> list[str]:
    return [finding.rule.code for finding in found(path)]


BROKEN = {
    "truncated": (external("weights.bin"), 4, "X002"),
    "empty": (external("weights.bin"), 0, "X002"),
    "offset past the end": (external("weights.bin", offset=64), 8, "X002"),
    "before the first byte": (external("weights.bin", offset=-4), 8, "X003"),
    "length too small": (external("weights.bin", length=4), 8, "X003"),
    "length too large": (external("weights.bin", length=12), 12, "X003"),
}


@pytest.mark.parametrize(("text", "size", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_external_data_passes_the_checker_and_not_these_rules(
    tmp_path: Path, text: str, size: int, code: str
) -> None:
    write_all(tmp_path, {"model.onnx": text, "weights.bin": size})
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    assert [f.rule.code for f in found(tmp_path / "model.onnx")] == [code]


def test_wrong_bytes_pass_the_checker_and_not_a_recorded_hash(tmp_path: Path) -> None:
    recorded = hashlib.sha256(bytes(8)).hexdigest()
    files: dict[str, Content] = {"model.onnx": external("weights.bin"), "weights.bin": b"\1" * 8}
    write_all(tmp_path, {**files, "weights.bin.sha256": f"{recorded}\n"})
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    (finding,) = found(tmp_path / "model.onnx")
    assert finding.rule.code == "X010"
    assert finding.location == "weights.bin"
    assert recorded[:12] in finding.message


def test_a_hash_in_metadata_is_compared(tmp_path: Path) -> None:
    files: dict[str, Content] = {"model.onnx": external("model.onnx.data"), "model.onnx.data": 8}
    metadata = {"hashes": {"model.onnx": "0" * 64}, "model.onnx.data_sha256": "1" * 64}
    write_all(tmp_path, {**files, "model_meta.json": metadata})
    assert codes(tmp_path) == ["X010", "X010"]


def test_the_lock_file_of_a_release_records_hashes(tmp_path: Path) -> None:
    files: dict[str, Content] = {"a.onnx": external("a.onnx.data"), "a.onnx.data": 8}
    write_all(tmp_path, {**files, "vocab.txt": "<blk> 0\n"})
    write_manifest(tmp_path)
    assert not found(tmp_path, "X009", "X010", "X012")
    write_all(tmp_path, {"a.onnx.data": b"\1" * 8, "vocab.txt": "<blank> 0\n", "b.onnx": ADD})
    tampered = found(tmp_path, "X009", "X010")
    assert [(f.rule.code, f.model, f.location) for f in tampered] == [
        ("X009", "b.onnx", "b.onnx"),
        ("X010", "a.onnx", "a.onnx.data"),
        ("X010", "vocab.txt", "vocab.txt"),
    ]


def test_a_lock_file_that_is_not_json_is_reported(tmp_path: Path) -> None:
    write_all(tmp_path, {"a.onnx": ADD, "onnxtool.manifest.json": "{"})
    (finding,) = found(tmp_path, "X012")
    assert finding.location == "onnxtool.manifest.json"


def test_a_git_lfs_pointer_is_recognized(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\n"
    text = external("weights.bin", offset=1000)
    write_all(tmp_path, {"model.onnx": text, "weights.bin": pointer})
    (finding,) = found(tmp_path / "model.onnx")
    assert "a Git LFS pointer" in finding.message


def test_a_manifest_without_metadata_and_vocabulary_is_reported(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "a.onnx": external("a.onnx.data"),
        "a.onnx.data": 8,
        "vocab.txt": "<blk>\n",
    }
    write_all(tmp_path, files)
    sums = "".join(
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  ./{name}\n"
        for name in ("a.onnx", "a.onnx.data")
    )
    write_all(tmp_path, {"SHA256SUMS": sums})
    (finding,) = found(tmp_path)
    assert (finding.rule.code, finding.location) == ("X009", "vocab.txt")


def test_without_hashes_the_graph_attests_only_itself(tmp_path: Path) -> None:
    write_all(tmp_path, {"a.onnx": external("a.onnx.data"), "a.onnx.data": 8})
    (finding,) = found(tmp_path)
    assert (finding.rule.code, finding.severity) == ("X009", Severity.WARNING)
    assert finding.message.startswith("1 file not covered by the graph's hash")
    assert f"{(tmp_path / 'a.onnx').stat().st_size:,} of" in finding.message


def test_a_graph_does_not_attest_all_bytes_where_some_cannot_be_counted(tmp_path: Path) -> None:
    write_all(tmp_path, {"a.onnx": external("a.onnx.data")})
    (finding,) = found(tmp_path, "X009")
    assert "bytes and those of 1 that cannot be read; nothing" in finding.message


def test_the_tensor_that_ends_after_the_file_is_named(tmp_path: Path) -> None:
    text = """
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y)
        <float[2] near = ["location": "weights.bin", "length": "8"],
         float[2] far = ["location": "weights.bin", "offset": "8", "length": "8"]> {
            z = Add(x, near)
            y = Add(z, far)
        }"""
    write_all(tmp_path, {"model.onnx": text, "weights.bin": 8})
    (finding,) = found(tmp_path / "model.onnx")
    assert finding.message == "`weights.bin` has 8 bytes where 16 are needed, for `main:far`"


def test_an_offset_before_the_file_overlaps_nothing(tmp_path: Path) -> None:
    text = """
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y)
        <float[2] near = ["location": "weights.bin", "length": "8"],
         float[2] far = ["location": "weights.bin", "offset": "-4", "length": "8"]> {
            z = Add(x, near)
            y = Add(z, far)
        }"""
    write_all(tmp_path, {"model.onnx": text, "weights.bin": 8})
    assert [finding.rule.code for finding in found(tmp_path, "X003", "X007")] == ["X003"]


def test_two_graphs_may_share_their_tensors(tmp_path: Path) -> None:
    path = folder({"a.onnx": external("data"), "b.onnx": external("data"), "data": 8})(tmp_path)
    shared = [f for f in found(path, "X007") if "share" in f.message]
    assert [f.severity for f in shared] == [Severity.INFO]


def test_graphs_that_keep_apart_in_one_file_share_no_tensors(tmp_path: Path) -> None:
    files: dict[str, Content] = {"a.onnx": external("data"), "b.onnx": external("data", offset=8)}
    write_all(tmp_path, {**files, "data": 16})
    (finding,) = found(tmp_path, "X007")
    assert finding.message == "a.onnx, b.onnx have tensors of their own in `data`"
    assert finding.severity is Severity.INFO


def test_graphs_that_read_the_same_bytes_otherwise_are_reported(tmp_path: Path) -> None:
    files: dict[str, Content] = {"a.onnx": external("data"), "b.onnx": external("data", offset=4)}
    write_all(tmp_path, {**files, "data": 12})
    (finding,) = found(tmp_path, "X007")
    assert finding.message == "a.onnx, b.onnx read the same bytes of `data` as different tensors"
    assert finding.severity is Severity.WARNING


def test_files_that_name_no_graph_are_reported(tmp_path: Path) -> None:
    graphs: dict[str, Content] = {
        "a.onnx": external("onnx__MatMul_1"),
        "b.onnx": external("onnx__MatMul_2"),
    }
    write_all(tmp_path, {**graphs, "onnx__MatMul_1": 8, "onnx__MatMul_2": 8})
    messages = [f.message for f in found(tmp_path, "X007")]
    assert messages == [
        "2 files of weights lie side by side, and no name says whose: 1 of a.onnx, 1 of b.onnx"
    ]


def test_what_a_link_leads_to_is_referred_to(tmp_path: Path) -> None:
    assert codes(linked(tmp_path).parent) == ["X005", "X009"]


def test_scratch_of_an_exporter_is_one_finding_and_any_other_file_its_own(tmp_path: Path) -> None:
    scratch: dict[str, Content] = {f"Constant_{number}_attr__value": 4 for number in range(3)}
    write_all(tmp_path, {"a.onnx": external("a.onnx.data"), "a.onnx.data": 8})
    write_all(tmp_path, {**scratch, "old.bin": 4})
    messages = [finding.message for finding in found(tmp_path, "X006")]
    other, several = messages
    assert other == "no graph refers to `old.bin` (4 bytes)"
    assert several.startswith("3 files of an exporter's weights (12 bytes)")
