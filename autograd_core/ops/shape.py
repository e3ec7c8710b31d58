"""Rearranging, joining and cutting. Linear operations come in adjoint pairs: each is the other's rule."""

from __future__ import annotations

from math import prod

import numpy as np

from ..primitive import primitive
from .index import getitem, put


@primitive(lambda g, shape: reshape(g, shape=shape), view=True, promotes="no")
def reshape(x, *, shape):
    return np.reshape(x, shape)


@primitive(lambda g, axes: transpose(g, axes=tuple(int(i) for i in np.argsort(axes))), view=True, promotes="no")
def transpose(x, *, axes):
    return np.transpose(x, axes)


@primitive(lambda g: mT(g), view=True, promotes="no")
def mT(x):
    """The last two axes swapped."""
    return x.swapaxes(-1, -2)


@primitive(lambda g, axis: squeeze(g, axis=axis), view=True, promotes="no")
def expand_dims(x, *, axis):
    return np.expand_dims(x, axis)


@primitive(lambda g, shape: reshape(g, shape=shape), view=True, promotes="no")
def squeeze(x, *, axis=None):
    return np.squeeze(x, axis)


@primitive(lambda g, shape: sum_to(g, target=shape), view=True, promotes="no")
def broadcast_to(x, *, target):
    return np.broadcast_to(x, target)


@primitive(lambda g, shape: sum_to(g, target=shape), promotes="no")
def repeat_to(x, *, target):
    """As broadcast_to, but a small result has memory of its own, which is quicker made and read."""
    if prod(target) > 1 << 14:
        return np.broadcast_to(x, target)
    whole = np.empty(target, x.dtype)
    whole[...] = x
    return whole


@primitive(lambda g, shape: repeat_to(g, target=shape), promotes="no")
def sum_to(x, *, target):
    """x summed over the axes along which an array of shape `target` would be repeated to x's shape."""
    surplus = x.ndim - len(target)
    axes = tuple(k for k, n in enumerate(x.shape) if k < surplus or (n != 1 and target[k - surplus] == 1))
    return np.reshape(x.sum(axes, dtype=np.float32 if x.dtype.char == "e" else None), target).astype(x.dtype, copy=False)


@primitive(lambda g, axis: flip(g, axis=axis), promotes="no")
def flip(x, *, axis):
    return np.array(np.flip(x, axis))


@primitive(lambda g, shifts, axis: roll(g, shifts=negated(shifts), axis=axis), promotes="no")
def roll(x, *, shifts, axis=None):
    return np.asarray(np.roll(x, shifts, axis), order="C")


def negated(shifts):
    return tuple(-s for s in shifts) if isinstance(shifts, tuple) else -shifts


@primitive(lambda g, i, shapes, axis: crop(g, axis=axis, start=offset(shapes, axis, i), length=shapes[i][axis]))
def concat(*xs, axis=0):
    return np.asarray(np.concatenate(xs, axis), order="C")


def offset(shapes, axis, i):
    """Where part i begins in the concatenation of parts of these shapes."""
    return sum(shape[axis] for shape in shapes[:i])


def stretch(x, axis, start, length):
    """The index of `length` entries along one axis, from `start` on."""
    index = [slice(None)] * x.ndim
    index[axis] = slice(start, start + length)
    return tuple(index)


@primitive(
    lambda g, shape, axis, start: embed(g, axis=axis, start=start, length=shape[axis]),
    placed=lambda g, axis, start: stretch(g, axis, start, g.shape[axis]),
    view=True,
    promotes="no",
    meaning="a part of that dimension",
)
def crop(x, *, axis, start, length):
    """`length` entries along one axis, from `start` on."""
    return x[stretch(x, axis, start, length)]


@primitive(
    lambda g, shape, axis, start: crop(g, axis=axis, start=start, length=shape[axis]),
    promotes="no",
    meaning="where it was taken from, zeros elsewhere",
)
def embed(x, *, axis, start, length):
    """x in an array of zeros that is `length` long along one axis, from `start` on."""
    shape = list(x.shape)
    shape[axis] = length
    whole = np.zeros(shape, x.dtype)
    whole[stretch(x, axis, start, x.shape[axis])] = x
    return whole


@primitive(lambda g, widths, shape: getitem(g, index=inner(widths, shape)), promotes="no")
def pad(x, *, widths, value=0):
    """x with `widths` = ((before, after), ...) entries of `value` around it."""
    return np.pad(x, widths, constant_values=value)


def inner(widths, shape):
    return tuple(slice(before, before + n) for (before, _), n in zip(widths, shape, strict=True))


@primitive(lambda g, diagonal: tril(g, diagonal=diagonal), promotes="no")
def tril(x, *, diagonal=0):
    """The lower triangle, the rest zero."""
    return np.tril(x, diagonal)


@primitive(lambda g, diagonal: triu(g, diagonal=diagonal), promotes="no")
def triu(x, *, diagonal=0):
    """The upper triangle, the rest zero."""
    return np.triu(x, diagonal)


@primitive(lambda g, shape, offset, axes: diagonal_embed(g, shape=shape, offset=offset, axes=axes), view=True, promotes="no")
def diagonal(x, *, offset=0, axes=(0, 1)):
    view = np.diagonal(x, offset, *axes)
    view.flags.writeable = x.flags.writeable
    return view


@primitive(lambda g, offset, axes: diagonal(g, offset=offset, axes=axes), promotes="no")
def diagonal_embed(x, *, shape, offset=0, axes=(0, 1)):
    """x on the diagonal of zeros of this shape; `axes` are those of the diagonal."""
    whole = np.zeros(shape, x.dtype)
    diagonal(whole, offset=offset, axes=axes)[...] = x
    return whole


@primitive(lambda g, axis, shape, step: overlap_add(g, axis=axis, length=shape[axis], step=step), view=True, promotes="no")
def windows(x, *, axis, size, step):
    """The windows of `size` entries that begin every `step` entries along one axis: a view, the windows' entries its last axis."""
    apart = step >= size or x.shape[axis] < size + step  # or there is but one
    view = np.lib.stride_tricks.sliding_window_view(x, size, axis, writeable=x.flags.writeable and apart)
    return view[(slice(None),) * axis + (slice(None, None, step),)]


@primitive(
    lambda g, axis, shape, step: windows(g, axis=axis, size=shape[-1], step=step), promotes="no", meaning="the windows added where they lie"
)
def overlap_add(x, *, axis, length, step):
    """Windows, their entries the last axis, added where they lie along one axis of zeros."""
    count, size = x.shape[axis], x.shape[-1]
    whole = np.zeros((*x.shape[:axis], length, *x.shape[axis + 1 : -1]), np.float32 if x.dtype.char == "e" else x.dtype)
    before = (slice(None),) * axis
    if size < count:
        for k in range(size):
            whole[(*before, slice(k, k + step * count, step))] += x[..., k]
    else:
        for k in range(count):
            whole[(*before, slice(k * step, k * step + size))] += np.moveaxis(x[(*before, k)], -1, axis)
    return whole.astype(x.dtype, copy=False)


@primitive(
    lambda g, shape, size, stride, offset: reshape(put(g, index=(flat_places(size, stride, offset),), shape=(prod(shape),)), shape=shape),
    view=True,
    promotes="no",
)
def strided(x, *, size, stride, offset):
    """A view of contiguous x with these strides, in elements, from its element number `offset` on."""
    repeats = np.bincount(flat_places(size, stride, offset).ravel()).max(initial=0) > 1
    flat = x.reshape(-1)[offset:]
    return np.lib.stride_tricks.as_strided(flat, size, [s * x.itemsize for s in stride], writeable=x.flags.writeable and not repeats)


def flat_places(size, stride, offset):
    """The numbers of the elements which a strided view of a contiguous array has."""
    places = np.full((1,) * len(size), offset)
    for k, (n, s) in enumerate(zip(size, stride, strict=True)):
        places = places + (np.arange(n) * s).reshape([n if j == k else 1 for j in range(len(size))])
    return places


@primitive(lambda g, shape: astype(g, dtype=g.dtype), promotes="no", name="to")
def astype(x, *, dtype):
    """x in another dtype; the engine casts the gradient back."""
    return x.astype(dtype)


@primitive(lambda g: g, promotes="no")
def clone(x):
    """A copy."""
    return np.array(x)


@primitive(lambda g: g, promotes="no")
def contiguous(x):
    """A copy whose elements lie in order."""
    return np.array(x, order="C")


@primitive(lambda g: g, view=True, promotes="no")
def alias(x):
    """The same array, as another node of the graph."""
    return x
