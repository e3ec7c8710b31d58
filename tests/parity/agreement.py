"""Whether a function of tensors means here what it means in PyTorch: its value and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


def close(mine, theirs, tolerance=1e-9):
    """The same shape, dtype and numbers; the tolerance is relative to each number, or to the largest."""
    mine, theirs = mine.detach().numpy(), theirs.detach().numpy(force=True)
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype
    largest = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
    np.testing.assert_allclose(mine, theirs, tolerance, tolerance * np.clip(largest, 1e-2, 1))


def leaves(arrays, dtype):
    """The arrays as tensors of either library; those of floats are in this dtype and require grad."""
    mine, theirs = [], []
    for array in arrays:
        array = np.asarray(array)
        floats = array.dtype.kind == "f"
        numbers = array.astype(dtype) if floats else array
        mine.append(ag.tensor(numbers, requires_grad=floats))
        theirs.append(torch.tensor(numbers, requires_grad=floats))
    return mine, theirs


def agree(ours, theirs, arrays, dtype="float64", orders=2, tolerance=None):
    """Assert that two functions of the same tensors agree in value, gradient (plain and recorded) and gradient of the gradient."""
    tolerance = tolerance or TOLERANCE[dtype]
    mine, yours = leaves(arrays, dtype)
    out, expected = ours(*mine), theirs(*yours)
    close(out, expected, tolerance)
    if orders:
        by = [t for t in mine if t.requires_grad]
        yours_by = [t for t in yours if t.requires_grad]
        gradients_agree(out, expected, by, yours_by, orders, tolerance)


def gradients_agree(out, expected, by, yours_by, orders=2, tolerance=1e-9):
    """Assert that the gradients of two results agree, and in float64, if `orders` is 2, theirs."""
    rng = np.random.default_rng(5)
    weights = rng.standard_normal(tuple(out.shape)).astype(out.dtype)
    plain = ag.autograd.grad(out, by, ag.tensor(weights), retain_graph=True, materialize_grads=True)
    second = orders > 1 and out.dtype == np.float64
    first = torch.autograd.grad(expected, yours_by, torch.tensor(weights), create_graph=second, materialize_grads=True)
    for g, e in zip(plain, first, strict=True):
        close(g, e, tolerance)
    if not second:
        return
    recorded = ag.autograd.grad(out, by, ag.tensor(weights), create_graph=True, materialize_grads=True)
    for g, e in zip(recorded, first, strict=True):
        close(g, e, tolerance)
    factors = [rng.standard_normal(tuple(g.shape)) for g in recorded]
    mine_sum = sum((g * ag.tensor(f)).sum() for g, f in zip(recorded, factors, strict=True))
    theirs_sum = sum((g * torch.tensor(f)).sum() for g, f in zip(first, factors, strict=True))
    if not theirs_sum.requires_grad:
        return
    expected_second = torch.autograd.grad(theirs_sum, yours_by, materialize_grads=True)
    if mine_sum.requires_grad:
        found = ag.autograd.grad(mine_sum, by, materialize_grads=True)
    else:  # the gradient does not depend on anything, where PyTorch multiplies by zero
        found = [ag.zeros_like(m) for m in by]
    for g, e in zip(found, expected_second, strict=True):
        close(g, e, tolerance)


def modules_agree(mine, theirs, arrays, dtype="float64", orders=2, tolerance=None, load=True):
    """Assert that two modules agree from the same random state: output, and derivatives by inputs and parameters."""
    tolerance = tolerance or TOLERANCE[dtype]
    if load:
        same_state(mine, theirs, dtype)
    (inputs, yours), names = leaves(arrays, dtype), list(mine.state_dict())
    out, expected = mine(*inputs), theirs(*yours)
    close(out, expected, tolerance)
    by = [t for t in inputs if t.requires_grad] + list(mine.parameters())
    yours_by = [t for t in yours if t.requires_grad] + list(theirs.parameters())
    assert names == list(theirs.state_dict())
    states_agree(mine, theirs, tolerance)
    gradients_agree(out, expected, by, yours_by, orders, tolerance)


def same_state(mine, theirs, dtype="float64"):
    """Give both modules one random state, each through the other's `state_dict`, and this dtype."""
    mine.to(getattr(ag, dtype))
    theirs.to(getattr(torch, dtype))
    rng = np.random.default_rng(7)
    for value in theirs.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.tensor(rng.uniform(0.3, 1.3, tuple(value.shape))))
    mine.load_state_dict({k: ag.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in mine.state_dict().items()})


def states_agree(mine, theirs, tolerance=1e-9):
    """Assert that all parameters and buffers are the same, in the same order."""
    ours, yours = mine.state_dict(), theirs.state_dict()
    assert list(ours) == list(yours)
    for key in ours:
        close(ours[key], yours[key], tolerance)
