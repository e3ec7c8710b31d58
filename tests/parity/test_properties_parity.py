"""Every operation on drawn inputs, of drawn dtypes, shapes and strides, against PyTorch and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from tests.table import ROWS
from tests.test_properties import SEEDS, SHAPES, drawn, layouts, results

torch = pytest.importorskip("torch", reason="parity extra not installed")

OF_PYTORCH = [pytest.param(row, id=row.id) for row in ROWS.values() if row.torch is not None]
POINTWISE = [pytest.param(row, id=row.id) for row in ROWS.values() if row.pointwise and row.torch is not None and row.numpy is not None]


@pytest.mark.parametrize("row", OF_PYTORCH)
def test_pytorch(row):
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
