"""Dropout against PyTorch: names and defaults, evaluation, which values and shares there are in training, what is refused."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import close, functions_agree  # noqa: E402

F, TF = nn.functional, torch.nn.functional
FUNCTIONS = "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout".split()
CLASSES = "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout".split()
SHAPES = {"dropout1d": (40, 50, 3), "dropout2d": (40, 50, 3, 2), "dropout3d": (40, 50, 3, 2, 2)}


@pytest.mark.parametrize(
    ("mine", "theirs"), [(getattr(F, n), getattr(TF, n)) for n in FUNCTIONS] + [(getattr(nn, n), getattr(torch.nn, n)) for n in CLASSES]
)
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(mine, theirs):
    listed = [[(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()] for f in (mine, theirs)]
    assert listed[0] == listed[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("p", "training"), [(0.3, False), (0.0, True), (1.0, True), (1.0, False)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_where_nothing_is_left_to_chance(name, p, training, dtype):
    x = np.random.default_rng(0).standard_normal((3, 4, *SHAPES.get(name, (0, 0, 2))[2:]))
    functions_agree(lambda t: getattr(F, name)(t, p, training), lambda t: getattr(TF, name)(t, p, training), [x], dtype)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_their_shares_in_training(name, p):
    """The same few values come out, in shares that agree within five standard deviations; the gradient is the slope."""
    shape = SHAPES.get(name, (40, 50, 2))
    ag.manual_seed(1)
    torch.manual_seed(1)
    x, y = ag.ones(*shape, dtype=ag.float64, requires_grad=True), torch.ones(shape, dtype=torch.float64, requires_grad=True)
    mine, theirs = getattr(F, name)(x, p, True), getattr(TF, name)(y, p, True)
    found = [np.unique(t.detach().numpy().round(9), return_counts=True) for t in (mine, theirs)]
    np.testing.assert_allclose(found[0][0], found[1][0], 1e-6)
    draws = 2000 if name in SHAPES or "feature" in name else mine.numel()
    shares = [counts / mine.numel() for _, counts in found]
    np.testing.assert_allclose(*shares, atol=5 * np.sqrt(2 * p * (1 - p) / draws))
    slopes = ag.autograd.grad(mine.sum(), x)[0].numpy(), torch.autograd.grad(theirs.sum(), y)[0].numpy()
    np.testing.assert_allclose(np.unique(slopes[0].round(9)), np.unique(slopes[1].round(9)), 1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_modules(name):
    mine, theirs = getattr(nn, name)(0.2, inplace=True), getattr(torch.nn, name)(0.2, inplace=True)
    assert repr(mine) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((2, 3, *SHAPES.get(name.lower(), (0, 0, 4))[2:]))
    close(mine.eval()(ag.tensor(x)), theirs.eval()(torch.tensor(x)))
    assert list(mine.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "dropout1d"])
def test_in_place(name):
    for lib, home in ((ag, F), (torch, TF)):
        x = lib.ones(4, 5, 6)
        assert getattr(home, name)(x, 0.5, True, True) is x


REFUSED = [
    "F.dropout(x, -0.1)",
    "F.dropout(x, 1.1)",
    "F.alpha_dropout(x, 2.0, True)",
    "F.feature_alpha_dropout(x, -1.0, True)",
    "F.dropout1d(x, 1.5)",
    "F.dropout2d(L.ones(2, 3, 4, 5), -1)",
    "N.Dropout(1.5)",
    "N.AlphaDropout(-1)",
    "N.Dropout3d(2)",
    "F.dropout1d(L.ones(2, 3, 4, 5))",
    "F.feature_alpha_dropout(L.ones(3), 0.5, True)",
    "F.dropout(L.ones(3, dtype=L.int64), 0.5)",
    "F.dropout(None)",
]


@pytest.mark.parametrize("call", REFUSED)
def test_what_pytorch_refuses_is_refused_with_its_exception(call):
    with warnings.catch_warnings(), pytest.raises(Exception) as theirs:  # noqa: PT011, PT012 - whichever PyTorch raises
        warnings.simplefilter("ignore")
        eval(call, {"L": torch, "F": TF, "N": torch.nn, "x": torch.ones(4, 2)})
    with pytest.raises((RuntimeError, ValueError, TypeError)) as mine:
        eval(call, {"L": ag, "F": F, "N": nn, "x": ag.ones(4, 2)})
    kind = RuntimeError if theirs.type is NotImplementedError else theirs.type
    assert isinstance(mine.value, kind), f"{mine.value!r}, PyTorch {theirs.value!r}"


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_stochastic_depth_is_that_of_torchvision(mode):
    """torchvision divides a Bernoulli draw of 1 - p, of the shape (N, 1, ...) or (1, ...), by 1 - p."""
    ag.manual_seed(0)
    out = F.stochastic_depth(ag.ones(400, 2, 3), 0.25, mode).numpy()
    assert {round(float(v), 6) for v in np.unique(out)} <= {0.0, round(1 / 0.75, 6)}
    assert all(len(np.unique(row)) == 1 for row in out)
