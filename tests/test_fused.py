"""Fused operations: several results, arguments that are None, and what a kernel is told that it need not compute."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.ops import elementwise
from autograd_core.primitive import fused
from autograd_core.tensor import constant

asked: list[tuple[str, tuple[bool, ...]]] = []


def divided_back(g, x, y, *, needs):
    asked.append(("backward", needs))
    a, b = g
    zero = np.zeros(x.shape, x.dtype)
    a, b = zero if a is None else a, zero if b is None else b
    return (a * y + b / y) if needs[0] else None, (a * x - b * x / (y * y)) if needs[1] else None, None


def divided_reference(x, y, z, *, times=1):
    z = 0 if z is None else z
    return x * y + z * times, x / y


@fused(divided_back, reference=divided_reference, results=("product", "quotient"), promotes="no")
def product_and_quotient(x, y, z, *, times=1, needs):
    """x · y + z · times, and x / y; no gradient flows to z."""
    asked.append(("forward", needs))
    return (x * y + (0 if z is None else z * times), x / y), (x, y) if any(needs) else ()


@pytest.fixture
def numbers():
    asked.clear()
    random = np.random.default_rng(0)
    return [ag.tensor(random.uniform(1, 2, (2, 3)), requires_grad=True) for _ in range(2)]


def test_both_results(numbers):
    x, y = numbers
    assert ag.autograd.gradcheck(lambda x, y: product_and_quotient(x, y, None), (x, y))
    assert ag.autograd.gradgradcheck(lambda x, y: product_and_quotient(x, y, None), (x, y))


@pytest.mark.parametrize("k", [0, 1])
def test_one_result(numbers, k):
    x, y = numbers
    assert ag.autograd.gradcheck(lambda x, y: product_and_quotient(x, y, None)[k], (x, y))
    assert ag.autograd.gradgradcheck(lambda x, y: product_and_quotient(x, y, None)[k], (x, y))


def test_needs(numbers):
    x, y = numbers
    product_and_quotient(x, y.detach(), None)[0].sum().backward()
    assert asked == [("forward", (True, False, False)), ("backward", (True, False, False))]
    asked.clear()
    with ag.no_grad():
        product_and_quotient(x, y, None)
    product_and_quotient(x.array, y.array, None)
    assert asked == [("forward", (False, False, False))] * 2


def test_vmap_and_settings(numbers):
    x, y = numbers
    z = ag.ones(3, dtype=ag.float64)
    whole = product_and_quotient(x, y, z, times=2)
    each = ag.func.vmap(lambda x, y: product_and_quotient(x, y, z, times=2))(x, y)
    for a, b in zip(whole, each):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-15)


def test_recorded_pass_of_one_argument(numbers):
    x, y = numbers
    product, _ = product_and_quotient(x, constant(y.array), None)
    (gradient,) = ag.autograd.grad(product.sum(), x, create_graph=True)
    np.testing.assert_array_equal(gradient.detach().numpy(), y.array)


def test_none_stays_an_error_elsewhere():
    with pytest.raises(TypeError, match="None"):
        elementwise.mul(ag.ones(2), None)


def test_subclasses_of_arrays_compute():
    x = np.ones((2, 2)).view(np.matrix)
    product, quotient = product_and_quotient(x, np.full((2, 2), 4.0), None)
    np.testing.assert_array_equal(product, np.full((2, 2), 4.0))
    np.testing.assert_array_equal(quotient, np.full((2, 2), 0.25))
