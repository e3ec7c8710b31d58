"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

import numpy as np

from ..primitive import primitive
from .arithmetic import sqrt
from .choices import where


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


@primitive(lambda g, a, b: g * b / distance2(a, b), lambda g, a, b: -g * a / distance2(a, b), promotes="float")
def atan2(a, b):
    """The angle of the point (b, a), in radians; at the origin it has no gradient."""
    return np.arctan2(a, b)


def distance2(a, b):
    """a² + b², but ∞ at the origin, so that what is divided by it is zero."""
    squares = a * a + b * b
    return where(squares == 0, math.inf, squares)


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


@primitive(lambda g, x: g / root(x), promotes="float")
def acosh(x):
    return np.arccosh(x)


def root(x):
    """√(x² - 1); of a complex number on acosh's branch."""
    return sqrt(x - 1) * sqrt(x + 1) if x.dtype.kind == "c" else sqrt(x * x - 1)


@primitive(lambda g, x: g / (1 - x * x), promotes="float")
def atanh(x):
    return np.arctanh(x)


@primitive(lambda g, a, out: g * (a / out), lambda g, b, out: g * (b / out), promotes="float")
def hypot(a, b):
    """√(a² + b²), without overflow."""
    return np.hypot(a, b)
