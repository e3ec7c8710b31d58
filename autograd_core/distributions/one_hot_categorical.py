"""The categorical distribution, over one-hot vectors."""

from __future__ import annotations

from collections.abc import Sequence

from ..sequences import arange, eye
from ..tensor import Tensor
from . import constraints
from .categorical import Classes


class OneHotCategorical(Classes):
    """A vector of K numbers, one of them 1 and the others 0; parameters as of Categorical."""

    support = constraints.one_hot
    over_vectors = True

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return self._one_hot(self.probs.argmax(-1))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def _one_hot(self, index: Tensor) -> Tensor:
        return (index.unsqueeze(-1) == arange(self._num_events)).to(self.probs.dtype)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self._one_hot(self._indices(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._log_prob_of(value.argmax(-1))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self._num_events
        values = eye(n, dtype=self._param.dtype).reshape((n, *(1,) * len(self.batch_shape), n))
        return values.expand((n, *self.batch_shape, n)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """OneHotCategorical whose samples have the gradient of `probs`. Source: Bengio et al., arXiv:1308.3432."""

    has_rsample = True

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
