"""Rows of the operations of order: indices, and the median."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.ops import order
from tests.rows.base import Row, apart, both, like, spread

VALUES = both(apart(3, 4))
OFTEN = both(lambda rng: np.array([[3.0, 1, 2, 1], [2, 2, 1, 3], [-1, -2, -3, -1]]))


def most_frequent(x: np.ndarray) -> int:
    """The last index of the smallest of the most frequent."""
    values, counts = np.unique(x, return_counts=True)
    return int(np.flatnonzero(x == values[np.argmax(counts)])[-1])


rows: list[Row] = [
    *[
        Row(
            f"order.argsort descending={descending} axis={axis}",
            lambda x, axis=axis, d=descending: ag.argsort(x, axis, d),
            VALUES,
            lambda x, axis=axis, d=descending: np.argsort(-x if d else x, axis),
            lambda torch, x, axis=axis, d=descending: torch.argsort(x, axis, d),
            0,
        )
        for descending in (False, True)
        for axis in (0, -1)
    ],
    *[
        Row(
            f"order.argtopk largest={largest}",
            lambda x, largest=largest: order.argtopk(x, k=2, axis=1, largest=largest),
            both(apart(3, 40)),
            lambda x, largest=largest: np.argsort(-x if largest else x, 1)[:, :2],
            lambda torch, x, largest=largest: torch.topk(x, 2, 1, largest).indices,
            0,
        )
        for largest in (False, True)
    ],
    Row(
        "order.argkth",
        lambda x: order.argkth(x, k=2, axis=0),
        VALUES,
        lambda x: np.argsort(x, 0)[1:2],
        lambda torch, x: torch.kthvalue(x, 2, 0, True).indices,
        0,
    ),
    Row(
        "order.argmedian",
        lambda x: order.argmedian(x, axis=1),
        VALUES,
        lambda x: np.argsort(x, 1)[:, 1:2],
        lambda torch, x: torch.median(x, 1, True).indices,
        0,
    ),
    Row(
        "order.argmode",
        lambda x: order.argmode(x, axis=1),
        OFTEN,
        lambda x: np.array([[most_frequent(row)] for row in x]),
        lambda torch, x: torch.mode(x, 1, True).indices,
        0,
        integers=True,
    ),
    Row("order.median", ag.median, VALUES, lambda x: np.sort(x, None)[(x.size - 1) // 2], lambda torch, x: torch.median(x)),
    Row(
        "order.median ignore_nan",
        lambda x: order.median(x, axis=0, ignore_nan=True),
        VALUES,
        lambda x: np.sort(x, 0)[1],
        lambda torch, x: torch.nanmedian(x, 0).values,
    ),
    Row(
        "order.searchsorted",
        lambda x: ag.searchsorted(like(np.linspace(-1, 1, 5), x).to(x.dtype), x),
        both(spread(-1.5, 1.5, 3, 4)),
        lambda x: np.searchsorted(np.linspace(-1, 1, 5), x),
        lambda torch, x: torch.searchsorted(torch.linspace(-1, 1, 5, dtype=x.dtype), x),
        0,
    ),
    Row(
        "order.isin",
        lambda x: ag.isin(x, like(np.array([1.0, 3.0]), x)),
        OFTEN,
        lambda x: np.isin(x, [1, 3]),
        lambda torch, x: torch.isin(x, torch.tensor([1.0, 3.0])),
        0,
    ),
]
