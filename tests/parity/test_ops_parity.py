"""The rows of the operation table, and the special points, against PyTorch: values, gradients, double gradients, dtypes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag
from tests.table import ROWS
from tests.test_ops import SPECIAL, arrays_of

torch = pytest.importorskip("torch", reason="parity extra not installed")

COMPARED = [pytest.param(row, id=row.id) for row in ROWS.values() if row.torch is not None]
INTEGERS = [pytest.param(row, id=row.id) for row in ROWS.values() if row.torch is not None and row.integers]


def weights_of(shape):
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)


def run(library, call, arrays, order):
    """Value and the derivatives up to an order, as arrays."""
    inputs = [library.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    result = call(*inputs)
    found = [result.detach().numpy()]
    if order >= 1:
        weights = library.tensor(weights_of(tuple(result.shape)), dtype=result.dtype)
        first = library.autograd.grad(result, inputs, weights, create_graph=order > 1)
        found += [g.detach().numpy() for g in first]
        if order >= 2:
            target = sum((g * g * library.tensor(weights_of(tuple(g.shape)), dtype=g.dtype)).sum() for g in first)
            if target.requires_grad:
                second = library.autograd.grad(target, inputs, allow_unused=True)
                found += [np.zeros(a.shape) if g is None else g.numpy(force=True) for g, a in zip(second, arrays, strict=True)]
            else:
                found += [np.zeros(a.shape) for a in arrays]
    return found


@pytest.mark.parametrize("row", COMPARED)
def test_row(row):
    arrays = arrays_of(row)
    order = row.orders if row.torch_orders is None else row.torch_orders
    ours = run(ag, row.call, arrays, order)
    theirs = run(torch, lambda *inputs: row.torch(torch, *inputs), arrays, order)
    for which, (o, t) in enumerate(zip(ours, theirs, strict=True)):
        assert o.shape == t.shape
        assert o.dtype == t.dtype
        np.testing.assert_allclose(o, t, rtol=1e-9, atol=1e-9, err_msg=f"result {which}")


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "int8", "bool"])
@pytest.mark.parametrize("row", INTEGERS)
def test_integers(row, dtype):
    arrays = [np.abs(np.round(a * 2) + (a > 0) * 2 + 1).astype(dtype) for a in arrays_of(row)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            theirs = row.torch(torch, *[torch.tensor(a) for a in arrays])
        except (RuntimeError, ZeroDivisionError):
            return
        ours = row.call(*[ag.tensor(a) for a in arrays])
    assert str(theirs.dtype).removeprefix("torch.") == str(ours.dtype)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", SPECIAL)
def test_special_point(name):
    """So the expectations written down in test_ops are PyTorch's."""
    function, given, value, gradient = SPECIAL[name]
    x = torch.tensor(given, dtype=torch.float64, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(x)
    result.sum().backward()
    np.testing.assert_allclose(result.detach().numpy(), value, rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-12)
