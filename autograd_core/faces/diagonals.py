"""PyTorch's functions of diagonals and triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..factory import in_dtype
from ..ops import elementwise, shape
from ..tensor import Tensor, constant
from .arguments import need_tensor, one_dim

METHODS = "tril triu diagonal diag diag_embed diagflat"
IN_PLACE = "tril triu fill_diagonal"


def tril(input: Any, diagonal: int = 0) -> Tensor:
    """The lower triangles of the last two dimensions, up to this diagonal, the rest zero."""
    return shape.tril(need_matrices("tril", input), diagonal=diagonal)


def triu(input: Any, diagonal: int = 0) -> Tensor:
    """The upper triangles of the last two dimensions, from this diagonal on, the rest zero."""
    return shape.triu(need_matrices("triu", input), diagonal=diagonal)


def need_matrices(name: str, input: Any) -> Tensor:
    if need_tensor(name, input).ndim < 2:
        raise RuntimeError(f"{name}: needs at least two dimensions, got {tuple(input.shape)}")
    return need_tensor(name, input)


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as the last one: a view."""
    input = need_tensor("diagonal", input)
    return shape.diagonal(input, offset=offset, axes=two_dims("diagonal", input.ndim, dim1, dim2))


def two_dims(name: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    a, b = one_dim(name, ndim, dim1), one_dim(name, ndim, dim2)
    if a == b:
        raise RuntimeError(f"{name}: the two dimensions must differ, got {dim1} and {dim2}")
    return a, b


def diag(input: Any, diagonal: int = 0) -> Tensor:
    """The matrix with this vector on a diagonal; of a matrix, a copy of its diagonal. Raises RuntimeError for other ranks."""
    input = need_tensor("diag", input)
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise RuntimeError(f"diag: takes a vector or a matrix, got {tuple(input.shape)}")
    return shape.clone(shape.diagonal(input, offset=diagonal))


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices in the dimensions dim1 and dim2 of the result, with the last dimension of input on a diagonal, the rest zero."""
    input = need_tensor("diag_embed", input)
    if not input.ndim:
        raise IndexError("diag_embed: a 0-d tensor has no dimension to put on a diagonal; use diagflat")
    axes = two_dims("diag_embed", input.ndim + 1, dim1, dim2)
    n = input.array.shape[-1] + abs(offset)
    others = iter(input.array.shape[:-1])
    return shape.diagonal_embed(
        input, shape=tuple(n if k in axes else next(others) for k in range(input.ndim + 1)), offset=offset, axes=axes
    )


def diagflat(input: Any, offset: int = 0) -> Tensor:
    """The matrix with all elements of input, in order, on a diagonal."""
    input = need_tensor("diagflat", input)
    return diag_embed(shape.reshape(input, shape=(input.array.size,)), offset)


def fill_diagonal(input: Any, fill_value: Any, wrap: bool = False) -> Tensor:
    """One number on the main diagonal, from (0, ..., 0) on; with `wrap` it begins anew in matrices that are longer than wide."""
    n = input.array.shape
    if len(n) < 2 or (len(n) > 2 and len(set(n)) > 1):
        raise RuntimeError(f"fill_diagonal_: needs two dimensions, or more of one length, got {tuple(n)}")
    on = np.zeros(n, bool)
    np.fill_diagonal(on, True, wrap)
    return elementwise.masked_fill(input, constant(on), value=in_dtype("fill_diagonal_", fill_value, input.dtype).item())
