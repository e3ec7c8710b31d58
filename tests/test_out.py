"""`out=`: results written into tensors that there are."""

from __future__ import annotations

import pytest

import autograd_core as ag
from autograd_core.errors import InplaceError, ShapeError

T = ag.tensor([[1.0, 2.0], [3.0, 4.0]])


def test_the_result_is_the_tensor_given():
    y = ag.zeros(2, 2)
    memory = y.numpy()
    assert ag.matmul(T, T.T, out=y) is y
    assert memory.tolist() == (T @ T.T).tolist()
    assert ag.mul(T, T, out=y) is y
    assert y.tolist() == (T * T).tolist()
    assert ag.cat([T, T], out=ag.zeros(4, 2)).tolist() == ag.cat([T, T]).tolist()
    assert ag.sum(T, dim=0, out=ag.zeros(2)).tolist() == [4, 6]


def test_an_empty_one_takes_the_shape():
    y = ag.empty(0)
    ag.add(T, 1, alpha=2, out=y)
    assert y.tolist() == (T + 2).tolist()


def test_several_results():
    values, indices = ag.zeros(2), ag.zeros(2, dtype=ag.int64)
    found = ag.max(T, dim=1, out=(values, indices))
    assert found.values is values
    assert (values.tolist(), indices.tolist()) == ([2, 4], [1, 1])


def test_results_are_converted_upwards_only():
    assert ag.add(ag.tensor([1, 2]), 1, out=ag.zeros(2)).tolist() == [2, 3]
    whole = ag.zeros(2, 2, dtype=ag.int64)
    with pytest.raises(RuntimeError, match="float32, which cannot be stored in out= of int64"):
        ag.exp(T, out=whole)
    assert not whole.any()


def test_refused():
    with pytest.raises(ShapeError, match=r"the result has shape \(2, 2\), but out= has \(3,\)"):
        ag.exp(T, out=ag.zeros(3))
    with pytest.raises(TypeError, match="takes 1 tensors, got"):
        ag.exp(T, out=[1.0])
    with pytest.raises(RuntimeError, match="shared by expansion"):
        ag.exp(T, out=ag.zeros(1).expand(2, 2))
    leaf = ag.ones(2, 2, requires_grad=True)
    for call in (lambda: ag.exp(leaf, out=ag.zeros(2, 2)), lambda: ag.exp(T, out=leaf), lambda: ag.cat([leaf], out=ag.zeros(2, 2))):
        with pytest.raises(RuntimeError, match="out= is not recorded, but one of the tensors requires grad"):
            call()
    with ag.no_grad():
        ag.exp(leaf, out=ag.zeros(2, 2))


def test_a_saved_tensor_written_so_is_noticed():
    leaf = ag.ones(2, 2, requires_grad=True)
    saved = ag.ones(2, 2)
    loss = (leaf * saved).sum()
    ag.exp(T, out=saved)
    with pytest.raises(InplaceError, match="exp"):
        loss.backward()
