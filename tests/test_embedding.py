"""Embeddings and bags of them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from nn import functional as F


@settings(max_examples=40)
@given(st.integers(0, 1000), st.lists(st.integers(0, 5), max_size=3), st.integers(1, 20), st.none() | st.integers(0, 6), st.booleans())
def test_gradient_is_that_of_a_product(seed, shape, width, padding, by_frequency):
    """Looking up is a product with rows of zeros and a one."""
    rng = np.random.default_rng(seed)
    index = rng.integers(0, 7, shape)
    weight = ag.tensor(rng.standard_normal((7, width)), requires_grad=True)
    out = F.embedding(ag.tensor(index), weight, padding, scale_grad_by_freq=by_frequency)
    np.testing.assert_array_equal(out.detach().numpy(), weight.detach().numpy()[index])
    g = rng.standard_normal(out.shape)
    (found,) = ag.autograd.grad(out, weight, ag.tensor(g))
    ones = np.eye(7)[index.ravel()]
    expected = ones.T @ g.reshape(-1, width)
    if by_frequency:
        expected /= np.maximum(ones.sum(0), 1)[:, None]
    if padding is not None:
        expected[padding] = 0
    np.testing.assert_allclose(found.numpy(), expected, 1e-10, 1e-12)


@settings(max_examples=40)
@given(
    st.integers(0, 1000),
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.sampled_from(["sum", "mean", "max"]),
    st.none() | st.integers(0, 6),
    st.booleans(),
)
def test_bags(seed, sizes, mode, padding, last):
    rng = np.random.default_rng(seed)
    index = rng.integers(0, 7, sum(sizes))
    weight = rng.standard_normal((7, 3))
    starts = np.cumsum([0, *sizes])
    offsets = ag.tensor(starts if last else starts[:-1])
    out = F.embedding_bag(ag.tensor(index), ag.tensor(weight), offsets, mode=mode, include_last_offset=last, padding_idx=padding)
    expected = np.zeros((len(sizes), 3))
    for k, (a, b) in enumerate(pairwise(starts)):
        rows = weight[[i for i in index[a:b] if i != padding]]
        if len(rows):
            expected[k] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows, axis=0)
    np.testing.assert_allclose(out.numpy(), expected, 1e-12, 1e-14)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags_have_both_derivatives(mode):
    index = ag.tensor([[0, 2, 2], [3, 1, 0]])
    weight = ag.tensor(np.random.default_rng(0).standard_normal((4, 2)), requires_grad=True)
    assert ag.autograd.gradcheck(lambda w: F.embedding_bag(index, w, mode=mode), weight)
    assert ag.autograd.gradgradcheck(lambda w: F.embedding_bag(index, w * w, mode=mode), weight)


def test_what_padding_leaves_out_is_left_out_twice():
    """The second derivative too."""
    weight = ag.tensor(np.ones((3, 2)), requires_grad=True)
    out = F.embedding(ag.tensor([0, 1, 1]), weight, padding_idx=1)
    (g,) = ag.autograd.grad((out**3).sum(), weight, create_graph=True)
    np.testing.assert_array_equal(g.detach().numpy(), [[3, 3], [0, 0], [0, 0]])
    (h,) = ag.autograd.grad(g.sum(), weight)
    np.testing.assert_array_equal(h.numpy(), [[6, 6], [0, 0], [0, 0]])


def test_largest_with_nan():
    weight = ag.tensor([[1.0, 2.0], [np.nan, 3.0]], requires_grad=True)
    out = F.embedding_bag(ag.tensor([[0, 1]]), weight, mode="max")
    np.testing.assert_array_equal(out.detach().numpy(), [[np.nan, 3.0]])


def test_max_norm_scales_what_is_named_only():
    table = nn.Embedding(4, 3, max_norm=1.0, dtype=ag.float64)
    before = table.weight.detach().numpy().copy() * 3
    with ag.no_grad():
        table.weight.mul_(3)
    out = table(ag.tensor([0, 2, 0]))
    np.testing.assert_allclose(np.linalg.norm(out.detach().numpy(), axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(table.weight.detach().numpy()[[1, 3]], before[[1, 3]])
    out.sum().backward()
    np.testing.assert_array_equal(table.weight.grad.numpy(), [[2] * 3, [0] * 3, [1] * 3, [0] * 3])


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_max_norm_of_half_precision_does_not_overflow(p):
    weight = ag.full((3, 6), 20000.0, dtype=ag.float16)
    F.embedding(ag.tensor([1]), weight, max_norm=2.0, norm_type=p)
    np.testing.assert_allclose(np.linalg.norm(weight.numpy()[1].astype("float32"), p), 2, 2e-3)


def test_max_norm_changes_nothing_where_an_index_is_wrong():
    table = nn.Embedding(4, 3, max_norm=1e-3)
    before = table.weight.detach().numpy().copy()
    with pytest.raises(IndexError):
        table(ag.tensor([0, 4]))
    np.testing.assert_array_equal(table.weight.detach().numpy(), before)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"mode": "mean", "per_sample_weights": ag.ones(1, 2)}, NotImplementedError),
        ({"mode": "sum", "per_sample_weights": ag.ones(1, 2, dtype=ag.float64)}, RuntimeError),
        ({"padding_idx": 4}, RuntimeError),
        ({"mode": "median"}, ValueError),
    ],
    ids=str,
)
def test_max_norm_of_bags_changes_nothing_where_an_argument_is_wrong(wrong, error):
    weight = ag.ones(4, 3)
    with pytest.raises(error):
        F.embedding_bag(ag.tensor([[0, 1]]), weight, max_norm=1e-3, **wrong)
    assert (weight == 1).all()


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_no_bags(mode):
    weight = ag.ones(4, 3, requires_grad=True)
    out = F.embedding_bag(ag.tensor([1, 2, 3]), weight, ag.tensor([], dtype=ag.int64), mode=mode)
    assert out.shape == (0, 3)
    out.sum().backward()
    assert (weight.grad == 0).all()


def test_max_norm_is_refused_inside_vmap():
    table = nn.Embedding(4, 3, max_norm=1.0)
    with pytest.raises(RuntimeError, match="max_norm"):
        ag.func.vmap(table)(ag.tensor([[0, 1], [2, 3]]))


def test_vmap():
    weight, index = ag.randn(4, 3), ag.tensor([[0, 1], [2, 3]])
    for padding in (None, 1):
        each = ag.func.vmap(lambda i, p=padding: F.embedding(i, weight, p))(index)
        np.testing.assert_array_equal(each.numpy(), weight.numpy()[index.numpy()])


def test_first_weights():
    ag.manual_seed(0)
    table = nn.Embedding(400, 50, padding_idx=3)
    weights = table.weight.detach().numpy()
    assert not weights[3].any()
    assert abs(np.delete(weights, 3, 0).std() - 1) < 0.02
    assert nn.Embedding(3, 2, _freeze=True).weight.requires_grad is False


def test_pretrained_weights_are_shared():
    """As in PyTorch: the table is on the memory it was given."""
    weights = ag.randn(4, 3)
    table = nn.Embedding.from_pretrained(weights)
    weights.fill_(2.0)
    assert (table.weight == 2).all()


def test_errors_name_what_is_wrong():
    with pytest.raises(IndexError, match="7 is out of range"):
        F.embedding(ag.tensor([1, 7]), ag.zeros(5, 2))
    with pytest.raises(RuntimeError, match="int64 or int32, got float32"):
        F.embedding(ag.tensor([1.0]), ag.zeros(5, 2))
    with pytest.raises(RuntimeError, match="must not decrease"):
        F.embedding_bag(ag.tensor([1, 2, 3]), ag.zeros(5, 2), ag.tensor([0, 2, 1]))
