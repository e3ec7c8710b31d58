"""The standard's sorting, which goes downwards too."""

from __future__ import annotations

from ..faces import sorting
from ..tensor import Tensor


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """x in order along an axis."""
    return sorting.sort(x, axis, descending, stable=stable)[0]


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that put x in order along an axis."""
    return sorting.argsort(x, axis, descending, stable=stable)
