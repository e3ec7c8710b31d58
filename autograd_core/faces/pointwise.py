"""PyTorch's element-by-element functions and matrix products, where their arguments need care."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import get_default_dtype
from ..errors import ShapeError
from ..ops import activation, elementwise, linalg
from ..tensor import Tensor, constant
from .arguments import need_tensor
from .shapes import to

METHODS = "abs add sub div pow clamp masked_fill round allclose equal mm bmm mv"
FUNCTIONS = "where"
IN_PLACE = "abs add sub div pow clamp masked_fill round"


def add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input + alpha · other."""
    return elementwise.add(input, other if alpha == 1 else other * alpha)


def sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input - alpha · other."""
    return elementwise.sub(input, other if alpha == 1 else other * alpha)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other; `rounding_mode` "floor" or "trunc" rounds the quotient."""
    if rounding_mode is None:
        return elementwise.div(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div: rounding_mode is None, 'floor' or 'trunc', got {rounding_mode!r}")
    return elementwise.floor_divide(input, other) if rounding_mode == "floor" else elementwise.trunc(elementwise.div(input, other))


def abs(input: Any) -> Tensor:
    """The absolute value; its gradient at zero is zero."""
    return elementwise.abs(input)


def pow(input: Any, exponent: Any) -> Any:
    """input to the power exponent; either may be a number."""
    if isinstance(exponent, int | float) and not isinstance(exponent, bool):
        if isinstance(input, Tensor) and input.dtype.kind in "biu":
            if isinstance(exponent, int) and exponent < 0:
                raise RuntimeError("pow: integers to negative integer powers are not allowed; convert to float first")
            if isinstance(exponent, float) or input.dtype.kind == "b":
                input = to(input, get_default_dtype() if isinstance(exponent, float) else np.int64)
        return elementwise.square(input) if exponent == 2 else elementwise.power(input, exponent=exponent)
    return elementwise.pow(input, exponent)


def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """input, but no less than `min` and no more than `max` (numbers or tensors); at the bounds the gradient passes."""
    if min is None and max is None:
        raise RuntimeError("clamp: give min, max, or both")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        low = input if min is None else elementwise.where(beyond(elementwise.lt(input, min), min), min, input)
        return low if max is None else elementwise.where(beyond(elementwise.gt(low, max), max), max, low)
    if need_tensor("clamp", input).dtype.kind in "biu" and (isinstance(min, float) or isinstance(max, float)):
        input = to(input, get_default_dtype())
    return elementwise.clamp(input, low=min, high=max)


def beyond(outside: Tensor, bound: Any) -> Tensor:
    """Where a bound is to be taken: also where it is not a number."""
    return elementwise.logical_or(outside, elementwise.ne(bound, bound)) if isinstance(bound, Tensor) else outside


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, else other; with the condition alone, the indices where it holds."""
    condition = need_tensor("where", condition)
    if input is None and other is None:
        return tuple(constant(a) for a in np.nonzero(condition.array))
    if condition.dtype.kind != "b":
        raise RuntimeError(f"where: the condition must be boolean, got {condition.dtype}")
    return elementwise.where(condition, input, other)


def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """input with `value` where the boolean mask is true."""
    if need_tensor("masked_fill", mask).dtype.kind != "b":
        raise RuntimeError(f"masked_fill: the mask must be boolean, got {mask.dtype}")
    if isinstance(value, Tensor):
        return elementwise.where(mask, value, input)
    return elementwise.masked_fill(input, mask, value=value)


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to even."""
    return elementwise.round(input, decimals=decimals)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Tensor:
    return activation.leaky_relu(input, negative_slope=negative_slope)


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |input - other| ≤ atol + rtol · |other| everywhere."""
    a, b = need_tensor("allclose", input).array, need_tensor("allclose", other).array
    return bool(np.allclose(a, b, rtol, atol, equal_nan))


def equal(input: Any, other: Any) -> bool:
    """Whether shapes and all elements are the same."""
    return bool(np.array_equal(need_tensor("equal", input).array, need_tensor("equal", other).array))


def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices."""
    if input.ndim != 2 or mat2.ndim != 2:
        raise ShapeError(f"mm: needs two matrices, got {tuple(input.shape)} and {tuple(mat2.shape)}; use matmul for batches")
    return linalg.matrix_product(input, mat2)


def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of two batches of matrices."""
    if input.ndim != 3 or mat2.ndim != 3 or input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: needs two batches of as many matrices, got {tuple(input.shape)} and {tuple(mat2.shape)}")
    return linalg.matrix_product(input, mat2)


def mv(input: Any, vec: Any) -> Tensor:
    """A matrix times a vector."""
    if input.ndim != 2 or vec.ndim != 1:
        raise ShapeError(f"mv: needs a matrix and a vector, got {tuple(input.shape)} and {tuple(vec.shape)}")
    return linalg.matmul(input, vec)
