"""Running sums, products and extremes; recurrences; differences and areas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.ops import scan

SHAPES = [(20_000,), (4999,), (70, 133), (133, 70), (9, 640), (7, 130, 50), (3, 64, 40), (2, 70, 600), (200, 30, 33), (5000, 1), (1, 5000)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cumsum_of_any_size(shape, dtype):
    """By products with triangles, by rows, and by NumPy: all are the sum, from both ends."""
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    for axis in range(x.ndim):
        exact = np.cumsum(x.astype(np.float64), axis)
        backwards = np.flip(np.cumsum(np.flip(x, axis).astype(np.float64), axis), axis)
        for result, expected in ((scan.cumsum(x, axis=axis), exact), (scan.cumsum(x, axis=axis, reverse=True), backwards)):
            assert result.dtype == dtype
            assert result.flags.c_contiguous
            tolerance = {"float16": 5e-3, "float32": 2e-4, "float64": 1e-11}[dtype]
            np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(8000,), (70, 133), (130, 700)], ids=str)
@pytest.mark.parametrize("reverse", [False, True])
def test_infinity_and_nan_go_only_forward(shape, reverse):
    x = np.ones(shape)
    x.flat[x.size // 2] = np.inf
    x.flat[x.size // 2 + 45] = -np.inf
    x.flat[x.size // 3] = np.nan
    turned = np.flip if reverse else lambda a, axis: a
    for axis in range(x.ndim):
        with np.errstate(invalid="ignore"):
            expected = turned(np.cumsum(turned(x, axis), axis), axis)
            np.testing.assert_array_equal(scan.cumsum(x, axis=axis, reverse=reverse), expected)


def step_by_step(a, b):
    y = np.array(b)
    for k in range(1, len(b)):
        y[k] += a[k] * y[k - 1]
    return y


@pytest.mark.parametrize("shape", [(0,), (1,), (2,), (128,), (129,), (1000,), (1025,), (1000, 3), (300, 200), (0, 3), (500, 0)], ids=str)
def test_recurrence_of_any_length(shape):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-1.1, 1.1, shape), rng.standard_normal(shape)
    np.testing.assert_allclose(scan.recurrence(a, b, axis=0), step_by_step(a, b), rtol=1e-10, atol=1e-10)
    backwards = step_by_step(a[::-1], b[::-1])[::-1]
    np.testing.assert_allclose(scan.recurrence(a, b, axis=0, reverse=True), backwards, rtol=1e-10, atol=1e-10)


def test_factors_that_overflow_do_not_spoil_a_recurrence():
    """Products of whole blocks overflow here; what they would be multiplied with is zero."""
    a, b = np.full(1000, 1e10), np.zeros(1000)
    b[-3:] = 1
    np.testing.assert_array_equal(scan.recurrence(a, b, axis=0), step_by_step(a, b))


@pytest.mark.parametrize("zeros", [(), (2,), (0,), (4,), (1, 3), (0, 1, 2, 3, 4)], ids=str)
def test_derivatives_of_cumprod_at_zeros(zeros):
    values = np.array([0.5, 1.5, -2.0, 1.25, 0.75])
    values[list(zeros)] = 0
    x = ag.tensor(values, requires_grad=True)
    gradcheck(lambda x: x.cumprod(0), x)
    gradgradcheck(lambda x: x.cumprod(0), x)
    x.cumprod(0).sum().backward()
    one_left_out = [np.prod(np.delete(values[: j + 1], i)) for i in range(5) for j in range(i, 5)]
    np.testing.assert_allclose(x.grad.numpy().sum(), np.sum(one_left_out))


def test_long_cumprod_with_a_zero():
    rng = np.random.default_rng(0)
    values = rng.uniform(0.9, 1.1, 2000)
    values[700] = 0
    x = ag.tensor(values, requires_grad=True)
    x.cumprod(0)[900].backward()
    expected = np.zeros(2000)
    expected[700] = np.prod(np.delete(values[:901], 700))
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-10)


def test_logcumsumexp_is_stable():
    x = ag.tensor([-1000.0, 0.0, 1000.0, -np.inf, 1000.0, 3.0], dtype=ag.float64, requires_grad=True)
    y = x.logcumsumexp(0)
    np.testing.assert_allclose(y.detach().numpy(), [-1000, 0, 1000, 1000, 1000 + np.log(2), 1000 + np.log(2)])
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [1, 1, 3, 0, 1, 0], atol=1e-12)
    gradgradcheck(lambda x: x.logcumsumexp(0), ag.tensor([0.5, -2.0, 30.0, 1.0, 29.0], dtype=ag.float64, requires_grad=True), atol=1e-4)


def test_long_logcumsumexp():
    values = np.random.default_rng(0).standard_normal((3, 1500)) * 5
    x = ag.tensor(values, requires_grad=True)
    x.logcumsumexp(1)[:, -1].sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(values) / np.exp(values).sum(1, keepdims=True), rtol=1e-9, atol=1e-300)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, -1.0, np.nan, np.inf]), min_size=1, max_size=12))
def test_cummax_picks_the_last_of_equals(values):
    for function, extreme in ((ag.cummax, np.max), (ag.cummin, np.min)):
        found = function(ag.tensor(values, dtype=ag.float64), 0)
        for k in range(len(values)):
            so_far = np.array(values[: k + 1])
            top = extreme(so_far)
            np.testing.assert_array_equal(found.values[k].item(), top)
            attains = np.isnan(so_far) if np.isnan(top) else so_far == top
            assert found.indices[k].item() == np.flatnonzero(attains)[-1]


FUNCTIONS = {
    "cumsum": lambda x: x.cumsum(0),
    "cumprod": lambda x: x.cumprod(1),
    "cummax": lambda x: x.cummax(1).values,
    "cummin": lambda x: x.cummin(0).values,
    "diff": lambda x: x.diff(2, 1),
    "diff both": lambda x: x.diff(prepend=x[:, :2] * 2, append=x),
    "gradient": lambda x: ag.cat(ag.gradient(x, spacing=[0.5, ag.tensor([0.0, 1.0, 1.5, 4.0], dtype=ag.float64)], edge_order=2)),
    "trapezoid": lambda x: ag.trapezoid(x, x * x, dim=0),
    "cumulative_trapezoid": lambda x: ag.cumulative_trapezoid(x, dx=0.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    x = ag.tensor(np.random.default_rng(0).permutation(12).reshape(3, 4) / 3 - 1.5, requires_grad=True)
    gradcheck(FUNCTIONS[name], x)
    gradgradcheck(lambda x: FUNCTIONS[name](x * x), x, atol=1e-4)


@pytest.mark.parametrize("points", [np.arange(7.0), np.array([0.0, 0.5, 1.5, 1.75, 4.0, 4.5, 7.0])], ids=["even", "uneven"])
def test_gradient_of_a_parabola_is_exact(points):
    x = ag.tensor(points)
    (slope,) = ag.gradient(3 * x * x - x + 2, spacing=(x,), edge_order=2)
    np.testing.assert_allclose(slope.numpy(), 6 * points - 1, rtol=1e-12)
    (slope,) = ag.gradient(3 * x * x - x + 2, spacing=(x,))
    np.testing.assert_allclose(slope.numpy()[1:-1], (6 * points - 1)[1:-1], rtol=1e-12)


def test_gradient_by_coordinates():
    """The places of the samples are arguments too."""
    y = ag.tensor([1.0, 4.0, 9.0, 2.0], dtype=ag.float64)
    gradcheck(
        lambda x: ag.gradient(y, spacing=(x,), edge_order=2)[0], ag.tensor([0.0, 1.0, 2.5, 3.0], dtype=ag.float64, requires_grad=True)
    )


def test_areas_agree_with_numpy():
    rng = np.random.default_rng(0)
    y, x = rng.standard_normal((3, 4, 5)), np.sort(rng.standard_normal(4))
    np.testing.assert_allclose(ag.trapezoid(ag.tensor(y), ag.tensor(x), dim=1).numpy(), np.trapezoid(y, x, axis=1))
    np.testing.assert_allclose(ag.trapezoid(ag.tensor(y), dx=0.5, dim=0).numpy(), np.trapezoid(y, dx=0.5, axis=0))
    steps = ag.cumulative_trapezoid(ag.tensor(y), ag.tensor(x), dim=1).numpy()
    np.testing.assert_allclose(steps[:, -1], np.trapezoid(y, x, axis=1))
    assert steps.shape == (3, 3, 5)


def test_float16_products_are_rounded_once():
    x = ag.tensor([300.0, 300.0, 1e-3, 0.5], dtype=ag.float16)
    with np.errstate(over="ignore"):
        expected = np.cumprod(x.numpy().astype(np.float32)).astype(np.float16)
        np.testing.assert_array_equal(x.cumprod(0).numpy(), expected)
        np.testing.assert_array_equal(x.prod().numpy(), expected[-1])


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda x: x.cumsum(2), IndexError, "cumsum: dim 2"),
        (lambda x: x.long().logcumsumexp(0), RuntimeError, "logcumsumexp: needs a floating-point"),
        (lambda x: x.diff(-1), RuntimeError, "diff: n must not be negative"),
        (lambda x: x.diff(prepend=x[0]), RuntimeError, "diff: prepend and append must have"),
        (lambda x: ag.gradient(x, spacing=[1.0]), RuntimeError, "gradient: 1 spacings for 2 dimensions"),
        (lambda x: ag.gradient(x, spacing=x[0]), TypeError, "gradient: spacing is a number or a list"),
        (lambda x: ag.gradient(x, dim=0, edge_order=2), RuntimeError, "gradient: dimension 0 has 2 entries"),
        (lambda x: ag.trapezoid(x, x, dx=1), TypeError, "trapezoid: give x or dx"),
        (lambda x: ag.trapezoid(x, ag.tensor([1.0, 2.0])), RuntimeError, r"trapezoid: x of shape \(2,\)"),
        (lambda x: ag.cumulative_trapezoid(x > 0), RuntimeError, "cumulative_trapezoid: not for boolean"),
    ],
)
def test_errors(call, error, told):
    with pytest.raises(error, match=told):
        call(ag.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]]))


def test_numpys_names_beside_an_argument_that_is_called_x():
    y, x = ag.arange(6.0).reshape(2, 3), ag.tensor([0.0, 2.0, 3.0])
    assert ag.trapezoid(y, axis=0).tolist() == ag.trapezoid(y, dim=0).tolist() == [1.5, 2.5, 3.5]
    assert ag.trapezoid(y, x=x, axis=1).tolist() == ag.trapezoid(y, x, dim=1).tolist()
    assert ag.cumulative_trapezoid(y, x=x, axis=1).tolist() == ag.cumulative_trapezoid(y, x, dim=1).tolist()
