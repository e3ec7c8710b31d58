"""Reading and writing at indices: forms, duplicates, errors, and the sums at indices that repeat."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import InplaceError, ShapeError
from autograd_core.ops import index


def matrix(requires_grad=False):
    return ag.arange(12.0, requires_grad=requires_grad).reshape(3, 4)


A = np.arange(12.0).reshape(3, 4)

# ---------------------------------------------------------------------- forms

FORMS = {
    "negative step": slice(None, None, -1),
    "negative steps": (slice(2, None, -2), slice(None, None, -1)),
    "slice with tensors": (slice(ag.tensor(1), ag.tensor(3)),),
    "NumPy integers": (np.int64(1), np.int32(-1)),
    "0-d tensor": (ag.tensor(1), slice(None)),
    "range": range(2),
    "tuple in tuple": ((0, 2), slice(None)),
    "NumPy array": np.array([[0, 2], [1, 1]]),
    "NumPy mask": A > 4,
    "empty list": [],
    "list of booleans": [True, False, True],
    "None": (None, 1, ..., None),
    "array and None": ([0, 1], None, [1, 2]),
    "int64, int32, int16, int8": (np.array([0, 1], np.int16), np.array([0, 1], np.int8)),
}


@pytest.mark.parametrize("name", FORMS)
def test_form_is_numpys(name):
    form = FORMS[name]
    plain = (
        tuple(slice(1, 3) if name == "slice with tensors" else 1 if isinstance(p, ag.Tensor) else p for p in form)
        if isinstance(form, tuple)
        else form
    )
    expected = A[plain]
    x = matrix(requires_grad=True)
    part = x[form]
    np.testing.assert_array_equal(part.detach().numpy(), expected)
    weights = np.arange(1.0, 1 + expected.size).reshape(expected.shape)
    (g,) = ag.autograd.grad((part * ag.tensor(weights, dtype=ag.float32)).sum(), x)
    summed = np.zeros((3, 4))
    np.add.at(summed, plain, weights)
    np.testing.assert_array_equal(g.numpy(), summed)
    y = matrix()
    y[form] = ag.tensor(weights)
    written = A.copy()
    written[plain] = weights
    np.testing.assert_array_equal(y.numpy(), written)


def test_a_list_of_lists_is_a_tuple_as_in_pytorch():
    assert matrix()[[[0, 1], [1, 2]]].tolist() == [1, 6]
    assert matrix()[[[0, 1], slice(None)]].tolist() == matrix()[:2].tolist()


def test_uint8_is_a_mask():
    assert matrix()[ag.tensor([1, 0, 1], dtype=ag.uint8)].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]


def test_integers_and_slices_are_views():
    x = matrix()
    for part in (x[1], x[:, 2], x[1, 2], x[..., ::2], x[None], x[()], x[ag.tensor(0)]):
        assert np.shares_memory(part.array, x.array)
    assert not np.shares_memory(x[[0]].array, x.array)


# ---------------------------------------------------------------------- writing


def test_of_an_element_named_twice_the_last_value_counts_and_gets_the_gradient():
    for write in (
        lambda x, v: x.__setitem__(([0, 0, 1],), v),
        lambda x, v: x.index_copy_(0, ag.tensor([0, 0, 1]), v),
        lambda x, v: x.scatter_(0, ag.tensor([0, 0, 1]), v),
        lambda x, v: x.put_(ag.tensor([0, 0, 1]), v),
        lambda x, v: x.index_put_((ag.tensor([0, 0, 1]),), v),
    ):
        base, v = ag.ones(3, requires_grad=True), ag.tensor([5.0, 6.0, 7.0], requires_grad=True)
        x = base * 1
        write(x, v)
        assert x.tolist() == [6, 7, 1]
        (x * ag.tensor([1.0, 10.0, 100.0])).sum().backward()
        assert v.grad.tolist() == [0, 1, 10]
        assert base.grad.tolist() == [0, 0, 100]


def test_one_value_for_an_element_named_twice():
    v = ag.tensor(2.0, requires_grad=True)
    x = ag.zeros(3)
    x[[0, 0, 1]] = v
    x.sum().backward()
    assert v.grad.item() == 2


def test_chains_of_views_are_written_through():
    w = matrix(requires_grad=True)
    x = w * 1
    x[1:][0][2] = 5
    x.view(-1)[3] *= 2
    x[[0, 2]] += 1
    x[x > 9] = 0
    expected = A.copy()
    expected[1, 2] = 5
    expected[0, 3] *= 2
    expected[[0, 2]] += 1
    zeroed = expected > 9
    expected[zeroed] = 0
    np.testing.assert_array_equal(x.detach().numpy(), expected)
    (g,) = ag.autograd.grad(x.sum(), w)
    gradient = np.ones((3, 4))
    gradient[1, 2] = 0
    gradient[0, 3] = 2
    gradient[zeroed] = 0
    np.testing.assert_array_equal(g.numpy(), gradient)


def test_a_part_of_itself():
    w = ag.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    x = w * 1
    x[1:] = x[:-1]
    assert x.tolist() == [1, 1, 2, 3]
    (x * ag.tensor([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    assert w.grad.tolist() == [11, 100, 1000, 0]


def test_a_value_with_leading_ones():
    v = ag.ones(1, 1, 4, requires_grad=True)
    x = matrix() * 1
    x[1] = v
    x.sum().backward()
    assert v.grad.tolist() == [[[1, 1, 1, 1]]]


def test_integers_take_cut_values():
    x = ag.zeros(2, dtype=ag.int64)
    x[0] = 2.7
    assert x.tolist() == [2, 0]


def test_an_index_changed_between_forward_and_backward():
    for read in (lambda x, i: x[i], lambda x, i: x.gather(0, i), lambda x, i: x.index_select(0, i)):
        x, i = ag.ones(3, requires_grad=True), ag.tensor([0, 1])
        out = read(x, i).sum()
        i.add_(1)
        with pytest.raises(InplaceError):
            out.backward()


def test_a_write_keeps_no_copy_of_the_whole():
    x = ag.ones(1000, requires_grad=True) * 1
    for k in range(3):
        x[k] = 2.0
    assert x.grad_fn.saved is not None
    assert not [a for a in x.grad_fn.saved if isinstance(a, np.ndarray) and a.size == 1000]


# ---------------------------------------------------------------------- errors

ERRORS = {
    "out of range": (lambda x: x[5], IndexError, "getitem((3, 4)"),
    "too many": (lambda x: x[0, 0, 0], IndexError, "too many indices"),
    "array out of range": (lambda x: x[:, [5]], IndexError, "5 is out of bounds"),
    "mask of another shape": (lambda x: x[ag.tensor([True, False])], IndexError, "boolean index did not match"),
    "float": (lambda x: x[1.0], IndexError, "indices are integers, slices"),
    "float tensor": (lambda x: x[ag.tensor([1.0])], IndexError, "must be integer or boolean, got float32"),
    "ragged list": (lambda x: x[[0, [1, 2], 3], ...], IndexError, "evenly nested"),
    "slice of floats": (lambda x: x[0.5:], TypeError, "from integer to integer"),
    "set out of range": (lambda x: x.__setitem__(5, 0), IndexError, "setitem"),
    "set does not fit": (lambda x: x.__setitem__(0, ag.ones(3)), ShapeError, "a value of shape (3,) does not fit the place of shape (4,)"),
    "set a list": (lambda x: x.__setitem__(0, [1, 2, 3, 4]), TypeError, "tensor(...)"),
    "gather out of range": (lambda x: x.gather(0, ag.tensor([[3]])), IndexError, "index 3 is out of range for dimension 0 of length 3"),
    "gather negative": (lambda x: x.gather(0, ag.tensor([[-1]])), IndexError, "index -1 is out of range"),
    "gather too long": (lambda x: x.gather(0, ag.zeros(1, 5, dtype=ag.int64)), ShapeError, "must not be longer than (3, 4), but along 0"),
    "gather dtype": (lambda x: x.gather(0, ag.zeros(1, 4)), RuntimeError, "must be a tensor of int64 or int32, got float32"),
    "scatter dtype": (lambda x: x.scatter(0, ag.tensor([[0]]), ag.ones(1, 1, dtype=ag.float64)), RuntimeError, "the source is float64"),
    "scatter source": (lambda x: x.scatter(0, ag.tensor([[0, 1]]), ag.ones(1, 1)), ShapeError, "not be longer than the source (1, 1)"),
    "scatter reduce": (lambda x: x.scatter(0, ag.tensor([[0]]), 1, reduce="sum"), RuntimeError, '"add" or "multiply"'),
    "scatter_reduce": (lambda x: x.scatter_reduce(0, ag.tensor([[0]]), x, "median"), RuntimeError, "one of sum, mean, prod, amax, amin"),
    "index_select out of range": (lambda x: x.index_select(1, ag.tensor([4])), IndexError, "index 4 is out of range"),
    "index_select rank": (lambda x: x.index_select(1, ag.tensor([[1]])), IndexError, "must be a vector"),
    "index_add": (lambda x: x.index_add(0, ag.tensor([0]), ag.ones(2, 4)), ShapeError, "must be (1, 4)"),
    "index_fill": (lambda x: x.index_fill(0, ag.tensor([0]), ag.ones(1)), RuntimeError, "a number or a 0-d tensor"),
    "index_put": (lambda x: x.index_put((ag.tensor([7]),), ag.tensor(1.0)), IndexError, "index_put"),
    "take": (lambda x: x.take(ag.tensor([12])), IndexError, "index 12 is out of range"),
    "put": (lambda x: x.put(ag.tensor([1, 2]), ag.tensor(1.0)), IndexError, "2 indices but 1 elements"),
    "masked_select": (lambda x: x.masked_select(ag.ones(3, 4)), RuntimeError, "must be boolean"),
    "masked_scatter": (lambda x: x.masked_scatter(x > 3, ag.ones(2)), RuntimeError, "asks for 8 elements, the source has 2"),
    "select_scatter": (lambda x: x.select_scatter(ag.ones(3), 0, 1), ShapeError, "the part it replaces, (4,)"),
    "diagonal_scatter": (lambda x: x.diagonal_scatter(ag.ones(2)), ShapeError, "the shape of the diagonal, (3,)"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    call, kind, words = ERRORS[name]
    x = matrix()
    with pytest.raises(kind) as told:
        call(x)
    assert words in str(told.value)
    np.testing.assert_array_equal(x.numpy(), A)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.scatter_(0, ag.tensor([[0, 3]]), 1.0),
        lambda x: x.index_add_(0, ag.tensor([0, 5]), ag.ones(2, 4)),
        lambda x: x.masked_scatter_(x > 3, ag.ones(2)),
        lambda x: x.masked_scatter_(ag.ones(2, 3, 4) > 0, ag.ones(24)),
        lambda x: x.index_put_((ag.tensor([0, 7]),), ag.tensor(1.0)),
    ],
)
def test_after_an_error_nothing_is_changed(write):
    x = matrix()
    with pytest.raises((RuntimeError, IndexError)):
        write(x)
    np.testing.assert_array_equal(x.numpy(), A)


# ---------------------------------------------------------------------- sums at indices that repeat


@pytest.mark.parametrize("width", [1, 3, 16, 40])
@pytest.mark.parametrize("spread", [1, 7, 500])
def test_rows_are_summed(width, spread):
    """In rounds for wide rows, element by element for narrow ones and for what is left."""
    rng = np.random.default_rng(0)
    places = np.minimum(rng.zipf(1.5, 300) - 1, spread - 1)
    rows = rng.standard_normal((2, 300, width))
    expected = np.zeros((2, spread, width))
    np.add.at(expected, (slice(None), places), rows)
    np.testing.assert_allclose(index.index_add(rows, places, axis=1, shape=(2, spread, width)), expected, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_blocks_of_places(axis, monkeypatch):
    """However many blocks an index is gone through in."""
    rng = np.random.default_rng(1)
    x, places = rng.standard_normal((5, 6, 4)), rng.integers(0, 4, (5, 3, 4))
    expected = np.take_along_axis(x[tuple(slice(None) if k == axis else slice(n) for k, n in enumerate(places.shape))], places, axis)
    for block in (1, 13, 1 << 15):
        monkeypatch.setattr(index, "BLOCK", block)
        np.testing.assert_array_equal(index.gather(x, places, axis=axis), expected)
        back = index.scatter_add(expected, places, axis=axis, shape=x.shape)
        assert np.isclose((back * x).sum(), (expected**2).sum())


def test_half_precision_is_summed_in_single():
    ones = ag.ones(5000, dtype=ag.float16)
    for total in (
        ag.zeros(1, dtype=ag.float16).scatter_add(0, ag.zeros(5000, dtype=ag.int64), ones),
        ag.zeros(1, dtype=ag.float16).index_add(0, ag.zeros(5000, dtype=ag.int64), ones),
    ):
        assert total.dtype == ag.float16
        assert total.item() == 5000


@pytest.mark.parametrize("zeros", [(), (0,), (1,), (0, 1), (2,), (1, 3)])
def test_gradient_of_a_product_with_zeros(zeros):
    """Against products written out: of each place, x's entry and those sent there."""
    values = np.array([2.0, 3.0, 5.0, 7.0])
    values[list(zeros)] = 0
    x, v = ag.tensor(values[:2], requires_grad=True), ag.tensor(values[2:], requires_grad=True)
    x.scatter_reduce(0, ag.tensor([0, 0]), v, "prod").sum().backward()
    a, b, c, d = values
    assert x.grad.tolist() == [c * d, 1]
    assert v.grad.tolist() == [a * d, a * c]


def test_equal_extremes_share_the_gradient():
    x, v = ag.tensor([3.0, 1.0], requires_grad=True), ag.tensor([3.0, 3.0, 2.0], requires_grad=True)
    x.scatter_reduce(0, ag.tensor([0, 0, 1]), v, "amax").sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [1 / 3, 0], rtol=1e-6)
    np.testing.assert_allclose(v.grad.numpy(), [1 / 3, 1 / 3, 1], rtol=1e-6)


def test_integers_are_averaged_downwards():
    x = ag.tensor([5, 0])
    assert x.scatter_reduce(0, ag.tensor([0]), ag.tensor([-20]), "mean").tolist() == [-8, 0]


def test_the_gradient_of_a_table_is_the_leafs_own():
    """Not a view of another array, which would have to be copied."""
    table = ag.ones(10, 4, requires_grad=True)
    table.index_select(0, ag.tensor([1, 1])).sum().backward()
    assert table.grad.array.base is None


@pytest.mark.parametrize("zeros", [(), (0,), (2,), (0, 2), (2, 3), (0, 2, 3), (2, 3, 4)])
@pytest.mark.parametrize("own", [True, False])
def test_second_derivative_of_a_product_with_zeros(zeros, own):
    values = np.array([2.0, 3.0, 5.0, 7.0, 1.5])
    values[list(zeros)] = 0
    x, v = ag.tensor(values[:2], requires_grad=True), ag.tensor(values[2:], requires_grad=True)
    product = lambda x, v: x.scatter_reduce(0, ag.tensor([0, 0, 0]), v, "prod", include_self=own)
    assert ag.autograd.gradgradcheck(product, (x, v))


def test_third_derivative_of_a_product_of_zeros():
    v = ag.zeros(3, dtype=ag.float64, requires_grad=True)
    slope = ag.ones(1, dtype=ag.float64).scatter_reduce(0, ag.tensor([0, 0, 0]), v, "prod").sum()
    for k in range(3):
        slope = ag.autograd.grad(slope, v, create_graph=True)[0][k]
    assert slope.item() == 1


# ---------------------------------------------------------------------- arguments


def test_values_with_dimensions_of_one_before_the_place():
    x = ag.zeros(2, 3)
    v = ag.tensor([[[1.0, 2.0, 3.0]]], requires_grad=True)
    x[:] = v
    x.sum().backward()
    assert v.grad.tolist() == [[[2, 2, 2]]]
    ag.zeros(0)[:] = ag.ones(1, 1)
    for wrong in (ag.ones(3, 2, 1), ag.ones(2, 3, 1), ag.ones(2, 1, 3)):
        with pytest.raises(ShapeError, match="does not fit the place"):
            x[:] = wrong


def test_complex_tensors_into_real_ones_lose_their_imaginary_part():
    """With NumPy's warning, as in copy_ and in PyTorch."""
    x = ag.zeros(2)
    with pytest.warns(np.exceptions.ComplexWarning):
        x[0] = ag.tensor(1 + 2j)
    assert x.tolist() == [1, 0]


DO_NOT_FIT = {
    "setitem": lambda x: x.__setitem__(0, 300),
    "scatter": lambda x: x.scatter(0, ag.tensor([0]), 300),
    "index_fill": lambda x: x.index_fill(0, ag.tensor([0]), 300),
    "fill_diagonal_": lambda x: x.reshape(1, 2).fill_diagonal_(1j),
    "index_add": lambda x: x.index_add(0, ag.tensor([0]), x[:1], alpha=0.5),
    "scatter complex": lambda x: x.double().scatter(0, ag.tensor([0]), 1j),
}


@pytest.mark.parametrize("call", DO_NOT_FIT.values(), ids=DO_NOT_FIT)
def test_numbers_that_do_not_fit_are_refused(call):
    x = ag.zeros(2, dtype=ag.int8)
    with pytest.raises(RuntimeError, match=r"fit|integer"):
        call(x)
    assert x.tolist() == [0, 0]


def test_integer_results_keep_their_dtype():
    for dtype in (ag.int32, ag.int64):
        x = ag.tensor(3, dtype=dtype)
        assert x.scatter_reduce(0, ag.tensor(0), x, "mean").dtype == dtype
        assert x[None].index_add(0, ag.tensor([0]), x[None], alpha=2).dtype == dtype
        assert x[None].index_reduce(0, ag.tensor([0]), x[None], "mean").dtype == dtype


UNUSED = {
    "masked_scatter": lambda x, s: x.masked_scatter(ag.zeros(2) > 0, s),
    "scatter": lambda x, s: x.scatter(0, ag.tensor([], dtype=ag.int64), s),
    "scatter_reduce": lambda x, s: x.scatter_reduce(0, ag.tensor([], dtype=ag.int64), s, "amax"),
    "put": lambda x, s: x.put(ag.tensor([], dtype=ag.int64), s[:0]),
}


@pytest.mark.parametrize("call", UNUSED.values(), ids=UNUSED)
def test_a_source_of_which_nothing_is_used_gets_zeros(call):
    """Whether a program records must not hang on what a mask holds."""
    s = ag.ones(2, requires_grad=True)
    out = call(ag.ones(2), s)
    out.sum().backward()
    assert out.tolist() == [1, 1]
    assert s.grad.tolist() == [0, 0]


def test_numbers_and_vectors_of_one():
    assert ag.tensor(2.0).index_copy(0, ag.tensor([], dtype=ag.int64), ag.ones(0)).item() == 2
    assert ag.ones(2).scatter(0, ag.tensor([1]), ag.tensor(5.0)).tolist() == [1, 5]
