"""One library on one workload, in a process of its own: prints `{"check": [...], "times": [...]}` (seconds a step).

python -m benchmarks.worker ours|theirs WORKLOAD THREADS SECONDS
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time


def main(library: str, workload: str, threads: str, seconds: str) -> None:
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = threads
    from benchmarks.operations import OPERATIONS
    from benchmarks.workloads import WORKLOADS, ours, theirs

    step = (WORKLOADS | OPERATIONS)[workload](ours() if library == "ours" else theirs(int(threads)))
    check = [step().item() for _ in range(5)]
    end = time.perf_counter() + float(seconds)
    times = []
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    print(json.dumps({"check": check, "median": statistics.median(times), "best": min(times), "steps": len(times)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
