"""vmap: every operation batched equals the operation example by example; and what vmap refuses."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.func import grad, jacfwd, jacrev, vmap
from tests.table import ROWS

ROWS_HERE = [pytest.param(row, id=row.id) for row in ROWS.values()]
DERIVED = [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders >= 1]


def examples(row, n=3):
    """n draws of the row's inputs, stacked."""
    return [np.stack(a) for a in zip(*[row.arrays(np.random.default_rng(seed)) for seed in range(n)], strict=True)]


def results(value):
    return list(value) if isinstance(value, tuple | list) else [value]


def check(function, batch, in_dims, n=3):
    given = [ag.tensor(a if d == 0 else a[0]) for a, d in zip(batch, in_dims, strict=True)]
    single = [results(function(*[ag.tensor(a[i if d == 0 else 0]) for a, d in zip(batch, in_dims, strict=True)])) for i in range(n)]
    found = results(vmap(function, in_dims)(*given))
    for k, f in enumerate(found):
        expected = np.stack([s[k].detach().numpy() for s in single])
        assert f.dtype == expected.dtype
        np.testing.assert_allclose(f.detach().numpy(), expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("row", ROWS_HERE)
def test_operation(row):
    batch = examples(row)
    check(row.call, batch, (0,) * len(batch))
    for k in range(len(batch) if len(batch) > 1 else 0):
        check(row.call, batch, tuple(None if j == k else 0 for j in range(len(batch))))


@pytest.mark.parametrize("row", DERIVED)
def test_gradient_of_operation(row):
    """The gradients of single examples, which also run the rules batched."""
    batch = examples(row)
    floats = tuple(k for k, a in enumerate(batch) if a.dtype.kind == "f")

    def total(*inputs):
        return sum((r * r).sum() for r in results(row.call(*inputs)) if r.is_floating_point())

    check(grad(total, floats), batch, (0,) * len(batch))


@pytest.mark.parametrize("row", DERIVED)
def test_jacobians_of_operation(row):
    """Rules run on batched gradients, in both modes."""
    arrays = [a[0] for a in examples(row, 1)]
    floats = tuple(k for k, a in enumerate(arrays) if a.dtype.kind == "f")
    call = lambda *inputs: [r for r in results(row.call(*inputs)) if r.is_floating_point()]
    given = [ag.tensor(a) for a in arrays]
    reverse, forward = jacrev(call, floats)(*given), jacfwd(call, floats)(*given)
    for r_row, f_row in zip(reverse, forward, strict=True):
        for r, f in zip(r_row, f_row, strict=True):
            np.testing.assert_allclose(r.numpy(), f.numpy(), rtol=1e-9, atol=1e-11)


X = ag.tensor(np.arange(6.0).reshape(2, 3))
REFUSED = {
    "looking at a number": (lambda x: x if x[0] > 0 else -x, "vmap: this needs the numbers of a batched tensor"),
    "item": (lambda x: x.sum().item(), "vmap: this needs the numbers"),
    "numpy": (lambda x: ag.tensor(x.numpy() + 1), "vmap: this needs the numbers"),
    "in place": (lambda x: x.add_(1), "vmap"),
    "assignment": (lambda x: x.__setitem__(0, 1.0), "vmap"),
    "a shape that depends on numbers": (lambda x: x.nonzero(), "vmap: this needs the numbers"),
    "random numbers": (lambda x: x + ag.rand(3), "randomness"),
    "backward": (lambda x: x.sum().backward(), "use func.grad"),
    "requires_grad_": (lambda x: x.requires_grad_(), "use func.grad"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    function, message = REFUSED[name]
    with pytest.raises(RuntimeError, match=message):
        vmap(function)(X)
    assert vmap(lambda x: x * 2)(X).tolist() == (X * 2).tolist()  # nothing is left switched


WRONG = {
    "no dimension to map over": (lambda: vmap(lambda x: x, None)(X), ValueError, "at least one argument"),
    "lengths that differ": (lambda: vmap(lambda x, y: x)(X, X.mT), ValueError, r"differ: \[2, 3\]"),
    "too few in_dims": (lambda: vmap(lambda x, y: x, (0,))(X, X), ValueError, "1 in_dims for 2 arguments"),
    "in_dims out of range": (lambda: vmap(lambda x: x, 2)(X), ValueError, "in_dims=2 is out of range"),
    "a number": (lambda: vmap(lambda x, y: x)(X, 3), ValueError, "in_dims=0 for a int"),
    "no tensor returned": (lambda: vmap(lambda x: 3)(X), ValueError, "must return tensors, got a int"),
    "chunk_size": (lambda: vmap(lambda x: x, chunk_size=0)(X), ValueError, "chunk_size must be positive"),
    "randomness": (lambda: vmap(lambda x: x, randomness="some"), RuntimeError, "randomness is"),
    "differentiating by what all examples share": (
        lambda: vmap(lambda x: ag.autograd.grad((W * x).sum(), W)[0])(X),
        RuntimeError,
        "is the same for all examples",
    ),
}
W = ag.tensor([1.0, 2.0, 3.0], dtype=ag.float64, requires_grad=True)


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name):
    call, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        call()


def test_randomness():
    ag.manual_seed(0)
    same = vmap(lambda x: x + ag.rand(3, dtype=ag.float64), randomness="same")(X) - X
    np.testing.assert_allclose(same[0].numpy(), same[1].numpy(), rtol=1e-12)
    different = vmap(lambda x: x + ag.rand(3, dtype=ag.float64), randomness="different")(X) - X
    assert not np.allclose(different[0].numpy(), different[1].numpy())


def test_functions_of_ones_own():
    class Cube(ag.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x * x

    np.testing.assert_allclose(vmap(grad(lambda x: Cube.apply(x).sum()))(X).numpy(), 3 * X.numpy() ** 2)
    np.testing.assert_allclose(jacrev(Cube.apply)(X[0]).numpy(), np.diag(3 * X[0].numpy() ** 2))


def test_one_call_for_all_examples():
    """What is said to be batched is batched: the forward runs once, on all examples."""
    shapes_seen = []

    @ag.primitive(lambda g: g)
    def seen(x):
        shapes_seen.append(x.shape)
        return x * 1

    vmap(lambda x: seen(x).sum())(X)
    assert shapes_seen == [(2, 3)]


def test_nothing_is_kept():
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        x = ag.ones(4, 3)
        kept = weakref.ref(x.array)
        vmap(grad(lambda x: (x * x).sum()))(x)
        del x
        assert kept() is None
    finally:
        gc.enable()
