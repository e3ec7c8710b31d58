"""Sorting, the largest, medians, distinct values and searching."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.ops import order

nan = np.nan


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(5,), (64,), (65,), (500,), (3, 300), (300, 3), (2, 150, 2)], ids=str)
def test_equal_entries_stay_in_order(shape, dtype):
    """Also in the long rows that are sorted by another way, and NaN among themselves."""
    rng = np.random.default_rng(3)
    x = rng.integers(0, 2 if dtype == "bool" else 20, shape).astype(dtype)
    if dtype.startswith("float"):
        x[rng.random(shape) < 0.2] = nan
        x[rng.random(shape) < 0.1] = -0.0
    key = x.astype(np.float64)
    for axis in range(x.ndim):
        expected = np.argsort(key, axis, kind="stable")
        np.testing.assert_array_equal(order.argsort(x, axis=axis), expected)
        descending = np.argsort(np.where(np.isnan(key), -np.inf, -key), axis, kind="stable")
        np.testing.assert_array_equal(order.argsort(x, axis=axis, descending=True), descending)
        np.testing.assert_array_equal(ag.sort(ag.tensor(x), axis).values.numpy(), np.take_along_axis(x, expected, axis))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, -3.0, nan, np.inf, -np.inf]), min_size=1, max_size=200), st.data())
def test_topk_and_kthvalue_are_the_sorted_ones(values, data):
    x = ag.tensor(values, dtype=ag.float64)
    k = data.draw(st.integers(0, len(values)))
    ascending = np.sort(np.array(values))
    for largest in (True, False):
        found = x.topk(k, largest=largest)
        np.testing.assert_array_equal(found.values.numpy(), ascending[::-1][:k] if largest else ascending[:k])
        np.testing.assert_array_equal(x.numpy()[found.indices.numpy()], found.values.numpy())
        assert len(set(found.indices.tolist())) == k
    if k:
        found = x.kthvalue(k)
        np.testing.assert_array_equal(found.values.numpy(), ascending[k - 1])
        np.testing.assert_array_equal(x.numpy()[found.indices.item()], ascending[k - 1])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, -3.0, nan]), min_size=1, max_size=40))
def test_median_of_all(values):
    x = np.array(values)
    known = np.sort(x[~np.isnan(x)])
    expected = known[(len(known) - 1) // 2] if len(known) else nan
    np.testing.assert_array_equal(ag.tensor(x).nanmedian().item(), expected)
    np.testing.assert_array_equal(ag.tensor(x).nanmedian(0).values.item(), expected)
    np.testing.assert_array_equal(ag.tensor(x).median().item(), nan if np.isnan(x).any() else expected)
    np.testing.assert_array_equal(ag.tensor(x).median(0).values.item(), nan if np.isnan(x).any() else expected)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, -0.0, nan]), min_size=3, max_size=3), min_size=1, max_size=12))
def test_distinct_values_put_back_are_the_input(values):
    x = ag.tensor(values, dtype=ag.float64)
    for arguments in ({}, {"dim": 0}, {"dim": 1}):
        for function in (ag.unique, ag.unique_consecutive):
            distinct, inverse, counts = function(x, return_inverse=True, return_counts=True, **arguments)
            again = (
                distinct.numpy()[inverse.numpy()]
                if "dim" not in arguments
                else np.take(distinct.numpy(), inverse.numpy(), arguments["dim"])
            )
            np.testing.assert_array_equal(again, x.numpy())
            np.testing.assert_array_equal(counts.numpy(), np.bincount(inverse.numpy().ravel()))
    flat = x.unique().numpy()
    assert (flat[1:] > flat[:-1])[~np.isnan(flat[1:])].all()


def test_gradient_goes_to_where_the_entry_came_from():
    x = ag.tensor([[3.0, 1.0, 2.0], [nan, 5.0, 5.0]], requires_grad=True)
    values, indices = x.sort(descending=True)
    assert indices.tolist() == [[0, 2, 1], [0, 1, 2]]
    (values.nan_to_num() * ag.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [[1.0, 100.0, 10.0], [0.0, 10.0, 100.0]]


FUNCTIONS = {
    "sort": lambda x: x.sort(0).values,
    "msort": ag.msort,
    "topk": lambda x: x.topk(3, 1).values,
    "kthvalue": lambda x: x.kthvalue(2, 0).values,
    "median dim": lambda x: x.median(1).values,
    "nanmedian dim": lambda x: x.nanmedian(1, keepdim=True).values,
    "mode": lambda x: x.mode(1).values,
    "unique": ag.unique,
    "unique_consecutive dim": lambda x: ag.unique_consecutive(x, dim=1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    x = ag.tensor(np.random.default_rng(0).permutation(12).reshape(3, 4) / 3, requires_grad=True)
    gradcheck(FUNCTIONS[name], x)
    gradgradcheck(lambda x: FUNCTIONS[name](x * x * x), x, atol=1e-4)


def test_median_shares_its_gradient_among_equals():
    x = ag.tensor([3.0, 2.0, 2.0, 4.0, nan, 2.0], requires_grad=True)
    x.nanmedian().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, 1 / 3, 1 / 3, 0, 0, 1 / 3], rtol=1e-6)
    x.grad = None
    x.median().backward()
    assert x.grad.tolist() == [0, 0, 0, 0, 1, 0]


def test_mode_does_not_take_nan_for_equal():
    x = ag.tensor([[nan, 0.0, nan, nan, 0.0], [2.0, 1.0, 2.0, 1.0, nan], [nan, nan, nan, nan, nan]])
    values, indices = x.mode()
    np.testing.assert_array_equal(values.numpy(), [0.0, 1.0, nan])
    assert indices.tolist() == [4, 3, 0]


def test_medians_of_rows_where_all_is_nan():
    values, indices = ag.tensor([[nan, nan, nan], [nan, 1.0, nan]]).nanmedian(1)
    np.testing.assert_array_equal(values.numpy(), [nan, 1.0])
    assert indices.tolist() == [0, 1]


def test_searchsorted_agrees_with_numpy():
    rng = np.random.default_rng(0)
    ordered, values = np.sort(rng.integers(0, 9, (4, 2, 6)), -1), rng.integers(-1, 10, (4, 2, 5))
    for side in ("left", "right"):
        found = ag.searchsorted(ag.tensor(ordered), ag.tensor(values), side=side).numpy()
        for row in np.ndindex(4, 2):
            np.testing.assert_array_equal(found[row], np.searchsorted(ordered[row], values[row], side))


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda x: x.sort(2), IndexError, "sort: dim 2"),
        (lambda x: x.topk(4), RuntimeError, r"topk: k = 4 .*\(2, 3\)"),
        (lambda x: x.topk(1, 7), IndexError, "topk: dim 7"),
        (lambda x: x.kthvalue(0), RuntimeError, "kthvalue: k = 0"),
        (lambda x: x.reshape(2, 3)[:, :0].median(1), IndexError, "median: .*length 0"),
        (lambda x: x.to(ag.complex64).sort(), RuntimeError, "sort: not for complex"),
        (lambda x: (x > 0).topk(1), RuntimeError, "topk: not for boolean"),
        (lambda x: ag.searchsorted(x, ag.tensor([1.0])), RuntimeError, "searchsorted: .*must agree"),
        (lambda x: ag.searchsorted(x[0], 1.0, sorter=ag.tensor([0, 1, 5])), RuntimeError, "searchsorted: the sorter names"),
        (lambda x: ag.bucketize(1.0, x), RuntimeError, "bucketize: the boundaries must be a vector"),
        (lambda x: ag.isin(1, 2), TypeError, "isin: one of"),
        (lambda x: ag.sort([3.0, 1.0]), TypeError, "sort: expected a Tensor"),
    ],
)
def test_errors(call, error, told):
    with pytest.raises(error, match=told):
        call(ag.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]]))


def test_numpy_names_of_dimensions():
    x = ag.tensor([[3.0, 1.0], [0.0, 5.0]])
    assert x.sort(axis=0).values.tolist() == ag.sort(x, dim=0).values.tolist() == [[0.0, 1.0], [3.0, 5.0]]
    assert ag.median(x, axis=1, keepdims=True).values.shape == (2, 1)


def test_what_is_found_keeps_little_memory():
    """The index of one entry does not hold the array that it was looked for in."""
    found = ag.tensor(np.random.default_rng(0).random(10_000)).kthvalue(5_000, keepdim=True).indices
    assert found.numpy().base is None or found.numpy().base.nbytes < 100
