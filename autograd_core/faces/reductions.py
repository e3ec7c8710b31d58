"""PyTorch's reductions: `dim` and `keepdim`, or NumPy's `axis` and `keepdims`."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import elementwise, reduce, shape
from ..ops import softmax as softmaxes
from ..tensor import Tensor, constant
from .arguments import both_names, dims, need_tensor, one_dim
from .shapes import cat, movedim, squeeze, to, unsqueeze

METHODS = "sum mean prod var std max min amax amin argmax argmin all any norm logsumexp cumsum softmax log_softmax"

max_result = namedtuple("max_result", ("values", "indices"))
min_result = namedtuple("min_result", ("values", "indices"))


def _reduction(name: str, op: Any) -> Callable[..., Any]:
    def reduction(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        input = need_tensor(name, input)
        if dtype is not None:
            input = to(input, dtype)
        axis = dims(name, input, dim)
        if input.ndim == 0:
            axis = None
        return op(input, axis=axis, keepdims=keepdim)

    reduction.__name__ = reduction.__qualname__ = name
    reduction.__doc__ = op.__doc__ or f"The {name} over `dim` (all dimensions when left out)."
    return both_names(reduction)


sum, mean = _reduction("sum", reduce.sum), _reduction("mean", reduce.mean)
amax, amin = _reduction("amax", reduce.amax), _reduction("amin", reduce.amin)
all, any = _reduction("all", reduce.all), _reduction("any", reduce.any)
argmax, argmin = _reduction("argmax", reduce.argmax), _reduction("argmin", reduce.argmin)
logsumexp = _reduction("logsumexp", reduce.logsumexp)


@both_names
def var(input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None) -> Tensor:
    """The variance over `dim`; the denominator is the count less `correction` (1 unless given)."""
    return _moment("var", reduce.var, input, dim, unbiased, keepdim, correction)


@both_names
def std(input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None) -> Tensor:
    """The standard deviation over `dim`, as `var`."""
    return _moment("std", reduce.std, input, dim, unbiased, keepdim, correction)


def _moment(name: str, op: Any, input: Any, dim: Any, unbiased: bool | None, keepdim: bool, correction: float | None) -> Tensor:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is not None and unbiased is not None:
        raise TypeError(f"{name}: give correction or unbiased, not both")
    input = need_tensor(name, input)
    if not input.is_floating_point():
        raise RuntimeError(f"{name}: needs a floating-point tensor, got {input.dtype}; convert it first, e.g. t.float()")
    less = correction if correction is not None else int(unbiased is None or unbiased)
    return op(input, axis=dims(name, input, dim) if input.ndim else None, correction=less, keepdims=keepdim)


@both_names
def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over `dim`, made of products of halves: so its derivatives of all orders hold at zeros too."""
    input = need_tensor("prod", input)
    if dtype is not None:
        input = to(input, dtype)
    elif input.dtype.kind in "bui":
        input = to(input, np.int64)
    x = shape.reshape(input, shape=(-1,)) if dim is None else movedim(input, one_dim("prod", input.ndim, dim), -1) if input.ndim else input
    n = x.shape[-1] if x.ndim else 1
    while n > 1:
        half = n // 2
        pairs = x[..., :half] * x[..., half : 2 * half]
        x = pairs if n % 2 == 0 else cat([pairs, x[..., 2 * half :]], -1)
        n = half + n % 2
    out = x if not x.ndim else x[..., 0] if n else reduce.sum(x, axis=-1) + 1
    if not keepdim:
        return out
    return out.reshape((1,) * input.ndim) if dim is None else unsqueeze(out, dim if dim >= 0 else dim + input.ndim)


def _max_or_min(name: str, whole: Any, choose: Any, other_op: Any, result: Any) -> Callable[..., Any]:
    def extreme(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        input = need_tensor(name, input)
        if isinstance(dim, Tensor):
            dim, other = None, dim
        if other is not None:
            return other_op(input, other)
        if dim is None:
            return whole(input)
        axis = one_dim(name, input.ndim, dim)
        if not input.ndim:
            return result(shape.clone(input), constant(np.zeros((), np.int64)))
        indices = choose(input, axis=axis, keepdims=True)
        values = shape.gather(input, index=indices.array, axis=axis)
        return result(values, indices) if keepdim else result(squeeze(values, axis), squeeze(indices, axis))

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = f"Of all elements; over `dim`: `(values, indices)`; with another tensor: element by element the {name}imum."
    return both_names(extreme)


max = _max_or_min("max", reduce.amax, reduce.argmax, elementwise.maximum, max_result)
min = _max_or_min("min", reduce.amin, reduce.argmin, elementwise.minimum, min_result)


@both_names
def norm(input: Any, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """(Σ |x|^p)^(1/p) over `dim`; p may be "fro" (2), 0 (how many are not zero), inf and -inf too."""
    input = need_tensor("norm", input)
    axis = dims("norm", input, dim) if input.ndim else None
    if p in (2, "fro"):
        return reduce.euclidean_norm(input, axis=axis, keepdims=keepdim)
    if p == float("inf") or p == -float("inf"):
        return (reduce.amax if p > 0 else reduce.amin)(elementwise.abs(input), axis=axis, keepdims=keepdim)
    if p == 0:
        return sum(to(input != 0, input.dtype), axis, keepdim)
    if isinstance(p, str):
        raise ValueError(f"norm: p is a number or 'fro', got {p!r}")
    return reduce.p_norm(input, p=p, axis=axis, keepdims=keepdim) if p != 1 else sum(elementwise.abs(input), axis, keepdim)


@both_names
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """Sums up to and including each entry along `dim`."""
    input = need_tensor("cumsum", input) if dtype is None else to(input, dtype)
    return reduce.cumsum(input, axis=one_dim("cumsum", input.ndim, dim)) if input.ndim else shape.clone(input)


@both_names
def softmax(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along `dim`."""
    input = need_tensor("softmax", input) if dtype is None else to(input, dtype)
    return softmaxes.softmax(input, axis=one_dim("softmax", input.ndim, dim)) if input.ndim else input * 0 + 1


@both_names
def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """x - log Σ eˣ along `dim`."""
    input = need_tensor("log_softmax", input) if dtype is None else to(input, dtype)
    return softmaxes.log_softmax(input, axis=one_dim("log_softmax", input.ndim, dim)) if input.ndim else input * 0
