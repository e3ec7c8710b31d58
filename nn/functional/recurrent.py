"""Recurrent networks of several layers and directions, on the rows of all steps; what `nn.RNN`, `nn.LSTM` and `nn.GRU` compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd_core.ops import index, recurrent, shape
from autograd_core.tensor import Tensor, constant

from .dropout import dropout

KINDS: dict[str, Callable[..., Any]] = {
    "LSTM": recurrent.lstm,
    "GRU": recurrent.gru,
    "RNN_TANH": partial(recurrent.rnn, nonlinearity="tanh"),
    "RNN_RELU": partial(recurrent.rnn, nonlinearity="relu"),
}
REFERENCES: dict[str, Callable[..., Any]] = {  # also for complex numbers, which the kernels do not know
    "LSTM": recurrent.lstm.op.reference,
    "GRU": recurrent.gru.op.reference,
    "RNN_TANH": partial(recurrent.rnn.op.reference, nonlinearity="tanh"),
    "RNN_RELU": partial(recurrent.rnn.op.reference, nonlinearity="relu"),
}


def sequences(mode: str, rows: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor | None], sizes: tuple[int, ...]) -> Any:
    """One layer in one direction: the outputs of all steps, and the last states.

    `rows` (rows, features) holds the steps one after the other, `sizes` says how many sequences take part in each.
    Raises RuntimeError for weights of another dtype.
    """
    for weight in weights:
        if weight is not None and weight.dtype != rows.dtype:
            raise RuntimeError(
                f"{mode}: the input is {rows.dtype} but a weight is {weight.dtype}; convert the module as a whole, module.to(...)"
            )
    operation = KINDS if rows.dtype.kind == "f" else REFERENCES
    return operation[mode](rows, *states, *weights, sizes=sizes)


def network(
    mode: str,
    rows: Tensor,
    states: Sequence[Tensor],
    weights: Sequence[Sequence[Tensor | None]],
    sizes: tuple[int, ...],
    directions: int,
    p: float,
) -> tuple[Tensor, list[Tensor]]:
    """The outputs of the last layer, as rows, both directions side by side; and the last states of all (layers · directions, batch, ·).

    `states` are (layers · directions, batch, ·), `weights` those of each layer and direction. Between layers outputs are left
    out with probability p.
    """
    ends: list[Sequence[Tensor]] = []
    backwards = reversal(sizes) if directions == 2 else None
    for k in range(0, len(weights), directions):
        if k and p:
            rows = dropout(rows, p)
        outputs = []
        for direction in range(directions):
            given = rows if not direction else turned(rows, sizes, backwards)
            own = [entry(s, k + direction) for s in states]
            output, *last = sequences(mode, given, own, weights[k + direction], sizes)
            outputs.append(output if not direction else turned(output, sizes, backwards))
            ends.append(last)
        rows = outputs[0] if directions == 1 else shape.concat(*outputs, axis=1)
    return rows, [shape.concat(*[shape.expand_dims(s, axis=0) for s in last], axis=0) for last in zip(*ends, strict=True)]


def entry(states: Tensor, k: int) -> Tensor:
    """Number k along the first dimension."""
    return shape.squeeze(shape.crop(states, axis=0, start=k, length=1), axis=0)


def reversal(sizes: tuple[int, ...]) -> Tensor | None:
    """The rows of sequences of different lengths, each from its end to its start; None if all are equally long."""
    if sizes[-1] == sizes[0]:
        return None
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    lengths = (np.array(sizes)[:, None] > np.arange(sizes[0])).sum(0)
    return constant(np.concatenate([starts[lengths[:n] - 1 - t] + np.arange(n) for t, n in enumerate(sizes)]))


def turned(rows: Tensor, sizes: tuple[int, ...], order: Tensor | None) -> Tensor:
    """The rows with every sequence from its end to its start."""
    if order is not None:
        return index.index_select(rows, order, axis=0)
    steps = shape.reshape(rows, shape=(len(sizes), sizes[0], rows.array.shape[1]))
    return shape.reshape(shape.flip(steps, axis=0), shape=rows.array.shape)
