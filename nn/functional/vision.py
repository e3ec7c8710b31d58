"""Images larger and smaller, rearranged, and as columns of patches."""

from __future__ import annotations

import math
import warnings
from math import prod
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.kernels.windows import Window
from autograd_core.ops import pool, resample, shape
from autograd_core.tensor import Tensor

from .adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .arguments import as_tensor, floats
from .pooling import lengths

__all__ = [
    "channel_shuffle",
    "fold",
    "interpolate",
    "pixel_shuffle",
    "pixel_unshuffle",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

# ---------------------------------------------------------------------- larger and smaller

KINDS = {"linear": ("linear", 3), "bilinear": ("linear", 4), "trilinear": ("linear", 5), "bicubic": ("cubic", 4), "lanczos": ("lanczos", 4)}
MODES = ("nearest", "nearest-exact", "area", *KINDS)


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """(N, C, ...) with its last one, two or three dimensions brought to `size`, or to `scale_factor` times their lengths.

    `mode`: "nearest", "nearest-exact" (as other libraries round), "area" (means) for any of them, "linear" for one, "bilinear",
    "bicubic" and "lanczos" for two, "trilinear" for three. With `align_corners` the outermost entries lie on each other, without
    their outer edges do. With `recompute_scale_factor` the scale is that of the lengths rather than the one given. `antialias`
    widens the filters ("bilinear", "bicubic", "lanczos") when shrinking.
    Raises ValueError for arguments that contradict each other, NotImplementedError (a RuntimeError) for a mode that does not go
    with the input's dimensions, ShapeError for lengths of zero, TypeError for sizes that are no integers.
    """
    input = as_tensor("interpolate", "input", input)
    align = check_mode(input, mode, align_corners, antialias)
    sizes, scales = sizes_of(input, size, scale_factor, recompute_scale_factor)
    dims = len(sizes)
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, sizes)
    before = tuple(input.shape)[2:]
    if min(sizes) <= 0 or min(before) <= 0 or not input.shape[1]:
        raise ShapeError(f"interpolate: input and output sizes should be greater than 0, but got {tuple(input.shape)} and output {sizes}")
    if "nearest" not in mode:
        floats("interpolate", input)
    kind = KINDS[mode][0] if mode in KINDS else mode
    axes = []
    for n, m, scale in zip(before, sizes, scales):
        if (antialias and m == n) or (mode == "nearest" and dims == 2 and m in (n, 2 * n)):
            scale = None  # as in PyTorch, which takes a shorter way there
        axes.append(resample.Axis(kind, n, m, scale, align, antialias))
    return resample.resample(input, axes=tuple(axes))


def check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> bool:
    """Whether corners are aligned. Raises ValueError, NotImplementedError where the mode does not go with the rest."""
    if mode not in KINDS and align_corners is not None:
        raise ValueError(f"interpolate: align_corners option can only be set with the interpolating modes {(*KINDS,)}, got {mode!r}")
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(f"interpolate: antialias goes with bilinear, bicubic, lanczos and 4-d inputs; got {mode!r}, {tuple(input.shape)}")
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError("interpolate: mode 'lanczos' goes with antialias=True and without align_corners")
    if mode not in MODES or not 3 <= input.ndim <= 5 or (mode in KINDS and KINDS[mode][1] != input.ndim):
        raise NotImplementedError(
            f"interpolate: mode {mode!r} does not go with an input of shape {tuple(input.shape)}; the modes are nearest, nearest-exact and "
            "area for 3 to 5 dimensions, linear for 3, bilinear, bicubic and lanczos for 4, trilinear for 5"
        )
    return bool(align_corners)


def sizes_of(
    input: Tensor, size: Any, scale_factor: Any, recompute_scale_factor: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The lengths wanted, and the scales to reckon with (None: as the lengths are)."""
    before = tuple(input.shape)[2:]
    dims = len(before)
    if (size is None) == (scale_factor is None):
        raise ValueError(f"interpolate: either size or scale_factor should be defined, got {size!r} and {scale_factor!r}")
    given, name = (size, "size") if scale_factor is None else (scale_factor, "scale_factor")
    values = tuple(given) if isinstance(given, tuple | list) else (given,) * dims
    kinds = int | np.integer if scale_factor is None else int | float | np.number
    if not all(isinstance(v, kinds) and not isinstance(v, bool) for v in values):
        raise TypeError(f"interpolate: {name} must be a number (of whole entries, for size) or a tuple of {dims}, got {given!r}")
    if len(values) != dims:
        raise ValueError(
            f"interpolate: input and {name} must have the same number of spatial dimensions, but got an input of shape "
            f"{tuple(input.shape)} and {name}={given!r}"
        )
    if scale_factor is None:
        if recompute_scale_factor:
            raise ValueError("interpolate: recompute_scale_factor is not meaningful with an explicit size")
        return tuple(int(v) for v in values), (None,) * dims
    scales = tuple(float(v) for v in values)
    if not all(map(math.isfinite, scales)):
        raise RuntimeError(f"interpolate: scale_factor must be finite, got {given!r}")
    sizes = tuple(math.floor(n * s) for n, s in zip(before, scales))
    return sizes, (None,) * dims if recompute_scale_factor else scales


def upsample(input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None) -> Tensor:
    """interpolate under its old name."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate(mode="nearest") under its old name."""
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate(mode="bilinear", align_corners=True) under its old name."""
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# ---------------------------------------------------------------------- rearranged


def positive(operation: str, argument: str, value: Any) -> int:
    """Raises TypeError unless it is an integer, RuntimeError unless it is positive."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(f"{operation}: {argument} must be int, got {value!r}")
    if value <= 0:
        raise RuntimeError(f"{operation} expects a positive {argument}, but got {value}")
    return int(value)


def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    """(..., C·r², H, W) as (..., C, H·r, W·r): r² channels become the squares of r × r pixels. Source: arXiv:1609.05158.

    Raises ShapeError (a RuntimeError) for fewer than three dimensions, and channels that r² does not divide.
    """
    input, r = as_tensor("pixel_shuffle", "input", input), positive("pixel_shuffle", "upscale_factor", upscale_factor)
    if input.ndim < 3 or input.shape[-3] % (r * r):
        raise ShapeError(f"pixel_shuffle: {tuple(input.shape)} needs at least 3 dimensions, the third last a multiple of {r}² = {r * r}")
    *lead, channels, height, width = tuple(input.shape)
    parts = shape.reshape(input, shape=(*lead, channels // (r * r), r, r, height, width))
    k = len(lead)
    woven = shape.transpose(parts, axes=(*range(k), k, k + 3, k + 1, k + 4, k + 2))
    return shape.reshape(woven, shape=(*lead, channels // (r * r), height * r, width * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Tensor:
    """The reverse of pixel_shuffle: (..., C, H·r, W·r) as (..., C·r², H, W).

    Raises ShapeError (a RuntimeError) for fewer than three dimensions, and a height or width that r does not divide.
    """
    input, r = as_tensor("pixel_unshuffle", "input", input), positive("pixel_unshuffle", "downscale_factor", downscale_factor)
    if input.ndim < 3 or input.shape[-2] % r or input.shape[-1] % r:
        raise ShapeError(f"pixel_unshuffle: {tuple(input.shape)} needs at least 3 dimensions, the last two multiples of {r}")
    *lead, channels, height, width = tuple(input.shape)
    parts = shape.reshape(input, shape=(*lead, channels, height // r, r, width // r, r))
    k = len(lead)
    apart = shape.transpose(parts, axes=(*range(k), k, k + 2, k + 4, k + 1, k + 3))
    return shape.reshape(apart, shape=(*lead, channels * r * r, height // r, width // r))


def channel_shuffle(input: Any, groups: int) -> Tensor:
    """(N, C, ...) with its channels, in `groups`, dealt out in turn: the first of each group, then the second of each ...

    Raises ShapeError (a RuntimeError) for fewer than three dimensions, and channels that do not make equal groups.
    Source: arXiv:1707.01083.
    """
    input, groups = as_tensor("channel_shuffle", "input", input), positive("channel_shuffle", "groups", groups)
    if input.ndim < 3 or input.shape[1] % groups:
        raise ShapeError(f"channel_shuffle: {tuple(input.shape)} needs at least 3 dimensions, the second a multiple of groups={groups}")
    batch, channels, *others = tuple(input.shape)
    parts = shape.reshape(input, shape=(batch, groups, channels // groups, *others))
    return shape.reshape(shape.transpose(parts, axes=(0, 2, 1, *range(3, parts.ndim))), shape=(batch, channels, *others))


# ---------------------------------------------------------------------- patches


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The patches of (N, C, H, W) or (C, H, W) as columns: (N, C · kernel entries, patches) or without N.

    Raises ShapeError (a RuntimeError) for an input of other rank and patches that do not fit.
    """
    input = as_tensor("unfold", "input", input)
    if input.ndim not in (3, 4) or 0 in tuple(input.shape)[-3:]:
        raise ShapeError(
            f"unfold: expected an input of 3 or 4 dimensions, of which only the batch may have length 0; got {tuple(input.shape)}"
        )
    windows = patches("unfold", tuple(input.shape)[-2:], kernel_size, dilation, padding, stride)
    *lead, channels, _, _ = tuple(input.shape)
    rows, count = channels * prod(w.size for w in windows), prod(w.number for w in windows)
    return shape.reshape(pool.columns(input, windows=windows), shape=(*lead, rows, count))


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The reverse, (N, C · kernel entries, patches) to (N, C, *output_size): patches are added where they overlap.

    Raises ShapeError (a RuntimeError) for an input that does not have as many rows and columns as that takes.
    """
    input = as_tensor("fold", "input", input)
    sizes = lengths("fold", "output_size", output_size, 2)
    windows = patches("fold", sizes, kernel_size, dilation, padding, stride)
    if input.ndim not in (2, 3) or 0 in tuple(input.shape)[-2:]:
        raise ShapeError(
            f"fold: expected an input of 2 or 3 dimensions, of which only the batch may have length 0; got {tuple(input.shape)}"
        )
    *lead, rows, count = tuple(input.shape)
    each, wanted = prod(w.size for w in windows), prod(w.number for w in windows)
    if rows % each or count != wanted:
        raise ShapeError(
            f"fold: an input of shape {tuple(input.shape)} cannot be patches of {sizes}: its last but one dimension must be a multiple of "
            f"{each}, the entries of a kernel, and its last {wanted}, the number of patches"
        )
    parts = shape.reshape(input, shape=(*lead, rows // each, *[w.size for w in windows], *[w.number for w in windows]))
    return pool.overlap(parts, windows=windows, sizes=sizes)


def patches(operation: str, sizes: tuple[int, ...], kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Window, ...]:
    """The windows of the patches. Raises RuntimeError for negative lengths, ShapeError where no patch fits."""
    named = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    kernel, apart, border, step = (lengths(operation, name, value, 2) for name, value in named.items())
    if min(*kernel, *apart, *step) <= 0 or min(border) < 0:
        raise RuntimeError(
            f"{operation}: kernel_size {kernel}, dilation {apart} and stride {step} must be positive, padding {border} not negative"
        )
    counts = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in zip(sizes, kernel, apart, border, step)]
    if min(counts) < 1:
        raise ShapeError(f"{operation}: no patch of {kernel}, its entries {apart} apart, fits into {sizes} with a padding of {border}")
    return tuple(Window(k, s, p, d, count) for k, s, p, d, count in zip(kernel, step, border, apart, counts))
