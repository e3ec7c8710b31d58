"""Losses whose fast or exact form is more than other operations put together. Their arguments are checked where they are called.

`reduction` is "none", "sum" or "mean". The slope of a loss is made along with its value, while both are in the cache.
"""

from __future__ import annotations

from functools import partial
from math import prod

import numpy as np

from ..kernels import elements, rows
from ..labels import label
from ..primitive import fused, primitive
from .activation import softplus
from .elementwise import abs, clamp, log, log1p, maximum, mul, neg, sigmoid, sign, square, where
from .index import gather
from .reduce import mean, sum, wide
from .shape import expand_dims, squeeze
from .softmax import log_softmax, softmax

# ---------------------------------------------------------------------- scores against class indices


def cross_entropy_back(g, slope):
    """The slope times the gradient of its row."""
    return (slope if g.ndim == 0 and g == 1 else slope * (g if g.ndim == 0 else g[:, None])), None, None


def cross_entropy_reference(x, target, weights, *, smoothing=0.0, total=False):
    """-log softmax(x)[target] · weight, by row."""
    logs = log_softmax(x, axis=1)
    target = expand_dims(target, axis=1)
    chosen = squeeze(gather(logs, target, axis=1), axis=1)
    label(logs=logs, target=target, chosen=chosen)
    if smoothing:
        chosen = chosen * (1 - smoothing) + sum(logs, axis=1) * (smoothing / x.shape[1])
    loss = neg(mul(chosen, weights))
    return sum(loss) if total else loss


def cross_entropy_rule(g, x, target, weights, smoothing):
    wanted = one_hot(target, classes=x.shape[1])
    if smoothing:
        wanted = wanted * (1 - smoothing) + smoothing / x.shape[1]
    return expand_dims(g * weights, axis=-1) * (softmax(x, axis=1) - wanted)


@primitive(None, promotes="no")
def one_hot(target, *, classes):
    """A row for each class index: true at the index, false elsewhere."""
    return target[:, None] == np.arange(classes)


@fused(cross_entropy_back, reference=cross_entropy_reference, rules=(cross_entropy_rule, None, None), name="cross_entropy", promotes="no")
def cross_entropy_rows(x, target, weights, *, smoothing=0.0, total=False, needs=(True, False, False)):
    """-log softmax(x)[target] · weight for rows x (N, C) and class indices (N), or the sum of all.

    The weights, of x's dtype, are one for each row (N), or one for all (1). With `smoothing` the target is mixed with the
    uniform distribution.
    """
    losses, slope = rows.cross_entropy(wide(x), target, weights, smoothing, needs[0])
    out = np.add.reduce(losses) if total else losses
    return out.astype(x.dtype, copy=False), (slope,)


def soft_back(g, slope, logs, weight, *, needs=(True, True)):
    by_row = g if g.ndim == 0 else g[:, None]
    by_x = None if not needs[0] else slope if g.ndim == 0 and g == 1 else slope * by_row
    return by_x, logs * (by_row * -weight) if needs[1] else None


def soft_reference(x, target, *, weight, total):
    logs = log_softmax(x, axis=1)
    label(logs=logs)
    loss = sum(logs * target, axis=1) * -weight
    return sum(loss) if total else loss


@fused(
    soft_back,
    reference=soft_reference,
    rules=(
        lambda g, x, target, weight: expand_dims(g * weight, axis=-1) * (softmax(x, axis=1) * sum(target, axis=1, keepdims=True) - target),
        lambda g, x, weight: -expand_dims(g * weight, axis=-1) * log_softmax(x, axis=1),
    ),
    name="cross_entropy",
)
def soft_cross_entropy_rows(x, target, *, weight, total, needs=(True, True)):
    """-Σ target · log softmax(x) · weight for rows x (N, C) and the classes' probabilities (N, C), or the sum of all."""
    losses, slope, logs = rows.soft_cross_entropy(wide(x), wide(target), weight, needs[0], needs[1])
    out = np.add.reduce(losses) if total else losses
    return out.astype(x.dtype, copy=False), (slope, logs, weight)


# ---------------------------------------------------------------------- probabilities


@primitive(
    lambda g, x, target: g * (x - target) / maximum((1 - x) * x, 1e-12),
    lambda g, x: g * (clamp(log1p(-x), low=-100) - clamp(log(x), low=-100)),
    name="binary_cross_entropy",
)
def binary_cross_entropy_elements(x, target):
    """-target · log x - (1 - target) · log(1 - x) for probabilities x, each logarithm no less than -100, as in PyTorch."""
    with np.errstate(divide="ignore"):
        return (target - 1) * np.maximum(np.log1p(-x), -100) - target * np.maximum(np.log(x), -100)


# ---------------------------------------------------------------------- element by element


def share(shape, reduction):
    """What each element's loss is multiplied by."""
    return 1 / prod(shape) if reduction == "mean" and prod(shape) else 1


def reduced(loss, reduction):
    return loss if reduction == "none" else mean(loss) if reduction == "mean" else sum(loss)


def difference_back(g, slope, *, needs=(True, True)):
    """Of a loss of x - target."""
    part = slope if g.ndim == 0 and g == 1 else slope * g
    return part, -part if needs[1] else None


@fused(
    difference_back,
    reference=lambda x, target, reduction: reduced(square(x - target), reduction),
    rules=(
        lambda g, x, target, shape, reduction: g * (x - target) * (2 * share(shape, reduction)),
        lambda g, x, target, shape, reduction: g * (target - x) * (2 * share(shape, reduction)),
    ),
)
def mse_loss(x, target, *, reduction, needs=(True, True)):
    """(x - target)²."""
    out, slope = elements.losses(elements.squares, x, target, reduction, any(needs), 2.0)
    return out.astype(x.dtype, copy=False), (slope,)


@fused(
    difference_back,
    reference=lambda x, target, reduction: reduced(abs(x - target), reduction),
    rules=(
        lambda g, x, target, shape, reduction: g * sign(x - target) * share(shape, reduction),
        lambda g, x, target, shape, reduction: g * sign(target - x) * share(shape, reduction),
    ),
)
def l1_loss(x, target, *, reduction, needs=(True, True)):
    """|x - target|."""
    out, slope = elements.losses(elements.sizes, x, target, reduction, any(needs), room=1)
    return out.astype(x.dtype, copy=False), (slope,)


def huber_reference(x, target, *, delta, reduction):
    d = x - target
    far = abs(d) > delta
    label(d=d, far=far)
    return reduced(where(far, (abs(d) - 0.5 * delta) * delta, square(where(far, 0, d)) * 0.5), reduction)


@fused(
    difference_back,
    reference=huber_reference,
    rules=(
        lambda g, x, target, shape, delta, reduction: g * clamp(x - target, low=-delta, high=delta) * share(shape, reduction),
        lambda g, x, target, shape, delta, reduction: g * clamp(target - x, low=-delta, high=delta) * share(shape, reduction),
    ),
)
def huber_loss(x, target, *, delta, reduction, needs=(True, True)):
    """d² / 2 where |d| ≤ delta, else delta · (|d| - delta / 2), with d = x - target."""
    out, slope = elements.losses(partial(elements.huber, delta=delta), x, target, reduction, any(needs), room=1)
    return out.astype(x.dtype, copy=False), (slope,)


def smooth_l1_reference(x, target, *, beta, reduction):
    d = x - target
    far = abs(d) >= beta
    label(d=d, far=far)
    return reduced(where(far, abs(d) - 0.5 * beta, square(where(far, 0, d)) * (0.5 / beta)), reduction)


@fused(
    difference_back,
    reference=smooth_l1_reference,
    rules=(
        lambda g, x, target, shape, beta, reduction: g * clamp((x - target) / beta, low=-1, high=1) * share(shape, reduction),
        lambda g, x, target, shape, beta, reduction: g * clamp((target - x) / beta, low=-1, high=1) * share(shape, reduction),
    ),
)
def smooth_l1_loss(x, target, *, beta, reduction, needs=(True, True)):
    """d² / (2 · beta) where |d| < beta, else |d| - beta / 2, with d = x - target. Source: arXiv:1504.08083."""
    out, slope = elements.losses(partial(elements.smooth_l1, beta=beta), x, target, reduction, any(needs), 1 / beta, room=1)
    return out.astype(x.dtype, copy=False), (slope,)


def logistic_back(g, slope, x, reduction, *, needs=(True, True)):
    whole = g.ndim == 0 and g == 1
    return slope if whole else slope * g, -x * (g * share(x.shape, reduction)) if needs[1] else None


@fused(
    logistic_back,
    reference=lambda x, target, reduction: reduced((1 - target) * x + softplus(-x), reduction),
    rules=(
        lambda g, x, target, shape, reduction: g * (sigmoid(x) - target) * share(shape, reduction),
        lambda g, x, shape, reduction: -g * x * share(shape, reduction),
    ),
)
def binary_cross_entropy_with_logits(x, target, *, reduction, needs=(True, True)):
    """-target · log sigmoid(x) - (1 - target) · log(1 - sigmoid(x)), without overflow."""
    out, slope = elements.losses(elements.logistic, x, target, reduction, any(needs), room=2)
    return out.astype(x.dtype, copy=False), (slope, x, reduction)
