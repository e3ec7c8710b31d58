"""Connectionist temporal classification: the probability of a labelling, summed over its alignments, and where its labels stand.

Both sweeps of the recursion, from the front (alpha) and from the end (beta), are one: each example is swept once more beside the
others, turned round in time and in its labels. Logarithms of zero are IMPOSSIBLE, a finite number, so that nothing becomes NaN.
Source: Graves et al., Connectionist temporal classification, 2006, equations 5 to 16.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

IMPOSSIBLE = -1e30  # as a logarithm; even summed over a million frames it is finite in float32
LOST = 1e29  # a loss above it is infinite


def extended(targets: Array, blank: int) -> Array:
    """Labels (N, L) with a blank before, between and after them: (N, 2 L + 1)."""
    n, longest = targets.shape
    states = np.full((n, 2 * longest + 1), blank, np.intp)
    states[:, 1::2] = targets
    return states


def skips(states: Array) -> Array:
    """Which of the states (N, S) may follow directly on the one two before: those whose label differs from that one's."""
    allowed = np.zeros(states.shape, bool)
    allowed[:, 2:] = states[:, 2:] != states[:, :-2]
    return allowed


def ctc(logs: Array, targets: Array, frames: Array, lengths: Array, blank: int, slopes: bool) -> tuple[Array, Array | None]:
    """The losses (N) of log-probabilities (T, N, C) against labels (N, L), of which the first `lengths` count, in `frames` frames.

    With `slopes` also how much likelier each class is in each frame (T, N, C) than it is given the labelling.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what is behind an example's frames may hold anything
        time, n, _ = logs.shape
        states = extended(targets, blank)
        count = states.shape[1]
        example, ends = np.arange(n), 2 * lengths  # the last state that counts
        emitted = np.maximum(np.take_along_axis(logs, states[None], axis=2).astype(np.float64), IMPOSSIBLE)
        forward, allowed = emitted, skips(states)
        when = (frames - 1 - np.arange(time)[:, None]) % time
        where = (ends[:, None] - np.arange(count)) % count
        if slopes:
            turned = emitted[when[:, :, None], example[:, None], where]
            emitted = np.concatenate([emitted, turned], axis=1)
            allowed = np.concatenate([allowed, skips(np.take_along_axis(states, where, axis=1))])
        alpha = sweep(emitted, allowed)
        last = np.maximum(frames - 1, 0)
        before = np.where(lengths > 0, alpha[last, example, ends - 1], IMPOSSIBLE)
        loss = -np.logaddexp(alpha[last, example, ends], before)
        loss = np.where(frames == 0, np.where(lengths == 0, 0.0, np.inf), np.where(loss > LOST, np.inf, loss))
        if not slopes:
            return loss, None
        beta = alpha[when[:, :, None], example[:, None] + n, where]
        inside = np.exp(alpha[:, :n] + beta - forward + loss[:, None])
        inside *= np.arange(count) <= ends[:, None]
        return loss, np.where(
            (np.arange(time)[:, None] < frames)[:, :, None], np.exp(logs) - by_class(inside, states, logs.shape, blank), 0
        )


def by_class(inside: Array, states: Array, shape: tuple[int, ...], blank: int) -> Array:
    """The probabilities of states (T, N, S) added up for each class: (T, N, C)."""
    time, n, classes = shape
    whole = np.zeros(shape)
    places = np.arange(0, whole.size, classes).reshape(time, n, 1) + states[:, 1::2]
    np.add.at(whole.reshape(-1), places.ravel(), inside[:, :, 1::2].ravel())
    whole[:, :, blank] += inside[:, :, 0::2].sum(axis=2)
    return whole


def sweep(emitted: Array, allowed: Array) -> Array:
    """The logarithms of alpha, of all ways to stand in a state (S) in a frame (T), for N examples: (T, N, S)."""
    time, n, count = emitted.shape
    alpha = np.full((time, n, count + 2), IMPOSSIBLE)  # and two states before the first, that nothing comes from
    alpha[0, :, 2:4] = emitted[0, :, :2]
    detour = np.where(allowed, 0.0, IMPOSSIBLE)
    ways, top, total = np.empty((3, n, count)), np.empty((n, count)), np.empty((n, count))
    for t in range(1, time):
        earlier = alpha[t - 1]
        ways[0] = earlier[:, 2:]
        ways[1] = earlier[:, 1:-1]
        np.add(earlier[:, :-2], detour, out=ways[2])
        np.maximum.reduce(ways, axis=0, out=top)
        np.subtract(ways, top, out=ways)
        np.exp(ways, out=ways)
        np.add.reduce(ways, axis=0, out=total)
        np.log(total, out=total)
        total += top
        np.add(total, emitted[t], out=alpha[t, :, 2:])
    return alpha[:, :, 2:]
