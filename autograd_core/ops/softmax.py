"""The softmax family."""

from __future__ import annotations

import numpy as np

from ..kernels import rows
from ..primitive import fused, primitive
from .elementwise import exp
from .reduce import sum, wide


@primitive(lambda g, out, axis: softmax_back(g, out, axis=axis), promotes="float")
def softmax(x, *, axis):
    """eˣ / Σ eˣ, without overflow."""
    if in_rows(x, axis):
        return by_rows(rows.softmax, x)
    out = np.subtract(x, np.amax(x, axis=axis, keepdims=True, initial=-np.inf), order="C")
    np.exp(out, out=out)
    out /= wide(out).sum(axis, keepdims=True)
    return out


@primitive(lambda g, out, axis: log_softmax_back(g, out, axis=axis), promotes="float")
def log_softmax(x, *, axis):
    """x - log Σ eˣ, without overflow."""
    if in_rows(x, axis):
        return by_rows(rows.log_softmax, x)
    out = np.subtract(x, np.amax(x, axis=axis, keepdims=True, initial=-np.inf), order="C")
    if out.size:
        out -= np.log(wide(np.exp(out)).sum(axis, keepdims=True))
    return out


def in_rows(x, axis):
    """Whether the axis is the last one of real numbers: then it goes row by row, in blocks."""
    return axis in (-1, x.ndim - 1) and x.dtype.char in "efd" and x.size > 0


def by_rows(kernel, *arrays):
    """What a kernel makes of the arrays' last axes, in float32 if they are float16."""
    x = arrays[-1]
    out = np.empty(x.shape, np.float32 if x.dtype.char == "e" else x.dtype)
    kernel(*[wide(a).reshape(-1, x.shape[-1]) for a in arrays], out.reshape(-1, x.shape[-1]))
    return out.astype(x.dtype, copy=False)


# ---------------------------------------------------------------------- their gradients: one pass over blocks that stay in the cache


def softmax_slope(a, p, *, axis):
    return p * (a - sum(a * p, axis=axis, keepdims=True))


def softmax_slope_back(g, a, p, axis):
    by_p = g * (a - sum(a * p, axis=axis, keepdims=True)) - a * sum(g * p, axis=axis, keepdims=True)
    return softmax_back(g, p, axis=axis), by_p


@fused(
    softmax_slope_back,
    reference=softmax_slope,
    rules=(
        lambda g, p, axis: softmax_slope(g, p, axis=axis),
        lambda g, a, p, axis: g * (a - sum(a * p, axis=axis, keepdims=True)) - a * sum(g * p, axis=axis, keepdims=True),
    ),
)
def softmax_back(a, p, *, axis):
    """p · (a - Σ a · p): the gradient of softmax, whose result is p, where its result's is a."""
    if in_rows(p, axis):
        part = by_rows(rows.softmax_back, a, p)
    else:
        part = a * p
        part -= p * wide(part).sum(axis, keepdims=True).astype(part.dtype, copy=False)
    return part, (a, p, axis)


def log_softmax_slope(a, logs, *, axis):
    return a - exp(logs) * sum(a, axis=axis, keepdims=True)


def log_softmax_slope_back(g, a, logs, axis):
    product = g * exp(logs)
    return g - sum(product, axis=axis, keepdims=True), -product * sum(a, axis=axis, keepdims=True)


@fused(
    log_softmax_slope_back,
    reference=log_softmax_slope,
    rules=(
        lambda g, logs, axis: g - sum(g * exp(logs), axis=axis, keepdims=True),
        lambda g, a, logs, axis: -g * exp(logs) * sum(a, axis=axis, keepdims=True),
    ),
)
def log_softmax_back(a, logs, *, axis):
    """a - e^logs · Σ a: the gradient of log_softmax, whose result is logs, where its result's is a."""
    if in_rows(logs, axis):
        part = by_rows(rows.log_softmax_back, a, logs)
    else:
        part = np.exp(logs)
        part *= wide(a).sum(axis, keepdims=True)
        part = np.subtract(a, part, out=part)
    return part, (a, logs, axis)
