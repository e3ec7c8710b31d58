"""Vectors, angles and biases that say where in a sequence something stands."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.dtypes import get_default_dtype
from autograd_core.errors import ShapeError
from autograd_core.ops.shape import concat, crop, reshape
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor

__all__ = ["alibi_bias", "apply_rotary", "rotary_positions", "sinusoidal_positions"]


def sinusoidal_positions(length: int, embedding_dim: int, base: float = 10000.0, dtype: Any = None) -> Tensor:
    """sin(t · base^(-2i / D)) in column 2i and cos of the same in column 2i + 1, for positions t: (length, D).

    Raises ValueError unless embedding_dim is even and neither is negative. Source: arXiv:1706.03762, section 3.5.
    """
    angles = _angles("sinusoidal_positions", length, embedding_dim, base)
    return _of(np.stack([np.sin(angles), np.cos(angles)], -1).reshape(length, embedding_dim), dtype)


def rotary_positions(length: int, dim: int, base: float = 10000.0, dtype: Any = None) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angles t · base^(-2i / dim) of positions t and pairs i: (length, dim / 2) each, for apply_rotary.

    Raises ValueError unless dim is even and neither is negative. Source: arXiv:2104.09864, section 3.2.
    """
    angles = _angles("rotary_positions", length, dim, base)
    return _of(np.cos(angles), dtype), _of(np.sin(angles), dtype)


def _angles(name: str, length: int, width: int, base: float) -> np.ndarray[Any, Any]:
    if length < 0 or width < 0:
        raise ValueError(f"{name}: length and width must not be negative, got {length} and {width}")
    if width % 2:
        raise ValueError(f"{name}: the width must be even, as sine and cosine come in pairs, got {width}")
    return np.arange(length)[:, None] * base ** (-np.arange(0, width, 2) / width)


def _of(array: np.ndarray[Any, Any], dtype: Any) -> Tensor:
    return constant(array).to(dtype or get_default_dtype())


def apply_rotary(input: Any, cos: Any, sin: Any, interleaved: bool = False) -> Tensor:
    """Pairs (a, b) of the entries of input (..., T, D) rotated to (a · cos - b · sin, b · cos + a · sin).

    `cos` and `sin` (T, D / 2), or what broadcasts to (..., T, D / 2), are those of `rotary_positions`. Entry i goes with
    i + D / 2 (GPT-NeoX, LLaMA in transformers); with `interleaved`, 2i goes with 2i + 1 (the paper, GPT-J, LLaMA's own code).
    Raises ShapeError where they do not fit. Source: arXiv:2104.09864, equation 34.
    """
    input, cos, sin = (as_tensor("apply_rotary", n, t) for n, t in (("input", input), ("cos", cos), ("sin", sin)))
    *before, width = input.array.shape
    if len(before) < 1 or width % 2 or width // 2 != cos.shape[-1] or not _fit(cos, sin, (*before, width // 2)):
        told = f"input {tuple(input.shape)}, cos {tuple(cos.shape)}, sin {tuple(sin.shape)}"
        raise ShapeError(f"apply_rotary: {told}: cos and sin must be (T, D / 2) for an input (..., T, D)")
    half = width // 2
    if interleaved:
        pairs = reshape(input, shape=(*before, half, 2))
        a, b = pairs[..., 0], pairs[..., 1]
        rotated = [reshape(t, shape=(*before, half, 1)) for t in (a * cos - b * sin, b * cos + a * sin)]
        return reshape(concat(*rotated, axis=len(before) + 1), shape=(*before, width))
    a, b = (crop(input, axis=len(before), start=start, length=half) for start in (0, half))
    return concat(a * cos - b * sin, b * cos + a * sin, axis=len(before))


def _fit(cos: Tensor, sin: Tensor, shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(cos.array.shape, sin.array.shape, shape) == shape
    except ValueError:
        return False


def alibi_bias(num_heads: int, length: int, dtype: Any = None) -> Tensor:
    """-slope · (i - j), a mask for attention that favours what is near: (num_heads, length, length), -∞ where j > i.

    The slopes of n heads, n a power of two, are 2^(-8 / n), 2^(-16 / n), ...; for other n those of the next lower power and,
    between them, every other one of the next higher. Raises ValueError unless there is a head. Source: arXiv:2108.12409, section 3.
    """
    if num_heads < 1:
        raise ValueError(f"alibi_bias: num_heads must be positive, got {num_heads}")
    power = 2 ** int(math.log2(num_heads))
    slopes = [2 ** (-8 * k / power) for k in range(1, power + 1)]
    slopes += [2 ** (-4 * k / power) for k in range(1, 2 * (num_heads - power), 2)]
    distance = np.arange(length)[:, None] - np.arange(length)
    return _of(np.where(distance < 0, -np.inf, np.array(slopes)[:, None, None] * np.minimum(-distance, 0)), dtype)
