"""PyTorch's functions that join tensors and cut them into parts; the parts are views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations as choices
from itertools import combinations_with_replacement as choices_again
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import index as indexing
from ..ops import shape
from ..tensor import Tensor, constant
from .arguments import both_names, need_tensor, one_dim, shape_of
from .shapes import atleast_1d, atleast_2d, atleast_3d, broadcast_tensors, reshape

METHODS = "narrow narrow_copy select split split_with_sizes tensor_split chunk hsplit vsplit dsplit unbind"
FUNCTIONS = "cat stack hstack vstack row_stack dstack column_stack block_diag cartesian_prod combinations"


# ---------------------------------------------------------------------- joining


def tensors_of(name: str, tensors: Any) -> list[Tensor]:
    """The tensors of a sequence. Raises TypeError if it is none, ShapeError if it is empty."""
    if isinstance(tensors, Tensor | np.ndarray) or not isinstance(tensors, Sequence):
        raise TypeError(f"{name}: takes a list or tuple of tensors, got a {type(tensors).__name__}")
    if not tensors:
        raise ShapeError(f"{name}: needs at least one tensor")
    return [need_tensor(name, t) for t in tensors]


@both_names
def cat(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors joined along `dim`. Raises ShapeError when the other lengths differ."""
    parts = tensors_of("cat", tensors)
    found = [p.array.shape for p in parts]
    if () in found:
        raise RuntimeError("cat: a 0-d tensor has no dimension to join along; use stack, or unsqueeze(0)")
    whole = next((s for s in found if s != (0,)), (0,)) if (0,) in found else found[0]
    axis = one_dim("cat", len(whole), dim)
    if len(whole) > 1 and (0,) in found:  # vectors of nothing fit everywhere
        nothing = tuple(0 if k == axis else n for k, n in enumerate(whole))
        parts = [shape.reshape(p, shape=nothing) if s == (0,) else p for p, s in zip(parts, found, strict=True)]
    return shape.concat(*parts, axis=axis)


@both_names
def stack(tensors: Sequence[Any], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension."""
    parts = tensors_of("stack", tensors)
    if len({p.array.shape for p in parts}) > 1:
        raise ShapeError(f"stack: the tensors must have one shape, got {', '.join(str(p.array.shape) for p in parts)}")
    axis = one_dim("stack", parts[0].ndim + 1, dim)
    return shape.concat(*[shape.expand_dims(p, axis=axis) for p in parts], axis=axis)


def hstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the second dimension; vectors and numbers along the first."""
    parts = [atleast_1d(t) for t in tensors_of("hstack", tensors)]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the first dimension; vectors and numbers count as rows."""
    return cat([atleast_2d(t) for t in tensors_of("vstack", tensors)], 0)


row_stack = vstack


def dstack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the third dimension."""
    return cat([atleast_3d(t) for t in tensors_of("dstack", tensors)], 2)


def column_stack(tensors: Sequence[Any]) -> Tensor:
    """Tensors joined along the second dimension; vectors and numbers count as columns."""
    return cat([t if t.ndim > 1 else reshape(t, (t.array.size, 1)) for t in tensors_of("column_stack", tensors)], 1)


def block_diag(*tensors: Any) -> Tensor:
    """A matrix with these on its diagonal, the rest zero; vectors and numbers count as rows."""
    blocks = [atleast_2d(need_tensor("block_diag", t)) for t in tensors] or [constant(np.zeros((1, 0), np.float32))]
    for b in blocks:
        if b.ndim > 2:
            raise RuntimeError(f"block_diag: takes matrices, vectors and numbers, got shape {tuple(b.shape)}")
    width = sum(b.array.shape[1] for b in blocks)
    starts = np.cumsum([0] + [b.array.shape[1] for b in blocks])
    return cat([shape.embed(b, axis=1, start=int(s), length=width) for b, s in zip(blocks, starts, strict=False)], 0)


def cartesian_prod(*tensors: Any) -> Tensor:
    """The rows of all combinations of one entry of each vector; of one vector that itself."""
    for v in tensors:
        if need_tensor("cartesian_prod", v).ndim != 1:
            raise RuntimeError(f"cartesian_prod: takes vectors, got shape {tuple(v.shape)}")
        if v.dtype != tensors[0].dtype:
            raise RuntimeError(f"cartesian_prod: all vectors must have one dtype, got {tensors[0].dtype} and {v.dtype}")
    if len(tensors) == 1:
        return tensors[0]
    grids = broadcast_tensors(*[reshape(v, (-1,) + (1,) * (len(tensors) - 1 - k)) for k, v in enumerate(tensors)])
    return stack([reshape(grid, grid.array.size) for grid in grids], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Tensor:
    """The rows of all choices of r entries of a vector, in order."""
    if need_tensor("combinations", input).ndim != 1:
        raise RuntimeError(f"combinations: takes a vector, got shape {tuple(input.shape)}")
    if r < 0:
        raise RuntimeError(f"combinations: r must not be negative, got {r}")
    if not r:
        return constant(np.zeros(0, input.dtype))
    found = list((choices_again if with_replacement else choices)(range(input.array.size), r))
    return indexing.index_select(input, np.array(found, np.int64).reshape(-1, r), axis=0)


# ---------------------------------------------------------------------- cutting


@both_names
def narrow(input: Any, dim: int, start: Any, length: int) -> Tensor:
    """`length` entries along `dim`, from `start` on, an integer or a 0-d tensor of one, from the end if negative."""
    input = need_tensor("narrow", input)
    if not input.ndim:
        raise RuntimeError("narrow: a 0-d tensor has no dimension to cut")
    if isinstance(start, Tensor) and (start.ndim or start.dtype.kind not in "iu"):
        raise RuntimeError(f"narrow: start must be an integer or a 0-d tensor of one, got {start.dtype} {tuple(start.shape)}")
    axis = one_dim("narrow", input.ndim, dim)
    n = input.array.shape[axis]
    if not -n <= int(start) <= n:
        raise IndexError(f"narrow: start {int(start)} is out of range for dimension {axis} of length {n}")
    begin = int(start) + (n if start < 0 else 0)
    if length < 0 or begin + length > n:
        raise RuntimeError(f"narrow: start {int(start)} and length {length} do not fit dimension {axis} of length {n}")
    return shape.crop(input, axis=axis, start=begin, length=length)


@both_names
def narrow_copy(input: Any, dim: int, start: Any, length: int) -> Tensor:
    """As narrow, with memory of its own."""
    return shape.clone(narrow(input, dim, start, length))


@both_names
def select(input: Any, dim: int, index: Any) -> Tensor:
    """The entries at one index along `dim`, without it: a view."""
    input = need_tensor("select", input)
    if not input.ndim:
        raise IndexError("select: a 0-d tensor has no dimension to select from")
    axis = one_dim("select", input.ndim, dim)
    n = input.array.shape[axis]
    if not -n <= int(index) < n:
        raise IndexError(f"select: index {int(index)} is out of range for dimension {axis} of length {n}")
    return input[(slice(None),) * axis + (int(index),)]


@both_names
def split(tensor: Any, split_size_or_sections: Any = None, dim: int = 0, *, split_size: Any = None) -> tuple[Tensor, ...]:
    """Parts of one size (the last may be shorter), or of the sizes listed, along `dim`."""
    tensor = need_tensor("split", tensor)
    size = split_size_or_sections if split_size is None else split_size
    if not isinstance(size, int):
        return split_with_sizes(tensor, size, dim)
    if not tensor.ndim:
        raise RuntimeError("split: a 0-d tensor has no dimension to split")
    n = tensor.array.shape[one_dim("split", tensor.ndim, dim)]
    if size < 0 or (size == 0 and n):
        raise RuntimeError(f"split: the size must be positive, got {size}")
    return parts_at(tensor, [*range(size, n, size)] if n else [], dim)


@both_names
def split_with_sizes(input: Any, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of these sizes, which must sum to the length, along `dim`."""
    input = need_tensor("split", input)
    if isinstance(split_sizes, Tensor) or not isinstance(split_sizes, Sequence):
        raise TypeError(f"split: takes a size or a list of sizes, got a {type(split_sizes).__name__}")
    sizes = shape_of("split", (split_sizes,))
    n = input.array.shape[one_dim("split", input.ndim, dim)] if input.ndim else 0
    if sum(sizes) != n or min(sizes, default=0) < 0 or not input.ndim:
        raise RuntimeError(f"split: sizes {list(sizes)} must sum to {n}, the length of dimension {dim}, and not be negative")
    starts = np.cumsum((0, *sizes)).tolist()
    return tuple(narrow(input, dim, s, length) for s, length in zip(starts, sizes, strict=False))


def parts_at(input: Tensor, cuts: Sequence[int], dim: int) -> tuple[Tensor, ...]:
    """The parts between these places along `dim`, which count, and are bounded, as those of slices."""
    axis = one_dim("split", input.ndim, dim)
    n = input.array.shape[axis]
    spans = [range(*slice(a, b).indices(n)) for a, b in pairwise((0, *cuts, None))]
    return tuple(shape.crop(input, axis=axis, start=s.start, length=len(s)) for s in spans)


@both_names
def tensor_split(input: Any, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None, sections: Any = None) -> Any:
    """That many parts of sizes that differ by one at most, or the parts between the listed places, along `dim`."""
    input = need_tensor("tensor_split", input)
    if not input.ndim:
        raise RuntimeError("tensor_split: a 0-d tensor has no dimension to split")
    where = indices_or_sections if indices_or_sections is not None else indices if indices is not None else sections
    if isinstance(where, Tensor):
        if where.ndim > 1 or where.dtype.kind not in "iu":
            raise RuntimeError(f"tensor_split: takes an integer or a vector of them, got {where.dtype} {tuple(where.shape)}")
        where = where.tolist()
    if not isinstance(where, int):
        return parts_at(input, shape_of("tensor_split", (where,)), dim)
    if where < 1:
        raise RuntimeError(f"tensor_split: the number of parts must be positive, got {where}")
    n = input.array.shape[one_dim("tensor_split", input.ndim, dim)]
    least, longer = divmod(n, where)
    return parts_at(input, [k * least + min(k, longer) for k in range(1, where)], dim)


@both_names
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of one size (the last may be shorter)."""
    input = need_tensor("chunk", input)
    if chunks < 1 or not input.ndim:
        raise RuntimeError(f"chunk: needs a positive number of chunks, got {chunks}, and at least one dimension, got {input.ndim}")
    n = input.array.shape[one_dim("chunk", input.ndim, dim)]
    return split(input, -(-n // chunks), dim) if n else parts_at(input, [0] * (chunks - 1), dim)


def cutter(name: str, least: int, dim: int) -> Callable[[Any, Any], tuple[Tensor, ...]]:
    def function(input: Any, indices_or_sections: Any) -> tuple[Tensor, ...]:
        input = need_tensor(name, input)
        if input.ndim < least:
            raise RuntimeError(f"{name}: needs at least {least} dimensions, got {tuple(input.shape)}")
        axis = 0 if input.ndim == 1 else dim
        n = input.array.shape[axis]
        if isinstance(indices_or_sections, int) and (indices_or_sections < 1 or n % indices_or_sections):
            raise RuntimeError(f"{name}: {n} entries of dimension {axis} cannot be cut into {indices_or_sections} equal parts")
        return tensor_split(input, indices_or_sections, axis)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"As tensor_split along dimension {dim}, into parts of one size. Raises RuntimeError where that cannot be."
    return function


hsplit, vsplit, dsplit = cutter("hsplit", 1, 1), cutter("vsplit", 2, 0), cutter("dsplit", 3, 2)


@both_names
def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The parts along `dim`, without it."""
    input = need_tensor("unbind", input)
    if not input.ndim:
        raise IndexError("unbind: a 0-d tensor has no dimensions")
    axis = one_dim("unbind", input.ndim, dim)
    return tuple(input[(slice(None),) * axis + (k,)] for k in range(input.array.shape[axis]))
