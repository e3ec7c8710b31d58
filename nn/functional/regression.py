"""Losses of an input against a target of its own shape, element by element."""

from __future__ import annotations

from typing import Any

from autograd_core.ops import loss as losses
from autograd_core.ops import reduce as reductions
from autograd_core.tensor import Tensor

from .arguments import as_tensor, fit, in_vmap, known, reduced, reduction_of, same_size

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


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
    input, target, reduction = _checked("mse_loss", input, target, reduction, size_average, reduce)
    return _computed(losses.mse_loss, input, target, reduction, weight, True)


def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Tensor:
    """|input - target|. Arguments and errors as of mse_loss."""
    input, target, reduction = _checked("l1_loss", input, target, reduction, size_average, reduce)
    return _computed(losses.l1_loss, input, target, reduction, weight, True)


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
    input, target, reduction = _checked("smooth_l1_loss", input, target, reduction, size_average, reduce)
    if beta == 0:
        return _computed(losses.l1_loss, input, target, reduction, None, True)
    return _computed(losses.smooth_l1_loss, input, target, reduction, None, True, beta=beta)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Tensor:
    """d² / 2 where |d| ≤ delta, else delta · (|d| - delta / 2), with d = input - target.

    `weight` weighs the elements, but unlike in mse_loss the mean is over their number. Errors as of mse_loss; RuntimeError
    unless delta is positive.
    """
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    input, target, reduction = _checked("huber_loss", input, target, reduction)
    return _computed(losses.huber_loss, input, target, reduction, weight, False, delta=delta)


def _checked(
    operation: str, input: Any, target: Any, reduction: str, size_average: bool | None = None, reduce: bool | None = None
) -> tuple[Tensor, Tensor, str]:
    """The input, the target and the reduction. Raises RuntimeError for complex numbers, whose loss would be no real number."""
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    if size_average is not None or reduce is not None or reduction != "mean":
        reduction = reduction_of(operation, reduction, size_average, reduce)
    if "c" in (input.array.dtype.kind, target.array.dtype.kind) and operation != "l1_loss":
        raise RuntimeError(f"{operation}: not for complex numbers ({input.dtype}, {target.dtype}); give real and imaginary parts, or sizes")
    fit(operation, input, target)
    return input, target, reduction


def _computed(loss: Any, input: Tensor, target: Tensor, reduction: str, weight: Any, weighted_mean: bool, **settings: float) -> Tensor:
    """The loss, weighted and reduced: by its kernel where the arrays are as that takes them, else by what it is composed of."""
    name, x, t = loss.op.name, input.array, target.array
    if weight is None:
        fast = x.shape == t.shape and x.dtype.kind == t.dtype.kind == "f" and not in_vmap(input, target)
        compute = loss if fast else loss.op.reference
        return known(name, compute(input, target, reduction=reduction, **settings), input, target)
    each = loss.op.reference(input, target, reduction="none", **settings)
    weight = as_tensor(name, "weight", weight)
    same_size(name, "weight", weight, each)
    if reduction == "mean" and weighted_mean:
        return known(name, reductions.sum(each * weight) / reductions.sum(weight), input, target)
    return known(name, reduced(each * weight, reduction), input, target)
