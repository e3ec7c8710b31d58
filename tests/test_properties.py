"""Every operation on drawn numbers in drawn layouts, against NumPy and finite differences; dtypes and shapes in the parity tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.autograd import gradcheck, gradgradcheck
from tests.table import ROWS

ROWS_OF_NUMPY = [pytest.param(row, id=row.id) for row in ROWS.values() if row.numpy is not None]
DERIVED = [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders]

SEEDS = st.integers(2, 10**6)
SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@st.composite
def layouts(draw):
    """How an array lies in memory: the order of its axes, and a step along each, which may be negative."""
    order = draw(st.permutations(range(4)))
    steps = draw(st.lists(st.sampled_from([1, 1, 2, -1, -2]), min_size=4, max_size=4))

    def lay(array):
        if not array.ndim:
            return np.array(array)
        axes = [k for k in order if k < array.ndim]
        room = np.zeros([array.shape[k] * abs(steps[k]) for k in axes], array.dtype).transpose(np.argsort(axes))
        view = room[tuple(slice(None, None, steps[k]) for k in range(array.ndim))]
        view[...] = array
        return view

    return lay


def drawn(row, seed, lay):
    return [lay(np.asarray(a)) for a in row.arrays(np.random.default_rng(seed))]


def results(value):
    return [r for r in (value if isinstance(value, tuple | list) else [value]) if r is not None]


@pytest.mark.parametrize("row", ROWS_OF_NUMPY)
def test_value(row):
    @settings(max_examples=5)
    @given(SEEDS, layouts())
    def check(seed, lay):
        arrays = drawn(row, seed, lay)
        ours = row.call(*[ag.from_numpy(a) for a in arrays])
        expected = row.numpy(*arrays)
        for o, e in zip(results(ours), results(expected), strict=True):
            assert o.dtype == np.asarray(e).dtype
            np.testing.assert_allclose(o.numpy(), e, rtol=1e-10, atol=1e-12)

    check()


@pytest.mark.parametrize("row", DERIVED)
def test_gradients(row):
    @settings(max_examples=3)
    @given(SEEDS, layouts())
    def check(seed, lay):
        inputs = [ag.from_numpy(a).requires_grad_(a.dtype.kind == "f") for a in drawn(row, seed, lay)]
        gradcheck(row.call, inputs, atol=1e-5, rtol=1e-4)
        if row.orders > 1:
            gradgradcheck(row.call, inputs, atol=max(row.tolerance, 1e-4), rtol=1e-3)

    check()
