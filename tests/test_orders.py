"""Recorded backward passes: which derivative an operation belongs to, where it stands, and how that is drawn."""

from __future__ import annotations

import gc
import sys
import weakref
from collections import Counter

import numpy as np
import pytest

import autograd_core as ag
import nn
import viz
from autograd_core.graph import Backward, ancestors, order_of, pass_around, thread
from autograd_core.utils.checkpoint import checkpoint
from viz.graph.names import Names
from viz.graph.trace import trace


@pytest.fixture(autouse=True)
def seed():
    ag.manual_seed(0)


def described(output):
    """The trace, with the names of the caller's variables."""
    return trace(output, Names(output, None, sys._getframe(1)))


def orders(output):
    """How many operations there are of each order."""
    return Counter(v.order for v in described(output).vertices if v.kind == "operation")


def grad(y, x):
    return ag.autograd.grad(y, x, create_graph=True)[0]


def penalty(critic, real, fake):
    """Of WGAN-GP, on inputs that record."""
    mixed = (0.3 * real + 0.7 * fake).detach().requires_grad_()
    return ((grad(critic(mixed).sum(), mixed).norm(dim=1) - 1) ** 2).mean()


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.body(x))


# ---------------------------------------------------------------------- the order of an operation


def test_a_program_has_order_zero():
    x = ag.tensor(2.0, requires_grad=True)
    assert orders(x**3 + x.sin()) == {0: 3}


def test_a_cube_differentiated_twice_and_three_times():
    x = ag.tensor(2.0, requires_grad=True)
    y = x**3
    first = grad(y, x)
    second = grad(first, x)
    third = grad(second, x)
    assert set(orders(y)) == {0}
    assert set(orders(first)) == {1}  # 3 x²: of the leaf itself
    assert set(orders(second)) == {2}
    assert set(orders(third)) == {3}
    assert float(second.detach()) == 12
    assert set(orders(y + first * second)) == {0, 1, 2}


def test_gradient_penalty():
    critic, real, fake = Critic(), ag.randn(5, 3), ag.randn(5, 3)
    loss = penalty(critic, real, fake)
    found = described(loss)
    count = Counter((v.order, v.operation.split()[0]) for v in found.vertices if v.kind == "operation")
    program = {name: n for (order, name), n in count.items() if order == 0}
    assert program == {"linear": 1, "tanh": 1, "norm": 1, "sub": 1, "square": 1, "mean": 1}
    assert {name for order, name in count if order == 1} == {"matmul", "mul", "sub"}  # g @ w and g · (1 − out²)
    assert {order for order, _ in count} == {0, 1}


def test_a_hessian_vector_product():
    w, v = ag.randn(3, requires_grad=True), ag.randn(3)
    loss = (w**3).sum()
    product = grad((grad(loss, w) * v).sum(), w)
    assert np.allclose(product.detach().numpy(), (6 * w * v).detach().numpy(), rtol=1e-5)
    assert set(orders(product)) == {2}
    with_all = orders(product.sum() + loss)
    assert set(with_all) == {0, 2}


def test_inner_steps_are_all_of_order_one():
    """Each goes back through its own loss only, from weights that the step before made."""
    w = ag.randn(3, requires_grad=True)
    fast = w
    for _ in range(3):
        fast = fast - 0.1 * grad((fast**4).sum(), fast)
    assert set(orders((fast**2).sum())) == {0, 1}


def test_the_gradient_by_a_gradient_is_a_first_derivative():
    x = ag.randn(3, requires_grad=True)
    g = grad((x**3).sum(), x)
    assert {order_of(n.scope) for n in ancestors([grad((g**3).sum(), g).node]) if n.plan is not None} == {1}


def test_an_operation_on_gradients_is_of_the_program():
    x = ag.tensor(2.0, requires_grad=True)
    g = grad(x**3, x)
    assert order_of((g * g).node.scope) == 0


@pytest.mark.parametrize(
    ("run", "depth"),
    [
        pytest.param(lambda: nn.LSTM(3, 4), 1, id="a fused operation's reference"),
        pytest.param(lambda: nn.MultiheadAttention(4, 2), 1, id="attention"),
    ],
)
def test_references_of_fused_operations_stand_in_the_pass(run, depth):
    module = run()
    x = ag.randn(5, 2, 3 if isinstance(module, nn.LSTM) else 4, requires_grad=True)
    out = module(x)[0] if isinstance(module, nn.LSTM) else module(x, x, x, need_weights=False)[0]
    g = grad(out.square().sum(), x)
    kinds = {order_of(n.scope) for n in ancestors([g.node]) if n.plan is not None}
    assert kinds == {0, 1}
    passes = {pass_around(n.scope) for n in ancestors([g.node])} - {None}
    assert len(passes) == 1


def test_a_checkpointed_part():
    layer, x = nn.Linear(3, 3), ag.randn(2, 3, requires_grad=True)
    g = grad(checkpoint(lambda t: layer(t).tanh(), x, use_reentrant=False).square().sum(), x)
    assert {order_of(n.scope) for n in ancestors([g.node]) if n.plan is not None} <= {0, 1}
    assert thread.scope is None


# ---------------------------------------------------------------------- where it stands


def test_a_pass_is_a_call_with_mirrors_of_the_modules():
    critic, real, fake = Critic(), ag.randn(5, 3), ag.randn(5, 3)
    found = described(penalty(critic, real, fake))
    (run,) = [c for c in found.calls if c.kind == "backward"]
    assert (run.parent, run.label, run.path) == (None, "backward pass", "")
    names = {c.id: c for c in found.calls}
    around = lambda c: around(names[c.parent]) if c.parent is not None else c
    inside = {(c.label, c.path) for c in found.calls if c is not run and around(c) is run}
    assert inside == {
        ("critic: Critic", ""),
        ("head: Linear", "head"),
        ("body: Sequential", "body"),
        ("0: Linear", "body.0"),
        ("1: Tanh", "body.1"),
    }
    for v in found.vertices:
        if v.kind == "operation":
            assert v.order == (v.scope is not None and around(names[v.scope]) is run)
    assert {v.operation.split()[0]: names[v.scope].path for v in found.vertices if v.order}["matmul"] in ("head", "body.0")


def test_passes_of_several_orders_are_told_apart():
    x = ag.tensor(2.0, requires_grad=True)
    first = grad(x**4, x)
    second = grad(first, x)
    labels = [c.label for c in described(first * second).calls]
    assert labels == ["backward pass", "backward pass, order 2"]


def test_a_pass_inside_a_module_stands_in_it():
    class Force(nn.Module):
        def __init__(self):
            super().__init__()
            self.energy = nn.Linear(2, 1)

        def forward(self, x):
            return grad(self.energy(x).tanh().sum(), x)

    model = Force()
    found = described(model(ag.randn(3, 2, requires_grad=True)).square().sum())
    named = {c.id: c for c in found.calls}
    (run,) = [c for c in found.calls if c.kind == "backward"]
    assert named[run.parent].label == "model: Force"
    (mirror,) = [c for c in found.calls if c.parent == run.id]
    assert (mirror.label, mirror.path) == ("energy: Linear", "energy")


def test_boundary_gradients_of_a_closed_pass():
    critic, real, fake = Critic().double(), ag.randn(5, 3, dtype=ag.float64), ag.randn(5, 3, dtype=ag.float64)
    loss = penalty(critic, real, fake)
    boxes = viz.draw(loss, collapse=lambda call: call.kind == "backward").drawing.boxes
    (closed,) = [b for b in boxes if b.kind == "closed"]
    assert closed.order == 1
    assert closed.title == "backward pass"


def test_the_drawing_has_the_orders():
    critic, real, fake = Critic(), ag.randn(5, 3), ag.randn(5, 3)
    loss = penalty(critic, real, fake)
    drawing = viz.draw(loss).drawing
    operations = Counter(b.order for b in drawing.boxes if b.kind == "operation")
    assert operations == Counter(v.order for v in described(loss).vertices if v.kind == "operation")
    assert "backward" in {g.kind for g in drawing.groups}


# ---------------------------------------------------------------------- what it costs


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_scope_is_as_before_also_after_an_error(create_graph):
    class Sour(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise ArithmeticError("sour")

    x = ag.randn(3, requires_grad=True)
    ag.autograd.grad((x**2).sum(), x, create_graph=create_graph)
    assert thread.scope is None
    with pytest.raises(ArithmeticError, match="sour"):
        ag.autograd.grad(Sour.apply(x**2).sum(), x, create_graph=create_graph)
    assert thread.scope is None


def test_a_plain_pass_makes_no_scope(monkeypatch):
    made = []
    plain = Backward.__init__
    monkeypatch.setattr(Backward, "__init__", lambda self, *args: (made.append(1), plain(self, *args))[1])
    critic, x = Critic(), ag.randn(5, 3, requires_grad=True)
    critic(x).sum().backward()
    assert made == []
    grad(critic(x).sum(), x)
    assert made == [1]


def test_no_reference_cycle():
    gc.collect()
    gc.disable()
    try:
        critic = Critic()
        loss = penalty(critic, ag.randn(5, 3), ag.randn(5, 3))
        nodes = [weakref.ref(n) for n in ancestors([loss.node]) if n.plan is not None]
        gone = weakref.ref(critic)
        del loss, critic
        assert [n() for n in nodes if n() is not None] == []
        assert gone() is None
    finally:
        gc.enable()


def test_names_of_orders_are_deterministic():
    def once():
        ag.manual_seed(0)
        critic = Critic()
        return viz.draw(penalty(critic, ag.randn(5, 3), ag.randn(5, 3))).to_svg(engine="builtin")

    assert once() == once()
