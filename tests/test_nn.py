"""Layers, activations and dropout: formulas, derivatives of first and second order, distributions, errors."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.check import gradcheck, gradgradcheck
from autograd_core.errors import ShapeError
from nn import functional as F


def made(rng, *shape):
    return ag.tensor(rng.standard_normal(shape), requires_grad=True)


# ---------------------------------------------------------------------- linear


def test_linear_is_a_product_with_its_weight(rng):
    layer = nn.Linear(3, 2, dtype=ag.float64)
    x = rng.standard_normal((4, 5, 3))
    expected = x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(ag.tensor(x)).detach().numpy(), expected, 1e-12)
    assert layer(ag.ones(3, dtype=ag.float64)).shape == (2,)
    assert layer.weight.dtype == layer.bias.dtype == np.float64


def test_linear_without_bias_has_none():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]


def test_linear_starts_uniform_within_its_bound():
    ag.manual_seed(0)
    layer = nn.Linear(400, 500)
    bound = 1 / math.sqrt(400)
    for array in (layer.weight.array, layer.bias.array):
        assert np.abs(array).max() <= bound
        assert np.abs(array).max() > 0.98 * bound
        assert abs(array.mean()) < 5 * bound / math.sqrt(3 * array.size)
        assert array.std() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_layers_draw_from_the_seeded_stream():
    ag.manual_seed(3)
    first = nn.Linear(4, 4)
    ag.manual_seed(3)
    assert (nn.Linear(4, 4).weight == first.weight).all()
    assert not (nn.Linear(4, 4).weight == first.weight).any()


def test_shapes_that_do_not_fit_say_what_would():
    with pytest.raises(ShapeError, match=r"linear: input \(2, 4\), weight \(2, 3\).*must be 3"):
        nn.Linear(3, 2)(ag.ones(2, 4))
    with pytest.raises(ShapeError, match="bilinear"):
        nn.Bilinear(2, 3, 4)(ag.ones(1, 3), ag.ones(1, 3))
    with pytest.raises(ShapeError, match="bilinear"):
        nn.Bilinear(2, 3, 4)(ag.ones(2, 2), ag.ones(1, 3))
    with pytest.raises(RuntimeError, match="CPU"):
        nn.Linear(2, 2, device="cuda")
    with pytest.raises(ValueError, match="in1_features"):
        nn.Bilinear(0, 1, 1)


def test_bilinear_starts_uniform_within_its_bound():
    layer = nn.Bilinear(16, 30, 40)
    assert 0.98 / 4 < layer.weight.array.max() <= 1 / 4
    assert np.abs(layer.bias.array).max() <= 1 / 4


def test_derivatives_of_linear_layers(rng):
    layer, pairs = nn.Linear(3, 2).double(), nn.Bilinear(3, 2, 4).double()
    x, y = made(rng, 4, 3), made(rng, 4, 2)
    gradcheck(lambda x, w, b: F.linear(x, w, b), (x, layer.weight, layer.bias))
    gradgradcheck(lambda x, w, b: F.linear(x, w, b), (x, layer.weight, layer.bias))
    gradcheck(lambda x, y, w, b: F.bilinear(x, y, w, b), (x, y, pairs.weight, pairs.bias))


def test_one_hot():
    assert F.one_hot(ag.tensor([[0, 2]])).tolist() == [[[1, 0, 0], [0, 0, 1]]]
    assert F.one_hot(ag.tensor([1]), 4).dtype == np.int64
    assert F.one_hot(ag.zeros(0, dtype=ag.int64), 3).shape == (0, 3)
    for wrong, classes in (([-1], -1), ([3], 3), ([0], 0)):
        with pytest.raises(RuntimeError, match="one_hot"):
            F.one_hot(ag.tensor(wrong), classes)
    with pytest.raises(RuntimeError, match="integers"):
        F.one_hot(ag.tensor([1.0]))
    with pytest.raises(RuntimeError, match="num_classes"):
        F.one_hot(ag.zeros(0, dtype=ag.int64))
    with pytest.raises(TypeError, match="one_hot: tensor must be a Tensor"):
        F.one_hot([1, 2])


# ---------------------------------------------------------------------- shapes


def test_shaping_modules():
    x = ag.arange(24.0).reshape(2, 3, 4)
    assert nn.Flatten()(x).shape == (2, 12)
    assert nn.Flatten(0, 1)(x).shape == (6, 4)
    assert nn.Unflatten(1, (3, 1))(x).shape == (2, 3, 1, 4)
    assert nn.Unflatten(-1, [2, -1])(x).shape == (2, 3, 2, 2)
    assert nn.Identity(1, two=2)(x) is x
    with pytest.raises(ShapeError, match=r"Unflatten: \(2, 2\) does not multiply to 3"):
        nn.Unflatten(1, (2, 2))(x)
    for wrong in ((1, (2.0, 3)), (1, 6), ("a", (2, 3))):
        with pytest.raises(TypeError):
            nn.Unflatten(*wrong)


# ---------------------------------------------------------------------- activations

MODULES = [
    nn.ReLU(),
    nn.ReLU6(),
    nn.LeakyReLU(0.2),
    nn.ELU(0.5),
    nn.SELU(),
    nn.CELU(0.5),
    nn.GELU(),
    nn.GELU("tanh"),
    nn.SiLU(),
    nn.Mish(),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.LogSigmoid(),
    nn.Softplus(2.0, 3.0),
    nn.Softsign(),
    nn.Hardtanh(-0.3, 0.4),
    nn.Hardsigmoid(),
    nn.Hardswish(),
    nn.PReLU(3).double(),
    nn.Threshold(0.1, 2.0),
    nn.Hardshrink(0.2),
    nn.Softshrink(0.2),
    nn.Tanhshrink(),
    nn.Softmax(1),
    nn.LogSoftmax(0),
    nn.Softmin(-1),
    nn.GLU(0),
    nn.RReLU().eval(),
]


@pytest.mark.parametrize("module", MODULES, ids=repr)
def test_derivatives_of_activations(module, rng):
    x = made(rng, 4, 3)
    gradcheck(lambda x: module(x), (x,))
    gradgradcheck(lambda x: module(x), (x,))


@pytest.mark.parametrize("module", MODULES, ids=repr)
def test_activations_have_no_state_but_what_is_learnt(module):
    assert list(module.state_dict()) == (["weight"] if isinstance(module, nn.PReLU) else [])


INPLACE = [nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.SiLU, nn.Mish, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish]


@pytest.mark.parametrize("kind", INPLACE)
def test_inplace_writes_the_input(kind, rng):
    numbers = rng.standard_normal(5)
    x = ag.tensor(numbers)
    out = kind(inplace=True)(x)
    assert out is x
    assert (x == kind()(ag.tensor(numbers))).all()
    with pytest.raises(RuntimeError, match="leaf"):
        kind(inplace=True)(made(rng, 2))


def test_threshold_inplace_and_its_value():
    x = ag.tensor([0.0, 1.0])
    assert nn.Threshold(0.5, 9.0, inplace=True)(x) is x
    assert x.tolist() == [9.0, 1.0]


def test_large_numbers_do_not_overflow():
    x = ag.tensor([-1e4, 1e4], dtype=ag.float64, requires_grad=True)
    for name in ("sigmoid", "softplus", "logsigmoid", "silu", "mish", "elu", "selu", "celu", "gelu", "tanh"):
        (g,) = ag.autograd.grad(getattr(F, name)(x).sum(), x)
        assert g.isfinite().all(), name


def test_prelu_learns_a_slope_for_each_channel(rng):
    x, w = made(rng, 2, 3, 4), ag.tensor(rng.random(3), requires_grad=True)
    expected = np.where(x.detach().numpy() > 0, x.detach().numpy(), x.detach().numpy() * w.detach().numpy()[:, None])
    np.testing.assert_allclose(F.prelu(x, w).detach().numpy(), expected)
    gradcheck(F.prelu, (x, w))
    with pytest.raises(ShapeError, match="prelu"):
        F.prelu(x, ag.ones(4))
    layer = nn.PReLU(3, init=0.5)
    layer.weight.data.zero_()
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.5] * 3


def test_rrelu_draws_slopes_in_training():
    ag.manual_seed(0)
    layer = nn.RReLU(0.2, 0.4)
    out = layer(-ag.ones(1000))
    assert 0.2 <= -out.max().item() < 0.21
    assert 0.39 < -out.min().item() <= 0.4
    assert layer(ag.ones(3)).tolist() == [1, 1, 1]
    assert layer.eval()(-ag.ones(2)).tolist() == pytest.approx([-0.3, -0.3])
    assert F.rrelu(-ag.ones(2), training=True, inplace=True).dtype == np.float32


def test_softmax_without_a_dimension_warns():
    with pytest.warns(UserWarning, match="Implicit dimension") as caught:
        assert nn.Softmax()(ag.ones(2, 4)).tolist() == [[0.25] * 4] * 2
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="Implicit dimension"):
        assert F.log_softmax(ag.ones(4, 1, 1))[0].item() == pytest.approx(-math.log(4))
    assert F.softmax(ag.arange(3), 0, dtype=ag.float64).dtype == np.float64


def test_settings_that_make_no_sense():
    for make in (lambda: nn.Hardtanh(1, 1), lambda: F.hardtanh(ag.ones(1), 2, 1), lambda: F.gelu(ag.ones(1), approximate="erf")):
        with pytest.raises((ValueError, RuntimeError, AssertionError), match=r"hardtanh|Hardtanh|gelu"):
            make()
    for make in (lambda: F.softshrink(ag.ones(1), -1), lambda: F.celu(ag.ones(1), 0), lambda: F.glu(ag.ones(3))):
        with pytest.raises(RuntimeError):
            make()
    with pytest.raises(ShapeError):
        nn.Softmax2d()(ag.ones(2, 2))
    with pytest.warns(FutureWarning, match="min_val"):
        assert nn.Hardtanh(min_value=-2).min_val == -2
    assert nn.Softmax2d()(ag.ones(1, 4, 2, 2))[0, 0, 0, 0].item() == 0.25


def test_gumbel_softmax_draws_from_the_distribution():
    ag.manual_seed(0)
    chances = np.array([0.1, 0.2, 0.7])
    logits = ag.tensor(np.broadcast_to(np.log(chances), (20000, 3)).copy(), requires_grad=True)
    hard = F.gumbel_softmax(logits, tau=0.5, hard=True)
    assert set(np.unique(hard.detach().numpy().round(12))) == {0.0, 1.0}
    np.testing.assert_allclose(hard.detach().numpy().mean(0), chances, atol=0.015)
    soft = F.gumbel_softmax(logits)
    np.testing.assert_allclose(soft.detach().numpy().sum(1), 1)
    (hard * ag.arange(3.0, dtype=ag.float64)).sum().backward()
    assert (logits.grad != 0).any()


# ---------------------------------------------------------------------- dropout


def test_dropout_zeroes_and_scales():
    ag.manual_seed(0)
    out = nn.Dropout(0.25)(ag.ones(100_000))
    assert sorted(set(out.tolist())) == pytest.approx([0, 4 / 3])
    assert (out == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert out.dtype == np.float32


def test_dropout_passes_gradients_where_it_passes_values():
    ag.manual_seed(0)
    x = ag.ones(50, dtype=ag.float64, requires_grad=True)
    out = F.dropout(x, 0.5)
    out.sum().backward()
    assert (x.grad == out).all()


def test_dropout_does_nothing_in_evaluation_or_for_nothing():
    x = ag.ones(5)
    assert nn.Dropout(0.9).eval()(x) is x
    assert (F.dropout(x, 0.0) == x).all()
    assert (F.dropout(x, 1.0) == 0).all()
    assert (F.alpha_dropout(x, 1.0, training=True) == 0).all()


def test_dropout_is_repeatable():
    x = ag.ones(100)
    ag.manual_seed(1)
    first = F.dropout(x)
    ag.manual_seed(1)
    assert (F.dropout(x) == first).all()
    assert not (F.dropout(x) == first).all()


def test_dropout_inplace():
    x = ag.ones(100)
    assert nn.Dropout(inplace=True)(x) is x
    assert 0 < (x == 0).sum().item() < 100
    with pytest.raises(RuntimeError, match="dropout_"):
        F.dropout(ag.ones(3, requires_grad=True), inplace=True)


CHANNELS = [(F.dropout1d, (4, 50, 7)), (F.dropout1d, (50, 7)), (F.dropout2d, (4, 50, 3, 2)), (F.dropout3d, (4, 50, 2, 2, 2))]


@pytest.mark.parametrize(("function", "shape"), [*CHANNELS, (F.dropout3d, (50, 2, 2, 2))])
def test_dropout_of_channels(function, shape):
    ag.manual_seed(0)
    out = function(ag.ones(*shape), 0.5).numpy()
    channels = out.reshape(*shape[: shape.index(50) + 1], -1)
    assert (channels == channels[..., :1]).all()
    assert 0 < (channels == 0).mean() < 1


def test_dropout_of_channels_wants_channels():
    with pytest.warns(UserWarning, match="dropout1d"):
        assert F.dropout2d(ag.ones(2, 3, 4)).shape == (2, 3, 4)
    for function, shape in ((F.dropout1d, (3,)), (F.dropout2d, (2, 3)), (F.dropout3d, (2, 3, 4)), (F.feature_alpha_dropout, (3,))):
        with pytest.raises(ShapeError):
            function(ag.ones(*shape))


def test_alpha_dropout_keeps_mean_and_variance():
    ag.manual_seed(0)
    x = ag.randn(2000, 100)
    for module in (nn.AlphaDropout(0.3), nn.FeatureAlphaDropout(0.3)):
        out = module(x).numpy()
        assert abs(out.mean()) < 0.02
        assert out.std() == pytest.approx(1, abs=0.02)
        assert module.eval()(x) is x


def test_dropout_of_integers():
    for function in (F.dropout, F.alpha_dropout):
        with pytest.raises(RuntimeError, match="floating-point"):
            function(ag.arange(3), training=True)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_probabilities_out_of_range(p):
    for make in (lambda: nn.Dropout(p), lambda: F.dropout(ag.ones(1), p), lambda: F.alpha_dropout(ag.ones(1), p)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            make()


# ---------------------------------------------------------------------- utilities


def test_clipping_leaves_small_gradients_alone():
    p = nn.Parameter(ag.ones(4))
    p.grad = ag.ones(4)
    array = p.grad.array
    assert nn.utils.clip_grad_norm_(p, 2.5).item() == 2.0
    assert p.grad.tolist() == [1] * 4
    nn.utils.clip_grad_norm_([p], 1.0)
    assert p.grad.tolist() == pytest.approx([0.5] * 4, rel=1e-5)
    assert p.grad.array is array
    assert nn.utils.clip_grad_norm_([nn.Parameter(ag.ones(2))], 1.0).item() == 0


def test_clipping_what_is_not_finite():
    p = nn.Parameter(ag.ones(2))
    p.grad = ag.tensor([float("inf"), 1.0])
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    assert p.grad.tolist() == [float("inf"), 1.0]


def test_norms_of_half_precision_do_not_overflow():
    assert nn.utils.get_total_norm([ag.full((100,), 300.0, dtype=ag.float16)]).item() == 3000


def test_vectors_of_parameters_are_recorded_and_checked():
    model = nn.Linear(2, 2)
    vector = nn.utils.parameters_to_vector(model.parameters())
    (vector * vector).sum().backward()
    assert (model.weight.grad == 2 * model.weight).all()
    with pytest.raises(TypeError):
        nn.utils.vector_to_parameters([1.0] * 6, model.parameters())
    with pytest.raises(ShapeError):
        nn.utils.vector_to_parameters(ag.ones(5), model.parameters())
    nn.utils.vector_to_parameters(ag.ones(6), model.parameters())
    assert (model.bias == 1).all()


# ---------------------------------------------------------------------- the package


def test_importing_loads_nothing_that_is_not_needed():
    code = (
        "import sys; import autograd_core, nn, optim; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'viz', 'scipy', 'matplotlib', 'sklearn', 'torch', 'graphviz', 'IPython'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_small_network_learns():
    ag.manual_seed(0)
    x = ag.randn(64, 2)
    y = (x[:, :1] * x[:, 1:] > 0).float()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    losses = []
    for _ in range(300):
        loss = F.binary_cross_entropy_with_logits(model(x), y)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 1.0 * p.grad
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
