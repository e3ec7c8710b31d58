"""Embeddings against PyTorch's: values, gradients, what is written in place; and errors."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from nn import functional as F  # noqa: E402
from tests.parity.agreement import close, functions_agree, modules_agree  # noqa: E402

TF = torch.nn.functional
INDEX = np.array([[0, 2, 1, 0], [4, 2, 0, 4]])
SETTINGS = [
    {},
    {"padding_idx": 2},
    {"padding_idx": -1},
    {"scale_grad_by_freq": True},
    {"scale_grad_by_freq": True, "padding_idx": 0},
    {"sparse": False},
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("index", [INDEX, INDEX[0], INDEX[0, 0], INDEX[:0], INDEX.astype(np.int32)], ids=lambda i: f"{i.dtype} {i.shape}")
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_embedding(settings, index, dtype, rng):
    weights = rng.standard_normal((5, 3))
    orders = 1 if "scale_grad_by_freq" in settings or not index.size else 2  # once more PyTorch forgets to divide, or raises
    functions_agree(
        lambda i, w: F.embedding(i, w, **settings), lambda i, w: TF.embedding(i, w, **settings), [index, weights], dtype, orders
    )


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, float("inf")])
def test_max_norm_writes_as_in_pytorch(p, rng):
    weights = rng.standard_normal((5, 3)) * 2
    mine, yours = ag.tensor(weights, requires_grad=True), torch.tensor(weights, requires_grad=True)
    close(
        F.embedding(ag.tensor(INDEX), mine, max_norm=1.0, norm_type=p), TF.embedding(torch.tensor(INDEX), yours, max_norm=1.0, norm_type=p)
    )
    close(mine, yours)
    assert not np.array_equal(mine.detach().numpy()[0], weights[0])
    np.testing.assert_array_equal(mine.detach().numpy()[3], weights[3])


FLAT = np.array([1, 2, 4, 0, 4, 3, 2])
BAGS = {
    "rows": (INDEX, {}),
    "offsets": (FLAT, {"offsets": np.array([0, 3, 3, 5])}),
    "the last offset": (FLAT, {"offsets": np.array([0, 2, 7]), "include_last_offset": True}),
    "the first empty": (FLAT, {"offsets": np.array([0, 0, 4])}),
    "the last empty": (FLAT, {"offsets": np.array([0, 4, 7])}),
    "nothing": (FLAT[:0], {"offsets": np.array([0, 0])}),
    "padding": (FLAT, {"offsets": np.array([0, 2, 3, 5]), "padding_idx": 4}),
    "padding of rows": (INDEX, {"padding_idx": -5}),
}


def bag(L, function, index, weights, settings, **more):
    settings = {k: L.tensor(v) if isinstance(v, np.ndarray) else v for k, v in settings.items()}
    return function(index, weights, **settings, **more)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("name", BAGS)
def test_embedding_bag(name, mode, dtype, rng):
    index, settings = BAGS[name]
    functions_agree(
        lambda i, w: bag(ag, F.embedding_bag, i, w, settings, mode=mode),
        lambda i, w: bag(torch, TF.embedding_bag, i, w, settings, mode=mode),
        [index, rng.standard_normal((5, 3))],
        dtype,
        1,  # PyTorch has no second derivatives of it
    )


def test_frequencies_in_bags(rng):
    """As of embedding: PyTorch's bags count some rows as often as others are named."""
    functions_agree(
        lambda i, w: F.embedding_bag(i, w, mode="sum", scale_grad_by_freq=True),
        lambda i, w: TF.embedding(i, w, scale_grad_by_freq=True).sum(1),
        [INDEX, rng.standard_normal((5, 3))],
        orders=1,
    )


@pytest.mark.parametrize("name", ["rows", "offsets", "padding", "the last offset"])
def test_weighted_bags(name, rng):
    index, settings = BAGS[name]
    functions_agree(
        lambda i, w, each: bag(ag, F.embedding_bag, i, w, settings, mode="sum", per_sample_weights=each),
        lambda i, w, each: bag(torch, TF.embedding_bag, i, w, settings, mode="sum", per_sample_weights=each),
        [index, rng.standard_normal((5, 3)), rng.standard_normal(index.shape)],
        orders=1,
    )


def test_equals_in_a_largest():
    """The first row that has the largest entry takes the gradient."""
    functions_agree(
        lambda i, w: F.embedding_bag(i, w, mode="max"),
        lambda i, w: TF.embedding_bag(i, w, mode="max"),
        [np.array([[2, 1, 0], [0, 2, 2]]), np.array([[1.0, 5.0], [1.0, 4.0], [1.0, 5.0]])],
        orders=1,
    )


@pytest.mark.parametrize("settings", SETTINGS[:5], ids=str)
def test_module(settings):
    pair = nn.Embedding(5, 3, **settings), torch.nn.Embedding(5, 3, **settings)
    assert repr(pair[0]) == repr(pair[1])
    modules_agree(*pair, [INDEX], orders=1 if "scale_grad_by_freq" in settings else 2)


BAG_SETTINGS = [{}, {"mode": "sum", "padding_idx": 1}, {"mode": "max", "norm_type": 1.0}, {"max_norm": 2.0}]


@pytest.mark.parametrize("settings", BAG_SETTINGS, ids=str)
def test_module_of_bags(settings):
    pair = nn.EmbeddingBag(5, 3, **settings), torch.nn.EmbeddingBag(5, 3, **settings)
    assert repr(pair[0]) == repr(pair[1])
    modules_agree(*pair, [INDEX], orders=1)


def test_printed_as_in_pytorch():
    settings = {"padding_idx": -2, "max_norm": 1.5, "norm_type": 1.0, "scale_grad_by_freq": True, "sparse": True}
    assert repr(nn.Embedding(5, 3, **settings)) == repr(torch.nn.Embedding(5, 3, **settings))


@pytest.mark.parametrize("name", ["Embedding", "EmbeddingBag"])
def test_from_pretrained(name):
    for freeze in (True, False):
        mine, yours = (getattr(L.nn, name).from_pretrained(L.eye(3), freeze=freeze, padding_idx=1) for L in (ag, torch))
        assert mine.weight.requires_grad == yours.weight.requires_grad
        assert mine.padding_idx == yours.padding_idx
        close(mine.weight, yours.weight)


@pytest.mark.parametrize(
    ("mine", "yours"),
    [
        (F.embedding, TF.embedding),
        (F.embedding_bag, TF.embedding_bag),
        *[(getattr(nn, n), getattr(torch.nn, n)) for n in ("Embedding", "EmbeddingBag")],
        *[(getattr(nn, n).from_pretrained, getattr(torch.nn, n).from_pretrained) for n in ("Embedding", "EmbeddingBag")],
    ],
)
def test_arguments(mine, yours):
    said = [[(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (mine, yours)]
    assert said[0] == said[1]


W = np.ones((5, 3))
WRONG = {
    "floats": lambda L, f, b: f(L.tensor([1.0]), L.tensor(W)),
    "booleans": lambda L, f, b: f(L.tensor([True]), L.tensor(W)),
    "uint8": lambda L, f, b: f(L.tensor([1], dtype=L.uint8), L.tensor(W)),
    "out of range": lambda L, f, b: f(L.tensor([5]), L.tensor(W)),
    "negative": lambda L, f, b: f(L.tensor([-1]), L.tensor(W)),
    "a vector": lambda L, f, b: f(L.tensor([1]), L.tensor(W)[0]),
    "a list": lambda L, f, b: f([1], L.tensor(W)),
    "padding": lambda L, f, b: f(L.tensor([1]), L.tensor(W), padding_idx=5),
    "padding, negative": lambda L, f, b: f(L.tensor([1]), L.tensor(W), padding_idx=-6),
    "module's padding": lambda L, f, b: L.nn.Embedding(5, 3, padding_idx=5),
    "module's weight": lambda L, f, b: L.nn.Embedding(5, 3, _weight=L.tensor(W)[:4]),
    "pretrained vector": lambda L, f, b: L.nn.Embedding.from_pretrained(L.tensor(W)[0]),
    "bag: first offset": lambda L, f, b: b(L.tensor([1, 2]), L.tensor(W), L.tensor([1])),
    "bag: large offset": lambda L, f, b: b(L.tensor([1, 2]), L.tensor(W), L.tensor([0, 9])),
    "bag: no offsets": lambda L, f, b: b(L.tensor([1, 2]), L.tensor(W)),
    "bag: offsets of rows": lambda L, f, b: b(L.tensor([[1, 2]]), L.tensor(W), L.tensor([0])),
    "bag: offsets of two dimensions": lambda L, f, b: b(L.tensor([1, 2]), L.tensor(W), L.tensor([[0]])),
    "bag: three dimensions": lambda L, f, b: b(L.tensor([[[1, 2]]]), L.tensor(W)),
    "bag: mode": lambda L, f, b: b(L.tensor([[1, 2]]), L.tensor(W), mode="min"),
    "bag: weighted mean": lambda L, f, b: b(L.tensor([[1, 2]]), L.tensor(W), per_sample_weights=L.tensor([[1.0, 2.0]])),
    "bag: weights' shape": lambda L, f, b: b(L.tensor([[1, 2]]), L.tensor(W), mode="sum", per_sample_weights=L.tensor([1.0, 2.0])),
    "bag: weights' dtype": lambda L, f, b: b(L.tensor([[1, 2]]), L.tensor(W), mode="sum", per_sample_weights=L.tensor([[1.0, 2.0]])),
    "bag: out of range": lambda L, f, b: b(L.tensor([[1, 5]]), L.tensor(W)),
    "bag: negative": lambda L, f, b: b(L.tensor([[1, -1]]), L.tensor(W)),
    "bag: floats": lambda L, f, b: b(L.tensor([[1.0]]), L.tensor(W)),
    "bag: padding": lambda L, f, b: b(L.tensor([[1]]), L.tensor(W), padding_idx=9),
    "bag: frequencies of the largest": lambda L, f, b: b(L.tensor([[1]]), L.tensor(W), mode="max", scale_grad_by_freq=True),
    "bag: sparse largest": lambda L, f, b: b(L.tensor([[1]]), L.tensor(W), mode="max", sparse=True),
    "bag: a vector": lambda L, f, b: b(L.tensor([[1]]), L.tensor(W)[0]),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors(wrong):
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever PyTorch raises
        WRONG[wrong](torch, TF.embedding, TF.embedding_bag)
    with pytest.raises(type(expected.value)):
        WRONG[wrong](ag, F.embedding, F.embedding_bag)
