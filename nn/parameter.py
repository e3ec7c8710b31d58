"""`Parameter` and `Buffer`: tensors that a Module counts as its own when they are assigned to it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

from autograd_core.dtypes import get_default_dtype
from autograd_core.tensor import Tensor, rebuild


class Parameter(Tensor):
    """A leaf tensor on the memory of `data`, to be trained: assigned to a Module it is one of its `parameters()`.

    Without `data` it is empty. Operations on it give plain Tensors. Raises TypeError unless `data` is a Tensor, and
    RuntimeError where `requires_grad` is asked of integers or booleans.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True):
        self.array = _array_of("Parameter", data)
        self.node = self._grad = self._view = None
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """A copy with the attributes that were set on it, and without a gradient."""
        return _copied(self, memo)


class Buffer(Tensor):
    """A tensor on the memory of `data` that belongs to a Module's state but is not trained.

    `persistent` says whether it is in the `state_dict`. Raises TypeError unless `data` is a Tensor.
    """

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True):
        self.array = _array_of("Buffer", data)
        self.node = self._grad = self._view = None
        self.persistent = persistent
        if data is not None and data.requires_grad:
            self.requires_grad_()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return _copied(self, memo)


def _array_of(kind: str, data: Tensor | None) -> np.ndarray[Any, Any]:
    if data is None:
        return np.empty(0, get_default_dtype())
    if not isinstance(data, Tensor):
        raise TypeError(f"{kind}: data must be a Tensor or None, got a {type(data).__name__}; arrays and lists go through tensor()")
    return data.array


def _copied(tensor: Any, memo: dict[int, Any]) -> Tensor:
    twin = memo[id(tensor)] = rebuild(type(tensor), tensor.array.copy(), tensor.requires_grad, deepcopy(tensor.__dict__, memo))
    return twin
