"""The process that a session lives in: `python -m onnxtool.runtime.worker`.

A native crash, a hang or a run out of memory ends this process and not the one that asked. Requests
come as frames on stdin, replies go as frames to the stdout it was started with: the length in eight
bytes, then a pickle. The parent started us, so both sides may trust what they unpickle.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from onnxtool.runtime.narrow_types import has_narrow_types, run_narrow
from onnxtool.runtime.options import PROVIDER
from onnxtool.runtime.parent import end_with_parent

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

HEADER = struct.Struct("<Q")
# A reply is (kind, content).
READY, VALUES, REFUSED, OUT_OF_MEMORY = "ready", "values", "refused", "out of memory"
# Signs of it in ONNX Runtime's messages, which have no type for it.
_TOO_LITTLE_TO_IMPORT = ("Cannot allocate memory", "failed to map segment")
_EXHAUSTED = ("bad_alloc", "Failed to allocate", *_TOO_LITTLE_TO_IMPORT)


def send(stream: IO[bytes], message: object) -> None:
    """Write one frame."""
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(HEADER.pack(len(content)))
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one frame.

    Raises:
        EOFError: The other side is gone.
    """
    (length,) = HEADER.unpack(_exactly(stream, HEADER.size))
    return pickle.loads(_exactly(stream, length))  # noqa: S301 - from our own process


def _exactly(stream: IO[bytes], length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content


def main() -> None:
    """Serve one session until stdin closes, or the parent is gone."""
    end_with_parent()
    replies = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not get between the frames.
    os.dup2(2, 1)
    # The slowest part of a start, while nobody waits yet. If it fails, loading a model says so.
    with suppress(ImportError):
        import onnxruntime  # noqa: F401
    request = receive(sys.stdin.buffer)
    _limit_memory(request["memory_bytes"])
    try:
        session = _open(request)
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base
        send(replies, failure(error))
        return
    send(replies, (READY, None))
    while True:
        try:
            outputs, feeds = receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            send(replies, (VALUES, _run(session, outputs, feeds)))
        except Exception as error:  # noqa: BLE001 - see above
            send(replies, failure(error))


def _limit_memory(limit_bytes: int) -> None:
    """Bound private memory, which mapped weights do not count to; where the system can do it."""
    if not limit_bytes:
        return
    try:
        import resource
    except ImportError:  # Windows has no such limit.
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, hard))


def _open(request: Mapping[str, Any]) -> onnxruntime.InferenceSession:
    import onnxruntime

    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        levels.ORT_ENABLE_ALL if request["optimize"] else levels.ORT_DISABLE_ALL
    )
    options.intra_op_num_threads = request["threads"]
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Threads that wait for work would take it from the other sessions.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if request["optimized_path"]:
        options.optimized_model_filepath = request["optimized_path"]
    if request["content"]:
        # Where its references lead from: bytes have no folder of their own.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", request["folder"]
        )
    return onnxruntime.InferenceSession(
        request["content"] or request["path"], options, providers=[PROVIDER]
    )


def _run(
    session: onnxruntime.InferenceSession,
    outputs: list[str] | None,
    feeds: Mapping[str, np.ndarray[Any, Any]],
) -> dict[str, Any]:
    names = outputs or [output.name for output in session.get_outputs()]
    run = partial(run_narrow, session) if has_narrow_types(session) else session.run
    return dict(zip(names, run(names, dict(feeds)), strict=True))


def failure(error: Exception) -> tuple[str, str]:
    """What to reply about an error of ONNX Runtime."""
    text = str(error)
    exhausted = isinstance(error, MemoryError) or any(sign in text for sign in _EXHAUSTED)
    return (OUT_OF_MEMORY if exhausted else REFUSED), text


if __name__ == "__main__":
    main()
