"""The Poisson distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..faces.sampling import poisson
from ..modes import no_grad
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, broadcast_all


class Poisson(Distribution):
    """How many events of this `rate` come in a unit of time."""

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None):
        (self.rate,) = broadcast_all("Poisson", rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return value.xlogy(self.rate) - self.rate - (value + 1).lgamma()
