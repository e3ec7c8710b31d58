"""Special functions that NumPy lacks, in NumPy: erf to one unit in the last place of float64 and of float32."""

from __future__ import annotations

import math

import numpy as np

from ..primitive import primitive
from .elementwise import exp


@primitive(lambda g, x: g * exp(-(x * x)) * (2 / math.sqrt(math.pi)), promotes="float")
def erf(x):
    """The error function, (2 / √π) ∫₀ˣ e^(-t²) dt."""
    x = np.asarray(x)
    near, far = (_NEAR32, _FAR32) if x.dtype.itemsize <= 4 else (_NEAR, _FAR)
    size = np.minimum(np.abs(x), 30)  # where the tail is zero, and nothing overflows
    tail = np.exp(-size * size) * horner(far, (size - 3.75) / (size + 3.75)) / (1 + 2 * size)
    return np.where(size < 1, x * horner(near, np.minimum(size, 1) ** 2), np.copysign(1 - tail, x))


def horner(coefficients, z):
    """The polynomial with these coefficients, lowest power first, at z."""
    value = np.full_like(z, coefficients[-1])
    for c in coefficients[-2::-1]:
        value *= z
        value += c
    return value


# Chebyshev interpolation, computed in 40 digits, of erf(x) / x in powers of x² on 0 ≤ x ≤ 1 (near), and of
# (1 + 2x) e^(x²) erfc(x) in powers of (x - 3.75) / (x + 3.75) on 0 ≤ x < ∞ (far); the substitution is that of
# Shepherd and Laframboise, Mathematics of Computation 36 (1981).
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
