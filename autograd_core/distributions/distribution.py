"""What every distribution has: shapes, checks of parameters and values, sampling, expansion."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..creation import tensor
from ..dtypes import get_default_dtype
from ..errors import ShapeError
from ..modes import enable_grad, no_grad
from ..ops.activation import softplus
from ..size import Size
from ..tensor import Tensor


class Distribution:
    """A batch of probability distributions of one family: `batch_shape` of them, each over events of shape `event_shape`.

    A family names its parameters and what they must be in `arg_constraints`, keeps them as attributes of that name broadcast
    to the batch, and says in `support` where its values lie. With `validate_args` (the default) others raise ValueError.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: Any = {}
    support: Any = None
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked where a distribution does not say. Raises ValueError unless True or False."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: must be True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape: Sequence[int] = (), event_shape: Sequence[int] = (), validate_args: bool | None = None):
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            if name not in self.__dict__:  # computed from the others when first asked for
                continue
            value = self.__dict__[name]
            if not bool(constraint.check(value).all()):
                raise ValueError(
                    f"{type(self).__name__}: the parameter {name}, of shape {tuple(value.shape)}, must satisfy {constraint}, got {value}"
                )

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        """The same distributions broadcast to another batch shape; parameters are views. Raises ShapeError where they do not fit."""
        new = object.__new__(type(self)) if _instance is None else _instance
        for name, constraint in self.arg_constraints.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                new.__dict__[name] = value.expand((*batch_shape, *value.shape[value.ndim - constraint.event_dim :]))
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    # ------------------------------------------------------------------ what a family defines

    @property
    def mean(self) -> Tensor:
        raise self._lacks("mean")

    @property
    def mode(self) -> Tensor:
        raise self._lacks("mode")

    @property
    def variance(self) -> Tensor:
        raise self._lacks("variance")

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw a sample as a function of the parameters, through which gradients flow: (*sample_shape, *batch_shape, *event_shape)."""
        raise self._lacks("rsample")

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability of a discrete value."""
        raise self._lacks("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a value no greater than this."""
        raise self._lacks("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The value that is not exceeded with this probability."""
        raise self._lacks("icdf")

    def entropy(self) -> Tensor:
        """-E[log_prob], in nats: of shape batch_shape."""
        raise self._lacks("entropy")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first dimension; broadcast to the batch unless `expand` is False."""
        raise self._lacks("enumerate_support")

    def _lacks(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__}: has no {what}")

    # ------------------------------------------------------------------ what follows

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw a sample, (*sample_shape, *batch_shape, *event_shape), outside of the graph."""
        with no_grad():
            return self.rsample(sample_shape)

    def sample_n(self, n: int) -> Tensor:
        """As `sample((n,))`. Deprecated (FutureWarning), as in PyTorch."""
        warnings.warn("sample_n(n) is deprecated; use sample((n,))", FutureWarning, stacklevel=2)
        return self.sample((n,))

    def perplexity(self) -> Tensor:
        """e to the power of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Sequence[int] = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """Raise ValueError for a value that does not fit the shapes, or lies outside of the support."""
        if not self._validate_args:
            return
        name = type(self).__name__
        if not isinstance(value, Tensor):
            raise ValueError(f"{name}: the value must be a Tensor, got a {type(value).__name__}")
        events = len(self._event_shape)
        if tuple(value.shape[value.ndim - events :]) != tuple(self._event_shape):
            raise ValueError(f"{name}: a value of shape {tuple(value.shape)} does not end in the event_shape {tuple(self._event_shape)}")
        try:
            np.broadcast_shapes(tuple(value.shape), tuple(self._extended_shape()))
        except ValueError:
            raise ValueError(f"{name}: shape {tuple(value.shape)} does not broadcast with {tuple(self._extended_shape())}") from None
        if not bool(self.support.check(value).all()):
            raise ValueError(f"{name}: the value, of shape {tuple(value.shape)}, must be in the support {self.support}, got {value}")

    def __repr__(self) -> str:
        own = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        told = (
            f"{name}: {value.item() if not value.ndim else value if value.numel() == 1 else value.shape}" for name, value in own.items()
        )
        return f"{type(self).__name__}({', '.join(told)})"


def broadcast_all(name: str, *values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; numbers take the dtype of the first tensor, else the default float.

    Raises ValueError for anything else, ShapeError for shapes that do not broadcast.
    """
    dtype = next((v.dtype for v in values if isinstance(v, Tensor)), get_default_dtype())
    for v in values:
        if not isinstance(v, Tensor | bool | int | float | np.floating | np.integer):
            raise ValueError(f"{name}: parameters are numbers and Tensors, got a {type(v).__name__}")
    tensors = [v if isinstance(v, Tensor) else tensor(v, dtype=dtype) for v in values]
    try:
        shape = np.broadcast_shapes(*(tuple(t.shape) for t in tensors))
    except ValueError:
        raise ShapeError(f"{name}: shapes {', '.join(str(tuple(t.shape)) for t in tensors)} do not broadcast") from None
    return tuple(t.expand(shape) for t in tensors)


def sum_rightmost(value: Tensor, dims: int) -> Tensor:
    """The sum over the last dimensions."""
    return value.sum(tuple(range(-dims, 0))) if dims else value


class lazy:
    """An attribute that is computed when first asked for, and recorded even inside `no_grad`."""

    def __init__(self, compute: Callable[[Any], Tensor]):
        self.compute = compute
        self.name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = instance.__dict__[self.name] = self.compute(instance)
        return value


def one_of(name: str, probs: Any, logits: Any) -> None:
    """Raise ValueError unless exactly one of the two is given."""
    if (probs is None) == (logits is None):
        raise ValueError(f"{name}: give probs or logits, one of them")


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept so far from 0 and 1 that their logarithms are finite."""
    eps = float(np.finfo(probs.dtype).eps)
    return probs.clamp(eps, 1 - eps)


class OfProbabilities(Distribution):
    """Families that are given `probs` or `logits`."""

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"]

    @property
    def param_shape(self) -> Size:
        return self._param.shape


class Trials(OfProbabilities):
    """Families of yes or no: `probs`, the probability of yes, or `logits`, log(probs / (1 - probs)); the other is computed when needed."""

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None):
        name = type(self).__name__
        one_of(name, probs, logits)
        if probs is not None:
            (self.probs,) = broadcast_all(name, probs)
        else:
            (self.logits,) = broadcast_all(name, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    @lazy
    def logits(self) -> Tensor:
        probs = clamp_probs(self.probs)
        return probs.log() - (-probs).log1p()

    @lazy
    def probs(self) -> Tensor:
        return self.logits.sigmoid()


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-target · log σ(logits) - (1 - target) · log(1 - σ(logits)), without overflow."""
    return (1 - target) * logits + softplus(-logits)
