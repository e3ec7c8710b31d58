"""Side by side: this library and eager PyTorch, alternating, each time in a fresh process, medians of several rounds.

    python -m benchmarks.run [w1 w2 ...] [--rounds 5] [--seconds 2] [--threads 2]
    python -m benchmarks.run operations     # single operations instead of training steps

Before anything is compared, both must have computed the same: the losses of the first five steps. Memory is the process's at its
peak, less what it had before the first step (Linux only).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.operations import LIMITS, OPERATIONS
from benchmarks.workloads import TARGETS, WORKLOADS

ROOT = Path(__file__).resolve().parent.parent
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
IMPORT_LIMIT = 0.060  # seconds beyond NumPy's own import


def python(*arguments: str) -> str:
    """What a fresh interpreter prints; it may keep compiled modules, as it does wherever a library is used twice."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def worker(library: str, name: str, threads: int, seconds: float) -> dict[str, Any]:
    return json.loads(python("-m", "benchmarks.worker", library, name, str(threads), str(seconds)))


def compare(name: str, rounds: int, threads: int, seconds: float) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds and MB that a step of ours and theirs takes (medians over rounds), and each round's ratio of times."""
    mine, other, ratios = [], [], []
    for _ in range(rounds):
        a, b = worker("ours", name, threads, seconds), worker("theirs", name, threads, seconds)
        if not np.allclose(a["check"], b["check"], rtol=1e-4):
            raise SystemExit(f"{name}: the two do not compute the same: {a['check']} and {b['check']}")
        mine.append((a["median"] * 1e3, a["memory"]))
        other.append((b["median"] * 1e3, b["memory"]))
        ratios.append(b["median"] / a["median"])
    return [statistics.median(column) for column in zip(*mine)], [statistics.median(column) for column in zip(*other)], ratios


def import_cost(rounds: int) -> float:
    """Seconds that importing the library adds to importing NumPy, median over rounds; compiling it is not counted."""
    extra = []
    python("-c", IMPORT.format("autograd_core, nn, optim"))
    for _ in range(rounds):
        base = float(python("-c", IMPORT.format("numpy")))
        extra.append(float(python("-c", IMPORT.format("autograd_core, nn, optim"))) - base)
    return statistics.median(extra)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", default=[*WORKLOADS], help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each process measures")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.workloads == ["operations"]:
        options.workloads = [*OPERATIONS]
    if unknown := set(options.workloads) - WORKLOADS.keys() - OPERATIONS.keys():
        parser.error(f"unknown workloads {sorted(unknown)}; there are {', '.join(WORKLOADS)}")
    wide = max(map(len, options.workloads))
    targets = TARGETS | LIMITS
    titles = f"{'ours ms':>9} {'PyTorch ms':>11} {'times as fast':>14} {'(rounds)':>14} {'target':>7} {'ours MB':>8} {'PyTorch MB':>11}"
    print(" " * wide, titles)
    for name in options.workloads:
        mine, other, ratios = compare(name, options.rounds, options.threads, options.seconds)
        spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
        told = f"{name:{wide}} {mine[0]:9.3f} {other[0]:11.3f} {statistics.median(ratios):14.2f} {spread:>14} {targets[name]:7.2f}"
        print(f"{told} {mine[1]:8.0f} {other[1]:11.0f}", flush=True)
    cost = import_cost(max(options.rounds, 5))
    print(f"import autograd_core, nn, optim: NumPy's own and {cost * 1e3:.0f} ms (at most {IMPORT_LIMIT * 1e3:.0f})")


if __name__ == "__main__":
    main()
