"""Making tensors: from data, filled, counted, and random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .device import Device
from .dtypes import get_default_dtype, int64
from .random import Generator, drawn_in, stream
from .tensor import Tensor, constant


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new leaf tensor from numbers, nested sequences, arrays or Tensors, copied.

    Python floats become the default float dtype (float32), integers int64, arrays keep their dtype. Raises TypeError
    for what is not numbers, ValueError for ragged sequences.
    """
    return _finish(np.array(_as_array("tensor", data, dtype)), device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """As `tensor`, but without a copy where the data is a Tensor or an array of that dtype already."""
    if isinstance(data, Tensor):
        return data if dtype is None or data.dtype == np.dtype(dtype) else data.to(dtype)
    return _finish(_as_array("as_tensor", data, dtype), device, False)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False) -> Tensor:
    """As `as_tensor`; `copy=True` always copies."""
    if copy:
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    made = as_tensor(obj, dtype, device)
    return made.requires_grad_() if requires_grad else made


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A Tensor on the very memory of this array: a change of one is seen in the other. Raises TypeError for anything else."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a NumPy array, got a {type(ndarray).__name__}")
    return constant(np.asarray(_numeric("from_numpy", ndarray)))


def _as_array(operation: str, data: Any, dtype: Any) -> np.ndarray[Any, Any]:
    if isinstance(data, Tensor):
        array: np.ndarray[Any, Any] = data.array
    elif isinstance(data, np.ndarray | np.generic):
        array = np.asarray(data)
    else:
        if isinstance(data, Sequence) and not isinstance(data, str | bytes) and _holds_tensors(data):
            data = [_as_array(operation, d, None).tolist() if isinstance(d, Tensor | Sequence) else d for d in data]
        try:
            array = np.array(data)
        except ValueError as error:
            raise ValueError(f"{operation}: the nested sequences have different lengths at one level ({error})") from None
        if array.dtype.kind in "fc" and dtype is None:
            array = array.astype(np.result_type(get_default_dtype(), np.complex64) if array.dtype.kind == "c" else get_default_dtype())
        elif array.size == 0 and dtype is None and array.dtype.kind == "f":
            array = array.astype(get_default_dtype())
    array = _numeric(operation, array)
    return array if dtype is None else array.astype(dtype, copy=False)


def _holds_tensors(data: Any) -> bool:
    return any(isinstance(d, Tensor) or (isinstance(d, list | tuple) and _holds_tensors(d)) for d in data)


def _numeric(operation: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{operation}: elements must be numbers or booleans, got {array.dtype} data")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _finish(array: np.ndarray[Any, Any], device: Any, requires_grad: bool) -> Tensor:
    if device is not None:
        Device(device)
    made = constant(array)
    return made.requires_grad_() if requires_grad else made


def _size(operation: str, size: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """A shape given as separate integers or as one sequence, which may be named `size`."""
    if named is not None:
        if size:
            raise TypeError(f"{operation}: got a size twice, {size} and size={named}")
        size = (named,)
    lengths = tuple(size[0]) if len(size) == 1 and isinstance(size[0], Sequence | np.ndarray) else size
    for n in lengths:
        if isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError(f"{operation}: sizes are integers, got {n!r}")
        if n.__index__() < 0:
            raise RuntimeError(f"{operation}: a size cannot be negative, got {tuple(lengths)}")
    return tuple(n.__index__() for n in lengths)


def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros, of the default float dtype unless given."""
    return _finish(np.zeros(_size("zeros", sizes, size), dtype or get_default_dtype()), device, requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones, of the default float dtype unless given."""
    return _finish(np.ones(_size("ones", sizes, size), dtype or get_default_dtype()), device, requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory with whatever stands in it."""
    return _finish(np.empty(_size("empty", sizes, size), dtype or get_default_dtype()), device, requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """One number everywhere."""
    value = _as_array("full", fill_value, dtype)
    return _finish(np.full(_size("full", (size,)), value), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The identity matrix, (n, m)."""
    return _finish(np.eye(n, m, dtype=dtype or get_default_dtype()), device, requires_grad)


def arange(*bounds: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **named: Any) -> Tensor:
    """start, start + step, ... below end; int64 for integers, else the default float. `arange(end)`, `arange(start, end, step)`."""
    start, end, step = named.pop("start", 0), named.pop("end", None), named.pop("step", 1)
    if named or len(bounds) > 3 or (not bounds and end is None):
        raise TypeError(f"arange: takes (end), (start, end) or (start, end, step), got {bounds} and {sorted(named)}")
    if len(bounds) == 1 and end is None:
        (end,) = bounds
    elif bounds:
        start, end, step = (*bounds, *((end,) if end is not None else ()), step)[:3]
    if step == 0:
        raise RuntimeError("arange: step must not be 0")
    whole = all(isinstance(v, int | np.integer) for v in (start, end, step))
    return _finish(np.arange(start, end, step, dtype=dtype or (int64 if whole else get_default_dtype())), device, requires_grad)


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`steps` numbers from start to end, evenly spaced, both included."""
    return _finish(np.linspace(start, end, steps, dtype=dtype or get_default_dtype()), device, requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return zeros(*input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return ones(*input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return empty(*input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    return full(tuple(input.shape), fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


# ---------------------------------------------------------------------- random


def rand(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uniform in [0, 1)."""
    array = stream(generator).random(_size("rand", sizes, size), drawn_in(dtype or get_default_dtype()))
    return _finish(array.astype(dtype or get_default_dtype(), copy=False), device, requires_grad)


def randn(
    *sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Normal with mean 0 and standard deviation 1."""
    array = np.asarray(stream(generator).standard_normal(_size("randn", sizes, size), drawn_in(dtype or get_default_dtype())))
    return _finish(array.astype(dtype or get_default_dtype(), copy=False), device, requires_grad)


def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    return rand(*input.shape, generator=generator, dtype=dtype or input.dtype, requires_grad=requires_grad)


def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    return randn(*input.shape, generator=generator, dtype=dtype or input.dtype, requires_grad=requires_grad)


def randint(
    *bounds: Any,
    low: Any = None,
    high: Any = None,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Integers from low (0 unless given) up to, not including, high: `randint(high, size)`, `randint(low, high, size)`."""
    given = list(bounds)
    size = given.pop() if size is None and given else size
    high = given.pop() if high is None and given else high
    low = given.pop() if low is None and given else low or 0
    if given or size is None or high is None:
        raise TypeError(f"randint: takes (high, size) or (low, high, size), got {bounds}")
    if high <= low:
        raise RuntimeError(f"randint: high must be above low, got {low} and {high}")
    return _finish(stream(generator).integers(low, high, _size("randint", (size,))).astype(dtype or int64), device, False)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The integers below n in random order."""
    return _finish(stream(generator).permutation(n).astype(dtype or int64), device, False)
