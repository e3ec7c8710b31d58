"""`viz.diff`: what changed between two passes, and by how much."""

from __future__ import annotations

import gc
import json
import math
import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.errors import InplaceError
from autograd_core.writes import owner
from viz.checkup.changes import cosine, relative
from viz.diff import said


@pytest.fixture(autouse=True)
def seed():
    ag.manual_seed(0)


class Net(nn.Module):
    def __init__(self, extra=False):
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 3)
        if extra:
            self.between = nn.Linear(8, 8)
        self.extra = extra

    def forward(self, x):
        h = self.first(x).relu()
        if self.extra:
            h = self.between(h).tanh()
        return self.last(h)


x, y = np.linspace(-1, 1, 40, dtype=np.float32).reshape(10, 4), np.arange(10) % 3


def loss_of(model, inputs=x):
    return nn.functional.cross_entropy(model(ag.tensor(inputs)), ag.tensor(y))


def by_name(d):
    return {c.where: c for c in d.changes}


def rel(a, b):
    return float(np.linalg.norm(b.astype(float) - a.astype(float)) / np.linalg.norm(a.astype(float)))


# ---------------------------------------------------------------------- the numbers


def test_an_update():
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    loss = loss_of(model)
    before = viz.snapshot(loss)
    old = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
    loss.backward()
    old_grads = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
    first = float(loss.detach())
    optimizer.step()
    optimizer.zero_grad()
    loss = loss_of(model)
    d = viz.diff(before, loss)
    loss.backward()
    for name, p in model.named_parameters():
        change = by_name(d)[name]
        assert change.value == pytest.approx(rel(old[name], p.detach().numpy()), rel=1e-4)
        assert change.gradient == pytest.approx(rel(old_grads[name], p.grad.numpy()), rel=1e-4)
        u, v = old_grads[name].ravel(), p.grad.numpy().ravel()
        assert change.cosine == pytest.approx(float(u @ v / np.linalg.norm(u) / np.linalg.norm(v)), abs=1e-5)
        assert change.norms == pytest.approx((np.linalg.norm(u), np.linalg.norm(v)), rel=1e-5)
    whole = by_name(d)["cross_entropy (loss)"]
    assert whole.value == pytest.approx(abs(float(loss.detach()) - first) / first, rel=1e-4)
    assert d.of("parameter") == sorted(d.of("parameter"), key=lambda c: -c.largest)
    assert len(d.of("parameter")) == 4
    assert f"loss: {first:.4g} →" in str(d)


def test_two_inputs():
    model = Net()
    a, b = loss_of(model), loss_of(model, x * 2 + 1)
    d = viz.diff(a, b)
    assert all(c.value == 0 for c in d.of("parameter"))
    assert all(c.gradient > 0 for c in d.of("parameter"))
    (data,) = [c for c in d.of("data") if c.shapes[0] == (10, 4)]
    assert data.value == pytest.approx(rel(x, x * 2 + 1), rel=1e-5)
    linear = by_name(d)["linear in model.first"]
    weight, bias = (p.detach().numpy() for p in (model.first.weight, model.first.bias))
    assert linear.value == pytest.approx(rel(x @ weight.T + bias, (x * 2 + 1) @ weight.T + bias), rel=1e-4)


def test_two_seeds():
    models = []
    for k in range(2):
        ag.manual_seed(k)
        models.append(Net())
    d = viz.diff(*map(loss_of, models))
    assert not [c for c in d.changes if c.status != "both"]
    assert all(c.value > 0.1 for c in d.of("parameter"))
    assert all(c.value == 0 for c in d.of("data"))


def test_what_was_zero_does_not_push_all_else_away():
    model = nn.Sequential(*[nn.Linear(4, 4) for _ in range(20)])
    for layer in model:
        nn.init.zeros_(layer.bias)
    loss = model(ag.tensor(x)).square().mean()
    before = viz.snapshot(loss)
    loss.backward()
    optim.SGD(model.parameters(), lr=1e-3).step()
    d = viz.diff(before, model(ag.tensor(x)).square().mean())
    biases = [c for c in d.of("parameter") if c.where.endswith("bias")]
    assert all(c.value == math.inf and c.changed and c.largest == c.gradient for c in biases)
    assert d.changes == tuple(sorted(d.changes, key=lambda c: -c.largest))
    assert "by from 0" not in str(d)


def test_data_without_a_name_is_called_by_its_use():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 4), nn.Dropout(0.5))
    d = viz.diff(model(ag.tensor(x)).sum(), model(ag.tensor(x)).sum())
    assert sorted(c.where for c in d.of("data") if "mask" in c.where) == ["mask of dropout in model.1", "mask of dropout in model.3"]


def test_nothing_changed():
    model = Net()
    d = viz.diff(loss_of(model), loss_of(model))
    assert not [c for c in d.changes if c.changed]
    assert not [b for b in d.picture().drawing.boxes if b.accent]
    assert not [a for a in d.picture().drawing.arrows if a.accent]


def test_only_what_is_downstream_of_a_change_changes():
    model = Net()
    loss = loss_of(model)
    before = viz.snapshot(loss)
    with ag.no_grad():
        model.last.bias.add_(1.0)  # the same for all classes: nothing that cross_entropy sees
    changed = {c.where for c in viz.diff(before, loss_of(model)).changes if c.value is not None and c.value > 1e-5}
    assert changed == {"last.bias", "linear in model.last"}


def test_recorded_passes_of_shared_parameters_are_told_apart():
    model = Net()
    a, b = loss_of(model), loss_of(model, x * 3)
    ahead = viz.diff(a, b)
    with viz.record() as run:
        a.backward()
        b.backward()
    after = viz.diff(a, b, run=run)
    for name, change in by_name(ahead).items():
        if change.gradient is not None:
            assert by_name(after)[name].gradient == pytest.approx(change.gradient, rel=1e-5)
            assert by_name(after)[name].norms == pytest.approx(change.norms, rel=1e-5)


@pytest.mark.parametrize(
    ("a", "b", "change"),
    [
        ([3.0, 4.0], [3.0, 4.0], 0.0),
        ([3.0, 4.0], [6.0, 8.0], 1.0),
        ([3.0, 4.0], [0.0, 0.0], 1.0),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.0, 0.0], [1.0, 0.0], math.inf),
        ([1.0, math.nan], [1.0, math.nan], 0.0),
        ([1.0, 2.0], [1.0, math.nan], math.nan),
        ([1.0, math.inf], [1.0, 2.0], math.nan),
        ([0.0, 0.0], [1.0, math.inf], math.nan),
        ([1.0, 2.0], [1.0, 2.0, 3.0], None),
        ([True, False], [True, True], 1.0),
    ],
)
def test_relative_change(a, b, change):
    assert relative(np.array(a), np.array(b)) == pytest.approx(change, nan_ok=True)


@pytest.mark.parametrize(
    ("a", "b", "angle"),
    [
        ([1.0, 0.0], [2.0, 0.0], 1.0),
        ([1.0, 0.0], [0.0, 3.0], 0.0),
        ([1.0], [-1.0], -1.0),
        ([0.0], [1.0], None),
        ([1.0], [math.nan], None),
    ],
)
def test_cosine(a, b, angle):
    assert cosine(np.array(a), np.array(b)) == angle


@pytest.mark.parametrize(
    ("change", "text"),
    [(None, "–"), (0.0, "0"), (0.0321, "3.21 %"), (25.0, "× 25"), (math.inf, "from 0"), (math.nan, "not finite"), (1e-9, "0")],
)
def test_how_a_change_is_said(change, text):
    assert said(change) == text


# ---------------------------------------------------------------------- another structure


def test_what_was_added_and_removed():
    models = Net(), Net(extra=True)
    small, large = map(loss_of, models)
    d = viz.diff(small, large)
    added = {c.where for c in d.changes if c.status == "added"}
    assert {"between.weight", "between.bias"} < added
    assert any(name.startswith("linear in") and "between" in name for name in added)
    assert any(name.startswith("tanh") for name in added)
    assert len(added) == 4
    assert len(d.of("operation")) == 4  # linear, relu, linear, cross_entropy
    back = viz.diff(large, small)
    assert {c.where for c in back.changes if c.status == "removed"} == added
    assert "only after: " in str(d)
    assert "only before: " in str(back)
    (note,) = [b for b in back.picture().drawing.boxes if b.title == "only before"]
    assert len(note.lines) == 4
    marked = {b.title: b.lines for b in d.picture().drawing.boxes if b.accent == "changed"}
    assert "only after" in marked["between.weight"]


def test_more_steps_of_a_loop():
    w = ag.tensor(1.5, dtype=ag.float64, requires_grad=True)

    def steps(n):
        out = w
        for _ in range(n):
            out = out * w
        return out.sin()

    d = viz.diff(steps(2), steps(4))
    assert sorted(c.status for c in d.changes) == ["added"] * 2 + ["both"] * 4
    assert by_name(d)["w"].gradient is not None


def test_another_shape_is_told():
    models = nn.Linear(3, 2), nn.Linear(3, 5)
    d = viz.diff(*(model(ag.ones(1, 3)).sum() for model in models))
    weight = by_name(d)["weight"]
    assert (weight.value, weight.shapes, weight.changed) == (None, ((2, 3), (5, 3)), True)
    assert "(2, 3) → (5, 3)" in str(d)


def test_long_graphs_are_matched_in_time():
    w = ag.tensor(0.5, requires_grad=True)

    def chain(n, first):
        out = first(w)
        for _ in range(n):
            out = out.sin()
        return first(out)

    d = viz.diff(chain(3000, lambda t: t.cos()), chain(2500, lambda t: t.tanh()))
    statuses = [c.status for c in d.changes]
    assert statuses.count("removed") == 502
    assert statuses.count("added") == 2


# ---------------------------------------------------------------------- as a report


def test_the_picture_has_the_numbers():
    model = Net()
    a, b = loss_of(model), loss_of(model, x * 2)
    d = viz.diff(a, b)
    drawing = d.picture().drawing
    change = by_name(d)["last.weight"]
    (box,) = [box for box in drawing.boxes if box.title == "last.weight"]
    assert f"gradient Δ = {said(change.gradient)}, cos {round(change.cosine, 4):.4g}" in box.lines
    (arrow,) = [arrow for arrow in drawing.arrows if arrow.target == box.id]
    assert arrow.lines[-1] == f"Δ = {said(change.gradient)}"
    assert (box.accent, arrow.accent) == ("changed", "changed")


def test_closed_boxes_tell_of_all_they_hold():
    model = Net()
    a, b = loss_of(model), loss_of(model, x * 2)
    d = viz.diff(a, b, depth=0)
    (box,) = [box for box in d.picture().drawing.boxes if box.kind == "closed"]
    grads = []
    for loss in (a, b):
        model.zero_grad()
        loss.backward()
        grads.append(np.concatenate([p.grad.numpy().ravel() for p in model.parameters()]))
    assert "parameters Δ = 0" in box.lines
    (told,) = [line for line in box.lines if line.startswith("gradients Δ")]
    assert float(told.split()[-2]) == pytest.approx(100 * rel(*grads), rel=1e-2)


@pytest.mark.parametrize(
    "name", ['a"b', "<script>alert(1)</script>", "two\nlines", "x" * 10_000, "\u202eright to left", "digraph { a -> b }"]
)
def test_hostile_names(name):
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    d = viz.diff((w * w).sum(), (w * w * w).sum(), names={name: w})
    assert len(str(d).splitlines()) == len(str(viz.diff((w * w).sum(), (w * w * w).sum())).splitlines())
    assert max(map(len, str(d).splitlines())) < 200
    report = viz.health((w * 0 * w).sum(), names={name: w})
    assert len(report.findings) == 1
    assert max(map(len, str(report).splitlines())) < 200
    for shown in (d, report):
        assert "<script>" not in shown.picture().to_svg(engine="builtin")


def test_saving_and_showing(tmp_path):
    model = Net()
    d = viz.diff(loss_of(model), loss_of(model, x * 2), title="twice")
    for suffix in (".txt", ".md", ".json", ".svg"):
        assert "twice" in d.save(tmp_path / f"d{suffix}").read_text(encoding="utf-8")
    told = json.loads((tmp_path / "d.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert {c["where"] for c in told["changes"]} >= {"first.weight", "last.bias"}
    assert "image/svg+xml" in d._repr_mimebundle_()
    assert d._repr_mimebundle_()["text/plain"] == str(d)


def test_what_is_not_finite_has_changed():
    """A gradient too, whose value changed by less than rounding."""
    w = ag.tensor([1.0, 2.0], dtype=ag.float64, requires_grad=True)
    before = viz.snapshot((w * 3.0).sqrt().sum())
    with ag.no_grad():
        w.mul_(1 + 1e-9)
    d = viz.diff(before, (w * 3.0).sqrt().sum(), gradient=math.nan)
    (change,) = d.of("parameter")
    assert change.changed
    assert 0 < change.value < 1e-6
    assert math.isnan(change.gradient)
    assert "not finite" in str(d)
    assert "from 0" not in str(d)
    assert any("not finite" in line for box in d.picture().drawing.boxes for line in box.lines)
    json.dumps(d.to_dict(), allow_nan=False)


def test_no_infinity_in_the_file(tmp_path):
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    d = viz.diff((w * 0).sum(), (w * 1).sum())
    text = d.save(tmp_path / "d.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=pytest.fail)
    assert '"inf"' in text


def test_looking_changes_nothing():
    model = Net()
    a, b = loss_of(model), loss_of(model, x * 2)
    random = ag.get_rng_state()
    str(viz.diff(a, b).picture())
    assert all(p.grad is None for p in model.parameters())
    np.testing.assert_array_equal(random.numpy(), ag.get_rng_state().numpy())
    a.backward()  # both graphs are whole
    b.backward()


def test_a_snapshot_does_not_change():
    model = Net()
    before = viz.snapshot(loss_of(model))
    old = {key: value.copy() for key, value in before.values.items()}
    with ag.no_grad():
        for p in model.parameters():
            p.zero_()
    for key, value in before.values.items():
        np.testing.assert_array_equal(value, old[key])


def test_a_snapshot_shows_the_numbers_that_it_was_made_of():
    w = ag.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    pictures = []
    d = viz.diff((w * w).sum(), viz.snapshot(loss))
    for _ in range(2):
        pictures.append(d.picture().to_text())
        with ag.no_grad():
            w.zero_()
    assert pictures[0] == pictures[1]
    assert "[1, 2]" in pictures[0]


def test_formulas_of_a_snapshot_are_those_of_the_graph():
    loss = loss_of(Net())
    assert viz.diff(loss, viz.snapshot(loss)).picture().to_text() == viz.diff(loss, loss).picture().to_text()
    drawn = viz.draw(loss).drawing
    lines = {(arrow.source, arrow.target): arrow.lines for arrow in drawn.arrows}
    for arrow in viz.diff(loss, viz.snapshot(loss)).picture().drawing.arrows:
        assert arrow.lines[: len(lines[arrow.source, arrow.target])] == lines[arrow.source, arrow.target]


@pytest.mark.parametrize("keep", [viz.snapshot, lambda loss: viz.diff(loss, loss)])
def test_no_graph_is_kept_alive(keep):
    gc.disable()
    try:
        loss = loss_of(Net())
        node, array = weakref.ref(loss.node), weakref.ref(owner(loss.node.parents[0].saved[0]))
        kept = keep(loss)
        del loss
        assert node() is None
        assert array() is None
        assert kept is not None
    finally:
        gc.enable()


def test_errors():
    model = Net()
    loss = loss_of(model)
    for wrong in (None, 3.0, model):
        with pytest.raises(TypeError, match=r"viz\.snapshot"):
            viz.diff(loss, wrong)
    with pytest.raises(ValueError, match="no graph"):
        viz.diff(loss, ag.ones(1))
    with ag.no_grad():
        model.last.weight.mul_(2.0)
    for look in (lambda: viz.diff(loss, loss_of(model)), lambda: viz.health(loss), lambda: viz.snapshot(loss)):
        with pytest.raises(InplaceError) as caught:
            look()
        (note,) = caught.value.__notes__
        assert "before the parameters are updated" in note
