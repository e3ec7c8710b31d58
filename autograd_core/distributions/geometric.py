"""The geometric distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..creation import zeros_like
from ..faces.pointwise import where
from ..random import stream
from ..tensor import Tensor, constant
from . import constraints
from .distribution import Trials, cross_entropy


class Geometric(Trials):
    """How many trials of success probability `probs` (or of log-odds `logits`) fail before the first that does not: 0, 1, 2, ..."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        super().__init__(probs, logits, validate_args)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            raise ValueError(f"Geometric: probs must be positive, got {self.probs}")

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        probs = self.probs.detach().array
        with np.errstate(divide="ignore"):  # where success is certain
            waits = stream(None).standard_exponential(self._extended_shape(sample_shape)) / -np.log1p(-probs.astype(np.float64))
        return constant(np.asarray(np.floor(waits), probs.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        certain = (self.probs == 1) & (value == 0)
        failing = where(certain, 0.0, self.probs)
        return value * (-failing).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return cross_entropy(self.logits, self.probs) / self.probs
