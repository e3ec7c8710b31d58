"""Matrices as products of simpler ones: Cholesky, QR, singular values, eigenvalues. The last two axes are the matrix.

A loss may depend only on what a decomposition determines: where vectors belong to equal values, or where their phase
matters, there is no derivative, and the rules raise rather than return a number.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..errors import LinAlgError
from ..labels import named
from ..primitive import primitive
from .complex import imag, real
from .linalg import bar, mH
from .reduce import sum
from .shape import diagonal, diagonal_embed, expand_dims, mT, squeeze
from .solving import converged, failed, finite_svd, inv, singular


def diag(x):
    """Square matrices with these diagonals."""
    return diagonal_embed(x, shape=(*x.shape, x.shape[-1]), axes=(-2, -1))


def rows(x):
    return expand_dims(x, axis=-2)


def columns(x):
    return expand_dims(x, axis=-1)


@primitive(
    lambda g, real: to_triangle(g, real=real), promotes="no", holomorphic=False, meaning="with the upper triangle below the diagonal, too"
)
def mirrored(x, *, real=True):
    """The Hermitian matrix of which x is the upper triangle: the other is not read. `real` False conjugates the diagonal instead."""
    upper = np.triu(x, 1)
    return upper + upper.conj().swapaxes(-1, -2) + diagonal_part(x, real)


@primitive(lambda g, real: mirrored(g, real=real), promotes="no", holomorphic=False, meaning="the lower triangle added to the upper one")
def to_triangle(x, *, real=True):
    """Both triangles summed, the lower one conjugated, in the upper one; the diagonal's real part, or its conjugate, on it."""
    return np.triu(x + x.conj().swapaxes(-1, -2), 1) + diagonal_part(x, real)


def diagonal_part(x, real):
    return (x.real if real else x.conj()) * np.eye(x.shape[-1], dtype=x.real.dtype)


# ---------------------------------------------------------------------- Cholesky, QR


@primitive(
    lambda g, out: inv(mH(out), of="cholesky") @ mirrored(mH(g) @ out, real=False) @ inv(out, of="cholesky") * 0.5,
    promotes="no",
    holomorphic=False,
)
def cholesky(a, *, upper=False):
    """The lower triangular L with positive diagonal of a = L Lᴴ; `upper` says which triangle of a is read.

    Rule: Murray 2016, equation 10.
    """
    a = a.conj().swapaxes(-1, -2) if upper else a
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        order = indefinite(a)
        first = order.flat[np.flatnonzero(order)[0]]
        raise failed("cholesky", f"not positive-definite: its leading minor of order {first} is not positive", order > 0) from None


def indefinite(a):
    """For each matrix the order of the first leading minor that is not positive, 0 if all are."""

    def fails(m):
        try:
            return not np.isfinite(np.linalg.cholesky(m)).all()
        except np.linalg.LinAlgError:
            return True

    n = a.shape[-1]
    if not fails(a):
        return np.zeros(a.shape[:-2], int)
    order = [next((k for k in range(1, n + 1) if fails(m[:k, :k])), 0) if fails(m) else 0 for m in a.reshape(prod(a.shape[:-2]), n, n)]
    return np.array(order).reshape(a.shape[:-2])


@primitive(
    lambda g, out: (g[0] + out[0] @ mirrored(g[1] @ mH(out[1]) - mH(out[0]) @ g[0])) @ inv(mH(out[1]), of="qr"),
    results=("Q", "R"),
    promotes="no",
    holomorphic=False,
)
def qr(a):
    """a = Q R, for at least as many rows as columns: Q's columns are orthonormal. Rule: Walter and Lehmann 2013."""
    return tuple(np.linalg.qr(a))


@primitive(
    lambda g, mode: undefined(QR_UNDEFINED[mode]),
    results=("Q", "R"),
    promotes="no",
)
def qr_without_rule(a, *, mode):
    """QR in those modes whose factors are not differentiable."""
    if mode == "complete":
        return tuple(np.linalg.qr(a, mode))
    return np.zeros((0,), a.dtype), np.linalg.qr(a, "r")


QR_UNDEFINED = {
    "complete": "qr: mode='complete' has no derivative for more rows than columns: the columns of Q beyond those are arbitrary",
    "r": "qr: mode='r' has no derivative, for that needs Q; use mode='reduced'",
}


def undefined(why):
    """No gradient: a rule that raises."""
    raise RuntimeError(why)


# ---------------------------------------------------------------------- what a derivative needs to exist


def near(values, distance):
    """The pairs of different values (..., n, n) that are no further apart than rounding may have moved them."""
    gaps = np.abs(values[..., None, :] - values[..., :, None])
    return (gaps <= distance) & ~np.eye(values.shape[-1], dtype=bool)


def rounding(values, norm=None):
    norm = np.abs(values).max(-1, initial=0) if norm is None else norm
    return (10 * values.shape[-1] * np.finfo(values.dtype).eps * norm)[..., None, None]


@primitive(lambda g, values, of, rows: of_distinct(g, values, of=of, rows=rows), None, view=True, promotes="no")
def determined(v, values, *, of, rows=False):
    """The vectors v (columns, or `rows`) that belong to the values, as they are.

    Only a loss that depends on vectors has a gradient here; its rule refuses those of equal values, which are arbitrary.
    """
    return v[:]


@primitive(lambda g, values, of, rows: of_distinct(g, values, of=of, rows=rows), None, promotes="no")
def of_distinct(g, values, *, of, rows=False):
    """The gradient by vectors, after a check that those that the loss uses belong to values that differ.

    Zeros are the gradient by vectors that the loss does not use, unless two values are equal to the last bit: then zeros may come from
    a function of the values that has a zero there.
    """
    tied = near(values, rounding(values))
    if tied.any():
        used = g.any(-1 if rows else -2)[..., : values.shape[-1]]
        exact = values[..., None, :] == values[..., :, None]
        bad = (tied & (used[..., None, :] | used[..., :, None] | exact)).any((-2, -1))
        if bad.any():
            raise equal_values(of, bad)
    return g


def equal_values(of, bad):
    what = "singular values" if of == "svd" else "eigenvalues"
    why = f"without a derivative by this loss: it has equal {what}, whose vectors are arbitrary; use the {what} only, or other vectors"
    return failed(of, why, bad)


@primitive(lambda g: g, promotes="no")
def phase_free(x, *, of):
    """x, the gradient in terms of the vectors, after a check that it does not depend on their phases."""
    if x.dtype.kind == "c" and x.size:
        turning = np.abs(np.diagonal(x, axis1=-2, axis2=-1).imag)
        allowed = np.finfo(x.dtype).eps ** 0.5 * (1 + 10 * np.sqrt((np.abs(x) ** 2).sum((-2, -1)))[..., None])
        if (turning > allowed).any():
            raise LinAlgError(
                f"{of}: the loss depends on the phase of complex vectors, which is arbitrary, so it has no derivative; "
                "let it depend on, e.g., their absolute values or on v vᴴ"
            )
    return x


@primitive(
    lambda g, values, of, squared: over_gaps(g, values, of=of, squared=squared),
    lambda g, values, out, of, squared: by_values(over_gaps(g * out, values, of=of, squared=squared), values, squared),
    promotes="no",
    meaning="entry i, j over value j − value i; 0 on the diagonal",
)
def over_gaps(x, values, *, of, squared=False):
    """x[i, j] / (values[j] - values[i]), of their squares if `squared`; zero on the diagonal.

    For equal values x must be zero, and so is the result. Raises LinAlgError where it is not.
    """
    gaps = values[..., None, :] - values[..., :, None]
    tied = near(values, rounding(values))
    if (bad := tied & (x != 0)).any():
        raise equal_values(of, bad.any((-2, -1)))
    if squared:
        gaps = gaps * (values[..., None, :] + values[..., :, None])
    left_out = tied | np.eye(values.shape[-1], dtype=bool)
    return (np.where(left_out, 0, x) / np.where(left_out, 1, gaps)).astype(x.dtype, copy=False)


def by_values(h, values, squared):
    """The gradient by the values of Σ h (values[i] - values[j]), or of their squares."""
    h = named("h", h)
    part = sum(h, axis=-1) - sum(mT(h), axis=-1)
    return part * values * 2 if squared else part


@primitive(
    lambda g, values: over_values(g, values),
    lambda g, values, out: -sum(over_values(g * out, values), axis=-2),
    promotes="no",
    meaning="each column over its value",
)
def over_values(x, values):
    """The columns of x divided by the values. For a value of zero the column must be zero; raises LinAlgError where it is not."""
    zero = np.abs(values) <= rounding(values)[..., 0]
    if (bad := zero[..., None, :] & (x != 0)).any():
        raise failed(
            "svd", "without a derivative by this loss: it uses a vector that belongs to a singular value of zero", bad.any((-2, -1))
        )
    return (x / np.where(zero, 1, values)[..., None, :]).astype(x.dtype, copy=False)


# ---------------------------------------------------------------------- singular values


@primitive(lambda g, shape: pad_columns(g, width=shape[-1]), promotes="no")
def first_columns(x, *, count, of="svd"):
    """The gradient by the first columns, after a check that the loss does not depend on the others."""
    if x[..., count:].any():
        raise RuntimeError(f"{of}: with full_matrices=True the loss may not depend on vectors beyond the first {count}: they are arbitrary")
    return x[..., :count]


@primitive(lambda g, shape: first_of(g, count=shape[-1]), promotes="no", meaning="with columns of zeros added")
def pad_columns(x, *, width):
    return np.concatenate([x, np.zeros((*x.shape[:-1], width - x.shape[-1]), x.dtype)], -1)


@primitive(lambda g, shape: pad_columns(g, width=shape[-1]), promotes="no", meaning="the first columns")
def first_of(x, *, count):
    return x[..., :count]


def svd_back(g, out):
    """Townsend 2016 (equations 11 to 18), with Wan and Zhang's term for complex numbers (2019)."""
    (gu, gs, gvh), (u, s, vh) = g, out
    k = s.shape[-1]
    gv, v = mH(gvh), mH(vh)
    if u.shape[-1] > k:
        u, gu = first_of(u, count=k), first_columns(gu, count=k)
    if vh.shape[-2] > k:
        v, gv = first_of(v, count=k), first_columns(gv, count=k)
    u, v = determined(u, s, of="svd"), determined(v, s, of="svd")
    x, y = named("X", mH(u) @ gu), named("Y", mH(v) @ gv)
    inner = over_gaps((x - mH(x)) * rows(s) + columns(s) * (y - mH(y)), s, of="svd", squared=True) + diag(gs)
    if out[0].dtype.kind == "c":
        phase = diagonal(phase_free(x + y, of="svd") - y, axes=(-2, -1))
        inner = inner + diag(squeeze(over_values(rows(imag(phase)), s), axis=-2)) * 1j
    whole = u @ named("M", inner) @ mH(v)
    if out[0].shape[-2] > k:
        whole = whole + over_values(gu - u @ x, s) @ mH(v)
    if out[2].shape[-1] > k:
        whole = whole + u @ mH(over_values(gv - v @ y, s))
    return whole


@primitive(lambda g, out: svd_back(g, out), results=("U", "S", "Vh"), promotes="no", holomorphic=False)
def svd(a, *, full_matrices=False):
    """a = U diag(S) Vh: the columns of U and the rows of Vh are orthonormal, S from the largest on."""
    return tuple(finite_svd("svd", a, full_matrices=full_matrices))


# ---------------------------------------------------------------------- eigenvalues


def eigh_back(g, out):
    """Giles 2008, section 3.1; of that gradient the Hermitian part, for a step along the other leads out of the Hermitian matrices."""
    values, v = out
    v = determined(v, values, of="eigh")
    x = named("X", over_gaps(phase_free(mH(v) @ g[1], of="eigh"), values, of="eigh"))
    return v @ named("M", diag(g[0]) + (x + mH(x)) * 0.5) @ mH(v)


@primitive(lambda g, out: eigh_back(g, out), results=("eigenvalues", "eigenvectors"), promotes="no", holomorphic=False)
def eigh(a, *, lower=True):
    """The eigenvalues, in ascending order, and orthonormal eigenvectors of Hermitian matrices, of which one triangle is read."""
    return tuple(converged("eigh", np.linalg.eigh, a, "L" if lower else "U"))


@primitive(lambda g, out: -(mT(out) @ g @ mT(out)), None, None, promotes="no", name="inv")
def inverse_of_eigenvectors(v, values, a):
    """v⁻¹, after a check that there is a full set of eigenvectors, not only up to rounding."""
    eps = np.finfo(v.dtype).eps
    lost = singular(v)
    inverse = np.linalg.inv(np.where(lost[..., None, None], np.eye(v.shape[-1], dtype=v.dtype), v))
    with np.errstate(over="ignore"):
        condition = np.sqrt((np.abs(inverse) ** 2).sum(-1))  # of each eigenvalue: Golub and Van Loan, section 7.2.2
    worst = np.maximum(condition[..., None, :], condition[..., :, None])
    norm = np.sqrt((np.abs(a) ** 2).sum((-2, -1)))[..., None, None]
    blurred = near(values, 10 * eps * norm * worst) & (worst > 100)
    lost = lost | (condition > 0.1 / eps).any(-1) | blurred.any((-2, -1))
    if lost.any():
        raise failed("eig", "not diagonalizable (to rounding), so its eigenvalues and eigenvectors have no derivative", lost)
    return inverse


def eig_back(g, a, out):
    """Boeddeker et al. 2017, equation 4.77, for eigenvectors of length one."""
    values, v = out
    v = determined(v, values, of="eig")
    inverse = inverse_of_eigenvectors(v, values, a)
    x = named("X", phase_free(mH(v) @ g[1], of="eig"))
    inner = x - mH(v) @ (v * rows(real(diagonal(x, axes=(-2, -1)))))
    return mH(inverse) @ named("M", diag(g[0]) + over_gaps(inner, bar(values), of="eig")) @ mH(v)


@primitive(lambda g, a, out: eig_back(g, a, out), results=("eigenvalues", "eigenvectors"), promotes="no", holomorphic=False)
def eig(a):
    """The eigenvalues and eigenvectors (columns of length one) of square matrices, always complex."""
    values, vectors = converged("eig", np.linalg.eig, a)
    kind = np.result_type(a.dtype, np.complex64)
    return values.astype(kind, copy=False), vectors.astype(kind, copy=False)


# ---------------------------------------------------------------------- values alone, where no gradient is wanted: several times as fast


@primitive(None, promotes="no")
def singular_values(a):
    """The singular values alone; svd has their gradient."""
    if not a.size:
        return np.zeros((*a.shape[:-2], min(a.shape[-2:])), a.real.dtype)
    return finite_svd("svdvals", a, compute_uv=False)


@primitive(None, promotes="no")
def hermitian_eigenvalues(a, *, lower=True):
    """The eigenvalues alone; eigh has their gradient."""
    return converged("eigvalsh", np.linalg.eigvalsh, a, "L" if lower else "U")


@primitive(None, promotes="no")
def eigenvalues(a):
    """The eigenvalues alone; eig has their gradient."""
    return converged("eigvals", np.linalg.eigvals, a).astype(np.result_type(a.dtype, np.complex64), copy=False)
