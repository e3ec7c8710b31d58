"""Rematerialisation: the gradients of the program without it, for less memory."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from contextlib import contextmanager

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.errors import FreedGraphError, InplaceError
from autograd_core.random import get_rng_state
from autograd_core.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), dtype=ag.float64, requires_grad=True)


def plainly(function, *args, **kwargs):
    return function(*args, **kwargs)


def both(program):
    """What a program gives with `plainly` and with `checkpoint` for its argument."""
    results = []
    for call in (plainly, checkpoint):
        ag.manual_seed(0)
        results.append([None if r is None else r.detach().numpy() for r in program(call)])
    for a, b in zip(*results, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-13)
    return results[1]


w = leaf(3, 3, seed=9)


def block(x):
    return (x @ w).tanh()


def arguments(call):
    x = leaf(2, 3)
    y = call(block, x)
    y.sum().backward()
    return y, x.grad


def parameters(call):
    layer = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    x = ag.randn(2, 3)
    (call(layer, x) ** 2).sum().backward()
    return [p.grad for p in layer.parameters()]


def a_closure_over_something_computed(call):
    x = leaf(3)
    h = x.exp()
    return ag.autograd.grad(call(lambda t: (t * h).sin() + h, x).sum(), x)


def keywords_and_nested_results(call):
    x, y = leaf(3), leaf(3, seed=1)

    def function(pair, *, scale, other):
        a, b = pair
        return {"sum": (a + b) * scale, "more": [a * b, (other["t"] * a, None, 3)], "int": (a > 0).sum()}

    out = call(function, (x, y), scale=2.0, other={"t": y})
    loss = out["sum"].sum() + out["more"][0].exp().sum() + out["more"][1][0].sin().sum()
    assert out["more"][1][1:] == (None, 3)
    return [out["int"], *ag.autograd.grad(loss, [x, y])]


def one_of_several_results(call):
    x = leaf(4)
    a, b = call(lambda t: (t.exp(), t.sin()), x)
    return ag.autograd.grad(b.sum(), x)


def twice_the_same_result(call):
    x = leaf(4)

    def function(t):
        y = t.exp()
        return y, y

    a, b = call(function, x)
    return ag.autograd.grad((a * b).sum(), x)


def dropout(call):
    x = leaf(50)
    y = call(lambda t: nn.functional.dropout(t * 2, 0.5), x)
    after = ag.rand(3)
    (g,) = ag.autograd.grad(y.sum(), x)
    return y, g, after, ag.rand(3)


def nested(call):
    x = leaf(2, 3)
    y = call(lambda t: call(block, call(block, t) * 2).sin() + t, x)
    return y, *ag.autograd.grad(y.sum(), [x, w])


def in_a_chain(call):
    x = leaf(2, 3)
    y = x
    for _ in range(5):
        y = call(block, y) + y
    return y, *ag.autograd.grad(y.sum(), [x, w])


def second_derivative(call):
    x = leaf(2, 3)
    y = call(block, x * 1)
    (g,) = ag.autograd.grad((y**2).sum(), x, create_graph=True)
    return g, *ag.autograd.grad((g**2).sum(), [x, w])


def second_derivative_nested_and_several(call):
    x = leaf(3)

    def inner(t):
        return t.exp(), t.sin() * t

    def outer(t):
        a, b = call(inner, t)
        return a * b, b

    a, b = call(outer, x)
    (g,) = ag.autograd.grad((a + b**2).sum(), x, create_graph=True)
    (gg,) = ag.autograd.grad(g.sum(), x, create_graph=True)
    return g, gg, *ag.autograd.grad(gg.sum(), x)


def differentiating_inside(call):
    x = leaf(3)

    def slope(t):
        (g,) = ag.autograd.grad((t**3).sum(), t, create_graph=True)
        return g * t

    return ag.autograd.grad(call(slope, x).sum(), x)


def several_passes(call):
    x = leaf(3)
    y = call(ag.exp, x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return (x.grad,)


def views_and_writes_inside(call):
    x = leaf(4)

    def function(t):
        y = t * 2
        y[1:3].mul_(y[0].exp())
        y += 1
        return y[1:]

    y = call(function, x)
    return y, *ag.autograd.grad((y**2).sum(), x)


def results_that_are_arguments(call):
    x, c = leaf(3), ag.ones(3)
    a, b, d = call(lambda t, s: (t, s, t * s), x, c)
    assert a is x
    assert b is c
    return ag.autograd.grad((a * b * d).sum(), x)


def writing_into_the_result(call):
    x = leaf(3)
    y = call(lambda t: t * 2 + 1, x)
    y.mul_(3)
    y[0] = 0
    return ag.autograd.grad((y**2).sum(), x)


def hooks(call):
    x = leaf(3)
    h = x * 2
    seen = []
    h.register_hook(lambda g: seen.append(g) or g * 10)
    y = call(ag.sin, h)
    y.register_hook(lambda g: g * 3)
    y.sum().backward()
    return x.grad, *seen


def kept_gradients(call):
    x = leaf(3)

    def function(t):
        y = t.exp()
        y.retain_grad()
        return y

    y = call(function, x)
    (y * y).sum().backward()
    return x.grad, y.grad


def complex_numbers(call):
    z = ag.tensor([1 + 2j, 0.5 - 1j], dtype=ag.complex128, requires_grad=True)
    y = call(lambda t: t * t.exp(), z)
    return ag.autograd.grad(y, z, ag.tensor([1 + 1j, 2.0]))


PROGRAMS = [
    arguments, parameters, a_closure_over_something_computed, keywords_and_nested_results, one_of_several_results, twice_the_same_result,
    dropout, nested, in_a_chain, second_derivative, second_derivative_nested_and_several, differentiating_inside, several_passes,
    views_and_writes_inside, results_that_are_arguments, writing_into_the_result, hooks, kept_gradients, complex_numbers,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_the_same_as_without(program):
    w.grad = None
    assert both(program)


def test_finite_differences():
    x = leaf(2, 3)
    assert ag.autograd.gradcheck(lambda t: checkpoint(block, t), (x,))
    assert ag.autograd.gradgradcheck(lambda t: checkpoint(block, t), (x,))


def test_the_function_runs_twice_and_no_more():
    calls = []
    x = leaf(3)

    def function(t):
        calls.append(ag.is_grad_enabled())
        return t.exp()

    y = checkpoint(function, x)
    assert calls == [True]
    y.sum().backward()
    assert calls == [True, True]
    with ag.no_grad():
        assert not checkpoint(function, x).requires_grad
    assert calls == [True, True, False]


def test_what_does_not_record_is_handed_through():
    calls = []
    result = checkpoint(lambda a, b: calls.append(a) or {"x": b}, 3, "text")
    assert result == {"x": "text"}
    assert calls == [3]


def test_the_sequential_form():
    model = nn.Sequential(*[layer for _ in range(5) for layer in (nn.Linear(4, 4), nn.Tanh())])
    x = ag.randn(2, 4, requires_grad=True)
    expected = ag.autograd.grad(model(x).sum(), [x, *model.parameters()])
    for segments in (1, 2, 3, 10):
        found = ag.autograd.grad(checkpoint_sequential(model, segments, x, use_reentrant=False).sum(), [x, *model.parameters()])
        for a, b in zip(expected, found, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.raises(ValueError, match="11 segments of 10 functions"):
        checkpoint_sequential(model, 11, x)
    with pytest.raises(ValueError, match="unexpected keyword"):
        checkpoint_sequential(model, 2, x, wrong=1)


# ---------------------------------------------------------------------- memory


def test_nothing_of_the_inner_graph_stays():
    inner = []

    def function(t):
        y = t.exp()
        inner.append(weakref.ref(y.grad_fn))
        inner.append(weakref.ref(y.array))
        return (y * y)[1:]

    x = leaf(5)
    gc.disable()
    try:
        y = checkpoint(function, x)
        assert [r() for r in inner] == [None, None]
        y.sum().backward()
        assert [r() for r in inner] == [None] * 4
        gone = weakref.ref(y.grad_fn)
        del y
        assert gone() is None
    finally:
        gc.enable()


def test_no_reference_cycles(assert_no_cycles):
    def run():
        x = leaf(5)
        a, b = checkpoint(lambda t: (checkpoint(ag.exp, t) * 2, t.sin()), x)
        (g,) = ag.autograd.grad((a * b).sum(), x, create_graph=True)
        g.sum().backward()

    assert_no_cycles(run)


def test_the_peak_falls():
    def deep(call):
        x = ag.ones(50_000, requires_grad=True)
        tracemalloc.start()
        y = x
        for _ in range(10):
            y = call(lambda t: t.sin().exp().tanh().exp().sin().tanh(), y)
        y.sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    deep(checkpoint)
    assert deep(checkpoint) < 0.5 * deep(plainly)


# ---------------------------------------------------------------------- random numbers and contexts


def test_the_stream_goes_on_after_the_second_run():
    ag.manual_seed(3)
    x = leaf(20)
    y = checkpoint(lambda t: nn.functional.dropout(t, 0.5), x)
    ag.rand(7)
    before = get_rng_state()
    y.sum().backward()
    assert get_rng_state().tolist() == before.tolist()


def test_other_random_numbers_are_seen():
    x = leaf(200)
    y = checkpoint(lambda t: nn.functional.dropout(t, 0.5), x, preserve_rng_state=False)
    with pytest.raises(CheckpointError, match="other values in the second run"):
        y.sum().backward()
    y = checkpoint(lambda t: nn.functional.dropout(t, 0.5), x, preserve_rng_state=False, determinism_check="none")
    y.sum().backward()
    assert x.grad is not None


def test_context_managers_around_each_run():
    seen = []

    @contextmanager
    def note(name):
        seen.append(name)
        yield

    x = leaf(2)
    y = checkpoint(ag.exp, x, context_fn=lambda: (note("first"), note("again")))
    assert seen == ["first"]
    y.sum().backward()
    assert seen == ["first", "again"]


# ---------------------------------------------------------------------- errors


def test_a_second_pass_needs_retain_graph():
    x = leaf(3)
    y = checkpoint(ag.exp, x).sum()
    y.backward()
    with pytest.raises(FreedGraphError, match="checkpoint"):
        y.backward()


@pytest.mark.parametrize("what", ["argument", "data", "parameter", "captured"])
def test_what_was_written_since_is_an_error(what):
    x, data, v, c = leaf(3), ag.ones(3, dtype=ag.float64), leaf(3), ag.ones(3, dtype=ag.float64)
    h = x * 1
    y = checkpoint(lambda t, d: ((t + 1) * (d + 2) + v).exp() * c, h, data)
    with ag.no_grad():
        {"argument": h, "data": data, "parameter": v, "captured": c}[what].add_(1)
    with pytest.raises(InplaceError, match="changed in place since the first run"):
        y.sum().backward()
    assert x.grad is None


def test_writing_into_an_argument_is_an_error():
    x = leaf(3)
    with pytest.raises(InplaceError, match="writes into its argument"):
        checkpoint(lambda t: t.mul_(2).sin(), x * 1)


def test_statistics_may_be_written():
    x, mean = leaf(4), ag.zeros(1, dtype=ag.float64)

    def function(t):
        with ag.no_grad():
            mean.mul_(0.9).add_(t.detach().mean() * 0.1)
        return t.sin()

    checkpoint(function, x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(x.detach().numpy()))


def test_other_shapes_in_the_second_run():
    x, sizes = leaf(4), iter([3, 2])
    y = checkpoint(lambda t: t[: next(sizes)].exp(), x)
    with pytest.raises(CheckpointError, match=r"result 0 had shape \(3,\) .* \(2,\)"):
        y.sum().backward()


def test_another_number_of_results_in_the_second_run():
    x, numbers = leaf(4), iter([2, 1])
    y, _ = checkpoint(lambda t: [t.exp() for _ in range(next(numbers))], x)
    with pytest.raises(CheckpointError, match="gave 2 tensors, the second 1"):
        y.sum().backward()


def test_another_graph_in_the_second_run():
    x, v = leaf(4), leaf(4)
    y = checkpoint(lambda t: t.exp() * v, x)
    v.requires_grad_(False)
    with pytest.raises(CheckpointError, match="other tensors that require grad"):
        y.sum().backward()
    y = checkpoint(lambda t: t.exp() * 2, x)
    x.requires_grad_(False)
    y.sum().backward()  # its own argument it knows


def test_a_leaf_made_inside_that_lives_on():
    kept = []
    with pytest.raises(RuntimeError, match="make it outside"):
        checkpoint(lambda t: t * (kept.append(leaf(3)) or kept[-1]), leaf(3))
    x = leaf(3)
    checkpoint(lambda t: t * leaf(3), x).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), leaf(3).detach().numpy())


def test_reentrant_only_where_it_means_the_same():
    x = leaf(3)
    (g,) = ag.autograd.grad(checkpoint(ag.exp, x, use_reentrant=True).sum(), x)
    np.testing.assert_array_equal(g.numpy(), x.detach().exp().numpy())
    with pytest.raises(ValueError, match="no keyword arguments"):
        checkpoint(lambda t, s: t * s, x, s=2, use_reentrant=True)
    with pytest.raises(ValueError, match="no argument requires grad"):
        checkpoint(lambda t: t * x, ag.ones(3), use_reentrant=True)
    with pytest.raises(ValueError, match="no context_fn"):
        checkpoint(ag.exp, x, use_reentrant=True, context_fn=lambda: None)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(ag.exp, x, determinism_check="what")


def test_an_error_of_the_function_goes_through():
    state = get_rng_state()
    with pytest.raises(ZeroDivisionError):
        checkpoint(lambda t: 1 / 0, leaf(3))
    x, fine = leaf(3), iter([True, False])
    y = checkpoint(lambda t: t.exp() if next(fine) else 1 / 0, x)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    assert get_rng_state().tolist() == state.tolist()
    assert ag.is_grad_enabled()


# ---------------------------------------------------------------------- seen from elsewhere


def test_the_picture_shows_one_box():
    layer = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    loss = checkpoint(layer, ag.ones(2, 3)).sum()
    boxes = [str(box) for box in viz.draw(loss).to_dict()["boxes"]]
    assert sum("checkpoint" in box for box in boxes) == 1
    assert not any("tanh" in box or "linear" in box for box in boxes)
    viz.explain(loss, layer[0].weight)
    with viz.record():
        loss.backward()


def test_it_knows_its_module():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, x):
            self.scopes = []
            return checkpoint(self.inner, x)

    net = Net()
    y = net(ag.ones(2, 3))
    assert y.grad_fn.scope.owner is net
    assert y.grad_fn.name() == "CheckpointBackward"


def test_inside_vmap_it_is_the_function():
    x = leaf(4, 3)
    out = ag.func.vmap(lambda t: checkpoint(ag.exp, t))(x)
    np.testing.assert_array_equal(out.detach().numpy(), np.exp(x.detach().numpy()))
