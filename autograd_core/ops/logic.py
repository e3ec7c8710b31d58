"""Comparisons, logic, bits and whole numbers: no gradient flows through them."""

from __future__ import annotations

import numpy as np

from ..primitive import primitive


@primitive(None, None)
def eq(a, b):
    return np.equal(a, b)


@primitive(None, None)
def ne(a, b):
    return np.not_equal(a, b)


@primitive(None, None)
def lt(a, b):
    return np.less(a, b)


@primitive(None, None)
def le(a, b):
    return np.less_equal(a, b)


@primitive(None, None)
def gt(a, b):
    return np.greater(a, b)


@primitive(None, None)
def ge(a, b):
    return np.greater_equal(a, b)


@primitive(None, None, promotes="no")
def logical_and(a, b):
    return np.logical_and(a, b)


@primitive(None, None, promotes="no")
def logical_or(a, b):
    return np.logical_or(a, b)


@primitive(None, None, promotes="no")
def logical_xor(a, b):
    return np.logical_xor(a, b)


@primitive(None)
def logical_not(x):
    return np.logical_not(x)


@primitive(None, None)
def bitwise_and(a, b):
    return np.bitwise_and(a, b)


@primitive(None, None)
def bitwise_or(a, b):
    return np.bitwise_or(a, b)


@primitive(None, None)
def bitwise_xor(a, b):
    return np.bitwise_xor(a, b)


@primitive(None)
def bitwise_not(x):
    return np.bitwise_not(x)


@primitive(None)
def isnan(x):
    return np.isnan(x)


@primitive(None)
def isinf(x):
    return np.isinf(x)


@primitive(None)
def isfinite(x):
    return np.isfinite(x)


@primitive(None)
def isposinf(x):
    return np.isposinf(x) if x.dtype.kind in "fc" else np.zeros(np.shape(x), np.bool_)


@primitive(None)
def isneginf(x):
    return np.isneginf(x) if x.dtype.kind in "fc" else np.zeros(np.shape(x), np.bool_)


@primitive(None)
def isreal(x):
    return np.isreal(x)


@primitive(None)
def signbit(x):
    return np.signbit(x) if x.dtype.kind in "fc" else x < 0


# ---------------------------------------------------------------------- whole numbers


@primitive(None, None)
def bitwise_left_shift(a, b):
    """a · 2ᵇ; zero where b is negative or no less than the number of bits."""
    return shifted(np.left_shift, a, b, 0)


@primitive(None, None)
def bitwise_right_shift(a, b):
    """a / 2ᵇ rounded down; where b is negative or no less than the number of bits, as if by all of them."""
    return shifted(np.right_shift, a, b, np.where(a < 0, -1, 0))


def shifted(shift, a, b, far):
    """Shifts by too much do what the processor likes, unless that is seen to."""
    a, b = np.asarray(a), np.asarray(b)
    inside = (b >= 0) & (b < 8 * a.dtype.itemsize)
    return np.where(inside, shift(a, np.where(inside, b, 0).astype(b.dtype)), far).astype(a.dtype)


@primitive(None, None)
def gcd(a, b):
    """The greatest common divisor, not negative."""
    return np.gcd(a, b)


@primitive(None, None)
def lcm(a, b):
    """The least common multiple, not negative."""
    return np.lcm(a, b)
