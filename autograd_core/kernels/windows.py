"""Where windows over the last axes of an array lie: every loop over them goes by the entries of the windows, never by the windows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

ndarray: TypeAlias = "np.ndarray[Any, Any]"


class Window(NamedTuple):
    """`number` windows of `size` entries, `dilation` apart; they begin every `step` entries of an axis, the first `padding` before it."""

    size: int
    step: int
    padding: int
    dilation: int
    number: int

    @property
    def reach(self) -> int:
        """How many entries of the axis a window spans."""
        return (self.size - 1) * self.dilation + 1

    def entries(self, n: int) -> list[tuple[int, slice, Any]]:
        """For each entry k of the windows: (k, the windows of which it lies on the axis, its places there)."""
        found = []
        for k in range(self.size):
            offset = k * self.dilation - self.padding
            first, last = max(0, -(offset // self.step)), min(self.number - 1, (n - 1 - offset) // self.step)
            if first <= last:
                places = slice(first * self.step + offset, last * self.step + offset + 1, self.step)
                found.append((k, slice(first, last + 1), places))
        return found

    def starts(self, n: int) -> ndarray:
        """The place of each window's first entry, on the axis or before it."""
        return np.arange(self.number) * self.step - self.padding

    def lengths(self, n: int, padded: bool) -> ndarray:
        """How many entries each window has on the axis, or on the axis with its padding on both sides."""
        starts = self.starts(n)
        if padded:
            return np.minimum(starts + self.size, n + self.padding) - starts
        return np.minimum(starts + self.size, n) - np.maximum(starts, 0)


class Adaptive(NamedTuple):
    """`number` windows that cover an axis of length n: window i from ⌊i · n / number⌋ up to ⌈(i + 1) · n / number⌉."""

    number: int

    def entries(self, n: int) -> list[tuple[int, slice, Any]]:
        """As Window's; a shorter window has its last entry again."""
        return [(k, slice(0, self.number), places) for k, places in enumerate(self.places(n).T)]

    def places(self, n: int) -> ndarray:
        """The places of each window's entries, a row for each; those of a shorter window end with its last place again."""
        starts, stops = np.arange(self.number) * n // max(1, self.number), -(-(np.arange(self.number) + 1) * n // max(1, self.number))
        longest = int((stops - starts).max(initial=0))
        return np.minimum(starts[:, None] + np.arange(longest), stops[:, None] - 1)


Windows: TypeAlias = tuple[Any, ...]  # of Window, or of Adaptive: one for each axis


@lru_cache(256)
def entries(windows: tuple[Window, ...], sizes: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[Any, ...], tuple[Any, ...]]]:
    """For each entry of the windows, in order: its number along each axis, the windows that have it, its places, both as indices."""
    found = []
    for parts in product(*[w.entries(n) for w, n in zip(windows, sizes)]):
        numbers, having, places = zip(*parts)
        found.append((numbers, (..., *having), (..., *places)))
    return found


@lru_cache(256)
def entries_along(window: Window | Adaptive, n: int, axis: int) -> tuple[list[tuple[tuple[Any, ...], tuple[Any, ...]]], int]:
    """The same along one axis, counted from the end: those that all windows have come first, and their number is told."""
    after = (slice(None),) * (-1 - axis)
    every = [(having, places) for _, having, places in window.entries(n)]
    every.sort(key=lambda entry: entry[0] != slice(0, window.number))
    whole = sum(having == slice(0, window.number) for having, _ in every)
    return [((..., having, *after), (..., places, *after)) for having, places in every], whole


def counts(windows: Windows) -> tuple[int, ...]:
    return tuple(w.number for w in windows)


def adaptive(windows: Windows) -> bool:
    return any(isinstance(w, Adaptive) for w in windows)


def disjoint(windows: Windows) -> bool:
    """Whether no two windows share an entry, and none has padding."""
    return all(isinstance(w, Window) and w.step >= w.reach and not w.padding for w in windows)


def tiled(windows: Windows, sizes: tuple[int, ...]) -> bool:
    """Whether windows that share no entry leave none out."""
    return all(w.step == w.size and w.dilation == 1 and w.number * w.size == n for w, n in zip(windows, sizes))


@lru_cache(64)
def flat_places(windows: tuple[Window, ...], sizes: tuple[int, ...]) -> tuple[ndarray, ndarray]:
    """The place of each window's first entry in the axes laid flat, and how far from it each of its entries is."""
    strides = [prod(sizes[k + 1 :]) for k in range(len(sizes))]
    starts = np.zeros((), np.int64)
    for k, (window, n) in enumerate(zip(windows, sizes)):
        starts = starts + (window.starts(n) * strides[k]).reshape([-1 if j == k else 1 for j in range(len(sizes))])
    offsets = [sum(k * w.dilation * s for k, w, s in zip(numbers, windows, strides)) for numbers, _, _ in entries(windows, sizes)]
    return starts, np.array(offsets, np.int64)


def spatial(x: ndarray, windows: Sequence[Any]) -> tuple[int, ...]:
    """The lengths of the axes that windows lie over."""
    return x.shape[x.ndim - len(windows) :]
