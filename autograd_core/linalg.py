"""Linear algebra in PyTorch's vocabulary, as torch.linalg: the last two dimensions are matrices, the others a batch of them."""

from __future__ import annotations

from .errors import LinAlgError
from .faces.factors import cholesky, cholesky_ex, eig, eigh, eigvals, lstsq, lu, lu_factor, lu_factor_ex, lu_solve
from .faces.factors import linalg_qr as qr
from .faces.factors import linalg_svd as svd
from .faces.matrices import (
    cross,
    det,
    diagonal,
    inv,
    inv_ex,
    matrix_exp,
    matrix_power,
    multi_dot,
    slogdet,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
    vander,
)
from .faces.norms import cond, eigvalsh, matrix_norm, matrix_rank, norm, pinv, svdvals, vecdot, vector_norm
from .ops.linalg import matmul

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]
