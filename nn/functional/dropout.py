"""Leaving out elements or whole channels at random in training, and scaling the rest so that the mean stays."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops.dropout import dropout as masked
from autograd_core.random import stream
from autograd_core.tensor import Tensor

from .activation import SELU_ALPHA, SELU_SCALE, written
from .arguments import as_tensor, floats, probability

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training: zero with probability p, else x / (1 - p). Raises ValueError unless 0 ≤ p ≤ 1. Source: arXiv:1207.0580."""
    probability("dropout", p)
    input = as_tensor("dropout", "input", input)
    return written(inplace, _dropout, input, p, input.array.shape) if training and p else input


def _dropout(input: Tensor, p: float, places: tuple[int, ...]) -> Tensor:
    """The input with zeros drawn for these places, which broadcast, and the rest scaled."""
    floats("dropout", input, "fc")
    return masked(input, scaled_mask(places, p, input.dtype), p=p)


def scaled_mask(places: tuple[int, ...], p: float, dtype: Any) -> np.ndarray[Any, Any]:
    """For each place 0 with probability p, else 1 / (1 - p)."""
    return np.multiply(keeps(places, p), 1 / (1 - p) if p < 1 else 0.0, dtype=dtype)


def keeps(places: tuple[int, ...], p: float) -> np.ndarray[Any, Any]:
    """For each place whether it stays."""
    return stream(None).random(places, np.float32) >= np.float32(p)


def channels(operation: str, input: Any, batched: int, p: float, training: bool, inplace: bool) -> Tensor:
    """Dropout of whole channels: the second dimension of a batch, which has `batched` dimensions, the first without one."""
    probability(operation, p)
    input = as_tensor(operation, "input", input)
    if input.ndim not in (batched - 1, batched):
        raise ShapeError(f"{operation}: expected an input of {batched - 1} or {batched} dimensions, got {tuple(input.shape)}")
    if not (training and p):
        return input
    kept = 2 if input.ndim == batched else 1
    return written(inplace, _dropout, input, p, input.array.shape[:kept] + (1,) * (input.ndim - kept))


def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of (N, C, L) or (C, L). Raises ValueError unless 0 ≤ p ≤ 1, ShapeError for other ranks."""
    return channels("dropout1d", input, 3, p, training, inplace)


def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of (N, C, H, W); three dimensions are taken, with a warning, as (N, C, L).

    Raises ValueError unless 0 ≤ p ≤ 1, ShapeError for other ranks.
    """
    if as_tensor("dropout2d", "input", input).ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input "
            "is interpreted as shape (N, C, L), where C is the channel dim. Please use dropout1d, or unsqueeze(0) for (C, H, W).",
            stacklevel=2,
        )
        return channels("dropout2d", input, 3, p, training, inplace)
    return channels("dropout2d", input, 4, p, training, inplace)


def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W). Raises ValueError, ShapeError as dropout1d."""
    return channels("dropout3d", input, 5, p, training, inplace)


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance behind SELU: dropped elements get its lower bound. Source: arXiv:1706.02515, section 3."""
    probability("alpha_dropout", p)
    input = as_tensor("alpha_dropout", "input", input)
    return written(inplace, _alpha_dropout, input, p, input.array.shape) if training and p else input


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels of (N, C, ...). Raises ShapeError for fewer than two dimensions."""
    probability("feature_alpha_dropout", p)
    input = as_tensor("feature_alpha_dropout", "input", input)
    if input.ndim < 2:
        raise ShapeError(f"feature_alpha_dropout: needs at least two dimensions, got {tuple(input.shape)}")
    places = input.array.shape[:2] + (1,) * (input.ndim - 2)
    return written(inplace, _alpha_dropout, input, p, places) if training and p else input


def _alpha_dropout(input: Tensor, p: float, places: tuple[int, ...]) -> Tensor:
    """alpha_dropout with one draw for each of these places, which broadcast."""
    floats("alpha_dropout", input)
    if p == 1:
        return input * 0
    bound = SELU_ALPHA * SELU_SCALE
    scale = 1 / math.sqrt((bound * bound * p + 1) * (1 - p))
    kept = keeps(places, p).astype(input.dtype)
    return input * (kept * scale) + ((kept - 1) * (bound * scale) + bound * scale * p)
