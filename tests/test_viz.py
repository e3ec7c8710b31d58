"""What pictures and explanations say: names, formulas, numbers, and that they change nothing."""

from __future__ import annotations

import json
import re
import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
import viz
from autograd_core.errors import InplaceError
from autograd_core.graph import ancestors
from tests.table import ROWS
from viz.graph.as_drawing import drawing
from viz.graph.description import Quantity
from viz.graph.formulas import formula
from viz.graph.names import Names
from viz.graph.trace import quantity, trace


def leaf(value, dtype=ag.float64):
    return ag.tensor(value, dtype=dtype, requires_grad=True)


def arrows(picture, kind="backward"):
    return [a for a in picture.drawing.arrows if a.kind == kind]


def titles(picture):
    return [b.title for b in picture.drawing.boxes]


def mlp():
    ag.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    x, y = ag.randn(5, 4), ag.tensor([0, 1, 0, 1, 1])
    return model, nn.CrossEntropyLoss()(model(x), y)


# ---------------------------------------------------------------------- formulas


@pytest.mark.parametrize(
    ("compute", "formulas"),
    [
        (lambda a, b: a * b, ["g · b", "g · a"]),
        (lambda a, b: a - b, ["g", "−g"]),
        (lambda a, b: a / b, ["g / b", "−g · a / b²"]),
        (lambda a, b: a @ b, ["g @ bᵀ", "aᵀ @ g"]),
        (lambda a, b: a.tanh(), ["g · (1 − out²)"]),
        (lambda a, b: a.relu(), ["g · [out > 0]"]),
        (lambda a, b: a * 3, ["g · 3"]),
        (lambda a, b: a**3, ["g · 3 · a²"]),
        (lambda a, b: a.exp(), ["g · out"]),
        (lambda a, b: a.sigmoid(), ["g · out · (1 − out)"]),
        (lambda a, b: a.softmax(1), ["out · (g − Σ₁(g · out))"]),
        (lambda a, b: a.sum(0), ["repeat(g)"]),
        (lambda a, b: a + b[0], ["g", "Σ₀(g)"]),
        (lambda a, b: a.sqrt(), ["g / (2 · out)"]),
    ],
)
def test_formula_is_read_off_the_rule(compute, formulas):
    a, b = leaf(np.ones((2, 2))), leaf(np.full((2, 2), 2.0))
    picture = viz.draw(compute(a, b), gradient=ag.ones(*compute(a, b).shape, dtype=ag.float64))
    said = [x.lines[0] for x in arrows(picture)]
    for text in formulas:
        assert text in said


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders])
def test_every_operation_has_a_formula(row):
    inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind == "f") for a in row.arrays(np.random.default_rng(0))]
    for node in ancestors([row.call(*inputs).node]):
        for k in range(len(node.parents)):
            text = formula(node, k)
            assert "rule of" not in text  # what is printed of a rule that cannot be run on symbols
            assert ".backward(" not in text
            node.saved = None  # and freed, it is no worse
            assert "rule of" not in formula(node, k)


def test_formulas_among_complex_numbers_are_true():
    """The gradient is dL/dx + i dL/dy, so the factors are conjugated, and a real argument gets the real part."""
    z = ag.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    assert [formula((z * x).node, k, {"a": "z", "b": "x"}) for k in (0, 1)] == ["g · x", "real(g · conj(z))"]
    assert formula(z.exp().node, 0) == "g · conj(out)"
    assert formula((z + x).node, 1) == "real(g)"
    assert formula(z.sum().node, 0) == "repeat(g)"
    assert formula((x * x).node, 0, {"a": "x", "b": "x"}) == "g · x"
    weights = ag.tensor([0.5 + 1j, 2 - 1j])
    (g,) = ag.autograd.grad(z * x, x, weights)
    np.testing.assert_allclose(g.numpy(), (weights * z.conj()).real.detach().numpy(), rtol=1e-6)


def test_formula_of_a_reshape_has_no_sum():
    x = leaf(np.ones((2, 3)))
    assert formula(x.reshape(3, 2).node, 0) == "reshape(g)"
    assert formula(x.reshape(-1).node, 0) == "reshape(g)"


def test_formula_of_a_fused_operation_is_its_rule():
    scores, y = leaf(np.ones((2, 3))), ag.tensor([0, 2])
    said = [x.lines[0] for x in arrows(viz.draw(nn.functional.cross_entropy(scores, y)))]
    assert "g · 0.5 · (softmax₁(scores) − one_hot(y))" in said


def test_formula_follows_a_changed_rule():
    @ag.primitive(lambda g, x: 5 * g / x)
    def odd(x):
        return x * 2

    node = odd(leaf(1.0)).node
    assert formula(node, 0) == "5 · g / in"


def test_unnamed_arguments_are_not_confused_with_variables():
    a, b, c = leaf(2.0), leaf(3.0), leaf(4.0)
    result = a * (b + c)  # the second argument of mul is called b in its declaration, and is not the variable b
    said = [x.lines[0] for x in arrows(viz.draw(result))]
    assert "g · in₂" in said
    assert "g · b" not in said


# ---------------------------------------------------------------------- pictures


def test_both_edges_of_a_square_and_their_sum():
    x = leaf(3.0)
    picture = viz.draw(x * x)
    into_sum = [a for a in arrows(picture) if a.target.startswith("sum.")]
    assert [a.lines for a in into_sum] == [("g · x", "= 3"), ("g · x", "= 3")]
    assert [b.title for b in picture.drawing.boxes].count("x") == 1
    (total,) = [a for a in arrows(picture) if a.source.startswith("sum.")]
    assert total.lines[1] == "= 6"


def test_parameter_used_twice_is_one_box():
    w = leaf([[1.0, 2.0], [3.0, 4.0]])
    picture = viz.draw((w @ (w @ ag.ones(2, 1, dtype=ag.float64))).sum())
    assert titles(picture).count("w") == 1
    assert sum(a.target.startswith("sum.") for a in arrows(picture)) == 2


def test_norms_on_the_arrows_are_those_of_the_gradients():
    model, loss = mlp()
    picture = viz.draw(loss, names=model)
    loss.backward()
    for name, p in model.named_parameters():
        (box,) = [b for b in picture.drawing.boxes if b.title == name]
        (arrow,) = [a for a in arrows(picture) if a.target == box.id]
        assert box.lines[0] == str(tuple(p.shape))
        expected = quantity(p.grad.array).text()
        assert arrow.lines[1].startswith(expected)


def test_modules_are_nested_groups():
    _model, loss = mlp()
    groups = {g.label: g for g in viz.draw(loss).drawing.groups}
    assert {"Sequential", "0: Linear", "1: ReLU", "2: Linear", "CrossEntropyLoss"} <= groups.keys()
    assert groups["0: Linear"].parent == groups["Sequential"].id
    assert groups["Sequential"].parent is None


def test_looking_changes_nothing():
    model, loss = mlp()
    hidden = model[0](ag.ones(1, 4))
    hidden.retain_grad()
    other = hidden.sum()
    viz.draw(other)
    viz.explain(other, model[0].weight)
    assert hidden.grad is None
    assert all(p.grad is None for p in model.parameters())
    viz.draw(loss)
    viz.draw(loss)
    loss.backward()  # the graph is whole
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    "look", [viz.draw, viz.health, viz.step, lambda loss: viz.diff(loss, loss)], ids=["draw", "health", "step", "diff"]
)
@pytest.mark.parametrize("settings", ["warn", "raise"])
def test_looking_warns_of_nothing(look, settings):
    """What is infinite or NaN is shown; NumPy has warned of it when the program computed it, and does so again when it runs backward."""
    x = ag.tensor([0.0, 1e38], requires_grad=True)
    with np.errstate(all="ignore"):
        loss = (x.log() / x + x * 1e10).sum()  # infinite in a gradient, and in a value that is computed again
    with np.errstate(all=settings):
        look(loss).to_dict()
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        loss.backward()


def test_states():
    x = leaf(2.0)
    y = x * x
    assert "no backward yet" in viz.draw(y).drawing.caption[-1]
    with viz.record() as run:
        y.backward()
    assert "freed" in viz.draw(y).drawing.caption[-1]
    freed = viz.draw(y)
    assert ("g · x",) in [a.lines for a in arrows(freed)]  # the formulas are still there
    (box,) = [b for b in freed.drawing.boxes if b.title == "x"]
    assert "grad = 4" in box.lines
    recorded = viz.draw(y, run=run)
    assert "recorded" in recorded.drawing.caption[-1]
    assert ("g · x", "= 2") in [a.lines for a in arrows(recorded)]


def test_recorded_passes_add_up_and_nest():
    x = leaf(2.0)
    y = x * x
    with viz.record() as outer, viz.record() as inner:
        y.backward(retain_graph=True)
        y.backward()
    for run in (outer, inner):
        assert run.gradients[x.node] == 8
    z = x * 3
    z.backward()
    assert z.node not in inner.gradients


def test_vector_output_needs_a_gradient():
    x = leaf([1.0, 2.0])
    y = x * 2
    assert "not a scalar" in viz.draw(y).drawing.caption[-1]
    picture = viz.draw(y, gradient=ag.tensor([1.0, 10.0], dtype=ag.float64))
    assert any("[2, 20]" in a.lines[-1] for a in arrows(picture))


def test_forward_picture_has_shapes():
    x, w = ag.ones(4, 3), ag.ones(3, 2, requires_grad=True)
    picture = viz.draw((x @ w).sum(), "forward")
    said = [a.lines for a in arrows(picture, "forward")]
    assert ("(4, 3)", "float32") in said
    assert ("(3, 2)", "float32") in said
    assert ("(4, 2)", "float32") in said


def test_same_program_same_bytes_and_json():
    texts = []
    for _ in range(2):
        _model, loss = mlp()
        picture = viz.draw(loss)
        texts.append((picture.to_dot(), json.dumps(picture.to_dict())))
    assert texts[0] == texts[1]


def test_values_of_small_numbers_are_shown():
    x1, w1, bias = ag.tensor(2.0), leaf(-0.5, ag.float32), leaf(3.0, ag.float32)
    picture = viz.draw((x1 * w1 + bias).tanh())
    boxes = {b.title: b.lines for b in picture.drawing.boxes}
    assert boxes["mul"] == ("= −1",)
    assert boxes["add"] == ("= 2",)
    assert boxes["x1"] == ("= 2",)
    assert "g · x1" in [a.lines[0] for a in arrows(picture)]


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float64(2.5), "= 2.5"),
        ([[1, 2], [3, 4]], "= [[1, 2], [3, 4]]"),
        ([[0.5, -1, 1e-9], [0, 0, 0], [1 / 3, 2, 3]], "= [[0.5, −1, 1e−09], [0, 0, 0], [0.3333, 2, 3]]"),
        ([[1], [2], [3], [4], [5]], "= [[1], [2], [3], [4], [5]]"),
        (range(9), "= [0, 1, 2, 3, 4, 5, 6, 7, 8]"),
        ([True, False], "= [True, False]"),
        (np.zeros((2, 3), bool), "= all False"),
        ([0.0, 0, 0, 0], "= [0, 0, 0, 0]"),
        ([0.25] * 5, "= all 0.25"),
        (np.ones((40, 50)), "= all 1"),
        ([np.nan] * 5, "= all nan"),
        ([np.nan] * 4 + [1], "= [nan, nan, nan, nan, 1]"),
        (np.full((5, 8), -np.inf), "= all −inf"),
        ([3.0, 4.0, *[0.0] * 11], "‖·‖ = 5"),
        ([3 + 4j], "‖·‖ = 5"),
        ([], "= []"),
    ],
)
def test_arrays_are_written_in_one_way(array, text):
    assert Quantity(np.asarray(array)).text() == text
    assert Quantity(np.asarray(array)).text("b").replace("b", "", 1).replace("‖‖", "‖·‖").strip() == text


def test_every_number_of_a_small_network_is_in_its_picture():
    w1, w2 = leaf([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]), leaf([[2.0], [-3.0], [1.0]])
    x = ag.tensor([[1.0, 2.0], [-1.0, 0.5]], dtype=ag.float64)
    hidden = (x @ w1).relu()
    loss = ((hidden @ w2) ** 2).sum()
    picture = viz.draw(loss)
    loss.backward()
    boxes = {b.title: b.lines for b in picture.drawing.boxes}
    assert boxes["w1"] == ("(2, 3)", "= [[0.5, −1, 2], [1.5, 0.25, −0.5]]", quantity(w1.grad.array).text("grad"))
    assert boxes["hidden = relu"] == ("(2, 3)", "= [[3.5, 0, 1], [0.25, 1.125, 0]]")
    assert boxes["x"] == ("(2, 2)", "= [[1, 2], [−1, 0.5]]")
    assert not any("‖" in line for arrow in arrows(picture) for line in arrow.lines)
    for text in (picture.to_text(), picture.to_mermaid().replace("<br/>", " "), re.sub(r"<[^>]*>", " ", picture.to_svg(engine="builtin"))):
        assert "= [[0.5, −1, 2], [1.5, 0.25, −0.5]]" in " ".join(text.split())


def test_numbers_are_put_into_formulas_that_stay_short():
    a, b = leaf([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), leaf([[1.0], [2.0], [-3.0]])
    assert [e.numbers for e in edges_of((a @ b).sum(), "matmul")] == [
        "[[1], [1]] @ [[1], [2], [−3]]ᵀ",
        "[[1, 2, 3], [4, 5, 6]]ᵀ @ [[1], [1]]",
    ]
    long = a / 700
    assert [e.numbers for e in edges_of((long * long).sum(), "mul")] == ["", ""]


def edges_of(loss, operation):
    (found,) = [v.inputs for v in viz.trace(loss).vertices if v.operation == operation]
    return found


def test_small_values_are_computed_again_from_small_ones():
    small, wide = leaf(np.arange(12.0).reshape(3, 4)), leaf(np.ones(64))
    values = {v.operation: v.value for v in viz.trace(((small + 1) * wide.sum()).mean()).vertices}
    np.testing.assert_array_equal(values["add + 1"].array, small.detach().numpy() + 1)
    assert values["sum"].array == 64
    larger, wider = leaf(np.ones(13)), leaf(np.ones(65))
    values = {v.operation: v.value for v in viz.trace((larger + 1).sum() - wider.sum()).vertices}
    assert values["add + 1"] is values["sum"] is None


def test_custom_operations_are_drawn():
    class Double(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.5)
    picture = viz.draw(Double.apply(x).sum())
    assert any("Double" in t for t in titles(picture))


def test_double_backward_is_drawn():
    x = leaf(2.0)
    (g,) = ag.autograd.grad(x**3, x, create_graph=True)
    picture = viz.draw(g)
    (box,) = [b for b in picture.drawing.boxes if b.title == "x"]
    assert "grad = 12" in box.lines


def test_deep_graphs_do_not_recurse():
    x = leaf(1.0)
    y = x
    for _ in range(3000):
        y = y * 1.0
    described = trace(y, Names(y))
    assert len(described.vertices) == 3001
    assert len(drawing(described).boxes) == 3002
    assert viz.explain(y, x).paths == 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: viz.draw(None), TypeError, "expected a Tensor, got None"),
        (lambda x: viz.draw(np.ones(3)), TypeError, "expected a Tensor, got a ndarray"),
        (lambda x: viz.draw(x.detach()), ValueError, "no graph"),
        (lambda x: viz.draw(x * 2, "sideways"), ValueError, "'backward' or 'forward'"),
        (lambda x: viz.draw(x * 2, names=[1]), TypeError, "names"),
        (lambda x: viz.explain(x * 2, leaf(1.0)), ValueError, "not used"),
        (lambda x: viz.explain(x * 2, None), TypeError, "parameter must be a Tensor"),
        (lambda x: viz.explain(x * leaf([1.0, 2.0]), x), ValueError, "needs a scalar"),
        (lambda x: viz.explain(x * 2, x, 0), IndexError, "ind"),
        (lambda x: viz.explain(x * 2, x).save("x.gif"), ValueError, ".txt, .md"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(leaf(1.0))


# ---------------------------------------------------------------------- explanations


def terms_sum(explanation):
    return sum(np.array(t.total.values) for t in explanation.terms)


def test_paths_add_up_to_the_gradient():
    x = leaf(3.0)
    z = (x * x + x) * x
    told = viz.explain(z, x)
    assert told.paths == 4
    assert not told.factored
    z.backward()
    assert np.isclose(terms_sum(told), x.grad.item(), rtol=1e-12)
    for term in told.terms:
        product = np.prod([s.local for s in term.steps])
        assert np.isclose(product, term.total.values[0])
    assert f"= {x.grad.item():g}" in str(told)


def test_many_paths_are_counted_and_factored():
    x = leaf(1.0)
    y = x
    for _ in range(20):
        y = y * y
    told = viz.explain(y, x)
    assert told.paths == 2**20
    assert told.factored
    assert told.total.values == (2.0**20,)
    (term,) = told.terms
    for bracket in term.steps:  # where paths meet, the gradient is the sum of what comes through each
        assert np.isclose(bracket.gradient.values[0], sum(way[-1].gradient.values[0] for way in bracket.ways))


def test_mlp_element_equals_grad():
    model, loss = mlp()
    told = viz.explain(loss, model[0].weight, (1, 2), names=model)
    loss.backward()
    assert np.isclose(told.total.values[0], model[0].weight.grad[1, 2].item(), rtol=1e-6)
    after = viz.explain(loss, model[0].weight, (1, 2), names=model)
    assert after.grad.values == told.total.values
    assert "freed" in after.note
    assert [s.formula for s in after.terms[0].steps] == [s.formula for s in told.terms[0].steps]


def test_explain_tells_of_other_passes():
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    assert "the same" in str(viz.explain(y, x))
    y.backward(retain_graph=True)
    assert "other backward passes" in str(viz.explain(y, x))


def test_explanation_is_saved(tmp_path):
    x = leaf(3.0)
    told = viz.explain(x * x, x)
    path = told.save(tmp_path / "chain.txt")
    assert path.read_text(encoding="utf-8") == f"{told}\n"
    json.dumps(told.to_dict())


# ---------------------------------------------------------------------- corner cases


def test_data_used_by_two_operations_is_one_box():
    x, a, b = ag.ones(4, 3), nn.Linear(3, 2), nn.Linear(3, 2)
    picture = viz.draw((a(x) * b(x)).sum())
    assert titles(picture).count("x") == 1


def test_paths_through_several_results():
    class Two(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y, x + y

        @staticmethod
        def backward(ctx, g, h):
            x, y = ctx.saved_tensors
            return g * y + h, g * x + h

    w, u = leaf([1.0, 2.0, 3.0]), leaf([1.0, 1.0, 1.0])
    p, q = Two.apply(w, u)
    loss = (p * q).sum()
    told = viz.explain(loss, w)
    (expected,) = ag.autograd.grad(loss, w, retain_graph=True)
    assert np.allclose(terms_sum(told), expected.numpy())
    viz.draw(loss)


def test_inputs_that_no_rule_keeps_are_drawn():
    a, c = leaf(2.0), ag.tensor(10.0, dtype=ag.float64)
    boxes = {b.title: b for b in viz.draw(a * 3 + c, "forward").drawing.boxes}
    assert boxes["c"].lines == ("= 10",)
    x, w, y = ag.ones(4, 3), ag.ones(3, 2, requires_grad=True), ag.zeros(4, 2)
    assert {"x", "y"} <= set(titles(viz.draw(((x @ w - y) ** 2).mean())))
    loss = (w - ag.ones(3, 2) * 2).sum()  # nobody holds the second one any more
    (gone,) = [b for b in viz.draw(loss).drawing.boxes if b.kind == "input"]
    assert gone.lines == ("not kept",)


def test_values_are_those_of_the_forward_pass():
    w = leaf(2.0)
    loss = (w * 3) * (w + 1)
    with viz.record() as run:
        loss.backward()
    optim.SGD([w], lr=0.1).step()
    boxes = {b.title: b.lines for b in viz.draw(loss, run=run).drawing.boxes}
    assert boxes["mul × 3"] == ()  # not computed from what w is now
    assert "= 1.8" not in boxes["w"]


def test_forwards_of_users_are_not_run_again():
    calls = []

    @ag.primitive(lambda g: g)
    def counted(x):
        calls.append(1)
        return x + 0

    viz.draw(counted(leaf(1.0)) * 2)
    assert len(calls) == 1


def test_hooks_are_not_run_for_looking():
    calls = []
    w = leaf(2.0)
    w.register_hook(lambda g: calls.append(1) or g * 10)
    loss = w * w
    picture = viz.draw(loss)
    viz.explain(loss, w)
    assert calls == []
    assert "hooks on 1 tensor " in picture.drawing.caption[-1]
    with viz.record() as run:
        loss.backward()
    (box,) = [b for b in viz.draw(loss, run=run).drawing.boxes if b.title == "w"]
    assert "grad = 40" in box.lines


def test_hooks_of_modules_are_not_run_for_looking():
    calls, layer = [], nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda *given: calls.append("after"))
    layer.register_full_backward_pre_hook(lambda *given: calls.append("before"))
    for x in (ag.ones(3, 2), ag.ones(3, 2, requires_grad=True)):
        loss = layer(x).sum()
        assert "hooks on 1 tensor " in viz.draw(loss).drawing.caption[-1]
        viz.explain(loss, layer.bias)
        viz.health(loss)
        viz.snapshot(loss)
        assert calls == []
        loss.backward()
        assert calls == ["before", "after"]
        calls.clear()


def test_hooks_on_nodes_are_not_run_for_looking():
    calls = []
    w = leaf(2.0)
    square = w * w
    square.grad_fn.register_hook(lambda given, arriving: calls.append("after") or (given[0] * 10, given[1]))
    square.grad_fn.register_prehook(lambda arriving: calls.append("before"))
    loss = square.sin()
    assert "hooks on 1 tensor " in viz.draw(loss).drawing.caption[-1]
    np.testing.assert_allclose(viz.explain(loss, w).total.values, 4 * np.cos(4))
    assert calls == []
    loss.backward()
    assert calls == ["before", "after"]
    np.testing.assert_allclose(w.grad.item(), 22 * np.cos(4))


def test_another_thread_runs_its_hooks_while_a_picture_is_drawn():
    """Both walk the same graph at the same time: the one that looks waits inside a rule until the other's pass is over."""
    inside, done = threading.Barrier(2, timeout=30), threading.Event()
    looker = threading.current_thread()

    def rule(g):
        if threading.current_thread() is looker and not done.is_set():
            inside.wait()
            assert done.wait(30)
        return g * 3

    tripled = ag.primitive(rule)(lambda x: x * 3)
    w, calls = leaf([1.0, 2.0]), []
    w.register_hook(lambda g: calls.append(threading.current_thread()))
    hidden = w * 2
    hidden.retain_grad()
    loss = tripled(hidden).sum()

    def train():
        inside.wait()
        loss.backward(retain_graph=True)
        done.set()

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        viz.draw(loss)
    finally:
        trainer.join()
    assert calls == [trainer]
    assert hidden.grad.tolist() == [3.0, 3.0]
    assert w.grad.tolist() == [6.0, 6.0]


def test_a_recording_of_another_pass_is_not_taken_for_this_one():
    w = leaf(2.0)
    part = w * w
    whole = part + w * 5
    with viz.record() as run:
        whole.backward(retain_graph=True)
    assert viz.explain(part, w, run=run).total.values == (4.0,)
    with viz.record() as tenfold:
        part.backward(ag.tensor(10.0, dtype=ag.float64))
    told = viz.explain(part, w, run=tenfold)
    assert told.total is None
    assert "freed" in told.note
    assert ("g", "= 10") in [a.lines for a in arrows(viz.draw(part, run=tenfold))]


def test_captions_say_whether_there_was_a_backward():
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    assert "no backward yet" not in viz.draw(y).drawing.caption[1]
    x.grad = None
    y.backward()
    x.grad = None
    assert "freed" in viz.explain(y, x).note


def test_names_do_not_look_like_mathematics():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.ps = nn.ParameterList([nn.Parameter(ag.tensor(2.0)), nn.Parameter(ag.tensor(5.0))])

        def forward(self, x):
            return x * self.ps[0]

    x, g = leaf(3.0, ag.float32), leaf(3.0, ag.float32)
    listed = Listed()
    assert "g · ps.0" in [a.lines[0] for a in arrows(viz.draw(listed(x)))]
    assert "g · in₁" in [a.lines[0] for a in arrows(viz.draw(g * x))]
    a, b = leaf(1.0), leaf(2.0)
    said = [e.lines[0] for e in arrows(viz.draw(a.atan2(b), names={"l.w": a, "m.w": b}))]
    assert "g · m.w / (l.w² + m.w²)" in said


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (lambda g, x, y: 2 * g * (y @ x), "2 · g · (in₂ @ in₁)"),
        (lambda g, x, y: (y @ x) * g, "(in₂ @ in₁) · g"),
        (lambda g, x, y: g * 2 if (x > 0) else g * -5, "rule of odd"),
        (lambda g, x, y: g * np.cos(x), "g · cos(in₁)"),
        (lambda g, x, y: g - (-x) * x, "g + in₁²"),
        (lambda g, x, y: g / x / x, "g / in₁²"),
        (lambda g, x, y: g * 12345, "g · 12345"),
        (lambda g, x, y: g * (x / y), "g · in₁ / in₂"),
        (lambda g, x, y: g * x * x, "g · in₁²"),
        (lambda g, x, y: g * np.square(-np.negative(x * x)), "g · in₁⁴"),
        (lambda g, x, y: y * ((g @ x) / y * x), "in₂ · (g @ in₁) · in₁ / in₂"),
        (lambda g, x, y: g * np.square(-np.negative(np.sqrt(x))), "g · (√in₁)²"),
    ],
)
def test_formulas_are_true(rule, text):
    def odd(x, y):
        return x + y

    assert formula(ag.primitive(rule, None)(odd)(leaf(np.eye(2)), leaf(np.eye(2))).node, 0) == text


def test_gradients_that_are_not_finite_are_not_thin():
    x = leaf(0.0)
    with np.errstate(all="ignore"):
        picture = viz.draw(x.sqrt())
    assert max(a.weight for a in arrows(picture)) == 4


def test_a_weight_used_often_is_drawn_once_and_referred_to():
    w, h = leaf(0.5), leaf(1.0)
    y = h
    for _ in range(20):
        y = y * w
    for direction in ("backward", "forward"):
        picture = viz.draw(y, direction)
        assert titles(picture).count("w") == 1
        assert titles(picture).count("→ w") == 20
    (box,) = [b for b in viz.draw(y).drawing.boxes if b.title == "w"]
    assert "used 20 times" in box.lines


def test_several_models_go_by_their_variables():
    G, D = nn.Sequential(nn.Linear(2, 2)), nn.Sequential(nn.Linear(2, 1))
    picture = viz.draw(D(G(ag.ones(1, 2))).sum())
    assert {"G.0.weight", "D.0.weight"} <= set(titles(picture))
    assert {"G: Sequential", "D: Sequential"} <= {g.label for g in picture.drawing.groups}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda w: viz.draw(w * 2, names={1: w}), TypeError),
        (lambda w: viz.draw(w * 2, run=5), TypeError),
        (lambda w: viz.draw(w * 2, gradient=3.0), RuntimeError),
        (lambda w: viz.explain((w * 2).sum(), w, slice(None)), IndexError),
        (lambda w: viz.explain((w * 2).sum(), w, True), IndexError),
    ],
)
def test_wrong_arguments(call, error):
    with pytest.raises(error):
        call(leaf([1.0, 2.0]))


def test_a_recording_cannot_be_entered_inside_itself():
    run = viz.record()
    with run, pytest.raises(RuntimeError, match="already"), run:
        pass


def test_views_of_what_was_rewritten_are_drawn_as_they_are_now():
    for look in (lambda v, x: viz.explain(v, x).total.values, lambda v, x: viz.draw(v) and viz.explain(v, x).total.values):
        x = leaf([1.0, 2.0])
        y = x * 1
        v = y[0]
        y.mul_(3)
        assert look(v, x) == (3.0, 0.0)
    x = leaf([1.0, 2.0])
    y = x * 1
    v = y[0]
    y.mul_(3)
    assert "mul × 3" in " ".join(titles(viz.draw(v)))


def test_an_argument_that_was_left_out_is_not_drawn():
    recurrent = nn.LSTM(2, 3, bias=False)
    out, _ = recurrent(ag.ones(4, 1, 2))
    drawn = viz.draw(out.sum(), names=recurrent)
    titles = [box.title for box in drawn.drawing.boxes]
    assert "h0" in titles
    assert not {"weight_hr", "bias_ih", "bias_hh"} & set(titles)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.int64])
@pytest.mark.parametrize("scale", [1e-6, 3e-4, 1.0, 300.0])
def test_norms_are_those_in_double_precision(dtype, scale):
    array = (np.arange(1, 8) * scale).astype(dtype)
    expected = np.sqrt((np.abs(array.astype(np.complex128)) ** 2).sum())
    np.testing.assert_allclose(Quantity(array).norm, expected, rtol=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300, np.inf, np.nan])
def test_norms_beyond_the_squares_of_numbers(size):
    np.testing.assert_allclose(Quantity(np.array([3 * size, 4 * size])).norm, 5 * size)


def test_the_forward_picture_needs_no_gradients():
    w = leaf([1.0, 2.0])
    loss = (w * w).sum()
    before = viz.draw(loss, "forward").to_dict()
    with ag.no_grad():
        w.sub_(1)  # what a pass would need is gone
    after = viz.draw(loss, "forward")
    assert [b["title"] for b in after.to_dict()["boxes"]] == [b["title"] for b in before["boxes"]]
    assert ("= [0, 1]") not in str(after.to_dict())  # nor is what stands there now taken for what was used


def test_what_was_overwritten_is_drawn_with_formulas_and_without_numbers():
    w = leaf([1.0, 2.0])
    loss = (w * w).sum()
    with viz.record() as run:
        loss.backward(retain_graph=True)
    with ag.no_grad():
        w.sub_(1)
    picture = viz.draw(loss)
    assert "has overwritten what these gradients are computed from: draw before it" in picture.drawing.caption[1]
    assert picture.drawing.caption[-1].endswith("of shape (2,), was changed afterwards by the in-place operation sub_")
    assert [a.lines for a in arrows(picture) if a.target.startswith("sum.")] == [("g · w", "(2,)")] * 2
    told = viz.explain(loss, w)
    assert told.total is None
    assert "in-place operation sub_; so there are no numbers: explain before" in told.note
    assert "g · w" in str(told)
    for look in (viz.health, viz.snapshot):
        with pytest.raises(InplaceError, match="changed afterwards"):
            look(loss)
    with pytest.raises(ValueError, match="overwritten"):
        viz.step(loss)
    assert ("g · w", "= [1, 2]") in [a.lines for a in arrows(viz.draw(loss, run=run))]
    with pytest.raises(InplaceError):
        loss.backward()


def test_data_that_was_overwritten_is_not_shown_as_what_was_used():
    x, scale, w = ag.tensor([1.0, 2.0]), ag.tensor(2.0), leaf([3.0, 4.0])
    loss = ((w + x) * scale).sum()
    with viz.record() as run:
        loss.backward(retain_graph=True)
    x.add_(1)
    scale.fill_(5)
    for told in (run, None):
        picture = viz.draw(loss, run=told)
        boxes = {b.title: b.lines for b in picture.drawing.boxes}
        assert boxes["x"] == boxes["add"] == boxes["mul"] == ("(2,)",)
        assert boxes["scale"] == ("not kept",)
        assert "g · scale" in [a.lines[0] for a in arrows(picture)]
        assert not [e.numbers for v in viz.trace(loss, run=told).vertices if v.operation == "mul" for e in v.inputs if e.numbers]
    assert "g · 5" not in viz.draw(loss, names={"w": w}).to_text()


@pytest.mark.parametrize("dtype", [ag.float32, ag.float64])
def test_single_numbers_are_drawn_alike_whichever_way_operations_are_called(dtype):
    def text():
        w, scale = leaf(3.0, dtype), ag.tensor(2.0, dtype=dtype)
        (slope,) = ag.autograd.grad(w**3, w, create_graph=True)
        loss = w * scale + (w * scale).sin() + slope
        del scale
        return viz.draw(loss).to_text()

    alone = text()
    assert alone.count("□ in₂ = 2") == 2  # each product has its own
    with viz.record():
        assert text() == alone
    changed = leaf([1.0]) * 1
    changed.mul_(2)  # while a tensor lives that was changed in place, operations are called with care
    assert text() == alone


def test_data_that_became_a_result_in_place_is_not_shown_as_what_was_used():
    w, x = leaf([3.0, 4.0]), ag.tensor([1.0, 2.0])
    x.add_(w)
    x.mul_(2)
    x.exp_()
    loss = x.sum()
    told = {b.title: b.lines for b in viz.draw(loss).drawing.boxes}
    assert told["x = exp"] == ("(2,)", "= [2981, 1.628e+05]")
    assert told["add"] == told["mul × 2"] == told["x"] == ("(2,)",)


def test_the_local_derivatives_of_a_recorded_pass_are_those_it_had():
    x, c = leaf([3.0]), leaf([2.0])
    y = (x * c).sum()
    with viz.record() as run:
        y.backward(retain_graph=True)
    with ag.no_grad():
        c.mul_(10)
    told = viz.explain(y, x, run=run)
    assert [step.local for step in told.terms[0].steps] == [1.0, 2.0]


def test_arrows_from_several_results_do_not_say_scalar():
    h, _ = nn.LSTMCell(2, 3)(ag.randn(4, 2))
    drawn = viz.draw(h.sum(), "forward").drawing
    cell = next(b.id for b in drawn.boxes if b.title == "lstm")
    assert [a.lines for a in drawn.arrows if a.source == cell] == [()]


def test_a_graph_as_plain_data():
    a, b = leaf(2.0), leaf(-3.0)
    loss = a * b
    told = viz.trace(loss)
    assert [(v.name, v.operation) for v in told.vertices] == [("a", ""), ("b", ""), ("loss", "mul")]
    assert [(e.formula, e.part.values) for e in told.by_id[told.root].inputs] == [("g · b", (-3.0,)), ("g · a", (2.0,))]
    assert json.loads(json.dumps(told.to_dict()))["root"] == told.root
    endless = leaf([np.inf] * 5)
    wild = viz.trace((endless * 2).sum()).to_dict()
    assert json.loads(json.dumps(wild, allow_nan=False))["vertices"][0]["value"] == {
        "shape": [5],
        "norm": "inf",
        "values": ["inf"] * 5,
        "same": "inf",
    }
    with pytest.raises(TypeError, match="expected a Tensor"):
        viz.trace(None)


def test_a_recorded_hook_is_told():
    w = leaf([1.0, 1.0])
    h = w * 3
    plain = (h * h).sum()
    with viz.record() as run:
        plain.backward(retain_graph=True)
    assert "hooks" not in " ".join(viz.draw(plain, run=run).drawing.caption)
    h.register_hook(lambda g: g * 10)
    loss = h.sum()
    with viz.record() as run:
        loss.backward()
    told = viz.draw(loss, run=run).drawing.caption[-1]
    assert told == "hooks, or passes that are not drawn, changed the gradient of h: g = [10, 10], the arrows bring g = [1, 1]"
