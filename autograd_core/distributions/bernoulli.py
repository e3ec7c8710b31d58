"""The Bernoulli distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..creation import full_like
from ..faces.pointwise import where
from ..faces.sampling import bernoulli
from ..modes import no_grad
from ..sequences import arange
from ..tensor import Tensor
from . import constraints
from .distribution import Trials, cross_entropy


class Bernoulli(Trials):
    """1 with probability `probs` (or of log-odds `logits`), else 0."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The likelier value; NaN where both are."""
        return where(self.probs == 0.5, full_like(self.probs, math.nan), (self.probs >= 0.5).to(self.probs.dtype))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return -cross_entropy(self.logits, value)

    def entropy(self) -> Tensor:
        return cross_entropy(self.logits, self.probs)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(2, dtype=self._param.dtype).reshape((2,) + (1,) * len(self.batch_shape))
        return values.expand((2, *self.batch_shape)) if expand else values
