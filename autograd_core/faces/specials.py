"""PyTorch's special functions, where they stand in the package itself; all of them are in `autograd_core.special`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import get_default_dtype
from ..ops import bessel, limits
from ..ops import gamma as gammas
from ..ops.gamma import digamma, igamma, igammac, lgamma  # noqa: F401 - named below
from ..ops.limits import sinc, xlogy  # noqa: F401
from ..ops.special import erf, erfc, erfinv  # noqa: F401
from ..tensor import Tensor, constant
from .arguments import need_tensor
from .shapes import unsqueeze
from .types import to

METHODS = "erf erfc erfinv lgamma digamma polygamma mvlgamma igamma igammac logit sinc xlogy i0"
IN_PLACE = METHODS


def logit(input: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)); with `eps`, of x brought to between eps and 1 - eps; without, NaN outside 0 ≤ x ≤ 1."""
    return limits.logit(input, eps=None if eps is None or eps < 0 else eps)


def polygamma(n: int, input: Any) -> Any:
    """The n-th derivative of digamma. As a method, `x.polygamma(n)`. Raises RuntimeError for negative n."""
    if isinstance(n, Tensor):  # the method
        n, input = input, n
    whole_number("polygamma", "n", n, 0)
    return gammas.polygamma(input, n=n) if n else digamma(input)


def mvlgamma(input: Any, p: int) -> Tensor:
    """The logarithm of the gamma function of p dimensions, p (p - 1) / 4 · log π + Σ log Γ(x - j / 2) over j < p.

    Raises RuntimeError for p < 1 and for a boolean tensor. Source: https://dlmf.nist.gov/35.3.
    """
    whole_number("mvlgamma", "p", p, 1)
    x = need_tensor("mvlgamma", input)
    if x.dtype.kind == "b":
        raise RuntimeError("mvlgamma: the input must not be a boolean tensor")
    if x.dtype.kind in "iu":
        x = to(x, get_default_dtype())
    halves = constant(np.arange(p).astype(x.dtype) / 2)
    return lgamma(unsqueeze(x, -1) - halves).sum(-1) + p * (p - 1) / 4 * math.log(math.pi)


def whole_number(name: str, argument: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: {argument} must be an integer, got {value!r:.40}")
    if value < least:
        raise RuntimeError(f"{name}: {argument} must be at least {least}, got {value}")


def i0(input: Any) -> Any:
    """The modified Bessel function of the first kind, of order 0. Needs SciPy."""
    return bessel.bessel_i(input, n=0)
