"""Losses of an input against a target of its own shape, element by element."""

from __future__ import annotations

from typing import Any

from autograd_core.ops import elementwise, reduce
from autograd_core.tensor import Tensor

from .arguments import as_tensor, fit, known, reduced, reduction_of, same_size

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]

abs, where = elementwise.abs, elementwise.where


def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """(input - target)². `weight`, of the input's shape, weighs the elements; the mean is then the weighted one.

    A target of another shape is broadcast, with a warning. Raises TypeError for what is no Tensor, ValueError for NaN in
    the target or an unknown reduction, ShapeError where shapes do not fit.
    """
    difference, target, reduction = _difference("mse_loss", input, target, reduction, size_average, reduce)
    return _finish("mse_loss", elementwise.square(difference), difference, target, weight, reduction)


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """|input - target|. Arguments and errors as of mse_loss."""
    difference, target, reduction = _difference("l1_loss", input, target, reduction, size_average, reduce)
    return _finish("l1_loss", abs(difference), difference, target, weight, reduction)


def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d² / (2 · beta) where |d| < beta, else |d| - beta / 2, with d = input - target. Source: arXiv:1504.08083.

    Errors as of mse_loss; RuntimeError for a negative beta.
    """
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    d, target, reduction = _difference("smooth_l1_loss", input, target, reduction, size_average, reduce)
    size = abs(d)
    loss = size if beta == 0 else where(abs(d.detach()) < beta, elementwise.square(d) * (0.5 / beta), size - 0.5 * beta)
    return _finish("smooth_l1_loss", loss, d, target, None, reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Tensor:
    """d² / 2 where |d| ≤ delta, else delta · (|d| - delta / 2), with d = input - target.

    `weight` weighs the elements, but unlike in mse_loss the mean is over their number. Errors as of mse_loss; RuntimeError
    unless delta is positive.
    """
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    d, target, reduction = _difference("huber_loss", input, target, reduction)
    loss = where(abs(d.detach()) <= delta, elementwise.square(d) * 0.5, (abs(d) - 0.5 * delta) * delta)
    if weight is not None:
        weight = as_tensor("huber_loss", "weight", weight)
        same_size("huber_loss", "weight", weight, d)
        loss = loss * weight
    return known("huber_loss", reduced(loss, reduction), d, target)


def _difference(
    operation: str, input: Any, target: Any, reduction: str, size_average: bool | None = None, reduce: bool | None = None
) -> tuple[Tensor, Tensor, str]:
    """input - target, the target, and the reduction, checked."""
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    fit(operation, input, target)
    return elementwise.sub(input, target), target, reduction


def _finish(operation: str, loss: Tensor, like: Tensor, target: Tensor, weight: Any, reduction: str) -> Tensor:
    """The elements' losses weighted and reduced."""
    if weight is None:
        return known(operation, reduced(loss, reduction), like, target)
    weight = as_tensor(operation, "weight", weight)
    same_size(operation, "weight", weight, like)
    loss = loss * weight
    if reduction == "mean":
        return known(operation, reduce.sum(loss) / reduce.sum(weight), like, target)
    return known(operation, reduced(loss, reduction), like, target)
