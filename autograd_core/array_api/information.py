"""What the standard asks about dtypes and about the namespace itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..device import CPU
from ..ops import shape as shapes
from ..tensor import Tensor
from .creation import checked_device

KINDS = {
    "bool": "bool",
    "signed integer": "int8 int16 int32 int64",
    "unsigned integer": "uint8 uint16 uint32 uint64",
    "real floating": "float32 float64",
    "complex floating": "complex64 complex128",
}
ALL = {name: np.dtype(name) for names in KINDS.values() for name in names.split()}


def astype(x: Tensor, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """x in another dtype; with copy=False x itself where it has that dtype already. Raises ValueError for complex to real."""
    checked_device(device)
    if x.is_complex() and np.dtype(dtype).kind not in "cb":
        raise ValueError(f"astype: {x.dtype} to {np.dtype(dtype)} would lose the imaginary part; take real(x)")
    if x.dtype == np.dtype(dtype):
        return shapes.clone(x) if copy else x
    return shapes.astype(x, dtype=np.dtype(dtype))


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether the standard's promotion goes from one dtype (or array's dtype) to another."""
    return bool(np.can_cast(from_.dtype if isinstance(from_, Tensor) else from_, to))


def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype that these arrays, dtypes and Python numbers are brought to; arrays of no dimensions count like others."""
    given = [a.dtype if isinstance(a, Tensor) else a for a in arrays_and_dtypes]
    return np.result_type(*given)


def finfo(type: Any, /) -> Any:
    """Limits of a floating-point dtype: bits, eps, max, min, smallest_normal, dtype."""
    return dtypes.finfo(type.dtype if isinstance(type, Tensor) else type)


def iinfo(type: Any, /) -> Any:
    """Limits of an integer dtype: bits, max, min, dtype."""
    return dtypes.iinfo(type.dtype if isinstance(type, Tensor) else type)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is another, or of a kind such as "real floating", or one of several of these."""
    return np.isdtype(np.dtype(dtype), kind)


class Info:
    """What the namespace can do."""

    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Any:
        return CPU

    def devices(self) -> list[Any]:
        return [CPU]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        checked_device(device)
        real = dtypes.get_default_dtype()
        return {
            "real floating": real,
            "complex floating": np.result_type(real, np.complex64),
            "integral": dtypes.int64,
            "indexing": dtypes.int64,
        }

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        """The dtypes there are, by name, maybe only those of a kind (or of several)."""
        checked_device(device)
        return {name: dtype for name, dtype in ALL.items() if kind is None or np.isdtype(dtype, kind)}
