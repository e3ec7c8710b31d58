"""NumPy's sums, products, moments, extremes and running sums, over Tensors that record; also those that pass over NaN."""

from __future__ import annotations

from collections.abc import Callable
from math import prod as product
from typing import Any

import numpy as np

from ..ops import elementwise, shape
from ..tensor import Tensor, constant
from . import extremes, reductions, scans, shapes
from .joining import cat
from .numpy_arguments import axes_of, in_dtype, tensor, weak

FUNCTIONS = """
    sum prod mean var std max min amax amin ptp average cumsum cumprod cumulative_sum cumulative_prod
    nansum nanprod nanmean nanvar nanstd nanmax nanmin nancumsum nancumprod
"""
GIVEN = np._NoValue  # type: ignore[attr-defined]  # NumPy's mark of an argument that was left out


def over(function: Callable[..., Any], x: Tensor, axis: Any, keepdims: Any, **settings: Any) -> Tensor:
    """A reduction of ours over NumPy's axes: of `()`, over nothing, where PyTorch's are all."""
    axes = axes_of(x.ndim, axis)
    keepdims = keepdims is not GIVEN and bool(keepdims)
    if not axes:
        return function(shapes.unsqueeze(x, -1), -1, **settings)
    return function(x, axes, keepdim=keepdims, **settings)


def merged(x: Tensor, axis: Any) -> Tensor:
    """x with these axes as one, the last."""
    axes = axes_of(x.ndim, axis)
    rest = [k for k in range(x.ndim) if k not in axes]
    order = (*rest, *axes)
    moved = x if order == tuple(range(x.ndim)) else shape.transpose(x, axes=order)
    sizes = x.array.shape
    return shape.reshape(moved, shape=(*(sizes[k] for k in rest), product(sizes[k] for k in axes)))


def kept(out: Tensor, whole: Tensor, axis: Any, keepdims: Any, front: tuple[int, ...] = ()) -> Tensor:
    """What was reduced over these axes of `whole`, with lengths of one for them if they are to be kept."""
    if keepdims is GIVEN or not keepdims:
        return out
    axes = axes_of(whole.ndim, axis)
    return shape.reshape(out, shape=front + tuple(1 if k in axes else n for k, n in enumerate(whole.array.shape)))


def filled(x: Tensor, where: Any, value: Any) -> Tensor:
    """x with a value where it is not to count."""
    if where is True or where is GIVEN:
        return x
    chosen = constant(np.asarray(tensor(where).array, np.bool_))
    return elementwise.where(shapes.expand(chosen, x.array.shape), x, value)


def of_number(x: Tensor, axis: Any) -> Any:
    """The axis 0 or -1 of a number is none: so NumPy's ufuncs have it."""
    return None if not x.ndim and axis in (0, -1) else axis


# ---------------------------------------------------------------------- sums, products, extremes


def sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = GIVEN, where: Any = True
) -> Tensor:
    x = filled(in_dtype(a, dtype), where, 0)
    total = over(reductions.sum, x, of_number(x, axis), keepdims)
    return total if initial is GIVEN else elementwise.add(total, weak(initial))


def prod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = GIVEN, where: Any = True
) -> Tensor:
    x = filled(in_dtype(a, dtype), where, 1)
    axis = of_number(x, axis)
    total = kept(reductions.prod(merged(x, axis), -1), x, axis, keepdims)
    return total if initial is GIVEN else elementwise.mul(total, weak(initial))


def _extreme(function: Callable[..., Any], choose: Any) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = GIVEN, where: Any = True) -> Tensor:
        x = tensor(a)
        axis = of_number(x, axis)
        if initial is GIVEN:
            if where is not True and where is not GIVEN:
                raise ValueError(f"np.{function.__name__}: where= needs initial=, for where nothing is chosen")
            return over(function, x, axis, keepdims)
        x = filled(x, where, weak(initial))
        if 0 in [x.array.shape[k] for k in axes_of(x.ndim, axis)]:
            return elementwise.add(over(reductions.sum, x, axis, keepdims), weak(initial))
        return choose(over(function, x, axis, keepdims), weak(initial))

    return extreme


max = amax = _extreme(extremes.amax, elementwise.maximum)
min = amin = _extreme(extremes.amin, elementwise.minimum)


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Tensor:
    return elementwise.sub(max(a, axis, None, keepdims), min(a, axis, None, keepdims))


# ---------------------------------------------------------------------- moments


def fractions(a: Any, dtype: Any) -> Tensor:
    """In this dtype, or as NumPy takes means: of whole numbers in float64."""
    x = in_dtype(a, dtype)
    return x if x.dtype.kind in "fc" else x.to(np.float64)


def counted(x: Tensor, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many entries count in each sum."""
    if where is True or where is GIVEN:
        return product(x.array.shape[k] for k in axes_of(x.ndim, axis))
    chosen = np.broadcast_to(np.asarray(tensor(where).array, np.bool_), x.array.shape)
    counts = np.sum(chosen, axis=axis if axis is None else axes_of(x.ndim, axis), keepdims=keepdims is not GIVEN and bool(keepdims))
    return constant(np.asarray(counts, x.array.real.dtype))


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Tensor:
    x = fractions(a, dtype)
    if where is True or where is GIVEN:
        return over(reductions.mean, x, axis, keepdims)
    return elementwise.div(sum(x, axis, None, None, keepdims, where=where), counted(x, axis, keepdims, where))


def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = GIVEN,
    correction: Any = GIVEN,
) -> Tensor:
    if correction is not GIVEN:
        if ddof:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    x = fractions(a, dtype)
    if (where is True or where is GIVEN) and mean is GIVEN:
        return over(reductions.var, x, axis, keepdims, correction=ddof)
    middle = _mean(x, axis, keepdims=True, where=where) if mean is GIVEN else mean
    deviation = filled(elementwise.sub(filled(x, where, 0), middle), where, 0)
    squares = elementwise.square(deviation) if x.dtype.kind == "f" else elementwise.square(elementwise.abs(deviation))
    freedom = counted(x, axis, keepdims, where) - ddof
    return elementwise.div(sum(squares, axis, None, None, keepdims, where=where), elementwise.maximum(tensor(freedom), 0).to(squares.dtype))


_mean = mean


def std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **settings: Any) -> Tensor:
    if settings.keys() <= {"correction"} and not (ddof and settings):
        return over(reductions.std, fractions(a, dtype), axis, keepdims, correction=settings.get("correction", ddof))
    return elementwise.sqrt(var(a, axis, dtype, None, ddof, keepdims, **settings))


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    x = tensor(a)
    if weights is None:
        result = mean(x, axis, keepdims=keepdims)
        total = tensor(counted(x, axis, keepdims, True)).to(result.dtype)
    else:
        w = tensor(weights)
        if w.array.shape != x.array.shape:
            if axis is None:
                raise TypeError("np.average: axis= must be given where a and weights differ in shape")
            axes = axes_of(x.ndim, axis)
            if w.array.shape != tuple(x.array.shape[k] for k in axes):
                raise ValueError(f"np.average: weights {tuple(w.shape)} must have the shape of a {tuple(x.shape)} along axis {axis}")
            places = np.argsort(axes)
            w = shape.transpose(w, axes=tuple(int(k) for k in places))
            w = shape.reshape(w, shape=tuple(n if k in axes else 1 for k, n in enumerate(x.array.shape)))
        dtype = np.result_type(x.dtype, w.dtype)
        w = shapes.expand(w.to(dtype), x.array.shape)
        total = sum(w, axis, keepdims=keepdims)
        if (total.array == 0).any():
            raise ZeroDivisionError("np.average: the weights sum to zero")
        result = elementwise.div(sum(elementwise.mul(x.to(dtype), w), axis, keepdims=keepdims), total)
    return (result, shapes.expand(total, result.array.shape)) if returned else result


# ---------------------------------------------------------------------- running sums and products


def _running(scan: Callable[..., Any]) -> Callable[..., Any]:
    def running(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tensor:
        x = in_dtype(a, dtype)
        if axis is None or not x.ndim:
            x, axis = shape.reshape(x, shape=(x.array.size,)), axis or 0
        return scan(x, axes_of(x.ndim, axis)[0])

    return running


cumsum, cumprod = _running(scans.cumsum), _running(scans.cumprod)


def _cumulative(name: str, scan: Callable[..., Any], start: int) -> Callable[..., Any]:
    def cumulative(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: bool = False) -> Tensor:
        x = in_dtype(x, dtype)
        if axis is None and x.ndim > 1:
            raise ValueError(f"np.{name}: axis= must be given for an array of {x.ndim} dimensions")
        if not x.ndim:
            x = shapes.unsqueeze(x, 0)
        axis = 0 if axis is None else axes_of(x.ndim, axis)[0]
        result = scan(x, axis)
        if not include_initial:
            return result
        first = np.full([1 if k == axis else n for k, n in enumerate(x.array.shape)], start, result.dtype)
        return cat([constant(first), result], axis)

    return cumulative


cumulative_sum = _cumulative("cumulative_sum", scans.cumsum, 0)
cumulative_prod = _cumulative("cumulative_prod", scans.cumprod, 1)


# ---------------------------------------------------------------------- passing over NaN


def known(x: Tensor, where: Any = True) -> Any:
    """Where there is a number, of what is to count."""
    numbers = elementwise.logical_not(elementwise.isnan(x))
    return numbers if where is True or where is GIVEN else elementwise.logical_and(numbers, tensor(where))


def _without_nan(function: Callable[..., Any], value: Any) -> Callable[..., Any]:
    def without_nan(a: Any, *args: Any, **settings: Any) -> Tensor:
        x = tensor(a)
        return function(filled(x, known(x), value), *args, **settings)

    return without_nan


nansum, nanprod = _without_nan(sum, 0), _without_nan(prod, 1)
nancumsum, nancumprod = _without_nan(cumsum, 0), _without_nan(cumprod, 1)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Tensor:
    x = in_dtype(a, dtype)
    return mean(x, axis, None, None, keepdims, where=known(x, where))


def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, *, where: Any = True, **given: Any
) -> Tensor:
    x = in_dtype(a, dtype)
    return var(x, axis, None, None, ddof, keepdims, where=known(x, where), **given)


def nanstd(*args: Any, **settings: Any) -> Tensor:
    return elementwise.sqrt(nanvar(*args, **settings))


def _known_extreme(extreme: Callable[..., Any], worst: float) -> Callable[..., Any]:
    def known_extreme(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = GIVEN, where: Any = True) -> Tensor:
        x = tensor(a)
        numbers = known(x, where)
        result = extreme(filled(x, numbers, worst), axis, None, keepdims, initial)
        if initial is not GIVEN:
            return result
        none = over(reductions.any, numbers, of_number(x, axis), keepdims).array
        return result if none.all() else elementwise.masked_fill(result, constant(~none), value=float("nan"))

    return known_extreme


nanmax, nanmin = _known_extreme(max, -np.inf), _known_extreme(min, np.inf)


# ---------------------------------------------------------------------- `ufunc.reduce`


def _of_extreme(extreme: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, axis, dtype=None, **settings: extreme(in_dtype(a, dtype), axis, **settings)


def _logsumexp(a: Any, axis: Any, dtype: Any = None, keepdims: Any = False) -> Tensor:
    return over(reductions.logsumexp, in_dtype(a, dtype), axis, keepdims)


OF_UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: sum,
    np.multiply: prod,
    np.maximum: _of_extreme(max),
    np.minimum: _of_extreme(min),
    np.fmax: _of_extreme(nanmax),
    np.fmin: _of_extreme(nanmin),
    np.logaddexp: _logsumexp,
    np.logical_and: lambda a, axis, keepdims=False: over(reductions.all, tensor(a), axis, keepdims),
    np.logical_or: lambda a, axis, keepdims=False: over(reductions.any, tensor(a), axis, keepdims),
}
