"""A bare loop around `InferenceSession.run`, for `benchmarks.bench` to be held against.

Nothing here is shared with onnxtool. Arguments: the graph, an .npz of feeds, the number of threads,
and the cores to run on. For each number on stdin, so many runs are timed, and their durations in
seconds written as one line.
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np
import onnxruntime


def main() -> None:
    """Time as many runs as each line asks for."""
    path, inputs, threads, cores = sys.argv[1:]
    if cores and sys.platform == "linux":
        os.sched_setaffinity(0, [int(core) for core in cores.split(",")])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    options.inter_op_num_threads = 1
    start_s = time.perf_counter()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    print(time.perf_counter() - start_s, flush=True)
    with np.load(inputs) as arrays:
        feeds = dict(arrays)
    for line in sys.stdin:
        durations_s = []
        for _ in range(int(line)):
            start_s = time.perf_counter()
            session.run(None, feeds)
            durations_s.append(time.perf_counter() - start_s)
        print(*durations_s, flush=True)


if __name__ == "__main__":
    main()
