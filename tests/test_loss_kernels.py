"""Losses with kernels equal what they are composed of, in all shapes, layouts and sizes; sequences, penalties, margins, clusters."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.errors import ShapeError
from autograd_core.ops import loss as losses
from autograd_core.ops.loss import cross_entropy_rows
from nn import functional as F

KERNELS = {
    "mse_loss": {},
    "l1_loss": {},
    "huber_loss": {"delta": 0.7},
    "smooth_l1_loss": {"beta": 0.3},
    "binary_cross_entropy_with_logits": {},
}
REDUCTIONS = ["mean", "sum", "none"]


def derivatives(function, arrays, by=None):
    """Value, gradients, and gradients of a function of these."""
    inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind == "f") for a in arrays]
    by = [i for i in inputs if i.requires_grad]
    result = function(*inputs)
    seed = ag.tensor(np.linspace(0.5, 1.5, result.numel()).reshape(tuple(result.shape)), dtype=result.dtype)
    plain = ag.autograd.grad(result, by, seed, retain_graph=True)
    recorded = ag.autograd.grad(result, by, seed, create_graph=True)
    squares = sum((g * g).sum() for g in recorded)
    second = ag.autograd.grad(squares, by, materialize_grads=True) if squares.requires_grad else []
    return [t.detach().numpy() for t in (result, *plain, *recorded, *second)]


@settings(max_examples=40)
@given(
    name=st.sampled_from(sorted(KERNELS)),
    reduction=st.sampled_from(REDUCTIONS),
    shape=st.lists(st.integers(0, 5), max_size=3),
    turned=st.booleans(),
    every_other=st.booleans(),
    scale=st.sampled_from([1e-3, 1.0, 50.0]),
    seed=st.integers(0, 1000),
)
def test_kernels_equal_their_references(name, reduction, shape, turned, every_other, scale, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) * scale, rng.random(shape)]
    if turned:
        arrays[0] = arrays[0].T.copy().T
    if every_other and shape:
        arrays[1] = np.repeat(arrays[1], 2, axis=-1)[..., ::2]
    call = getattr(losses, name)
    found = [derivatives(lambda x, t, f=f: f(x, t, **KERNELS[name], reduction=reduction), arrays) for f in (call, call.op.reference)]
    for fast, slow in zip(*found, strict=True):
        np.testing.assert_allclose(fast, slow, 1e-10, 1e-12 * max(1, scale))


@pytest.mark.parametrize("name", sorted(KERNELS))
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 70_001, 600_000])
def test_kernels_of_any_size(size, dtype, name, rng):
    """One block, several, and several on other threads."""
    x, t = rng.standard_normal(size).astype(dtype), rng.random(size).astype(dtype)
    call, tolerance = getattr(losses, name), {np.float16: 4e-3, np.float32: 1e-5, np.float64: 1e-12}[dtype]
    for reduction in ("none",) if dtype == np.float16 else ("mean", "none"):
        inputs = [ag.tensor(x, requires_grad=True), ag.tensor(t, requires_grad=True)]
        exact = [ag.tensor(a.astype(float), requires_grad=True) for a in (x, t)]
        out = call(*inputs, **KERNELS[name], reduction=reduction)
        expected = call.op.reference(*exact, **KERNELS[name], reduction=reduction)
        assert out.dtype == dtype
        np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), tolerance, tolerance)
        out.backward(ag.ones_like(out))
        expected.backward(ag.ones_like(expected))
        scale = size if reduction == "mean" else 1
        for i, e in zip(inputs, exact, strict=True):
            assert i.grad.dtype == dtype
            np.testing.assert_allclose(i.grad.numpy() * scale, e.grad.numpy() * scale, 10 * tolerance, 10 * tolerance)


@settings(max_examples=40)
@given(
    rows=st.integers(1, 6),
    classes=st.integers(1, 6),
    scale=st.sampled_from([0.1, 5.0, 90.0, 2000.0]),
    shift=st.sampled_from([0.0, -60.0, 100.0, -2000.0]),
    smoothing=st.sampled_from([0.0, 0.3]),
    one_weight=st.booleans(),
    total=st.booleans(),
    turned=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_cross_entropy_equals_its_reference(rows, classes, scale, shift, smoothing, one_weight, total, turned, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, classes)) * scale + shift
    x = x.T.copy().T if turned else x
    target, weights = ag.tensor(rng.integers(0, classes, rows)), ag.tensor(rng.random(1 if one_weight else rows))
    found = [
        derivatives(lambda x, f=f: f(x, target, weights, smoothing=smoothing, total=total), [x])
        for f in (cross_entropy_rows, cross_entropy_rows.op.reference)
    ]
    for fast, slow in zip(*found, strict=True):
        np.testing.assert_allclose(fast, slow, 1e-9, 1e-11)


@settings(max_examples=40)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    scale=st.sampled_from([0.1, 5.0, 90.0, 2000.0]),
    shift=st.sampled_from([0.0, -60.0, 100.0, -2000.0]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    masked=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_softmax_by_rows_equals_softmax_of_columns(shape, scale, shift, dtype, masked, seed):
    """The last axis has a kernel, the others have not."""
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal(shape) * scale + shift).astype(dtype)
    if masked and shape[-1] > 1:
        x[..., 0] = -np.inf
    g, tolerance = rng.standard_normal(shape), {np.float16: 4e-3, np.float32: 2e-5, np.float64: 1e-11}[dtype]
    for function in (F.softmax, F.log_softmax):
        one, two = ag.tensor(x, requires_grad=True), ag.tensor(np.moveaxis(x, -1, 0)[:, None].astype(float), requires_grad=True)
        fast, slow = function(one, -1), function(two, 0)
        assert fast.dtype == dtype
        np.testing.assert_allclose(np.moveaxis(fast.detach().numpy(), -1, 0), slow.detach().numpy()[:, 0], tolerance, tolerance)
        fast.backward(ag.tensor(g.astype(dtype)))
        slow.backward(ag.tensor(np.moveaxis(g, -1, 0)[:, None]))
        np.testing.assert_allclose(np.moveaxis(one.grad.numpy(), -1, 0), two.grad.numpy()[:, 0], 20 * tolerance, 20 * tolerance)


def test_softmax_of_many_rows(rng):
    x = rng.standard_normal((3000, 200)) * 3
    p = F.softmax(ag.tensor(x), -1).numpy()
    np.testing.assert_allclose(p, np.exp(x) / np.exp(x).sum(1, keepdims=True), 1e-12)
    np.testing.assert_allclose(F.log_softmax(ag.tensor(x), -1).numpy(), np.log(p), 1e-12, 1e-13)


def test_what_a_loss_keeps_is_not_given_away(rng):
    """A gradient that is changed in place does not change that of a second pass."""
    for compute in (lambda x: F.mse_loss(x, ag.zeros(3, 4)), lambda x: F.cross_entropy(x, ag.tensor([0, 1, 2]))):
        x = ag.tensor(rng.standard_normal((3, 4)).astype(np.float32), requires_grad=True)
        loss = compute(x)
        loss.backward(retain_graph=True)
        first = x.grad.clone()
        x.grad.mul_(0)
        loss.backward()
        assert (x.grad == first).all()


def test_losses_leave_no_cycles(assert_no_cycles, rng):
    x = ag.tensor(rng.standard_normal((5, 3, 4)), requires_grad=True)

    def run():
        F.mse_loss(x, ag.zeros(5, 3, 4, dtype=ag.float64)).backward()
        F.cross_entropy(x[0], ag.tensor([0, 1, 2]), label_smoothing=0.1).backward()
        F.ctc_loss(x.log_softmax(-1), ag.tensor([[1, 2]] * 3), (5, 5, 5), (2, 1, 2)).backward()

    assert_no_cycles(run)


# ---------------------------------------------------------------------- connectionist temporal classification


def brute_force(logs, labels, blank):
    """The loss by looking at every path of one class for each frame."""
    total = 0.0
    for path in itertools.product(range(logs.shape[1]), repeat=len(logs)):
        if [c for c, _ in itertools.groupby(path) if c != blank] == list(labels):
            total += math.exp(sum(logs[t, c] for t, c in enumerate(path)))
    return -math.log(total) if total else math.inf


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("labels", [[], [1], [1, 1], [1, 3, 1], [3, 3, 3]], ids=str)
def test_ctc_counts_all_paths(labels, blank, rng):
    x = ag.tensor(rng.standard_normal((5, 4)))
    loss = F.ctc_loss(F.log_softmax(x, 1), ag.tensor(labels, dtype=ag.int64), (5,), (len(labels),), blank, "none")
    assert loss.item() == pytest.approx(brute_force(F.log_softmax(x, 1).numpy(), labels, blank), rel=1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_derivatives_of_ctc(reduction, rng):
    x = ag.tensor(rng.standard_normal((5, 3, 4)), requires_grad=True)
    targets = ag.tensor([[1, 1], [2, 3], [3, 0]])

    def loss(x):
        return F.ctc_loss(x.log_softmax(-1), targets, (5, 4, 3), (2, 2, 1), reduction=reduction)

    gradcheck(loss, (x,))
    gradgradcheck(loss, (x,))


def test_what_stands_behind_an_examples_frames_does_not_matter(rng):
    x = rng.standard_normal((6, 2, 4))
    logs = F.log_softmax(ag.tensor(x), -1).numpy()
    spoiled = logs.copy()
    spoiled[4:, 1] = np.nan
    found = []
    for array in (logs, spoiled):
        given = ag.tensor(array, requires_grad=True)
        loss = F.ctc_loss(given, ag.tensor([[1, 2], [3, -7]]), (6, 4), (2, 1), reduction="none")
        loss.sum().backward()
        found.append((loss.detach().numpy(), given.grad.numpy()))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_labels_that_do_not_fit(rng):
    x = ag.tensor(rng.standard_normal((3, 2, 4)), requires_grad=True)
    given = (ag.tensor([[1, 1, 1], [1, 2, 3]]), (3, 3), (3, 3))
    assert np.isinf(F.ctc_loss(x.log_softmax(-1), *given, reduction="none").detach().numpy()).tolist() == [True, False]
    loss = F.ctc_loss(x.log_softmax(-1), *given, reduction="none", zero_infinity=True)
    loss.sum().backward()
    assert loss[0].item() == 0
    assert (x.grad[:, 0] == 0).all()
    assert not (x.grad[:, 1] == 0).any()


def test_labels_out_of_range():
    logs = ag.zeros(4, 1, 3)
    for wrong in (3, -1):
        with pytest.raises(RuntimeError, match=f"target {wrong} is out of range for 3 classes"):
            F.ctc_loss(logs, ag.tensor([[1, wrong]]), (4,), (2,))
    with pytest.raises(ShapeError, match="one after the other"):
        F.ctc_loss(logs, ag.tensor([1, 2, 2]), (4,), (2,))


# ---------------------------------------------------------------------- penalties, distances, a softmax in clusters


def test_penalties(rng):
    model = nn.Linear(3, 2).double()
    weights = [p.detach().numpy() for p in model.parameters()]
    one, two = sum(np.abs(w).sum() for w in weights), sum((w * w).sum() for w in weights)
    assert F.l1_penalty(model.parameters()).item() == pytest.approx(one)
    assert F.l2_penalty(model.parameters()).item() == pytest.approx(two)
    assert F.l2_penalty(model.weight).item() == pytest.approx((weights[0] ** 2).sum())
    penalty = F.elastic_net_penalty(model.parameters(), l1=0.1, l2=0.3)
    assert penalty.item() == pytest.approx(0.1 * one + 0.3 * two)
    penalty.backward()
    for p, w in zip(model.parameters(), weights, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), 0.1 * np.sign(w) + 0.6 * w)


def test_wrong_penalties():
    for penalty in (F.l1_penalty, F.l2_penalty, lambda p: F.elastic_net_penalty(p, 1, 1)):
        with pytest.raises(ValueError, match="no parameters"):
            penalty([])
        with pytest.raises(TypeError, match="must be a Tensor"):
            penalty([1.0])
    with pytest.raises(ValueError, match="not be negative"):
        F.elastic_net_penalty([ag.ones(1)], -1, 0)


MARGINS = {
    "multi margin": lambda x: F.multi_margin_loss(x, ag.tensor([0, 2, 1]), p=2, weight=ag.tensor([1.0, 2.0, 0.5, 1.0])),
    "multilabel margin": lambda x: F.multilabel_margin_loss(x, ag.tensor([[0, 3, -1, 2], [-1, 0, 0, 0], [1, 2, 3, 0]])),
    "pairs of rows": lambda x: F.pdist(x, 3.0),
    "cosine": lambda x: F.cosine_similarity(x, x * x + 1),
    "soft margin": lambda x: F.soft_margin_loss(x, ag.tensor([1.0, -1.0, 1.0, 1.0])),
}


@pytest.mark.parametrize("name", MARGINS)
def test_derivatives(name, rng):
    """Also those that PyTorch has not."""
    x = ag.tensor(rng.permutation(12).reshape(3, 4) * 0.37, requires_grad=True)
    gradcheck(MARGINS[name], (x,))
    gradgradcheck(MARGINS[name], (x,))


def test_soft_margins_do_not_overflow():
    x = ag.tensor([1000.0, -1000.0], requires_grad=True)
    loss = F.soft_margin_loss(x, ag.tensor([-1.0, 1.0]), reduction="none")
    assert loss.tolist() == [1000, 1000]
    loss.sum().backward()
    assert x.grad.tolist() == [1, -1]


def test_nothing_is_changed_by_losses_in_inference(rng):
    """Without anything recorded nothing is kept, and values are the same."""
    x, t = ag.tensor(rng.standard_normal((4, 5)), requires_grad=True), ag.tensor([0, 1, 2, 3])
    with ag.no_grad():
        silent = F.cross_entropy(x, t), F.mse_loss(x, x * 0)
    assert [s.node for s in silent] == [None, None]
    assert silent[0].item() == F.cross_entropy(x, t).item()
    assert silent[1].item() == F.mse_loss(x, x * 0).item()


def test_probabilities_of_a_softmax_in_clusters_add_up_to_one():
    ag.manual_seed(0)
    module = nn.AdaptiveLogSoftmaxWithLoss(32, 20, [4, 10])
    x, t = ag.randn(30, 32), ag.tensor(np.arange(30) % 20)
    logs = module.log_prob(x)
    np.testing.assert_allclose(logs.exp().sum(1).detach().numpy(), 1, 1e-5)
    output, loss = module(x, t)
    np.testing.assert_allclose(output.detach().numpy(), logs.gather(1, t[:, None])[:, 0].detach().numpy(), 1e-5)
    assert loss.item() == pytest.approx(-output.mean().item())
    assert (module.predict(x) == logs.argmax(1)).all()
    before = [p.detach().clone() for p in module.parameters()]
    module.reset_parameters()
    assert not any((p == b).all() for p, b in zip(module.parameters(), before, strict=True))


def test_losses_in_vmap(rng):
    x, t = ag.tensor(rng.standard_normal((6, 3))), ag.tensor(rng.random((6, 3)))
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy_with_logits, F.soft_margin_loss):
        found = ag.func.vmap(ag.func.grad(loss))(x, t)
        expected = [ag.func.grad(loss)(a, b) for a, b in zip(x, t, strict=True)]
        np.testing.assert_allclose(found.numpy(), np.stack([e.numpy() for e in expected]), 1e-12)


# ---------------------------------------------------------------------- scores far apart


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("top", [30, 41, 45, 60, 66, 68, 69, 70, 85, 88, 89, 200])
def test_scores_far_apart_have_finite_logarithms(top, smoothing, dtype, rng):
    x = rng.uniform(-1, 1, (6, 4)).astype(dtype)
    x[:, 0] = top
    x[:3, 1] = -top
    target = ag.tensor([1, 1, 0, 2, 3, 0])
    exact = x.astype(np.float64) - top
    exact -= np.log(np.exp(exact).sum(1, keepdims=True))
    given = ag.tensor(x, requires_grad=True)
    tolerance = {"rtol": 20 * np.finfo(dtype).eps, "atol": 20 * np.finfo(dtype).eps}
    np.testing.assert_allclose(F.log_softmax(given, 1).detach().numpy(), exact, **tolerance)
    chosen = exact[np.arange(6), target.numpy()]
    expected = -(1 - smoothing) * chosen - smoothing * exact.mean(1)
    loss = F.cross_entropy(given, target, reduction="none", label_smoothing=smoothing)
    np.testing.assert_allclose(loss.detach().numpy(), expected, **tolerance)
    shares = F.one_hot(target, 4).to(given.dtype)
    loss = F.cross_entropy(given, shares, reduction="none", label_smoothing=smoothing)
    np.testing.assert_allclose(loss.detach().numpy(), expected, **tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_of_the_smallest_differences(dtype):
    least = np.finfo(dtype).smallest_subnormal
    x = ag.tensor(np.array([least, -least, 1000 * least, 0, np.finfo(dtype).max], dtype), requires_grad=True)
    F.l1_loss(x, ag.zeros(5, dtype=x.dtype), reduction="sum").backward()
    assert x.grad.tolist() == [1, -1, 1, 0, 1]
