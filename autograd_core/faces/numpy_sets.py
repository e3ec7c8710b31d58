"""NumPy's functions of sets of numbers, on Tensors that record: each distinct value is read where it is first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import index
from ..tensor import Tensor, constant
from .numpy_arguments import tensor, with_tensors
from .numpy_shapes import concatenate, ravel

FUNCTIONS = "unique unique_values unique_counts unique_inverse unique_all union1d intersect1d setdiff1d setxor1d"


def read(entries: Tensor, values: Any) -> Tensor:
    """These values, each where it is first among the entries."""
    order = np.argsort(entries.array, kind="stable")
    places = order[np.searchsorted(entries.array, values, sorter=order)] if len(values) else np.zeros(0, np.int64)
    return index.getitem(entries, index=places)


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **settings: Any,
) -> Any:
    x = tensor(ar)
    function: Any = np.unique
    _, first, *others = function(x.array, True, return_inverse, return_counts, axis, **settings)
    if axis is None:
        values = index.getitem(ravel(x), index=first)
    else:
        values = index.index_select(x, first, axis=axis % x.ndim)
    found = ([first] if return_index else []) + others
    return (values, *with_tensors(found)) if found else values


def _unique_fields(function: Callable[..., Any]) -> Callable[..., Any]:
    def fields(x: Any, /) -> Any:
        t = tensor(x)
        found = function(t.array)
        return type(found)(read(ravel(t), found.values), *with_tensors(list(found)[1:]))

    return fields


unique_all, unique_counts, unique_inverse = (_unique_fields(f) for f in (np.unique_all, np.unique_counts, np.unique_inverse))


def unique_values(x: Any, /) -> Tensor:
    t = tensor(x)
    return read(ravel(t), np.unique_values(t.array))


def union1d(ar1: Any, ar2: Any) -> Tensor:
    return unique(concatenate([ravel(ar1), ravel(ar2)]))


def _of_two(function: Callable[..., Any]) -> Callable[..., Any]:
    def of_two(ar1: Any, ar2: Any, assume_unique: bool = False, **settings: Any) -> Any:
        a, b = ravel(ar1), ravel(ar2)
        found = function(a.array, b.array, assume_unique, **settings)
        values, *places = found if isinstance(found, tuple) else (found,)
        out = read(concatenate([a, b]), values).to(values.dtype)
        return (out, *(constant(p) for p in places)) if places else out

    return of_two


intersect1d, setdiff1d, setxor1d = (_of_two(f) for f in (np.intersect1d, np.setdiff1d, np.setxor1d))
