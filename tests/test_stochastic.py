"""DropConnect, variational dropout, stochastic depth: what they leave out, what they scale, what gradients see."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.check import gradcheck
from autograd_core.errors import ShapeError
from nn import functional as F


@pytest.fixture(autouse=True)
def _seeded():
    ag.manual_seed(3)


def shares(array):
    """Which values there are, with their shares."""
    values, counts = np.unique(np.asarray(array), return_counts=True)
    return {round(float(v), 6): c / array.size for v, c in zip(values, counts, strict=True)}


# ---------------------------------------------------------------------- DropConnect


def test_drop_connect_drops_weights_and_scales_the_rest():
    layer = nn.DropConnect(300, 200, p=0.25, bias=False)
    nn.init.ones_(layer.weight)
    found = layer(ag.eye(300)).detach().numpy().T  # the weights that were used
    assert set(shares(found)) == {0.0, round(1 / 0.75, 6)}
    assert abs(shares(found)[0.0] - 0.25) < 0.01


def test_drop_connect_shares_its_mask_unless_told_otherwise():
    x = ag.ones(5, 40)
    together, apart = nn.DropConnect(40, 30), nn.DropConnect(40, 30, per_example=True)
    assert (together(x) == together(x[:1])).all().item() is False  # drawn anew at each call
    out = together(x).detach().numpy()
    np.testing.assert_allclose(out, out[:1].repeat(5, 0), 1e-5, 1e-6)
    out = apart(x).detach().numpy()
    assert len(np.unique(out, axis=0)) == 5


def test_drop_connect_is_linear_in_evaluation_and_has_its_state():
    layer, plain = nn.DropConnect(4, 3, p=0.7), nn.Linear(4, 3)
    plain.load_state_dict(layer.state_dict())
    x = ag.randn(2, 4)
    np.testing.assert_array_equal(layer.eval()(x).detach().numpy(), plain(x).detach().numpy())
    layer.train().p = 0.0
    np.testing.assert_array_equal(layer(x).detach().numpy(), plain(x).detach().numpy())


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
def test_gradients_of_drop_connect(shape, per_example, rng):
    x, w, b = (ag.tensor(rng.standard_normal(s), requires_grad=True) for s in (shape, (5, 4), (5,)))

    def call(x, w, b):
        ag.manual_seed(1)
        return F.drop_connect(x, w, b, 0.4, True, per_example)

    assert tuple(call(x, w, b).shape) == (*shape[:-1], 5)
    gradcheck(call, (x, w, b))


def test_drop_connect_of_everything_leaves_the_bias():
    layer = nn.DropConnect(4, 3, p=1.0)
    np.testing.assert_array_equal(layer(ag.randn(2, 4)).detach().numpy(), np.broadcast_to(layer.bias.detach().numpy(), (2, 3)))


# ---------------------------------------------------------------------- variational dropout


@pytest.mark.parametrize(("batch_first", "shape", "steps"), [(False, (9, 20, 30), 0), (True, (20, 9, 30), 1), (False, (9, 600), 0)])
def test_one_mask_serves_all_steps(batch_first, shape, steps):
    out = nn.VariationalDropout(0.3, batch_first)(ag.ones(*shape)).numpy()
    assert (out == np.take(out, [0], steps)).all()
    one = np.take(out, 0, steps)
    assert set(shares(one)) == {0.0, round(1 / 0.7, 6)}
    assert abs(shares(one)[0.0] - 0.3) < 0.06


def test_variational_dropout_in_evaluation_and_in_place():
    module = nn.VariationalDropout(0.5, inplace=True)
    x = ag.ones(4, 2, 50)
    assert module.eval()(x) is x
    assert module.train()(x) is x
    assert 0.0 in x.numpy()
    x = ag.ones(4, 2, 3, dtype=ag.float64, requires_grad=True)
    F.variational_dropout(x, 0.5).sum().backward()
    assert (x.grad.numpy() == x.grad.numpy()[0]).all()


# ---------------------------------------------------------------------- stochastic depth


def test_stochastic_depth_by_rows_and_by_batch():
    rows = nn.StochasticDepth(0.3, "row")(ag.ones(2000, 2, 3)).numpy()
    assert (rows == rows[:, :1, :1]).all()
    assert abs(shares(rows)[0.0] - 0.3) < 0.04
    wholes = [nn.StochasticDepth(0.3, "batch")(ag.ones(4, 2)).numpy() for _ in range(300)]
    assert all((w == w[0, 0]).all() for w in wholes)
    assert abs(np.mean([w[0, 0] == 0 for w in wholes]) - 0.3) < 0.1
    assert {round(float(w[0, 0]), 6) for w in wholes} == {0.0, round(1 / 0.7, 6)}


def test_stochastic_depth_in_evaluation_for_nothing_and_for_all():
    x = ag.ones(4, 2)
    assert F.stochastic_depth(x, 0.3, "row", training=False) is x
    assert F.stochastic_depth(x, 0.0, "row") is x
    assert not F.stochastic_depth(x, 1.0, "batch").numpy().any()


# ---------------------------------------------------------------------- all of them


def test_seeds_repeat_what_is_drawn():
    x = ag.ones(6, 5, 4)
    for module in (nn.VariationalDropout(), nn.StochasticDepth(0.5, "row"), nn.DropConnect(4, 3), nn.Dropout()):
        drawn = []
        for _ in range(2):
            ag.manual_seed(11)
            drawn.append(module(x).detach().numpy())
        np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes_are_kept(dtype):
    x = ag.ones(2, 3, 4, dtype=dtype)
    assert F.variational_dropout(x).dtype == dtype
    assert F.stochastic_depth(x, 0.5, "row").dtype == dtype
    assert nn.DropConnect(4, 3, per_example=True, dtype=getattr(ag, dtype))(x).dtype == dtype


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_probabilities_out_of_range(p):
    x = ag.ones(2, 3)
    calls = [
        lambda: nn.DropConnect(3, 2, p),
        lambda: F.drop_connect(x, x, None, p),
        lambda: nn.VariationalDropout(p),
        lambda: F.variational_dropout(x, p),
        lambda: F.stochastic_depth(x, p, "row"),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="between 0 and 1"):
            call()


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="mode"):
        F.stochastic_depth(ag.ones(2), 0.5, "rows")
    with pytest.raises(RuntimeError, match="row"):
        F.stochastic_depth(ag.tensor(1.0), 0.5, "row")
    with pytest.raises(RuntimeError, match="2 or 3 dimensions"):
        F.variational_dropout(ag.ones(3))
    with pytest.raises(RuntimeError, match="drop_connect"):
        F.drop_connect(ag.ones(2, 3), ag.ones(5, 4), per_example=True)
    with pytest.raises(RuntimeError, match="floating"):
        F.variational_dropout(ag.arange(6).reshape(2, 3))


def test_printed():
    assert repr(nn.DropConnect(4, 3, 0.2)) == "DropConnect(in_features=4, out_features=3, bias=True, p=0.2, per_example=False)"
    assert repr(nn.VariationalDropout(0.2, True)) == "VariationalDropout(p=0.2, batch_first=True, inplace=False)"
    assert repr(nn.StochasticDepth(0.2, "row")) == "StochasticDepth(p=0.2, mode=row)"


@pytest.mark.parametrize("per_example", [False, True])
def test_drop_connect_refuses_what_linear_refuses(per_example):
    x, w = ag.ones(2, 3), ag.ones(4, 3)
    for wrong in ((x, w, ag.ones(5)), (x, w, ag.ones(2, 4)), (x, w, ag.ones(1)), (x, ag.ones(4, 2), None), (ag.tensor(1.0), w, None)):
        with pytest.raises(ShapeError):
            F.drop_connect(*wrong, per_example=per_example)
    with pytest.raises(TypeError):
        F.drop_connect(x, w, [0.0] * 4, per_example=per_example)


def test_stochastic_depth_refuses_its_settings_at_once():
    for p, mode in ((1.5, "row"), (-0.1, "batch"), (0.5, "rows")):
        with pytest.raises(ValueError, match="StochasticDepth"):
            nn.StochasticDepth(p, mode)
