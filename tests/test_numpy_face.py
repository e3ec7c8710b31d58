"""NumPy's ufuncs and protocols on Tensors: recorded with NumPy's semantics, or refused, never a gradient lost in silence."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.check import gradcheck
from autograd_core.faces.numpy import UFUNCS, WRITING


def leaf(values, dtype="float64"):
    return ag.tensor(np.array(values, dtype=dtype), requires_grad=True)


A = np.array([[0.3, 0.7, 0.2], [0.9, 0.4, 0.6]])
B = np.array([0.5, 0.8, 0.35])
ABOVE_ONE = {np.arccosh}
WHOLE = {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm}
MATRICES = {
    np.matmul: (A, A.T.copy()),
    np.vecdot: (A, A[::-1] + 1),
    getattr(np, "matvec", None): (A, B),
    getattr(np, "vecmat", None): (B, A.T.copy()),
}
PLAIN = {np.spacing, np.bitwise_count, np.isnat}  # without an operation of ours
EVERY = sorted({u for u in vars(np).values() if isinstance(u, np.ufunc)}, key=lambda u: u.__name__)


def operands(ufunc):
    if ufunc in MATRICES:
        return MATRICES[ufunc]
    a, b = (A + 1, B + 1) if ufunc in ABOVE_ONE else (A, B)
    if ufunc in WHOLE or ufunc is np.bitwise_count:
        a, b = (A * 10).astype(int), (B * 10).astype(int)
    if ufunc is np.ldexp:
        b = np.array([3, -2, 0])
    return (a, b)[: ufunc.nin]


def several(answer):
    return answer if isinstance(answer, tuple) else (answer,)


def test_every_ufunc_is_known():
    assert set(EVERY) - set(UFUNCS) == PLAIN


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_ufunc(ufunc):
    given = operands(ufunc)
    expected = several(ufunc(*given))
    calls = [ufunc(*[ag.tensor(v) for v in given])]
    recording = [leaf(v) if v.dtype.kind == "f" else ag.tensor(v) for v in given]
    calls.append(ufunc(*recording))
    if ufunc.nin == 2:  # an array on either side
        a, b = given
        calls += [ufunc(ag.tensor(a), b), ufunc(a, ag.tensor(b)), ufunc(recording[0], b), ufunc(a, recording[1])]
    for call in calls:
        for result, e in zip(several(call), expected, strict=True):
            assert isinstance(result, ag.Tensor)
            assert result.dtype == e.dtype
            assert result.array.shape == e.shape
            np.testing.assert_allclose(result.detach().numpy(), e, rtol=1e-13)
    if expected[0].dtype.kind == "f" and given[0].dtype.kind == "f":
        assert several(calls[1])[0].requires_grad
        if ufunc not in (np.nextafter,):  # of which a difference is rounding
            gradcheck(lambda *t: several(ufunc(*t))[0], recording)


KINDS = [np.dtype(c) for c in "?bBhHiIlLefdFD"]


@pytest.mark.parametrize("ufunc", [u for u in UFUNCS if u not in MATRICES], ids=lambda u: u.__name__)
def test_dtypes_of_ufuncs(ufunc):
    """Of all pairs of dtypes, and Python's numbers, the results are of NumPy's, whether or not something records."""
    sample = [np.ones(2, kind) for kind in KINDS]
    pairs = [(x,) for x in sample] if ufunc.nin == 1 else [(x, y) for x in sample for y in (*sample, 2, 2.5)] + [(2.5, y) for y in sample]
    for given in pairs:
        try:
            with np.errstate(all="ignore"):
                expected = several(ufunc(*given))
        except TypeError:
            with pytest.raises(TypeError):
                ufunc(*[ag.tensor(x) if isinstance(x, np.ndarray) else x for x in given])
            continue
        for requires_grad in (False, True):
            tensors = [
                ag.tensor(x, requires_grad=requires_grad and x.dtype.kind in "fc") if isinstance(x, np.ndarray) else x for x in given
            ]
            with np.errstate(all="ignore"):
                results = several(ufunc(*tensors))
            for result, e in zip(results, expected, strict=True):
                assert result.dtype == e.dtype, given
                np.testing.assert_allclose(result.detach().numpy(), e, rtol=2e-3 if e.dtype.itemsize == 2 else 1e-6)


def test_complex_ufuncs():
    z = A + 1j * A[::-1]
    for ufunc in (np.conjugate, np.absolute, np.exp, np.sin, np.sqrt, np.square, np.multiply, np.divide, np.vecdot, np.power):
        given = (z, z[::-1] * 0.5)[: ufunc.nin]
        recorded = ufunc(*[ag.tensor(v, requires_grad=True) for v in given])
        assert recorded.requires_grad
        np.testing.assert_allclose(recorded.detach().numpy(), ufunc(*given), rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3)])
def test_0d_and_empty(shape):
    values = np.full(shape, 0.4)
    for ufunc in (np.sin, np.sqrt, np.cbrt, np.positive, np.fabs, np.deg2rad):
        result = ufunc(ag.tensor(values, requires_grad=True))
        assert result.array.shape == shape
        assert result.requires_grad
    assert np.add(ag.tensor(values, requires_grad=True), 1).array.shape == shape


def test_special_values():
    t = leaf([np.inf, -np.inf, -2.5, 0.0])
    fraction, whole = np.modf(t)
    for mine, theirs in zip((fraction, whole), np.modf(t.detach().numpy()), strict=True):
        np.testing.assert_array_equal(mine.detach().numpy(), theirs)
    fraction[2].backward()
    np.testing.assert_array_equal(t.grad.numpy(), [0, 0, 1, 0])
    far = np.ldexp(leaf([1e-300, 1.5]), [1100, -1074])
    np.testing.assert_array_equal(far.detach().numpy(), np.ldexp([1e-300, 1.5], [1100, -1074]))


# ---------------------------------------------------------------------- settings and methods


def test_settings_of_ufuncs():
    t = leaf(A, "float32")
    assert np.sin(t, dtype=np.float64).dtype == np.float64
    assert np.add(t, t, dtype="float64", casting="same_kind").requires_grad
    assert np.add(t, 1, signature="dd->d").dtype == np.float64
    assert np.sin(t, order="C", subok=False).requires_grad
    assert np.sin(t, where=True).requires_grad
    np.testing.assert_allclose(np.vecdot(leaf(A), A, axis=0).detach().numpy(), (A * A).sum(0))
    with pytest.raises(TypeError):
        np.add(t, t, dtype=np.float16, casting="no")
    with pytest.raises(TypeError, match=r"np\.sin: where= leaves entries without a value"):
        np.sin(t, where=A > 0.5)
    with pytest.raises(TypeError, match=r"np\.matmul: axes is not recorded"):
        np.matmul(t, t, axes=[(0, 1), (1, 0), (0, 1)])
    plain = t.detach()
    out = np.zeros_like(A)
    np.sin(plain, out=out, where=A > 0.5)
    np.testing.assert_allclose(out, np.where(A > 0.5, np.sin(A), 0), rtol=1e-6)
    assert np.matmul(plain, plain, axes=[(0, 1), (1, 0), (0, 1)]).shape == (2, 2)


REDUCED = [np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.fmax, np.fmin]


@pytest.mark.parametrize("ufunc", REDUCED, ids=lambda u: u.__name__)
def test_reduce(ufunc):
    for settings in ({}, {"axis": 1}, {"axis": None}, {"axis": ()}, {"axis": 0, "keepdims": True}, {"axis": -1}, {"axis": (0, 1)}):
        expected = ufunc.reduce(A, **settings)
        for t in (leaf(A), ag.tensor(A)):
            result = ufunc.reduce(t, **settings)
            assert result.requires_grad == t.requires_grad
            assert result.array.shape == expected.shape
            np.testing.assert_allclose(result.detach().numpy(), expected)
        gradcheck(lambda t, settings=settings: ufunc.reduce(t, **settings), [leaf(A)])
    if ufunc is not np.logaddexp:
        for settings in ({"where": A > 0.5, "initial": 0.55}, {"initial": 3.0, "axis": 1}, {"dtype": np.float32}):
            np.testing.assert_allclose(ufunc.reduce(leaf(A), **settings).detach().numpy(), ufunc.reduce(A, **settings), rtol=1e-6)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.minimum, np.logaddexp], ids=lambda u: u.__name__)
def test_accumulate_and_reduceat(ufunc):
    for call in (
        lambda t: ufunc.accumulate(t),
        lambda t: ufunc.accumulate(t, axis=1),
        lambda t: ufunc.reduceat(t, [0, 2, 1], axis=1),
        lambda t: ufunc.reduceat(t, [1, 0]),
    ):
        np.testing.assert_allclose(call(leaf(A)).detach().numpy(), call(A))
        np.testing.assert_allclose(call(ag.tensor(A)).numpy(), call(A))
        gradcheck(call, [leaf(A)])
    assert ufunc.accumulate(leaf(A), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.hypot, np.power, np.greater, np.divmod], ids=lambda u: u.__name__)
def test_outer(ufunc):
    for given in ((leaf(A), leaf(B)), (A, leaf(B)), (leaf(A), 2.0), (ag.tensor(A), B)):
        expected = several(ufunc.outer(*[g.detach().numpy() if isinstance(g, ag.Tensor) else g for g in given]))
        for result, e in zip(several(ufunc.outer(*given)), expected, strict=True):
            assert result.array.shape == e.shape
            np.testing.assert_allclose(result.detach().numpy(), e)
            if e.dtype.kind == "f" and any(isinstance(g, ag.Tensor) and g.requires_grad for g in given):
                assert result.requires_grad


def test_unrecorded_ufuncs_and_methods():
    t = leaf(A)
    for call, name in (
        (lambda t: np.spacing(t), "np.spacing"),
        (lambda t: np.subtract.reduce(t), r"np\.subtract\.reduce"),
        (lambda t: np.subtract.accumulate(t), r"np\.subtract\.accumulate"),
        (lambda t: np.hypot.reduceat(t, [0]), r"np\.hypot\.reduceat"),
        (lambda t: np.frompyfunc(lambda x: x, 1, 1)(t), r"np\."),
    ):
        with pytest.raises(TypeError, match=rf"{name}.*not recorded.*\.detach\(\)"):
            call(t)
        call(t.detach())


# ---------------------------------------------------------------------- promotion and operators


def compared_on_the_left(array, t):
    return array == t, array != t, array >= t, array < t


def test_operators_with_arrays():
    t = leaf(B)
    for result in (A * t, A + t, A - t, A / t, A**t, A @ t, A // t, A % t, np.float64(2.0) * t, np.float64(2.0) ** t, *divmod(A, t)):
        assert isinstance(result, ag.Tensor)
        assert result.requires_grad
    for result in (t * A, t + A, t - A, t / A, t**A, np.greater(A, t), t < A, np.equal(A, t), *compared_on_the_left(A, t)):
        assert isinstance(result, ag.Tensor)
    np.testing.assert_allclose((A @ t).detach().numpy(), A @ B)
    np.testing.assert_allclose((A - t).detach().numpy(), A - B)
    single = leaf(B, "float32")
    assert (B.astype(np.float32) * single).dtype == np.float32
    assert (B * single).dtype == (single * B).dtype == np.float64
    assert (np.arange(3) * single).dtype == np.float64  # NumPy's function, with NumPy's promotion


def test_numpy_scalars_are_weak():
    for t in (ag.tensor([1.0, 2.0]), leaf([1.0, 2.0], "float32")):
        assert (np.float64(2.0) * t).dtype == np.float32
        assert (t * np.float64(2.0)).dtype == np.float32
        assert np.multiply(2.0, t).dtype == np.float32
        assert np.where(ag.tensor([True, False]), t, np.float64(0)).dtype == np.float32


def test_numpy_promotion():
    """Called as NumPy's functions they promote as NumPy does."""
    whole = ag.tensor([1, 2, 3])
    for other in (ag.tensor([1.0, 2.0, 3.0]), leaf([1.0, 2.0, 3.0], "float32")):
        assert np.add(whole, other).dtype == np.float64
        assert np.concatenate([whole, other]).dtype == np.float64
        assert np.where(ag.tensor([True, False, True]), whole, other).dtype == np.float64
        assert np.dot(whole, other).dtype == np.float64
    assert np.sin(whole).dtype == np.float64
    assert ag.sin(whole).dtype == np.float32
    assert np.sum(ag.tensor([1, 2], dtype=ag.uint8)).dtype == np.uint64
    assert np.sum(ag.tensor([True, True])).item() == 2
    assert np.std(whole).dtype == np.float64
    assert np.mean(whole).dtype == np.float64


class Other:
    """A class that answers to NumPy itself."""

    def __array_ufunc__(self, *args, **settings):
        return "mine"

    def __array_function__(self, *args, **settings):
        return "mine"


def test_other_classes_are_asked():
    for t in (leaf(B), ag.tensor(B)):
        assert np.add(t, Other()) == np.add(Other(), t) == "mine"
        assert np.concatenate([t, Other()]) == "mine"
        with pytest.raises(TypeError):
            np.add(t, None)


def test_hidden_state_does_not_matter():
    """Not even an in-place write that was recorded elsewhere changes what whole numbers give."""
    x = leaf(B)
    y = x * 1
    y[0] = x[1]
    whole = ag.tensor([1, 2, 3], dtype=ag.uint8)
    with ag.autograd.detect_anomaly():
        assert np.sum(whole).dtype == np.uint64
        assert np.mean(whole).item() == 2
        assert np.add(whole, 1).dtype == np.uint8


def test_arrays_of_objects():
    t, u = leaf([1.0, 2.0]), leaf(3.0)
    objects = np.empty(2, object)
    objects[0], objects[1] = t, u  # each stays a tensor that records
    assert (objects * 2)[0].requires_grad
    with pytest.raises(TypeError, match="arrays of objects are not recorded"):
        objects * t
    with pytest.raises(RuntimeError, match="requires grad"):
        np.array([t, t], dtype=object)


# ---------------------------------------------------------------------- nothing lost in silence


@pytest.mark.parametrize("requires_grad", [False, True])
def test_out(requires_grad):
    """An array takes what does not record; a tensor is never written past its graph."""
    for call in (
        lambda t, out: np.sin(t, out=out),
        lambda t, out: np.add(B, t, out),
        lambda t, out: np.cumsum(t, axis=0, out=out),
        lambda t, out: np.cumsum(t, 0, None, out),
        lambda t, out: np.add.accumulate(t, out=out),
        lambda t, out: np.concatenate([t[:2], t[2:]], out=out),
        lambda t, out: np.concatenate([t[:2], t[2:]], 0, out),
        lambda t, out: np.einsum("i,i->i", t, B, out=out),
        lambda t, out: np.dot(np.eye(3), t, out),
        lambda t, out: np.clip(t, 0.4, 0.6, out),
        lambda t, out: np.take(t, [0, 1, 1], None, out),
    ):
        t = leaf(B) if requires_grad else ag.tensor(B)
        out, expected = np.zeros(3), np.zeros(3)
        if requires_grad:
            with pytest.raises(TypeError, match=r"out= is not supported with tensors"):
                call(t, out)
            assert out.tolist() == [0.0, 0.0, 0.0]
        else:
            assert call(t, out) is out
            call(B, expected)
            np.testing.assert_array_equal(out, expected)
        with pytest.raises(TypeError, match=r"out= is not supported with tensors"):
            call(t, ag.zeros(3, dtype=ag.float64))


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


def test_every_writing_function_is_tested():
    assert {f.__name__ for f in WRITING} <= {name.split(".")[1].split()[0] for name in WRITES}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_writing_past_the_graph_is_refused(name, requires_grad):
    t = leaf(A) if requires_grad else ag.tensor(A)
    with pytest.raises(TypeError, match=rf"{name.split()[0]}\b.*in-place methods .* or assign"):
        WRITES[name](t)
    np.testing.assert_array_equal(t.detach().numpy(), A)


def changed(array, write):
    write(array)
    return array


def added(array, t):
    before = array
    array += t
    assert array is before


INTO_ARRAYS = {
    "copyto": lambda x, t: np.copyto(x, t),
    "put": lambda x, t: np.put(x, [0, 1, 2], t),
    "putmask": lambda x, t: np.putmask(x, x == 0, t),
    "place": lambda x, t: np.place(x, x == 0, t),
    "put_along_axis": lambda x, t: np.put_along_axis(x, np.arange(3), t, 0),
    "add.at": lambda x, t: np.add.at(x, [0, 0, 2], t),
    "+=": added,
    "[...] =": lambda x, t: x.__setitem__(..., t),
    "[:] =": lambda x, t: x.__setitem__(slice(None), t),
    "[mask] =": lambda x, t: x.__setitem__(np.array([True, True, True]), t),
    "[0:2] = [t, t]": lambda x, t: x.__setitem__(slice(0, 2), [t[0], t[1]]),
    "method put": lambda x, t: x.put([0, 1, 2], t),
}


@pytest.mark.parametrize("name", INTO_ARRAYS)
def test_writing_into_arrays(name):
    """What records is refused; what does not is as an array."""
    write, array = INTO_ARRAYS[name], np.zeros(3)
    with pytest.raises((TypeError, RuntimeError), match=r"grad"):
        write(array, leaf(B))
    assert array.tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_array_equal(changed(array, lambda x: write(x, ag.tensor(B))), changed(np.zeros(3), lambda x: write(x, B)))


INTO_NUMPY = {
    "asarray": np.asarray,
    "array": np.array,
    "asanyarray": np.asanyarray,
    "ascontiguousarray": np.ascontiguousarray,
    "asfortranarray": np.asfortranarray,
    "asarray_chkfinite": np.asarray_chkfinite,
    "require": np.require,
    "array of tensors": lambda t: np.array([t, t]),
    "array of arrays of tensors": lambda t: np.array([[t]]),
    "array of numbers and tensors": lambda t: np.array([1.0, t[0]]),
    "array of objects": lambda t: np.array([t, t], dtype=object),
    "float32": np.float32,
    "complex128": np.complex128,
    "int64": np.int64,
    "bool_": np.bool_,
    "full": lambda t: np.full(3, t),
    "vectorize": lambda t: np.vectorize(lambda x: x * 2)(t),
    "nditer": lambda t: np.array([x.copy() for x in np.nditer(t)]),
    "broadcast": lambda t: np.array([x for x, _ in np.broadcast(t, B)]),
    "ndenumerate": lambda t: np.array([x for _, x in np.ndenumerate(t)]),
    "r_": lambda t: np.r_[t, t],
    "c_": lambda t: np.c_[t, t],
    "an array's dot": lambda t: B.dot(t),
    "an array's searchsorted": lambda t: B.searchsorted(t),
    "random": lambda t: np.random.default_rng(0).normal(t),
    "masked": lambda t: np.ma.array(t).data,
    "polynomial": lambda t: np.polynomial.polynomial.polyval(0.5, t),
}


@pytest.mark.parametrize("name", INTO_NUMPY)
def test_becoming_an_array(name):
    convert = INTO_NUMPY[name]
    with pytest.raises(RuntimeError, match=r"requires grad.*detach\(\)"):
        convert(leaf(B))
    try:
        expected = convert(B)
    except TypeError:  # more than one element is no number
        with pytest.raises(TypeError):
            convert(ag.tensor(B))
        return
    np.testing.assert_array_equal(convert(ag.tensor(B)), expected)


def test_sharing_and_copying():
    t = leaf(B)
    assert np.shares_memory(np.asarray(t.detach()), t.numpy(force=True))
    assert not np.shares_memory(np.array(t.detach()), t.numpy(force=True))
    assert np.asarray(t.detach(), dtype=np.float32).dtype == np.float32
    assert np.asarray(leaf(2.0).detach()).shape == ()
    view = np.negative(ag.tensor(B)), np.copy(ag.tensor(B)), np.nan_to_num(ag.tensor(B))
    assert not any(np.shares_memory(v.numpy(), B) for v in view)


def test_files(tmp_path):
    for save in (np.save, np.savetxt, lambda f, t: np.savez(f, t), lambda f, t: np.savez_compressed(f, t)):
        with pytest.raises(TypeError, match="gradient would be lost"):
            save(io.BytesIO(), leaf(A))
        save(io.BytesIO(), ag.tensor(A))
    np.save(tmp_path / "a.npy", ag.tensor(A))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), A)


def test_buffers():
    for t in (leaf(B), ag.tensor(B)):
        for look in (memoryview, np.frombuffer, bytearray):
            if look is bytearray and not t.requires_grad:
                continue
            with pytest.raises((TypeError, RuntimeError)):
                look(t)


def test_numbers():
    """`float(t)`, and what asks for it, read the one element as `t.item()` does, and say so where a gradient ends there."""
    t = leaf(0.25)
    assert t.item() == 0.25
    array = np.zeros(2)
    for read in (
        float,
        int,
        complex,
        np.float64,
        math.sqrt,
        array.fill,
        lambda t: array.__setitem__(0, t),
        lambda t: np.fromiter([t, t], float),
    ):
        with pytest.warns(UserWarning, match=r"a number has no gradient; if a number is meant, say t\.item\(\)"):
            read(t)
        read(t.detach())
    assert float(t.detach()) == np.float64(t.detach()) == array[0] == 0.25
    with pytest.raises(RuntimeError, match="one element"):
        math.sqrt(leaf(B))


def test_no_axes_reduce_nothing():
    """NumPy's `axis=()` leaves every element; PyTorch's `dim=()` takes all dimensions."""
    t = leaf(A)
    np.testing.assert_array_equal(np.sum(t, axis=()).detach().numpy(), A)
    assert t.sum(dim=()).shape == ()


def test_functions_that_only_look_at_values():
    t = leaf(A)
    assert np.allclose(t, A) is True
    assert np.array_equal(t, A) is True
    assert "0.3" in np.array_str(t)


def test_nothing_records_in_no_grad():
    t = leaf(A)
    with ag.no_grad():
        assert not np.sin(t).requires_grad
        assert not np.sum(t).requires_grad
        assert not np.spacing(t).requires_grad
        assert not np.reshape(t, -1).requires_grad
        with pytest.raises(RuntimeError, match="requires grad"):
            np.asarray(t)


def test_inside_vmap():
    """Also where nothing records, a batched tensor is worked on by our operations."""
    batch = ag.tensor(np.stack([A, A * 2]))
    assert ag.vmap(lambda t: np.sin(t) + np.sum(t, axis=0))(batch).shape == (2, 2, 3)
    np.testing.assert_allclose(ag.vmap(lambda t: np.mean(t))(batch).numpy(), [A.mean(), 2 * A.mean()])
    np.testing.assert_allclose(ag.vmap(lambda t: np.std(t, axis=0))(ag.tensor([[1, 2], [3, 7]])).numpy(), [0.5, 2.0])
    with pytest.raises((RuntimeError, TypeError)):
        ag.vmap(lambda t: np.spacing(t))(batch)


def test_iteration_and_conversion():
    t = ag.tensor(A)
    assert [row.tolist() for row in t] == A.tolist()
    assert len(t) == 2
    assert float(t[0, 0]) == 0.3
    assert list(range(ag.tensor(3))) == [0, 1, 2]
    assert bool(t[0, 0] > 0)
    assert 0.3 in t
