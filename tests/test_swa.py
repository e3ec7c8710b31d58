"""Averages of models: what they hold, what they leave alone, what they refuse."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
import optim


def model():
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


def test_the_first_model_is_copied_and_the_mean_taken_of_all():
    m = model()
    average = optim.swa_utils.AveragedModel(m)
    shown = []
    for k in range(5):
        with ag.no_grad():
            m[0].weight.fill_(float(k * k))
        average.update_parameters(m)
        shown.append(k * k)
        assert average.module[0].weight.detach().numpy() == pytest.approx(np.full((3, 2), np.mean(shown)))
    assert average.n_averaged.item() == 5
    assert m[0].weight[0, 0].item() == 16


def test_an_exponential_mean():
    m = model()
    average = optim.swa_utils.AveragedModel(m, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.75))
    wanted = None
    for k in range(5):
        with ag.no_grad():
            m[2].bias.fill_(float(k))
        average.update_parameters(m)
        wanted = k if wanted is None else 0.75 * wanted + 0.25 * k
    assert average.module[2].bias.item() == pytest.approx(wanted)


def test_the_average_is_a_model_of_its_own():
    m = model()
    average = optim.swa_utils.AveragedModel(m)
    assert isinstance(average, nn.Module)
    x = ag.randn(4, 2)
    assert (average(x) == m(x)).all()
    assert all(p is not q and not np.shares_memory(p.array, q.array) for p, q in zip(average.parameters(), m.parameters(), strict=True))
    for again in (copy.deepcopy(average), pickle.loads(pickle.dumps(average))):
        again.update_parameters(m)
        assert average.n_averaged.item() == 0
        assert again.n_averaged.item() == 1


def test_updates_are_in_place_and_do_not_record():
    m = model()
    average = optim.swa_utils.AveragedModel(m, avg_fn=optim.swa_utils.get_ema_avg_fn(0.5))
    arrays = [p.array for p in average.parameters()]
    for _ in range(3):
        average.update_parameters(m)
    assert all(p.array is a and p.is_leaf for p, a in zip(average.parameters(), arrays, strict=True))


def test_another_model_is_refused_and_nothing_changed():
    average = optim.swa_utils.AveragedModel(model())
    before = copy.deepcopy(average.state_dict())
    for other in (nn.Linear(2, 3), nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))):
        with pytest.raises(ValueError, match="shapes"):
            average.update_parameters(other)
    assert all((before[k] == v).all() for k, v in average.state_dict().items())


def test_batch_norm_is_left_as_it_was_when_a_batch_fails():
    m = nn.Sequential(nn.BatchNorm1d(3)).eval()
    with pytest.raises(RuntimeError):
        optim.swa_utils.update_bn([ag.ones(4, 2)], m)
    assert not m.training
    assert m[0].momentum == 0.1


def test_models_without_batch_norm_are_not_run():
    def loader():
        raise AssertionError("nobody asked")
        yield

    optim.swa_utils.update_bn(loader(), model())


def test_nothing_else_of_optim_needs_nn():
    code = "import sys, optim; assert 'nn' not in sys.modules; optim.swa_utils.SWALR; assert 'nn' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "swa_utils" in dir(optim)
    with pytest.raises(AttributeError, match="swa_util"):
        optim.swa_util  # noqa: B018 - the question is the test
