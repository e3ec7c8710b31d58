"""Every operation on drawn inputs: numbers, shapes, dtypes and strides; against NumPy, finite differences and PyTorch."""

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
OF_PYTORCH = [pytest.param(row, id=row.id) for row in ROWS.values() if row.torch is not None]
POINTWISE = [pytest.param(row, id=row.id) for row in ROWS.values() if row.pointwise and row.torch is not None and row.numpy is not None]

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


@pytest.mark.parametrize("row", OF_PYTORCH)
def test_pytorch(row):
    torch = pytest.importorskip("torch", reason="parity extra not installed")

    @settings(max_examples=5)
    @given(SEEDS, layouts(), st.sampled_from(["float32", "float64"]))
    def check(seed, lay, dtype):
        arrays = [a.astype(dtype) if a.dtype.kind == "f" and row.floats else a for a in drawn(row, seed, lay)]
        tolerance = dict(rtol=2e-3, atol=2e-3) if dtype == "float32" and row.floats else dict(rtol=1e-8, atol=1e-9)
        found = []
        for m, call in ((ag, row.call), (torch, lambda *xs: row.torch(torch, *xs))):
            record = [a.dtype.kind == "f" and row.orders > 0 for a in arrays]
            given_ = [m.tensor(a.copy(), requires_grad=r) for a, r in zip(arrays, record, strict=True)]
            outs = results(call(*given_))
            recording = [o for o in outs if o.requires_grad] if row.torch_orders != 0 else []
            by = [g for g, r in zip(given_, record, strict=True) if r]
            weights = [m.tensor(np.linspace(0.5, 1.5, o.numel()).reshape(tuple(o.shape)), dtype=o.dtype) for o in recording]
            gradients = m.autograd.grad(recording, by, weights, allow_unused=True) if recording else []
            found.append(([o.detach().numpy() for o in outs], [None if g is None else g.detach().numpy() for g in gradients]))
        (our_values, our_gradients), (their_values, their_gradients) = found
        for o, t in zip(our_values, their_values, strict=True):
            assert (o.shape, o.dtype) == (t.shape, t.dtype)
            np.testing.assert_allclose(o, t, **tolerance)
        for o, t in zip(our_gradients, their_gradients, strict=True):
            zero = np.zeros(1) if o is None and t is None else np.zeros_like(o if o is not None else t)
            np.testing.assert_allclose(zero if o is None else o, zero if t is None else t, **tolerance)

    check()


@pytest.mark.parametrize("row", POINTWISE)
def test_any_shape(row):
    """Element by element, in any shape and layout: values and dtypes are NumPy's and PyTorch's."""
    torch = pytest.importorskip("torch", reason="parity extra not installed")

    @settings(max_examples=5)
    @given(SEEDS, SHAPES, layouts())
    def check(seed, shape, lay):
        arrays = [lay(np.resize(a.ravel(), shape)) for a in row.arrays(np.random.default_rng(seed))]
        ours = row.call(*[ag.from_numpy(a) for a in arrays])
        theirs = row.torch(torch, *[torch.tensor(a.copy()) for a in arrays]).numpy()
        assert tuple(ours.shape) == theirs.shape == shape
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(ours.numpy(), row.numpy(*arrays), rtol=1e-10, atol=1e-12)

    check()
