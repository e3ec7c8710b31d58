"""Special functions, as torch.special. The Bessel, Airy and incomplete gamma functions need SciPy (the `science` extra)."""

from __future__ import annotations

from typing import Any

from .faces.elementwise import exp2, expm1, log1p
from .faces.pointwise import round
from .faces.reductions import log_softmax, logsumexp, softmax
from .faces.specials import i0, logit, mvlgamma, polygamma
from .ops import bessel, limits
from .ops.activation import sigmoid as expit
from .ops.bessel import airy_ai
from .ops.gamma import digamma, igamma, igammac, lgamma, zeta
from .ops.limits import entr, sinc, xlog1py, xlogy
from .ops.special import erf, erfc, erfcx, erfinv, log_ndtr, ndtr, ndtri

# fmt: off
__all__ = [
    "erf", "erfc", "erfcx", "erfinv", "ndtr", "log_ndtr", "ndtri", "gammaln", "digamma", "psi", "polygamma", "multigammaln",
    "gammainc", "gammaincc", "zeta", "entr", "expit", "logit", "sinc", "xlogy", "xlog1py", "exp2", "expm1", "log1p", "round",
    "softmax", "log_softmax", "logsumexp", "i0", "i0e", "i1", "i1e", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1",
    "spherical_bessel_j0", "airy_ai", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
]
# fmt: on

gammaln, psi, multigammaln, gammainc, gammaincc = lgamma, digamma, mvlgamma, igamma, igammac


def i0e(input: Any) -> Any:
    """e^(-|x|) I₀(x)."""
    return bessel.bessel_ie(input, n=0)


def i1(input: Any) -> Any:
    """The modified Bessel function of the first kind, of order 1."""
    return bessel.bessel_i(input, n=1)


def i1e(input: Any) -> Any:
    """e^(-|x|) I₁(x)."""
    return bessel.bessel_ie(input, n=1)


modified_bessel_i0, modified_bessel_i1 = i0, i1


def spherical_bessel_j0(input: Any) -> Any:
    """sin x / x, the spherical Bessel function of the first kind, of order 0."""
    return limits.spherical_bessel_j0(input)


def bessel_j0(input: Any) -> Any:
    """The Bessel function of the first kind, of order 0."""
    return bessel.bessel_j(input, n=0)


def bessel_j1(input: Any) -> Any:
    """The Bessel function of the first kind, of order 1."""
    return bessel.bessel_j(input, n=1)


def bessel_y0(input: Any) -> Any:
    """The Bessel function of the second kind, of order 0: -∞ at 0, NaN below."""
    return bessel.bessel_y(input, n=0)


def bessel_y1(input: Any) -> Any:
    """The Bessel function of the second kind, of order 1: -∞ at 0, NaN below."""
    return bessel.bessel_y(input, n=1)


def modified_bessel_k0(input: Any) -> Any:
    """The modified Bessel function of the second kind, of order 0: ∞ at 0, NaN below."""
    return bessel.bessel_k(input, n=0)


def modified_bessel_k1(input: Any) -> Any:
    """The modified Bessel function of the second kind, of order 1: ∞ at 0, NaN below."""
    return bessel.bessel_k(input, n=1)


def scaled_modified_bessel_k0(input: Any) -> Any:
    """eˣ K₀(x)."""
    return bessel.bessel_ke(input, n=0)


def scaled_modified_bessel_k1(input: Any) -> Any:
    """eˣ K₁(x)."""
    return bessel.bessel_ke(input, n=1)
