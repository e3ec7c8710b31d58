"""Choices element by element: where, the larger, the smaller, bounds."""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .logic import isnan, logical_and, logical_or


@primitive(None)
def zeros_like(x):
    return np.zeros_like(x)


@primitive(None, lambda g, condition: where(condition, g, 0), lambda g, condition: where(condition, 0, g), promotes="choice")
def where(condition, a, b):
    """a where the condition holds, else b."""
    if type(b) is int and b == 0:
        return or_zero(a, condition)
    if type(a) is int and a == 0:
        return or_zero(b, np.logical_not(condition))
    return np.where(condition, a, b)


def or_zero(x, condition):
    """x where the condition holds, else 0.

    np.where takes a branch for each element, which a random condition makes twenty times as slow as a product. So floats'
    bits are multiplied by 0 or 1, as integers: infinities and NaN that were not chosen go, too.
    """
    bits = BITS.get(getattr(x, "dtype", None))
    return np.where(condition, x, 0) if bits is None else (x.view(bits) * condition).view(x.dtype)


BITS = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


@primitive(lambda g, a, b: where(a < b, 0, where(a == b, g / 2, g)), lambda g, a, b: where(b < a, 0, where(a == b, g / 2, g)))
def maximum(a, b):
    """The larger; where equal, each gets half of the gradient."""
    return np.maximum(a, b)


@primitive(lambda g, a, b: where(a > b, 0, where(a == b, g / 2, g)), lambda g, a, b: where(b > a, 0, where(a == b, g / 2, g)))
def minimum(a, b):
    """The smaller; where equal, each gets half of the gradient."""
    return np.minimum(a, b)


@primitive(lambda g, a, b: where(logical_or(a >= b, isnan(b)), g, 0), lambda g, a, b: where(logical_or(a >= b, isnan(b)), 0, g))
def fmax(a, b):
    """The larger, or the one that is not NaN; where equal, the first gets the gradient."""
    return np.fmax(a, b)


@primitive(lambda g, a, b: where(logical_or(a <= b, isnan(b)), g, 0), lambda g, a, b: where(logical_or(a <= b, isnan(b)), 0, g))
def fmin(a, b):
    """The smaller, or the one that is not NaN; where equal, the first gets the gradient."""
    return np.fmin(a, b)


@primitive(lambda g, x, low: where(x >= low, g, 0), lambda g, x, low: where(x < low, g, 0))
def clamp_min(x, low):
    """x, but no less than `low`; at the bound x gets the gradient."""
    return np.maximum(x, low)


@primitive(lambda g, x, high: where(x <= high, g, 0), lambda g, x, high: where(x > high, g, 0))
def clamp_max(x, high):
    """x, but no more than `high`; at the bound x gets the gradient."""
    return np.minimum(x, high)


@primitive(
    lambda g, x, low, high: where(logical_and(x >= low, x <= high), g, 0),
    lambda g, x, low, high: where(logical_and(x < low, low < high), g, 0),
    lambda g, x, low, high: where(logical_or(x > high, high < low), g, 0),
)
def clamp_between(x, low, high):
    """x, but no less than `low` and no more than `high`, which wins; at the bounds x gets the gradient."""
    return np.minimum(np.maximum(x, low), high)


@primitive(lambda g, x, low, high: where(inside(x, low, high), g, 0))
def clamp(x, *, low=None, high=None):
    """x, but no less than `low` and no more than `high`; at the bounds the gradient passes."""
    return np.clip(x, low, high)


def inside(x, low, high):
    if low is None or high is None:
        return x <= high if low is None else x >= low
    return logical_and(x >= low, x <= high)


@primitive(lambda g, mask: where(mask, 0, g), None, promotes="no")
def masked_fill(x, mask, *, value):
    """x with `value` where the mask is true."""
    return np.where(mask, x.dtype.type(value), x)


@primitive(lambda g: zeros_like(g), lambda g, a: where(a == 0, g, 0))
def heaviside(a, b):
    """0 below zero, 1 above, b at zero. Raises RuntimeError for complex numbers."""
    if a.dtype.kind == "c":
        raise RuntimeError("heaviside: complex numbers have no order")
    return np.where(a == 0, b, a > 0).astype(a.dtype)
