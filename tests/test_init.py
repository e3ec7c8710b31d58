"""nn.init: distributions, exact fillings, generators, errors; all in place and outside of any graph."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from nn import init

DRAWN = {
    "uniform_": lambda t, **k: init.uniform_(t, -1, 2, **k),
    "normal_": lambda t, **k: init.normal_(t, 1, 2, **k),
    "trunc_normal_": lambda t, **k: init.trunc_normal_(t, **k),
    "trunc_normal_ far out": lambda t, **k: init.trunc_normal_(t, a=5, b=7, **k),
    "xavier_uniform_": lambda t, **k: init.xavier_uniform_(t, 2.0, **k),
    "xavier_normal_": lambda t, **k: init.xavier_normal_(t, **k),
    "kaiming_uniform_": lambda t, **k: init.kaiming_uniform_(t, **k),
    "kaiming_normal_": lambda t, **k: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu", **k),
    "orthogonal_": lambda t, **k: init.orthogonal_(t, **k),
    "sparse_": lambda t, **k: init.sparse_(t, 0.5, **k),
}
FIXED = {
    "constant_": lambda t: init.constant_(t, 0.3),
    "ones_": init.ones_,
    "zeros_": init.zeros_,
    "eye_": init.eye_,
}


@pytest.mark.parametrize("fill", [*DRAWN.values(), *FIXED.values()], ids=[*DRAWN, *FIXED])
@pytest.mark.parametrize("dtype", [ag.float32, ag.float64])
def test_filling_is_in_place_and_not_recorded(fill, dtype):
    parameter = nn.Parameter(ag.full((6, 4), -100.0, dtype=dtype))
    array, node = parameter.array, parameter.node
    assert fill(parameter) is parameter
    assert parameter.array is array
    assert parameter.node is node
    assert parameter.dtype == dtype
    assert parameter.requires_grad
    assert not (parameter == -100).any()
    assert parameter.detach().isfinite().all()


@pytest.mark.parametrize("fill", [*DRAWN.values(), *FIXED.values()], ids=[*DRAWN, *FIXED])
def test_a_backward_pass_through_refilled_weights_is_refused(fill):
    weight = nn.Parameter(ag.ones(4, 4))
    loss = (weight * weight).sum()
    fill(weight)
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


@pytest.mark.parametrize("fill", DRAWN.values(), ids=DRAWN)
def test_draws_come_from_the_generator_or_the_stream(fill):
    draw = lambda **settings: fill(ag.empty(6, 4), **settings).numpy()
    ag.manual_seed(5)
    first, second = draw(), draw()
    ag.manual_seed(5)
    assert (draw() == first).all()
    assert not (first == second).all()
    generator = ag.Generator().manual_seed(7)
    state = ag.get_rng_state()
    own = draw(generator=generator)
    assert (ag.get_rng_state() == state).all()
    assert (draw(generator=ag.Generator().manual_seed(7)) == own).all()
    assert not (draw(generator=generator) == own).all()
    with pytest.raises(TypeError, match="generator"):
        draw(generator=3)


def test_uniform_and_normal():
    ag.manual_seed(0)
    x = init.uniform_(ag.empty(100_000), -1, 3).numpy()
    assert -1 <= x.min() < -0.99
    assert 2.99 < x.max() <= 3
    assert x.mean() == pytest.approx(1, abs=0.02)
    x = init.normal_(ag.empty(100_000), 2, 0.5).numpy()
    assert x.mean() == pytest.approx(2, abs=0.01)
    assert x.std() == pytest.approx(0.5, abs=0.01)


def moments(low, high):
    """Mean and standard deviation of the standard normal distribution cut off at two points."""
    x = np.linspace(low, high, 200_001)
    p = np.exp((min(low * low, high * high) if low * high > 0 else 0) / 2 - x * x / 2)
    p /= p.sum()
    mean = (x * p).sum()
    return mean, math.sqrt(((x - mean) ** 2 * p).sum())


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (0, 0.02, -2, 2), (1, 2, 0, 2), (0, 1, 3, 9), (0, 1, 5, 1000), (0, 1, -6, -5.5), (0, 1, 0.1, 0.2)],
)
def test_the_truncated_normal_distribution(mean, std, a, b):
    ag.manual_seed(0)
    x = init.trunc_normal_(ag.empty(50_000, dtype=ag.float64), mean, std, a, b).numpy()
    expected, deviation = moments(max((a - mean) / std, -9), min((b - mean) / std, 9))
    assert a <= x.min()
    assert x.max() <= b
    assert x.mean() == pytest.approx(mean + std * expected, abs=5 * std * deviation / math.sqrt(x.size))
    assert x.std() == pytest.approx(std * deviation, rel=0.03)
    assert len(np.unique(x)) > 0.99 * x.size


def test_a_truncated_normal_distribution_of_one_point():
    assert (init.trunc_normal_(ag.empty(3), a=0.5, b=0.5) == 0.5).all()
    with pytest.raises(RuntimeError, match="above"):
        init.trunc_normal_(ag.empty(3), a=1, b=0)
    for std in (0, -1):
        with pytest.raises(ValueError, match="std must be positive"):
            init.trunc_normal_(ag.empty(3), std=std)


FANS = {"xavier_uniform_": 2 / (300 + 200), "xavier_normal_": 2 / (300 + 200), "kaiming_uniform_": 2 / 300, "kaiming_normal_": 2 / 300}


@pytest.mark.parametrize("name", FANS)
def test_variances_follow_the_fans(name):
    ag.manual_seed(0)
    x = getattr(init, name)(ag.empty(200, 300)).numpy()
    assert x.var() == pytest.approx(FANS[name], rel=0.02)
    x = getattr(init, name)(ag.empty(20, 30, 5, 2)).numpy()
    assert x.var() == pytest.approx(FANS[name], rel=0.06)  # of 6,000 numbers


def test_modes_and_slopes_of_kaiming():
    ag.manual_seed(0)
    x = init.kaiming_normal_(ag.empty(200, 300), mode="fan_out", nonlinearity="tanh").numpy()
    assert x.std() == pytest.approx(5 / 3 / math.sqrt(200), rel=0.02)
    bound = math.sqrt(6 / (1 + 0.5**2) / 300)
    x = init.kaiming_uniform_(ag.empty(200, 300), a=0.5).numpy()
    assert 0.999 * bound < np.abs(x).max() <= bound * (1 + 1e-6)
    with pytest.raises(ValueError, match="fan_sum"):
        init.kaiming_normal_(ag.empty(2, 2), mode="fan_sum")
    with pytest.warns(UserWarning, match="zero-element"):
        init.kaiming_normal_(ag.empty(0, 2))


@pytest.mark.parametrize("name", [*FANS, "orthogonal_"])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_fans_need_two_dimensions(name, shape):
    with pytest.raises(ValueError, match="dimensions"):
        getattr(init, name)(ag.empty(shape))


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (4, 2, 3)])
def test_orthogonal(shape):
    ag.manual_seed(0)
    q = init.orthogonal_(ag.empty(*shape, dtype=ag.float64), gain=2.0).numpy().reshape(shape[0], -1)
    gram = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)
    assert init.orthogonal_(ag.empty(0, 3)).shape == (0, 3)


def test_orthogonal_matrices_are_drawn_uniformly():
    generator = ag.Generator().manual_seed(0)
    draws = [init.orthogonal_(ag.empty(2, 2), generator=generator).numpy() for _ in range(500)]
    assert np.abs(np.mean(draws, axis=0)).max() < 0.1
    assert 150 < sum(np.linalg.det(d) > 0 for d in draws) < 350


def test_sparse():
    ag.manual_seed(0)
    x = init.sparse_(ag.empty(10, 2000), sparsity=0.25, std=0.1).numpy()
    assert ((x == 0).sum(0) == 3).all()
    assert x[x != 0].std() == pytest.approx(0.1, rel=0.05)
    assert (x == 0).mean(1) == pytest.approx([0.3] * 10, abs=0.05)


def test_constants_and_identities():
    assert (init.constant_(ag.empty(2, 2), 0.5) == 0.5).all()
    assert init.eye_(ag.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    weights = init.dirac_(ag.empty(4, 2, 3), groups=2)
    assert weights.sum().item() == 4
    assert weights[2, 0, 1].item() == 1


@pytest.mark.parametrize(
    ("fill", "shape"),
    [
        (init.eye_, (3,)),
        (init.dirac_, (3, 3)),
        (lambda t: init.dirac_(t, groups=2), (3, 3, 3)),
        (lambda t: init.dirac_(t, groups=0), (3, 3, 3)),
        (lambda t: init.sparse_(t, 0.1), (3,)),
    ],
)
def test_shapes_that_cannot_be_filled(fill, shape):
    tensor = ag.full(shape, 7.0)
    with pytest.raises(ValueError, match="dim"):
        fill(tensor)
    assert (tensor == 7).all()


def test_gains():
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    for wrong in (("swish",), ("leaky_relu", True), ("leaky_relu", "0.1")):
        with pytest.raises(ValueError, match=r"nonlinearity|number"):
            init.calculate_gain(*wrong)
