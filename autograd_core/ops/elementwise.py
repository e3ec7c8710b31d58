"""Operations element by element: arithmetic, powers, exponentials, trigonometry, choices, comparisons.

Arguments broadcast; rules do not sum the surplus axes away, the engine does.
"""

from __future__ import annotations

import math

import numpy as np

from ..primitive import primitive

# ---------------------------------------------------------------------- constants of the same shape


@primitive(None)
def zeros_like(x):
    return np.zeros_like(x)


@primitive(lambda g: zeros_like(g))
def sign(x):
    return np.sign(x)


# ---------------------------------------------------------------------- arithmetic


@primitive(lambda g: g, lambda g: g)
def add(a, b):
    return a + b


@primitive(lambda g: g, lambda g: -g)
def sub(a, b):
    return a - b


@primitive(lambda g, b: g * b, lambda g, a: g * a)
def mul(a, b):
    return a * b


@primitive(lambda g, b: g / b, lambda g, a, b: -g * (a / b) / b, promotes="float")
def div(a, b):
    return a / b


@primitive(lambda g: -g)
def neg(x):
    return -x


@primitive(lambda g, x: g * sign(x))
def abs(x):
    return np.abs(x)


@primitive(lambda g: zeros_like(g), lambda g: zeros_like(g))
def floor_divide(a, b):
    return np.floor_divide(a, b)


@primitive(lambda g: g, lambda g, a, b: -g * floor_divide(a, b))
def remainder(a, b):
    """The remainder with the divisor's sign, a - floor(a / b) · b."""
    return np.remainder(a, b)


# ---------------------------------------------------------------------- powers and roots


@primitive(
    lambda g, a, b: g * where(b == 0, 0, b * a ** where(b == 0, 1, b - 1)),
    lambda g, a, b, out: g * (out * log(where(logical_and(a == 0, b >= 0), 1, a + zeros_like(out)))),
)
def pow(a, b):
    """a to the power b, both arrays."""
    try:
        return a**b
    except ValueError as error:
        if "negative integer powers" not in str(error):
            raise
        raise RuntimeError("pow: integers to negative integer powers are not allowed; convert to float first") from None


@primitive(lambda g, x, exponent: g * (exponent * power(x, exponent=exponent - 1)) if exponent else zeros_like(g))
def power(x, *, exponent):
    """x to the power of a number."""
    return x**exponent


@primitive(lambda g, x: g * (2 * x))
def square(x):
    return x * x


@primitive(lambda g, out: g / (2 * out), promotes="float")
def sqrt(x):
    return np.sqrt(x)


@primitive(lambda g, x, out: -g * out / (2 * x), promotes="float")
def rsqrt(x):
    """1 / √x."""
    return 1 / np.sqrt(x)


@primitive(lambda g, out: -g * out * out, promotes="float")
def reciprocal(x):
    return 1 / x


# ---------------------------------------------------------------------- exponentials and logarithms


@primitive(lambda g, out: g * out, promotes="float")
def exp(x):
    return np.exp(x)


@primitive(lambda g, out: g * out * math.log(2), promotes="float")
def exp2(x):
    return np.exp2(x)


@primitive(lambda g, out: g * (out + 1), promotes="float")
def expm1(x):
    return np.expm1(x)


@primitive(lambda g, x: g / x, promotes="float")
def log(x):
    return np.log(x)


@primitive(lambda g, x: g / (x * math.log(2)), promotes="float")
def log2(x):
    return np.log2(x)


@primitive(lambda g, x: g / (x * math.log(10)), promotes="float")
def log10(x):
    return np.log10(x)


@primitive(lambda g, x: g / (1 + x), promotes="float")
def log1p(x):
    return np.log1p(x)


@primitive(lambda g, a, out: g * exp(a - out), lambda g, b, out: g * exp(b - out), promotes="float")
def logaddexp(a, b):
    """log(eᵃ + eᵇ) without overflow."""
    return np.logaddexp(a, b)


# ---------------------------------------------------------------------- trigonometry


@primitive(lambda g, x: g * cos(x), promotes="float")
def sin(x):
    return np.sin(x)


@primitive(lambda g, x: -g * sin(x), promotes="float")
def cos(x):
    return np.cos(x)


@primitive(lambda g, out: g * (1 + out * out), promotes="float")
def tan(x):
    return np.tan(x)


@primitive(lambda g, x: g / sqrt(1 - x * x), promotes="float")
def asin(x):
    return np.arcsin(x)


@primitive(lambda g, x: -g / sqrt(1 - x * x), promotes="float")
def acos(x):
    return np.arccos(x)


@primitive(lambda g, x: g / (1 + x * x), promotes="float")
def atan(x):
    return np.arctan(x)


@primitive(lambda g, a, b: g * b / (a * a + b * b), lambda g, a, b: -g * a / (a * a + b * b), promotes="float")
def atan2(a, b):
    """The angle of the point (b, a), in radians."""
    return np.arctan2(a, b)


@primitive(lambda g, x: g * cosh(x), promotes="float")
def sinh(x):
    return np.sinh(x)


@primitive(lambda g, x: g * sinh(x), promotes="float")
def cosh(x):
    return np.cosh(x)


@primitive(lambda g, out: g * (1 - out * out), promotes="float")
def tanh(x):
    return np.tanh(x)


@primitive(lambda g, x: g / sqrt(x * x + 1), promotes="float")
def asinh(x):
    return np.arcsinh(x)


@primitive(lambda g, x: g / sqrt(x * x - 1), promotes="float")
def acosh(x):
    return np.arccosh(x)


@primitive(lambda g, x: g / (1 - x * x), promotes="float")
def atanh(x):
    return np.arctanh(x)


# ---------------------------------------------------------------------- rounding: flat, so the gradient is zero


@primitive(lambda g: zeros_like(g))
def floor(x):
    return np.floor(x)


@primitive(lambda g: zeros_like(g))
def ceil(x):
    return np.ceil(x)


@primitive(lambda g: zeros_like(g))
def trunc(x):
    return np.trunc(x)


@primitive(lambda g: zeros_like(g))
def round(x, *, decimals=0):
    """To the nearest integer (or decimal), halves to even."""
    return np.round(x, decimals)


# ---------------------------------------------------------------------- choices


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


# ---------------------------------------------------------------------- comparisons and logic: no gradient


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
