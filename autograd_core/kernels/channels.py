"""Normalisation of channels, by batch and by group, in blocks shared among threads.

Batch normalisation takes x as (N, C, S): a block is some channels of all examples, so that all about them is known in one
go. Group normalisation takes it as (rows, D, S), a row for each group of each example. Both compute in float32 or float64.
"""

from __future__ import annotations

import numpy as np

from .broadcast import long_rows
from .norm import reciprocal_root, row_blocks
from .scratch import scratch
from .threads import in_parallel

LONG = 64  # elements from which a scalar product for each row is quicker than products and sums of columns


def channel_sums(x):
    """The sums of x (N, C, S) by channel."""
    n, channels, size = x.shape
    return (np.ones(n, x.dtype) @ x.reshape(n, channels * size)).reshape(channels, size).sum(1)


def channel_products(a, b):
    """The sums of a · b by channel."""
    return np.vecdot(a, b).sum(0) if a.shape[2] >= LONG else channel_sums(a * b)


def along(values):
    """A value for each channel, to go with (N, C, S)."""
    return values[:, None]


def by_channels(work, shape):
    """Call work(slice of channels) for all channels of an array of this shape."""
    n, channels, size = shape
    with long_rows(size):
        in_parallel(work, row_blocks(channels, n * size))


# ---------------------------------------------------------------------- batch_norm


def batch_norm(x, weight, bias, eps, out):
    """Write (x - mean) / √(variance + eps) · weight + bias into out, by channel.

    Returns means, variances and factors 1 / √(variance + eps).
    """
    count = max(1, x.shape[0] * x.shape[2])
    mean, variance, factor = np.empty((3, x.shape[1]), x.dtype)

    def work(c):
        o = out[:, c]
        np.divide(channel_sums(x[:, c]), count, out=mean[c])
        np.subtract(x[:, c], along(mean[c]), out=o)
        np.divide(channel_products(o, o), count, out=variance[c])
        reciprocal_root(variance[c].copy(), eps, factor[c])
        o *= along(factor[c] if weight is None else factor[c] * weight[c])
        if bias is not None:
            o += along(bias[c])

    by_channels(work, x.shape)
    return mean, variance, factor


def batch_norm_back(g, x, weight, mean, factor, gradient):
    """Write the gradient by x into `gradient`, unless it is None; return those by weight and bias.

    With c = x - mean, f the factor and h = g · weight, that by x is f · (h - average(h) - c · f² · average(h · c)).
    """
    count = max(1, x.shape[0] * x.shape[2])
    by_weight, by_bias = np.zeros((2, x.shape[1]), x.dtype)

    def work(c):
        f = factor[c]
        (centred,) = scratch(1, (x.shape[0], len(f), x.shape[2]), x.dtype, "norm")
        np.subtract(x[:, c], along(mean[c]), out=centred)
        by_bias[c] = channel_sums(g[:, c])
        by_weight[c] = channel_products(g[:, c], centred) * f
        if gradient is None:
            return
        d = gradient[:, c]
        scale = f if weight is None else f * weight[c]
        centred *= along(scale * f * by_weight[c] / -count)
        np.multiply(g[:, c], along(scale), out=d)
        d += centred
        d -= along(scale * by_bias[c] / count)

    by_channels(work, x.shape)
    return by_weight, by_bias


# ---------------------------------------------------------------------- scale and shift


def scale_shift(x, scale, shift, out):
    """Write x · scale + shift into out, by channel."""

    def work(c):
        np.multiply(x[:, c], along(scale[c]), out=out[:, c])
        out[:, c] += along(shift[c])

    by_channels(work, x.shape)


def scale_shift_back(g, x, scale, gradient, needs):
    """Write the gradient by x into `gradient`, unless it is None; return those by scale and shift, if they are needed."""
    by_scale, by_shift = np.zeros((2, x.shape[1]), x.dtype)

    def work(c):
        if needs[1]:
            by_scale[c] = channel_products(g[:, c], x[:, c])
        if needs[2]:
            by_shift[c] = channel_sums(g[:, c])
        if gradient is not None:
            np.multiply(g[:, c], along(scale[c]), out=gradient[:, c])

    by_channels(work, x.shape)
    return by_scale if needs[1] else None, by_shift if needs[2] else None


# ---------------------------------------------------------------------- group_norm


def last_sums(x):
    """The sums of x (rows, D, S) over its last dimension."""
    rows, depth, size = x.shape
    return (x.reshape(rows * depth, size) @ np.ones(size, x.dtype)).reshape(rows, depth)


def last_products(a, b):
    """The sums of a · b over their last dimension."""
    return np.vecdot(a, b) if a.shape[2] >= LONG else last_sums(a * b)


def by_rows(work, shape):
    """Call work(slice of rows) for all rows of an array of this shape."""
    rows, depth, size = shape
    with long_rows(size):
        in_parallel(work, row_blocks(rows, depth * size))


def group_norm(x, weight, bias, eps, out):
    """Write (x - mean) / √(variance + eps) · weight + bias into out, by row of x (rows, D, S), weight and bias (rows, D).

    Returns means, variances and factors 1 / √(variance + eps).
    """
    count = max(1, x.shape[1] * x.shape[2])
    mean, variance, factor = np.empty((3, len(x)), x.dtype)
    average = np.full(x.shape[1] * x.shape[2], 1 / count, x.dtype)

    def work(r):
        o, f = out[r], factor[r]
        given, flat = x[r].reshape(len(f), len(average)), o.reshape(len(f), len(average))
        np.matmul(given, average, out=mean[r])
        np.subtract(given, mean[r, None], out=flat)
        np.divide(np.vecdot(flat, flat), count, out=variance[r])
        reciprocal_root(variance[r].copy(), eps, f)
        o *= f[:, None, None] if weight is None else (f[:, None] * weight[r])[:, :, None]
        if bias is not None:
            o += bias[r][:, :, None]

    by_rows(work, x.shape)
    return mean, variance, factor


def group_norm_back(g, x, weight, mean, factor, gradient):
    """Write the gradient by x into `gradient`, unless it is None; return those by weight and bias, for each row.

    The formula is that of batch_norm_back.
    """
    count = max(1, x.shape[1] * x.shape[2])
    by_weight, by_bias = np.zeros((2, *x.shape[:2]), x.dtype)

    def work(r):
        f = factor[r]
        (centred,) = scratch(1, (len(f), *x.shape[1:]), x.dtype, "norm")
        np.subtract(x[r], mean[r, None, None], out=centred)
        sums = by_bias[r] = last_sums(g[r])
        products = by_weight[r] = last_products(g[r], centred) * f[:, None]
        if gradient is None:
            return
        d = gradient[r]
        scale = np.broadcast_to(f[:, None], sums.shape) if weight is None else f[:, None] * weight[r]
        centred *= (np.vecdot(products, scale) * f / -count)[:, None, None]
        np.multiply(g[r], scale[:, :, None], out=d)
        d += centred
        d -= (np.vecdot(sums, scale) / count)[:, None, None]

    by_rows(work, x.shape)
    return by_weight, by_bias
