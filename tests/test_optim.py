"""Optimizers: they lower a loss, go on to the bit after loading, write in place, and refuse what makes no sense."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
import optim
from optim.blocks import BLOCK, SMALL, each

MADE = {
    "SGD": lambda p: optim.SGD(p, lr=0.05),
    "SGD with momentum": lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=0.05),
    "Adam with amsgrad": lambda p: optim.Adam(p, lr=0.05, amsgrad=True, weight_decay=1e-3),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05),
}
every = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


def problem(seed=0):
    """A small model and its loss on fixed data."""
    ag.manual_seed(seed)
    x, y = ag.randn(32, 3), ag.randn(32, 2)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    return model, lambda: nn.functional.mse_loss(model(x), y)


def train(optimizer, loss, steps):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


@every
def test_the_loss_goes_down(make):
    model, loss = problem()
    losses = train(make(model.parameters()), loss, 200)
    assert losses[-1] < 0.75 * losses[0]


@every
def test_updates_are_in_place_and_do_not_record(make):
    model, loss = problem()
    before = [(p, p.array, p.node) for p in model.parameters()]
    train(make(model.parameters()), loss, 2)
    for p, array, node in before:
        assert p.array is array
        assert p.node is node
        assert p.is_leaf


@every
def test_gradients_stay_as_they_are(make):
    model, loss = problem()
    optimizer = make(model.parameters())
    loss().backward()
    before = [p.grad.clone() for p in model.parameters()]
    optimizer.step()
    optimizer.step()
    assert all((p.grad == b).all() for p, b in zip(model.parameters(), before, strict=True))


@every
def test_a_backward_pass_through_updated_weights_is_refused(make):
    model, loss = problem()
    optimizer = make(model.parameters())
    loss().backward()
    value = loss()
    optimizer.step()
    with pytest.raises(RuntimeError, match=f"{type(optimizer).__name__}.step"):
        value.backward()


@every
@pytest.mark.parametrize("through", [lambda d: d, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))], ids=["dict", "copy", "pickle"])
def test_training_goes_on_to_the_bit_after_loading(make, through):
    model, loss = problem()
    optimizer = make(model.parameters())
    train(optimizer, loss, 5)
    saved = through(copy.deepcopy(model.state_dict())), through(optimizer.state_dict())
    other, other_loss = problem()
    other.load_state_dict(saved[0])
    resumed = make(other.parameters())
    resumed.load_state_dict(saved[1])
    assert train(optimizer, loss, 10) == train(resumed, other_loss, 10)
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert (p == q).all()


@every
def test_a_copy_goes_its_own_way(make):
    model, loss = problem()
    optimizer = make(model.parameters())
    train(optimizer, loss, 3)
    both = copy.deepcopy((model, optimizer))
    assert both[1].param_groups[0]["params"][0] is both[0][0].weight
    before = [p.detach().clone() for p in both[0].parameters()]
    train(optimizer, loss, 3)
    assert all((p == b).all() for p, b in zip(both[0].parameters(), before, strict=True))
    restored = pickle.loads(pickle.dumps(optimizer))
    assert restored.state.keys() == set(restored.param_groups[0]["params"]) if optimizer.state else not restored.state


def test_loading_copies_the_state():
    model, loss = problem()
    first = optim.Adam(model.parameters())
    train(first, loss, 2)
    second = optim.Adam(model.parameters())
    second.load_state_dict(first.state_dict())
    weight = model[0].weight
    mean = first.state[weight]["exp_avg"].clone()
    train(second, loss, 3)
    assert (first.state[weight]["exp_avg"] == mean).all()
    assert first.state[weight]["step"].item() == 2
    assert second.state[weight]["step"].item() == 5


def test_loading_takes_over_settings_and_converts_to_the_parameters_dtype():
    p, q = nn.Parameter(ag.ones(2)), nn.Parameter(ag.ones(2, dtype=ag.float64))
    first, second = optim.Adam([p], lr=0.5), optim.Adam([q], lr=0.1)
    p.grad = ag.ones(2)
    first.step()
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["lr"] == 0.5
    assert second.param_groups[0]["params"] == [q]
    assert second.state[q]["exp_avg"].dtype == np.float64
    assert second.state[q]["step"].dtype == np.float32


def test_loading_what_does_not_fit_changes_nothing():
    p = [nn.Parameter(ag.ones(2)) for _ in range(3)]
    optimizer = optim.SGD(p, lr=0.1)
    before = optimizer.state_dict()
    for other in (optim.SGD(p[:2], lr=5), optim.SGD([{"params": p[:2]}, {"params": p[2]}], lr=5)):
        with pytest.raises(ValueError, match="parameter group"):
            optimizer.load_state_dict(other.state_dict())
    assert optimizer.state_dict() == before
    with pytest.raises(KeyError):
        optimizer.load_state_dict({"state": {}})


def test_parameters_without_gradients_are_left_alone():
    p, q = nn.Parameter(ag.ones(2)), nn.Parameter(ag.ones(2))
    optimizer = optim.Adam([p, q], lr=0.1)
    p.grad = ag.ones(2)
    optimizer.step()
    assert q.tolist() == [1, 1]
    assert p.tolist() == pytest.approx([0.9, 0.9])
    assert list(optimizer.state) == [p]


def test_a_step_without_momentum_keeps_no_state():
    p = nn.Parameter(ag.ones(2))
    p.grad = ag.ones(2)
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.step()
    assert optimizer.state_dict()["state"] == {}


def test_gradients_are_dropped_or_zeroed():
    p, q = nn.Parameter(ag.ones(2)), nn.Parameter(ag.ones(2))
    optimizer = optim.SGD([p, q], lr=0.1)
    p.grad = gradient = ag.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is gradient
    assert gradient.tolist() == [0, 0]
    optimizer.zero_grad()
    assert p.grad is None


def test_a_closure_is_called_with_recording_on():
    model, loss = problem()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    with ag.no_grad():
        values = [optimizer.step(closure).item() for _ in range(5)]
    assert values[-1] < values[0]
    assert optimizer.step() is None


def test_hooks_around_a_step():
    p = nn.Parameter(ag.ones(2))
    optimizer, seen = optim.SGD([p], lr=0.1), []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", p[0].item())))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", p[0].item())))
    p.grad = ag.ones(2)
    optimizer.step()
    before.remove()
    optimizer.step()
    pickle.loads(pickle.dumps(optimizer)).step()
    assert [name for name, _ in seen] == ["before", "after", "after"]
    assert [value for _, value in seen] == pytest.approx([1, 0.9, 0.8])


def test_named_parameters_keep_their_names():
    model, _ = problem()
    optimizer = optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == [n for n, _ in model.named_parameters()]
    assert optimizer.state_dict()["param_groups"][0]["param_names"][0] == "0.weight"
    other = optim.SGD(model.named_parameters(), lr=0.2)
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 0.1


def test_a_group_is_not_changed_by_adding_it():
    p = nn.Parameter(ag.ones(1))
    group = {"params": p, "lr": 0.5}
    optimizer = optim.SGD([group], lr=0.1)
    assert group == {"params": p, "lr": 0.5}
    assert optimizer.param_groups[0]["params"] == [p]
    with pytest.warns(UserWarning, match="duplicate"):
        optim.SGD([p, p], lr=0.1)


def test_a_rule_of_ones_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, param, grad, state, lr, **group):
            state["seen"] = state.get("seen", 0) + 1
            param -= lr * np.sign(grad)

    p = nn.Parameter(ag.zeros(2))
    p.grad = ag.tensor([3.0, -0.1])
    optimizer = Signs([p], lr=0.5)
    optimizer.step()
    optimizer.step()
    assert p.tolist() == [-1, 1]
    assert optimizer.state_dict()["state"] == {0: {"seen": 2}}
    base = optim.Optimizer([p], {})
    with pytest.raises(NotImplementedError, match="update"):
        base.step()


def test_choices_of_how_to_compute_make_no_difference():
    results = []
    for settings in ({}, {"foreach": True}, {"fused": True}, {"capturable": True}, {"foreach": False}):
        p = nn.Parameter(ag.ones(3))
        p.grad = ag.arange(3.0)
        optimizer = optim.Adam([p], lr=0.1, **settings)
        optimizer.step()
        results.append(p.tolist())
    assert all(r == results[0] for r in results)
    for make in (optim.SGD, optim.Adam, optim.AdamW):
        with pytest.raises(ValueError, match="differentiable"):
            make([nn.Parameter(ag.ones(1))], differentiable=True)


@every
def test_gradients_that_overflowed_do_not_warn(make):
    p = nn.Parameter(ag.ones(3))
    optimizer = make([p])
    p.grad = ag.tensor([float("nan"), float("inf"), 1e38])
    optimizer.step()
    optimizer.step()
    assert np.isnan(p.detach().numpy()[0])


@every
def test_an_empty_parameter(make):
    p = nn.Parameter(ag.zeros(0, 3))
    p.grad = ag.zeros(0, 3)
    make([p]).step()
    assert p.shape == (0, 3)


# ---------------------------------------------------------------------- blocks


@given(
    shape=st.sampled_from(
        [(), (1,), (0,), (7,), (SMALL // 8 + 1,), (BLOCK // 8,), (BLOCK // 8 + 1,), (3, BLOCK // 8 + 5), (5, 40_000), (2, 3, 4)]
    ),
    order=st.sampled_from(["C", "F", "strided"]),
    kind=st.sampled_from([np.float64, np.complex128]),
    scratch=st.integers(0, 2),
)
def test_every_element_is_in_one_block(shape, order, kind, scratch):
    rng = np.random.default_rng(0)
    base = (
        rng.standard_normal((*shape, 2)).astype(kind)
        if order == "strided"
        else np.asarray(rng.standard_normal(shape).astype(kind), order=order)
    )
    a = base[..., 0] if order == "strided" else base
    g = rng.standard_normal(shape).astype(kind)
    expected = 2 * a + g

    def change(x, y, *spare):
        assert len(spare) == scratch
        assert all(s.shape == x.shape == y.shape and s.dtype == x.dtype for s in spare)
        for s in spare:
            s[...] = 1e9
        np.multiply(x, 2, out=x)
        np.add(x, y, out=x)

    each(change, scratch, a, g)
    np.testing.assert_allclose(a, expected)
    if order == "strided":
        assert base.shape == (*shape, 2)
