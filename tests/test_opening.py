"""Fused operations opened in the picture: what they are made of, and that the numbers are the same."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core import writes
from autograd_core.graph import ancestors, thread
from autograd_core.labels import label
from tests.table import ROWS, declared
from viz.graph.collapse import collapsed
from viz.graph.names import Names
from viz.graph.trace import trace

OPENED = {name for name, call in declared().items() if call.op.reference is not None}


def made_of(output, opens=True, names=None, run=None, gradient=None):
    """The trace of an output, with a gradient of its own for each element."""
    if gradient is None and output.array.size > 1:
        gradient = np.linspace(0.5, 1.5, output.array.size).reshape(output.shape)
    return trace(output, Names(output, names), run, gradient, opens)


def by_source(vertices):
    """The gradients that come back to each vertex that is used, summed."""
    totals = {}
    for v in vertices:
        for edge in v.inputs:
            if edge.part is not None:
                totals[edge.source] = totals.get(edge.source, 0) + edge.part.array
    return totals


def close(mine, other):
    exact = np.asarray(other).dtype == np.float64
    np.testing.assert_allclose(mine, other, rtol=1e-9 if exact else 1e-4, atol=1e-12 if exact else 1e-6)


def frames(found):
    return {call.id: call for call in found.calls if call.kind == "reference"}


def in_frame(found, frame):
    """The vertices inside a frame, in frames within it too."""
    inside = {frame}
    for call in found.calls:
        if call.parent in inside:
            inside.add(call.id)
    return [v for v in found.vertices if v.scope in inside]


def output_of(row):
    inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind in "fc") for a in row.arrays(np.random.default_rng(0))]
    return row.call(*inputs), inputs


def check_whole(found):
    """Ids are told apart and lead somewhere, users come after what they use, and what comes back adds up to each gradient."""
    ids = [v.id for v in found.vertices]
    assert len(set(ids)) == len(ids)
    assert len({c.id for c in found.calls}) == len(found.calls)
    calls, seen = {None}, set()
    for call in found.calls:
        assert call.parent in calls
        calls.add(call.id)
    for v in found.vertices:
        assert v.scope in calls
        assert {edge.source for edge in v.inputs} <= seen
        seen.add(v.id)
    totals = by_source(found.vertices)
    for v in found.vertices:
        if v.gradient is not None and v.id in totals:
            close(totals[v.id], v.gradient.array)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.op in OPENED and row.orders])
def test_an_opened_operation_hands_on_the_same_gradients(row):
    output, inputs = output_of(row)
    closed, found = made_of(output, None), made_of(output)
    op = declared()[row.op].op
    if found.notes:
        assert op.backward is None  # a kernel keeps what it was given, but the mask of weights alone may be gone
        assert found.notes[0].startswith(f"{op.name} stays closed")
        return
    assert any(call.label == f"{op.name}, opened" for call in found.calls)
    check_whole(found)
    sources = {v.id: v for v in closed.vertices}
    for frame, call in frames(found).items():
        whole = sources.get(frame.removesuffix(".opened"))
        if whole is None:  # a frame in a frame
            assert call.parent in frames(found)
            continue
        before, now = by_source([whole]), by_source(in_frame(found, frame))
        for source, part in before.items():
            np.testing.assert_allclose(now.get(source, 0 * part), part, rtol=1e-9, atol=1e-12)
    leaves = {v.id: v for v in found.vertices if v.kind == "parameter"}
    for v in closed.vertices:
        if v.kind == "parameter" and v.gradient is not None:
            np.testing.assert_array_equal(leaves[v.id].gradient.array, v.gradient.array)
    assert found.root == closed.root
    assert all(x.grad is None for x in inputs)


def lstm(steps=3):
    ag.manual_seed(0)
    model = nn.LSTM(2, 3)
    x = ag.randn(steps, 2, 2)
    output, (h, c) = model(x)
    return model, (output * output).sum() + c.sum()


def test_the_gates_of_an_lstm_have_their_names():
    model, loss = lstm()
    found = made_of(loss, "lstm", model)
    named = [(v.name, v.operation) for v in found.vertices if v.scope is not None and v.scope.endswith(".opened")]
    for gate in "ifo":
        assert named.count((gate, "sigmoid")) == 3
    assert named.count(("candidate", "tanh")) == 3  # g is the gradient
    assert named.count(("c", "add")) == 3
    assert named.count(("h", "mul")) == 3
    order = [name for name, _ in named if name in ("i", "c", "h")]
    assert order == ["i", "c", "h"] * 3  # step by step
    (frame,) = frames(found).values()
    around = {c.id: c.label for c in found.calls}
    assert (frame.label, around[frame.parent]) == ("lstm, opened", "LSTM")
    formulas = {edge.formula for v in found.vertices for edge in v.inputs}
    assert {"g · o", "g · f", "g · c", "g · i", "g · candidate", "g · tanh_c"} <= formulas
    check_whole(found)
    totals = by_source(found.vertices)
    loss.backward()
    for v in found.vertices:
        if v.kind == "parameter":
            np.testing.assert_allclose(totals[v.id], dict(model.named_parameters())[v.name].grad.numpy(), rtol=1e-5)


def test_results_keep_their_places():
    model, loss = lstm()
    closed, found = made_of(loss, None, model), made_of(loss, True, model)
    picks = [v for v in closed.vertices if v.operation.startswith("result ")]
    assert len(picks) == 2  # the output and c_n are used, h_n is not
    by_id = {v.id: v for v in found.vertices}
    for pick in picks:
        assert by_id[pick.id].operation == "concat dim=0"
        assert by_id[pick.id].shape == pick.shape
        np.testing.assert_allclose(by_id[pick.id].gradient.array, pick.gradient.array, rtol=1e-6)
    assert not any(v.operation in ("lstm", "result output") for v in found.vertices)


def test_a_result_that_is_taken_twice():
    model, _ = lstm()
    out, _ = model(ag.randn(2, 1, 2))
    (g,) = ag.autograd.grad(out.sum(), model.weight_hh_l0, create_graph=True)
    found = made_of((g * g).sum() + out.sum(), True, model)
    check_whole(found)


def test_a_closed_frame_has_the_gradients_of_the_operation():
    model, loss = lstm()
    closed, found = made_of(loss, None, model), made_of(loss, True, model)
    (frame,) = frames(found)
    again = collapsed(found, [frame])
    assert {v.name for v in again.vertices if v.kind == "parameter"} == {name for name, _ in model.named_parameters()}
    before, now = by_source(closed.vertices), by_source(again.vertices)
    for v in again.vertices:
        if v.kind == "parameter":
            np.testing.assert_allclose(now[v.id], before[v.id], rtol=1e-5)


# ---------------------------------------------------------------------- which


def block():
    ag.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU(), nn.LayerNorm(4))
    return model, nn.functional.cross_entropy(model(ag.randn(3, 4)), ag.tensor([0, 1, 3]))


@pytest.mark.parametrize(
    ("opens", "labels"),
    [
        ("gelu", ["gelu"]),
        (["layer_norm", "gelu"], ["layer_norm", "gelu", "layer_norm"]),
        (True, ["layer_norm", "gelu", "layer_norm", "cross_entropy"]),
        (lambda v: v.operation == "layer_norm", ["layer_norm", "layer_norm"]),
        (False, []),
        (None, []),
    ],
)
def test_which_are_opened(opens, labels):
    model, loss = block()
    groups = viz.draw(loss, open=opens).drawing.groups
    assert [g.label for g in groups if g.label.endswith(", opened")] == [f"{name}, opened" for name in labels]


def test_what_cannot_be_opened():
    _, loss = block()
    with pytest.raises(ValueError, match=r"'lstm' can be opened.*cross_entropy, gelu, layer_norm"):
        viz.draw(loss, open="lstm")
    with pytest.raises(ValueError, match="here is none"):
        viz.draw(ag.ones(2, requires_grad=True).sum(), open="sum")
    with pytest.raises(TypeError, match="open is True, a name"):
        viz.draw(loss, open=[1])


def test_parameters_stand_outside_of_an_opened_operation():
    model, loss = block()
    drawing = viz.draw(loss, open=True).drawing
    groups = {g.id: g.label for g in drawing.groups}
    assert not any(groups.get(b.group, "").endswith("opened") for b in drawing.boxes if b.kind == "parameter")


def test_references_that_hold_fused_operations():
    q, k, v = (ag.randn(2, 3, requires_grad=True) for _ in range(3))
    out = nn.functional.scaled_dot_product_attention(q, k, v)
    one = made_of(out, lambda vertex: vertex.operation == "scaled_dot_product_attention")
    assert [v.name for v in one.vertices if v.operation == "attention_weights"] == ["weights"]
    for opens in (True, "attention", "scaled_dot_product_attention"):
        found = made_of(out, opens)
        inner = [c for c in found.calls if c.label == "attention_weights, opened"]
        assert [frames(found)[c.parent].label for c in inner] == ["scaled_dot_product_attention, opened"]
        named = {v.name: v.operation for v in found.vertices if v.scope is not None}
        assert named["scores"] == "matmul"
        assert named["weights"] == "softmax dim=-1"
        check_whole(found)


def test_data_goes_to_what_the_reference_makes_of_it():
    scores, target = ag.randn(3, 4, requires_grad=True), ag.tensor([0, 3, 1])
    found = made_of(nn.functional.cross_entropy(scores, target), True)
    data = {v.name: v for v in found.vertices if v.kind == "data"}
    assert data["target"].shape == (3, 1)
    used = {edge.source for v in found.vertices for edge in v.inputs}
    assert {v.id for v in data.values()} <= used


# ---------------------------------------------------------------------- what is known


def test_without_a_gradient_it_is_opened_all_the_same():
    x = ag.randn(2, 3, requires_grad=True)
    found = trace(nn.functional.gelu(x), Names(None), None, None, True)
    assert found.state == "none"
    assert [v.operation for v in found.vertices] == ["", "ndtr", "mul"]
    assert all(edge.part is None for v in found.vertices for edge in v.inputs)


def test_what_is_not_known_any_more_stays_closed():
    model, loss = block()
    loss.backward()
    found = trace(loss, Names(loss), None, None, True)
    assert not frames(found)
    assert len([note for note in found.notes if "stays closed" in note]) == 3  # one for each kind


def test_after_the_pass_what_the_program_still_holds_is_enough():
    model, _ = block()
    x = ag.randn(3, 4)
    with viz.record() as run:
        loss = model[1](x).sum()
        loss.backward()
    found = trace(loss, Names(loss), run, None, True)
    assert [c.label for c in frames(found).values()] == ["layer_norm, opened"]
    check_whole(found)
    with ag.no_grad():
        model[1].weight.mul_(2)  # what was computed from is not there any more
    again = trace(loss, Names(loss), run, None, True)
    assert not frames(again)
    assert "layer_norm stays closed" in again.notes[0]


def test_what_hooks_have_packed_is_not_unpacked():
    unpacked = []
    x = ag.randn(2, 3, requires_grad=True)
    with ag.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: unpacked.append(t) or t):
        y = nn.functional.gelu(x)
        z = nn.functional.gelu(y)
    found = trace(z, Names(None), None, None, True)  # no pass is made: it has no gradient to start from
    assert not unpacked
    assert [v.operation for v in found.vertices] == ["", "ndtr", "mul", "gelu"]  # what x is, is known without
    assert "gelu stays closed" in found.notes[0]


def test_an_error_in_a_reference_leaves_all_as_it_was(monkeypatch):
    x = ag.randn(2, 3, requires_grad=True)
    y = nn.functional.gelu(x).sum()
    op = y.node.parents[0].plan.op
    monkeypatch.setattr(op, "reference", lambda x: 1 / 0)
    careful = writes.careful
    with ag.no_grad(), pytest.raises(ZeroDivisionError):
        viz.draw(y, open=True)
    assert (thread.grad, thread.watch, thread.label, writes.careful) == (True, None, None, careful)


@pytest.mark.parametrize("opens", [True, "gelu"])
def test_opening_changes_nothing(opens):
    ag.manual_seed(2)
    model = nn.Sequential(nn.LayerNorm(4), nn.GELU(), nn.MultiheadAttention(4, 2, dropout=0.5))
    x = ag.randn(3, 4)
    y = model[1](model[0](x))
    loss = (model[2](y, y, y)[0] ** 2).sum()
    state, before = ag.get_rng_state(), [(node, node.saved, node.parents) for node in ancestors([loss.node])]
    heard = []
    thread.label = heard.append  # somebody else's
    try:
        with ag.no_grad():
            viz.draw(loss, open=opens)
            assert not ag.is_grad_enabled()
        assert thread.label == heard.append
    finally:
        thread.label = None
    assert not heard
    assert (ag.get_rng_state() == state).all()
    assert all(node.saved is saved and node.parents is parents for node, saved, parents in before)
    assert all(p.grad is None for p in model.parameters())
    loss.backward()


def test_an_opened_picture_is_deterministic():
    first, second = (viz.draw(lstm()[1], open=True).to_dict() for _ in range(2))
    assert first == second


def test_memory_goes_with_the_picture(assert_no_cycles):
    def run():
        _, loss = block()
        viz.draw(loss, open=True).to_dict()

    assert_no_cycles(run)


def test_nothing_of_the_reference_is_left_over():
    x = ag.randn(2, 3, requires_grad=True)
    picture = viz.draw(nn.functional.gelu(x).sum(), open=True)
    gone = weakref.ref(x)
    del x, picture
    gc.collect()
    assert gone() is None


def test_labels_cost_nothing_and_say_nothing_elsewhere():
    assert label(x=ag.ones(1)) is None
