"""NumPy's functions that choose, insert, drop and pad entries, on Tensors that record.

Where no operation of ours does the same, NumPy's own function is run on the entries' places, numbered from 1 on, and the
entries are read where these come to lie; a 0 is a zero that the function put there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import elementwise, index
from ..ops import shape as ops
from ..tensor import Tensor, constant
from . import indexing, joining, pointwise, shapes
from .numpy_arguments import alike, axes_of, common_dtype, records, tensor, weak, without_tensors
from .numpy_shapes import concatenate, ravel

FUNCTIONS = """
    take take_along_axis compress extract choose select where piecewise clip round around fix nan_to_num
    insert delete append resize pad trim_zeros apply_along_axis apply_over_axes
"""


def placed(parts: list[Tensor], function: Callable[..., Any]) -> Tensor:
    """What a function that only moves, repeats and drops entries makes of these parts, which are of one dtype."""
    starts = np.cumsum([1] + [p.array.size for p in parts]).tolist()
    numbered = [np.arange(s, s + p.array.size).reshape(p.array.shape) for s, p in zip(starts, parts, strict=False)]
    places = function(*numbered)
    zero = constant(np.zeros(1, parts[0].dtype))
    entries = joining.cat([zero, *(ops.reshape(p, shape=(p.array.size,)) for p in parts)], 0)
    return index.getitem(entries, index=np.asarray(places))


# ---------------------------------------------------------------------- choosing


def take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Tensor:
    x, chosen = tensor(a), np.asarray(without_tensors(indices))
    if axis is None or not x.ndim:
        x, axis = ravel(x), axis or 0
    (axis,) = axes_of(x.ndim, axis)
    n = x.array.shape[axis]
    chosen = {"raise": lambda: chosen, "wrap": lambda: chosen % n, "clip": lambda: np.clip(chosen, 0, n - 1)}[mode]()
    return index.getitem(x, index=(*(slice(None),) * axis, chosen.astype(np.int64)))


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Tensor:
    x, chosen = tensor(arr), constant(np.asarray(without_tensors(indices)).astype(np.int64))
    return indexing.take_along_dim(x, chosen, axis)


def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Tensor:
    return take(a, np.flatnonzero(without_tensors(condition)), axis)


def extract(condition: Any, arr: Any) -> Tensor:
    return take(arr, np.flatnonzero(without_tensors(condition)))


def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Tensor:
    dtype = common_dtype(*choices)
    return placed([tensor(c).to(dtype) for c in choices], lambda *places: _choose(without_tensors(a), places, mode=mode))


_choose: Any = np.choose  # whose stubs know no array of indices from elsewhere


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    conditions = without_tensors(condlist)
    dtype = common_dtype(*choicelist, default)
    return placed([tensor(c).to(dtype) for c in (*choicelist, default)], lambda *places: np.select(conditions, places[:-1], places[-1]))


def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    """Of the condition alone the places where it holds."""
    chosen = constant(np.asarray(tensor(condition).array, np.bool_))
    if x is None and y is None:
        return pointwise.where(chosen)
    dtype = common_dtype(x, y)
    return pointwise.where(chosen, *[weak(v) if np.ndim(v) == 0 and not isinstance(v, Tensor) else tensor(v).to(dtype) for v in (x, y)])


def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Tensor:
    """Each function of the entries where its condition holds, the last one's counting where several do; else the one left over, or 0."""
    x = tensor(x)
    conditions = [np.asarray(c, bool) for c in without_tensors(condlist)] if np.ndim(without_tensors(condlist)) > x.ndim else None
    if conditions is None:
        conditions = [np.asarray(without_tensors(condlist), bool)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    elif len(funclist) != len(conditions):
        raise ValueError(f"np.piecewise: {len(conditions)} conditions need as many functions, or one more; got {len(funclist)}")
    out = elementwise.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if condition.any():
            chosen = constant(condition)
            value = function(x[chosen], *args, **kw) if callable(function) else function
            out = index.overwrite(out, tensor(value).to(x.dtype), index=condition)
    return out


def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None, **settings: Any) -> Tensor:
    low, high = weak(a_min if min is None else min), weak(a_max if max is None else max)
    x = tensor(a)
    if low is not None:
        x = np.maximum(x, low, **settings)
    if high is not None:
        x = np.minimum(x, high, **settings)
    return ops.clone(x) if low is None and high is None else x


def round(a: Any, decimals: int = 0, out: Any = None) -> Tensor:
    return pointwise.round(tensor(a), decimals=decimals)


around = round


def fix(x: Any, out: Any = None) -> Tensor:
    return elementwise.trunc(tensor(x))


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    return pointwise.nan_to_num(tensor(x), nan, posinf, neginf)


# ---------------------------------------------------------------------- inserting and dropping


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Tensor:
    x = tensor(arr)
    return placed([x, tensor(values).to(x.dtype)], lambda a, v: np.insert(a, without_tensors(obj), v, axis))


def delete(arr: Any, obj: Any, axis: int | None = None) -> Tensor:
    return placed([tensor(arr)], lambda a: np.delete(a, without_tensors(obj), axis))


def append(arr: Any, values: Any, axis: int | None = None) -> Tensor:
    return concatenate([ravel(arr), ravel(values)] if axis is None else [tensor(arr), tensor(values)], axis or 0)


def resize(a: Any, new_shape: Any) -> Tensor:
    return placed([tensor(a)], lambda places: np.resize(places, new_shape))


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Without the zeros at the ends ("f", "b") of the axes."""
    x = tensor(filt)
    found = np.argwhere(x.array)
    part = []
    for k, n in enumerate(x.array.shape):
        first, last = (int(found[:, k].min()), int(found[:, k].max()) + 1) if len(found) else (n, n)
        reached = k in axes_of(x.ndim, axis)
        part.append(slice(first if reached and "f" in trim.lower() else 0, last if reached and "b" in trim.lower() else n))
    return x[tuple(part)]


MOVING_PADS = ("edge", "reflect", "symmetric", "wrap")


def pad(array: Any, pad_width: Any, mode: Any = "constant", **settings: Any) -> Tensor:
    x = tensor(array)
    if mode == "constant":
        value = settings.get("constant_values", 0)
        if records(value):
            raise TypeError("np.pad: constant_values that require grad are not recorded; join the parts with np.concatenate")
        out = placed([x], lambda places: np.pad(places, pad_width))
        frame = np.pad(np.zeros_like(x.array), pad_width, constant_values=without_tensors(value))
        return elementwise.add(out, constant(frame)) if frame.any() else out
    if mode not in MOVING_PADS or settings.get("reflect_type", "even") != "even":
        raise TypeError(
            f"np.pad: mode={mode!r} {settings or ''} is not recorded for tensors that require grad; "
            f"'constant', {', '.join(map(repr, MOVING_PADS))} are, others after .detach()"
        )
    return placed([x], lambda places: np.pad(places, pad_width, mode, **settings))


# ---------------------------------------------------------------------- functions of parts


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Tensor:
    """func1d of each vector along the axis, whose results stand in the vectors' place."""
    x = tensor(arr)
    (axis,) = axes_of(x.ndim, axis)
    rows = shapes.movedim(x, axis, -1)
    made = [tensor(func1d(rows[place], *args, **kwargs)) for place in np.ndindex(rows.array.shape[:-1])]
    if not made:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    out = joining.stack(alike(*made), 0)
    inner = made[0].ndim
    out = ops.reshape(out, shape=(*rows.array.shape[:-1], *made[0].array.shape))
    last = tuple(range(out.ndim - inner, out.ndim))
    return shapes.movedim(out, last, tuple(range(axis, axis + inner))) if inner else out


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Tensor:
    """func(a, axis) for one axis after the other, which stay, of length one."""
    x = tensor(a)
    for axis in axes_of(x.ndim, axes):
        out = tensor(func(x, axis))
        x = out if out.ndim == x.ndim else ops.expand_dims(out, axis=axis)
    return x
