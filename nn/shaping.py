"""Modules that only rearrange, or do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_core.errors import ShapeError
from autograd_core.faces.arguments import one_dim
from autograd_core.size import Size
from autograd_core.tensor import Tensor

from .module import Module


class Identity(Module):
    """Returns its input; all arguments of the constructor are ignored."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Flatten(Module):
    """The dimensions from start_dim to end_dim as one: (N, C, H, W) to (N, C·H·W) unless told otherwise."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dimension as several, of the lengths in `unflattened_size`, one of which may be -1.

    Raises TypeError unless those are integers, ShapeError when they do not multiply to the dimension's length.
    """

    def __init__(self, dim: int, unflattened_size: Size | list[int] | tuple[int, ...]):
        super().__init__()
        if not isinstance(dim, int) or isinstance(dim, bool):
            raise TypeError(f"Unflatten: dim must be an integer, got {dim!r}")
        if not isinstance(unflattened_size, Sequence) or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of ints, but found {unflattened_size!r}")
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        sizes = input.array.shape
        axis = one_dim("Unflatten", len(sizes), self.dim)
        whole = (*sizes[:axis], *self.unflattened_size, *sizes[axis + 1 :])
        try:
            return input.reshape(whole)
        except ShapeError:
            raise ShapeError(
                f"Unflatten: {tuple(self.unflattened_size)} does not multiply to {sizes[axis]}, the length of dimension {axis} of {sizes}"
            ) from None

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
