"""Pooling: the largest entries, the means, the norms of windows, and the way back from the largest.

Inputs are (N, C, ...) or (C, ...) with one, two or three further dimensions, over which the windows lie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.kernels.windows import Window, Windows
from autograd_core.ops import activation, elementwise, index, pool, shape
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, in_vmap

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]


# ---------------------------------------------------------------------- the largest


def _max_pools(dims: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def max_pool(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        windows = windows_of(name, input, dims, kernel_size, stride, padding, dilation, ceil_mode)
        return largest(name, input, windows, return_indices)

    def with_indices(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        return max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    name = f"max_pool{dims}d"
    return (
        published(
            max_pool,
            name,
            f"""The largest entry of each window over the last {told(dims)}: of several equal ones the first, and NaN where there is one.

            The windows have `kernel_size` entries, `dilation` apart, and begin every `stride` (kernel_size) entries, `padding` before
            the input; with `ceil_mode` the last may reach beyond. `return_indices`: (values, indices in the last {told(dims)} laid flat).
            Raises ShapeError (a RuntimeError) for windows that do not fit, TypeError for sizes that are no integers.
            """,
        ),
        published(with_indices, f"{name}_with_indices", f"As {name}, always with the indices: (values, indices)."),
    )


def largest(name: str, input: Tensor, windows: Windows, return_indices: bool) -> Any:
    input = as_tensor(name, "input", input)
    if input.dtype.kind not in "fiu":
        raise RuntimeError(f"{name}: not for {input.dtype} tensors")
    out = pool.max_pool(input, windows=windows)
    return (out, pool.largest_places(input, out, windows=windows)) if return_indices else out


# ---------------------------------------------------------------------- means


def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True
) -> Tensor:
    """The mean of each window over the last dimension: of `kernel_size` entries, every `stride` (kernel_size), from `padding` before it on.

    Padding counts as zeros, or not at all without `count_include_pad`; with `ceil_mode` the last window may reach beyond,
    where nothing counts. Raises ShapeError (a RuntimeError) for windows that do not fit, TypeError for sizes that are no integers.
    """
    return mean("avg_pool1d", input, 1, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """As avg_pool1d over the last two dimensions; with `divisor_override` the windows' sums over that number."""
    return mean("avg_pool2d", input, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """As avg_pool1d over the last three dimensions; with `divisor_override` the windows' sums over that number."""
    return mean("avg_pool3d", input, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def mean(
    name: str,
    input: Any,
    dims: int,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> Tensor:
    windows = windows_of(name, input, dims, kernel_size, stride, padding, 1, ceil_mode)
    if divisor is not None and (isinstance(divisor, bool) or not isinstance(divisor, int | np.integer)):
        raise TypeError(f"{name}: divisor_override must be an int, got {divisor!r}")
    if divisor == 0:
        raise RuntimeError(f"{name}: divisor_override must be not zero")
    if input.dtype.kind not in "fiu":
        raise RuntimeError(f"{name}: not for {input.dtype} tensors")
    counted = "padded" if count_include_pad else "inside"
    return pool.mean_pool(input, windows=windows, divisor=counted if divisor is None else divisor)


# ---------------------------------------------------------------------- norms


def _lp_pool(dims: int) -> Callable[..., Tensor]:
    def lp_pool(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
        tensor = as_tensor(name, "input", input)
        if norm_type in (inf, -inf):
            sign = 1 if norm_type > 0 else -1
            windows = windows_of(name, tensor, dims, kernel_size, stride, 0, 1, ceil_mode)
            return sign * largest(name, sign * elementwise.abs(tensor), windows, False)
        sizes = lengths(name, "kernel_size", kernel_size, dims)
        average = mean(name, tensor**norm_type, dims, sizes, stride, 0, ceil_mode, True, None)
        return (elementwise.sign(average) * activation.relu(elementwise.abs(average)) * prod(sizes)) ** (1.0 / norm_type)

    name = f"lp_pool{dims}d"
    return published(
        lp_pool,
        name,
        f"""(Σ x^p)^(1/p) of each window over the last {told(dims)}, p being `norm_type`: the sum for 1, the norm for 2,
        the largest absolute value for infinity, the smallest for -infinity.

        Windows and errors as of avg_pool{dims}d without padding. The gradient is not a number where the sum is zero, as in PyTorch.
        """,
    )


# ---------------------------------------------------------------------- back from the largest


def _max_unpool(dims: int) -> Callable[..., Tensor]:
    def max_unpool(
        input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Sequence[int] | None = None
    ) -> Tensor:
        tensor, places = as_tensor(name, "input", input), as_tensor(name, "indices", indices)
        sizes = unpooled(name, tensor, dims, kernel_size, stride, padding, output_size)
        if places.dtype != np.int64:
            raise RuntimeError(f"{name}: elements in indices should be of type int64, got {places.dtype}")
        if places.shape != tensor.shape:
            raise ShapeError(f"{name}: indices {tuple(places.shape)} must have the input's shape {tuple(tensor.shape)}")
        n = prod(sizes)
        if not in_vmap(places) and places.array.size and not 0 <= places.array.min() <= places.array.max() < n:
            raise RuntimeError(
                f"{name}: indices go from {places.array.min()} to {places.array.max()}, and the output {sizes} has {n} places"
            )
        lead = tuple(tensor.shape)[:-dims]
        flat = (*lead, prod(tuple(tensor.shape)[-dims:]))
        zeros = constant(np.zeros((*lead, n), tensor.dtype))
        whole = index.scatter(zeros, shape.reshape(tensor, shape=flat), shape.reshape(places, shape=flat), axis=-1)
        return shape.reshape(whole, shape=(*lead, *sizes))

    name = f"max_unpool{dims}d"
    return published(
        max_unpool,
        name,
        f"""Zeros with the input's entries at the places that max_pool{dims}d(..., return_indices=True) said they came from.

        `output_size` chooses among the sizes that pool to the input's; it may have the first dimensions, too. Raises ShapeError or
        RuntimeError for indices that do not fit, ValueError for an output size that does not pool to the input's.
        """,
    )


def unpooled(
    name: str, input: Tensor, dims: int, kernel_size: Any, stride: Any, padding: Any, output_size: Sequence[int] | None
) -> tuple[int, ...]:
    """The lengths of the last dimensions of what was pooled."""
    rank(name, input, dims)
    kernel = lengths(name, "kernel_size", kernel_size, dims)
    step = kernel if stride is None else lengths(name, "stride", stride, dims)
    border = lengths(name, "padding", padding, dims)
    usual = tuple((n - 1) * s + k - 2 * p for n, k, s, p in zip(tuple(input.shape)[-dims:], kernel, step, border))
    if output_size is None:
        return usual
    wanted = tuple(output_size)[2:] if len(output_size) == dims + 2 else tuple(output_size)
    if len(wanted) != dims:
        raise ValueError(
            f"{name}: output_size should be a sequence containing {dims} or {dims + 2} elements, but it has {len(output_size)}"
        )
    if not all(n - s < size < n + s for n, size, s in zip(usual, wanted, step)):
        raise ValueError(f"{name}: output_size {wanted} does not pool to the input's {tuple(input.shape)[-dims:]}; it is {usual} ± {step}")
    return wanted


# ---------------------------------------------------------------------- arguments


def published(function: Callable[..., Any], name: str, text: str) -> Callable[..., Any]:
    """The function under its name, with its documentation."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text.replace("\n        ", "\n").replace("\n    ", "\n")
    return function


def told(dims: int) -> str:
    return ("dimension", "two dimensions", "three dimensions")[dims - 1]


def lengths(name: str, argument: str, value: Any, dims: int) -> tuple[int, ...]:
    """One integer for each dimension. Raises TypeError for what is no integer, RuntimeError for another number of them."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    if not all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in values):
        raise TypeError(f"{name}: {argument} must be an int or a tuple of {dims} ints, got {value!r}")
    if len(values) not in (1, dims):
        raise RuntimeError(f"{name}: {argument} must either be a single int, or a tuple of {dims} ints, got {value!r}")
    return tuple(int(n) for n in values) * (dims if len(values) == 1 else 1)


def rank(name: str, input: Tensor, dims: int) -> None:
    """Raises ShapeError unless the input has these dimensions, channels, and maybe a batch."""
    if input.ndim not in (dims + 1, dims + 2):
        raise ShapeError(
            f"{name}: expected an input of {dims + 1} or {dims + 2} dimensions (the first of them a batch), got {tuple(input.shape)}"
        )


def windows_of(
    name: str, input: Any, dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Window, ...]:
    """The windows over the last dimensions of an input. Raises ShapeError for windows that do not fit it."""
    input = as_tensor(name, "input", input)
    kernel = lengths(name, "kernel_size", kernel_size, dims)
    step = kernel if stride is None or stride in ((), []) else lengths(name, "stride", stride, dims)
    border, apart = lengths(name, "padding", padding, dims), lengths(name, "dilation", dilation, dims)
    rank(name, input, dims)
    if 0 in tuple(input.shape)[-dims - 1 :]:
        raise ShapeError(f"{name}: only the batch may have length 0, got an input of shape {tuple(input.shape)}")
    found = []
    for n, k, s, p, d in zip(tuple(input.shape)[-dims:], kernel, step, border, apart):
        if k <= 0 or s <= 0 or d <= 0:
            raise RuntimeError(f"{name}: kernel_size {kernel}, stride {step} and dilation {apart} should be greater than zero")
        reach = (k - 1) * d + 1
        if not 0 <= p <= k // 2:
            raise RuntimeError(f"{name}: padding should be from 0 to half of the kernel size, {k // 2}, but got {p}")
        count = (n + 2 * p - reach + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (count - 1) * s >= n + p:
            count -= 1
        window = Window(k, s, p, d, count)
        if count < 1:
            raise ShapeError(f"{name}: the output size is too small: a kernel of {reach} does not fit into {n} with a padding of {p}")
        if d > 1 and p and not all(any(0 <= start + j * d < n for j in range(k)) for start in window.starts(n)):
            raise ShapeError(f"{name}: a window over {n} entries, of {k} that are {d} apart, with a padding of {p}, has none of them")
        found.append(window)
    return tuple(found)


max_pool1d, max_pool1d_with_indices = _max_pools(1)
max_pool2d, max_pool2d_with_indices = _max_pools(2)
max_pool3d, max_pool3d_with_indices = _max_pools(3)
lp_pool1d, lp_pool2d, lp_pool3d = (_lp_pool(dims) for dims in (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = (_max_unpool(dims) for dims in (1, 2, 3))
