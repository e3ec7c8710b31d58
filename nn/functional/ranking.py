"""Losses that compare: what belongs together should be near, or come first, by a margin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.errors import ShapeError
from autograd_core.ops import elementwise, reduce
from autograd_core.tensor import Tensor

from .arguments import as_tensor, known, reduced, reduction_of
from .distance import pairwise_distance, together

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

clamp, where = elementwise.clamp, elementwise.where
reductions = reduce


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(|anchor - positive| - |anchor - negative| + margin, 0), the distances being p-norms along the last dimension.

    With `swap` the negative's distance is its smaller one to anchor and positive. Raises ValueError unless margin is positive,
    ShapeError where shapes do not fit. Source: Balntas et al., Learning shallow convolutional feature descriptors with
    triplet losses, 2016.
    """
    reduction = reduction_of("triplet_margin_loss", reduction, size_average, reduce)
    return _triplet(
        "triplet_margin_loss", anchor, positive, negative, lambda a, b: pairwise_distance(a, b, p, eps), margin, swap, reduction
    )


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """triplet_margin_loss with a distance of one's own (`pairwise_distance` unless given)."""
    operation = "triplet_margin_with_distance_loss"
    reduction = reduction_of(operation, reduction)
    return _triplet(operation, anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction)


def _triplet(
    operation: str, anchor: Any, positive: Any, negative: Any, distance: Callable[..., Tensor], margin: float, swap: bool, reduction: str
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"{operation}: margin must be greater than 0, got {margin}")
    given = {"anchor": anchor, "positive": positive, "negative": negative}
    anchor, positive, negative = (as_tensor(operation, name, value) for name, value in given.items())
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(
            f"{operation}: anchor, positive and negative need the same number of dimensions, got {tuple(anchor.shape)}, "
            f"{tuple(positive.shape)} and {tuple(negative.shape)}"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = elementwise.minimum(far, distance(positive, negative))
    return reduced(clamp(near - far + margin, low=0), reduction)


def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(input1, input2) where the target is 1, max(cos(input1, input2) - margin, 0) where it is -1.

    The inputs are (N, D) with a target (N), or (D) with a target of no dimension. Raises ShapeError where shapes do not fit.
    """
    operation = "cosine_embedding_loss"
    input1, input2, target = (as_tensor(operation, n, v) for n, v in (("input1", input1), ("input2", input2), ("target", target)))
    reduction = reduction_of(operation, reduction, size_average, reduce)
    rank = target.ndim + 1
    if rank > 2 or not input1.ndim == input2.ndim == rank:
        raise ShapeError(
            f"{operation}: takes inputs (N, D) with a target (N), or (D) with a target of no dimension, got {tuple(input1.shape)}, "
            f"{tuple(input2.shape)} and target {tuple(target.shape)}"
        )
    together(operation, input1, input2)
    one, two = (reductions.sum(elementwise.square(x), axis=-1) + 1e-12 for x in (input1, input2))
    cosine = reductions.sum(input1 * input2, axis=-1) / elementwise.sqrt(one * two)
    together(operation, cosine, target)
    loss = where(target == 1, 1 - cosine, 0) + where(target == -1, clamp(cosine - margin, low=0), 0)
    return known(operation, reduced(loss, reduction), cosine, target)


def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The input, a distance, where the target is 1; max(margin - input, 0) where it is -1. The target may broadcast."""
    operation = "hinge_embedding_loss"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    together(operation, input, target)
    loss = where(target != 1, clamp(margin - input, low=0), 0) + where(target != -1, input, 0)
    return known(operation, reduced(loss, reduction), input, target)


def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(-target · (input1 - input2) + margin, 0): a target of 1 wants input1 to be larger, one of -1 input2.

    Raises ShapeError unless all have the same number of dimensions, and broadcast.
    """
    operation = "margin_ranking_loss"
    input1, input2, target = (as_tensor(operation, n, v) for n, v in (("input1", input1), ("input2", input2), ("target", target)))
    reduction = reduction_of(operation, reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(
            f"{operation}: all tensors need the same number of dimensions, got {tuple(input1.shape)}, {tuple(input2.shape)} and target "
            f"{tuple(target.shape)}"
        )
    together(operation, input1, input2, target)
    return known(operation, reduced(clamp(-target * (input1 - input2) + margin, low=0), reduction), input1, target)
