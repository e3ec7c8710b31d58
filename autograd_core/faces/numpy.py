"""NumPy's protocols: `np.sin(t)`, `np.sum(t, axis=0)` and `array * t` record as the tensor's own operations do.

What cannot be differentiated through raises for a tensor that records; a gradient is never lost in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ..ops import elementwise, linalg, shape
from ..tensor import Tensor, constant
from . import pointwise, reductions, shapes

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    getattr(np, theirs): getattr(elementwise, ours)
    for theirs, ours in {
        "add": "add",
        "subtract": "sub",
        "multiply": "mul",
        "divide": "div",
        "floor_divide": "floor_divide",
        "remainder": "remainder",
        "negative": "neg",
        "absolute": "abs",
        "sign": "sign",
        "square": "square",
        "sqrt": "sqrt",
        "reciprocal": "reciprocal",
        "exp": "exp",
        "exp2": "exp2",
        "expm1": "expm1",
        "log": "log",
        "log2": "log2",
        "log10": "log10",
        "log1p": "log1p",
        "logaddexp": "logaddexp",
        "sin": "sin",
        "cos": "cos",
        "tan": "tan",
        "arcsin": "asin",
        "arccos": "acos",
        "arctan": "atan",
        "arctan2": "atan2",
        "sinh": "sinh",
        "cosh": "cosh",
        "tanh": "tanh",
        "arcsinh": "asinh",
        "arccosh": "acosh",
        "arctanh": "atanh",
        "floor": "floor",
        "ceil": "ceil",
        "trunc": "trunc",
        "rint": "round",
        "maximum": "maximum",
        "minimum": "minimum",
        "equal": "eq",
        "not_equal": "ne",
        "less": "lt",
        "less_equal": "le",
        "greater": "gt",
        "greater_equal": "ge",
        "logical_and": "logical_and",
        "logical_or": "logical_or",
        "logical_xor": "logical_xor",
        "logical_not": "logical_not",
        "bitwise_and": "bitwise_and",
        "bitwise_or": "bitwise_or",
        "bitwise_xor": "bitwise_xor",
        "invert": "bitwise_not",
        "isnan": "isnan",
        "isinf": "isinf",
        "isfinite": "isfinite",
    }.items()
} | {np.power: pointwise.pow, np.matmul: linalg.matmul}


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction as NumPy calls it: `axis=()` reduces nothing, where PyTorch's `dim=()` is all dimensions."""

    def call(a: Tensor, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, **others: Any) -> Tensor:
        if others:
            raise TypeError(f"np.{function.__name__}: {', '.join(sorted(others))}= is not supported with tensors")
        converted = {} if dtype is None else {"dtype": dtype}
        if isinstance(axis, tuple) and not axis:
            return function(shapes.unsqueeze(a, -1), -1, **converted)
        return function(a, axis, keepdims, **converted)

    return call


REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _reduction(reductions.sum),
    np.multiply: _reduction(reductions.prod),
    np.maximum: _reduction(reductions.amax),
    np.minimum: _reduction(reductions.amin),
    np.logical_and: _reduction(reductions.all),
    np.logical_or: _reduction(reductions.any),
}


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
    """Called by NumPy for `ufunc(...)` with a Tensor among its arguments."""
    if settings.get("out") is not None:
        raise TypeError(
            f"np.{ufunc.__name__}: out= is not supported with tensors; an array cannot hold a gradient. Assign the result instead"
        )
    settings.pop("out", None)
    if method == "at" and isinstance(inputs[0], Tensor):
        raise TypeError(written(f"np.{ufunc.__name__}.at"))
    if method == "reduce" and ufunc in REDUCTIONS:
        settings.setdefault("axis", 0)
        return REDUCTIONS[ufunc](inputs[0], **settings)
    operation = UFUNCS.get(ufunc) if method == "__call__" and not settings else None
    if operation is None:
        what = (
            f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}") + ("" if not settings else f" with {sorted(settings)}")
        )
        return on_plain(what, getattr(ufunc, method), inputs, settings)
    return operation(*numpy_promoted(ufunc, inputs))


def numpy_promoted(ufunc: np.ufunc, inputs: tuple[Any, ...]) -> list[Any]:
    """The operands in the dtypes that NumPy would compute in; Python and NumPy scalars stay weak."""
    operands = [
        i.item() if isinstance(i, np.generic) else constant(np.asarray(i)) if isinstance(i, np.ndarray | list | tuple) else i
        for i in inputs
    ]
    kinds = [o.dtype if isinstance(o, Tensor) else type(o) for o in operands]
    if ufunc is np.matmul or any(k not in (int, float, complex) and not isinstance(k, np.dtype) for k in kinds):
        return operands
    try:
        chosen = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout))
    except TypeError:
        return operands
    return [shapes.to(o, d) if isinstance(o, Tensor) else o for o, d in zip(operands, chosen, strict=False)]


def written(name: str) -> str:
    return (
        f"{name}: would change a tensor behind the graph's back; use its in-place methods (add_, copy_, ...) or assign: t[index] = values"
    )


def on_plain(what: str, function: Callable[..., Any], args: Any, settings: Any) -> Any:
    """Run a NumPy function that has no operation of ours on the arrays. Raises TypeError if a gradient would be lost."""
    if any(t.requires_grad for t in tensors_in((args, settings))):
        raise TypeError(
            f"{what}: not recorded for tensors that require grad, so the gradient would be lost; call .detach() first if that is meant"
        )
    answer = function(*without_tensors(args), **without_tensors(settings))
    wrap = lambda a: constant(np.asarray(a)) if isinstance(a, np.ndarray | np.generic) else a
    return tuple(wrap(a) for a in answer) if isinstance(answer, tuple) else wrap(answer)


def tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for v in value:
            yield from tensors_in(v)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def without_tensors(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.array
    if isinstance(value, list | tuple):
        return type(value)(without_tensors(v) for v in value)
    return {k: without_tensors(v) for k, v in value.items()} if isinstance(value, dict) else value


# ---------------------------------------------------------------------- functions: NumPy's arguments, our operations


def _tensors(arrays: Any) -> list[Tensor]:
    return [a if isinstance(a, Tensor) else constant(np.asarray(a)) for a in arrays]


def _transpose(a: Tensor, axes: Any = None) -> Tensor:
    return shapes.permute(a, tuple(reversed(range(a.ndim))) if axes is None else tuple(axes))


def _moment(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(a: Tensor, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Tensor:
        if isinstance(axis, tuple) and not axis:
            return function(shapes.unsqueeze(a, -1), -1, correction=ddof)
        return function(a, axis, keepdim=keepdims, correction=ddof)

    return call


def _expand_dims(a: Tensor, axis: Any) -> Tensor:
    return shape.expand_dims(a, axis=tuple(axis) if isinstance(axis, list | tuple) else axis)


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    return pointwise.where(condition if isinstance(condition, Tensor) else constant(np.asarray(condition, np.bool_)), x, y)


def _cumsum(a: Tensor, axis: Any = None) -> Tensor:
    return reductions.cumsum(shapes.flatten(a), 0) if axis is None else reductions.cumsum(a, axis)


def _norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    if ord is not None and not (isinstance(axis, int) or x.ndim == 1):
        raise TypeError("np.linalg.norm: matrix norms are not recorded; give axis= for vector norms")
    return reductions.norm(x, 2 if ord is None else ord, axis, keepdims)


def _dot(a: Any, b: Any) -> Any:
    """Over the last axis of a and the last but one of b; all of their other axes, and numbers multiply."""
    a, b = (v if isinstance(v, Tensor) or np.ndim(v) == 0 else constant(np.asarray(v)) for v in (a, b))
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if a.ndim < 2 or b.ndim < 3:
        return linalg.matmul(a, b)
    columns = shapes.movedim(b, -2, 0)
    out = linalg.matmul(a, shapes.reshape(columns, (columns.shape[0], prod(columns.shape[1:]))))
    return shapes.reshape(out, (*a.shape[:-1], *columns.shape[1:]))


def _split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    n = ary.shape[axis]
    if isinstance(indices_or_sections, int):
        if n % indices_or_sections:
            raise ValueError(f"np.split: {n} entries cannot be divided into {indices_or_sections} equal parts")
        return list(shapes.split(ary, [n // indices_or_sections] * indices_or_sections, axis))
    bounds = [0, *indices_or_sections, n]
    index = (slice(None),) * (axis % ary.ndim)
    return [ary[(*index, slice(*pair))] for pair in pairwise(bounds)]


def _vstack(tup: Any) -> Tensor:
    return shapes.cat([t if t.ndim > 1 else shapes.reshape(t, (1, -1)) for t in _tensors(tup)], 0)


def _hstack(tup: Any) -> Tensor:
    parts = [t if t.ndim else shapes.reshape(t, (1,)) for t in _tensors(tup)]
    return shapes.cat(parts, min(parts[0].ndim - 1, 1))


def _take(a: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    chosen = indices.array if isinstance(indices, Tensor) else np.asarray(indices)
    if axis is None:
        return shapes.reshape(a, -1)[chosen]
    return a[(*(slice(None),) * (axis % a.ndim), chosen)]


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: _reduction(reductions.sum),
    np.mean: _reduction(reductions.mean),
    np.prod: _reduction(reductions.prod),
    np.max: _reduction(reductions.amax),
    np.min: _reduction(reductions.amin),
    np.amax: _reduction(reductions.amax),
    np.amin: _reduction(reductions.amin),
    np.all: _reduction(reductions.all),
    np.any: _reduction(reductions.any),
    np.argmax: reductions.argmax,
    np.argmin: reductions.argmin,
    np.var: _moment(reductions.var),
    np.std: _moment(reductions.std),
    np.cumsum: _cumsum,
    np.linalg.norm: _norm,
    np.reshape: lambda a, shape: shapes.reshape(a, shape),
    np.ravel: lambda a: shapes.reshape(a, -1),
    np.transpose: _transpose,
    np.swapaxes: shapes.transpose,
    np.moveaxis: shapes.movedim,
    np.squeeze: lambda a, axis=None: shapes.squeeze(a, axis),
    np.expand_dims: _expand_dims,
    np.broadcast_to: lambda array, shape: shapes.expand(array, shape),
    np.concatenate: lambda arrays, axis=0: shapes.cat(_tensors(arrays), axis),
    np.vstack: _vstack,
    np.hstack: _hstack,
    np.split: _split,
    np.take: _take,
    np.stack: lambda arrays, axis=0: shapes.stack(_tensors(arrays), axis),
    np.flip: lambda m, axis=None: shape.flip(m, axis=tuple(range(m.ndim)) if axis is None else axis),
    np.roll: lambda a, shift, axis=None: shapes.roll(a, shift, axis),
    np.tril: lambda m, k=0: shapes.tril(m, k),
    np.triu: lambda m, k=0: shapes.triu(m, k),
    np.where: _where,
    np.clip: lambda a, a_min=None, a_max=None, *, min=None, max=None: pointwise.clamp(
        a, a_min if min is None else min, a_max if max is None else max
    ),
    np.dot: _dot,
    np.outer: lambda a, b: linalg.outer(shapes.reshape(a, -1), shapes.reshape(b, -1)),
    np.einsum: linalg.einsum,
    np.copy: shape.clone,
    np.round: lambda a, decimals=0: pointwise.round(a, decimals=decimals),
    np.shape: lambda a: tuple(a.shape),
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
    np.zeros_like: lambda a, dtype=None: constant(np.zeros_like(a.array, dtype)),
    np.ones_like: lambda a, dtype=None: constant(np.ones_like(a.array, dtype)),
    np.full_like: lambda a, fill_value, dtype=None: constant(np.full_like(a.array, fill_value, dtype)),
    np.empty_like: lambda a, dtype=None: constant(np.empty_like(a.array, dtype)),
}
WRITING = {  # NumPy's functions that write into their first argument, and what they call it
    np.copyto: "dst",
    np.fill_diagonal: "a",
    np.put: "a",
    np.putmask: "a",
    np.place: "arr",
    np.put_along_axis: "arr",
}
VALUES_ONLY = {np.allclose, np.isclose, np.array_equal, np.array_str, np.array_repr, np.array2string}


def array_function(self: Tensor, function: Callable[..., Any], types: Any, args: Any, settings: Any) -> Any:
    """Called by NumPy for its functions with a Tensor among their arguments."""
    name = f"np.{function.__name__}"
    if settings.get("out") is not None:
        raise TypeError(f"{name}: out= is not supported with tensors; an array cannot hold a gradient. Assign the result instead")
    if function in WRITING and isinstance(args[0] if args else settings[WRITING[function]], Tensor):
        raise TypeError(written(name))
    if function is np.nan_to_num and not (args[1] if len(args) > 1 else settings.get("copy", True)):
        raise TypeError(written(f"{name} with copy=False"))
    if function in VALUES_ONLY:
        return function(*without_tensors(args), **without_tensors(settings))
    operation = FUNCTIONS.get(function)
    if operation is None:
        return on_plain(name, function, args, settings)
    first = args[0] if args else None
    if isinstance(first, np.ndarray) and function not in (np.einsum, np.where):
        args = (constant(first), *args[1:])
    return operation(*args, **settings)


def install() -> None:
    """Give Tensor NumPy's protocols."""
    Tensor.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]
    Tensor.__array_function__ = array_function  # type: ignore[attr-defined]
