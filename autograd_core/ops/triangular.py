"""Triangular matrices: equations with them, and every matrix as a product of two. In NumPy alone, which has neither."""

from __future__ import annotations

from math import prod

import numpy as np

from ..labels import named
from ..primitive import primitive
from .shape import concat, crop, mT, tril, triu
from .solving import inv


def kept_triangle(x, upper, unit):
    """The entries that a triangular matrix's solution depends on."""
    return triu(x, diagonal=int(unit)) if upper else tril(x, diagonal=-int(unit))


@primitive(
    lambda g, a, out, upper, unit: kept_triangle(-(solve_triangular(mT(a), g, upper=not upper, unit=unit) @ mT(out)), upper, unit),
    lambda g, a, upper, unit: solve_triangular(mT(a), g, upper=not upper, unit=unit),
)
def solve_triangular(a, b, *, upper, unit=False):
    """The x of a @ x = b with a triangular, by halves: first one half of x, then the other from what is left of b.

    `unit` takes the diagonal for ones. The other triangle is not read. A zero on the diagonal gives infinities, as in PyTorch.
    """
    n = a.shape[-1]
    if n < 2:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return b / a if n and not unit else np.array(np.broadcast_to(b, lead + b.shape[-2:]))
    h = n // 2
    near, far = (slice(h, n), slice(h)) if upper else (slice(h), slice(h, n))
    first = solve_triangular(a[..., near, near], b[..., near, :], upper=upper, unit=unit)
    rest = b[..., far, :] - a[..., far, near] @ first
    second = solve_triangular(a[..., far, far], rest, upper=upper, unit=unit)
    return np.concatenate([second, first] if upper else [first, second], -2)


# ---------------------------------------------------------------------- triangular factors


def unit_lower(lu, k):
    """The first k columns below the diagonal, ones on it."""
    return tril(crop(lu, axis=-1, start=0, length=k), diagonal=-1) + np.eye(lu.shape[-2], k, dtype=lu.dtype)


def upper_part(lu, k):
    return triu(crop(lu, axis=-2, start=0, length=k), diagonal=0)


def lu_back(g, out):
    """With a = P L U in blocks [L₁; L₂] [U₁ U₂], square the first ones, of which one second one is empty."""
    lu, pivots = out
    m, n = lu.shape[-2:]
    k = min(m, n)
    corner, g1 = (crop(crop(x, axis=-2, start=0, length=k), axis=-1, start=0, length=k) for x in (lu, g))
    l1 = mT(named("L", tril(corner, diagonal=-1) + np.eye(k, dtype=lu.dtype), "the square block of L"))
    u1 = mT(named("U", triu(corner, diagonal=0), "the square block of U"))
    g1 = named("G", g1, "the same block of the gradient")
    l_inv, u_inv = inv(l1, of="lu"), inv(u1, of="lu")
    gl, gu = l1 @ tril(g1, diagonal=-1), triu(g1, diagonal=0) @ u1
    if m > n:
        below, g_below = (crop(x, axis=-2, start=k, length=m - k) for x in (lu, g))
        rest = g_below @ u_inv
        gu = gu - mT(below) @ g_below
    if n > m:
        beside, g_beside = (crop(x, axis=-1, start=k, length=n - k) for x in (lu, g))
        rest = l_inv @ g_beside
        gl = gl - g_beside @ mT(beside)
    part = l_inv @ named("M", tril(gl, diagonal=-1) + triu(gu, diagonal=0)) @ u_inv
    if m != n:
        part = concat(part, rest, axis=-2 if m > n else -1)
    return permuted_back(part, pivots)


@primitive(lambda g, out: lu_back(g[0], out), results=("LU", "pivots"), promotes="no")
def lu_factor(a):
    """Gauss's elimination with the largest pivot of each column: L (below the diagonal, without its ones) and U in one matrix.

    Row k was swapped with row pivots[k] (from 1 on). Panels of columns are eliminated one by one, the rest of the matrix by
    products; a whole batch at a time.
    """
    m, n = a.shape[-2:]
    lu = np.array(a, order="C").reshape(prod(a.shape[:-2]), m, n)
    k = min(m, n)
    pivots = np.zeros((len(lu), k), np.int32)
    every = np.arange(len(lu))
    for start in range(0, k, PANEL):
        stop = min(start + PANEL, k)
        for j in range(start, stop):
            row = j + pivot_size(lu[:, j:, j]).argmax(-1)
            pivots[:, j] = row + 1
            here = lu[:, j, :].copy()
            lu[:, j, :] = lu[every, row, :]
            lu[every, row, :] = here
            pivot = lu[:, j, j, None]
            lu[:, j + 1 :, j] /= np.where(pivot == 0, 1, pivot)
            lu[:, j + 1 :, j + 1 : stop] -= lu[:, j + 1 :, j, None] * lu[:, j, None, j + 1 : stop]
        if stop < n:
            lu[:, start:stop, stop:] = solve_triangular(lu[:, start:stop, start:stop], lu[:, start:stop, stop:], upper=False, unit=True)
            lu[:, stop:, stop:] -= lu[:, stop:, start:stop] @ lu[:, start:stop, stop:]
    return lu.reshape(a.shape), pivots.reshape(*a.shape[:-2], k)


PANEL = 32


def pivot_size(x):
    """LAPACK's measure of complex numbers, so that the same rows are chosen."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


def permutation(pivots, m):
    """Which row of a is row i of L U, from the swaps."""
    flat = pivots.reshape(prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.tile(np.arange(m), (len(flat), 1))
    every = np.arange(len(flat))
    for k in range(flat.shape[1]):
        other = flat[:, k] - 1
        here = order[:, k].copy()
        order[:, k] = order[every, other]
        order[every, other] = here
    return order.reshape(*pivots.shape[:-1], m)


@primitive(None, promotes="no")
def permutation_matrix(pivots, *, rows, dtype):
    """P of a = P L U."""
    P = np.zeros((*pivots.shape[:-1], rows, rows), dtype)
    np.put_along_axis(P, permutation(pivots, rows)[..., None, :], 1, -2)
    return P


@primitive(lambda g, pivots: permuted(g, pivots), None, promotes="no")
def permuted_back(x, pivots):
    """P @ x, for the permutation of a = P L U."""
    return np.take_along_axis(x, np.argsort(permutation(pivots, x.shape[-2]), -1)[..., None], -2)


@primitive(lambda g, pivots: permuted_back(g, pivots), None, promotes="no")
def permuted(x, pivots):
    """Pᵀ @ x, for the permutation of a = P L U."""
    return np.take_along_axis(x, permutation(pivots, x.shape[-2])[..., None], -2)
