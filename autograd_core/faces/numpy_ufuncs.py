"""NumPy's ufuncs and their methods (reduce, accumulate, outer, ...) where an argument records."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..ops import elementwise, linalg, reduce, roots, shape
from ..tensor import Tensor, constant
from . import complex as complex_numbers
from . import pointwise, scans, shapes, types
from .numpy_arguments import alike, common_dtype, tensor, weak


def ldexp(x: Any, exponent: Any) -> Tensor:
    """x · 2^exponent, by two factors, each of which is in range where the product is."""
    steps = tensor(exponent).array
    half = steps // 2
    factors = (constant(np.asarray(np.ldexp(np.ones((), x.dtype), part))) for part in (half, steps - half))
    for factor in factors:
        x = elementwise.mul(x, factor)
    return x


def heaviside(x: Any, at_zero: Any) -> Tensor:
    dtype = common_dtype(x, at_zero)
    return elementwise.heaviside(tensor(x).to(dtype), tensor(at_zero).to(dtype))


def modf(x: Any) -> tuple[Tensor, Tensor]:
    """(fraction, whole), of the sign of x; an infinity has no fraction."""
    whole = elementwise.trunc(x)
    with np.errstate(invalid="ignore"):
        fraction = elementwise.sub(x, whole)
    return elementwise.masked_fill(fraction, elementwise.isinf(x), value=0), whole


def divide_with_rest(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    return elementwise.floor_divide(a, b), elementwise.remainder(a, b)


def vecdot(a: Any, b: Any) -> Tensor:
    """Σ conj(a) · b over the last axis."""
    return reduce.sum(elementwise.mul(conjugate(a), b), axis=-1)


def matvec(a: Any, b: Any) -> Tensor:
    return shape.squeeze(linalg.matmul(a, shapes.unsqueeze(b, -1)), axis=-1)


def vecmat(a: Any, b: Any) -> Tensor:
    return shape.squeeze(linalg.matmul(shapes.unsqueeze(conjugate(a), -2), b), axis=-2)


def conjugate(x: Any) -> Tensor:
    return elementwise.conj(x) if x.dtype.kind == "c" else x


def degrees(x: Any) -> Tensor:
    return elementwise.mul(x, 180 / math.pi)


def radians(x: Any) -> Tensor:
    return elementwise.mul(x, math.pi / 180)


def sign(x: Any) -> Any:
    """-1, 0 or 1; of NaN NaN, where PyTorch says 0."""
    found = elementwise.sign(x)
    return elementwise.where(elementwise.isnan(x), np.nan, found) if found.dtype.kind == "f" else found


UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    getattr(np, theirs): getattr(elementwise, ours)
    for theirs, ours in {
        "add": "add",
        "subtract": "sub",
        "multiply": "mul",
        "divide": "div",
        "floor_divide": "floor_divide",
        "remainder": "remainder",
        "fmod": "fmod",
        "negative": "neg",
        "absolute": "abs",
        "fabs": "abs",
        "square": "square",
        "sqrt": "sqrt",
        "reciprocal": "reciprocal",
        "exp": "exp",
        "exp2": "exp2",
        "expm1": "expm1",
        "log": "log",
        "log2": "log2",
        "log10": "log10",
        "log1p": "log1p",
        "logaddexp": "logaddexp",
        "logaddexp2": "logaddexp2",
        "sin": "sin",
        "cos": "cos",
        "tan": "tan",
        "arcsin": "asin",
        "arccos": "acos",
        "arctan": "atan",
        "arctan2": "atan2",
        "hypot": "hypot",
        "sinh": "sinh",
        "cosh": "cosh",
        "tanh": "tanh",
        "arcsinh": "asinh",
        "arccosh": "acosh",
        "arctanh": "atanh",
        "floor": "floor",
        "ceil": "ceil",
        "trunc": "trunc",
        "rint": "round",
        "maximum": "maximum",
        "minimum": "minimum",
        "fmax": "fmax",
        "fmin": "fmin",
        "copysign": "copysign",
        "nextafter": "nextafter",
        "frexp": "frexp",
        "equal": "eq",
        "not_equal": "ne",
        "less": "lt",
        "less_equal": "le",
        "greater": "gt",
        "greater_equal": "ge",
        "logical_and": "logical_and",
        "logical_or": "logical_or",
        "logical_xor": "logical_xor",
        "logical_not": "logical_not",
        "bitwise_and": "bitwise_and",
        "bitwise_or": "bitwise_or",
        "bitwise_xor": "bitwise_xor",
        "invert": "bitwise_not",
        "left_shift": "bitwise_left_shift",
        "right_shift": "bitwise_right_shift",
        "gcd": "gcd",
        "lcm": "lcm",
        "isnan": "isnan",
        "isinf": "isinf",
        "isfinite": "isfinite",
        "signbit": "signbit",
    }.items()
} | {
    np.power: pointwise.pow,
    np.sign: sign,
    np.float_power: pointwise.pow,
    np.cbrt: roots.cbrt,
    np.positive: shape.clone,
    np.conjugate: complex_numbers.conj,
    np.deg2rad: radians,
    np.radians: radians,
    np.rad2deg: degrees,
    np.degrees: degrees,
    np.heaviside: heaviside,
    np.ldexp: ldexp,
    np.modf: modf,
    np.divmod: divide_with_rest,
    np.matmul: linalg.matmul,
    np.vecdot: vecdot,
}
for younger, ours in {"matvec": matvec, "vecmat": vecmat}.items():
    if hasattr(np, younger):  # from NumPy 2.2 on
        UFUNCS[getattr(np, younger)] = ours


def numpy_promoted(ufunc: np.ufunc, inputs: tuple[Any, ...], **settings: Any) -> list[Any]:
    """The operands in the dtypes that NumPy would compute in; Python's and NumPy's numbers are weak."""
    operands = [w if type(w) in (bool, int, float, complex) else tensor(w) for w in map(weak, inputs)]
    kinds = [np.dtype(bool) if type(o) is bool else o.dtype if isinstance(o, Tensor) else type(o) for o in operands]
    if np.dtype(object) in kinds:
        raise TypeError(f"np.{ufunc.__name__}: arrays of objects are not recorded together with tensors; join them with np.stack first")
    chosen = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout), **settings)
    return [types.to(o, d) if isinstance(o, Tensor) else o for o, d in zip(operands, chosen, strict=False)]


# ---------------------------------------------------------------------- methods, and settings


def recorded_method(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """`ufunc.method(*inputs, **settings)`. Raises TypeError where that is not recorded."""
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    methods: dict[str, Callable[..., Any]] = {
        "__call__": called,
        "outer": outer,
        "reduce": reduced,
        "accumulate": accumulated,
        "reduceat": reduced_at,
    }
    run = methods.get(method)
    if run is None:
        raise TypeError(
            f"{name}: not recorded for tensors that require grad, so the gradient would be lost; call .detach() first if that is meant"
        )
    return run(name, ufunc, *inputs, **settings)


def called(
    name: str, ufunc: np.ufunc, *inputs: Any, where: Any = True, axis: Any = -1, dtype: Any = None, signature: Any = None, **settings: Any
) -> Any:
    if where is not True:
        raise TypeError(f"{name}: where= leaves entries without a value, which cannot be recorded; use np.where(condition, result, other)")
    known = {"casting": settings.pop("casting", None), "signature": signature}
    for harmless in ("order", "subok"):
        settings.pop(harmless, None)
    operation = UFUNCS.get(ufunc)
    if operation is None or settings or (axis != -1 and operation is not vecdot):
        raise TypeError(f"{name}: {', '.join(settings) or 'it'} is not recorded for tensors that require grad; call .detach() first")
    if dtype is not None:
        known["signature"] = (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout
    operands = numpy_promoted(ufunc, inputs, **{k: v for k, v in known.items() if v is not None})
    if axis != -1:
        operands = [shapes.movedim(tensor(o), axis, -1) for o in operands]
    return operation(*operands)


def outer(name: str, ufunc: np.ufunc, a: Any, b: Any, **settings: Any) -> Any:
    """Every entry of a with every entry of b."""
    a, b = (w if type(w) in (bool, int, float, complex) else tensor(w) for w in map(weak, (a, b)))
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        a = shapes.reshape(a, (*a.array.shape, *(1,) * b.ndim))
    return called(name, ufunc, a, b, **settings)


def reduced(name: str, ufunc: np.ufunc, array: Any, axis: Any = 0, **settings: Any) -> Any:
    from . import numpy_reductions

    function = numpy_reductions.OF_UFUNCS.get(ufunc)
    if function is None:
        raise TypeError(f"{name}: not recorded for tensors that require grad; call .detach() first if that is meant")
    return function(array, axis, **settings)


def accumulated(name: str, ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    running = ACCUMULATIONS.get(ufunc)
    if running is None:
        raise TypeError(f"{name}: not recorded for tensors that require grad; call .detach() first if that is meant")
    x = tensor(array)
    return running(x if dtype is None else types.to(x, np.dtype(dtype)), axis)


ACCUMULATIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: scans.cumsum,
    np.multiply: scans.cumprod,
    np.maximum: lambda x, axis: scans.cummax(x, axis).values,
    np.minimum: lambda x, axis: scans.cummin(x, axis).values,
    np.logaddexp: scans.logcumsumexp,
}


def reduced_at(name: str, ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Each part from one index to the next reduced; only the entry there where the next is not larger."""
    x, places = tensor(array), tensor(indices).array.tolist()
    axis = axis % x.ndim
    ends = [*places[1:], x.array.shape[axis]]
    spans = [slice(i, j if i < j else i + 1) for i, j in zip(places, ends, strict=True)]
    parts = [reduced(name, ufunc, x[(slice(None),) * axis + (span,)], axis, dtype=dtype, keepdims=True) for span in spans]
    return shape.concat(*alike(*parts), axis=axis)
