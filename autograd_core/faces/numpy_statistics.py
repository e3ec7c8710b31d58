"""NumPy's order statistics, covariances and histograms, over Tensors that record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import elementwise, index, shape
from ..tensor import Tensor, constant
from . import joining, shapes, statistics
from .numpy_arguments import common_dtype, records, tensor, without_tensors
from .numpy_numerics import linspace
from .numpy_reductions import GIVEN, kept, merged

FUNCTIONS = """
    sort partition sort_complex median percentile quantile nanmedian nanpercentile nanquantile cov corrcoef
    bincount histogram histogram_bin_edges
"""


# ---------------------------------------------------------------------- in order


def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Tensor:
    return _at_places(np.argsort, a, axis, kind=kind, stable=stable)


def partition(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Tensor:
    return _at_places(np.argpartition, a, axis, kth=without_tensors(kth), kind=kind)


def sort_complex(a: Any) -> Tensor:
    x = sort(a)
    return x if x.is_complex() else x.to(np.complex64 if x.dtype.char in "bBhH" else np.complex128)


def _at_places(choose: Callable[..., Any], a: Any, axis: Any, **settings: Any) -> Tensor:
    """The entries along an axis in the order that NumPy finds."""
    x = tensor(a)
    if axis is None:
        x, axis = shape.reshape(x, shape=(x.array.size,)), 0
    places = choose(x.array, axis=axis, **settings)
    return index.gather(x, constant(places), axis=axis % x.ndim)


def _quantile(function: Callable[..., Any], *, ignore_nan: bool = False) -> Callable[..., Any]:
    """A quantile of NumPy's: asked for the ranks 0, 1, ... it tells where between which of the sorted values it lies.

    For each of NumPy's methods is linear between neighbours in order, so that this is exact.
    """

    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Tensor:
        if weights is not None or records(q):
            raise TypeError(f"np.{function.__name__}: weights=, and a q that requires grad, are not recorded; call .detach() first")
        settings = {} if method is None else {"method": method}
        parts = () if q is None else (without_tensors(q),)
        x = tensor(a)
        rows = merged(x, axis)
        *others, n = rows.array.shape
        if not x.array.size:  # without entries there is no gradient
            return tensor(function(x.array, *parts, axis=axis, keepdims=keepdims is not GIVEN and keepdims, **settings))
        dtype = function(np.ones(1, x.dtype), *parts, **settings).dtype
        rows = shape.reshape(rows, shape=(-1, n))
        values = sort(rows)
        missing = np.isnan(values.array).sum(-1)
        counts = n - missing if ignore_nan else np.full(len(missing), n)
        size = np.shape(parts[0]) if parts else ()
        ranks = np.zeros((len(counts), *size))
        for count in np.unique(counts):
            if count:
                ranks[counts == count] = function(np.arange(count, dtype=np.float64), *parts, **settings)
        if not ignore_nan:
            ranks[missing > 0] = n - 1  # NaN stands last
        ranks = ranks.reshape(len(counts), -1)
        low, part = np.floor(ranks).astype(np.int64), ranks % 1
        below = index.gather(values, constant(low), axis=1).to(dtype)
        if part.any():
            above = index.gather(values, constant(np.ceil(ranks).astype(np.int64)), axis=1).to(dtype)
            with np.errstate(invalid="ignore"):  # between infinities
                between = below + (above - below) * constant(part.astype(dtype))
            below = elementwise.where(constant(part == 0), below, between)
        result = shape.reshape(shape.mT(below), shape=(*size, *others))
        return kept(result, x, axis, keepdims, size)

    return quantile


percentile, quantile = _quantile(np.percentile), _quantile(np.quantile)
nanpercentile, nanquantile = _quantile(np.percentile, ignore_nan=True), _quantile(np.quantile, ignore_nan=True)
_median, _nanmedian = _quantile(np.median), _quantile(np.median, ignore_nan=True)


def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Tensor:
    return _median(a, None, axis, method=None, keepdims=keepdims)


def nanmedian(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Tensor:
    return _nanmedian(a, None, axis, method=None, keepdims=keepdims)


# ---------------------------------------------------------------------- covariances


def _observations(m: Any, y: Any, rowvar: bool, dtype: Any) -> Tensor:
    """The variables as rows, in the dtype that NumPy computes in."""
    given = [tensor(v) for v in (m, y) if v is not None]
    if any(t.ndim > 2 for t in given):
        raise ValueError("np.cov: takes at most two dimensions")
    kind = np.result_type(*[t.dtype for t in given], np.float64) if dtype is None else np.dtype(dtype)
    rows = []
    for k, t in enumerate(given):
        t = shapes.atleast_2d(t.to(kind))
        rows.append(shape.mT(t) if not rowvar and t.array.shape[0] != 1 and (k or given[0].ndim == 2) else t)
    return rows[0] if len(rows) == 1 else joining.cat(rows, 0)


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Tensor:
    x = _observations(m, y, rowvar, dtype)
    weights = {name: tensor(w) for name, w in (("fweights", fweights), ("aweights", aweights)) if w is not None}
    if "aweights" in weights:
        weights["aweights"] = weights["aweights"].to(x.array.real.dtype)
    less = ddof if ddof is not None else 0 if bias else 1
    return statistics.cov(x, correction=less, **weights)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Tensor:
    return statistics.corrcoef(_observations(x, y, rowvar, dtype))


# ---------------------------------------------------------------------- counting


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Tensor:
    w = None if weights is None else tensor(weights).to(np.float64)
    return statistics.bincount(tensor(x), w, minlength)


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Tensor:
    """The edges move with the smallest and the largest entry, unless a range or the edges themselves are given."""
    if isinstance(bins, str):
        raise TypeError("np.histogram_bin_edges: bins that are estimated from tensors that require grad are not recorded; give a number")
    if np.ndim(without_tensors(bins)):
        return tensor(bins)
    x = tensor(a)
    low, high = (x.min(), x.max()) if range is None and x.array.size else (tensor(v) for v in range or (0.0, 1.0))
    if low.array > high.array or not np.isfinite([low.array, high.array]).all():
        raise ValueError("np.histogram: the range must be finite, and its maximum larger than its minimum")
    if low.array == high.array:
        low, high = low - 0.5, high + 0.5
    return linspace(low, high, int(bins) + 1, dtype=common_dtype(*(range or (0.0, 1.0)), x))


def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> tuple[Tensor, Tensor]:
    """How many entries lie in each bin, which has no gradient, and the bins' edges, which may have one."""
    if records(weights):
        raise TypeError("np.histogram: weights that require grad are not recorded; call .detach() first if that is meant")
    edges = histogram_bin_edges(a, bins, range)
    found = np.histogram(without_tensors(a), without_tensors(bins), range, weights=without_tensors(weights))[0]
    counts = constant(np.asarray(found))
    if density:
        widths = edges[1:] - edges[:-1]
        counts = counts.to(common_dtype(counts, widths)) / widths / float(found.sum())
    return counts, edges
