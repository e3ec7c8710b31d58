"""Normalisation by the mean and variance of layers, of channels in a batch, of groups and instances; and by norms."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.modes import no_grad
from autograd_core.ops import norm
from autograd_core.ops.elementwise import clamp, rsqrt, square
from autograd_core.ops.shape import crop, pad
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, floats, in_vmap

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm"]


# ---------------------------------------------------------------------- by the last dimensions


def layer_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """(x - mean) / √(variance + eps) · weight + bias over the last dimensions, which have the sizes `normalized_shape`.

    `weight` and `bias` have that shape. Raises ShapeError where shapes do not fit, RuntimeError for mixed dtypes and for
    numbers that are not of floating point. Source: arXiv:1607.06450.
    """
    input = as_tensor("layer_norm", "input", input)
    weight, bias = optional("layer_norm", input, weight=weight, bias=bias)
    shape = trailing("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return norm.layer_norm(input, weight, bias, dims=len(shape), eps=eps)


def rms_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Tensor:
    """x / √(mean(x²) + eps) · weight over the last dimensions, which have the sizes `normalized_shape`.

    `eps` None is the dtype's smallest step above 1. Errors as of layer_norm. Source: arXiv:1910.07467.
    """
    input = as_tensor("rms_norm", "input", input)
    floats("rms_norm", input, "fc")
    weight = None if weight is None else as_tensor("rms_norm", "weight", weight).to(input.dtype)
    shape = trailing("rms_norm", input, normalized_shape, weight=weight)
    eps = float(np.finfo(input.dtype).eps) if eps is None else eps
    compute = norm.rms_norm_reference if input.dtype.kind == "c" else norm.rms_norm
    return compute(input, weight, dims=len(shape), eps=eps)


def trailing(operation: str, input: Tensor, normalized_shape: Sequence[int], **parameters: Tensor | None) -> tuple[int, ...]:
    """The sizes of the dimensions that are normalised. Raises ShapeError unless they are the input's last, and the parameters'."""
    if isinstance(normalized_shape, int):
        raise TypeError(
            f"{operation}: normalized_shape must be a sequence of integers, got {normalized_shape}; write ({normalized_shape},)"
        )
    shape = tuple(int(n) for n in normalized_shape)
    if not shape:
        raise ShapeError(f"{operation}: normalized_shape must have at least one dimension")
    if tuple(input.shape)[-len(shape) :] != shape:
        raise ShapeError(f"{operation}: normalized_shape {shape} must be the last dimensions of the input, which is {tuple(input.shape)}")
    for name, tensor in parameters.items():
        if tensor is not None and tuple(tensor.shape) != shape:
            raise ShapeError(f"{operation}: {name} {tuple(tensor.shape)} must have the shape normalized_shape, {shape}")
    return shape


def optional(operation: str, input: Tensor, **parameters: Any) -> list[Tensor | None]:
    """The parameters as Tensors, or None. Raises RuntimeError unless they and the input are of one floating-point dtype.

    With float16, parameters may be float32.
    """
    floats(operation, input)
    tensors = [None if value is None else as_tensor(operation, name, value) for name, value in parameters.items()]
    for name, tensor in zip(parameters, tensors, strict=True):
        if tensor is not None and tensor.dtype != input.dtype and (input.dtype.char, tensor.dtype.char) != ("e", "f"):
            raise RuntimeError(f"{operation}: mixed dtypes: the input is {input.dtype}, {name} {tensor.dtype}; convert one, e.g. with to()")
    return tensors


# ---------------------------------------------------------------------- by channels


def batch_norm(
    input: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / √(variance + eps) · weight + bias, for each channel of an input (N, C, ...). Source: arXiv:1502.03167.

    In training mean and variance are the batch's, and `running_mean` and `running_var`, if given, move to them by the share
    `momentum` (to the variance with n - 1 in its denominator); otherwise they are the running ones. All but the input have
    shape (C). Raises ValueError for one value a channel in training, ShapeError where shapes do not fit, RuntimeError for
    mixed dtypes.
    """
    if not training and (running_mean is None or running_var is None):
        raise RuntimeError("batch_norm: running_mean and running_var must be given unless training")
    input, weight, bias, mean, variance = channelwise("batch_norm", input, weight, bias, running_mean, running_var)
    if eps < 0 or (training and not eps):
        raise ValueError(f"batch_norm: eps must be positive (in evaluation it may be 0), got {eps}")
    if not training and mean is not None and variance is not None:
        return with_statistics(input, mean, variance, weight, bias, eps)
    several_values("batch_norm", "value per channel", input, input.shape[0], *input.shape[2:])
    if mean is None or variance is None:
        return norm.batch_norm(input, weight, bias, eps=eps)
    statistics = room_for_statistics("batch_norm", input, input.shape[1])
    out = norm.batch_norm(input, weight, bias, eps=eps, statistics=statistics)
    count = prod(input.shape) // max(1, input.shape[1])
    if count:
        move(mean, statistics[0], momentum)
        move(variance, statistics[1] * (count / (count - 1)), momentum)
    return out


def instance_norm(
    input: Any,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / √(variance + eps) · weight + bias, for each channel of each example of an input (N, C, ...).

    Mean and variance are those of the channel; without `use_input_stats` the running ones, which otherwise, if given, move
    to the mean of the examples' by the share `momentum`. All but the input have shape (C). Raises ValueError for one value a
    channel, ShapeError where shapes do not fit, RuntimeError for mixed dtypes. Source: arXiv:1607.08022.
    """
    input, weight, bias, mean, variance = channelwise("instance_norm", input, weight, bias, running_mean, running_var)
    if not use_input_stats:
        if mean is None or variance is None:
            raise RuntimeError("instance_norm: running_mean and running_var must be given when use_input_stats is False")
        return with_statistics(input, mean, variance, weight, bias, eps)
    several_values("instance_norm", "spatial element", input, *input.shape[2:])
    n, channels = input.shape[:2]
    count = prod(input.shape[2:])
    if mean is None or variance is None:
        return norm.group_norm(input, weight, bias, groups=channels, eps=eps)
    statistics = room_for_statistics("instance_norm", input, n * channels)
    out = norm.group_norm(input, weight, bias, groups=channels, eps=eps, statistics=statistics)
    if input.numel():
        averages = statistics.reshape(2, n, channels).mean(1)
        move(mean, averages[0], momentum)
        move(variance, averages[1] * (count / (count - 1)), momentum)
    return out


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """(x - mean) / √(variance + eps) · weight + bias, mean and variance of each of `num_groups` groups of channels of each example.

    `input` is (N, C, ...), `weight` and `bias` (C). Raises ShapeError where shapes do not fit, also for a number of groups that
    does not divide C, ValueError for one value a group, RuntimeError for mixed dtypes. Source: arXiv:1803.08494.
    """
    input, weight, bias, _, _ = channelwise("group_norm", input, weight, bias)
    n, channels = input.shape[:2]
    if num_groups <= 0 or channels % num_groups:
        raise ShapeError(f"group_norm: num_groups must be positive and divide the channels of {tuple(input.shape)}, got {num_groups}")
    several_values("group_norm", "value per channel", input, n * channels // num_groups, *input.shape[2:])
    return norm.group_norm(input, weight, bias, groups=num_groups, eps=eps)


def with_statistics(input: Tensor, mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """The input normalised, channel by channel, with this mean and variance."""
    scale = rsqrt(variance + eps)
    scale = scale if weight is None else scale * weight
    shift = -mean * scale
    return norm.scale_shift(input, scale, shift if bias is None else shift + bias)


def room_for_statistics(operation: str, input: Tensor, count: int) -> np.ndarray[Any, Any]:
    """An array for means and variances. Raises RuntimeError inside vmap, where each example would have its own."""
    if in_vmap(input):
        raise RuntimeError(f"{operation}: running statistics cannot be updated inside vmap; leave them out, or evaluate")
    return np.empty((2, count), np.float32 if input.dtype.char == "e" else input.dtype)


def move(running: Tensor, value: np.ndarray[Any, Any], momentum: float) -> None:
    """Bring running statistics nearer to a value, by the share `momentum` of the way."""
    with no_grad():
        running.mul_(1 - momentum).add_(constant(value * momentum).to(running.dtype))


def channelwise(
    operation: str, input: Any, weight: Any, bias: Any, running_mean: Any = None, running_var: Any = None
) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """The arguments as Tensors, or None. Raises ShapeError unless the input is (N, C, ...) and the others (C)."""
    input = as_tensor(operation, "input", input)
    if (running_mean is None) != (running_var is None):
        raise ValueError(f"{operation}: running_mean and running_var must either both be None or neither be None")
    if input.ndim < 2:
        raise ShapeError(f"{operation}: the input must be (N, C, ...), got {tuple(input.shape)}")
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    mean, variance, weight, bias = optional(operation, input, **given)
    for name, tensor in zip(given, (mean, variance, weight, bias), strict=True):
        if tensor is not None and tuple(tensor.shape) != (input.shape[1],):
            raise ShapeError(
                f"{operation}: {name} {tuple(tensor.shape)} should contain {input.shape[1]} elements, the channels of {tuple(input.shape)}"
            )
    return input, weight, bias, mean, variance


def several_values(operation: str, what: str, input: Tensor, *sizes: int) -> None:
    """Raises ValueError if the product of the sizes is 1: the variance of one value says nothing."""
    if prod(sizes) == 1:
        raise ValueError(f"{operation}: expected more than 1 {what} when training, got input size {tuple(input.shape)}")


# ---------------------------------------------------------------------- by norms


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + alpha · mean of the squares of `size` neighbouring channels)^beta, for an input (N, C, ...).

    Beyond the first and the last channel the squares are 0. Raises ValueError for fewer than three dimensions, RuntimeError
    for a size that is not positive. Source: Krizhevsky, Sutskever, Hinton (2012), section 3.3.
    """
    input = as_tensor("local_response_norm", "input", input)
    if input.ndim < 3:
        raise ValueError(f"local_response_norm: expected an input of 3 or more dimensions, got {tuple(input.shape)}")
    if size < 1:
        raise RuntimeError(f"local_response_norm: size must be positive, got {size}")
    around = ((0, 0), (size // 2, (size - 1) // 2), *((0, 0),) * (input.ndim - 2))
    squares = pad(square(input), widths=around)
    total = crop(squares, axis=1, start=0, length=input.shape[1])
    for start in range(1, size):
        total = total + crop(squares, axis=1, start=start, length=input.shape[1])
    return input / (total * (alpha / size) + k) ** beta


def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """x / max(‖x‖, eps), the norm of order p along `dim`, one dimension or several. `out` takes the result and does not record.

    Raises RuntimeError for integers, IndexError for a dimension that is not there.
    """
    input = as_tensor("normalize", "input", input)
    floats("normalize", input, "fc")
    if out is not None:
        with no_grad():
            return out.copy_(normalize(input, p, dim, eps))
    return input / clamp(input.norm(p, dim, keepdim=True), low=eps)
