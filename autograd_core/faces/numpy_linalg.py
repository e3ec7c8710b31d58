"""NumPy's linear algebra on Tensors that record; what has names in NumPy comes in NumPy's own named tuples."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import linalg as ours
from ..tensor import Tensor
from . import numpy_products as products
from . import numpy_shapes, numpy_ufuncs, shapes
from .complex import real
from .numpy_arguments import alike, axes_of, tensor, weak, without_tensors
from .numpy_reductions import GIVEN, kept

FUNCTIONS = """
    matrix_power solve tensorsolve tensorinv inv cholesky eigvals eigvalsh pinv slogdet det svd svdvals eig eigh lstsq norm qr cond
    multi_dot trace diagonal cross outer tensordot matmul matrix_transpose matrix_norm vector_norm vecdot
"""
ONE = np.eye(1)
EighResult: Any
EigResult: Any
EighResult, EigResult, QRResult = type(np.linalg.eigh(ONE)), type(np.linalg.eig(ONE)), type(np.linalg.qr(ONE))
SVDResult, SlogdetResult = type(np.linalg.svd(ONE)), type(np.linalg.slogdet(ONE))


# ---------------------------------------------------------------------- equations


def solve(a: Any, b: Any) -> Tensor:
    a, b = alike(a, b)
    if b.ndim == 1:
        return ours.solve(a, shapes.unsqueeze(b, -1)).squeeze(-1)
    return ours.solve(a, b)


def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b = alike(a, b)
    solution, residuals, rank, _ = ours.lstsq(a, b, rcond, driver="gelsd")
    return solution, residuals, rank.to(np.int32), ours.svdvals(a)


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Tensor:
    a, b = alike(a, b)
    return ours.tensorsolve(a, b, axes)


def tensorinv(a: Any, ind: int = 2) -> Tensor:
    return ours.tensorinv(tensor(a), ind)


def inv(a: Any) -> Tensor:
    return ours.inv(tensor(a))


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = GIVEN) -> Tensor:
    given = rcond if rtol is GIVEN else rtol
    if given is None and rtol is GIVEN:
        given = 1e-15
    cut = None if given is None else np.asarray(without_tensors(given))
    return ours.pinv(tensor(a), rtol=cut, hermitian=hermitian)


def matrix_power(a: Any, n: int) -> Tensor:
    return ours.matrix_power(tensor(a), n)


def det(a: Any) -> Tensor:
    return ours.det(tensor(a))


def slogdet(a: Any) -> Any:
    return SlogdetResult(*ours.slogdet(tensor(a)))


# ---------------------------------------------------------------------- factors


def cholesky(a: Any, /, *, upper: bool = False) -> Tensor:
    return ours.cholesky(tensor(a), upper=upper)


def qr(a: Any, mode: str = "reduced") -> Any:
    if mode == "r":
        return ours.qr(tensor(a)).R
    if mode not in ("reduced", "complete"):
        raise TypeError(f"np.linalg.qr: mode={mode!r} is not recorded for tensors that require grad; 'reduced', 'complete' and 'r' are")
    return QRResult(*ours.qr(tensor(a), mode))


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    return SVDResult(*ours.svd(tensor(a), full_matrices)) if compute_uv else ours.svdvals(tensor(a))


def svdvals(x: Any, /) -> Tensor:
    return ours.svdvals(tensor(x))


def eigh(a: Any, UPLO: str = "L") -> Any:
    return EighResult(*ours.eigh(tensor(a), UPLO))


def eigvalsh(a: Any, UPLO: str = "L") -> Tensor:
    return ours.eigvalsh(tensor(a), UPLO)


def eig(a: Any) -> Any:
    """Real where all eigenvalues of a real matrix are, as NumPy's."""
    values, vectors = ours.eig(tensor(a))
    if tensor(a).is_complex() or values.array.imag.any():
        return EigResult(values, vectors)
    return EigResult(real(values), real(vectors))


def eigvals(a: Any) -> Tensor:
    values = ours.eigvals(tensor(a))
    return values if tensor(a).is_complex() or values.array.imag.any() else real(values)


# ---------------------------------------------------------------------- norms


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    x = tensor(x)
    if axis is None and (ord is None or (ord in ("f", "fro") and x.ndim == 2)):
        return kept(ours.vector_norm(shapes.ravel(x), 2), x, None, keepdims)
    axes = axes_of(x.ndim, axis)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(f"Invalid norm order '{ord}' for vectors")
        return ours.vector_norm(x, 2 if ord is None else ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, "fro" if ord in (None, "f") else ord, axes, keepdims)
    raise ValueError("Improper number of dimensions to norm.")


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if ord not in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    return ours.matrix_norm(x, ord, axes, keepdims)


def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    return ours.vector_norm(tensor(x), weak(ord), None if axis is None else axes_of(tensor(x).ndim, axis), keepdims)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    return _matrix_norm(tensor(x), "fro" if ord in (None, "f") else ord, (-2, -1), keepdims)


def cond(x: Any, p: Any = None) -> Tensor:
    return ours.cond(tensor(x), p)


# ---------------------------------------------------------------------- products, and what NumPy has in two places


def multi_dot(arrays: Any, *, out: Any = None) -> Tensor:
    return ours.multi_dot(alike(*arrays))


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    return numpy_shapes.trace(x, offset, -2, -1, dtype)


def diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    return numpy_shapes.diagonal(x, offset, -2, -1)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    return products.cross(x1, x2, axis=axis)


def outer(x1: Any, x2: Any, /) -> Tensor:
    x1, x2 = tensor(x1), tensor(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"np.linalg.outer: takes vectors, got shapes {tuple(x1.shape)} and {tuple(x2.shape)}")
    return products.outer(x1, x2)


tensordot = products.tensordot


def matmul(x1: Any, x2: Any, /) -> Tensor:
    return np.matmul(x1, x2)


matrix_transpose = numpy_shapes.matrix_transpose


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    return numpy_ufuncs.called("np.linalg.vecdot", np.vecdot, x1, x2, axis=axis)
