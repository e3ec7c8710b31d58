"""Rearranging, joining and cutting: what is a view, what is refused and with which words, and tensors turned in place."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import InplaceError, ShapeError


def matrix():
    return ag.arange(12.0).reshape(3, 4)


VIEWS = {
    "view": lambda x: x.view(2, 6),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "movedim": lambda x: x.movedim(0, 1),
    "broadcast_tensors": lambda x: ag.broadcast_tensors(x, ag.ones(2, 1, 1))[0],
    "expand_as": lambda x: x.expand_as(ag.ones(2, 3, 4)),
    "atleast_3d": lambda x: ag.atleast_3d(x),
    "split": lambda x: x.split([1, 2])[1],
    "tensor_split": lambda x: x.tensor_split(3)[1],
    "hsplit": lambda x: x.hsplit(2)[1],
    "chunk": lambda x: x.chunk(2, 1)[1],
    "unbind": lambda x: x.unbind(1)[2],
    "select": lambda x: x.select(1, -1),
    "narrow": lambda x: x.narrow(0, ag.tensor(1), 2),
    "diagonal": lambda x: x.diagonal(1),
    "unfold": lambda x: x.unfold(1, 2, 1),
    "as_strided": lambda x: x.as_strided((2, 2), (4, 1), 1),
    "as_strided of a view": lambda x: x.T.as_strided((2, 2), (4, 1), 1),
    "ravel": lambda x: x.ravel(),
}
COPIES = {
    "diag": lambda x: x.diag(),
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(0, 0),
    "rot90": lambda x: x.rot90(0),
    "repeat": lambda x: x.repeat(1, 1),
    "repeat_interleave": lambda x: x.repeat_interleave(1, 0),
    "tile": lambda x: x.tile(1),
    "narrow_copy": lambda x: x.narrow_copy(0, 0, 3),
    "cat": lambda x: ag.cat([x]),
    "contiguous": lambda x: x.T.contiguous(),
    "index_select": lambda x: x.index_select(0, ag.tensor([0, 1, 2])),
}


@pytest.mark.parametrize("name", VIEWS)
def test_is_a_view(name):
    x = matrix()
    assert np.shares_memory(VIEWS[name](x).array, x.array)


@pytest.mark.parametrize("name", COPIES)
def test_is_a_copy(name):
    x = matrix()
    assert not np.shares_memory(COPIES[name](x).array, x.array)


@pytest.mark.parametrize("name", [n for n in VIEWS if n not in ("broadcast_tensors", "expand_as", "unfold")])
def test_writing_a_view_reaches_its_base(name):
    leaf = matrix().requires_grad_()
    x = leaf * 1
    part = VIEWS[name](x)
    part.mul_(3)
    touched = ag.zeros(3, 4)
    VIEWS[name](touched).fill_(1)
    expected = 1 + 2 * touched.numpy()
    np.testing.assert_array_equal(x.detach().numpy(), matrix().numpy() * expected)
    x.sum().backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), expected)


OVERLAPPING = {
    "expand": lambda x: x[:, :1].expand(3, 4),
    "windows": lambda x: x.unfold(1, 2, 1),
    "strides of zero": lambda x: x.as_strided((2, 2), (0, 1)),
    "strides that meet": lambda x: x.as_strided((3, 3), (2, 2)),
}


@pytest.mark.parametrize("name", OVERLAPPING)
def test_overlapping_memory_is_not_written(name):
    x = matrix()
    with pytest.raises(RuntimeError, match="share memory"):
        OVERLAPPING[name](x).add_(1)
    with pytest.raises(RuntimeError, match="share memory"):
        OVERLAPPING[name](x)[0] = 1
    np.testing.assert_array_equal(x.numpy(), matrix().numpy())


def test_windows_side_by_side_may_be_written():
    x = matrix()
    x.unfold(1, 2, 2).mul_(0)
    assert not x.numpy().any()


def test_windows_of_a_number():
    assert ag.tensor(2.0).unfold(0, 1, 1).tolist() == [2.0]


ERRORS = {
    "view": (lambda x: x.T.view(12), RuntimeError, "not contiguous; use .reshape()"),
    "view as dtype": (lambda x: x.requires_grad_().view(ag.int32), RuntimeError, "use .to(dtype)"),
    "unflatten": (lambda x: x.unflatten(1, (3, -1)), RuntimeError, "do not multiply to 4"),
    "mT": (lambda x: x[0].mT, RuntimeError, "takes matrices"),
    "movedim": (lambda x: x.movedim((0, 0), (0, 1)), RuntimeError, "named twice"),
    "broadcast_shapes": (lambda x: ag.broadcast_shapes((2,), (3,)), ShapeError, "(2,), (3,) do not broadcast"),
    "expand": (lambda x: x.expand(-1, 3, 4), ShapeError, "only the last 2 sizes may be -1"),
    "repeat": (lambda x: x.repeat(2), RuntimeError, "a number, not negative, for each dimension"),
    "repeat_interleave": (lambda x: x.repeat_interleave(ag.tensor([1, 2]), 0), RuntimeError, "2 repeats for a dimension of length 3"),
    "repeat_interleave size": (lambda x: x.repeat_interleave(2, 0, output_size=5), RuntimeError, "6 long, not output_size 5"),
    "flip": (lambda x: x.flip(0, 0), RuntimeError, "appears twice"),
    "fliplr": (lambda x: x[0].fliplr(), RuntimeError, "at least two dimensions"),
    "roll": (lambda x: x.roll((1, 2), 0), RuntimeError, "2 shifts but 1 dims"),
    "rot90": (lambda x: x.rot90(1, (0, -2)), RuntimeError, "must differ"),
    "unfold": (lambda x: x.unfold(1, 5, 1), RuntimeError, "must be from 0 to 4"),
    "as_strided": (lambda x: x.as_strided((13,), (1,)), RuntimeError, "does not lie within one contiguous tensor"),
    "cat of a tensor": (lambda x: ag.cat(x), TypeError, "takes a list or tuple of tensors"),
    "cat of numbers": (lambda x: ag.cat([x, ag.tensor(1.0)]), RuntimeError, "use stack"),
    "hstack of nothing": (lambda x: ag.hstack([]), ShapeError, "at least one tensor"),
    "block_diag": (lambda x: ag.block_diag(x[None]), RuntimeError, "got shape (1, 3, 4)"),
    "combinations": (lambda x: ag.combinations(x), RuntimeError, "takes a vector"),
    "narrow": (lambda x: x.narrow(0, 2, 2), RuntimeError, "start 2 and length 2 do not fit"),
    "narrow out of range": (lambda x: x.narrow(0, -4, 1), IndexError, "start -4 is out of range"),
    "select": (lambda x: x.select(0, 3), IndexError, "index 3 is out of range for dimension 0 of length 3"),
    "split": (lambda x: x.split([1, 1]), RuntimeError, "must sum to 3"),
    "tensor_split": (lambda x: x.tensor_split(0), RuntimeError, "must be positive"),
    "hsplit": (lambda x: x.hsplit(3), RuntimeError, "cannot be cut into 3 equal parts"),
    "dsplit": (lambda x: x.dsplit(2), RuntimeError, "at least 3 dimensions"),
    "unbind": (lambda x: x[0, 0].unbind(), IndexError, "no dimensions"),
    "tril": (lambda x: x[0].tril(), RuntimeError, "at least two dimensions"),
    "diag": (lambda x: x[None].diag(), RuntimeError, "a vector or a matrix"),
    "diagonal": (lambda x: x.diagonal(0, 1, 1), RuntimeError, "must differ"),
    "fill_diagonal_": (lambda x: x[0].fill_diagonal_(1), RuntimeError, "needs two dimensions"),
    "resize_": (lambda x: x.resize_(13), RuntimeError, "make a new tensor"),
    "resize_ a leaf": (lambda x: x.requires_grad_().resize_(2), RuntimeError, "requires grad"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    call, kind, words = ERRORS[name]
    x = matrix()
    with pytest.raises(kind) as told:
        call(x)
    assert words in str(told.value)
    assert tuple(x.shape) == (3, 4)


def test_numpy_names():
    x = matrix()
    assert tuple(x.unsqueeze(axis=0).shape) == (1, 3, 4)
    assert tuple(ag.stack([x, x], axis=1).shape) == (3, 2, 4)
    assert [tuple(p.shape) for p in x.split(2, axis=1)] == [(3, 2), (3, 2)]


# ---------------------------------------------------------------------- turned in place


def test_turning_a_computed_tensor():
    w = matrix().requires_grad_()
    x = w * 2
    assert x.t_() is x
    assert tuple(x.shape) == (4, 3)
    (x * ag.arange(12.0).reshape(4, 3)).sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), 2 * np.arange(12.0).reshape(4, 3).T)


def test_turning_a_view_and_writing_it():
    w = matrix().requires_grad_()
    x = w * 1
    row = x[1]
    row.unsqueeze_(0).mul_(5)
    x.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.array([[1.0], [5], [1]]).repeat(4, 1))


def test_turning_a_leaf():
    w = matrix().requires_grad_()
    with pytest.raises(RuntimeError, match="leaf"):
        w.t_()
    with ag.no_grad():
        w.t_()
    assert w.requires_grad
    assert w.is_leaf
    (w * 2).sum().backward()
    assert tuple(w.grad.shape) == (4, 3)


def test_turning_in_no_grad_keeps_the_gradient():
    w = matrix().requires_grad_()
    x = w * 2
    with ag.no_grad():
        x.squeeze_().transpose_(0, 1)
    x.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.full((3, 4), 2.0))


def test_a_view_of_a_tensor_that_was_turned_is_not_written_or_made_again():
    x = matrix().requires_grad_() * 1
    row, other = x[0], x[1]
    x.t_()
    with pytest.raises(RuntimeError, match="changed its shape in place"):
        row.mul_(2)
    assert row.sum().item() == 6
    x.mul_(2)
    with pytest.raises(InplaceError, match="changed its shape in place"):
        other.sum()


def test_resizing():
    x = matrix()
    assert x.resize_(2, 3).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_retained_gradient_follows_a_turn():
    x = matrix().requires_grad_() * 2
    x.retain_grad()
    x.t_()
    (x * 3).sum().backward()
    assert tuple(x.grad.shape) == (4, 3)


# ---------------------------------------------------------------------- in place without copies


def test_in_place_keeps_copies_only_of_what_its_rule_needs():
    big = ag.ones(1000, requires_grad=True) * 1
    for write, kept in ((lambda x: x.add_(2), 0), (lambda x: x.mul_(2), 0), (lambda x: x.pow_(2), 1), (lambda x: x.neg_(), 0)):
        x = big * 1
        write(x)
        arrays = [a for a in x.grad_fn.saved if isinstance(a, np.ndarray)]
        assert len(arrays) == kept
        assert not any(np.shares_memory(a, x.array) for a in arrays)


def test_a_product_with_itself_in_place():
    w = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = w * 1
    x.mul_(x)
    x.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), [2, 4, 6])


@pytest.mark.parametrize("sizes", [(3, 4), (1, 4), (3, 1), (1, 1), (0, 2)])
@pytest.mark.parametrize("times", [(1, 1), (2, 1), (1, 3), (2, 3), (1, 2, 2)])
def test_copies_have_memory_of_their_own(sizes, times):
    for x in (ag.ones(*sizes), ag.ones(*sizes[::-1]).T):
        copies = x.repeat(*times)
        assert copies.array.flags.writeable
        assert not np.shares_memory(copies.array, x.array)
        np.testing.assert_array_equal(copies.numpy(), np.tile(x.numpy(), times))
        apart = x.repeat_interleave(times[-1], 1)
        assert apart.array.flags.writeable
        assert not np.shares_memory(apart.array, x.array)
        np.testing.assert_array_equal(apart.numpy(), np.repeat(x.numpy(), times[-1], 1))


def test_ravel_copies_what_does_not_lie_in_order():
    x = ag.zeros(4, 4)
    x.diagonal().ravel().add_(1)
    assert x.sum() == 0
    x[0].ravel().add_(1)
    assert x.sum() == 4


def test_a_single_window_can_be_written():
    x = ag.zeros(4)
    x.unfold(0, 3, 2).add_(1)
    assert x.tolist() == [1, 1, 1, 0]


def test_strides_of_a_number():
    x = ag.tensor(3.0, requires_grad=True)
    x.as_strided((2, 1), (0, 1)).sum().backward()
    assert x.grad.item() == 2


def test_strides_of_the_parts_of_complex_numbers():
    z = ag.tensor([1 + 2j, 3 + 4j], requires_grad=True)
    x = z.imag
    assert x.as_strided((3,), (1,)).tolist() == [2, 3, 4]
    assert x.as_strided((2,), (2,), 0).dtype == x.dtype
    (x.as_strided((3,), (1,)) * ag.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert z.grad.tolist() == [1j, 2 + 3j]


def test_strides_of_what_lies_in_another_order():
    x = matrix().requires_grad_()
    y = x.T.exp()  # in the order of x
    (y.as_strided((5,), (1,)) / y.T.reshape(-1)[:5].detach()).sum().backward()
    assert x.grad.reshape(-1).tolist() == [1] * 5 + [0] * 7


def test_strides_that_no_part_of_a_complex_tensor_has():
    z = ag.tensor([1 + 2j, 3 + 4j])
    for x in (z.imag, z[::2].real, ag.view_as_real(z)):
        with pytest.raises(RuntimeError, match="does not lie within"):
            x.as_strided((5,), (1,))
