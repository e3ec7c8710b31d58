"""Losses as modules against PyTorch: arguments, settings, states, results; and what is wrong with any of the losses."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import nn  # noqa: E402
from tests.parity.agreement import LIBRARIES, libraries_agree  # noqa: E402

# ---------------------------------------------------------------------- modules

WEIGHTS = object()
MODULES = [
    ("MSELoss", {"reduction": "sum"}, "floats"),
    ("L1Loss", {}, "floats"),
    ("SmoothL1Loss", {"beta": 0.5}, "floats"),
    ("HuberLoss", {"delta": 0.5, "reduction": "none"}, "floats"),
    ("CrossEntropyLoss", {"ignore_index": 1, "label_smoothing": 0.1, "weight": WEIGHTS}, "classes"),
    ("NLLLoss", {"ignore_index": 1, "weight": WEIGHTS, "reduction": "sum"}, "classes"),
    ("BCELoss", {"weight": WEIGHTS}, "chances"),
    ("BCEWithLogitsLoss", {"weight": WEIGHTS, "pos_weight": WEIGHTS}, "chances"),
    ("KLDivLoss", {"reduction": "batchmean"}, "chances"),
    ("KLDivLoss", {"log_target": True, "reduction": "sum"}, "floats"),
    ("GaussianNLLLoss", {"full": True, "eps": 0.01}, "variance"),
    ("PoissonNLLLoss", {"log_input": False, "full": True, "eps": 0.1}, "chances"),
    ("PoissonNLLLoss", {}, "floats"),
    ("TripletMarginLoss", {"margin": 2.0, "p": 1.0, "swap": True}, "three"),
    ("TripletMarginWithDistanceLoss", {"margin": 2.0, "swap": True}, "three"),
    ("CosineEmbeddingLoss", {"margin": 0.2}, "pairs"),
    ("HingeEmbeddingLoss", {"margin": 2.0}, "sides"),
    ("MarginRankingLoss", {"margin": 0.1, "reduction": "none"}, "ranks"),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": WEIGHTS}, "classes"),
    ("MultiLabelMarginLoss", {}, "labels"),
    ("MultiLabelSoftMarginLoss", {"weight": WEIGHTS}, "chances"),
    ("SoftMarginLoss", {"reduction": "sum"}, "sides"),
    ("CosineSimilarity", {"dim": 0, "eps": 1e-3}, "floats"),
    ("PairwiseDistance", {"p": 3, "eps": 1e-3, "keepdim": True}, "floats"),
    ("CTCLoss", {"blank": 2, "zero_infinity": True, "reduction": "sum"}, "sequences"),
]


def given_to(kind, rng):
    x, y, z = (rng.random((4, 3)) for _ in range(3))
    return {
        "floats": [x, y],
        "classes": [x, rng.integers(0, 3, 4)],
        "chances": [x, y],
        "variance": [x, y, z],
        "three": [x, y, z],
        "pairs": [x, y, np.array([1, -1, -1, 1])],
        "sides": [x, np.sign(y - 0.5).astype(int)],
        "ranks": [x, y, np.sign(z - 0.5)],
        "labels": [x, np.array([[0, 1, -1], [2, -1, 0], [-1, 0, 0], [0, 1, 2]])],
        "sequences": [rng.random((5, 2, 3)), np.array([[0, 1], [1, 0]]), np.array([5, 4]), np.array([2, 1])],
    }[kind]


@pytest.mark.parametrize(("name", "settings", "kind"), MODULES)
def test_modules(name, settings, kind, rng):
    weights = rng.random(3)

    def call(library, modules, *inputs):
        given = {
            k: library.tensor(np.asarray(weights, inputs[0].detach().numpy().dtype)) if v is WEIGHTS else v for k, v in settings.items()
        }
        return getattr(modules, name)(**given)(*inputs)

    libraries_agree(call, given_to(kind, rng), orders=1 if name in ("MultiMarginLoss", "MultiLabelMarginLoss", "CTCLoss") else 2)
    made = [
        getattr(modules, name)(**{k: library.tensor(weights) if v is WEIGHTS else v for k, v in settings.items()})
        for library, modules in LIBRARIES
    ]
    assert repr(made[0]) == repr(made[1])
    assert list(made[0].state_dict()) == list(made[1].state_dict())
    for attribute, value in vars(made[1]).items():
        if not attribute.startswith("_") and attribute != "distance_function":
            assert getattr(made[0], attribute) == value


def parameters(function):
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default if not callable(p.default) else None) for p in found]


NAMES = [*dict.fromkeys(name for name, *_ in MODULES), "AdaptiveLogSoftmaxWithLoss"]
FUNCTIONS = [
    "binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy ctc_loss gaussian_nll_loss",
    "hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss",
    "multilabel_soft_margin_loss nll_loss poisson_nll_loss smooth_l1_loss soft_margin_loss triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


@pytest.mark.parametrize("name", NAMES)
def test_arguments_of_modules(name):
    assert parameters(getattr(nn, name)) == parameters(getattr(torch.nn, name))


@pytest.mark.parametrize("name", " ".join(FUNCTIONS).split())
def test_arguments_of_functions(name):
    assert parameters(getattr(nn.functional, name)) == parameters(getattr(torch.nn.functional, name))


# ---------------------------------------------------------------------- what is wrong

WRONG = [
    "F.mse_loss(R(2, 3), R(2, 4))",
    "F.mse_loss(R(2), R(2), reduction='x')",
    "F.huber_loss(R(2), R(2), delta=0)",
    "F.smooth_l1_loss(R(2), R(2), beta=-1)",
    "F.huber_loss(R(2), R(2), weight=R(3))",
    "F.binary_cross_entropy(R(2), R(3))",
    "F.binary_cross_entropy(R(2) + 2, R(2))",
    "F.binary_cross_entropy_with_logits(R(2, 1), R(2))",
    "F.cross_entropy(R(2, 3), I([0, 3]))",
    "F.cross_entropy(R(2, 3), I([0, -1]))",
    "F.cross_entropy(R(2, 3), I([0, 1, 2]))",
    "F.cross_entropy(R(3), I([0, 1]))",
    "F.cross_entropy(R(2, 3), I([0, 1]), R(2))",
    "F.cross_entropy(R(2, 3), R(2))",
    "F.cross_entropy(R(2, 3), R(2, 3), ignore_index=1)",
    "F.cross_entropy(R(2, 3), I([0, 1]), label_smoothing=1.5)",
    "F.nll_loss(R(2, 3), I([0, 3]))",
    "F.nll_loss(R(2, 3), I([0]))",
    "F.nll_loss(R(2, 3), R(2))",
    "F.kl_div(R(2, 3), R(2))",
    "F.kl_div(R(2, 3), I([[1, 2, 3], [1, 2, 3]]))",
    "F.kl_div(R(2, 3), R(2, 3), reduction='x')",
    "F.gaussian_nll_loss(R(2, 3), R(2, 3), R(3))",
    "F.gaussian_nll_loss(R(2, 3), R(2, 3), -R(2, 3))",
    "F.gaussian_nll_loss(R(2, 3), R(2, 3), -0.5)",
    "F.gaussian_nll_loss(R(2, 3), R(2, 3), 1)",
    "F.gaussian_nll_loss(R(2, 3), R(2), R(2, 3))",
    "F.gaussian_nll_loss(R(2, 3), R(2, 3), R(2, 3), reduction='x')",
    "F.poisson_nll_loss(R(2, 3), R(2))",
    "F.poisson_nll_loss(R(2, 3), R(2, 3), reduction='x')",
    "F.cosine_embedding_loss(R(2, 3, 4), R(2, 3, 4), I([1, -1]))",
    "F.cosine_embedding_loss(R(2, 3), R(2, 4), I([1, -1]))",
    "F.cosine_embedding_loss(R(2, 3), R(2, 3), I([1, -1, 1]))",
    "F.cosine_embedding_loss(R(2, 3), R(2, 3), I(1))",
    "F.cosine_embedding_loss(R(2, 3), R(2, 3), I([[1]]))",
    "F.hinge_embedding_loss(R(2, 3), R(2))",
    "F.margin_ranking_loss(R(3), R(1, 3), R(3))",
    "F.margin_ranking_loss(R(3), R(2), R(3))",
    "F.multi_margin_loss(R(2, 3), I([0, 3]))",
    "F.multi_margin_loss(R(2, 3), I([0, -1]))",
    "F.multi_margin_loss(R(2, 3), I([0, 1]), p=3)",
    "F.multi_margin_loss(R(2, 3), I([0, 1]), weight=R(3, 1))",
    "F.multi_margin_loss(R(2, 3), I([0, 1]), weight=R(4))",
    "F.multi_margin_loss(R(2, 3), I([0, 1, 1]))",
    "F.multi_margin_loss(R(2, 3, 2), I([0, 1]))",
    "F.multi_margin_loss(R(2, 3), R(2))",
    "F.multilabel_margin_loss(R(4), I([0, 4, -1, 1]))",
    "F.multilabel_margin_loss(R(4), I([0, -1, 7, 1]))",
    "F.multilabel_margin_loss(R(4), I([0, -2, -1, 1]))",
    "F.multilabel_margin_loss(R(4), I([0, -1]))",
    "F.multilabel_margin_loss(R(4), R(4))",
    "F.multilabel_soft_margin_loss(R(2, 4), R(3))",
    "F.multilabel_soft_margin_loss(R(1)[0], R(1)[0])",
    "F.soft_margin_loss(R(2, 4), R(3))",
    "F.triplet_margin_loss(R(2, 3), R(2, 3), R(2, 3), margin=0)",
    "F.triplet_margin_loss(R(2, 3), R(2, 3), R(3))",
    "F.triplet_margin_loss(R(2, 3), R(2, 4), R(2, 3))",
    "F.triplet_margin_with_distance_loss(R(2, 3), R(2, 3), R(2, 3), margin=-1)",
    "F.triplet_margin_with_distance_loss(R(2, 3), R(2, 3), R(3))",
    "F.triplet_margin_with_distance_loss(R(2, 3), R(2, 3), R(2, 3), reduction='x')",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (5.0, 5.0), (2, 2))",
    "F.ctc_loss(P, I([1, 2, 3]), (5, 5), (2, 2))",
    "F.ctc_loss(P, I([1, 2, 3, 1, 2]), (5, 5), (2, 2))",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (6, 5), (2, 2))",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), I([5]), I([2, 2]))",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (5, 5), (2, 3))",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (5, 5), (2, -1))",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (5, -5), (2, 1))",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (5, 5), (2, 2), blank=4)",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (5, 5), (2, 2), blank=-1)",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), R(2), I([2, 1]))",
    "F.ctc_loss(P, I([[[1, 2], [3, 1]]]), (5, 5), (2, 2))",
    "F.ctc_loss(P, I([[1, 2], [3, 1]]), (5, 5), (2, 2), reduction='batchmean')",
    "F.ctc_loss(P[:, :0], I([]), (), ())",
    "F.ctc_loss(P[:, 0], I([1, 2]), 5, 2)",
    "F.ctc_loss(P[:, 0], I([1, 2, 3]), (5,), (2,))",
    "M.MultiMarginLoss(p=3)",
    "M.MultiMarginLoss(weight=R(2, 2))",
    "M.TripletMarginLoss(margin=0)",
    "M.TripletMarginWithDistanceLoss(margin=-1)",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [])",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [5, 3])",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 3])",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [0, 3])",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 10])",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [2.5])",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(R(2, 8), I([1, 10]))",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(R(2, 8), I([1, -1]))",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(R(2, 8), I([1, 2, 3]))",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(R(2, 8), I([[1, 2]]))",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(R(8), I([1]))",
    "M.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(R(2, 7), I([1, 2]))",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", WRONG)
def test_bad_input_raises_what_it_raises_in_pytorch(call):
    raised = []
    for library, modules in LIBRARIES:
        names = {"F": modules.functional, "M": modules, "R": library.rand, "I": library.tensor}
        names["P"] = library.zeros(5, 2, 4)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what is compared
            eval(call, names)
        raised.append(caught.value)
    ours, theirs = raised
    expected = type(theirs)
    assert isinstance(ours, expected), f"{ours!r}, PyTorch {theirs!r}"
    assert len(str(ours)) > 20


def test_mean_divergence_warns():
    for library, modules in LIBRARIES:
        with pytest.warns(UserWarning, match="batchmean"):
            modules.functional.kl_div(library.zeros(2, 3), library.ones(2, 3))
