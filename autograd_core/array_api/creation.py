"""The standard's functions that make arrays. Default dtypes are PyTorch's: the default float dtype, and int64."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..device import Device
from ..dtypes import get_default_dtype
from ..ops import shape as shapes
from ..tensor import Tensor, constant


def checked_device(device: Any) -> None:
    """Raise for anything but the CPU."""
    if device is not None and not isinstance(device, Device):
        Device(device)


def made(array: Any, device: Any) -> Tensor:
    checked_device(device)
    return constant(np.asarray(array))


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor of numbers, nested sequences, an array (sharing its memory unless copy=True), or a Tensor, which goes on recording."""
    checked_device(device)
    if isinstance(obj, Tensor):
        if dtype is not None and obj.dtype != np.dtype(dtype):
            if copy is False:
                raise ValueError(f"asarray: {obj.dtype} cannot become {np.dtype(dtype)} without a copy")
            return shapes.astype(obj, dtype=np.dtype(dtype))
        return shapes.clone(obj) if copy else obj
    if dtype is None and not hasattr(obj, "dtype"):
        kind = np.asarray(obj).dtype.kind
        dtype = {"f": get_default_dtype(), "c": np.result_type(get_default_dtype(), np.complex64)}.get(kind)
    return constant(np.array(obj, dtype=dtype, copy=copy))


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Tensor:
    """From `start` (or 0, if it is the only one) up to `stop`, which is left out, by `step`."""
    first, last = (0, start) if stop is None else (start, stop)
    if dtype is None and any(isinstance(v, float) for v in (first, last, step)):
        dtype = get_default_dtype()
    return made(np.arange(first, last, step, dtype=dtype), device)


def linspace(start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True) -> Tensor:
    """`num` numbers from start to stop, evenly spaced."""
    complex_ones = any(isinstance(v, complex) for v in (start, stop))
    default = np.result_type(get_default_dtype(), np.complex64) if complex_ones else get_default_dtype()
    return made(np.linspace(start, stop, num, endpoint=endpoint).astype(default if dtype is None else dtype), device)


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return made(np.zeros(shape, dtype or get_default_dtype()), device)


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return made(np.ones(shape, dtype or get_default_dtype()), device)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return made(np.empty(shape, dtype or get_default_dtype()), device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """One number everywhere; the dtype is by default that of its kind."""
    kind = None if dtype is not None else asarray(fill_value).dtype
    return made(np.full(shape, fill_value, dtype or kind), device)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones on the k-th diagonal, zeros elsewhere."""
    return made(np.eye(n_rows, n_cols, k, dtype=dtype or get_default_dtype()), device)


def zeros_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    return zeros(x.array.shape, dtype=dtype or x.dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    return ones(x.array.shape, dtype=dtype or x.dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    return empty(x.array.shape, dtype=dtype or x.dtype, device=device)


def full_like(x: Tensor, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    return full(x.array.shape, fill_value, dtype=dtype or x.dtype, device=device)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> list[Tensor]:
    """Coordinate arrays of a grid; "xy" has the first two dimensions swapped, as in pictures."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    n = len(arrays)
    swap = indexing == "xy" and n > 1
    places = [1, 0, *range(2, n)] if swap else list(range(n))
    lengths: list[int] = [0] * n
    for a, place in zip(arrays, places, strict=True):
        lengths[place] = a.array.size
    out = []
    for a, place in zip(arrays, places, strict=True):
        shape = [1] * n
        shape[place] = a.array.size
        out.append(shapes.clone(shapes.broadcast_to(shapes.reshape(a, shape=tuple(shape)), target=tuple(lengths))))
    return out
