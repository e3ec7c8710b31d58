"""The simple recurrent layer over whole sequences, forward and back."""

from __future__ import annotations

import numpy as np

from .recurrent import Gradients, Steps, columns, for_all_rows, initial


def rnn(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, sizes, nonlinearity):
    """The outputs of all steps, the last states, and all states, which the way back needs."""
    steps = Steps(sizes)
    states = steps.states(h0)
    shares = x @ weight_ih.T
    if bias_ih is not None:
        shares += bias_ih + bias_hh
    (u,) = columns(weight_hh, [0], [1])
    for share, h, new_h in zip(steps.of(shares), steps.before(states), steps.after(states)):
        np.matmul(h, u, out=new_h)
        new_h += share
        if nonlinearity == "tanh":
            np.tanh(new_h, out=new_h)
        else:
            np.maximum(new_h, 0, out=new_h)
    return states[steps.batch :], steps.last(states), states


def rnn_back(gradients, x, weight_ih, weight_hh, states, sizes, nonlinearity, *, needs):
    """The gradients by x, h0, both weights and both biases, those that are needed."""
    steps = Steps(sizes)
    out = states[steps.batch :]
    rows, hidden = out.shape
    slopes = np.empty((1, rows, hidden), out.dtype)
    by_output, by_h = gradients
    by_h = initial(by_h, states, steps.batch)
    views = [sizes, [None] * len(sizes) if by_output is None else steps.of(by_output), steps.of(slopes[0])]

    def prepare(r):
        slope = slopes[0, r]
        if nonlinearity == "tanh":
            np.multiply(out[r], out[r], out=slope)
            np.subtract(1, slope, out=slope)
        else:
            np.greater(out[r], 0, out=slope)

    for_all_rows(prepare, rows, hidden)
    for n, output, slope in zip(*[view[::-1] for view in views]):
        dh = by_h[:n]
        if output is not None:
            dh += output
        slope *= dh
        np.matmul(slope, weight_hh, out=dh)
    of_input = Gradients(slopes, x, weight_ih if needs[0] else None, needs[2], needs[4] or needs[5])
    of_state = Gradients(slopes, steps.all_before(states), None, needs[3], False)
    bias = of_input.by_bias
    return of_input.by_rows, by_h, of_input.by_weight, of_state.by_weight, bias, bias
