"""The types and the place of tensors: conversions, questions, and the old constructors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import dtypes
from ..device import Device
from ..graph import thread
from ..kernels import threads
from ..ops import shape
from ..size import Size
from ..tensor import Tensor, constant
from .arguments import need_tensor

CONVERSIONS = {  # the method that converts to a dtype, and what the tensor types of that dtype were called
    "float": (dtypes.float32, "FloatTensor"),
    "double": (dtypes.float64, "DoubleTensor"),
    "half": (dtypes.float16, "HalfTensor"),
    "int": (dtypes.int32, "IntTensor"),
    "long": (dtypes.int64, "LongTensor"),
    "short": (dtypes.int16, "ShortTensor"),
    "char": (dtypes.int8, "CharTensor"),
    "byte": (dtypes.uint8, "ByteTensor"),
    "bool": (dtypes.bool_, "BoolTensor"),
    "cfloat": (dtypes.complex64, "ComplexFloatTensor"),
    "cdouble": (dtypes.complex128, "ComplexDoubleTensor"),
}
OLD_NAMES = dict(CONVERSIONS.values())

METHODS = "is_nonzero is_signed is_same_size is_floating_point is_complex get_device"
FUNCTIONS = """
    set_num_threads get_num_threads
    FloatTensor DoubleTensor HalfTensor IntTensor LongTensor ShortTensor CharTensor ByteTensor BoolTensor
"""


# ---------------------------------------------------------------------- conversions


def to(
    input: Any,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """In another dtype; the gradient comes back in the old one. Itself if nothing changes, unless `copy`.

    `to(dtype)`, `to(device)`, `to(device, dtype)` or `to(other)`, the dtype of another tensor; then may come
    `non_blocking`, which means nothing here, and `copy`. Raises RuntimeError for devices other than the CPU.
    """
    flags = []
    for a in (*args, device):
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, bool):
            flags.append(a)
        elif isinstance(a, str | Device):
            Device(a)
        elif isinstance(a, np.dtype | type):
            dtype = a
        elif a is not None:
            raise TypeError(f"to: expected a dtype, a device or a Tensor, got {a!r}")
    if len(flags) > 2:
        raise TypeError(f"to: takes non_blocking and copy, got {flags}")
    target = input.dtype if dtype is None else np.dtype(dtype)
    if target.kind not in "biufc":
        refuse_gradient(input, target)
    if target is input.array.dtype:
        return shape.clone(input) if copy or flags[1:] == [True] else input
    return shape.astype(input, dtype=target)


def refuse_gradient(input: Tensor, target: Any) -> None:
    """Raise RuntimeError where a gradient would be lost in a dtype that only stores, TypeError for what is no dtype of numbers."""
    if target.name != "bfloat16":
        raise TypeError(f"to: a tensor's dtype is boolean, integer, floating-point or complex, got {target}")
    if thread.grad and input.requires_grad:
        raise RuntimeError("to: tensors of bfloat16 only store numbers, no gradient flows through them; use .detach() first")


def bfloat16(self: Tensor, memory_format: Any = None) -> Tensor:
    """In dtype bfloat16, to be stored; to compute, convert back. Raises MissingExtraError without ml_dtypes."""
    return to(self, dtypes.bfloat16)


def conversion(name: str, dtype: Any) -> Callable[..., Tensor]:
    def convert(self: Tensor, memory_format: Any = None) -> Tensor:
        return to(self, dtype)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"In dtype {dtype}."
    return convert


def by_old_name(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """In this dtype, which may be given by its old name ("torch.FloatTensor") too; without one, the old name of the tensor's.

    Raises ValueError for a name that there is not.
    """
    if dtype is None:
        return f"torch.{OLD_NAMES.get(input.dtype, input.dtype.name)}"
    if isinstance(dtype, str):
        named = {f"torch.{name}": d for d, name in OLD_NAMES.items()}
        if dtype not in named:
            raise ValueError(f"type: there is no {dtype!r}; dtypes have the names {', '.join(named)}")
        return to(input, named[dtype])
    return to(input, getattr(dtype, "makes", dtype))


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """In the dtype of another tensor."""
    return to(input, other.dtype)


def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """Itself: it is there already."""
    return self


def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """Raises RuntimeError: there is no GPU here."""
    return to(self, device="cuda")


ONLY_METHODS = {  # PyTorch has no functions of these names (or they are dtypes)
    "to": to,
    "type": by_old_name,
    "type_as": type_as,
    "cpu": cpu,
    "cuda": cuda,
    "bfloat16": bfloat16,
    **{name: conversion(name, dtype) for name, (dtype, _) in CONVERSIONS.items()},
}


# ---------------------------------------------------------------------- questions


def is_floating_point(input: Any) -> bool:
    """Whether its elements are real floating-point numbers."""
    return need_tensor("is_floating_point", input).dtype.kind == "f"


def is_complex(input: Any) -> bool:
    """Whether its elements are complex."""
    return need_tensor("is_complex", input).dtype.kind == "c"


def is_signed(input: Any) -> bool:
    """Whether its dtype has negative numbers."""
    return need_tensor("is_signed", input).dtype.kind in "ifc"


def is_nonzero(input: Any) -> bool:
    """Whether the one element is not zero. Raises RuntimeError when there are more, or none."""
    if need_tensor("is_nonzero", input).numel() != 1:
        raise RuntimeError(f"is_nonzero: needs a tensor of one element, got shape {tuple(input.shape)}")
    return bool(input.array.item())


def is_same_size(input: Any, other: Any) -> bool:
    """Whether both have one shape."""
    return need_tensor("is_same_size", input).array.shape == need_tensor("is_same_size", other).array.shape


def get_device(input: Any) -> int:
    """-1, the number of the CPU."""
    return -1


# ---------------------------------------------------------------------- the old constructors


def constructor(name: str, dtype: Any) -> Callable[..., Tensor]:
    def make(*data: Any) -> Tensor:
        if not data:
            return constant(np.empty(0, dtype))
        first = data[0]
        if len(data) == 1 and isinstance(first, np.ndarray | Sequence) and not isinstance(first, str | bytes | np.generic):
            if isinstance(first, Size):
                return constant(np.zeros(first, dtype))
            if any(isinstance(d, Tensor) for d in first):
                first = [d.tolist() if isinstance(d, Tensor) else d for d in first]
            return constant(np.array(first, dtype))
        if len(data) == 1 and isinstance(first, Tensor):
            if first.dtype != dtype:
                raise TypeError(f"{name}: got a tensor of {first.dtype}; convert it with .to({np.dtype(dtype)})")
            return shape.alias(first.detach())
        if any(isinstance(n, bool) or not hasattr(n, "__index__") for n in data):
            raise TypeError(f"{name}: takes sizes or one sequence of numbers, got {data}")
        return constant(np.zeros(tuple(n.__index__() for n in data), dtype))

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"A {np.dtype(dtype)} tensor of these sizes, or with the numbers of one sequence; `tensor` and `zeros` say which."
    make.makes = dtype  # type: ignore[attr-defined]
    return make


globals().update({name: constructor(name, dtype) for dtype, name in CONVERSIONS.values()})


# ---------------------------------------------------------------------- threads


def get_num_threads() -> int:
    """On how many threads matrices are multiplied and large arrays worked on."""
    return threads.number()


def set_num_threads(number: int) -> None:
    """On how many threads matrices are to be multiplied and large arrays worked on. Raises RuntimeError unless it is a positive integer."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise RuntimeError(f"set_num_threads: needs a positive integer, got {number!r}")
    threads.set_number(number)
