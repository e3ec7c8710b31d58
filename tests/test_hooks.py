"""Hooks: on gradients, on nodes, on leaves that have collected a gradient, and on what operations save."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.autograd.graph import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks
from autograd_core.errors import InplaceError, ShapeError
from autograd_core.utils.checkpoint import checkpoint
from tests.table import ROWS


def leaf(*numbers):
    return ag.tensor(list(numbers), dtype=ag.float64, requires_grad=True)


# ---------------------------------------------------------------------- on gradients


def test_a_hook_may_write_its_gradient_without_changing_a_neighbours():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    a = x * 1
    a.register_hook(lambda g: g.mul_(10))
    (a + y).sum().backward()
    assert x.grad.tolist() == [10, 10]
    assert y.grad.tolist() == [1, 1]


def test_a_hook_that_writes_and_returns_nothing():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)

    def hook(g):
        g[0] = 7

    x.register_hook(hook)
    (x + y).sum().backward()
    assert x.grad.tolist() == [7, 1]
    assert y.grad.tolist() == [1, 1]


# ---------------------------------------------------------------------- on leaves that have collected


def test_after_accumulation():
    x = leaf(1.0, 2.0)
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.tolist())))
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    assert seen == [(True, [2, 2]), (True, [5, 5])]
    ag.autograd.grad((x * 2).sum(), x)
    assert len(seen) == 2
    (x * 1).sum().backward(inputs=[x])
    assert seen[-1] == (True, [6, 6])
    handle.remove()
    (x * 2).sum().backward()
    assert len(seen) == 3


def test_an_optimizer_in_the_backward_pass():
    import optim

    ag.manual_seed(0)
    one = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    ag.manual_seed(0)
    two = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    x = ag.randn(5, 3)
    steps = {p: optim.SGD([p], lr=0.1, momentum=0.9) for p in two.parameters()}

    def step(p):
        steps[p].step()
        p.grad = None

    for p in two.parameters():
        p.register_post_accumulate_grad_hook(step)
    together = optim.SGD(one.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        together.zero_grad()
        one(x).square().mean().backward()
        together.step()
        two(x).square().mean().backward()
    for p, q in zip(one.parameters(), two.parameters(), strict=True):
        assert q.grad is None
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_only_for_leaves():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="only for leaf tensors"):
        (x * 2).register_post_accumulate_grad_hook(print)
    with pytest.raises(RuntimeError, match="does not require grad"):
        x.detach().register_post_accumulate_grad_hook(print)


def test_the_gradient_of_a_leaf_with_hooks_is_its_own():
    x, y = leaf(1.0, 2.0), leaf(1.0, 2.0)
    x.register_post_accumulate_grad_hook(lambda t: t.grad.mul_(100))
    (x + y).sum().backward()
    assert y.grad.tolist() == [1, 1]
    assert x.grad.tolist() == [100, 100]


# ---------------------------------------------------------------------- on nodes


def test_around_a_node():
    x, y = leaf(2.0), leaf(3.0)
    z = x * y
    order = []
    z.register_hook(lambda g: order.append(("tensor", g.tolist())))
    pre = z.grad_fn.register_prehook(lambda outputs: order.append(("pre", outputs[0].tolist())) or (outputs[0] * 10,))
    post = z.grad_fn.register_hook(lambda inputs, outputs: order.append(("post", [g.tolist() for g in inputs], outputs[0].tolist())))
    z.sum().backward(retain_graph=True)
    assert order == [("tensor", [1]), ("pre", [1]), ("post", [[30], [20]], [10])]
    assert (x.grad.tolist(), y.grad.tolist()) == ([30], [20])
    pre.remove()
    with post:
        pass
    order.clear()
    z.sum().backward()
    assert order == [("tensor", [1])]
    assert (x.grad.tolist(), y.grad.tolist()) == ([33], [22])


def test_what_a_node_hook_returns_replaces():
    x, y = leaf(2.0), leaf(3.0)
    z = x * y
    z.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 2, None))
    z.backward()
    assert x.grad.tolist() == [6]
    assert y.grad is None


def test_node_hooks_see_gradients_in_the_inputs_shape():
    x, b = ag.ones(3, 2, requires_grad=True), ag.ones(2, requires_grad=True)
    z = x + b
    shapes = []
    z.grad_fn.register_hook(lambda inputs, outputs: shapes.append([tuple(g.shape) for g in (*inputs, *outputs)]))
    z.sum().backward()
    assert shapes == [[(3, 2), (2,), (3, 2)]]


def test_node_hooks_in_a_recorded_pass():
    x = leaf(2.0)
    z = x**3
    z.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 2,))
    (g,) = ag.autograd.grad(z, x, create_graph=True)
    (gg,) = ag.autograd.grad(g, x)
    assert g.tolist() == [24]
    assert gg.tolist() == [24]  # of 2 · 3x²


def test_wrong_answers_of_node_hooks():
    x = leaf(2.0, 3.0)
    for hook, error, text in [
        (lambda inputs, outputs: (inputs[0], inputs[0], None), RuntimeError, "returned 3 gradients, but there are"),
        (lambda inputs, outputs: ag.ones(3), ShapeError, r"returned shape \(3,\), but the gradient is \(2,\)"),
        (lambda inputs, outputs: 3, TypeError, "must return Tensors or None, got a int"),
    ]:
        z = x.exp()
        z.grad_fn.register_hook(hook)
        with pytest.raises(error, match=text):
            z.sum().backward()
    assert x.grad is None


class Two(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, g, h):
        return g * 2 + h * 3


def test_node_hooks_of_a_call_with_several_results():
    x = leaf(1.0, 2.0)
    _, b = Two.apply(x)
    seen = []
    b.grad_fn.register_prehook(lambda outputs: seen.append([None if g is None else g.tolist() for g in outputs]))
    b.grad_fn.register_hook(lambda inputs, outputs: seen.append([g.tolist() for g in inputs]))
    b.sum().backward()
    assert seen == [[None, [1, 1]], [[3, 3]]]


def test_nodes_say_what_they_are():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert y.grad_fn.name() == "MulBackward"
    assert y.grad_fn.next_functions == ((x.node, 0), (None, 0))
    (accumulate, _), _ = y.grad_fn.next_functions
    assert accumulate.name() == "AccumulateGrad"
    assert accumulate.next_functions == ()
    parts = Two.apply(y)
    assert [p.output_nr for p in parts] == [0, 1]
    assert (x.output_nr, y.output_nr) == (0, 0)
    assert parts[1].grad_fn.name() == "TwoBackward"
    assert (parts[1] + 1).grad_fn.next_functions[0][1] == 1
    assert parts[1].grad_fn.next_functions == ((y.grad_fn, 0),)


def test_hooks_make_no_cycles(assert_no_cycles):
    def run():
        x = leaf(1.0, 2.0)
        x.register_post_accumulate_grad_hook(lambda t: None)
        y = x * 2
        y.grad_fn.register_hook(lambda a, b: None)
        y.grad_fn.register_prehook(lambda b: None)
        with saved_tensors_hooks(lambda t: t, lambda t: t):
            loss = y.exp().sum()
        loss.backward()

    assert_no_cycles(run)


# ---------------------------------------------------------------------- on what is saved


class Square(ag.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x * x
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * 2 * x + 0 * y


def programs():
    x, w = leaf(0.3, 0.7, 1.1), ag.tensor(np.arange(9.0).reshape(3, 3) / 10, requires_grad=True)
    target = ag.tensor([1, 0, 2])
    return {
        "primitives": lambda: ((x @ w).tanh() * x).exp().sum(),
        "numbers": lambda: x.sum().exp() * x[0],
        "fused": lambda: nn.functional.cross_entropy(w * x, target),
        "indexing": lambda: (w[target] * x[1:].sum()).sum(),
        "several results": lambda: sum(p.exp() for p in x.unbind(0)),
        "any number of arguments": lambda: ag.cat([x, x * 2]).sin().sum(),
        "function": lambda: Square.apply(x).sum(),
        "out": lambda: (x.exp() * w).softmax(1).sqrt().sum(),
    }, [x, w]


@pytest.mark.parametrize("name", programs()[0])
def test_packing_changes_no_gradient(name):
    made, inputs = programs()
    program = made[name]
    packed = []

    def pack(t):
        packed.append(t)
        assert not t.requires_grad
        return t.numpy().tobytes(), t.shape, t.dtype

    def unpack(p):
        data, shape, dtype = p
        return ag.from_numpy(np.frombuffer(data, dtype).reshape(shape).copy())

    expected = ag.autograd.grad(program(), inputs, allow_unused=True)
    second = [g for g in ag.autograd.grad(program(), inputs, create_graph=True, allow_unused=True) if g is not None and g.requires_grad]
    expected2 = ag.autograd.grad(sum((g**2).sum() for g in second), inputs, allow_unused=True) if second else []
    with saved_tensors_hooks(pack, unpack):
        loss = program()
    assert packed
    found = ag.autograd.grad(loss, inputs, allow_unused=True, retain_graph=True)
    again = ag.autograd.grad(loss, inputs, allow_unused=True, create_graph=True)
    for a, b, c in zip(expected, found, again, strict=True):
        assert (a is None) == (b is None) == (c is None)
        if a is not None:
            np.testing.assert_array_equal(a.numpy(), b.numpy())
            np.testing.assert_allclose(a.numpy(), c.detach().numpy(), rtol=1e-14)
    second = [g for g in again if g is not None and g.requires_grad]
    if expected2:
        for a, b in zip(expected2, ag.autograd.grad(sum((g**2).sum() for g in second), inputs, allow_unused=True), strict=True):
            if a is not None:
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-13)


def test_what_is_packed_is_let_go():
    x = ag.ones(5, requires_grad=True)
    gone = []

    class Box:
        def __init__(self, tensor):
            self.tensor = tensor.clone()
            gone.append(weakref.ref(self))

    with saved_tensors_hooks(Box, lambda box: box.tensor):
        loss = (x * 2).exp().sum()
    assert gone[0]() is not None
    loss.backward()
    assert all(r() is None for r in gone)
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_the_innermost_counts_and_outside_there_are_none():
    x = leaf(1.0)
    seen = []
    outer = saved_tensors_hooks(lambda t: seen.append("outer") or t, lambda t: t)
    inner = saved_tensors_hooks(lambda t: seen.append("inner") or t, lambda t: t)
    with outer:
        x.exp()
        with inner:
            x.exp()
        x.exp()
        with outer:
            x.exp()
    x.exp()
    assert seen == ["outer", "inner", "outer", "outer"]
    with outer, ag.no_grad():
        x.exp()
    assert len(seen) == 4


def test_saving_on_the_cpu():
    x = leaf(1.0)
    with save_on_cpu(pin_memory=True):
        y = x.exp()
    y.backward()
    assert x.grad.item() == y.item()


def test_disabled():
    with disable_saved_tensors_hooks("not here"), pytest.raises(RuntimeError, match="not here"), save_on_cpu():
        pass
    with save_on_cpu(), pytest.raises(RuntimeError, match="nor here"), disable_saved_tensors_hooks("nor here"):
        pass
    with save_on_cpu():
        leaf(1.0).exp()


def test_errors_of_saved_hooks():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="pack hook wrote into the tensor"), saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        (x * 1).exp()
    for unpack, error, text in [
        (lambda p: 3, TypeError, "must return a Tensor, got a int"),
        (lambda p: ag.ones(3, dtype=ag.float64), RuntimeError, r"returned float64 of shape \(3,\)"),
        (lambda p: ag.ones(2), RuntimeError, "returned float32"),
    ]:
        with saved_tensors_hooks(lambda t: None, unpack):
            y = x.exp().sum()
        with pytest.raises(error, match=text):
            y.backward()
    assert x.grad is None


def test_writes_are_still_seen():
    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.exp()
    y.add_(1)
    with pytest.raises(InplaceError, match="exp: a value it saved"):
        y.sum().backward()
    with saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        y = x.exp()
    y.add_(1)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]))


def test_in_place_operations_on_what_they_save():
    seen = []
    for hooks in (saved_tensors_hooks(lambda t: t, lambda t: t), saved_tensors_hooks(lambda t: seen.append(t) or [t], lambda p: p[0])):
        x = leaf(0.3, 0.7)
        with hooks:
            y = x * 1
            y.sin_()
            y[:1].pow_(3)
        y.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.cos([0.3, 0.7]) * [3 * np.sin(0.3) ** 2, 1], rtol=1e-14)
    assert seen


def test_a_checkpoint_inside():
    x, seen = leaf(0.5), []
    with saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        y = checkpoint(lambda t: t.exp().sin(), x)
        assert not seen
        y = y.cos()
        assert len(seen) == 1
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), -np.sin(np.sin(np.exp(0.5))) * np.cos(np.exp(0.5)) * np.exp(0.5))


def test_pictures_of_hooked_graphs():
    x = leaf(1.0, 2.0)
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.exp()
    y.grad_fn.register_hook(lambda a, b: None)
    x.register_post_accumulate_grad_hook(lambda t: None)
    loss = (y * x).sum()
    assert "exp" in str(viz.draw(loss).to_dict())


# ---------------------------------------------------------------------- every operation


def packing(call, inputs):
    with saved_tensors_hooks(lambda t: t.numpy().copy(), ag.from_numpy):
        return call(*inputs)


def watching(call, inputs):
    with ag.autograd.detect_anomaly():
        return call(*inputs)


def in_a_checkpoint(call, inputs):
    return checkpoint(call, *inputs)


def in_nested_checkpoints(call, inputs):
    return checkpoint(lambda *again: checkpoint(call, *again), *inputs)


def weighted(tensors):
    """A real number that depends on every element in its own way."""
    total = 0
    for t in tensors:
        part = t * ag.tensor(np.linspace(0.5, 1.5, t.numel()).reshape(tuple(t.shape)), dtype=t.dtype)
        total = total + (part.abs() if part.is_complex() else part).sum()
    return total


def first_and_second_gradients(row, way):
    arrays = row.arrays(np.random.default_rng(1))
    inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind in "fc") for a in arrays]
    by = [t for t in inputs if t.requires_grad]
    ag.manual_seed(0)
    result = way(row.call, inputs)
    outputs = [t for t in (result if isinstance(result, tuple | list) else [result]) if isinstance(t, ag.Tensor) and t.requires_grad]
    found = ag.autograd.grad(weighted(outputs), by, create_graph=row.orders > 1, materialize_grads=True)
    again = [g for g in found if g.requires_grad]
    if again:
        found += ag.autograd.grad(weighted(again), by, materialize_grads=True)
    return [g.detach().numpy() for g in found]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("way", [packing, watching, in_a_checkpoint, in_nested_checkpoints], ids=lambda f: f.__name__)
def test_every_operation_has_the_same_gradients(way):
    for row in ROWS.values():
        if row.orders:
            plain = first_and_second_gradients(row, lambda call, inputs: call(*inputs))
            for a, b in zip(plain, first_and_second_gradients(row, way), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=row.id)


def test_second_derivative_of_packed_complex_vectors():
    """Their gradients meet in the one call, for only together do they not depend on the vectors' phases."""
    rng = np.random.default_rng(0)
    z = ag.tensor(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)), requires_grad=True)

    def second():
        values, vectors = ag.linalg.eigh(z + z.mH)
        row = vectors[0] * values
        (first,) = ag.autograd.grad((values**3).sum() + (row * row.conj()).real.sum(), z, create_graph=True)
        square = first * first
        return ag.autograd.grad((square.real + square.imag).sum(), z)[0].numpy()

    plain = second()
    with saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
        np.testing.assert_allclose(second(), plain)
