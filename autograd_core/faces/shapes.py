"""PyTorch's functions that rearrange: other shapes, other orders of dimensions and of entries, repetition."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import index as indexing
from ..ops import shape
from ..size import Size
from ..tensor import Tensor, constant
from .arguments import both_names, dims, need_tensor, one_dim, shape_of

METHODS = """
    reshape ravel flatten unflatten squeeze unsqueeze permute transpose swapaxes t movedim
    broadcast_to tile repeat_interleave flip fliplr flipud roll rot90 numel
"""
FUNCTIONS = "broadcast_tensors broadcast_shapes atleast_1d atleast_2d atleast_3d"


# ---------------------------------------------------------------------- the same elements in another shape


def reshape(input: Any, *sizes: Any) -> Tensor:
    """The same elements in another shape; one size may be -1. Raises ShapeError when the numbers of elements differ."""
    return shape.reshape(need_tensor("reshape", input), shape=shape_of("reshape", sizes))


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another tensor."""
    return reshape(input, other.array.shape)


def view(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """As reshape, on the same memory; or, with a dtype, the same memory as that. Raises RuntimeError where that would need a copy."""
    given = sizes if size is None else (size,)
    if len(given) == 1 and isinstance(given[0], np.dtype | type):
        return as_dtype(input, np.dtype(given[0]))
    target = shape_of("view", given)
    try:
        np.reshape(input.array, target, copy=False)
    except ValueError as error:
        if "copy" in str(error):
            raise RuntimeError(
                f"view: {tuple(input.shape)} as {target} would need a copy, since it is not contiguous; use .reshape()"
            ) from None
    return shape.reshape(input, shape=target)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of another tensor."""
    return view(input, other.array.shape)


def as_dtype(input: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """The same memory read as another dtype; the last dimension grows or shrinks with the size of an element."""
    if input.requires_grad:
        raise RuntimeError("view: the same memory as another dtype has no gradient; use .to(dtype) to convert, or .detach() first")
    if not input.ndim and dtype.itemsize != input.itemsize:
        raise RuntimeError(f"view: a 0-d {input.dtype} cannot be seen as {dtype}, whose elements have another size")
    try:
        return constant(input.array.view(dtype))
    except ValueError as error:
        raise RuntimeError(f"view: {tuple(input.shape)} of {input.dtype} cannot be seen as {dtype}: {error}") from None


def ravel(input: Any) -> Tensor:
    """All elements as a vector; of a tensor whose elements do not lie in order, a copy."""
    input = contiguous(need_tensor("ravel", input))
    return shape.reshape(input, shape=(input.array.size,))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start_dim to end_dim as one."""
    input = need_tensor("flatten", input)
    first, last = one_dim("flatten", input.ndim, start_dim), one_dim("flatten", input.ndim, end_dim)
    if not input.ndim:
        return shape.reshape(input, shape=(1,))
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    sizes = input.array.shape
    length = prod(sizes[first : last + 1])
    return input if first == last else shape.reshape(input, shape=(*sizes[:first], length, *sizes[last + 1 :]))


@both_names
def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several of these sizes, one of which may be -1. Raises RuntimeError when they do not multiply to it."""
    input = need_tensor("unflatten", input)
    axis, parts = one_dim("unflatten", input.ndim, dim), shape_of("unflatten", (sizes,))
    n, known = input.array.shape[axis], prod(p for p in parts if p != -1)
    if not parts:
        raise RuntimeError("unflatten: sizes must not be empty")
    if parts.count(-1) > 1 or (-1 not in parts and known != n) or (-1 in parts and (not known or n % known)):
        raise RuntimeError(f"unflatten: sizes {parts} do not multiply to {n}, the length of dimension {dim} of {tuple(input.shape)}")
    parts = tuple(n // known if p == -1 else p for p in parts)
    return view(input, (*input.array.shape[:axis], *parts, *input.array.shape[axis + 1 :]))


def squeeze(input: Any, *which: Any, dim: Any = None) -> Tensor:
    """Without dimensions of length one (or those of `dim` that are)."""
    input = need_tensor("squeeze", input)
    dim = dim if not which else which[0] if len(which) == 1 else which
    chosen: Any = range(input.ndim) if dim is None else () if dim == () else np.atleast_1d(np.asarray(dims("squeeze", input, dim)))
    axes = tuple(int(a) for a in chosen if input.ndim and input.array.shape[a] == 1)
    return shape.squeeze(input, axis=axes)


@both_names
def unsqueeze(input: Any, dim: int) -> Tensor:
    """With a dimension of length one at `dim`."""
    input = need_tensor("unsqueeze", input)
    return shape.expand_dims(input, axis=one_dim("unsqueeze", input.ndim + 1, dim))


def atleast(ndim: int, make: Any) -> Any:
    def function(*tensors: Any) -> Any:
        several = len(tensors) != 1 or isinstance(tensors[0], Sequence)
        given = tensors[0] if len(tensors) == 1 and several else tensors
        made = tuple(t if t.ndim >= ndim else make(t) for t in [need_tensor(function.__name__, t) for t in given])
        return made if several else made[0]

    function.__name__ = function.__qualname__ = f"atleast_{ndim}d"
    function.__doc__ = f"Tensors with dimensions of length one added up to {ndim}: a tensor of one, a tuple of several or of a list."
    return function


atleast_1d = atleast(1, lambda t: reshape(t, 1))
atleast_2d = atleast(2, lambda t: reshape(t, 1, -1) if t.array.size else reshape(t, 1, 0))
atleast_3d = atleast(3, lambda t: unsqueeze(atleast_2d(t), -1))


def contiguous(input: Tensor) -> Tensor:
    """Itself when its elements lie in order, else a copy where they do."""
    return input if input.is_contiguous() else shape.contiguous(input)


def numel(input: Any) -> int:
    """The number of elements."""
    return need_tensor("numel", input).array.size


nelement = numel


def ndimension(input: Tensor) -> int:
    """The number of dimensions."""
    return input.array.ndim


# ---------------------------------------------------------------------- dimensions in another order


def permute(input: Any, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in another order. Raises RuntimeError unless each is named once."""
    input = need_tensor("permute", input)
    axes = tuple(one_dim("permute", input.ndim, d) for d in shape_of("permute", order if dims is None else (dims,)))
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


def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    """Two dimensions swapped."""
    return transpose(input, axis0, axis1)


def t(input: Any) -> Tensor:
    """A matrix transposed; vectors stay. Raises RuntimeError for more than two dimensions."""
    input = need_tensor("t", input)
    if input.ndim > 2:
        raise RuntimeError(f"t: needs at most two dimensions, got {tuple(input.shape)}; use .mT or .permute()")
    return shape.mT(input) if input.ndim == 2 else shape.alias(input)


def matrix_transpose(input: Any) -> Tensor:
    """The last two dimensions swapped; numbers stay. Raises RuntimeError for a vector."""
    input = need_tensor("mT", input)
    if input.ndim == 1:
        raise RuntimeError(f"mT: takes matrices or batches of them, got shape {tuple(input.shape)}")
    return shape.mT(input) if input.ndim else shape.alias(input)


def movedim(input: Any, source: Any, destination: Any) -> Tensor:
    """Dimensions moved to other places, the rest in order."""
    input = need_tensor("movedim", input)
    one = [source] if not isinstance(source, Sequence) else list(source)
    two = [destination] if not isinstance(destination, Sequence) else list(destination)
    if len(one) != len(two):
        raise RuntimeError(f"movedim: {len(one)} sources but {len(two)} destinations")
    origins = [one_dim("movedim", input.ndim, d) for d in one]
    places = [one_dim("movedim", input.ndim, d) for d in two]
    if len(set(origins)) < len(origins) or len(set(places)) < len(places):
        raise RuntimeError(f"movedim: a dimension is named twice, from {tuple(one)} to {tuple(two)}")
    order = [d for d in range(input.ndim) if d not in origins]
    for place, d in sorted(zip(places, origins, strict=True)):
        order.insert(place, d)
    return shape.transpose(input, axes=tuple(order) if input.ndim else ())


# ---------------------------------------------------------------------- repetition


def expand(input: Any, *sizes: Any) -> Tensor:
    """Repeated, without copying, along dimensions of length one; -1 keeps a length."""
    input = need_tensor("expand", input)
    target = shape_of("expand", sizes)
    extra = len(target) - input.ndim
    if extra < 0:
        raise ShapeError(f"expand: {tuple(input.shape)} has more dimensions than {target}")
    target = tuple(input.array.shape[k - extra] if n == -1 and k >= extra else n for k, n in enumerate(target))
    if min(target, default=0) < 0:
        raise ShapeError(f"expand: in {target} only the last {input.ndim} sizes may be -1, for {tuple(input.shape)} to keep its own")
    if any(n not in (1, m) for n, m in zip(input.array.shape, target[extra:], strict=True)):
        raise ShapeError(f"expand: {tuple(input.shape)} does not fit {target}: from the right, lengths must agree or be 1")
    if target == input.array.shape:
        return shape.alias(input)  # which may be written
    return shape.broadcast_to(input, target=target)


def broadcast_to(input: Any, size: Any) -> Tensor:
    """Repeated, without copying, to this shape."""
    return expand(input, size)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of another tensor."""
    return expand(input, other.array.shape)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that arrays of these shapes broadcast to. Raises ShapeError when they do not."""
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise ShapeError(
            f"broadcast_shapes: {', '.join(map(str, shapes))} do not broadcast: from the right, lengths must agree or be 1"
        ) from None


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to the shape that they broadcast to."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], Sequence) else tensors
    parts = [need_tensor("broadcast_tensors", t) for t in given]
    target = broadcast_shapes(*[p.array.shape for p in parts])
    return tuple(expand(p, target) for p in parts)


def repeat(input: Any, *repeats: Any) -> Tensor:
    """Copies side by side: `repeats` times along each dimension."""
    input = need_tensor("repeat", input)
    times = shape_of("repeat", repeats)
    if len(times) < input.ndim or min(times, default=0) < 0:
        raise RuntimeError(f"repeat: needs a number, not negative, for each dimension of {tuple(input.shape)}, got {times}")
    sizes = (1,) * (len(times) - input.ndim) + input.array.shape
    apart = shape.reshape(input, shape=tuple(k for n in sizes for k in (1, n)))
    copies = shape.broadcast_to(apart, target=tuple(k for r, n in zip(times, sizes, strict=True) for k in (r, n)))
    result = shape.reshape(copies, shape=tuple(r * n for r, n in zip(times, sizes, strict=True)))
    still_a_view = 0 in (*times, *sizes) or all(r == 1 or n == 1 for r, n in zip(times, sizes, strict=True))  # else reshape has copied
    return shape.clone(result) if still_a_view else result


def tile(input: Any, *numbers: Any, dims: Any = None) -> Tensor:
    """As repeat, with ones put before too few numbers."""
    times = shape_of("tile", numbers if dims is None else (dims,))
    return repeat(input, (1,) * (need_tensor("tile", input).ndim - len(times)) + times)


@both_names
def repeat_interleave(input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Each entry along `dim` repeated `repeats` times: one number for all or, in a tensor, one for each; without `dim`, of the flat input.

    With `repeats` alone (one tensor of integers), the index of each entry that often. `output_size`, if given, must be the
    resulting length. Raises RuntimeError for negative numbers, or too few or too many of them.
    """
    input = need_tensor("repeat_interleave", input)
    if repeats is None:
        return constant(np.repeat(np.arange(input.array.size), counts(input, input.array.size, output_size)))
    if dim is None:
        input, dim = ravel(input), 0
    if not input.ndim:
        raise IndexError("repeat_interleave: a 0-d tensor has no dimension to repeat along; leave out dim")
    axis = one_dim("repeat_interleave", input.ndim, dim)
    n = input.array.shape[axis]
    if isinstance(repeats, int):
        sizes = input.array.shape
        total = int(counts(constant(np.asarray(repeats)), 1, None)) * n
        if output_size not in (None, total):
            raise RuntimeError(f"repeat_interleave: the result is {total} long, not output_size {output_size}")
        apart = shape.broadcast_to(shape.expand_dims(input, axis=axis + 1), target=(*sizes[: axis + 1], repeats, *sizes[axis + 1 :]))
        whole = shape.reshape(apart, shape=(*sizes[:axis], total, *sizes[axis + 1 :]))
        still_a_view = repeats <= 1 or n <= 1 or 0 in sizes  # else reshape has copied
        return shape.clone(whole) if still_a_view else whole
    places = np.repeat(np.arange(n), counts(need_tensor("repeat_interleave", repeats), n, output_size))
    return indexing.index_select(input, places, axis=axis)


def counts(repeats: Tensor, n: int, total: int | None) -> Any:
    """The numbers of repeats, checked."""
    numbers = repeats.array
    if numbers.dtype.kind not in "iu" or numbers.ndim > 1:
        raise RuntimeError(f"repeat_interleave: repeats must be one integer or a vector of them, got {numbers.dtype} {numbers.shape}")
    if numbers.size not in (1, n):
        raise RuntimeError(f"repeat_interleave: {numbers.size} repeats for a dimension of length {n}")
    if numbers.size and numbers.min() < 0:
        raise RuntimeError("repeat_interleave: repeats must not be negative")
    found = int(numbers.sum()) * (n if numbers.size == 1 else 1)
    if total not in (None, found):
        raise RuntimeError(f"repeat_interleave: the result is {found} long, not output_size {total}")
    return numbers if numbers.size == n else numbers.reshape(())


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed over the dimensions along which a tensor of this size would be repeated to input's shape."""
    target = shape_of("sum_to_size", size)
    if len(target) > input.ndim or any(m not in (1, n) for n, m in zip(input.array.shape[::-1], target[::-1], strict=False)):
        raise ShapeError(f"sum_to_size: {target} does not broadcast to {tuple(input.shape)}")
    return shape.sum_to(input, target=target)


# ---------------------------------------------------------------------- entries in another order


def flip(input: Any, *dims_: Any, dims: Any = None) -> Tensor:
    """The entries along these dimensions in reverse order."""
    input = need_tensor("flip", input)
    if dims is None and not dims_:
        raise TypeError("flip: needs the dims to flip")
    axes = tuple(one_dim("flip", input.ndim, d) for d in shape_of("flip", dims_ if dims is None else (dims,)))
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"flip: a dim appears twice in {axes}")
    return shape.flip(input, axis=axes) if input.ndim else shape.clone(input)


def fliplr(input: Any) -> Tensor:
    """The second dimension in reverse order. Raises RuntimeError for fewer than two."""
    if need_tensor("fliplr", input).ndim < 2:
        raise RuntimeError(f"fliplr: needs at least two dimensions, got {tuple(input.shape)}")
    return flip(input, 1)


def flipud(input: Any) -> Tensor:
    """The first dimension in reverse order. Raises RuntimeError for a 0-d tensor."""
    if need_tensor("flipud", input).ndim < 1:
        raise RuntimeError("flipud: needs at least one dimension")
    return flip(input, 0)


def roll(input: Any, shifts: Any, dims: Any = None) -> Tensor:
    """The entries shifted round; over all elements in order when dims is left out."""
    input = need_tensor("roll", input)
    several = lambda v: tuple(v) if isinstance(v, Sequence) else (v,)
    by, along = several(shifts), () if dims is None else several(dims)
    if len(by) != len(along or (0,)):
        raise RuntimeError(f"roll: {len(by)} shifts but {len(along)} dims")
    if not along:
        return shape.roll(input, shifts=by[0])
    if not input.ndim:
        raise IndexError("roll: a 0-d tensor has no dimensions")
    return shape.roll(input, shifts=by, axis=tuple(one_dim("roll", input.ndim, d) for d in along))


def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """A quarter turn in the plane of two dimensions, `k` times, from the first towards the second."""
    input = need_tensor("rot90", input)
    if len(dims) != 2 or input.ndim < 2:
        raise RuntimeError(f"rot90: needs two of at least two dimensions, got {tuple(dims)} of {tuple(input.shape)}")
    a, b = (one_dim("rot90", input.ndim, d) for d in dims)
    if a == b:
        raise RuntimeError(f"rot90: the two dimensions must differ, got {tuple(dims)}")
    match k % 4:
        case 1:
            return transpose(flip(input, b), a, b)
        case 2:
            return flip(input, a, b)
        case 3:
            return flip(transpose(input, a, b), b)
    return shape.clone(input)


ONLY_METHODS = {  # PyTorch has no functions of these names
    "reshape_as": reshape_as,
    "view": view,
    "view_as": view_as,
    "expand": expand,
    "expand_as": expand_as,
    "repeat": repeat,
    "sum_to_size": sum_to_size,
    "contiguous": contiguous,
    "nelement": nelement,
    "ndimension": ndimension,
}
