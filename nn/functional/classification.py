"""Losses of scores against classes: as indices, as probabilities, or as yes and no."""

from __future__ import annotations

import math
from typing import Any

from autograd_core.errors import ShapeError
from autograd_core.faces.pointwise import where
from autograd_core.ops import elementwise, index, shape
from autograd_core.ops import loss as losses
from autograd_core.ops import reduce as reductions
from autograd_core.ops.activation import softplus
from autograd_core.ops.loss import binary_cross_entropy_elements, cross_entropy_rows, soft_cross_entropy_rows
from autograd_core.ops.softmax import log_softmax
from autograd_core.tensor import Tensor

from .arguments import as_tensor, floats, in_vmap, known, reduced, reduction_of, same_size
from .classes import Rows, class_weights, in_rows

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss"]


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target], the softmax over the classes.

    `input` is (C), (N, C) or (N, C, d1, ...). `target` holds class indices, integers of the input's shape without C, or
    the classes' probabilities, floats of the input's shape. `weight` (C) weighs the classes. Indices equal to
    `ignore_index` do not count. `label_smoothing` mixes the target with the uniform distribution.
    Raises IndexError for a class index out of range, RuntimeError for a target of the wrong kind, ShapeError for one of
    the wrong shape, ValueError for NaN in probabilities, TypeError for what is no Tensor.
    """
    input, target = as_tensor("cross_entropy", "input", input), as_tensor("cross_entropy", "target", target)
    if size_average is not None or reduce is not None or reduction != "mean":
        reduction = reduction_of("cross_entropy", reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"cross_entropy: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if input.array.shape == target.array.shape:
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing)
    if in_vmap(input, target):
        each = log_softmax(input, axis=0 if input.ndim == 1 else 1)
        return by_operations("cross_entropy", each, target, weight, ignore_index, reduction, label_smoothing)
    rows = Rows("cross_entropy", input, target, weight, ignore_index)
    weights, total = rows.weights(reduction), reduction != "none"
    if rows.by_class is None or not label_smoothing:
        loss = cross_entropy_rows(rows.scores, rows.classes, weights, smoothing=float(label_smoothing), total=total)
    else:
        loss = cross_entropy_rows(rows.scores, rows.classes, weights * (1 - label_smoothing))
        each = log_softmax(rows.scores, axis=1)
        each = each * rows.by_class.astype(each.dtype, copy=False)
        share = rows.weights(reduction, weighted=False)
        loss = loss - reductions.sum(each, axis=1) * share * (label_smoothing / rows.count)
    return rows.finish(loss, reduction)


def by_operations(
    operation: str, logs: Any, target: Any, weight: Any, ignore_index: int, reduction: str, label_smoothing: float = 0.0
) -> Tensor:
    """The loss of class indices whose numbers cannot be looked at, inside vmap: nothing is left out, what is ignored counts as zero."""
    axis = 0 if logs.ndim == 1 else 1
    count = logs.array.shape[axis]
    counts = target != ignore_index
    classes = where(counts, target, 0)
    weights = counts.to(logs.dtype)
    by_class = None if weight is None else class_weights(operation, weight, count).to(logs.dtype)
    own = weights if by_class is None else weights * by_class[classes]
    chosen = shape.squeeze(index.gather(logs, shape.expand_dims(classes, axis=axis), axis=axis), axis=axis)
    loss = -chosen * own * (1 - label_smoothing)
    if label_smoothing:
        each = logs if by_class is None else logs * shape.reshape(by_class, shape=(count,) + (1,) * (logs.ndim - axis - 1))
        loss = loss - reductions.sum(each, axis=axis) * weights * (label_smoothing / count)
    if reduction == "none":
        return loss
    return reductions.sum(loss) / reductions.sum(own) if reduction == "mean" else reductions.sum(loss)


def _of_probabilities(input: Tensor, target: Tensor, weight: Any, ignore_index: int, reduction: str, label_smoothing: float) -> Tensor:
    """cross_entropy where the target says how likely each class is."""
    floats("cross_entropy", input)
    if target.dtype.kind != "f":
        raise RuntimeError(
            f"cross_entropy: a target of the input's shape {tuple(input.shape)} holds the classes' probabilities, floats, but this one is "
            f"{target.dtype}; class indices have that shape without the classes"
        )
    if ignore_index >= 0:
        raise RuntimeError(f"cross_entropy: ignore_index is not supported for a floating point target, got {ignore_index}")
    axis = 0 if input.ndim <= 1 else 1
    count = input.array.shape[axis] if input.ndim else 1
    wanted = target if not label_smoothing else target * (1 - label_smoothing) + label_smoothing / count
    if weight is not None:
        by_class = class_weights("cross_entropy", weight, count)
        wanted = wanted * shape.reshape(by_class, shape=(count,) + (1,) * (input.ndim - axis - 1))
    rows = input.array.size // count if count else 0
    each = 1.0 if reduction != "mean" else 1 / rows if rows else math.nan
    loss = soft_cross_entropy_rows(in_rows(input), in_rows(wanted), weight=each, total=reduction != "none")
    if reduction == "none":
        loss = shape.reshape(loss, shape=input.array.shape[:axis] + input.array.shape[axis + 1 :])
    elif reduction == "mean" and not rows:
        loss = elementwise.mul(loss, math.nan)
    return known("cross_entropy", loss, input, target)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target], the input being log-probabilities: cross_entropy without its softmax.

    Shapes, arguments and errors as of cross_entropy with class indices.
    """
    input, target = as_tensor("nll_loss", "input", input), as_tensor("nll_loss", "target", target)
    reduction = reduction_of("nll_loss", reduction, size_average, reduce)
    if in_vmap(input, target):
        return by_operations("nll_loss", input, target, weight, ignore_index, reduction)
    rows = Rows("nll_loss", input, target, weight, ignore_index)
    chosen = shape.squeeze(index.gather(rows.scores, rows.classes[:, None], axis=1), axis=1)
    return rows.finish(chosen * -rows.weights(reduction), reduction)


def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-target · log(input) - (1 - target) · log(1 - input), each logarithm no less than -100; input holds probabilities.

    `weight` weighs the elements and may broadcast. Raises RuntimeError for an input outside of [0, 1], ShapeError where
    shapes do not fit, ValueError for NaN in the target, TypeError for what is no Tensor.
    """
    operation = "binary_cross_entropy"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    same_size(operation, "target", target, input)
    if not in_vmap(input) and input.array.size and not (input.array.min() >= 0 and input.array.max() <= 1):
        raise RuntimeError(
            f"{operation}: all elements of input should be between 0 and 1, got {input.array.min()} to {input.array.max()} in shape "
            f"{tuple(input.shape)}; scores of any size go to binary_cross_entropy_with_logits"
        )
    return _finish(operation, binary_cross_entropy_elements(input, target), input, target, weight, reduction)


def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Tensor:
    """binary_cross_entropy of sigmoid(input), without overflow.

    `weight` weighs the elements, `pos_weight` the term of the positive target; both may broadcast. Raises ShapeError where
    shapes do not fit, ValueError for NaN in the target, TypeError for what is no Tensor.
    """
    operation = "binary_cross_entropy_with_logits"
    input, target = as_tensor(operation, "input", input), as_tensor(operation, "target", target)
    reduction = reduction_of(operation, reduction, size_average, reduce)
    same_size(operation, "target", target, input)
    if weight is None and pos_weight is None and input.array.dtype.kind == target.array.dtype.kind == "f" and not in_vmap(input, target):
        return known(operation, losses.binary_cross_entropy_with_logits(input, target, reduction=reduction), input, target)
    negative = softplus(elementwise.neg(input))  # -log sigmoid(input)
    if pos_weight is not None:
        negative = (1 + (as_tensor(operation, "pos_weight", pos_weight) - 1) * target) * negative
    return _finish(operation, (1 - target) * input + negative, input, target, weight, reduction)


def _finish(operation: str, loss: Tensor, input: Tensor, target: Tensor, weight: Any, reduction: str) -> Tensor:
    """The elements' losses weighted and reduced."""
    if weight is not None:
        loss = loss * as_tensor(operation, "weight", weight)
    if loss.array.shape != input.array.shape:
        raise ShapeError(f"{operation}: weights broadcast the loss to {tuple(loss.shape)}, but the input has shape {tuple(input.shape)}")
    return known(operation, reduced(loss, reduction), input, target)
