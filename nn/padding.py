"""Layers that put a border around their input; what they compute stands in nn.functional.pad."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.tensor import Tensor

from . import functional
from .module import Module


class _Pad(Module):
    """A border along the last `dims` dimensions: the base of all padding layers.

    `padding` is one width for all sides, or (before, after) of the last dimension, then of the last but one, and so on.
    Raises TypeError or RuntimeError for what is neither.
    """

    dims: int
    mode: str

    def __init__(self, padding: Any):
        super().__init__()
        sides = 2 * self.dims
        self.padding: tuple[Any, ...] = (padding,) * sides if isinstance(padding, int | np.integer) else tuple(padding)
        if len(self.padding) != sides:
            raise RuntimeError(f"{type(self).__name__}: padding must be an int or a tuple of {sides} ints, got {padding!r}")

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    """A border of one value."""

    mode = "constant"

    def __init__(self, padding: Any, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """`value` before and after the last dimension; negative widths cut."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """`value` around the last two dimensions; negative widths cut."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """`value` around the last three dimensions; negative widths cut."""

    dims = 3


class _ZeroPad(_ConstantPad):
    """A border of zeros."""

    def __init__(self, padding: Any):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad, ConstantPad1d):
    """Zeros before and after the last dimension; negative widths cut."""


class ZeroPad2d(_ZeroPad, ConstantPad2d):
    """Zeros around the last two dimensions; negative widths cut."""


class ZeroPad3d(_ZeroPad, ConstantPad3d):
    """Zeros around the last three dimensions; negative widths cut."""


class _ReflectionPad(_Pad):
    """A border that mirrors the input at its edges."""

    mode = "reflect"


class ReflectionPad1d(_ReflectionPad):
    """A mirror image before and after (N, C, L) or (C, L)."""

    dims = 1


class ReflectionPad2d(_ReflectionPad):
    """Mirror images around (N, C, H, W) or (C, H, W)."""

    dims = 2


class ReflectionPad3d(_ReflectionPad):
    """Mirror images around (N, C, D, H, W) or (C, D, H, W)."""

    dims = 3


class _ReplicationPad(_Pad):
    """A border that repeats the input's edges."""

    mode = "replicate"


class ReplicationPad1d(_ReplicationPad):
    """The edges of (N, C, L) or (C, L) repeated."""

    dims = 1


class ReplicationPad2d(_ReplicationPad):
    """The edges of (N, C, H, W) or (C, H, W) repeated."""

    dims = 2


class ReplicationPad3d(_ReplicationPad):
    """The edges of (N, C, D, H, W) or (C, D, H, W) repeated."""

    dims = 3


class _CircularPad(_Pad):
    """A border in which the input goes round. Raises ShapeError (a ValueError) for an input of other rank."""

    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ShapeError(f"{type(self).__name__}: expected {self.dims + 1}D or {self.dims + 2}D input, got {tuple(input.shape)}")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """The end of (N, C, L) or (C, L) before it, the beginning after it."""

    dims = 1


class CircularPad2d(_CircularPad):
    """(N, C, H, W) or (C, H, W) going round in both directions."""

    dims = 2


class CircularPad3d(_CircularPad):
    """(N, C, D, H, W) or (C, D, H, W) going round in all directions."""

    dims = 3
