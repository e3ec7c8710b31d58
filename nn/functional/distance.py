"""How far vectors are from each other, or how alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.faces.norms import vector_norm
from autograd_core.ops import elementwise, index, reduce, shape
from autograd_core.tensor import Tensor

from .arguments import as_tensor, floats

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (|x1| |x2|) along `dim`, no length being taken for less than `eps`; the others broadcast.

    Raises RuntimeError for whole numbers, IndexError for a dimension that there is not, ShapeError where shapes do not fit.
    """
    operation = "cosine_similarity"
    x1, x2 = as_tensor(operation, "x1", x1), as_tensor(operation, "x2", x2)
    if x1.dtype.kind not in "fc" and x2.dtype.kind not in "fc":
        raise RuntimeError(f"{operation}: expected common dtype to be floating point, got {x1.dtype} and {x2.dtype}")
    x1, x2 = (x if x.dtype.kind in "fc" else shape.astype(x, dtype=other.dtype) for x, other in ((x1, x2), (x2, x1)))
    sizes = together(operation, x1, x2) or (1,)
    if not -len(sizes) <= dim < len(sizes):
        raise IndexError(f"{operation}: there is no dimension {dim} of {len(sizes)}")
    axis = dim % len(sizes)
    x1, x2 = (x if x.array.shape == sizes else shape.broadcast_to(x, target=sizes) for x in (x1, x2))
    one, two = (x / elementwise.clamp(reduce.euclidean_norm(x, axis=axis, keepdims=True), low=eps) for x in (x1, x2))
    return reduce.sum(one * two, axis=axis)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norms of x1 - x2 + eps along the last dimension; the others broadcast."""
    operation = "pairwise_distance"
    x1, x2 = as_tensor(operation, "x1", x1), as_tensor(operation, "x2", x2)
    together(operation, x1, x2)
    difference = x1 - x2 + eps
    return vector_norm(difference, p, -1, keepdim) if difference.ndim else elementwise.abs(difference)


def pdist(input: Any, p: float = 2) -> Tensor:
    """The p-norms of the differences of all pairs of rows (N, M), each pair once: (N · (N - 1) / 2), as cdist's upper triangle.

    Raises RuntimeError unless there are two dimensions of floating-point numbers, and for a negative p.
    """
    input = as_tensor("pdist", "input", input)
    floats("pdist", input)
    if input.ndim != 2:
        raise ShapeError(f"pdist only supports 2D tensors, got: {input.ndim}D, {tuple(input.shape)}")
    if not p >= 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    one, two = np.triu_indices(input.shape[0], 1)
    difference = index.index_select(input, one, axis=0) - index.index_select(input, two, axis=0)
    return vector_norm(difference, p, 1) if input.shape[1] else reduce.sum(difference, axis=1)


def together(operation: str, *tensors: Tensor) -> tuple[int, ...]:
    """The shape that they broadcast to. Raises ShapeError where they do not."""
    try:
        return np.broadcast_shapes(*[t.array.shape for t in tensors])
    except ValueError:
        told = " and ".join(str(tuple(t.shape)) for t in tensors)
        raise ShapeError(f"{operation}: shapes {told} do not broadcast: from the right, lengths must agree or be 1") from None
