"""Pooling to a size: windows that divide the input, whatever its lengths.

Inputs are (N, C, ...) or (C, ...) with one, two or three further dimensions, over which the windows lie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.kernels.windows import Adaptive, Window
from autograd_core.ops import pool, reduce, resample
from autograd_core.tensor import Tensor

from .arguments import as_tensor, floats
from .pooling import largest, published, rank, told

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
]


def _adaptive_max_pools(dims: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def adaptive_max_pool(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        tensor = as_tensor(name, "input", input)
        sizes = adaptive_sizes(name, tensor, output_size, dims)
        if 0 in tuple(tensor.shape)[-dims - 1 :]:
            raise ShapeError(f"{name}: only the batch may have length 0, got an input of shape {tuple(tensor.shape)}")
        return largest(name, tensor, even_windows(tensor, sizes) or tuple(Adaptive(n) for n in sizes), return_indices)

    def with_indices(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        return adaptive_max_pool(input, output_size, True)

    name = f"adaptive_max_pool{dims}d"
    return (
        published(
            adaptive_max_pool,
            name,
            f"""The largest entries of windows that divide the last {told(dims)} into `output_size`, of which None keeps the input's.

            Window i of n over a length L goes from ⌊i · L / n⌋ to ⌈(i + 1) · L / n⌉. `return_indices`: (values, indices).
            Raises ShapeError (a RuntimeError) for an input of other rank and negative sizes.
            """,
        ),
        published(with_indices, f"{name}_with_indices", f"As {name}, always with the indices: (values, indices)."),
    )


def _adaptive_avg_pool(dims: int) -> Callable[..., Tensor]:
    def adaptive_avg_pool(input: Any, output_size: Any) -> Tensor:
        tensor = as_tensor(name, "input", input)
        sizes = adaptive_sizes(name, tensor, output_size, dims)
        floats(name, tensor)
        if 0 in tuple(tensor.shape)[-dims:]:
            raise ShapeError(f"{name}: there is no mean of nothing, got an input of shape {tuple(tensor.shape)}")
        if set(sizes) == {1}:
            return reduce.mean(tensor, axis=tuple(range(tensor.ndim - dims, tensor.ndim)), keepdims=True)
        windows = even_windows(tensor, sizes)
        if windows:
            return pool.mean_pool(tensor, windows=windows, divisor="inside")
        return resample.resample(tensor, axes=tuple(resample.Axis("area", n, size) for n, size in zip(tensor.shape[-dims:], sizes)))

    name = f"adaptive_avg_pool{dims}d"
    return published(
        adaptive_avg_pool,
        name,
        f"""The means of windows that divide the last {told(dims)} into `output_size`, of which None keeps the input's.

        Window i of n over a length L goes from ⌊i · L / n⌋ to ⌈(i + 1) · L / n⌉. Raises ShapeError (a RuntimeError) for an input of
        other rank and negative sizes.
        """,
    )


def adaptive_sizes(name: str, input: Tensor, output_size: Any, dims: int) -> tuple[int, ...]:
    """The output's last dimensions, None standing for the input's."""
    values = tuple(output_size) if isinstance(output_size, tuple | list) else (output_size,) * dims
    if output_size is None or not all(n is None or (isinstance(n, int | np.integer) and not isinstance(n, bool)) for n in values):
        raise TypeError(f"{name}: output_size must be an int or a tuple of {dims} ints (or None), got {output_size!r}")
    if len(values) != dims:
        raise RuntimeError(f"{name}: output_size must have {dims} elements, got {output_size!r}")
    rank(name, input, dims)
    sizes = tuple(n if size is None else int(size) for n, size in zip(tuple(input.shape)[-dims:], values))
    if min(sizes) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0, got {output_size!r}")
    return sizes


def even_windows(input: Tensor, sizes: tuple[int, ...]) -> tuple[Window, ...] | None:
    """The windows that divide the last dimensions, if they are all of one length."""
    pairs = list(zip(tuple(input.shape)[-len(sizes) :], sizes))
    return tuple(Window(n // m, n // m, 0, 1, m) for n, m in pairs) if all(m and n % m == 0 for n, m in pairs) else None


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_max_pools(1)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_max_pools(2)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_max_pools(3)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (_adaptive_avg_pool(dims) for dims in (1, 2, 3))
