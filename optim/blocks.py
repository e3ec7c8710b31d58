"""Going over large arrays in blocks that stay in the processor's cache.

An update is many passes over four or five arrays. Done block by block it reads and writes memory once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]

SMALL = 1 << 15  # bytes of an array that is not worth any of this
BLOCK = 1 << 18  # bytes of an array in a block: what most of the passes touch then fits into a cache of one MiB


def each(change: Callable[..., Any], scratch: int, *arrays: Array) -> None:
    """Call `change(*blocks, *scratch arrays)` for corresponding blocks of all arrays, until each element was in one.

    The arrays have one shape and dtype; the blocks look into their memory, except that the second one's (the gradient's)
    may be copies. Complex numbers come as their real and imaginary parts. The scratch arrays hold anything.
    """
    first = arrays[0]
    if first.nbytes <= SMALL and first.dtype.kind == "f":
        change(*arrays, *[np.empty(first.shape, first.dtype) for _ in range(scratch)])
        return
    if first.dtype.kind == "c":
        arrays = tuple([real_pairs(a) for a in arrays])
    if all([a.flags.c_contiguous for a in (arrays[0], *arrays[2:])]):  # noqa: C419 - a list is faster
        arrays = tuple([a.reshape(-1) for a in arrays])
    first = arrays[0]
    if first.ndim == 0 or not first.size:
        change(*arrays, *_scratch.get(scratch, first))
        return
    blocks = -(-first.nbytes // BLOCK)
    length = -(-len(first) // blocks)  # in entries of the first dimension: elements, or rows where they do not lie in order
    spare = _scratch.get(scratch, first[:length])
    for k in range(0, len(first), length):
        if k + length > len(first):
            spare = [s[: len(first) - k] for s in spare]
        change(*[a[k : k + length] for a in arrays], *spare)


def real_pairs(array: Array) -> Array:
    """A complex array's memory as real numbers, two for each."""
    return array[..., None].view(array.real.dtype)


class _Scratch(threading.local):
    """Memory that this thread uses again and again: fresh pages would cost more than the arithmetic done in them."""

    def __init__(self) -> None:
        self.buffers: dict[tuple[int, Any], Array] = {}

    def get(self, count: int, like: Array) -> list[Array]:
        """`count` arrays of this shape and dtype."""
        n = like.size
        buffer = self.buffers.get((count, like.dtype))
        if buffer is None or buffer.shape[1] < n:
            self.buffers[count, like.dtype] = buffer = np.empty((count, max(n, BLOCK // like.itemsize)), like.dtype)
        return [row[:n].reshape(like.shape) for row in buffer]


_scratch = _Scratch()


@lru_cache(maxsize=256)
def scalar(value: float, dtype: Any) -> Array:
    """A number as a 0-d array of the real dtype that goes with `dtype`: what NumPy takes as an operand in the shortest time."""
    return np.array(value, np.zeros(0, dtype).real.dtype)
