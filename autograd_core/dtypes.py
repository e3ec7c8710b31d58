"""Number types, and which type an operation on several of them has: PyTorch's rules, on NumPy's dtypes.

Tensors with dimensions decide; a 0-d tensor or a Python scalar counts only when it is of a higher kind
(bool < integer < float < complex), so a scalar never widens a float32, and an integer tensor never makes it float64.
Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import MissingExtraError

bool_ = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(t) for t in (np.int8, np.int16, np.int32, np.int64))
uint8, uint16, uint32, uint64 = (np.dtype(t) for t in (np.uint8, np.uint16, np.uint32, np.uint64))
float16, float32, float64 = (np.dtype(t) for t in (np.float16, np.float32, np.float64))
complex64, complex128 = np.dtype(np.complex64), np.dtype(np.complex128)
FLOAT32, FLOAT64 = float32, float64


class Ranks(dict[str, int]):
    """How high a kind of dtype is. Raises RuntimeError for the kind of bfloat16, which NumPy has no arithmetic for."""

    def __missing__(self, kind: str) -> int:
        raise RuntimeError("tensors of bfloat16 only store numbers; convert them with .float() to compute")


_RANK = Ranks({"b": 0, "u": 1, "i": 1, "f": 2, "c": 3})
_default = float32


def __getattr__(name: str) -> Any:
    if name != "bfloat16":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise MissingExtraError("ml_dtypes", "bfloat16", "bfloat16") from None
    return np.dtype(bfloat16)


def get_default_dtype() -> np.dtype[Any]:
    """The dtype of tensors made from Python floats: float32 unless changed."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Set the dtype of tensors made from Python floats. Raises TypeError unless it is a floating-point dtype."""
    global _default
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"set_default_dtype: only floating-point dtypes, got {dtype}")
    _default = np.dtype(dtype)


def common(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype for two tensors that both have dimensions. Raises RuntimeError for uint64 with signed integers: none holds both."""
    if a is b:
        return a
    if _RANK[a.kind] >= 2 > _RANK[b.kind]:
        return a
    if _RANK[b.kind] >= 2 > _RANK[a.kind]:
        return b
    dtype = np.promote_types(a, b)
    if dtype.kind == "f" and a.kind != "f":
        raise RuntimeError(f"no integer dtype holds both {a} and {b}; convert one of them first")
    return dtype


def of_scalar(value: Any) -> np.dtype[Any]:
    """The dtype that a Python scalar stands for."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    return np.result_type(_default, np.complex64) if isinstance(value, complex) else _default


SCALARS = (bool, int, float, complex, np.generic)


def result_type(*values: Any) -> np.dtype[Any]:
    """The dtype of an operation on these arrays, Tensors and Python scalars."""
    best: np.dtype[Any] | None = None
    arrays = [getattr(v, "array", v) for v in values]
    groups = (
        [v.dtype for v in arrays if not isinstance(v, SCALARS) and v.ndim],
        [v.dtype for v in arrays if not isinstance(v, SCALARS) and not v.ndim],
        [of_scalar(v) for v in arrays if isinstance(v, SCALARS)],
    )
    for group in groups:
        if group:
            dtype = group[0]
            for other in group[1:]:
                dtype = common(dtype, other)
            if best is None:
                best = dtype
            elif _RANK[dtype.kind] > _RANK[best.kind]:
                best = np.promote_types(best, complex64) if best.kind == "f" else dtype  # of complex only the kind counts
    if best is None:
        raise TypeError("result_type: needs at least one value")
    return best


def promote(kind: str, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """Bring an operation's operands to their common dtype; Python scalars stay as they are where they are weak anyway.

    `kind` is the operation's: "same" (the common dtype), "float" (that, but at least the default float), "choice" (as
    "same", without the first operand), "no".
    """
    if kind == "no":
        return operands
    if kind == "choice":
        return (operands[0], *promote("same", operands[1:]))
    first = getattr(operands[0], "dtype", None)
    if first is not None and first.kind in "fc" and all(getattr(o, "dtype", None) is first for o in operands):
        return operands
    dtype = result_type(*operands)
    rank = _RANK[dtype.kind]  # raises for bfloat16
    if kind == "float" and rank < 2:
        dtype = _default
    return tuple([o.astype(dtype, copy=False) if isinstance(o, np.ndarray) else scalar(o, dtype) for o in operands])


def scalar(value: Any, dtype: np.dtype[Any]) -> Any:
    """A Python number in a dtype; an integer that is too large for it wraps round, as in PyTorch."""
    try:
        return dtype.type(value)
    except OverflowError:
        return np.asarray(value).astype(dtype)[()]


def promote_types(a: Any, b: Any) -> np.dtype[Any]:
    """The dtype that two tensors of these dtypes are brought to."""
    return common(np.dtype(a), np.dtype(b))


def can_cast(source: Any, target: Any) -> bool:
    """Whether an in-place operation may store `source` values in a `target` tensor: not to a lower kind."""
    return _RANK[np.dtype(source).kind] <= _RANK[np.dtype(target).kind]


class finfo:
    """The limits of a floating-point dtype (of the default one unless given), as Python floats. Raises TypeError for others.

    `bits`, `eps` (the step after 1), `max`, `min` (the lowest), `smallest_normal` (also `tiny`), `resolution`, `dtype`.
    """

    def __init__(self, type: Any = None):
        dtype = _default if type is None else np.dtype(type)
        if dtype.name == "bfloat16":
            import ml_dtypes

            found: Any = ml_dtypes.finfo(dtype)
        elif dtype.kind in "fc":
            found = np.finfo(dtype)
        else:
            raise TypeError(f"finfo: needs a floating-point dtype, got {dtype}; iinfo is for integers")
        self.bits: int = found.bits
        self.eps, self.max, self.min = float(found.eps), float(found.max), float(found.min)
        self.tiny = self.smallest_normal = float(found.smallest_normal)
        self.resolution = float(f"1e-{found.precision}")
        self.dtype: str = found.dtype.name

    def __repr__(self) -> str:
        return f"finfo({', '.join(f'{k}={v}' for k, v in vars(self).items())})"


class iinfo:
    """The limits of an integer dtype, as Python integers: `bits`, `max`, `min`, `dtype`. Raises TypeError for others."""

    def __init__(self, type: Any):
        dtype = np.dtype(type)
        if dtype.kind not in "iu":
            raise TypeError(f"iinfo: needs an integer dtype, got {dtype}; finfo is for floating point")
        found = np.iinfo(dtype)
        self.bits: int = found.bits
        self.max, self.min = int(found.max), int(found.min)
        self.dtype: str = dtype.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
