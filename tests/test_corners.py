"""Corner cases of the engine's core, each as the program in which it once went wrong."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import autograd, graph
from autograd_core.errors import InplaceError
from autograd_core.function import Function
from autograd_core.primitive import primitive
from autograd_core.random import Generator
from nn import Linear, Module


def leaf(*values):
    return ag.tensor(values, requires_grad=True)


def equal(tensor, *values):
    assert tensor is not None
    np.testing.assert_allclose(tensor.numpy(force=True), values, rtol=1e-6)


# ---------------------------------------------------------------------- one leaf for life


def test_turning_requires_grad_off_and_on_keeps_pending_graphs_and_hooks():
    w = leaf(1.0, 2.0)
    w.register_hook(lambda g: g * 10)
    loss = (w * 2).sum()
    w.requires_grad_(False)
    w.requires_grad_(True)
    loss.backward()
    equal(w.grad, 20, 20)
    w.grad = None
    (w * 3).sum().backward()
    equal(w.grad, 30, 30)


def test_detaching_in_place_and_recording_again_keeps_pending_graphs():
    w = leaf(1.0, 2.0)
    loss = (w * 2).sum()
    w.detach_().requires_grad_()
    loss.backward()
    equal(w.grad, 2, 2)


def test_no_gradient_while_requires_grad_is_off():
    w = leaf(1.0, 2.0)
    loss = (w * 2).sum()
    w.requires_grad_(False)
    loss.backward()
    assert w.grad is None


def test_assigning_data_keeps_pending_graphs():
    w = leaf(1.0, 2.0)
    loss = (w * ag.tensor([3.0, 4.0])).sum()
    loss.backward(retain_graph=True)
    w.data -= 0.1 * w.grad
    loss.backward()
    equal(w.grad, 6, 8)


def test_assigning_data_keeps_hooks():
    w = leaf(1.0, 2.0)
    handle = w.register_hook(lambda g: g * 10)
    w.data = w.data - 0.1
    (w * 2).sum().backward()
    equal(w.grad, 20, 20)
    handle.remove()
    w.grad = None
    (w * 2).sum().backward()
    equal(w.grad, 2, 2)


def test_converting_a_module_between_forward_and_backward():
    layer = Linear(2, 1)
    loss = layer(ag.ones(1, 2)).sum()
    layer.double()
    loss.backward()
    equal(layer.weight.grad, [1, 1])
    assert layer.weight.grad.dtype == layer.weight.dtype == np.float64


def test_data_of_another_shape():
    w = leaf(1.0, 2.0)
    w.data = ag.ones(3)
    (w * 2).sum().backward()
    equal(w.grad, 2, 2, 2)


def test_a_leaf_again_after_a_recorded_write():
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    w.requires_grad_(False)
    w.mul_(v)
    w.detach_().requires_grad_()
    (w * 2).sum().backward()
    equal(w.grad, 2, 2)


# ---------------------------------------------------------------------- .grad


def test_a_gradient_that_was_saved_and_then_accumulated_into():
    w, v = leaf(1.0, 2.0), leaf(1.0, 1.0)
    (w * 3).sum().backward()
    product = (w.grad * v).sum()
    (w * 5).sum().backward()
    equal(w.grad, 8, 8)
    with pytest.raises(InplaceError, match="backward"):
        product.backward()


def test_a_view_of_a_gradient_that_was_saved_and_then_accumulated_into():
    w, v = leaf(1.0, 2.0), leaf(1.0)
    (w * 3).sum().backward()
    product = (w.grad[:1] * v).sum()
    (w * 5).sum().backward()
    with pytest.raises(InplaceError):
        product.backward()


def test_a_gradient_that_is_part_of_a_flat_buffer():
    w, v, flat = leaf(1.0, 2.0), leaf(1.0, 1.0, 1.0, 1.0), ag.zeros(4)
    w.grad = flat[1:3]
    product = (flat * v).sum()
    (w * 5).sum().backward()
    equal(flat, 0, 5, 5, 0)
    with pytest.raises(InplaceError):
        product.backward()


def test_a_name_for_the_gradient_sees_what_is_added():
    w = leaf(1.0, 2.0)
    (w * 3).sum().backward()
    g, memory = w.grad, w.grad.numpy()
    (w * 5).sum().backward()
    assert w.grad is g
    equal(g, 8, 8)
    assert memory.tolist() == [8, 8]


def test_usual_accumulation_is_no_write_in_the_log():
    w = leaf(1.0, 2.0)
    (w * 3).sum().backward()
    before = ag.writes.latest
    (w * 3).sum().backward()
    assert ag.writes.latest == before
    equal(w.grad, 6, 6)


def test_threads_share_a_parameter():
    w = ag.zeros(200_000, dtype=ag.float64).requires_grad_()
    workers, passes = 8, 20
    start = threading.Barrier(workers)

    def work():
        start.wait()
        for _ in range(passes):
            w.sum().backward()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(w.grad.numpy()) == {workers * passes}


def test_retain_grad_follows_an_in_place_operation():
    a = leaf(1.0, 2.0)
    x = a * 2
    x.retain_grad()
    x.mul_(3)
    assert x.retains_grad
    x.sum().backward()
    equal(x.grad, 1, 1)
    equal(a.grad, 6, 6)


def test_retain_grad_follows_a_write_through_a_view():
    a = leaf(1.0, 2.0)
    x = a * 2
    x.retain_grad()
    seen = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    x[:1].mul_(3)
    x.sum().backward()
    equal(x.grad, 1, 1)
    assert seen == [[3, 1]]  # a hook stays at the value it was registered for


# ---------------------------------------------------------------------- declaring operations


class Doubled(Function):
    @staticmethod
    def forward(ctx, x):
        x.array[...] *= 2
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 2


def test_mark_dirty_of_a_leaf_that_requires_grad():
    with pytest.raises(RuntimeError, match="Doubled: a leaf tensor that requires grad"):
        Doubled.apply(leaf(1.0, 2.0))
    whole = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="Doubled: a view of a leaf"):
        Doubled.apply(whole[:1])


def test_mark_dirty_without_recording_is_noted():
    x, v = ag.ones(2), leaf(1.0, 1.0)
    product = (x * v).sum()
    Doubled.apply(x)
    with pytest.raises(InplaceError, match="Doubled"):
        product.backward()


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_returns_a_number(create_graph):
    @primitive(lambda g: 0)
    def flat(x):
        return x * 1.0

    with pytest.raises(TypeError, match=r"flat: a rule returned a int \(0\)"):
        flat(leaf(1.0, 2.0)).sum().backward(create_graph=create_graph)


def test_an_attribute_error_of_another_kind_stays_what_it_is():
    @primitive(lambda g: g.nothing)
    def broken(x):
        return x * 1.0

    with pytest.raises(AttributeError, match="nothing"):
        broken(leaf(1.0)).sum().backward()


def test_a_forward_that_returns_a_tuple():
    @primitive(lambda g: g)
    def one(x):
        return x, x

    @primitive(lambda g: g, lambda g: g)
    def two(x, y):
        return x, y

    @primitive(lambda g: g, lambda g: g, lambda g: g)
    def three(x, y, z):
        return x, y, z

    @primitive(lambda g: g)
    def setting(x, *, k=1):
        return x, x

    x = leaf(1.0, 2.0)
    for name, compute in {
        "one": lambda: one(x),
        "two": lambda: two(x, x),
        "three": lambda: three(x, x, x),
        "setting": lambda: setting(x),
    }.items():
        with pytest.raises(TypeError, match=f"{name}: its forward returned a tuple"):
            compute()


def test_three_numbers_give_an_array():
    @primitive(lambda g: g, lambda g: g, lambda g: g)
    def total(x, y, z):
        return x + y + z

    one = ag.tensor(1.0)
    assert type(total(one, one, one).array) is np.ndarray


def test_a_rule_that_asks_for_i_too_late():
    with pytest.raises(TypeError, match="names it right after the gradient"):

        @primitive(lambda g, xs, i: g * xs[i])
        def late(*xs):
            return xs[0]


# ---------------------------------------------------------------------- what is kept alive


class Storing(Module):
    def __init__(self):
        super().__init__()
        self.layer = Linear(2, 2)

    def forward(self, x):
        self.output = self.layer(x)
        return self.output


def gone_without_collector(make):
    """Whether what `make` returns a weak reference to is freed by reference counting alone."""
    gc.collect()
    gc.disable()
    try:
        return make()() is None
    finally:
        gc.enable()


def test_a_module_that_stores_its_output_is_freed():
    def make():
        module = Storing()
        module(ag.ones(1, 2))
        return weakref.ref(module)

    assert gone_without_collector(make)


def test_a_scope_knows_the_kind_of_a_module_that_is_gone():
    module = Storing()
    out = module(ag.ones(1, 2)) * 1
    scope = module.output.grad_fn.scope.parent
    assert scope.owner is module
    assert scope.kind == "Storing"
    del module
    assert scope.owner is None
    assert scope.kind == "Storing"
    assert out.requires_grad


def test_backward_hooks_do_not_keep_the_results():
    module = Linear(2, 2)
    module.register_full_backward_hook(lambda *_: None)

    def make():
        return weakref.ref(module(ag.ones(1, 2, requires_grad=True)))

    assert gone_without_collector(make)


def test_a_view_operation_that_copied_keeps_nothing_alive():
    for copying in (
        lambda t: t[ag.tensor([1, 0, 2])],
        lambda t: t.T.reshape(9),
        lambda t: ag.einsum("ij,jk->ik", t, t),
        lambda t: ag.einsum("ij,jk->ik", np.ones((3, 3), np.float32), t),
    ):
        whole = ag.ones(3, 3)
        out = copying(whole)
        source = weakref.ref(whole)
        del whole
        assert source() is None
        assert out.numel() == 9


def test_a_view_operation_that_looks_into_its_source_stays_a_view():
    for viewing in (
        lambda t: t.reshape(9),
        lambda t: t[1:],
        lambda t: t.T[1],
        lambda t: ag.einsum("ij->ji", t),
        lambda t: t[1].expand(2, 3),
    ):
        whole = leaf(*np.ones((3, 3), np.float32)) * 1
        view = viewing(whole)
        assert view._view is not None
        whole.mul_(leaf(2.0))
        assert (view.sum() * 1).grad_fn is not None  # made again: does not raise


# ---------------------------------------------------------------------- long chains, seeds, signatures


def test_a_long_chain_of_views_is_made_again_from_its_base():
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1
    view = base
    for _ in range(3000):
        view = view[:]
    base.mul_(2)
    (gradient,) = autograd.grad(view.sum(), x)
    equal(gradient, 2, 2, 2)


def test_initial_seed_does_not_start_the_stream_again():
    from autograd_core.random import stream

    generator = Generator()
    drawn = [stream(generator).random() for _ in range(3)]
    seed = generator.initial_seed()
    drawn.append(stream(generator).random())
    again = Generator().manual_seed(seed)
    assert drawn == [stream(again).random() for _ in range(4)]
    assert generator.seed() == generator.initial_seed() != seed


def test_grad_takes_only_inputs():
    x = leaf(1.0, 2.0)
    (gradient,) = autograd.grad((x * x).sum(), x, create_graph=True, retain_graph=True, only_inputs=True)
    equal(gradient, 2, 4)
    with pytest.raises(ValueError, match="only_inputs"):
        autograd.grad((x * x).sum(), x, only_inputs=False)


def test_the_checks_are_where_pytorch_has_them():
    x = ag.tensor([1.0, 2.0], dtype=ag.float64, requires_grad=True)
    assert autograd.gradcheck(lambda t: t * t, (x,))
    assert autograd.gradgradcheck(lambda t: t * t, (x,))
    assert graph.thread.grad


def test_float16_biases_are_summed_in_float32():
    x, b = ag.zeros(5000, 1, dtype=ag.float16), ag.zeros(1, dtype=ag.float16, requires_grad=True)
    (x + b).backward(ag.ones(5000, 1, dtype=ag.float16))  # a sum in float16 stops at 2048
    assert b.grad.item() == 5000


def test_inputs_that_retain_their_gradient_get_it_once():
    x = ag.ones(3, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.sum().backward(inputs=[x, y])
    assert y.grad.tolist() == [1, 1, 1]
    assert x.grad.tolist() == [2, 2, 2]


def test_inputs_named_twice_get_their_gradient_once():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward(inputs=[x, x])
    assert x.grad.tolist() == [2, 4]


def test_results_lie_in_order():
    a, b = ag.ones(2, 3), ag.ones(3, 4)
    assert ag.einsum("ij,jk->ik", a, b).view(-1).shape == (8,)
    assert ag.einsum("bij,bjk->bik", a[None], b[None]).view(1, -1).shape == (1, 8)
    assert ag.einsum("i,i->", a[0], a[1]).shape == ()
    assert ag.softmax(ag.ones(2, 3, 4).transpose(1, 2), -1).view(8, 3).shape == (8, 3)
    assert ag.log_softmax(ag.ones(2, 3, 4).transpose(1, 2), -1).view(8, 3).shape == (8, 3)
    assert ag.cat([a.T, a.T], 0).view(-1).shape == (12,)


def test_gradient_of_maximum_where_one_is_nan():
    x, y = ag.tensor([np.nan, 1.0], requires_grad=True), ag.tensor([0.0, 0.0], requires_grad=True)
    ag.maximum(x, y).sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert y.grad.tolist() == [1, 0]


def test_data_of_another_shape_cannot_take_an_old_gradient():
    x = ag.ones(2, requires_grad=True)
    y = (x * 3).sum()
    x.data = ag.zeros(1)
    with pytest.raises(RuntimeError, match="another shape"):
        y.backward()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2]


def test_retained_gradient_of_a_view_made_again():
    x = ag.ones(2, requires_grad=True)
    y = x * 1
    v = y[0]
    v.retain_grad()
    y.mul_(3)
    (v * v).backward()
    assert v.grad.item() == 6


@pytest.mark.parametrize(
    "call",
    [lambda loss, x: ag.autograd.grad(loss, x), lambda loss, x: loss.backward(inputs=[x])],
    ids=["grad", "backward"],
)
def test_a_leaf_of_another_shape_loses_no_gradient_in_silence(call):
    x = ag.ones(2, requires_grad=True)
    before = (x * 3).sum()
    with ag.no_grad():
        x.unsqueeze_(0)
    with pytest.raises(RuntimeError, match="another shape"):
        call(before + (x * 2).sum(), x)
    assert ag.autograd.grad((x * 2).sum(), x)[0].tolist() == [[2, 2]]


def test_a_view_of_a_leaf_that_is_itself_a_view_is_not_written():
    leaf = ag.arange(4.0).reshape(2, 2).requires_grad_()
    other = ag.zeros(4)[1:].requires_grad_()
    for write in (lambda: leaf[0].zero_(), lambda: other.view(-1).add_(1), lambda: other.view(-1).__setitem__(0, 3.0)):
        with pytest.raises(RuntimeError, match="a view of a leaf tensor that requires grad cannot be changed in place"):
            write()
    assert leaf.is_leaf
    assert leaf.tolist() == [[0, 1], [2, 3]]
    (leaf * leaf).sum().backward()
    assert leaf.grad.tolist() == [[0, 2], [4, 6]]
