"""Losses whose fast or exact form is more than other operations put together. Their arguments are checked where they are called."""

from __future__ import annotations

import numpy as np

from ..primitive import fused, primitive
from .elementwise import clamp, log, log1p, maximum, mul, neg
from .index import gather
from .shape import expand_dims, squeeze
from .softmax import log_softmax, softmax

BLOCK = 1 << 15  # elements: what is worked on at a time stays in the processor's cache


def cross_entropy_back(g, probabilities, target, weights):
    """(softmax(x) - onehot(target)) · weight, row by row."""
    scale = g * weights
    part = probabilities * scale[:, None]
    part[np.arange(len(target)), target] -= scale
    return part, None, None


def cross_entropy_reference(x, target, weights):
    """-log softmax(x)[target] · weight, by row."""
    chosen = gather(log_softmax(x, axis=1), expand_dims(target, axis=1), axis=1)
    return neg(mul(squeeze(chosen, axis=1), weights))


def cross_entropy_rule(g, x, target, weights):
    return expand_dims(g * weights, axis=1) * (softmax(x, axis=1) - one_hot(target, classes=x.shape[1]))


@primitive(None, promotes="no")
def one_hot(target, *, classes):
    """A row for each class index: true at the index, false elsewhere."""
    return target[:, None] == np.arange(classes)


@fused(cross_entropy_back, reference=cross_entropy_reference, rules=(cross_entropy_rule, None, None), name="cross_entropy", promotes="no")
def cross_entropy_rows(x, target, weights):
    """-log softmax(x)[target] · weight for rows x (N, C), class indices (N) and one weight of x's dtype for each row (N)."""
    n, classes = x.shape
    probabilities = np.empty(x.shape, x.dtype)
    out = np.empty(n, x.dtype)
    rows = max(1, BLOCK // max(1, classes))
    with np.errstate(invalid="ignore"):  # a row of infinities has no softmax: it is NaN, as in PyTorch
        for start in range(0, n, rows):
            part = slice(start, start + rows)
            p = probabilities[part]
            np.subtract(x[part], x[part].max(axis=1, keepdims=True), out=p)
            chosen = p[np.arange(len(p)), target[part]]
            np.exp(p, out=p)
            total = p.sum(axis=1, keepdims=True)
            p /= total
            np.subtract(np.log(total[:, 0]), chosen, out=out[part])
        out *= weights
    return out, (probabilities, target, weights)


@primitive(
    lambda g, x, target: g * (x - target) / maximum((1 - x) * x, 1e-12),
    lambda g, x: g * (clamp(log1p(-x), low=-100) - clamp(log(x), low=-100)),
    name="binary_cross_entropy",
)
def binary_cross_entropy_elements(x, target):
    """-target · log x - (1 - target) · log(1 - x) for probabilities x, each logarithm no less than -100, as in PyTorch."""
    with np.errstate(divide="ignore"):
        return (target - 1) * np.maximum(np.log1p(-x), -100) - target * np.maximum(np.log(x), -100)
