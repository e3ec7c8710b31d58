"""Converting a module's tensors in place: what `Module.to` and its like do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.device import Device
from autograd_core.tensor import Tensor

from .parameter import is_lazy


def converter(*args: Any, **kwargs: Any) -> Callable[[Tensor], Tensor]:
    """What `to` with these arguments does to one tensor: floating-point and complex ones get the dtype, others stay."""
    dtype, device = kwargs.pop("dtype", None), kwargs.pop("device", None)
    args = (*args, kwargs.pop("tensor", None))
    kwargs.pop("non_blocking", None)
    if kwargs:
        raise TypeError(f"to: unexpected keyword {sorted(kwargs)}; it knows ['device', 'dtype', 'non_blocking', 'tensor']")
    for a in args:
        if isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, str | Device):
            device = a
        elif isinstance(a, np.dtype | type):
            dtype = a
        elif a is not None and not isinstance(a, bool):
            raise TypeError(f"to: expected a dtype, a device or a Tensor, got {a!r}")
    if device is not None:
        Device(device)
    if dtype is None:
        return lambda tensor: tensor
    target = np.dtype(dtype)
    if target.kind != "c" and not is_float(target):
        raise TypeError(f"to: a module takes floating-point or complex dtypes only, got {target}")
    return lambda tensor: tensor.to(target) if tensor.dtype.kind == "c" or is_float(tensor.dtype) else tensor


def floats_to(dtype: Any) -> Callable[[Tensor], Tensor]:
    """What `float`, `double` and their like do to one tensor: floating-point ones get the dtype, others stay."""
    return lambda tensor: tensor.to(dtype) if is_float(tensor.dtype) else tensor


def is_float(dtype: Any) -> bool:
    """Whether it is a real floating-point dtype; bfloat16, which only stores, is one here."""
    return dtype.kind == "f" or dtype.name == "bfloat16"


class Conversion:
    """A function of tensors on its way through the modules; a buffer that several of them share is converted once."""

    def __init__(self, fn: Callable[[Tensor], Tensor]):
        self.fn = fn
        self.buffers: dict[int, tuple[Tensor, Tensor]] = {}  # by the old one's id: it and the new one

    def __call__(self, tensor: Tensor) -> Tensor:
        return self.fn(tensor)

    def of_buffer(self, buffer: Tensor) -> Tensor:
        if id(buffer) not in self.buffers:
            self.buffers[id(buffer)] = buffer, self.fn(buffer)
        return self.buffers[id(buffer)][1]


def convert(module: Any, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
    """Put fn(tensor) in the place of every Parameter's data and gradient and of every buffer; returns the module.

    The Parameters stay the same objects, so an optimizer that holds them goes on working, and shared buffers stay shared.
    Modules below that convert more than this extend `_apply`.
    """
    conversion = fn if isinstance(fn, Conversion) else Conversion(fn)
    for child in module.children() if recurse else ():
        child._apply(conversion)
    for parameter in [p for p in module._parameters.values() if p is not None]:
        before = parameter.data
        changed = fn(before)
        if changed.array is not before.array:
            parameter.data = changed
        if parameter.grad is not None:
            parameter._grad = fn(parameter.grad.detach())
    for name, buffer in module._buffers.items():
        if is_lazy(buffer):
            buffer.data = fn(buffer.data)
        elif buffer is not None:
            module._buffers[name] = conversion.of_buffer(buffer)
    return module
