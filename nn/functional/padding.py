"""Borders around tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.faces.pointwise import refuse_beyond
from autograd_core.ops import border, shape
from autograd_core.ops.index import getitem
from autograd_core.tensor import Tensor

from .arguments import as_tensor

__all__ = ["pad"]

MODES = ("constant", "reflect", "replicate", "circular")


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """The input with entries before and after those of its last dimensions: `pad` is (before, after) of the last dimension,
    then of the last but one, and so on; negative numbers cut.

    `mode` "constant" fills with `value` (0), for any number of dimensions. "reflect" mirrors the input at its edges,
    "replicate" repeats its edges, "circular" goes round: those pad the last one, two or three dimensions of an input that
    has one or two more. Raises TypeError unless `pad` is a sequence of integers and `value` a number; RuntimeError for an odd
    number of them, a `value` in another mode or beyond the input's dtype; NotImplementedError (a RuntimeError) for an unknown
    mode or number of dimensions; ShapeError for more than there is to cut, mirror or go round.
    """
    input = as_tensor("pad", "input", input)
    widths = widths_of(input, pad)
    if mode == "constant":
        return constant_pad(input, widths, number(input, value))
    if value is not None and value != 0:
        raise RuntimeError(f'pad: padding mode "{mode}" doesn\'t take in value argument')
    if mode not in MODES:
        raise NotImplementedError(f"pad: unrecognised padding mode {mode!r}; there are {MODES}")
    if not (1 <= len(widths) <= 3 and input.ndim - len(widths) in (1, 2)):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last one, two or three dimensions of an input that has one or two more; got padding "
            f"{tuple(pad)} for an input of shape {tuple(input.shape)}"
        )
    check(input, widths, mode)
    return border.border(input, widths=widths, mode=mode)


def widths_of(input: Tensor, pad: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """((before, after), ...) of the last dimensions in their order."""
    if not isinstance(pad, Sequence) or not all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in pad):
        raise TypeError(f"pad: the widths are a tuple of ints, (before, after) of the last dimension first; got {pad!r}")
    if len(pad) % 2:
        raise RuntimeError(f"pad: Padding length must be divisible by 2, before and after for each dimension; got {tuple(pad)}")
    if len(pad) > 2 * input.ndim:
        raise ShapeError(f"pad: {tuple(pad)} pads {len(pad) // 2} dimensions, and the input, of shape {tuple(input.shape)}, has fewer")
    return tuple((int(pad[k]), int(pad[k + 1])) for k in range(len(pad) - 2, -1, -2))


def number(input: Tensor, value: Any) -> Any:
    """What constant padding is filled with. Raises TypeError for what is no number, RuntimeError for one beyond the input's dtype."""
    if value is None:
        return 0
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and not value.ndim and not value.requires_grad):
        value = value.item()
    if not isinstance(value, int | float | complex if input.dtype.kind == "c" else int | float):
        raise TypeError(f"pad: value must be a number, got a {type(value).__name__}")
    refuse_beyond("pad", value, input.dtype)
    return value


def constant_pad(input: Tensor, widths: tuple[tuple[int, int], ...], value: float) -> Tensor:
    """The input with a value around it; negative widths cut first."""
    widths = ((0, 0),) * (input.ndim - len(widths)) + widths
    for n, (before, after) in zip(input.shape, widths, strict=True):
        if min(before, 0) + min(after, 0) + n < 0 or before + after + n < 0:
            raise ShapeError(f"pad: {(before, after)} cuts more than there is in a dimension of length {n} of {tuple(input.shape)}")
    if any(min(width) < 0 for width in widths):
        kept = tuple(slice(max(-before, 0), n - max(-after, 0)) for n, (before, after) in zip(input.shape, widths, strict=True))
        input = getitem(input, index=kept)
        widths = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    return shape.pad(input, widths=widths, value=value)


def check(input: Tensor, widths: tuple[tuple[int, int], ...], mode: str) -> None:
    """Raises ShapeError where a border of this mode does not exist."""
    sizes = tuple(input.shape)[-len(widths) :]
    told = f"pad: {mode} padding {widths} of an input of shape {tuple(input.shape)}"
    if mode != "circular" and 0 in tuple(input.shape)[-len(widths) - 1 :]:
        raise ShapeError(f"{told}: only the first dimension, of the batch, may have length 0")
    for n, (before, after) in zip(sizes, widths, strict=True):
        if mode == "reflect" and max(before, after) >= n:
            raise ShapeError(f"{told}: padding size should be less than the corresponding input dimension, {n}")
        if mode == "circular" and max(before, after) > n + min(before, 0) + min(after, 0):
            raise ShapeError(f"{told}: it would go round a dimension of length {n} more than once")
        if n + before + after < 0 or (mode == "circular" and n + min(before, 0) + min(after, 0) < 0):
            raise ShapeError(f"{told}: it cuts more than there is in a dimension of length {n}")
    if mode != "circular" and all(n + before + after <= 0 for n, (before, after) in zip(sizes, widths, strict=True)):
        raise ShapeError(f"{told}: nothing would be left")
