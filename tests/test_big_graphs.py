"""Large graphs: closed by themselves until they can be read, without recursion, and open where one looks."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections import Counter
from weakref import ref

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from tests.pictured_models import GPT, by_hand, cells, gpt, made, random_graph, resnet
from viz.graph.closing import arranged
from viz.graph.names import Names
from viz.graph.parts import FEW, MOST, seen
from viz.graph.trace import trace


def traced(loss):
    return trace(loss, Names(loss))


def loop(operations):
    y = ag.tensor(1.0, requires_grad=True)
    for _ in range(operations // 2):
        y = (y * 1.0001).sin()
    return y


def layers_by_hand(count, penalty=False):
    """Each with a parameter of its own, and wired to one of those before in no regular way."""
    chance = np.random.default_rng(0)
    values, parameters = [ag.ones(2, requires_grad=True)], []
    for _ in range(count):
        other = values[int(chance.integers(max(0, len(values) - 9), len(values)))]
        parameters.append(ag.ones(2, requires_grad=True))
        values.append((values[-1] * parameters[-1] + other).tanh())
    loss = values[-1].sum()
    for p in parameters if penalty else ():
        loss = loss + (p.square() if chance.random() < 0.5 else p.abs()).sum()
    return loss


@pytest.fixture
def shallow():
    """Hardly any room for recursion."""
    before, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 150)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    "make",
    [
        lambda: made(gpt)[1],
        lambda: made(resnet)[1],
        lambda: made(lambda: cells(100))[1],
        lambda: by_hand(200)[1],
        lambda: loop(20_000),
        lambda: random_graph(8_000),
        lambda: random_graph(700),
        lambda: layers_by_hand(400),
        lambda: layers_by_hand(400, penalty=True),
    ],
    ids=["gpt", "resnet", "cells", "by hand", "loop", "random", "smaller random", "own parameters", "penalty"],
)
@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_at_most_300_boxes(make, direction, shallow):
    loss = make()
    picture = viz.draw(loss, direction)
    assert 1 < len(picture.drawing.boxes) <= MOST
    assert "closed to keep the picture small" in picture.drawing.caption[-1]
    if direction == "backward" and len(picture.drawing.arrows) < 200:
        assert "<svg" in picture.to_svg(engine="builtin")
    name = picture.drawing.caption[-1].partition('expand="')[2].partition('"')[0]
    shut = lambda drawn: {b.id for b in drawn.drawing.boxes if b.kind == "closed"}
    assert shut(picture) - shut(viz.draw(loss, direction, expand=name))  # what the caption says opens something


def test_50_000_operations(shallow):
    picture = viz.draw(loop(50_000))
    assert [b.title for b in picture.drawing.boxes if b.kind == "closed"] == ["step ×25000"]
    (group,) = [g for g in viz.draw(loop(3_000), expand="step").drawing.groups if g.kind == "repeat"]
    assert group.times == 1500


def test_the_count_of_boxes_is_that_of_the_picture():
    for loss in (made(gpt)[1], by_hand(20)[1], made(resnet)[1], random_graph(200)):
        for arguments in ({}, {"depth": 99}, {"depth": 1}, {"roll": True}):
            assert seen(arranged(traced(loss), **arguments).shown) == len(viz.draw(loss, **arguments).drawing.boxes)


@pytest.mark.parametrize("make", [lambda: gpt(1), lambda: cells(8)])
def test_small_graphs_are_drawn_in_full(make):
    model, loss = made(make)
    picture = viz.draw(loss)
    assert not any(b.kind == "closed" for b in picture.drawing.boxes)
    assert "closed" not in picture.drawing.caption[-1]
    assert model is not None


def test_the_caption_says_how_to_open_what_was_closed():
    model, loss = made(gpt)
    picture = viz.draw(loss, names=model)
    assert picture.drawing.caption[-1] == '1 box was closed to keep the picture small: expand="blocks" opens it, expand=True all'
    assert len(viz.draw(loss, names=model, expand=True).drawing.boxes) > 400
    flat = viz.draw(random_graph(2000), roll=False)
    name = flat.drawing.caption[-1].partition('expand="')[2].partition('"')[0]
    assert name.startswith("operations ")
    opened = viz.draw(random_graph(2000), roll=False, expand=name)
    assert name not in [b.title for b in opened.drawing.boxes]
    assert name in [g.label for g in opened.drawing.groups]


def test_parts_are_numbered_without_gaps():
    picture = viz.draw(layers_by_hand(1000))
    spans = [b.title.removeprefix("operations ").replace(",", "").split("–") for b in picture.drawing.boxes if b.kind == "closed"]
    edges = [int(end) for span in spans for end in span]
    assert edges[0] == 1
    assert all(b == a + 1 for a, b in zip(edges[1:-1:2], edges[2::2], strict=True))
    operations = sum(v.kind == "operation" for v in traced(layers_by_hand(1000)).vertices)
    assert operations - FEW <= edges[-1] <= operations  # so few at the end are no part


def test_many_values_between_two_closed_boxes_share_an_arrow():
    loss = random_graph(2000)
    for direction, word in (("backward", "gradients"), ("forward", "values")):
        picture = viz.draw(loss, direction)
        ends = Counter((a.source, a.target) for a in picture.drawing.arrows)
        assert max(ends.values()) <= 5
        assert any(word in a.lines[0] for a in picture.drawing.arrows)


def test_blocks_of_a_class_are_opened_together():
    class Odd(nn.Module):
        def __init__(self, k):
            super().__init__()
            self.layers, self.k = nn.ModuleList([nn.Linear(4, 4) for _ in range(4 + k % 2)]), k

        def forward(self, x):
            for layer in self.layers:
                x = layer(x).tanh() if self.k % 3 else layer(x).relu()
            return x

    model = nn.Sequential(*(Odd(k * k % 7) for k in range(30)))
    picture = viz.draw(model(ag.randn(2, 4)).sum(), roll=False)
    shut = [b.title.rpartition(": ")[2] for b in picture.drawing.boxes if b.kind == "closed"]
    assert shut == ["Linear"] * sum(len(odd.layers) for odd in model)


def test_depth_says_how_far_large_graphs_are_open():
    model, loss = made(gpt)
    assert [b.title for b in viz.draw(loss, names=model, depth=1).drawing.boxes].count("blocks.5: Block") == 1
    full = viz.draw(loss, names=model, depth=99)
    assert len(full.drawing.boxes) > 400
    assert "closed" not in full.drawing.caption[-1]


def test_deep_nests_of_calls_do_not_recurse(shallow):
    class Nest(nn.Module):
        def forward(self, x, calls):
            return x * 2 if not calls else calls[0](x, calls[1:])

    x = ag.ones(2, requires_grad=True)
    for depth in (5, 40):
        loss = Nest()(x, [Nest() for _ in range(depth)]).sum()
        assert len(traced(loss).calls) == depth + 1
        viz.draw(loss)


# ---------------------------------------------------------------------- memory


def test_a_picture_keeps_no_array_alive():
    def drawn():
        model, loss = made(lambda: gpt(2))
        weights = [ref(p) for p in model.parameters()]
        arrays = [ref(p.array) for p in model.parameters()]
        nodes = [ref(loss.node)]
        return viz.draw(loss), weights + arrays + nodes

    gc.collect()
    gc.disable()
    try:
        picture, alive = drawn()
        assert [r for r in alive if r() is not None] == []
    finally:
        gc.enable()
    assert len(picture.drawing.boxes) > 50


def test_drawing_holds_one_gradient_for_each_parameter_and_nothing_afterwards():
    model = nn.Sequential(*(nn.Linear(500, 500) for _ in range(6)))
    loss = model(ag.randn(4, 500)).square().mean()
    parameters = sum(p.array.nbytes for p in model.parameters())
    viz.draw(loss)
    tracemalloc.start()
    try:
        viz.draw(loss)
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.3 * parameters
    assert left < 0.01 * parameters


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_drawing_leaves_no_cyclic_garbage(direction):
    _model, loss = made(lambda: gpt(2))
    viz.draw(loss, direction)
    gc.collect()
    gc.disable()
    try:
        viz.draw(loss, direction)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_the_variables_of_a_function_that_draws_are_not_kept():
    def function():
        x = ag.ones(2, requires_grad=True)
        loss = x.sum()
        viz.draw(loss)
        gone = ref(loss)
        del loss
        return gone() is None and x is not None

    assert function()


def test_the_collector_runs_again_afterwards():
    x = ag.ones(2, requires_grad=True)
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            viz.draw(x.sum())
            with pytest.raises(ValueError, match="no box"):
                viz.draw(x.sum(), expand="none")
            assert gc.isenabled() == enabled
        finally:
            gc.enable()


def test_the_same_large_graph_has_the_same_bytes():
    texts = {
        viz.draw(made(lambda: (None, GPT(count=12)(ag.zeros(1, 4, dtype=ag.int64)).sum()))[1]).to_svg(engine="builtin") for _ in range(2)
    }
    assert len(texts) == 1


class Mixer(nn.Module):
    """Used again and again in an order without a rule, with more parameters than arrows can show."""

    def __init__(self, kind):
        super().__init__()
        self.first, self.second, self.kind = nn.Linear(2, 2), nn.Linear(2, 2), kind

    def forward(self, x):
        return x + self.second((self.first(x) * self.kind).tanh())


def irregular(calls, seed=0):
    rng, x = np.random.default_rng(seed), ag.randn(3, 2, requires_grad=True)
    mixers = [Mixer(kind) for kind in range(3)]
    for k in rng.integers(0, 5, calls).tolist():
        x = mixers[k](x) if k < 3 else x.sin() if k == 3 else x * x.tanh()
    return x.sum()


@pytest.mark.parametrize("calls", [70, 100, 150, 400])
def test_references_to_shared_parameters_count_among_the_boxes(calls):
    loss = irregular(calls)
    for direction in ("backward", "forward"):
        assert 10 < len(viz.draw(loss, direction).drawing.boxes) <= MOST
