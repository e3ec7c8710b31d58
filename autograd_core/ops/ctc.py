"""Connectionist temporal classification. Its arguments are checked where it is called.

Its gradient by the log-probabilities is PyTorch's: each class's probability less what it is given the labelling. That is the gradient
by the scores which log_softmax made them of, and comes to the same behind log_softmax, as probabilities add up to one.
"""

from __future__ import annotations

import numpy as np

from ..kernels import ctc as kernel
from ..primitive import fused, primitive
from .elementwise import exp, logical_and, logical_not, logical_or, where
from .index import gather
from .reduce import logsumexp, sum
from .shape import concat, crop, expand_dims, squeeze


def ctc_back(g, slope):
    return slope * g[:, None], None, None, None


def ctc_reference(log_probs, targets, frames, lengths, *, blank, zero_infinity):
    """The recursion of alpha, a frame at a time."""
    targets, frames, lengths = targets.array, frames.array, lengths.array
    time, n, _ = log_probs.shape
    states = kernel.extended(targets, blank)
    count = states.shape[1]
    detour = np.where(kernel.skips(states), 0.0, kernel.IMPOSSIBLE)
    logs = [squeeze(crop(log_probs, axis=0, start=t, length=1), axis=0) for t in range(time)]
    emitted = [gather(where(at > kernel.IMPOSSIBLE, at, kernel.IMPOSSIBLE), states, axis=1) for at in logs]
    alpha = where(np.arange(count) < 2, emitted[0], kernel.IMPOSSIBLE)
    for t in range(1, time):
        earlier = concat(np.full((n, 2), kernel.IMPOSSIBLE, alpha.dtype), alpha, axis=1)
        stay, step, skip = (crop(earlier, axis=1, start=start, length=count) for start in (2, 1, 0))
        ways = concat(*[expand_dims(way, axis=0) for way in (stay, step, skip + detour)], axis=0)
        alpha = where((t < frames)[:, None], logsumexp(ways, axis=0) + emitted[t], alpha)
    ends = np.stack([2 * lengths, np.maximum(2 * lengths - 1, 0)], axis=1)
    final = where((lengths > 0)[:, None] | (np.arange(2) < 1), gather(alpha, ends, axis=1), kernel.IMPOSSIBLE)
    loss = -logsumexp(final, axis=1)
    lost = logical_or(logical_and(frames > 0, loss > kernel.LOST), (frames == 0) & (lengths > 0))
    loss = where(lost, 0.0 if zero_infinity else np.inf, where(frames > 0, loss, 0.0))
    for t, at in enumerate(logs):  # nothing, but with each class's probability as its gradient
        counts = logical_and(t < frames, logical_not(lost)) if zero_infinity else t < frames
        loss = loss + where(counts, sum(exp(at), axis=1) - sum(exp(at.detach()), axis=1), 0.0)
    return loss


def ctc_rule(g, log_probs, targets, frames, lengths, blank, zero_infinity):
    return expand_dims(g, axis=-1) * excess(log_probs, targets, frames, lengths, blank=blank, zero_infinity=zero_infinity)


@primitive(None, None, None, None, promotes="no", meaning="how much likelier each class is than it is given the labels")
def excess(log_probs, targets, frames, lengths, *, blank, zero_infinity):
    """How much likelier each class is in each frame than it is given the labelling: ctc_loss's gradient."""
    return computed(log_probs, targets, frames, lengths, blank, zero_infinity, True)[1]


@fused(ctc_back, reference=ctc_reference, rules=(ctc_rule, None, None, None), promotes="no")
def ctc_loss(log_probs, targets, frames, lengths, *, blank, zero_infinity, needs=(True, False, False, False)):
    """-log of the probability that log_probs (T, N, C) give to the labels (N, L): the sum over all their alignments with the frames.

    Of example n the first frames[n] frames count, and its first lengths[n] labels. Source: Graves et al., 2006, equation 8.
    """
    loss, slope = computed(log_probs, targets, frames, lengths, blank, zero_infinity, needs[0])
    return loss, (slope,)


def computed(log_probs, targets, frames, lengths, blank, zero_infinity, slopes):
    loss, slope = kernel.ctc(log_probs, targets, frames, lengths, blank, slopes)
    if zero_infinity:
        lost = np.isinf(loss)
        loss[lost] = 0
        if slope is not None:
            slope[:, lost] = 0
    return loss.astype(log_probs.dtype), slope if slope is None else slope.astype(log_probs.dtype)
