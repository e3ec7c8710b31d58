"""Number types, and which type an operation on several of them has: PyTorch's rules, on NumPy's dtypes.

Tensors with dimensions decide; a 0-d tensor or a Python scalar counts only when it is of a higher kind
(bool < integer < float < complex), so a scalar never widens a float32, and an integer tensor never makes it float64.
Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
"""

from __future__ import annotations

from typing import Any

import numpy as np

bool_ = np.dtype(np.bool_)
uint8, int8, int16, int32, int64 = (np.dtype(t) for t in (np.uint8, np.int8, np.int16, np.int32, np.int64))
float16, float32, float64 = (np.dtype(t) for t in (np.float16, np.float32, np.float64))
complex64, complex128 = np.dtype(np.complex64), np.dtype(np.complex128)
FLOAT32, FLOAT64 = float32, float64

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_default = float32


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
    """The dtype for two tensors that both have dimensions."""
    if a is b:
        return a
    if _RANK[a.kind] >= 2 > _RANK[b.kind]:
        return a
    if _RANK[b.kind] >= 2 > _RANK[a.kind]:
        return b
    return np.promote_types(a, b)


def of_scalar(value: Any) -> np.dtype[Any]:
    """The dtype that a Python scalar stands for."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    return np.result_type(_default, np.complex64) if isinstance(value, complex) else _default


def result_type(*values: Any) -> np.dtype[Any]:
    """The dtype of an operation on these arrays, Tensors and Python scalars."""
    best: np.dtype[Any] | None = None
    arrays = [getattr(v, "array", v) for v in values]
    groups = (
        [v.dtype for v in arrays if isinstance(v, np.ndarray) and v.ndim],
        [v.dtype for v in arrays if isinstance(v, np.ndarray) and not v.ndim],
        [of_scalar(v) for v in arrays if not isinstance(v, np.ndarray)],
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
    if kind == "float" and dtype.kind not in "fc":
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


finfo, iinfo = np.finfo, np.iinfo
