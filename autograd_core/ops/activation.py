"""The nonlinearities of neural networks."""

from __future__ import annotations

import math

import numpy as np

from ..primitive import primitive
from .elementwise import exp, sigmoid, tanh, where
from .special import erf


@primitive(lambda g, out: where(out <= 0, 0, g))
def relu(x):
    """max(x, 0). Raises RuntimeError for complex numbers and booleans."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "bc":
        raise RuntimeError(f"relu: not for {x.dtype} tensors")
    return np.maximum(x, 0)


@primitive(lambda g, x, negative_slope: where(x > 0, g, negative_slope * g))
def leaky_relu(x, *, negative_slope=0.01):
    """x above zero, negative_slope · x below."""
    return np.where(x > 0, x, negative_slope * x)


@primitive(lambda g, x, alpha: where(x <= 0, g * alpha * exp(where(x <= 0, x, 0)), g))
def elu(x, *, alpha=1.0):
    """x above zero, alpha · (eˣ - 1) below."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@primitive(lambda g, x, beta: g * sigmoid(beta * x), promotes="float")
def softplus(x, *, beta=1.0):
    """log(1 + e^(beta · x)) / beta, without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-beta * np.abs(x))) / beta


def logsigmoid(input):
    """log(sigmoid(x)), without overflow."""
    return -softplus(-input)


def silu(input):
    """x · sigmoid(x)."""
    return input * sigmoid(input)


@primitive(lambda g, x: g * (normal_cdf(x) + x * exp(-(x * x) / 2) * (1 / math.sqrt(2 * math.pi))), name="gelu")
def gelu_erf(x):
    """x · Φ(x), Φ the normal distribution's cumulative function. Source: arXiv:1606.08415."""
    return x * normal_cdf(x)


def normal_cdf(x):
    """Φ(x)."""
    return 0.5 * (1 + erf(x * math.sqrt(0.5)))


def gelu(input, approximate="none"):
    """x · Φ(x); approximate="tanh" uses PyTorch's tanh formula for Φ. Raises ValueError for another `approximate`."""
    if approximate == "none":
        return gelu_erf(input)
    if approximate == "tanh":
        return 0.5 * input * (1 + tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)))
    raise ValueError(f"gelu: approximate is 'none' or 'tanh', got {approximate!r}")
