"""Rows of the reductions, the softmax family and the losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.ops import loss
from tests.rows.base import LABELS, NO_HALF, WEIGHTS, Row, apart, both, spread, whole_numbers

rows: list[Row] = []

AXES: list[Any] = [None, 1, -2, (0, 2)]


def torch_dim(function: Callable[..., Any], tensor: Any, axis: Any, **settings: Any) -> Any:
    return function(tensor, dim=tuple(range(tensor.ndim)) if axis is None else axis, **settings)


for axis in AXES:
    for keep in (False, True):
        case = f" axis={axis} keep={keep}".replace(", ", ",")
        for name, reference in {"sum": np.sum, "mean": np.mean, "amax": np.amax, "amin": np.amin}.items():
            operation = getattr(ag, name)
            rows.append(
                Row(
                    f"reduce.{name}{case}",
                    lambda x, f=operation, axis=axis, keep=keep: f(x, dim=axis, keepdim=keep),
                    both(apart(2, 3, 2)),
                    lambda x, f=reference, axis=axis, keep=keep: f(x, axis=axis, keepdims=keep),
                    lambda torch, x, n=name, axis=axis, keep=keep: torch_dim(getattr(torch, n), x, axis, keepdim=keep),
                )
            )
        rows.append(
            Row(
                f"reduce.logsumexp{case}",
                lambda x, axis=axis, keep=keep: ag.logsumexp(x, dim=axis, keepdim=keep),
                both(apart(2, 3, 2)),
                lambda x, axis=axis, keep=keep: np.log(np.exp(x).sum(axis, keepdims=keep)),
                lambda torch, x, axis=axis, keep=keep: torch_dim(torch.logsumexp, x, axis, keepdim=keep),
            )
        )
        for name, reference in {"var": np.var, "std": np.std}.items():
            operation = getattr(ag, name)
            for correction in (0, 1):
                rows.append(
                    Row(
                        f"reduce.{name}{case} correction={correction}",
                        lambda x, f=operation, axis=axis, keep=keep, c=correction: f(x, dim=axis, keepdim=keep, correction=c),
                        both(apart(2, 3, 2)),
                        lambda x, f=reference, axis=axis, keep=keep, c=correction: f(x, axis=axis, keepdims=keep, ddof=c),
                        lambda torch, x, n=name, axis=axis, keep=keep, c=correction: getattr(torch, n)(
                            x, dim=axis, keepdim=keep, correction=c
                        ),
                    )
                )
        rows.append(
            Row(
                f"reduce.euclidean_norm{case}",
                lambda x, axis=axis, keep=keep: ag.norm(x, dim=axis, keepdim=keep),
                both(apart(2, 3, 2)),
                lambda x, axis=axis, keep=keep: np.sqrt((x * x).sum(axis, keepdims=keep)),
                lambda torch, x, axis=axis, keep=keep: torch.linalg.vector_norm(x, dim=axis, keepdim=keep),
            )
        )
for name, reference in {"max": np.max, "min": np.min}.items():
    rows.append(
        Row(
            f"reduce.{'largest' if name == 'max' else 'smallest'}",
            getattr(ag, name),
            both(apart(2, 3, 2)),
            reference,
            lambda torch, x, n=name: getattr(torch, n)(x),
            integers=True,
        )
    )
rows.append(
    Row(
        "reduce.count_nonzero",
        lambda x: ag.count_nonzero(x > 0, 1),
        both(apart(2, 3, 2)),
        lambda x: np.count_nonzero(x > 0, 1),
        lambda torch, x: torch.count_nonzero(x > 0, 1),
        0,
        integers=True,
    )
)
for p in (3, 1.5, 0.5, -2):
    for axis, keep in ((None, False), (1, True), ((0, 2), False)):
        rows.append(
            Row(
                f"reduce.p_norm p={p} axis={axis}".replace(", ", ","),
                lambda x, p=p, axis=axis, keep=keep: ag.norm(x, p, dim=axis, keepdim=keep),
                both(apart(2, 3, 2)),
                lambda x, p=p, axis=axis, keep=keep: (np.abs(x) ** p).sum(axis, keepdims=keep) ** (1 / p),
                lambda torch, x, p=p, axis=axis, keep=keep: torch.linalg.vector_norm(x, p, dim=axis, keepdim=keep),
                tolerance=1e-4,
            )
        )
for name, reference in {"argmax": np.argmax, "argmin": np.argmin}.items():
    operation = getattr(ag, name)
    for axis in (None, 1):
        rows.append(
            Row(
                f"reduce.{name} axis={axis}",
                lambda x, f=operation, axis=axis: f(x, axis),
                both(apart(2, 3, 2)),
                lambda x, f=reference, axis=axis: f(x, axis),
                lambda torch, x, n=name, axis=axis: getattr(torch, n)(x, axis),
                0,
                integers=True,
            )
        )
for name, reference in {"all": np.all, "any": np.any}.items():
    operation = getattr(ag, name)
    rows.append(
        Row(
            f"reduce.{name}",
            lambda x, f=operation: f(x > 0, 1),
            both(apart(2, 3, 2)),
            lambda x, f=reference: f(x > 0, 1),
            lambda torch, x, n=name: getattr(torch, n)(x > 0, 1),
            0,
            integers=True,
        )
    )
rows += [
    *[
        Row(
            f"softmax.softmax axis={axis}",
            lambda x, axis=axis: ag.softmax(x, axis),
            both(apart(2, 3, 2)),
            lambda x, axis=axis: np.exp(x) / np.exp(x).sum(axis, keepdims=True),
            lambda torch, x, axis=axis: torch.softmax(x, axis),
        )
        for axis in (0, 1, -1)
    ],
    *[
        Row(
            f"softmax.log_softmax axis={axis}",
            lambda x, axis=axis: ag.log_softmax(x, axis),
            both(apart(2, 3, 2)),
            lambda x, axis=axis: x - np.log(np.exp(x).sum(axis, keepdims=True)),
            lambda torch, x, axis=axis: torch.log_softmax(x, axis),
        )
        for axis in (0, 1, -1)
    ],
    Row(
        "loss.cross_entropy_rows",
        lambda x: loss.cross_entropy_rows(x, ag.tensor(LABELS), ag.tensor(WEIGHTS).to(x.dtype)),
        both(apart(3, 4)),
        lambda x: -(x - np.log(np.exp(x).sum(1, keepdims=True)))[np.arange(3), LABELS] * WEIGHTS,
        lambda torch, x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS), reduction="none") * torch.tensor(WEIGHTS).to(x.dtype),
    ),
    Row(
        "loss.one_hot",
        lambda x: loss.one_hot(x, classes=5),
        both(whole_numbers(3)),
        lambda x: np.eye(9, dtype=bool)[x][:, :5],
        lambda torch, x: torch.nn.functional.one_hot(x, 9)[:, :5].bool(),
        0,
        floats=(),
    ),
    Row(
        "loss.binary_cross_entropy_elements",
        loss.binary_cross_entropy_elements,
        both(spread(0.1, 0.9, 3, 4), spread(0.1, 0.9, 3, 4)),
        lambda x, target: -target * np.log(x) - (1 - target) * np.log(1 - x),
        lambda torch, x, target: torch.nn.functional.binary_cross_entropy(x, target, reduction="none"),
        floats=NO_HALF,
    ),
]
