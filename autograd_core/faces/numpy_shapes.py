"""NumPy's functions that rearrange, join and cut, on Tensors: views where NumPy's are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import shape as ops
from ..tensor import Tensor, constant
from . import diagonals, joining, shapes
from .complex import imag as imaginary_part
from .complex import real as real_part
from .numpy_arguments import alike, axes_of, common_dtype, tensor, without_tensors

FUNCTIONS = """
    reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims atleast_1d atleast_2d atleast_3d
    broadcast_to broadcast_arrays flip fliplr flipud rot90 roll tril triu diag diagflat diagonal trace real imag copy astype
    concatenate concat stack vstack hstack dstack column_stack block unstack split array_split hsplit vsplit dsplit
    tile repeat meshgrid ix_ full_like
"""


def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: Any = None) -> Tensor:
    x = tensor(a)
    sizes = without_tensors(shape)
    if order in ("F", "A") and not (order == "A" and not np.isfortran(x.array)):
        target = np.reshape(x.array, sizes, order="F").shape
        return transpose(ops.reshape(transpose(x), shape=target[::-1]))
    out = ops.reshape(x, shape=sizes)
    return ops.clone(out) if copy else out


def ravel(a: Any, order: str = "C") -> Tensor:
    x = tensor(a)
    return reshape(x, (x.array.size,), "C" if order == "K" else order)


def transpose(a: Any, axes: Any = None) -> Tensor:
    x = tensor(a)
    return ops.transpose(x, axes=tuple(reversed(range(x.ndim))) if axes is None else axes_of(x.ndim, tuple(without_tensors(axes))))


permute_dims = transpose


def matrix_transpose(x: Any, /) -> Tensor:
    if tensor(x).ndim < 2:
        raise ValueError(f"np.matrix_transpose: needs at least two dimensions, got {tuple(tensor(x).shape)}")
    return ops.mT(tensor(x))


def swapaxes(a: Any, axis1: int, axis2: int) -> Tensor:
    return shapes.transpose(tensor(a), axis1, axis2)


def moveaxis(a: Any, source: Any, destination: Any) -> Tensor:
    return shapes.movedim(tensor(a), source, destination)


def rollaxis(a: Any, axis: int, start: int = 0) -> Tensor:
    x = tensor(a)
    strides = np.rollaxis(np.empty(tuple(range(1, x.ndim + 1))), axis, start).shape  # lengths that tell the axes apart
    return shapes.permute(x, tuple(n - 1 for n in strides))


def squeeze(a: Any, axis: Any = None) -> Tensor:
    return ops.squeeze(tensor(a), axis=axis)


def expand_dims(a: Any, axis: Any) -> Tensor:
    return ops.expand_dims(tensor(a), axis=tuple(axis) if isinstance(axis, list | tuple) else axis)


def _atleast(function: Callable[..., Any]) -> Callable[..., Any]:
    def atleast(*arys: Any) -> Any:
        made = tuple(function(tensor(a)) for a in arys)
        return made[0] if len(made) == 1 else made

    return atleast


atleast_1d, atleast_2d, atleast_3d = (_atleast(f) for f in (shapes.atleast_1d, shapes.atleast_2d, shapes.atleast_3d))


def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Tensor:
    return shapes.expand(tensor(array), (shape,) if isinstance(shape, int) else tuple(shape))


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Tensor, ...]:
    parts = [tensor(a) for a in args]
    target = np.broadcast_shapes(*[p.array.shape for p in parts])
    return tuple(shapes.expand(p, target) for p in parts)


def flip(m: Any, axis: Any = None) -> Tensor:
    x = tensor(m)
    return ops.flip(x, axis=axes_of(x.ndim, axis))


def fliplr(m: Any) -> Tensor:
    return flip(m, 1)


def flipud(m: Any) -> Tensor:
    return flip(m, 0)


def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    return shapes.rot90(tensor(m), k, list(axes))


def roll(a: Any, shift: Any, axis: Any = None) -> Tensor:
    shift = tuple(np.atleast_1d(np.asarray(shift)).tolist()) if np.ndim(shift) else int(shift)
    return ops.roll(tensor(a), shifts=shift, axis=tuple(axis) if isinstance(axis, list) else axis)


def tril(m: Any, k: int = 0) -> Tensor:
    x = tensor(m)
    return ops.tril(shapes.expand(x, (x.array.size,) * 2) if x.ndim == 1 else x, diagonal=k)


def triu(m: Any, k: int = 0) -> Tensor:
    x = tensor(m)
    return ops.triu(shapes.expand(x, (x.array.size,) * 2) if x.ndim == 1 else x, diagonal=k)


def diag(v: Any, k: int = 0) -> Tensor:
    x = tensor(v)
    return diagonals.diagonal(x, k) if x.ndim == 2 else diagonals.diag(x, k)


def diagflat(v: Any, k: int = 0) -> Tensor:
    return diagonals.diagflat(tensor(v), k)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return diagonals.diagonal(tensor(a), offset, axis1, axis2)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Tensor:
    return diagonal(a, offset, axis1, axis2).sum(-1, dtype=dtype)


def real(val: Any) -> Tensor:
    return real_part(tensor(val))


def imag(val: Any) -> Tensor:
    x = tensor(val)
    return imaginary_part(x) if x.dtype.kind == "c" else constant(np.zeros_like(x.array))


def copy(a: Any, order: str = "K", subok: bool = False) -> Tensor:
    return ops.clone(tensor(a))


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    return tensor(x).to(np.dtype(dtype), copy=copy)


def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = False, shape: Any = None, **place: Any) -> Tensor:
    like = tensor(a)
    sizes = like.array.shape if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
    return ops.clone(shapes.expand(tensor(fill_value).to(like.dtype if dtype is None else np.dtype(dtype)), sizes))


# ---------------------------------------------------------------------- joining


def concatenate(arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    parts = alike(*arrays)
    if dtype is not None:
        if not np.can_cast(parts[0].dtype, np.dtype(dtype), casting):
            raise TypeError(f"np.concatenate: {parts[0].dtype} cannot be cast to {np.dtype(dtype)} with casting={casting!r}")
        parts = [p.to(np.dtype(dtype)) for p in parts]
    if axis is None:
        return joining.cat([ravel(p) for p in parts], 0)
    return ops.concat(*parts, axis=axes_of(parts[0].ndim, axis)[0])


concat = concatenate


def stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    parts = [tensor(a) for a in arrays]
    axis = axes_of(parts[0].ndim + 1, axis)[0]
    if len({p.array.shape for p in parts}) > 1:
        raise ValueError(f"np.stack: all arrays must have one shape, got {', '.join(str(p.array.shape) for p in parts)}")
    return concatenate([ops.expand_dims(p, axis=axis) for p in parts], axis, dtype=dtype, casting=casting)


def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    return concatenate([shapes.atleast_2d(tensor(t)) for t in tup], 0, dtype=dtype, casting=casting)


def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    parts = [shapes.atleast_1d(tensor(t)) for t in tup]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def dstack(tup: Any) -> Tensor:
    return concatenate([shapes.atleast_3d(tensor(t)) for t in tup], 2)


def column_stack(tup: Any) -> Tensor:
    return joining.column_stack(alike(*tup))


def block(arrays: Any) -> Tensor:
    """Lists within lists: the innermost are joined along the last axis, those around along the one before, and so on."""

    def depth(nested: Any) -> int:
        return 1 + max(depth(v) for v in nested) if isinstance(nested, list) else 0

    def leaves(nested: Any) -> list[Any]:
        return [leaf for v in nested for leaf in leaves(v)] if isinstance(nested, list) else [tensor(nested)]

    np.block(without_tensors(arrays))  # which says what does not fit
    parts, levels = leaves(arrays), depth(arrays)
    ndim, dtype = max(levels, *(p.ndim for p in parts)), common_dtype(*parts)

    def joined(nested: Any, level: int) -> Tensor:
        if isinstance(nested, list):
            return ops.concat(*[joined(v, level + 1) for v in nested], axis=ndim - levels + level)
        x = tensor(nested).to(dtype)
        return ops.reshape(x, shape=(1,) * (ndim - x.ndim) + x.array.shape)

    return ops.clone(joined(arrays, 0)) if not levels else joined(arrays, 0)


# ---------------------------------------------------------------------- cutting and repeating


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    return joining.unbind(tensor(x), axis)


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    where = without_tensors(indices_or_sections)
    return list(joining.tensor_split(tensor(ary), where if np.ndim(where) == 0 else np.asarray(where).tolist(), axis))


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    n = tensor(ary).array.shape[axis]
    if np.ndim(without_tensors(indices_or_sections)) == 0 and n % indices_or_sections:
        raise ValueError(f"np.split: {n} entries cannot be divided into {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis)


def _cutter(name: str, least: int, axis: int) -> Callable[..., Any]:
    def cut(ary: Any, indices_or_sections: Any) -> list[Tensor]:
        x = tensor(ary)
        if x.ndim < least:
            raise ValueError(f"np.{name}: needs at least {least} dimensions, got {tuple(x.shape)}")
        return split(x, indices_or_sections, 0 if x.ndim == 1 else axis)

    return cut


hsplit, vsplit, dsplit = _cutter("hsplit", 1, 1), _cutter("vsplit", 2, 0), _cutter("dsplit", 3, 2)


def tile(A: Any, reps: Any) -> Tensor:
    reps = without_tensors(reps)
    return shapes.tile(tensor(A), tuple(np.asarray(reps).tolist()) if np.ndim(reps) else (int(reps),))


def repeat(a: Any, repeats: Any, axis: int | None = None) -> Tensor:
    x, times = tensor(a), np.asarray(without_tensors(repeats))
    if axis is not None and not x.ndim:
        x = shapes.unsqueeze(x, 0)
    return shapes.repeat_interleave(x, constant(times) if times.ndim else int(times), axis)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    vectors = [ravel(x) for x in xi]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = 1, 0
    grids = [ops.reshape(x, shape=tuple(x.array.size if k == place else 1 for k in order)) for place, x in enumerate(vectors)]
    if not sparse:
        target = tuple(vectors[k].array.size for k in order)
        grids = [shapes.expand(g, target) for g in grids]
    return tuple(ops.clone(g) for g in grids) if copy else tuple(grids)


def ix_(*args: Any) -> tuple[Tensor, ...]:
    found = np.ix_(*without_tensors(args))
    made = zip(args, found, strict=True)
    return tuple(constant(f) if tensor(a).dtype.kind == "b" else reshape(tensor(a), f.shape) for a, f in made)
