"""What all functions that make tensors share: sizes, dtypes, numbers, and the arguments that say where a tensor is to live."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from .device import Device
from .dtypes import get_default_dtype
from .modes import is_grad_enabled
from .tensor import Tensor, constant


class Layout:
    """How a tensor lies in memory, by name: for PyTorch's arguments `layout` and `memory_format`."""

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"autograd_core.{self.name}"


strided, contiguous_format, preserve_format = Layout("strided"), Layout("contiguous_format"), Layout("preserve_format")


def factory(make: Callable[..., Any]) -> Callable[..., Tensor]:
    """Make of a function that gives an array one that gives a leaf Tensor, and takes PyTorch's arguments for new tensors.

    These are `device` (the CPU), `requires_grad`, `layout` (`strided`), `pin_memory` (False). `out=` raises TypeError.
    """

    @wraps(make)
    def call(
        *args: Any,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool | None = False,
        out: None = None,
        **settings: Any,
    ) -> Tensor:
        if device is not None:
            Device(device)
        if out is not None:
            raise TypeError(f"{make.__name__}: out= is not supported; use the result, or write it with out.copy_(result)")
        if layout is not None and layout is not strided:
            raise RuntimeError(f"{make.__name__}: the only layout is strided, got {layout!r}")
        if pin_memory:
            raise RuntimeError(f"{make.__name__}: there is no pinned memory, for nothing leaves the CPU; leave pin_memory out")
        made = constant(np.asarray(make(*args, **settings)))
        return made.requires_grad_() if requires_grad else made

    call.__signature__ = with_place(inspect.signature(make))  # type: ignore[attr-defined]
    return call


PLACE = {"device": None, "requires_grad": False, "layout": None, "pin_memory": False, "out": None}
PARAMETERS = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default) for name, default in PLACE.items()]


def with_place(signature: inspect.Signature) -> inspect.Signature:
    """A signature with the arguments that every factory takes."""
    return signature.replace(parameters=[*signature.parameters.values(), *PARAMETERS], return_annotation="Tensor")


def size_of(name: str, sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """A shape given as separate integers or as one sequence, which may be named `size`."""
    if named is not None:
        if sizes:
            raise TypeError(f"{name}: got a size twice, {sizes} and size={named}")
        sizes = (named,)
    elif not sizes:
        raise TypeError(f"{name}: a size is missing; that of a 0-d tensor is ()")
    lengths = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], Sequence | np.ndarray) else sizes
    for n in lengths:
        if isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError(f"{name}: sizes are integers, got {n!r}")
        if n.__index__() < 0:
            raise RuntimeError(f"{name}: a size cannot be negative, got {tuple(lengths)}")
    return tuple(n.__index__() for n in lengths)


def length_of(name: str, what: str, n: Any) -> int:
    """One length, checked."""
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"{name}: {what} is an integer, got {n!r}")
    if n.__index__() < 0:
        raise RuntimeError(f"{name}: {what} cannot be negative, got {n}")
    return n.__index__()


def dtype_of(name: str, dtype: Any, otherwise: Any = None, kinds: str = "biufc") -> np.dtype[Any]:
    """The dtype asked for, or `otherwise`, or the default float. Raises TypeError for no dtype, RuntimeError for other kinds."""
    found = np.dtype(dtype if dtype is not None else get_default_dtype() if otherwise is None else otherwise)
    if not of_numbers(found):
        raise TypeError(f"{name}: a tensor's dtype is boolean, integer, floating-point or complex, got {found}")
    if found.kind not in kinds and (kinds != "biufc" or found.kind != "V"):  # bfloat16 holds numbers, but nothing is computed in it
        raise RuntimeError(f"{name}: cannot be done in {found}")
    return found


def of_numbers(dtype: np.dtype[Any]) -> bool:
    """Whether a tensor can be of this dtype: NumPy's longdouble is none of PyTorch's, and bfloat16 none of NumPy's."""
    return (dtype.kind in "biufc" and dtype.itemsize <= (16 if dtype.kind == "c" else 8)) or dtype.name == "bfloat16"


def number(name: str, what: str, value: Any) -> Any:
    """A Python number: given as one, as NumPy's, or as a 0-d Tensor that does not record. Raises TypeError for anything else."""
    if isinstance(value, bool | int | float | complex) and not isinstance(value, np.generic):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return value.item()
    if isinstance(value, Tensor) and value.ndim == 0:
        if value.requires_grad and is_grad_enabled():
            raise TypeError(f"{name}: {what} is taken as a number, which would lose its gradient; pass {what}.detach(), or .item()")
        return value.array.item()
    raise TypeError(f"{name}: {what} must be a number or a 0-d tensor, got {type(value).__name__} {value!r:.60}")


def warn_of_constant(name: str) -> None:
    warnings.warn(
        f"{name}: a tensor that requires grad is taken as a constant here, no gradient flows to it; .detach() it to say so",
        UserWarning,
        stacklevel=4,
    )


def in_dtype(name: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """A Python number in a dtype; negative ones wrap round in unsigned dtypes, as in PyTorch. Raises RuntimeError out of its range."""
    fits, given = True, value
    if dtype.kind in "iuf" and isinstance(value, complex):
        fits, value = value.imag == 0, value.real
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        least = limits.min if isinstance(value, float) else limits.min or -limits.max
        fits = fits and math.isfinite(value) and least <= value <= limits.max
    elif dtype.kind in "fc" and isinstance(value, int | float):
        fits = fits and (not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max))
    if not fits:
        raise RuntimeError(f"{name}: {given} does not fit into {dtype}")
    if dtype.kind in "iu":
        return np.asarray(int(value)).astype(dtype)[()]
    return dtype.type(value)
