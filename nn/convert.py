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
    if target.kind not in "fc":
        raise TypeError(f"to: a module takes floating-point or complex dtypes only, got {target}")
    return lambda tensor: tensor.to(target) if tensor.dtype.kind in "fc" else tensor


def convert(module: Any, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
    """Put fn(tensor) in the place of every Parameter's data and gradient and of every buffer, each once; returns the module.

    The Parameters stay the same objects, so an optimizer that holds them goes on working.
    """
    converted: dict[int, Tensor] = {}  # buffers, by the old one's id: a shared one stays shared
    for part in module.modules() if recurse else (module,):
        for parameter in part.parameters(recurse=False):
            before = parameter.data
            changed = fn(before)
            if changed.array is not before.array:
                parameter.data = changed
            if parameter.grad is not None:
                parameter._grad = fn(parameter.grad.detach())
        for name, buffer in part._buffers.items():
            if is_lazy(buffer):
                buffer.data = fn(buffer.data)
            elif buffer is not None:
                part._buffers[name] = converted.setdefault(id(buffer), fn(buffer))
    return module
