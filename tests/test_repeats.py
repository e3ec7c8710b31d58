"""Repeats: what follows itself with the same structure becomes one box, and comes apart again into exactly what it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
import viz
from tests.pictured_models import ALL, CellLoop, by_hand, cells, gpt, made, random_graph, resnet
from viz.graph.closing import arranged
from viz.graph.collapse import collapsed
from viz.graph.names import Names
from viz.graph.parts import in_parts
from viz.graph.repeats import rolled
from viz.graph.trace import trace


def traced(loss, names=None):
    return trace(loss, Names(loss, names))


def repeats(found):
    return [(c.label, c.times) for c in rolled(found).calls if c.kind == "repeat"]


def chain(steps, step, x=None):
    y = ag.ones(2, requires_grad=True) if x is None else x
    for k in range(steps):
        y = step(y, k)
    return y.sum()


def counts(found):
    return len(found.vertices), sum(len(v.inputs) for v in found.vertices)


# ---------------------------------------------------------------------- what is found


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda: by_hand(30)[1], [("step", 30)]),
        (lambda: by_hand(3)[1], [("step", 3)]),
        (lambda: by_hand(2)[1], []),
        (lambda: made(lambda: cells(20))[1], [("LSTMCell", 20)]),
        (lambda: made(gpt)[1], [("Block", 12)]),
        (lambda: made(resnet)[1], [("ResidualBlock", 5), ("ResidualBlock", 6), ("ResidualBlock", 8), ("ResidualBlock", 5)]),
        (lambda: chain(20, lambda y, k: y * 1.5), [("step", 20)]),
        (lambda: chain(8, lambda y, k: y * 1.5), []),  # so few of so small a kind are no pattern
        (lambda: chain(6, lambda y, k: (y * (k + 1)).sin().tanh().exp()), [("step", 6)]),  # whatever the constants are
    ],
)
def test_repeats_are_found(loss, expected):
    assert repeats(traced(loss())) == expected


def test_blocks_are_called_after_the_list_that_they_are_in():
    model, loss = made(gpt)
    (repeat,) = [c for c in rolled(traced(loss, model)).calls if c.kind == "repeat"]
    assert (repeat.label, repeat.times, repeat.path) == ("blocks: Block", 12, "blocks")
    model, loss = CellLoop(), None
    loss = model(ag.randn(9, 2, 3)).sum()
    (repeat,) = [c for c in rolled(traced(loss, model)).calls if c.kind == "repeat"]
    assert (repeat.label, repeat.times, repeat.path) == ("cell: LSTMCell", 9, "cell")


def test_repeats_in_repeats():
    def outer(y, k):
        for _ in range(5):
            y = ((y * 1.5).sin() + 1).tanh()
        return y.exp().log()

    found = rolled(traced(chain(6, outer)))
    times = {c.id: c.times for c in found.calls if c.kind == "repeat"}
    (around,) = [c.id for c in found.calls if c.kind == "repeat" and c.parent is None]
    steps = [c.id for c in found.calls if c.parent == around]
    assert times[around] == 6
    assert [c.times for c in found.calls if c.kind == "repeat" and c.parent in steps] == [5] * 6


def test_steps_of_modules_and_operations():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.out = nn.GRUCell(3, 4), nn.Linear(4, 3)

        def forward(self, x):
            h, total = ag.zeros(2, 4), 0.0
            for _ in range(8):
                h = self.cell(x, h)
                x = self.out(h).tanh()
                total = total + x.sum()
            return total

    (repeat,) = [c for c in rolled(traced(Loop()(ag.randn(2, 3)))).calls if c.kind == "repeat"]
    assert repeat.label == "step"
    assert repeat.times == 8


def test_parallel_parts_are_no_repeat_unless_they_are_many():
    def heads(count):
        x, layers = ag.randn(2, 3), nn.ModuleList([nn.Linear(3, 3) for _ in range(count)])
        return ag.stack([layer(x) for layer in layers]).sum()

    assert repeats(traced(heads(4))) == []
    assert repeats(traced(heads(12)))[0] == ("Linear", 12)


def test_steps_that_are_wired_differently_are_not_equal():
    x = ag.ones(2, requires_grad=True)
    values = [x.sin() for _ in range(2)]
    for k in range(30):  # which of the two comes first changes in no regular way
        values.append((values[-1] if (k * k) % 7 < 3 else values[-2]).sin() * values[-1].tanh())
    assert not any(times > 6 for _, times in repeats(traced(values[-1].sum())))


def test_random_graphs_do_not_seem_regular():
    found = traced(random_graph(3000))
    inside = sum(v.scope is not None for v in rolled(found).vertices)
    assert inside < 0.1 * len(found.vertices)


def test_an_opened_reference_is_rolled():
    recurrent = nn.LSTM(3, 4)
    out, _ = recurrent(ag.randn(20, 2, 3))
    picture = viz.draw(out.sum(), open="lstm", roll=True)
    (box,) = [b for b in picture.drawing.boxes if b.kind == "closed"]
    assert box.title == "step ×20"
    assert len(box.spark) == 20


# ---------------------------------------------------------------------- as many steps as the program has


def cell_loop(kind, state, losses, steps):
    """A recurrent cell in a loop: what its first state is, and what is done with the results."""
    cell = getattr(nn, kind)(3, 4)
    first = {
        "none": lambda: None,
        "data": lambda: ag.randn(2, 4),
        "learned": lambda: nn.Parameter(ag.zeros(2, 4)),
        "given": lambda: ag.randn(2, 4, requires_grad=True),
    }[state]
    h = (first(), first()) if kind == "LSTMCell" and state != "none" else first()
    outs = []
    total = 0.0
    for k, x in enumerate(ag.randn(steps, 2, 3)):
        h = cell(x, h)
        outs.append(h[0] if isinstance(h, tuple) else h)
        if losses == "sum":
            total = total + outs[-1].square().sum()
        elif losses == "sum from the first":
            total = outs[-1].square().sum() if k == 0 else total + outs[-1].square().sum()
    return {"last": lambda: outs[-1].sum(), "all": lambda: ag.stack(outs).square().sum()}.get(losses, lambda: total)()


class OwnCell(nn.Module):
    """As people write it: the state joined to the input, and an output that is often used of the last step alone."""

    def __init__(self):
        super().__init__()
        self.state, self.out = nn.Linear(7, 4), nn.Linear(4, 2)

    def forward(self, x, h):
        h = self.state(ag.cat([x, h], 1)).tanh()
        return self.out(h), h


class LearnedStart(nn.Module):
    def __init__(self):
        super().__init__()
        self.start, self.x, self.h = nn.Parameter(ag.zeros(4)), nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x, h=None):
        return (self.x(x) + self.h(self.start.expand(len(x), 4) if h is None else h)).tanh()


class PreActivation(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.dropout, self.layers = nn.Dropout(dropout), nn.ModuleList([nn.Linear(5, 5), nn.Linear(5, 5)])

    def forward(self, x):
        return x + self.layers[1](self.layers[0](self.dropout(x.relu())).relu())


def own_cell(steps):
    cell, h = OwnCell(), ag.zeros(2, 4)
    for x in ag.randn(steps, 2, 3):
        out, h = cell(x, h)
    return out.sum()


def learned_start(steps):
    cell, h = LearnedStart(), None
    for x in ag.randn(steps, 2, 3):
        h = cell(x, h)
    return h.sum()


def momentum(steps):
    w = ag.ones(3, requires_grad=True)
    velocity = ag.zeros(3)
    for _ in range(steps):
        velocity = 0.9 * velocity + w.sin() * w.exp()
        w = w - 0.1 * velocity
    return w.sum()


def sequence(*layers, before=(), after=()):
    return nn.Sequential(*before, *layers, *after)(ag.randn(2, 5)).square().sum()


def hidden(count, *layers):
    return [layer() for _ in range(count) for layer in (lambda: nn.Linear(5, 5), *layers)]


def encoder(count, norm_first=False):
    layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, count)(ag.randn(2, 3, 8)).square().mean()


def runge_kutta(steps):
    f = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2))
    x = ag.randn(4, 2)
    for _ in range(steps):
        a = f(x)
        b = f(x + 0.05 * a)
        x = x + 0.05 * (a + f(x + 0.1 * b))
    return x.sum()


STEPS = {
    "own cell": own_cell,
    "learned start": learned_start,
    "momentum": momentum,
    "runge-kutta": runge_kutta,
    "by hand": lambda n: by_hand(n)[1],
    "hidden layers": lambda n: sequence(*hidden(n, nn.ReLU), after=[nn.Linear(5, 2)]),
    "linear layers": lambda n: sequence(*hidden(n), after=[nn.Linear(5, 2)]),
    "pre-activation": lambda n: sequence(*(PreActivation() for _ in range(n))),
    "dropout": lambda n: sequence(*(PreActivation(0.5) for _ in range(n)), after=[nn.Linear(5, 2)]),
    "after a stem": lambda n: sequence(*(PreActivation() for _ in range(n)), before=[nn.Linear(5, 5)]),
    "encoder": encoder,
    "encoder, norm first": lambda n: encoder(n, norm_first=True),
    "gpt": lambda n: gpt(n)[1],
}


@settings(max_examples=40)
@given(
    st.sampled_from(["RNNCell", "GRUCell", "LSTMCell"]),
    st.sampled_from(["none", "data", "learned", "given"]),
    st.sampled_from(["last", "all", "sum", "sum from the first"]),
    st.integers(3, 10),
)
def test_all_steps_of_a_cell_are_in_the_box(kind, state, losses, steps):
    ag.manual_seed(0)
    assert_rolled(cell_loop(kind, state, losses, steps), steps)


@pytest.mark.parametrize("make", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("steps", [4, 9])
def test_the_first_and_the_last_step_are_in_the_box(make, steps):
    ag.manual_seed(0)
    assert_rolled(make(steps), steps)


def assert_rolled(loss, steps):
    """That there is a box of so many steps, and nothing lost by closing or opening it."""
    found = traced(loss)
    wide = rolled(found)
    calls = [c for c in wide.calls if c.kind == "repeat"]
    assert steps in [c.times for c in calls]
    for call in calls:
        (box,) = [v for v in collapsed(wide, {call.id}).vertices if v.id == call.id]
        assert box.name == f"{call.label} ×{call.times}"
        assert len(box.spark) == call.times
        assert np.isfinite(box.spark).all()
    assert counts(arranged(found, expand=True).shown) == counts(found)
    same_gradients(wide, {c.id for c in calls})


@pytest.mark.parametrize("count", [3, 4])
def test_layers_of_steps(count):
    def loss():
        xs = list(ag.randn(5, 2, 4))
        for _ in range(count):
            cell, h, out = nn.GRUCell(4, 4), ag.zeros(2, 4), []
            for x in xs:
                h = cell(x, h)
                out.append(h)
            xs = out
        return xs[-1].sum()

    assert repeats(traced(loss())) == [("step", count), *[("GRUCell", 5)] * count]


def two_cells(first, second, same=False):
    one, other = nn.GRUCell(3, 4), nn.GRUCell(3, 4)
    h = None
    for k, x in enumerate(ag.randn(first + second, 2, 3)):
        h = (one if k < first or same else other)(x, h)
    return h.sum()


def towers(count):
    layers, ends = [nn.Linear(5, 5) for _ in range(count)], []
    for x in (ag.randn(2, 5), ag.randn(2, 5)):
        for layer in layers:
            x = layer(x)
        ends.append(x)
    return (ends[0] - ends[1]).square().sum()


def layers_and_readout(count):
    x = ag.randn(2, 4)
    for k in range(count + 1):
        x = x @ ag.randn(4, 4, requires_grad=True) + ag.randn(4, requires_grad=True)
        x = x.tanh() if k < count else x
    return x.sum()


def cells_and_rest(steps):
    """What follows the loop begins as its steps end."""
    cell, h = nn.GRUCell(4, 4), ag.zeros(2, 4)
    for _ in range(steps):
        h = cell(ag.randn(2, 4), h) * ag.randn(2, 4)
    for _ in range(6):
        h = (h * 1.1).sin()
    return h.sum()


class Chain(nn.Module):
    """Blocks of one class that hold different things."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def two_linears():
    return nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 5))


def blocks(count, *kinds):
    made = {nn.Linear: lambda: nn.Linear(5, 5), nn.LayerNorm: lambda: nn.LayerNorm(5)}
    return [Chain(*(made.get(kind, kind)() for kind in kinds)) for _ in range(count)]


def after_another_activation(steps):
    x, before, layer = ag.randn(2, 5), nn.Linear(5, 5), nn.Linear(5, 5)
    x = x + before(x).relu().sigmoid()
    for _ in range(steps):
        x = x + layer(x).tanh().sigmoid()
    return x.square().sum()


def another_memory(steps):
    x, layer, h = ag.randn(2, 4, requires_grad=True), nn.Linear(8, 4), ag.zeros(2, 4)
    memory, other = x.sin(), x.exp()
    for k in range(steps + 1):
        h = layer(ag.cat([h, memory if k < steps else other], 1)).tanh()
    return h.sum()


def little_of_a_step(steps):
    """What stands before the first step is the end of one, a quarter of it."""
    h, w = ag.randn(2, 4), nn.Linear(4, 4)
    h = w(h)
    for _ in range(steps):
        h = w((h * 1.5).sin().exp())
    return h.sum()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: cells_and_rest(4), [4, 6]),
        (lambda: sequence(*hidden(4, nn.ReLU), after=[nn.Linear(5, 5)]), [4]),
        (lambda: sequence(*hidden(4, lambda: nn.LayerNorm(5), nn.ReLU), after=[nn.Linear(5, 5)]), [4]),
        (lambda: sequence(*hidden(4, nn.ReLU), before=[nn.Linear(5, 5)], after=[nn.Linear(5, 7), nn.ReLU()]), [4]),
        (lambda: layers_and_readout(5), [5]),
        (lambda: two_cells(5, 4), [5, 4]),  # other parameters
        (lambda: two_cells(2, 4), [4]),
        (lambda: two_cells(5, 4, same=True), [9]),
        (lambda: towers(4), [4, 4]),
        (lambda: sequence(PreActivation(), PreActivation(), after=[nn.Linear(5, 5)]), []),
        (lambda: nn.Sequential(nn.Linear(7, 5), *hidden(4))(ag.randn(2, 7)).sum(), [4]),
        (lambda: sequence(*blocks(4, nn.Linear, nn.Tanh), before=blocks(1, two_linears, nn.Linear, nn.Tanh)), [4]),
        (lambda: sequence(*blocks(4, nn.Linear, nn.Tanh), before=blocks(1, nn.LayerNorm, nn.Linear, nn.Tanh)), [4]),
        (lambda: sequence(*blocks(4, nn.Linear, nn.Tanh, nn.Linear), before=blocks(1, nn.Tanh, nn.Linear)), [4]),
        (lambda: sequence(*blocks(4, nn.Linear, nn.Tanh), after=blocks(1, nn.Linear)), [4]),
        (lambda: after_another_activation(5), [5]),
        (lambda: another_memory(5), [6]),  # what is given from outside may be another for each step
        (lambda: little_of_a_step(5), [5]),
        (lambda: sequence(*blocks(4, nn.Linear, nn.Tanh), after=[Chain(nn.Linear(5, 5, bias=False), nn.Tanh())]), [4]),
        (lambda: nn.Sequential(*hidden(4), nn.Linear(5, 7))(ag.randn(2, 5)).sum(), [4]),
        (lambda: nn.Sequential(*(nn.Linear(k, k + 1) for k in range(3, 8)))(ag.randn(2, 3)).sum(), []),
    ],
)
def test_what_only_resembles_a_step_stays_outside(make, expected):
    ag.manual_seed(0)
    assert [times for _, times in repeats(traced(make()))] == expected


# ---------------------------------------------------------------------- and what becomes of it


@pytest.mark.parametrize("make", [*ALL, gpt, resnet, lambda: cells(30), lambda: by_hand(30)[:2], lambda: (0, random_graph(150))])
def test_expanding_restores_exact_counts(make):
    loss = made(make)[1]
    found = traced(loss)
    wide = rolled(found)
    assert [v.id for v in wide.vertices] == [v.id for v in found.vertices]
    assert [v.inputs for v in wide.vertices] == [v.inputs for v in found.vertices]
    assert {c.id for c in found.calls} <= {c.id for c in wide.calls}
    for how in ({"expand": True}, {"roll": False, "depth": 99}):
        shown = arranged(found, **how).shown
        assert counts(shown) == counts(found)
        assert not any(v.kind == "closed" for v in shown.vertices)
    shut = arranged(found, roll=True).shown
    assert sum(v.kind == "closed" for v in shut.vertices) == len({c.id for c in wide.calls if c.kind == "repeat"} - _nested(wide))
    open_again = viz.draw(loss, expand=True).drawing
    whole = viz.draw(loss, roll=False, depth=99).drawing
    assert [b.id for b in open_again.boxes] == [b.id for b in whole.boxes]
    assert open_again.arrows == whole.arrows


def _nested(found):
    parents = {c.id: c.parent for c in found.calls}
    inner = set()
    for call in found.calls:
        at = call.parent
        while at is not None:
            if call.kind == "repeat" and at.startswith("repeat"):
                inner.add(call.id)
            at = parents[at]
    return inner


def test_calls_come_after_those_around_them_and_steps_are_equal():
    for loss in (made(gpt)[1], by_hand(12)[1], made(lambda: cells(9))[1]):
        found = rolled(traced(loss))
        known = {None}
        for call in found.calls:
            assert call.parent in known
            known.add(call.id)
        for repeat in (c for c in found.calls if c.kind == "repeat"):
            steps = [c.id for c in found.calls if c.parent == repeat.id]
            assert len(steps) == repeat.times
            shapes = [[(v.operation, v.shape, v.dtype) for v in collapsed(found, {s}).by_id[s].inside and _inside(found, s)] for s in steps]
            assert all(s == shapes[0] for s in shapes[:-1])
            assert set(shapes[-1]) <= set(shapes[0])  # what nobody uses of the last one is not there


def _inside(found, step):
    box = next(v for v in collapsed(found, {step}).vertices if v.id == step)
    return [found.by_id[i] for i in box.inside if found.by_id[i].kind == "operation"]


def test_the_spark_is_the_gradient_norm_at_each_steps_end():
    _leaves, loss, states = by_hand(12)
    for h in states:
        h.retain_grad()
    (box,) = [b for b in viz.draw(loss, roll=True).drawing.boxes if b.kind == "closed"]
    assert box.title == "step ×12"
    loss.backward()
    np.testing.assert_allclose(box.spark, [np.linalg.norm(h.grad.numpy()) for h in states], rtol=1e-6)
    (freed,) = [b for b in viz.draw(loss, roll=True).drawing.boxes if b.kind == "closed"]
    assert freed.spark == ()
    (forward,) = [b for b in viz.draw(loss, "forward", roll=True).drawing.boxes if b.kind == "closed"]
    assert forward.spark == ()


@pytest.mark.parametrize("make", [lambda: by_hand(70)[1], lambda: cell_loop("LSTMCell", "data", "all", 70)], ids=["by hand", "cells"])
def test_the_spark_has_each_step_whatever_was_closed_before_and_wherever_the_row_is_divided(make):
    ag.manual_seed(0)
    whole = rolled(traced(make()))
    divided = in_parts(whole, 30)
    repeat = max(whole.calls, key=lambda call: call.times).id
    (expected,) = [v.spark for v in collapsed(whole, {repeat}).vertices if v.id == repeat]
    parts = {call.id for call in divided.calls if call.kind == "part" and call.parent == repeat}
    steps = {call.id for call in whole.calls if call.parent == repeat}
    assert len(expected) == 70
    assert min(expected) > 0
    assert len(parts) == 4
    for found, before in [(whole, steps), (divided, ()), (divided, parts), (divided, steps), (divided, {max(parts)})]:
        shown = collapsed(found, before)
        (box,) = [v for v in collapsed(shown, {repeat}).vertices if v.id == repeat]
        np.testing.assert_allclose(box.spark, expected, rtol=1e-12)
    in_part = [norm for v in collapsed(divided, parts).vertices for norm in v.spark]
    np.testing.assert_allclose(in_part, expected, rtol=1e-12)


def test_the_spark_of_steps_that_are_single_operations():
    y = ag.tensor(2.0, requires_grad=True)
    for _ in range(13):
        y = y * 0.5
    (box,) = [b for b in viz.draw(y, roll=True).drawing.boxes if b.kind == "closed"]
    assert box.spark == tuple(0.5**k for k in range(12, -1, -1))


def test_the_accumulation_of_a_shared_parameter_is_explicit():
    (w, u, b), loss, _ = by_hand(30)
    picture = viz.draw(loss)
    for name, tensor in (("w", w), ("u", u), ("b", b)):
        (box,) = [x for x in picture.drawing.boxes if x.title == name]
        (total,) = [a for a in picture.drawing.arrows if a.target == box.id]
        assert total.lines[0] == f"g · ∂(step ×30)/∂{name}"
        assert total.lines[1].startswith("sum of 30, ")
        assert tensor.grad is None


def test_a_parameter_used_often_says_of_how_many_uses_its_gradient_is_the_sum():
    _leaves, loss, _ = by_hand(8)
    boxes = {b.title: b.lines for b in viz.draw(loss).drawing.boxes}
    assert boxes["leaf 1"][-2:] == ("used 8 times", "grad is the sum of 8")


@pytest.mark.parametrize(
    ("loss", "roll", "closed"),
    [
        (lambda: by_hand(6)[1], None, 0),
        (lambda: by_hand(30)[1], None, 1),
        (lambda: by_hand(30)[1], False, 0),
        (lambda: by_hand(6)[1], True, 1),
        (lambda: made(lambda: gpt(2))[1], None, 0),
        (lambda: made(gpt)[1], None, 1),
    ],
)
def test_long_repeats_are_closed_by_themselves_in_large_graphs(loss, roll, closed):
    picture = viz.draw(loss(), roll=roll)
    assert sum(b.kind == "closed" for b in picture.drawing.boxes) == closed
    assert ("closed to keep the picture small" in picture.drawing.caption[-1]) == (closed == 1 and roll is None)


def test_a_repeat_that_is_expanded_shows_its_steps_closed_but_those_that_are_expanded_too():
    model, loss = made(gpt)
    picture = viz.draw(loss, names=model, expand="blocks")
    assert [b.title for b in picture.drawing.boxes if b.kind == "closed"] == [f"blocks.{k}: Block" for k in range(12)]
    (group,) = [g for g in picture.drawing.groups if g.kind == "repeat"]
    assert (group.label, group.times) == ("blocks: Block", 12)
    picture = viz.draw(loss, names=model, expand="blocks.3.attention")
    shut = [b.title for b in picture.drawing.boxes if b.kind == "closed"]
    assert shut == [f"blocks.{k}: Block" for k in range(12) if k != 3]
    assert "scaled_dot_product_attention" in [b.title for b in picture.drawing.boxes]
    unrolled = by_hand(30)[1]
    assert sum(b.title.startswith("step ") for b in viz.draw(unrolled, expand="step").drawing.boxes) == 30


@pytest.mark.parametrize(
    "make", [gpt, lambda: cells(12), lambda: by_hand(12)[:2], lambda: (0, random_graph(900)), lambda: (0, penalised(gpt))]
)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_cross_closed_repeats_and_parts_as_they_cross_what_is_in_them(make, seed):
    chance = np.random.default_rng(seed)
    wide = in_parts(rolled(traced(made(make)[1])))
    same_gradients(wide, {c.id for c in wide.calls if c.kind != "module" and chance.random() < 0.5})


def same_gradients(wide, closed):
    """That the gradients which cross closed boxes are those of what is in them."""
    shown = collapsed(wide, closed)
    expected, told = {}, {}
    for vertices, ends_at, totals in ((wide.vertices, shown.shown, expected), (shown.vertices, {}, told)):
        for v in vertices:
            for e in v.inputs:
                here = ends_at.get(v.id, v.id)
                if e.part is not None and (v.id not in ends_at or here != shown.shown[e.source]):
                    totals[here, e.source] = totals.get((here, e.source), 0) + e.part.array.astype(np.float64)
    expected = {ends: total for ends, total in expected.items() if ends[0] != shown.shown[ends[1]]}
    assert told.keys() == expected.keys()
    for ends, total in expected.items():
        np.testing.assert_allclose(told[ends], total, rtol=1e-5, atol=1e-6 * (1 + np.abs(total).max()))


def penalised(make):
    model, loss = make()
    return loss + 0.01 * sum((p.square().sum() for p in model.parameters()), start=0.0)


def test_parameters_stay_in_their_modules_box_when_a_penalty_uses_them_too():
    model, loss = made(gpt)
    loss = loss + 0.01 * sum((p.square().sum() for p in model.parameters()), start=0.0)
    picture = viz.draw(loss, names=model)
    titles = [b.title for b in picture.drawing.boxes]
    assert "blocks: Block ×12" in titles
    assert len(titles) < 60
    (box,) = [b for b in picture.drawing.boxes if b.title == "blocks: Block ×12"]
    penalties = [a for a in picture.drawing.arrows if a.target == box.id and a.lines[0].endswith("gradients")]
    assert penalties  # their gradients arrive at the box, many in one arrow
