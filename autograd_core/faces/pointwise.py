"""PyTorch's element-by-element functions, where their arguments need care."""

from __future__ import annotations

import builtins
import math
from collections import namedtuple
from typing import Any

import numpy as np

from ..dtypes import finfo, get_default_dtype, iinfo, result_type
from ..ops import elementwise
from ..tensor import Tensor, constant
from . import inplace
from .arguments import need_tensor
from .types import to

frexp_result = namedtuple("frexp_result", ("mantissa", "exponent"))

METHODS = """
    abs sign positive add sub div pow float_power ldexp frexp lerp addcmul addcdiv clamp clamp_min clamp_max nan_to_num heaviside
    masked_fill round deg2rad rad2deg isclose allclose equal
"""
FUNCTIONS = "where rsub fill"
IN_PLACE = """
    abs sign add sub div pow ldexp lerp addcmul addcdiv clamp clamp_min clamp_max nan_to_num heaviside masked_fill round
    deg2rad rad2deg
"""


# ---------------------------------------------------------------------- arithmetic


def add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input + alpha · other. Raises RuntimeError for a fractional alpha among integers."""
    return elementwise.add(input, other if alpha == 1 else scaled("add", alpha, other, input))


def sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input - alpha · other. Raises RuntimeError for a fractional alpha among integers."""
    return elementwise.sub(input, other if alpha == 1 else scaled("sub", alpha, other, input))


def rsub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """other - alpha · input. Raises RuntimeError for a fractional alpha among integers."""
    return elementwise.sub(other, input if alpha == 1 else scaled("rsub", alpha, input, other))


def scaled(name: str, alpha: Any, value: Any, other: Any) -> Any:
    """alpha · value, for a sum with `other`."""
    dtype = result_type(value, other)
    refuse_higher(name, "alpha", alpha, dtype.kind)
    if isinstance(value, Tensor):
        value = to(value, dtype)
    return value * (bool(alpha) if dtype.kind == "b" else alpha)


def refuse_higher(name: str, what: str, number: Any, kind: str) -> None:
    """Raise RuntimeError for a factor that would make integers fractional or real numbers complex."""
    if isinstance(number, float) and kind not in "fc":
        raise RuntimeError(f"{name}: {what}={number!r} with integers; convert them to float first, or give an integer")
    if isinstance(number, builtins.complex) and kind != "c":
        raise RuntimeError(f"{name}: {what}={number!r} with real numbers; convert them to complex first")


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other; `rounding_mode` "floor" or "trunc" rounds the quotient, which of integers is then an integer."""
    if rounding_mode is None:
        return elementwise.div(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div: rounding_mode is None, 'floor' or 'trunc', got {rounding_mode!r}")
    return elementwise.floor_divide(input, other) if rounding_mode == "floor" else elementwise.trunc_divide(input, other)


def abs(input: Any) -> Tensor:
    """The absolute value; its gradient at zero is zero."""
    return elementwise.abs(input)


def sign(input: Any) -> Tensor:
    """-1, 0 or 1. Raises TypeError for complex tensors, whose direction is `sgn`."""
    if need_tensor("sign", input).dtype.kind == "c":
        raise TypeError("sign: complex numbers have no sign; sgn gives their direction")
    return elementwise.sign(input)


def positive(input: Any) -> Tensor:
    """Itself. Raises RuntimeError for booleans."""
    if need_tensor("positive", input).dtype.kind == "b":
        raise RuntimeError("positive: not of booleans")
    return input


def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """input + weight · (end - input), exact at both ends; weight is a number or a tensor."""
    refuse_higher("lerp", "weight", weight, "f" if result_type(input, end).kind != "c" else "c")
    return elementwise.lerp(input, end, weight)


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2. Raises RuntimeError for a fractional value among integers, a complex one among real numbers."""
    refuse_higher("addcmul", "value", value, result_type(input, tensor1, tensor2).kind)
    return elementwise.addcmul(input, tensor1, tensor2, value=value)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2. Raises RuntimeError for integers."""
    if result_type(tensor1, tensor2).kind not in "fc":
        raise RuntimeError("addcdiv: the quotient of integers is no integer; convert to float first")
    refuse_higher("addcdiv", "value", value, result_type(input, tensor1, tensor2).kind)
    return elementwise.addcdiv(input, tensor1, tensor2, value=value)


def ldexp(input: Any, other: Any) -> Tensor:
    """input · 2^other."""
    input, exponent = need_tensor("ldexp", input), need_tensor("ldexp", other)
    if exponent.dtype.kind not in "fc":  # 2^other may be too large for another float dtype than input's
        exponent = to(exponent, input.dtype if input.dtype.kind in "fc" else get_default_dtype())
    return elementwise.mul(input, elementwise.exp2(exponent))


def frexp(input: Any) -> frexp_result:
    """(mantissa, exponent): input is mantissa · 2^exponent with the mantissa's size in [0.5, 1), the exponent int32.

    Raises RuntimeError unless floating-point.
    """
    if need_tensor("frexp", input).dtype.kind != "f":
        raise RuntimeError(f"frexp: needs a floating-point tensor, got {input.dtype}; convert it first, e.g. t.float()")
    return frexp_result(*elementwise.frexp(input))


def deg2rad(input: Any) -> Tensor:
    """Degrees in radians. Raises RuntimeError for complex tensors."""
    return elementwise.mul(real_tensor("deg2rad", input), math.pi / 180)


def rad2deg(input: Any) -> Tensor:
    """Radians in degrees. Raises RuntimeError for complex tensors."""
    return elementwise.mul(real_tensor("rad2deg", input), 180 / math.pi)


def real_tensor(name: str, input: Any) -> Tensor:
    if need_tensor(name, input).dtype.kind == "c":
        raise RuntimeError(f"{name}: not for complex tensors")
    return input


def pow(input: Any, exponent: Any) -> Any:
    """input to the power exponent; either may be a number."""
    if isinstance(exponent, bool) and isinstance(input, Tensor) and input.dtype.kind == "b":
        return elementwise.logical_or(input, not exponent)
    if isinstance(exponent, int | float) and not isinstance(exponent, bool):
        if isinstance(input, Tensor) and input.dtype.kind in "biu":
            if isinstance(exponent, int) and exponent < 0:
                raise RuntimeError("pow: integers to negative integer powers are not allowed; convert to float first")
            if isinstance(exponent, float) or input.dtype.kind == "b":
                input = to(input, get_default_dtype() if isinstance(exponent, float) else np.int64)
        return elementwise.square(input) if exponent == 2 else elementwise.power(input, exponent=exponent)
    return elementwise.pow(input, exponent)


def float_power(input: Any, exponent: Any) -> Any:
    """input to the power exponent, computed in float64 (or complex128)."""
    target = np.dtype(np.complex128 if result_type(input, exponent).kind == "c" else np.float64)
    base, power = (to(v, target) if isinstance(v, Tensor) else target.type(v).item() for v in (input, exponent))
    return pow(base, power)


def float_power_(self: Tensor, exponent: Any) -> Tensor:
    """As `float_power`, written into this tensor. Raises RuntimeError unless it is float64 (or complex128)."""
    target = np.complex128 if result_type(self, exponent).kind == "c" else np.float64
    if self.dtype != target:
        raise RuntimeError(f"float_power_: computes in {np.dtype(target)}, which cannot be stored in a {self.dtype} tensor")
    return inplace.in_place("float_power_", float_power)(self, exponent)


# ---------------------------------------------------------------------- choices


def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """input, but no less than `min` and no more than `max` (numbers or tensors); at the bounds the gradient passes."""
    if min is None and max is None:
        raise RuntimeError("clamp: give min, max, or both")
    if any(v.dtype.kind == "c" if isinstance(v, Tensor) else isinstance(v, builtins.complex) for v in (input, min, max)):
        raise RuntimeError("clamp: complex numbers have no order")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        if min is None or max is None:
            return elementwise.clamp_max(input, max) if min is None else elementwise.clamp_min(input, min)
        return elementwise.clamp_between(input, min, max)
    if need_tensor("clamp", input).dtype.kind in "biu" and (isinstance(min, float) or isinstance(max, float)):
        input = to(input, get_default_dtype())
    return elementwise.clamp(input, low=min, high=max)


def clamp_min(input: Any, min: Any) -> Tensor:
    """input, but no less than `min`, a number or a tensor."""
    return clamp(input, min=min)


def clamp_max(input: Any, max: Any) -> Tensor:
    """input, but no more than `max`, a number or a tensor."""
    return clamp(input, max=max)


def nan_to_num(input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """input with these numbers for NaN and the infinities: by default 0, and the largest and the lowest that there are."""
    return elementwise.nan_to_num(need_tensor("nan_to_num", input), nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


def heaviside(input: Any, values: Any) -> Tensor:
    """0 below zero, 1 above, `values` at zero. Raises RuntimeError for two dtypes."""
    if need_tensor("heaviside", input).dtype != need_tensor("heaviside", values).dtype:
        raise RuntimeError(f"heaviside: needs two tensors of one dtype, got {input.dtype} and {values.dtype}")
    return elementwise.heaviside(input, values)


def fill(input: Any, value: Any) -> Tensor:
    """A tensor like input with one number everywhere. Raises RuntimeError for a value of more dimensions."""
    return inplace.fill_(elementwise.zeros_like(need_tensor("fill", input)), value)


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, else other; with the condition alone, the indices where it holds."""
    condition = need_tensor("where", condition)
    if input is None and other is None:
        return tuple(constant(a) for a in np.nonzero(np.atleast_1d(condition.array)))
    if condition.dtype.kind != "b":
        if condition.dtype != np.uint8:
            raise RuntimeError(f"where: the condition must be boolean, got {condition.dtype}")
        condition = to(condition, np.bool_)
    return elementwise.where(condition, input, other)


def where_method(self: Tensor, condition: Any, other: Any) -> Tensor:
    """self where the condition holds, else other."""
    return where(condition, self, other)


def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """input with `value`, a number or a 0-d tensor, where the boolean mask is true. Raises RuntimeError for a number that does not fit."""
    if need_tensor("masked_fill", mask).dtype.kind != "b":
        raise RuntimeError(f"masked_fill: the mask must be boolean, got {mask.dtype}")
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"masked_fill: the value is a number or a 0-d tensor, got shape {tuple(value.shape)}; use where()")
        if value.dtype.kind == "c" and need_tensor("masked_fill", input).dtype.kind != "c":
            raise RuntimeError(f"masked_fill: a complex value does not fit in {input.dtype}")
        return elementwise.where(mask, to(value, input.dtype), input)
    refuse_beyond("masked_fill", value, need_tensor("masked_fill", input).dtype)
    return elementwise.masked_fill(input, mask, value=value)


def refuse_beyond(name: str, value: Any, dtype: np.dtype[Any]) -> None:
    """Raise RuntimeError for a number that this dtype cannot hold."""
    value = value.item() if isinstance(value, np.generic) else value  # which would cast the limits to its own dtype
    if isinstance(value, builtins.complex) and dtype.kind != "c":
        raise RuntimeError(f"{name}: {value} is complex and does not fit in {dtype}")
    if dtype.kind in "iu" and not math.isfinite(value):
        raise RuntimeError(f"{name}: {value} is no integer and does not fit in {dtype}")
    if dtype.kind in "iuf" and math.isfinite(value):
        limits = finfo(dtype) if dtype.kind == "f" else iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise RuntimeError(f"{name}: {value} is beyond {dtype}, which goes from {limits.min} to {limits.max}")


def round(input: Any, *, decimals: int = 0) -> Tensor:
    """To the nearest integer, halves to even."""
    return elementwise.round(input, decimals=decimals)


def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Where |input - other| ≤ atol + rtol · |other|."""
    a, b = need_tensor("isclose", input).array, need_tensor("isclose", other).array
    return constant(np.asarray(np.isclose(a, b, rtol, atol, equal_nan)))


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether |input - other| ≤ atol + rtol · |other| everywhere."""
    a, b = need_tensor("allclose", input).array, need_tensor("allclose", other).array
    return bool(np.allclose(a, b, rtol, atol, equal_nan))


def equal(input: Any, other: Any) -> bool:
    """Whether shapes and all elements are the same."""
    return bool(np.array_equal(need_tensor("equal", input).array, need_tensor("equal", other).array))


ONLY_METHODS = {"float_power_": float_power_, "where": where_method}  # as methods they take other arguments
