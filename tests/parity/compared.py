"""Losses and the like in both libraries, from the same numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn

torch = pytest.importorskip("torch", reason="parity extra not installed")

LIBRARIES = ((ag, nn), (torch, torch.nn))
REDUCTIONS = ["mean", "sum", "none"]


def outcome(library, modules, call, arrays, order):
    """The value of call(library, modules, *tensors), and its derivatives by the float tensors up to an order, as arrays."""
    inputs = [library.tensor(a) for a in arrays]
    by = [i.requires_grad_() for i in inputs if i.is_floating_point()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = call(library, modules, *inputs)
    found = [result.detach().numpy()]
    if order == 0 or not result.requires_grad:
        return found
    rng = np.random.default_rng(1)
    seed = library.tensor(np.asarray(rng.standard_normal(tuple(result.shape)), found[0].dtype))
    first = library.autograd.grad(result, by, seed, create_graph=order > 1, allow_unused=True)
    found += [
        np.zeros(tuple(b.shape), b.detach().numpy().dtype) if g is None else g.numpy(force=True) for g, b in zip(first, by, strict=True)
    ]
    if order > 1:
        parts = [(g, rng.standard_normal(tuple(b.shape))) for g, b in zip(first, by, strict=True)]
        parts = [(g * library.tensor(np.asarray(w, found[0].dtype))).sum() for g, w in parts if g is not None and g.requires_grad]
        second = library.autograd.grad(sum(parts), by, allow_unused=True) if parts else [None] * len(by)
        found += [np.zeros(tuple(b.shape)) if g is None else g.numpy(force=True) for g, b in zip(second, by, strict=True)]
    return found


def check(call, arrays, order=2, floats=True):
    """The same in both libraries, in float64 with derivatives up to `order` and in float32 with the first."""
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 1e-4))[: 2 if floats else 1]:
        given = [np.asarray(a, dtype) if np.asarray(a).dtype.kind == "f" else np.asarray(a) for a in arrays]
        ours, theirs = (outcome(*library, call, given, order if dtype == np.float64 else min(order, 1)) for library in LIBRARIES)
        assert len(ours) == len(theirs)
        for which, (o, t) in enumerate(zip(ours, theirs, strict=True)):
            assert o.shape == t.shape
            assert o.dtype == t.dtype or which > len(given)
            np.testing.assert_allclose(o, t, tolerance, tolerance, err_msg=f"result {which} in {np.dtype(dtype)}")
