"""Optimizers: they lower a loss, go on to the bit after loading, write in place, and refuse what makes no sense."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
import optim
from optim.blocks import BLOCK, SHARED, SMALL, sweep

MADE = {
    "SGD": lambda p: optim.SGD(p, lr=0.05),
    "SGD with momentum": lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=0.05),
    "Adam with amsgrad": lambda p: optim.Adam(p, lr=0.05, amsgrad=True, weight_decay=1e-3),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
    "RMSprop, centered": lambda p: optim.RMSprop(p, lr=0.005, centered=True, momentum=0.5, weight_decay=1e-3),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=1e-3),
    "Adadelta": lambda p: optim.Adadelta(p),
    "Adamax": lambda p: optim.Adamax(p, lr=0.05),
    "NAdam": lambda p: optim.NAdam(p, lr=0.05),
    "RAdam": lambda p: optim.RAdam(p, lr=0.05),
    "ASGD": lambda p: optim.ASGD(p, lr=0.05, t0=10),
    "Rprop": lambda p: optim.Rprop(p),
    "Adafactor": lambda p: optim.Adafactor(p, lr=0.1),
    "Muon": lambda p: optim.Muon([q for q in p if q.ndim == 2], lr=0.02),
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
def test_no_step_leaves_a_reference_cycle(make, assert_no_cycles):
    def run():
        model, loss = problem()
        train(make(model.parameters()), loss, 2)

    assert_no_cycles(run)


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


def saved_and_loaded(state):
    file = io.BytesIO()
    ag.save(state, file)
    file.seek(0)
    return ag.load(file)


@every
@pytest.mark.parametrize(
    "through",
    [lambda d: d, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d)), saved_and_loaded],
    ids=["dict", "copy", "pickle", "file"],
)
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


ALIKE = [{"Adam", "Adam with amsgrad", "AdamW", "RAdam"}]  # what one of these keeps, the other keeps as well


@pytest.mark.parametrize("source", MADE)
def test_the_state_of_another_kind_of_optimizer_is_refused(source):
    model, loss = problem()
    params = [model[0].weight, model[2].weight]
    first = MADE[source](params)
    train(first, loss, 2)
    state = first.state_dict()
    for target, make in MADE.items():
        second = make(params)
        if type(second) is type(first) or any({source, target} <= names for names in ALIKE):
            continue
        before = copy.deepcopy(second.state_dict())
        with pytest.raises(ValueError, match="another optimizer"):
            second.load_state_dict(state)
        assert repr(second.state_dict()) == repr(before)


@every
def test_the_state_of_other_parameters_is_refused(make):
    p, q = nn.Parameter(ag.ones(2, 3)), nn.Parameter(ag.ones(3, 4))
    first, second = make([p]), make([q])
    p.grad = ag.ones(2, 3)
    first.step()
    if not first.state:
        return second.load_state_dict(first.state_dict())  # nothing to go wrong
    before = copy.deepcopy(second.state_dict())
    with pytest.raises(ValueError, match="shape"):
        second.load_state_dict(first.state_dict())
    assert repr(second.state_dict()) == repr(before)
    broken = first.state_dict()
    broken["state"][0] = dict(list(broken["state"][0].items())[1:])
    if first.always:
        with pytest.raises(ValueError, match="another optimizer"):
            make([p]).load_state_dict(broken)


def test_the_state_of_complex_parameters_is_refused_by_real_ones():
    p, q = nn.Parameter(ag.ones(2, dtype=ag.complex64)), nn.Parameter(ag.ones(2))
    first = optim.Adam([p])
    p.grad = ag.ones(2, dtype=ag.complex64)
    first.step()
    with pytest.raises(ValueError, match="complex"):
        optim.Adam([q]).load_state_dict(first.state_dict())


def test_the_state_of_real_parameters_is_refused_by_complex_ones():
    p, q = nn.Parameter(ag.ones(2)), nn.Parameter(ag.ones(2, dtype=ag.complex64))
    first = optim.Adam([p])
    p.grad = ag.ones(2)
    first.step()
    with pytest.raises(ValueError, match="complex"):
        optim.Adam([q]).load_state_dict(first.state_dict())


@every
def test_the_arrays_of_another_library_are_refused(make):
    p = nn.Parameter(ag.ones(2, 2))
    first = make([p])
    p.grad = ag.ones(2, 2)
    first.step()
    saved = first.state_dict()
    saved["state"] = {k: {name: value.numpy() for name, value in entries.items()} for k, entries in saved["state"].items()}
    second = make([p])
    before = repr(second.state_dict())
    if set(first.state[p]) - set(first.numbers):
        with pytest.raises(TypeError, match="ndarray"):
            second.load_state_dict(saved)
    assert repr(second.state_dict()) == before


def test_steps_saved_as_plain_numbers_load():
    p = nn.Parameter(ag.ones(2))
    first, second = optim.NAdam([p]), optim.NAdam([p])
    p.grad = ag.ones(2)
    first.step()
    state = first.state_dict()
    state["state"][0] = {k: v.item() if k in first.numbers else v for k, v in state["state"][0].items()}
    second.load_state_dict(state)
    second.step()
    assert second.state[p]["step"].item() == 2
    assert second.state[p]["mu_product"].dtype == np.float32


def test_states_saved_before_a_setting_existed_load():
    p = nn.Parameter(ag.ones(2))
    optimizer = optim.Adam([p], lr=0.1, amsgrad=True)
    state = optim.Adam([p], lr=0.5).state_dict()
    for name in ("maximize", "foreach", "fused", "capturable", "differentiable", "decoupled_weight_decay", "amsgrad"):
        del state["param_groups"][0][name]
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["amsgrad"] is True


def test_adamw_stays_adamw_with_the_state_of_adam():
    p, q = nn.Parameter(ag.ones(2)), nn.Parameter(ag.ones(2))
    first, second = optim.Adam([p]), optim.AdamW([q])
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["decoupled_weight_decay"] is True
    first.load_state_dict(second.state_dict())
    assert first.param_groups[0]["decoupled_weight_decay"] is True  # what was saved says so


class Later(optim.SGD):
    """A setting came later than the first saved states."""

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("later", 1)


THROUGH = {
    "copy": copy.deepcopy,
    "pickle": lambda o: pickle.loads(pickle.dumps(o)),
    "load": lambda o: o.load_state_dict(o.state_dict()) or o,
}


@pytest.mark.parametrize("through", THROUGH.values(), ids=THROUGH)
def test_a_subclass_may_add_settings_to_older_states(through):
    assert through(Later([nn.Parameter(ag.ones(2))])).param_groups[0]["later"] == 1


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


def test_a_hook_before_a_step_sees_and_replaces_its_arguments():
    p = nn.Parameter(ag.ones(2))
    optimizer, seen = optim.SGD([p], lr=0.1), []

    def hook(o, args, kwargs):
        seen.append((args, kwargs))
        return (o, lambda: 5.0), {}

    with optimizer.register_step_pre_hook(hook):
        assert optimizer.step() == 5.0
        assert optimizer.step(closure=None) == 5.0
    assert seen == [((optimizer,), {}), ((optimizer,), {"closure": None})]
    assert optimizer.step() is None
    with optimizer.register_step_pre_hook(lambda *_: 3), pytest.raises(RuntimeError, match="pair"):
        optimizer.step()


def test_hooks_of_all_optimizers():
    seen = []
    first, second = (optim.SGD([nn.Parameter(ag.ones(2))], lr=0.1) for _ in range(2))
    with (
        optim.optimizer.register_optimizer_step_pre_hook(lambda o, *_: seen.append((o, "before all"))),
        optim.optimizer.register_optimizer_step_post_hook(lambda o, *_: seen.append((o, "after all"))),
    ):
        first.register_step_pre_hook(lambda o, *_: seen.append((o, "before")))
        first.register_step_post_hook(lambda o, *_: seen.append((o, "after")))
        first.step()
        second.step()
    first.step()
    names = ["before all", "before", "after", "after all"]
    assert seen == [(first, n) for n in names] + [(second, "before all"), (second, "after all"), (first, "before"), (first, "after")]


def test_hooks_run_around_the_step_of_a_subclass():
    class Still(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {})

        def step(self, closure=None):
            return "still"

    optimizer, seen = Still([nn.Parameter(ag.ones(2))]), []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    assert optimizer.step() == "still"
    assert seen == [1]


def test_an_optimizer_around_another():
    """It has no parameters of its own, so it does not call the base's constructor."""

    class Around(optim.Optimizer):
        def __init__(self, inner):
            self.inner = inner

        @property
        def param_groups(self):
            return self.inner.param_groups

        def step(self, closure=None):
            return self.inner.step(closure)

    p = nn.Parameter(ag.ones(2))
    optimizer = Around(optim.SGD([p], lr=0.5))
    p.grad = ag.ones(2)
    schedule, seen = optim.lr_scheduler.ExponentialLR(optimizer, 0.5), []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    optimizer.step()
    schedule.step()
    optimizer.step()
    assert p.tolist() == [0.25, 0.25]
    assert seen == [1, 1]


def test_hooks_run_once_around_a_step_that_calls_its_parents():
    class Counted(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    optimizer, seen = Counted([nn.Parameter(ag.ones(2))], lr=0.1), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    optimizer.step()

    def failing():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        optimizer.step(failing)
    optimizer.step()
    assert seen == ["before", "after", "before", "before", "after"]


def test_hooks_around_saving_and_loading():
    p = nn.Parameter(ag.ones(2))
    optimizer, seen = optim.SGD([p], lr=0.1), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
    added = optimizer.register_state_dict_post_hook(lambda o, state: {**state, "more": 1})
    optimizer.register_state_dict_post_hook(lambda o, state: state.update(here=2))
    state = optimizer.state_dict()
    assert seen == ["first", "second"]
    assert state["more"] == 1
    assert state["here"] == 2
    added.remove()
    assert "more" not in optimizer.state_dict()

    def slower(o, state):
        groups = [{**group, "lr": group["lr"] / 2} for group in state["param_groups"]]
        return {**state, "param_groups": groups}

    optimizer.register_load_state_dict_pre_hook(slower)
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(state)
    assert seen[-1] == 0.05
    assert state["param_groups"][0]["lr"] == 0.1


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
    for name in "SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam ASGD Rprop".split():
        with pytest.raises(ValueError, match="differentiable"):
            getattr(optim, name)([nn.Parameter(ag.ones(1))], differentiable=True)


def test_numbers_of_the_state_are_of_the_default_dtype():
    for dtype in (np.float32, np.float64):
        ag.set_default_dtype(dtype)
        try:
            p = nn.Parameter(ag.ones(2, dtype=ag.float32))
            p.grad = ag.ones(2, dtype=ag.float32)
            for make in (optim.Adam, optim.NAdam, optim.ASGD, optim.Adafactor):
                optimizer = make([p])
                optimizer.step()
                assert all(optimizer.state[p][name].dtype == dtype for name in optimizer.numbers)
                assert p.dtype == np.float32
        finally:
            ag.set_default_dtype(np.float32)


@every
def test_gradients_that_overflowed_do_not_warn(make):
    p = nn.Parameter(ag.ones(3, 1))
    optimizer = make([p])
    p.grad = ag.tensor([[float("nan")], [float("inf")], [1e38]])
    optimizer.step()
    optimizer.step()
    if isinstance(optimizer, optim.Rprop):  # which looks at signs only
        assert p.flatten().tolist() == pytest.approx([1, 1 - 0.01 - 0.012, 1 - 0.01 - 0.012])
    else:
        assert np.isnan(p.detach().numpy()[0])


@every
def test_a_learning_rate_of_several_numbers_is_refused_before_any_parameter_is_changed(make):
    p, q = nn.Parameter(ag.ones(2, 2)), nn.Parameter(ag.ones(2, 2))
    optimizer = make([p])
    optimizer.add_param_group({"params": [q], "lr": ag.ones(2)})
    p.grad = q.grad = ag.ones(2, 2)
    with pytest.raises(RuntimeError, match="one element"):
        optimizer.step()
    assert (p == 1).all()


def test_what_an_update_wrote_before_it_failed_is_known():
    class Failing(optim.Optimizer):
        def update(self, param, grad, state, **group):
            param -= grad
            raise ZeroDivisionError

    p = nn.Parameter(ag.ones(2))
    loss = (p * p).sum()
    p.grad = ag.ones(2)
    with pytest.raises(ZeroDivisionError):
        Failing([p], {}).step()
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


@every
def test_parameters_whose_elements_share_memory_are_refused_before_any_is_changed(make):
    p, q = nn.Parameter(ag.ones(2, 2)), nn.Parameter(ag.ones(1, 1).expand(3, 2))
    optimizer = make([p, q])
    p.grad, q.grad = ag.ones(2, 2), ag.ones(3, 2)
    before = repr(optimizer.state_dict())
    with pytest.raises(RuntimeError, match="share memory"):
        optimizer.step()
    assert (p == 1).all()
    assert repr(optimizer.state_dict()) == before


@pytest.mark.parametrize("make", [lambda p: optim.Adafactor(p, lr=0.1), lambda p: optim.Muon(p, lr=0.1)], ids=["Adafactor", "Muon"])
def test_norms_of_many_float16_numbers_do_not_overflow(make, rng):
    start, gradient = rng.standard_normal((4, 25_000)), 10 * rng.standard_normal((4, 25_000))
    steps = []
    for dtype in (np.float16, np.float64):
        p = nn.Parameter(ag.tensor(start.astype(dtype)))
        p.grad = ag.tensor(gradient.astype(dtype))
        make([p]).step()
        steps.append(p.detach().numpy() - start.astype(dtype))
    np.testing.assert_allclose(steps[0], steps[1], atol=0.01)
    assert np.abs(steps[1]).max() > 0.01


def test_a_mean_that_forgets_at_once_is_the_last_gradient():
    p = nn.Parameter(ag.ones(2))
    for make, name in (
        (lambda p: optim.Adam(p, betas=(0.0, 0.9)), "exp_avg"),
        (lambda p: optim.RMSprop(p, alpha=0.0, centered=True), "grad_avg"),
    ):
        optimizer = make([p])
        for gradient in ([1e12, -3e5], [0.1, 0.7]):
            p.grad = ag.tensor(gradient)
            optimizer.step()
        assert (optimizer.state[p][name] == p.grad).all()
        assert np.isfinite(p.detach().numpy()).all()


def test_a_group_may_hold_tensors_of_its_own():
    p, mask = nn.Parameter(ag.ones(2)), ag.tensor([1.0, 0.0])
    p.grad = ag.ones(2)
    optimizer = optim.SGD([{"params": [p], "mask": mask}], lr=ag.tensor(0.5))
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    assert optimizer.param_groups[0]["mask"] is mask


@every
@pytest.mark.parametrize("name", ["self", "dtype", "numbers", "param", "grad", "state"])
def test_what_a_group_holds_besides_may_be_called_anything(make, name):
    p = nn.Parameter(ag.ones(2, 2))
    optimizer = make([p])
    optimizer.param_groups[0][name] = "mine"
    p.grad = ag.ones(2, 2)
    optimizer.step()
    assert (p != 1).all()


def test_a_learning_rate_that_requires_grad():
    p = nn.Parameter(ag.ones(2))
    p.grad = ag.ones(2)
    optim.SGD([p], lr=ag.tensor(0.5, requires_grad=True)).step()
    assert p.tolist() == [0.5, 0.5]


@every
def test_an_empty_parameter(make):
    p = nn.Parameter(ag.zeros(0, 3))
    p.grad = ag.zeros(0, 3)
    make([p]).step()
    assert p.shape == (0, 3)


# ---------------------------------------------------------------------- blocks

SHAPES = [(), (1,), (0,), (7,), (SMALL // 8 + 1,), (BLOCK // 8,), (BLOCK // 8 + 1,), (3, BLOCK // 8 + 5), (5, 40_000), (2, 3, 4)]


def laid_out(array, order):
    """The array, and what owns its memory, where elements lie in this order."""
    if order == "strided":
        owner = np.stack([array, array], -1)
        return owner[..., 0], owner
    owner = np.asarray(array, order=order).copy(order=order)
    return owner, owner


@given(
    shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4),
    order=st.sampled_from(["C", "F", "strided"]),
    kind=st.sampled_from([np.float64, np.complex128]),
    spare=st.integers(0, 2),
)
def test_every_element_is_in_one_call(shapes, order, kind, spare):
    rng = np.random.default_rng(0)
    members, expected = [], []
    for shape in shapes:
        a, g, s = (np.asarray(rng.standard_normal(shape)).astype(kind) for _ in range(3))
        members.append((laid_out(a, order)[0], g, laid_out(s, order)[0]))
        expected.append((2 * a + g, g.copy(), s - g))

    def change(x, y, z, *others):
        assert len(others) == spare
        assert all(o.shape == x.shape == y.shape == z.shape and o.dtype == x.dtype for o in others)
        for o in others:
            o[...] = 1e9
        np.multiply(x, 2, out=x)
        np.add(x, y, out=x)
        np.subtract(z, y, out=z)

    sweep(change, spare, members)
    for arrays, wanted in zip(members, expected, strict=True):
        for a, w in zip(arrays, wanted, strict=True):
            np.testing.assert_allclose(a, w)


def test_members_that_share_memory_are_changed_one_after_the_other():
    a, g = np.ones(SHARED // 8), np.ones(SHARED // 8)
    order = []

    def change(x, y):
        order.append(x.__array_interface__["data"][0])
        np.add(x, y, out=x)

    sweep(change, 0, [(a, g), (a, g)])
    assert (a == 3).all()
    half = len(order) // 2
    assert order[:half] == order[half:] == sorted(order[:half])


def test_what_goes_wrong_in_a_block_is_raised():
    def change(x, y):
        raise FloatingPointError("here")

    a = np.ones(SHARED // 4)
    with pytest.raises(FloatingPointError, match="here"):
        sweep(change, 0, [(a, a.copy())])


def test_a_parameter_that_stands_twice_in_a_group_is_updated_twice():
    for make in MADE.values():
        p, q = nn.Parameter(ag.ones(2, 2)), nn.Parameter(ag.ones(2, 2))
        with pytest.warns(UserWarning, match="duplicate"):
            twice = make([p, p])
        once = make([q])
        p.grad = q.grad = ag.tensor([[1.0, -2.0], [0.5, 3.0]])
        twice.step()
        once.step()
        once.step()
        assert (p == q).all()
        assert all((twice.state[p][name] == value).all() for name, value in once.state[q].items())


@every
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_parameters_and_state_keep_their_dtype(make, dtype):
    p = nn.Parameter(ag.ones(2, 3, dtype=dtype))
    optimizer = make([p])
    for k in range(3):
        p.grad = ag.full((2, 3), k - 0.5, dtype=dtype)
        optimizer.step()
    assert p.dtype == dtype
    assert np.isfinite(p.detach().numpy()).all()
    kept = {name: value.dtype for name, value in optimizer.state[p].items() if name not in optimizer.numbers}
    assert set(kept.values()) <= {np.dtype(dtype)}
