"""PyTorch's quantiles, covariances and histograms."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from ..dtypes import get_default_dtype
from ..errors import ShapeError
from ..ops import elementwise, index, linalg, order
from ..tensor import Tensor, constant
from .arguments import both_names, need_tensor, one_dim
from .complex import conj
from .reductions import count_nonzero
from .shapes import movedim, reshape
from .sorting import sort
from .types import to

METHODS = "quantile nanquantile cov corrcoef bincount histc histogram"

histogram_result = namedtuple("histogram_result", ("hist", "bin_edges"))


# ---------------------------------------------------------------------- quantiles


@both_names
def quantile(input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Tensor:
    """The values below which the parts `q` (a number, or a vector: then a new first dimension) of the entries along `dim` lie.

    Between two entries by `interpolation`: "linear", "lower", "higher", "midpoint" or "nearest". NaN if there is one. Raises
    RuntimeError for other dtypes than float32 and float64, empty tensors, and q outside of [0, 1].
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, ignore_nan=False)


@both_names
def nanquantile(input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Tensor:
    """As `quantile`, of the entries that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, ignore_nan=True)


INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(name: str, input: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool) -> Tensor:
    input = need_tensor(name, input)
    q = checked_parts(name, input, q)
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(f"{name}: interpolation is one of {', '.join(INTERPOLATIONS)}; got {interpolation!r}")
    axis = None if dim is None else one_dim(name, input.ndim, dim)
    x = reshape(input, -1) if axis is None or not input.ndim else movedim(input, axis, -1)
    n = x.array.shape[-1]
    values = sort(x).values
    missing = elementwise.isnan(values)
    if ignore_nan:
        last = elementwise.clamp(n - 1 - count_nonzero(missing, -1), low=0)
    else:
        last = constant(np.full(x.array.shape[:-1], n - 1))
    parts = reshape(q, -1)
    rank = to(reshape(last, *last.shape, 1), x.dtype) * parts
    if not ignore_nan:
        rank = elementwise.where(missing[..., -1:], n - 1, rank)
    out = movedim(between(values, rank, interpolation), -1, 0)
    if keepdim and input.ndim:
        kept = (1,) * input.ndim if axis is None else tuple(1 if k == axis else m for k, m in enumerate(input.array.shape))
        out = reshape(out, out.array.shape[0], *kept)
    return out if q.ndim else out[0]


def checked_parts(name: str, input: Tensor, q: Any) -> Tensor:
    """q as a Tensor of the input's dtype, if both are what they should be."""
    if input.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"{name}: the input must be float32 or float64, got {input.dtype}")
    if not input.array.size:
        raise RuntimeError(f"{name}: the input must not be empty, got shape {tuple(input.shape)}")
    if not isinstance(q, Tensor):
        if not isinstance(q, int | float):
            raise TypeError(f"{name}: q is a number or a Tensor, got a {type(q).__name__}")
        q = constant(np.asarray(q, input.dtype))
    if q.ndim > 1:
        raise ShapeError(f"{name}: q must be a number or a vector, got shape {tuple(q.shape)}")
    if q.dtype != input.dtype:
        raise RuntimeError(f"{name}: q is {q.dtype}, but the input {input.dtype}")
    if not ((q.array >= 0) & (q.array <= 1)).all():
        raise RuntimeError(f"{name}: q must lie in [0, 1]")
    return q


def between(values: Tensor, rank: Tensor, interpolation: str) -> Tensor:
    """What stands at a rank (from 0, not whole) in sorted values."""
    rounded = {"lower": elementwise.floor, "higher": elementwise.ceil, "nearest": elementwise.round}
    at = lambda place: index.gather(values, to(place, np.int64), axis=values.ndim - 1)
    if interpolation in rounded:
        return at(rounded[interpolation](rank))
    below = elementwise.floor(rank)
    low, high = at(below), at(elementwise.ceil(rank))
    return elementwise.lerp(low, high, 0.5 if interpolation == "midpoint" else rank - below)


# ---------------------------------------------------------------------- covariances


def cov(input: Any, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
    """The covariances of the rows of a matrix, whose columns are observations; of a vector its variance.

    `fweights` (integers) say how often an observation was made, `aweights` (floats) how much it counts. The denominator is the
    sum of the weights less `correction` times their mean, weighted by `aweights`. Raises RuntimeError for weights that do not fit.
    """
    input = need_tensor("cov", input)
    if input.ndim > 2:
        raise RuntimeError(f"cov: needs at most two dimensions, got {tuple(input.shape)}")
    if input.dtype.kind == "b":
        raise RuntimeError("cov: not for boolean tensors")
    x = input if input.dtype.kind in "fc" else to(input, get_default_dtype())
    x = reshape(x, 1, -1) if x.ndim < 2 else x
    n = x.array.shape[1]
    weights = checked_weights(n, fweights, aweights)
    if weights is None:
        total = n
        mean = x.sum(1, keepdim=True) / n if n else x.sum(1, keepdim=True) * np.nan
        norm: Any = n - correction
    else:
        total = weights.sum()
        if n and total.item() == 0:
            raise RuntimeError("cov: the weights sum to zero")
        mean = (x * weights).sum(1, keepdim=True) / total
        norm = total - (correction * (weights * aweights).sum() / total if correction and aweights is not None else correction)
    if norm <= 0:
        norm = norm * 0
    deviation = x - mean
    weighted = deviation if weights is None else deviation * weights
    with np.errstate(divide="ignore", invalid="ignore"):  # of too few observations there is none
        out = linalg.matmul(weighted, conj(deviation).mT) / norm
    return squeezed_matrix(out)


def checked_weights(n: int, fweights: Any, aweights: Any) -> Tensor | None:
    """The product of the weights that are given. Raises RuntimeError if they are not as they should be."""
    found = None
    for name, weights, kinds in (("fweights", fweights, "iu"), ("aweights", aweights, "f")):
        if weights is None:
            continue
        if need_tensor("cov", weights).ndim > 1 or weights.numel() != n:
            raise ShapeError(f"cov: {name} of shape {tuple(weights.shape)} must be a vector with one weight for each of {n} observations")
        if weights.dtype.kind not in kinds:
            raise RuntimeError(f"cov: {name} must be {'integers' if kinds == 'iu' else 'floating-point'}, got {weights.dtype}")
        if weights.array.size and weights.array.min() < 0:
            raise RuntimeError(f"cov: {name} must not be negative")
        found = weights if found is None else found * weights
    return found


def squeezed_matrix(x: Tensor) -> Tensor:
    """A matrix of one element as a 0-d tensor."""
    return reshape(x, ()) if x.array.shape == (1, 1) else x


def corrcoef(input: Any) -> Tensor:
    """Pearson's correlation coefficients of the rows of a matrix: covariances over the products of standard deviations, in [-1, 1]."""
    if need_tensor("corrcoef", input).ndim > 2:
        raise RuntimeError(f"corrcoef: needs at most two dimensions, got {tuple(input.shape)}")
    c = cov(input)
    if not c.ndim:
        return c / c
    deviation = elementwise.sqrt(elementwise.real(c.diagonal()) if c.is_complex() else c.diagonal())
    out = c / reshape(deviation, -1, 1) / deviation
    if not out.is_complex():
        return elementwise.clamp(out, low=-1, high=1)
    return elementwise.complex(*[elementwise.clamp(part(out), low=-1, high=1) for part in (elementwise.real, elementwise.imag)])


# ---------------------------------------------------------------------- counting


def bincount(input: Any, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each whole number from 0 on is in a vector, or the sum of its `weights` there, at least `minlength` entries.

    Raises RuntimeError for negative numbers and floats.
    """
    input = need_tensor("bincount", input)
    if input.ndim != 1 or input.dtype.kind not in "iu" or (input.array.size and input.array.min() < 0):
        raise RuntimeError(f"bincount: needs a vector of integers that are not negative, got {input.dtype} of shape {tuple(input.shape)}")
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength must not be negative, got {minlength}")
    if weights is None or not input.array.size:
        return constant(np.bincount(input.array, minlength=minlength))
    if need_tensor("bincount", weights).array.shape != input.array.shape:
        raise ShapeError(f"bincount: weights {tuple(weights.shape)} must have the input's shape {tuple(input.shape)}")
    length = max(int(input.array.max()) + 1, minlength)
    return index.scatter_add(to(weights, np.float32 if weights.dtype == np.float32 else np.float64), input, axis=0, shape=(length,))


def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal bins from `min` to `max`, both included; of the input where they are equal.

    Without a gradient. Raises RuntimeError for bounds that are not finite.
    """
    input = need_tensor("histc", input)
    if input.dtype.kind != "f":
        raise RuntimeError(f"histc: needs a floating-point tensor, got {input.dtype}")
    low, high = bounds("histc", input.array, bins, min, max, margin=1)
    which = bins_of(input.array.reshape(-1), low, high, bins)
    return constant(np.bincount(which[which >= 0], minlength=bins).astype(input.dtype))


def histogram(input: Any, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: bool = False) -> Any:
    """`(hist, bin_edges)`: how many elements (or how much `weight`) fall into each bin.

    `bins` are their edges, ascending, or how many equal ones there are in `range` (of the input unless given); the last
    bin includes its upper edge. `density` divides by the total and the widths. Raises RuntimeError for other dtypes than
    float32 and float64.
    """
    input = need_tensor("histogram", input)
    if input.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"histogram: needs a float32 or float64 tensor, got {input.dtype}")
    given = [t for t in (weight, bins) if isinstance(t, Tensor)]
    if any(t.dtype != input.dtype for t in given):
        raise RuntimeError(f"histogram: the input is {input.dtype}, but weight or bins are {', '.join(str(t.dtype) for t in given)}")
    if weight is not None and weight.array.shape != input.array.shape:
        raise ShapeError(f"histogram: weight {tuple(weight.shape)} must have the input's shape {tuple(input.shape)}")
    x = input.array.reshape(-1)
    if isinstance(bins, Tensor):
        edges = bins.detach()
        count = edges.array.size - 1
        which = order.searchsorted(edges.array, x, right=True) - 1
        which = np.where((which == count) & (x == edges.array[-1]), count - 1, np.where(which == count, -1, which))
    else:
        count = bins
        low, high = bounds("histogram", x, bins, *(range or (0, 0)), margin=0.5)
        edges = constant(np.linspace(low, high, bins + 1, dtype=input.dtype))
        which = bins_of(x, low, high, bins)
    inside = which >= 0
    each = constant(np.ones(int(inside.sum()), input.dtype)) if weight is None else reshape(weight, -1)[constant(inside)]
    hist = index.scatter_add(each, constant(which[inside]), axis=0, shape=(count,))
    if density:
        with np.errstate(invalid="ignore"):  # of nothing there is none
            hist = hist / hist.sum() / constant(np.diff(edges.array))
    return histogram_result(hist, edges)


def bounds(name: str, x: Any, bins: int, low: float, high: float, *, margin: float) -> tuple[float, float]:
    """From where to where the bins go. Raises RuntimeError if there can be none."""
    if bins < 1:
        raise RuntimeError(f"{name}: the number of bins must be positive, got {bins}")
    if low == high:
        low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: the range from {low} to {high} is not finite")
    if low > high:
        raise RuntimeError(f"{name}: max must be larger than min, got {low} and {high}")
    return (low, high) if low < high else (low - margin, high + margin)


def bins_of(x: Any, low: float, high: float, bins: int) -> Any:
    """The number of the bin that each element of a vector falls into, -1 outside of all."""
    inside = (x >= low) & (x <= high)
    place = (np.where(inside, x, low) - low) * bins / (high - low)
    return np.where(inside, np.minimum(place.astype(np.int64), bins - 1), -1)
