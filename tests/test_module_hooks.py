"""Hooks of modules: those of all modules, those around states, and what they leave behind. More of them stands in test_module.py."""

from __future__ import annotations

import copy
import pickle
from collections import namedtuple

import pytest

import autograd_core as ag
import nn
from nn.modules import module as everywhere


class Keeping(nn.Linear):
    """A module that keeps what it computed, and with it the graph."""

    def forward(self, x):
        self.last = super().forward(x)
        return self.last


def noted(m, *rest):
    """A hook that can be pickled."""
    m.seen = [*getattr(m, "seen", []), len(rest)]


# ---------------------------------------------------------------------- of all modules


def test_hooks_of_all_modules_run_before_the_modules_own():
    order = []
    layer = nn.Linear(1, 1)
    layer.register_forward_hook(lambda *_: order.append("own"))
    with everywhere.register_module_forward_hook(lambda m, *_: order.append(type(m).__name__)):
        nn.Sequential(layer, nn.ReLU())(ag.ones(1, 1))
    assert order == ["Linear", "own", "ReLU", "Sequential"]
    layer(ag.ones(1, 1))
    assert order[4:] == ["own"]


def test_without_hooks_of_all_modules_calls_are_as_quick_as_ever():
    assert nn.Module._hooks is None
    handles = [everywhere.register_module_forward_pre_hook(lambda *_: None), everywhere.register_module_full_backward_hook(lambda *_: None)]
    assert nn.ReLU()._hooks is not None
    handles[0].remove()
    handles[0].remove()
    assert nn.ReLU()._hooks is not None
    handles[1].remove()
    assert nn.ReLU()._hooks is None


def test_hooks_of_all_modules_are_no_modules_own():
    with everywhere.register_module_forward_hook(lambda *_: None):
        layer = nn.ReLU()
        handle = layer.register_forward_hook(lambda m, args, out: out + 1)
        twin = copy.deepcopy(nn.ReLU())
    assert layer(ag.zeros(1)).item() == 1
    assert twin(ag.zeros(1)).item() == 0
    assert "_hooks" not in twin.__dict__
    handle.remove()
    assert layer(ag.zeros(1)).item() == 0


def test_hooks_of_all_modules_see_and_change_gradients():
    x = ag.ones(1, requires_grad=True)
    with everywhere.register_module_full_backward_hook(lambda m, gi, go: (gi[0] * 10,)):
        nn.Sequential(nn.Identity(), nn.Identity())(x).backward()
    assert x.grad.tolist() == [1000.0]
    with everywhere.register_module_full_backward_pre_hook(lambda m, go: (go[0] * 2,)):
        (g,) = ag.autograd.grad(nn.Identity()(x), x)
    assert g.tolist() == [2.0]


# ---------------------------------------------------------------------- what they leave behind


@pytest.mark.parametrize("register", ["register_full_backward_hook", "register_full_backward_pre_hook"])
@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda g: g[None], RuntimeError),
        (lambda g: g.sum(), RuntimeError),
        (lambda g: g.double(), RuntimeError),
        (lambda g: g.long(), RuntimeError),
        (lambda g: 3.0, TypeError),
        (lambda g: g.numpy(), TypeError),
    ],
)
def test_backward_hooks_must_return_gradients_of_the_same_kind(register, change, error):
    layer, x = nn.Linear(2, 2), ag.ones(1, 2, requires_grad=True)
    getattr(layer, register)(lambda m, *gradients: (change(gradients[0][0]),))
    with pytest.raises(error, match="Backward"):
        layer(x).sum().backward()
    assert x.grad is None


def test_backward_hooks_keep_the_class_of_named_tuples():
    Pair = namedtuple("Pair", "a b")

    class Both(nn.Module):
        def forward(self, x):
            return Pair(x * 2, x * 3)

    module, x = Both(), ag.ones(2, requires_grad=True)
    module.register_full_backward_hook(lambda *_: None)
    assert type(module(x)) is Pair
    module(x).b.sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_backward_hooks_make_no_cycles(assert_no_cycles):
    def run():
        layer = Keeping(2, 2)
        layer.register_full_backward_hook(lambda m, gi, go: None)
        layer.register_full_backward_pre_hook(lambda m, go: None)
        x = ag.ones(1, 2, requires_grad=True)
        layer(x).sum().backward()

    assert_no_cycles(run)


def test_state_hooks_and_lazy_modules_make_no_cycles(assert_no_cycles):
    def run():
        layer = nn.Sequential(nn.LazyLinear(2), nn.Linear(2, 2))
        layer.register_state_dict_post_hook(lambda *_: None)
        layer.register_load_state_dict_pre_hook(lambda *_: None)
        layer.register_load_state_dict_post_hook(lambda *_: None)
        layer(ag.ones(1, 3))
        layer.load_state_dict(layer.state_dict())

    assert_no_cycles(run)


def test_backward_hooks_of_modules_that_are_gone_still_run():
    def through(x):
        layer = nn.Identity()
        layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
        return layer(x)

    x = ag.ones(1, requires_grad=True)
    through(x).backward()
    assert x.grad.item() == 2


def test_hooks_are_copied_and_pickled():
    layer = nn.Linear(1, 1)
    handle = layer.register_forward_hook(noted)
    layer.register_full_backward_hook(noted)
    layer.register_state_dict_pre_hook(noted)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        twin(ag.ones(1)).sum().backward()
        twin.state_dict()
        assert twin.seen == [2, 2, 2]
    handle.remove()
    layer(ag.ones(1)).sum().backward()
    assert layer.seen == [2]


# ---------------------------------------------------------------------- around states


def test_state_hooks_can_be_removed():
    layer, seen = nn.Linear(1, 1), []
    handles = [
        layer.register_state_dict_pre_hook(lambda *_: seen.append(1)),
        layer.register_state_dict_post_hook(lambda *_: seen.append(2)),
        layer.register_load_state_dict_pre_hook(lambda *_: seen.append(3)),
        layer.register_load_state_dict_post_hook(lambda *_: seen.append(4)),
    ]
    layer.load_state_dict(layer.state_dict())
    for handle in handles:
        handle.remove()
    layer.load_state_dict(layer.state_dict())
    assert seen == [1, 2, 3, 4]


def test_a_loading_hook_does_not_change_the_callers_dictionary():
    layer = nn.Linear(1, 1, bias=False)
    layer.register_load_state_dict_pre_hook(lambda m, state, *_: state.update(weight=state.pop("w")))
    given = {"w": ag.full((1, 1), 7.0)}
    layer.load_state_dict(given)
    assert layer.weight.item() == 7
    assert list(given) == ["w"]


@pytest.mark.parametrize("assign", [False, True])
def test_keys_that_a_hook_does_not_forgive_leave_the_module_as_it_was(assign):
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    before = [(p, p.item()) for p in model.parameters()]
    forgiven = ["0.weight"]
    model.register_load_state_dict_post_hook(lambda m, keys: [keys.missing_keys.remove(k) for k in forgiven] and None)
    with pytest.raises(RuntimeError, match="Unexpected"):
        model.load_state_dict({"1.weight": ag.full((1, 1), 7.0), "more": ag.ones(1)}, assign=assign)
    assert all(p is q and p.item() == value for (p, value), q in zip(before, model.parameters(), strict=True))
    model.load_state_dict({"1.weight": ag.full((1, 1), 7.0)}, assign=assign)
    assert model[1].weight.item() == 7
    assert isinstance(model[1].weight, nn.Parameter)


def test_a_module_that_extends_loading_must_hand_on_the_same_dictionary():
    class Wrong(nn.Linear):
        def _load_from_state_dict(self, state_dict, *rest):
            super()._load_from_state_dict(dict(state_dict), *rest)

    with pytest.raises(TypeError, match="change its keys in place"):
        Wrong(1, 1).load_state_dict(nn.Linear(1, 1).state_dict())


def test_a_state_that_does_not_fit_one_module_changes_none_and_runs_no_hook_after():
    model, seen = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)), []
    model[0].register_load_state_dict_post_hook(lambda *_: seen.append(1))
    state = {k: v + 1 for k, v in model.state_dict().items()}
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state["1.bias"] = ag.ones(3)
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.bias"):
        model.load_state_dict(state, strict=False)
    assert seen == []
    assert all((v == before[k]).all() for k, v in model.state_dict().items())
