"""What NumPy's functions are given, as Tensors in the dtypes that NumPy would compute in; and the way back to arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..graph import thread
from ..tensor import Tensor, constant
from . import joining, types


def tensor(value: Any) -> Tensor:
    """An array, a number or nested lists of them, with Tensors anywhere among them, as a Tensor."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, list | tuple) and has_tensors(value):
        return joining.stack(alike(*value))
    return constant(np.asarray(value))


def alike(*values: Any) -> list[Tensor]:
    """All as Tensors of the dtype that NumPy finds for them together as arrays."""
    tensors = [tensor(v) for v in values]
    dtype = np.result_type(*[t.dtype for t in tensors])
    return [types.to(t, dtype) for t in tensors]


def common_dtype(*values: Any) -> np.dtype[Any]:
    """The dtype that NumPy finds for these together; Python's and NumPy's numbers are weak."""
    return np.result_type(*[v if type(v) in (bool, int, float, complex) else tensor(v).dtype for v in map(weak, values)])


def weak(value: Any) -> Any:
    """A NumPy number as a Python number, which widens nothing."""
    return value.item() if isinstance(value, np.generic) and value.dtype.kind in "biufc" else value


def in_dtype(x: Any, dtype: Any) -> Tensor:
    """In this dtype, if one is given."""
    return tensor(x) if dtype is None else types.to(tensor(x), np.dtype(dtype))


def axes_of(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes, counted from the front; None are all of them. Raises AxisError."""
    if axis is None:
        return tuple(range(ndim))
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)


def records(*values: Any) -> bool:
    """Whether a gradient would flow to any tensor in here."""
    return thread.grad and any(t.requires_grad for t in tensors_in(values))


def has_tensors(*values: Any) -> bool:
    return next(tensors_in(values), None) is not None


def tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for v in value:
            yield from tensors_in(v)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def without_tensors(value: Any) -> Any:
    """The same with arrays for Tensors, and Python's numbers for NumPy's."""
    if isinstance(value, Tensor):
        return value.array
    if isinstance(value, list | tuple):
        parts = [without_tensors(v) for v in value]
        return parts if isinstance(value, list) else tuple(parts) if type(value) is tuple else type(value)(*parts)
    return {k: without_tensors(v) for k, v in value.items()} if isinstance(value, dict) else weak(value)


def with_tensors(answer: Any, given: Any = ()) -> Any:
    """What NumPy answered, with Tensors for arrays of numbers; those that look into an array that was given are copied."""
    if isinstance(answer, np.ndarray | np.generic):
        if answer.dtype.kind in "OSUMm":  # objects, texts, dates
            return answer
        array = np.asarray(answer)
        return constant(array.copy() if any(np.may_share_memory(array, t.array) for t in tensors_in(given)) else array)
    if isinstance(answer, list | tuple):
        parts = [with_tensors(a, given) for a in answer]
        return parts if isinstance(answer, list) else tuple(parts) if type(answer) is tuple else type(answer)(*parts)
    return answer
