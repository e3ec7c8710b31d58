"""The graph and the walk back through it: accumulation, modes, hooks, what is kept and for how long."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import primitive


def leaf(*values, dtype="float64"):
    return ag.tensor(list(values), dtype=dtype, requires_grad=True)


def counting(rule=lambda g: g * 3):
    """An operation that multiplies by three, and the list of how often its rule ran."""
    calls = []

    def counted(g):
        calls.append(1)
        return rule(g)

    @primitive(counted)
    def triple(x):
        return x * 3

    return triple, calls


# ---------------------------------------------------------------------- sums over paths


def test_shared_subexpression():
    x = leaf(2.0, 3.0)
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0, 6.0]


def test_diamond():
    x = leaf(2.0)
    a = x * 3
    (a * a + a.exp() * 0 + a + x).sum().backward()
    assert x.grad.tolist() == [2 * 6 * 3 + 3 + 1]


def test_many_uses_and_broadcasts_of_one_leaf():
    x = leaf(1.0, 2.0)
    total = x.sum() + (x + ag.ones(3, 2, dtype=ag.float64)).sum() + x[0] + x.reshape(2, 1).expand(2, 5).sum()
    total.backward()
    assert x.grad.tolist() == [1 + 3 + 1 + 5, 1 + 3 + 5]


def test_backward_accumulates():
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    assert x.grad is first  # in place, as in PyTorch


def test_accumulating_with_create_graph_leaves_the_earlier_gradient_alone():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward(create_graph=True)
    first = x.grad
    (x * x).sum().backward(create_graph=True)
    assert first.tolist() == [2.0, 4.0]
    assert x.grad.tolist() == [4.0, 8.0]
    x.grad = None


def test_backward_of_several_tensors():
    x = leaf(1.0, 2.0)
    ag.autograd.backward([x.sum(), x * 2], [None, ag.tensor([1.0, 10.0], dtype=ag.float64)])
    assert x.grad.tolist() == [3.0, 21.0]


def test_a_leaf_is_its_own_root():
    x = leaf(1.0)
    x.backward()
    assert x.grad.tolist() == [1.0]
    assert ag.autograd.grad(x, x)[0].tolist() == [1.0]


# ---------------------------------------------------------------------- graphs are used once, unless asked for


def test_backward_twice():
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"(sum|mul): .*second time.*retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == [2.0]


def test_retain_graph():
    x = leaf(1.0)
    y = (x * x).exp().sum()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), [4 * np.e])
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_second_use_of_a_freed_part():
    x = leaf(2.0)
    a = x.exp()
    (a * 2).sum().backward()
    with pytest.raises(RuntimeError, match="exp: backward through this operation a second time"):
        (a * 3).sum().backward()


def test_third_derivative():
    x = leaf(2.0)
    y = x**4
    for expected in (32.0, 48.0, 48.0, 24.0):
        (y,) = ag.autograd.grad(y.sum(), x, create_graph=True)
        np.testing.assert_allclose(y.item(), expected)


def test_create_graph_through_grad_attribute():
    x = leaf(3.0)
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    x.grad = None
    first.sum().backward()
    assert x.grad.tolist() == [18.0]


def test_without_create_graph_the_result_does_not_record():
    x = leaf(3.0)
    (g,) = ag.autograd.grad((x * x).sum(), x)
    assert not g.requires_grad
    assert g.is_leaf


# ---------------------------------------------------------------------- autograd.grad


def test_grad_leaves_grad_alone():
    x = leaf(1.0)
    ag.autograd.grad((x * x).sum(), [x])
    assert x.grad is None


def test_grad_by_an_intermediate():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = (y * y).sum()
    gy, gx = ag.autograd.grad(z, [y, x])
    assert gy.tolist() == [4.0, 8.0]
    assert gx.tolist() == [8.0, 16.0]


def test_unused_input():
    x, y = leaf(1.0), leaf(1.0)
    with pytest.raises(RuntimeError, match=r"input 1, of shape \(1,\), was not used.*allow_unused=True"):
        ag.autograd.grad((x * 2).sum(), [x, y])
    assert ag.autograd.grad((x * 2).sum(), [x, y], allow_unused=True)[1] is None
    zeros = ag.autograd.grad((x * 2).sum(), [x, y], materialize_grads=True)[1]
    assert zeros.tolist() == [0.0]
    assert zeros.dtype == ag.float64
    with pytest.raises(ValueError, match="materialize_grads"):
        ag.autograd.grad((x * 2).sum(), [x], allow_unused=False, materialize_grads=True)


def test_rules_of_branches_that_lead_nowhere_do_not_run():
    x, y = leaf(1.0), leaf(2.0)
    on_x, x_calls = counting()
    on_y, y_calls = counting()
    ag.autograd.grad((on_x(x) * on_y(y)).sum(), [x])
    assert (len(x_calls), len(y_calls)) == (1, 0)


def test_nothing_behind_the_wanted_node_runs():
    x = leaf(1.0)
    before, before_calls = counting()
    after, after_calls = counting()
    y = before(x)
    ag.autograd.grad(after(y).sum(), [y])
    assert (len(before_calls), len(after_calls)) == (0, 1)


def test_what_grad_did_not_walk_is_not_freed():
    x, y = leaf(1.0), leaf(2.0)
    a, b = x.exp(), y.exp()
    ag.autograd.grad((a + b).sum(), [x])
    b.sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), np.exp([2.0]))


def test_a_rule_runs_once_for_a_shared_node():
    x = leaf(1.0)
    op, calls = counting()
    y = op(x)
    (y * y + y).sum().backward()
    assert len(calls) == 1


def test_backward_inputs():
    x, y = leaf(1.0), leaf(2.0)
    a = x * y
    a.sum().backward(inputs=[x])
    assert x.grad.tolist() == [2.0]
    assert y.grad is None
    b = x * y
    b.exp().sum().backward(inputs=b)  # of an intermediate: its .grad
    np.testing.assert_allclose(b.grad.numpy(), np.exp([2.0]))
    with pytest.raises(RuntimeError, match="inputs= is empty"):
        (x * y).sum().backward(inputs=[])


# ---------------------------------------------------------------------- whose memory a gradient is


def owners(*tensors):
    return [np.shares_memory(a.numpy(), b.numpy()) for k, a in enumerate(tensors) for b in tensors[k + 1 :]]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + y,
        lambda x, y: (x + y) * 1.0,
        lambda x, y: (x + y) * (x.detach() + 1),
        lambda x, y: x - (-y),
        lambda x, y: x.reshape(2, 1) + y.reshape(2, 1),
        lambda x, y: ag.stack([x, y]),
        lambda x, y: x + y + x,
    ],
)
def test_gradients_share_no_memory(function, create_graph):
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    result = function(x, y)
    weight = ag.ones(*result.shape, dtype=ag.float64)
    result.backward(weight, create_graph=create_graph)
    assert not any(owners(x.grad.detach(), y.grad.detach(), weight, x.detach(), y.detach()))
    expected = y.grad.tolist()
    x.grad.detach().zero_()
    assert weight.tolist() == np.ones(tuple(result.shape)).tolist()
    assert y.grad.tolist() == expected
    x.grad = y.grad = None


def test_the_gradient_of_a_root_is_a_copy():
    x, weight = leaf(1.0, 2.0), ag.tensor([3.0, 4.0], dtype=ag.float64)
    x.backward(weight)
    assert not np.shares_memory(x.grad.numpy(), weight.numpy())
    (g,) = ag.autograd.grad(x, x, weight)
    assert not np.shares_memory(g.numpy(), weight.numpy())


def test_two_gradients_of_grad_share_no_memory():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for outcome in (
        ag.autograd.grad((x + y).sum(), [x, y]),
        ag.autograd.grad(x + y, [x, y], ag.ones(2, dtype=ag.float64)),
        ag.autograd.grad(((x + y) * x.detach()).sum(), [x, y]),
        ag.autograd.grad((x + y).exp().sum(), [x, x]),
    ):
        assert not any(owners(*outcome))
        outcome[0].add_(1)  # and each can be written


def test_accumulation_does_not_change_what_was_handed_out():
    x = leaf(1.0, 2.0)
    (g,) = ag.autograd.grad((x * x).sum(), x)
    seen = []
    x.register_hook(lambda g: seen.append((g, g.tolist())))
    for _ in range(3):
        y = x * 2
        (y + y * x).sum().backward()
    assert g.tolist() == [2.0, 4.0]
    for tensor, values in seen:
        assert tensor.tolist() == values


def test_an_accumulated_gradient_is_not_what_the_rules_gave():
    """x + x + ... : partial sums must not be written into arrays that other nodes hold."""
    x, y = leaf(1.0, 1.0), leaf(1.0, 1.0)
    s = x + y
    (s + s + x + y * 2 + s).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    assert y.grad.tolist() == [5.0, 5.0]


def test_a_rule_may_return_what_it_saved():
    """The pass adds to a contribution in place only when nobody else holds it."""

    @primitive(lambda g, x: x)
    def odd(x):
        return x + 0

    x = leaf(1.0, 2.0)
    (odd(x) + odd(x) * 2 + odd(x)).sum().backward()
    assert x.tolist() == [1.0, 2.0]
    assert x.grad.tolist() == [3.0, 6.0]


# ---------------------------------------------------------------------- hooks


def test_hook_on_a_leaf_and_on_an_intermediate():
    x = leaf(1.0, 2.0)
    y = x * 2
    seen = []
    x.register_hook(lambda g: seen.append(("x", g.tolist())))
    y.register_hook(lambda g: seen.append(("y", g.tolist())))
    (y * 3).sum().backward()
    assert seen == [("y", [3.0, 3.0]), ("x", [6.0, 6.0])]


def test_hook_sees_the_whole_gradient_once():
    x = leaf(1.0)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y + y * y).sum().backward()
    assert seen == [[5.0]]


def test_hook_replaces_and_is_removed():
    x = leaf(1.0)
    y = x * 2
    handle = y.register_hook(lambda g: g * 10)
    y.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [20.0]
    handle.remove()
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [22.0]


def test_hooks_run_in_order():
    x = leaf(1.0)
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    x.sum().backward()
    assert x.grad.tolist() == [20.0]


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (lambda g: g.sum(), RuntimeError, r"hook: returned shape \(\), but the gradient is \(2,\)"),
        (lambda g: 3, TypeError, "hook: must return a Tensor or None, got int"),
    ],
)
def test_wrong_answer_of_a_hook(answer, error, message):
    x = leaf(1.0, 2.0)
    x.register_hook(answer)
    with pytest.raises(error, match=message):
        x.sum().backward()
    assert x.grad is None


def test_hook_with_create_graph():
    x = leaf(3.0)
    y = x * x
    y.register_hook(lambda g: g * g)
    (g,) = ag.autograd.grad((y * y).sum(), x, create_graph=True)  # (2y)² · 2x = 8x⁵
    assert g.item() == 8 * 3**5
    # The hook runs in the second pass too: d/dx of 4y² · 2x, with y's part, 8y · 2x, squared.
    assert ag.autograd.grad(g.sum(), x)[0].item() == 8 * 9**2 + (8 * 9 * 2 * 3) ** 2 * 2 * 3


def test_hook_on_a_tensor_without_gradient():
    with pytest.raises(RuntimeError, match="does not require grad"):
        ag.ones(2).register_hook(lambda g: g)


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()
    assert y.retains_grad
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    assert not np.shares_memory(y.grad.numpy(), x.grad.numpy())


def test_retained_gradient_is_what_the_hooks_left():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    y.sum().backward()
    assert y.grad.tolist() == [3.0]


def test_retain_grad_does_not_keep_the_tensor():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    z = y.sum()
    reference = weakref.ref(y)
    del y
    assert reference() is None
    z.backward()
    assert x.grad.tolist() == [2.0]


# ---------------------------------------------------------------------- modes


def test_no_grad():
    x = leaf(1.0)
    with ag.no_grad():
        assert not ag.is_grad_enabled()
        y = x * 2
        with ag.enable_grad():
            z = x * 2
        assert not ag.is_grad_enabled()
    assert ag.is_grad_enabled()
    assert not y.requires_grad
    assert z.requires_grad


def test_modes_end_with_an_exception():
    for mode in (ag.no_grad, ag.inference_mode, lambda: ag.set_grad_enabled(False)):
        with pytest.raises(KeyError), mode():
            raise KeyError
        assert ag.is_grad_enabled()
        assert not ag.is_inference_mode_enabled()


def test_set_grad_enabled():
    x = leaf(1.0)
    with ag.set_grad_enabled(False):
        assert not (x * 2).requires_grad
        with ag.set_grad_enabled(True):
            assert (x * 2).requires_grad
        assert not ag.is_grad_enabled()
    assert ag.is_grad_enabled()
    ag.set_grad_enabled(False)
    try:
        assert not ag.is_grad_enabled()
    finally:
        ag.set_grad_enabled(True)

    @ag.set_grad_enabled(False)
    def double(t):
        return t * 2

    assert ag.is_grad_enabled()
    assert not double(x).requires_grad
    assert ag.is_grad_enabled()


def test_inference_mode():
    x = leaf(1.0)
    with ag.inference_mode():
        assert ag.is_inference_mode_enabled()
        with ag.enable_grad():
            assert not (x * 2).requires_grad
        with ag.set_grad_enabled(True):
            assert not (x * 2).requires_grad
    assert not ag.is_inference_mode_enabled()
    assert (x * 2).requires_grad
    with ag.inference_mode(False):
        assert (x * 2).requires_grad


def test_decorators():
    x = leaf(1.0)

    @ag.no_grad()
    def with_call(t):
        """Doubles."""
        return t * 2

    @ag.no_grad
    def bare(t):
        return t * 2

    @ag.enable_grad()
    def on(t):
        return t * 2

    @ag.inference_mode()
    def inference(t):
        return t * 2

    assert not with_call(x).requires_grad
    assert with_call.__doc__ == "Doubles."
    assert with_call.__name__ == "with_call"
    assert not bare(x).requires_grad
    assert not inference(x).requires_grad
    with ag.no_grad():
        assert on(x).requires_grad
    assert ag.is_grad_enabled()


def test_decorated_function_that_calls_itself():
    @ag.no_grad()
    def down(n):
        assert not ag.is_grad_enabled()
        if n:
            down(n - 1)
            assert not ag.is_grad_enabled()

    down(3)
    assert ag.is_grad_enabled()


def test_one_mode_entered_inside_itself():
    mode = ag.no_grad()
    with mode:
        with mode:
            pass
        assert not ag.is_grad_enabled()
    assert ag.is_grad_enabled()


def test_decorated_generator():
    """Its own code runs in the mode, that of its consumer does not; sent, thrown and returned values pass through."""
    log = []

    @ag.no_grad()
    def steps():
        log.append(ag.is_grad_enabled())
        got = yield 1
        log.append((got, ag.is_grad_enabled()))
        try:
            yield 2
        except KeyError:
            log.append(("caught", ag.is_grad_enabled()))
            yield 3
        try:
            yield 4
        finally:
            log.append(("closed", ag.is_grad_enabled()))
        return None

    generator = steps()
    assert next(generator) == 1
    assert ag.is_grad_enabled()
    assert generator.send("hello") == 2
    assert generator.throw(KeyError()) == 3
    assert next(generator) == 4
    generator.close()
    assert log == [False, ("hello", False), ("caught", False), ("closed", False)]
    assert ag.is_grad_enabled()


def test_modes_are_per_thread():
    seen = {}
    inside, leave = threading.Event(), threading.Event()

    def other():
        seen["at first"] = ag.is_grad_enabled()
        with ag.no_grad():
            inside.set()
            leave.wait(10)

    with ag.inference_mode():
        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(10)
    assert ag.is_grad_enabled()
    leave.set()
    thread.join(10)
    assert seen == {"at first": True}


def test_threads_differentiate_side_by_side():
    w = leaf(2.0)
    results = []

    def work(k):
        x = leaf(float(k))
        for _ in range(200):
            x.grad = None
            (x * w.detach() * x).sum().backward()
        results.append((k, x.grad.item()))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert sorted(results) == [(k, 4.0 * k) for k in range(4)]


# ---------------------------------------------------------------------- how long things live


class Watched(np.ndarray):
    """An array that can be referred to weakly (as every array can), to see it go."""


def arrays_saved_by(node):
    return [weakref.ref(a) for a in node.saved if isinstance(a, np.ndarray)]


def test_saved_arrays_go_during_backward():
    x = ag.randn(100, requires_grad=True)
    h = x * 2
    y = h.exp()
    loss = y.sum()
    saved = arrays_saved_by(y.grad_fn)
    assert saved
    del h, y
    assert all(reference() is not None for reference in saved)
    loss.backward()
    assert all(reference() is None for reference in saved)
    assert loss.grad_fn is not None


def test_retained_graph_keeps_them():
    x = ag.randn(100, requires_grad=True)
    y = (x * 2).exp()
    loss = y.sum()
    saved = arrays_saved_by(y.grad_fn)
    del y
    loss.backward(retain_graph=True)
    assert all(reference() is not None for reference in saved)
    del loss
    assert all(reference() is None for reference in saved)


def without_collector(function):
    """Run with the collector of cycles off; what it then finds is garbage that reference counts did not free."""
    gc.collect()
    gc.disable()
    try:
        function()
        return gc.collect()
    finally:
        gc.enable()


def test_only_what_rules_name_is_saved():
    x, y = leaf(1.0), leaf(2.0)
    assert (x + y).grad_fn.saved == ()
    assert len((x * y).grad_fn.saved) == 2
    assert len((x * y.detach()).grad_fn.saved) == 1
    assert len(x.exp().grad_fn.saved) == 1


def programs():
    def plain():
        x = ag.randn(8, 8, requires_grad=True)
        loss = ((x @ x).tanh() + x).softmax(1).log().sum()
        loss.backward()

    def never_backward():
        x = ag.randn(8, 8, requires_grad=True)
        ((x @ x).tanh() + x).sum()

    def double():
        x = ag.randn(8, requires_grad=True)
        (g,) = ag.autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()

    def views_and_writes():
        x = ag.randn(8, requires_grad=True)
        y = x * 2
        z = y[2:5]
        z.mul_(3)
        y[0] = z.sum()
        y.sum().backward()

    def hooks():
        x = ag.randn(8, requires_grad=True)
        y = x * 2
        y.retain_grad()
        y.register_hook(lambda g: g * 2)
        y.sum().backward()

    def function():
        class Double(ag.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x * 2
                ctx.save_for_backward(x, y)
                return y

            @staticmethod
            def backward(ctx, g):
                x, y = ctx.saved_tensors
                return g * 2

        KEPT.append(Double)  # a class is itself a cycle
        x = ag.randn(8, requires_grad=True)
        Double.apply(x).sum().backward()

    def several_results():
        x = ag.randn(8, 3, requires_grad=True)
        values, indices = x.max(1)
        sum(part.sum() for part in x.unbind(1)).backward()

    return [plain, never_backward, double, views_and_writes, hooks, function, several_results]


KEPT: list[type] = []


@pytest.mark.parametrize("program", programs(), ids=lambda p: p.__name__)
def test_no_reference_cycles(program):
    program()  # what is cached is cached now
    assert without_collector(program) == 0


def test_deleting_the_loss_frees_the_graph():
    x = ag.randn(1000, requires_grad=True)
    gc.disable()
    try:
        y = (x * 2).exp()
        loss = (y * y).sum()
        nodes = [weakref.ref(n) for n in (loss.grad_fn, y.grad_fn)]
        arrays = [weakref.ref(y.array)]
        del y
        assert all(r() is not None for r in nodes + arrays)
        del loss
        assert all(r() is None for r in nodes + arrays)
    finally:
        gc.enable()


def test_intermediate_gradients_are_not_kept():
    """During the pass a node's gradient goes when the node is done."""
    alive = []
    seen = []

    @primitive(lambda g: watch(g))
    def step(x):
        return x * 1

    def watch(g):
        made = g * 1.0
        alive.append(sum(r() is not None for r in seen))
        seen.append(weakref.ref(made))
        return made

    y = x = ag.randn(10, requires_grad=True)
    for _ in range(20):
        y = step(y)
    y.sum().backward()
    assert max(alive) <= 2
    assert x.grad is not None


@pytest.mark.slow
def test_a_million_operations_deep():
    """Forward, backward and letting go, without recursion, in memory linear in the depth."""
    n = 1_000_000
    x = ag.tensor([1.0], dtype=ag.float64, requires_grad=True)
    y = x
    for _ in range(n):
        y = y + 1.0
    assert y.item() == n + 1
    y.backward()
    assert x.grad.item() == 1.0
    reference = weakref.ref(y.grad_fn)
    del y
    assert reference() is None


def test_memory_of_a_node_does_not_grow_with_the_depth():
    def bytes_for(n):
        tracemalloc.start()
        try:
            x = ag.tensor(1.0, requires_grad=True)
            y = x
            for _ in range(n):
                y = y * 1.0
            return tracemalloc.get_traced_memory()[0] / n
        finally:
            tracemalloc.stop()

    bytes_for(100)
    assert bytes_for(40_000) < 1.5 * bytes_for(4_000)


def test_deep_double_backward():
    x = leaf(1.0)
    y = x
    for _ in range(5_000):
        y = y * 1.0 + 0.0 * y * y
    (g,) = ag.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = ag.autograd.grad(g.sum(), x, allow_unused=True)
    assert g.item() == 1.0
    assert h.item() == 0.0


@pytest.mark.slow
def test_training_does_not_grow():
    """Twenty thousand steps, with in-place updates and momentum: as much memory after as early on."""
    w = ag.randn(3, 2, requires_grad=True)
    b = ag.zeros(2, requires_grad=True)
    x, t = ag.randn(4, 3), ag.randn(4, 2)
    velocity = [ag.zeros_like(p) for p in (w, b)]

    def steps(n):
        for _ in range(n):
            loss = ((x @ w + b).tanh() - t).square().mean()
            w.grad = b.grad = None
            loss.backward()
            with ag.no_grad():
                for p, v in zip((w, b), velocity, strict=True):
                    v.mul_(0.9).add_(p.grad)
                    p.sub_(v, alpha=0.01)
        return loss.item()

    start = steps(1)
    tracemalloc.start()
    try:
        steps(500)
        early = tracemalloc.get_traced_memory()[0]
        end = steps(2_000)
        assert tracemalloc.get_traced_memory()[0] - early < 20_000
    finally:
        tracemalloc.stop()
    objects = len(gc.get_objects())
    end = steps(17_500)
    assert len(gc.get_objects()) - objects < 500
    assert end < start


def test_the_log_of_writes_does_not_grow():
    from autograd_core import writes

    before = len(writes._log), len(writes._recorded)
    for _ in range(100):
        a = ag.randn(3, requires_grad=True)
        b = a * 2
        b.mul_(3)
        c = ag.zeros(3)
        c.add_(1)
        b.sum().backward()
        del a, b, c
    assert (len(writes._log), len(writes._recorded)) == before


# ---------------------------------------------------------------------- writes that would make a gradient wrong


def test_overwritten_value_names_both_operations():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y.square()
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"square: a value it saved.*shape \(2,\).*in-place operation add_.*clone\(\)"):
        z.sum().backward()


def test_writing_a_result_that_is_not_needed_is_fine():
    x = leaf(1.0, 2.0)
    y = x + 1
    y.mul_(3)
    z = x / leaf(2.0, 4.0)
    z.add_(1)
    (y.sum() + z.sum()).backward()
    assert x.grad.tolist() == [3.5, 3.25]


def test_write_through_a_view_and_through_numpy_views():
    x = leaf(1.0, 2.0, 3.0)
    for write in (lambda y: y[1:].zero_(), lambda y: y.detach().zero_(), lambda y: y.reshape(3, 1)[0].fill_(2.0)):
        y = x * 2
        z = y * y
        write(y)
        with pytest.raises(RuntimeError, match="mul: a value it saved"):
            z.sum().backward()


def test_write_to_a_leaf():
    x = leaf(1.0, 2.0)
    for write in (lambda: x.add_(1), lambda: x[0:1].mul_(2), lambda: x.zero_(), lambda: x.__setitem__(0, 5.0), lambda: x.copy_(x.detach())):
        with pytest.raises(RuntimeError, match=r"leaf tensor that requires grad cannot be changed in place.*no_grad"):
            write()
    assert x.tolist() == [1.0, 2.0]
    with ag.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 3.0]
    assert x.is_leaf
    assert x.requires_grad


def test_write_to_a_parameter_between_forward_and_backward():
    x = leaf(1.0, 2.0)
    loss = (x * x).sum()
    with ag.no_grad():
        x.mul_(2)
    with pytest.raises(RuntimeError, match="mul: a value it saved"):
        loss.backward()
    assert x.grad is None


def test_a_view_knows_what_its_base_became():
    x, w = leaf(1.0, 2.0, 3.0), leaf(5.0, 6.0)
    y = x * 1
    view = y[:2]
    y[1:].mul_(w)
    assert view.tolist() == [1.0, 10.0]
    (g,) = ag.autograd.grad(view.sum(), w, retain_graph=True)
    assert g.tolist() == [2.0, 0.0]
    view.sum().backward()
    assert x.grad.tolist() == [1.0, 5.0, 0.0]


def test_a_view_that_began_to_record_through_its_base():
    base, w = ag.zeros(3), ag.tensor([1.0, 2.0], requires_grad=True)
    view = base[:1]
    base[:2].add_(w)
    assert view.requires_grad
    assert not view.is_leaf
    with pytest.raises(RuntimeError, match="requires grad"):
        view.numpy()
    view.backward()
    assert w.grad.tolist() == [1.0, 0.0]


def test_views_made_in_no_grad():
    """Nobody could say what writing them means, so that is refused; reading them is not, until their base is rewritten."""
    x = leaf(1.0, 2.0)
    y = x * 1
    with ag.no_grad():
        view = y[:1]
    assert not view.requires_grad
    with pytest.raises(RuntimeError, match="made in no_grad"):
        view.mul_(2)
    assert view.tolist() == [1.0]
    y.mul_(2)
    with pytest.raises(RuntimeError, match="made in no_grad"):
        view * 2
    with ag.no_grad():
        assert (view * 2).tolist() == [4.0]


def test_operations_that_copy_do_copy():
    for function in (
        lambda t: t.flip(0),
        lambda t: t.repeat(1, 1),
        lambda t: t.clone(),
        lambda t: t.roll(0, 0),
        lambda t: t.tril(5),
        lambda t: ag.cat([t]),
        lambda t: t.to(ag.float64, copy=True),
        lambda t: t[[0, 1]],
        lambda t: t.sum_to_size(2, 2),
        lambda t: t.clamp(-9, 9),
        lambda t: t.gather(0, ag.tensor([[0, 1], [1, 0]])),
        lambda t: abs(t),
        lambda t: t.round(),
        lambda t: t + 0,
        lambda t: ag.where(t > 0, t, t),
    ):
        t = ag.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=ag.float64)
        assert not np.shares_memory(function(t).numpy(), t.numpy())


def test_operations_that_look_do_look():
    t = ag.zeros(3, 3, dtype=ag.float64)
    for function in (
        lambda t: t[0],
        lambda t: t[0, 0],
        lambda t: t[:, None],
        lambda t: t.T,
        lambda t: t.mT,
        lambda t: t.reshape(9),
        lambda t: t.view(9),
        lambda t: t.permute(1, 0),
        lambda t: t.diagonal(),
        lambda t: t.unsqueeze(0),
        lambda t: t.squeeze(),
        lambda t: t.narrow(0, 0, 2),
        lambda t: t.split(2)[0],
        lambda t: t.chunk(2)[1],
        lambda t: t.unbind()[2],
        lambda t: t.detach(),
        lambda t: ag.einsum("ij->ji", t),
        lambda t: ag.einsum("ii->i", t),
    ):
        view = function(t)
        assert np.shares_memory(view.numpy(), t.numpy())
        t.zero_()
        view.add_(1)
        assert t.sum().item() == view.numel()


def test_fill_diagonal_by_its_view():
    x = leaf(1.0, 2.0)
    m = ag.zeros(2, 2, dtype=ag.float64)
    m.diagonal().copy_(x)
    (m @ m).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_reshape_of_a_written_view_has_right_second_derivatives():
    """The gradient may lie in memory in another order than the tensor."""
    b = leaf(0.3, -0.7)
    y = ag.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=ag.float64) + b
    y.view(-1).sin_()
    (g,) = ag.autograd.grad((y * y).sum(), b, create_graph=True)
    (h,) = ag.autograd.grad((g * g).sum(), b)
    inner = np.array([[1.0, 2.0], [3.0, 4.0]]) + [0.3, -0.7]
    expected = np.sin(2 * inner).sum(0)
    np.testing.assert_allclose(g.detach().numpy(), expected)
    np.testing.assert_allclose(h.numpy(), 2 * expected * (2 * np.cos(2 * inner)).sum(0))


# ---------------------------------------------------------------------- dtypes in the backward pass


def test_gradients_come_in_their_tensors_dtype():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = ag.tensor([1.0, 2.0], dtype=ag.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype == ag.float32
    assert y.grad.dtype == ag.float64


def test_python_scalars_are_weak():
    x = ag.tensor([1.0], requires_grad=True)
    half = ag.tensor([1.0], dtype=ag.float16, requires_grad=True)
    for t in (x, half):
        y = 2.0 * t + 1 - t / 3 + t**2 + 2**t + np.float64(3.0) * t + np.pi
        assert y.dtype == t.dtype
        y.sum().backward()
        assert t.grad.dtype == t.dtype


def test_number_to_a_power_keeps_its_precision():
    x = ag.tensor([0.3], dtype=ag.float64, requires_grad=True)
    (g,) = ag.autograd.grad((3.0**x).sum(), x, create_graph=True)
    (h,) = ag.autograd.grad(g.sum(), x)
    np.testing.assert_allclose([g.item(), h.item()], [3**0.3 * np.log(3), 3**0.3 * np.log(3) ** 2], rtol=1e-14)


def test_integers_stop_gradients():
    x = leaf(1.5, 2.5)
    assert not x.to(ag.int64).requires_grad
    assert not (x > 2).requires_grad
    assert not x.argmax().requires_grad


def test_a_graph_that_keeps_no_values_can_be_walked_again():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2, 2]


def test_a_large_reduction_hands_back_a_view_that_adds_up_right():
    x = ag.ones(300, 200, dtype=ag.float64, requires_grad=True)  # large enough not to be copied
    (x.mean() + (x.sum(1) * ag.arange(300, dtype=ag.float64)).sum()).backward()
    assert np.allclose(x.grad.numpy(), 1 / 60000 + np.arange(300)[:, None])


def test_gradients_of_parts_are_added_up_in_one_array():
    x = ag.tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    weights = ag.tensor(np.linspace(1, 2, 4))
    parts = [x[0], x[1, 1:3], x[:, 2], x[x > 6], x.narrow(1, 1, 2), *x.chunk(2, 1), *x.unbind(0)]
    loss = sum((p * p).sum() for p in parts) + (x * weights).sum()
    for create_graph in (False, True):
        (gradient,) = ag.autograd.grad(loss, x, create_graph=create_graph, retain_graph=True)
        expected = 2 * x.detach().numpy()
        counts = np.ones((3, 4)) * 2
        counts[0] += 1
        counts[1, 1:3] += 1
        counts[:, 2] += 1
        counts[x.detach().numpy() > 6] += 1
        counts[:, 1:3] += 1
        np.testing.assert_allclose(gradient.detach().numpy(), expected * counts + weights.numpy(), rtol=1e-15)


def test_arguments_may_not_have_the_names_that_rules_use():
    with pytest.raises(TypeError, match="out"):

        @ag.primitive(lambda g, out: g * out)
        def odd(out):
            return out
