"""Rows of the matrix products."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.ops import linalg
from tests.rows.base import NO_HALF, Row, apart, both

rows: list[Row] = []

rows += [
    *[
        Row(
            f"linalg.matrix_product {a}x{b}".replace(", ", ","),
            ag.matmul,
            both(apart(*a), apart(*b, gap=0.2)),
            np.matmul,
            lambda torch, a, b: torch.matmul(a, b),
        )
        for a, b in (
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((2, 2, 3), (3, 2)),
            ((2, 3), (2, 3, 2)),
            ((2, 1, 2, 3), (2, 3, 2)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
        )
    ],
    Row(
        "linalg.linear_rows",
        linalg.linear,
        both(apart(3, 2), apart(4, 2, gap=0.2), apart(4)),
        lambda x, w, b: x @ w.T + b,
        lambda torch, x, w, b: torch.nn.functional.linear(x, w, b),
    ),
    Row(
        "linalg.linear_rows batch",
        linalg.linear,
        both(apart(2, 3, 2), apart(4, 2, gap=0.2), apart(4)),
        lambda x, w, b: x @ w.T + b,
        lambda torch, x, w, b: torch.nn.functional.linear(x, w, b),
    ),
    Row(
        "linalg.linear_rows vector",
        linalg.linear,
        both(apart(2), apart(4, 2, gap=0.2), apart(4)),
        lambda x, w, b: x @ w.T + b,
        lambda torch, x, w, b: torch.nn.functional.linear(x, w, b),
    ),
    Row(
        "linalg.linear_rows_without_bias",
        linalg.linear,
        both(apart(3, 2), apart(4, 2, gap=0.2)),
        lambda x, w: x @ w.T,
        lambda torch, x, w: torch.nn.functional.linear(x, w),
    ),
    *[
        Row(
            f"linalg.contract {equation}",
            lambda *xs, e=equation: ag.einsum(e, *xs),
            both(*[apart(*s, gap=0.2) for s in shapes]),
            lambda *xs, e=equation: np.einsum(e, *xs),
            lambda torch, *xs, e=equation: torch.einsum(e, *xs),
            floats=NO_HALF,
        )
        for equation, shapes in (
            ("ij,jk->ik", ((2, 3), (3, 2))),
            ("ij,jk", ((2, 3), (3, 2))),
            ("ij->ji", ((2, 3),)),
            ("ij->", ((2, 3),)),
            ("ij->j", ((2, 3),)),
            ("ii->i", ((3, 3),)),
            ("ii", ((3, 3),)),
            ("iij->j", ((2, 2, 3),)),
            ("i,j->ij", ((2,), (3,))),
            ("i,i->", ((3,), (3,))),
            ("bij,bjk->bik", ((2, 2, 3), (2, 3, 2))),
            ("...ij,...jk->...ik", ((2, 2, 3), (3, 2))),
            ("...i,i", ((2, 3), (3,))),
            ("ij,ij,ij->i", ((2, 2), (2, 2), (2, 2))),
            ("ij,k->i", ((2, 3), (2,))),
            ("ab,cb,cd->ad", ((2, 3), (2, 3), (2, 2))),
            ("ij,ij->i", ((3, 1), (3, 4))),
            ("ij,ij->ij", ((3, 1), (1, 4))),
            ("...i,...i", ((1, 2, 3), (4, 1, 3))),
        )
    ],
]

rows += [
    Row("linalg.mH", lambda x: linalg.mH(x) * 2, both(apart(2, 3, 4)), lambda x: x.swapaxes(-1, -2) * 2, lambda torch, x: x.mH * 2),
    *[
        Row(
            f"linalg.cross {axis}",
            lambda a, b, axis=axis: linalg.cross(a, b, axis=axis),
            both(apart(3, 2, 3), apart(3, 1, 3, gap=0.2)),
            lambda a, b, axis=axis: np.cross(a, b, axis=axis),
            lambda torch, a, b, axis=axis: torch.linalg.cross(a, b, dim=axis),
        )
        for axis in (0, -1)
    ],
    Row(
        "linalg.distances",
        linalg.distances,
        both(apart(2, 3, 2), apart(4, 2, gap=0.27)),
        lambda x, y: np.linalg.norm(x[..., :, None, :] - y[..., None, :, :], axis=-1),
        lambda torch, x, y: torch.cdist(x, y, compute_mode="use_mm_for_euclid_dist"),
        floats=NO_HALF,
        torch_orders=1,
    ),
]
