"""NumPy's products of vectors, matrices and arrays, over Tensors that record."""

from __future__ import annotations

from math import prod
from typing import Any

from ..ops import elementwise, linalg, shape
from ..tensor import Tensor
from . import products, shapes
from .complex import conj
from .numpy_arguments import alike, axes_of, in_dtype, without_tensors

FUNCTIONS = "dot inner vdot outer cross kron tensordot einsum"


def dot(a: Any, b: Any, out: Any = None) -> Tensor:
    """Over the last axis of a and the last but one of b; all of their other axes, and numbers multiply."""
    a, b = alike(a, b)
    if not a.ndim or not b.ndim:
        return elementwise.mul(a, b)
    if a.ndim < 2 or b.ndim < 3:
        return linalg.matmul(a, b)
    columns = shapes.movedim(b, -2, 0)
    made = linalg.matmul(a, shape.reshape(columns, shape=(columns.shape[0], prod(columns.shape[1:]))))
    return shape.reshape(made, shape=(*a.array.shape[:-1], *columns.array.shape[1:]))


def inner(a: Any, b: Any, /) -> Tensor:
    return products.inner(*alike(a, b))


def vdot(a: Any, b: Any, /) -> Tensor:
    a, b = (shapes.ravel(v) for v in alike(a, b))
    return linalg.dot(conj(a), b)


def outer(a: Any, b: Any, out: Any = None) -> Tensor:
    return linalg.outer(*[shapes.ravel(v) for v in alike(a, b)])


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """The cross products of vectors of length 3, whose batches broadcast."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = alike(a, b)
    a, b = shapes.movedim(a, axisa, -1), shapes.movedim(b, axisb, -1)
    if a.array.shape[-1] != 3 or b.array.shape[-1] != 3:
        raise ValueError(f"np.cross: vectors have length 3, got shapes {tuple(a.shape)} and {tuple(b.shape)}")
    if a.ndim != b.ndim:
        a, b = (shape.reshape(v, shape=(1,) * (max(a.ndim, b.ndim) - v.ndim) + v.array.shape) for v in (a, b))
    made = linalg.cross(a, b, axis=a.ndim - 1)
    return shapes.movedim(made, -1, axes_of(made.ndim, axisc)[0])


def kron(a: Any, b: Any) -> Tensor:
    return products.kron(*alike(a, b))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    a, b = alike(a, b)
    axes = without_tensors(axes)
    if isinstance(axes, list | tuple):
        axes = tuple([int(k)] if isinstance(k, int) else [int(j) for j in k] for k in axes)
        for j, k in zip(*axes):
            if a.array.shape[j] != b.array.shape[k]:
                raise ValueError("shape-mismatch for sum")
    return products.tensordot(a, b, axes)


def einsum(*operands: Any, out: Any = None, optimize: Any = False, dtype: Any = None, **settings: Any) -> Tensor:
    """The order of the contractions is found in any case, whatever `optimize` says."""
    if isinstance(operands[0], str):
        equation, *given = operands
        return linalg.einsum(equation, *[in_dtype(x, dtype) for x in alike(*given)])
    arrays = [in_dtype(x, dtype) for x in alike(*operands[: len(operands) - len(operands) % 2 : 2])]
    lists = [list(sub) for sub in (*operands[1::2], *(operands[-1:] if len(operands) % 2 else ()))]
    return linalg.einsum(*[part for pair in zip(arrays, lists) for part in pair], *lists[len(arrays) :])
