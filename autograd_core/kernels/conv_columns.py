"""The columns of an array: for each position of a kernel's result what each of the kernel's elements sees there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .scratch import scratch

Array = np.ndarray[Any, Any]
Sizes: TypeAlias = tuple[int, ...]
Places: TypeAlias = Sequence[Sizes]  # how far in each dimension what a kernel's element sees is from where the kernel stands

MANY = 16  # places: with fewer, a call for each costs little
LITTLE = 1 << 12  # elements of a place: with more, a call for each costs little


def fill(columns: Array, x: Array, offsets: Sequence[Sizes], start: int, step: Sizes) -> None:
    """Write into columns (n, C, places, *box) what of contiguous x (n, C, *size) lies at each place, from row `start` on; zero outside.

    The places are all combinations of the `offsets`, which are equally far apart in each dimension.
    """
    places = list(product(*offsets))
    if len(places) > MANY and columns[:, :, 0].size < LITTLE and prod(lengths(offsets, columns, step)) < prod(columns.shape[2:]):
        fill_at_once(columns, x, offsets, start, step)
    elif len(places) > prod(step) > 1:
        fill_by_rests(columns, x, places, start, step)
    elif prod(step) == 1 < len(step) and columns.shape[4:] == x.shape[3:] and columns[:1, :1, 0].flags.c_contiguous:
        fill_in_runs(columns, x, places, start)
    else:
        fill_one_by_one(columns, x, places, start, step)


def lengths(offsets: Sequence[Sizes], columns: Array, step: Sizes) -> list[int]:
    """How much of x the columns see, from the first element to the last."""
    return [max(seen) - min(seen) + (n - 1) * s + 1 for seen, n, s in zip(offsets, columns.shape[3:], step, strict=True)]


def fill_at_once(columns: Array, x: Array, offsets: Sequence[Sizes], start: int, step: Sizes) -> None:
    """`fill` in one copy from a view of x with zeros around it, for places of so few elements that a call for each costs more."""
    box = columns.shape[3:]
    lows = [min(seen) + at for seen, at in zip(offsets, (start * step[0], 0, 0), strict=False)]
    around = lengths(offsets, columns, step)
    (padded,) = scratch(1, (*x.shape[:2], *around), x.dtype, "convolution: padded")
    target, source = padded, x
    for axis, (low, length) in enumerate(zip(lows, around, strict=True), 2):
        first, last = within(low, 1, x.shape[axis], length)
        clear_outside(target, axis, first, last)
        here = (slice(None),) * axis
        target, source = target[(*here, slice(first, last))], source[(*here, slice(first + low, last + low))]
    np.copyto(target, source)
    strides = padded.strides[2:]
    apart = [(seen[-1] - seen[0]) // max(1, len(seen) - 1) * stride for seen, stride in zip(offsets, strides, strict=True)]
    moved = [s * stride for s, stride in zip(step, strides, strict=True)]
    begin: Any = (..., *[slice(seen[0] - min(seen), None) for seen in offsets])
    shape = (*x.shape[:2], *map(len, offsets), *box)
    np.copyto(columns.reshape(shape), as_strided(padded[begin], shape, (*padded.strides[:2], *apart, *moved)))


def fill_one_by_one(columns: Array, x: Array, places: Places, start: int, step: Sizes) -> None:
    """`fill` in any case."""
    for k, place in enumerate(places):
        target, source = columns[:, :, k], x
        for axis, (offset, s) in enumerate(zip(place, step, strict=True), 2):
            if axis == 2:
                offset += start * s
            low, high = within(offset, s, x.shape[axis], target.shape[axis])
            clear_outside(target, axis, low, high)
            here = (slice(None),) * axis
            target = target[(*here, slice(low, high))]
            at = low * s + offset
            source = source[(*here, slice(at, at + s * (high - low - 1) + 1, s) if high > low else slice(0, 0))]
        np.copyto(target, source)


def fill_by_rests(columns: Array, x: Array, places: Places, start: int, step: Sizes) -> None:
    """`fill` with a stride: places with the same rest modulo it see the same part of x, which is picked out once."""
    lowest, highest = min(place[0] for place in places), max(place[0] for place in places)
    rows = slice(max(0, start + lowest // step[0]), max(0, start + columns.shape[3] + highest // step[0]))  # in steps
    x, start = x[:, :, rows.start * step[0] : rows.stop * step[0]], start - rows.start
    with_rest: dict[Sizes, list[int]] = {}
    for k, place in enumerate(places):
        with_rest.setdefault(tuple(offset % s for offset, s in zip(place, step, strict=True)), []).append(k)
    for rests, those in with_rest.items():
        every: Any = (..., *[slice(rest, None, s) for rest, s in zip(rests, step, strict=True)])
        picked = x[every]
        (part,) = scratch(1, picked.shape, x.dtype, "convolution: part")
        np.copyto(part, picked)
        for k in those:
            place = tuple(offset // s for offset, s in zip(places[k], step, strict=True))
            fill(columns[:, :, k : k + 1], part, [(offset,) for offset in place], start, (1,) * len(step))


def fill_in_runs(columns: Array, x: Array, places: Places, start: int) -> None:
    """`fill` without a stride and for rows as long as those of x, which must be contiguous: a channel's rows are moved in one run.

    What the run brings from a neighbouring row is cleared afterwards.
    """
    n, channels, _, rows, *inner = columns.shape
    row = prod(inner)
    whole = x.shape[2] * row
    source = x.reshape(n, channels, whole)
    for k, place in enumerate(places):
        low, high = within(place[0] + start, 1, x.shape[2], rows)
        target = columns[:, :, k]
        clear_outside(target, 2, low, high)
        by = (place[0] + start) * row + sum(offset * prod(inner[j:]) for j, offset in enumerate(place[1:], 1))
        first, last = max(low * row, -by), min(high * row, whole - by)
        if last > first:
            np.copyto(target.reshape(n, channels, rows * row)[..., first:last], source[..., first + by : last + by])
        target = target[:, :, low:high]
        for axis, offset in enumerate(place[1:], 3):
            length = target.shape[axis]
            clear_outside(target, axis, *within(offset, 1, length, length))


def within(offset: int, step: int, size: int, length: int) -> tuple[int, int]:
    """From which to which of `length` positions `offset + position · step` is one of `size`."""
    low = min(length, max(0, -(offset // step)))
    return low, max(low, min(length, (size - 1 - offset) // step + 1))


def clear_outside(x: Array, axis: int, low: int, high: int) -> None:
    """Zeros before `low` and from `high` on."""
    here = (slice(None),) * axis
    if low:
        x[(*here, slice(0, low))] = 0
    if high < x.shape[axis]:
        x[(*here, slice(high, x.shape[axis]))] = 0
