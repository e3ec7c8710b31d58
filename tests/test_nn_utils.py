"""nn.utils without PyTorch: the older norms, fusion, clipping, vectors of parameters, calls with other parameters."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.errors import ShapeError


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_the_older_norms_compute_the_weight_before_each_call(name):
    on, off = getattr(nn.utils, name), getattr(nn.utils, f"remove_{name}")
    layer = nn.Linear(3, 2).double()
    values = layer.weight.detach().numpy().copy()
    assert on(layer) is layer
    assert "weight" not in dict(layer.named_parameters())
    for _ in range(100):
        layer(ag.ones(1, 3, dtype=ag.float64)).sum().backward()
    expected = values / np.linalg.norm(values, 2) if name == "spectral_norm" else values
    np.testing.assert_allclose(layer.weight.detach().numpy(), expected, 1e-9)
    assert all(p.grad is not None for p in layer.parameters())
    with pytest.raises(RuntimeError, match="Cannot register two"):
        on(layer)
    off(layer)
    np.testing.assert_allclose(layer.weight.detach().numpy(), expected, 1e-9)
    assert isinstance(layer.weight, nn.Parameter)
    assert list(layer.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match=f"{name} of 'weight' not found"):
        off(layer)


def test_the_older_norms_of_two_tensors():
    layer = nn.utils.weight_norm(nn.utils.weight_norm(nn.Linear(3, 2)), "bias", dim=None)
    assert sorted(layer.state_dict()) == ["bias_g", "bias_v", "weight_g", "weight_v"]
    nn.utils.remove_weight_norm(layer, "weight")
    layer(ag.ones(3)).sum().backward()
    assert layer.bias_g.grad is not None
    assert layer.weight.grad is not None


@pytest.mark.parametrize(
    ("name", "error"), [("weight", IndexError), ("bias", TypeError), ("missing", AttributeError), ("plain", TypeError)]
)
def test_a_weight_that_cannot_be_split_is_left_as_it_was(name, error):
    layer = nn.Linear(3, 2, bias=False)
    layer.plain = 3
    with pytest.raises(error):
        nn.utils.weight_norm(layer, name, dim=2)
    assert list(layer.state_dict()) == ["weight"]
    assert layer(ag.ones(3)).shape == (2,)


def test_lazy_modules_have_no_weight_to_normalise():
    for on in (nn.utils.weight_norm, nn.utils.spectral_norm):
        layer = nn.LazyLinear(2)
        with pytest.raises(ValueError, match="call it once first"):
            on(layer)
        layer(ag.ones(3))
        on(layer)(ag.ones(3))


@pytest.mark.parametrize("clip", [nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_])
def test_gradients_that_cannot_be_written_change_none(clip):
    first, second = nn.Parameter(ag.ones(2)), nn.Parameter(ag.ones(2))
    first.grad, second.grad = ag.full((2,), 9.0), ag.full((1,), 9.0).expand(2)
    with pytest.raises(RuntimeError, match="read-only"):
        clip([first, second], 1.0)
    assert first.grad.tolist() == [9, 9]


def test_what_has_no_norm_or_no_order():
    with pytest.raises(RuntimeError, match="floating-point"):
        nn.utils.get_total_norm([ag.tensor([1, 1])])
    first, second = nn.Parameter(ag.ones(1)), nn.Parameter(ag.ones(1).to(ag.complex64))
    first.grad, second.grad = ag.full((1,), 9.0), ag.full((1,), 9j)
    with pytest.raises(RuntimeError, match="complex"):
        nn.utils.clip_grad_value_([first, second], 1.0)
    assert first.grad.item() == 9


def test_integers_are_no_parameters():
    frozen, trained = nn.Parameter(ag.ones(1), requires_grad=False), nn.Parameter(ag.ones(1))
    with pytest.raises(RuntimeError, match="requires grad"):
        nn.utils.vector_to_parameters(ag.arange(2), [frozen, trained])
    assert frozen.dtype == trained.dtype == np.float32


@given(groups=st.sampled_from([1, 2]), bias=st.booleans(), affine=st.booleans(), seed=st.integers(0, 9))
def test_a_fused_convolution_computes_what_the_two_layers_did(groups, bias, affine, seed):
    ag.manual_seed(seed)
    conv, norm = nn.Conv2d(4, 6, 3, groups=groups, bias=bias).double(), nn.BatchNorm2d(6, affine=affine).double()
    norm(ag.randn(4, 6, 3, 3, dtype=ag.float64))
    pair = nn.Sequential(conv, norm).eval()
    fused = nn.utils.fuse_conv_bn_eval(conv, norm)
    x = ag.randn(2, 4, 5, 5, dtype=ag.float64)
    np.testing.assert_allclose(fused(x).detach().numpy(), pair(x).detach().numpy(), 1e-9, 1e-12)
    assert type(fused) is nn.Conv2d
    assert (conv.bias is None) is not bias


def test_fusion_changes_neither_layer():
    linear, norm = nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval()
    before = copy.deepcopy([linear.state_dict(), norm.state_dict()])
    fused = nn.utils.fuse_linear_bn_eval(linear, norm)
    fused.weight.data.fill_(9)
    assert all((a[k] == b[k]).all() for a, b in zip(before, [linear.state_dict(), norm.state_dict()], strict=True) for k in a)
    with pytest.raises(AssertionError, match="out_features, 3"):
        nn.utils.fuse_linear_bn_eval(linear, nn.BatchNorm1d(2).eval())
    with pytest.raises(AssertionError, match="running statistics"):
        nn.utils.fuse_linear_bn_eval(linear, nn.BatchNorm1d(3, track_running_stats=False).eval())
    with pytest.raises(AssertionError, match="only for eval"):
        nn.utils.fuse_conv_bn_eval(nn.Conv1d(1, 1, 1), nn.BatchNorm1d(1))


@given(
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4),
    p=st.sampled_from([1.0, 2.0, 3.0, float("inf")]),
    limit=st.floats(0.1, 10),
    seed=st.integers(0, 99),
)
def test_clipping_scales_all_gradients_by_one_number(shapes, p, limit, seed):
    rng = np.random.default_rng(seed)
    parameters = [nn.Parameter(ag.zeros(tuple(shape), dtype=ag.float64)) for shape in shapes]
    arrays = [np.asarray(rng.standard_normal(shape)) for shape in shapes]
    for parameter, array in zip(parameters, arrays, strict=True):
        parameter.grad = ag.tensor(array)
    whole = np.concatenate([a.ravel() for a in arrays])
    expected = np.linalg.norm(whole, p) if whole.size else 0.0
    total = nn.utils.clip_grad_norm_(parameters, limit, p).item()
    assert total == pytest.approx(expected, rel=1e-9)
    factor = min(1.0, limit / (expected + 1e-6))
    for parameter, array in zip(parameters, arrays, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), array * factor, 1e-9)


@given(shapes=st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=1, max_size=4))
def test_a_vector_of_parameters_goes_back_to_where_it_came_from(shapes):
    parameters = [nn.Parameter(ag.randn(tuple(shape))) for shape in shapes]
    before = [p.tolist() for p in parameters]
    vector = nn.utils.parameters_to_vector(parameters)
    assert vector.shape == (sum(p.numel() for p in parameters),)
    for p in parameters:
        p.data.zero_()
    nn.utils.vector_to_parameters(vector.detach(), parameters)
    assert [p.tolist() for p in parameters] == before
    if vector.numel():
        with pytest.raises(ShapeError, match="vector_to_parameters"):
            nn.utils.vector_to_parameters(vector[1:], parameters)


def test_a_call_with_other_parameters_leaves_the_module_as_it_was():
    layer = nn.Linear(2, 1, bias=False)
    weight = layer.weight
    other = ag.tensor([[3.0, 4.0]], requires_grad=True)
    out = nn.utils.stateless.functional_call(layer, {"weight": other}, (ag.ones(2),))
    out.sum().backward()
    assert out.item() == 7
    assert other.grad.tolist() == [[1, 1]]
    assert layer.weight is weight
    assert weight.grad is None
    with pytest.raises(RuntimeError, match="missing"):
        nn.utils.stateless.functional_call(layer, {}, ag.ones(2), strict=True)
    with pytest.raises(ShapeError):
        nn.utils.stateless.functional_call(layer, {"weight": ag.ones(1, 5)}, ag.ones(2))
    assert layer.weight is weight


def test_the_older_norms_make_no_cycles(assert_no_cycles):
    def run():
        for on in (nn.utils.weight_norm, nn.utils.spectral_norm):
            layer = on(nn.Linear(3, 3))
            layer(ag.ones(1, 3)).sum().backward()

    assert_no_cycles(run)
