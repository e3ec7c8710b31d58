"""How other libraries take Tensors: in the same memory by the DLPack protocol, and by the array API standard's entry points."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from .device import Device
from .tensor import Tensor, constant

__all__ = ["from_dlpack"]

CPU_MEMORY = (1, 0)  # kDLCPU and the number of the device


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor in the memory of another library's array, or with copy=True a copy of it.

    `ext_tensor` has `__dlpack__` and `__dlpack_device__`, as the tensors and arrays of PyTorch, NumPy, JAX, CuPy ... Raises
    TypeError for anything else, BufferError for memory that is not the CPU's or cannot be shared (copy=False).
    """
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.clone() if copy else ext_tensor.detach()
    if not hasattr(ext_tensor, "__dlpack__") or not hasattr(ext_tensor, "__dlpack_device__"):
        raise TypeError(f"from_dlpack: expected an array with __dlpack__ and __dlpack_device__, got a {type(ext_tensor).__name__}")
    if device is not None:
        Device(device)  # raises for anything but the CPU
    array = np.from_dlpack(ext_tensor)
    return constant(np.array(array) if copy else array)


def dlpack(
    self: Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """The capsule that `from_dlpack` of other libraries takes. Raises BufferError for a tensor that requires grad."""
    if self.requires_grad:
        raise BufferError("__dlpack__: this tensor requires grad, and another library would lose it; use t.detach()")
    if stream is not None:
        raise BufferError(f"__dlpack__: the CPU has no streams, got stream={stream!r}")
    if not self.array.flags.writeable and max_version is None:
        raise BufferError("__dlpack__: this tensor's memory is read-only or shared by expansion; clone() it first")
    if any(step < 0 for step in self.array.strides):
        raise BufferError("__dlpack__: this tensor runs backwards through its memory, which not every library can; clone() it first")
    return self.array.__dlpack__(max_version=max_version, dl_device=dl_device, copy=copy)


def dlpack_device(self: Tensor) -> tuple[int, int]:
    return CPU_MEMORY


def array_namespace(self: Tensor, *, api_version: str | None = None) -> Any:
    """The namespace of the array API standard. Raises ValueError for a version that it does not follow."""
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        raise ValueError(f"__array_namespace__: version {api_version!r} is not there; 2024.12 and earlier ones are")
    return import_module(".array_api", __package__)


def to_device(self: Tensor, device: Any, /, *, stream: Any = None) -> Tensor:
    """The tensor itself. Raises RuntimeError for anything but the CPU."""
    Device(device)
    return self


def install() -> None:
    """Give Tensor the protocols."""
    Tensor.__array_namespace__ = array_namespace  # type: ignore[attr-defined]
    Tensor.to_device = to_device  # type: ignore[attr-defined]
    Tensor.__dlpack__ = dlpack  # type: ignore[attr-defined]
    Tensor.__dlpack_device__ = dlpack_device  # type: ignore[attr-defined]
