"""Sums, means, extremes, and what is made of them. `axis` is None (all axes), an integer or a tuple of integers."""

from __future__ import annotations

from math import prod

import numpy as np

from ..primitive import primitive
from .elementwise import abs, exp, isnan, logical_and, logical_or, sign, where
from .shape import astype, expand_dims, repeat_to


def spread(g, shape, axis, keepdims):
    """What a reduction gave, repeated over the axes that it reduced: an array of its argument's shape."""
    if not keepdims and axis is not None and axis != ():
        g = expand_dims(g, axis=normal(axis, len(shape)))
    return repeat_to(g, target=shape)


def normal(axis, ndim):
    """Axes as a tuple, counted from the front."""
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def count(shape, axis):
    """How many elements go into each result."""
    return prod(shape if axis is None else [shape[a] for a in normal(axis, len(shape))])


def divided(g, n):
    """g / n; float16 cannot hold a large count n, but its reciprocal."""
    return g * (1 / n) if n > 65504 and g.dtype == np.float16 else g / n


def wide(x):
    """x, of float16 as float32: what is summed is rounded once, at the end, and does not overflow on the way."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


@primitive(lambda g, shape, axis, keepdims: spread(g, shape, axis, keepdims))
def sum(x, *, axis=None, keepdims=False):
    if x.dtype.kind not in "fc":
        return np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=np.int64)
    return sum_wide(x, axis, keepdims).astype(x.dtype, copy=False)


@primitive(lambda g, shape, axis, keepdims: spread(divided(g, count(shape, axis) or 1), shape, axis, keepdims))
def mean(x, *, axis=None, keepdims=False):
    if x.dtype.kind not in "fc":
        raise RuntimeError(f"mean: needs a floating-point or complex tensor, got {x.dtype}; convert it first, e.g. t.float()")
    n = count(x.shape, axis)
    total = sum_wide(x, axis, keepdims)
    return (total / n if n else total * np.nan).astype(x.dtype, copy=False)


def sum_wide(x, axis, keepdims):
    """A sum that float16 does not overflow in."""
    return np.add.reduce(x, axis=axis, keepdims=keepdims, dtype=np.float32 if x.dtype.itemsize == 2 else None)


@primitive(
    lambda g, x, shape, axis, correction, keepdims: (
        spread(g, shape, axis, keepdims) * (x - mean(x, axis=axis, keepdims=True)) * (2 / freedom(shape, axis, correction))
    ),
    holomorphic=False,
)
def var(x, *, axis=None, correction=1, keepdims=False):
    """The variance: the squared deviations' sum over (their count - correction); of complex numbers their squared sizes'."""
    return variance(wide(x), axis, correction, keepdims).astype(x.real.dtype, copy=False)


@primitive(
    lambda g, x, out, shape, axis, correction, keepdims: (
        spread(g / where(out == 0, np.inf, out), shape, axis, keepdims)
        * (x - mean(x, axis=axis, keepdims=True))
        * (1 / freedom(shape, axis, correction))
    ),
    holomorphic=False,
)
def std(x, *, axis=None, correction=1, keepdims=False):
    """The standard deviation, √var; where it is zero its derivatives are zero."""
    return np.sqrt(variance(wide(x), axis, correction, keepdims)).astype(x.real.dtype, copy=False)


def variance(x, axis, correction, keepdims):
    deviation = x - mean(x, axis=axis, keepdims=True)
    squares = deviation * deviation if x.dtype.kind == "f" else np.square(deviation.real) + np.square(deviation.imag)
    with np.errstate(divide="ignore", invalid="ignore"):  # of fewer numbers than `correction` there is none
        return sum(squares, axis=axis, keepdims=keepdims) / x.real.dtype.type(max(count(x.shape, axis) - correction, 0))


def freedom(shape, axis, correction):
    """Degrees of freedom: the count less the correction; not a number when nothing is left."""
    n = count(shape, axis) - correction
    return n if n > 0 else np.nan


def _extreme(name, function, where_attained):
    @primitive(
        lambda g, x, out, shape, axis, keepdims: shared(g, where_attained(x, spread(out, shape, axis, keepdims)), shape, axis, keepdims),
        name=name,
    )
    def extreme(x, *, axis=None, keepdims=False):
        return function(x, axis=axis, keepdims=keepdims)

    return extreme


def shared(g, attains, shape, axis, keepdims):
    """The gradient of an extreme: in equal parts to the elements that attain it."""
    attains = astype(attains, dtype=g.dtype)
    return attains * spread(g, shape, axis, keepdims) / sum(attains, axis=axis, keepdims=True)


def equal(x, value):
    return x == value  # nothing equals NaN, so its gradient is NaN, as PyTorch's


def same(x, value):
    """Where x equals a value, as here NaN does NaN."""
    return logical_or(x == value, logical_and(isnan(x), isnan(value)))


amax, amin = _extreme("amax", np.amax, equal), _extreme("amin", np.amin, equal)
largest, smallest = _extreme("max", np.amax, same), _extreme("min", np.amin, same)


@primitive(
    lambda g, x, out, shape, axis, keepdims: spread(g, shape, axis, keepdims) * exp(x - spread(out, shape, axis, keepdims)),
    promotes="float",
)
def logsumexp(x, *, axis=None, keepdims=False):
    """log Σ eˣ, without overflow."""
    top = np.amax(x.real, axis=axis, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, top.dtype.type(0))
    with np.errstate(divide="ignore"):
        out = (np.log(np.exp(wide(x - top)).sum(axis, keepdims=True)) + top).astype(x.dtype, copy=False)
    return out if keepdims else np.squeeze(out, axis=tuple(range(x.ndim)) if axis is None else axis)


@primitive(
    lambda g, x, out, shape, axis, keepdims: spread(g / where(out == 0, np.inf, out), shape, axis, keepdims) * x,
    name="norm",
    holomorphic=False,
)
def euclidean_norm(x, *, axis=None, keepdims=False):
    """√Σ |x|²; at zero its derivatives are zero."""
    size = x if x.dtype.kind == "f" else np.abs(x)
    out = np.sqrt(np.add.reduce(np.square(wide(size)), axis=axis, keepdims=keepdims))
    return out.astype(np.float16) if size.dtype.char == "e" else out


@primitive(
    lambda g, x, out, shape, p, axis, keepdims: (
        spread(g, shape, axis, keepdims)
        * sign(x)
        * (where(x == 0, 1, abs(x)) / spread(out if p < 0 else where(out == 0, 1, out), shape, axis, keepdims)) ** (p - 1)
    ),
    name="norm",
    promotes="float",
    holomorphic=False,
)
def p_norm(x, *, p, axis=None, keepdims=False):
    """(Σ |x|^p)^(1/p); the gradient by an entry that is zero is zero."""
    size = np.abs(x)
    return (np.add.reduce(wide(size) ** p, axis=axis, keepdims=keepdims) ** (1 / p)).astype(size.dtype, copy=False)


# ---------------------------------------------------------------------- no gradient


@primitive(None)
def argmax(x, *, axis=None, keepdims=False):
    return np.argmax(x, axis=axis, keepdims=keepdims)


@primitive(None)
def argmin(x, *, axis=None, keepdims=False):
    return np.argmin(x, axis=axis, keepdims=keepdims)


@primitive(None)
def count_nonzero(x, *, axis=None):
    return np.asarray(np.count_nonzero(x, axis=axis))


@primitive(None)
def all(x, *, axis=None, keepdims=False):
    return np.all(x, axis=axis, keepdims=keepdims)


@primitive(None)
def any(x, *, axis=None, keepdims=False):
    return np.any(x, axis=axis, keepdims=keepdims)
