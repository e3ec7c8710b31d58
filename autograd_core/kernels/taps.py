"""Linear maps along axes, given by taps: for each entry of the result which entries it takes, and with what weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .pool import by_planes

ndarray: TypeAlias = "np.ndarray[Any, Any]"


FEW = 32  # entries of the last axis for each tap up to which a product of matrices is quicker than picking them out


class Axis(NamedTuple):
    """An axis of n entries brought to `size`: `mode` "nearest", "nearest-exact", "linear", "cubic" or "area".

    `scale`: how many entries of the result there are to one, where that is not size / n. `align`: the first and last entries of
    both lie on each other (else their outer edges). `antialias`: when shrinking, as wide filters as it takes ("linear", "cubic",
    "lanczos").
    """

    mode: str
    n: int
    size: int
    scale: float | None = None
    align: bool = False
    antialias: bool = False


class Tap(NamedTuple):
    """Some entries of the result each take one entry with a weight."""

    into: Any  # which ones: a slice where they are side by side, else their numbers
    source: ndarray
    weight: ndarray | None  # None: all 1


def resampled(x: ndarray, axes: tuple[Axis, ...], transposed: bool) -> ndarray:
    """x with each of its last axes mapped, or with `transposed` by the transposed map. float16 is reckoned in float32."""
    sizes = tuple(a.n if transposed else a.size for a in axes)
    given = x.astype(np.float32) if x.dtype.char == "e" else x
    out = np.empty((*x.shape[: x.ndim - len(axes)], *sizes), given.dtype)
    growth = [a.n / max(1, a.size) if transposed else a.size / a.n for a in axes]
    order = sorted(range(-len(axes), 0), key=lambda k: growth[k])  # what makes it smaller comes first

    def work(part: ndarray, result: ndarray) -> None:
        for axis in order:
            shape = list(part.shape)
            shape[axis] = sizes[axis]
            total = result if axis == order[-1] else np.empty(shape, result.dtype)
            if axis < -1 or not multiplied(part, axes[axis], transposed, total):
                add_taps(part, taps(axes[axis], transposed), axis, total)
            part = total

    by_planes(work, len(axes), given, out)
    return out.astype(x.dtype, copy=False)


def multiplied(x: ndarray, axis: Axis, transposed: bool, out: ndarray) -> bool:
    """Write x with its last axis mapped, as a product of matrices, where that is quicker.

    False where it is not, and where 0 · ∞ or 0 · NaN may have got into it.
    """
    chosen, n = taps(axis, transposed), x.shape[-1]
    if x.dtype.kind != "f" or not any(tap.weight is not None for tap in chosen) or n > FEW * len(chosen):
        return False
    rows = prod(x.shape[:-1])
    with np.errstate(invalid="ignore", over="ignore"):
        np.matmul(x.reshape(rows, n), dense(axis, transposed, x.dtype), out=out.reshape(rows, out.shape[-1]))
    return bool(np.isfinite(out).all())


def add_taps(x: ndarray, chosen: list[Tap], axis: int, out: ndarray) -> None:
    """Write the sum of the taps along one axis, counted from the end."""
    after = -1 - axis
    direct = bool(chosen) and len(chosen[0].source) == out.shape[axis]
    if not direct:
        out[...] = 0
    for k, (into, source, weight) in enumerate(chosen):
        written = direct and k == 0
        part = np.take(x, source, axis, out=out, mode="clip") if written else x.take(source, axis)
        if weight is not None:
            part *= weight.astype(out.dtype).reshape(-1, *(1,) * after)
        if not written:
            out[(..., into, *(slice(None),) * after)] += part


@lru_cache(256)
def taps(axis: Axis, transposed: bool) -> list[Tap]:
    """The map of an axis."""
    rows, columns, weights = FILTERS[axis.mode](axis) if axis.size and axis.n else (np.zeros(0, np.int64),) * 3
    if transposed:
        rows, columns = columns, rows
    order = np.argsort(rows, kind="stable")
    rows, columns, weights = rows[order], columns[order], weights[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)  # the number of each among the taps of its row
    found = []
    for k in range(int(rank.max(initial=-1)) + 1):
        here = rank == k
        into = rows[here]
        first, last = int(into[0]), int(into[-1])
        beside = last - first + 1 == len(into)
        found.append(Tap(slice(first, last + 1) if beside else into, columns[here], None if (weights[here] == 1).all() else weights[here]))
    return found


@lru_cache(64)
def dense(axis: Axis, transposed: bool, dtype: Any) -> ndarray:
    """The map of an axis as a matrix for what comes from the left."""
    source, into = (axis.size, axis.n) if transposed else (axis.n, axis.size)
    matrix = np.zeros((source, into), dtype)
    for tap in taps(axis, transposed):
        np.add.at(matrix, (tap.source, np.arange(into)[tap.into]), 1 if tap.weight is None else tap.weight)
    return matrix


Entries: TypeAlias = tuple[ndarray, ndarray, ndarray]  # of a sparse matrix: rows, columns, values


def step(axis: Axis) -> float:
    """How far apart in x neighbours of the result are."""
    if axis.align:
        return (axis.n - 1) / (axis.size - 1) if axis.size > 1 else 0.0
    return axis.n / axis.size if axis.scale is None else 1 / axis.scale


def positions(axis: Axis) -> ndarray:
    """Where in x the entries of the result are."""
    places = np.arange(axis.size)
    return places * step(axis) if axis.align else (places + 0.5) * step(axis) - 0.5


def nearest(axis: Axis) -> Entries:
    """The entry in which each position lies, reckoned in float32, as PyTorch does, from the edges or ("exact") from the centres on."""
    numbers = np.arange(axis.size)
    apart = np.float32(axis.n) / np.float32(axis.size) if axis.scale is None else np.float32(1 / axis.scale)
    centre = 0.5 if axis.mode == "nearest-exact" else 0.0
    places = np.floor(((numbers + centre) * np.float64(apart)).astype(np.float32))
    return numbers, np.minimum(places.astype(np.int64), axis.n - 1), np.ones(axis.size)


def linear(axis: Axis) -> Entries:
    if axis.antialias:
        return antialiased(axis, lambda t: np.maximum(1 - np.abs(t), 0), 1)
    at = np.arange(axis.size, dtype=float) if axis.size == axis.n else positions(axis).clip(0)
    first = np.minimum(at.astype(np.int64), axis.n - 1)
    part = np.clip(at - first, 0, 1)
    return gathered([first, np.minimum(first + 1, axis.n - 1)], [1 - part, part])


def cubic(axis: Axis) -> Entries:
    """Keys' cubic convolution with a = -0.75, or -0.5 with antialiasing. Source: doi:10.1109/TASSP.1981.1163711."""
    if axis.antialias:
        return antialiased(axis, lambda t: keys(t, -0.5), 2)
    at = positions(axis)
    first = np.floor(at).astype(np.int64)
    offsets = range(-1, 3)
    return gathered([(first + k).clip(0, axis.n - 1) for k in offsets], [keys(at - first - k, -0.75) for k in offsets])


def keys(t: Any, a: float) -> Any:
    """Keys' kernel of two polynomials."""
    t = np.abs(t)
    near, far = ((a + 2) * t - (a + 3)) * t * t + 1, ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def lanczos(axis: Axis) -> Entries:
    """A sine cardinal windowed by its own middle, three zeros wide."""
    return antialiased(axis, lambda t: np.where(np.abs(t) < 3, np.sinc(t) * np.sinc(t / 3), 0), 3)


def area(axis: Axis) -> Entries:
    """The mean of the windows that divide the axis."""
    numbers = np.arange(axis.size)
    starts, stops = numbers * axis.n // axis.size, -(-(numbers + 1) * axis.n // axis.size)
    lengths = stops - starts
    rows = np.repeat(numbers, lengths)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths - starts, lengths), np.repeat(1 / lengths, lengths)


def antialiased(axis: Axis, kernel: Callable[[ndarray], ndarray], support: float) -> Entries:
    """A kernel stretched to the distance of the result's entries where that is above 1, its weights normalised."""
    apart = step(axis)
    stretch = max(apart, 1.0)
    centres = (np.arange(axis.size) + 0.5) * apart
    first = np.maximum((centres - support * stretch + 0.5).astype(np.int64), 0)
    stop = np.minimum((centres + support * stretch + 0.5).astype(np.int64), axis.n)
    places = np.arange(axis.n)
    inside = (places >= first[:, None]) & (places < stop[:, None])
    weights = np.where(inside, kernel((places - centres[:, None] + 0.5) / stretch), 0)
    weights /= weights.sum(1, keepdims=True)
    rows, columns = np.nonzero(weights)
    return rows, columns, weights[rows, columns]


def gathered(columns: list[ndarray], weights: list[ndarray]) -> Entries:
    """Taps side by side, those on the same entry as one. What weighs nothing stays: 0 · ∞ is not a number, as in PyTorch."""
    size = len(columns[0])
    every = np.stack(columns, 1).reshape(-1) + np.repeat(np.arange(size), len(columns)) * (1 << 40)
    places, inverse = np.unique(every, return_inverse=True)
    values = np.bincount(inverse, np.stack(weights, 1).reshape(-1))
    return places >> 40, places & ((1 << 40) - 1), values


FILTERS: dict[str, Callable[[Axis], Entries]] = {
    "nearest": nearest,
    "nearest-exact": nearest,
    "linear": linear,
    "cubic": cubic,
    "lanczos": lanczos,
    "area": area,
}
