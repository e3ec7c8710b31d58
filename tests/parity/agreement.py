"""Whether something means here what it means in PyTorch: its value and derivatives, a module's state, its errors.

Functions come as one that is told the library (`agree`), as two (`functions_agree`), or as one that is handed the libraries
(`libraries_agree`); modules as two (`modules_agree`); calls as text (`calls_agree`). All end in `gradients_agree` but the last.
"""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import pytest

import autograd_core as ag
import nn

torch = pytest.importorskip("torch", reason="parity extra not installed")

LIBRARIES = ((ag, nn), (torch, torch.nn))
REDUCTIONS = ["mean", "sum", "none"]
TOLERANCES = {"float64": 1e-9, "float32": 1e-4}


def pair(array, requires_grad=False):
    """The same numbers as a Tensor of either library."""
    mine, theirs = ag.tensor(array), torch.tensor(array)
    return (mine.requires_grad_(), theirs.requires_grad_()) if requires_grad else (mine, theirs)


def leaves(arrays, dtype=None):
    """The arrays as tensors of either library; those of floats are in this dtype (None: their own) and require grad."""
    pairs = []
    for array in map(np.asarray, arrays):
        floats = array.dtype.kind == "f"
        pairs.append(pair(array.astype(dtype or array.dtype) if floats else array, floats))
    return [mine for mine, _ in pairs], [theirs for _, theirs in pairs]


# ---------------------------------------------------------------------- values and derivatives


def close(mine, theirs, tolerance=1e-9):
    """The same shape, dtype and numbers; the tolerance is relative to each number, or to the largest."""
    mine, theirs = mine.detach().numpy(), theirs.detach().numpy(force=True)
    assert mine.shape == theirs.shape
    assert mine.dtype == theirs.dtype
    largest = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
    np.testing.assert_allclose(mine, theirs, tolerance, tolerance * np.clip(largest, 1e-2, 1))


def gradients_agree(out, expected, by, yours_by, orders=2, tolerance=1e-9):
    """Assert that the gradients of two results agree, plain and recorded; in float64, if `orders` is 2, those of the gradients, too.

    The latter are by the same tensors and by the gradient that comes in.
    """
    assert out.requires_grad == expected.requires_grad
    if not out.requires_grad:
        return
    rng = np.random.default_rng(5)
    seed, yours_seed = pair(rng.standard_normal(tuple(out.shape)).astype(out.dtype), True)
    twice = orders > 1 and out.dtype == np.float64
    plain = ag.autograd.grad(out, by, seed.detach(), retain_graph=True, materialize_grads=True)
    first = torch.autograd.grad(expected, yours_by, yours_seed, create_graph=twice, materialize_grads=True)
    for g, e in zip(plain, first, strict=True):
        close(g, e, tolerance)
    if not twice:
        return
    recorded = ag.autograd.grad(out, by, seed, create_graph=True, materialize_grads=True)
    for g, e in zip(recorded, first, strict=True):
        close(g, e, tolerance)
    weights = [pair(rng.standard_normal(tuple(g.shape))) for g in recorded]
    total = sum((g * w).sum() for g, (w, _) in zip(recorded, weights, strict=True))
    yours_total = sum((g * w).sum() for g, (_, w) in zip(first, weights, strict=True))
    assert total.requires_grad == yours_total.requires_grad
    if not total.requires_grad:
        return
    second = ag.autograd.grad(total, [*by, seed], materialize_grads=True)
    yours_second = torch.autograd.grad(yours_total, [*yours_by, yours_seed], materialize_grads=True)
    for g, e in zip(second, yours_second, strict=True):
        close(g, e, tolerance)


def functions_agree(ours, theirs, arrays, dtype=None, orders=2, tolerance=None):
    """Assert that two functions of the same tensors agree: the value, and up to `orders` derivatives."""
    mine, yours = leaves(arrays, dtype)
    out, expected = ours(*mine), theirs(*yours)
    tolerance = tolerance or TOLERANCES.get(str(out.dtype), 1e-9)
    close(out, expected, tolerance)
    if orders:
        by, yours_by = ([t for t in given if t.requires_grad] for given in (mine, yours))
        gradients_agree(out, expected, by, yours_by, orders, tolerance)


def agree(function, arrays, orders=2, tolerance=None):
    """The same of function(library, *tensors): `library` is 0 for this one and 1 for PyTorch, to pick from pairs."""
    functions_agree(partial(function, 0), partial(function, 1), arrays, None, orders, tolerance)


def libraries_agree(call, arrays, orders=2, floats=True):
    """The same of call(library, modules, *tensors), warnings aside: in float64, and with `floats` in float32."""
    for dtype in ("float64", "float32")[: 2 if floats else 1]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            functions_agree(partial(call, *LIBRARIES[0]), partial(call, *LIBRARIES[1]), arrays, dtype, orders)


# ---------------------------------------------------------------------- modules


def modules_agree(mine, theirs, arrays, dtype="float64", orders=2, tolerance=None, load=True):
    """Assert that two modules agree from the same random state: output, and derivatives by inputs and parameters."""
    tolerance = tolerance or TOLERANCES[dtype]
    if load:
        same_state(mine, theirs, dtype)
    inputs, yours = leaves(arrays, dtype)
    out, expected = mine(*inputs), theirs(*yours)
    close(out, expected, tolerance)
    states_agree(mine, theirs, tolerance)
    by = [*[t for t in inputs if t.requires_grad], *mine.parameters()]
    yours_by = [*[t for t in yours if t.requires_grad], *theirs.parameters()]
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


# ---------------------------------------------------------------------- calls and errors


def same_error(function):
    """function(0) and function(1) raise, and what is raised here would be caught by whoever expects PyTorch's error."""
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever it is
        function(1)
    with pytest.raises(theirs.type):
        function(0)


def calls_agree(call):
    """A call, as text, of `L` with `x` (3, 4) and `v` (4,): what it gives, and its gradient, is the same; or an error in both."""
    ours, our_gradients = evaluated(ag, call)
    theirs, their_gradients = evaluated(torch, call)
    assert isinstance(ours, Exception) == isinstance(theirs, Exception), f"{ours!r}, PyTorch {theirs!r}"
    if isinstance(ours, Exception):
        return
    assert isinstance(ours, tuple) == isinstance(theirs, tuple)
    for o, t in zip(flat(ours), flat(theirs), strict=True):
        if isinstance(t, torch.Tensor):
            assert o.requires_grad == t.requires_grad
            close(o, t)
        else:
            assert str(o).removeprefix("autograd_core.") == str(t).removeprefix("torch.")
    for o, t in zip(our_gradients, their_gradients, strict=True):
        assert (o is None) == (t is None)
        if o is not None:
            close(o, t)


def evaluated(library, call):
    """What a call gives, and the gradient of it all by the two inputs; or the error."""
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
    return result, library.autograd.grad(sum(losses), [x, v], allow_unused=True) if losses else ()


def flat(result):
    return [part for r in result for part in flat(r)] if isinstance(result, tuple | list) else [result]
