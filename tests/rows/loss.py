"""Rows of the losses, and of the gradients of the softmax family, which are operations themselves."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.ops import ctc, loss, softmax
from tests.rows.base import LABELS, NO_HALF, Row, apart, both, spread

rows: list[Row] = []


def reduced(values: Any, reduction: str) -> Any:
    return values.sum() if reduction == "sum" else values.mean() if reduction == "mean" else values


def huber(x: np.ndarray, t: np.ndarray, delta: float) -> np.ndarray:
    d = np.abs(x - t)
    return np.where(d <= delta, d * d / 2, delta * (d - delta / 2))


# of each loss of two arrays: its settings, and NumPy's way to compute it
ELEMENTWISE: dict[str, tuple[dict[str, float], Any]] = {
    "mse_loss": ({}, lambda x, t: (x - t) ** 2),
    "l1_loss": ({}, lambda x, t: np.abs(x - t)),
    "huber_loss": ({"delta": 0.7}, lambda x, t: huber(x, t, 0.7)),
    "smooth_l1_loss": ({"beta": 0.5}, lambda x, t: huber(x, t, 0.5) / 0.5),
    "binary_cross_entropy_with_logits": ({}, lambda x, t: np.log1p(np.exp(x)) - t * x),
}
for name, (settings, formula) in ELEMENTWISE.items():
    for reduction in ("mean", "sum", "none"):
        rows.append(
            Row(
                f"loss.{name} {reduction}",
                lambda x, t, name=name, s=settings, r=reduction: getattr(loss, name)(x, t, **s, reduction=r),
                both(apart(3, 4), spread(-0.09, 0.09, 3, 4)),
                lambda x, t, f=formula, r=reduction: reduced(f(x, t), r),
                lambda torch, x, t, name=name, s=settings, r=reduction: getattr(torch.nn.functional, name)(x, t, **s, reduction=r),
            )
        )


def smoothed(x: np.ndarray) -> np.ndarray:
    logs = x - np.log(np.exp(x).sum(1, keepdims=True))
    return -0.8 * logs[np.arange(3), LABELS] - 0.2 * logs.mean(1)


rows.append(
    Row(
        "loss.cross_entropy_rows smoothed, summed",
        lambda x: loss.cross_entropy_rows(x, ag.tensor(LABELS), ag.tensor([0.5]).to(x.dtype), smoothing=0.2, total=True),
        both(apart(3, 4)),
        lambda x: 0.5 * smoothed(x).sum(),
        lambda torch, x: 0.5 * torch.nn.functional.cross_entropy(x, torch.tensor(LABELS), reduction="sum", label_smoothing=0.2),
    )
)


def of_probabilities(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    return -(t * (x - np.log(np.exp(x).sum(1, keepdims=True)))).sum(1)


rows += [
    Row(
        "loss.soft_cross_entropy_rows",
        lambda x, t: loss.soft_cross_entropy_rows(x, t, weight=2.0, total=False),
        both(apart(3, 4), spread(0.1, 0.9, 3, 4)),
        lambda x, t: 2 * of_probabilities(x, t),
        lambda torch, x, t: 2 * torch.nn.functional.cross_entropy(x, t, reduction="none"),
    ),
    Row(
        "loss.soft_cross_entropy_rows summed",
        lambda x, t: loss.soft_cross_entropy_rows(x, t, weight=0.5, total=True),
        both(apart(3, 4), spread(0.1, 0.9, 3, 4)),
        lambda x, t: 0.5 * of_probabilities(x, t).sum(),
        lambda torch, x, t: 0.5 * torch.nn.functional.cross_entropy(x, t, reduction="sum"),
    ),
]

# ---------------------------------------------------------------------- gradients of the softmax family

for axis in (-1, 0):
    rows += [
        Row(
            f"softmax.softmax_back axis={axis}",
            lambda a, out, axis=axis: softmax.softmax_back(a, out, axis=axis),
            both(apart(3, 4), spread(0.1, 0.9, 3, 4)),
            lambda a, out, axis=axis: out * (a - (a * out).sum(axis, keepdims=True)),
            lambda torch, a, out, axis=axis: out * (a - (a * out).sum(axis, keepdim=True)),
        ),
        Row(
            f"softmax.log_softmax_back axis={axis}",
            lambda a, out, axis=axis: softmax.log_softmax_back(a, out, axis=axis),
            both(apart(3, 4), spread(-0.9, -0.1, 3, 4)),
            lambda a, out, axis=axis: a - np.exp(out) * a.sum(axis, keepdims=True),
            lambda torch, a, out, axis=axis: a - torch.exp(out) * a.sum(axis, keepdim=True),
        ),
    ]

# ---------------------------------------------------------------------- connectionist temporal classification

TARGETS, FRAMES, LENGTHS = np.array([[1, 1], [2, 0]]), np.array([4, 3]), np.array([2, 1])


def aligned(path: tuple[int, ...], blank: int) -> list[int]:
    """The labels that a path of one class for each frame stands for."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


def by_paths(x: np.ndarray) -> np.ndarray:
    """The losses, by looking at all paths."""
    logs = x - np.log(np.exp(x).sum(2, keepdims=True))
    losses = []
    for n, (frames, length) in enumerate(zip(FRAMES, LENGTHS, strict=True)):
        paths = [p for p in itertools.product(range(3), repeat=int(frames)) if aligned(p, 0) == TARGETS[n, :length].tolist()]
        losses.append(-np.log(sum(np.exp(sum(logs[t, n, c] for t, c in enumerate(p))) for p in paths)))
    return np.array(losses)


GIVEN = [ag.tensor(a) for a in (TARGETS, FRAMES, LENGTHS)]
rows += [
    Row(
        "ctc.ctc_loss",
        lambda x: ctc.ctc_loss(ag.log_softmax(x, 2), *GIVEN, blank=0, zero_infinity=False),
        both(apart(4, 2, 3, gap=0.1)),
        by_paths,  # and PyTorch, which has no second derivative, in a parity test
        floats=NO_HALF,
    ),
    Row(
        "ctc.excess",
        lambda x: ctc.excess(ag.log_softmax(x, 2), *GIVEN, blank=0, zero_infinity=False),
        both(apart(4, 2, 3, gap=0.1)),
        None,
        orders=0,
        floats=NO_HALF,
    ),
]
