"""Products of weights, columns and gradients, in the sizes and orders that BLAS is quick with.

Where the processor has AVX-512, OpenBLAS multiplies small matrices as they lie, and takes half the time that larger ones of few rows
take, which it copies first. There is no such way for a second operand that is transposed.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .scratch import scratch

Array = np.ndarray[Any, Any]

QUICK = 1_000_000  # multiplications in a small product
LEAST = 32  # positions in one


def multiply(weight: Array, columns: Array, out: Array) -> None:
    """weight (..., wide, deep) @ columns (..., deep, positions) into out."""
    wide, deep = weight.shape[-2:]
    length = columns.shape[-1]
    each = block(wide * deep, length) if wide > 1 else 0
    if not each:
        np.matmul(weight, columns, out=out)
        return
    whole = length // each * each
    np.matmul(weight[..., None, :, :], in_blocks(columns[..., :whole], each), out=in_blocks(out[..., :whole], each))
    if whole < length:
        np.matmul(weight, columns[..., whole:], out=out[..., whole:])


def correlated(columns: Array, other: Array, turned: bool) -> Array:
    """Σ columns[h, p] · other[w, p] over positions, and over images if there is such an axis: (groups, height, wide).

    `other` is (..., wide, positions), or `turned` (..., positions, wide).
    """
    images = columns.ndim == 4
    height, length = columns.shape[-2:]
    wide = other.shape[-1 if turned else -2]
    each = block(height * wide, length) if turned else 0
    if not each:
        if turned:
            found = columns @ other
        elif wide > height:  # the operand with more rows comes first
            found = (other @ columns.swapaxes(-1, -2)).swapaxes(-1, -2)
        else:
            found = columns @ other.swapaxes(-1, -2)
        return found.sum(0) if images else found
    whole = length // each * each
    blocks = other[..., :whole, :].reshape(*other.shape[:-2], whole // each, each, wide)
    total = (in_blocks(columns[..., :whole], each) @ blocks).sum((0, 2) if images else 1)
    return total if whole == length else total + correlated(columns[..., whole:], other[..., whole:, :], turned)


def block(area: int, length: int) -> int:
    """How many of `length` positions make a product with matrices of this area small; 0 if all of them, or too few."""
    blocks = -(-area * length // QUICK)
    each = -(-length // max(1, blocks)) + 15 & -16
    return 0 if blocks < 2 or each < LEAST else each


def in_blocks(matrix: Array, each: int) -> Array:
    """A view of (..., rows, columns) as (..., blocks, rows, each)."""
    return matrix.reshape(*matrix.shape[:-1], matrix.shape[-1] // each, each).swapaxes(-2, -3)


# ---------------------------------------------------------------------- the other operand of the weights' gradient


def flat(x: Array, groups: int, merged: bool) -> Array:
    """x (n, C, rows, *inner) as (n, groups, C / groups, positions), or `merged` as (groups, C / groups, positions of all)."""
    wide, positions = x.shape[1] // groups, prod(x.shape[2:])
    if not merged:
        return x.reshape(len(x), groups, wide, positions)
    (copy,) = scratch(1, (*x.shape[1:3], len(x), *x.shape[3:]), x.dtype, "convolution: other")
    np.copyto(np.moveaxis(copy, 2, 0), x)
    return copy.reshape(groups, wide, len(x) * positions)


def turned(x: Array, groups: int, merged: bool) -> Array:
    """The same with positions before channels."""
    n, channels, rows, *inner = x.shape
    positions, wide = prod((rows, *inner)), channels // groups
    if x.strides[1] % 4096 == 0:  # channels so far apart would all meet in the same place of the cache
        (apart,) = scratch(1, (n, channels, positions + 16), x.dtype, "convolution: apart")
        spaced = apart[..., :positions].reshape(x.shape)
        np.copyto(spaced, x)
        x = spaced
    (copy,) = scratch(1, (groups, rows, n, *inner, wide) if merged else (n, groups, rows, *inner, wide), x.dtype, "convolution: other")
    by_group = x.reshape(n, groups, wide, rows, *inner)
    later = range(4, by_group.ndim)
    np.copyto(copy, by_group.transpose((1, 3, 0, *later, 2) if merged else (0, 1, 3, *later, 2)))
    return copy.reshape(*((groups, n * positions) if merged else (n, groups, positions)), wide)
