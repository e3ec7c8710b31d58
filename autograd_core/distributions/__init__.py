"""Probability distributions: sampling, log-probabilities and divergences that can be differentiated by their parameters.

from autograd_core.distributions import Normal, kl_divergence

prior = Normal(0.0, 1.0)
prior.log_prob(prior.sample((3,)))
"""

from __future__ import annotations

from . import constraints, kl
from .bernoulli import Bernoulli
from .categorical import Categorical
from .cauchy import Cauchy
from .distribution import Distribution
from .exponential import Exponential
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .kl import kl_divergence, register_kl
from .laplace import Laplace
from .log_normal import LogNormal
from .normal import Normal
from .one_hot_categorical import OneHotCategorical, OneHotCategoricalStraightThrough
from .poisson import Poisson
from .uniform import Uniform
