"""Bessel and Airy functions of whole order: values from SciPy, derivatives from neighbouring orders, which hold at 0 too.

Source of the rules: https://dlmf.nist.gov/10.6, 10.29 and 9.2.
"""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .elementwise import sign
from .special import kernel, scipy_special


def of_order(order, x, zero, one, any_order):
    """SciPy's function of this order: 0 and 1 have their own, which are faster."""
    special = scipy_special(any_order)
    own = {0: zero, 1: one}.get(order)
    return getattr(special, own)(x) if own else getattr(special, any_order)(order, x)


def vanishing(values, x):
    """0 at ±∞, where SciPy's functions of orders above 1 give NaN."""
    return np.where(np.isinf(x), 0, values)


@primitive(lambda g, x, n: g * (-bessel_j(x, n=1) if n == 0 else (bessel_j(x, n=n - 1) - bessel_j(x, n=n + 1)) / 2), promotes="float")
@kernel
def bessel_j(x, *, n):
    """Jₙ(x), of the first kind."""
    return of_order(n, x, "j0", "j1", "jn")


@primitive(lambda g, x, n: g * (-bessel_y(x, n=1) if n == 0 else (bessel_y(x, n=n - 1) - bessel_y(x, n=n + 1)) / 2), promotes="float")
@kernel
def bessel_y(x, *, n):
    """Yₙ(x), of the second kind: -∞ at 0, NaN below."""
    return of_order(n, x, "y0", "y1", "yn")


@primitive(lambda g, x, n: g * (bessel_i(x, n=1) if n == 0 else (bessel_i(x, n=n - 1) + bessel_i(x, n=n + 1)) / 2), promotes="float")
@kernel
def bessel_i(x, *, n):
    """Iₙ(x), modified, of the first kind."""
    return of_order(n, x, "i0", "i1", "iv")


@primitive(
    lambda g, x, n, out: g * ((bessel_ie(x, n=1) if n == 0 else (bessel_ie(x, n=n - 1) + bessel_ie(x, n=n + 1)) / 2) - sign(x) * out),
    promotes="float",
)
@kernel
def bessel_ie(x, *, n):
    """e^(-|x|) Iₙ(x)."""
    return vanishing(of_order(n, x, "i0e", "i1e", "ive"), x)


@primitive(lambda g, x, n: -g * (bessel_k(x, n=1) if n == 0 else (bessel_k(x, n=n - 1) + bessel_k(x, n=n + 1)) / 2), promotes="float")
@kernel
def bessel_k(x, *, n):
    """Kₙ(x), modified, of the second kind: ∞ at 0, NaN below."""
    return of_order(n, x, "k0", "k1", "kn")


@primitive(
    lambda g, x, n, out: g * (out - (bessel_ke(x, n=1) if n == 0 else (bessel_ke(x, n=n - 1) + bessel_ke(x, n=n + 1)) / 2)),
    promotes="float",
)
@kernel
def bessel_ke(x, *, n):
    """eˣ Kₙ(x)."""
    return of_order(n, x, "k0e", "k1e", "kve")


@primitive(lambda g, x: g * airy_ai_slope(x), promotes="float")
@kernel
def airy_ai(x):
    """Airy's function Ai(x), which solves y'' = x y."""
    return np.asarray(scipy_special("airy_ai").airy(x)[0])


@primitive(lambda g, x: g * x * airy_ai(x), promotes="float", meaning="the derivative of airy_ai")
@kernel
def airy_ai_slope(x):
    """The derivative of Ai(x)."""
    return np.asarray(scipy_special("airy_ai").airy(x)[1])
