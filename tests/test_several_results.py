"""Operations with several results: one node for the call, one on it for each result."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import viz
from autograd_core.autograd import gradcheck, gradgradcheck
from autograd_core.ops.elementwise import cos, sin
from autograd_core.primitive import primitive


@primitive(lambda g, out: g[0] * out[1] - g[1] * out[0], results=("sine", "cosine"))
def sincos(x):
    return np.sin(x), np.cos(x)


@primitive(lambda g, b: g[0] * b, lambda g, a: g[0] * a, results=("product", "places"))
def product_and_places(a, b):
    return a * b, np.argsort(a * b)


def test_value_and_derivatives():
    x = ag.tensor([0.3, -1.2], dtype=ag.float64, requires_grad=True)
    sine, cosine = sincos(x)
    np.testing.assert_array_equal(sine.detach().numpy(), np.sin(x.detach().numpy()))
    (g,) = ag.autograd.grad((sine * 2 + cosine * 3).sum(), x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), (2 * cos(x) - 3 * sin(x)).detach().numpy())
    gradcheck(lambda x: sincos(x), [x])
    gradgradcheck(lambda x: sincos(x), [x])
    for k in (0, 1):
        gradcheck(lambda x, k=k: sincos(x)[k], [x])
        gradgradcheck(lambda x, k=k: sincos(x)[k] ** 2, [x])


def test_whole_numbers_among_the_results_do_not_record():
    a = ag.tensor([3.0, 1.0], requires_grad=True)
    product, places = product_and_places(a, a)
    assert product.requires_grad
    assert not places.requires_grad
    assert places.dtype == ag.int64
    product.sum().backward()
    np.testing.assert_array_equal(a.grad.numpy(), [6, 2])


def test_nothing_is_recorded_where_nothing_records():
    with ag.no_grad():
        assert not any(r.requires_grad for r in sincos(ag.ones(2, requires_grad=True)))
    assert not any(r.requires_grad for r in sincos(ag.ones(2)))
    assert all(isinstance(r, np.ndarray) for r in sincos(np.ones(2)))


def test_the_formula_names_the_results():
    x = ag.tensor([0.3, -1.2], requires_grad=True)
    sine, cosine = sincos(x)
    told = str(viz.draw((sine * cosine).sum()).to_dict())
    assert "g_sine · cosine − g_cosine · sine" in told
    assert "sine = result sine" in told


def test_a_tuple_without_names_is_refused():
    @primitive(lambda g: g)
    def nameless(x):
        return x, x

    with pytest.raises(TypeError, match="nameless: its forward returned a tuple; name its results"):
        nameless(ag.ones(2))
