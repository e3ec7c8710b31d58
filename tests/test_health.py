"""`viz.health`: what is found, what is not, and that the numbers are right."""

from __future__ import annotations

import gc
import json
import math
import time
import weakref
from contextlib import nullcontext

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.graph import ancestors
from autograd_core.writes import owner
from tests.faulty_models import FAULTS, MODELS, dead, frozen, scaled, sharp, spare
from tests.table import ROWS
from viz.checkup.activations import DEAD
from viz.checkup.curve import curve
from viz.checkup.passes import computed_again
from viz.checkup.units import SLOPE
from viz.checkup.wording import WIDTH
from viz.graph.digits import number
from viz.tables.counting import arrays_in

pytestmark = pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|overflow):RuntimeWarning")


def leaf(value, dtype=ag.float64):
    return ag.tensor(value, dtype=dtype, requires_grad=True)


def kinds(report):
    return [f.kind for f in report.findings]


def of_kind(report, kind):
    return [f for f in report.findings if f.kind == kind]


def operations(report, ids):
    return [report.trace.by_id[i].operation.split()[0] for i in ids if report.trace.by_id[i].kind == "operation"]


@pytest.fixture(autouse=True)
def seed():
    ag.manual_seed(0)


def classified(model, x, classes):
    return nn.CrossEntropyLoss()(model(x), ag.randint(0, classes, (len(x),)))


# ---------------------------------------------------------------------- healthy models have no findings


class Decoder(nn.Module):
    """Embedding, encoder layers, head."""

    def __init__(self, layers=12, width=32, norm_first=True, activation="relu"):
        super().__init__()
        self.embedding = nn.Embedding(50, width)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, norm_first=norm_first, batch_first=True, activation=activation)
        self.blocks = nn.TransformerEncoder(layer, layers)
        self.head = nn.Linear(width, 50)

    def loss(self, *shape):
        tokens = ag.randint(0, 50, shape)
        return nn.CrossEntropyLoss()(self.head(self.blocks(self.embedding(tokens))).reshape(-1, 50), tokens.reshape(-1))


def he(model):
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return model


def mlp(depth, activation=nn.ReLU, width=64):
    layers = [nn.Linear(20, width), activation()]
    for _ in range(depth - 2):
        layers += [nn.Linear(width, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 5))


def cnn():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip


def recurrent(kind):
    layer, head = kind(8, 16, num_layers=2), nn.Linear(16, 3)
    return nn.CrossEntropyLoss()(head(layer(ag.randn(20, 4, 8))[0][-1]), ag.randint(0, 3, (4,)))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: classified(mlp(3), ag.randn(32, 20), 5), id="mlp"),
        pytest.param(lambda: classified(mlp(5, nn.Tanh), ag.randn(32, 20), 5), id="tanh"),
        pytest.param(lambda: classified(he(mlp(12)), ag.randn(64, 20), 5), id="deep mlp after He"),
        pytest.param(lambda: classified(cnn(), ag.randn(8, 3, 12, 12), 10), id="cnn"),
        pytest.param(lambda: classified(he(cnn()), ag.randn(8, 3, 12, 12), 10), id="cnn after He"),
        pytest.param(lambda: recurrent(nn.LSTM), id="lstm"),
        pytest.param(lambda: recurrent(nn.GRU), id="gru"),
        pytest.param(lambda: recurrent(nn.RNN), id="rnn"),
        pytest.param(lambda: Decoder().loss(4, 12), id="transformer"),
        pytest.param(lambda: Decoder(6, norm_first=False, activation="gelu").loss(4, 12), id="transformer, norm last"),
    ],
)
def test_a_healthy_model_has_no_findings(make):
    report = viz.health(make())
    assert kinds(report) == []
    assert report.healthy
    assert "nothing found" in str(report)


def unrolled(kind, steps, every=True):
    """The steps of a cell one by one, with a loss of every step or of the last."""
    cell, head, losses, state = kind(8, 16), nn.Linear(16, 3), [], None
    for _ in range(steps):
        state = cell(ag.randn(4, 8), state)
        h = state[0] if isinstance(state, tuple) else state
        losses.append(nn.functional.cross_entropy(head(h), ag.randint(0, 3, (4,))))
    return sum(losses) / steps if every else losses[-1]


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
@pytest.mark.parametrize("freed", [False, True])
def test_a_loss_of_every_step(kind, freed):
    loss = unrolled(kind, 20)
    with viz.record() as run:
        if freed:
            loss.backward()
    assert kinds(viz.health(loss, run=run if freed else None)) == []


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_what_the_first_of_many_steps_gets_is_a_note(kind):
    """The weight itself learns from the last steps; that it hardly learns from the first ones is usual."""
    report = viz.health(unrolled(kind, 50, every=False))
    assert kinds(report) == []
    (note,) = [note for note in report.notes if "(1 of 50)" in note]
    first, last = (next(layer for layer in report.layers if f"({k} of 50)" in layer.where) for k in (1, 50))
    assert number(first.gradient / last.gradient) in note
    assert not any("of 10)" in note for note in viz.health(unrolled(kind, 10, every=False)).notes)


# ---------------------------------------------------------------------- one fault is one finding


def faulty(name, *faults):
    """A model with these faults, and what is found: each is (what puts it in, where)."""
    model = MODELS[name]()
    for put, *where in faults:
        put(model, *where)
    return model, viz.health(model.loss(model.inputs()))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("still", [False, True])
def test_no_fault_is_no_finding(name, still):
    assert faulty(name, *([(frozen,)] if still else []))[1].findings == ()


CASES = [(fault, name) for fault in FAULTS for name in MODELS if name not in FAULTS[fault].without]


@pytest.mark.parametrize(("fault", "name"), [pytest.param(*case, id=" in ".join(case)) for case in CASES])
def test_one_fault_is_one_finding(fault, name):
    model, report = faulty(name, (FAULTS[fault].put,))
    (found,) = report.findings
    assert found.kind == FAULTS[fault].kind
    assert found.where.startswith(FAULTS[fault].where(model))


@pytest.mark.parametrize("name", [name for name in MODELS if "transformer" not in name])
def test_one_nan_in_the_input_is_one_finding(name):
    model = MODELS[name]()
    x = model.inputs()
    with ag.no_grad():
        x.reshape(-1)[3] = math.nan
    (found,) = viz.health(model.loss(x)).findings
    assert found.kind == "origin"
    assert found.where == "x" or found.where.startswith("in of ")
    assert "1 of " in found.said


def test_one_array_that_is_used_in_several_shapes_is_one_origin():
    model = MODELS["transformer, norm last"]()
    loss = nn.functional.cross_entropy(model(ag.randn(4, 12, 32) * math.nan), ag.randint(0, 3, (48,)))
    (found,) = of_kind(viz.health(loss), "origin")
    assert "it is also in₁ of add in model.blocks.0" in found.said


def test_parameters_that_an_update_made_nan_are_one_origin():
    model, x = mlp(5, nn.Tanh), ag.randn(8, 20)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    (model(x) - 100).sqrt().mean().backward()
    optimizer.step()
    (found,) = viz.health(model(x).mean()).findings
    assert (found.kind, found.where) == ("origin", "0.weight, 0.bias, 2.weight and 7 more")
    elements = sum(p.numel() for p in model.parameters())
    assert found.said == f"hold NaN in {elements:,} of {elements:,} elements before anything is computed"
    assert found.numbers == {"count": elements, "parameters": 10}
    assert len(found.vertices) == 10


def test_minus_infinity_in_data_is_its_own_origin():
    x, layer = np.ones((4, 3), np.float32), nn.Linear(3, 2)
    x[1, 2] = -math.inf
    (found,) = viz.health(layer(ag.tensor(x)).sum()).findings
    assert found.where == "in of linear in layer"


def test_an_overflow_is_told_with_the_huge_layer_before_it():
    model, report = faulty("vae", (scaled(1e6),))
    (found,) = report.findings
    assert (found.kind, found.where) == ("origin", "exp in model")
    assert "so did exp; " not in found.said
    assert "so did exp." in found.said
    assert "Before it stands linear in model.encoder" in found.said
    assert len(found.vertices) == 2


@pytest.mark.parametrize(
    ("name", "faults"),
    [
        ("mlp", [(dead, "layers.2"), (dead, "layers.6")]),
        ("mlp", [(scaled(1e-6), "layers.3"), (scaled(1e-6), "layers.7")]),
        ("mlp", [(dead, "layers.2"), (scaled(1e-6), "layers.3")]),
        ("mlp", [(scaled(1e-6), "layers.3"), (dead, "layers.6")]),
        ("mlp", [(scaled(1e6), "layers.1"), (scaled(1e6), "layers.5")]),
        ("mlp", [(scaled(1e6), "layers.1"), (FAULTS["log of 0"].put,)]),
        ("mlp", [(dead, "layers.6"), (spare,)]),
        ("mlp of tanh", [(scaled(1000.0), "layers.2"), (scaled(1000.0), "layers.6")]),
        ("mlp of tanh", [(scaled(1e-6), "layers.3"), (scaled(1e6), "layers.5")]),
        ("resnet", [(dead, "blocks.1.conv1"), (dead, "blocks.3.conv1")]),
        ("resnet", [(dead, "blocks.1.conv1"), (scaled(1e6), "blocks.2.conv1")]),
        ("transformer", [(dead, "blocks.3.linear1"), (dead, "blocks.8.linear1")]),
        ("transformer", [(scaled(1e-6), "blocks.5.linear2"), (scaled(1e6), "blocks.7.linear1")]),
        ("transformer", [(sharp, "blocks.4"), (sharp, "blocks.9")]),
        ("transformer", [(sharp, "blocks.4"), (dead, "blocks.8.linear1")]),
        *((name, [(FAULTS["gates of bias 50"].put,), (spare,)]) for name in ("lstm", "gru", "lstm unrolled", "lstm by hand")),
        ("lstm", [(FAULTS["gates of bias 50"].put,), (scaled(1e-6), "embed")]),
        ("lstm unrolled", [(FAULTS["gates of bias 50"].put,), (scaled(1e6), "head")]),
    ],
)
def test_two_faults_are_two_findings(name, faults):
    alone = []
    for fault in faults:
        ag.manual_seed(0)
        (found,) = faulty(name, fault)[1].findings
        alone.append((found.kind, found.where))
    ag.manual_seed(0)
    both = [(f.kind, f.where) for f in faulty(name, *faults)[1].findings]
    assert sorted(both) == sorted(alone)


def test_what_is_measured_behind_another_finding_stands_below_it():
    model = mlp(6)
    with ag.no_grad():
        model[8].weight.mul_(1e-6)
    report = viz.health(classified(nn.Sequential(model[:4], Step("round"), model[4:]), ag.randn(32, 20), 5))
    assert [f.where.split()[0] for f in report.findings] == ["linear", "round"]
    assert report.findings[1].numbers["ratio"] == 0  # by that alone, it would be the worst


def test_gates_are_listed():
    (one,) = faulty("lstm unrolled", (FAULTS["gates of bias 50"].put,))[1].findings
    listed = "input gate 100 %, forget gate 100 %, output gate 100 %, candidate 100 % of the elements lie at the flat ends"
    assert one.where == "lstm in model.rnn"
    assert one.said.startswith(listed)
    assert one.said.endswith("in 30 of 30 steps")
    assert "no gradient for embed.weight, embed.bias, rnn.weight_ih and 3 more" in one.therefore
    assert one.numbers["operations"] == 30
    (one,) = faulty("lstm of two layers", (FAULTS["gates of bias 50"].put,))[1].findings
    assert one.said.startswith(listed)
    assert one.said.endswith("in 2 of 2 operations")
    (one,) = faulty("lstm by hand", (FAULTS["gates of bias 50"].put,))[1].findings
    assert one.said.startswith("sigmoid 100 %, tanh 100 % of the elements lie")


def test_steps_that_are_not_saturated_are_not_counted():
    cell, head, state = nn.LSTMCell(3, 8), nn.Linear(8, 2), None
    for k in range(6):
        state = cell(ag.randn(16, 3) * (1000.0 if k in (2, 3) else 0.1), state)
    (found,) = of_kind(viz.health(head(state[0]).square().mean()), "saturated")
    assert found.said.endswith("in 2 of 6 steps")
    assert found.numbers["operations"] == 2


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_a_recurrent_layer_of_tiny_weights(kind):
    """Of a few examples too: its weights say why these are the same."""
    layer, head, x, state = kind(6, 16), nn.Linear(16, 3), ag.randn(10, 4, 6), None
    with ag.no_grad():
        for p in layer.parameters():
            p.mul_(1e-6)
    if "Cell" in kind.__name__:
        for step in x:
            state = layer(step, state)
        h = state[0] if isinstance(state, tuple) else state
    else:
        h = layer(x)[0][-1]
    (found,) = viz.health(nn.functional.cross_entropy(head(h), ag.randint(0, 3, (4,)))).findings
    assert found.kind == "vanishing"
    assert " in layer" in found.where
    assert "so small" in found.said
    assert "nearly the same for all 4 examples" in found.said


def test_a_unit_that_lives_in_one_call_is_not_dead():
    layer, head = nn.Linear(4, 8), nn.Linear(8, 1)
    x = ag.randn(32, 4)
    both = layer(x).relu(), (-layer(x)).relu()
    assert viz.health(head(both[0] - both[1]).square().mean()).healthy
    with ag.no_grad():
        layer.bias.fill_(-100.0)
    (found,) = viz.health(head(layer(x).relu()).square().mean() + head(layer(x).relu()).mean()).findings
    assert (found.kind, found.where) == ("dead", "relu")
    assert "for all 64 examples, in 2 of 2 operations" in found.said


def test_what_is_the_same_for_all_examples_says_nothing_of_units():
    model = mlp(4)
    assert [u.share for u in viz.health(classified(model, ag.ones(32, 20), 5)).units if u.share > 0.4]
    assert kinds(viz.health(classified(model, ag.ones(32, 20), 5))) == []


def test_padding_is_no_difference_between_examples():
    ag.manual_seed(2)
    _, report = faulty("cnn", (scaled(1e-6),))
    assert [u for u in report.units if u.share >= DEAD and u.where == "relu in model.relu (3 of 3)"]
    assert kinds(report) == ["vanishing"]


def test_one_image_may_have_dead_units():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    with ag.no_grad():
        model[0].bias[:3] = -100.0
    assert kinds(viz.health(classified(model, ag.randn(1, 2, 8, 8), 2))) == ["dead"]


@pytest.mark.parametrize("put", [dead, scaled(1e-6)])
def test_units_that_are_zero_for_a_fault_before_are_told_with_it(put):
    _, report = faulty("mlp", (put,))
    (found,) = report.findings
    many = [u for u in report.units if u.kind == "dead" and u.share >= DEAD and u.id not in found.vertices]
    (told,) = [line for line in found.therefore if "all examples are the same to" in line]
    assert f"{many[0].where} and {len(many) - 1} more" in told


def test_a_size_that_an_operation_takes_is_told_with_it():
    """All examples are the same behind it, which is no second cause."""
    model = MODELS["mlp"]()
    model.fault = lambda h: h * 1e-7
    (found,) = viz.health(model.loss(model.inputs())).findings
    assert (found.kind, found.where) == ("vanishing", "mul × 1e−07 in model")
    assert found.therefore[0].startswith("linear in model.layers.5 gives nearly the same for all 64 examples")
    assert found.therefore[1].startswith("all examples are the same to relu in model.activations.5 and ")


@pytest.mark.parametrize(
    ("name", "norm", "factor", "kind"),
    [
        ("resnet", "blocks.2.norm1", 1e8, "exploding"),
        ("resnet", "blocks.2.norm2", 1e-8, "vanishing"),
        ("transformer, norm last", "blocks.5.norm2", 1e8, "exploding"),
        ("transformer, norm last", "blocks.5.norm2", 1e-8, "vanishing"),
    ],
)
def test_the_scale_of_a_normalisation_is_the_cause(name, norm, factor, kind):
    def scale(model):
        with ag.no_grad():
            model.get_submodule(norm).weight.fill_(factor)

    (found,) = faulty(name, (scale,))[1].findings
    assert found.kind == kind
    assert found.where.endswith(f" in model.{norm}")


def test_huge_normalisations_and_layers_are_told_apart():
    def norm(model):
        with ag.no_grad():
            model.blocks[2].norm1.weight.fill_(1e8)

    found = {f.where for f in faulty("resnet", (norm,), (scaled(1e8), "blocks.2.conv1"))[1].findings}
    assert found == {"batch_norm in model.blocks.2.norm1", "convolution in model.blocks.2.conv1"}


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_a_recurrent_layer_that_explodes_is_told_once(name):
    def large(model):
        with ag.no_grad():
            model.rnn.weight_hh_l0.mul_(100.0)

    (found,) = of_kind(faulty(name, (large,))[1], "exploding")
    assert found.where == f"{name} in model.rnn"


def silenced(scale=1.0):
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    with ag.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.mul_(scale)
        model[0].bias.fill_(-100.0 * scale)
    return model


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_weight_that_is_given_zeros_is_told_with_what_made_them(scale):
    """Of four examples nobody can say that the units are dead; nor do huge weights keep a gradient from themselves."""
    model = silenced(scale)
    found = {f.where: f for f in viz.health(model(ag.ones(4, 3)).square().mean()).findings}
    assert found["relu in model.1"].therefore[-1] == "no gradient for 0.weight, 0.bias, 2.weight"
    assert set(found) - {"relu in model.1"} == ({"linear in model.0", "linear in model.2"} if scale > 1 else set())
    assert not any(f.therefore for where, f in found.items() if where != "relu in model.1")


def test_a_hinge_of_the_loss_has_no_units():
    model, x = nn.Linear(4, 1), ag.randn(32, 4)
    real, fake = (1 - (model(x) + 50)).relu().mean(), (1 + nn.Linear(4, 1)(x).detach() + model(x)).relu().mean()
    assert kinds(viz.health(real + fake)) == []
    assert kinds(viz.health((1 - (model(x) + 50)).relu().mean())) == ["unused"]  # nothing is learned of this batch


def test_steps_of_one_finding_stay_closed_in_the_picture():
    _, report = faulty("lstm unrolled", (FAULTS["gates of bias 50"].put,))
    drawing = report.picture().drawing
    assert len(drawing.boxes) < 20
    (box,) = [box for box in drawing.boxes if box.accent]
    assert (box.accent, box.title) == ("saturated", "step ×30")
    assert any("input gate 100 %" in line for line in box.lines)


def test_the_report_tells_the_steps_of_a_gate_together():
    text = str(faulty("lstm unrolled", (FAULTS["gates of bias 50"].put,))[1])
    assert "3,840 of 3,840 elements (100 %): forget gate of lstm in model.rnn, 30 times" in text
    assert "hardly learned" not in text  # that is what saturation does


def test_a_parameter_that_starves_for_another_reason_is_told():
    model, w = mlp(4), nn.Parameter(ag.ones(3))
    with ag.no_grad():
        model[2].bias.fill_(-100.0)
    report = viz.health(classified(model, ag.randn(32, 20), 5) + (w * 0).sum())
    assert [(f.kind, f.where) for f in report.findings] == [("dead", "relu in model.3"), ("unused", "w")]


def test_a_parameter_that_starves_for_two_reasons_is_told():
    model = mlp(4)
    with ag.no_grad():
        model[2].bias.fill_(-100.0)
    loss = classified(model, ag.randn(32, 20), 5)
    assert kinds(viz.health(loss)) == ["dead"]
    report = viz.health(loss + (model[0].weight * 0).sum())
    assert [(f.kind, f.where) for f in report.findings] == [("dead", "relu in model.3"), ("unused", "0.weight")]


def test_what_is_zero_behind_a_finding_but_not_for_it_is_told():
    model = mlp(4)
    with ag.no_grad():
        model[2].bias[:40] = -100.0
    w = nn.Parameter(ag.ones(64))
    half = model[:4](ag.randn(32, 20))
    loss = nn.functional.cross_entropy(model[4:](half), ag.randint(0, 5, (32,))) + (half * 0 * w).sum()
    assert [(f.kind, f.where) for f in viz.health(loss).findings] == [("dead", "relu (half) in Sequential"), ("unused", "w")]


# ---------------------------------------------------------------------- where NaN and infinity come from

x0, w0 = [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("compute", "origin", "said", "count"),
    [
        (lambda x, w: ((x * w).log() * 2).sum(), "log", "made the first −inf: 1 of 3", 1),
        (lambda x, w: (x / (x * w)).sum(), "div", "made the first NaN: 1 of 3", 1),
        (lambda x, w: (1 / (x * w)).sum(), "div", "made the first inf: 1 of 3", 1),
        (lambda x, w: ((x * w).sqrt() + 1).sum(), "sqrt", "gave the first inf in the gradients: 1 of 3", 1),
        (lambda x, w: ((x * w * 1000).exp() * 2).log().sum(), "exp", "made the first inf: 2 of 3", 2),
        (lambda x, w: ag.where(x > 0, (x * w).log(), 0.0).sum(), "log", "made the first −inf", 1),  # finite loss, NaN gradient
        (lambda x, w: (x * w).masked_fill(x > -1, -math.inf).softmax(0).sum(), "softmax", "made the first NaN: 3 of 3", 3),
        (lambda x, w: ((x * w).exp().exp().exp() * 0).sum(), "exp", "made the first inf: 2 of 3", 2),
    ],
)
def test_the_origin_is_marked_alone(compute, origin, said, count):
    x, w = leaf(x0), leaf(w0)
    report = viz.health(compute(x, w))
    (found,) = of_kind(report, "origin")
    assert operations(report, found.vertices) == [origin]
    assert said in found.said
    assert found.numbers["count"] == count
    assert found.cure
    marks = {b.title: b.accent for b in report.picture().drawing.boxes}
    assert [title.split()[0] for title, accent in marks.items() if accent == "origin"] == [origin]
    assert marks["x"] == ("unused" if origin == "softmax" else "inherited")  # a mask's gradient is zero
    assert set(report.inherited).isdisjoint(found.vertices)


def test_inherited_are_exactly_those_downstream_and_the_gradients_upstream():
    x, w = leaf(x0), leaf(w0)
    good = (w * 3).sum()  # on no way from the logarithm
    report = viz.health((x.log() * w).sum() + good)
    named = {v.id: v.operation or v.name for v in report.trace.vertices}
    assert sorted(named[i] for i in report.inherited) == sorted(["x", "w", "mul", "sum", "add"])
    led = {(named[a], named[b]) for a, b in report.led}
    assert led == {("log", "x"), ("mul", "w")}
    arrows = {(a.source, a.target) for a in report.picture().drawing.arrows if a.accent == "inherited"}
    assert arrows


@pytest.mark.parametrize("where", ["data", "parameter"])
def test_nonfinite_numbers_that_were_given_are_the_origin(where):
    w = leaf(w0)
    data = ag.tensor([1.0, math.nan, 2.0], dtype=ag.float64) if where == "data" else ag.ones(3, dtype=ag.float64)
    if where == "parameter":
        with ag.no_grad():
            w[1] = math.inf
    (found,) = viz.health((w * data).sum()).findings
    assert (found.kind, found.where) == ("origin", "data" if where == "data" else "w")
    assert "1 of 3" in found.said


def test_data_without_a_name_is_called_by_its_use():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    (found,) = viz.health(model(ag.tensor([[1.0, math.nan, 2.0]])).sum()).findings
    assert found.where == "in of linear in model.0"


@pytest.mark.parametrize("need_weights", [True, False])
def test_minus_infinity_of_a_mask_is_meant(need_weights):
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x, mask = ag.randn(2, 5, 8), nn.Transformer.generate_square_subsequent_mask(5)
    assert kinds(viz.health(attention(x, x, x, attn_mask=mask, need_weights=need_weights)[0].square().sum())) == []


def test_infinity_that_nothing_sees_is_a_note():
    x = leaf([0.0, 1.0])
    report = viz.health((x + 1 / (1 + (x * 2000).detach().exp() * (x * 0 + 1))).sum())
    assert of_kind(report, "origin") == []


@pytest.mark.parametrize("where", ["weight", "result", "loss"])
def test_a_hook_that_makes_nan(where):
    model, x = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1)), ag.randn(6, 4)
    spoil = lambda g: g * math.nan
    hidden = model[0](x)
    loss = model[2](hidden.tanh()).square().mean()
    {"weight": model[0].weight, "result": hidden, "loss": loss}[where].register_hook(spoil)
    assert kinds(viz.health(loss)) == []  # looking runs no hook
    with viz.record() as run:
        loss.backward()
    report = viz.health(loss, run=run)
    (found,) = report.findings
    assert found.kind == "origin"
    assert found.where == {"weight": "model.0.weight", "result": "linear (hidden) in model.0", "loss": "mean (loss)"}[where]
    assert "hook" in found.said + found.cure
    assert found.numbers["count"] == {"weight": 20, "result": 30, "loss": 1}[where]


def test_gradients_whose_sum_overflows():
    w = ag.tensor([0.1, 0.2], requires_grad=True)
    (found,) = viz.health((w * 3e38).sum() + (w * 3e38).sum()).findings
    assert (found.kind, found.where) == ("origin", "w")
    assert "their sum is inf in 2 of 2 elements" in found.said


def test_a_gradient_that_was_given_is_the_origin():
    w = leaf(w0)
    (found,) = viz.health(w * 2, gradient=np.array([1.0, math.nan, 1.0])).findings
    assert "the pass began with NaN in 1 of 3 elements" in found.said


def test_finite_numbers_whose_sum_overflows_are_finite():
    x = ag.tensor(np.full(8, 3e38, np.float32), requires_grad=True)
    assert kinds(viz.health((x * 1e-38).sum())) == []


def test_origins_on_the_way_forward_come_before_those_on_the_way_back():
    x, y = leaf([0.0, 1.0]), leaf([0.0, 1.0])
    found = viz.health(x.sqrt().sum() + (2 * y).sqrt().sum() + (y - 1).log().sum()).findings
    assert [f.where.partition(" ")[0] for f in found] == ["log", "sqrt", "sqrt"]
    assert found[0].said.startswith("made the first NaN")
    assert found[1].where == "sqrt (2 of 2)"  # on the way back it is the first


def test_two_origins_are_two_findings_the_older_first():
    x = leaf([0.0, 1.0])
    report = viz.health(x.log().sum() + (x / x).sum())
    assert operations(report, [f.vertices[0] for f in report.findings]) == ["log", "div"]


# ---------------------------------------------------------------------- dead units


def shut(units, of=10, examples=16):
    """A layer of which so many units never open."""
    model = nn.Sequential(nn.Linear(4, of), nn.ReLU(), nn.Linear(of, 2))
    with ag.no_grad():
        model[0].bias[:units] = -100.0
        model[0].bias[units:] = 100.0
    return model, classified(model, ag.randn(examples, 4), 2)


@pytest.mark.parametrize(("units", "found"), [(0, False), (4, False), (5, True), (10, True)])
def test_dead_units_are_counted(units, found):
    report = viz.health(shut(units)[1])
    (counted,) = report.units
    assert (counted.kind, counted.count, counted.of, counted.examples, counted.share) == ("dead", units, 10, 16, units / 10)
    assert bool(of_kind(report, "dead")) is found
    if found:
        (finding,) = of_kind(report, "dead")
        assert f"{units} of 10 units" in finding.said
        assert finding.numbers.items() >= {"count": units, "of": 10, "share": units / 10}.items()
    elif units:
        assert any(f"{units} of 10 units are dead" in box.lines for box in report.picture().drawing.boxes)


def test_units_of_images_are_channels():
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 9, 2))
    with ag.no_grad():
        model[0].bias[:3] = -100.0
    report = viz.health(classified(model, ag.randn(3, 2, 5, 5), 2))
    assert [(u.count, u.of, u.examples) for u in report.units] == [(3, 4, 27)]
    assert kinds(report) == ["dead"]


def test_units_of_sequences_are_features():
    layer = nn.Linear(4, 6)
    with ag.no_grad():
        layer.bias[:4] = -100.0
    (counted,) = viz.health(layer(ag.randn(3, 5, 4)).relu().sum()).units
    assert (counted.count, counted.of, counted.examples) == (4, 6, 15)


@pytest.mark.parametrize(("examples", "found"), [(4, 0), (15, 0), (16, 1)])
def test_few_examples_prove_nothing(examples, found):
    assert len(of_kind(viz.health(shut(10, examples=examples)[1]), "dead")) == found


@pytest.mark.parametrize("activation", [nn.LeakyReLU, nn.GELU, nn.ELU, nn.SiLU])
def test_what_has_a_slope_below_zero_is_not_dead(activation):
    model = nn.Sequential(nn.Linear(4, 10), activation(), nn.Linear(10, 2))
    with ag.no_grad():
        model[0].bias[:] = -3.0
    report = viz.health(classified(model, ag.randn(16, 4), 2))
    assert of_kind(report, "dead") == []


def test_relu6_dies_and_rnn_of_relu_too():
    model = nn.Sequential(nn.Linear(4, 10), nn.ReLU6(), nn.Linear(10, 2))
    with ag.no_grad():
        model[0].bias[:] = -100.0
    assert viz.health(classified(model, ag.randn(16, 4), 2)).units[0].count == 10
    layer = nn.RNN(4, 5, nonlinearity="relu")
    with ag.no_grad():
        layer.bias_ih_l0[:3] = -100.0
    (counted,) = viz.health(layer(ag.randn(7, 2, 4))[0].sum()).units
    assert (counted.kind, counted.count, counted.of) == ("dead", 3, 5)
    assert counted.share > DEAD


# ---------------------------------------------------------------------- saturation


@pytest.mark.parametrize("kind", ["sigmoid", "tanh"])
def test_saturated_elements_are_counted(kind):
    x = np.linspace(-8, 8, 41)
    value = 1 / (1 + np.exp(-x)) if kind == "sigmoid" else np.tanh(x)
    slope = value * (1 - value) if kind == "sigmoid" else 1 - value**2
    expected = int((slope < SLOPE * slope.max()).sum())
    (counted,) = viz.health(getattr(leaf(x), kind)().sum()).units
    assert (counted.kind, counted.count, counted.of) == ("saturated", expected, 41)
    assert 0 < expected < 41


@pytest.mark.parametrize(("scale", "found"), [(1.0, False), (100.0, True)])
def test_a_saturated_gate_is_a_finding(scale, found):
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    with ag.no_grad():
        model[0].weight.mul_(scale)
    report = viz.health(classified(model, ag.randn(32, 8), 3))
    assert bool(of_kind(report, "saturated")) is found
    if found:
        assert operations(report, of_kind(report, "saturated")[0].vertices) == ["tanh"]


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda h: nn.functional.binary_cross_entropy(h.sigmoid(), (h > 0).to(h.dtype).detach()), False),  # of what is sure and right
        (lambda h: h.tanh().square().mean(), False),
        (lambda h: (h.softmax(-1) * 2).log().mean() * 0 + h.softmax(-1)[:, 0].mean(), False),
        (lambda h: (h.sigmoid() * h.cos()).mean(), True),  # a gate
        (lambda h: nn.Linear(6, 2)(h.sigmoid()).square().mean(), True),
    ],
)
def test_outputs_may_be_sure(make, found):
    h = 200 * nn.Linear(4, 6)(ag.randn(32, 4))
    report = viz.health(make(h))
    assert bool(of_kind(report, "saturated")) is found
    assert [u for u in report.units if u.kind == "saturated" and u.share > 0.5]
    assert "saturated" in str(report)


def gates_by_hand(kind, layer, x):
    """The gates of all steps, from the equations."""
    w, u, b = layer.weight_ih_l0.detach().numpy(), layer.weight_hh_l0.detach().numpy(), layer.bias_ih_l0.detach().numpy()
    b_h = layer.bias_hh_l0.detach().numpy()
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    h = c = np.zeros((x.shape[1], u.shape[1]))
    found = []
    for step in x:
        if kind is nn.LSTM:
            i, f, g, o = np.split(step @ w.T + b + h @ u.T + b_h, 4, 1)
            i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
            c = f * c + i * g
            h = o * np.tanh(c)
            found.append((i, f, o, g))
        else:
            (r, z, n), (h_r, h_z, h_n) = np.split(step @ w.T + b, 3, 1), np.split(h @ u.T + b_h, 3, 1)
            r, z = sigmoid(r + h_r), sigmoid(z + h_z)
            n = np.tanh(n + r * h_n)
            h = (1 - z) * n + z * h
            found.append((r, z, n))
    return [np.concatenate(gate) for gate in zip(*found, strict=True)]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("freed", [False, True])
def test_gates_inside_a_recurrent_layer(kind, freed):
    layer = kind(3, 6).double()
    with ag.no_grad():
        layer.weight_ih_l0.mul_(30.0)
    x = ag.randn(10, 4, 3, dtype=ag.float64, requires_grad=True)  # from leaves, what was freed can be computed again
    zeros = ag.zeros(1, 4, 6, dtype=ag.float64, requires_grad=True)
    loss = layer(x, (zeros, zeros) if kind is nn.LSTM else zeros)[0].square().sum()
    if freed:
        loss.backward()
    report = viz.health(loss)
    expected = []
    *sigmoids, candidate = gates_by_hand(kind, layer, x.detach().numpy())
    for value in sigmoids:
        expected.append(int((4 * value * (1 - value) < SLOPE).sum()))
    expected.append(int((1 - candidate**2 < SLOPE).sum()))
    assert [u.count for u in report.units] == expected
    assert {u.of for u in report.units} == {10 * 4 * 6}
    assert [u.where.split(" of ")[0] for u in report.units][-1] == "candidate"
    assert of_kind(report, "saturated")


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize(("scale", "found"), [(1.0, False), (300.0, True)])
def test_saturated_attention(need_weights, scale, found):
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    with ag.no_grad():
        attention.in_proj_weight.mul_(scale**0.5)
    x = ag.randn(2, 9, 8)
    report = viz.health(attention(x, x, x, need_weights=need_weights)[0].square().sum())
    (counted,) = [u for u in report.units if u.each == "rows"]
    assert counted.of == 2 * 2 * 9
    assert bool(of_kind(report, "saturated")) is found


def test_rows_of_attention_without_a_choice_are_not_counted():
    x = ag.randn(1, 1, 4, 8, requires_grad=True)
    report = viz.health(nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True).sum())
    assert [u.of for u in report.units] == [3]  # the first row sees but itself
    mask = ag.tensor([[True, False, False, False]] * 4)
    assert viz.health(nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask).sum()).units == ()


# ---------------------------------------------------------------------- along depth


def test_he_initialisation_keeps_the_norm_along_depth():
    report = viz.health(classified(he(mlp(12)), ag.randn(64, 20), 5))
    norms = [layer.gradient for layer in report.layers]
    assert len(norms) == 12
    assert 0.2 < min(norms) / max(norms) <= 1
    assert curve(norms) in str(report)


def test_what_is_not_finite_is_no_extreme():
    x, w = ag.randn(3, 4), nn.Parameter(ag.zeros(4, 4))
    all_nan = str(viz.health((x @ w).log().sum() * 0))
    assert "none of them is finite" in all_nan
    assert "norm nan" not in all_nan
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    half = str(viz.health((model[1](model[0](x).relu() ** 0.5 * 0) ** 2).sum()))
    assert "passes on × nan" not in half


def test_layers_have_the_norms_of_their_gradients():
    model, loss = shut(0)
    hidden = model[0](ag.randn(5, 4))
    hidden.retain_grad()
    loss = (model[2](hidden.relu()) ** 2).sum()
    report = viz.health(loss)
    loss.backward()
    first, second = report.layers
    assert first.gradient == pytest.approx(float(np.linalg.norm(hidden.grad.numpy())))
    assert first.weight == pytest.approx(float(np.sqrt(np.mean(model[0].weight.grad.numpy() ** 2))))
    assert first.passes is None  # the input does not record
    assert second.passes == pytest.approx(first.gradient / second.gradient, rel=1)


@pytest.mark.parametrize("norm_first", [True, False])
def test_the_layer_that_kills_the_gradients_of_a_transformer(norm_first):
    model = Decoder(norm_first=norm_first)
    with ag.no_grad():
        model.blocks.layers[5].linear2.weight.mul_(1e-6)
    report = viz.health(model.loss(4, 12))
    (found,) = of_kind(report, "vanishing")
    assert "blocks.layers.5.linear2" in found.where
    assert found.numbers["passes"] < 1e-5
    assert "blocks.layers.5.linear1" in found.told
    assert [f.kind for f in report.findings] == ["vanishing"]
    assert "blocks.layers.5.linear2" in str(report).splitlines()[1]
    assert max(map(len, str(report).splitlines())) <= WIDTH
    marked = [b for b in report.picture().drawing.boxes if b.accent == "vanishing"]
    assert any("multiplies by about" in line for box in marked for line in box.lines)
    titles = [b.title for b in report.picture().drawing.boxes]
    assert "layers.4: TransformerEncoderLayer" in titles  # closed, while what holds the culprit is open
    assert "layers.5: TransformerEncoderLayer" not in titles
    assert "linear1: Linear" in titles


@pytest.mark.parametrize("layer", [0, 7, 11])
def test_attention_that_lets_nothing_through(layer):
    """Its biases are zero at first, which explains nothing."""
    model = Decoder()
    with ag.no_grad():
        model.blocks.layers[layer].self_attn.out_proj.weight.mul_(1e-7)
    (found,) = viz.health(model.loss(4, 12)).findings
    assert (found.kind, found.where) == ("vanishing", f"linear in model.blocks.layers.{layer}.self_attn (2 of 2)")


@pytest.mark.parametrize("name", ["round", "floor", "ceil", "trunc", "sign"])
def test_steps_have_another_cure(name):
    model = mlp(3)
    (found,) = viz.health(classified(nn.Sequential(model[:2], Step(name), model[2:]), ag.randn(32, 20), 5)).findings
    assert (found.kind, found.where.split()[0]) == ("vanishing", name)
    assert "derivative is zero everywhere" in found.cure


class Step(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        return getattr(3 * x, self.name)()


def test_saturated_tanh_kills_the_gradient_of_what_is_before_it():
    model = mlp(12, nn.Tanh)
    with ag.no_grad():
        model[12].weight.mul_(1000.0)  # its tanh, model.13, is flat
    report = viz.health(classified(model, ag.randn(32, 20), 5))
    assert "model.13" in of_kind(report, "saturated")[0].where
    assert any("model.13" in f.where for f in of_kind(report, "saturated"))


def test_where_nothing_arrives_nothing_is_lost():
    """Only the operation that stops the gradient is named, not those before it."""
    model = mlp(5, nn.Tanh)
    with ag.no_grad():
        model[4].weight.mul_(1e9)
    report = viz.health(classified(model, ag.randn(32, 20), 5))
    (found,) = report.findings
    assert (found.kind, found.where) == ("exploding", "linear in model.4")
    assert found.numbers.items() >= {"ratio": 0, "layers": 3, "passes": 0}.items()
    assert [consequence.split(":")[0].split(" gets")[0] for consequence in found.therefore] == [
        "tanh in model.5",
        "linear in model.4",
        "no gradient for 0.weight, 0.bias, 2.weight and 3 more",
    ]
    assert {p.state for p in report.parameters} == {"starved", "trained"}


@pytest.mark.parametrize("after", [lambda h: h, lambda h: h * 1.5])
def test_dead_layers_are_one_finding(after):
    model = mlp(4)
    with ag.no_grad():
        model[2].bias.fill_(-100.0)
    report = viz.health(nn.CrossEntropyLoss()(after(model(ag.randn(32, 20))), ag.randint(0, 5, (32,))))
    (found,) = report.findings
    assert (found.kind, found.where, found.numbers["passes"]) == ("dead", "relu in model.3", 0)
    assert "64 of 64 units (100 %)" in found.said
    assert "linear in model.2 gets no gradient at all" in found.told
    assert "therefore: " in found.told
    assert found.told.count("dead") + found.told.count("zero") == 1
    marked = [b.title for b in report.picture().drawing.boxes if b.accent]
    assert len(marked) == 1


class Residual(nn.Module):
    """x + γ · block(x), with γ that is zero at first."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.down, self.up = kind, nn.Linear(8, 8), nn.Linear(8, 8)
        self.norm, self.gain = nn.BatchNorm1d(8), nn.Parameter(ag.zeros(()))
        nn.init.zeros_({"norm": self.norm.weight, "up": self.up.weight}.get(kind, self.gain))

    def forward(self, x):
        branch = self.up(self.down(x).relu())
        return x + (self.norm(branch) if self.kind == "norm" else branch * self.gain if self.kind == "gain" else branch)


@pytest.mark.parametrize("kind", ["norm", "up", "gain"])
def test_parameters_that_are_still_zero_are_a_note(kind):
    model = nn.Sequential(nn.Linear(20, 8), Residual(kind), Residual(kind), nn.Linear(8, 5))
    for block in (model[1], model[2]):
        block.register_parameter({"norm": "gain", "up": "gain"}.get(kind, "none"), None)
        if kind != "norm":
            block.norm = None
    x, y = ag.randn(32, 20), ag.randint(0, 5, (32,))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    report = viz.health(nn.CrossEntropyLoss()(model(x), y))
    assert kinds(report) == []
    assert [note for note in report.notes if "still zero" in note and " and 1 more" in note]
    nn.CrossEntropyLoss()(model(x), y).backward()
    optimizer.step()
    report = viz.health(nn.CrossEntropyLoss()(model(x), y))
    assert kinds(report) == []
    assert not [note for note in report.notes if "still zero" in note]


class Adapted(nn.Module):
    """A frozen weight and what is learned next to it, which is zero at first: a product of two narrow ones, or a branch with a gate."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.frozen = kind, nn.Parameter(ag.randn(16, 20), requires_grad=False)
        self.down, self.up, self.gate = nn.Parameter(ag.randn(4, 20)), nn.Parameter(ag.zeros(16, 4)), nn.Parameter(ag.zeros(1))
        self.branch, self.condition, self.head = nn.Linear(16, 16), nn.Linear(20, 32), nn.Linear(16, 5)
        nn.init.zeros_(self.condition.weight)
        nn.init.zeros_(self.condition.bias)

    def forward(self, x):
        F = nn.functional
        h = F.linear(x, self.frozen)
        if self.kind == "sum of weights":
            h = F.linear(x, self.frozen + self.up @ self.down)
        elif self.kind == "products":
            h = h + x @ self.down.T @ self.up.T
        elif self.kind == "gate":
            h = h + self.gate.tanh() * self.branch(h)
        else:
            scale, gate = self.condition(x).chunk(2, 1)
            h = h + gate * self.branch(h * (1 + scale))
        return self.head(h.relu())


@pytest.mark.parametrize("kind", ["sum of weights", "products", "gate", "condition"])
def test_what_is_zero_for_a_parameter_that_is_still_zero_waits_too(kind):
    model, used = Adapted(kind), {"gate": ("gate", "branch"), "condition": ("condition", "branch")}.get(kind, ("down", "up"))
    for name, _ in [*model.named_parameters()]:
        if name.partition(".")[0] not in ("frozen", "head", *used):
            owning, _, own = name.rpartition(".")
            model.get_submodule(owning).register_parameter(own, None)
    report = viz.health(classified(model, ag.randn(32, 20), 5))
    assert kinds(report) == []
    assert [note for note in report.notes if "still zero" in note]


def test_weights_that_are_all_zero_are_found():
    model = mlp(3)
    for p in model.parameters():
        nn.init.zeros_(p)
    report = viz.health(classified(model, ag.randn(32, 20), 5))
    assert report.findings


def test_a_gradient_whose_parts_cancel_is_no_finding():
    critic = nn.Linear(3, 1)
    report = viz.health(critic(ag.randn(4, 3)).mean() - critic(ag.randn(4, 3)).mean())
    assert states(report) == {"weight": "trained", "bias": "balanced"}
    assert kinds(report) == []


def test_a_bias_whose_gradients_cancel_is_no_finding():
    """As before batch normalisation, which takes any bias away again."""
    layer, bias, sign = nn.Linear(3, 1), nn.Parameter(ag.ones(1)), ag.tensor([[1.0], [-1.0]])
    report = viz.health(((layer(ag.randn(2, 3)) + bias) * sign).sum())
    assert [p.state for p in report.parameters] == ["trained", "balanced", "balanced"]
    assert kinds(report) == []


def test_gradients_that_vanish_little_by_little():
    report = viz.health(classified(mlp(20, nn.Sigmoid), ag.randn(32, 20), 5))
    (found,) = of_kind(report, "vanishing")
    assert "layer by layer" in found.cure
    assert found.numbers["layers"] > 3
    assert found.vertices[-1] == report.layers[0].id


def test_exploding_gradients():
    model = mlp(6)
    with ag.no_grad():
        model[4].weight.mul_(1e6)
    report = viz.health(classified(model, ag.randn(32, 20), 5))
    (found,) = of_kind(report, "exploding")
    assert "linear in model.4" in found.where
    assert found.numbers["layers"] == 2
    assert report.findings[0].kind == "exploding"
    assert of_kind(report, "vanishing") == []


def test_layers_of_different_derivatives_are_not_compared():
    """A second derivative may be of quite another size than the first."""
    layer, head, x = nn.Linear(2, 3), nn.Linear(3, 1), ag.randn(8, 2, requires_grad=True)
    value = head((0.01 * layer(x)).tanh()).sum()
    (slope,) = ag.autograd.grad(value, x, create_graph=True)
    (curvature,) = ag.autograd.grad(slope[:, 0].sum(), x, create_graph=True)
    report = viz.health(slope.square().sum() + curvature.square().sum())
    assert report.layers[0].where == "linear in layer"
    assert report.layers[0].gradient < 1e-4 * max(layer.gradient for layer in report.layers)
    assert kinds(report) == []


def test_unrolled_steps_explode_too():
    w, h = leaf(3 * np.eye(4)), leaf(np.ones((1, 4)))
    state = h
    for _ in range(20):
        state = state @ w
    report = viz.health(state.sum())
    (found,) = of_kind(report, "exploding")
    assert "layer by layer" in found.cure
    assert found.numbers["ratio"] == pytest.approx(3**19)
    assert not any("hardly learned" in note for note in report.notes)


@pytest.mark.parametrize("freed", [False, True])
def test_steps_inside_a_recurrent_layer_explode_too(freed):
    """As the unrolled cell does."""
    layer, x = nn.RNN(4, 8, nonlinearity="relu").double(), ag.randn(20, 2, 4, dtype=ag.float64)
    with ag.no_grad():
        layer.weight_hh_l0.copy_(3 * ag.eye(8))
    h0 = ag.ones(1, 2, 8, dtype=ag.float64, requires_grad=True)
    loss = layer(x.requires_grad_(), h0)[0][-1].sum()
    with viz.record() as run:
        loss.backward(retain_graph=not freed)
    (found,) = of_kind(viz.health(loss, run=run), "exploding")
    assert found.where == "rnn in layer"
    assert found.numbers["ratio"] == pytest.approx(float(h0.grad.norm()) / 4)
    assert "last of its 20 steps" in found.said


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_recorded_pass_that_is_recorded_itself(kind):
    layer, x = kind(4, 5), ag.randn(6, 2, 4, requires_grad=True)
    loss = layer(x)[0].square().sum()
    ahead = viz.health(loss)
    for passes in (1, 2):
        with viz.record() as run:
            for _ in range(passes):
                loss.backward(create_graph=True)
        report = viz.health(loss, run=run)
        assert report.layers[0].gradient == pytest.approx(passes * ahead.layers[0].gradient)
        assert report.healthy


def test_an_overflow_in_many_steps_is_told_in_short():
    layer = nn.RNN(4, 8, nonlinearity="relu")
    with ag.no_grad():
        layer.weight_hh_l0.copy_(9 * ag.eye(8))
    (found,) = viz.health(layer(ag.ones(99, 2, 4))[0].sum()).findings
    assert (found.kind, found.where) == ("origin", "rnn in layer")
    assert "recurrent weights" in found.cure
    assert len(found.said) < 200


def test_a_weight_is_known_behind_views_of_it():
    w, x = nn.Parameter(ag.randn(4, 3)), ag.randn(5, 4)
    (layer,) = viz.health((x @ w.T.T).sum()).layers
    assert layer.gradient == pytest.approx(math.sqrt(15))


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([1.0, 10.0, 100.0], "▁▅█"), ([1.0, 1.0], "██"), ([0.0, 1.0, math.nan], "·█!"), ([], ""), ([1.0] * 500 + [1e-9], "█" * 95 + "▁")],
)
def test_the_curve(values, drawn):
    assert curve(values) == drawn


# ---------------------------------------------------------------------- parameters


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.spare = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(3, 3)
        self.still = nn.Linear(2, 2).requires_grad_(False)

    def forward(self, x, detach=False):
        h = self.first(x)
        return self.still(self.second(h.detach() if detach else h))


def states(report):
    return {p.name: p.state for p in report.parameters}


def test_unused_frozen_and_trained_parameters():
    model, x = Parts(), ag.randn(6, 4)
    report = viz.health(model(x).sum())
    assert states(report) == {
        "first.weight": "trained", "first.bias": "trained", "second.weight": "trained", "second.bias": "trained",
        "spare.weight": "unused", "spare.bias": "unused", "still.weight": "frozen", "still.bias": "frozen",
    }  # fmt: skip
    (found,) = report.findings
    assert (found.kind, found.where, found.numbers) == ("unused", "spare.weight, spare.bias", {"parameters": 2, "elements": 12})
    assert any("frozen" in note and "2 parameters, 6 elements" in note for note in report.notes)


def test_detached_inside_a_module():
    model, x = Parts(), ag.randn(6, 4)
    report = viz.health(model(x, detach=True).sum())
    assert states(report)["first.weight"] == "unused or detached"
    assert states(report)["spare.weight"] == "unused"
    (found,) = [f for f in report.findings if "first" in f.where]
    assert "linear in model.second uses data of shape (6, 8)" in found.said
    assert "detach()" in found.cure


def test_detached_between_modules_is_certain():
    generator, judge = nn.Linear(3, 4), nn.Linear(4, 1)
    fake = generator(ag.randn(5, 3))
    report = viz.health(judge(fake.detach()).mean(), names={**dict(judge.named_parameters()), "made": generator.weight, "fake": fake})
    assert {p.state for p in report.parameters} == {"trained"}  # the generator was not called for this loss
    both = nn.ModuleDict({"generator": generator, "judge": judge})
    report = viz.health(judge(fake.detach()).mean(), names=both)
    assert states(report)["generator.weight"] == "detached"
    assert "detached on the way" in report.findings[0].said


def test_a_parameter_cut_off():
    w, v = nn.Parameter(ag.randn(3)), nn.Parameter(ag.randn(3))

    class Stop(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return None

    report = viz.health((w * 2).sum() + Stop.apply(v).sum())
    assert [(f.kind, f.where) for f in report.findings] == [("unused", "v")]
    assert states(report) == {"w": "trained", "v": "cut"}
    assert "no gradient flows" in report.findings[0].said


def test_exactly_zero_gradient():
    w, v = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    report = viz.health((w * 2).sum() + (v * 0).sum())
    (found,) = report.findings
    assert (found.where, states(report)) == ("v", {"w": "trained", "v": "zero"})
    assert "exactly zero" in found.said
    assert {b.title: b.accent for b in report.picture().drawing.boxes}["v"] == "unused"


def test_where_a_gradient_of_zero_comes_from():
    a, b, x = nn.Linear(3, 2), nn.Linear(3, 2), ag.randn(8, 3)
    found = viz.health(a(x).square().mean() * 0.0 + b(x).masked_fill(ag.ones(8, 2) > 0, 1.0).mean()).findings
    assert [f.where for f in found] == ["a.weight, a.bias", "b.weight, b.bias"]
    assert found[0].said.endswith(": mul × 0 hands on nothing but zeros")
    assert found[1].said.endswith(": masked_fill hands on nothing but zeros")


@pytest.mark.parametrize(("lr", "kind"), [(0.001, None), (1.0, "exploding"), (1e-9, "vanishing"), (None, None)])
def test_steps_next_to_the_weight(lr, kind):
    w = leaf([[3.0, 4.0]])  # of norm 5, and so is its gradient
    report = viz.health((w * w).sum() / 2, lr=lr)
    (standing,) = report.parameters
    assert standing.step == (None if lr is None else pytest.approx(lr))
    assert kinds(report) == ([] if kind is None else [kind])


# ---------------------------------------------------------------------- memory


def kept_by_hand(loss):
    nodes = ancestors([loss.node])
    leaves = {id(owner(n.tensor().array)) for n in nodes if n.plan is None and n.tensor() is not None}
    arrays = {id(owner(a)): owner(a) for n in nodes for a in arrays_in(n.saved or ())}
    return sum(a.nbytes for key, a in arrays.items() if key not in leaves)


@pytest.mark.parametrize(
    "make",
    [lambda: shut(0)[1], lambda: recurrent(nn.LSTM), lambda: Decoder(2).loss(2, 6), lambda: classified(cnn(), ag.randn(4, 3, 9, 9), 10)],
)
def test_memory_is_that_of_the_arrays_kept_each_once(make):
    loss = make()
    report = viz.health(loss)
    assert report.total_saved == kept_by_hand(loss)
    parents = {c.id: c.parent for c in report.trace.calls}
    expected: dict[str, int] = {}
    for v in report.trace.vertices:
        at = v.scope
        while at is not None and parents[at] is not None:
            at = parents[at]
        if at is not None and v.saved:
            name = next(c.label for c in report.trace.calls if c.id == at)
            expected[name] = expected.get(name, 0) + v.saved
    outermost = sorted(count for path, count in report.modules.items() if path in {name.partition(":")[0] for name in expected})
    assert outermost == sorted(expected.values())


def test_a_shared_array_is_counted_once_and_parameters_are_not():
    x, w = ag.randn(100, 10), nn.Parameter(ag.randn(10, 10))
    h = x @ w  # keeps x
    y = h.relu()
    loss = (y * y).sum()  # keeps what relu keeps already
    report = viz.health(loss)
    assert report.total_saved == 100 * 10 * 4 * 2
    assert {s.where: s.bytes for s in report.saved} == {"matmul (h)": 4000, "relu (y)": 4000}
    assert {b.title: b.lines[-1] for b in report.picture().drawing.boxes if "keeps" in "".join(b.lines[-1:])} == {
        "h = matmul": "keeps 4 kB",
        "y = relu": "keeps 4 kB",
    }
    (closed,) = [b for b in viz.health(shut(0)[1], depth=0).picture().drawing.boxes if b.title.endswith("Sequential")]
    assert closed.lines[-1].startswith("keeps ")


def test_after_backward_nothing_is_kept():
    _, loss = shut(0)
    loss.backward()
    report = viz.health(loss)
    assert report.total_saved == 0
    assert any("freed" in note for note in report.notes)


# ---------------------------------------------------------------------- as a report


def test_the_worst_stands_first():
    x = leaf([0.0, 1.0])
    model = Parts()
    report = viz.health(x.log().sum() + model(ag.randn(9, 4)).sum())
    assert kinds(report) == ["origin", "unused"]
    lines = str(report).splitlines()
    assert lines[0].endswith(f"2 findings in {report.operations} operations, {len(report.parameters)} parameters")
    assert lines[1].split()[:3] == ["1", "⚠", "origin"]
    assert max(map(len, lines)) <= 140


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_has_a_theme(theme, tmp_path):
    report = viz.health(shut(5)[1])
    changed = viz.diff(shut(5)[1], shut(0)[1])
    for found in (report, changed):
        picture = found.picture(theme=theme)
        assert picture.theme == theme
        assert found.picture().theme == "light"
        found.save(tmp_path / "saved.svg", theme=theme, engine="builtin")
        assert (tmp_path / "saved.svg").read_text(encoding="utf-8") == picture.to_svg(engine="builtin")
        with pytest.raises(ValueError, match="no theme"):
            found.picture(theme="blue")


def test_a_recorded_run_after_backward():
    model = mlp(6)
    with ag.no_grad():
        model[4].weight.mul_(1e6)
    loss = classified(model, ag.randn(32, 20), 5)
    before = viz.health(loss)
    with viz.record() as run:
        loss.backward()
    after = viz.health(loss, run=run)
    assert after.state == "recorded"
    assert [layer.gradient for layer in after.layers] == [layer.gradient for layer in before.layers]
    assert kinds(after)[0] == "exploding"
    assert after.units == before.units  # computed again
    assert viz.health(loss).layers == ()  # freed, and no run
    assert "inside viz.record()" in str(viz.health(loss))


def test_looking_changes_nothing():
    def run(look):
        ag.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        calls = []
        model[0].weight.register_hook(lambda g: calls.append(1))
        for _ in range(3):
            optimizer.zero_grad()
            loss = classified(model, ag.randn(8, 4), 2)
            if look:
                str(viz.health(loss, lr=0.1).picture())
            loss.backward()
            optimizer.step()
        return [p.detach().numpy() for p in (*model.parameters(), *model.buffers())], len(calls), ag.rand(3).numpy()

    (plain, calls, random), (looked, others, same) = run(False), run(True)
    for a, b in zip(plain, looked, strict=True):
        np.testing.assert_array_equal(a, b)
    assert calls == others
    np.testing.assert_array_equal(random, same)


def test_nothing_is_kept_alive():
    _, loss = shut(0)
    gc.disable()
    try:
        node = weakref.ref(loss.node)
        viz.health(loss)
        del loss
        assert node() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("when", ["ahead", "again", "freed", "recorded"])
def test_a_picture_shows_the_numbers_that_were_looked_at(when):
    w, x = leaf([1.0, 2.0]), np.array([3.0, 4.0])
    loss = (w * ag.tensor(x)).square().sum()
    with viz.record() as run:
        if when != "ahead":
            loss.backward(retain_graph=when == "again")
    report = viz.health(loss, run=run if when == "recorded" else None)
    before = report.picture().to_text()
    assert "[1, 2]" in before
    assert ("[3, 4]" in before) is (when in ("ahead", "again"))  # else the data is gone
    with ag.no_grad():
        w.zero_()
        x[:] = 9.0
        if w.grad is not None:
            w.grad.fill_(7.0)
    assert report.picture().to_text() == before


def test_it_is_deterministic_and_plain(tmp_path):
    def text():
        ag.manual_seed(0)
        return json.dumps(viz.health(Decoder(2).loss(2, 6)).to_dict())

    assert text() == text()


@pytest.mark.parametrize("suffix", [".txt", ".md", ".json", ".svg", ".dot"])
def test_saving(tmp_path, suffix):
    report = viz.health(shut(10)[1], title="step 5")
    path = report.save(tmp_path / f"health{suffix}")
    written = path.read_text(encoding="utf-8")
    assert "step 5" in written
    assert "10 of 10 units" in written
    if suffix == ".json":
        assert json.loads(written)["findings"][0]["kind"] in KNOWN


KNOWN = ("origin", "exploding", "vanishing", "dead", "saturated", "unused")


def test_a_notebook_shows_picture_and_report():
    bundle = viz.health(shut(10)[1])._repr_mimebundle_()
    assert bundle["image/svg+xml"].lstrip().startswith("<")
    assert "10 of 10 units" in bundle["text/plain"]


def test_a_wrong_suffix_and_a_wrong_loss(tmp_path):
    report = viz.health(shut(0)[1])
    with pytest.raises(ValueError, match=r"\.gif"):
        report.save(tmp_path / "health.gif2")
    for wrong in (None, 3.0, ag.ones(2)):
        with pytest.raises((TypeError, ValueError), match="viz: "):
            viz.health(wrong)
    with pytest.raises(TypeError, match=r"viz\.record"):
        viz.health(shut(0)[1], run=3)


@pytest.mark.parametrize(("lr", "error"), [("0.1", TypeError), (-0.1, ValueError), (math.nan, ValueError)])
def test_a_wrong_learning_rate(lr, error):
    with pytest.raises(error, match="lr must be a number that is not negative, got "):
        viz.health(shut(0)[1], lr=lr)


def test_no_examples():
    report = viz.health(nn.LSTM(2, 3)(ag.zeros(4, 0, 2))[0].sum())
    assert [u["share"] for u in report.to_dict()["units"]] == [0, 0, 0, 0]


def test_a_vector_needs_a_gradient():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g)
    assert any("hooks on 1 tensor " in note for note in viz.health((x * 2).sum()).notes)
    report = viz.health(x * 2)
    assert report.layers == ()
    assert any("gradient=" in note for note in report.notes)
    assert states(viz.health(x * 2, gradient=np.ones(2))) == {"x": "trained"}


def test_several_modules_are_told_apart():
    first, second = nn.Linear(3, 3), nn.Linear(3, 1)
    report = viz.health(second(first(ag.randn(4, 3)).relu()).mean())
    assert [layer.where for layer in report.layers] == ["linear in first", "linear in second"]


def test_several_operations_of_one_module_are_numbered():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(ag.randn(3, 3))

        def forward(self, x):
            return x @ self.w @ self.w

    model = Twice()
    assert [layer.where for layer in viz.health(model(ag.randn(2, 3)).sum()).layers] == [
        "matmul in model (1 of 2)",
        "matmul in model (2 of 2)",
    ]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders])
def test_values_computed_again_are_the_values(row):
    inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind in "fc") for a in row.arrays(np.random.default_rng(0))]
    out = row.call(*inputs)
    out = out if isinstance(out, ag.Tensor) else next(o for o in out if o.requires_grad)
    values = {}
    for node in ancestors([out.node])[::-1]:
        again = node.tensor().array if node.plan is None else computed_again(node, values)
        if again is not None:
            values[node] = again
    if out.node not in values:  # a matter of the program: where it wrote, or what it was given that is gone
        assert row.id.startswith(("index.overwrit", "attention.attention_weights where to look", "decompositions.inverse_of_eigenvectors"))
        return
    expected = out.detach().numpy()
    assert values[out.node].dtype == expected.dtype
    np.testing.assert_allclose(values[out.node], expected, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("pack", [False, True])
def test_arrays_that_hooks_have_packed(pack):
    layer, x = nn.LSTM(3, 4), ag.randn(5, 2, 3, requires_grad=True)
    zeros = ag.zeros(1, 2, 4, requires_grad=True)
    hooks = ag.autograd.graph.saved_tensors_hooks(lambda t: ("packed", t.numpy().copy()), lambda p: ag.tensor(p[1]))
    with hooks if pack else nullcontext():
        loss = layer(x, (zeros, zeros))[0].sum()
    assert [u.of for u in viz.health(loss).units] == [40] * 4


def test_complex_numbers_and_half_precision():
    z = ag.tensor([1 + 1j, 2.0], requires_grad=True)
    assert viz.health((z.tanh() * z.sigmoid()).abs().sum()).healthy
    assert viz.health((ag.randn(32, 2) @ ag.randn(2, 3, dtype=ag.complex64, requires_grad=True)).abs().sum()).healthy
    w = ag.randn(4, 4, dtype=ag.float16, requires_grad=True)
    assert viz.health((w @ w).relu().sum()).healthy


def test_a_function_of_the_users_own_is_not_run_again():
    class Odd(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            calls.append(1)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    calls = []
    x = leaf([1.0, 2.0])
    report = viz.health((Odd.apply(x) + 1).sum())
    assert calls == [1]
    assert any("neither kept" in note for note in report.notes)


def test_a_long_chain_without_recursion_and_in_time():
    x = leaf(0.5)
    y = x
    for _ in range(5000):
        y = y.sin()
    began = time.perf_counter()
    report = viz.health(y)
    assert time.perf_counter() - began < 20
    assert report.operations == 5000
