"""The nonlinearities of neural networks."""

from __future__ import annotations

import math

import numpy as np

from ..kernels import activation as kernels
from ..labels import label, named
from ..primitive import fused, primitive
from .elementwise import exp, logical_and, sigmoid, tanh, where
from .special import ndtr

# ---------------------------------------------------------------------- ReLU and its kin


@primitive(lambda g, out: where_positive(g, out))
def relu(x):
    """max(x, 0). Raises RuntimeError for complex numbers and booleans."""
    if isinstance(x, np.ndarray):
        if x.dtype.kind in "bc":
            raise RuntimeError(f"relu: not for {x.dtype} tensors")
        if x.size > MANY and x.dtype in kernels.ZEROS:
            return kernels.relu(x)
    return np.maximum(x, 0)


MANY = 1 << 13  # elements from which a kernel is worth its calls


@primitive(lambda g, x: where_positive(g, x), None, promotes="no")
def where_positive(g, x):
    """g, but 0 where x ≤ 0."""
    if isinstance(g, np.ndarray) and g.size > MANY and g.dtype in kernels.BITS and np.shape(x) == g.shape:
        return kernels.where_positive(g, x)
    return where(x <= 0, 0, g)


@primitive(lambda g, x, negative_slope: where(x > 0, g, negative_slope * g))
def leaky_relu(x, *, negative_slope=0.01):
    """x above zero, negative_slope · x below."""
    return chosen(x > 0, x, negative_slope * x)


def chosen(condition, a, b):
    """a where the condition holds, else b, arrays of one shape."""
    if np.size(a) > MANY and a.dtype in kernels.BITS and a.dtype == b.dtype:
        return kernels.chosen(condition, a, b)
    return np.where(condition, a, b)


@primitive(lambda g, x, low, high: where(logical_and(x > low, x < high), g, 0))
def hardtanh(x, *, low, high):
    """x between the bounds; outside of them, and at them, no gradient flows, nor where x is NaN."""
    return np.clip(x, low, high)


@primitive(lambda g, x: where(x <= -3, 0, where(x >= 3, g, g * (x / 3 + 0.5))))
def hardswish(x):
    """x · min(max(x + 3, 0), 6) / 6; at the bounds the derivative is that outside. Source: arXiv:1905.02244."""
    return x * (np.clip(x + 3, 0, 6) * (1 / 6))


def times(x, factor):
    return x if factor == 1 else x * factor


@primitive(lambda g, x, alpha, rate: where(x > 0, g, g * (alpha * rate) * exp(times(where(x > 0, 0, x), rate))))
def elu(x, *, alpha=1.0, rate=1.0):
    """x above zero, alpha · (e^(rate · x) - 1) below."""
    return chosen(x > 0, x, alpha * np.expm1(times(np.minimum(x, 0), rate)))


@primitive(lambda g, x, beta: g * sigmoid(beta * x), promotes="float")
def softplus(x, *, beta=1.0):
    """log(1 + e^(beta · x)) / beta, without overflow."""
    bound = np.maximum if beta > 0 else np.minimum
    return bound(x, 0) + np.log1p(np.exp(-abs(beta) * np.abs(x))) / beta


def logsigmoid(input):
    """log(sigmoid(x)), without overflow."""
    return -softplus(-input)


# ---------------------------------------------------------------------- x times how much of it passes


def times_slope(g, slope):
    return (kernels.product(g, slope),)


def floats(operation, x):
    """The array. Raises RuntimeError unless it is of floating point."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        raise RuntimeError(f"{operation}: needs a floating-point input, got {x.dtype}; convert it first, e.g. t.float()")
    return x


def activated(block, x, needs):
    out, slope = kernels.activated(block, x, needs[0])
    return out, (slope,) if needs[0] else ()


def density(x):
    """The normal distribution's density φ(x)."""
    return exp(-(x * x) / 2) * (1 / math.sqrt(2 * math.pi))


def gated(x, gate):
    label(gate=gate)
    return x * gate


@fused(
    times_slope,
    reference=lambda x: gated(x, ndtr(x)),
    rules=(lambda g, x: g * (ndtr(x) + x * density(x)),),
    name="gelu",
    promotes="no",
)
def gelu_erf(x, *, needs=(True,)):
    """x · Φ(x), Φ the normal distribution's cumulative function. Source: arXiv:1606.08415."""
    x = floats("gelu", x)
    if x.dtype.itemsize <= 4:
        return activated(kernels.gelu, x, needs)
    passing = ndtr(x)
    return x * passing, (passing + x * density(x),) if needs[0] else ()


def tanh_passing(x):
    """What GELU's tanh formula has for Φ(x)."""
    return 0.5 * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def tanh_slope(x):
    passing = named("p", tanh_passing(x))
    return passing + 2 * passing * (1 - passing) * x * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)


@fused(
    times_slope,
    reference=lambda x: gated(x, tanh_passing(x)),
    rules=(lambda g, x: g * tanh_slope(x),),
    promotes="no",
)
def gelu_tanh(x, *, needs=(True,)):
    """x · (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2. Source: arXiv:1606.08415."""
    return activated(kernels.gelu_tanh, floats("gelu", x), needs)


def gelu(input, approximate="none"):
    """x · Φ(x); approximate="tanh" uses PyTorch's tanh formula for Φ. Raises RuntimeError for another `approximate`."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate is 'none' or 'tanh', got {approximate!r}")
    return gelu_erf(input) if approximate == "none" else gelu_tanh(input)


@fused(
    times_slope,
    reference=lambda x: gated(x, sigmoid(x)),
    rules=(lambda g, x: g * sigmoid(x) * (1 + x * (1 - sigmoid(x))),),
    name="silu",
    promotes="no",
)
def silu_real(x, *, needs=(True,)):
    """x · sigmoid(x). Source: arXiv:1702.03118."""
    return activated(kernels.silu, floats("silu", x), needs)


def silu(input):
    """x · sigmoid(x), of complex numbers too."""
    return input * sigmoid(input) if input.dtype.kind == "c" else silu_real(input)


def mish_slope(x):
    passing = named("p", tanh(softplus(x, beta=1.0)))
    return passing + x * (1 - passing * passing) * sigmoid(x)


@fused(
    times_slope,
    reference=lambda x: gated(x, tanh(softplus(x, beta=1.0))),
    rules=(lambda g, x: g * mish_slope(x),),
    promotes="no",
)
def mish(x, *, needs=(True,)):
    """x · tanh(log(1 + eˣ)). Source: arXiv:1908.08681."""
    return activated(kernels.mish, floats("mish", x), needs)
