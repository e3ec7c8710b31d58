"""Filling parameters with their first values, in place and outside of any graph; each returns its tensor.

Every function that draws takes a `generator`, and without one this thread's stream.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd_core.modes import no_grad
from autograd_core.random import Generator, stream
from autograd_core.tensor import Tensor, constant

GAINS = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid"), 1.0),
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """What a layer's weights are scaled by for the variance to pass this nonlinearity; `param` is leaky_relu's slope (0.01).

    Raises ValueError for a nonlinearity that is not known, or a slope that is no number.
    """
    if nonlinearity in GAINS:
        return GAINS[nonlinearity]
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}; there are {sorted([*GAINS, 'leaky_relu'])}")
    if param is not None and (isinstance(param, bool) or not isinstance(param, int | float)):
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))


def _write(tensor: Tensor, array: np.ndarray[Any, Any]) -> Tensor:
    with no_grad():
        return tensor.copy_(constant(array))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> Tensor:
    """Normal, but drawn again where it is not within [a, b]; exactly so however far off that interval lies.

    Raises RuntimeError when the interval is empty, ValueError unless `std` is positive.
    """
    if not a <= b:
        raise RuntimeError(f"trunc_normal_: the lower bound {a} is above the upper {b}")
    if not std > 0:
        raise ValueError(f"trunc_normal_: std must be positive, got {std}")
    low, high = (a - mean) / std, (b - mean) / std
    drawn = _truncated(tensor.numel(), low, high, stream(generator)) * std + mean
    return _write(tensor, np.clip(drawn, a, b).reshape(tensor.array.shape))


def _truncated(n: int, low: float, high: float, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """n standard normal numbers within [low, high]."""
    inside = 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))
    if inside > 0.3:
        drawn = random.standard_normal(n)
        while (again := np.flatnonzero((drawn < low) | (drawn > high))).size:
            drawn[again] = random.standard_normal(again.size)
        return drawn
    # Too much would be thrown away: invert the distribution, tabulated where it is not negligible.
    peak = min(max(low, 0.0), high)
    places = np.linspace(max(low, peak - 9), min(high, peak + 9), 1 << 16)
    density = np.exp((peak - places) * (peak + places) / 2)
    below = np.concatenate([[0], np.cumsum(density[1:] + density[:-1])])
    return np.interp(random.random(n) * below[-1], below, places) if below[-1] else np.full(n, peak)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """`val` everywhere."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix. Raises ValueError unless the tensor has two dimensions."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: only tensors with 2 dimensions are supported, got {tuple(tensor.shape)}")
    return _write(tensor, np.eye(*tensor.array.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weights (out, in / groups, *kernel) with which it passes on as many channels as it can.

    Raises ValueError unless there are 3 to 5 dimensions, or when the first is not divisible by `groups`.
    """
    sizes = tensor.array.shape
    if len(sizes) not in (3, 4, 5):
        raise ValueError(f"dirac_: only tensors with 3, 4, or 5 dimensions are supported, got {sizes}")
    if groups < 1 or sizes[0] % groups:
        raise ValueError(f"dirac_: dim 0 must be divisible by groups, got {sizes[0]} and {groups}")
    weights = np.zeros(sizes)
    middle = tuple(n // 2 for n in sizes[2:])
    per_group = sizes[0] // groups
    for group in range(groups):
        for channel in range(min(per_group, sizes[1])):
            weights[(group * per_group + channel, channel, *middle)] = 1
    return _write(tensor, weights)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output of a layer with these weights has, and outputs each input."""
    sizes = tensor.array.shape
    if len(sizes) < 2:
        raise ValueError(f"fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got {sizes}")
    field = math.prod(sizes[2:])
    return sizes[1] * field, sizes[0] * field


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform with variance 2 · gain² / (fan_in + fan_out). Raises ValueError below two dimensions.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010, equation 16.
    """
    bound = gain * math.sqrt(6 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with variance 2 · gain² / (fan_in + fan_out). Raises ValueError below two dimensions."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """gain / √fan, None for a tensor without elements."""
    if 0 in tensor.array.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Generator | None = None
) -> Tensor:
    """Uniform with variance gain² / fan; `a` is leaky_relu's slope. Raises ValueError below two dimensions or for a mode not known.

    Source: arXiv:1502.01852, equation 14.
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else uniform_(tensor, -math.sqrt(3) * std, math.sqrt(3) * std, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Generator | None = None
) -> Tensor:
    """Normal with variance gain² / fan. Arguments and errors as of kaiming_uniform_."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """gain times an orthogonal matrix (rows or columns, whichever are fewer), dimensions after the first taken as one.

    Raises ValueError below two dimensions. Sources: arXiv:1312.6120, and arXiv:math-ph/0609050 for drawing it uniformly.
    """
    sizes = tensor.array.shape
    if len(sizes) < 2:
        raise ValueError(f"orthogonal_: only tensors with 2 or more dimensions are supported, got {sizes}")
    if not tensor.numel():
        return tensor
    rows, columns = sizes[0], tensor.numel() // sizes[0]
    q, r = np.linalg.qr(stream(generator).standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diagonal(r))
    return _write(tensor, (gain * (q if rows >= columns else q.T)).reshape(sizes))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Normal, with this fraction of each column zero. Raises ValueError unless the tensor has two dimensions.

    Source: Martens, Deep learning via Hessian-free optimization, 2010.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: only tensors with 2 dimensions are supported, got {tuple(tensor.shape)}")
    random = stream(generator)
    drawn = random.standard_normal(tensor.array.shape) * std
    order = np.argsort(random.random(tensor.array.shape), axis=0)
    np.put_along_axis(drawn, order[: math.ceil(sparsity * tensor.array.shape[0])], 0, axis=0)
    return _write(tensor, drawn)
