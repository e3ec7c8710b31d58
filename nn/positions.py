"""Where in a sequence something stands: said by vectors that are added, or by rotations of queries and keys."""

from __future__ import annotations

from typing import Any

from autograd_core.creation import empty
from autograd_core.errors import ShapeError
from autograd_core.tensor import Tensor

from . import functional as F
from . import init
from .functional.arguments import as_tensor
from .module import Module
from .parameter import Buffer, Parameter


class SinusoidalPositions(Module):
    """x (..., T, embedding_dim) plus the sines and cosines of its positions, for T up to `max_length`.

    Raises ShapeError for an x that is longer or of another width, ValueError for an odd embedding_dim.
    """

    def __init__(self, max_length: int, embedding_dim: int, device: Any = None, dtype: Any = None):
        super().__init__()
        self.max_length = max_length
        self.embedding_dim = embedding_dim
        table = F.sinusoidal_positions(max_length, embedding_dim, dtype=dtype)
        self.positions = Buffer(table.to(device) if device is not None else table, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        return input + self.positions[: checked(self, input)]

    def extra_repr(self) -> str:
        return f"{self.max_length}, {self.embedding_dim}"


class LearnedPositions(Module):
    """x (..., T, embedding_dim) plus the first T rows of a trained `weight` (max_length, embedding_dim).

    `weight` starts normal with standard deviation 0.02. Raises ShapeError for an x that is longer or of another width.
    """

    def __init__(self, max_length: int, embedding_dim: int, device: Any = None, dtype: Any = None):
        super().__init__()
        self.max_length = max_length
        self.embedding_dim = embedding_dim
        self.weight = Parameter(empty(max_length, embedding_dim, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the vectors anew."""
        init.normal_(self.weight, std=0.02)

    def forward(self, input: Tensor) -> Tensor:
        return input + self.weight[: checked(self, input)]

    def extra_repr(self) -> str:
        return f"{self.max_length}, {self.embedding_dim}"


def checked(module: Any, input: Tensor) -> int:
    """The input's length. Raises ShapeError if it is too long, of another width or no sequence, TypeError unless it is a Tensor."""
    shape = as_tensor(type(module).__name__, "input", input).array.shape
    if len(shape) < 2 or shape[-2] > module.max_length or shape[-1] != module.embedding_dim:
        told = f"{type(module).__name__}: an input (..., T, {module.embedding_dim}) with T up to {module.max_length} is expected"
        raise ShapeError(f"{told}, got {shape}")
    return shape[-2]


class RotaryPositions(Module):
    """Queries or keys (..., T, dim) rotated by their positions, so that their products depend on distances only.

    Conventions and errors as of functional.apply_rotary. `offset` is the position of the first, for decoding with a cache.
    """

    def __init__(self, dim: int, max_length: int = 2048, base: float = 10000.0, interleaved: bool = False, dtype: Any = None):
        super().__init__()
        self.dim = dim
        self.max_length = max_length
        self.base = base
        self.interleaved = interleaved
        cos, sin = F.rotary_positions(max_length, dim, base, dtype=dtype)
        self.cos, self.sin = Buffer(cos, persistent=False), Buffer(sin, persistent=False)

    def forward(self, input: Tensor, offset: int = 0) -> Tensor:
        shape = as_tensor("RotaryPositions", "input", input).array.shape
        if len(shape) < 2:
            raise ShapeError(f"RotaryPositions: an input (..., T, {self.dim}) is expected, got {shape}")
        length = shape[-2]
        if not 0 <= offset <= self.max_length - length:
            raise ShapeError(f"RotaryPositions: {length} positions from {offset} on, but there are {self.max_length}")
        part = slice(offset, offset + length)
        return F.apply_rotary(input, self.cos[part], self.sin[part], self.interleaved)

    def extra_repr(self) -> str:
        return f"{self.dim}, max_length={self.max_length}, base={self.base}, interleaved={self.interleaved}"
