"""PyTorch's reductions: `dim` and `keepdim`, or NumPy's `axis` and `keepdims`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops import elementwise, reduce, shape
from ..ops import softmax as softmaxes
from ..tensor import Tensor
from .arguments import both_names, need_tensor, one_dim
from .extremes import amax, amin, axis_of
from .joining import cat
from .shapes import movedim, unsqueeze
from .types import to

METHODS = "sum mean nansum nanmean prod var std all any count_nonzero norm logsumexp softmax log_softmax"
FUNCTIONS = "var_mean std_mean"


def _reduction(name: str, op: Any) -> Callable[..., Any]:
    def reduction(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        input = need_tensor(name, input)
        if dtype is not None:
            input = to(input, dtype)
        out = op(input, axis=axis_of(name, input, dim), keepdims=keepdim)
        return out if dtype is None else to(out, dtype)

    reduction.__name__ = reduction.__qualname__ = name
    reduction.__doc__ = op.__doc__ or f"The {name} over `dim` (all dimensions when left out)."
    return both_names(reduction)


sum, mean, logsumexp = (_reduction(name, getattr(reduce, name)) for name in ("sum", "mean", "logsumexp"))


def _truth(name: str, op: Any) -> Callable[..., Any]:
    def truth(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        input = need_tensor(name, input)
        if isinstance(dim, Sequence) and not dim:
            out = input != 0
        else:
            out = op(input, axis=axis_of(name, input, dim), keepdims=keepdim)
        return to(out, np.uint8) if input.dtype == np.uint8 else out

    truth.__name__ = truth.__qualname__ = name
    truth.__doc__ = f"Whether {name} elements over `dim` are not zero: booleans, of uint8 tensors uint8. The dims () are none."
    return both_names(truth)


all, any = _truth("all", reduce.all), _truth("any", reduce.any)


@both_names
def count_nonzero(input: Any, dim: Any = None) -> Tensor:
    """How many elements over `dim` are not zero."""
    input = need_tensor("count_nonzero", input)
    return reduce.count_nonzero(input, axis=axis_of("count_nonzero", input, dim))


@both_names
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over `dim` of what is not NaN. Raises RuntimeError for complex tensors."""
    input = need_tensor("nansum", input)
    if input.dtype.kind == "c":
        raise RuntimeError("nansum: not for complex tensors")
    return sum(known(input), dim, keepdim, dtype=dtype)


@both_names
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over `dim` of what is not NaN. Raises RuntimeError for integers."""
    input = need_tensor("nanmean", input)
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"nanmean: needs a floating-point or complex tensor, got {input.dtype}; convert it first, e.g. t.float()")
    if dtype is not None:
        input = to(input, dtype)
    n = to(sum(~elementwise.isnan(input), dim, keepdim), np.float64)
    total = sum(known(to(input, np.float32) if input.dtype == np.float16 else input), dim, keepdim)
    return to(total / elementwise.where(n == 0, np.nan, n), input.dtype)


def known(input: Tensor) -> Tensor:
    """The input with zeros for NaN."""
    return elementwise.where(elementwise.isnan(input), 0, input) if input.dtype.kind in "fc" else input


@both_names
def var(input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None) -> Tensor:
    """The variance over `dim`; the denominator is the count less `correction` (1 unless given)."""
    return _moment("var", reduce.var, input, dim, unbiased, keepdim, correction)


@both_names
def var_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Tensor, Tensor]:
    """`var` and `mean` over `dim`."""
    return _with_mean("var_mean", reduce.var, input, dim, unbiased, keepdim, correction)


@both_names
def std_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Tensor, Tensor]:
    """`std` and `mean` over `dim`."""
    return _with_mean("std_mean", reduce.std, input, dim, unbiased, keepdim, correction)


def _with_mean(name: str, op: Any, input: Any, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> tuple[Tensor, Tensor]:
    return _moment(name, op, input, dim, unbiased, keepdim, correction), mean(input, None if isinstance(dim, bool) else dim, keepdim)


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
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: needs a floating-point tensor, got {input.dtype}; convert it first, e.g. t.float()")
    less = correction if correction is not None else int(unbiased is None or unbiased)
    return op(input, axis=axis_of(name, input, dim), correction=less, keepdims=keepdim)


@both_names
def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over `dim`, made of products of halves: so its derivatives of all orders hold at zeros too."""
    input = need_tensor("prod", input)
    axis = None if dim is None else one_dim("prod", input.ndim, dim)
    wanted = np.dtype(dtype) if dtype is not None else input.dtype if input.dtype.kind in "fc" else np.dtype(np.int64)
    x = to(input, np.float32 if wanted == np.float16 else wanted)
    x = shape.reshape(x, shape=(-1,)) if axis is None or not x.ndim else movedim(x, axis, -1)
    n = x.shape[-1]
    while n > 1:
        half = n // 2
        pairs = x[..., :half] * x[..., half : 2 * half]
        x = pairs if n % 2 == 0 else cat([pairs, x[..., 2 * half :]], -1)
        n = half + n % 2
    out = to(x[..., 0] if n else reduce.sum(x, axis=-1) + 1, wanted)
    if np.may_share_memory(out.array, input.array):  # of one factor
        out = shape.clone(out)
    if not keepdim or not input.ndim:
        return out
    return out.reshape((1,) * input.ndim) if axis is None else unsqueeze(out, axis)


@both_names
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """(Σ |x|^p)^(1/p) over `dim`; p may be "fro" (2), 0 (how many are not zero), inf and -inf too. Raises RuntimeError for integers."""
    input = need_tensor("norm", input)
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"norm: needs a floating-point or complex tensor, got {input.dtype}; convert it first, e.g. t.float()")
    if dtype is not None:
        input = to(input, dtype)
    axis = axis_of("norm", input, dim)
    if p is None or p in (2, "fro"):
        return reduce.euclidean_norm(input, axis=axis, keepdims=keepdim)
    if isinstance(p, str):
        raise ValueError(f"norm: p is a number or 'fro', got {p!r}; for norms of matrices there is linalg.matrix_norm")
    if p == 0:
        return sum(to(input != 0, input.array.real.dtype), axis, keepdim)
    sizes = elementwise.abs(input)
    if p in (float("inf"), -float("inf")):
        return (amax if p > 0 else amin)(sizes, axis, keepdim)
    return sum(sizes, axis, keepdim) if p == 1 else reduce.p_norm(input, p=p, axis=axis, keepdims=keepdim)


@both_names
def softmax(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along `dim`."""
    input = need_tensor("softmax", input) if dtype is None else to(input, dtype)
    axis = one_dim("softmax", input.ndim, dim)
    return softmaxes.softmax(input, axis=axis) if input.ndim else input * 0 + 1


@both_names
def log_softmax(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """x - log Σ eˣ along `dim`."""
    input = need_tensor("log_softmax", input) if dtype is None else to(input, dtype)
    axis = one_dim("log_softmax", input.ndim, dim)
    return softmaxes.log_softmax(input, axis=axis) if input.ndim else input * 0
