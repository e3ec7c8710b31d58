"""Pictures are true: their numbers are the engine's, they add up, and looking changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.graph import ancestors
from tests.pictured_models import ALL, by_hand, cells, gan, gpt, made, penalty, vae
from viz.graph.names import Names
from viz.graph.parts import MANY
from viz.graph.trace import quantity, trace

MAKERS = pytest.mark.parametrize("make", [*ALL, lambda: gpt(2), lambda: cells(12)], ids=lambda make: make.__name__)


def traced(loss, model=None):
    return trace(loss, Names(loss, model))


def near(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6 * (1 + float(np.abs(b).max(initial=0))))


@MAKERS
def test_vertices_and_edges_are_those_of_the_graph(make):
    model, loss = made(make)
    nodes = ancestors([loss.node])
    found = traced(loss, model)
    assert sum(v.kind != "data" for v in found.vertices) == len(nodes)
    kinds = {v.id: v.kind for v in found.vertices}
    recorded = sum(kinds[e.source] != "data" for v in found.vertices for e in v.inputs)
    assert recorded == sum(len(node.parents) for node in nodes)
    assert sum(v.kind == "parameter" for v in found.vertices) == sum(node.plan is None for node in nodes)


@MAKERS
def test_the_parts_that_come_back_add_up_to_each_gradient(make):
    model, loss = made(make)
    found = traced(loss, model)
    parts = {}
    for v in found.vertices:
        for e in v.inputs:
            if e.part is not None:
                parts[e.source] = parts.get(e.source, 0) + e.part.array.astype(np.float64)
    for v in found.vertices:
        if v.gradient is not None and v.id != found.root:
            near(parts[v.id], v.gradient.array)
    assert found.by_id[found.root].gradient.values == (1.0,)


@MAKERS
def test_gradients_are_those_that_backward_gives(make):
    model, loss = made(make)
    found = traced(loss, model)
    drawn = viz.draw(loss, names=model, roll=False, depth=99).drawing
    loss.backward()
    leaves = {v.name: v for v in found.vertices if v.kind == "parameter"}
    boxes = {b.title: b for b in drawn.boxes if b.kind == "parameter"}
    seen = 0
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            near(leaves[name].gradient.array, parameter.grad.numpy())
            assert quantity(parameter.grad.array).text("grad") in boxes[name].lines
            seen += 1
    assert seen >= 3


@MAKERS
def test_recorded_gradients_are_those_of_the_pass_for_looking(make):
    model, loss = made(make)
    own = traced(loss, model)
    with viz.record() as run:
        loss.backward()
    recorded = trace(loss, Names(loss, model), run)
    assert recorded.state == "recorded"
    for a, b in zip(own.vertices, recorded.vertices, strict=True):
        assert (a.gradient is None) == (b.gradient is None)
        if a.gradient is not None:
            near(a.gradient.array, b.gradient.array)


@MAKERS
def test_each_edge_has_a_formula_and_what_is_pulled_is_what_flows(make):
    model, loss = made(make)
    found = traced(loss, model)
    kinds = {v.id: v.kind for v in found.vertices}
    for v in found.vertices:
        for e in v.inputs:
            assert bool(e.formula) == (kinds[e.source] != "data")
            assert "rule of" not in e.formula
            if e.pull is not None and v.gradient is not None and e.part is not None:
                near(e.pull(v.gradient.array), e.part.array)


@MAKERS
@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_counts_of_boxes_and_arrows(make, direction):
    model, loss = made(make)
    found = traced(loss, model)
    uses = {}
    for v in found.vertices:
        for e in v.inputs:
            uses[e.source] = uses.get(e.source, 0) + 1
    kinds = {v.id: v.kind for v in found.vertices}
    often = sum(n for s, n in uses.items() if n > MANY and kinds[s] != "operation")
    sums = sum(n > 1 and not (n > MANY and kinds[s] != "operation") and kinds[s] != "data" for s, n in uses.items())
    sums = sums if direction == "backward" else 0
    drawn = viz.draw(loss, direction, names=model, depth=99, roll=False).drawing
    assert len(drawn.boxes) == len(found.vertices) + often + sums + 1
    assert len(drawn.arrows) == sum(uses.values()) + sums + 1
    assert sum(b.title == "Σ" for b in drawn.boxes) == sums
    assert len(drawn.groups) == len(found.calls)


@MAKERS
def test_forward_arrows_carry_shapes_and_dtypes(make):
    model, loss = made(make)
    found = traced(loss, model)
    drawn = viz.draw(loss, "forward", names=model, depth=99, roll=False).drawing
    for arrow in drawn.arrows:
        v = found.by_id.get(arrow.source if not arrow.source.startswith("ref.") else arrow.source.split(".", 1)[1].rsplit(".", 2)[0])
        if v is not None and v.shape:
            assert arrow.lines == (str(v.shape), v.dtype)


def test_two_losses_of_one_step():
    """The judge is used three times, the maker's output by one loss through a detached copy."""
    model, loss = made(gan)
    found = traced(loss, model)
    by_name = {v.name: v for v in found.vertices if v.kind == "parameter"}
    uses = {name: sum(e.source == v.id for u in found.vertices for e in u.inputs) for name, v in by_name.items()}
    assert uses == {
        name: 3 if name.startswith("judge") else 1 for name, _ in sorted(model.named_parameters(), key=lambda p: list(uses).index(p[0]))
    }


def test_orders_of_a_double_backward():
    model, loss = made(penalty)
    found = traced(loss, model)
    orders = {v.order for v in found.vertices if v.kind == "operation"}
    assert orders == {0, 1}
    boxes = {b.id: b for b in viz.draw(loss, names=model).drawing.boxes}
    assert all(boxes[v.id].order == v.order for v in found.vertices)


def test_a_square_has_two_arrows_and_their_sum_also_in_a_closed_box():
    class Square(nn.Module):
        def forward(self, x):
            return x * x

    x, square = ag.tensor(3.0, requires_grad=True), Square()
    open_picture = viz.draw(square(x)).drawing
    assert sum(b.title == "Σ" for b in open_picture.boxes) == 1
    (arrow,) = [a for a in viz.draw(square(x), collapse=True).drawing.arrows if "∂" in a.lines[0]]
    assert arrow.lines == ("g · ∂square/∂x", "sum of 2, = 6")


def test_data_used_in_many_places_is_one_box_with_references():
    x, w = ag.randn(2, 3), [ag.randn(3, 2, requires_grad=True) for _ in range(8)]
    total = (x @ w[0]).sum()
    for u in w[1:]:
        total = total + (x @ u).tanh().sum()
    for direction in ("backward", "forward"):
        titles = [b.title for b in viz.draw(total, direction).drawing.boxes]
        assert titles.count("x") == 1
        assert titles.count("→ x") == 8


# ---------------------------------------------------------------------- looking changes nothing


def train(draw):
    """A few steps of an MLP with dropout and batch norm; everything that a training run leaves behind."""
    ag.manual_seed(7)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3))
    optimizer = optim.AdamW(model.parameters(), lr=0.05)
    losses = []
    for step in range(6):
        x, y = ag.randn(12, 4), ag.randint(0, 3, (12,))
        loss = nn.functional.cross_entropy(model(x), y)
        draw(model, loss, step)
        optimizer.zero_grad()
        loss.backward()
        draw(model, loss, step)
        optimizer.step()
        losses.append(loss.item())
    states = {**model.state_dict(), **{f"grad of {n}": p.grad for n, p in model.named_parameters()}}
    return losses, {name: value.numpy().tobytes() for name, value in states.items()}, ag.randn(3).numpy().tobytes(), model.training


def test_a_training_run_is_the_same_to_the_bit_when_every_step_is_drawn():
    def look(model, loss, step):
        for arguments in ({}, {"depth": 1}, {"roll": True}, {"expand": True}):
            picture = viz.draw(loss, "forward" if step % 2 else "backward", names=model, **arguments)
            picture.to_dict()
        picture.to_svg(engine="builtin")

    assert train(look) == train(lambda *_: None)


@MAKERS
def test_looking_leaves_gradients_numbers_and_graph(make):
    model, loss = made(make)
    twin, other = made(make)
    before, modes = ag.get_rng_state(), [m.training for m in model.modules()]
    viz.draw(loss, names=model)
    viz.draw(loss, "forward", collapse=True)
    assert np.array_equal(np.asarray(ag.get_rng_state()), np.asarray(before))
    assert modes == [m.training for m in model.modules()]
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    other.backward()
    for (name, a), (_, b) in zip(model.named_parameters(), twin.named_parameters(), strict=True):
        assert (a.grad is None) == (b.grad is None), name
        assert a.grad is None or a.grad.numpy().tobytes() == b.grad.numpy().tobytes()
    for a, b in zip(model.buffers(), twin.buffers(), strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes()


def test_the_same_program_gives_the_same_bytes_under_another_hash_seed():
    program = (
        "import json, viz; from tests.pictured_models import *\n"
        "for make in (*ALL, lambda: gpt(3), lambda: cells(12), lambda: by_hand(30)[:2], lambda: (0, random_graph(600))):\n"
        "    loss = made(make)[1]\n"
        "    for a in ({}, {'roll': True}, {'depth': 1}):\n"
        "        print(json.dumps(viz.draw(loss, **a).to_dict()))\n"
    )
    root = Path(__file__).parent.parent
    texts = []
    for seed in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", program], cwd=root, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        texts.append(done.stdout)
    assert texts[0] == texts[1]
    assert all(json.loads(line)["boxes"] for line in texts[0].splitlines())


@pytest.mark.parametrize("make", [vae, gan, lambda: by_hand(8)[:2]])
def test_descriptions_are_json(make):
    found = traced(made(make)[1])
    told = json.loads(json.dumps(found.to_dict()))
    assert len(told["vertices"]) == len(found.vertices)
    assert {"source", "argument", "formula", "part", "uses"} <= told["vertices"][-1]["inputs"][0].keys()
