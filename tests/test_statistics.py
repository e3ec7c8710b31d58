"""Reductions at their special points, quantiles, covariances and histograms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.check import gradcheck, gradgradcheck

nan, inf = np.nan, np.inf


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=12),
    st.floats(0, 1),
    st.sampled_from(["linear", "lower", "higher", "midpoint", "nearest"]),
)
def test_quantile_agrees_with_numpy(values, q, interpolation):
    x = np.array(values)
    at_a_step = abs(q * (len(x) - 1) * 2 - round(q * (len(x) - 1) * 2)) < 1e-9 and interpolation != "linear"  # rounding decides
    if not at_a_step:
        found = ag.quantile(ag.tensor(x), q, interpolation=interpolation).item()
        np.testing.assert_allclose(found, np.quantile(x, q, method=interpolation), rtol=1e-9, atol=1e-9)
        with_nan = ag.tensor(np.append(x, nan))
        np.testing.assert_allclose(ag.nanquantile(with_nan, q, interpolation=interpolation).item(), found, rtol=1e-9, atol=1e-9)
        assert np.isnan(ag.quantile(with_nan, q, interpolation=interpolation).item())


def test_quantile_is_differentiable_by_q():
    x = ag.tensor(np.random.default_rng(0).permutation(12).reshape(3, 4) / 3, requires_grad=True)
    q = ag.tensor([0.1, 0.4, 0.77], dtype=ag.float64, requires_grad=True)
    gradcheck(lambda x, q: ag.quantile(x, q, 1), (x, q))
    gradgradcheck(lambda x, q: ag.quantile(x * x, q * q), (x, q))
    gradcheck(lambda x: ag.quantile(x, 0.3, keepdim=True, interpolation="midpoint"), x)


def test_shapes_of_quantile():
    x = ag.rand(2, 3, 4)
    two = ag.tensor([0.2, 0.8])
    assert x.quantile(0.5).shape == ()
    assert x.quantile(two).shape == (2,)
    assert x.quantile(two, dim=1).shape == (2, 2, 4)
    assert x.quantile(two, dim=1, keepdim=True).shape == (2, 2, 1, 4)
    assert x.quantile(0.5, axis=-1, keepdims=True).shape == (2, 3, 1)
    assert x.quantile(two, keepdim=True).shape == (2, 1, 1, 1)


def test_covariances_agree_with_numpy():
    rng = np.random.default_rng(0)
    x, often, weight = rng.standard_normal((3, 6)), rng.integers(1, 4, 6), rng.random(6)
    for weights in ({}, {"fweights": often}, {"aweights": weight}, {"fweights": often, "aweights": weight}):
        for correction in (0, 1, 2):
            ours = ag.cov(ag.tensor(x), correction=correction, **{k: ag.tensor(v) for k, v in weights.items()})
            np.testing.assert_allclose(ours.numpy(), np.cov(x, ddof=correction, **weights), rtol=1e-10)
    np.testing.assert_allclose(ag.corrcoef(ag.tensor(x)).numpy(), np.corrcoef(x), rtol=1e-10)


def test_gradients_of_covariances():
    rng = np.random.default_rng(0)
    x, weight = (ag.tensor(v, requires_grad=True) for v in (rng.standard_normal((3, 5)), rng.random(5) + 0.5))
    gradcheck(lambda x, w: ag.cov(x, aweights=w, fweights=ag.tensor([1, 2, 1, 3, 1])), (x, weight))
    gradgradcheck(lambda x: ag.cov(x, correction=0), x)
    gradcheck(lambda x: ag.corrcoef(x)[0, 1:], x)


def test_bincount_and_its_weights():
    x, weights = np.array([3, 1, 1, 0]), ag.tensor([0.5, 1.0, 2.0, 4.0], dtype=ag.float64, requires_grad=True)
    result = ag.bincount(ag.tensor(x), weights, minlength=5)
    np.testing.assert_allclose(result.detach().numpy(), np.bincount(x, weights.detach().numpy(), 5))
    (result * ag.arange(5.0)).sum().backward()
    assert weights.grad.tolist() == [3.0, 1.0, 1.0, 0.0]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0.0, 0.25, 1.0, 1.5, 3.0, 7.0, -2.0]), min_size=1, max_size=30), st.integers(1, 9))
def test_histograms_agree_with_numpy(values, bins):
    x = np.array(values)
    expected, edges = np.histogram(x, bins, (-2.5, 6.0))
    np.testing.assert_array_equal(ag.histc(ag.tensor(x), bins, -2.5, 6.0).numpy(), expected)
    found = ag.histogram(ag.tensor(x), bins, range=(-2.5, 6.0))
    np.testing.assert_array_equal(found.hist.numpy(), expected)
    np.testing.assert_allclose(found.bin_edges.numpy(), edges)
    uneven = np.array([-2.0, 0.0, 0.25, 3.0])
    weight = ag.tensor(x * x + 1)
    found = ag.histogram(ag.tensor(x), ag.tensor(uneven), weight=weight, density=False)
    np.testing.assert_allclose(found.hist.numpy(), np.histogram(x, uneven, weights=weight.numpy())[0])


def test_weights_of_a_histogram_have_gradients():
    x = ag.tensor([0.5, 1.5, 1.75, 9.0], dtype=ag.float64)
    weight = ag.tensor([1.0, 2.0, 3.0, 4.0], dtype=ag.float64, requires_grad=True)
    gradcheck(lambda w: ag.histogram(x, 2, range=(0.0, 2.0), weight=w, density=True).hist, weight)


def test_sums_of_what_is_not_nan():
    x = ag.tensor([[1.0, nan, 4.0], [nan, nan, nan]], requires_grad=True)
    assert x.nansum(1).tolist() == [5.0, 0.0]
    assert x.nansum(dtype=ag.float64).dtype == ag.float64
    x.nansum().backward()
    assert x.grad.tolist() == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    x.grad = None
    x.nanmean(1)[0].backward()
    assert x.grad.tolist() == [[0.5, 0.0, 0.5], [0.0, 0.0, 0.0]]
    half = ag.ones(70_000, dtype=ag.float16)
    assert half.nanmean().item() == 1.0


@pytest.mark.parametrize("name", ["amax", "amin"])
def test_gradient_of_an_extreme_that_is_nan(name):
    """Where an extreme is NaN nothing attains it; `max` and `min` take the NaN to."""
    x = ag.tensor([[1.0, nan], [2.0, 3.0]], requires_grad=True)
    with np.errstate(invalid="ignore"):
        getattr(x, name)(1).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[nan, nan], [0.0, 1.0] if name == "amax" else [1.0, 0.0]])
    x.grad = None
    getattr(x, name[1:])().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0.0, 1.0], [0.0, 0.0]])


@pytest.mark.parametrize("name", ["norm", "std"])
def test_second_derivatives_at_zero_are_zero(name):
    x = ag.tensor([2.0, 2.0, 2.0] if name == "std" else [0.0, 0.0, 0.0], dtype=ag.float64, requires_grad=True)
    (g,) = ag.autograd.grad(getattr(x, name)(), x, create_graph=True)
    (second,) = ag.autograd.grad((g * ag.arange(3.0)).sum(), x)
    assert g.tolist() == second.tolist() == [0.0, 0.0, 0.0]


def test_too_few_degrees_of_freedom():
    x = ag.tensor([1.0, 2.0, 4.0])
    assert x.var(correction=5).item() == inf
    assert np.isnan(x[:1].var().item())
    assert np.isnan(x[:1].std().item())
    assert x[:1].var(correction=0).item() == 0


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std", "norm", "cumsum", "cumprod"])
def test_complex_numbers(name):
    rng = np.random.default_rng(0)
    x = ag.tensor(rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4)), requires_grad=True)
    function = getattr(ag, name)
    call = (lambda x: function(x, dim=1)) if name not in ("var", "std") else lambda x: function(x, dim=1, correction=0)
    expected = {"norm": lambda a, axis: np.linalg.norm(a, axis=axis)}.get(name) or getattr(np, name)
    np.testing.assert_allclose(call(x.detach()).numpy(), expected(x.detach().numpy(), axis=1), rtol=1e-12)
    gradcheck(call, x)
    gradgradcheck(call, x, atol=1e-4)


def test_truth_of_uint8_is_uint8():
    x = ag.tensor([[2, 0], [1, 1]], dtype=ag.uint8)
    assert (x.any().dtype, x.all(1).dtype) == (ag.uint8, ag.uint8)
    assert x.all(1).tolist() == [0, 1]
    assert (x > 0).all(1).dtype == ag.bool


def test_sums_and_products_in_another_dtype():
    x = ag.tensor([1.5, 2.5])
    assert (x.sum(dtype=ag.int32).dtype, x.sum(dtype=ag.int32).item()) == (ag.int32, 3)
    assert (x.prod(dtype=ag.int32).dtype, x.prod(dtype=ag.int32).item()) == (ag.int32, 2)
    assert (x.cumsum(0, dtype=ag.uint8).dtype, x.cumsum(0, dtype=ag.float64).dtype) == (ag.uint8, ag.float64)
    assert ag.tensor([100, 100, 100], dtype=ag.uint8).prod().item() == 1_000_000


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda x: x.quantile(1.5), RuntimeError, r"quantile: q must lie in \[0, 1\]"),
        (lambda x: x.quantile(ag.tensor([0.5], dtype=ag.float64)), RuntimeError, "quantile: q is float64, but the input float32"),
        (lambda x: x.quantile(0.5, interpolation="best"), RuntimeError, "quantile: interpolation is one of"),
        (lambda x: x.long().nanquantile(0.5), RuntimeError, "nanquantile: the input must be float32 or float64"),
        (lambda x: x.quantile("half"), TypeError, "quantile: q is a number or a Tensor"),
        (lambda x: ag.cov(x[None]), RuntimeError, "cov: needs at most two dimensions"),
        (lambda x: ag.cov(x, fweights=ag.tensor([1, 2])), RuntimeError, "cov: fweights of shape"),
        (lambda x: ag.cov(x, aweights=ag.tensor([0.0, 0.0, 0.0])), RuntimeError, "cov: the weights sum to zero"),
        (lambda x: ag.bincount(x[0]), RuntimeError, "bincount: needs a vector of integers"),
        (lambda x: ag.bincount(ag.tensor([1]), x), RuntimeError, "bincount: weights"),
        (lambda x: ag.histc(x, 4, 2, 1), RuntimeError, "histc: max must be larger"),
        (lambda x: ag.histogram(x, 0), RuntimeError, "histogram: the number of bins"),
        (lambda x: ag.histogram(x, 3, weight=x[0]), RuntimeError, "histogram: weight"),
        (lambda x: x[:, :0].amax(1), IndexError, "amax: dim 1 .* has length 0"),
        (lambda x: x[:, :0].max(), RuntimeError, "max: an empty tensor"),
        (lambda x: x[:, :0].argmax(), IndexError, "argmax: an empty tensor"),
        (lambda x: (x > 0).argmin(), RuntimeError, "argmin: not for boolean"),
        (lambda x: (x * 1j).amin(), RuntimeError, "amin: not for complex"),
        (lambda x: x.long().norm(), RuntimeError, "norm: needs a floating-point"),
        (lambda x: x.norm("nuc"), ValueError, "norm: p is a number or 'fro'"),
        (lambda x: (x * 1j).nansum(), RuntimeError, "nansum: not for complex"),
        (lambda x: x.long().nanmean(), RuntimeError, "nanmean: needs a floating-point"),
        (lambda x: x.sum((0, -2)), RuntimeError, "sum: a dim appears twice"),
    ],
)
def test_errors(call, error, told):
    with pytest.raises(error, match=told):
        call(ag.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]]))


def test_quantiles_between_infinities():
    x = ag.tensor([-inf, 1.0])
    assert ag.quantile(x, 0.5).item() == ag.quantile(x, 0.5, interpolation="midpoint").item() == -inf


def test_a_product_of_one_factor_has_its_own_memory():
    for x in (ag.tensor(3.0), ag.tensor([[3.0], [4.0]]), ag.tensor([[3], [4]])):
        before = x.tolist()
        x.prod(-1).add_(1)
        x.prod(-1, keepdim=True).add_(1)
        assert x.tolist() == before


def test_means_of_nothing_are_not_a_number_and_nobody_is_warned():
    for dtype in (ag.float32, ag.complex64):
        x = ag.zeros(0, 3, dtype=dtype, requires_grad=True)
        x.mean(0).backward(ag.ones(3, dtype=dtype))
        assert x.mean().isnan()
        assert x.grad.shape == (0, 3)
        assert x.log_softmax(0).shape == x.softmax(0).shape == (0, 3)


def test_the_dim_of_a_softmax_is_checked_for_0d_tensors_too():
    for function in (ag.softmax, ag.log_softmax):
        assert function(ag.tensor(2.0), -1).item() in (1.0, 0.0)
        with pytest.raises(IndexError):
            function(ag.tensor(2.0), 1)
