"""The softmax of rows and what is made of it, in blocks that stay in the cache, shared among threads where there are many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .scratch import scratch
from .threads import in_parallel, pieces

Array = np.ndarray[Any, Any]

BLOCK = 1 << 18  # bytes of an array worked on at a time
SHARED = 1 << 19  # elements from which on threads pay
LARGE = 1e18  # what divided by SMALL is still finite in float32, as SMALL divided by it is not zero
SMALL = 1e-18


def blocks(work: Callable[[slice], None], x: Array) -> None:
    """Call work(slice) for slices of x's rows that cover them all."""
    parts = pieces(len(x), BLOCK // (x.itemsize * max(1, x.shape[1]))) if x.nbytes > BLOCK else [slice(0, len(x))]
    in_parallel(work, parts, x.size >= SHARED)


def exponentials(x: Array, out: Array) -> tuple[Array, Array | None]:
    """Write into `out` what is proportional to each row's softmax; return the rows' sums, and what was subtracted before.

    Nothing is, where that would not change what comes out: no sum overflows, and what underflows does so after division, too.
    """
    np.exp(x, out=out)
    total = np.dot(out, np.ones(x.shape[1], out.dtype))
    if total.size and np.minimum.reduce(total) >= 1 and np.maximum.reduce(total) < LARGE:
        return total, None
    return shifted(x, out)


def shifted(x: Array, out: Array) -> tuple[Array, Array]:
    """The same, each row's largest entry subtracted."""
    top = np.maximum.reduce(x, axis=1, keepdims=True, initial=-np.inf)
    np.subtract(x, top, out=out)
    np.exp(out, out=out)
    return np.dot(out, np.ones(x.shape[1], out.dtype)), top


# ---------------------------------------------------------------------- softmax


def softmax(x: Array, whole: Array) -> None:
    """Into `whole`: eˣ / Σ eˣ of each row of x (N, C)."""

    def work(part: slice) -> None:
        out = whole[part]
        total, _ = exponentials(x[part], out)
        np.multiply(out, (1 / total)[:, None], out=out)

    with np.errstate(over="ignore", invalid="ignore"):  # a row of infinities has no softmax: it is NaN
        blocks(work, x)


def softmax_back(g: Array, out: Array, whole: Array) -> None:
    """Into `whole`: out · (g - Σ g · out), row by row."""

    def work(part: slice) -> None:
        p, q = whole[part], out[part]
        np.subtract(g[part], np.vecdot(g[part], q)[:, None], out=p)
        p *= q

    blocks(work, out)


def log_softmax(x: Array, whole: Array) -> None:
    """Into `whole`: x - log Σ eˣ of each row of x (N, C)."""

    def work(part: slice) -> None:
        given, out = x[part], whole[part]
        total, top = exponentials(given, out)
        if top is None and np.minimum.reduce(out, axis=None) < SMALL:
            total, top = shifted(given, out)
        if top is None:
            np.multiply(out, (1 / total)[:, None], out=out)
            np.log(out, out=out)
        else:
            np.subtract(given, top, out=out)
            out -= np.log(total)[:, None]

    with np.errstate(over="ignore", invalid="ignore"):  # a row of infinities has no softmax: it is NaN
        blocks(work, x)


def log_softmax_back(g: Array, out: Array, whole: Array) -> None:
    """Into `whole`: g - e^out · Σ g, row by row."""

    def work(part: slice) -> None:
        p = whole[part]
        np.exp(out[part], out=p)
        p *= np.dot(g[part], np.ones(p.shape[1], p.dtype))[:, None]
        np.subtract(g[part], p, out=p)

    blocks(work, out)


# ---------------------------------------------------------------------- cross entropy


def cross_entropy(x: Array, target: Array, weights: Array, smoothing: float, slopes: bool) -> tuple[Array, Array | None]:
    """The losses of rows of scores against class indices, weighted, and (if `slopes`) their gradients.

    weights has one entry for each row, or one for all. Source of the smoothing: arXiv:1512.00567.
    """
    n, classes = x.shape
    dtype = x.dtype
    losses = np.empty(n, dtype)
    gradient = np.empty((n, classes), dtype) if slopes else None
    certain, share = 1 - smoothing, smoothing / classes if smoothing else 0.0
    one_weight = weights.shape[0] == 1

    def work(part: slice) -> None:
        given = x[part]
        p = gradient[part] if gradient is not None else scratch(1, given.shape, dtype, "rows")[0]
        place = np.arange(0, p.size, classes)
        place += target[part]
        flat = p.reshape(-1)
        weight = weights if one_weight else weights[part]
        total, top = exponentials(given, p)
        chosen = flat.take(place)
        if top is None and np.minimum.reduce(chosen) < SMALL:
            total, top = shifted(given, p)
        loss = losses[part]
        if top is None:
            np.divide(total, chosen, out=loss)
            np.log(loss, out=loss)
        else:
            np.subtract(np.log(total), np.take_along_axis(given, target[part][:, None], 1)[:, 0] - top[:, 0], out=loss)
        if smoothing:
            levels = np.log(total) * classes - np.dot(given if top is None else given - top, np.ones(classes, dtype))
            loss *= certain
            loss += share * levels
        loss *= weight
        if gradient is not None:
            np.multiply(p, (weight / total)[:, None], out=p)
            if smoothing:
                p -= (share * weight)[:, None]
            flat[place] -= certain * weight

    with np.errstate(over="ignore", invalid="ignore"):  # a row of infinities has no softmax: it is NaN
        blocks(work, x)
    return losses, gradient


def soft_cross_entropy(x: Array, target: Array, weight: float, slopes: bool, logarithms: bool) -> tuple[Array, Array | None, Array | None]:
    """-Σ target · log softmax(x) of rows, weighted; if asked for their gradients by x, and the log-probabilities."""
    n, classes = x.shape
    losses = np.empty(n, x.dtype)
    gradient = np.empty(x.shape, x.dtype) if slopes else None
    logs = np.empty(x.shape, x.dtype) if logarithms else None
    ones = np.ones(classes, x.dtype)

    def work(part: slice) -> None:
        given, wanted, loss = x[part], target[part], losses[part]
        spare = scratch(2, given.shape, x.dtype, "rows")
        p, q = spare[0] if gradient is None else gradient[part], spare[1] if logs is None else logs[part]
        total, top = exponentials(given, p)
        if top is None and np.minimum.reduce(p, axis=None) < SMALL:
            total, top = shifted(given, p)
        p *= (1 / total)[:, None]
        if top is None:
            np.log(p, out=q)
        else:
            np.subtract(given, top, out=q)
            q -= np.log(total)[:, None]
        np.multiply(np.vecdot(wanted, q), -weight, out=loss)
        if gradient is not None:
            p *= np.dot(wanted, ones)[:, None]
            p -= wanted
            p *= weight

    with np.errstate(over="ignore", invalid="ignore"):  # a row of infinities has no softmax: it is NaN
        blocks(work, x)
    return losses, gradient, logs
