"""Distances of vectors against PyTorch: values, first and second derivatives, shapes, dtypes, errors."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import libraries_agree  # noqa: E402

BOTH = ((ag, nn.functional), (torch, torch.nn.functional))


def check(call, arrays, order=2):
    """call(functions, *tensors) is the same in both libraries, in float64 and float32."""
    libraries_agree(lambda _, modules, *tensors: call(modules.functional, *tensors), arrays, order)


SHAPES = [((4, 3), (4, 3), 1), ((4, 3), (3,), -1), ((2, 1, 3), (4, 3), 2), ((2, 3, 4), (2, 3, 4), 1), ((2, 1), (2, 3), 1), ((3,), (3,), 0)]


@pytest.mark.parametrize("shapes", [*SHAPES, ((), (), 0), ((0, 3), (0, 3), 1)], ids=str)
@pytest.mark.parametrize("eps", [1e-8, 0.5])
def test_cosine_similarity(eps, shapes, rng):
    one, two, dim = shapes
    check(lambda F, a, b: F.cosine_similarity(a, b, dim, eps), [rng.standard_normal(one) + 2, rng.standard_normal(two) + 2])


def test_cosine_similarity_to_zero(rng):
    check(lambda F, a, b: F.cosine_similarity(a, b), [rng.standard_normal((4, 3)), np.zeros((4, 3))], order=1)


@pytest.mark.parametrize(
    "shapes", [((4, 3), (4, 3)), ((4, 3), (3,)), ((2, 4, 3), (4, 1)), ((3,), (3,)), ((), ()), ((0, 3), (0, 3))], ids=str
)
@pytest.mark.parametrize("p", [2.0, 1, 3, 1.5, float("inf"), 0.5])
@pytest.mark.parametrize("keepdim", [False, True])
def test_pairwise_distance(keepdim, p, shapes, rng):
    if shapes == ((), ()) and keepdim:
        return
    check(lambda F, a, b: F.pairwise_distance(a, b, p, 1e-3, keepdim), [rng.standard_normal(s) for s in shapes])


@pytest.mark.parametrize("p", [0, -1.0])
def test_pairwise_distance_by_other_norms(p, rng):
    check(lambda F, a, b: F.pairwise_distance(a, b, p), [rng.standard_normal((4, 3)), rng.standard_normal((4, 3))], order=0)


@pytest.mark.parametrize("p", [2, 1, 3.0, 1.5, float("inf")])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3), (1, 3), (0, 3), (5, 1)], ids=str)
def test_distances_of_all_pairs(shape, p, rng):
    order = 1 if shape[0] > 1 else 0  # in PyTorch there is no second derivative, and the first ends the process where there is no pair
    check(lambda F, x: F.pdist(x, p), [rng.standard_normal(shape)], order=order)


def test_distances_of_all_pairs_without_numbers():
    check(lambda F, x: F.pdist(x), [np.zeros((4, 0))], order=0)
    check(lambda F, x: F.pdist(x, 0), [np.array([[1.0, 2.0], [1.0, 3.0], [0.0, 0.0]])], order=0)


@pytest.mark.parametrize("p", [1, 2, 3, float("inf")])
def test_distances_of_equal_rows(p):
    check(lambda F, x: F.pdist(x, p), [np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 0.5]])], order=1)


WRONG = [
    "F.cosine_similarity(R(2, 3), R(2, 4))",
    "F.cosine_similarity(R(2, 3), R(2, 3), dim=2)",
    "F.cosine_similarity(R(2, 3), R(2, 3), dim=-3)",
    "F.cosine_similarity(I([[1]]), I([[1]]))",
    "F.pairwise_distance(R(2, 3), R(2, 4))",
    "F.pdist(R(2, 3, 4))",
    "F.pdist(R(3))",
    "F.pdist(R(2, 3), -1)",
    "F.pdist(I([[1, 2], [2, 3]]))",
]


@pytest.mark.parametrize("call", WRONG)
def test_bad_input_raises_what_it_raises_in_pytorch(call):
    raised = []
    for library, functions in BOTH:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is compared
            eval(call, {"F": functions, "R": library.rand, "I": library.tensor})
        raised.append(caught.value)
    assert isinstance(raised[0], type(raised[1])), f"{raised[0]!r}, PyTorch {raised[1]!r}"


def test_mixed_dtypes():
    for one, two in (("float32", "float64"), ("int64", "float32")):
        found = [
            functions.cosine_similarity(library.ones(2, 3, dtype=getattr(library, one)), library.ones(2, 3, dtype=getattr(library, two)))
            for library, functions in BOTH
        ]
        assert str(found[1].dtype).endswith(str(found[0].dtype))
    whole = [functions.pairwise_distance(library.tensor([[1, 2]]), library.tensor([[3, 5]])) for library, functions in BOTH]
    assert str(whole[1].dtype).endswith(str(whole[0].dtype))
    np.testing.assert_allclose(whole[0].numpy(), whole[1].numpy(), 1e-6)
