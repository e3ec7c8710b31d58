"""Making tensors: memory, dtypes, and what the errors say."""

import numpy as np
import pytest

import autograd_core as ag


def test_tensor_copies_and_as_tensor_does_not():
    a = np.arange(3.0)
    copied, shared, again = ag.tensor(a), ag.as_tensor(a), ag.from_numpy(a)
    a[0] = 9
    assert copied.tolist() == [0, 1, 2]
    assert shared.tolist() == again.tolist() == [9, 1, 2]
    assert ag.as_tensor(shared) is shared
    assert ag.as_tensor(a, dtype=ag.float32).dtype == ag.float32
    assert ag.asarray(a, copy=True).numpy() is not a
    assert np.shares_memory(ag.asarray(a, copy=False).numpy(), a)


def test_asarray_stays_in_the_graph():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    ag.asarray(x, dtype=ag.float64, copy=True).sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert not ag.asarray(x, requires_grad=False).requires_grad
    assert ag.asarray([1.0], requires_grad=True).is_leaf


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        ([], "float32"),
        (True, "bool"),
        ([True, 2], "int64"),
        ([1, 2.5], "float32"),
        ([1, 2j], "complex64"),
        ([[1, 2], (3, 4.0)], "float32"),
        (np.float16(1), "float16"),
        ([np.int8(1), np.int16(2)], "int16"),
        ([np.float64(1), 1], "float64"),
        (range(3), "int64"),
        (np.array([1, 2], ">i4"), "int32"),
    ],
)
def test_the_dtype_of_data(data, dtype):
    assert ag.tensor(data).dtype == dtype


def test_the_default_dtype_decides():
    ag.set_default_dtype(ag.float64)
    try:
        assert ag.tensor([0.1]).item() == 0.1
        assert ag.tensor(1j).dtype == ag.complex128
        for made in (ag.zeros(2), ag.linspace(0, 1, 3), ag.arange(2.0), ag.rand(2), ag.full((2,), 1.5), ag.eye(2)):
            assert made.dtype == ag.float64
    finally:
        ag.set_default_dtype(ag.float32)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: ag.tensor([[1, 2], [3]]), ValueError, "tensor: the nested sequences have different lengths"),
        (lambda: ag.tensor([1, [2]]), ValueError, "different lengths"),
        (lambda: ag.tensor([1, "a"]), TypeError, "elements must be numbers"),
        (lambda: ag.tensor({1: 2}), TypeError, "elements must be numbers"),
        (
            lambda: ag.tensor([ag.ones(2), ag.ones(2)]),
            ValueError,
            r"only those of one element are numbers, one has shape \(2,\); use stack",
        ),
        (lambda: ag.tensor(2**63), ValueError, "an integer is too large for int64"),
        (lambda: ag.tensor([1, 300], dtype=ag.uint8), RuntimeError, "tensor: 300 does not fit into uint8"),
        (lambda: ag.tensor(1j, dtype=ag.float32), TypeError, "complex numbers do not fit into float32"),
        (lambda: ag.zeros(2, dtype="U3"), TypeError, "a tensor's dtype is boolean, integer, floating-point or complex"),
        (lambda: ag.zeros(2, dtype=np.longdouble), TypeError, "a tensor's dtype"),
        (lambda: ag.zeros(), TypeError, r"zeros: a size is missing; that of a 0-d tensor is \(\)"),
        (lambda: ag.zeros(2, out=ag.ones(2)), TypeError, "zeros: out= is not supported"),
        (lambda: ag.zeros(2, layout="sparse"), RuntimeError, "zeros: the only layout is strided, got 'sparse'"),
        (lambda: ag.ones(2, pin_memory=True), RuntimeError, "ones: there is no pinned memory"),
        (
            lambda: ag.empty(2, memory_format="channels_last"),
            RuntimeError,
            "empty: the memory formats are preserve_format and contiguous_format",
        ),
        (lambda: ag.ones(2, device="cuda"), RuntimeError, "CPU"),
        (lambda: ag.ones(2, colour=1), TypeError, "colour"),
        (lambda: ag.full((2,), 1e39), RuntimeError, r"full: 1e\+39 does not fit into float32"),
        (
            lambda: ag.full((2,), ag.ones((), requires_grad=True)),
            TypeError,
            r"full: fill_value is taken as a number, which would lose its gradient",
        ),
        (lambda: ag.ones(2).new_full((2,), "a"), TypeError, "new_full: fill_value must be a number or a 0-d tensor, got str 'a'"),
        (lambda: ag.zeros_like([1]), TypeError, "zeros_like: expected a Tensor, got a list"),
        (lambda: ag.eye(-1), RuntimeError, "eye: n cannot be negative, got -1"),
        (lambda: ag.arange(5, 1), RuntimeError, "arange: a step of 1 does not lead from 5 to 1"),
        (lambda: ag.arange(float("inf")), RuntimeError, "arange: start and end must be finite"),
        (lambda: ag.arange(3, dtype=ag.bool), RuntimeError, "arange: cannot be done in bool"),
        (lambda: ag.linspace(0, 1, -1), RuntimeError, "linspace: steps cannot be negative, got -1"),
        (
            lambda: ag.linspace(ag.zeros(1), 1, 3),
            RuntimeError,
            r"linspace: start must be a number or a 0-d tensor, got a tensor of shape \(1,\)",
        ),
        (lambda: ag.meshgrid(ag.ones(2), indexing="ab"), RuntimeError, 'meshgrid: indexing is "ij" or "xy", got \'ab\''),
        (lambda: ag.tril_indices(2, 2, dtype=ag.float32), RuntimeError, "tril_indices: cannot be done in float32"),
        (lambda: ag.rand(2, dtype=ag.int64), RuntimeError, "rand: cannot be done in int64"),
        (lambda: ag.randint(300, (2,), dtype=ag.uint8), RuntimeError, "randint: integers from 0 to 299 do not fit into uint8"),
        (lambda: ag.randperm(300, dtype=ag.uint8), RuntimeError, "randperm: the integers below 300 do not fit into uint8"),
        (lambda: ag.normal(0.0, 1.0), TypeError, "normal: two numbers need a size"),
    ],
)
def test_errors(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_warnings():
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    with pytest.warns(UserWarning, match=r"tensor: to copy a Tensor, say t\.detach\(\)\.clone\(\)"):
        ag.tensor(x)
    with pytest.warns(UserWarning, match="new_tensor: to copy a Tensor"):
        x.new_tensor(x)
    with pytest.warns(UserWarning, match="no gradient flows to it"):
        ag.tensor([x[0], 2.0])
    with pytest.warns(UserWarning, match="no gradient flows to it"):
        ag.linspace(x[0], 2.0, 3)


def test_ends_are_exact():
    for dtype in (ag.float16, ag.float32, ag.float64):
        for start, end, steps in ((0.1, 0.7, 7), (-3.3, 1e4, 100), (1 / 3, 1 / 3, 5)):
            x = ag.linspace(start, end, steps, dtype=dtype).numpy()
            assert x[0] == np.array(start, dtype)
            assert x[-1] == np.array(end, dtype)
            assert (np.diff(x) >= 0).all()
    x = ag.linspace(-1, 1, 9).numpy()
    assert (x == -x[::-1]).all()


def test_grids_are_views():
    x, y = ag.arange(2.0), ag.arange(3.0)
    a, b = ag.meshgrid(x, y, indexing="ij")
    assert np.shares_memory(a.numpy(), x.numpy())
    assert a.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert b.tolist() == [[0, 1, 2], [0, 1, 2]]


def test_signatures_say_what_is_taken():
    import inspect

    assert {"size", "dtype", "device", "requires_grad"} <= inspect.signature(ag.zeros).parameters.keys()
    assert ag.zeros.__doc__.startswith("Zeros")


def test_fractions_below_zero_do_not_wrap_round():
    for make in (
        lambda: ag.full((2,), -1.5, dtype=ag.uint8),
        lambda: ag.tensor([-1.5, 2.0], dtype=ag.uint8),
        lambda: ag.full((2,), 127.5, dtype=ag.int8),
    ):
        with pytest.raises(RuntimeError, match="does not fit"):
            make()
    assert ag.full((2,), -1, dtype=ag.uint8).tolist() == [255, 255]
    assert ag.full((2,), 7.9, dtype=ag.uint8).tolist() == [7, 7]
