"""Indexing against PyTorch: random indices of all kinds, read and written, and the functions that take index arrays."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

from tests.parity.agreement import calls_agree  # noqa: E402

# ---------------------------------------------------------------------- x[index] and x[index] = value

SHAPES = [(), (3,), (2, 3), (3, 1, 2), (2, 3, 2, 2), (0, 3), (2, 0)]


@st.composite
def indices(draw):
    """A shape and a recipe for an index: its parts with "tensor", "list" or "array" for how an array is written."""
    shape = draw(st.sampled_from(SHAPES))
    parts = []
    used = 0
    broadcast = draw(st.sampled_from([(2,), (1,), (2, 2), (0,)]))
    while used < len(shape) and draw(st.integers(0, 5)):
        n = shape[used]
        kind = draw(st.sampled_from(["int", "slice", "slice", "none", "array", "array", "mask", "truth", "0-d", "big mask"]))
        if kind == "int":
            parts.append(("plain", draw(st.integers(-n - (n == 0), n - (n > 0)))))
        elif kind == "0-d":
            parts.append(("tensor", np.array(draw(st.integers(-n, n - 1)) if n else 0)))
        elif kind == "slice":
            bounds = [draw(st.none() | st.integers(-4, 4)) for _ in range(2)]
            parts.append(("plain", slice(*bounds, draw(st.sampled_from([None, 1, 2])))))
        elif kind == "array":
            shaped = draw(st.sampled_from([broadcast, broadcast, (1,)]))
            entries = draw(st.lists(st.integers(-n, n - 1), min_size=int(np.prod(shaped)), max_size=int(np.prod(shaped)))) if n else []
            if n or not int(np.prod(shaped)):
                parts.append((draw(st.sampled_from(["tensor", "array", "list"])), np.array(entries, np.int64).reshape(shaped)))
            else:
                parts.append(("plain", slice(None)))
        elif kind == "mask":
            entries = draw(st.lists(st.booleans(), min_size=n, max_size=n))
            parts.append((draw(st.sampled_from(["tensor", "list", "uint8"])) if n else "tensor", np.array(entries, bool)))
        elif kind == "big mask" and used + 2 <= len(shape):
            sizes = shape[used : used + 2]
            entries = draw(st.lists(st.booleans(), min_size=int(np.prod(sizes)), max_size=int(np.prod(sizes))))
            parts.append(("tensor", np.array(entries, bool).reshape(sizes)))
            used += 1
        elif kind == "truth":
            parts.append(
                draw(st.sampled_from([("plain", True), ("plain", False), ("tensor", np.array(True)), ("tensor", np.array(False))]))
            )
            continue
        else:
            parts.append(("plain", None))
            continue
        used += 1
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), ("plain", ...))
    return shape, parts, len(parts) == 1 and draw(st.booleans())


def index_for(library, recipe):
    _, parts, bare = recipe
    made = []
    for kind, part in parts:
        if kind == "tensor":
            made.append(library.tensor(part))
        elif kind == "uint8":
            made.append(library.tensor(part.astype(np.uint8)))
        elif kind == "list":
            made.append(part.tolist())
        else:
            made.append(part)
    return made[0] if bare else tuple(made)


def attempt(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(), None
        except (IndexError, RuntimeError, ValueError, TypeError) as error:
            return None, error


def numbers(shape):
    return np.arange(1.0, 1 + np.prod(shape)).reshape(shape) / 7


def read(library, recipe):
    x = library.tensor(numbers(recipe[0]), requires_grad=True)
    out = x[index_for(library, recipe)]
    weights = library.tensor(numbers(tuple(out.shape)))
    (g,) = library.autograd.grad((out * out * weights).sum(), x)
    return out.detach().numpy(), g.numpy()


@settings(max_examples=200)
@given(indices())
def test_reading(recipe):
    ours, error = attempt(lambda: read(ag, recipe))
    theirs, their_error = attempt(lambda: read(torch, recipe))
    assert (error is None) == (their_error is None), f"{index_for(ag, recipe)!r} of {recipe[0]}: {error!r}, PyTorch {their_error!r}"
    if ours is not None:
        for o, t in zip(ours, theirs, strict=True):
            assert o.shape == t.shape, f"{index_for(ag, recipe)!r} of {recipe[0]}"
            np.testing.assert_allclose(o, t)


def write(library, recipe, fraction, number):
    index = index_for(library, recipe)
    x = library.tensor(numbers(recipe[0]), requires_grad=True)
    shape = tuple(x.detach()[index].shape)
    cut = min(fraction, len(shape))
    v = library.tensor(numbers(() if number else shape[cut:]) * 3, requires_grad=True)
    y = x * 1
    y[index] = v
    weights = library.tensor(numbers(tuple(y.shape)))
    grads = library.autograd.grad((y * y * weights).sum(), [x, v])
    return y.detach().numpy(), *[g.numpy() for g in grads]


def repeats(recipe):
    """Whether the index names an element twice: PyTorch's gradient of the value is then another, and so may be what it writes."""
    places = np.arange(int(np.prod(recipe[0]))).reshape(recipe[0])
    named = ag.tensor(places)[index_for(ag, recipe)].numpy()
    return np.unique(named).size < named.size


@settings(max_examples=200)
@given(indices(), st.integers(0, 2), st.booleans())
def test_writing(recipe, fraction, number):
    if attempt(lambda: repeats(recipe))[0]:
        return
    ours, error = attempt(lambda: write(ag, recipe, fraction, number))
    theirs, their_error = attempt(lambda: write(torch, recipe, fraction, number))
    if "masked_fill_ only supports boolean masks" in str(their_error):  # PyTorch takes uint8 masks but for 0-d values
        return
    assert (error is None) == (their_error is None), f"{index_for(ag, recipe)!r} of {recipe[0]}: {error!r}, PyTorch {their_error!r}"
    if ours is not None:
        for o, t in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(o, t, err_msg=f"{index_for(ag, recipe)!r} of {recipe[0]}")


@settings(max_examples=100)
@given(indices())
def test_the_value_written_is_the_one_that_gets_the_gradient(recipe):
    """Also where an element is named twice."""
    index = index_for(ag, recipe)
    x = ag.tensor(numbers(recipe[0]))
    part, error = attempt(lambda: x[index])
    if error is not None:
        return
    v = ag.tensor(np.arange(1.0, 1 + part.numel()).reshape(tuple(part.shape)), requires_grad=True)
    y = x * 0
    y[index] = v
    (g,) = ag.autograd.grad((y * ag.tensor(numbers(recipe[0]))).sum(), v)
    shown = {number: weight for number, weight in zip(y.detach().numpy().ravel(), numbers(recipe[0]).ravel(), strict=True) if number}
    expected = [shown.get(number, 0) for number in v.detach().numpy().ravel()]
    np.testing.assert_allclose(g.numpy().ravel(), expected)


# ---------------------------------------------------------------------- functions of index arrays, and what is written by hand

CALLS = [  # x is (3, 4), v is (4); L is the library
    "x.gather(0, L.tensor([[0]], dtype=L.int32))",
    "x.gather(0, L.tensor([[-1]]))",
    "x.gather(0, L.tensor(0))",
    "L.tensor(3.0).gather(0, L.tensor(0))",
    "L.tensor(3.0).gather(0, L.tensor([0]))",
    "L.tensor([3.0, 4]).gather(0, L.tensor(1))",
    "x.gather(0, L.tensor([], dtype=L.int64))",
    "x.gather(0, L.tensor([[], []], dtype=L.int64)).shape",
    "x.gather(0, L.zeros(2, 5, dtype=L.long))",
    "x.index_select(0, L.tensor(1)).shape",
    "x.index_select(0, L.tensor([-1]))",
    "x.index_select(0, L.tensor([0], dtype=L.int32)).shape",
    "x.index_select(0, L.tensor([[0]])).shape",
    "L.tensor(3.0).index_select(0, L.tensor([0]))",
    "L.tensor(3.0).index_select(0, L.tensor([0, 0]))",
    "x.take(L.tensor([[0, -1]]))",
    "x.take(L.tensor([12]))",
    "x.take(L.tensor([0], dtype=L.int32))",
    "x.take_along_dim(L.tensor([[0]]), 0)",
    "x.take_along_dim(L.tensor([0, 1]))",
    "x.take_along_dim(L.tensor([[-1]]), 0)",
    "x.scatter(0, L.tensor([[0, 1]]), 5)",
    "x.scatter(0, L.tensor([[0, 1]]), L.ones(1, 2, dtype=L.float64))",
    "x.scatter(0, L.tensor([[0, 1]]), L.ones(1, 1))",
    "x.scatter(0, L.tensor([[0, 1]]), L.tensor(2.0))",
    "x.scatter(0, L.tensor([[0, 1]]), value=3.5)",
    "x.long().scatter(0, L.tensor([[0, 1]]), 3.5)",
    "x.scatter_add(0, L.tensor([[0, 1]]), 1.0)",
    "x.scatter_add(0, L.tensor([[0, 1]]), L.ones(1, 2, dtype=L.float64))",
    "x.long().scatter_reduce(0, L.tensor([[0, 1]]), x.long() - 20, 'mean')",
    "x.long().scatter_reduce(0, L.tensor([[0, 1]]), x.long() - 20, 'mean', include_self=False)",
    "x.index_add(0, L.tensor([0, 0]), x[:2], alpha=2)",
    "x.index_add(0, L.tensor([0, 0]), x[:3])",
    "x.index_add(0, L.tensor(0), x[:1])",
    "x.index_add(0, L.tensor([-1]), x[:1])",
    "x.index_add(0, L.tensor([0]), x[0])",
    "x.long().index_add(0, L.tensor([0]), x[:1])",
    "x.index_add(0, L.tensor([0]), x[:1].double())",
    "x.index_copy(0, L.tensor([0]), L.tensor(1.0))",
    "x.index_fill(0, L.tensor([0, -1]), 7)",
    "x.index_fill(0, L.tensor([0]), L.tensor(7.0))",
    "x.index_fill(0, L.tensor([0]), L.tensor([7.0]))",
    "x.long().index_fill(0, L.tensor([0]), 7.5)",
    "x.index_put((L.tensor([0, 1]),), L.tensor(5.0))",
    "x.index_put([L.tensor([0, 1]), None], L.tensor(5.0))",
    "x.index_put((L.tensor([0, 1]), L.tensor([0, 1])), L.tensor([5.0, 6.0]), accumulate=True)",
    "x.index_put((L.tensor([0, 1]), L.tensor([0, 1])), 5.0)",
    "x.index_put((L.tensor([True, False, True]),), L.tensor([5.0, 6, 7, 8]))",
    "x.index_put((L.tensor([0, 1]),), L.tensor([5.0, 6, 7, 8], dtype=L.float64))",
    "x.put(L.tensor([0, -1, 0]), L.tensor([1.0, 2, 3]), accumulate=True)",
    "x.put(L.tensor([0, -1, 0]), L.tensor([1.0, 2, 3]))",
    "x.put(L.tensor([0, 1]), L.tensor(3.0))",
    "x.masked_scatter(x > 5, L.arange(20.0))",
    "x.masked_scatter(x > 5, L.arange(3.0))",
    "x.masked_scatter(L.tensor([True, False, True, True]), L.arange(20.0))",
    "x.masked_select(L.tensor([True, False, True, True]))",
    "x.masked_select((x > 5).byte())",
    "L.zeros(4).masked_scatter(x > 5, x).shape",
    "x.nonzero().shape",
    "x.nonzero(as_tuple=True)",
    "L.tensor(3.0).nonzero().shape",
    "L.tensor(3.0).nonzero(as_tuple=True)",
    "L.tensor(0.0).nonzero(as_tuple=True)",
    "L.tensor(0.0).nonzero().shape",
    "L.argwhere(L.tensor(3.0)).shape",
    "x.index_reduce(0, L.tensor([0, 0]), x[:2], 'prod')",
    "x.index_reduce(0, L.tensor([0, 0]), x[:2], 'sum')",
    "x.long().index_reduce(0, L.tensor([0, 0]), x.long()[:2], 'mean')",
    "x.select_scatter(v, 0, 1)",
    "x.select_scatter(v, 0, 5)",
    "x.select_scatter(v[:2], 0, 1)",
    "x.select_scatter(v.double(), 0, 1).dtype",
    "x.select_scatter(v.long(), 0, 1).dtype",
    "x.slice_scatter(L.zeros(1, 4), 0, 1, 2)",
    "x.slice_scatter(L.zeros(4), 0, 1, 2)",
    "x.slice_scatter(L.zeros(3, 2), 1, 0, None, 2)",
    "x.slice_scatter(L.zeros(3, 4)).shape",
    "x.diagonal_scatter(L.zeros(3))",
    "x.diagonal_scatter(L.zeros(2))",
    "x.diagonal_scatter(L.zeros(1), 3)",
    "x[[[0, 1], [1, 2]]]",
    "x[[0, (1, 2)]]",
    "x[(0, 1),]",
    "x[0, 1]",
    "x[[0, 1], [1, 2]]",
    "x[[slice(0, 1), 1]]",
    "x[[True, False, True]]",
    "x[L.tensor(1)].shape",
    "x[L.tensor(True)].shape",
    "x[True].shape",
    "x[False].shape",
    "x[True, [0, 1]].shape",
    "x[[0, 1], True].shape",
    "x[:, True].shape",
    "x[:, True, [0, 1]].shape",
    "x[None, True].shape",
    "x[0, True].shape",
    "x[..., True].shape",
    "x[range(2)]",
    "x[1.0]",
    "x['a']",
    "x[L.tensor([1.0, 2.0])]",
    "x[5]",
    "x[0, 5]",
    "x[[5]]",
    "x[:, [5]]",
    "x[0, 0, 0]",
    "x[L.tensor([True, False])]",
    "x[[]].shape",
    "x[L.tensor([])].shape",
    "x[L.tensor([0, 1], dtype=L.int32)].shape",
]


@pytest.mark.parametrize("call", CALLS)
def test_call(call):
    calls_agree(call)
