"""Whole sequences through one layer and direction of a recurrent network, each kind one operation.

x holds the rows of all steps one after the other, (rows, features): those of step t are the `sizes[t]` sequences that go on
so long, sizes never growing, the first of them the number of sequences. Results are the outputs of all steps as such rows, and
each sequence's states after its last step. Weights are laid out as PyTorch's; biases may be None. Shapes and dtypes are
checked where these operations are called. The references take the steps one by one.
"""

from __future__ import annotations

from ..kernels import recurrent_gru, recurrent_lstm, recurrent_rnn
from ..labels import label
from ..primitive import fused
from .activation import relu
from .elementwise import sigmoid, tanh
from .linalg import linear
from .shape import concat, crop


def step_by_step(shares, states, sizes, step):
    """The outputs of all steps, and the states after each sequence's last; `step(share, states)` gives the next states.

    Sequences that ended take no part in a step; the output is the first of the states.
    """
    outputs, ended, start = [], [], 0
    for size in sizes:
        alive = states[0].shape[0]
        if size < alive:
            ended.append([crop(s, axis=0, start=size, length=alive - size) for s in states])
            states = [crop(s, axis=0, start=0, length=size) for s in states]
        states = step(crop(shares, axis=0, start=start, length=size), states)
        outputs.append(states[0])
        start += size
    ended.append(states)
    return (concat(*outputs, axis=0), *[concat(*parts, axis=0) for parts in zip(*reversed(ended), strict=True)])


def split(gates, count):
    """Gates that lie side by side."""
    width = gates.shape[1] // count
    return [crop(gates, axis=1, start=k * width, length=width) for k in range(count)]


# ---------------------------------------------------------------------- simple


def rnn_reference(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, *, sizes, nonlinearity="tanh"):
    function = tanh if nonlinearity == "tanh" else relu

    def step(share, states):
        h = function(share + linear(states[0], weight_hh, bias_hh))
        label(h=h)
        return (h,)

    return step_by_step(linear(x, weight_ih, bias_ih), (h0,), sizes, step)


def rnn_back(g, *kept, needs):
    return recurrent_rnn.rnn_back(g, *kept, needs=needs)


BEFORE = "δₜ = the gradient before step t's nonlinearity, last step first"

RNN_FORMULAS = {
    "x": ("δₜ @ {weight_ih}", BEFORE),
    "h0": ("δ₁ @ {weight_hh}", BEFORE),
    "weight_ih": ("Σₜ δₜᵀ @ {x}ₜ", BEFORE),
    "weight_hh": ("Σₜ δₜᵀ @ hₜ₋₁", BEFORE),
    "bias_ih": ("Σₜ δₜ", BEFORE),
    "bias_hh": ("Σₜ δₜ", BEFORE),
}


@fused(rnn_back, reference=rnn_reference, results=("output", "h_n"), formulas=RNN_FORMULAS, promotes="no")
def rnn(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, *, sizes, nonlinearity="tanh", needs):
    """h ← tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or relu instead of tanh. Source: Elman, Cognitive Science 14 (1990)."""
    output, h_n, states = recurrent_rnn.rnn(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, sizes, nonlinearity)
    return (output, h_n), (x, weight_ih, weight_hh, states, sizes, nonlinearity) if any(needs) else ()


# ---------------------------------------------------------------------- gated


def gru_reference(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, *, sizes):
    def step(share, states):
        (h,) = states
        x_r, x_z, x_n = split(share, 3)
        h_r, h_z, h_n = split(linear(h, weight_hh, bias_hh), 3)
        r = sigmoid(x_r + h_r)
        z = sigmoid(x_z + h_z)
        n = tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h
        label(r=r, z=z, n=n, h=h)
        return (h,)

    return step_by_step(linear(x, weight_ih, bias_ih), (h0,), sizes, step)


def gru_back(g, *kept, needs):
    return recurrent_gru.gru_back(g, *kept, needs=needs)


RESET = "εₜ = δₜ, its part for n times rₜ"

GRU_FORMULAS = {
    **RNN_FORMULAS,
    "h0": ("ε₁ @ {weight_hh} + z₁ · dh₁", RESET, BEFORE, "dh₁ = the gradient of the state after step 1"),
    "weight_hh": ("Σₜ εₜᵀ @ hₜ₋₁", RESET, BEFORE),
    "bias_hh": ("Σₜ εₜ", RESET, BEFORE),
}


@fused(gru_back, reference=gru_reference, results=("output", "h_n"), formulas=GRU_FORMULAS, promotes="no")
def gru(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, *, sizes, needs):
    """h ← (1 - z) n + z h, with reset gate r, update gate z and n = tanh(x W_inᵀ + b_in + r (h W_hnᵀ + b_hn)). Source: arXiv:1406.1078."""
    output, h_n, kept = recurrent_gru.gru(x, h0, weight_ih, weight_hh, bias_ih, bias_hh, sizes)
    return (output, h_n), (x, weight_ih, weight_hh, *kept, sizes) if any(needs) else ()


# ---------------------------------------------------------------------- long short-term memory


def lstm_reference(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, *, sizes):
    def step(share, states):
        h, c = states
        i, f, g, o = split(share + linear(h, weight_hh, bias_hh), 4)
        i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
        c = f * c + i * g
        tanh_c = tanh(c)
        h = o * tanh_c
        h = h if weight_hr is None else linear(h, weight_hr)
        label(i=i, f=f, candidate=g, o=o, c=c, tanh_c=tanh_c, h=h)
        return h, c

    return step_by_step(linear(x, weight_ih, bias_ih), (h0, c0), sizes, step)


def lstm_back(g, *kept, needs):
    return recurrent_lstm.lstm_back(g, *kept, needs=needs)


LSTM_FORMULAS = {
    **RNN_FORMULAS,
    "c0": ("f₁ · dc₁", "dc₁ = the gradient of the cell after step 1"),
    "weight_hr": ("Σₜ dhₜᵀ @ (oₜ · tanh(cₜ))", "dhₜ = the gradient of the state after step t"),
}


@fused(lstm_back, reference=lstm_reference, results=("output", "h_n", "c_n"), formulas=LSTM_FORMULAS, promotes="no")
def lstm(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, *, sizes, needs):
    """c ← f c + i g and h ← o tanh(c), or h ← o tanh(c) W_hrᵀ, with gates i, f, o and candidate g. Sources: Hochreiter and
    Schmidhuber, Neural Computation 9 (1997); arXiv:1402.1128 for W_hr.
    """
    output, h_n, c_n, kept = recurrent_lstm.lstm(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, sizes)
    return (output, h_n, c_n), (x, weight_ih, weight_hh, weight_hr, *kept, sizes) if any(needs) else ()
