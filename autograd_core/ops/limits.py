"""Functions whose formula says 0 · ∞ or 0 / 0 at some points, where their value is the limit: x log y, sin x / x, logit."""

from __future__ import annotations

import math

import numpy as np

from ..primitive import primitive
from .elementwise import log, log1p, logical_and, logical_or, where
from .special import kernel

# ---------------------------------------------------------------------- x log y


@primitive(lambda g, x, y: g * log_unless(logical_and(x == 0, y <= 0), y), lambda g, x, y: g * (x / y), promotes="float")
@kernel(single=True)
def xlogy(x, y):
    """x log y, which is 0 at x = 0 for all y but NaN."""
    return x * np.log(np.where((x == 0) & (y == y), 1, y))


def log_unless(hidden, y):
    """log y, and 0 where it is not wanted."""
    return where(hidden, 0, log(where(hidden, 1, y)))


@primitive(lambda g, x, y: g * log1p_unless(logical_and(x == 0, y <= -1), y), lambda g, x, y: g * (x / (y + 1)), promotes="float")
@kernel(single=True)
def xlog1py(x, y):
    """x log(1 + y), which is 0 at x = 0 for all y but NaN."""
    return x * np.log1p(np.where((x == 0) & (y == y), 0, y))


def log1p_unless(hidden, y):
    return log1p(where(hidden, 0, y))


@primitive(lambda g, x: g * (-log(x) - 1), promotes="float")
@kernel(single=True)
def entr(x):
    """The entropy of a probability, -x log x: 0 at 0, -∞ below."""
    return np.where(x < 0, -np.inf, -x * np.log(np.where(x <= 0, 1, x)))


# ---------------------------------------------------------------------- logit


@primitive(
    lambda g, x, eps: where(clipped(x, eps or 0), math.nan if eps is None else 0, g / slope(x, eps or 0)),
    promotes="float",
)
@kernel(single=True)
def logit(x, *, eps=None):
    """log(x / (1 - x)), the inverse of sigmoid, of x brought to between eps and 1 - eps; unless given, NaN outside 0 ≤ x ≤ 1."""
    if eps is not None:
        x = np.where(x < eps, eps, np.where(x > 1 - eps, 1 - eps, x)).astype(x.dtype, copy=False)
    middle = np.abs(x - 0.5) < 0.25  # where log(1 + …) has no rounded argument near 1
    m = np.where(middle, x, 0.5)
    return np.where(middle, np.log1p((2 * m - 1) / (1 - m)), np.log(np.where(middle, 0.5, x) / (1 - np.where(middle, 0.5, x))))


def clipped(x, eps):
    return logical_or(x < eps, x > 1 - eps)


def slope(x, eps):
    """x (1 - x) where it is not clipped: elsewhere nothing is divided by zero."""
    y = where(clipped(x, eps), 0.5, x)
    return y * (1 - y)


# ---------------------------------------------------------------------- sin x / x


@primitive(lambda g, x: g * sinc_derivative(x, n=1), promotes="float")
@kernel(complex=True)
def sinc(x):
    """sin πx / πx, exactly 0 at the integers, 1 at 0."""
    return np.where(x == 0, 1, sinpi(x) / np.where(x == 0, 1, math.pi * x))


@primitive(lambda g, x, n: g * sinc_derivative(x, n=n + 1), promotes="float")
@kernel(complex=True)
def sinc_derivative(x, *, n):
    """The n-th derivative of sinc, n > 0, as exact near 0 as elsewhere."""
    return derivative_of_sin_over_x(math.pi * x, sinpi(x), cospi(x), n) * math.pi**n


@primitive(lambda g, x, n: g * spherical_bessel_j0(x, n=n + 1), promotes="float")
@kernel
def spherical_bessel_j0(x, *, n=0):
    """sin x / x, and its n-th derivative; 0 at ±∞."""
    infinite = np.isinf(x)
    y = np.where(infinite, 1, x)
    return np.where(infinite, 0, derivative_of_sin_over_x(y, np.sin(y), np.cos(y), n))


def derivative_of_sin_over_x(y, sine, cosine, n):
    """The n-th derivative d(n) of sin y / y, given sin y and cos y.

    y sin^(n) of the product rule is y d(n) + n d(n - 1): run through forwards where |y| is large, backwards where small.
    """
    turned = (sine, cosine, -sine, -cosine)  # the derivatives of the sine
    small = np.abs(y) < n + 1
    far = np.where(small, n + 1, y)
    forwards = sine / far
    for k in range(1, n + 1):
        forwards = (turned[k % 4] - k * forwards) / far
    close = np.where(small, y, 0)
    backwards = np.zeros_like(y)
    for k in range(2 * n + 30, n, -1):
        backwards = (turned[k % 4] - close * backwards) / k
    return np.where(small, backwards, forwards)


def sinpi(x):
    """sin πx, without rounding πx."""
    if x.dtype.kind == "c":
        return np.sin(math.pi * x)
    r = x - 2 * np.round(x / 2)
    return np.sin(math.pi * np.where(np.abs(r) > 0.5, np.copysign(1, r) - r, r))


def cospi(x):
    """cos πx, without rounding πx."""
    if x.dtype.kind == "c":
        return np.cos(math.pi * x)
    return np.sin(math.pi * (0.5 - np.abs(x - 2 * np.round(x / 2))))
