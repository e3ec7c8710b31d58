"""How PyTorch's functions take their arguments: dims, sizes, and NumPy's names for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import unwrap
from typing import Any

import numpy as np

from ..tensor import Tensor, constant

NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input"}


def both_names(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that takes `dim` and `keepdim` understand NumPy's names for them, but for those that it has itself."""
    code = unwrap(function).__code__
    foreign = NUMPY_NAMES.keys() - set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        for theirs in foreign & named.keys():
            if NUMPY_NAMES[theirs] in named:
                raise TypeError(f"{function.__name__}: got both {theirs} and {NUMPY_NAMES[theirs]}")
            named[NUMPY_NAMES[theirs]] = named.pop(theirs)
        return function(*args, **named)

    return call


def dims(name: str, input: Any, dim: Any) -> Any:
    """`dim` checked, counted from the front: None, an integer, or a tuple. Raises IndexError, or TypeError."""
    if dim is None:
        return None
    if isinstance(dim, Sequence):
        found = tuple(one_dim(name, input.ndim, d) for d in dim)
        if len(set(found)) < len(found):
            raise RuntimeError(f"{name}: a dim appears twice in {tuple(dim)}")
        return found or None
    return one_dim(name, input.ndim, dim)


def one_dim(name: str, ndim: int, dim: Any) -> int:
    if isinstance(dim, bool) or not hasattr(dim, "__index__"):
        raise TypeError(f"{name}: dim must be an integer, got {dim!r}")
    reach = max(ndim, 1)
    if not -reach <= dim.__index__() < reach:
        raise IndexError(f"{name}: dim {dim} is out of range for a tensor of {ndim} dimensions (from {-reach} to {reach - 1})")
    return dim.__index__() % reach


def need_tensor(name: str, input: Any) -> Any:
    """The input, as a Tensor if it is an array. Raises TypeError for what is neither, nor answers to operations itself."""
    if isinstance(input, Tensor):
        return input
    if isinstance(input, np.ndarray):
        return constant(input)
    if getattr(type(input), "__autograd_function__", None) is not None:  # it knows what to do with operations
        return input
    raise TypeError(f"{name}: expected a Tensor, got {'None' if input is None else 'a ' + type(input).__name__}")


def shape_of(name: str, sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes given one by one or as one sequence."""
    given = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], Sequence) else sizes
    for n in given:
        if isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError(f"{name}: sizes are integers, got {n!r}")
    return tuple(n.__index__() for n in given)
