"""Parametrizations: derivatives, properties of the three kinds, copies, caching, errors that change nothing."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.check import gradcheck, gradgradcheck
from nn.utils import parametrizations as kinds
from nn.utils import parametrize


class Symmetric(nn.Module):
    calls = 0

    def forward(self, x):
        Symmetric.calls += 1
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


def symmetric():
    return parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())


KINDS = [
    (kinds.weight_norm, {}),
    (kinds.weight_norm, {"dim": 1}),
    (kinds.weight_norm, {"dim": None}),
    (kinds.spectral_norm, {}),
    (kinds.orthogonal, {"orthogonal_map": "matrix_exp"}),
    (kinds.orthogonal, {"orthogonal_map": "cayley"}),
    (kinds.orthogonal, {"orthogonal_map": "householder"}),
    (kinds.orthogonal, {"orthogonal_map": "householder", "use_trivialization": False}),
]


@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (3, 2)])
@pytest.mark.parametrize(("kind", "settings"), KINDS)
def test_derivatives_of_first_and_second_order(kind, settings, shape):
    ag.manual_seed(0)
    layer = kind(nn.Linear(*shape).double(), **settings).eval()
    originals = [p for n, p in layer.named_parameters() if "original" in n]
    names = [n for n, _ in layer.named_parameters() if "original" in n]
    if kind is kinds.orthogonal:  # away from the identity, and from where the signs on the diagonal change
        for p in originals:
            p.data = p.data + 0.1 * ag.randn(*p.shape, dtype=ag.float64)
            p.data.diagonal().copy_(1.5 * p.data.diagonal().sign())

    def weight(*values):
        return ag.func.functional_call(layer, dict(zip(names, values, strict=True)), (ag.eye(layer.in_features, dtype=ag.float64),))

    gradcheck(weight, originals)
    gradgradcheck(weight, originals)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("name", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_weights_stay_so_in_training(name, shape):
    ag.manual_seed(0)
    layer = kinds.orthogonal(nn.Linear(*shape).double(), orthogonal_map=name)
    for _ in range(3):
        layer(ag.ones(2, shape[0], dtype=ag.float64)).square().sum().backward()
        for p in layer.parameters():
            p.data = p.data - 0.1 * p.grad
            p.grad = None
        w = layer.weight.detach().numpy()
        product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


def test_complex_weights_can_be_unitary():
    layer = nn.Module()
    layer.weight = nn.Parameter(ag.randn(3, 3, dtype=ag.complex128))
    for name in ("matrix_exp", "cayley"):
        w = kinds.orthogonal(copy.deepcopy(layer), orthogonal_map=name).weight.detach().numpy()
        np.testing.assert_allclose(w @ w.conj().T, np.eye(3), atol=1e-12)
    with pytest.raises(ValueError, match="complex"):
        kinds.orthogonal(layer, orthogonal_map="householder")


def test_spectral_norm_divides_by_the_largest_singular_value():
    ag.manual_seed(0)
    layer = nn.Linear(6, 4).double()
    expected = layer.weight.detach().numpy() / np.linalg.norm(layer.weight.detach().numpy(), 2)
    kinds.spectral_norm(layer)
    for _ in range(200):
        found = layer.weight
    np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9)
    layer.eval()
    u = layer.parametrizations.weight[0]._u.clone()
    assert (layer.weight == layer.weight).all()
    assert (layer.parametrizations.weight[0]._u == u).all()
    kinds.spectral_norm(layer, "bias")
    assert layer.bias.norm().item() == pytest.approx(1)


def test_two_reads_in_training_are_each_differentiated_with_their_own_vectors():
    ag.manual_seed(0)
    layer = kinds.spectral_norm(nn.Linear(3, 3).double())
    (layer.weight.sum() + layer.weight.sum()).backward()
    assert layer.parametrizations.weight.original.grad.isfinite().all()


@given(dim=st.integers(0, 3), shape=st.lists(st.integers(1, 4), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_weight_norm_keeps_the_weight_and_its_lengths(dim, shape, seed):
    values = np.random.default_rng(seed).standard_normal(shape)
    module = nn.Module()
    module.weight = nn.Parameter(ag.tensor(values))
    kinds.weight_norm(module, dim=dim)
    np.testing.assert_allclose(module.weight.detach().numpy(), values, 1e-12)
    lengths = module.parametrizations.weight.original0
    assert lengths.shape == tuple(n if k == dim else 1 for k, n in enumerate(shape))
    np.testing.assert_allclose(lengths.detach().numpy().ravel(), np.sqrt((np.moveaxis(values, dim, 0).reshape(shape[dim], -1) ** 2).sum(1)))


# ---------------------------------------------------------------------- reading, assigning, removing


def test_a_parametrized_module_is_of_a_class_derived_from_its_own():
    layer = symmetric()
    assert isinstance(layer, nn.Linear)
    assert type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert type(symmetric()) is type(layer)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert (layer.weight == layer.weight.mT).all()
    with pytest.raises(AttributeError):
        del layer.weight


def test_optimizers_go_on_with_the_same_parameter():
    layer = nn.Linear(3, 3)
    weight = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.parametrizations.weight.original is weight
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight
    assert type(layer) is nn.Linear
    assert weight.requires_grad
    assert weight.is_leaf


def test_copies_do_not_share_anything_but_their_class():
    layer = symmetric()
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert (twin.weight == layer.weight).all()
        parametrize.remove_parametrizations(twin, "weight")
        assert not parametrize.is_parametrized(twin)
        assert parametrize.is_parametrized(layer, "weight")
        twin.weight.data.zero_()
        assert not (layer.weight == 0).all()


def test_values_are_computed_once_while_cached():
    layer = symmetric()
    Symmetric.calls = 0
    with parametrize.cached():
        first = layer.weight
        with parametrize.cached():
            assert layer.weight is first
        assert layer.weight is first
    assert Symmetric.calls == 1
    assert layer.weight is not first
    assert Symmetric.calls == 2


def test_two_tensors_of_one_module():
    layer = symmetric()
    kinds.weight_norm(layer, "bias")
    assert parametrize.is_parametrized(layer, "bias")
    parametrize.remove_parametrizations(layer, "weight")
    assert parametrize.is_parametrized(layer)
    assert not parametrize.is_parametrized(layer, "weight")
    layer(ag.ones(1, 3)).sum().backward()
    assert layer.parametrizations.bias.original1.grad is not None
    parametrize.remove_parametrizations(layer, "bias")
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert not hasattr(layer, "parametrizations")


def test_parametrizations_follow_the_mode_of_their_module():
    layer = nn.Linear(2, 2).eval()
    kinds.spectral_norm(layer)
    assert not layer.parametrizations.weight[0].training
    layer.train()
    assert layer.parametrizations.weight[0].training


def test_parametrizations_can_be_moved_to_another_module():
    first, second = kinds.orthogonal(nn.Linear(3, 3)), nn.Linear(3, 3)
    parametrize.transfer_parametrizations_and_params(first, second)
    assert (second.weight == first.weight).all()
    assert second.parametrizations.weight.original is first.parametrizations.weight.original
    with pytest.raises(AssertionError):
        parametrize.transfer_parametrizations_and_params(nn.Linear(1, 1), second, "weight")


def test_parametrizations_of_other_originals_cannot_be_moved():
    first, second = kinds.weight_norm(nn.Linear(3, 3)), kinds.orthogonal(nn.Linear(3, 3))
    before = second.weight.tolist()
    with pytest.raises(ValueError, match="original0"):
        parametrize.transfer_parametrizations_and_params(first, second)
    assert second.weight.tolist() == before
    assert len(second.parametrizations.weight) == 1


def test_a_right_inverse_that_is_not_implemented_is_none():
    class Half(nn.Module):
        def forward(self, x):
            return x / 2

        def right_inverse(self, x):
            raise NotImplementedError("no way back")

    layer = nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Half())
    assert (layer.weight == before / 2).all()
    with pytest.raises(NotImplementedError):
        layer.weight = before
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert (layer.weight == before).all()


# ---------------------------------------------------------------------- errors


class Broken(nn.Module):
    def __init__(self, forward=lambda x: x, inverse=lambda x: x):
        super().__init__()
        self.there, self.back = forward, inverse

    def forward(self, *x):
        return self.there(*x)

    def right_inverse(self, x):
        return self.back(x)


WRONG = [
    Broken(lambda x: x[:1]),
    Broken(lambda x: x.double()),
    Broken(lambda x: 3),
    Broken(inverse=lambda x: 3),
    Broken(inverse=lambda x: [x, 3]),
    Broken(inverse=lambda x: x.double()),
    Broken(lambda x: x[:1], lambda x: x * 5),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_fit_changes_nothing(wrong):
    layer = nn.Linear(2, 2)
    weight, values = layer.weight, layer.weight.tolist()
    with pytest.raises(ValueError, match=r"parametrization|right_inverse"):
        parametrize.register_parametrization(layer, "weight", wrong)
    assert type(layer) is nn.Linear
    assert layer.weight is weight
    assert weight.tolist() == values
    layer = symmetric()
    with pytest.raises(ValueError, match=r"parametrization|right_inverse"):
        parametrize.register_parametrization(layer, "weight", Broken(lambda x: x[:1]))
    assert len(layer.parametrizations.weight) == 1


def test_assigning_what_does_not_fit_changes_nothing():
    layer = kinds.weight_norm(nn.Linear(2, 2))
    before = layer.weight.tolist()
    layer.parametrizations.weight[0].dim = 0
    with pytest.raises(ValueError, match="float64 where the original is float32"):
        layer.weight = ag.ones(2, 2, dtype=ag.float64)
    assert layer.weight.tolist() == before

    class OneWay(nn.Module):
        def forward(self, x):
            return x * 2

    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", OneWay())
    with pytest.raises(RuntimeError, match="OneWay does not implement right_inverse"):
        layer.weight = ag.ones(2, 2)


def test_parametrized_modules_make_no_cycles(assert_no_cycles):
    def run():
        for kind in (kinds.weight_norm, kinds.spectral_norm, kinds.orthogonal):
            layer = kind(nn.Linear(3, 3))
            layer(ag.ones(1, 3)).sum().backward()
            parametrize.remove_parametrizations(layer, "weight")

    assert_no_cycles(run)
