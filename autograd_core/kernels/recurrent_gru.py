"""The gated recurrent unit over whole sequences, forward and back."""

from __future__ import annotations

import numpy as np

from .recurrent import Gradients, Steps, by_gate, columns, for_all_rows, initial, tiled

ORDER = [0, 1, 2]  # reset gate, update gate, candidate
SCALE = [0.5, 0.5, 1]


def gru(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, sizes):
    """The outputs of all steps, the last states, and what the way back needs: gates, states, the state's share in the candidate."""
    steps, dtype = Steps(sizes), x.dtype
    hidden = h0.shape[1]
    w, u = (columns(weight, ORDER, SCALE) for weight in (weight_ih, weight_hh))
    if bias_ih is None:
        bias = bias_of_candidate = None
    else:
        bias, of_input = (by_gate(b, 3, ORDER, SCALE) for b in (bias_hh, bias_ih))
        bias[:2] += of_input[:2]
        bias, (bias_of_candidate,) = tiled(bias, steps.batch), tiled(of_input[2:], steps.batch)
    gates = np.empty((3, steps.rows, hidden), dtype)
    states = steps.states(h0)
    shares = np.empty((steps.rows, hidden), dtype)
    products, product_of_state = np.empty((3, steps.batch, hidden), dtype), np.empty((steps.batch, hidden), dtype)
    np.matmul(x, w, out=gates)
    for n, gate, share, h, new_h in zip(sizes, steps.of(gates), steps.of(shares), steps.before(states), steps.after(states)):
        product, p = products[:, :n], product_of_state[:n]
        np.matmul(h, u, out=product)
        sigmoids, candidate = gate[:2], gate[2]
        if bias is not None and bias_of_candidate is not None:
            product += bias[:, :n]
            candidate += bias_of_candidate[:n]
        sigmoids += product[:2]
        np.tanh(sigmoids, out=sigmoids)
        sigmoids *= 0.5
        sigmoids += 0.5
        share[...] = product[2]
        np.multiply(sigmoids[0], share, out=p)
        candidate += p
        np.tanh(candidate, out=candidate)
        np.subtract(h, candidate, out=p)
        p *= sigmoids[1]
        np.add(candidate, p, out=new_h)
    return states[steps.batch :], steps.last(states), (gates, states, shares)


def gru_back(gradients, x, weight_ih, weight_hh, gates, states, shares, sizes, *, needs):
    """The gradients by x, h0, both weights and both biases, those that are needed.

    What the gradient of h is multiplied by to give one of a gate does not depend on gradients, so that it is made for all steps
    at once; the sweep then multiplies, and turns it into the gates' gradients.
    """
    r, z, n = gates
    steps, dtype = Steps(sizes), gates.dtype
    _, rows, hidden = gates.shape
    slopes = np.empty((4, rows, hidden), dtype)  # of the candidate, reset, update, and the state's share in the candidate
    before = steps.all_before(states)
    by_output, by_h = gradients
    by_h = initial(by_h, states, steps.batch)
    views = [sizes, [None] * len(sizes) if by_output is None else steps.of(by_output), steps.of(slopes), steps.of(z)]
    u = by_gate(weight_hh, 3)
    products = np.empty((3, steps.batch, hidden), dtype)

    def prepare(at):
        by_n, by_r, by_z, by_share = slopes[:, at]
        np.subtract(1, z[at], out=by_z)
        np.multiply(n[at], n[at], out=by_n)
        np.subtract(1, by_n, out=by_n)
        by_n *= by_z
        by_z *= z[at]
        np.subtract(before[at], n[at], out=by_r)
        by_z *= by_r
        np.multiply(by_n, r[at], out=by_share)
        np.subtract(1, r[at], out=by_r)
        by_r *= by_share
        by_r *= shares[at]

    for_all_rows(prepare, rows, hidden)
    for count, output, slope, keep in zip(*[view[::-1] for view in views]):
        product, dh = products[:, :count], by_h[:count]
        if output is not None:
            dh += output
        slope *= dh
        np.matmul(slope[1:], u, out=product)
        dh *= keep
        for gate in product:
            dh += gate
    of_input = Gradients(slopes[:3], x, weight_ih if needs[0] else None, needs[2], needs[4], order=[2, 0, 1])
    of_state = Gradients(slopes[1:], before, None, needs[3], needs[5])
    return of_input.by_rows, by_h, of_input.by_weight, of_state.by_weight, of_input.by_bias, of_state.by_bias
