"""Losses with margins, of sequences, and of classes in clusters against PyTorch: values and derivatives."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

from tests.parity.agreement import LIBRARIES, REDUCTIONS, libraries_agree  # noqa: E402

# ---------------------------------------------------------------------- margins and several classes

TRIPLETS = [{}, {"margin": 0.3}, {"p": 1}, {"p": 3.0}, {"swap": True}, {"swap": True, "p": float("inf"), "eps": 1e-3}]


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("settings", TRIPLETS, ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_triplets(reduction, settings, shape, rng):
    arrays = [rng.standard_normal(shape) for _ in range(3)]
    libraries_agree(lambda lib, mod, *given: mod.functional.triplet_margin_loss(*given, reduction=reduction, **settings), arrays)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_triplets_with_a_distance(reduction, swap, rng):
    arrays = [rng.standard_normal((3, 4)) for _ in range(3)]
    for distance in (lambda a, b: (a - b).abs().sum(-1), None):
        settings = {"distance_function": distance, "swap": swap, "margin": 2.0, "reduction": reduction}
        libraries_agree(lambda lib, mod, *given, s=settings: mod.functional.triplet_margin_with_distance_loss(*given, **s), arrays)


@pytest.mark.parametrize("margin", [0, 0.3, -0.2])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_pairs(reduction, margin, rng):
    a, b, sides = rng.standard_normal((6, 4)), rng.standard_normal((6, 4)), np.array([1, -1, 1, -1, 0, -1])
    cosine = lambda lib, mod, *given: mod.functional.cosine_embedding_loss(*given, margin=margin, reduction=reduction)
    libraries_agree(cosine, [a, b, sides])
    libraries_agree(cosine, [a[0], b[0], np.array(-1)])
    libraries_agree(cosine, [a, b * 0, sides], orders=0)  # of the gradient PyTorch rounds 1e-12 to float32
    ranking = lambda lib, mod, *given: mod.functional.margin_ranking_loss(*given, margin=margin, reduction=reduction)
    libraries_agree(ranking, [a, b, np.sign(rng.standard_normal((6, 4)))])
    libraries_agree(ranking, [a[0], b[0, :1], np.array([1, -1, 1, 1])])


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_multi_margin(reduction, weighted, p, rng):
    def call(lib, mod, x, t, w):
        return mod.functional.multi_margin_loss(x, t, p=p, margin=0.7, weight=w.detach() if weighted else None, reduction=reduction)

    for x, t in (((4, 5), (4,)), ((5,), ()), ((5,), (1,))):
        libraries_agree(call, [rng.standard_normal(x), rng.integers(0, 5, t), rng.random(5)], orders=1)  # PyTorch has no second derivative


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_multilabel(reduction, rng):
    several = np.array([[0, 2, -1, 1], [-1, 0, 0, 0], [3, 1, 0, 2], [1, 1, 2, -1]])
    margin = lambda lib, mod, x, t: mod.functional.multilabel_margin_loss(x, t, reduction=reduction)
    libraries_agree(margin, [rng.standard_normal((4, 4)), several], orders=1)
    for row in several:
        libraries_agree(margin, [rng.standard_normal(4), row], orders=1)
    soft = lambda lib, mod, x, t, w=None: mod.functional.multilabel_soft_margin_loss(
        x, t, w if w is None else w.detach(), reduction=reduction
    )
    for shape in ((4,), (3, 4), (2, 3, 4)):
        arrays = [rng.standard_normal(shape), rng.random(shape)]
        libraries_agree(soft, arrays)
        libraries_agree(soft, [*arrays, rng.random(4)])


# ---------------------------------------------------------------------- connectionist temporal classification


def ctc(blank=0, reduction="mean", zero_infinity=False, frames=(7, 5, 7), lengths=(3, 2, 0), normalised=True):
    def call(lib, mod, x, targets):
        logs = mod.functional.log_softmax(x, -1) if normalised else x
        return mod.functional.ctc_loss(logs, targets, frames, lengths, blank, reduction, zero_infinity)

    return call


LABELS = np.array([[1, 2, 2], [3, 1, 4], [4, 4, 4]])


@pytest.mark.parametrize(
    ("normalised", "zero_infinity", "reduction"),
    [(True, False, "mean"), (True, True, "sum"), (True, False, "none"), (False, False, "mean"), (False, True, "none")],
)
def test_ctc(normalised, zero_infinity, reduction, rng):
    """The gradient by log-probabilities that were not normalised, too: what PyTorch calls their gradient."""
    x = rng.standard_normal((7, 3, 5))
    settings = {"reduction": reduction, "zero_infinity": zero_infinity, "normalised": normalised}
    libraries_agree(ctc(**settings), [x, LABELS], orders=1)
    libraries_agree(ctc(**settings), [x, np.array([1, 2, 2, 3, 1])], orders=1)
    libraries_agree(ctc(**settings, frames=torch.tensor([7, 7, 2]).tolist(), lengths=[0, 0, 0]), [x, LABELS[:, :0]], orders=1)
    libraries_agree(ctc(**settings, lengths=(2, 3, 1), blank=4), [x, (LABELS + 4) % 4], orders=1)
    libraries_agree(ctc(**settings, lengths=(2, 3, 1)), [x.astype(np.float32), LABELS.astype(np.int32)], orders=1)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_ctc_of_labels_that_do_not_fit(reduction, rng):
    x = rng.standard_normal((7, 3, 5))
    impossible = {"frames": (7, 3, 0), "lengths": (3, 3, 1), "reduction": reduction}
    libraries_agree(ctc(**impossible, zero_infinity=True), [x, LABELS], orders=1)
    libraries_agree(ctc(**impossible), [x, LABELS], orders=0)
    libraries_agree(
        ctc(frames=(7, 3, 0), lengths=(3, 3, 0), zero_infinity=True, reduction=reduction),
        [x, np.array([[1, 2, 2], [3, 3, 3], [1, 1, 1]])],
        orders=1,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_ctc_of_one_example(reduction, rng):
    x = rng.standard_normal((6, 5))
    for targets in (np.array([1, 2]), np.array([[1, 2]])):
        libraries_agree(ctc(frames=(6,), lengths=(2,), reduction=reduction), [x, targets], orders=1)

    def call(lib, mod, x, targets):
        return mod.functional.ctc_loss(mod.functional.log_softmax(x, -1), targets, lib.tensor(6), lib.tensor(2), reduction=reduction)

    libraries_agree(call, [x, np.array([1, 2])], orders=1)


def test_ctc_of_long_sequences(rng):
    """Alignments so unlikely that their probabilities are no float."""
    x = rng.standard_normal((300, 4, 20)) * 5
    x[:, :, 0] += 40
    labels = rng.integers(1, 20, (4, 60))
    libraries_agree(ctc(frames=(300, 250, 200, 120), lengths=(60, 50, 40, 20)), [x, labels], orders=1, floats=False)


# ---------------------------------------------------------------------- a softmax in clusters


@pytest.mark.parametrize("cutoffs", [[2], [3, 5], [1, 4, 6]], ids=str)
@pytest.mark.parametrize("head_bias", [False, True])
@pytest.mark.parametrize("single", [False, True])
def test_adaptive_softmax(single, head_bias, cutoffs, rng):
    made = [modules.AdaptiveLogSoftmaxWithLoss(12, 9, cutoffs, 2.0, head_bias) for _, modules in LIBRARIES]
    assert [(k, tuple(v.shape)) for k, v in made[0].state_dict().items()] == [(k, tuple(v.shape)) for k, v in made[1].state_dict().items()]
    assert repr(made[0]) == repr(made[1])
    values = {k: rng.standard_normal(tuple(v.shape)) for k, v in made[0].state_dict().items()}
    x, t = (rng.standard_normal(12), np.array(4)) if single else (rng.standard_normal((7, 12)), np.array([0, 8, 3, 1, 8, 5, 2]))
    found = []
    for (library, _), module in zip(LIBRARIES, made, strict=True):
        module.double().load_state_dict({k: library.tensor(v) for k, v in values.items()})
        given = library.tensor(x, requires_grad=True)
        output, loss = module(given, library.tensor(t))
        (loss * 2 + (output * output).sum()).backward()
        result = [output, loss, given.grad, *[library.zeros(()) if p.grad is None else p.grad for p in module.parameters()]]
        if not single:
            result += [module.log_prob(given), module.predict(given), module.log_prob(given).exp().sum(1)]
        found.append([r.detach().numpy() for r in result])
    for o, e in zip(*found, strict=True):
        assert o.dtype == e.dtype
        np.testing.assert_allclose(o, e, 1e-9, 1e-9)
