"""Arithmetic, powers, exponentials, logarithms and rounding, element by element.

Arguments broadcast; rules do not sum the surplus axes away, the engine does.
"""

from __future__ import annotations

import math

import numpy as np

from ..primitive import primitive
from .choices import where, zeros_like
from .complex import complex, conj, imag, real
from .logic import isfinite, logical_and


@primitive(lambda g, x: turned(g, x), holomorphic=False)
def sign(x):
    """-1, 0 or 1; of a complex number the number of length one in its direction. Of NaN 0, as in PyTorch."""
    if x.dtype.kind == "f":
        return ((x > 0).view(np.int8) - (x < 0).view(np.int8)).astype(x.dtype)
    return np.array(x) if x.dtype.kind == "b" else np.sign(x)


def turned(g, x):
    """The gradient of x / |x|: what of g is at right angles to x, over |x|; of real numbers nothing is."""
    if x.dtype.kind != "c":
        return zeros_like(g)
    direction = sign(x)
    return where(x == 0, 0, (g - direction * real(g * conj(direction))) / abs(where(x == 0, 1, x)))


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


@primitive(lambda g, x: g * sign(x), holomorphic=False)
def abs(x):
    return np.abs(x)


@primitive(lambda g: zeros_like(g), lambda g: zeros_like(g))
def floor_divide(a, b):
    """The quotient rounded down. Raises RuntimeError for integers divided by zero."""
    refuse_zero("floor_divide", b)
    return np.floor_divide(a, b)


@primitive(lambda g: zeros_like(g), lambda g: zeros_like(g))
def trunc_divide(a, b):
    """The quotient rounded towards zero; of integers an integer. Raises RuntimeError for integers divided by zero."""
    refuse_zero("div", b)
    if np.result_type(a, b).kind == "f":
        return np.trunc(a / b)
    return np.floor_divide(a - np.fmod(a, b), b)


@primitive(lambda g: g, lambda g, a, b: -g * floor_divide(a, b))
def remainder(a, b):
    """The remainder with the divisor's sign, a - floor(a / b) · b. Raises RuntimeError for integers divided by zero."""
    refuse_zero("remainder", b)
    return np.remainder(a, b)


@primitive(lambda g: g, lambda g, a, b: -g * trunc_divide(a, b))
def fmod(a, b):
    """The remainder with the dividend's sign, a - trunc(a / b) · b. Raises RuntimeError for integers divided by zero."""
    refuse_zero("fmod", b)
    return np.fmod(a, b)


def refuse_zero(name, b):
    """Raise RuntimeError for an integer divisor that is zero: no integer stands for infinity."""
    if isinstance(b, np.ndarray | np.generic) and b.dtype.kind in "biu" and not np.all(b):
        raise RuntimeError(f"{name}: integers divided by zero; convert to float first, or replace the zeros")


@primitive(lambda g, w: g * (1 - w), lambda g, w: g * w, lambda g, a, b: g * (b - a), promotes="float")
def lerp(a, b, w):
    """a + w · (b - a), exact at both ends."""
    if np.ndim(w) == 0:
        return a + w * (b - a) if np.abs(w) < 0.5 else b - (b - a) * (1 - w)
    far = np.abs(w) >= 0.5
    return np.where(far, b, a) + (w - far) * (b - a)


@primitive(lambda g: g, lambda g, b, value: g * (value * b), lambda g, a, value: g * (value * a))
def addcmul(x, a, b, *, value=1):
    """x + value · a · b."""
    return x + a * b if value == 1 else x + value * a * b


@primitive(
    lambda g: g,
    lambda g, b, value: g * (value / b),
    lambda g, a, b, value: -g * (value * a / (b * b)),
    promotes="float",
)
def addcdiv(x, a, b, *, value=1):
    """x + value · a / b."""
    return x + a / b if value == 1 else x + value * a / b


# ---------------------------------------------------------------------- powers and roots


@primitive(
    lambda g, a, b: where(b == 0, 0, g * (b * a ** where(b == 0, 1, b - 1))),
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
    """x to the power of a number. What a root or two products can give is a tenth of the work, and what PyTorch computes."""
    if exponent == 3:
        return x * x * x
    return 1 / np.sqrt(x) if exponent == -0.5 else x**exponent


@primitive(lambda g, x: g * (2 * x))
def square(x):
    """x · x; of booleans an integer, as their other powers."""
    return np.square(x, dtype=np.int64) if type(x) is np.ndarray and x.dtype.kind == "b" else x * x


@primitive(lambda g, out: g / (2 * out), promotes="float")
def sqrt(x):
    return np.sqrt(x)


@primitive(lambda g, out: -g * power(out, exponent=3) / 2, promotes="float")
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
    """log(1 + x), as exact near 0; NumPy's is not for complex numbers, whose |1 + x|² is 1 + (a (a + 2) + b²) for x = a + ib."""
    if not np.iscomplexobj(x):
        return np.log1p(x)
    size = np.hypot(1 + x.real, x.imag)
    near = np.abs(size - 1) < 0.5
    a, b = np.where(near, x.real, 0), np.where(near, x.imag, 0)
    out = np.empty_like(x)
    out.real = np.where(near, np.log1p(a * (a + 2) + b * b) / 2, np.log(np.where(near, 1, size)))
    out.imag = np.arctan2(x.imag, 1 + x.real)
    return out


@primitive(lambda g, a, b: g * sigmoid(a - b), lambda g, a, b: g * sigmoid(b - a), promotes="float")
def logaddexp(a, b):
    """log(eᵃ + eᵇ) without overflow."""
    if not np.iscomplexobj(a):
        return np.logaddexp(a, b)
    return np.where(a.real >= b.real, a + np.log1p(np.exp(b - a)), b + np.log1p(np.exp(a - b)))


@primitive(lambda g, a, b: g * sigmoid((a - b) * math.log(2)), lambda g, a, b: g * sigmoid((b - a) * math.log(2)), promotes="float")
def logaddexp2(a, b):
    """log₂(2ᵃ + 2ᵇ) without overflow."""
    return np.logaddexp2(a, b)


@primitive(lambda g, out: g * out * (1 - out), promotes="float")
def sigmoid(x):
    """1 / (1 + e⁻ˣ), without overflow."""
    if np.iscomplexobj(x):
        return 1 / (1 + np.exp(-x))
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


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
    if decimals and x.dtype.char == "e":  # which cannot hold what it is multiplied by on the way
        return np.round(x.astype(np.float32), decimals).astype(np.float16)
    return np.round(x, decimals)


@primitive(lambda g: g)
def frac(x):
    """x - trunc(x)."""
    return x - np.trunc(x)


# ---------------------------------------------------------------------- the parts of floating-point numbers


@primitive(lambda g, a, out: g * (out / where(a == 0, 1, a)), lambda g: zeros_like(g), promotes="float")
def copysign(a, b):
    """The size of a with the sign of b."""
    return np.copysign(a, b)


@primitive(lambda g, out: g[0] / exp2(out[1] + zeros_like(g[0])), results=("mantissa", "exponent"), promotes="float")
def frexp(x):
    """x as mantissa · 2^exponent, the mantissa's size in [0.5, 1)."""
    mantissa, exponent = np.frexp(x)
    return mantissa, np.where(np.isfinite(x), exponent, 0)


@primitive(lambda g, a, b: where(a == b, 0, g), lambda g: zeros_like(g))
def nextafter(a, b):
    """The floating-point number after a on the way to b."""
    return np.nextafter(a, b)


@primitive(lambda g, x: finite_parts(g, x), holomorphic=False)
def nan_to_num(x, *, nan=0.0, posinf=None, neginf=None):
    """x with these numbers in place of NaN and the infinities (by default 0 and the largest and lowest there are)."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf) if x.dtype.kind in "fc" else np.array(x)


def finite_parts(g, x):
    """What of g belongs to numbers that are finite: of complex ones each part by itself."""
    if x.dtype.kind != "c":
        return where(isfinite(x), g, 0)
    return complex(where(isfinite(real(x)), real(g), 0), where(isfinite(imag(x)), imag(g), 0))
