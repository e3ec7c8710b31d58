"""Grids of coordinates and of powers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..factory import length_of
from ..sequences import arange
from ..tensor import Tensor
from .arguments import need_tensor
from .shapes import expand, reshape, transpose, unsqueeze

FUNCTIONS = "meshgrid vander"


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """For vectors (or numbers) of lengths n₁, n₂, ... as many tensors (n₁, n₂, ...), each going along its own dimension: views.

    `indexing="xy"` swaps the first two dimensions of the results; "ij" is the default. Raises RuntimeError for more dimensions
    than one, different dtypes, no tensor at all.
    """
    given = tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], Sequence) else tensors
    if not given:
        raise RuntimeError("meshgrid: needs at least one tensor")
    for t in given:
        if not isinstance(t, Tensor):
            raise TypeError(f"meshgrid: expected Tensors, got a {type(t).__name__}")
        if t.ndim > 1:
            raise RuntimeError(f"meshgrid: takes vectors and numbers, got shape {tuple(t.shape)}")
        if t.dtype != given[0].dtype:
            raise RuntimeError(f"meshgrid: all tensors must have one dtype, got {given[0].dtype} and {t.dtype}")
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing is "ij" or "xy", got {indexing!r}')
    shape = tuple(t.numel() for t in given)
    grids = [expand(reshape(t, (1,) * i + (t.numel(),) + (1,) * (len(given) - 1 - i)), shape) for i, t in enumerate(given)]
    return tuple(transpose(g, 0, 1) if indexing == "xy" and len(given) > 1 else g for g in grids)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each of n numbers, (n,) -> (n, N): x to the N - 1, ..., x, 1, or from 1 up if `increasing`; N is n unless given.

    Raises RuntimeError for more dimensions than one, or a negative N.
    """
    x = need_tensor("vander", x)
    if x.ndim != 1:
        raise RuntimeError(f"vander: takes a vector, got shape {tuple(x.shape)}")
    n = length_of("vander", "N", x.shape[0] if N is None else N)
    return unsqueeze(x, 1) ** (arange(n) if increasing else arange(n - 1, -1, -1))
