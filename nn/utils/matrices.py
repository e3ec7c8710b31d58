"""The mathematics of the weights in `parametrizations`, `weight_norm` and `spectral_norm`."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core import linalg
from autograd_core.creation import zeros_like
from autograd_core.dtypes import finfo
from autograd_core.faces.arguments import one_dim
from autograd_core.faces.joining import cat
from autograd_core.faces.sampling import randn
from autograd_core.modes import no_grad
from autograd_core.sequences import eye
from autograd_core.tensor import Tensor, constant

from ..module import Module

# ---------------------------------------------------------------------- lengths


def lengths(weight: Tensor, dim: int) -> Tensor:
    """The norm of what is left of the weight when the index along `dim` is fixed, to be broadcast with it; for dim -1 of the whole."""
    if dim == -1:
        return weight.norm(2)
    fixed = one_dim("weight_norm", weight.ndim, dim)
    others = [k for k in range(weight.ndim) if k != fixed]
    return weight.norm(2, dim=others, keepdim=True) if others else weight.abs()


def of_length(direction: Tensor, length: Tensor, dim: int) -> Tensor:
    return direction * (length / lengths(direction, dim))


def unit(vector: Tensor, eps: float) -> Tensor:
    """The vector divided by its norm, or by eps if that is larger."""
    return vector / vector.norm().clamp_min(eps)


# ---------------------------------------------------------------------- the largest singular value


def rows_of(module: Module, dim: int | None) -> int:
    """The dimension along which the outputs of a layer are: 1 in transposed convolutions, else 0; unless `dim` is given."""
    if dim is not None:
        return dim
    kinds = {kind.__name__ for kind in type(module).__mro__}
    return 1 if kinds & {"ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"} else 0


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with `dim` as its rows and all other dimensions together as its columns."""
    rows = weight.movedim(dim, 0)
    return rows.flatten(1) if rows.ndim > 1 else rows.unsqueeze(1)


def power_method(matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float) -> None:
    """Turn u and then v, in place, towards the singular vectors of the largest singular value."""
    with no_grad():
        for _ in range(steps):
            u.copy_(unit(matrix.mv(v), eps))
            v.copy_(unit(matrix.mH.mv(u), eps))


# ---------------------------------------------------------------------- orthogonal matrices


def rotation(x: Tensor, exponential: bool) -> Tensor:
    """The first columns of an orthogonal matrix, from the lower triangle of x (..., n, k), n ≥ k.

    With A = L - Lᴴ it is the exponential of A, or its Cayley transform (1 - A/2)⁻¹ (1 + A/2).
    """
    n, k = x.shape[-2:]
    x = x.tril()
    if n != k:
        x = cat([x, x.new_zeros(*x.shape[:-1], n - k)], -1)
    a = x - x.mH
    if exponential:
        q = a.matrix_exp()
    else:
        identity = eye(n, dtype=a.dtype)
        q = linalg.solve(identity - a / 2, identity + a / 2)
    return q[..., :k]


def reflected(columns: Tensor, tau: Tensor) -> Tensor:
    """The first k columns of H₁ H₂ ... H_k, with H = 1 - τ v vᵀ and v = a column (..., n, k) below its diagonal, 1 on it.

    Source: Golub and Van Loan, Matrix Computations, section 5.1.6.
    """
    n, k = columns.shape[-2:]
    identity = eye(n, k, dtype=columns.dtype)
    v = columns.tril(-1) + identity
    q = identity
    for i in reversed(range(k)):
        column = v[..., i : i + 1]
        q = q - (tau[..., i, None, None] * column) @ (column.mT @ q)
    return q


def reflections_of(q: Tensor) -> Tensor:
    """What `householder` makes this matrix of: the reflections below the diagonal, and signs on it."""
    raw, tau = _raw_qr(q.detach().array)
    i = np.arange(raw.shape[-1])
    raw[..., i, i] = np.sign(raw[..., i, i]) * np.where(tau == 0, -1, 1)
    return constant(raw)


def _raw_qr(array: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """LAPACK's geqrf: reflections below the diagonal and R above, and the factors τ."""
    raw, tau = np.linalg.qr(array, mode="raw")
    return np.swapaxes(raw, -1, -2).astype(array.dtype), tau.astype(array.dtype)


def completed(q: Tensor) -> Tensor:
    """A square orthogonal matrix whose first columns span those of q (..., n, k), and are q where it is orthogonal."""
    n, k = q.shape[-2:]
    if n == k and is_orthogonal(q):
        return q.detach().clone()
    whole = q if n == k else cat([q, randn(*q.shape[:-1], n - k, dtype=q.dtype)], -1)
    orthonormal, r = linalg.qr(whole.detach())
    return orthonormal * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def is_orthogonal(q: Tensor) -> bool:
    n, k = q.shape[-2:]
    error = q.detach().mH @ q.detach() - eye(k, dtype=q.dtype)
    return bool((error.abs() <= 10 * n * finfo(q.dtype).eps).all())


def minus_identity(q: Tensor) -> Tensor:
    """-1 on the diagonal, which all three maps send to the identity."""
    made = zeros_like(q)
    made.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
    return made
