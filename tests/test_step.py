"""The step player's frames: what the engine has done and holds after each step, and the page they are put in."""

from __future__ import annotations

import copy
import gc
import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from weakref import ref
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.graph import ancestors, thread
from autograd_core.tensor import Tensor
from tests.table import ROWS
from viz.graph.as_drawing import drawing
from viz.graph.closing import arranged
from viz.graph.collapse import collapsed
from viz.graph.description import Quantity
from viz.graph.names import Names
from viz.graph.trace import trace
from viz.player.frames import frames, state
from viz.player.page import VISIBLE, Page, closed_at_first, to_html
from viz.player.timeline import timeline


def leaf(value, dtype=ag.float64):
    return ag.tensor(value, dtype=dtype, requires_grad=True)


def product():
    a, b = leaf(2.0), leaf(3.0)
    c = a * b
    return (c + a) * c, dict(a=a, b=b, c=c)


# ---------------------------------------------------------------------- programs


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.norm1, self.norm2 = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

    def forward(self, x):
        y = nn.functional.relu(self.norm1(self.conv1(x)))
        return nn.functional.relu(self.norm2(self.conv2(y)) + x)


def mlp():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    return model, nn.CrossEntropyLoss()(model(ag.randn(5, 4)), ag.tensor([0, 1, 0, 1, 1]))


def cnn():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    return model, model(ag.randn(2, 1, 6, 6)).square().mean()


def resnet_block():
    model = Residual()
    return model, model(ag.randn(2, 2, 4, 4)).square().mean()


def lstm_cell():
    cell, x = nn.LSTMCell(4, 3), ag.randn(4, 2, 4)
    h, c = ag.zeros(2, 3), ag.zeros(2, 3)
    for t in range(4):
        h, c = cell(x[t], (h, c))
    return cell, (h * c).sum()


def attention():
    model, x = nn.MultiheadAttention(8, 2, batch_first=True), ag.randn(2, 3, 8)
    return model, model(x, x, x)[0].square().sum()


def vae():
    encoder, decoder, x = nn.Linear(4, 4), nn.Linear(2, 4), ag.randn(3, 4)
    mean, log_variance = encoder(x).chunk(2, dim=1)
    z = mean + (0.5 * log_variance).exp() * ag.randn(3, 2)
    divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
    return (encoder, decoder), nn.functional.mse_loss(decoder(z), x) + divergence


def gan_step():
    generator = nn.Sequential(nn.Linear(2, 4), nn.LeakyReLU(0.2), nn.Linear(4, 3))
    critic = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1))
    return (generator, critic), nn.functional.binary_cross_entropy_with_logits(critic(generator(ag.randn(5, 2))), ag.ones(5, 1))


def double_backward():
    x, w = leaf([1.0, 2.0]), leaf([0.5, -1.0])
    (g,) = ag.autograd.grad(((x * w).tanh() * x).sum(), x, create_graph=True)
    return (x, w), (g * g).sum()


PROGRAMS = [mlp, cnn, resnet_block, lstm_cell, attention, vae, gan_step, double_backward]


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.__name__)
def program(request):
    ag.manual_seed(0)
    return request.param()


# ---------------------------------------------------------------------- frames against the engine


def observed(loss):
    """What the engine does in a backward pass, step by step: the node, and a copy of every gradient that is pending afterwards."""
    numbers = {node: f"v{k}" for k, node in enumerate(ancestors([loss.node])[::-1])}
    plain = lambda value: value.array if isinstance(value, Tensor) else value
    pending, count, seen = {loss.node: np.ones(loss.shape)}, {loss.node: 1}, []

    def observer(node, gradient, contributions):
        before = pending.pop(node)
        if isinstance(plain(gradient), np.ndarray | np.generic):
            np.testing.assert_array_equal(before, plain(gradient))
        for parent, part in zip(node.parents, contributions):
            if part is None:
                continue
            part = copy.copy(plain(part))
            several = not isinstance(part, np.ndarray | np.generic)
            pending[parent] = None if several else part if parent not in pending else pending[parent] + part
            count[parent] = count.get(parent, 0) + 1
        held = {numbers[n]: (count[n], None if a is None else Quantity(a).norm) for n, a in pending.items()}
        seen.append((numbers[node], held))

    thread.observer = observer
    try:
        loss.backward(retain_graph=True)
    finally:
        thread.observer = None
    return seen


def test_frames_are_what_the_engine_does(program):
    model, loss = program
    told = viz.step(loss).frames
    seen = observed(loss)
    assert [frame.vertex for frame in told] == ["", *(vertex for vertex, _ in seen)]
    assert seen[-1][1] == {}
    for k, (_vertex, held) in enumerate(seen, 1):
        now = state(told, k)
        assert {i: (s.count, s.amount and s.amount.norm) for i, s in now.items() if not s.done} == held
        assert {i for i, s in now.items() if s.done} == {v for v, _ in seen[:k]}
        assert all(s.complete for s in now.values() if s.done)


def test_in_the_end_every_gradient_is_that_of_backward(program):
    model, loss = program
    found = trace(loss, Names(loss))
    made = frames(found)
    parameters = [v for v in found.vertices if v.kind == "parameter" and v.gradient is not None]
    loss.backward()
    last = state(made, len(made) - 1)
    grads = sorted(Quantity(n.tensor().grad.array).norm for n in ancestors([loss.node]) if n.plan is None)
    assert sorted(last[v.id].amount.norm for v in parameters) == pytest.approx(grads, rel=1e-6)


def test_a_recorded_pass_is_walked_through_as_it_was():
    ag.manual_seed(0)
    model, loss = mlp()
    before = viz.step(loss).frames
    with viz.record() as run:
        loss.backward()
    assert viz.step(loss, run=run).frames == before


def test_every_step_in_words():
    loss, names = product()
    assert [frame.sentence for frame in viz.step(loss, names=names).frames] == [
        "The backward pass begins at loss, with the gradient 1.",
        "mul (which made loss) hands g · c to add: 1 · 6 = 6; g · in₁ to c: 1 · 8 = 8; c now has 1 of 2 parts.",
        "add hands g to c: 6; c now has all 2 parts, in sum 14; g to a: 6; a now has 1 of 2 parts.",
        "mul (which made c) hands g · b to a: 14 · 3 = 42; a now has all 2 parts, in sum 48; g · a to b: 14 · 2 = 28.",
        "The gradient of b is complete: 28. backward() adds it to b.grad.",
        "The gradient of a is complete: 48. backward() adds it to a.grad.",
    ]


@pytest.mark.parametrize(
    ("compute", "numbers"),
    [
        (lambda a, b: a * b, {"(−3)", "2"}),
        (lambda a, b: a**2 * b.detach(), {"−3 · 2 · 2"}),
        (lambda a, b: b**2, {"2 · (−3)"}),
        (lambda a, b: b**3, {"3 · (−3)²"}),
        (lambda a, b: a / b, {"1 / (−3)", "−1 · 2 / (−3)²"}),
        (lambda a, b: a.exp(), {"7.389"}),
    ],
)
def test_the_rule_with_its_numbers(compute, numbers):
    a, b = leaf(2.0), leaf(-3.0)
    result = compute(a, b)
    said = {e.numbers.removeprefix("1 · ") for v in trace(result, Names(result)).vertices for e in v.inputs if e.numbers}
    assert numbers <= said


def test_numbers_of_small_arrays_and_none_of_large_ones():
    a, b = leaf([[1.0, 2.0]]), leaf([[3.0], [-4.0]])
    (edges,) = [v.inputs for v in trace((a @ b).sum(), Names(None)).vertices if v.operation == "matmul"]
    assert [e.numbers for e in edges] == ["[[1]] @ [[3], [−4]]ᵀ", "[[1, 2]]ᵀ @ [[1]]"]
    big = leaf(np.arange(12.0).reshape(3, 4) / 7)
    (edges,) = [v.inputs for v in trace((big * big).sum(), Names(None)).vertices if v.operation == "mul"]
    assert [e.numbers for e in edges] == ["", ""]


def test_letters_of_an_einsum_are_no_numbers():
    a, b = leaf([[1.0, 2.0]]), leaf([3.0, 4.0])
    y = ag.einsum("bg,g->b", a, b).sum()
    (edges,) = [v.inputs for v in trace(y, Names(y, dict(a=a, b=b))).vertices if v.operation.startswith("einsum")]
    assert [e.numbers for e in edges] == ['einsum("b,g→bg", [1], [3, 4])', 'einsum("b,bg→g", [1], [[1, 2]])']


def test_no_letter_stays_where_something_is_not_kept():
    w = leaf([[1.0, 2.0]])
    loss = nn.functional.linear(ag.ones(2, 2, dtype=ag.float64), w).sum()
    edges = lambda **settings: next(v.inputs for v in trace(loss, Names(None), **settings).vertices if v.operation == "linear")
    assert [e.numbers for e in edges() if e.part is not None] == ["[[1], [1]]ᵀ @ [[1, 1], [1, 1]]"]
    with viz.record() as run:
        loss.backward()
    assert [e.numbers for e in edges(run=run) if e.part is not None] == [""]


def test_what_would_not_be_an_equation_is_left_out():
    x = leaf([1.0, -2.0])
    said = " ".join(frame.sentence for frame in viz.step(ag.where(x > 0, x, x * 3).sum(), names=dict(x=x)).frames)
    assert "g · [condition] to x: [1, 0]; x now has 1 of 2 parts" in said
    y = leaf(2.0)
    said = " ".join(frame.sentence for frame in viz.step(ag.stack([y, y * 2]).sum(), names=dict(y=y)).frames)
    assert "hands g to y: 1; y now" in said
    z = ag.tensor(1 + 2j, requires_grad=True)
    assert "to z: norm 1; z now has 1 of 2 parts" in " ".join(f.sentence for f in viz.step((z + z).abs(), names=dict(z=z)).frames)


def test_numbers_are_right():
    """Evaluated as Python, they give the part that is handed on."""
    ag.manual_seed(0)
    a, b, c = leaf(0.7), leaf(-1.3), leaf(2.1)
    y = (a * b - c / a) * b.tanh() + (c.sigmoid() * a).square() / c - (a + b) ** 3
    checked = 0
    for v in trace(y, Names(y)).vertices:
        for e in v.inputs:
            if e.part is not None and e.numbers and not re.search(r"[^\W\d_]", e.numbers):
                text = e.numbers.replace("−", "-").replace("·", "*").replace("²", "**2")
                assert eval(text, {}) == pytest.approx(float(e.part.array), rel=2e-3)
                checked += 1
    assert checked >= 12


def test_every_operation_can_be_stepped_through():
    for row in ROWS.values():
        if row.orders:
            inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind == "f") for a in row.arrays(np.random.default_rng(0))]
            result = row.call(*inputs)
            player = viz.step(result, gradient=None if result.array.size == 1 else np.ones(result.shape))
            said = " ".join(frame.sentence for frame in player.frames)
            assert "complete" in said, row.id
            assert not re.search("[\ue000-\uf8ff]", said), row.id


def test_hooks_are_told_of():
    a = leaf(2.0)
    b = a * 3
    b.register_hook(lambda g: 10 * g)
    loss = b * b
    with viz.record() as run:
        loss.backward()
    said = [frame.sentence for frame in viz.step(loss, run=run, names=dict(a=a, b=b)).frames]
    assert any(text.startswith("Hooks, or passes through what is not drawn, have made the gradient of b 120.") for text in said)
    assert not any("Hooks" in text for text in [f.sentence for f in viz.step((leaf(1.0) * 2) ** 2).frames])


def test_rounding_is_no_hook():
    """Sums over several passes, or over what is closed, are formed in another order than in the engine."""
    ag.manual_seed(0)
    w = ag.randn(3, requires_grad=True)
    loss = (w * w * w.tanh()).sum()
    with viz.record() as run:
        loss.backward(retain_graph=True)
        loss.backward(gradient=ag.tensor(0.3))
    assert not any("Hooks" in frame.sentence for frame in viz.step(loss, run=run).frames)
    y = x = ag.randn(3, requires_grad=True)
    for _ in range(2500):
        y = y * 1.001 + x
    closed = viz.step(y.sum()).frames
    assert len(closed) < 2500
    assert not any("Hooks" in frame.sentence for frame in closed)


def test_a_fused_operation_is_walked_through_as_what_it_is_made_of():
    ag.manual_seed(0)
    cell = nn.LSTM(3, 2)
    loss = cell(ag.randn(3, 2, 3))[0].square().sum()
    whole, opened = (viz.step(loss, names=cell, open=names) for names in (None, "lstm"))
    assert len(opened.frames) > 2 * len(whole.frames)
    assert any(frame.says[0].startswith("sigmoid (which made") for frame in opened.frames)
    loss.backward()
    for player in (whole, opened):
        totals = {h.source: h.total.norm for frame in player.frames for h in frame.handed if h.total is not None}
        named = {box.title: box.id for box in player.drawing.boxes}
        for name, parameter in cell.named_parameters():
            assert totals[named[name]] == pytest.approx(np.linalg.norm(parameter.grad.array), rel=1e-5)


# ---------------------------------------------------------------------- the page's data


def test_a_closed_group_hands_on_what_the_collapsed_trace_does(program):
    """At every boundary: the rule, and in the end the sum over everything inside."""
    model, loss = program
    found = trace(loss, Names(loss))
    bare, times = timeline(found, drawing(found), frames(found))
    compared = 0
    for call in found.calls:
        closed = arranged(found, collapse=lambda c, call=call: c.id == call.id, roll=False).shown
        (box,) = [v for v in closed.vertices if v.id == call.id]
        handed = {e.source: e for e in box.inputs if e.part is not None}
        for source, edge in handed.items():
            crossing = times.crossings.get((source, call.id))
            if crossing is None:  # the value stands in the box itself, so nothing crosses its boundary
                assert next(b for b in bare.boxes if b.id == source).group is not None
                continue
            step, lines = crossing.moments[-1]
            assert edge.part.text().removeprefix("= ") in lines[0]
            assert not any(" so far" in line for line in lines)
            compared += 1
    assert compared >= len(found.calls) // 2


def test_what_appears_when():
    loss, names = product()
    found = trace(loss, Names(loss, names))
    drawn = drawing(found)
    bare, times = timeline(found, drawn, frames(found))
    by_end = {(a.source, a.target): (a, times.arrows.get(k)) for k, a in enumerate(bare.arrows)}
    a, b, c = (next(v.id for v in found.vertices if v.name == name) for name in "abc")
    assert by_end["sum." + a, a][1] == ((2, ("1 of 2 parts = 6",)), (3, ("= 48",)))
    assert by_end[c, b][0].lines == ("g · a",)
    assert by_end[c, b][1] == ((3, ("= 28",)),)
    assert [(change.step, change.state) for change in times.boxes[a]] == [(2, "part"), (3, "ready"), (5, "done")]
    for (arrow, moments), whole in zip(by_end.values(), drawn.arrows):  # in the end all is there
        assert (*arrow.lines, *(moments[-1][1] if moments else ())) == whole.lines


def test_page_needs_nothing_but_itself():
    loss, names = product()
    page = viz.step(loss, names=names).to_html()
    assert not re.search(r"""(src|href)\s*=|@import|url\(|https?:(?!//www\.w3\.org/2000/svg)""", page)
    assert "default-src 'none'" in page
    assert page.count("<script") == 2 == page.count("</script>")


def test_page_is_small_and_always_the_same():
    ag.manual_seed(0)
    model, loss = mlp()
    page = viz.step(loss).to_html()
    assert len(page.encode()) < 300_000
    assert viz.step(loss).to_html() == page


def test_page_is_the_same_in_another_process():
    code = (
        "import autograd_core as ag, nn, viz, hashlib; ag.manual_seed(0); m = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1));"
        "print(hashlib.sha256(viz.step(m(ag.ones(2, 4)).sum()).to_html().encode()).hexdigest())"
    )
    run = lambda seed: subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
    )
    assert run("1").stdout == run("2").stdout != ""


def test_a_page_shows_about_sixty_boxes_at_first():
    ag.manual_seed(0)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 8, batch_first=True), 4)
    player = viz.step(model(ag.randn(1, 3, 8)).sum())
    assert len(player.drawing.boxes) > 150
    shut = closed_at_first(player.drawing)
    around = {g.id: g.parent for g in player.drawing.groups}

    def seen(group):
        chain = []
        while group is not None:
            chain.append(group)
            group = around[group]
        return next((g for g in reversed(chain) if g in shut), None)

    visible = {seen(b.group) or b.id for b in player.drawing.boxes}
    assert 5 < len(visible) <= VISIBLE


def test_depth_and_names_say_what_is_closed_at_first():
    ag.manual_seed(0)
    model, loss = mlp()
    closed = lambda page: {g["name"]: g["closed"] for g in json.loads(re.search(r'id="data">(.*?)</script>', page)[1])["groups"]}
    assert set(closed(viz.step(loss, depth=0).to_html()).values()) == {True}
    assert closed(viz.step(loss, depth=1).to_html()) == {
        "model: Sequential": False, "0: Linear": True, "1: ReLU": True, "2: Linear": True, "CrossEntropyLoss": False
    }  # fmt: skip
    some = closed(viz.step(loss, collapse="ReLU").to_html())
    assert [name for name, shut in some.items() if shut] == ["1: ReLU"]


def test_a_graph_too_large_for_a_page_is_closed_for_good():
    y = x = leaf([1.0, 2.0])
    for _ in range(2500):
        y = y * 1.001 + x
    loss = y.sum()
    player = viz.step(loss)
    assert len(player.drawing.boxes) <= 3000
    whole = frames(trace(loss, Names(loss)))
    assert [frame.vertex for frame in player.frames[:400]] == [frame.vertex for frame in whole[:400]]  # its beginning is open
    assert len(player.frames) < 1000
    assert any("more boxes than a page may have" in line for line in player.drawing.caption)
    assert player.frames[-1].handed == ()


def test_a_picture_is_a_page_without_steps(tmp_path):
    ag.manual_seed(0)
    model, loss = mlp()
    file = viz.draw(loss).save(tmp_path / "loss.html")
    data = json.loads(re.search(r'id="data">(.*?)</script>', file.read_text())[1])
    assert data["frames"] == []
    assert len(data["boxes"]) == len(viz.draw(loss).drawing.boxes)
    shut = viz.draw(loss, depth=0).save(tmp_path / "shut.html")
    data = json.loads(re.search(r'id="data">(.*?)</script>', shut.read_text())[1])
    assert len(data["boxes"]) == len(viz.draw(loss).drawing.boxes)
    assert [group["closed"] for group in data["groups"]] == [True] * len(data["groups"])


def test_the_page_of_a_picture_of_a_very_large_graph_opens_what_the_pass_begins_with(tmp_path):
    y = x = leaf([1.0, 2.0])
    for _ in range(2500):
        y = y * 1.001 + x
    loss = y.sum()
    picture = viz.draw(loss)
    data = json.loads(re.search(r'id="data">(.*?)</script>', picture.save(tmp_path / "x.html").read_text())[1])
    assert len(picture.drawing.boxes) < 20 < 400 < len(data["boxes"]) <= 3000
    assert any(group["closed"] for group in data["groups"] if group["kind"] == "repeat")


def test_a_player_keeps_no_array_alive():
    def stepped():
        model, loss = mlp()
        return viz.step(loss), [ref(p.array) for p in model.parameters()] + [ref(loss.node)]

    player, alive = stepped()
    gc.collect()
    assert [r for r in alive if r() is not None] == []
    assert len(player.frames) > 5


def test_what_the_page_reads_travels_with_the_package():
    assert {f.name for f in files("viz").joinpath("player", "assets").iterdir()} >= {
        "page.html",
        "page.css",
        "page.js",
        "scene.js",
        "places.js",
    }


# ---------------------------------------------------------------------- lines of the program


def test_recorded_operations_know_their_line():
    a = leaf(2.0)
    with viz.record():
        b = a * 3  # this line
    c = b + a
    here = Path(__file__)
    number = next(k for k, text in enumerate(here.read_text().splitlines(), 1) if text.endswith("# this line"))
    lines = {v.operation: v.line for v in trace(c, Names(c)).vertices if v.kind == "operation"}
    assert lines == {"mul × 3": f"{here}:{number}", "add": ""}
    assert thread.watch is None


def test_a_line_is_a_link_only_where_asked_for():
    with viz.record():
        loss = leaf(2.0) * 3
    data = lambda **settings: json.loads(re.search(r'id="data">(.*?)</script>', viz.step(loss, **settings).to_html())[1])["boxes"]
    assert not any(box["address"] for box in data())
    assert any(box["line"].endswith(f"test_step.py:{line}") for box in data() for line in re.findall(r":(\d+)$", box["line"]))
    assert [bool(re.fullmatch(r"vscode://file/.*test_step\.py:\d+", b["address"])) for b in data(link="vscode") if b["line"]] == [True]
    assert [bool(re.fullmatch(r"file:///.*test_step\.py", b["address"])) for b in data(link="file") if b["line"]] == [True]


@pytest.mark.parametrize("make", PROGRAMS)
def test_recording_the_forward_pass_changes_nothing(make):
    def trained(watch):
        ag.manual_seed(0)
        if watch:
            with viz.record():
                model, loss = make()
                loss.backward()
        else:
            model, loss = make()
            loss.backward()
        leaves = [n.tensor() for n in ancestors([loss.node])[::-1] if n.plan is None]
        return [loss.array.tobytes(), *(t.grad.array.tobytes() for t in leaves if t.grad is not None)]

    assert trained(True) == trained(False)


def test_stepping_changes_nothing():
    ag.manual_seed(0)
    model, loss = mlp()
    viz.step(loss).to_html()
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    drawn = [p.grad.array.tobytes() for p in model.parameters()]
    ag.manual_seed(0)
    model, loss = mlp()
    loss.backward()
    assert drawn == [p.grad.array.tobytes() for p in model.parameters()]


# ---------------------------------------------------------------------- files and errors


def test_save_writes_a_page_or_data(tmp_path):
    player = viz.step(product()[0])
    assert player.save(tmp_path / "x.html").read_text().startswith("<!doctype html>")
    told = json.loads(player.save(tmp_path / "x.json").read_text())
    assert [f["step"] for f in told["frames"]] == list(range(6))
    assert repr(player) == "<Player 'output: the backward pass, step by step': 5 steps>"
    assert player._repr_html_().startswith("<iframe")
    assert "<script>" not in player._repr_html_()


def test_nan_and_infinity_are_data_too(tmp_path):
    x = leaf([0.0, 1.0])
    with np.errstate(all="ignore"):
        player = viz.step((x / x).sum())
    json.loads(player.save(tmp_path / "x.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    player.to_html()


def visible(svg, step):
    """The texts that a moving SVG shows at a step."""
    shown = []
    for part in re.findall(r"<g [^>]*>.*?</g>", svg, re.S):
        steps = re.match(r'<g [^>]*data-steps="(\d+)-(\d+)"', part)
        if steps is None or int(steps[1]) <= step <= int(steps[2]):
            shown += re.findall(r"<text[^>]*>(.*?)</text>", part)
    return shown


def test_a_film_shows_each_step(tmp_path):
    loss, names = product()
    player = viz.step(loss, names=names)
    svg = player.save(tmp_path / "x.svg").read_text()
    for frame in player.frames:
        assert " ".join(frame.sentence.split()) in " ".join(visible(svg, frame.step))
        marked = [text for text in visible(svg, frame.step) if text.startswith("➤") and text != "➤ this step"]
        title = next((b.title for b in player.drawing.boxes if b.id == frame.vertex), None)
        assert title is None or f"➤ {title}" in marked
    assert "1 of 2 parts = 6" in visible(svg, 2)
    assert "1 of 2 parts = 6" not in visible(svg, 3)
    assert player.save(tmp_path / "y.svg").read_text() == svg
    ElementTree.fromstring(svg.encode())


def test_a_gif_has_a_picture_for_each_step(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="a GIF needs Pillow, which comes with matplotlib")
    loss, names = product()
    player = viz.step(loss, names=names, theme="dark")
    seen = set()
    with image.open(player.save(tmp_path / "x.gif")) as film:
        assert film.n_frames == len(player.frames)
        for k in range(film.n_frames):
            film.seek(k)
            assert film.convert("RGB").getpixel((0, 0)) == (0x14, 0x17, 0x1C)
            seen.add(film.convert("RGB").tobytes())
    assert len(seen) == len(player.frames)


def test_a_film_of_a_large_graph_has_few_boxes(tmp_path):
    ag.manual_seed(0)
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 8, batch_first=True), 12)
    svg = viz.step(model(ag.randn(1, 3, 8)).sum()).save(tmp_path / "x.svg").read_text()
    assert len(set(re.findall(r'class="box [a-z]+" data-id="([^"]*)"', svg))) <= 24


class Two(nn.Module):
    """Two results, both used twice."""

    def __init__(self, *shapes):
        super().__init__()
        self.shapes = shapes

    def forward(self, x):
        return [x[: shape[0]].reshape(shape) * 2 for shape in self.shapes]


@pytest.mark.parametrize("shapes", [[(2,), (2,)], [(2,), (3, 1)]])
def test_gradients_of_several_results_of_a_closed_module_are_no_sum(shapes):
    """Of the same shape they could be added, but that would be the gradient of nothing."""
    one, two = Two(*shapes)(leaf([1.0, 2.0, 3.0]))
    loss = (one.sin() + one).sum() + (two.cos() + two).sum()
    found = trace(loss, Names(loss))
    module = next(call.id for call in found.calls if "Two" in call.label)
    made = frames(collapsed(found, {module}))
    handed = [h for frame in made for h in frame.handed if h.source == module]
    assert [h.count for h in handed] == [1, 2, 3, 4]
    assert {h.total for h in handed} == {None}
    assert None not in {h.part for h in handed}
    (own,) = [frame for frame in made if frame.vertex == module]
    assert own.says == ("Two hands nothing on to what is outside of it: the gradients of what it holds are complete.",)
    drawn, times = timeline(collapsed(found, {module}), drawing(collapsed(found, {module})), made)
    assert [change.says for change in times.boxes[module]][:-1] == [f"{k} of 4 gradients" for k in (1, 2, 3, 4)]


def test_a_film_of_a_penalty_on_all_weights(tmp_path):
    """Whose boxes, closed, hold weights that are used outside of them, each of its own shape."""
    model = nn.Sequential(*[nn.Linear(3, 3) for _ in range(20)])
    loss = model(ag.randn(2, 3)).square().mean() + sum(p.square().sum() for p in model.parameters())
    assert "<svg" in viz.step(loss, names=model).save(tmp_path / "x.svg").read_text()


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: viz.step(3), TypeError, "expected a Tensor"),
        (lambda: viz.step(ag.ones(2)), ValueError, "no graph"),
        (lambda: viz.step(leaf([1.0, 2.0]) * 2), ValueError, "gradient="),
        (lambda: viz.step(product()[0], theme="sepia"), ValueError, "theme"),
        (lambda: viz.step(product()[0], link="emacs"), ValueError, "link is"),
        (lambda: viz.step(product()[0]).save("x.bmp"), ValueError, r"\.html"),
        (lambda: viz.step(product()[0]).save("no/such/folder/x.html"), FileNotFoundError, "folder"),
    ],
)
def test_errors_say_what_is_wrong(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_a_freed_graph_says_what_to_do():
    loss, _ = product()
    loss.backward()
    with pytest.raises(ValueError, match=r"step before it, or record it with viz\.record"):
        viz.step(loss)


def test_to_html_of_a_drawing_that_contradicts_itself():
    from viz.render.drawing import Arrow, Drawing

    with pytest.raises(ValueError, match="not in the drawing"):
        to_html(Page(Drawing("x", (), (Arrow("a", "b"),))))
