"""Losses element by element, with their slopes: one pass over blocks that stay in the cache, shared among threads where there are many."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .scratch import scratch
from .threads import in_parallel, pieces

Array = np.ndarray[Any, Any]

BLOCK = 1 << 18  # bytes of an array worked on at a time
SHARED = 1 << 19  # elements from which on threads pay


def losses(
    block: Callable[..., None], x: Array, target: Array, reduction: str, slopes: bool, factor: float = 1.0, room: int = 0
) -> tuple[Any, Array | None]:
    """The losses of two arrays of one shape, or their sum or mean, and its slope by x (None unless asked for).

    `block(x, target, loss, slope, *rooms)` writes the losses of a part, and their slopes but for a factor, with `room` arrays
    to work in.
    """
    n, dtype = x.size, np.dtype(np.float32) if x.dtype.char == "e" else x.dtype
    if x.dtype != dtype:
        x, target = x.astype(dtype), target.astype(dtype)
    if reduction == "mean":
        factor = factor / n if n else math.nan
    if x.nbytes <= BLOCK:
        out, slope = np.empty(x.shape, dtype), np.empty(x.shape, dtype)
        block(x, target, out, slope, *[np.empty(x.shape, dtype) for _ in range(room)])
        if slopes and factor != 1:
            slope *= factor
        total = 0.0 if reduction == "none" else np.add.reduce(out, axis=None)
    else:
        out, slope = np.empty(x.shape if reduction == "none" else 0, dtype), np.empty(x.shape if slopes else 0, dtype)
        total = in_blocks(block, x.reshape(-1), target.reshape(-1), out.reshape(-1), slope.reshape(-1), factor, room)
    if reduction == "none":
        return out, slope if slopes else None
    return dtype.type(total if reduction == "sum" else total / n if n else math.nan), slope if slopes else None


def in_blocks(block: Callable[..., None], x: Array, target: Array, out: Array, slope: Array, factor: float, room: int) -> float:
    """Write the losses and slopes into what is not empty of `out` and `slope`; return the sum of all losses."""
    parts = list(enumerate(pieces(x.size, BLOCK // x.itemsize)))
    totals = [0.0] * len(parts)

    def work(numbered: tuple[int, slice]) -> None:
        k, part = numbered
        spare = scratch(room + 2, (part.stop - part.start,), x.dtype, "losses")
        each, change = out[part] if out.size else spare[0], slope[part] if slope.size else spare[1]
        block(x[part], target[part], each, change, *spare[2:])
        if slope.size and factor != 1:
            change *= factor
        if not out.size:
            totals[k] = float(np.add.reduce(each))

    in_parallel(work, parts, x.size >= SHARED)
    return sum(totals)


def clip(x: Array, low: float, high: float, out: Array) -> None:
    """x within bounds: np.clip, which is quick on many elements, or two steps, which are quicker to begin."""
    if x.size > 1 << 13:
        np.clip(x, low, high, out=out)
    else:
        np.maximum(x, low, out=out)
        np.minimum(out, high, out=out)


def squares(x: Array, target: Array, loss: Array, slope: Array) -> None:
    """(x - target)²; the slope is half of it."""
    np.subtract(x, target, out=slope)
    np.multiply(slope, slope, out=loss)


def sizes(x: Array, target: Array, loss: Array, slope: Array, near: Array) -> None:
    """|x - target|."""
    limits = np.finfo(x.dtype)
    np.subtract(x, target, out=slope)
    np.abs(slope, out=loss)
    clip(loss, limits.smallest_subnormal, limits.max, near)
    slope /= near  # what np.sign takes many times as long for
    clip(slope, -1, 1, slope)


def huber(x: Array, target: Array, loss: Array, slope: Array, near: Array, *, delta: float) -> None:
    """d² / 2 where |d| ≤ delta, else delta · (|d| - delta / 2): with c = min(|d|, delta) both are c · (|d| - c / 2)."""
    np.subtract(x, target, out=slope)
    np.abs(slope, out=loss)
    clip(loss, 0, delta, near)
    near *= 0.5
    loss -= near
    near *= 2
    loss *= near
    clip(slope, -delta, delta, slope)


def smooth_l1(x: Array, target: Array, loss: Array, slope: Array, near: Array, *, beta: float) -> None:
    """Huber's loss divided by beta; the slope is beta times too large."""
    huber(x, target, loss, slope, near, delta=beta)
    loss *= 1 / beta


def logistic(x: Array, target: Array, loss: Array, slope: Array, power: Array, level: Array) -> None:
    """(1 - target) · x + log(1 + e⁻ˣ), whose derivative is sigmoid(x) - target; nothing overflows."""
    np.abs(x, out=power)
    np.negative(power, out=power)
    np.exp(power, out=power)
    clip(x, -np.inf, 0, slope)
    np.subtract(1, target, out=loss)
    loss *= x
    loss -= slope
    np.log1p(power, out=level)
    loss += level
    np.exp(slope, out=slope)
    power += 1
    slope /= power  # e^min(x, 0) / (1 + e^-|x|) is sigmoid(x)
    slope -= target
