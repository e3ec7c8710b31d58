"""`import autograd_core.einops`, and einops' functions (rearrange, reduce, repeat, einsum, pack ...) take Tensors and record.

einops finds the libraries it knows among the subclasses of its AbstractBackend: this adds one. (`einops.array_api` works
without it, on anything that follows the array API standard.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import MissingExtraError
from .faces import joining, reductions, shapes
from .ops import linalg
from .tensor import Tensor, constant

try:
    from einops._backends import AbstractBackend
except ImportError:
    raise MissingExtraError("einops", "einops", "autograd_core.einops") from None


class Backend(AbstractBackend):
    """What einops asks of a library."""

    framework_name = "autograd_core"

    def is_appropriate_type(self, tensor: Any) -> bool:
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Any) -> Tensor:
        return constant(np.asarray(x))

    def to_numpy(self, x: Tensor) -> Any:
        return x.numpy()

    def arange(self, start: int, stop: int) -> Tensor:
        return constant(np.arange(start, stop))

    def shape(self, x: Tensor) -> tuple[int, ...]:
        return x.array.shape

    def reshape(self, x: Tensor, shape: Any) -> Tensor:
        return shapes.reshape(x, tuple(shape))

    def transpose(self, x: Tensor, axes: Any) -> Tensor:
        return shapes.permute(x, tuple(axes))

    def reduce(self, x: Tensor, operation: str, axes: Any) -> Tensor:
        if operation in ("min", "max"):
            operation = "a" + operation
        elif operation == "prod":
            for axis in sorted(axes, reverse=True):
                x = reductions.prod(x, axis)
            return x
        return getattr(reductions, operation)(x, tuple(axes))

    def stack_on_zeroth_dimension(self, tensors: list[Tensor]) -> Tensor:
        return joining.stack(tensors, 0)

    def add_axis(self, x: Tensor, new_position: int) -> Tensor:
        return shapes.unsqueeze(x, new_position)

    def tile(self, x: Tensor, repeats: Any) -> Tensor:
        return shapes.repeat(x, *repeats)

    def concat(self, tensors: list[Tensor], axis: int) -> Tensor:
        return joining.cat(tensors, axis)

    def is_float_type(self, x: Tensor) -> bool:
        return x.is_floating_point()

    def einsum(self, pattern: str, *x: Tensor) -> Tensor:
        return linalg.einsum(pattern, *x)
