"""Nonlinearities, with PyTorch's arguments. `inplace` writes the result into the input as well."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.faces.inplace import in_place
from autograd_core.ops import activation, elementwise, shape
from autograd_core.ops.activation import gelu
from autograd_core.ops.activation import logsigmoid as log_sigmoid
from autograd_core.random import stream
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor

abs, sigmoid, tanh, where = elementwise.abs, activation.sigmoid, elementwise.tanh, elementwise.where

# SELU's constants, equations 14 of arXiv:1706.02515.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@cache
def in_place_form(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return in_place(function.__name__.strip("_") + "_", function)


def written(inplace: bool, function: Callable[..., Tensor], input: Any, *args: Any) -> Tensor:
    """function(input, *args), also written into the input if `inplace`."""
    return in_place_form(function)(input, *args) if inplace else function(input, *args)


def relu(input: Any, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return written(True, activation.relu, input) if inplace else activation.relu(input)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above zero, negative_slope · x below."""
    if inplace:
        return written(True, leaky_relu, input, negative_slope)
    return activation.leaky_relu(input, negative_slope=negative_slope)


def prelu(input: Any, weight: Any) -> Tensor:
    """x above zero, weight · x below; weight has one entry, or one for each channel (dimension 1).

    Raises ShapeError when it has another number of entries.
    """
    input, weight = as_tensor("prelu", "input", input), as_tensor("prelu", "weight", weight)
    channels = input.array.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise ShapeError(f"prelu: weight {tuple(weight.shape)} must have 1 entry or {channels}, the channels of {tuple(input.shape)}")
    if weight.numel() > 1:
        weight = shape.reshape(weight, shape=(-1,) + (1,) * (input.ndim - 2))
    return where(input.detach() > 0, input, weight * input)


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Tensor:
    """leaky_relu with slopes drawn between `lower` and `upper` in training, and their mean otherwise."""
    if inplace:
        return written(True, rrelu, input, lower, upper, training)
    if not training:
        return activation.leaky_relu(input, negative_slope=(lower + upper) / 2)
    slopes = stream(None).uniform(lower, upper, input.array.shape).astype(input.dtype)
    return input * np.where(input.array > 0, input.dtype.type(1), slopes)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above zero, alpha · (eˣ - 1) below."""
    return written(True, elu, input, alpha) if inplace else activation.elu(input, alpha=alpha)


def selu(input: Any, inplace: bool = False) -> Tensor:
    """scale · elu(x, alpha) with the constants that keep mean and variance. Source: arXiv:1706.02515."""
    return written(True, selu, input) if inplace else SELU_SCALE * activation.elu(input, alpha=SELU_ALPHA)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above zero, alpha · (e^(x / alpha) - 1) below. Raises RuntimeError for alpha 0."""
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0")
    if inplace:
        return written(True, celu, input, alpha)
    return activation.elu(input, alpha=1.0) if alpha == 1 else alpha * activation.elu(input / alpha, alpha=1.0)


def silu(input: Any, inplace: bool = False) -> Tensor:
    """x · sigmoid(x)."""
    return written(inplace, activation.silu, input)


def mish(input: Any, inplace: bool = False) -> Tensor:
    """x · tanh(softplus(x)). Source: arXiv:1908.08681."""
    return written(True, mish, input) if inplace else input * tanh(activation.softplus(input))


def logsigmoid(input: Any) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return log_sigmoid(input)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(beta · x)) / beta; x itself where beta · x is above the threshold."""
    return where(input.detach() * beta > threshold, input, activation.softplus(input, beta=beta))


def softsign(input: Any) -> Tensor:
    """x / (1 + |x|)."""
    return input / (1 + abs(input))


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x between the bounds; outside of them, and at them, no gradient flows. Raises ValueError for bounds in the wrong order."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}")
    if inplace:
        return written(True, hardtanh, input, min_val, max_val)
    fixed = input.detach()
    return where(fixed <= min_val, float(min_val), where(fixed >= max_val, float(max_val), input))


def relu6(input: Any, inplace: bool = False) -> Tensor:
    """x between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Any, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6."""
    return written(True, hardsigmoid, input) if inplace else hardtanh(input + 3, 0.0, 6.0) / 6


def hardswish(input: Any, inplace: bool = False) -> Tensor:
    """x · relu6(x + 3) / 6. Source: arXiv:1905.02244."""
    return written(True, hardswish, input) if inplace else input * hardtanh(input + 3, 0.0, 6.0) / 6


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above the threshold, else `value`."""
    if inplace:
        return written(True, _threshold, input, threshold, value)
    return _threshold(input, threshold, value)


def _threshold(input: Any, threshold: float, value: float) -> Tensor:
    return where(input.detach() <= threshold, float(value), input)


def hardshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x, but 0 where |x| ≤ lambd."""
    return where(abs(input.detach()) <= lambd, 0.0, input)


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x nearer to zero by lambd, and 0 where |x| ≤ lambd. Raises RuntimeError for a negative lambd."""
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must not be negative, got {lambd}")
    fixed = input.detach()
    return where(abs(fixed) <= lambd, 0.0, where(fixed > 0, input - lambd, input + lambd))


def tanhshrink(input: Any) -> Tensor:
    """x - tanh(x)."""
    return input - tanh(input)


def glu(input: Any, dim: int = -1) -> Tensor:
    """a · sigmoid(b), a and b the halves of the input along `dim`. Raises RuntimeError when its length is odd."""
    if input.shape[dim] % 2:
        raise RuntimeError(f"glu: halving dimension needs an even length, but dimension {dim} of {tuple(input.shape)} is odd")
    first, second = input.chunk(2, dim)
    return first * sigmoid(second)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample that is nearly one-hot, differentiable by the logits; `hard` makes it one-hot, with the soft one's gradient.

    Source: arXiv:1611.00712.
    """
    noise = -np.log(stream(None).standard_exponential(logits.array.shape))
    soft = ((logits + noise.astype(logits.dtype)) / tau).softmax(dim)
    if not hard:
        return soft
    top = np.argmax(soft.array, axis=dim, keepdims=True)
    fixed = np.zeros_like(soft.array)
    np.put_along_axis(fixed, top, 1, axis=dim)
    return constant(fixed - soft.array) + soft


__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]
