"""vmap: every operation batched equals the operation example by example; and what vmap refuses."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.func import grad, jacfwd, jacrev, vmap
from tests.table import ROWS

LOOK = {  # what these need cannot be had of a batched tensor: its memory, its numbers, or to be written
    "index.overwritten",
    "index.overwrite slice_scatter",
    "index.index_select masked_scatter",
    "shape.strided",
    "shape.strided overlapping",
}
ROWS_HERE = [pytest.param(row, id=row.id) for row in ROWS.values() if row.id not in LOOK]
DERIVED = [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders >= 1]
DERIVED_HERE = [pytest.param(row, id=row.id) for row in ROWS.values() if row.orders >= 1 and row.id not in LOOK]


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


@pytest.mark.parametrize("name", sorted(LOOK))
def test_operation_that_looks(name):
    with pytest.raises(RuntimeError, match="vmap"):
        vmap(ROWS[name].call)(*[ag.tensor(a) for a in examples(ROWS[name])])


@pytest.mark.parametrize("row", DERIVED_HERE)
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
    "a hook": (lambda x: x.register_hook(lambda g: g / g.norm()), "all examples at once"),
    "retain_grad": (lambda x: x.retain_grad(), "use func.grad"),
    "a mask": (lambda x: x[x > 1], "a mask as index"),
    "equal": (lambda x: ag.tensor(float(ag.equal(x, x))), "vmap: this needs the numbers"),
    "data": (lambda x: setattr(x, "data", ag.ones(3)), "cannot be replaced"),
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
    "out_dims out of range": (lambda: vmap(lambda x: x, out_dims=2)(X), IndexError, "out_dims=2 is out of range"),
    "out_dims out of range from the end": (lambda: vmap(lambda x: x.sum(), out_dims=-2)(X), IndexError, "out of range"),
    "no out_dims for what differs": (lambda: vmap(lambda x: x, out_dims=None)(X), ValueError, "not the same for all examples"),
    "out_dims that do not fit": (lambda: vmap(lambda x: x, out_dims=(1, 0))(X), ValueError, "does not fit the structure"),
    "out_dims that are no numbers": (lambda: vmap(lambda x: x, out_dims="a")(X), ValueError, "integers or None"),
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


def test_keyword_arguments_are_the_same_for_all_examples():
    k = ag.tensor([[1.0], [2.0]], dtype=ag.float64)
    for chunk_size in (None, 1):
        found = vmap(lambda x, *, k, n: x * k + n, chunk_size=chunk_size)(X, k=k, n=1)
        np.testing.assert_allclose(found.numpy(), X.numpy()[:, None] * k.numpy() + 1)


def test_what_does_not_differ_may_stay_single():
    assert vmap(lambda x: ag.ones(2), out_dims=None)(X).tolist() == [1, 1]
    x, one = vmap(lambda x: (x, ag.ones(2)), out_dims=(0, None))(X)
    assert (x.tolist(), one.tolist()) == (X.tolist(), [1, 1])


def test_a_0d_example_is_one_entry():
    """Its only axis, that may be named, is not that of the examples."""
    v = ag.tensor([3.0, 1.0, 2.0])
    for function in (
        lambda x: x.gather(0, ag.tensor(0)),
        lambda x: x.index_select(0, ag.tensor([0])),
        lambda x: x.roll(1),
        lambda x: x.softmax(0),
        lambda x: x.cumsum(0),
        lambda x: x.sort(0)[0],
        lambda x: ag.zeros(()).scatter(0, ag.tensor(0), x),
    ):
        np.testing.assert_array_equal(vmap(function)(v).numpy(), np.stack([function(x).numpy() for x in v]))


def test_shapes_are_known():
    np.testing.assert_array_equal(vmap(lambda x: sum(v * len(x) for v in x))(X).numpy(), 3 * X.numpy().sum(1))
    np.testing.assert_array_equal(vmap(lambda x: ag.ones_like(x) * x.data.view(1, 3))(X).numpy(), X.numpy()[:, None])
    copies = vmap(lambda x: x.repeat(1))(X)
    copies += 1
    assert X[0, 0] == 0


@pytest.mark.parametrize("marks", [(0, 0), (0, None), (None, 0)])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(), (4,), (2, 2)])
def test_rows_at_indices_of_ones_own(shape, axis, marks):
    from autograd_core.ops.index import index_add, index_select

    rng = np.random.default_rng(0)
    x, index = rng.normal(size=(3, 2, 3, 4)), rng.integers(0, 2, (3, *shape))
    check(lambda x, i: index_select(x, i, axis=axis), (x, index), marks)
    check(grad(lambda x, i: (index_select(x, i, axis=axis) ** 3).sum()), (x, index), marks)
    if shape:
        at = np.moveaxis(rng.normal(size=(3, *shape, 5, 6)), range(1, 1 + len(shape)), range(1 + axis, 1 + axis + len(shape)))
        whole = tuple(np.insert((5, 6), axis, 3))
        check(lambda x, i: index_add(x, i, axis=axis, shape=whole), (at, index), marks)


@pytest.mark.parametrize("index", [np.array([2, 0, 0]), (0, np.array([1, 1])), (np.array([0, 1]), slice(1, 3), np.array([0, 3]))], ids=str)
def test_index_of_arrays(index):
    from autograd_core.ops.index import getitem, overwrite

    x = np.random.default_rng(0).normal(size=(3, 3, 4, 5))
    check(lambda x: getitem(x, index=index), (x,), (0,))
    check(grad(lambda x: (getitem(x, index=index) ** 3).sum()), (x,), (0,))
    check(lambda x, v: overwrite(x, v, index=index), (x, x[:, 0, 0, 0]), (0, 0))


def test_in_inference_mode():
    with ag.inference_mode():
        assert grad(lambda x: (x * x).sum())(X).tolist() == (X * 2).tolist()
        assert jacfwd(lambda x: x * x)(X[0]).diagonal().tolist() == (X[0] * 2).tolist()
        assert ag.is_inference_mode_enabled()


def test_different_random_numbers_for_what_looks_at_numbers():
    found = vmap(lambda x: ag.multinomial(x + 1, 1), randomness="different")(X)
    assert found.shape == (2, 1)
    assert vmap(lambda x: x * 2, randomness="different")(X).tolist() == (X * 2).tolist()
    assert vmap(lambda x: x * 2, randomness="different")(X[:0]).shape == (0, 3)


def test_after_an_error_nothing_is_left_switched():
    from autograd_core import writes
    from autograd_core.graph import thread

    def fail(x):
        raise KeyError("no")

    before = thread.batch, writes.careful, thread.grad, thread.inference
    for call in (vmap(fail), vmap(vmap(fail)), vmap(grad(fail)), jacrev(fail), jacfwd(fail), vmap(fail, chunk_size=1)):
        with pytest.raises(KeyError):
            call(X)
        assert (thread.batch, writes.careful, thread.grad, thread.inference) == before
