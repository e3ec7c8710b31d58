"""Closed boxes: what crosses their boundary is what crosses it in the open picture, and they are picked as people name them."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from tests.pictured_models import ALL, by_hand, cells, gan, gpt, made, mlp
from viz.graph.as_drawing import drawing
from viz.graph.collapse import collapsed
from viz.graph.names import Names
from viz.graph.parts import MANY
from viz.graph.repeats import rolled
from viz.graph.trace import quantity, trace


def traced(make):
    model, loss = made(make)
    return trace(loss, Names(loss, model))


def titles(picture):
    return [b.title for b in picture.drawing.boxes]


def outermost(found, closed):
    """For each call the outermost closed one around it, worked out from scratch."""
    parents = {c.id: c.parent for c in found.calls}
    boxes = {}
    for call in parents:
        at = call
        while at is not None:
            if at in closed:
                boxes[call] = at
            at = parents[at]
    return boxes


def stands_for(found, closed):
    """For each vertex the box that hides it: its call's; of a leaf the one that all users are in."""
    boxes = outermost(found, closed)
    hidden = {v.id: boxes.get(v.scope) for v in found.vertices if v.kind == "operation"}
    for v in found.vertices:
        if v.kind != "operation":
            users = {hidden[u.id] for u in found.vertices for e in u.inputs if e.source == v.id}
            hidden[v.id] = users.pop() if len(users) == 1 and not v.given else None
    return hidden


def some_closed(found, seed):
    rng = np.random.default_rng(seed)
    return {call.id for call in found.calls if rng.random() < 0.4}


MAKERS = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
SEEDS = pytest.mark.parametrize("seed", range(5))


@MAKERS
@SEEDS
def test_gradients_at_the_boundary_are_those_of_the_open_picture(make, seed):
    found = traced(make)
    closed = some_closed(found, seed)
    hidden = stands_for(found, closed)
    shown = collapsed(found, closed)
    expected = {}
    uses = {}
    for v in found.vertices:
        for e in v.inputs:
            if hidden[v.id] is None or hidden[v.id] != hidden[e.source]:
                ends = (hidden[v.id] or v.id, e.source)
                uses[ends] = uses.get(ends, 0) + 1
                if e.part is not None:
                    expected[ends] = expected.get(ends, 0) + e.part.array.astype(np.float64)
    told = {}
    counted = {}
    for v in shown.vertices:
        for e in v.inputs:
            counted[v.id, e.source] = counted.get((v.id, e.source), 0) + e.uses
            if e.part is not None:
                told[v.id, e.source] = told.get((v.id, e.source), 0) + e.part.array.astype(np.float64)
    assert counted == uses
    assert told.keys() == expected.keys()
    for ends, total in expected.items():
        np.testing.assert_allclose(told[ends], total, rtol=1e-5, atol=1e-6 * (1 + np.abs(total).max()))


@MAKERS
@SEEDS
def test_every_vertex_that_is_seen_keeps_its_gradient_and_value(make, seed):
    found = traced(make)
    closed = some_closed(found, seed)
    hidden = stands_for(found, closed)
    shown = collapsed(found, closed)
    assert {v.id for v in shown.vertices if v.kind != "closed"} == {i for i, box in hidden.items() if box is None}
    for v in shown.vertices:
        if v.kind != "closed":
            assert v is found.by_id[v.id]
            continue
        inside = {i for i, box in hidden.items() if box == v.id}
        assert set(v.inside) == inside
        leaving = {e.source for u in found.vertices for e in u.inputs if e.source in inside and u.id not in inside} | {found.root} & inside
        if len(leaving) == 1:
            assert v.gradient is found.by_id[leaving.pop()].gradient
        else:
            assert v.gradient is None
        assert v.saved == sum(found.by_id[i].saved for i in inside)


@MAKERS
@SEEDS
def test_boxes_and_arrows_are_as_many_as_predicted(make, seed):
    found = traced(make)
    closed = some_closed(found, seed)
    hidden = stands_for(found, closed)
    edges = []
    for v in found.vertices:
        for e in v.inputs:
            if hidden[v.id] is None:
                edges.append((v.id, e.source))
            elif hidden[v.id] != hidden[e.source] and (hidden[v.id], e.source) not in edges:
                edges.append((hidden[v.id], e.source))
    uses = {source: sum(s == source for _, s in edges) for _, source in edges}
    kinds = {v.id: v.kind for v in found.vertices}
    often = {s for s, n in uses.items() if n > MANY and kinds[s] != "operation"}
    sums = sum(n > 1 and s not in often and kinds[s] != "data" for s, n in uses.items())
    seen = len({box or i for i, box in hidden.items()})
    drawn = drawing(collapsed(found, closed))
    assert len(drawn.boxes) == seen + sums + sum(uses[s] for s in often) + 1
    assert len(drawn.arrows) == len(edges) + sums + 1
    assert len(drawn.groups) == len(found.calls) - len(outermost(found, closed))


@pytest.mark.parametrize("make", [*ALL, lambda: cells(12), lambda: gpt(4)])
@SEEDS
def test_closing_in_two_goes_is_closing_at_once(make, seed):
    found = rolled(traced(make))
    first, more = some_closed(found, seed), some_closed(found, seed + 100)
    once, twice = collapsed(found, first | more), collapsed(collapsed(found, first), more)
    boxes, again = ([v for v in shown.vertices if v.kind == "closed"] for shown in (once, twice))
    assert [v.id for v in boxes] == [v.id for v in again]
    assert once.calls == twice.calls
    real = lambda v: {i for i in v.inside if i in found.by_id}
    for a, b in zip(boxes, again, strict=True):
        assert (a.name, a.scope, a.shape, a.dtype, a.saved, real(a)) == (b.name, b.scope, b.shape, b.dtype, b.saved, real(b))
        assert a.value is b.value
        assert a.gradient is b.gradient
        assert {(e.source, e.uses, e.formula) for e in a.inputs} == {(e.source, e.uses, e.formula) for e in b.inputs}
        np.testing.assert_allclose(a.spark, b.spark, rtol=1e-12)
    shown = {v.id for v in twice.vertices}
    assert all(twice.shown[v.id] in shown for v in found.vertices)


@MAKERS
def test_closing_nothing_and_closing_all(make):
    found = traced(make)
    assert collapsed(found, ()) is found
    everything = collapsed(found, {c.id for c in found.calls})
    assert not everything.calls
    assert {v.id for v in everything.vertices if v.kind == "closed"} <= {c.id for c in found.calls if c.parent is None}


# ---------------------------------------------------------------------- what stands on arrows from closed boxes


def test_the_rule_of_a_closed_box_names_what_it_differentiates_by():
    model, x = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), ag.randn(5, 4, requires_grad=True)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.fc2(self.fc1(x).relu())

    net = Net()
    rules = lambda picture: {a.lines[0] for a in picture.drawing.arrows if "∂" in a.lines[0]}
    assert rules(viz.draw(net(x).sum(), depth=1)) == {"g · ∂fc1/∂x", "g · ∂fc2/∂in"}
    assert rules(viz.draw(model(x).sum(), depth=1)) == {"g · ∂Linear/∂x", "g · ∂ReLU/∂in", "g · ∂Linear/∂in"}
    assert rules(viz.draw(model(x).sum(), depth=0)) == {"g · ∂model/∂x"}


def test_several_inputs_of_a_closed_box_are_told_apart():
    cell, x = nn.LSTMCell(3, 4), ag.randn(2, 3)
    h, c = cell(x)
    h, c = cell(x, (h * 2, c * 3))
    said = {a.lines[0] for a in viz.draw((h * c).sum(), depth=0).drawing.arrows}
    assert {"g · ∂cell/∂in₁", "g · ∂cell/∂in₂", "g · ∂cell/∂weight_hh"} <= said


def test_each_value_that_leaves_a_closed_box_has_its_own_arrow():
    cell, x = nn.LSTMCell(3, 4), ag.randn(2, 3)
    h, c = cell(x)
    picture = viz.draw((h * h).sum() + (c * 2).sum(), depth=0)
    (box,) = [b for b in picture.drawing.boxes if b.kind == "closed"]
    assert len([a for a in picture.drawing.arrows if a.target == box.id and a.kind == "backward"]) == 2
    forward = viz.draw((h * h).sum() + (c * 2).sum(), "forward", depth=0)
    assert len([a for a in forward.drawing.arrows if a.source == box.id]) == 3  # h twice


def test_a_parameter_that_closed_boxes_share_is_one_box_with_its_sum():
    model, loss = made(gan)
    picture = viz.draw(loss, names=model, collapse="judge")
    assert titles(picture).count("judge.0.weight") == 1
    (box,) = [b for b in picture.drawing.boxes if b.title == "judge.0.weight"]
    (arrow,) = [a for a in picture.drawing.arrows if a.target == box.id]
    assert arrow.lines[0] == "sum of 3"
    loss.backward()
    assert arrow.lines[1].startswith(quantity(model["judge"][0].weight.grad.array).text())


# ---------------------------------------------------------------------- picking


@pytest.mark.parametrize(
    ("which", "closed"),
    [
        ("blocks.1.attention", ["attention: Attention"]),
        ("attention", ["attention: Attention"] * 2),
        ("Attention", ["attention: Attention"] * 2),
        (["blocks.0", "norm"], ["blocks.0: Block", "norm: LayerNorm"]),
        ("model.blocks.1", ["blocks.1: Block"]),
        ("attention: Attention", ["attention: Attention"] * 2),
        (lambda call: call.path.endswith("mlp"), ["mlp: Sequential"] * 2),
        (True, ["model: GPT"]),
        (False, []),
    ],
)
def test_boxes_are_picked_by_path_name_class_or_function(which, closed):
    model, loss = made(lambda: gpt(2))
    picture = viz.draw(loss, collapse=which)
    assert [b.title for b in picture.drawing.boxes if b.kind == "closed"] == closed
    assert model is not None


def test_what_is_expanded_stays_open_with_all_around_it():
    _model, loss = made(lambda: gpt(2))
    picture = viz.draw(loss, depth=1, expand="blocks.1.attention")
    assert "blocks.0: Block" in titles(picture)
    assert "attention: Attention" in [g.label for g in picture.drawing.groups]
    assert "scaled_dot_product_attention" in titles(picture)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"collapse": "blocks.7"}, ValueError, r"collapse: no box is called 'blocks.7'; near it: 'blocks\.[01]'"),
        ({"expand": "atention"}, ValueError, "expand: no box is called 'atention'; near it: .*'attention'"),
        ({"collapse": ["norm", "zzzzzz"]}, ValueError, "no box is called 'zzzzzz'"),
        ({"collapse": 3}, TypeError, "a name, a list of names, True or a function"),
        ({"expand": [1]}, TypeError, "a name, a list of names, True or a function"),
        ({"depth": -1}, ValueError, "depth"),
        ({"depth": "2"}, ValueError, "depth"),
    ],
)
def test_choices_that_pick_nothing(arguments, error, words):
    _model, loss = made(lambda: gpt(2))
    with pytest.raises(error, match=words):
        viz.draw(loss, **arguments)


def test_a_graph_without_modules_says_that_there_is_nothing_to_pick():
    x = ag.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="none in this graph"):
        viz.draw(x.sum(), collapse="layer")


@pytest.mark.parametrize("depth", range(4))
def test_depth_is_how_many_frames_down_boxes_are_open(depth):
    _model, loss = made(mlp)
    picture = viz.draw(loss, depth=depth)
    assert bool(picture.drawing.groups) == (depth > 0)
    assert ("Linear" in " ".join(b.title for b in picture.drawing.boxes if b.kind == "closed")) == (depth == 1)
    assert any(b.kind == "closed" for b in picture.drawing.boxes) == (depth < 2)


def test_closed_boxes_in_the_forward_picture():
    model, loss = made(mlp)
    picture = viz.draw(loss, "forward", names=model, depth=1)
    assert ("(5, 3)", "float32") in [a.lines for a in picture.drawing.arrows]
    assert not any("∂" in line for a in picture.drawing.arrows for line in a.lines)


@pytest.mark.parametrize("make", [lambda: cells(6), lambda: (None, by_hand(5)[1])], ids=["cells", "by hand"])
def test_closed_repeats_keep_what_their_steps_share_outside(make):
    found = rolled(traced(make))
    (repeat,) = [c for c in found.calls if c.kind == "repeat"]
    shown = collapsed(found, {repeat.id})
    (box,) = [v for v in shown.vertices if v.kind == "closed"]
    leaves = [v.id for v in found.vertices if v.kind == "parameter"]
    assert not set(leaves) & set(box.inside)
    assert {e.uses for e in box.inputs if e.source in leaves} == {repeat.times}


def test_what_is_given_to_a_module_stands_outside_of_it_also_when_it_is_closed():
    model, x = nn.Sequential(nn.Linear(3, 2), nn.Tanh()), ag.randn(4, 3, requires_grad=True)
    mask = ag.tensor([1.0, 0.0])
    loss = (model(x) * mask).sum()
    for arguments in ({}, {"depth": 0}, {"depth": 1}):
        for direction in ("backward", "forward"):
            boxes = {b.title: b for b in viz.draw(loss, direction, **arguments).drawing.boxes}
            assert boxes["x"].group is None
            assert boxes["mask"].kind == "input"
    inner = {b.title: b.group for b in viz.draw(loss).drawing.boxes}
    assert inner["0.weight"] is not None
    assert "0.weight" not in {b.title for b in viz.draw(loss, depth=0).drawing.boxes}


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_data_without_a_name_stands_where_it_is_used(direction):
    model, loss = cells(3)
    drawn = viz.draw(loss, direction, names=model).drawing
    labels = {g.id: g.label for g in drawn.groups}
    inputs = [labels[b.group] for b in drawn.boxes if b.kind == "input"]
    assert sorted(inputs) == ["cell: LSTMCell"] * 4  # a step of x for each call, and the zeros that the first begins with


def test_data_that_several_modules_use_stands_in_the_one_around_them():
    mask = ag.ones(2, 3)

    class Masked(nn.Module):
        def forward(self, x):
            return x * mask

    loss = nn.Sequential(Masked(), Masked())(ag.randn(2, 3, requires_grad=True)).sum()
    drawn = drawing(trace(loss, Names(loss)))
    (home,) = (b.group for b in drawn.boxes if b.kind == "input")
    assert [g.label for g in drawn.groups if g.id == home] == ["Sequential"]
    mine = {b.title: b.group for b in viz.draw(loss).drawing.boxes if b.kind == "input"}
    assert mine == {"mask": None}  # that has a name here: it was given from outside


def test_infinite_gradients_that_meet_in_a_closed_box_warn_of_nothing():
    class Both(nn.Module):
        def forward(self, x):
            return x * np.inf + x * -np.inf

    x = ag.tensor([1.0, 2.0], requires_grad=True)
    with np.errstate(all="ignore"):
        loss = Both()(x).sum()
    for depth in (0, 1):
        viz.draw(loss, depth=depth).to_dict()
    (into,) = (a for a in viz.draw(loss, depth=0).drawing.arrows if "∂Both" in str(a.lines))
    assert into.lines[1] == "sum of 2, = [nan, nan]"


def test_what_a_loop_begins_with_stands_outside_of_its_box():
    x, w = ag.ones(2, 3), ag.ones(2, requires_grad=True)
    start, cell = nn.Parameter(ag.zeros(2, 4)), nn.GRUCell(3, 4)
    h, y = start, w
    for _ in range(12):
        h, y = cell(x, h), (y * 1.5).sin()
    boxes = titles(viz.draw(h.sum() + y.sum(), roll=True, names={"start": start, "w": w}))
    assert {"start", "w"} <= set(boxes)
    blocks, data = nn.Sequential(*(nn.Linear(3, 3) for _ in range(12))), ag.ones(2, 3)
    loss = blocks(data).sum()
    picture = viz.draw(loss, "forward", roll=True, names={"data": data})
    assert titles(picture)[:2] == ["data", "Linear ×12"]
