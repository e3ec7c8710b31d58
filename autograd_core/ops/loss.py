"""Losses that are more than a line of other operations. What they take is checked: a wrong target is an error, not a number."""

from __future__ import annotations

import numpy as np

from ..primitive import fused
from .elementwise import mul, neg
from .shape import gather, squeeze
from .softmax import log_softmax


def cross_entropy_back(g, probabilities, targets, weights):
    """(softmax(x) - onehot(target)) · weight, row by row, in the probabilities' own memory."""
    p = probabilities.copy()
    p[np.arange(len(targets)), targets] -= 1
    p *= weights[:, None] * np.asarray(g)[..., None]
    return p, None, None


def cross_entropy_reference(x, target, weights):
    """-log softmax(x)[target] · weight, by row."""
    chosen = gather(log_softmax(x, axis=1), index=np.asarray(getattr(target, "array", target))[:, None], axis=1)
    return neg(mul(squeeze(chosen, axis=1), weights))


@fused(cross_entropy_back, reference=cross_entropy_reference, name="cross_entropy", promotes="no")
def cross_entropy_rows(x, target, weights):
    """-log softmax(x)[target] · weight for rows x (N, C), class indices (N) and one weight for each row (N)."""
    shifted = x - x.max(axis=1, keepdims=True)
    p = np.exp(shifted)
    total = p.sum(axis=1, keepdims=True)
    out = np.log(total[:, 0]) - shifted[np.arange(len(target)), target]
    p /= total
    return out * weights, (p, target, weights)
