"""The categorical distribution, over indices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..creation import full
from ..faces.sampling import multinomial
from ..modes import no_grad
from ..sequences import arange
from ..size import Size
from ..tensor import Tensor
from . import constraints
from .distribution import OfProbabilities, clamp_probs, lazy, one_of


class Classes(OfProbabilities):
    """Families over K classes: `probs` (..., K), nonnegative weights that are normalised, or `logits` (..., K), their logarithms."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    over_vectors = False  # is a value a one-hot vector, rather than an index?

    def __init__(self, probs: Tensor | None = None, logits: Tensor | None = None, validate_args: bool | None = None):
        name = type(self).__name__
        one_of(name, probs, logits)
        given: Any = probs if probs is not None else logits
        if given.ndim < 1:
            raise ValueError(f"{name}: {'probs' if logits is None else 'logits'} needs a dimension of classes, got a 0-d tensor")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = given - given.logsumexp(-1, keepdim=True)
        super().__init__(given.shape[:-1], given.shape[-1:] if self.over_vectors else (), validate_args)

    @lazy
    def logits(self) -> Tensor:
        return clamp_probs(self.probs).log()

    @lazy
    def probs(self) -> Tensor:
        return self.logits.softmax(-1)

    @property
    def _num_events(self) -> int:
        return self.param_shape[-1]

    def _indices(self, sample_shape: Sequence[int]) -> Tensor:
        """A sample of indices: (*sample_shape, *batch_shape)."""
        with no_grad():
            drawn = multinomial(self.probs.reshape(-1, self._num_events), Size(sample_shape).numel(), True)
            return drawn.T.reshape((*sample_shape, *self.batch_shape))

    def _log_prob_of(self, index: Tensor) -> Tensor:
        shape = np.broadcast_shapes(tuple(index.shape), tuple(self.batch_shape))
        logits = self.logits.expand((*shape, self._num_events))
        return logits.gather(-1, index.long().expand(shape).unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=float(np.finfo(self.logits.dtype).min))
        return -(logits * self.probs).sum(-1)


class Categorical(Classes):
    """An index from 0 to K - 1, of `probs` (..., K) or `logits` (..., K); the last dimension is normalised."""

    @property
    def support(self) -> Any:  # type: ignore[override]
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        """NaN: indices have no mean."""
        return full(self.batch_shape, math.nan, dtype=self.probs.dtype)

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    @property
    def variance(self) -> Tensor:
        """NaN: indices have no variance."""
        return self.mean

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self._indices(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._log_prob_of(value)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(self._num_events).reshape((-1,) + (1,) * len(self.batch_shape))
        return values.expand((-1, *self.batch_shape)) if expand else values
