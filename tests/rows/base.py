"""What a row of the table of operations is, and the numbers its inputs are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag


@dataclass
class Row:
    """One operation (or one way of calling it).

    id         the operation's "module.name", with the case after a space where there are several
    call       on Tensors
    arrays     of a random generator: the float64 inputs to differentiate by
    numpy      the same on arrays; None: only compared with PyTorch
    torch      of (torch, *tensors): the same in PyTorch; None: it has no counterpart
    orders     how often it is differentiated: 0, 1 or 2
    floats     float dtypes it keeps
    integers   whether PyTorch takes integers too
    pointwise  element by element: any shape will do
    broadcasts two arguments of different shapes
    tolerance  of finite differences of second order
    """

    id: str
    call: Callable[..., Any]
    arrays: Callable[[np.random.Generator], tuple[Any, ...]]
    numpy: Callable[..., Any] | None
    torch: Callable[..., Any] | None = None
    orders: int = 2
    floats: tuple[str, ...] = ("float32", "float64", "float16")
    integers: bool = False
    pointwise: bool = False
    broadcasts: bool = False
    tolerance: float = 1e-5
    torch_orders: int | None = None  # where PyTorch has fewer derivatives

    @property
    def op(self) -> str:
        return self.id.partition(" ")[0]


def spread(low: float, high: float, *shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Numbers between two bounds."""
    return lambda rng: rng.uniform(low, high, shape)


def apart(*shape: int, gap: float = 0.3) -> Callable[[np.random.Generator], np.ndarray]:
    """Numbers of both signs, none near zero and no two near each other: away from kinks."""

    def make(rng: np.random.Generator) -> np.ndarray:
        n = math.prod(shape)
        values = (np.arange(n) - n // 2 + 0.5) * gap
        return rng.permutation(values).reshape(shape)

    return make


def both(*makers: Callable[[np.random.Generator], np.ndarray]) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    return lambda rng: tuple(make(rng) for make in makers)


INDEX = np.array([[0, 2, 1, 0], [2, 2, 0, 1]])
MASK = np.array([[True, False, True, False], [False, False, True, True], [True, True, False, False]])
LABELS = np.array([2, 0, 3])
WEIGHTS = np.array([0.5, 1.0, 2.0])


def like(reference: Any, tensor: Any) -> Any:
    """A constant array as a tensor of the same library as `tensor`."""
    if isinstance(tensor, ag.Tensor):
        return ag.tensor(reference)
    if isinstance(tensor, np.ndarray):
        return reference
    import torch

    return torch.tensor(reference)


NO_HALF = ("float32", "float64")


def by_name(name: str) -> Callable[..., Any]:
    """PyTorch's function of this name."""
    return lambda torch, *tensors: getattr(torch, name)(*tensors)


def whole_numbers(*shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Integers from 0 to 8."""
    return lambda rng: rng.integers(0, 9, shape)
