"""Largest entries, sums and columns of windows: loops over the entries of a window, some planes of the arrays at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from math import prod

import numpy as np

from .threads import in_parallel, pieces
from .windows import Adaptive, Window, Windows, adaptive, counts, disjoint, entries, entries_along, flat_places, ndarray, spatial, tiled

BLOCK = 1 << 17  # elements: what is worked on at a time stays in the processor's cache
MANY = 1 << 17  # elements from which on threads pay
LARGE = 16  # entries of a window from which on it is searched by itself, not entry by entry for all windows


def by_planes(work: Callable[..., None], rank: int, *arrays: ndarray) -> None:
    """Call `work` on some planes (the last `rank` axes) of all arrays at a time. What it writes is contiguous."""
    planes = [a.reshape(prod(a.shape[: a.ndim - rank]), *a.shape[a.ndim - rank :]) for a in arrays]
    each = max([1, *[prod(p.shape[1:]) for p in planes]])
    parts = pieces(len(planes[0]), max(1, BLOCK // each))
    in_parallel(lambda part: work(*[p[part] for p in planes]), parts, len(planes[0]) * each >= MANY)


def pooled(x: ndarray, windows: Windows) -> tuple[int, ...]:
    """The shape of x with one entry for each window."""
    return (*x.shape[: x.ndim - len(windows)], *counts(windows))


# ---------------------------------------------------------------------- the largest


def largest(x: ndarray, windows: Windows) -> ndarray:
    """The largest entry of each window, axis by axis; NaN where it has one."""
    out = np.empty(pooled(x, windows), x.dtype)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min

    def work(part: ndarray, result: ndarray) -> None:
        for axis, window in enumerate(windows, -len(windows)):
            every, whole = entries_along(window, part.shape[axis], axis)
            shape = list(part.shape)
            shape[axis] = window.number
            top = result if axis == -1 else np.empty(shape, part.dtype)
            if whole > 1:
                np.maximum(part[every[0][1]], part[every[1][1]], out=top)
            else:
                top[...] = part[every[0][1]] if whole else lowest
            for having, places in every[min(whole, 2) :]:
                np.maximum(top[having], part[places], out=top[having])
            part = top

    by_planes(work, len(windows), x, out)
    return out


def largest_back(g: ndarray, x: ndarray, out: ndarray, windows: Windows) -> ndarray:
    """Zeros of x's shape with g added where the windows' largest entries, `out`, are in x."""
    if disjoint(windows) and g.dtype.itemsize in WHOLE and prod(w.size for w in windows) <= LARGE:
        whole = np.empty(x.shape, g.dtype) if tiled(windows, spatial(x, windows)) else np.zeros(x.shape, g.dtype)
        unknown = np.ones(out.shape, bool)
        by_planes(partial(to_first_equal, windows), len(windows), g, x, out, unknown, whole)
        if not unknown.any():  # but for NaN, which equals nothing
            return whole
    n = prod(spatial(x, windows))
    lead = prod(x.shape[: x.ndim - len(windows)])
    whole = np.zeros(lead * n, np.float32 if g.dtype.char == "e" else g.dtype)
    places = largest_places(x, out, windows).reshape(lead, prod(counts(windows)))
    places += np.arange(0, lead * n, max(1, n))[:, None]
    np.add.at(whole, places.reshape(-1), g.reshape(-1))
    return whole.reshape(x.shape).astype(g.dtype, copy=False)


WHOLE = {2: np.int16, 4: np.int32, 8: np.int64}


def to_first_equal(windows: Windows, g: ndarray, x: ndarray, out: ndarray, unknown: ndarray, whole: ndarray) -> None:
    """Copy g to the first entry of each window of x that equals `out`; windows that have none stay `unknown`.

    The bits of g are masked: a product with zeros would make NaN of infinities.
    """
    integer = WHOLE[g.dtype.itemsize]
    bits, into = g.view(integer), whole.view(integer)
    for _, having, places in entries(windows, spatial(x, windows)):
        here = x[places] == out[having]
        here &= unknown[having]
        unknown[having] ^= here
        np.negative(here.view(np.int8), out=here.view(np.int8))
        np.bitwise_and(bits[having], here.view(np.int8).astype(integer), out=into[places])


def largest_places(x: ndarray, out: ndarray, windows: Windows) -> ndarray:
    """Where the windows' largest entries, `out`, are in the axes laid flat: the first of them, of NaN the last."""
    sizes = spatial(x, windows)
    found = np.empty(out.shape, np.int64)
    if not out.size:
        return found
    if adaptive(windows) or (disjoint(windows) and tiled(windows, sizes) and prod(w.size for w in windows) > LARGE):
        by_planes(partial(one_by_one, windows), len(windows), x, found)
        return found
    starts, offsets = flat_places(windows, sizes)
    every = entries(windows, sizes)
    small = np.int8 if len(every) < 128 else np.int32

    def work(x: ndarray, out: ndarray, found: ndarray) -> None:
        number: ndarray = np.zeros(out.shape, small)  # of the entries left from the one that was found on
        for k, (_, having, places) in enumerate(every):
            here = (x[places] == out[having]).view(np.int8)
            np.maximum(number[having], here * small(len(every) - k), out=number[having])
        np.take(offsets, len(every) - number, out=found, mode="clip")
        found += starts
        if x.dtype.kind == "f" and np.isnan(out).any():
            numbers = np.arange(prod(sizes)).reshape(sizes)
            for _, having, places in every:
                np.copyto(found[having], numbers[places], where=np.isnan(x[places]))

    by_planes(work, len(windows), x, out, found)
    return found


def one_by_one(windows: Windows, x: ndarray, found: ndarray) -> None:
    """The same, with each window's entries beside each other."""
    sizes = spatial(x, windows)
    apart = tiles(x, windows)
    number = apart.argmax(-1)
    if x.dtype.kind == "f":
        nan = np.isnan(apart)
        if nan.any():
            number = np.where(nan.any(-1), apart.shape[-1] - 1 - nan[..., ::-1].argmax(-1), number)
    places = tiles(np.arange(prod(sizes)).reshape(1, *sizes), windows)
    found[...] = np.take_along_axis(np.broadcast_to(places, apart.shape), number[..., None], -1)[..., 0]


def tiles(x: ndarray, windows: Windows) -> ndarray:
    """The entries of windows that tile the last axes, or adapt to them, as one axis behind those of the windows."""
    lead = x.ndim - len(windows)
    for axis, window in enumerate(windows, lead):
        if isinstance(window, Adaptive):
            x = x.take(window.places(x.shape[axis]).reshape(-1), axis)
    sizes = [n // max(1, w.number) for w, n in zip(windows, spatial(x, windows))]
    apart = x.reshape(*x.shape[:lead], *[n for w, size in zip(windows, sizes) for n in (w.number, size)])
    order = (*range(lead), *range(lead, apart.ndim, 2), *range(lead + 1, apart.ndim, 2))
    return apart.transpose(order).reshape(*x.shape[:lead], *counts(windows), prod(sizes))


# ---------------------------------------------------------------------- sums


def sums(x: ndarray, windows: Windows) -> ndarray:
    """The sum of each window, axis by axis. float16 is added up in float32, integers in int64."""
    dtype = np.dtype(np.float32) if x.dtype.char == "e" else x.dtype
    if dtype.kind in "iu" and dtype != np.uint64:
        dtype = np.dtype(np.int64)
    out = np.empty(pooled(x, windows), dtype)

    def work(part: ndarray, result: ndarray) -> None:
        for axis, window in enumerate(windows, -len(windows)):
            every, whole = entries_along(window, part.shape[axis], axis)
            shape = list(part.shape)
            shape[axis] = window.number
            total = result if axis == -1 else np.empty(shape, dtype)
            if whole > 1:
                np.add(part[every[0][1]], part[every[1][1]], out=total, dtype=dtype)
            else:
                total[...] = part[every[0][1]] if whole else 0
            for having, places in every[min(whole, 2) :]:
                total[having] += part[places]
            part = total

    by_planes(work, len(windows), x, out)
    return out


def sums_back(g: ndarray, windows: tuple[Window, ...], sizes: tuple[int, ...]) -> ndarray:
    """The reverse: zeros whose last axes have these lengths, with g added to all entries of its window."""
    rank = len(windows)
    out = np.empty((*g.shape[: g.ndim - rank], *sizes), g.dtype)

    def work(part: ndarray, result: ndarray) -> None:
        for axis in range(-1, -rank - 1, -1):
            every, _ = entries_along(windows[axis], sizes[axis], axis)
            apart = windows[axis].step >= windows[axis].reach
            shape = list(part.shape)
            shape[axis] = sizes[axis]
            whole = result if axis == -rank else np.empty(shape, part.dtype)
            whole[...] = 0
            for having, places in every:
                if apart:
                    whole[places] = part[having]
                else:
                    whole[places] += part[having]
            part = whole

    by_planes(work, rank, g, out)
    return out


@lru_cache(64)
def numbers(windows: tuple[Window, ...], sizes: tuple[int, ...], padded: bool) -> ndarray:
    """How many entries each window has, with those on the padding or without."""
    count = np.ones((), np.int64)
    for k, (window, n) in enumerate(zip(windows, sizes)):
        count = count[..., None] * window.lengths(n, padded) if k else window.lengths(n, padded)
    return count


# ---------------------------------------------------------------------- columns


def columns(x: ndarray, windows: tuple[Window, ...]) -> ndarray:
    """The windows' entries: their axes in the place of x's last ones, then those of the windows; zeros on the padding."""
    rank = len(windows)
    out = np.zeros((*x.shape[: x.ndim - rank], *[w.size for w in windows], *counts(windows)), x.dtype)
    for which, having, places in entries(windows, spatial(x, windows)):
        out[(..., *which, *having[1:])] = x[places]
    return out


def columns_back(x: ndarray, windows: tuple[Window, ...], sizes: tuple[int, ...]) -> ndarray:
    """The reverse: the windows' entries added where they are in zeros whose last axes have these lengths."""
    rank = len(windows)
    whole = np.zeros((*x.shape[: x.ndim - 2 * rank], *sizes), np.float32 if x.dtype.char == "e" else x.dtype)
    for which, having, places in entries(windows, sizes):
        whole[places] += x[(..., *which, *having[1:])]
    return whole.astype(x.dtype, copy=False)
