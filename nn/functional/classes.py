"""Scores and class indices, checked and brought into rows: what the losses on class indices have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.modes import is_grad_enabled
from autograd_core.ops import elementwise, index, reduce, shape
from autograd_core.tensor import Tensor

from .arguments import as_tensor, floats


class Rows:
    """Scores (N, C) and class indices (N) out of any of PyTorch's layouts, without the ignored ones.

    `scores` (a Tensor), `classes` (an int array), `count` (the number of classes). Raises what cross_entropy raises.
    """

    def __init__(self, operation: str, input: Tensor, target: Tensor, weight: Any, ignore_index: int):
        sizes, indices = input.array.shape, target.array
        floats(operation, input)
        self.shape = sizes[:1] + sizes[2:] if len(sizes) > 1 else ()  # the target's, and that of the unreduced loss
        self.check_kind(operation, sizes, indices)
        self.count = sizes[0] if len(sizes) == 1 else sizes[1]
        self.by_class = None if weight is None else fixed(operation, class_weights(operation, weight, self.count))
        self.kept: np.ndarray[Any, Any] | None = None  # which rows count, None for all
        self.scores = in_rows(input)
        self.classes = indices if indices.ndim == 1 else indices.reshape(-1)
        if self.classes.size and not self.all_count(ignore_index):
            self.kept = self.classes != ignore_index
            self.classes = self.classes[self.kept]
            self.scores = index.getitem(self.scores, index=self.kept)
            if self.classes.size and not 0 <= self.classes.min() <= self.classes.max() < self.count:
                place = next(p for p in np.ndindex(indices.shape) if not (0 <= indices[p] < self.count or indices[p] == ignore_index))
                raise IndexError(
                    f"{operation}: target {indices[place]} at {place} is out of bounds for {self.count} classes (input {sizes}): class "
                    f"indices go from 0 to {self.count - 1}, and {ignore_index} is ignored"
                )

    def check_kind(self, operation: str, sizes: tuple[int, ...], indices: np.ndarray[Any, Any]) -> None:
        if not sizes:
            raise ShapeError(f"{operation}: the input needs a dimension of classes, but has none")
        if indices.shape != self.shape:
            raise ShapeError(
                f"{operation}: input {sizes} takes class indices of shape {self.shape}"
                f"{' or probabilities of its own' if operation == 'cross_entropy' else ''}, got a target of shape {indices.shape}"
            )
        if indices.dtype.kind not in "iu":
            raise RuntimeError(f"{operation}: class indices are integers, got a target of {indices.dtype}; convert it first: target.long()")

    def all_count(self, ignore_index: int) -> bool:
        """Whether all indices are classes, none of them the ignored one."""
        if 0 <= ignore_index < self.count:
            return False
        t = self.classes
        unsigned = t.view(np.uint64) if t.dtype == np.int64 else None  # as which negative numbers are huge: one look is enough
        return unsigned.max() < self.count if unsigned is not None else t.min() >= 0 and t.max() < self.count

    def weights(self, reduction: str, weighted: bool = True) -> np.ndarray[Any, Any]:
        """What to multiply each row's loss by before summing, one number if it is the same for all.

        The mean's denominator is the sum of the targets' weights.
        """
        n, dtype = len(self.classes), self.scores.array.dtype
        if self.by_class is None:
            return np.array([1 / n if reduction == "mean" and n else 1], dtype)
        own = self.by_class[self.classes].astype(dtype, copy=False)
        total = own.sum() if reduction == "mean" else 1
        return (own if weighted else np.ones(n, dtype)) / (total or np.nan)

    def finish(self, loss: Tensor, reduction: str) -> Tensor:
        """The loss of the rows (or their sum), already weighted, back in the target's shape; a mean of nothing is not a number."""
        if reduction != "none":
            total = loss if loss.ndim == 0 else reduce.sum(loss)
            return total if len(self.classes) or reduction == "sum" else elementwise.mul(total, np.nan)
        if self.kept is not None:
            loss = index.put(loss, index=self.kept, shape=self.kept.shape)
        return loss if loss.array.shape == self.shape else shape.reshape(loss, shape=self.shape)


def in_rows(input: Tensor) -> Tensor:
    """One score as (1, 1), (C) as (1, C), and (N, C, d1, ...) as (N · d1 · ..., C)."""
    ndim = input.ndim
    if ndim == 0:
        return shape.reshape(input, shape=(1, 1))
    if ndim == 2:
        return input
    if ndim == 1:
        return shape.expand_dims(input, axis=0)
    last = shape.transpose(input, axes=(0, *range(2, ndim), 1))
    return shape.reshape(last, shape=(-1, last.array.shape[-1]) if last.array.size else (0, last.array.shape[-1]))


def class_weights(operation: str, weight: Any, count: int) -> Tensor:
    """The classes' weights, checked."""
    weight = as_tensor(operation, "weight", weight)
    if weight.array.shape != (count,):
        raise ShapeError(f"{operation}: weight must have one entry for each of the {count} classes, got shape {tuple(weight.shape)}")
    return weight


def fixed(operation: str, weight: Tensor) -> np.ndarray[Any, Any]:
    """The numbers of weights that the loss has no derivative by. Raises RuntimeError for weights that want one."""
    if weight.requires_grad and is_grad_enabled():
        raise RuntimeError(f"{operation}: with class indices there is no gradient by the weight; give weight.detach()")
    return weight.array
