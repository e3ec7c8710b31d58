"""Whole sequences through a recurrent layer: what the kernels of its kinds have in common.

The rows of all steps lie one after the other, (rows, features), those of step t being the `sizes[t]` sequences that go on so
long; sizes never grow from one step to the next. Gates lie apart, (gates, rows, hidden), so that a gate's rows of a step are
contiguous: an operation on them takes a quarter of the time it takes on a part of each row.

Sigmoids are σ(x) = ½ + ½ tanh(½x), with the inner ½ in copies of the weights, so that one call of tanh does all gates:
five passes in half the time of exponentials. What is rounded is as small as the rounding of one, as that of the state which a gate
multiplies.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from threading import Event
from typing import Any

import numpy as np

from .threads import in_parallel

BLOCK = 1 << 15  # elements worked on at a time
PART = 1 << 17  # numbers of gates in as many steps as are done without looking up
LARGE = 1 << 23  # multiplications of one step from which on BLAS's own threads are of use


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

    def parts(self, width, products):
        """The steps in parts that threads take in turn, as slices of steps and of rows.

        `width` numbers are made for each row, with so many `products` in a full step; where those are enough for BLAS to use its
        own threads well, all steps are one part.
        """
        count = 1 if products > LARGE else max(1, min(8, len(self.sizes) // 2, self.rows * width // PART))
        bounds = [len(self.sizes) * k // count for k in range(count + 1)]
        return [(slice(a, b), slice(self.starts[a], self.starts[b])) for a, b in pairwise(bounds)]

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


def in_turn(parts, prepare, sweep, finish):
    """prepare(part), sweep(part) and finish(part) for all parts, the sweeps one after the other, as the finishes.

    A step is too short to be shared among threads; so while one thread sweeps, another prepares what comes next and finishes
    the part before.
    """
    stages = (sweep, finish, prepare)
    if len(parts) == 1:
        for stage in (prepare, sweep, finish):
            stage(parts[0])
        return
    slots = [(k - ahead, number, k) for number, ahead in enumerate((0, -1, 2)) for k in range(len(parts))]
    done = {(number, k): Event() for _, number, k in slots}
    needs = (((2, 0), (0, -1)), ((0, 0), (1, -1)), ())  # of each stage: which others, and how many parts before

    def work(slot):
        _, number, k = slot
        try:
            for other, back in needs[number]:
                if k + back >= 0:
                    done[other, k + back].wait()
            stages[number](parts[k])
        finally:
            done[number, k].set()

    in_parallel(work, sorted(slots))


def blocks(rows, width):
    """Rows in blocks that stay in the cache."""
    step = max(1, BLOCK // max(1, width))
    return [slice(start, min(start + step, rows.stop)) for start in range(rows.start, rows.stop, step)]


class Gradients:
    """What comes of the gates' gradients beyond the sweep, part by part: gradients by the input, the weights and the biases.

    `gates` (gates, rows, hidden) stand in this order in the weight, rows (rows, features) are what they were computed from.
    """

    def __init__(self, gates, rows, weight=None, by_weight=True, by_bias=True, order=None):
        count, n, hidden = gates.shape
        self.gates, self.rows = gates, rows
        self.order = list(range(count)) if order is None else order
        self.weight: Any = None if weight is None else by_gate(weight, count)[self.order]
        self.by_rows = None if weight is None else np.empty((n, weight.shape[1]), gates.dtype)
        self.by_weight = np.zeros((count, hidden, rows.shape[1]), gates.dtype) if by_weight else None
        self.by_bias = np.zeros((count, hidden), gates.dtype) if by_bias else None

    def add(self, r):
        """Add these rows' share."""
        gates = self.gates[:, r]
        if self.by_weight is not None:
            self.by_weight += gates.swapaxes(1, 2) @ self.rows[r]
        if self.by_bias is not None:
            self.by_bias += np.ones(gates.shape[1], gates.dtype) @ gates
        if self.by_rows is not None:
            total = np.matmul(gates[0], self.weight[0], out=self.by_rows[r])
            for gate, w in zip(gates[1:], self.weight[1:]):
                total += gate @ w

    def of_weight(self):
        """That by the weight (gates · hidden, features), None if it is not wanted."""
        return None if self.by_weight is None else flat(self.in_order(self.by_weight))

    def of_bias(self):
        """That by the bias (gates · hidden), None if it is not wanted."""
        return None if self.by_bias is None else flat(self.in_order(self.by_bias))

    def in_order(self, parts):
        return parts if self.order == sorted(self.order) else parts[np.argsort(self.order)]
