"""Lazy modules: tensors without a shape until the first call."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim
from nn.lazy import LazyModuleMixin

KINDS = [
    (lambda: nn.LazyLinear(3), (4, 5), nn.Linear),
    (lambda: nn.LazyLinear(3, bias=False), (5,), nn.Linear),
    (lambda: nn.LazyBatchNorm1d(), (4, 5), nn.BatchNorm1d),
    (lambda: nn.LazyBatchNorm1d(affine=False), (4, 5, 3), nn.BatchNorm1d),
    (lambda: nn.LazyBatchNorm2d(track_running_stats=False), (4, 5, 3, 2), nn.BatchNorm2d),
    (lambda: nn.LazyBatchNorm3d(bias=False), (4, 5, 3, 2, 1), nn.BatchNorm3d),
    (lambda: nn.LazyConv1d(6, 3, padding="same"), (4, 5, 7), nn.Conv1d),
    (lambda: nn.LazyConv2d(6, 3, stride=2, groups=2, bias=False), (4, 7, 7), nn.Conv2d),
    (lambda: nn.LazyConv3d(6, 2, padding=1, padding_mode="circular"), (1, 2, 3, 3, 3), nn.Conv3d),
]


@pytest.mark.parametrize(("make", "shape", "kind"), KINDS)
def test_the_first_call_makes_it_what_it_stands_for(make, shape, kind):
    module = make()
    assert module.has_uninitialized_params() or not module.state_dict()
    parameters = list(module.parameters())
    keys = list(module.state_dict())
    ag.manual_seed(0)
    out = module(ag.randn(*shape))
    assert type(module) is kind
    assert list(module.state_dict()) == keys
    assert all(p is q for p, q in zip(parameters, module.parameters(), strict=True))
    assert all(type(p) is nn.Parameter and p.requires_grad for p in parameters)
    assert all(type(b) is not nn.UninitializedBuffer for b in module.buffers())
    if parameters:
        out.sum().backward()
        assert all(p.grad is not None for p in parameters)


def test_what_is_drawn_is_what_the_module_would_draw():
    ag.manual_seed(0)
    lazy = nn.LazyLinear(3)
    lazy(ag.ones(2, 4))
    ag.manual_seed(0)
    eager = nn.Linear(4, 3)
    assert (lazy.weight == eager.weight).all()
    assert (lazy.bias == eager.bias).all()


def test_a_tensor_without_a_shape_says_what_to_do():
    parameter = nn.LazyLinear(2).weight
    assert repr(parameter) == "<UninitializedParameter>"
    for use in (lambda: parameter + 1, parameter.sum, lambda: parameter[0], lambda: np.sin(parameter), parameter.tolist):
        with pytest.raises(ValueError, match="call the lazy module"):
            use()
    with pytest.raises(RuntimeError, match="has no shape yet"):
        _ = parameter.shape
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert parameter.grad is None


def test_before_the_first_call_it_can_be_converted_frozen_copied_and_pickled():
    module = nn.LazyLinear(2).double().requires_grad_(False)
    for twin in (module, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        twin(ag.ones(3, dtype=ag.float64))
        assert twin.weight.dtype == np.float64
        assert not twin.weight.requires_grad
    assert nn.LazyBatchNorm1d(dtype=ag.float64).half().running_mean.dtype == np.float16


def test_optimizers_may_hold_it_from_the_start():
    module = nn.LazyLinear(1)
    optimizer = optim.SGD(module.parameters(), lr=1.0)
    module(ag.ones(1, 3)).sum().backward()
    before = module.bias.item()
    optimizer.step()
    assert module.bias.item() == pytest.approx(before - 1)


def test_states_give_shapes_and_keep_their_numbers():
    source = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    source[1].running_mean.fill_(5)
    lazy = nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d())
    lazy.load_state_dict(source.state_dict())
    assert isinstance(lazy[0], nn.LazyLinear)
    lazy.eval()
    source.eval()
    x = ag.randn(2, 4)
    assert (lazy(x) == source(x)).all()
    assert lazy[0].in_features == 4
    assert lazy[1].num_features == 3


@pytest.mark.parametrize("settings", [{}, {"affine": False}, {"track_running_stats": False}])
def test_a_loaded_batch_norm_keeps_the_features_of_its_state(settings):
    lazy = nn.LazyBatchNorm1d(**settings)
    lazy.load_state_dict(nn.BatchNorm1d(3, **settings).state_dict())
    with pytest.raises(RuntimeError):
        lazy(ag.ones(2, 4))
    assert lazy.num_features == 3
    assert lazy(ag.ones(2, 3)).shape == (2, 3)


def test_states_without_shapes_do_not_fit_modules_that_have_them():
    with pytest.raises(RuntimeError, match=r"weight has no shape yet in the checkpoint"):
        nn.Linear(1, 1).load_state_dict(nn.LazyLinear(1).state_dict())
    lazy = nn.LazyLinear(1)
    lazy.load_state_dict(nn.LazyLinear(1).state_dict())
    assert lazy.has_uninitialized_params()


def test_a_state_that_does_not_fit_leaves_lazy_modules_lazy():
    lazy = nn.LazyLinear(3)
    with pytest.raises(RuntimeError, match="Missing key"):
        lazy.load_state_dict({"weight": ag.ones(3, 2)})
    assert lazy.has_uninitialized_params()


@pytest.mark.parametrize(
    ("lazy", "shape", "given"),
    [(nn.LazyLinear(3), (2,), (3, 2)), (nn.LazyConv1d(3, 1), (2, 4), (3, 2, 1)), (nn.LazyBatchNorm1d(), (2, 3), (3,))],
)
def test_half_a_state_is_not_drawn_over(lazy, shape, given):
    lazy.load_state_dict({"weight": ag.full(given, 7.0)}, strict=False)
    with pytest.raises(RuntimeError, match="load a whole state"):
        lazy(ag.ones(*shape))
    assert (lazy.weight == 7).all()
    assert lazy.has_uninitialized_params()


@pytest.mark.parametrize("assign", [False, True])
def test_a_state_that_a_hook_does_not_forgive_leaves_lazy_modules_lazy(assign):
    lazy, forgiven = nn.LazyLinear(3, dtype=ag.float64), []
    weight = lazy.weight
    lazy.weight.requires_grad_(False)

    def forgive(module, keys):
        for key in forgiven:
            keys.missing_keys.remove(key)

    lazy.register_load_state_dict_post_hook(forgive)
    with pytest.raises(RuntimeError, match=r"Missing key.*bias"):
        lazy.load_state_dict({"weight": ag.ones(3, 2)}, assign=assign)
    assert lazy.weight is weight
    assert lazy.has_uninitialized_params()
    assert isinstance(weight, nn.UninitializedParameter)
    with pytest.raises(ValueError, match="no values yet"):
        weight + 1
    forgiven += ["bias"]
    lazy.load_state_dict({"weight": ag.ones(3, 2)}, assign=assign)
    assert (lazy.weight is weight) is not assign
    assert lazy.weight.shape == (3, 2)
    assert lazy.weight.dtype == (np.float32 if assign else np.float64)
    assert not lazy.weight.requires_grad
    assert isinstance(lazy.bias, nn.UninitializedParameter)


def test_an_input_that_does_not_fit_leaves_it_lazy():
    lazy = nn.LazyBatchNorm2d()
    with pytest.raises(ValueError, match="4D"):
        lazy(ag.ones(2, 3))
    assert lazy.has_uninitialized_params()
    assert lazy(ag.ones(2, 3, 2, 2)).shape == (2, 3, 2, 2)


def test_channels_that_do_not_fit():
    lazy = nn.LazyConv2d(6, 3, groups=3)
    with pytest.raises(ValueError, match="divisible by groups"):
        lazy(ag.ones(1, 4, 5, 5))
    with pytest.raises(RuntimeError, match="Expected 3D"):
        lazy(ag.ones(4, 4))
    assert lazy.has_uninitialized_params()
    lazy.load_state_dict(nn.Conv2d(6, 6, 3, groups=3).state_dict())
    assert lazy(ag.ones(6, 5, 5)).shape == (6, 3, 3)
    assert lazy.in_channels == 6


def test_lazy_modules_of_the_users_own():
    class Scale(LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.weight.materialize(x.shape[-1:])
            nn.init.ones_(self.weight)

        def forward(self, x):
            return x * self.weight

    module = Scale()
    assert module(ag.ones(2, 3)).shape == (2, 3)
    assert type(module) is Scale
    assert module._hooks is None
    with pytest.raises(RuntimeError):
        module(ag.ones(4))

    class Forgotten(Scale):
        def initialize_parameters(self, x):
            pass

    with pytest.raises(RuntimeError, match="Forgotten has not been fully initialized"):
        Forgotten()(ag.ones(1))

    class Abstract(LazyModuleMixin, nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="initialize_parameters"):
        Abstract()(1)


def test_buffers_without_a_shape():
    buffer = nn.UninitializedBuffer(dtype=ag.float64, persistent=False)
    module = nn.Module()
    module.b = buffer
    assert list(module.state_dict()) == []
    buffer.materialize((2, 3))
    assert type(module.b) is nn.Buffer
    assert module.b.shape == (2, 3)
    assert module.b.dtype == np.float64
    assert not module.b.requires_grad
    frozen = nn.UninitializedParameter(requires_grad=False)
    frozen.requires_grad = True
    frozen.materialize((1,), dtype=ag.float16)
    assert frozen.requires_grad
    assert frozen.dtype == np.float16


def test_a_tensor_without_dimensions_can_be_materialized():
    parameter = nn.UninitializedParameter()
    parameter.materialize(())
    assert parameter.shape == ()
