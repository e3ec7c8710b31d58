"""Work shared among threads: NumPy lets other threads run inside its element-wise operations and matrix products.

Matrix products bring threads of their own, which pay for large products only. So kernels that share out their work hold
BLAS to one thread meanwhile.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

# How the libraries that NumPy is built with call the two functions that read and set their number of threads.
BLAS = (
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("openblas_get_num_threads64_", "openblas_set_num_threads64_"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)


def in_parallel(work: Callable[[Any], None], parts: Sequence[Any], pays: bool = True) -> None:
    """Call work(part) for each part, on as many threads as `set_num_threads` says, one of them this one.

    It pays from about 0.3 ms on. Where it does not, and where threads are busy already (a nested call, or another thread's), the
    parts are done here, one after the other. The first exception of a part is raised once all threads have stopped.
    """
    threads = min(len(parts), number()) if pays else 1
    if threads < 2 or not _busy.acquire(blocking=False):
        for part in parts:
            work(part)
        return
    waiting = iter(tuple(parts))

    def go_on() -> None:
        for part in waiting:  # a step of a tuple's iterator is one step of the interpreter: no part is handed out twice
            work(part)

    blas = blas_threads()
    count = blas[0]() if blas else 0
    try:
        if blas:
            blas[1](1)
        others = [_pool().submit(copy_context().run, go_on) for _ in range(threads - 1)]
        try:
            go_on()
        finally:
            failures = [error for other in others if (error := other.exception())]
        if failures:
            raise failures[0]
    finally:
        if blas:
            blas[1](count)
        _busy.release()


def pieces(length: int, size: int) -> list[slice]:
    """Slices of at most `size` that cover `length`, as even as they come."""
    count = max(1, -(-length // max(1, size)))
    bounds = [length * k // count for k in range(count + 1)]
    return [slice(a, b) for a, b in pairwise(bounds)]


def number() -> int:
    """On how many threads work is shared: what `set_number` was given, else what BLAS uses."""
    return _number or _default()


def set_number(count: int) -> None:
    """Share work, and multiply matrices, on this many threads."""
    global _number
    _number = count
    if blas := blas_threads():
        blas[1](count)


_number = 0
_busy = threading.Lock()


@cache
def _default() -> int:
    blas = blas_threads()
    return blas[0]() if blas else usable_processors()


def usable_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # here, for it takes as long to import as a tenth of the engine

    return ThreadPoolExecutor(max(1, usable_processors()), thread_name_prefix="autograd_core")


def _after_fork() -> None:
    """A forked process has this thread only: the pool is made anew there, and nobody is busy."""
    global _busy
    _pool.cache_clear()
    _busy = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@cache
def blas_threads() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """The functions that read and set the number of threads of the library that NumPy multiplies matrices with, if it has such."""
    for library in _libraries():
        for names in BLAS:
            if all([hasattr(library, name) for name in names]):  # noqa: C419 - a list is shorter to step through
                return tuple(getattr(library, name) for name in names)  # type: ignore[return-value]
    return None


def _libraries() -> list[ctypes.CDLL]:
    """NumPy's extension, in which the loader also finds what it was linked with; on Windows that library itself."""
    if sys.platform == "win32":
        folder = os.path.join(os.path.dirname(os.path.dirname(np.__file__)), "numpy.libs")
        paths = [os.path.join(folder, name) for name in os.listdir(folder) if "openblas" in name and name.endswith(".dll")]
    else:
        paths = [np.linalg._umath_linalg.__file__]  # type: ignore[attr-defined]
    return [ctypes.CDLL(path) for path in paths]
