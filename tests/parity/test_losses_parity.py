"""Losses element by element and of classes against PyTorch: values, first and second derivatives, over many sets of arguments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import REDUCTIONS, libraries_agree  # noqa: E402


def with_reductions(*cases, reductions=REDUCTIONS):
    return [(*case, reduction) for case, reduction in itertools.product(cases, reductions)]


# ---------------------------------------------------------------------- element by element

SHAPES = [(), (2, 3, 2)]
ELEMENTWISE = with_reductions(
    ("mse_loss", {}),
    ("l1_loss", {}),
    ("smooth_l1_loss", {}),
    ("smooth_l1_loss", {"beta": 0.3}),
    ("smooth_l1_loss", {"beta": 0.0}),
    ("huber_loss", {}),
    ("huber_loss", {"delta": 0.4}),
    ("binary_cross_entropy_with_logits", {}),
    ("soft_margin_loss", {}),
    ("hinge_embedding_loss", {"margin": 0.5}),
    ("poisson_nll_loss", {}),
    ("poisson_nll_loss", {"full": True}),
    ("kl_div", {}),
    ("kl_div", {"log_target": True}),
)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("name", "settings", "reduction"), ELEMENTWISE)
def test_element_by_element(name, settings, reduction, shape, rng):
    x, t = rng.standard_normal(shape) * 2, rng.random(shape) * 3
    if name == "hinge_embedding_loss":
        t = rng.choice([-1.0, 0.0, 1.0], shape)
    constant = name == "soft_margin_loss"  # in PyTorch it has no derivative by the target
    libraries_agree(
        lambda lib, mod, x, t: getattr(mod.functional, name)(x, t.detach() if constant else t, reduction=reduction, **settings), [x, t]
    )


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits"])
def test_an_infinite_input_has_an_infinite_loss_and_a_gradient(name, reduction, recorded):
    found = []
    for lib, mod in ((ag, nn), (torch, torch.nn)):
        x = lib.tensor([1.0, np.inf, -0.5], dtype=lib.float64, requires_grad=True)
        loss = getattr(mod.functional, name)(x, lib.tensor([0.0, 0.3, 1.0], dtype=lib.float64), reduction=reduction)
        (g,) = lib.autograd.grad(loss.sum(), [x], create_graph=recorded)
        found.append([loss.detach().numpy(), g.detach().numpy()])
    for mine, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", ["mse_loss", "smooth_l1_loss", "huber_loss"])
def test_the_gradient_of_a_nan_is_nan(name, recorded):
    x = ag.tensor([np.nan, 1.0], requires_grad=True)
    (g,) = ag.autograd.grad(getattr(nn.functional, name)(x, ag.tensor([0.0, 0.0]), reduction="sum"), x, create_graph=recorded)
    assert np.isnan(g.detach().numpy()).tolist() == [True, False]


@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("weight", [None, (4, 3), (3,), (4, 1)], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_cross_entropy(reduction, weight, name, rng):
    arrays = [rng.random((4, 3)) * 0.8 + 0.1, rng.random((4, 3))]
    if weight:
        arrays.append(rng.random(weight))
    call = lambda lib, mod, x, t, w=None: getattr(mod.functional, name)(x, t, w if w is None else w.detach(), reduction=reduction)
    libraries_agree(call, arrays)


@pytest.mark.parametrize("positive", [(3,), (1,), (4, 3), ()], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_of_positives(reduction, weighted, positive, rng):
    arrays = [rng.standard_normal((4, 3)) * 5, rng.random((4, 3)), rng.random(positive), rng.random(3)]

    def call(lib, mod, x, t, p, w):
        settings = {"weight": w.detach() if weighted else None, "pos_weight": p.detach(), "reduction": reduction}
        return mod.functional.binary_cross_entropy_with_logits(x, t, **settings)

    libraries_agree(call, arrays)


@pytest.mark.parametrize("settings", [{}, {"full": True}, {"eps": 0.5}], ids=str)
@pytest.mark.parametrize("var", [(4, 3), (4,), (4, 1), 0.7], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gaussian(reduction, var, settings, rng):
    arrays = [rng.standard_normal((4, 3)), rng.standard_normal((4, 3))]
    if not isinstance(var, float):
        arrays.append(rng.random(var) + 0.1)
    call = lambda lib, mod, x, t, v=var: mod.functional.gaussian_nll_loss(x, t, v, reduction=reduction, **settings)
    libraries_agree(call, arrays)


@pytest.mark.parametrize("settings", [{"log_input": False}, {"log_input": False, "eps": 0.1, "full": True}], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_poisson_of_means(reduction, settings, rng):
    arrays = [rng.random((4, 3)) + 0.1, rng.random((4, 3)) * 5]
    libraries_agree(lambda lib, mod, x, t: mod.functional.poisson_nll_loss(x, t, reduction=reduction, **settings), arrays)


@pytest.mark.parametrize("log_target", [False, True])
def test_divergence_by_rows(log_target, rng):
    arrays = [np.log(rng.dirichlet(np.ones(3), 4)), rng.dirichlet(np.ones(3), 4)]
    libraries_agree(lambda lib, mod, x, t: mod.functional.kl_div(x, t, reduction="batchmean", log_target=log_target), arrays)
    libraries_agree(
        lambda lib, mod, x, t: mod.functional.kl_div(x, t.detach(), reduction="none"), [arrays[0], np.array([0.0, 0.5, 0.5])], orders=1
    )


# ---------------------------------------------------------------------- class indices and probabilities

LAYOUTS = [((5,), ()), ((4, 5), (4,)), ((2, 5, 2, 3), (2, 2, 3)), ((0, 5), (0,)), ((2, 1), (2,))]


CHOSEN = [  # reduction, weighted, smoothing
    ("mean", False, 0.0),
    ("mean", True, 0.0),
    ("mean", False, 0.2),
    ("mean", True, 0.2),
    ("sum", True, 0.2),
    ("sum", False, 1.0),
    ("none", False, 0.0),
    ("none", True, 0.2),
]


@pytest.mark.parametrize(("sizes", "of_target"), LAYOUTS, ids=str)
@pytest.mark.parametrize(("reduction", "weighted", "smoothing"), CHOSEN)
@pytest.mark.parametrize("ignored", [-100, 0])
def test_cross_entropy_of_indices(ignored, reduction, weighted, smoothing, sizes, of_target, rng):
    classes = sizes[0] if len(sizes) == 1 else sizes[1]
    if ignored == 0 and (classes == 1 or not of_target):
        return  # nothing is left, which is tested by itself
    arrays = [rng.standard_normal(sizes) * 3, rng.integers(0, classes, of_target), rng.random(classes) + 0.1]

    def call(lib, mod, x, t, w):
        settings = {"ignore_index": ignored, "reduction": reduction, "label_smoothing": smoothing}
        return mod.functional.cross_entropy(x, t, w.detach() if weighted else None, **settings)

    libraries_agree(call, arrays)


@pytest.mark.parametrize(("sizes", "of_target"), LAYOUTS, ids=str)
@pytest.mark.parametrize(("reduction", "weighted", "smoothing"), CHOSEN)
def test_cross_entropy_of_probabilities(reduction, weighted, smoothing, sizes, of_target, rng):
    classes = sizes[0] if len(sizes) == 1 else sizes[1]
    arrays = [rng.standard_normal(sizes) * 3, rng.random(sizes), rng.random(classes) + 0.1]

    def call(lib, mod, x, t, w):
        return mod.functional.cross_entropy(x, t, w.detach() if weighted else None, reduction=reduction, label_smoothing=smoothing)

    libraries_agree(call, arrays, 2 if np.prod(sizes) else 1)  # derived by the gradient that comes in, the mean of nothing is as it is


@pytest.mark.parametrize(("sizes", "of_target"), LAYOUTS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nll(reduction, weighted, sizes, of_target, rng):
    classes = sizes[0] if len(sizes) == 1 else sizes[1]
    arrays = [rng.standard_normal(sizes), rng.integers(0, classes, of_target), rng.random(classes) + 0.1]
    call = lambda lib, mod, x, t, w: mod.functional.nll_loss(x, t, w.detach() if weighted else None, ignore_index=3, reduction=reduction)
    if not (of_target == () and arrays[1] == 3):
        libraries_agree(call, arrays)


@pytest.mark.parametrize("scale", [1e-3, 30.0, 100.0, 1e4])
def test_cross_entropy_of_scores_of_any_size(scale, rng):
    """Also where exponentials of the scores as they are would overflow, or vanish."""
    arrays = [rng.standard_normal((6, 9)) * scale, rng.integers(0, 9, 6)]
    for shift in (0.0, -scale, -50.0, 80.0):
        shifted = [arrays[0] + shift, arrays[1]]
        for name in ("cross_entropy", "softmax", "log_softmax"):
            call = lambda lib, mod, x, t, name=name: getattr(mod.functional, name)(x, t if name == "cross_entropy" else -1)
            libraries_agree(call, shifted, orders=1, floats=scale < 1e3)


@pytest.mark.parametrize("name", sorted({name for name, *_ in ELEMENTWISE}))
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_losses_of_nothing(reduction, name):
    call = lambda lib, mod, x, t: getattr(mod.functional, name)(x, t.detach(), reduction=reduction)
    libraries_agree(call, [np.zeros((0, 3)), np.zeros((0, 3))], orders=1, floats=False)


def test_large_inputs(rng):
    """Several blocks, some of them on other threads."""
    x, t = rng.standard_normal((800, 700)), rng.standard_normal((800, 700))
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits"):
        libraries_agree(lambda lib, mod, x, t, name=name: getattr(mod.functional, name)(x, t), [x, t], orders=1)
    libraries_agree(
        lambda lib, mod, x, t: mod.functional.cross_entropy(x, t, label_smoothing=0.1), [x, rng.integers(0, 700, 800)], orders=1
    )
    libraries_agree(lambda lib, mod, x: mod.functional.softmax(x, -1), [x], orders=1)
    libraries_agree(lambda lib, mod, x: mod.functional.log_softmax(x, -1), [x], orders=1)
