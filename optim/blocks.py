"""Going over many arrays element by element, large ones in blocks that stay in the processor's cache.

An update is many passes over four or five arrays. Done block by block it reads and writes memory once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from autograd_core import writes
from autograd_core.kernels.scratch import scratch
from autograd_core.kernels.threads import in_parallel, pieces

Array: TypeAlias = np.ndarray[Any, Any]
Change: TypeAlias = Callable[..., None]

SMALL = 1 << 15  # bytes of an array that is not worth cutting up
BLOCK = 1 << 18  # bytes of an array in a block: what most of the passes touch then fits into a cache of one MiB
SHARED = 1 << 20  # bytes of all first arrays from which a second thread pays


def sweep(change: Change, spare: int, members: Sequence[tuple[Array, ...]]) -> None:
    """Call `change(*arrays, *spare arrays)` until each element of each member was in one call.

    A member is a tuple of arrays of one shape; all members have as many, of one dtype. `change` writes into the arrays,
    but for the second (the gradient), which may be a copy; it sees whole arrays or blocks of them, and is called by
    several threads. Complex numbers come as their real and imaginary parts. The spare arrays hold anything.
    """
    if members and members[0][0].dtype.kind == "c":
        members = [tuple([real_pairs(a) for a in arrays]) for arrays in members]
    blocks: list[tuple[Array, ...]] = []
    total = 0
    for arrays in members:
        total += arrays[0].nbytes
        if arrays[0].nbytes <= SMALL:
            change(*arrays, *[np.empty(arrays[0].shape, arrays[0].dtype) for _ in range(spare)])
        else:
            blocks += cut(arrays)

    def one(arrays: tuple[Array, ...]) -> None:
        change(*arrays, *scratch(spare, arrays[0].shape, arrays[0].dtype, "optim"))

    in_parallel(one, blocks, total >= SHARED and distinct(members))


def distinct(members: Sequence[tuple[Array, ...]]) -> bool:
    """Whether no two members write into the same memory, so that their order makes no difference."""
    return len({id(writes.owner(arrays[0])) for arrays in members}) == len(members)


def cut(arrays: tuple[Array, ...]) -> list[tuple[Array, ...]]:
    """A member as blocks that together are the whole of it."""
    if arrays[0].nbytes <= BLOCK:
        return [arrays]
    if all([a.flags.c_contiguous for a in (arrays[0], *arrays[2:])]):  # noqa: C419 - a list is faster
        arrays = tuple([a.reshape(-1) for a in arrays])
    first = arrays[0]
    length = max(1, len(first) * BLOCK // first.nbytes)  # entries of the first dimension: elements, or rows where they lie in no order
    return [tuple([a[part] for a in arrays]) for part in pieces(len(first), length)]


def real_pairs(array: Array) -> Array:
    """A complex array's memory as real numbers, two for each."""
    return array[..., None].view(array.real.dtype)


@lru_cache(maxsize=256)
def scalar(value: float, dtype: Any) -> Array:
    """A number as a 0-d array of the real dtype that goes with `dtype`: what NumPy takes as an operand in the shortest time."""
    return np.array(value, np.zeros(0, dtype).real.dtype)
