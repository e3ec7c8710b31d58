"""Rows of the scans."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.ops import scan
from tests.rows.base import Row, apart, both, spread


def recurrence(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Step by step along the first axis."""
    y = [b[0]]
    for k in range(1, len(b)):
        y.append(a[k] * y[-1] + b[k])
    return np.stack(y)


def with_zeros(rng: np.random.Generator) -> np.ndarray:
    """Numbers with none, one and two zeros along the last axis."""
    x = rng.uniform(0.5, 1.5, (3, 5))
    x[1, 2] = x[2, 1] = x[2, 3] = 0
    return x


rows: list[Row] = [
    *[
        Row(
            f"scan.cumsum axis={axis}",
            lambda x, axis=axis: ag.cumsum(x, axis),
            both(apart(2, 3, 2)),
            lambda x, axis=axis: np.cumsum(x, axis),
            lambda torch, x, axis=axis: torch.cumsum(x, axis),
            integers=True,
        )
        for axis in (0, -1)
    ],
    Row(
        "scan.cumsum reverse",
        lambda x: scan.cumsum(x, axis=1, reverse=True),
        both(apart(2, 3, 2)),
        lambda x: np.flip(np.cumsum(np.flip(x, 1), 1), 1),
        lambda torch, x: torch.cumsum(x.flip(1), 1).flip(1),
    ),
    *[
        Row(
            f"scan.cumprod axis={axis}",
            lambda x, axis=axis: ag.cumprod(x, axis),
            both(spread(0.4, 1.6, 2, 3, 2)),
            lambda x, axis=axis: np.cumprod(x, axis),
            lambda torch, x, axis=axis: torch.cumprod(x, axis),
            integers=True,
        )
        for axis in (1, -1)
    ],
    Row(
        "scan.cumprod zeros",
        lambda x: ag.cumprod(x, 1),
        both(with_zeros),
        lambda x: np.cumprod(x, 1),
        lambda torch, x: torch.cumprod(x, 1),
    ),
    *[
        Row(
            f"scan.logcumsumexp axis={axis}",
            lambda x, axis=axis: ag.logcumsumexp(x, axis),
            both(apart(2, 3, 2)),
            lambda x, axis=axis: np.log(np.cumsum(np.exp(x), axis)),
            lambda torch, x, axis=axis: torch.logcumsumexp(x, axis),
        )
        for axis in (0, -2)
    ],
    Row("scan.recurrence", lambda a, b: scan.recurrence(a, b, axis=0), both(spread(0.5, 1.5, 5, 2), apart(5, 2)), recurrence),
    Row(
        "scan.recurrence reverse",
        lambda a, b: scan.recurrence(a, b, axis=1, reverse=True),
        both(spread(0.5, 1.5, 2, 4), apart(2, 4)),
        lambda a, b: recurrence(a.T[::-1], b.T[::-1])[::-1].T,
    ),
    Row(
        "scan.moved forward",
        lambda x: scan.moved(x, axis=1, by=1, fill=2.5),
        both(apart(2, 3)),
        lambda x: np.concatenate([np.full((2, 1), 2.5), x[:, :-1]], 1),
    ),
    Row(
        "scan.moved backward",
        lambda x: scan.moved(x, axis=0, by=-1),
        both(apart(3, 2)),
        lambda x: np.concatenate([x[1:], np.zeros((1, 2))]),
    ),
    *[
        Row(
            f"scan.arg{name}",
            lambda x, name=name: getattr(ag, name)(x, 1).indices,
            both(apart(3, 5)),
            lambda x, extreme=extreme: np.array(
                [[int(np.flatnonzero(row[: k + 1] == extreme(row[: k + 1]))[-1]) for k in range(5)] for row in x]
            ),
            lambda torch, x, name=name: getattr(torch, name)(x, 1).indices,
            0,
            integers=True,
        )
        for name, extreme in {"cummax": np.max, "cummin": np.min}.items()
    ],
]
