"""Rows of inverses, determinants, equations and decompositions."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.ops import decompositions, solving, triangular
from autograd_core.ops.shape import concat, mT
from tests.rows.base import NO_HALF, Row

rows: list[Row] = []


def well(*shape: int, seed: int = 0, size: float = 0.4):
    """Well-conditioned matrices: not far from the identity."""
    noise = np.random.default_rng(seed).uniform(-1, 1, shape) * size
    return lambda rng: (noise + np.eye(*shape[-2:]) * 2,)


def plain(*shape: int, seed: int = 0):
    return lambda rng: (np.random.default_rng(seed).uniform(-1, 1, shape),)


def pair(one, other):
    return lambda rng: one(rng) + other(rng)


def apart_by_size(m: int, n: int):
    """Matrices whose singular values are far from each other and from zero."""
    rng = np.random.default_rng(3)
    u, v = np.linalg.qr(rng.normal(size=(m, m)))[0], np.linalg.qr(rng.normal(size=(n, n)))[0]
    k = min(m, n)
    return lambda _: (u[:, :k] * (1.0 + np.arange(k)) @ v[:k],)


def symmetric(a):
    return a + mT(a)


def np_symmetric(a):
    return a + a.swapaxes(-1, -2)


def rows_of(*parts):
    return concat(*parts, axis=-2)


def np_rows_of(*parts):
    return np.concatenate(parts, -2)


def definite(a):
    return a @ mT(a)


def packed_lu(a):
    """For matrices that need no pivoting."""
    a = np.array(a)
    for k in range(min(a.shape[-2:])):
        a[..., k + 1 :, k] /= a[..., k, None, k]
        a[..., k + 1 :, k + 1 :] -= a[..., k + 1 :, k, None] * a[..., None, k, k + 1 :]
    return a


def np_expm(a):
    """By its power series."""
    term = out = np.broadcast_to(np.eye(a.shape[-1]), a.shape)
    for k in range(1, 60):
        term = term @ a / k
        out = out + term
    return out


PIVOTS = np.array([[2, 3, 3], [1, 2, 3]], np.int32)

rows += [
    Row("solving.inv", lambda a: solving.inv(a), well(2, 3, 3), np.linalg.inv, lambda torch, a: torch.linalg.inv(a), floats=NO_HALF),
    Row(
        "solving.solve",
        lambda a, b: solving.solve(a, b),
        pair(well(2, 3, 3), plain(3, 2)),
        np.linalg.solve,
        lambda torch, a, b: torch.linalg.solve(a, b),
        floats=NO_HALF,
    ),
    *[
        Row(
            f"triangular.solve_triangular {upper} {unit}",
            lambda a, b, upper=upper, unit=unit: triangular.solve_triangular(a, b, upper=upper, unit=unit),
            pair(well(2, 3, 3), plain(3, 2)),
            lambda a, b, upper=upper, unit=unit: np.linalg.solve(
                (np.triu if upper else np.tril)(a, 1 if upper and unit else -1 if unit else 0) + unit * np.eye(3), b
            ),
            lambda torch, a, b, upper=upper, unit=unit: torch.linalg.solve_triangular(a, b, upper=upper, unitriangular=unit),
            floats=NO_HALF,
        )
        for upper in (True, False)
        for unit in (True, False)
    ],
    *[
        Row(
            f"solving.pinv {m}x{n}",
            lambda a: solving.pinv(a, atol=0.0, rtol=1e-6),
            apart_by_size(m, n),
            np.linalg.pinv,
            lambda torch, a: torch.linalg.pinv(a),
            floats=NO_HALF,
        )
        for m, n in ((4, 3), (3, 4), (3, 3))
    ],
    Row("solving.det", lambda a: solving.det(a), well(2, 3, 3), np.linalg.det, lambda torch, a: torch.linalg.det(a), floats=NO_HALF),
    Row(
        "solving.regular_det", lambda a: solving.regular_det(a), well(2, 3, 3), np.linalg.det, lambda torch, a: torch.det(a), floats=NO_HALF
    ),
    Row(
        "solving.slogdet",
        lambda a: solving.slogdet(a)[1],
        well(2, 3, 3),
        lambda a: np.linalg.slogdet(a)[1],
        lambda torch, a: torch.slogdet(a)[1],
        floats=NO_HALF,
    ),
    *[
        Row(
            f"triangular.lu_factor {m}x{n}",
            lambda a: triangular.lu_factor(a)[0],
            well(2, m, n),
            packed_lu,
            lambda torch, a: torch.linalg.lu_factor(a)[0],
            floats=NO_HALF,
        )
        for m, n in ((3, 3), (4, 2), (2, 4))
    ],
    Row(
        "triangular.permuted",
        lambda x: triangular.permuted(x, ag.tensor(PIVOTS) if isinstance(x, ag.Tensor) else PIVOTS),
        plain(2, 3, 2),
        lambda x: np.stack([x[0][[1, 2, 0]], x[1]]),
    ),
    Row(
        "triangular.permuted_back",
        lambda x: triangular.permuted_back(x, ag.tensor(PIVOTS) if isinstance(x, ag.Tensor) else PIVOTS),
        plain(2, 3, 2),
        lambda x: np.stack([x[0][[2, 0, 1]], x[1]]),
    ),
    Row(
        "solving.matrix_exp",
        lambda a: solving.matrix_exp(a),
        plain(2, 3, 3),
        np_expm,
        lambda torch, a: torch.linalg.matrix_exp(a),
        floats=NO_HALF,
    ),
    Row(
        "decompositions.cholesky",
        lambda a: decompositions.cholesky(definite(a)),
        well(2, 3, 3),
        lambda a: np.linalg.cholesky(a @ a.swapaxes(-1, -2)),
        lambda torch, a: torch.linalg.cholesky(a @ a.mT),
        floats=NO_HALF,
    ),
    Row(
        "decompositions.qr",
        lambda a: rows_of(*decompositions.qr(a)),
        well(2, 4, 3),
        lambda a: np_rows_of(*np.linalg.qr(a)),
        lambda torch, a: torch.cat(torch.linalg.qr(a), -2),
        floats=NO_HALF,
    ),
    Row(
        "decompositions.qr_without_rule",
        lambda a: decompositions.qr_without_rule(a.detach(), mode="r")[1],
        well(2, 4, 3),
        lambda a: np.linalg.qr(a, "r"),
        lambda torch, a: torch.linalg.qr(a, mode="r")[1].detach(),
        orders=0,
        floats=NO_HALF,
    ),
    *[
        Row(
            f"decompositions.svd {m}x{n}",
            lambda a, m=m, n=n: svd_sizes(*decompositions.svd(a)),
            apart_by_size(m, n),
            lambda a: svd_sizes(*np.linalg.svd(a, full_matrices=False)),
            lambda torch, a: svd_sizes(*torch.linalg.svd(a, full_matrices=False)),
            floats=NO_HALF,
        )
        for m, n in ((3, 3), (4, 2), (2, 4))
    ],
    Row(
        "decompositions.eigh",
        lambda a: eigh_sizes(*decompositions.eigh(symmetric(a))),
        apart_by_size(3, 3),
        lambda a: eigh_sizes(*np.linalg.eigh(np_symmetric(a))),
        lambda torch, a: eigh_sizes(*torch.linalg.eigh(a + a.mT)),
        floats=NO_HALF,
    ),
    Row(
        "decompositions.eig",
        lambda a: eig_sizes(ag, *decompositions.eig(a)),
        lambda rng: (np.array([[1.0, 0.3, 0.2], [-0.1, 3.0, 0.4], [0.2, -0.3, 6.0]]),),
        lambda a: eig_sizes(np, *np.linalg.eig(a)),
        lambda torch, a: eig_sizes(torch, *torch.linalg.eig(a)),
        floats=("float64",),
    ),
]


def svd_sizes(u, s, vh):
    return (u * u) @ (vh * vh) + (s**3).sum()


def eigh_sizes(values, v):
    return (v * v) * (values**2)


def eig_sizes(library, values, v):
    return abs(v) ** 2 * (values**2).real


# ---------------------------------------------------------------------- what those rules are made of

VALUES = np.array([[1.0, 2.5, -0.7], [0.4, -1.1, 3.0]])


def np_over_gaps(x, values):
    gaps = values[..., None, :] - values[..., :, None]
    return x / (gaps + np.eye(3)) * (1 - np.eye(3))


rows += [
    Row(
        "decompositions.mirrored",
        lambda x: decompositions.mirrored(x),
        plain(2, 3, 3),
        lambda x: np.triu(x) + np.triu(x, 1).swapaxes(-1, -2),
    ),
    Row(
        "decompositions.to_triangle",
        lambda x: decompositions.to_triangle(x),
        plain(2, 3, 3),
        lambda x: np.triu(x) + np.triu(x.swapaxes(-1, -2), 1),
    ),
    Row("decompositions.phase_free", lambda x: decompositions.phase_free(x, of="eigh") * 1, plain(2, 3, 3), lambda x: x),
    Row(
        "decompositions.of_distinct",
        lambda x: decompositions.of_distinct(x, ag.tensor(VALUES), of="eigh") * 1,
        plain(2, 3, 3),
        lambda x: x,
    ),
    Row(
        "decompositions.determined",
        lambda x: decompositions.determined(x, ag.tensor(VALUES), of="eigh") * 1,
        plain(2, 3, 3),
        lambda x: x,
    ),
    Row(
        "decompositions.over_gaps",
        lambda x, v: decompositions.over_gaps(x, v, of="eigh"),
        lambda rng: (np.random.default_rng(0).uniform(-1, 1, (2, 3, 3)), VALUES),
        np_over_gaps,
        floats=NO_HALF,
    ),
    Row(
        "decompositions.over_gaps squared",
        lambda x, v: decompositions.over_gaps(x, v, of="svd", squared=True),
        lambda rng: (np.random.default_rng(0).uniform(-1, 1, (2, 3, 3)), VALUES),
        lambda x, v: np_over_gaps(x, v * v),
        floats=NO_HALF,
    ),
    Row(
        "decompositions.over_values",
        lambda x, v: decompositions.over_values(x, v),
        lambda rng: (np.random.default_rng(0).uniform(-1, 1, (2, 4, 3)), VALUES),
        lambda x, v: x / v[:, None],
        floats=NO_HALF,
    ),
    Row(
        "decompositions.first_columns",
        lambda x: decompositions.first_columns(decompositions.pad_columns(x, width=5), count=3),
        plain(2, 3, 3),
        lambda x: x,
    ),
    Row("decompositions.first_of", lambda x: decompositions.first_of(x, count=2) * 1, plain(2, 3, 3), lambda x: x[..., :2]),
    Row(
        "decompositions.pad_columns",
        lambda x: decompositions.pad_columns(x, width=4),
        plain(2, 3, 3),
        lambda x: np.pad(x, ((0, 0), (0, 0), (0, 1))),
    ),
    Row(
        "decompositions.inverse_of_eigenvectors",
        lambda v: decompositions.inverse_of_eigenvectors(v, ag.tensor(np.array([1.0, 2, 3])), ag.tensor(np.diag([1.0, 2, 3]))),
        well(3, 3),
        np.linalg.inv,
        floats=("float64",),
    ),
]

rows += [
    Row(
        "decompositions.singular_values",
        decompositions.singular_values,
        plain(2, 3, 4),
        lambda a: np.linalg.svd(a, compute_uv=False),
        lambda torch, a: torch.linalg.svdvals(a).detach(),
        orders=0,
        floats=NO_HALF,
    ),
    Row(
        "decompositions.hermitian_eigenvalues",
        decompositions.hermitian_eigenvalues,
        plain(2, 3, 3),
        np.linalg.eigvalsh,
        lambda torch, a: torch.linalg.eigvalsh(a).detach(),
        orders=0,
        floats=NO_HALF,
    ),
    Row(
        "decompositions.eigenvalues",
        decompositions.eigenvalues,
        plain(3, 3),
        lambda a: np.linalg.eigvals(a).astype(complex),
        orders=0,
        floats=("float64",),
    ),
    Row(
        "triangular.permutation_matrix",
        lambda x: triangular.permutation_matrix(ag.tensor(PIVOTS), rows=3, dtype=x.dtype),
        plain(1),
        lambda x: np.stack([np.eye(3)[:, [1, 2, 0]], np.eye(3)]),
        orders=0,
    ),
]
