"""Calls written once, as text, that must mean here what they mean in PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")


def flat(result):
    return [part for r in result for part in flat(r)] if isinstance(result, tuple | list) else [result]


def evaluated(library, call):
    """What a call gives, its tensors as arrays, and the gradient of it all by the two inputs; or the error."""
    x = library.arange(12.0, dtype=library.float64, requires_grad=True)
    v = library.arange(4.0, dtype=library.float64, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(call, {"L": library, "x": x.reshape(3, 4), "v": v * 1})
        except (RuntimeError, IndexError, TypeError, ValueError, NotImplementedError) as error:
            return error, None
    tensors = [t for t in flat(result) if isinstance(t, library.Tensor) and t.requires_grad]
    losses = [(t * t * library.arange(1.0, 1 + t.numel(), dtype=t.dtype).reshape(tuple(t.shape))).sum() for t in tensors]
    gradients = library.autograd.grad(sum(losses), [x, v], allow_unused=True) if losses else ()
    return result, [None if g is None else g.numpy() for g in gradients]


def assert_same(call):
    """The same here and in PyTorch: value, shape, dtype, gradient; or an error in both."""
    ours, our_gradients = evaluated(ag, call)
    theirs, their_gradients = evaluated(torch, call)
    assert isinstance(ours, Exception) == isinstance(theirs, Exception), f"{ours!r}, PyTorch {theirs!r}"
    if isinstance(ours, Exception):
        return
    assert isinstance(ours, tuple) == isinstance(theirs, tuple)
    for o, t in zip(flat(ours), flat(theirs), strict=True):
        if isinstance(t, torch.Tensor):
            assert tuple(o.shape) == tuple(t.shape)
            assert str(o.dtype) == str(t.dtype).removeprefix("torch.")
            assert o.requires_grad == t.requires_grad
            np.testing.assert_allclose(o.detach().numpy(), t.detach().numpy())
        else:
            assert str(o).removeprefix("autograd_core.") == str(t).removeprefix("torch.")
    for o, t in zip(our_gradients, their_gradients, strict=True):
        assert (o is None) == (t is None)
        if o is not None:
            np.testing.assert_allclose(o, t)
