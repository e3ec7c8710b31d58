"""Scans: running sums, products and extremes along one axis.

The gradients of the nonlinear ones are linear recurrences, y_k = a_k y_{k-1} + b_k: Martin and Cundy, "Parallelizing linear
recurrent neural nets over sequence length" (2018). They divide by nothing, so they hold where a factor is zero.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt, prod

import numpy as np

from ..primitive import primitive
from .elementwise import exp
from .reduce import wide


@primitive(lambda g, axis, reverse: cumsum(g, axis=axis, reverse=not reverse))
def cumsum(x, *, axis, reverse=False):
    """Sums up to and including each entry; `reverse`: from each entry on."""
    if x.dtype.kind == "f":
        return running_sum(wide(x), axis % x.ndim, reverse).astype(x.dtype, copy=False)
    return plain(np.cumsum, x, axis, reverse, x.dtype if x.dtype.kind == "c" else np.dtype(np.int64))


@primitive(
    lambda g, x, out, axis: (
        moved(out, axis=axis, by=1, fill=1) * recurrence(moved(x, axis=axis, by=-1), g, axis=axis, reverse=True)  # Π before · Σ after
    )
)
def cumprod(x, *, axis):
    """Products up to and including each entry."""
    if x.dtype.kind not in "fc":
        return np.cumprod(x, axis, dtype=np.int64)
    return np.cumprod(wide(x), axis).astype(x.dtype, copy=False)


@primitive(
    lambda g, x, out, axis: (
        exp(x - out) * recurrence(exp(out - moved(out, axis=axis, by=-1, fill=np.inf)), g, axis=axis, reverse=True)  # both factors ≤ 1
    ),
    promotes="float",
)
def logcumsumexp(x, *, axis):
    """log Σ eˣ of the entries up to and including each, without overflow."""
    return np.logaddexp.accumulate(wide(x), axis).astype(x.dtype, copy=False)


@primitive(
    lambda g, a, out, axis, reverse: (
        recurrence(moved(a, axis=axis, by=1 if reverse else -1), g, axis=axis, reverse=not reverse)
        * moved(out, axis=axis, by=-1 if reverse else 1)
    ),
    lambda g, a, axis, reverse: recurrence(moved(a, axis=axis, by=1 if reverse else -1), g, axis=axis, reverse=not reverse),
)
def recurrence(a, b, *, axis, reverse=False):
    """y_k = a_k y_{k-1} + b_k along one axis, y being zero before the first; `reverse`: y_k = a_k y_{k+1} + b_k."""
    out = np.empty(b.shape, b.dtype)
    first, second, y = (np.moveaxis(v, axis, 0)[:: -1 if reverse else 1] for v in (a, b, out))
    y[...] = solved(wide(first), wide(second))
    return out


@primitive(lambda g, axis, by: moved(g, axis=axis, by=-by), promotes="no")
def moved(x, *, axis, by, fill=0):
    """x moved by one place forward (`by` = 1) or backward (-1) along an axis; `fill` comes in where it leaves a gap."""
    out = np.empty(x.shape, x.dtype)
    source, target = np.moveaxis(x, axis, 0), np.moveaxis(out, axis, 0)
    if by > 0:
        target[1:], target[:1] = source[:-1], fill
    else:
        target[:-1], target[-1:] = source[1:], fill
    return out


@primitive(None)
def argcummax(x, *, axis):
    """Where the largest entry so far is: of equals the last; NaN is larger than any number."""
    return last_attained(x, np.maximum.accumulate(x, axis), axis)


@primitive(None)
def argcummin(x, *, axis):
    """Where the smallest entry so far is: of equals the last; NaN is smaller than any number."""
    return last_attained(x, np.minimum.accumulate(x, axis), axis)


def last_attained(x, extreme, axis):
    places = np.arange(x.shape[axis]).reshape(-1, *(1,) * (x.ndim - 1 - axis % x.ndim))
    return np.maximum.accumulate(np.where((x == extreme) | (x != x), places, 0), axis)


# ---------------------------------------------------------------------- how running sums and recurrences are computed


BLOCKS = (32, 25, 20)  # lengths of runs that one product with a triangle of ones sums up: the first that divides the whole, or the first
MANY = 1 << 12  # below this many entries nothing is gained


def plain(function, x, axis, reverse, dtype):
    """NumPy's own scan, from either end."""
    out = np.empty(x.shape, dtype)
    forward, target = (np.flip(v, axis) if reverse else v for v in (x, out))
    function(forward, axis, dtype=dtype, out=target)
    return out


def running_sum(x, axis, reverse):
    """np.cumsum, several times as fast: it waits for each sum before it begins the next."""
    length, inner = x.shape[axis], prod(x.shape[axis + 1 :])
    if x.size >= MANY and length >= 64 and inner == 1:
        out = sum_of_blocks(np.ascontiguousarray(x).reshape(-1, length), reverse)
        if out is not None:
            return out.reshape(x.shape)
    if inner < 32 or x.size < 512 * length:
        return plain(np.cumsum, x, axis, reverse, x.dtype)
    out = np.empty(x.shape, x.dtype)
    terms, sums = (np.moveaxis(np.flip(v, axis) if reverse else v, axis, 0) for v in (x, out))
    sums[0] = terms[0]
    for k in range(1, length):
        np.add(sums[k - 1], terms[k], out=sums[k])
    return out


def sum_of_blocks(x, reverse):
    """The running sums of rows: what comes before each block is put into it, then a product with a triangle sums within blocks.

    None if a sum is not finite: a product with zeros would spread NaN backwards.
    """
    rows, n = x.shape
    block = next((b for b in BLOCKS if n % b == 0), BLOCKS[0])
    rest = n % block  # fills no block, and lies at the end of the scan
    middle = slice(rest, n) if reverse else slice(0, n - rest)
    terms = np.array(x[:, middle], order="C")
    with np.errstate(invalid="ignore", over="ignore"):
        totals = (terms.reshape(-1, block) @ np.ones(block, x.dtype)).reshape(rows, -1)
        totals = plain(np.cumsum, totals, 1, reverse, x.dtype)
        if not np.isfinite(totals).all():
            return None
    if reverse:
        terms[:, block - 1 : -1 : block] += totals[:, 1:]
    else:
        terms[:, block::block] += totals[:, :-1]
    sums = (terms.reshape(-1, block) @ triangle(block, x.dtype, reverse)).reshape(terms.shape)
    if not rest:
        return sums
    if reverse:
        return np.concatenate([plain(np.cumsum, x[:, :rest], 1, True, x.dtype) + totals[:, :1], sums], 1)
    return np.concatenate([sums, np.cumsum(x[:, -rest:], 1) + totals[:, -1:]], 1)


@lru_cache(maxsize=16)
def triangle(n, dtype, lower):
    ones = np.ones((n, n), dtype)
    return np.tril(ones) if lower else np.triu(ones)


def solved(a, b):
    """The recurrence along the first axis: step by step, or where the steps are small in as many blocks as a block has steps.

    In each block y is found as if zero came before it; what did come before, times the product of the a since, is added after.
    """
    n, each = len(b), prod(b.shape[1:])
    if n > 128 and each < 128:
        steps = isqrt(n - 1) + 1
        padded = [np.concatenate([v, np.zeros((steps * steps - n, *b.shape[1:]), v.dtype)]) for v in (a, b)]
        factor, y = (np.array(np.swapaxes(v.reshape(steps, steps, *b.shape[1:]), 0, 1), order="C") for v in padded)
        with np.errstate(over="ignore", invalid="ignore"):
            for k in range(1, steps):
                y[k] += factor[k] * y[k - 1]
                factor[k] *= factor[k - 1]
        if np.isfinite(factor).all():
            y[:, 1:] += factor[:, 1:] * solved(factor[-1], y[-1])[:-1]
            return np.swapaxes(y, 0, 1).reshape(padded[1].shape)[:n]
    y = np.array(b)
    for k in range(1, n):
        y[k] += a[k] * y[k - 1]
    return y
