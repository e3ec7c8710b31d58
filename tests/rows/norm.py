"""Rows of normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.ops import norm
from tests.rows.base import Row, apart, both

EPS = 1e-2
rows: list[Row] = []


def normal(x: np.ndarray, axes: Any, *shape: int) -> np.ndarray:
    """x with mean 0 and variance 1 along these axes of x in this shape."""
    given = x.reshape(shape or x.shape)
    out = (given - given.mean(axes, keepdims=True)) / np.sqrt(given.var(axes, keepdims=True) + EPS)
    return out.reshape(x.shape)


def along(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    return values.reshape(-1, *(1,) * (x.ndim - 2))


for dims, sizes in ((1, (4,)), (2, (3, 4))):
    rows += [
        Row(
            f"norm.layer_norm dims={dims}",
            lambda x, w, b, dims=dims: norm.layer_norm(x, w, b, dims=dims, eps=EPS),
            both(apart(2, 3, 4), apart(*sizes), apart(*sizes)),
            lambda x, w, b, dims=dims: normal(x, tuple(range(-dims, 0))) * w + b,
            lambda torch, x, w, b, sizes=sizes: torch.nn.functional.layer_norm(x, sizes, w, b, EPS),
        ),
        Row(
            f"norm.layer_norm plain dims={dims}",
            lambda x, dims=dims: norm.layer_norm(x, None, None, dims=dims, eps=EPS),
            both(apart(2, 3, 4)),
            lambda x, dims=dims: normal(x, tuple(range(-dims, 0))),
            lambda torch, x, sizes=sizes: torch.nn.functional.layer_norm(x, sizes, None, None, EPS),
        ),
        Row(
            f"norm.rms_norm dims={dims}",
            lambda x, w, dims=dims: norm.rms_norm(x, w, dims=dims, eps=EPS),
            both(apart(2, 3, 4), apart(*sizes)),
            lambda x, w, dims=dims: x / np.sqrt((x * x).mean(tuple(range(-dims, 0)), keepdims=True) + EPS) * w,
            lambda torch, x, w, sizes=sizes: torch.nn.functional.rms_norm(x, sizes, w, EPS),
        ),
        Row(
            f"norm.rms_norm plain dims={dims}",
            lambda x, dims=dims: norm.rms_norm(x, None, dims=dims, eps=EPS),
            both(apart(2, 3, 4)),
            lambda x, dims=dims: x / np.sqrt((x * x).mean(tuple(range(-dims, 0)), keepdims=True) + EPS),
            lambda torch, x, sizes=sizes: torch.nn.functional.rms_norm(x, sizes, None, EPS),
        ),
    ]

for shape in ((5, 3), (2, 3, 4), (2, 3, 2, 2)):
    case = "x".join(map(str, shape))
    batch = (0, *range(2, len(shape)))
    rows += [
        Row(
            f"norm.batch_norm {case}",
            lambda x, w, b: norm.batch_norm(x, w, b, eps=EPS),
            both(apart(*shape), apart(3), apart(3)),
            lambda x, w, b, axes=batch: normal(x, axes) * along(w, x) + along(b, x),
            lambda torch, x, w, b: torch.nn.functional.batch_norm(x, None, None, w, b, True, eps=EPS),
        ),
        Row(
            f"norm.batch_norm plain {case}",
            lambda x: norm.batch_norm(x, None, None, eps=EPS),
            both(apart(*shape)),
            lambda x, axes=batch: normal(x, axes),
            lambda torch, x: torch.nn.functional.batch_norm(x, None, None, None, None, True, eps=EPS),
        ),
        Row(
            f"norm.scale_shift {case}",
            lambda x, scale, shift: norm.scale_shift(x, scale, shift),
            both(apart(*shape), apart(3), apart(3)),
            lambda x, scale, shift: x * along(scale, x) + along(shift, x),
            lambda torch, x, scale, shift: x * scale.reshape(-1, *(1,) * (x.ndim - 2)) + shift.reshape(-1, *(1,) * (x.ndim - 2)),
        ),
    ]
for shape, groups in (((5, 12), 2), ((2, 6, 4), 3), ((2, 6, 2, 2), 6), ((3, 6, 2), 1)):
    case = f"{'x'.join(map(str, shape))} groups={groups}"
    inside = (shape[0], groups, int(np.prod(shape[1:])) // groups)
    rows += [
        Row(
            f"norm.group_norm {case}",
            lambda x, w, b, groups=groups: norm.group_norm(x, w, b, groups=groups, eps=EPS),
            both(apart(*shape), apart(shape[1]), apart(shape[1])),
            lambda x, w, b, inside=inside: normal(x, 2, *inside) * along(w, x) + along(b, x),
            lambda torch, x, w, b, groups=groups: torch.nn.functional.group_norm(x, groups, w, b, EPS),
        ),
        Row(
            f"norm.group_norm plain {case}",
            lambda x, groups=groups: norm.group_norm(x, None, None, groups=groups, eps=EPS),
            both(apart(*shape)),
            lambda x, inside=inside: normal(x, 2, *inside),
            lambda torch, x, groups=groups: torch.nn.functional.group_norm(x, groups, None, None, EPS),
        ),
    ]
