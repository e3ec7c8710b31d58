"""NumPy's functions as those of the standard: Tensors in, Tensors out."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..tensor import Tensor, constant


def wrapped(home: Any, name: str) -> Callable[..., Any]:
    """NumPy's function of this name, on Tensors; what it makes of them are Tensors."""
    function = getattr(home, name)

    @wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        return tensors(function(*args, **settings))

    call.__module__ = __package__
    return call


def elementwise(name: str) -> Callable[..., Any]:
    """NumPy's function of one or two arrays; of two, one may be a Python number."""
    function = wrapped(np, name)

    @wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        if not any(isinstance(a, Tensor) for a in args):
            raise TypeError(f"{name}: at least one argument must be an array of this namespace, got {[type(a).__name__ for a in args]}")
        return function(*args, **settings)

    return call


def tensors(value: Any) -> Any:
    """Arrays as Tensors, in tuples too; the rest as it is."""
    if isinstance(value, np.ndarray | np.generic):
        return constant(np.asarray(value))
    if isinstance(value, tuple | list):
        parts = [tensors(v) for v in value]
        return type(value)(*parts) if isinstance(value, tuple) and hasattr(value, "_fields") else tuple(parts)
    return value
