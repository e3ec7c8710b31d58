"""Images at the points of a grid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops import elementwise, shape
from autograd_core.ops.index import gather, getitem
from autograd_core.ops.linalg import product as matrix_product
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, floats

__all__ = ["affine_grid", "grid_sample"]

floor, where = elementwise.floor, elementwise.where


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The points that affine maps (N, 2, 3) or (N, 3, 4) send the pixels of images of `size` (N, C, H, W) or (N, C, D, H, W) to.

    (N, H, W, 2) or (N, D, H, W, 3), for grid_sample: x first, -1 and 1 being the centres of the outermost pixels with
    `align_corners`, else their outer edges. Raises ValueError for a theta that does not fit, NotImplementedError (a RuntimeError)
    for a size of other rank. Source: arXiv:1506.02025.
    """
    theta = as_tensor("affine_grid", "theta", theta)
    align = aligned("affine_grid", align_corners)
    if theta.dtype.kind != "f":
        raise ValueError(f"affine_grid: expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError(f"affine_grid: only supports 4D and 5D sizes, got {tuple(size)}")
    if tuple(theta.shape)[1:] != (dims, dims + 1):
        raise ValueError(f"affine_grid: expected theta of shape N x {dims} x {dims + 1} for size {tuple(size)}, got {tuple(theta.shape)}")
    if min(size) <= 0:
        raise ValueError(f"affine_grid: expected non-zero, positive output size, got {tuple(size)}")
    if theta.shape[0] != size[0]:
        raise ShapeError(f"affine_grid: theta {tuple(theta.shape)} and size {tuple(size)} differ in the number of images")
    sides = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in size[2:]]
    if not align:
        sides = [side * (n - 1) / n for side, n in zip(sides, size[2:])]
    points = np.meshgrid(*sides, indexing="ij")[::-1]
    base = np.stack([*points, np.ones_like(points[0])], -1).reshape(-1, dims + 1).astype(theta.dtype)
    grid = matrix_product(constant(base), shape.mT(theta))
    return shape.reshape(grid, shape=(size[0], *size[2:], dims))


def aligned(operation: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(f"{operation}: align_corners is False unless it is given; say which of the two you mean", stacklevel=3)
    return bool(align_corners)


def grid_sample(input: Any, grid: Any, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None) -> Tensor:
    """Images (N, C, H, W) at the points of a grid (N, H', W', 2), or (N, C, D, H, W) at (N, D', H', W', 3): (N, C, H', W').

    A point is (x, y) or (x, y, z), -1 and 1 being the centres of the outermost pixels with `align_corners`, else their outer
    edges; NaN is taken as -1, and so is infinity where it would be reflected without end. `mode` is "bilinear" (in 3-d
    trilinear), "nearest" or, in 2-d, "bicubic"; `padding_mode` says what is outside: "zeros", the "border", or a "reflection".
    Raises ValueError for an unknown mode, ShapeError (a RuntimeError) where shapes do not fit. Source: arXiv:1506.02025.
    """
    input, grid = as_tensor("grid_sample", "input", input), as_tensor("grid_sample", "grid", grid)
    check(input, grid, mode, padding_mode)
    align = aligned("grid_sample", align_corners)
    batch, channels, *sizes = tuple(input.shape)
    wanted = tuple(grid.shape)[1:-1]
    known = elementwise.isfinite(grid) if padding_mode == "reflection" else elementwise.logical_not(elementwise.isnan(grid))
    points = shape.reshape(where(known, grid, -1), shape=(batch, 1, prod(wanted), len(sizes)))
    flat = shape.reshape(input, shape=(batch, channels, prod(sizes)))
    along: list[Taps] = []  # for each dimension, the last point's coordinate first
    for k, n in enumerate(reversed(sizes)):
        at = pixels(getitem(points, index=(..., k)), n, align)
        along.insert(0, TAPS[mode](at, n, padding_mode, align))
    total: Any = None
    for corner in product(*along):
        places, weight, inside = corner[0]
        for (place, part, within), n in zip(corner[1:], sizes[1:]):
            places, weight = places * n + place, weight * part
            inside = None if within is None else elementwise.logical_and(inside, within)
        values = gather(flat, shape.broadcast_to(places, target=(batch, channels, prod(wanted))), axis=2)
        share = weight * (values if inside is None else where(inside, values, 0))
        total = share if total is None else total + share
    return shape.reshape(total, shape=(batch, channels, *wanted))


def check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    """Raises ValueError, RuntimeError or ShapeError where something does not fit."""
    told = f"grid_sample: input {tuple(input.shape)}, grid {tuple(grid.shape)}"
    if mode not in TAPS:
        raise ValueError(f"grid_sample: expected mode to be one of {(*TAPS,)}, but got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"grid_sample: expected padding_mode to be 'zeros', 'border', or 'reflection', but got {padding_mode!r}")
    floats("grid_sample", input)
    if grid.dtype != input.dtype:
        raise RuntimeError(f"grid_sample: input and grid must have one dtype, got {input.dtype} and {grid.dtype}")
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise ShapeError(f"{told}: expected 4D or 5D input, and a grid with the same number of dimensions")
    if grid.shape[0] != input.shape[0]:
        raise ShapeError(f"{told}: expected one grid for each image")
    if grid.shape[-1] != input.ndim - 2:
        raise ShapeError(f"{told}: expected the grid's last dimension to be {input.ndim - 2}, the coordinates of a point")
    if 0 in tuple(input.shape)[2:]:
        raise ShapeError(f"{told}: expected input to have non-empty spatial dimensions")
    if mode == "bicubic" and input.ndim != 4:
        raise RuntimeError(f"{told}: bicubic interpolation only supports 4D input")


def pixels(x: Tensor, n: int, align: bool) -> Tensor:
    """Coordinates from -1 to 1 along n pixels as numbers of pixels."""
    return (x + 1) * ((n - 1) / 2) if align else ((x + 1) * n - 1) * 0.5


# ---------------------------------------------------------------------- what is taken along one dimension

Taps = list[tuple[Tensor, Tensor, Tensor | None]]  # the places of pixels, their weights, and (None: yes) whether there are such


def nearest(x: Tensor, n: int, padding_mode: str, align: bool) -> Taps:
    """The pixel whose number is nearest, of two the even one; its weight is 1, with a gradient of zero."""
    place = elementwise.round(put_inside(x, n, padding_mode, align))
    return [found(place.detach(), place - place.detach() + 1, n, padding_mode)]


def linear(x: Tensor, n: int, padding_mode: str, align: bool) -> Taps:
    x = put_inside(x, n, padding_mode, align)
    first = floor(x.detach())
    part = x - first
    return [found(first, 1 - part, n, padding_mode), found(first + 1, part, n, padding_mode)]


def cubic(x: Tensor, n: int, padding_mode: str, align: bool) -> Taps:
    """Keys' cubic convolution with a = -0.75. Source: doi:10.1109/TASSP.1981.1163711."""
    x = elementwise.clamp(x, low=-4, high=n + 3) if padding_mode == "zeros" else x
    first = floor(x.detach())
    t = x - first
    weights = far(t + 1), near(t), near(1 - t), far(2 - t)
    places = [put_inside(first + k, n, padding_mode, align) for k in range(-1, 3)]
    return [found(place, weight, n, padding_mode) for place, weight in zip(places, weights)]


def near(t: Any) -> Any:
    """Keys' kernel for distances up to 1."""
    return (1.25 * t - 2.25) * t * t + 1


def far(t: Any) -> Any:
    """Keys' kernel for distances from 1 to 2."""
    return ((-0.75 * t + 3.75) * t - 6) * t + 3


TAPS = {"bilinear": linear, "nearest": nearest, "bicubic": cubic}


def found(place: Tensor, weight: Tensor, n: int, padding_mode: str) -> tuple[Tensor, Tensor, Tensor | None]:
    """A tap at a pixel; only where zeros are outside may there be none."""
    inside = elementwise.logical_and(place >= 0, place <= n - 1) if padding_mode == "zeros" else None
    return shape.astype(elementwise.clamp(place, low=0, high=n - 1), dtype=np.dtype(np.int64)), weight, inside


def put_inside(x: Tensor, n: int, padding_mode: str, align: bool) -> Tensor:
    """Numbers of pixels as those of the pixels that stand for what is outside; for zeros, at most two outside."""
    if padding_mode == "zeros":
        return elementwise.clamp(x, low=-2, high=n + 1)
    if padding_mode == "reflection":
        low, span = (0.0, n - 1) if align else (-0.5, n)
        away = where(x < low, low - x, x - low)
        turns = floor(away.detach() / max(span, 1))
        rest = away - turns * span
        x = where(elementwise.remainder(turns, 2) == 0, rest, span - rest) + low
    return where(elementwise.logical_and(x > 0, x < n - 1), x, elementwise.clamp(x.detach(), low=0, high=n - 1))
