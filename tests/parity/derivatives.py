"""Values, gradients and double gradients of one computation here and in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

TOLERANCES = {"float64": 1e-9, "float32": 1e-4}


def pair(array, requires_grad=False):
    """The same numbers as a Tensor of either library."""
    mine, theirs = ag.tensor(array), torch.tensor(array)
    return (mine.requires_grad_(), theirs.requires_grad_()) if requires_grad else (mine, theirs)


def close(mine, theirs, tolerance=1e-9):
    mine, theirs = mine.detach().numpy(), theirs.detach().numpy(force=True)
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype
    np.testing.assert_allclose(mine, theirs, tolerance, tolerance)


def agree(function, arrays, orders=2, tolerance=1e-9):
    """function(library, *tensors) of the same numbers: the value, its gradients, and theirs by the inputs and by what came in.

    `library` is 0 for this one and 1 for PyTorch, to pick from pairs.
    """
    inputs = [pair(a, a.dtype.kind == "f") for a in arrays]
    results = [function(k, *[x[k] for x in inputs]) for k in (0, 1)]
    close(*results, tolerance)
    if not orders:
        return
    rng = np.random.default_rng(1)
    draw = lambda like: rng.standard_normal(tuple(like.shape)).astype(str(like.dtype))
    seed = pair(draw(results[0]), True)
    by = [x for x in inputs if x[0].requires_grad]
    first = [
        library.autograd.grad(results[k], [x[k] for x in by], seed[k], create_graph=orders > 1) for k, library in enumerate((ag, torch))
    ]
    for g in zip(*first, strict=True):
        close(*g, tolerance)
    if orders == 1:
        return
    weights = [pair(draw(g)) for g in first[0]]
    targets = [sum((g * w[k]).sum() for g, w in zip(first[k], weights, strict=True)) for k in (0, 1)]
    by = [*by, seed]
    second = [library.autograd.grad(targets[k], [x[k] for x in by], allow_unused=True) for k, library in enumerate((ag, torch))]
    for x, mine, theirs in zip(by, *second, strict=True):
        close(ag.zeros_like(x[0]) if mine is None else mine, torch.zeros_like(x[1]) if theirs is None else theirs, tolerance)


def same_error(function):
    """function(0) and function(1) raise, and what is raised here would be caught by whoever expects PyTorch's error."""
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever it is
        function(1)
    with pytest.raises(theirs.type):
        function(0)
