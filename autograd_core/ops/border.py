"""Borders made of what they surround. The pair is linear, and each is the other's rule."""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .index import wide


@primitive(
    lambda g, shape, widths, mode: add_border(g, widths=widths, mode=mode, shape=shape),
    promotes="no",
    meaning="with a border made of what it surrounds",
)
def border(x, *, widths, mode):
    """x with `widths` = ((before, after), ...) more entries along its last axes, less where they are negative.

    `mode` says what they repeat: "reflect" mirrors x at its first and last entry, "replicate" repeats these, "circular"
    goes round.
    """
    for axis, (before, after) in enumerate(widths, -len(widths)):
        if before or after:
            places = sources(x.shape[axis], before, after, mode)
            whole = np.empty((*x.shape[:axis], len(places), *x.shape[axis:][1:]), x.dtype)
            from_axis, into_axis = np.moveaxis(x, axis, 0), np.moveaxis(whole, axis, 0)
            inner, outer = parts_of(places, before, after)
            if inner.stop > inner.start:
                into_axis[inner] = from_axis[places[inner.start] : places[inner.start] + inner.stop - inner.start]
            for k in outer:
                into_axis[k] = from_axis[places[k]]
            x = whole
    return np.array(x) if not any(map(any, widths)) else x


@primitive(
    lambda g, widths, mode: border(g, widths=widths, mode=mode), promotes="no", meaning="each entry added where the border took it from"
)
def add_border(x, *, widths, mode, shape):
    """The reverse: every entry added where `border` takes it from in an array whose last axes have those of `shape`."""
    for axis, (before, after) in enumerate(widths, -len(widths)):
        if before or after:
            n = shape[axis]
            places = sources(n, before, after, mode)
            whole = np.zeros((*x.shape[:axis], n, *x.shape[axis:][1:]), wide(x.dtype))
            from_axis, into_axis = np.moveaxis(x, axis, 0), np.moveaxis(whole, axis, 0)
            inner, outer = parts_of(places, before, after)
            if inner.stop > inner.start:
                into_axis[places[inner.start] : places[inner.start] + inner.stop - inner.start] = from_axis[inner]
            for k in outer:
                into_axis[places[k]] += from_axis[k]
            x = whole.astype(x.dtype, copy=False)
    return np.array(x) if not any(map(any, widths)) else x


def sources(n, before, after, mode):
    """Which of n entries stands at each place of them with a border."""
    places = np.arange(-before, n + after)
    if mode == "reflect":
        places = np.abs(places)
        return np.where(places < n, places, 2 * (n - 1) - places)
    if mode == "replicate":
        return places.clip(0, n - 1)
    first, last = max(-before, 0), n - max(-after, 0)  # it goes round what is left after cutting
    return (places - first) % max(last - first, 1) + first


def parts_of(places, before, after):
    """Which of the places are x itself, in order, and the numbers of those that are border."""
    start = max(before, 0)
    inner = slice(start, max(start, len(places) - max(after, 0)))
    return inner, (*range(min(start, len(places))), *range(inner.stop, len(places)))
