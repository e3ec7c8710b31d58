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

from .arguments import as_tensor, floats

abs, sigmoid, tanh, where = elementwise.abs, activation.sigmoid, elementwise.tanh, elementwise.where

# SELU's constants, equations 14 of arXiv:1706.02515.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@cache
def in_place_form(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return in_place(function.__name__.strip("_") + "_", function)


def written(inplace: bool, function: Callable[..., Tensor], input: Any, *args: Any) -> Tensor:
    """function(input, *args), also written into the input if `inplace`."""
    return in_place_form(function)(input, *args) if inplace else function(input, *args)


def checked(operation: str, input: Any) -> Tensor:
    """The input as a Tensor. Raises RuntimeError unless it is of floating point."""
    input = as_tensor(operation, "input", input)
    floats(operation, input)
    return input


def relu(input: Any, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    return written(True, activation.relu, input) if inplace else activation.relu(input)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above zero, negative_slope · x below."""
    if inplace:
        return written(True, leaky_relu, input, negative_slope)
    return activation.leaky_relu(checked("leaky_relu", input), negative_slope=negative_slope)


def prelu(input: Any, weight: Any) -> Tensor:
    """x above zero, weight · x below; weight has one entry, or one for each channel (dimension 1).

    Raises ShapeError when it has another number of entries, RuntimeError when it has another dtype.
    """
    input, weight = as_tensor("prelu", "input", input), as_tensor("prelu", "weight", weight)
    channels = input.array.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise ShapeError(f"prelu: weight {tuple(weight.shape)} must have 1 entry or {channels}, the channels of {tuple(input.shape)}")
    if input.dtype != weight.dtype:
        raise RuntimeError(f"prelu: the input is {input.dtype}, the weight {weight.dtype}; convert one, e.g. with to()")
    if weight.numel() > 1 or not input.ndim:
        weight = shape.reshape(weight, shape=(-1,) + (1,) * (input.ndim - 2) if input.ndim else ())
    return where(input.detach() > 0, input, weight * input)


def rrelu(input: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Tensor:
    """leaky_relu with slopes drawn between `lower` and `upper` in training, and their mean otherwise.

    Raises RuntimeError for bounds in the wrong order.
    """
    if lower > upper:
        raise RuntimeError(f"rrelu: lower must not be greater than upper, got {lower} and {upper}")
    if inplace:
        return written(True, rrelu, input, lower, upper, training)
    input = checked("rrelu", input)
    if not training:
        return activation.leaky_relu(input, negative_slope=(lower + upper) / 2)
    slopes = stream(None).uniform(lower, upper, input.array.shape).astype(input.dtype)
    return input * np.where(input.array > 0, input.dtype.type(1), slopes)


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above zero, alpha · (eˣ - 1) below."""
    return written(True, elu, input, alpha) if inplace else activation.elu(checked("elu", input), alpha=alpha)


def selu(input: Any, inplace: bool = False) -> Tensor:
    """scale · elu(x, alpha) with the constants that keep mean and variance. Source: arXiv:1706.02515."""
    return written(True, selu, input) if inplace else SELU_SCALE * activation.elu(checked("selu", input), alpha=SELU_ALPHA)


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above zero, alpha · (e^(x / alpha) - 1) below. Raises RuntimeError for alpha 0."""
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0")
    if inplace:
        return written(True, celu, input, alpha)
    return activation.elu(checked("celu", input), alpha=alpha, rate=1 / alpha)


def silu(input: Any, inplace: bool = False) -> Tensor:
    """x · sigmoid(x)."""
    return written(inplace, activation.silu, input)


def mish(input: Any, inplace: bool = False) -> Tensor:
    """x · tanh(softplus(x)). Source: arXiv:1908.08681."""
    return written(inplace, activation.mish, input)


def logsigmoid(input: Any) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return log_sigmoid(checked("logsigmoid", input))


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + e^(beta · x)) / beta; x itself where beta · x is above the threshold."""
    input = checked("softplus", input)
    return where(input.detach() * beta > threshold, input, activation.softplus(input, beta=beta))


def softsign(input: Any) -> Tensor:
    """x / (1 + |x|)."""
    return input / (1 + abs(input))


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x between the bounds; outside of them, and at them, no gradient flows.

    Integers stay integers. Raises ValueError for bounds in the wrong order, RuntimeError for booleans, complex numbers, and
    unsigned integers with a bound below zero.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}")
    if inplace:
        return written(True, hardtanh, input, min_val, max_val)
    input = as_tensor("hardtanh", "input", input)
    if input.dtype.kind in "bc" or (input.dtype.kind == "u" and min_val < 0):
        raise RuntimeError(f"hardtanh: not for {input.dtype} tensors between {min_val} and {max_val}")
    return activation.hardtanh(input, low=input.dtype.type(min_val), high=input.dtype.type(max_val))


def relu6(input: Any, inplace: bool = False) -> Tensor:
    """x between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Any, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6."""
    return written(True, hardsigmoid, input) if inplace else hardtanh(checked("hardsigmoid", input) + 3, 0.0, 6.0) / 6


def hardswish(input: Any, inplace: bool = False) -> Tensor:
    """x · relu6(x + 3) / 6. Source: arXiv:1905.02244."""
    return written(True, hardswish, input) if inplace else activation.hardswish(checked("hardswish", input))


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above the threshold, else `value`. Raises RuntimeError for booleans and complex numbers."""
    if inplace:
        return written(True, _threshold, input, threshold, value)
    return _threshold(input, threshold, value)


def _threshold(input: Any, threshold: float, value: float) -> Tensor:
    input = as_tensor("threshold", "input", input)
    if input.dtype.kind in "bc":
        raise RuntimeError(f"threshold: not for {input.dtype} tensors")
    return where(input.detach() <= threshold, constant(np.array(value, input.dtype)), input)


def hardshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x, but 0 where |x| ≤ lambd."""
    input = checked("hardshrink", input)
    return where(abs(input.detach()) <= lambd, 0.0, input)


def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """x nearer to zero by lambd, and 0 where |x| ≤ lambd. Raises RuntimeError for a negative lambd."""
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must not be negative, got {lambd}")
    input = checked("softshrink", input)
    fixed = input.detach()
    return where(abs(fixed) <= lambd, 0.0, where(fixed > 0, input - lambd, input + lambd))


def tanhshrink(input: Any) -> Tensor:
    """x - tanh(x)."""
    return input - tanh(input)


def glu(input: Any, dim: int = -1) -> Tensor:
    """a · sigmoid(b), a and b the halves of the input along `dim`. Raises RuntimeError when its length is odd, or there is none."""
    input = checked("glu", input)
    if not input.ndim:
        raise RuntimeError("glu: halving needs a dimension, but the input has none")
    if input.shape[dim] % 2:
        raise RuntimeError(f"glu: halving dimension needs an even length, but dimension {dim} of {tuple(input.shape)} is odd")
    first, second = input.chunk(2, dim)
    return first * sigmoid(second)


def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample that is nearly one-hot, differentiable by the logits; `hard` makes it one-hot, with the soft one's gradient.

    Source: arXiv:1611.00712.
    """
    logits = checked("gumbel_softmax", logits)
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
