"""The Kullback–Leibler divergence: how much is lost when q stands for p, in nats.

Each pair of families has its own closed form, in the table that `register_kl` fills; where families have several that fit, the
nearest class of p decides, then that of q.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..creation import full
from ..faces.pointwise import where
from ..ops.activation import softplus
from ..tensor import Tensor
from .bernoulli import Bernoulli
from .categorical import Categorical, Classes
from .cauchy import Cauchy
from .distribution import Distribution, sum_rightmost
from .exponential import Exponential
from .geometric import Geometric
from .gumbel import EULER, Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .log_normal import LogNormal
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .poisson import Poisson
from .uniform import Uniform

FORMULAS: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """E_p[log p(x) - log q(x)], of the shape that both batches broadcast to.

    Raises NotImplementedError for pairs of families without a formula.
    """
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (kind_p, kind_q) in FORMULAS:
                return FORMULAS[kind_p, kind_q](p, q)
    raise NotImplementedError(f"kl_divergence: there is no formula for {type(p).__name__} and {type(q).__name__}; see register_kl")


def register_kl(type_p: type, type_q: type) -> Callable[[Callable[[Any, Any], Tensor]], Callable[[Any, Any], Tensor]]:
    """Decorate a function of (p, q) as the divergence of these families. Raises TypeError unless both are Distributions."""
    for kind in (type_p, type_q):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"register_kl: families are subclasses of Distribution, got {kind!r}")

    def register(formula: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
        FORMULAS[type_p, type_q] = formula
        return formula

    return register


# ---------------------------------------------------------------------- of one family


@register_kl(Bernoulli, Bernoulli)
def _(p: Bernoulli, q: Bernoulli) -> Tensor:
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return of_certain(yes, p.probs == 0, q.probs == 0) + of_certain(no, p.probs == 1, q.probs == 1)


def of_certain(part: Tensor, never_in_p: Tensor, never_in_q: Tensor) -> Tensor:
    """A part of the sum, 0 where p never has the value and else infinite where q never has it."""
    return where(never_in_p, 0.0, where(never_in_q, math.inf, part))


@register_kl(Categorical, Categorical)
@register_kl(OneHotCategorical, OneHotCategorical)
def _(p: Classes, q: Classes) -> Tensor:
    return of_certain(p.probs * (p.logits - q.logits), p.probs == 0, q.probs == 0).sum(-1)


@register_kl(Cauchy, Cauchy)
def _(p: Cauchy, q: Cauchy) -> Tensor:
    return ((p.scale + q.scale).square() + (p.loc - q.loc).square()).log() - (4 * p.scale * q.scale).log()


@register_kl(Exponential, Exponential)
def _(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - ratio.log() - 1


@register_kl(Geometric, Geometric)
def _(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, shift = p.scale / q.scale, (q.loc - p.loc) / q.scale
    return -ratio.log() - shift + ratio * EULER + (shift + (1 + ratio).lgamma()).exp() - (1 + EULER)


@register_kl(HalfNormal, HalfNormal)
@register_kl(LogNormal, LogNormal)
def _(p: Any, q: Any) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: there is no formula for Independents of different reinterpreted_batch_ndims")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(Laplace, Laplace)
def _(p: Laplace, q: Laplace) -> Tensor:
    ratio, far = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + far / q.scale + ratio * (-far / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log())


@register_kl(Poisson, Poisson)
def _(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _(p: Uniform, q: Uniform) -> Tensor:
    return where((q.low > p.low) | (q.high < p.high), math.inf, ((q.high - q.low) / (p.high - p.low)).log())


# ---------------------------------------------------------------------- of two families


@register_kl(Bernoulli, Poisson)
def _(p: Bernoulli, q: Poisson) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Exponential, Gumbel)
def _(p: Exponential, q: Gumbel) -> Tensor:
    each = p.rate * q.scale
    return each.log() - 1 + (q.loc / q.scale).exp() * each / (each + 1) - q.loc / q.scale + each.reciprocal()


@register_kl(Exponential, Normal)
def _(p: Exponential, q: Normal) -> Tensor:
    apart = (p.mean - q.loc).square() + p.variance  # E_p (x - q.loc)²
    return (p.rate * q.scale * math.sqrt(2 * math.pi)).log() - 1 + apart / (2 * q.scale.square())


@register_kl(Gumbel, Normal)
def _(p: Gumbel, q: Normal) -> Tensor:
    ratio = p.scale / q.scale
    shift = (p.loc + p.scale * EULER - q.loc) / q.scale
    return -(ratio / math.sqrt(2 * math.pi)).log() + (math.pi * ratio * 0.5).square() / 3 + 0.5 * shift.square() - (EULER + 1)


@register_kl(Laplace, Normal)
def _(p: Laplace, q: Normal) -> Tensor:
    spread = q.scale.square()
    ratio = p.scale.square() / spread
    return (
        ratio
        - 0.5 * (2 * ratio / math.pi).log()
        + 0.5 * p.loc.square() / spread
        - p.loc * q.loc / spread
        + 0.5 * q.loc.square() / spread
        - 1
    )


@register_kl(Normal, Gumbel)
def _(p: Normal, q: Gumbel) -> Tensor:
    shift, spread = (p.loc - q.loc) / q.scale, (p.scale / q.scale).square()
    return shift + (-shift + 0.5 * spread).exp() - 0.5 * spread.log() - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _(p: Normal, q: Laplace) -> Tensor:
    shift = (p.loc - q.loc) / p.scale
    inside = math.sqrt(2 / math.pi) * (-0.5 * shift.square()).exp() + shift * (math.sqrt(0.5) * shift).erf()
    return -(p.scale / q.scale).log() + p.scale / q.scale * inside + math.log(2) - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Uniform, Exponential)
def _(p: Uniform, q: Exponential) -> Tensor:
    return where(p.low < 0, math.inf, q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log())


@register_kl(Uniform, Gumbel)
def _(p: Uniform, q: Gumbel) -> Tensor:
    each = q.scale / (p.high - p.low)
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return each.log() + 0.5 * (high + low) - each * ((-high).exp() - (-low).exp())


@register_kl(Uniform, Normal)
def _(p: Uniform, q: Normal) -> Tensor:
    width, middle = p.high - p.low, (p.high + p.low) / 2
    return (math.sqrt(2 * math.pi) * q.scale / width).log() + (width.square() / 12 + (middle - q.loc).square()) / (2 * q.scale.square())


def _infinite(p: Distribution, q: Distribution) -> Tensor:
    """p has values that q never has."""
    return full(np.broadcast_shapes(tuple(p.batch_shape), tuple(q.batch_shape)), math.inf, dtype=p.mean.dtype)


for _p, _q in (
    (Exponential, Uniform),
    (Gumbel, Exponential),
    (Gumbel, Uniform),
    (Laplace, Exponential),
    (Laplace, Uniform),
    (Normal, Exponential),
    (Normal, Uniform),
    (Poisson, Bernoulli),
):
    register_kl(_p, _q)(_infinite)
