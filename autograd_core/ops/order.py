"""Where entries stand in order: indices, through which no gradient flows. Taking what they name is `gather`, which has one.

NaN is larger than any number.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..primitive import primitive
from .reduce import same, shared, spread, wide

FEW = 64  # entries that a stable sort is quick at


@primitive(None)
def argsort(x, *, axis, descending=False):
    """The indices that sort x along an axis; equal entries stay in order."""
    if x.shape[axis] <= FEW or x.dtype.itemsize < 4:
        if not descending:
            return np.argsort(wide(x), axis, kind="stable")
        return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(wide(x), axis), axis, kind="stable"), axis)
    order = np.moveaxis(np.argsort(x, axis), axis, -1)
    if descending:
        order = order[..., ::-1]
    return np.moveaxis(in_order(np.moveaxis(x, axis, -1), np.ascontiguousarray(order)), -1, axis)


def in_order(x, order):
    """The order that sorts the last axis with the indices of equal entries ascending.

    NumPy's quick sort and this after it are several times as fast as its stable sort.
    """
    new = begins_run(np.take_along_axis(x, order, -1), nan_equal=True)
    if new.all():
        return order
    place = np.cumsum(new, -1)
    place *= x.shape[-1]
    order += place
    order.sort(-1)
    order -= place
    return order


def begins_run(values, *, nan_equal):
    """Where, along the last axis of sorted values, one differs from that before it."""
    a, b = values[..., :-1], values[..., 1:]
    new = np.ones(values.shape, np.bool_)
    np.not_equal(a, b, out=new[..., 1:])
    if nan_equal and values.dtype.kind == "f":
        new[..., 1:] &= (a == a) | (b == b)
    return new


@primitive(None)
def argtopk(x, *, k, axis, largest=True):
    """The indices of the k largest (or smallest) entries, the most extreme first."""
    n = x.shape[axis]
    if k == 0 or k > n // 8:
        return take(argsort(x, axis=axis, descending=largest), slice(k), axis)
    found = np.sort(take(np.argpartition(wide(x), n - k if largest else k - 1, axis), slice(n - k, n) if largest else slice(k), axis), axis)
    order = argsort(np.take_along_axis(x, found, axis), axis=axis, descending=largest)
    return np.take_along_axis(found, order, axis)


@primitive(None)
def argkth(x, *, k, axis):
    """The index of the k-th smallest entry (the first is number 1); the axis keeps length one."""
    return take(np.argpartition(wide(x), k - 1, axis), slice(k - 1, k), axis)


@primitive(None)
def argmedian(x, *, axis, ignore_nan=False):
    """The index of the median, the lower of two, or of the first NaN; the axis keeps length one.

    With `ignore_nan` of the median of the others, and of an entry if all are NaN.
    """
    n = x.shape[axis]
    middle = argkth(x, k=(n + 1) // 2, axis=axis)
    missing = np.isnan(x)
    if not missing.any():
        return middle
    if not ignore_nan:
        return np.where(missing.any(axis, keepdims=True), np.argmax(missing, axis, keepdims=True), middle)
    known = n - np.count_nonzero(missing, axis, keepdims=True)
    return np.take_along_axis(argsort(x, axis=axis), np.maximum(known - 1, 0) // 2, axis)


@primitive(lambda g, x, out, shape, axis: shared(g, same(x, spread(out, shape, axis, False)), shape, axis, False))
def median(x, *, axis=None, ignore_nan=False):
    """The median, its gradient in equal parts to the entries that equal it; of nothing NaN, or the smallest integer."""
    if axis is None:
        x, axis = x.reshape(-1), 0
    if not x.shape[axis]:
        return np.full(np.delete(x.shape, axis), np.nan if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
    return np.squeeze(np.take_along_axis(x, argmedian(x, axis=axis, ignore_nan=ignore_nan), axis), axis)


@primitive(None)
def argmode(x, *, axis):
    """The last index of the most frequent entry (of several the smallest); the axis keeps length one. NaN is like nothing."""
    order = np.moveaxis(argsort(x, axis=axis), axis, -1)
    new = begins_run(np.take_along_axis(np.moveaxis(x, axis, -1), order, -1), nan_equal=False)
    place = np.arange(x.shape[axis])
    so_often = place - np.maximum.accumulate(np.where(new, place, 0), -1)
    return np.moveaxis(np.take_along_axis(order, np.argmax(so_often, -1, keepdims=True), -1), -1, axis)


@primitive(None, None)
def searchsorted(ordered, values, *, right=False):
    """Where values would be put into `ordered`, which ascends along its last axis: before equal ones, or after them (`right`)."""
    side: Literal["left", "right"] = "right" if right else "left"
    if ordered.ndim == 1:
        return np.asarray(np.searchsorted(ordered, values, side))
    out = np.empty(values.shape, np.int64)
    for row in np.ndindex(ordered.shape[:-1]):
        out[row] = np.searchsorted(ordered[row], values[row], side)
    return out


@primitive(None, None)
def isin(elements, test_elements, *, invert=False):
    """Whether each element is (with `invert`: is not) among the others; NaN is among nothing."""
    return np.isin(elements, test_elements, invert=invert)


def take(x, part, axis):
    """A slice along one axis, without the rest in its memory."""
    return np.array(x[(slice(None),) * (axis % x.ndim) + (part,)], order="C")
