"""Inverses, equations, determinants, and what is made of them. Matrices are the last two axes; the others are a batch."""

from __future__ import annotations

from math import factorial

import numpy as np

from ..errors import LinAlgError
from ..labels import named
from ..primitive import fused, primitive
from ..tensor import Tensor
from .complex import imag
from .elementwise import zeros_like
from .linalg import bar, matrix_product, mH
from .reduce import sum
from .shape import concat, crop, diagonal, expand_dims, mT, reshape

# ---------------------------------------------------------------------- inverses and equations


@primitive(lambda g, out: -(mT(out) @ g @ mT(out)), promotes="no")
def inv(a, *, of="inv"):
    """The inverse; `of` names the operation that needs it, for the error."""
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        raise failed(of, "singular, it has no inverse", singular(a)) from None


@primitive(lambda g, a, out, of: -(solve(mT(a), g, of=of) @ mT(out)), lambda g, a, of: solve(mT(a), g, of=of))
def solve(a, b, *, of="solve"):
    """The x of a @ x = b, for matrices b."""
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        raise failed(of, "singular: there is no solution, or more than one", singular(a)) from None


def singular(a):
    return np.linalg.slogdet(a).sign == 0


def failed(name, what, bad):
    """The error for a batch of matrices of which some are bad: it says which is the first."""
    bad = np.asarray(bad)
    first = tuple(int(k) for k in np.argwhere(bad)[0])
    which = f"matrix {first if len(first) > 1 else first[0]} of the batch {bad.shape}" if bad.ndim else "the matrix"
    return LinAlgError(f"{name}: {which} is {what}")


def converged(name, function, *given, **settings):
    """NumPy's iteration on matrices, with its error, for NaN and infinities mostly, as ours."""
    try:
        return function(*given, **settings)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"{name}: {error}; are there NaN or infinities in the matrices?") from None


def finite_svd(name, a, **settings):
    """NumPy's singular value decomposition, after a check: with an infinity in the matrix LAPACK's iteration may never end."""
    finite = np.isfinite(a)
    if not finite.all():
        raise failed(name, "not finite: it has NaN or infinities among its entries", ~finite.all((-2, -1)))
    return converged(name, np.linalg.svd, a, **settings)


@primitive(
    lambda g, a, out: (
        -(mH(out) @ g @ mH(out))
        + named("r", away(mH(g), a, out)) @ (out @ mH(out))
        + (mH(out) @ out) @ named("s", away_right(mH(g), a, out))
    ),
    promotes="no",
    holomorphic=False,
)
def pinv(a, *, atol, rtol, hermitian=False):
    """The pseudoinverse: singular values up to max(atol, rtol · the largest) count as zero.

    Its derivative holds as long as the rank does not change: Golub and Pereyra 1973, equation 4.12.
    """
    if not a.size:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    if hermitian:
        values, v = converged("pinv", np.linalg.eigh, a)
        inverse, u = reciprocals(values, atol, rtol), v
    else:
        u, values, vh = finite_svd("pinv", a, full_matrices=False)
        inverse, v = reciprocals(values, atol, rtol), vh.conj().swapaxes(-1, -2)
    return (v * inverse[..., None, :]) @ u.conj().swapaxes(-1, -2)


def away(h, a, out):
    """h - a a⁺ h: what lies outside the range of a."""
    return h - a @ (out @ h)


def away_right(h, a, out):
    return h - (h @ out) @ a


def reciprocals(values, atol, rtol):
    size = np.abs(values)
    counts = size > np.maximum(atol, rtol * size.max(-1))[..., None]
    return np.where(counts, 1 / np.where(counts, values, 1), 0).astype(values.dtype)


# ---------------------------------------------------------------------- determinants


def det_back(g, a, out):
    """g times the cofactors' conjugates: det(a) a⁻ᴴ where that is exact, from the singular values where a is nearly singular."""
    fine, inverse = regular(a)
    part = np.conj(out)[..., None, None] * np.conj(inverse.swapaxes(-1, -2))
    if not fine.all():
        part = np.array(part)
        part[~fine] = conjugate_cofactors(a[~fine])
    return ((np.asarray(g)[..., None, None] * part).astype(a.dtype, copy=False),)


def regular(a):
    """Which matrices are so well-conditioned that half of the digits of products with their inverses hold, and these inverses."""
    fine = np.linalg.slogdet(a).sign != 0
    inverse = np.linalg.inv(np.where(fine[..., None, None], a, np.eye(a.shape[-1], dtype=a.dtype)))
    return fine & (size(a) * size(inverse) < np.finfo(a.dtype).eps ** -0.5), inverse


def size(a):
    """The largest sum of a column's absolute values: a norm."""
    return np.abs(a).sum(-2).max(-1, initial=0)


def conjugate_cofactors(a):
    """Of a = u s vᴴ: det(u)* det(v) u c vᴴ, with c the products of all singular values but one. For any rank."""
    u, s, vh = finite_svd("det", a)
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], -1), -1)
    after = np.cumprod(np.concatenate([ones, s[..., :0:-1]], -1), -1)[..., ::-1]
    turned = np.conj(np.linalg.det(u) * np.linalg.det(vh))
    return turned[..., None, None] * (u * (before * after)[..., None, :]) @ vh


@primitive(lambda g, a, out: expand_dims(g * out, axis=(-2, -1)) * inv(mT(a), of="det"), promotes="no", name="det")
def regular_det(a):
    """The determinant of matrices that are well-conditioned."""
    return np.linalg.det(a)


def det_by_parts(a):
    """The determinant made of operations whose derivatives of all orders hold at singular matrices, too."""
    array = a.array if isinstance(a, Tensor) else a
    fine = regular(array)[0]
    if fine.all():
        return regular_det(a)
    n = array.shape[-1]
    flat = reshape(a, shape=(fine.size, n, n))
    parts = [reshape(regular_det(flat[k]) if f else det_of_singular(flat[k]), shape=(1,)) for k, f in enumerate(fine.ravel())]
    return reshape(concat(*parts), shape=array.shape[:-2])


def det_of_singular(a):
    """det(a) = det(p) det(t - r p⁻¹ q), with blocks of uᴴ a v such that p is well-conditioned; the other determinant is a polynomial.

    u and v are those of the singular value decomposition, taken as constants: what is small of it lies in t.
    """
    u, s, vh = finite_svd("det", a.array if isinstance(a, Tensor) else a)
    k = int(np.count_nonzero(s > s[:1] * np.finfo(s.dtype).eps ** 0.5))
    b = matrix_product(matrix_product(np.ascontiguousarray(u.conj().T), a), np.ascontiguousarray(vh.conj().T))
    p, q, r, t = b[:k, :k], b[:k, k:], b[k:, :k], b[k:, k:]
    turned = (np.linalg.det(u) * np.linalg.det(vh)).item()
    return regular_det(p) * polynomial_det(t - matrix_product(matrix_product(r, inv(p)), q)) * turned


def polynomial_det(a):
    """By Faddeev and LeVerrier's recursion, which divides by whole numbers only."""
    n = a.shape[-1]
    m, c = np.eye(n, dtype=a.dtype), 1.0
    for k in range(1, n + 1):
        product = matrix_product(a, m)
        c = sum(diagonal(product, axes=(-2, -1)), axis=-1) * (-1 / k)
        m = product + expand_dims(c, axis=(-2, -1)) * np.eye(n, dtype=a.dtype)
    return c * (-1) ** n


@fused(
    det_back,
    reference=det_by_parts,
    rules=(lambda g, a, out: expand_dims(g * bar(out), axis=(-2, -1)) * inv(mH(a), of="det"),),
    promotes="no",
    holomorphic=False,
)
def det(a):
    """The determinant. Its derivatives of all orders hold at singular matrices, too."""
    out = np.linalg.det(a)
    return out, (a, out)


@primitive(
    lambda g, a, out: expand_dims(of_size(g[0], g[1], out[0]), axis=(-2, -1)) * inv(mH(a), of="slogdet"),
    results=("sign", "logabsdet"),
    promotes="no",
    holomorphic=False,
)
def slogdet(a):
    """The determinant's sign (a complex number of size 1, or 0) and the logarithm of its absolute value."""
    return tuple(np.linalg.slogdet(a))


def of_size(g_sign, g_log, sign):
    """The gradient by log det: the logarithm's is its real part, that of the sign turns (the sign of real numbers does not move)."""
    return g_log + imag(bar(sign) * g_sign) * 1j if sign.dtype.kind == "c" else g_log


# ---------------------------------------------------------------------- the exponential


def exp_back(g, b):
    """The upper right block of exp [[b, g], [0, b]]: Mathias 1996, theorem 2.1."""
    n = b.shape[-1]
    whole = concat(concat(b, g, axis=-1), concat(zeros_like(b), b, axis=-1), axis=-2)
    return crop(crop(matrix_exp(named("B", whole)), axis=-2, start=0, length=n), axis=-1, start=n, length=n)


@primitive(lambda g, a: exp_back(g, mT(a)), promotes="no")
def matrix_exp(a):
    """Σ aᵏ / k!, by Padé's approximant of order 13, scaling and squaring: Higham 2005, algorithm 2.3."""
    if not a.size:
        return np.zeros_like(a)
    norm = size(a)
    halvings = np.ceil(np.log2(np.where(np.isfinite(norm) & (norm > 0), norm, 1) / 5.37)).clip(0).astype(int)
    x = a / (2.0 ** halvings[..., None, None]).astype(np.finfo(a.dtype).dtype)
    c = [factorial(26 - k) * factorial(13) / (factorial(26) * factorial(13 - k) * factorial(k)) for k in range(14)]
    eye = np.eye(a.shape[-1], dtype=a.dtype)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x2 @ x4
    odd = x @ (x6 @ (c[13] * x6 + c[11] * x4 + c[9] * x2) + c[7] * x6 + c[5] * x4 + c[3] * x2 + c[1] * eye)
    even = x6 @ (c[12] * x6 + c[10] * x4 + c[8] * x2) + c[6] * x6 + c[4] * x4 + c[2] * x2 + c[0] * eye
    out = np.linalg.solve(even - odd, even + odd)
    for k in range(halvings.max()):
        out = np.where((halvings > k)[..., None, None], out @ out, out)
    return out.astype(a.dtype, copy=False)
