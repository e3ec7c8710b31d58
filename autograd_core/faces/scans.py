"""PyTorch's running sums, products and extremes along a dimension, differences, and areas under curves."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from ..errors import ShapeError
from ..ops import elementwise, scan
from ..tensor import Tensor
from .arguments import both_names, need_tensor, one_dim
from .extremes import ordered, picked
from .joining import cat, narrow
from .shapes import reshape
from .types import to

METHODS = "cumsum cumprod cummax cummin logcumsumexp diff"
FUNCTIONS = "trapezoid trapz cumulative_trapezoid gradient"
IN_PLACE = "cumsum cumprod"

cummax_result = namedtuple("cummax_result", ("values", "indices"))
cummin_result = namedtuple("cummin_result", ("values", "indices"))


@both_names
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """Sums up to and including each entry along `dim`; integers in int64 unless a dtype is given."""
    return _scanned("cumsum", scan.cumsum, input, dim, dtype)


@both_names
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """Products up to and including each entry along `dim`; integers in int64 unless a dtype is given."""
    return _scanned("cumprod", scan.cumprod, input, dim, dtype)


def _scanned(name: str, op: Any, input: Any, dim: int, dtype: Any) -> Tensor:
    input = need_tensor(name, input)
    if dtype is not None:
        input = to(input, dtype)
    axis = one_dim(name, input.ndim, dim)
    out = op(input, axis=axis) if input.ndim else reshape(op(reshape(input, 1), axis=0), ())
    return out if dtype is None else to(out, dtype)


@both_names
def logcumsumexp(input: Any, dim: int) -> Tensor:
    """log Σ eˣ of the entries up to and including each along `dim`, without overflow. Raises RuntimeError unless floating-point."""
    input = need_tensor("logcumsumexp", input)
    if not input.is_floating_point():
        raise RuntimeError(f"logcumsumexp: needs a floating-point tensor, got {input.dtype}")
    axis = one_dim("logcumsumexp", input.ndim, dim)
    return scan.logcumsumexp(input, axis=axis) if input.ndim else input.clone()


@both_names
def cummax(input: Any, dim: int) -> Any:
    """The largest `(values, indices)` so far along `dim`, of equals the last; NaN from the first NaN on."""
    input = ordered("cummax", input)
    return picked(cummax_result, input, one_dim("cummax", input.ndim, dim), True, scan.argcummax)


@both_names
def cummin(input: Any, dim: int) -> Any:
    """The smallest `(values, indices)` so far along `dim`, of equals the last; NaN from the first NaN on."""
    input = ordered("cummin", input)
    return picked(cummin_result, input, one_dim("cummin", input.ndim, dim), True, scan.argcummin)


# ---------------------------------------------------------------------- differences


def along(x: Tensor, axis: int, part: slice) -> Tensor:
    """A slice along one axis."""
    return x[(slice(None),) * axis + (part,)]


@both_names
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor:
    """Each entry along `dim` less the one before it, `n` times over; of booleans whether they differ.

    `prepend` and `append` are put before and after it first. Raises RuntimeError for a negative n and 0-d tensors.
    """
    input = need_tensor("diff", input)
    if not input.ndim:
        raise RuntimeError("diff: needs at least one dimension")
    axis = one_dim("diff", input.ndim, dim)
    if n < 0:
        raise RuntimeError(f"diff: n must not be negative, got {n}")
    if n == 0:
        return input.clone()
    if any(part is not None and part.ndim != input.ndim for part in (prepend, append)):
        raise ShapeError("diff: prepend and append must have as many dimensions as the input")
    if prepend is not None or append is not None:
        input = cat([part for part in (prepend, input, append) if part is not None], axis)
    less = elementwise.logical_xor if input.dtype.kind == "b" else elementwise.sub
    for _ in range(min(n, input.array.shape[axis])):
        input = less(along(input, axis, slice(1, None)), along(input, axis, slice(None, -1)))
    return input


@both_names
def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """The derivative along each dimension (or each of `dim`), estimated from neighbours: one tensor for each.

    `spacing` is a number, or for each dimension a number or a vector of coordinates. At the ends the estimate is of
    order `edge_order` (1 or 2). Second-order differences on an uneven grid: Fornberg, "Generation of finite difference
    formulas on arbitrarily spaced grids" (1988). Raises RuntimeError where lengths do not fit.
    """
    input = need_tensor("gradient", input)
    if input.dtype.kind in "bu":
        raise RuntimeError(f"gradient: not for {input.dtype} tensors; differences may be negative")
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order is 1 or 2, got {edge_order}")
    given = range(input.ndim) if dim is None else dim if isinstance(dim, Sequence) else (dim,)
    axes = [one_dim("gradient", input.ndim, d) for d in given]
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"gradient: a dim appears twice in {tuple(given)}")
    if isinstance(spacing, Tensor):
        raise TypeError("gradient: spacing is a number or a list with one for each dimension; put a vector of coordinates into a list")
    spacings = list(spacing) if isinstance(spacing, Sequence) else [spacing] * len(axes)
    if len(spacings) != len(axes):
        raise RuntimeError(f"gradient: {len(spacings)} spacings for {len(axes)} dimensions")
    for axis in axes:
        if input.array.shape[axis] <= edge_order:
            raise RuntimeError(f"gradient: dimension {axis} has {input.array.shape[axis]} entries; edge_order {edge_order} needs more")
    return tuple(_derivative(input, axis, h, edge_order) for axis, h in zip(axes, spacings, strict=True))


def _derivative(f: Tensor, axis: int, spacing: Any, edge_order: int) -> Tensor:
    """Along one axis, by parabolas through three neighbours; at the ends by them too, or by straight lines."""
    n = f.array.shape[axis]
    slopes = diff(f, dim=axis)
    share: Any = 0.5
    if isinstance(spacing, Tensor):
        if spacing.ndim != 1 or spacing.array.shape[0] != n:
            raise ShapeError(f"gradient: coordinates {tuple(spacing.shape)} for dimension {axis} of length {n}")
        steps = reshape(diff(spacing), -1, *(1,) * (f.ndim - 1 - axis))
        slopes = slopes / steps
        before, after = along(steps, 0, slice(None, -1)), along(steps, 0, slice(1, None))
        share = after / (before + after)
    else:
        slopes = slopes / spacing
    part = lambda x, *bounds: along(x, axis, slice(*bounds))
    left, right = part(slopes, 0, n - 2), part(slopes, 1, n - 1)
    inside = left * share + right * (1 - share)
    if edge_order == 1:
        first, last = part(slopes, 0, 1), part(slopes, n - 2, n - 1)
    else:
        first = part(slopes, 0, 1) * 2 - part(inside, 0, 1)
        last = part(slopes, n - 2, n - 1) * 2 - part(inside, n - 3, n - 2)
    return cat([first, inside, last], axis)


# ---------------------------------------------------------------------- areas under curves


@both_names
def trapezoid(y: Any, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The area under y along `dim` by the trapezoidal rule, at points `x` (a vector, or of y's shape) or `dx` apart."""
    if not need_tensor("trapezoid", y).ndim:
        raise IndexError("trapezoid: a 0-d tensor has no dimension to go along")
    axis = one_dim("trapezoid", y.ndim, dim)
    area = strips("trapezoid", y, x, dx, dim).sum(axis)
    return area if y.array.shape[axis] else to(area, y.dtype)


trapz = trapezoid


@both_names
def cumulative_trapezoid(y: Any, x: Tensor | None = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The area under y up to each entry but the first along `dim`, as `trapezoid`."""
    if not need_tensor("cumulative_trapezoid", y).ndim:
        raise IndexError("cumulative_trapezoid: a 0-d tensor has no dimension to go along")
    return cumsum(strips("cumulative_trapezoid", y, x, dx, dim), one_dim("cumulative_trapezoid", y.ndim, dim))


def strips(name: str, y: Tensor, x: Tensor | None, dx: Any, dim: int) -> Tensor:
    """The areas between neighbouring entries."""
    y = need_tensor(name, y)
    axis = one_dim(name, y.ndim, dim)
    if x is not None and dx is not None:
        raise TypeError(f"{name}: give x or dx, not both")
    if y.dtype.kind == "b" or (x is not None and x.dtype.kind == "b"):
        raise RuntimeError(f"{name}: not for boolean tensors")
    n = y.array.shape[axis]
    if n == 0:
        return to(y, elementwise.div(y, 1).dtype)
    means = (narrow(y, axis, 0, n - 1) + narrow(y, axis, 1, n - 1)) / 2
    if x is None:
        return means * (1 if dx is None else dx)
    points = reshape(x, -1, *(1,) * (y.ndim - 1 - axis)) if x.ndim == 1 else x
    if not points.ndim or points.array.shape[axis - y.ndim] != n:
        raise ShapeError(f"{name}: x of shape {tuple(x.shape)} must have one point for each of the {n} entries of dimension {axis} of y")
    return means * diff(points, dim=axis - y.ndim)
