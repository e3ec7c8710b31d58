"""Losses that are the negative logarithm of a likelihood, or a divergence of distributions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops import shape
from autograd_core.ops.elementwise import clamp, exp, log, square, where
from autograd_core.ops.limits import xlogy
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, in_vmap, known, reduced, reduction_of
from .distance import together

__all__ = ["gaussian_nll_loss", "kl_div", "poisson_nll_loss"]


def kl_div(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target · (log target - input), the divergence of Kullback and Leibler, `input` being log-probabilities.

    `log_target` says that the target is logarithms, too. "batchmean", the sum by the number of rows, is what the divergence is
    defined to be. Raises RuntimeError for whole numbers, ShapeError where shapes do not broadcast.
    """
    operation = "kl_div"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    by_rows = reduction == "batchmean" and size_average is None and reduce is None
    reduction = "sum" if by_rows else reduction_of(operation, reduction, size_average, reduce)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides only by the "
            "batch size, and aligns with the KL math definition.",
            stacklevel=3,
        )
    if input.dtype.kind in "biu" or target.dtype.kind in "biu":
        raise RuntimeError(f"{operation}: integral inputs are not supported, got {input.dtype} and a target of {target.dtype}")
    together(operation, input, target)
    loss = exp(target) * (target - input) if log_target else xlogy(target, target) - target * input
    total = reduced(loss, reduction)
    return known(operation, total / input.array.shape[0] if by_rows and input.ndim else total, input, target)


def gaussian_nll_loss(input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> Tensor:
    """(log var + (input - target)² / var) / 2, and with `full` log(2π) / 2 more.

    `var` is a number, of the input's shape, or without its last dimension (or with one of length 1). It counts as `eps` where
    it is smaller, of which its gradient knows nothing. Raises ValueError for a negative variance or one of another shape.
    Source: Nix and Weigend, Estimating the mean and variance of the target probability distribution, 1994.
    """
    operation = "gaussian_nll_loss"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    if isinstance(var, float):
        if var < 0:
            raise ValueError(f"{operation}: var has negative entry/entries, {var}")
        var = constant(np.full(input.array.shape, var, input.dtype))
    var = as_tensor(operation, "var", var)
    sizes = input.array.shape
    if var.array.shape != sizes:
        if var.array.shape == sizes[:-1]:
            var = shape.expand_dims(var, axis=-1)
        elif var.array.shape != (*sizes[:-1], 1):
            raise ShapeError(f"{operation}: var is of incorrect size {tuple(var.shape)} for an input of {sizes}")
    reduction = reduction_of(operation, reduction)
    if not in_vmap(var) and (var.array < 0).any():
        raise ValueError(f"{operation}: var has negative entry/entries")
    together(operation, input, target)
    safe = var + (clamp(var.detach(), low=eps) - var.detach())
    loss = 0.5 * (log(safe) + square(input - target) / safe)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return known(operation, reduced(loss, reduction), input, target)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """e^input - target · input or, without `log_input`, input - target · log(input + eps): the mean, or its logarithm, against counts.

    `full` adds Stirling's approximation of log(target!) where the target is above 1.
    """
    operation = "poisson_nll_loss"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    together(operation, input, target)
    loss = exp(input) - target * input if log_input else input - target * log(input + eps)
    if full:
        many = target > 1
        count = where(many, target, 1)
        stirling = count * log(count) - count + 0.5 * log(2 * math.pi * count)
        loss = loss + where(many, stirling, 0)
    return known(operation, reduced(loss, reduction), input, target)
