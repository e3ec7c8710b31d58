"""PyTorch's functions that read and write at indices, given by arrays of them or by a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..factory import in_dtype
from ..ops import elementwise, shape
from ..ops import index as ops
from ..tensor import Tensor, constant
from .arguments import both_names, need_tensor, one_dim
from .joining import select
from .shapes import broadcast_tensors, expand, reshape
from .subscripts import normal_index
from .types import to

METHODS = """
    gather take take_along_dim index_select masked_select nonzero argwhere
    scatter scatter_add scatter_reduce index_add index_copy index_fill index_put index_reduce put masked_scatter
    select_scatter slice_scatter diagonal_scatter
"""
IN_PLACE = "scatter scatter_add scatter_reduce index_add index_copy index_fill index_put index_reduce put masked_scatter"


# ---------------------------------------------------------------------- an index for each entry


@both_names
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Tensor:
    """input's entries at `index` (integers, of input's rank) along `dim`.

    index may be shorter than input in the other dimensions. Raises RuntimeError or ShapeError for an index that does not
    fit, IndexError out of range. `sparse_grad` means nothing here.
    """
    input = need_tensor("gather", input)
    axis, places = one_dim("gather", input.ndim, dim), integers("gather", index)
    if not places.array.size:
        return reshape(reshape(input, input.array.size)[:0], places.array.shape)
    within("gather", input, axis, places)
    return ops.gather(input, places, axis=axis)


def integers(name: str, index: Any) -> Tensor:
    index = need_tensor(name, index)
    if index.dtype.kind != "i" or index.itemsize < 4:
        raise RuntimeError(f"{name}: the index must be a tensor of int64 or int32, got {index.dtype}")
    return index


def within(name: str, input: Tensor, axis: int, index: Tensor, src: Tensor | None = None) -> None:
    """Raise ShapeError unless index has input's rank and nowhere but along the axis more entries; nor more than `src`."""
    if max(index.ndim, 1) != max(input.ndim, 1) or (src is not None and max(src.ndim, 1) != max(index.ndim, 1)):
        shown = "" if src is None else f" and the source {tuple(src.shape)}"
        raise ShapeError(f"{name}: index {tuple(index.shape)} must have as many dimensions as the input {tuple(input.shape)}{shown}")
    for k, n in enumerate(index.array.shape):
        if k != axis and n > input.array.shape[k]:
            raise ShapeError(f"{name}: index {tuple(index.shape)} must not be longer than {tuple(input.shape)}, but along {axis}")
        if src is not None and src.ndim and n > src.array.shape[k]:
            raise ShapeError(f"{name}: index {tuple(index.shape)} must not be longer than the source {tuple(src.shape)}")


def same_dtype(name: str, input: Tensor, src: Tensor) -> None:
    if src.dtype != input.dtype:
        raise RuntimeError(f"{name}: the source is {src.dtype} but the input {input.dtype}; convert one of them")


def aligned(name: str, input: Any, dim: int, index: Any, src: Any) -> tuple[Tensor, int, Tensor, Tensor]:
    """What a scatter works on: the input, the axis, the index, and the part of the source that goes with it."""
    input, src, places = need_tensor(name, input), need_tensor(name, src), integers(name, index)
    same_dtype(name, input, src)
    axis = one_dim(name, input.ndim, dim)
    if places.array.size:
        within(name, input, axis, places, src)
        if src.array.shape != places.array.shape:
            src = reshape(src, 1) if not src.ndim else reshape(src, 1)[0] if not places.ndim else src
            src = ops.getitem(src, index=tuple(slice(n) for n in places.array.shape))
    else:
        src = reshape(reshape(src, src.array.size)[:0], places.array.shape)
    return input, axis, places, src


@both_names
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Tensor:
    """input with its entries at `index` along `dim` replaced by those of `src`, a tensor or number; reduce="add" or "multiply": combined.

    Where an entry is named twice the last value counts, and the gradient goes to it alone. Raises as gather.
    """
    src = value if src is None else src
    if not isinstance(src, Tensor | np.ndarray):
        number = in_dtype("scatter", src, need_tensor("scatter", input).dtype)
        src = constant(np.broadcast_to(number, integers("scatter", index).array.shape))
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f'scatter: reduce must be "add" or "multiply", got {reduce!r}')
    input, axis, places, src = aligned("scatter", input, dim, index, src)
    if not places.array.size:
        return unchanged(input, src)
    if reduce == "add":
        return input + ops.scatter_add(src, places, axis=axis, shape=input.array.shape)
    if reduce == "multiply":
        return ops.scatter_prod(input, src, places, axis=axis)
    return ops.scatter(input, src, places, axis=axis)


def unchanged(input: Tensor, src: Tensor) -> Tensor:
    """input, computed from src too though nothing of it is used."""
    return ops.overwrite(input, reshape(src, src.array.size)[:0], index=np.zeros(input.array.shape, bool))


@both_names
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Tensor:
    """input with the entries of `src` added at `index` along `dim`. Raises as gather."""
    if not isinstance(src, Tensor):
        raise TypeError(f"scatter_add: src must be a Tensor, got a {type(src).__name__}")
    return scatter(input, dim, index, src, reduce="add")


@both_names
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Tensor:
    """The "sum", "prod", "mean", "amax" or "amin" of each entry of input and those of `src` that `index` sends there along `dim`.

    Without `include_self` only of those of `src`, where there are any. Of several largest (smallest) each gets an equal
    share of the gradient. Raises as gather.
    """
    input, axis, places, src = aligned("scatter_reduce", input, dim, index, src)
    kind = input.dtype
    neutral: dict[str, Any] = {"sum": 0, "mean": 0, "prod": 1, "amax": lowest(kind), "amin": highest(kind)}
    if reduce not in neutral:
        raise RuntimeError(f"scatter_reduce: reduce must be one of {', '.join(neutral)}, got {reduce!r}")
    if not places.array.size:
        return unchanged(input, src)
    ones = constant(np.ones(places.array.shape, np.int64))
    hits = ops.scatter_add(ones, places, axis=axis, shape=input.array.shape)
    start = input if include_self else elementwise.masked_fill(input, hits > 0, value=neutral[reduce])
    match reduce:
        case "prod":
            return ops.scatter_prod(start, src, places, axis=axis)
        case "amax" | "amin":
            return ops.scatter_extreme(start, src, places, axis=axis, largest=reduce == "amax")
    total = start + ops.scatter_add(src, places, axis=axis, shape=input.array.shape)
    if reduce == "sum":
        return total
    count = constant(np.asarray(np.maximum(hits.array + bool(include_self), 1), kind))
    return elementwise.floor_divide(total, count) if kind.kind in "iu" else total / count


def lowest(dtype: np.dtype[Any]) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else 0


def highest(dtype: np.dtype[Any]) -> Any:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max if dtype.kind in "iu" else 1


@both_names
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Tensor:
    """As gather, with input and indices broadcast in the other dimensions, and indices from the end; of the flat input without `dim`."""
    input, places = need_tensor("take_along_dim", input), integers("take_along_dim", indices)
    if dim is None:
        return gather(reshape(input, input.array.size), 0, counted(reshape(places, places.array.size), input.array.size))
    axis = one_dim("take_along_dim", input.ndim, dim)
    if input.ndim != places.ndim:
        raise ShapeError(f"take_along_dim: {tuple(input.shape)} and indices {tuple(places.shape)} must have as many dimensions")
    n, m = input.array.shape[axis], places.array.shape[axis]
    others = lambda t, length: tuple(length if k == axis else s for k, s in enumerate(t))
    both = np.broadcast_shapes(others(input.array.shape, 1), others(places.array.shape, 1))
    return gather(expand(input, others(both, n)), axis, counted(expand(places, others(both, m)), n))


def counted(index: Tensor, n: int) -> Tensor:
    """An index with what counts from the end counted from the front."""
    return elementwise.where(index < 0, index + n, index)


def take(input: Any, index: Any) -> Tensor:
    """The elements of the flat input at the indices, in their shape; from the end if negative. Raises IndexError out of range."""
    input, places = need_tensor("take", input), need_tensor("take", index)
    if places.dtype != np.int64:
        raise RuntimeError(f"take: the index must be int64, got {places.dtype}")
    n = input.array.size
    flat = gather(reshape(input, n), 0, counted(reshape(places, places.array.size), n))
    return reshape(flat, places.array.shape)


def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Tensor:
    """input with the elements at the indices into its flat form replaced by those of source, or these added.

    Raises IndexError out of range, or for other numbers of elements; RuntimeError for another dtype.
    """
    input, places, source = need_tensor("put", input), need_tensor("put", index), need_tensor("put", source)
    if places.dtype != np.int64:
        raise RuntimeError(f"put: the index must be int64, got {places.dtype}")
    if places.array.size != source.array.size:
        raise IndexError(f"put: {places.array.size} indices but {source.array.size} elements")
    n = input.array.size
    flat = scatter(
        reshape(input, n),
        0,
        counted(reshape(places, places.array.size), n),
        reshape(source, source.array.size),
        reduce="add" if accumulate else None,
    )
    return reshape(flat, input.array.shape)


# ---------------------------------------------------------------------- a vector of indices along one dimension


@both_names
def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """The entries along `dim` that the integer vector `index` names. Raises IndexError out of range."""
    input = need_tensor("index_select", input)
    axis, places = one_dim("index_select", input.ndim, dim), vector("index_select", index)
    if not input.ndim:
        if places.array.size != 1:
            raise RuntimeError(f"index_select: a 0-d tensor has one entry, got {places.array.size} indices")
        return ops.index_select(reshape(input, 1), places, axis=0)[0]
    return ops.index_select(input, places, axis=axis)


def vector(name: str, index: Any) -> Tensor:
    """An index as a vector."""
    places = integers(name, index)
    if places.ndim > 1:
        raise IndexError(f"{name}: the index must be a vector, got shape {tuple(places.shape)}")
    return reshape(places, places.array.size)


def rows_for(name: str, input: Any, dim: int, index: Any, source: Any) -> tuple[Tensor, int, Tensor, Tensor]:
    """The input, the axis, the index and a source that has an entry for each index, all with a dimension at least."""
    input, source = need_tensor(name, input), need_tensor(name, source)
    same_dtype(name, input, source)
    axis, places = one_dim(name, input.ndim, dim), vector(name, index)
    shapes = [list((t if t.ndim else reshape(t, 1)).shape) for t in (input, source)]
    shapes[0][axis] = places.array.size
    if shapes[0] != shapes[1]:
        raise ShapeError(f"{name}: the source {tuple(source.shape)} must be {tuple(shapes[0])}, the input's shape with an entry per index")
    return reshape(input, 1) if not input.ndim else input, axis, places, reshape(source, 1) if not source.ndim else source


@both_names
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Tensor:
    """input with alpha times the entries of source added at the integer vector `index` along `dim`."""
    whole, axis, places, source = rows_for("index_add", input, dim, index, source)
    if whole.dtype.kind in "iub":
        if isinstance(alpha, float | complex):
            raise RuntimeError(f"index_add: alpha={alpha} must be an integer for {whole.dtype}")
        alpha = in_dtype("index_add", alpha, whole.dtype).item()
    added = ops.index_add(source if alpha == 1 else source * alpha, places, axis=axis, shape=whole.array.shape)
    return input + reshape(added, input.array.shape)


@both_names
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Tensor:
    """input with its entries at the integer vector `index` along `dim` replaced by those of source, the last of equal indices counting."""
    whole, axis, places, source = rows_for("index_copy", input, dim, index, source)
    return reshape(ops.scatter(whole, source, along(places, axis, source), axis=axis), input.array.shape)


@both_names
def index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Tensor:
    """The "prod", "mean", "amax" or "amin" of input's entries and those of source that `index` sends there: scatter_reduce, by rows."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce: reduce must be one of prod, mean, amax, amin, got {reduce!r}")
    whole, axis, places, source = rows_for("index_reduce", input, dim, index, source)
    made = scatter_reduce(whole, axis, along(places, axis, source), source, reduce, include_self=include_self)
    return reshape(made, input.array.shape)


def along(places: Tensor, axis: int, source: Tensor) -> Tensor:
    """A vector of indices as an index for each entry of source."""
    return expand(reshape(places, [places.array.size if k == axis else 1 for k in range(source.ndim)]), source.array.shape)


@both_names
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Tensor:
    """input with one number, which may be a 0-d tensor, at the integer vector `index` along `dim`."""
    input = need_tensor("index_fill", input)
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(f"index_fill: the value must be a number or a 0-d tensor, got shape {tuple(value.shape)}")
    axis, places = one_dim("index_fill", input.ndim, dim), vector("index_fill", index)
    n = input.array.shape[axis] if input.ndim else 1
    mask = np.zeros(n, bool)
    try:
        mask[places.array] = True
    except IndexError:
        raise IndexError(f"index_fill: index {places.tolist()} is out of range for dimension {dim} of length {n}") from None
    there = constant(mask.reshape([-1 if k == axis else 1 for k in range(input.ndim)]))
    if isinstance(value, Tensor):
        return elementwise.where(there, to(value, input.dtype), input)
    return elementwise.masked_fill(input, there, value=in_dtype("index_fill", value, input.dtype).item())


def index_put(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Tensor:
    """input with input[indices] = values, or with values added there, counting entries that are named twice twice."""
    input, values = need_tensor("index_put", input), values
    if not isinstance(values, Tensor):
        raise TypeError(f"index_put: values must be a Tensor, got a {type(values).__name__}")
    same_dtype("index_put", input, values)
    index = normal_index("index_put", tuple(need_tensor("index_put", i) for i in indices))
    index = tuple(np.asarray(i) if isinstance(i, int) else i for i in index)
    try:
        place = np.broadcast_to(0, input.array.shape)[index].shape
        values = expand(values, place)
    except IndexError as error:
        raise IndexError(f"index_put: {error}") from None
    if accumulate:
        return input + ops.put(values, index=index, shape=input.array.shape)
    return ops.overwrite(input, values, index=index)


# ---------------------------------------------------------------------- masks


def mask_for(name: str, mask: Any) -> Tensor:
    if need_tensor(name, mask).dtype.kind != "b":
        raise RuntimeError(f"{name}: the mask must be boolean, got {mask.dtype}")
    return need_tensor(name, mask)


def masked_select(input: Any, mask: Any) -> Tensor:
    """The elements where the mask is true, as a vector."""
    input, mask = broadcast_tensors(need_tensor("masked_select", input), mask_for("masked_select", mask))
    return ops.getitem(input, index=mask.array) if input.ndim else reshape(input, 1)[: int(mask)]


def masked_scatter(input: Any, mask: Any, source: Any) -> Tensor:
    """input with the elements where the mask is true replaced by those of source, in order. Raises RuntimeError if it has too few."""
    source = need_tensor("masked_scatter", source)
    input, mask = broadcast_tensors(need_tensor("masked_scatter", input), mask_for("masked_scatter", mask))
    same_dtype("masked_scatter", input, source)
    wanted = np.count_nonzero(mask.array)
    if source.array.size < wanted:
        raise RuntimeError(f"masked_scatter: the mask asks for {wanted} elements, the source has {source.array.size}")
    if not wanted:
        return unchanged(input, source)
    order = np.maximum(np.cumsum(mask.array) - 1, 0)
    chosen = ops.index_select(reshape(source, source.array.size), order, axis=0)
    return elementwise.where(mask, reshape(chosen, mask.array.shape), input)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not zero: a row (or, as a tuple, an entry of each vector) for each."""
    array = need_tensor("nonzero", input).array
    found = np.nonzero(np.atleast_1d(array))
    if as_tuple:
        return tuple(constant(a) for a in found)
    return constant(np.stack(found, 1)[:, : array.ndim])


def argwhere(input: Any) -> Tensor:
    """The indices of the elements that are not zero, a row for each."""
    return nonzero(input)


# ---------------------------------------------------------------------- writing a part of a copy


@both_names
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Tensor:
    """input with the entries at one index along `dim` replaced by src."""
    axis = one_dim("select_scatter", need_tensor("select_scatter", input).ndim, dim)
    return part_replaced("select_scatter", input, select(input, dim, index), src, (slice(None),) * axis + (int(index), ...))


@both_names
def slice_scatter(input: Any, src: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    """input with the entries start:end:step along `dim` replaced by src."""
    axis = one_dim("slice_scatter", need_tensor("slice_scatter", input).ndim, dim)
    place = (slice(None),) * axis + (slice(start, end, step),)
    return part_replaced("slice_scatter", input, constant(input.array[place]), src, place)


def part_replaced(name: str, input: Tensor, part: Tensor, src: Any, place: Any) -> Tensor:
    src = need_tensor(name, src)
    if src.array.shape != part.array.shape:
        raise ShapeError(f"{name}: the source {tuple(src.shape)} must have the shape of the part it replaces, {tuple(part.shape)}")
    return ops.overwrite(input, to(src, input.dtype), index=place)


def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """input with the diagonal of two dimensions replaced by src."""
    input, src = need_tensor("diagonal_scatter", input), need_tensor("diagonal_scatter", src)
    first, second = one_dim("diagonal_scatter", input.ndim, dim1), one_dim("diagonal_scatter", input.ndim, dim2)
    order = (*(k for k in range(input.ndim) if k not in (first, second)), first, second)
    turned = shape.transpose(input, axes=order)
    rows = np.arange(turned.array.shape[-2])
    rows = rows[(rows + offset >= 0) & (rows + offset < turned.array.shape[-1])]
    target = (*turned.array.shape[:-2], rows.size)
    if first == second or src.array.shape != target:
        raise ShapeError(f"diagonal_scatter: the source {tuple(src.shape)} must have the shape of the diagonal, {target}")
    made = ops.overwrite(turned, to(src, input.dtype), index=(..., rows, rows + offset))
    return shape.transpose(made, axes=tuple(order.index(k) for k in range(input.ndim)))
