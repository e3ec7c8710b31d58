"""One library on one workload, in a process of its own: prints the losses of the first steps, seconds a step, and peak memory.

python -m benchmarks.worker ours|theirs WORKLOAD THREADS SECONDS
"""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import time
from pathlib import Path

STATUS = Path("/proc/self/status")


def main(library: str, workload: str, threads: str, seconds: str) -> None:
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = threads
    if library == "ours":
        import autograd_core  # noqa: F401 - first, as in a program that begins with it: it tells OpenBLAS how long to wait
    from benchmarks.operations import OPERATIONS
    from benchmarks.workloads import WORKLOADS, ours, theirs

    step = (WORKLOADS | OPERATIONS)[workload](ours() if library == "ours" else theirs(int(threads)))
    before = resident("VmRSS")
    check = [step().item() for _ in range(5)]
    end = time.perf_counter() + float(seconds)
    times = []
    while time.perf_counter() < end or len(times) < 5:
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    print(json.dumps({"check": check, "median": statistics.median(times), "best": min(times), "memory": resident("VmHWM") - before}))


def resident(entry: str) -> float:
    """The process's memory now (VmRSS) or at its peak so far (VmHWM), in MB; NaN where the system does not tell."""
    if not STATUS.exists():
        return math.nan
    return next(int(line.split()[1]) / 1024 for line in STATUS.read_text().splitlines() if line.startswith(entry))


if __name__ == "__main__":
    main(*sys.argv[1:])
