"""Making tensors: from data, filled, and after the pattern of others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .device import Device
from .dtypes import bool_, common, get_default_dtype, of_scalar
from .factory import contiguous_format, dtype_of, factory, in_dtype, number, of_numbers, preserve_format, size_of, warn_of_constant
from .tensor import Tensor, constant

# ---------------------------------------------------------------------- from data


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """A new leaf tensor from numbers, nested sequences, arrays or Tensors, copied.

    Python floats become the default float dtype (float32), integers int64, complex numbers complex64; NumPy's scalars and
    Tensors of one element among them keep their dtype, and the highest wins. Arrays keep theirs. Raises TypeError for what is not
    numbers, ValueError for ragged sequences and integers beyond int64, RuntimeError for integers beyond `dtype`. Warns when the
    data is a Tensor, for `t.clone()` or `t.detach().clone()` would say whether the gradient is to follow.
    """
    if isinstance(data, Tensor):
        warnings.warn("tensor: to copy a Tensor, say t.detach().clone(), or t.clone() to keep the gradient", UserWarning, stacklevel=2)
    if pin_memory:
        raise RuntimeError("tensor: there is no pinned memory, for nothing leaves the CPU; leave pin_memory out")
    return placed(np.array(as_array("tensor", data, dtype)), device, requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """As `tensor`, but without a copy where the data is a Tensor (which then stays in its graph) or an array of that dtype already."""
    if isinstance(data, Tensor):
        if device is not None:
            Device(device)
        return data if dtype is None or data.dtype == dtype_of("as_tensor", dtype) else data.to(dtype)
    return placed(as_array("as_tensor", data, dtype), device, False)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None) -> Tensor:
    """As `as_tensor`; `copy=True` always copies, `copy=False` never: it raises ValueError where it would have to.

    A Tensor stays in its graph, unless `requires_grad=False`.
    """
    made = as_tensor(obj, dtype, device)
    if made.array.base is None and not isinstance(obj, Tensor | np.ndarray | np.generic):
        shared = False
    else:
        shared = np.may_share_memory(made.array, obj.array if isinstance(obj, Tensor) else obj)
    if copy is False and not shared:
        raise ValueError(f"asarray: copy=False, but a {type(obj).__name__} cannot become a {made.dtype} tensor without a copy")
    if copy and shared:
        made = made.clone()
    if requires_grad is None or requires_grad == made.requires_grad:
        return made
    return made.detach().requires_grad_(requires_grad)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A Tensor on the very memory of this array: a change of one is seen in the other. Raises TypeError for anything else."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a NumPy array, got a {type(ndarray).__name__}")
    return constant(np.asarray(numeric("from_numpy", ndarray)))


def placed(array: np.ndarray[Any, Any], device: Any, requires_grad: bool) -> Tensor:
    if device is not None:
        Device(device)
    made = constant(array)
    return made.requires_grad_() if requires_grad else made


def as_array(name: str, data: Any, dtype: Any) -> np.ndarray[Any, Any]:
    """The data as an array, not copied where it need not be."""
    target = None if dtype is None else dtype_of(name, dtype)
    if isinstance(data, Tensor):
        return data.array if target is None else data.array.astype(target, copy=False)
    if isinstance(data, bool | int | float | complex | Sequence) and not isinstance(data, str | bytes | np.generic):
        return from_python(name, data, target)
    array = numeric(name, np.asarray(data))
    return array if target is None else array.astype(target, copy=False)


def numeric(name: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if not of_numbers(array.dtype):
        raise TypeError(f"{name}: elements must be numbers or booleans, got {array.dtype} data")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


SCALARS = {bool, int, float, complex}


def from_python(name: str, data: Any, target: np.dtype[Any] | None) -> np.ndarray[Any, Any]:
    """An array of Python's numbers and nested sequences."""
    found: set[Any] = set()
    data = plain(name, [data], found)[0]
    inferred = bool_ if found else get_default_dtype()
    for kind in found:
        inferred = common(inferred, of_scalar(kind()) if kind in SCALARS else kind)
    if inferred.kind in "biu" and target is not None and target.kind in "fc":
        inferred = target  # Python's integers may be too large for int64, and yet fit
    try:
        array = np.array(data, np.float64 if inferred.kind == "f" and target is not None else inferred)
    except OverflowError:
        raise ValueError(f"{name}: an integer is too large for {inferred}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: the nested sequences have different lengths at one level ({error})") from None
    if target is None:
        return array
    if inferred.kind == "c" and target.kind not in "cb":
        raise TypeError(f"{name}: complex numbers do not fit into {target}")
    if target.kind in "iu" and array.size:
        for extreme in (array.min(), array.max()):
            in_dtype(name, extreme.item(), target)
    return array.astype(target, copy=False)


def plain(name: str, data: Any, found: set[Any]) -> Any:
    """Nested sequences without Tensors; into `found` go the types and dtypes of the numbers in them."""
    types = set(map(type, data))
    found |= types & SCALARS
    if types <= SCALARS:
        return data
    return [d if type(d) in SCALARS else plain_element(name, d, found) for d in data]


def plain_element(name: str, element: Any, found: set[Any]) -> Any:
    if isinstance(element, list | tuple) or (isinstance(element, Sequence) and not isinstance(element, str | bytes)):
        return plain(name, element, found)
    if isinstance(element, Tensor):
        if element.array.size != 1:
            raise ValueError(
                f"{name}: of Tensors among the data only those of one element are numbers, one has shape {element.array.shape}; use stack"
            )
        if element.requires_grad:
            warn_of_constant(name)
        array = element.array.reshape(())[()]
    else:
        array = numeric(name, np.asarray(element))
    found.add(array.dtype)
    return array


# ---------------------------------------------------------------------- filled


@factory
def zeros(*sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Zeros, of the default float dtype unless given."""
    return np.zeros(size_of("zeros", sizes, size), dtype_of("zeros", dtype))


@factory
def ones(*sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Ones, of the default float dtype unless given."""
    return np.ones(size_of("ones", sizes, size), dtype_of("ones", dtype))


@factory
def empty(*sizes: Any, size: Any = None, dtype: Any = None, memory_format: Any = None) -> Any:
    """Memory with whatever stands in it."""
    order("empty", memory_format)
    return np.empty(size_of("empty", sizes, size), dtype_of("empty", dtype))


@factory
def full(size: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    """One number everywhere, of its kind's default dtype unless given. Raises RuntimeError if it is out of the dtype's range."""
    value = number("full", "fill_value", fill_value)
    found = dtype_of("full", dtype, of_scalar(value))
    return np.full(size_of("full", (size,)), in_dtype("full", value, found), found)


def order(name: str, memory_format: Any) -> Any:
    """NumPy's name of a memory format."""
    if memory_format not in (None, preserve_format, contiguous_format):
        raise RuntimeError(f"{name}: the memory formats are preserve_format and contiguous_format, got {memory_format!r}")
    return "C" if memory_format is contiguous_format else "K"


# ---------------------------------------------------------------------- like others


def _like(name: str, input: Any, dtype: Any, memory_format: Any) -> np.ndarray[Any, Any]:
    """Memory of the input's shape, in its order, and of its dtype unless given."""
    if not isinstance(input, Tensor | np.ndarray):
        raise TypeError(f"{name}: expected a Tensor, got a {type(input).__name__}")
    array = input.array if isinstance(input, Tensor) else input
    return np.empty_like(array, dtype_of(name, dtype, array.dtype), order(name, memory_format), subok=False)


@factory
def zeros_like(input: Tensor, *, dtype: Any = None, memory_format: Any = None) -> Any:
    """Zeros of the input's shape and dtype."""
    made = _like("zeros_like", input, dtype, memory_format)
    made.fill(0)
    return made


@factory
def ones_like(input: Tensor, *, dtype: Any = None, memory_format: Any = None) -> Any:
    """Ones of the input's shape and dtype."""
    made = _like("ones_like", input, dtype, memory_format)
    made.fill(1)
    return made


@factory
def empty_like(input: Tensor, *, dtype: Any = None, memory_format: Any = None) -> Any:
    """Memory of the input's shape and dtype."""
    return _like("empty_like", input, dtype, memory_format)


@factory
def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, memory_format: Any = None) -> Any:
    """One number everywhere, in the input's shape and dtype. Raises RuntimeError if it is out of the dtype's range."""
    made = _like("full_like", input, dtype, memory_format)
    made.fill(in_dtype("full_like", number("full_like", "fill_value", fill_value), made.dtype))
    return made


# ---------------------------------------------------------------------- methods: other shapes, this tensor's dtype


@factory
def new_zeros(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Zeros of another shape, of this tensor's dtype unless given."""
    return np.zeros(size_of("new_zeros", sizes, size), dtype_of("new_zeros", dtype, self.dtype))


@factory
def new_ones(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Ones of another shape, of this tensor's dtype unless given."""
    return np.ones(size_of("new_ones", sizes, size), dtype_of("new_ones", dtype, self.dtype))


@factory
def new_empty(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Memory of another shape, of this tensor's dtype unless given."""
    return np.empty(size_of("new_empty", sizes, size), dtype_of("new_empty", dtype, self.dtype))


@factory
def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    """One number everywhere in another shape, of this tensor's dtype unless given."""
    found = dtype_of("new_full", dtype, self.dtype)
    return np.full(size_of("new_full", (size,)), in_dtype("new_full", number("new_full", "fill_value", fill_value), found), found)


def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """As `tensor`, of this tensor's dtype unless given."""
    if isinstance(data, Tensor):
        warnings.warn("new_tensor: to copy a Tensor, say t.detach().clone(), or t.clone() to keep the gradient", UserWarning, stacklevel=2)
    return placed(np.array(as_array("new_tensor", data, self.dtype if dtype is None else dtype)), device, requires_grad)


NEW = (new_zeros, new_ones, new_empty, new_full, new_tensor)
