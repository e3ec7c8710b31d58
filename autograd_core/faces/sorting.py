"""PyTorch's functions of order: sorting, the largest, medians, and what is found in sorted or unsorted values.

Values are gathered at indices, so their gradients are gather's: to the entry that was chosen.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import index, order
from ..tensor import Tensor, constant
from .arguments import both_names, need_tensor, one_dim
from .extremes import one_choosing_axis, ordered, picked
from .shapes import reshape

METHODS = "sort argsort msort topk kthvalue median nanmedian mode unique unique_consecutive"
FUNCTIONS = "searchsorted bucketize isin"

sort_result = namedtuple("sort_result", ("values", "indices"))
topk_result = namedtuple("topk_result", ("values", "indices"))
kthvalue_result = namedtuple("kthvalue_result", ("values", "indices"))
median_result = namedtuple("median_result", ("values", "indices"))
nanmedian_result = namedtuple("nanmedian_result", ("values", "indices"))
mode_result = namedtuple("mode_result", ("values", "indices"))


# ---------------------------------------------------------------------- sorting


@both_names
def sort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool | None = False) -> Any:
    """`(values, indices)` in order along `dim`, NaN as the largest. Equal entries stay in order, asked to (`stable`) or not."""
    input = ordered("sort", input)
    return picked(sort_result, input, one_dim("sort", input.ndim, dim), True, order.argsort, descending=bool(descending))


@both_names
def argsort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The indices that sort the input along `dim`. Equal entries stay in order, asked to (`stable`) or not."""
    input = ordered("argsort", input)
    axis = one_dim("argsort", input.ndim, dim)
    return order.argsort(input, axis=axis, descending=bool(descending)) if input.ndim else constant(np.zeros((), np.int64))


def msort(input: Any) -> Tensor:
    """The values in order along the first dimension."""
    return sort(input, 0).values


@both_names
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The `k` largest (or smallest) `(values, indices)` along `dim`, in order of value. Raises RuntimeError if there are fewer."""
    axis = one_dim("topk", need_tensor("topk", input).ndim, dim)
    input = ordered("topk", input, booleans=False)
    if not 0 <= k <= (input.array.shape[axis] if input.ndim else 1):
        raise RuntimeError(f"topk: k = {k} is out of range for dimension {axis} of {tuple(input.shape)}")
    return picked(topk_result, input, axis, True, order.argtopk, k=int(k), largest=bool(largest))


@both_names
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The `k`-th smallest `(values, indices)` along `dim`, from 1 on. Raises RuntimeError if there are fewer."""
    axis = one_choosing_axis("kthvalue", input, dim)
    input = ordered("kthvalue", input, booleans=False)
    if not 1 <= k <= (input.array.shape[axis] if input.ndim else 1):
        raise RuntimeError(f"kthvalue: k = {k} is out of range for dimension {axis} of {tuple(input.shape)}, counted from 1")
    return picked(kthvalue_result, input, axis, keepdim, order.argkth, k=int(k))


# ---------------------------------------------------------------------- the middle and the most frequent


@both_names
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median, the lower of two; NaN if there is one. Over `dim`: `(values, indices)`.

    Of all elements its gradient goes in equal parts to those that equal it.
    """
    return _median("median", median_result, input, dim, keepdim, False)


@both_names
def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of what is not NaN, as `median`."""
    return _median("nanmedian", nanmedian_result, input, dim, keepdim, True)


def _median(name: str, result: Any, input: Any, dim: int | None, keepdim: bool, ignore_nan: bool) -> Any:
    axis = None if dim is None else one_choosing_axis(name, input, dim)
    input = ordered(name, input, booleans=False)
    if axis is None:
        return order.median(input, ignore_nan=ignore_nan)
    return picked(result, input, axis, keepdim, order.argmedian, ignore_nan=ignore_nan)


@both_names
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent `(values, indices)` along `dim`, of several the smallest, at its last index."""
    axis = one_choosing_axis("mode", input, dim)
    return picked(mode_result, ordered("mode", input), axis, keepdim, order.argmode)


# ---------------------------------------------------------------------- distinct values


@both_names
def unique(input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    """The distinct values (along `dim`: slices) in order; on request where each element went, and how often each was there.

    Every NaN is distinct. The gradient goes to a value's first occurrence.
    """
    input = ordered("unique", input)
    x = laid_out("unique", input, dim)
    array = x.array
    if array.ndim > 1 and array.dtype.kind == "f":
        array = array + 0  # -0 is 0, also where NumPy compares memory
    _, first, inverse, counts = np.unique(array, True, True, True, axis=None if dim is None else 0, equal_nan=False)
    return distinct(input, x, dim, first, inverse, counts if return_counts else None, return_inverse)


@both_names
def unique_consecutive(input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    """The first of every run of equal values (along `dim`: slices); on request where each element went, and each run's length."""
    input = need_tensor("unique_consecutive", input)
    x = laid_out("unique_consecutive", input, dim)
    n = len(x.array)
    new = np.ones(n, np.bool_)
    new[1:] = (x.array[1:] != x.array[:-1]).any(tuple(range(1, x.ndim)))
    first = np.flatnonzero(new)
    counts = np.diff(np.append(first, n)) if return_counts else None
    return distinct(input, x, dim, first, np.cumsum(new) - 1, counts, return_inverse)


def laid_out(name: str, input: Tensor, dim: int | None) -> Tensor:
    """All elements in a row, or the slices along `dim`, flattened, as rows."""
    if dim is None:
        return reshape(input, -1)
    axis = one_dim(name, input.ndim, dim)
    if not input.ndim:
        raise IndexError(f"{name}: a 0-d tensor has no dimension {dim}")
    if not input.numel() and any(n == 0 for k, n in enumerate(input.array.shape) if k != axis):
        raise RuntimeError(f"{name}: the slices of {tuple(input.shape)} along dimension {axis} have no elements")
    x = input.movedim(axis, 0)
    return reshape(x, x.array.shape[0], int(np.prod(x.array.shape[1:])))


def distinct(input: Tensor, x: Tensor, dim: int | None, first: Any, inverse: Any, counts: Any, return_inverse: bool) -> Any:
    """What the two functions return, given where each distinct value is first."""
    values = index.getitem(x, index=first)
    if dim is not None:
        lengths = [n for k, n in enumerate(input.array.shape) if k != one_dim("unique", input.ndim, dim)]
        values = reshape(values, len(first), *lengths).movedim(0, dim)
    results = [values]
    if return_inverse:
        results.append(constant(np.reshape(inverse, input.array.shape if dim is None else (-1,)).astype(np.int64, copy=False)))
    if counts is not None:
        results.append(constant(counts.astype(np.int64, copy=False)))
    return tuple(results) if len(results) > 1 else values


# ---------------------------------------------------------------------- searching


def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None, sorter: Any = None
) -> Tensor:
    """Where the values would be put into a sequence that ascends along its last dimension, to keep it so.

    Before equal ones, or after them (`right`, or side="right"). The sequence is a vector, or has the input's other
    dimensions. `sorter` (int64) are the indices that sort it. Raises RuntimeError where these do not fit.
    """
    sequence = ordered("searchsorted", sorted_sequence)
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted: side is 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise RuntimeError("searchsorted: side='left' and right=True say opposite things")
    if not sequence.ndim:
        raise RuntimeError("searchsorted: the sequence needs at least one dimension")
    values = ordered("searchsorted", input) if isinstance(input, Tensor | np.ndarray) else input
    if sequence.ndim > 1 and np.shape(values)[:-1] != sequence.array.shape[:-1]:
        raise ShapeError(
            f"searchsorted: a sequence of shape {tuple(sequence.shape)} and values of shape {tuple(np.shape(values))} "
            "must agree in all dimensions but the last, or the sequence be a vector"
        )
    if sorter is not None:
        sequence = index.gather(sequence, checked_sorter(sequence, sorter), axis=sequence.ndim - 1)
    found = order.searchsorted(sequence, values, right=bool(right or side == "right"))
    return found.int() if out_int32 else found


def checked_sorter(sequence: Tensor, sorter: Any) -> Tensor:
    sorter = need_tensor("searchsorted", sorter)
    places = sorter.array
    if places.dtype != np.int64:
        raise RuntimeError(f"searchsorted: the sorter must be int64, got {places.dtype}")
    if places.shape != sequence.array.shape:
        raise ShapeError(f"searchsorted: the sorter {places.shape} must have the sequence's shape {sequence.array.shape}")
    if places.size and not 0 <= places.min() <= places.max() < places.shape[-1]:
        raise RuntimeError(f"searchsorted: the sorter names entries out of range for a sequence of length {places.shape[-1]}")
    return sorter


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Which bucket each value falls into: bucket i is boundaries[i-1] < value ≤ boundaries[i], with `right` ≤ and <."""
    if need_tensor("bucketize", boundaries).ndim != 1:
        raise RuntimeError(f"bucketize: the boundaries must be a vector, got {tuple(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is (with `invert`: is not) among the test elements; either may be a number."""
    if not isinstance(elements, Tensor | np.ndarray) and not isinstance(test_elements, Tensor | np.ndarray):
        raise TypeError("isin: one of elements and test_elements must be a Tensor")
    a, b = (v if isinstance(v, Tensor) else constant(np.asarray(v)) for v in (elements, test_elements))
    return order.isin(a, b, invert=bool(invert))
