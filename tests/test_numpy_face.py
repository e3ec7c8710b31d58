"""NumPy's own functions on Tensors: recorded with NumPy's semantics, or refused, never a gradient lost in silence."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.check import gradcheck
from autograd_core.faces.numpy import FUNCTIONS, UFUNCS


def leaf(values, dtype="float64"):
    return ag.tensor(np.array(values, dtype=dtype), requires_grad=True)


A = np.array([[0.3, 0.7, 0.2], [0.9, 0.4, 0.6]])
B = np.array([0.5, 0.8, 0.35])
T = np.linspace(0.1, 1.2, 12).reshape(2, 2, 3)
ABOVE_ONE = {np.arccosh}
WHOLE = {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert}


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_ufunc(ufunc):
    a, b = (A + 1, B + 1) if ufunc in ABOVE_ONE else (A, B)
    if ufunc is np.matmul:
        b = A.T.copy()
    if ufunc in WHOLE:
        a, b = (A * 10).astype(int), (B * 10).astype(int)
    given = (a, b)[: ufunc.nin]
    expected = ufunc(*given)
    result = ufunc(*[ag.tensor(v) for v in given])
    assert isinstance(result, ag.Tensor)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-13)
    if ufunc.nin == 2:  # an array on either side
        for mixed in ((ag.tensor(a), b), (a, ag.tensor(b))):
            out = ufunc(*mixed)
            assert isinstance(out, ag.Tensor)
            np.testing.assert_allclose(out.numpy(), expected, rtol=1e-13)
    if expected.dtype.kind == "f":
        recorded = ufunc(*[leaf(v) for v in given])
        assert recorded.requires_grad
        gradcheck(ufunc, [leaf(v) for v in given])


CALLS = {
    np.sum: [((), {}), ((0,), {}), ((), {"axis": ()}), ((0, np.float64), {}), ((), {"axis": (0, 1), "keepdims": True}), ((), {"axis": -1})],
    np.mean: [((), {}), ((0,), {}), ((), {"axis": 1, "keepdims": True})],
    np.prod: [((), {}), ((), {"axis": 0})],
    np.max: [((), {}), ((), {"axis": 1}), ((), {"axis": ()})],
    np.min: [((), {}), ((), {"axis": 1, "keepdims": True})],
    np.all: [((), {}), ((), {"axis": 0})],
    np.any: [((), {}), ((), {"axis": 0})],
    np.argmax: [((), {}), ((), {"axis": 1})],
    np.argmin: [((), {}), ((), {"axis": 1})],
    np.var: [((), {}), ((), {"axis": ()}), ((), {"axis": 1, "ddof": 1}), ((), {"axis": 0, "keepdims": True})],
    np.std: [((), {}), ((), {"axis": 1, "ddof": 1})],
    np.cumsum: [((), {}), ((), {"axis": 1})],
    np.linalg.norm: [((), {}), ((), {"axis": 1}), ((), {"ord": 1, "axis": 1}), ((), {"axis": 0, "keepdims": True})],
    np.reshape: [(((3, 2),), {}), ((-1,), {})],
    np.ravel: [((), {})],
    np.transpose: [((), {}), (((1, 0),), {})],
    np.swapaxes: [((0, 1), {})],
    np.moveaxis: [((0, 1), {})],
    np.squeeze: [((), {})],
    np.expand_dims: [((1,), {}), (((0, 2),), {})],
    np.broadcast_to: [(((4, 2, 3),), {})],
    np.flip: [((), {}), ((), {"axis": 1}), ((), {"axis": (0, 1)})],
    np.roll: [((1,), {}), ((1,), {"axis": 1}), (((1, 2),), {"axis": (0, 1)})],
    np.tril: [((), {}), ((), {"k": 1})],
    np.triu: [((), {}), ((-1,), {})],
    np.clip: [((0.25, 0.65), {}), ((), {"min": 0.45}), ((), {"a_min": None, "a_max": 0.5})],
    np.copy: [((), {})],
    np.round: [((), {}), ((), {"decimals": 1})],
    np.shape: [((), {})],
    np.ndim: [((), {})],
    np.size: [((), {}), ((1,), {})],
    np.take: [(([0, 5, -1],), {}), ((1,), {"axis": 1}), ((np.array([[0, 2]]),), {"axis": -1})],
    np.zeros_like: [((), {}), ((), {"dtype": np.float32})],
    np.ones_like: [((), {})],
    np.full_like: [((2.0,), {})],
}
UNARY_CALLS = [(f, args, settings) for f, calls in CALLS.items() for args, settings in calls]


@pytest.mark.parametrize(("function", "args", "settings"), UNARY_CALLS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_function(function, args, settings):
    expected = function(A, *args, **settings)
    result = function(ag.tensor(A), *args, **settings)
    if not isinstance(result, ag.Tensor):
        assert result == expected
        return
    assert tuple(result.shape) == np.shape(expected)
    assert result.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-13)
    recorded = function(leaf(A), *args, **settings)
    if recorded.requires_grad:
        gradcheck(lambda t: function(t, *args, **settings), [leaf(A)])
    else:
        assert function in (np.all, np.any, np.argmax, np.argmin, np.zeros_like, np.ones_like, np.full_like)


SEVERAL = {
    "concatenate": (lambda a, b: np.concatenate([a, b], axis=1), (A, A + 1)),
    "concatenate with an array": (lambda a: np.concatenate([a, A], axis=0), (A,)),
    "stack": (lambda a, b: np.stack([a, b], axis=1), (A, A + 1)),
    "where": (lambda a, b: np.where(A > 0.5, a, b), (A, A + 1)),
    "where with a number": (lambda a: np.where(A > 0.5, a, 0.0), (A,)),
    "dot": (lambda a, b: np.dot(a, b), (A, B)),
    "dot of three dimensions": (lambda a, b: np.dot(a, b), (T, T.transpose(1, 2, 0) + 1)),
    "dot of two and three": (lambda a, b: np.dot(a, b), (A, T.transpose(1, 2, 0))),
    "dot of three and two": (lambda a, b: np.dot(a, b), (T, A.T)),
    "dot of one and three": (lambda a, b: np.dot(a, b), (B, T.transpose(1, 2, 0))),
    "dot with a number": (lambda a: np.dot(3.0, a), (A,)),
    "dot with a number on the right": (lambda a: np.dot(a, 3.0), (A,)),
    "vstack": (lambda a, b: np.vstack([a, b]), (A, B)),
    "hstack": (lambda a, b: np.hstack([a, b]), (A, A + 1)),
    "hstack of vectors": (lambda a, b: np.hstack([a, b]), (B, B + 1)),
    "split": (lambda a: np.split(a, 3, axis=1)[1], (A,)),
    "split at": (lambda a: np.split(a, [1, 5], axis=-1)[1], (A,)),
    "outer": (lambda a, b: np.outer(a, b), (A, B)),
    "einsum": (lambda a, b: np.einsum("ij,j->i", a, b), (A, B)),
    "einsum with an array": (lambda b: np.einsum("ij,j->i", A, b), (B,)),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_functions_of_several(name):
    function, arrays = SEVERAL[name]
    np.testing.assert_allclose(function(*[leaf(a) for a in arrays]).detach().numpy(), function(*arrays))
    gradcheck(function, [leaf(a) for a in arrays])


def test_every_function_is_tested():
    tested = set(CALLS) | {
        np.concatenate,
        np.stack,
        np.vstack,
        np.hstack,
        np.split,
        np.where,
        np.dot,
        np.outer,
        np.einsum,
        np.amax,
        np.amin,
        np.empty_like,
    }
    assert set(FUNCTIONS) <= tested, {f.__name__ for f in set(FUNCTIONS) - tested}


def test_reductions_of_ufuncs():
    t = leaf(A)
    for ufunc in (np.add, np.multiply, np.maximum, np.minimum):
        for settings in ({}, {"axis": 1}, {"axis": None}, {"axis": ()}, {"axis": 0, "keepdims": True}):
            result = ufunc.reduce(t, **settings)
            assert result.requires_grad
            np.testing.assert_allclose(result.detach().numpy(), ufunc.reduce(A, **settings))
    for settings in ({"where": A > 0.5}, {"initial": 3.0}):
        for given in (t, t.detach()):
            with pytest.raises(TypeError, match=f"{next(iter(settings))}= is not supported with tensors"):
                np.add.reduce(given, **settings)
    with pytest.raises(TypeError, match=r"np.add.accumulate: not recorded"):
        np.add.accumulate(t)
    np.testing.assert_allclose(np.add.accumulate(t.detach()).numpy(), np.add.accumulate(A))


def test_operators_with_arrays():
    t = leaf(B)
    for result in (A * t, A + t, A - t, A / t, A**t, A @ t, np.float64(2.0) * t, np.float64(2.0) ** t):
        assert isinstance(result, ag.Tensor)
        assert result.requires_grad
    for result in (t * A, t + A, t - A, t / A, t**A, np.greater(A, t), t < A, np.equal(A, t)):
        assert isinstance(result, ag.Tensor)
    np.testing.assert_allclose((A @ t).detach().numpy(), A @ B)
    np.testing.assert_allclose((A - t).detach().numpy(), A - B)


def test_numpy_scalars_are_weak():
    t = ag.tensor([1.0, 2.0])
    assert (np.float64(2.0) * t).dtype == np.float32
    assert (t * np.float64(2.0)).dtype == np.float32
    assert np.multiply(2.0, t).dtype == np.float32


def test_numpy_promotion():
    """Called as NumPy's functions they promote as NumPy does."""
    whole = ag.tensor([1, 2, 3])
    assert np.sin(whole).dtype == np.float64
    assert np.add(whole, ag.tensor([1.0, 2.0, 3.0])).dtype == np.float64
    assert ag.sin(whole).dtype == np.float32


@pytest.mark.parametrize("requires_grad", [False, True])
def test_out_is_refused(requires_grad):
    t = leaf(B) if requires_grad else ag.tensor(B)
    out = np.zeros(3)
    for call in (
        lambda: np.sin(t, out=out),
        lambda: np.add(B, t, out=out),
        lambda: np.sum(t, axis=0, out=out),
        lambda: np.add.reduce(t, out=out),
    ):
        with pytest.raises(TypeError, match=r"out= is not supported with tensors"):
            call()
    assert out.tolist() == [0.0, 0.0, 0.0]


WRITES = {
    "np.add.at": lambda t: np.add.at(t, [0], 1.0),
    "np.copyto": lambda t: np.copyto(t, 0.0),
    "np.copyto by name": lambda t: np.copyto(src=0.0, dst=t),
    "np.fill_diagonal": lambda t: np.fill_diagonal(t, 1.0),
    "np.put": lambda t: np.put(t, [0], 1.0),
    "np.putmask": lambda t: np.putmask(t, A > 0.5, 0.0),
    "np.place": lambda t: np.place(t, A > 0.5, [0.0]),
    "np.put_along_axis": lambda t: np.put_along_axis(t, np.zeros((1, 3), int), 1.0, 0),
    "np.nan_to_num": lambda t: np.nan_to_num(t, copy=False),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_writing_past_the_graph_is_refused(name, requires_grad):
    t = leaf(A) if requires_grad else ag.tensor(A)
    with pytest.raises(TypeError, match=rf"{name.split()[0]}\b.*in-place methods .* or assign"):
        WRITES[name](t)
    np.testing.assert_array_equal(t.detach().numpy(), A)


def test_tensors_may_be_written_into_arrays():
    array = np.zeros((2, 3))
    np.copyto(array, ag.tensor(A))
    np.testing.assert_array_equal(array, A)
    with pytest.raises(TypeError, match="gradient would be lost"):
        np.copyto(array, leaf(A))


def test_no_axes_reduce_nothing():
    """NumPy's `axis=()` leaves every element; PyTorch's `dim=()` takes all dimensions."""
    t = leaf(A)
    np.testing.assert_array_equal(np.sum(t, axis=()).detach().numpy(), A)
    assert t.sum(dim=()).shape == ()


def test_an_array_cannot_take_a_tensor_in_place():
    array = B.copy()
    with pytest.raises(TypeError, match="out="):
        array += leaf(B)
    np.testing.assert_array_equal(array, B)
    with pytest.raises(RuntimeError, match="requires grad"):
        array[:] = leaf(B)
    np.testing.assert_array_equal(array, B)


def test_turning_into_an_array():
    t = leaf(B)
    for call in (lambda: np.asarray(t), lambda: np.array(t), lambda: t.numpy(), lambda: np.asarray(t * 2), lambda: np.array([t, t])):
        with pytest.raises(RuntimeError, match=r"requires grad.*detach\(\)"):
            call()
    np.testing.assert_array_equal(np.asarray(t.detach()), B)
    assert np.shares_memory(np.asarray(t.detach()), t.numpy(force=True))
    assert not np.shares_memory(np.array(t.detach()), t.numpy(force=True))
    assert np.asarray(t.detach(), dtype=np.float32).dtype == np.float32
    assert np.asarray(leaf(2.0).detach()).shape == ()


def test_unknown_functions():
    t = leaf(A)
    for call, name in (
        (lambda t: np.percentile(t, 50), "np.percentile"),
        (lambda t: np.median(t), "np.median"),
        (lambda t: np.linalg.svd(t), "np.svd"),
        (lambda t: np.sort(t), "np.sort"),
        (lambda t: np.hypot(t, t), "np.hypot"),
        (lambda t: np.cbrt(t), "np.cbrt"),
        (lambda t: np.histogram(t), "np.histogram"),
        (lambda t: np.dstack([t, t]), "np.dstack"),
        (lambda t: np.add.outer(t, t), "np.add.outer"),
        (lambda t: np.sin(t, where=A > 0.5), r"np.sin with \['where'\]"),
    ):
        with pytest.raises(TypeError, match=rf"{name}.*not recorded.*gradient would be lost.*\.detach\(\)"):
            call(t)
    np.testing.assert_allclose(np.median(t.detach()).item(), np.median(A))
    np.testing.assert_allclose(np.sort(t.detach()).numpy(), np.sort(A))
    left, _, _ = np.linalg.svd(t.detach())
    assert isinstance(left, ag.Tensor)


def test_functions_that_only_look_at_values():
    t = leaf(A)
    assert np.allclose(t, A)
    assert np.array_equal(t, A)
    assert "0.3" in np.array_str(t)


def test_unknown_argument_of_a_known_function():
    with pytest.raises(TypeError):
        np.sum(leaf(A), initial=3.0)
    with pytest.raises(TypeError):
        np.mean(leaf(A), where=A > 0.5)
    with pytest.raises(TypeError):
        np.matmul(leaf(A), leaf(A.T), axes=[(0, 1), (0, 1), (0, 1)])


def test_nothing_records_in_no_grad():
    t = leaf(A)
    with ag.no_grad():
        assert not np.sin(t).requires_grad
        assert not np.sum(t).requires_grad


def test_iteration_and_conversion():
    t = ag.tensor(A)
    assert [row.tolist() for row in t] == A.tolist()
    assert len(t) == 2
    assert float(t[0, 0]) == 0.3
    assert list(range(ag.tensor(3))) == [0, 1, 2]
    assert bool(t[0, 0] > 0)
    assert 0.3 in t
