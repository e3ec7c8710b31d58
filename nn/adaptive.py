"""A softmax over very many classes that is cheap, because rare classes stand in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops import elementwise, index, reduce, shape
from autograd_core.tensor import Tensor, constant

from . import functional as F
from .containers import ModuleList, Sequential
from .linear import Linear
from .module import Module


class Losses(NamedTuple):
    """What AdaptiveLogSoftmaxWithLoss returns: each target's log-probability, and the mean of their negatives."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """The log-probabilities of targets (N) among n_classes, from inputs (N, in_features), without computing those of all classes.

    Classes are numbered from frequent to rare. Those below cutoffs[0] stand in `head`, beside one entry for each cluster of the
    others; cluster i of `tail` holds those up to the next cutoff, behind a projection to in_features / div_value^(i + 1) features.
    Raises ValueError for cutoffs that do not increase within 1 to n_classes - 1, RuntimeError for targets out of range,
    ShapeError (also a RuntimeError) where shapes do not fit. Source: Grave et al., arXiv:1609.04309.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        cutoffs = list(cutoffs)
        increases = all(isinstance(c, int | np.integer) for c in cutoffs) and all(
            a < b for a, b in zip([0, *cutoffs], [*cutoffs, n_classes])
        )
        if not cutoffs or not increases:
            raise ValueError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers sorted in an increasing order, "
                f"where each value is between 1 and n_classes-1, got {cutoffs} for {n_classes} classes"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, device=device, dtype=dtype)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            layers = (
                Linear(in_features, width, bias=False, device=device, dtype=dtype),
                Linear(width, classes, bias=False, device=device, dtype=dtype),
            )
            self.tail.append(Sequential(*layers))

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        for layer in self.modules():
            if isinstance(layer, Linear):
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> Losses:
        single = target_.ndim == 0
        self._check(input_, target_)
        input = shape.expand_dims(input_, axis=0) if single else input_
        target = target_.array.reshape(-1)
        entry = np.searchsorted(self.cutoffs, target, side="right")  # 0 for the head, else the number of the cluster
        in_head = np.where(entry == 0, target, self.shortlist_size + entry - 1)
        output = chosen(F.log_softmax(self.head(input), 1), in_head)
        for i in range(self.n_clusters):
            (rows,) = np.nonzero(entry == i + 1)
            if rows.size:
                logs = F.log_softmax(self.tail[i](index.index_select(input, rows, axis=0)), 1)
                output = output + index.put(chosen(logs, target[rows] - self.cutoffs[i]), index=(rows,), shape=target.shape)
        loss = elementwise.neg(reduce.mean(output))
        return Losses(shape.squeeze(output, axis=0) if single else output, loss)

    def _check(self, input: Tensor, target: Tensor) -> None:
        name = "AdaptiveLogSoftmaxWithLoss"
        if target.ndim > 1:
            raise ShapeError(f"{name}: 0D or 1D target tensor expected, multi-target not supported, got {tuple(target.shape)}")
        if input.ndim != target.ndim + 1 or input.shape[:-1] != target.shape:
            raise ShapeError(
                f"{name}: input and target should have the same size in the batch dimension, got {tuple(input.shape)} and "
                f"{tuple(target.shape)}"
            )
        if input.shape[-1] != self.in_features:
            raise ShapeError(f"{name}: the input has {input.shape[-1]} features, in_features is {self.in_features}")
        indices = target.array
        if indices.dtype.kind not in "iu":
            raise RuntimeError(f"{name}: class indices are integers, got a target of {indices.dtype}; convert it first: target.long()")
        if indices.size and not 0 <= indices.min() <= indices.max() < self.n_classes:
            raise RuntimeError(
                f"{name}: target values should be in [0, {self.n_classes - 1}], but values in range [{indices.min()}, {indices.max()}] "
                "were found"
            )

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: (N, in_features) to (N, n_classes)."""
        return self._all(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The likeliest class of each row: (N, in_features) to (N). Clusters are looked into only where they are likeliest."""
        head = self.head(input)
        best = np.argmax(head.array, axis=1)
        (rows,) = np.nonzero(best >= self.shortlist_size)
        if rows.size:
            some = index.index_select(input, rows, axis=0)
            best[rows] = np.argmax(self._all(some, index.index_select(head, rows, axis=0)).array, axis=1)
        return constant(best)

    def _all(self, input: Tensor, head: Tensor) -> Tensor:
        logs = F.log_softmax(head, 1)
        parts = [shape.crop(logs, axis=1, start=0, length=self.shortlist_size)]
        for i in range(self.n_clusters):
            cluster = shape.crop(logs, axis=1, start=self.shortlist_size + i, length=1)
            parts.append(F.log_softmax(self.tail[i](input), 1) + cluster)
        return shape.concat(*parts, axis=1)


def chosen(logs: Tensor, classes: np.ndarray[Any, Any]) -> Tensor:
    """The entry of each row (N, C) that its class names: (N)."""
    return shape.squeeze(index.gather(logs, classes[:, None], axis=1), axis=1)
