"""The error function and its relatives, in NumPy: to a few units in the last place wherever they are not zero."""

from __future__ import annotations

import math
from functools import wraps

import numpy as np

from ..errors import MissingExtraError
from ..labels import named
from ..primitive import primitive
from .elementwise import exp, where

BLOCK = 1 << 14  # how many numbers are computed at a time: few enough to stay in the cache


def kernel(compute=None, *, single=False, complex=False):
    """Make a forward of a function that computes on vectors of float64.

    Arguments are brought there and broadcast, block by block; the result has their dtype. With `single` the function
    computes on float32 too, and does so for float32 and float16; with `complex` on complex128. Otherwise complex
    numbers raise RuntimeError.
    """
    if compute is None:
        return lambda compute: kernel(compute, single=single, complex=complex)

    @wraps(compute)
    def forward(*args, **settings):
        dtype = np.result_type(*args)
        if dtype.kind == "c" and not complex:
            raise RuntimeError(f"{compute.__name__}: complex numbers are not supported")
        if dtype.kind not in "fc":
            dtype = np.dtype(np.float64)
        work = np.complex128 if dtype.kind == "c" else np.float32 if single and dtype.itemsize <= 4 else np.float64
        arrays = np.broadcast_arrays(*[np.asarray(a, work) for a in args]) if len(args) > 1 else (np.asarray(args[0], work),)
        out = np.empty(arrays[0].shape, dtype)
        flat, vectors = out.reshape(-1), [a.reshape(-1) for a in arrays]
        for start in range(0, flat.size, BLOCK):
            flat[start : start + BLOCK] = compute(*[v[start : start + BLOCK] for v in vectors], **settings)
        return out

    return forward


def chosen(condition, yes, no, x):
    """yes(x) where the condition holds, no(x) elsewhere, each computed only there."""
    if condition.all():
        return yes(x)
    rest = ~condition
    if rest.all():
        return no(x)
    out = np.empty_like(x)
    out[condition] = yes(x[condition])
    out[rest] = no(x[rest])
    return out


def horner(coefficients, z):
    """The polynomial with these coefficients, lowest power first, at z."""
    value = np.full_like(z, coefficients[-1])
    for c in coefficients[-2::-1]:
        value *= z
        value += c
    return value


def scipy_special(purpose):
    """scipy.special. Raises MissingExtraError, naming the purpose, where SciPy is not installed."""
    try:
        from scipy import special
    except ImportError as error:
        raise MissingExtraError("scipy", "science", purpose) from error
    return special


def gaussian(x, c=1.0):
    """e^(-c x²). The square of the head of x is exact: rounding x² would cost as many units as x² is large."""
    head = np.round(x * 64) / 64
    return np.exp(-c * head * head) * np.exp(c * (head - x) * (head + x))


# ---------------------------------------------------------------------- erf, erfc, erfcx


@primitive(lambda g, x: g * exp(-(x * x)) * (2 / math.sqrt(math.pi)), promotes="float")
@kernel(single=True)
def erf(x):
    """The error function, (2 / √π) ∫₀ˣ e^(-t²) dt."""
    size = np.minimum(np.abs(x), 30)  # where the tail is zero, and nothing overflows
    return np.where(size < 1, near(x, size), np.copysign(1 - np.exp(-size * size) * tail(size), x))


@primitive(lambda g, x: -g * exp(-(x * x)) * (2 / math.sqrt(math.pi)), promotes="float")
@kernel(single=True)
def erfc(x):
    """1 - erf(x), without cancellation."""
    size = np.minimum(np.abs(x), 30)
    far = gaussian(size) * tail(size)
    return np.where(size < 0.5, 1 - near(x, size), np.where(x < 0, 2 - far, far))


@primitive(lambda g, x: -2 * g * erfcx_integral(x, n=1), promotes="float")
@kernel(single=True)
def erfcx(x):
    """e^(x²) erfc(x), which neither underflows nor cancels for large x."""
    size = np.abs(x)
    positive = np.where(size > 1e30, 1 / math.sqrt(math.pi) / np.maximum(size, 1), tail(np.minimum(size, 1e30)))
    return np.where(x < 0, 2 * gaussian(np.maximum(np.minimum(x, 0), -30), -1.0) - positive, positive)


@primitive(
    lambda g, x, n: g * (-2 * (n + 1)) * erfcx_integral(x, n=n + 1),
    promotes="float",
    meaning="e^(x²) times the n-th repeated integral of erfc",
)
@kernel
def erfcx_integral(x, *, n):
    """e^(x²) iⁿerfc(x): of the n-th repeated integral of erfc from x to ∞, n > 0; what the derivatives of erfcx are made of.

    By the recurrence 2n f(n) = f(n - 2) - 2x f(n - 1), forwards below 1; above, where f shrinks with n, backwards for
    the ratio of neighbours. Source: Gautschi, Mathematics of Computation 15 (1961); https://dlmf.nist.gov/7.18.
    """
    low, high = np.minimum(x, 1), np.maximum(x, 1)
    before, forwards = 2 / math.sqrt(math.pi), erfcx(low)
    for k in range(1, n + 1):
        before, forwards = forwards, (before - 2 * low * forwards) / (2 * k)
    last = n + 170  # enough at 1, where the ratios settle slowest
    ratio = 1 / (high + np.sqrt(high * high + 2 * last))
    backwards = erfcx(high)
    for k in range(last, 0, -1):
        ratio = 1 / (2 * high + 2 * (k + 1) * ratio)
        if k <= n:
            backwards *= ratio
    return np.where(x < 1, forwards, backwards)


def near(x, size):
    """erf(x) for size = |x| ≤ 1 (elsewhere something finite)."""
    return x * horner(_NEAR if x.dtype.itemsize > 4 else _NEAR32, np.minimum(size, 1) ** 2)


def tail(x):
    """e^(x²) erfc(x) for x ≥ 0."""
    return horner(_FAR if x.dtype.itemsize > 4 else _FAR32, (x - 3.75) / (x + 3.75)) / (1 + 2 * x)


# ---------------------------------------------------------------------- the normal distribution


@primitive(lambda g, x: g * exp(-(x * x) / 2) * (1 / math.sqrt(2 * math.pi)), promotes="float")
@kernel(single=True)
def ndtr(x):
    """The normal distribution's cumulative function Φ(x), without cancellation."""
    size = np.minimum(np.abs(x), 40)
    u = size * math.sqrt(0.5)
    far = gaussian(size, 0.5) * tail(u) / 2
    return np.where(size < 0.7, (1 + near(x * math.sqrt(0.5), u)) / 2, np.where(x < 0, far, 1 - far))


@primitive(lambda g, x: g * named("hazard", normal_hazard(x)), promotes="float")
@kernel(single=True)
def log_ndtr(x):
    """log Φ(x), which does not underflow."""
    low, high = np.minimum(x, -1), np.maximum(x, -1)
    return np.where(x < -1, np.log(erfcx(low * -math.sqrt(0.5)) / 2) - low * low / 2, np.log1p(-ndtr(-high)))


def normal_hazard(x):
    """φ(x) / Φ(x), the derivative of log Φ."""
    above = where(x > 0, x, 0)
    falling = exp(-(above * above) / 2) * (1 / math.sqrt(2 * math.pi)) / ndtr(above)
    return where(x > 0, falling, math.sqrt(2 / math.pi) / erfcx(where(x > 0, 0, x) * -math.sqrt(0.5)))


# ---------------------------------------------------------------------- inverses


@primitive(lambda g, out: g * exp(out * out) * (math.sqrt(math.pi) / 2), promotes="float")
@kernel
def erfinv(x):
    """The inverse of erf: ±∞ at ±1, NaN beyond."""
    return inverse(x, 1 - np.abs(x))


@primitive(lambda g, out: g * exp(out * out / 2) * math.sqrt(2 * math.pi), promotes="float")
@kernel
def ndtri(p):
    """The inverse of Φ: -∞ at 0, ∞ at 1, NaN outside."""
    return inverse(2 * p - 1, 2 * np.minimum(p, 1 - p)) * math.sqrt(2)


def inverse(x, q):
    """The y with erf(y) = x, given q = 1 - |x| too, which says more than x where it is small."""
    w = -np.log(q * (2 - q))
    y = x * horner(_INVERSE, np.minimum(w, 5) - 2.5)
    (far,) = np.nonzero(w > 5)
    if far.size:
        y[far] = np.copysign(inverse_tail(q[far]), x[far])
    return y


def inverse_tail(q):
    """The y with erfc(y) = q, for q < 0.004: Newton's steps for the logarithm of erfc, from its asymptotic form."""
    log_q = np.log(np.where(q == 0, 1e-4, q))
    y = np.sqrt(-log_q - 0.5 * np.log(-math.pi * log_q))
    for _ in range(3):
        t = tail(y)
        y += (np.log(t) - y * y - log_q) * t * (math.sqrt(math.pi) / 2)
    return np.where(q == 0, np.inf, y)


# Chebyshev interpolation, computed in 40 digits or more, of erf(x) / x in powers of x² on 0 ≤ x ≤ 1 (near), of
# (1 + 2x) e^(x²) erfc(x) in powers of (x - 3.75) / (x + 3.75) on 0 ≤ x < ∞ (far); the substitution is that of
# Shepherd and Laframboise, Mathematics of Computation 36 (1981); and of erfinv(x) / x in powers of w - 2.5 on
# 0 ≤ w ≤ 5 (inverse), w = -log(1 - x²) as in Giles, GPU Computing Gems 2 (2011), chapter 10.
_NEAR = (
    1.1283791670955126,
    -0.37612638903183754,
    0.1128379167095512,
    -0.02686617064512984,
    0.0052239776254232985,
    -0.000854832702193483,
    0.00012055332902888736,
    -1.4925647567519332e-05,
    1.6462045441468418e-06,
    -1.6364642158167616e-07,
    1.4792401209404813e-08,
    -1.216456005728345e-09,
    8.709045129053106e-11,
    -4.230945824295338e-12,
)
_FAR = (
    1.2375126308378275,
    -0.14024059858554697,
    0.003585415485463775,
    0.08227673849014516,
    -0.10880393014171785,
    0.09230432116037876,
    -0.058693398590212366,
    0.028362277418940665,
    -0.009746579552504244,
    0.0017556258530017257,
    0.0002937136342850081,
    -0.0002901540809795271,
    5.1649211390702855e-05,
    2.2384240314224437e-05,
    -1.1444412439171722e-05,
    -9.735619015182663e-07,
    1.752057970166318e-06,
    -5.721597255990987e-08,
    -2.591069687796658e-07,
    2.3261913276696566e-08,
    3.8965452548985966e-08,
    -3.743568033634583e-09,
    -5.28428697963142e-09,
    3.110310719839165e-10,
    4.434959070009628e-10,
)
_NEAR32 = (
    1.1283791658483509,
    -0.37612626666720334,
    0.11283594715160218,
    -0.026854212010626412,
    0.005189087423433974,
    -0.000801686428716587,
    7.875875062685488e-05,
)
_FAR32 = (
    1.2375126308378275,
    -0.14024310696627976,
    0.00358570680579673,
    0.08232711624284668,
    -0.1088098386941157,
    0.09201916856436688,
    -0.058659114965607446,
    0.029028182110101497,
    -0.009830616404036218,
    0.0010584335427230188,
    0.00039079593326293914,
)
_INVERSE = (
    1.501409351110792,
    0.246640276744167,
    -0.004177317724383624,
    -0.0012527079078110321,
    0.00021825026434406123,
    -4.996079598850206e-06,
    -3.416619596565087e-06,
    4.787252185239e-07,
    1.3416803755242823e-08,
    -1.0861168938287872e-08,
    9.073036495405582e-10,
    1.1960698817209524e-10,
    -3.110278672226475e-11,
    9.115660381671943e-13,
    5.356343166393055e-13,
    -7.612669130138496e-14,
    -2.8811110175240593e-15,
    1.896729354143592e-15,
    -1.3661917890666732e-16,
    -2.6828646429085144e-17,
    4.909393921888345e-18,
    1.700908089393591e-19,
    -6.890747263782666e-20,
)
