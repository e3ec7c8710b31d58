"""Leaving out weights, features of whole sequences, or whole branches at random in training."""

from __future__ import annotations

from typing import Any

from autograd_core.errors import ShapeError
from autograd_core.ops.shape import expand_dims, mT, squeeze
from autograd_core.tensor import Tensor

from .activation import written
from .arguments import as_tensor, floats, probability
from .dropout import _dropout, dropout, masked, scaled_mask
from .linear import linear

__all__ = ["drop_connect", "stochastic_depth", "variational_dropout"]


def drop_connect(input: Any, weight: Any, bias: Any = None, p: float = 0.5, training: bool = True, per_example: bool = False) -> Tensor:
    """linear(input, weight, bias) with each weight zero with probability p, else scaled by 1 / (1 - p).

    `per_example` draws the zeros anew for each row of the input (..., in_features). Out of training nothing is dropped.
    Raises ValueError unless 0 ≤ p ≤ 1, ShapeError where shapes do not fit. Source: Wan et al. (2013).
    """
    probability("drop_connect", p)
    input, weight = as_tensor("drop_connect", "input", input), as_tensor("drop_connect", "weight", weight)
    if not (training and p):
        return linear(input, weight, bias)
    if not per_example or input.ndim < 2:
        return linear(input, dropout(weight, p), bias)
    bias = None if bias is None else as_tensor("drop_connect", "bias", bias)
    if weight.ndim != 2 or input.shape[-1] != weight.shape[1] or (bias is not None and bias.shape != weight.shape[:1]):
        told = "" if bias is None else f", bias {tuple(bias.shape)}"
        raise ShapeError(
            f"drop_connect: input {tuple(input.shape)}, weight {tuple(weight.shape)}{told}: takes (..., in_features), (out_features, "
            "in_features) and (out_features)"
        )
    floats("drop_connect", weight)
    masks = scaled_mask((*tuple(input.shape)[:-1], *weight.shape), p, weight.dtype)
    out = squeeze(expand_dims(input, axis=-2) @ mT(masked(weight, masks, p=p)), axis=-2)
    return out if bias is None else out + bias


def variational_dropout(input: Any, p: float = 0.5, training: bool = True, batch_first: bool = False, inplace: bool = False) -> Tensor:
    """Dropout with one mask for all steps of a sequence (L, N, H), with `batch_first` (N, L, H), or without a batch (L, H).

    Raises ValueError unless 0 ≤ p ≤ 1, ShapeError for other ranks. Source: arXiv:1512.05287.
    """
    probability("variational_dropout", p)
    input = as_tensor("variational_dropout", "input", input)
    if input.ndim not in (2, 3):
        raise ShapeError(f"variational_dropout: expected a sequence of 2 or 3 dimensions, got {tuple(input.shape)}")
    steps = 1 if batch_first and input.ndim == 3 else 0
    places = tuple(1 if k == steps else n for k, n in enumerate(input.shape))
    return written(inplace, _dropout, input, p, places) if training and p else input


def stochastic_depth(input: Any, p: float, mode: str, training: bool = True) -> Tensor:
    """In training: zero with probability p, else x / (1 - p); "row" decides for each example, "batch" for all at once.

    Raises ValueError unless 0 ≤ p ≤ 1, or for another mode. Source: arXiv:1603.09382.
    """
    settings("stochastic_depth", p, mode)
    input = as_tensor("stochastic_depth", "input", input)
    if mode == "row" and not input.ndim:
        raise ShapeError("stochastic_depth: 'row' wants a batch, got a tensor of 0 dimensions")
    places = (input.shape[0] if mode == "row" else 1, *(1,) * (input.ndim - 1)) if input.ndim else ()
    return _dropout(input, p, places) if training and p else input


def settings(operation: str, p: float, mode: str) -> None:
    """Raises ValueError for stochastic depth that there is not."""
    probability(operation, p)
    if mode not in ("batch", "row"):
        raise ValueError(f"{operation}: mode has to be either 'batch' or 'row', but got {mode!r}")
