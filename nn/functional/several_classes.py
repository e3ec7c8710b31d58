"""Losses of scores for many classes against one class or several: by margins, and as yes and no for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops import elementwise, index, shape
from autograd_core.ops import reduce as reductions
from autograd_core.ops.activation import softplus
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, floats, known, reduced, reduction_of
from .classes import fixed
from .distance import together

__all__ = ["multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss"]


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ max(margin - input[target] + input[k], 0)^p over the other classes k, by the number of classes; p is 1 or 2.

    `input` is (N, C) or (C), `target` holds class indices, (N) or one; `weight` (C) weighs the rows by their target. Raises
    RuntimeError for a target out of range, ShapeError (also a RuntimeError) where shapes do not fit, ValueError for another p.
    """
    operation = "multi_margin_loss"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"{operation}: only p == 1 and p == 2 supported, got {p}")
    scores, classes = _rows(operation, input), target.array.reshape(-1)
    n, count = scores.array.shape
    if target.ndim > 1 or classes.size != n:
        raise ShapeError(f"{operation}: input {tuple(input.shape)} takes {n} class indices, got a target of shape {tuple(target.shape)}")
    _check_classes(operation, target, 0, count)
    own = index.gather(scores, classes[:, None], axis=1)
    gap = scores - own + margin
    loss = elementwise.where((gap > 0) & (np.arange(count) != classes[:, None]), gap, 0)
    if p == 2:
        loss = elementwise.square(loss)
    if weight is not None:
        weight = as_tensor(operation, "weight", weight)
        if weight.ndim != 1:
            raise ValueError(f"{operation}: weight must be one-dimensional, got shape {tuple(weight.shape)}")
        if weight.array.size != count:
            raise ShapeError(f"{operation}: inconsistent weight size, expected {count} but got {tuple(weight.shape)}")
        loss = loss * constant(fixed(operation, weight)[classes][:, None].astype(loss.dtype, copy=False))
    return reduced(_as_rows_of(input, target, reductions.sum(loss, axis=1) / count), reduction)


def multilabel_margin_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """Σ max(1 - input[j] + input[k], 0) over a row's classes j and all k that are none of these, by the number of classes.

    `target`, of the input's shape (N, C) or (C), holds each row's class indices, which end at the first -1. Raises RuntimeError
    for a target out of range, ShapeError where shapes do not fit.
    """
    operation = "multilabel_margin_loss"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    scores = _rows(operation, input)
    if target.array.shape != input.array.shape:
        raise ShapeError(f"{operation}: inconsistent target size: {tuple(target.shape)} for input of size: {tuple(input.shape)}")
    n, count = scores.array.shape
    _check_classes(operation, target, -1, count)
    classes = target.array.reshape(n, count)
    counts = np.logical_and.accumulate(classes >= 0, axis=1)
    most = int(counts.sum(axis=1).max(initial=0))
    counts, classes = counts[:, :most], np.where(counts, classes, 0)[:, :most]
    others = np.ones((n, count), bool)
    others[np.nonzero(counts)[0], classes[counts]] = False
    own = index.gather(scores, classes, axis=1)
    gap = 1 - shape.expand_dims(own, axis=2) + shape.expand_dims(scores, axis=1)
    loss = elementwise.where((gap > 0) & (counts[:, :, None] & others[:, None, :]), gap, 0)
    each = reductions.sum(loss, axis=(1, 2)) / count
    return reduced(each if input.ndim == 2 else shape.reshape(each, shape=()), reduction)


def _rows(operation: str, input: Tensor) -> Tensor:
    """Scores as (N, C)."""
    floats(operation, input)
    if input.ndim > 2 or not input.array.shape[-1:] != (0,):
        raise ShapeError(f"{operation}: the input is (N, C) or (C), with C above 0, got {tuple(input.shape)}")
    return input if input.ndim == 2 else shape.reshape(input, shape=(1, input.array.size))


def _as_rows_of(input: Tensor, target: Tensor, each: Tensor) -> Tensor:
    """The rows' losses, without a dimension where neither input nor target has one of rows."""
    return shape.reshape(each, shape=()) if input.ndim < 2 and target.ndim == 0 else each


def _check_classes(operation: str, target: Tensor, least: int, count: int) -> None:
    indices = target.array
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"{operation}: class indices are integers, got a target of {indices.dtype}; convert it first: target.long()")
    if indices.size and not least <= indices.min() <= indices.max() < count:
        wrong = indices[(indices < least) | (indices >= count)][0]
        raise RuntimeError(f"{operation}: target out of range: {wrong}, of {count} classes")


def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over the last dimension, the classes, of binary cross entropies: of sigmoid(input) against targets of 0 and 1.

    `weight` weighs the classes and may broadcast. Raises IndexError for an input without dimensions.
    """
    operation = "multilabel_soft_margin_loss"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    together(operation, input, target)
    if not input.ndim:
        raise IndexError(f"{operation}: the input needs a dimension of classes, but has none")
    loss = (1 - target) * input + softplus(-input)
    if weight is not None:
        weight = as_tensor(operation, "weight", weight)
        together(operation, loss, weight)
        loss = loss * weight
    return known(operation, reduced(reductions.sum(loss, axis=input.ndim - 1) / input.array.shape[-1], reduction), input, target)


def soft_margin_loss(
    input: Any, target: Any, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + e^(-target · input)), without overflow, for targets of 1 and -1, which may broadcast."""
    operation = "soft_margin_loss"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    together(operation, input, target)
    return known(operation, reduced(softplus(-target * input), reduction), input, target)
