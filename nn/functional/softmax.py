"""The softmax family, as functions that choose a dimension themselves when none is given (deprecated, as in PyTorch)."""

from __future__ import annotations

import warnings
from typing import Any

from autograd_core.faces import reductions
from autograd_core.tensor import Tensor

__all__ = ["log_softmax", "softmax", "softmin"]


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """eˣ / Σ eˣ along `dim`."""
    return reductions.softmax(input, chosen("softmax", input, dim, _stacklevel), dtype=dtype)


def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """x - log Σ eˣ along `dim`."""
    return reductions.log_softmax(input, chosen("log_softmax", input, dim, _stacklevel), dtype=dtype)


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(-x) along `dim`."""
    return reductions.softmax(-input, chosen("softmin", input, dim, _stacklevel), dtype=dtype)


def chosen(name: str, input: Any, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.", stacklevel=stacklevel
    )
    return 0 if input.ndim in (0, 1, 3) else 1
