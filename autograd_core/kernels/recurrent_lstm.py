"""The long short-term memory over whole sequences, forward and back."""

from __future__ import annotations

import numpy as np

from .recurrent import Gradients, Steps, by_gate, columns, for_all_rows, initial, tiled

ORDER = [0, 1, 3, 2]  # input, forget, output gate, then the candidate: all sigmoids side by side
SCALE = [0.5, 0.5, 0.5, 1]


def lstm(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, sizes):
    """The outputs of all steps, the last hidden and cell states, and what the way back needs: gates, states, cells, tanh(cells)."""
    steps, dtype = Steps(sizes), x.dtype
    hidden = c0.shape[1]
    w, u = (columns(weight, ORDER, SCALE) for weight in (weight_ih, weight_hh))
    bias = None if bias_ih is None else tiled(by_gate(bias_ih + bias_hh, 4, ORDER, SCALE), steps.batch)
    gates = np.empty((4, steps.rows, hidden), dtype)
    squashed = np.empty((steps.rows, hidden), dtype)
    states, cells = steps.states(h0), steps.states(c0)
    views = [sizes, steps.of(gates), steps.before(states), steps.after(states), steps.before(cells), steps.after(cells)]
    views.append(steps.of(squashed))
    products, product_of_cell = np.empty((4, steps.batch, hidden), dtype), np.empty((steps.batch, hidden), dtype)

    np.matmul(x, w, out=gates)
    for n, gate, h, new_h, c, new_c, squash in zip(*views):
        product, p = products[:, :n], product_of_cell[:n]
        np.matmul(h, u, out=product)
        if bias is not None:
            product += bias[:, :n]
        gate += product
        np.tanh(gate, out=gate)
        sigmoids = gate[:3]
        sigmoids *= 0.5
        sigmoids += 0.5
        i, f, o, g = gate
        np.multiply(f, c, out=new_c)
        np.multiply(i, g, out=p)
        new_c += p
        np.tanh(new_c, out=squash)
        if weight_hr is None:
            np.multiply(o, squash, out=new_h)
        else:
            np.multiply(o, squash, out=p)
            np.matmul(p, weight_hr.T, out=new_h)
    return states[steps.batch :], steps.last(states), steps.last(cells), (gates, states, cells, squashed)


def lstm_back(gradients, x, weight_ih, weight_hh, weight_hr, gates, states, cells, squashed, sizes, *, needs):
    """The gradients by x, h0, c0, both weights, both biases and weight_hr, those that are needed.

    What a gradient of c or of h is multiplied by to give one of a gate does not depend on gradients, so that it is made for many
    steps at once; the sweep then multiplies, and turns it into the gates' gradients.
    """
    i, f, o, g = gates
    steps = Steps(sizes)
    _, rows, hidden = gates.shape
    width, dtype = states.shape[1], gates.dtype
    slopes = np.empty(gates.shape, dtype)  # in the order of the weights: the first three by c, the last by h
    through = np.empty((rows, hidden), dtype)  # from h to c
    cells_before = steps.all_before(cells)
    by_output, by_h, by_c = gradients
    by_h, by_c = initial(by_h, states, steps.batch), initial(by_c, cells, steps.batch)
    projected = None if weight_hr is None else np.empty((rows, width), dtype)
    none = [None] * len(sizes)
    views = [sizes, none if by_output is None else steps.of(by_output), steps.of(slopes), steps.of(through), steps.of(f)]
    views.append(none if projected is None else steps.of(projected))
    u = by_gate(weight_hh, 4)
    products, product_of_cell = np.empty((4, steps.batch, width), dtype), np.empty((steps.batch, hidden), dtype)

    def prepare(r):
        di, df, dg, do = slopes[:, r]
        np.subtract(1, i[r], out=di)
        di *= i[r]
        di *= g[r]
        np.subtract(1, f[r], out=df)
        df *= f[r]
        df *= cells_before[r]
        np.multiply(g[r], g[r], out=dg)
        np.subtract(1, dg, out=dg)
        dg *= i[r]
        np.multiply(squashed[r], squashed[r], out=do)
        np.subtract(1, do, out=do)
        np.multiply(do, o[r], out=through[r])
        np.subtract(1, o[r], out=do)
        do *= o[r]
        do *= squashed[r]

    for_all_rows(prepare, rows, hidden)
    for n, output, slope, t, forget, projection in zip(*[view[::-1] for view in views]):
        product, dh, dc = products[:, :n], by_h[:n], by_c[:n]
        if output is not None:
            dh += output
        if projection is None:
            dm = dh
        else:
            projection[...] = dh
            dm = np.matmul(dh, weight_hr, out=product_of_cell[:n])
        t *= dm
        dc += t
        slope[3] *= dm
        cell_slopes = slope[:3]
        cell_slopes *= dc
        dc *= forget
        np.matmul(slope, u, out=product)
        np.add.reduce(product, axis=0, out=dh)
    of_input = Gradients(slopes, x, weight_ih if needs[0] else None, needs[3], needs[5] or needs[6])
    of_state = Gradients(slopes, steps.all_before(states), None, needs[4], False)
    bias = of_input.by_bias
    by_projection = projected.T @ (o * squashed) if projected is not None and needs[7] else None
    return of_input.by_rows, by_h, by_c, of_input.by_weight, of_state.by_weight, bias, bias, by_projection
