"""PyTorch's factorizations, with their named results, and what is solved by them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import decompositions, elementwise, linalg, reduce, shape, solving, triangular
from ..tensor import Tensor, constant
from .arguments import need_tensor
from .matrices import fits, matrices, recording, square
from .norms import pinv, triangle

METHODS = "cholesky qr svd pinverse"

cholesky_ex_result = namedtuple("cholesky_ex_result", ("L", "info"))
qr_result = namedtuple("qr_result", ("Q", "R"))
svd_result = namedtuple("svd_result", ("U", "S", "Vh"))
svd_of_torch = namedtuple("svd_of_torch", ("U", "S", "V"))
eigh_result = namedtuple("eigh_result", ("eigenvalues", "eigenvectors"))
eig_result = namedtuple("eig_result", ("eigenvalues", "eigenvectors"))
lu_result = namedtuple("lu_result", ("P", "L", "U"))
lu_factor_result = namedtuple("lu_factor_result", ("LU", "pivots"))
lu_factor_ex_result = namedtuple("lu_factor_ex_result", ("LU", "pivots", "info"))
lstsq_result = namedtuple("lstsq_result", ("solution", "residuals", "rank", "singular_values"))


# ---------------------------------------------------------------------- Cholesky, QR


def cholesky(A: Any, upper: bool = False) -> Tensor:
    """The lower triangular L of A = L Lᴴ, or with `upper` Lᴴ, for Hermitian positive-definite A, of which that triangle is read.

    Raises LinAlgError for matrices that are not positive-definite.
    """
    A = square("linalg.cholesky", A)
    L = decompositions.cholesky(A, upper=bool(upper))
    return linalg.mH(L) if upper else L


def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """`(L, info)`: info is the order of the first leading minor that is not positive, 0 if there is none; NaN is then the factor."""
    A = square("linalg.cholesky_ex", A)
    info = decompositions.indefinite(A.array.conj().swapaxes(-1, -2) if upper else A.array)
    if check_errors or not info.any():
        return cholesky_ex_result(cholesky(A, upper), constant(np.asarray(info, np.int32)))
    bad = constant((info > 0)[..., None, None])
    eye = constant(np.broadcast_to(np.eye(A.shape[-1], dtype=A.dtype), A.shape))
    factor = elementwise.where(bad, np.nan, cholesky(elementwise.where(bad, eye, A), upper))
    return cholesky_ex_result(factor, constant(np.asarray(info, np.int32)))


def linalg_qr(A: Any, mode: str = "reduced") -> Any:
    """`(Q, R)` with A = Q R, Q's columns orthonormal and R upper triangular.

    `mode` "reduced" gives as many columns of Q as the smaller side, "complete" a square Q, "r" an empty Q. The gradient needs the
    first columns of A to be independent; in mode "complete" for more rows than columns, and in mode "r", there is none.
    """
    A = matrices("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"linalg.qr: mode is 'reduced', 'complete' or 'r', got {mode!r}")
    m, n = A.shape[-2:]
    if mode == "r" or (mode == "complete" and m > n):
        return qr_result(*decompositions.qr_without_rule(A, mode=mode))
    if m >= n:
        return qr_result(*decompositions.qr(A))
    q, r = decompositions.qr(shape.crop(A, axis=-1, start=0, length=m))
    rest = linalg.matrix_product(linalg.mH(q), shape.crop(A, axis=-1, start=m, length=n - m))
    return qr_result(q, shape.concat(r, rest, axis=-1))


def qr(input: Any, some: bool = True) -> Any:
    """`(Q, R)`: linalg.qr under its older name; with `some` False, mode "complete"."""
    return linalg_qr(input, "reduced" if some else "complete")


# ---------------------------------------------------------------------- singular values, eigenvalues


def linalg_svd(A: Any, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """`(U, S, Vh)` with A = U diag(S) Vh: the columns of U and the rows of Vh are orthonormal, S real, from the largest on.

    With `full_matrices` U and Vh are square. The gradient exists where the loss depends on nothing arbitrary: vectors of equal
    singular values, those beyond the smaller side, phases. Elsewhere it raises RuntimeError. `driver` is accepted, and ignored.
    """
    A = matrices("linalg.svd", A)
    if not min(A.shape[-2:]):
        return svd_result(*[constant(part) for part in svd_of_nothing(A.array, full_matrices)])
    U, S, Vh = decompositions.svd(A, full_matrices=bool(full_matrices))
    return svd_result(decompositions.determined(U, S, of="svd"), S, decompositions.determined(Vh, S, of="svd", rows=True))


def svd_of_nothing(a: Any, full: bool) -> tuple[Any, Any, Any]:
    """Of matrices without rows, or without columns."""
    batch, (m, n) = a.shape[:-2], a.shape[-2:]
    u, vh = (np.array(np.broadcast_to(np.eye(k, dtype=a.dtype), (*batch, k, k))) for k in (m, n))
    return (u, np.zeros((*batch, 0), a.real.dtype), vh) if full else (u[..., :0], np.zeros((*batch, 0), a.real.dtype), vh[..., :0, :])


def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """`(U, S, V)`: the older form of linalg.svd, with V for Vh; without `compute_uv`, zeros for the vectors."""
    u, s, vh = linalg_svd(input, not some)
    if not compute_uv:
        m, n = input.shape[-2:]
        u, vh = (constant(np.zeros((*input.shape[:-2], k, k), input.dtype)) for k in (m, n))
    return svd_of_torch(u, s, linalg.mH(vh))


def eigh(A: Any, UPLO: str = "L") -> Any:
    """`(eigenvalues, eigenvectors)` of Hermitian matrices, of which the triangle UPLO is read: ascending values, orthonormal columns.

    The gradient exists where the loss depends on no vectors of equal eigenvalues, and on no phases. Elsewhere it raises RuntimeError.
    """
    values, vectors = decompositions.eigh(square("linalg.eigh", A), lower=triangle("linalg.eigh", UPLO))
    return eigh_result(values, decompositions.determined(vectors, values, of="eigh"))


def eig(A: Any) -> Any:
    """`(eigenvalues, eigenvectors)` of square matrices, complex, in no order; the vectors are columns of length one.

    The gradient as of eigh; matrices that are not diagonalizable have none.
    """
    values, vectors = decompositions.eig(square("linalg.eig", A))
    return eig_result(values, decompositions.determined(vectors, values, of="eig"))


def eigvals(A: Any) -> Tensor:
    """The eigenvalues of square matrices, complex, in no order."""
    A = square("linalg.eigvals", A)
    if recording(A):
        return decompositions.eig(A)[0]
    return decompositions.eigenvalues(A)


# ---------------------------------------------------------------------- triangular factors


def lu_factor(A: Any, *, pivot: bool = True) -> Any:
    """`(LU, pivots)` of A = P L U: the factors in one matrix, and which row was swapped with which, from 1 on, for lu_solve.

    Raises LinAlgError for singular square matrices (as does lu_solve's division); lu_factor_ex and lu do not. In NumPy, without SciPy.
    """
    LU, pivots, info = lu_factor_ex(A, pivot=pivot)
    if info.array.any():
        raise solving.failed("linalg.lu_factor", "singular: U has a zero on its diagonal; see linalg.lu_factor_ex", info.array != 0)
    return lu_factor_result(LU, pivots)


def lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """`(LU, pivots, info)`: info is the place of the first zero on the diagonal of U, from 1 on, or 0."""
    LU, pivots = triangular.lu_factor(pivoted("linalg.lu_factor", A, pivot))
    zero = np.diagonal(LU.array, axis1=-2, axis2=-1) == 0
    info = np.where(zero.any(-1), zero.argmax(-1) + 1, 0) if zero.shape[-1] else np.zeros(zero.shape[:-1])
    if check_errors and info.any():
        raise solving.failed("linalg.lu_factor_ex", "singular: U has a zero on its diagonal", info != 0)
    return lu_factor_ex_result(LU, pivots, constant(np.asarray(info, np.int32)))


def pivoted(name: str, A: Any, pivot: bool) -> Tensor:
    if not pivot:
        raise RuntimeError(f"{name}: without pivoting elimination is not stable, and not offered on the CPU; leave pivot=True")
    return matrices(name, A)


def lu(A: Any, *, pivot: bool = True) -> Any:
    """`(P, L, U)` with A = P L U: a permutation, lower triangular with ones on the diagonal, upper triangular. In NumPy, without SciPy."""
    A = pivoted("linalg.lu", A, pivot)
    LU, pivots = triangular.lu_factor(A)
    m, n = A.shape[-2:]
    P = triangular.permutation_matrix(pivots, rows=m, dtype=A.dtype)
    return lu_result(P, triangular.unit_lower(LU, min(m, n)), triangular.upper_part(LU, min(m, n)))


def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """The X of A X = B (of X A = B, if not `left`), from A's `lu_factor`; with `adjoint`, of Aᴴ."""
    name = "linalg.lu_solve"
    LU, B, pivots = square(name, LU), need_tensor(name, B), need_tensor(name, pivots)
    fits(name, LU, B, left)
    if pivots.dtype.kind != "i" or pivots.shape != LU.shape[:-1]:
        raise RuntimeError(
            f"{name}: pivots are integers of shape {tuple(LU.shape[:-1])}, as of lu_factor; got {pivots.dtype} {tuple(pivots.shape)}"
        )
    if not left:
        return linalg.mH(lu_solve(LU, pivots, linalg.mH(B), adjoint=not adjoint))
    lead = np.broadcast_shapes(LU.shape[:-2], B.shape[:-2])
    swaps = constant(np.broadcast_to(pivots.array, (*lead, pivots.shape[-1])))
    B = shape.broadcast_to(B, target=(*lead, *B.shape[-2:]))
    if adjoint:
        y = triangular.solve_triangular(linalg.mH(LU), B, upper=False)
        return triangular.permuted_back(triangular.solve_triangular(linalg.mH(LU), y, upper=True, unit=True), swaps)
    y = triangular.solve_triangular(LU, triangular.permuted(B, swaps), upper=False, unit=True)
    return triangular.solve_triangular(LU, y, upper=True)


# ---------------------------------------------------------------------- least squares


def pinverse(input: Any, rcond: Any = 1e-15) -> Tensor:
    """The pseudoinverse; singular values up to rcond · the largest count as zero."""
    return pinv(input, rcond)


DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


def lstsq(A: Any, B: Any, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """`(solution, residuals, rank, singular_values)`: the X that makes |A X - B| least, of these the smallest.

    By the pseudoinverse, so that the solution's gradient holds while the rank does not change. As in PyTorch, `driver` says what else is
    returned: "gelsy" (default) the rank, "gels" (which takes the rank for full) the residuals, "gelsd" and "gelss" all; what is not
    returned is empty, so are the residuals unless there are more rows than columns and all ranks are full.
    """
    name = "linalg.lstsq"
    A, B = matrices(name, A), need_tensor(name, B)
    driver = "gelsy" if driver is None else driver
    if driver not in DRIVERS:
        raise RuntimeError(f"{name}: driver is one of {', '.join(DRIVERS)}, got {driver!r}")
    vectors = B.ndim == A.ndim - 1
    if B.ndim not in (A.ndim, A.ndim - 1) or (A.shape[:-1] != B.shape if vectors else A.shape[-2] != B.shape[-2]):
        raise ShapeError(f"{name}: A {tuple(A.shape)} and B {tuple(B.shape)}: B is (*, {A.shape[-2]}) or (*, {A.shape[-2]}, k)")
    if vectors:
        B = shape.expand_dims(B, axis=-1)
    m, n = A.shape[-2:]
    eps = np.finfo(A.dtype).eps
    cut = 0.0 if driver == "gels" else eps * max(m, n) if rcond is None else rcond if rcond >= 0 else eps
    X = linalg.matrix_product(solving.pinv(A, atol=0.0, rtol=cut), B)
    values = solving.finite_svd(name, A.array, compute_uv=False) if A.numel() else np.zeros((*A.shape[:-2], 0), A.array.real.dtype)
    rank = (values > cut * values.max(-1, initial=0, keepdims=True)).sum(-1)
    nothing = constant(np.zeros(0, A.array.real.dtype))
    residuals = nothing
    if driver != "gelsy" and m > n and (rank == n).all():
        residuals = reduce.sum(elementwise.square(elementwise.abs(linalg.matrix_product(A, X) - B)), axis=-2)
    return lstsq_result(
        shape.squeeze(X, axis=-1) if vectors else X,
        residuals,
        constant(np.zeros(0, np.int64) if driver == "gels" else np.asarray(rank)),
        constant(np.asarray(values)) if driver in ("gelsd", "gelss") else nothing,
    )
