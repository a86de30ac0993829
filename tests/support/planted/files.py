"""X: faults of files, external data and hashes."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from onnxtool.model.wire import header
from tests.support.planted import graphs
from tests.support.planted.cause import Cause, in_run, in_small, in_words
from tests.support.planted.edits import attest, outside


def external(bundle: Path) -> Path:
    """Move the weights of the joint out of its file, and record all hashes."""
    data = outside(bundle / "joint.onnx")
    attest(bundle)
    return data


def referring(bundle: Path) -> tuple[onnx.ModelProto, list[TensorProto]]:
    """The joint with external data, and its tensors that refer to it."""
    external(bundle)
    model = onnx.load(bundle / "joint.onnx", load_external_data=False)
    return model, [tensor for tensor in model.graph.initializer if tensor.external_data]


def rewrite(bundle: Path, model: onnx.ModelProto, name: str = "joint.onnx") -> None:
    # Not onnx.save, which would look for external data.
    (bundle / name).write_bytes(model.SerializeToString())
    attest(bundle)


def refer(tensor: TensorProto, **keys: object) -> None:
    """Have a tensor refer to a place outside."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    del tensor.external_data[:]
    for key, value in {**entries, **keys}.items():
        tensor.external_data.add(key=key, value=str(value))
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")


def missing(bundle: Path) -> None:
    external(bundle).unlink()


def pointer(bundle: Path) -> None:
    """What Git LFS leaves in the place of a file that was not fetched."""
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 123456\n"
    external(bundle).write_text(text)
    attest(bundle)


def truncated(bundle: Path) -> None:
    data = external(bundle)
    data.write_bytes(data.read_bytes()[:-4])
    attest(bundle)


def unlike_shape(bundle: Path) -> None:
    model, tensors = referring(bundle)
    refer(tensors[0], length=4)
    rewrite(bundle, model)


def before_the_file(bundle: Path) -> None:
    model, tensors = referring(bundle)
    refer(tensors[0], offset=-4)
    rewrite(bundle, model)


def elsewhere(bundle: Path) -> None:
    model, tensors = referring(bundle)
    for tensor in tensors:
        refer(tensor, location="../joint.onnx.data")
    (bundle / "joint.onnx.data").unlink()
    rewrite(bundle, model)
    with (bundle / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  ../joint.onnx.data\n")


def linked(bundle: Path) -> None:
    data = external(bundle)
    (bundle / "store").mkdir()
    (bundle / "store" / "blob").hardlink_to(data)


def orphan(bundle: Path) -> None:
    (bundle / "Constant_12_attr__value").write_bytes(bytes(8))


def weights_of_nobody(bundle: Path) -> None:
    (bundle / "weights.bin").write_bytes(bytes(8))


def written_over(bundle: Path) -> None:
    """The predictor refers to a file that the joint has written over."""
    external(bundle)
    model = onnx.load(bundle / "predictor.onnx")
    tensor = next(t for t in model.graph.initializer if len(t.dims) == 2 and t.dims[0] == 1)
    refer(tensor, location="joint.onnx.data", offset=0, length=len(tensor.raw_data))
    rewrite(bundle, model, "predictor.onnx")


def overlapping(bundle: Path) -> None:
    model, tensors = referring(bundle)
    offsets = [int(next(e.value for e in t.external_data if e.key == "offset")) for t in tensors]
    _, last = max(zip(offsets, tensors, strict=True), key=lambda pair: pair[0])
    refer(last, offset=max(offsets) - 4)
    rewrite(bundle, model)


def nameless(bundle: Path) -> None:
    for name, data in {"joint.onnx": "1.bin", "predictor.onnx": "2.bin"}.items():
        model = onnx.load(bundle / name)
        onnx.save(model, bundle / name, save_as_external_data=True, location=data)
    attest(bundle)


def oversized(bundle: Path) -> None:
    """The joint holds 2 GB of zeros, which take no space on most disks, and reads one of them."""
    tail = """
        logits = MatMul(hidden, weight)
        some = Slice(zeros, first, second)
        joint_output = Add(logits, some)"""
    path = bundle / "joint.onnx"
    onnx.save(graphs.joint(tail), path)
    size = 2_000_000_000
    zeros = TensorProto(name="zeros", data_type=TensorProto.FLOAT, dims=[size // 4])
    tensor = zeros.SerializeToString() + header(9, size)
    initializer = header(5, len(tensor) + size) + tensor
    # A message that is given in parts is all of them together.
    with path.open("ab") as file:
        file.write(header(7, len(initializer) + size) + initializer)
        file.truncate(file.tell() + size)


def unattested(bundle: Path) -> None:
    outside(bundle / "joint.onnx")


def left_out_of_the_hashes(bundle: Path) -> None:
    attest(bundle)
    outside(bundle / "predictor.onnx")
    sums = bundle / "SHA256SUMS"
    kept = [line for line in sums.read_text().splitlines() if "predictor.onnx" not in line]
    sums.write_text("\n".join(kept) + "\n")


def replaced(bundle: Path) -> None:
    data = external(bundle)
    content = data.read_bytes()
    data.write_bytes(content[:4] + content[8:12] + content[8:])


def another_vocabulary(bundle: Path) -> None:
    attest(bundle)
    path = bundle / "vocab.txt"
    path.write_text(path.read_text().replace("a 0", "e 0"))


def in_attribute(bundle: Path) -> None:
    model, tensors = referring(bundle)
    for tensor in tensors:
        constant = helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.initializer.remove(tensor)
        model.graph.node.insert(0, constant)
    rewrite(bundle, model)


def streaming_not_json(bundle: Path) -> None:
    (bundle / "streaming.json").write_text("{")


def metadata_not_json(bundle: Path) -> None:
    (bundle / "model_meta.json").write_text("{,}")


def contract_without_promise(bundle: Path) -> None:
    (bundle / "contract.json").write_text("{}")


def lock_file_not_json(bundle: Path) -> None:
    (bundle / "onnxtool.manifest.json").write_text("[")


def token_without_id(bundle: Path) -> None:
    (bundle / "vocab.txt").write_text("a 0\nb\n")


def empty_predictor(bundle: Path) -> None:
    (bundle / "predictor.onnx").write_bytes(b"")


def empty_joint(bundle: Path) -> None:
    (bundle / "joint.onnx").write_bytes(b"")


def empty_encoder(bundle: Path) -> None:
    (bundle / "encoder.onnx").write_bytes(b"")


def empty_streaming_encoder(bundle: Path) -> None:
    (bundle / graphs.LATER).write_bytes(b"")


def empty_first_chunk(bundle: Path) -> None:
    (bundle / graphs.FIRST).write_bytes(b"")


CAUSES: tuple[Cause, ...] = (
    in_words("X001", missing),
    in_words("X002", truncated),
    in_words("X002", pointer),
    in_words("X003", unlike_shape),
    in_words("X003", before_the_file),
    in_words("X004", elsewhere),
    in_words("X005", linked),
    in_words("X006", orphan),
    in_run("X006", weights_of_nobody),
    in_words("X007", written_over),
    in_words("X007", overlapping),
    in_words("X007", nameless),
    in_small("X008", oversized),
    in_words("X009", unattested),
    in_words("X009", left_out_of_the_hashes),
    in_words("X010", replaced),
    in_run("X010", another_vocabulary),
    in_words("X011", in_attribute),
    in_words("X012", streaming_not_json),
    in_run("X012", metadata_not_json),
    in_run("X012", contract_without_promise),
    in_run("X012", lock_file_not_json),
    in_run("X012", token_without_id),
    in_run("X012", empty_predictor),
    in_run("X012", empty_joint),
    in_run("X012", empty_encoder),
    in_run("X012", empty_streaming_encoder),
    in_run("X012", empty_first_chunk),
)
