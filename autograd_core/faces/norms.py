"""Norms of vectors and matrices, and what is judged by singular values."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import decompositions, elementwise, reduce, shape, solving
from ..tensor import Tensor, constant
from .arguments import both_names, dims, need_tensor, one_dim
from .matrices import matrices, recording, square
from .types import to


def converted(name: str, input: Any, dtype: Any) -> Tensor:
    """The input in the dtype. Raises RuntimeError for whole numbers, and for a dtype that holds less."""
    input = need_tensor(name, input)
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"{name}: needs floating-point or complex numbers, got {input.dtype}; convert first, e.g. t.float()")
    if dtype is None:
        return input
    dtype = np.dtype(dtype)
    if dtype.kind != input.dtype.kind:
        raise RuntimeError(f"{name}: dtype must be {'complex' if input.dtype.kind == 'c' else 'floating-point'}, got {dtype}")
    if np.promote_types(input.dtype, dtype) != dtype:
        raise RuntimeError(f"{name}: {input.dtype} does not fit into dtype={dtype} without loss")
    return to(input, dtype)


@both_names
def vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ |x|^ord)^(1/ord) over `dim`, all dimensions when left out; ord may be 0 (how many are not zero), inf and -inf too.

    Computed in `dtype` where given. Raises RuntimeError for whole numbers, and for an extreme of nothing.
    """
    return norm_of("linalg.vector_norm", converted("linalg.vector_norm", x, dtype), ord, dim, keepdim)


def norm_of(name: str, x: Tensor, ord: Any, dim: Any, keepdim: bool) -> Tensor:
    if isinstance(ord, str) or not isinstance(ord, int | float):
        raise RuntimeError(f"{name}: the order of a vector's norm is a number, got {ord!r}")
    axis = dims(name, x, dim)
    if not x.ndim:
        x, axis, keepdim = shape.reshape(x, shape=(1,)), 0, False
    count = reduce.count(x.shape, axis)
    if not count and (ord < 0 or ord == inf) and x.numel() == 0 and np.prod(kept_shape(x.shape, axis)):
        raise RuntimeError(f"{name}: there is no {ord} norm of nothing, in a tensor of shape {tuple(x.shape)}")
    settings = {"axis": axis, "keepdims": keepdim}
    if ord == 2:
        return reduce.euclidean_norm(x, **settings)
    if ord == 0:
        real = x.array.real.dtype
        return shape.astype(reduce.sum(elementwise.ne(x, 0), **settings), dtype=real)
    size = elementwise.abs(x)
    if ord == 1:
        return reduce.sum(size, **settings)
    if not count:
        return reduce.sum(size, **settings)
    if ord in (inf, -inf):
        return (reduce.amax if ord > 0 else reduce.amin)(size, **settings)
    return reduce.p_norm(size, p=ord, **settings)


def kept_shape(sizes: Any, axis: Any) -> list[int]:
    gone = range(len(sizes)) if axis is None else reduce.normal(axis, len(sizes))
    return [n for k, n in enumerate(sizes) if k not in gone]


ORDERS = ("fro", "nuc", inf, -inf, 1, -1, 2, -2)


@both_names
def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """A norm of matrices, which are in the two dimensions `dim`.

    "fro" is that of the vector of its entries, "nuc" the sum of the singular values, 2 and -2 the largest and the smallest of these,
    1 and -1 (inf and -inf) the largest and smallest sum of absolute values of a column (of a row).
    """
    return matrix_norm_of("linalg.matrix_norm", A, ord, dim, keepdim, dtype)


def matrix_norm_of(name: str, A: Any, ord: Any, dim: Any, keepdim: bool, dtype: Any) -> Tensor:
    A = converted(name, A, dtype)
    if A.ndim < 2:
        raise ShapeError(f"{name}: needs at least two dimensions, got {tuple(A.shape)}")
    if ord not in ORDERS:
        raise RuntimeError(f"{name}: there is no order {ord!r}; it is one of {', '.join(map(repr, ORDERS))}")
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"{name}: dim must name two dimensions, got {dim!r}")
    row, column = dims(name, A, tuple(dim))
    if ord == "fro":
        return reduce.euclidean_norm(A, axis=(row, column), keepdims=keepdim)
    if ord in ("nuc", 2, -2):
        others = tuple(k for k in range(A.ndim) if k not in (row, column))
        values = svdvals(shape.transpose(A, axes=(*others, row, column)))
        if ord == "nuc":
            out = reduce.sum(values, axis=-1)
        else:
            out = extreme(name, values, -1, ord > 0)
        return shape.expand_dims(out, axis=tuple(sorted((row, column)))) if keepdim else out
    along, over = (row, column) if ord in (1, -1) else (column, row)
    sums = reduce.sum(elementwise.abs(A), axis=along, keepdims=True)
    out = extreme(name, sums, over, ord > 0, True)
    return out if keepdim else shape.squeeze(out, axis=(row, column))


def extreme(name: str, x: Tensor, axis: int, largest: bool, keepdims: bool = False) -> Tensor:
    """The largest or smallest along an axis; the largest of no sizes is zero."""
    if not x.shape[axis]:
        if not largest:
            raise RuntimeError(f"{name}: there is no smallest of nothing")
        return reduce.sum(x, axis=axis, keepdims=keepdims)
    return (reduce.amax if largest else reduce.amin)(x, axis=axis, keepdims=keepdims)


@both_names
def norm(input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """vector_norm, or matrix_norm where `dim` names two dimensions or `ord` and two dimensions are given.

    Without `ord` it is the 2-norm of all entries (over `dim`).
    """
    name = "linalg.norm"
    input = need_tensor(name, input)
    if not (dim is None or isinstance(dim, int) or len(dim) in (1, 2)):
        raise RuntimeError(f"{name}: dim names one dimension or two, got {dim!r}; linalg.vector_norm takes any number")
    if ord is None:
        return norm_of(name, converted(name, input, dtype), 2, dim, keepdim)
    if dim is None:
        if input.ndim not in (1, 2):
            raise RuntimeError(f"{name}: with ord and without dim it takes vectors and matrices, got {tuple(input.shape)}")
        if input.ndim == 2 or isinstance(ord, str):
            return matrix_norm_of(name, input, ord, (-2, -1), keepdim, dtype)
    elif isinstance(ord, str) or (not isinstance(dim, int) and len(dim) == 2):
        return matrix_norm_of(name, input, ord, dim, keepdim, dtype)
    return norm_of(name, converted(name, input, dtype), ord, dim, keepdim)


# ---------------------------------------------------------------------- by singular values


def svdvals(A: Any, *, driver: str | None = None) -> Tensor:
    """The singular values, from the largest on. Their gradient exists for equal ones, too. `driver` is accepted, and ignored."""
    A = matrices("linalg.svdvals", A)
    return decompositions.svd(A)[1] if recording(A) else decompositions.singular_values(A)


def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:
    """The eigenvalues of Hermitian matrices, in ascending order; only the triangle UPLO ("L" or "U") is read."""
    A, lower = square("linalg.eigvalsh", A), triangle("linalg.eigvalsh", UPLO)
    return decompositions.eigh(A, lower=lower)[0] if recording(A) else decompositions.hermitian_eigenvalues(A, lower=lower)


def triangle(name: str, UPLO: str) -> bool:
    """Whether it is the lower one. Raises RuntimeError unless it is "L" or "U"."""
    if str(UPLO).upper() not in ("L", "U"):
        raise RuntimeError(f"{name}: UPLO must be 'L' or 'U', got {UPLO!r}")
    return str(UPLO).upper() == "L"


def cond(A: Any, p: Any = None) -> Tensor:
    """The condition number: the largest singular value over the smallest (p None or 2), the inverse of that (-2), or norm(A) · norm(A⁻¹).

    Singular matrices have the condition infinity. Raises ShapeError for other orders of matrices that are not square.
    """
    if p is None or p in (2, -2):
        A = matrices("linalg.cond", A)
        values = svdvals(A)
        if not values.shape[-1]:
            return reduce.sum(values, axis=-1)
        top, bottom = values[..., 0], values[..., -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return elementwise.div(bottom, top) if p == -2 else elementwise.div(top, bottom)
    A = square("linalg.cond", A)
    if p not in ORDERS:
        raise RuntimeError(f"linalg.cond: there is no order {p!r}; it is one of {', '.join(map(repr, ORDERS))}, or None")
    if not A.numel():
        return reduce.sum(elementwise.abs(A), axis=(-2, -1))
    bad = solving.singular(A.array)
    if bad.any():
        eye = constant(np.broadcast_to(np.eye(A.shape[-1], dtype=A.dtype), A.shape))
        mended = elementwise.where(constant(bad[..., None, None]), eye, A)
        out = matrix_norm(mended, p) * matrix_norm(solving.inv(mended, of="cond"), p)
        return elementwise.where(constant(np.asarray(bad)), np.inf, out)
    return matrix_norm(A, p) * matrix_norm(solving.inv(A, of="cond"), p)


def tolerances(name: str, A: Tensor, atol: Any, rtol: Any) -> tuple[Any, Any]:
    """What counts as zero, absolutely and by the largest: unless given, the larger side times the distance of 1 to the next number."""
    for told in (atol, rtol):
        if isinstance(told, Tensor) and told.dtype.kind == "c":
            raise RuntimeError(f"{name}: tolerances are real")
    plain = [t.array if isinstance(t, Tensor) else t for t in (atol, rtol)]
    if plain[1] is None:
        usual = np.finfo(A.dtype).eps * max(A.shape[-2:])
        plain[1] = usual if plain[0] is None else np.where(np.asarray(plain[0]) > 0, 0.0, usual)
    return (0.0 if plain[0] is None else plain[0]), plain[1]


def matrix_rank(A: Any, tol: Any = None, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Tensor:
    """How many singular values (with `hermitian` the eigenvalues' sizes) exceed max(atol, rtol · the largest); no gradient."""
    A = square("linalg.matrix_rank", A) if hermitian else matrices("linalg.matrix_rank", A)
    atol, rtol = tolerances("linalg.matrix_rank", A, tol if atol is None else atol, 0.0 if tol is not None else rtol)
    if not A.numel():
        return constant(np.zeros(A.shape[:-2], np.int64))
    if hermitian:
        size = np.abs(solving.converged("linalg.matrix_rank", np.linalg.eigvalsh, A.array))
    else:
        size = solving.finite_svd("linalg.matrix_rank", A.array, compute_uv=False)
    cut = np.maximum(atol, rtol * size.max(-1))
    return constant(np.asarray((size > np.asarray(cut)[..., None]).sum(-1)))


def pinv(A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Tensor:
    """The pseudoinverse; singular values up to max(atol, rtol · the largest) count as zero.

    `rcond` is NumPy's name of `rtol`. The gradient holds while the rank does not change.
    """
    A = square("linalg.pinv", A) if hermitian else matrices("linalg.pinv", A)
    atol, rtol = tolerances("linalg.pinv", A, atol, rcond if rtol is None else rtol)
    return solving.pinv(A, atol=atol, rtol=rtol, hermitian=hermitian)


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    """Σ x̄ y along `dim` of the two, broadcast: a length of one, or a missing dimension, counts as repeated; not so for two vectors."""
    name = "linalg.vecdot"
    x, y = converted(name, x, None), converted(name, y, None)
    if x.ndim == y.ndim == 1 and x.shape != y.shape:
        raise ShapeError(f"{name}: {tuple(x.shape)} and {tuple(y.shape)}: the lengths along dim {dim} must agree")
    products = (x.conj() if x.is_complex() else x) * y
    axis = one_dim(name, products.ndim, dim)
    return reduce.sum(products, axis=axis) if products.ndim else products
