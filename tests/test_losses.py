"""Losses: formulas, derivatives, and targets that are wrong in every way that is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.errors import ShapeError
from autograd_core.ops.loss import binary_cross_entropy_elements, cross_entropy_rows
from nn import functional as F


def scores(rng, *shape):
    return ag.tensor(rng.standard_normal(shape), requires_grad=True)


# ---------------------------------------------------------------------- values and derivatives


def test_squares_and_absolute_values():
    x, t = ag.tensor([1.0, 2.0, 4.0]), ag.tensor([1.0, 0.0, 1.0])
    assert F.mse_loss(x, t).item() == pytest.approx(13 / 3)
    assert F.mse_loss(x, t, reduction="sum").item() == 13
    assert F.l1_loss(x, t, reduction="none").tolist() == [0, 2, 3]
    assert F.smooth_l1_loss(x, t, reduction="none", beta=2.5).tolist() == pytest.approx([0, 0.8, 1.75])
    assert F.huber_loss(x, t, reduction="none", delta=2.5).tolist() == pytest.approx([0, 2, 4.375])


def test_cross_entropy_is_minus_the_logarithm_of_the_targets_probability():
    x = ag.tensor([[1.0, 2.0, 3.0]], dtype=ag.float64)
    expected = math.log(math.e + math.e**2 + math.e**3) - 2
    assert F.cross_entropy(x, ag.tensor([1])).item() == pytest.approx(expected)
    assert F.cross_entropy(x, ag.tensor([[0.0, 1.0, 0.0]], dtype=ag.float64)).item() == pytest.approx(expected)
    assert F.nll_loss(F.log_softmax(x, 1), ag.tensor([1])).item() == pytest.approx(expected)


def test_complex_numbers_have_absolute_differences_only():
    x, t = ag.tensor([3 + 4j]), ag.tensor([0j])
    assert F.l1_loss(x, t).item() == 5
    for name in ("mse_loss", "smooth_l1_loss", "huber_loss"):
        for given in ((x, t), (x, t.real), (x.real, t)):
            with pytest.raises(RuntimeError, match=f"{name}: not for complex"):
                getattr(F, name)(*given)


def test_large_scores_do_not_overflow():
    x = ag.tensor([[1e4, -1e4]], requires_grad=True)
    assert F.cross_entropy(x, ag.tensor([0])).item() == 0
    assert F.cross_entropy(x, ag.tensor([1])).item() == 2e4
    z = ag.tensor([1e4, -1e4], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(z, ag.tensor([0.0, 1.0]))
    loss.backward()
    assert loss.item() == 1e4
    assert z.grad.tolist() == [0.5, -0.5]


LOSSES = {
    "mse": lambda x, t: F.mse_loss(x, t),
    "l1": lambda x, t: F.l1_loss(x, t, reduction="none"),
    "smooth l1": lambda x, t: F.smooth_l1_loss(x, t, beta=0.7),
    "huber": lambda x, t: F.huber_loss(x, t, delta=0.7),
    "binary with logits": lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=ag.tensor([2.0, 3.0, 0.5, 1.0])),
    "cross entropy of probabilities": lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_derivatives_by_input_and_target(loss, rng):
    x, t = scores(rng, 3, 4), ag.tensor(rng.random((3, 4)), requires_grad=True)
    gradcheck(loss, (x, t))
    gradgradcheck(loss, (x, t))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_derivatives_of_cross_entropy(weighted, smoothing, reduction, rng):
    x, t = scores(rng, 2, 4, 3), ag.tensor(rng.integers(0, 4, (2, 3)))
    weight = ag.tensor(rng.random(4)) if weighted else None
    loss = lambda x: F.cross_entropy(x, t, weight, ignore_index=1, reduction=reduction, label_smoothing=smoothing)
    gradcheck(loss, (x,))
    gradgradcheck(loss, (x,))


def test_derivatives_of_binary_cross_entropy(rng):
    x, t = ag.tensor(rng.uniform(0.1, 0.9, (3, 4)), requires_grad=True), ag.tensor(rng.random((3, 4)), requires_grad=True)
    gradcheck(F.binary_cross_entropy, (x, t))
    gradgradcheck(F.binary_cross_entropy, (x, t))


def test_the_fused_cross_entropy_is_its_reference(rng):
    op = cross_entropy_rows.op
    for rows, classes in ((5, 4), (700, 123)):
        x, weights = rng.standard_normal((rows, classes)) * 3, rng.random(rows)
        target = rng.integers(0, classes, rows)
        mine, reference = ag.tensor(x, requires_grad=True), ag.tensor(x, requires_grad=True)
        out, expected = cross_entropy_rows(mine, target, weights), op.reference(reference, target, weights)
        np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), 1e-12)
        g = ag.tensor(rng.standard_normal(rows))
        (first,), (second,) = ag.autograd.grad(out, mine, g), ag.autograd.grad(expected, reference, g)
        np.testing.assert_allclose(first.numpy(), second.numpy(), 1e-10, 1e-12)


def test_a_second_backward_pass_through_the_same_loss(rng):
    x = scores(rng, 3, 4)
    loss = F.cross_entropy(x, ag.tensor([0, 1, 2]))
    (first,) = ag.autograd.grad(loss, x, retain_graph=True)
    (second,) = ag.autograd.grad(loss, x)
    assert (first == second).all()


def test_rows_that_are_ignored_may_hold_anything():
    x = ag.tensor([[1.0, 2.0], [float("nan"), float("inf")]], requires_grad=True)
    loss = F.cross_entropy(x, ag.tensor([0, -100]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(math.e + math.e**2) - 1)
    assert x.grad[1].tolist() == [0, 0]


def test_float32_stays_float32(rng):
    x = ag.randn(3, 4, requires_grad=True)
    for loss in (
        F.cross_entropy(x, ag.tensor([0, 1, 2]), ag.ones(4, dtype=ag.float64), label_smoothing=0.1),
        F.cross_entropy(x, ag.rand(3, 4)),
        F.nll_loss(x, ag.tensor([0, 1, 2])),
        F.mse_loss(x, ag.rand(3, 4)),
        F.binary_cross_entropy_with_logits(x, ag.rand(3, 4), pos_weight=ag.rand(4)),
        F.binary_cross_entropy(x.sigmoid(), ag.rand(3, 4)),
        F.huber_loss(x, ag.rand(3, 4)),
    ):
        assert loss.dtype == np.float32
        assert ag.autograd.grad(loss, x)[0].dtype == np.float32


def test_binary_cross_entropy_is_finite_at_certainty():
    x = ag.tensor([0.0, 1.0, 0.0], requires_grad=True)
    loss = binary_cross_entropy_elements(x, ag.tensor([1.0, 0.0, 0.0]))
    assert loss.tolist() == [100, 100, 0]
    loss.sum().backward()
    assert x.grad.isfinite().all()


def test_int32_class_indices_are_fine(rng):
    x = scores(rng, 3, 4)
    t = np.array([0, 3, 2])
    for dtype in (np.int32, np.uint8, np.int8):
        assert F.cross_entropy(x, ag.tensor(t.astype(dtype))).item() == F.cross_entropy(x, ag.tensor(t)).item()


def test_targets_may_be_arrays(rng):
    x = scores(rng, 3, 4)
    assert F.cross_entropy(x, np.array([0, 1, 2])).item() == F.cross_entropy(x, ag.tensor([0, 1, 2])).item()


# ---------------------------------------------------------------------- modules


def test_weights_of_losses_are_buffers():
    loss = nn.CrossEntropyLoss(weight=ag.ones(3))
    assert list(loss.state_dict()) == ["weight"]
    assert loss.double().weight.dtype == np.float64
    assert not list(loss.parameters())
    assert list(nn.BCEWithLogitsLoss(pos_weight=ag.ones(1)).state_dict()) == ["pos_weight"]
    assert list(nn.CrossEntropyLoss().state_dict()) == []


# ---------------------------------------------------------------------- what is wrong

ELEMENTWISE = [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, F.binary_cross_entropy, F.binary_cross_entropy_with_logits]
ALL = [*ELEMENTWISE, F.cross_entropy, F.nll_loss]


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize(
    ("wrong", "said"), [(None, "None"), ("cat", "'cat'"), ([1.0, 2.0], "a list"), (1, "an? int"), (np.array(["a"]), "ndarray")]
)
def test_what_is_no_tensor(loss, wrong, said):
    name = loss.__name__
    with pytest.raises(TypeError, match=f"{name}: target must be a Tensor, got .*{said}"):
        loss(ag.ones(2) / 2, wrong)
    with pytest.raises(TypeError, match=f"{name}: input must be a Tensor"):
        loss(wrong, ag.ones(2))


@pytest.mark.parametrize("loss", ELEMENTWISE)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nan_in_a_target(loss, reduction):
    x, t = ag.full((2, 3), 0.5), ag.zeros(2, 3)
    t[1, 2] = float("nan")
    with pytest.raises(
        ValueError, match=rf"{loss.__name__}: the target, of shape \(2, 3\), has NaN \(first at \(1, 2\)\).*isnan"
    ) as caught:
        loss(x, t, reduction=reduction)
    assert not isinstance(caught.value, ShapeError)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nan_in_a_targets_probabilities(reduction):
    t = ag.tensor([[0.5, float("nan")]])
    with pytest.raises(ValueError, match=r"cross_entropy: the target.*NaN"):
        F.cross_entropy(ag.ones(1, 2), t, reduction=reduction)


def test_nan_in_the_input_is_a_loss_of_nan():
    x = ag.tensor([float("nan"), 1.0])
    assert math.isnan(F.mse_loss(x, ag.zeros(2)).item())
    assert math.isnan(F.cross_entropy(x, ag.tensor(0)).item())


CLASSES = [F.cross_entropy, F.nll_loss]


@pytest.mark.parametrize("loss", CLASSES)
@pytest.mark.parametrize("wrong", [-1, 5, 2**40, -(2**40)])
def test_class_indices_out_of_range(loss, wrong):
    target = ag.tensor([[0, 1], [2, wrong]])
    with pytest.raises(IndexError, match=rf"{loss.__name__}: target {wrong} at \(1, 1\) is out of bounds for 5 classes"):
        loss(ag.ones(2, 5, 2), target)
    with pytest.raises(IndexError, match=f"target {wrong}"):
        loss(ag.ones(2, 5, 2), target, ignore_index=0)


def test_unsigned_class_indices_out_of_range():
    with pytest.raises(IndexError, match="target 200"):
        F.cross_entropy(ag.ones(1, 5), ag.tensor(np.array([200], np.uint8)))


@pytest.mark.parametrize("loss", CLASSES)
@pytest.mark.parametrize("dtype", [ag.float32, ag.float64, ag.complex64, ag.bool])
def test_class_indices_that_are_no_integers(loss, dtype):
    with pytest.raises(RuntimeError, match=r"class indices are integers.*target.long\(\)"):
        loss(ag.ones(2, 5), ag.ones(2, dtype=dtype))


@pytest.mark.parametrize("loss", CLASSES)
def test_scores_that_are_no_floats(loss):
    for target in (ag.tensor([0, 1]), ag.ones(2, 5)):
        with pytest.raises(RuntimeError, match=rf"{loss.__name__}: .*(floating-point input|class indices)|takes class indices"):
            loss(ag.ones(2, 5, dtype=ag.int64), target)


def test_probabilities_that_are_no_floats():
    with pytest.raises(RuntimeError, match="probabilities, floats"):
        F.cross_entropy(ag.ones(2, 5), ag.ones(2, 5, dtype=ag.int64))
    with pytest.raises(RuntimeError, match="ignore_index"):
        F.cross_entropy(ag.ones(2, 5), ag.ones(2, 5), ignore_index=1)


@pytest.mark.parametrize("loss", CLASSES)
@pytest.mark.parametrize(("sizes", "shape"), [((2, 5), (3,)), ((2, 5), (2, 1)), ((2, 5, 3), (2, 5)), ((5,), (1,)), ((2, 5), ())])
def test_class_indices_of_the_wrong_shape(loss, sizes, shape):
    with pytest.raises(ShapeError, match="takes class indices of shape"):
        loss(ag.ones(sizes), ag.zeros(shape, dtype=ag.int64))


@pytest.mark.parametrize("loss", CLASSES)
def test_class_weights_of_the_wrong_shape(loss):
    for weight in (ag.ones(4), ag.ones(1), ag.ones(5, 1)):
        with pytest.raises(ShapeError, match="one entry for each of the 5 classes"):
            loss(ag.ones(2, 5), ag.tensor([0, 1]), weight)
    with pytest.raises(ShapeError, match="one entry for each of the 5 classes"):
        F.cross_entropy(ag.ones(2, 5), ag.ones(2, 5), ag.ones(3))


def test_an_input_without_classes():
    with pytest.raises(ShapeError, match="dimension of classes"):
        F.nll_loss(ag.tensor(1.0), ag.tensor(0))


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_targets_of_a_shape_that_does_not_fit(loss):
    with pytest.raises(ShapeError, match=rf"{loss.__name__}: .*\(2, 4\)"):
        loss(ag.ones(2, 3) / 2, ag.ones(2, 4))


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
def test_binary_losses_do_not_broadcast(loss):
    with pytest.raises(ValueError, match="must be the same as input size"):
        loss(ag.ones(2, 1) / 2, ag.ones(2))
    with pytest.raises(ShapeError, match="weights broadcast"):
        loss(ag.ones(2) / 2, ag.ones(2), weight=ag.ones(3, 2))


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_probabilities_out_of_range(wrong):
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        F.binary_cross_entropy(ag.tensor([0.5, wrong]), ag.ones(2))


@pytest.mark.parametrize("loss", ALL)
def test_reductions_that_do_not_exist(loss):
    with pytest.raises(ValueError, match="'average' is not a valid value for reduction"):
        loss(ag.ones(2) / 2, ag.ones(2), reduction="average")


def test_modules_refuse_reductions_that_do_not_exist():
    with pytest.raises(ValueError, match="MSELoss: 'max'"):
        nn.MSELoss(reduction="max")


def test_settings_out_of_range():
    x = ag.ones(2)
    for wrong in (
        lambda: F.smooth_l1_loss(x, x, beta=-1),
        lambda: F.huber_loss(x, x, delta=0),
        lambda: F.cross_entropy(x, x, label_smoothing=2),
    ):
        with pytest.raises(RuntimeError):
            wrong()
    with pytest.raises(ShapeError, match="weight size"):
        F.mse_loss(x, x, weight=ag.ones(3))


def test_a_warning_names_the_callers_line():
    with pytest.warns(UserWarning, match=r"target size \(2,\).*input size \(2, 1\)") as caught:
        nn.MSELoss()(ag.ones(2, 1), ag.ones(2))
    assert len(caught) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda x, t, w: F.cross_entropy(x, t, w),
        lambda x, t, w: F.cross_entropy(x, t, w, reduction="none"),
        lambda x, t, w: F.cross_entropy(x, t, w, label_smoothing=0.1),
        lambda x, t, w: F.nll_loss(x, t, w),
        lambda x, t, w: F.multi_margin_loss(x, t, weight=w),
    ],
)
def test_class_weights_that_want_a_gradient_are_refused(call, rng):
    x, t, w = scores(rng, 2, 3), ag.tensor([0, 2]), ag.tensor([0.5, 1.5, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="detach"):
        call(x, t, w)
    with ag.no_grad():
        np.testing.assert_array_equal(call(x, t, w).numpy(), call(x, t, w.detach()).numpy())


def test_class_weights_of_probabilities_have_a_gradient(rng):
    probabilities = ag.tensor(rng.random((2, 3)))
    gradcheck(lambda x, w: F.cross_entropy(x, probabilities, w), (scores(rng, 2, 3), ag.tensor(rng.random(3), requires_grad=True)))
