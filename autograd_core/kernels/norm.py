"""Normalisation of rows, in blocks shared among threads.

x is (rows, width), contiguous, of float32 or float64. Sums along a row are products with a constant vector, sums over rows
with one of ones: BLAS is twice as quick at them as a reduction.
"""

from __future__ import annotations

import numpy as np

from .broadcast import long_rows
from .scratch import scratch
from .threads import in_parallel, pieces

BLOCK = 1 << 19  # elements worked on at a time: threads that hand each other the interpreter more often lose by it
SHARED = 1 << 19  # elements from which on threads pay


def row_blocks(rows, width):
    """The rows in blocks, four at least where threads pay."""
    count = rows * width
    return pieces(rows, (count if count < SHARED else min(BLOCK, count // 4)) // max(1, width))


def reciprocal_root(mean_square, eps, out):
    """1 / √(mean_square + eps)."""
    mean_square += eps
    np.sqrt(mean_square, out=mean_square)
    np.divide(1, mean_square, out=out)


def averaging(width, dtype, weight=None):
    """The vector whose product with a row is its mean, weighted."""
    average = np.full(width, 1 / max(1, width), dtype)
    if weight is not None:
        average *= weight
    return average


# ---------------------------------------------------------------------- layer_norm


def layer_norm(x, weight, bias, eps, out):
    """Write (x - mean) / √(variance + eps) · weight + bias into out, row by row.

    Returns the means and the factors 1 / √(variance + eps).
    """
    rows, width = x.shape
    mean, factor = np.empty((2, rows), x.dtype)
    average = averaging(width, x.dtype)

    def work(r):
        o, f = out[r], factor[r]
        np.matmul(x[r], average, out=mean[r])
        np.subtract(x[r], mean[r, None], out=o)
        reciprocal_root(np.vecdot(o, o) / max(1, width), eps, f)
        o *= f[:, None]
        if weight is not None:
            o *= weight
        if bias is not None:
            o += bias

    with long_rows(width):
        in_parallel(work, row_blocks(rows, width))
    return mean, factor


def layer_norm_back(g, x, weight, mean, factor, gradient, needs):
    """Write the gradient by x into `gradient`, unless it is None; return those by weight and bias, if they are needed.

    With c = x - mean, f the factor and h = g · weight, that by x is f · (h - average(h) - c · f² · average(h · c)).
    """
    rows, width = x.shape
    parts = row_blocks(rows, width)
    sums = np.zeros((2, len(parts), width), x.dtype)
    average = averaging(width, x.dtype, weight)

    def work(k):
        r = parts[k]
        gr, f = g[r], factor[r]
        if needs[2]:
            np.matmul(np.ones(len(f), x.dtype), gr, out=sums[1, k])
        if gradient is None and not needs[1]:
            return
        centred, product = scratch(2, gr.shape, x.dtype, "norm")
        np.subtract(x[r], mean[r, None], out=centred)
        np.multiply(gr, centred, out=product)
        if needs[1]:
            np.matmul(f, product, out=sums[0, k])
        if gradient is not None:
            slope = product @ average
            slope *= f
            slope *= f
            centred *= slope[:, None]
            centred += (gr @ average)[:, None]
            h = gradient[r]
            if weight is None:
                np.subtract(gr, centred, out=h)
            else:
                np.multiply(gr, weight, out=h)
                h -= centred
            h *= f[:, None]

    with long_rows(width):
        in_parallel(work, range(len(parts)))
    by_weight, by_bias = sums.sum(1)
    return by_weight if needs[1] else None, by_bias if needs[2] else None


# ---------------------------------------------------------------------- rms_norm


def rms_norm(x, weight, eps, out):
    """Write x / √(mean(x²) + eps) · weight into out, row by row; return the factors 1 / √(mean(x²) + eps)."""
    rows, width = x.shape
    factor = np.empty(rows, x.dtype)

    def work(r):
        o, f = out[r], factor[r]
        reciprocal_root(np.vecdot(x[r], x[r]) / max(1, width), eps, f)
        np.multiply(x[r], f[:, None], out=o)
        if weight is not None:
            o *= weight

    with long_rows(width):
        in_parallel(work, row_blocks(rows, width))
    return factor


def rms_norm_back(g, x, weight, factor, gradient, needs):
    """Write the gradient by x into `gradient`, unless it is None; return that by weight, if it is needed.

    With f the factor and h = g · weight, that by x is f · (h - x · f² · average(h · x)).
    """
    rows, width = x.shape
    parts = row_blocks(rows, width)
    sums = np.zeros((len(parts), width), x.dtype)
    average = averaging(width, x.dtype, weight)

    def work(k):
        r = parts[k]
        gr, f = g[r], factor[r]
        (product,) = scratch(1, gr.shape, x.dtype, "norm")
        np.multiply(gr, x[r], out=product)
        if needs[1]:
            np.matmul(f, product, out=sums[k])
        if gradient is not None:
            slope = product @ average
            slope *= f
            slope *= f
            np.multiply(x[r], slope[:, None], out=product)
            h = gradient[r]
            if weight is None:
                np.subtract(gr, product, out=h)
            else:
                np.multiply(gr, weight, out=h)
                h -= product
            h *= f[:, None]

    with long_rows(width):
        in_parallel(work, range(len(parts)))
    return sums.sum(0) if needs[1] else None
