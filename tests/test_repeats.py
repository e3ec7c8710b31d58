"""Repeats: what follows itself with the same structure becomes one box, and comes apart again into exactly what it was."""

from __future__ import annotations

import numpy as np
import pytest

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
        (lambda: by_hand(30)[1], [("step", 29)]),  # the first step has no state to hand a gradient to
        (lambda: by_hand(4)[1], [("step", 3)]),
        (lambda: by_hand(3)[1], []),
        (lambda: made(lambda: cells(20))[1], [("LSTMCell", 18)]),  # and of the last one only a part is used
        (lambda: made(gpt)[1], [("Block", 12)]),
        (lambda: made(resnet)[1], [("ResidualBlock", 5), ("ResidualBlock", 6), ("ResidualBlock", 8), ("ResidualBlock", 5)]),
        (lambda: chain(20, lambda y, k: y * 1.5), [("step", 19)]),  # the first multiplies a leaf
        (lambda: chain(8, lambda y, k: y * 1.5), []),  # so few of so small a kind are no pattern
        (lambda: chain(6, lambda y, k: (y * (k + 1)).sin().tanh().exp()), [("step", 5)]),  # whatever the constants are
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
    assert (repeat.label, repeat.times, repeat.path) == ("cell: LSTMCell", 7, "cell")


def test_repeats_in_repeats():
    def outer(y, k):
        for _ in range(5):
            y = ((y * 1.5).sin() + 1).tanh()
        return y.exp().log()

    found = rolled(traced(chain(6, outer)))
    times = {c.id: c.times for c in found.calls if c.kind == "repeat"}
    first, rest = [c.id for c in found.calls if c.kind == "repeat" and c.parent is None]
    assert (times[first], times[rest]) == (4, 5)  # the very first step multiplies a leaf
    steps = [c.id for c in found.calls if c.parent == rest]
    assert [c.times for c in found.calls if c.kind == "repeat" and c.parent in steps] == [5] * 5


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
    assert repeat.times >= 6


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
    assert box.title.startswith("step ×")
    assert int(box.title.rpartition("×")[2]) >= 17
    assert len(box.spark) == int(box.title.rpartition("×")[2])


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
        shown = arranged(found, **how)
        assert counts(shown) == counts(found)
        assert not any(v.kind == "closed" for v in shown.vertices)
    shut = arranged(found, roll=True)
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
            assert all(s == shapes[0] for s in shapes)


def _inside(found, step):
    box = next(v for v in collapsed(found, {step}).vertices if v.id == step)
    return [found.by_id[i] for i in box.inside if found.by_id[i].kind == "operation"]


def test_the_spark_is_the_gradient_norm_at_each_steps_end():
    _leaves, loss, states = by_hand(12)
    for h in states:
        h.retain_grad()
    (box,) = [b for b in viz.draw(loss, roll=True).drawing.boxes if b.kind == "closed"]
    assert box.title == "step ×11"
    loss.backward()
    np.testing.assert_allclose(box.spark, [np.linalg.norm(h.grad.numpy()) for h in states[1:]], rtol=1e-6)
    (freed,) = [b for b in viz.draw(loss, roll=True).drawing.boxes if b.kind == "closed"]
    assert freed.spark == ()
    (forward,) = [b for b in viz.draw(loss, "forward", roll=True).drawing.boxes if b.kind == "closed"]
    assert forward.spark == ()


def test_the_spark_of_steps_that_are_single_operations():
    y = ag.tensor(2.0, requires_grad=True)
    for _ in range(13):
        y = y * 0.5
    (box,) = [b for b in viz.draw(y, roll=True).drawing.boxes if b.kind == "closed"]
    assert box.spark == tuple(0.5**k for k in range(11, -1, -1))


def test_the_accumulation_of_a_shared_parameter_is_explicit():
    (w, u, b), loss, _ = by_hand(30)
    picture = viz.draw(loss)
    for name, tensor in (("w", w), ("u", u), ("b", b)):
        (box,) = [x for x in picture.drawing.boxes if x.title == name]
        into = [a for a in picture.drawing.arrows if a.target == box.id]
        assert [a.lines[0] for a in into] == ["sum of 30"]
        (total,) = [a for a in picture.drawing.arrows if a.target == into[0].source and a.source.startswith("repeat")]
        assert total.lines[0] == f"g · ∂(step ×29)/∂{name}"
        assert total.lines[1].startswith("sum of 29, ")
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
    assert sum(b.title.startswith("step ") for b in viz.draw(unrolled, expand="step").drawing.boxes) == 29


@pytest.mark.parametrize(
    "make", [gpt, lambda: cells(12), lambda: by_hand(12)[:2], lambda: (0, random_graph(900)), lambda: (0, penalised(gpt))]
)
@pytest.mark.parametrize("seed", range(3))
def test_gradients_cross_closed_repeats_and_parts_as_they_cross_what_is_in_them(make, seed):
    chance = np.random.default_rng(seed)
    wide = in_parts(rolled(traced(made(make)[1])))
    shown = collapsed(wide, {c.id for c in wide.calls if c.kind != "module" and chance.random() < 0.5})
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
