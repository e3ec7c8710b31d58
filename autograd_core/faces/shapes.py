"""PyTorch's functions that rearrange, join, cut and convert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..device import Device
from ..errors import ShapeError
from ..ops import shape
from ..tensor import Tensor, constant
from .arguments import both_names, dims, need_tensor, one_dim, shape_of

METHODS = """
    reshape view flatten squeeze unsqueeze permute transpose t movedim expand repeat tile narrow split chunk unbind flip roll tril triu
    diagonal gather index_select masked_select to type_as sum_to_size contiguous
"""
FUNCTIONS = "cat stack"


def reshape(input: Any, *sizes: Any) -> Tensor:
    """The same elements in another shape; one size may be -1. Raises ShapeError when the numbers of elements differ."""
    return shape.reshape(need_tensor("reshape", input), shape=shape_of("reshape", sizes))


def view(input: Tensor, *sizes: Any) -> Tensor:
    """As reshape, on the same memory. Raises RuntimeError where that would need a copy."""
    if len(sizes) == 1 and isinstance(sizes[0], np.dtype | type):
        if input.requires_grad:
            raise RuntimeError("view: the same memory as another dtype has no gradient; use .to(dtype) to convert, or .detach() first")
        return constant(input.array.view(sizes[0]))
    target = shape_of("view", sizes)
    try:
        np.reshape(input.array, target, copy=False)
    except ValueError as error:
        if "copy" in str(error):
            raise RuntimeError(
                f"view: {tuple(input.shape)} as {target} would need a copy, since it is not contiguous; use .reshape()"
            ) from None
    return shape.reshape(input, shape=target)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start_dim to end_dim as one."""
    input = need_tensor("flatten", input)
    if not input.ndim:
        return shape.reshape(input, shape=(1,))
    first, last = one_dim("flatten", input.ndim, start_dim), one_dim("flatten", input.ndim, end_dim)
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    sizes = input.array.shape
    length = int(np.prod(sizes[first : last + 1]))
    return input if first == last else shape.reshape(input, shape=(*sizes[:first], length, *sizes[last + 1 :]))


def squeeze(input: Any, dim: Any = None) -> Tensor:
    """Without dimensions of length one (or those of `dim` that are)."""
    input = need_tensor("squeeze", input)
    chosen = range(input.ndim) if dim is None else np.atleast_1d(np.asarray(dims("squeeze", input, dim)))
    axes = tuple(int(a) for a in chosen if input.ndim and input.array.shape[a] == 1)
    return shape.squeeze(input, axis=axes)


def unsqueeze(input: Any, dim: int) -> Tensor:
    """With a dimension of length one at `dim`."""
    input = need_tensor("unsqueeze", input)
    return shape.expand_dims(input, axis=one_dim("unsqueeze", input.ndim + 1, dim))


def permute(input: Any, *order: Any) -> Tensor:
    """The dimensions in another order. Raises RuntimeError unless each is named once."""
    input = need_tensor("permute", input)
    axes = tuple(one_dim("permute", input.ndim, d) for d in shape_of("permute", order))
    if len(axes) != input.ndim or len(set(axes)) != len(axes):
        raise RuntimeError(f"permute: {axes} must name each of the {input.ndim} dimensions of {tuple(input.shape)} once")
    return shape.transpose(input, axes=axes)


def transpose(input: Any, dim0: int, dim1: int) -> Tensor:
    """Two dimensions swapped."""
    input = need_tensor("transpose", input)
    a, b = one_dim("transpose", input.ndim, dim0), one_dim("transpose", input.ndim, dim1)
    if input.ndim >= 2 and {a, b} == {input.ndim - 2, input.ndim - 1}:
        return shape.mT(input)
    order = list(range(input.ndim))
    if order:
        order[a], order[b] = b, a
    return shape.transpose(input, axes=tuple(order))


def t(input: Any) -> Tensor:
    """A matrix transposed; vectors stay. Raises RuntimeError for more than two dimensions."""
    input = need_tensor("t", input)
    if input.ndim > 2:
        raise RuntimeError(f"t: needs at most two dimensions, got {tuple(input.shape)}; use .mT or .permute()")
    return shape.mT(input) if input.ndim == 2 else input


def movedim(input: Any, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest in order."""
    input = need_tensor("movedim", input)
    one = [source] if not isinstance(source, Sequence) else list(source)
    two = [destination] if not isinstance(destination, Sequence) else list(destination)
    if len(one) != len(two):
        raise RuntimeError(f"movedim: {len(one)} sources but {len(two)} destinations")
    origins = [one_dim("movedim", input.ndim, d) for d in one]
    order = [d for d in range(input.ndim) if d not in origins]
    for place, d in sorted(zip([one_dim("movedim", input.ndim, d) for d in two], origins, strict=True)):
        order.insert(place, d)
    return shape.transpose(input, axes=tuple(order))


def expand(input: Any, *sizes: Any) -> Tensor:
    """Repeated, without copying, along dimensions of length one; -1 keeps a length."""
    input = need_tensor("expand", input)
    target = shape_of("expand", sizes)
    extra = len(target) - input.ndim
    if extra < 0:
        raise ShapeError(f"expand: {tuple(input.shape)} has more dimensions than {target}")
    target = tuple(input.array.shape[k - extra] if n == -1 and k >= extra else n for k, n in enumerate(target))
    if any(n not in (1, m) for n, m in zip(input.array.shape, target[extra:], strict=True)):
        raise ShapeError(f"expand: {tuple(input.shape)} does not fit {target}: from the right, lengths must agree or be 1")
    if target == input.array.shape:
        return shape.alias(input)  # which may be written
    return shape.broadcast_to(input, target=target)


def repeat(input: Any, *repeats: Any) -> Tensor:
    """Copies side by side: `repeats` times along each dimension."""
    input = need_tensor("repeat", input)
    times = shape_of("repeat", repeats)
    if len(times) < input.ndim:
        raise RuntimeError(f"repeat: {len(times)} numbers of repeats for {input.ndim} dimensions")
    sizes = (1,) * (len(times) - input.ndim) + input.array.shape
    apart = shape.reshape(input, shape=tuple(k for n in sizes for k in (1, n)))
    copies = shape.broadcast_to(apart, target=tuple(k for r, n in zip(times, sizes, strict=True) for k in (r, n)))
    result = shape.reshape(copies, shape=tuple(r * n for r, n in zip(times, sizes, strict=True)))
    return shape.clone(result) if np.may_share_memory(result.array, input.array) else result


def tile(input: Any, dims: Any) -> Tensor:
    """As repeat, with ones put before too few numbers."""
    times = tuple(dims) if isinstance(dims, Sequence) else (dims,)
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@both_names
def cat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors joined along `dim`. Raises ShapeError when the other lengths differ."""
    parts = [need_tensor("cat", t) for t in tensors]
    if not parts:
        raise ValueError("cat: needs at least one tensor")
    found = [p.array.shape for p in parts]
    whole = next((s for s in found if s != (0,)), (0,)) if (0,) in found else found[0]
    axis = one_dim("cat", len(whole), dim)
    if len(whole) > 1 and (0,) in found:  # vectors of nothing fit everywhere
        nothing = tuple(0 if k == axis else n for k, n in enumerate(whole))
        parts = [shape.reshape(p, shape=nothing) if s == (0,) else p for p, s in zip(parts, found, strict=True)]
    return shape.concat(*parts, axis=axis)


@both_names
def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension."""
    parts = [need_tensor("stack", t) for t in tensors]
    if not parts:
        raise ValueError("stack: needs at least one tensor")
    if len({p.array.shape for p in parts}) > 1:
        raise ShapeError(f"stack: the tensors must have one shape, got {', '.join(str(p.array.shape) for p in parts)}")
    axis = one_dim("stack", parts[0].ndim + 1, dim)
    return shape.concat(*[shape.expand_dims(p, axis=axis) for p in parts], axis=axis)


@both_names
def narrow(input: Any, dim: int, start: int, length: int) -> Tensor:
    """`length` entries along `dim`, from `start` on."""
    input = need_tensor("narrow", input)
    axis = one_dim("narrow", input.ndim, dim)
    n = input.array.shape[axis]
    begin = int(start) + (n if start < 0 else 0)
    if not 0 <= begin <= n or length < 0 or begin + length > n:
        raise RuntimeError(f"narrow: start {start} and length {length} do not fit dimension {axis} of length {n}")
    return shape.crop(input, axis=axis, start=begin, length=length)


@both_names
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one size (the last may be shorter), or of the sizes listed, along `dim`."""
    tensor = need_tensor("split", tensor)
    n = tensor.array.shape[one_dim("split", tensor.ndim, dim)]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0 or (size == 0 and n):
            raise RuntimeError(f"split: the size must be positive, got {size}")
        sizes = [min(size, n - k) for k in range(0, n, size)] if n else [0]
    else:
        sizes = list(split_size_or_sections)
        if sum(sizes) != n:
            raise RuntimeError(f"split: sizes {sizes} must sum to {n}, the length of dimension {dim}")
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return tuple(narrow(tensor, dim, s, length) for s, length in zip(starts, sizes, strict=True))


@both_names
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of one size (the last may be shorter)."""
    n = input.array.shape[one_dim("chunk", input.ndim, dim)]
    if chunks < 1:
        raise RuntimeError(f"chunk: the number of chunks must be positive, got {chunks}")
    return split(input, -(-n // chunks) or 1, dim)


@both_names
def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The parts along `dim`, without it."""
    axis = one_dim("unbind", input.ndim, dim)
    return tuple(input[(slice(None),) * axis + (k,)] for k in range(input.array.shape[axis]))


def flip(input: Any, *dims_: Any, dims: Any = None) -> Tensor:
    """The entries along these dimensions in reverse order."""
    axes = shape_of("flip", dims_) if dims is None else tuple(dims)
    return shape.flip(need_tensor("flip", input), axis=tuple(one_dim("flip", input.ndim, d) for d in axes))


def roll(input: Any, shifts: Any, dims: Any = None) -> Tensor:
    """The entries shifted round; over all elements in order when dims is left out."""
    if dims is None:
        return shape.roll(input, shifts=shifts)
    several = lambda v: tuple(v) if isinstance(v, Sequence) else (v,)
    return shape.roll(input, shifts=several(shifts), axis=tuple(one_dim("roll", input.ndim, d) for d in several(dims)))


def tril(input: Any, diagonal: int = 0) -> Tensor:
    """The lower triangles of the last two dimensions, the rest zero."""
    return shape.tril(need_tensor("tril", input), diagonal=diagonal)


def triu(input: Any, diagonal: int = 0) -> Tensor:
    """The upper triangles of the last two dimensions, the rest zero."""
    return shape.triu(need_tensor("triu", input), diagonal=diagonal)


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as the last one."""
    return shape.diagonal(
        need_tensor("diagonal", input), offset=offset, axes=(one_dim("diagonal", input.ndim, dim1), one_dim("diagonal", input.ndim, dim2))
    )


@both_names
def gather(input: Any, dim: int, index: Any) -> Tensor:
    """input's entries at `index` (int64, of input's rank) along `dim`. Raises RuntimeError for a wrong rank, IndexError out of range."""
    axis, places = one_dim("gather", input.ndim, dim), need_tensor("gather", index)
    if places.dtype.kind not in "iu":
        raise RuntimeError(f"gather: the index must be an integer tensor, got {places.dtype}")
    if places.ndim != input.ndim:
        raise ShapeError(f"gather: index {tuple(places.shape)} must have as many dimensions as the input {tuple(input.shape)}")
    return shape.gather(input, index=places.array, axis=axis)


@both_names
def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """The entries along `dim` that the integer vector `index` names."""
    axis = one_dim("index_select", input.ndim, dim)
    return input[(slice(None),) * axis + (need_tensor("index_select", index),)]


def masked_select(input: Any, mask: Any) -> Tensor:
    """The elements where the mask is true, as a vector."""
    both = np.broadcast_shapes(input.shape, mask.shape)
    return expand(input, both)[expand(mask, both)]


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed over the dimensions along which a tensor of this size would be repeated to input's shape."""
    return shape.sum_to(input, target=shape_of("sum_to_size", size))


def contiguous(input: Tensor) -> Tensor:
    """Itself when its elements lie in order, else a copy where they do."""
    return input if input.is_contiguous() else shape.clone(input)


def to(input: Any, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False) -> Tensor:
    """In another dtype; the gradient comes back in the old one. Devices other than the CPU are refused."""
    for a in (*args, device):
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, str | Device):
            Device(a)
        elif isinstance(a, np.dtype | type):
            dtype = a
        elif a is not None and not isinstance(a, bool):
            raise TypeError(f"to: expected a dtype, a device or a Tensor, got {a!r}")
    target = input.dtype if dtype is None else np.dtype(dtype)
    if target is input.array.dtype:
        return shape.clone(input) if copy else input
    return shape.astype(input, dtype=target)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """In the dtype of another tensor."""
    return to(input, other.dtype)
