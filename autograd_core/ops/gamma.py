"""The gamma function's logarithm and its derivatives of all orders, in NumPy."""

from __future__ import annotations

import math

import numpy as np

from ..primitive import primitive
from .elementwise import exp
from .limits import cospi, sinpi, xlogy
from .special import chosen, horner, kernel, scipy_special


@primitive(lambda g, x: g * digamma(x), promotes="float")
@kernel
def lgamma(x):
    """log |Γ(x)|; ∞ at 0, at the negative integers and at ±∞."""
    return chosen(x >= 1, lambda x: lgamma_1p(x - 1), lambda x: chosen(x < 0, lgamma_below_0, lambda x: lgamma_1p(x) - np.log(x), x), x)


@primitive(lambda g, x: g * polygamma(x, n=1), promotes="float")
@kernel
def digamma(x):
    """The derivative of log Γ(x); ∓∞ at ±0, NaN at the negative integers, where its sign depends on the side."""
    return chosen(x >= 1, lambda x: digamma_1p(x - 1), lambda x: chosen(x < 0, digamma_below_0, lambda x: digamma_1p(x) - 1 / x, x), x)


@primitive(lambda g, x, n: g * polygamma(x, n=n + 1), promotes="float")
@kernel
def polygamma(x, *, n):
    """The n-th derivative of digamma, n > 0: (-1)^(n + 1) n! ζ(n + 1, x)."""
    return hurwitz(n + 1, x) * ((-1) ** (n + 1) * (float(math.factorial(n)) if n <= 170 else math.inf))


def without_derivative(name, argument):
    """A rule that raises: a gradient of zero would be wrong."""

    def rule(g):
        raise RuntimeError(f"{name}: there is no derivative by the first argument, {argument}; detach() it")

    return rule


@primitive(without_derivative("zeta", "s"), lambda g, s, q: g * (-s * zeta(s + 1, q)), promotes="float")
@kernel
def zeta(s, q):
    """Hurwitz's zeta function, Σ (q + k)^(-s) over k ≥ 0: ∞ at s = 1 and the poles q = 0, -1, …, NaN where undefined."""
    out = hurwitz(s, q)
    undefined = (s < 1) | ((q < 0) & (q != np.floor(q)) & (s != np.floor(s)))
    return np.where(undefined, np.nan, np.where(s == 1, np.inf, out))


@primitive(without_derivative("igamma", "a"), lambda g, a, x: g * exp(xlogy(a - 1, x) - x - lgamma(a)), promotes="float")
@kernel
def igamma(a, x):
    """The regularized lower incomplete gamma function, ∫₀ˣ t^(a - 1) e^(-t) dt / Γ(a), of SciPy."""
    return scipy_special("igamma").gammainc(a, x)


@primitive(without_derivative("igammac", "a"), lambda g, a, x: -g * exp(xlogy(a - 1, x) - x - lgamma(a)), promotes="float")
@kernel
def igammac(a, x):
    """The regularized upper incomplete gamma function, 1 - igamma(a, x) without cancellation, of SciPy."""
    return scipy_special("igammac").gammaincc(a, x)


# ---------------------------------------------------------------------- for negative numbers, by reflection


def lgamma_below_0(x):
    """log |Γ(x)| = log(π / |sin πx|) - log Γ(1 - x)."""
    sine = np.abs(sinpi(np.maximum(x, -(2.0**53))))  # all numbers below are whole
    return np.where(sine == 0, np.inf, np.log(math.pi / np.where(sine == 0, 1, sine)) - lgamma_1p(-x))


def digamma_below_0(x):
    """ψ(x) = ψ(1 - x) - π cot πx."""
    return digamma_1p(-x) - math.pi * cotangent(x)


def cotangent(x):
    """cot πx; NaN at the integers."""
    x = np.maximum(x, -(2.0**53))  # all numbers below are whole
    sine = sinpi(x)
    return cospi(x) / np.where(sine == 0, np.nan, sine)


# ---------------------------------------------------------------------- at 1 + a, a ≥ 0, which is exact near 1 and 2


def lgamma_1p(a):
    """log Γ(1 + a)."""
    return chosen(a >= 7, lgamma_far, lgamma_near, a)


def lgamma_near(a):
    """By the recurrence Γ(1 + a) = a Γ(a) from the interval between the zeros at a = 0 and 1."""
    product = np.maximum(a, 1)
    for j in range(1, 6):
        product *= np.maximum(a - j, 1)
    z = a - np.floor(a)
    return z * (z - 1) * horner(_LGAMMA, z - 0.5) + np.log(product)


def lgamma_far(a):
    """Stirling's series."""
    r = 1 / a
    series = horner([BERNOULLI[k] / ((2 * k + 2) * (2 * k + 1)) for k in range(9)], r * r) * r
    log_a = np.log(a)
    return a * (log_a - 1) + (0.5 * log_a + (0.5 * math.log(2 * math.pi) + series))


def digamma_1p(a):
    """ψ(1 + a)."""
    return chosen(a >= 7, digamma_far, digamma_near, a)


def digamma_near(a):
    """By the recurrence ψ(1 + a) = ψ(a) + 1 / a from the interval around the zero, which is factored out in two parts."""
    total = np.zeros_like(a)
    for j in range(6):
        step = a - j
        total += (step >= 1) / np.maximum(step, 1)
    z = a - np.floor(a)
    return (z - 0.46163214496836236 + 1.5522348162858677e-17) * horner(_DIGAMMA, z - 0.5) + total


def digamma_far(a):
    r = 1 / a
    return np.log(a) + 0.5 * r - horner([BERNOULLI[k] / (2 * k + 2) for k in range(9)], r * r) * r * r


# ---------------------------------------------------------------------- Hurwitz's zeta function


def hurwitz(s, q):
    """ζ(s, q) for s > 1, at negative q for whole numbers s only; ∞ at the poles. By reflection below 0."""
    below = q < 0
    out = euler_maclaurin(s, np.where(below, 1 - q, q))
    for k in np.unique(np.broadcast_to(s, q.shape)[below & (s == np.floor(s)) & (s > 1) & np.isfinite(s)]):
        (at,) = np.nonzero(below & (s == k))
        out[at] = (out[at] + pole_term(int(k) - 1, q[at])) * (-1) ** (int(k) - 1)
    return np.where((q <= 0) & (q == np.floor(q)), np.inf, out)


def euler_maclaurin(s, q):
    """ζ(s, q) for s > 1 and q ≥ 0: terms of the sum while q is small, then the integral and its correction."""
    total = np.zeros_like(q)
    y = q.copy()
    for _ in range(60):  # for an s so large that more are below the bound, these are all that count
        low = y < 10 + s
        if not low.any():
            break
        total += np.where(low, inverse_power(np.where(low, y, 1), s), 0)
        y += low
    r = 1 / y
    term = s * r / 2
    correction = (0.5 + BERNOULLI[0] * term) * r
    for k in range(1, len(BERNOULLI)):
        term *= (s + 2 * k - 1) * (s + 2 * k) * r * r / ((2 * k + 1) * (2 * k + 2))
        correction += BERNOULLI[k] * term * r
    return total + y ** (1 - s) * (1 / np.where(s > 1, s - 1, np.nan) + correction)


def inverse_power(y, s):
    """y^(-s); the square, which trigamma needs, without a power."""
    return 1 / (y * y) if np.ndim(s) == 0 and s == 2 else y**-s


def pole_term(n, x):
    """The n-th derivative of π cot πx, over n!: a polynomial in the cotangent c, for c' = -π (1 + c²)."""
    polynomial = np.polynomial.Polynomial([0.0, math.pi])
    for k in range(1, n + 1):
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([-math.pi / k, 0.0, -math.pi / k])
    return polynomial(cotangent(x))


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)  # of 2, 4, …

# Chebyshev interpolation, computed in 60 digits, on 0 ≤ z ≤ 1, in powers of z - 1/2: of log Γ(1 + z) / (z (z - 1)), and of
# ψ(1 + z) over z less its zero.
_LGAMMA = (
    0.4831289505409809,
    -0.14595989591430608,
    0.06291140107456494,
    -0.031308487501009494,
    0.016797098631185916,
    -0.009425622448625905,
    0.005446457844650585,
    -0.003212074069736748,
    0.0019229161355079497,
    -0.0011644146716071257,
    0.0007115223848906008,
    -0.00043799193485690124,
    0.00027127505354773154,
    -0.00016892719402703723,
    0.00010564474884131882,
    -6.609271409301556e-05,
    4.1635136148902716e-05,
    -2.7356444761067124e-05,
    1.734263784459851e-05,
    -8.07952925042159e-06,
    5.129828644815147e-06,
    -7.970873319492813e-06,
    5.1046182161001864e-06,
)
_DIGAMMA = (
    0.9510558760318328,
    -0.42362742128146047,
    0.24054248424078692,
    -0.1484049230539187,
    0.09498872445291558,
    -0.061922133271544284,
    0.04076083393821673,
    -0.026975796849706184,
    0.01790724844392596,
    -0.011908215027359153,
    0.007927018411136843,
    -0.005280020192518892,
    0.0035181618550874957,
    -0.0023446252179885993,
    0.001562789950608375,
    -0.0010424323828753985,
    0.000694908174082211,
    -0.0004591975036646912,
    0.0003061242075543146,
    -0.00022001895005109955,
    0.0001466781049062341,
    -5.7709404612698156e-05,
    3.847275205849602e-05,
    -8.394009422598467e-05,
    5.596002350342592e-05,
)
