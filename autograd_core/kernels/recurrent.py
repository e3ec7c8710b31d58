"""Whole sequences through a recurrent layer: what the kernels of its kinds have in common.

The rows of all steps lie one after the other, (rows, features), those of step t being the `sizes[t]` sequences that go on so
long; sizes never grow from one step to the next. Gates lie apart, (gates, rows, hidden), so that a gate's rows of a step are
contiguous: an operation on them takes a quarter of the time it takes on a part of each row.

Sigmoids are σ(x) = ½ + ½ tanh(½x), with the inner ½ in copies of the weights, so that one call of tanh does all gates:
five passes in half the time of exponentials. What is rounded is as small as the rounding of one, as that of the state which a gate
multiplies.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from .threads import in_parallel, pieces

BLOCK = 1 << 15  # elements worked on at a time
SHARED = 1 << 17  # elements from which on threads pay


class Steps:
    """Where the rows of each step lie, in an array of rows and in one of states, before which the initial state lies."""

    def __init__(self, sizes):
        self.sizes = sizes
        self.batch = sizes[0]
        self.rows = sum(sizes)
        self.even = sizes[-1] == self.batch
        self.starts = [0, *accumulate(sizes)]

    def of(self, rows):
        """The rows of each step of (..., rows, features)."""
        return [rows[..., a : a + n, :] for a, n in zip(self.starts, self.sizes)]

    def states(self, first):
        """Room for the states before and after all steps, the first of them set."""
        states = np.empty((self.batch + self.rows, first.shape[1]), first.dtype)
        states[: self.batch] = first
        return states

    def after(self, states):
        """The states after each step, of its sequences."""
        return self.of(states[self.batch :])

    def before(self, states):
        """The states before each step, of its sequences."""
        return [states[a : a + n] for a, n in zip([0, *[self.batch + a for a in self.starts]], self.sizes)]

    def all_before(self, states):
        """The same as rows."""
        return states[: self.rows] if self.even else np.concatenate(self.before(states))

    def last(self, states):
        """Each sequence's state after its last step."""
        if self.even:
            return states[self.rows :].copy()
        last = np.empty((self.batch, states.shape[1]), states.dtype)
        for after, ended in zip(self.after(states), [*self.sizes[1:], 0]):
            last[ended : len(after)] = after[ended:]
        return last


def by_gate(weight, gates, order=None, scale=None):
    """Weights (gates · hidden, features) as (gates, hidden, features); a copy in another order, each gate scaled, if that is given."""
    split = weight.reshape(gates, len(weight) // gates, *weight.shape[1:])
    return split if order is None else split[order] * np.array(scale, weight.dtype).reshape(-1, *(1,) * weight.ndim)


def flat(parts):
    """(gates, hidden, ...) as (gates · hidden, ...)."""
    return parts.reshape(parts.shape[0] * parts.shape[1], *parts.shape[2:])


def columns(weight, order, scale):
    """Weights (gates · hidden, features) as (gates, features, hidden), contiguous: BLAS multiplies small matrices twice as fast by it.

    The gates are put in this order and scaled.
    """
    split = by_gate(weight, len(order))
    turned = np.empty((len(order), weight.shape[1], split.shape[1]), weight.dtype)
    for out, gate, factor in zip(turned, order, scale):
        np.multiply(split[gate].T, factor, out=out)
    return turned


def tiled(bias, batch):
    """A bias of each gate (gates, hidden), repeated for a batch of rows: adding it whole is quicker than broadcasting it."""
    return np.repeat(bias[:, None], batch, axis=1)


def initial(gradient, like, batch):
    """The gradient of the last states, in memory of its own, to be carried back through the steps."""
    return np.zeros((batch, like.shape[1]), like.dtype) if gradient is None else np.array(gradient, like.dtype, order="C")


def for_all_rows(work, rows, width):
    """Call work(slice) for all rows, in blocks that stay in the cache, shared among threads where there are many."""
    in_parallel(work, pieces(rows, BLOCK // max(1, width)), rows * width >= SHARED)


class Gradients:
    """What comes of the gates' gradients beyond the sweep: gradients by the rows they were computed from, the weight and the bias.

    `gates` (gates, rows, hidden) stand in this order in the weight; None is given for what is not wanted.
    """

    def __init__(self, gates, rows, weight=None, by_weight=True, by_bias=True, order=None):
        count, n, hidden = gates.shape
        back = None if order is None else np.argsort(order)
        in_order = lambda parts: flat(parts if back is None else parts[back])
        self.by_weight = in_order(gates.swapaxes(1, 2) @ rows) if by_weight else None
        self.by_bias = in_order(np.ones(n, gates.dtype) @ gates) if by_bias else None
        self.by_rows = None
        if weight is not None:
            split = by_gate(weight, count)
            self.by_rows = np.zeros((n, weight.shape[1]), gates.dtype)
            for gate, k in zip(gates, range(count) if order is None else order):
                self.by_rows += gate @ split[k]
