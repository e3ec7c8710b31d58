"""LBFGS against PyTorch: trajectories on problems of several kinds, with and without line search, and its state."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
import optim  # noqa: E402

OPTIONS = [
    {},
    {"lr": 0.1},
    {"lr": 0.5, "max_iter": 5},
    {"lr": 0.3, "max_iter": 7, "history_size": 3},
    {"lr": 0.3, "max_iter": 1},
    {"lr": 0.2, "max_eval": 4},
    {"lr": 0.2, "tolerance_grad": 1e-2},
    {"lr": 0.2, "tolerance_change": 1e-3},
    {"line_search_fn": "strong_wolfe"},
    {"lr": 0.1, "line_search_fn": "strong_wolfe", "max_iter": 4},
    {"lr": 5.0, "line_search_fn": "strong_wolfe", "history_size": 4, "max_iter": 10},
    {"line_search_fn": "strong_wolfe", "max_eval": 6},
    {"line_search_fn": "strong_wolfe", "max_eval": 1},
    {"line_search_fn": "strong_wolfe", "max_iter": 5, "tolerance_change": 1e-2},
]


def network(x, y, s, b, w, k, unused):
    hidden = (x @ w).tanh() + b
    return ((hidden.sum(1) * s + (k * k).sum() * 0.1 - y) ** 2).mean() + ((k - 0.5) ** 2).sum() + 0.1 * ((w**2).sum() + (b**2).sum() + s**2)


def valley(x, y, s, b, w, k, unused):
    return ((b[1:] - b[:-1] ** 2) ** 2 * 20 + (1 - b[:-1]) ** 2).sum() + (s - b.sum()) ** 2 + (w**2).sum() + (k**4).sum()


def made(lib, module, arrays, dtype):
    return [module.Parameter(lib.tensor(a.astype(dtype))) for a in arrays]


def problem(rng):
    shapes = [(), (5,), (3, 5), (2, 1, 2, 2), (4,)]
    return [rng.standard_normal(shape) for shape in shapes], rng.standard_normal((10, 3)), rng.standard_normal(10)


def trained(lib, module, optimizers, loss, settings, arrays, x, y, steps, dtype=np.float64, state=None):
    params = made(lib, module, arrays, dtype)
    optimizer = optimizers.LBFGS(params, **settings)
    if state is not None:
        optimizer.load_state_dict(state)
    x, y = lib.tensor(x.astype(dtype)), lib.tensor(y.astype(dtype))
    losses = []

    def closure():
        optimizer.zero_grad()
        value = loss(x, y, *params)
        value.backward()
        losses.append(value.item())
        return value

    returned = [optimizer.step(closure).item() for _ in range(steps)]
    return params, optimizer, losses, returned


@pytest.mark.parametrize("loss", [network, valley])
@pytest.mark.parametrize("settings", OPTIONS, ids=str)
def test_trajectories(loss, settings, rng):
    given = problem(rng)
    steps = 50 if settings.get("max_iter", 20) == 1 else 5
    mine = trained(ag, nn, optim, loss, settings, *given, steps)
    theirs = trained(torch, torch.nn, torch.optim, loss, settings, *given, steps)
    assert len(mine[2]) == len(theirs[2])
    np.testing.assert_allclose(mine[2][:40], theirs[2][:40], 1e-9, 1e-12)
    np.testing.assert_allclose(mine[2], theirs[2], 1e-4, 1e-7)  # in time, the last bits of products come to count
    assert mine[3] == pytest.approx(theirs[3], rel=1e-4, abs=1e-7)
    for p, q in zip(mine[0], theirs[0], strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), 1e-3, 1e-3)
    ours, other = mine[1].state[mine[0][0]], theirs[1].state[theirs[0][0]]
    assert ours["n_iter"] == other["n_iter"]
    assert ours["func_evals"] == other["func_evals"]
    assert set(other) - set(ours) <= {"al"}  # room for intermediate results


def test_trajectories_in_float32(rng):
    given = problem(rng)
    mine = trained(ag, nn, optim, network, OPTIONS[2], *given, 2, np.float32)
    theirs = trained(torch, torch.nn, torch.optim, network, OPTIONS[2], *given, 2, np.float32)
    np.testing.assert_allclose(mine[2], theirs[2], 1e-4, 1e-5)
    assert all(p.dtype == np.float32 for p in mine[0])


def test_line_searches_in_float32_lead_to_the_same_minimum(rng):
    """Where they look meanwhile hangs on the last bits: a cubic through two near points takes differences of differences."""
    given = problem(rng)
    mine = trained(ag, nn, optim, valley, OPTIONS[8], *given, 8, np.float32)
    theirs = trained(torch, torch.nn, torch.optim, valley, OPTIONS[8], *given, 8, np.float32)
    assert max(mine[3][-1], theirs[3][-1]) < 1e-5
    np.testing.assert_allclose(mine[0][1].detach().numpy(), theirs[0][1].detach().numpy(), 1e-3)


def translated(state, lib):
    """A state dict with the other library's tensors."""
    if isinstance(state, dict):
        return {k: translated(v, lib) for k, v in state.items()}
    if isinstance(state, list):
        return [translated(v, lib) for v in state]
    return lib.tensor(state.numpy()) if isinstance(state, ag.Tensor | torch.Tensor) else state


@pytest.mark.parametrize("settings", [OPTIONS[2], OPTIONS[3], OPTIONS[9]], ids=str)
def test_state_goes_on_in_the_other_library(settings, rng):
    arrays, x, y = problem(rng)
    libraries = [(ag, nn, optim), (torch, torch.nn, torch.optim)]
    starts = [trained(*lib, network, settings, arrays, x, y, 2) for lib in libraries]
    for (params, optimizer, *_), lib in zip(starts, reversed(libraries), strict=True):
        now = [p.detach().numpy().copy() for p in params]
        state = translated(optimizer.state_dict(), lib[0])
        onward = trained(*lib, network, settings, now, x, y, 3, state=state)
        whole = trained(*lib, network, settings, arrays, x, y, 5)
        np.testing.assert_allclose(onward[2], whole[2][-len(onward[2]) :], 1e-7, 1e-12)


def test_a_state_before_the_first_iteration_goes_on(rng):
    """PyTorch's has None for what is not there yet."""
    given = problem(rng)
    state = trained(torch, torch.nn, torch.optim, network, {"max_iter": 0}, *given, 1)[1].state_dict()
    assert state["state"][0]["d"] is None
    state["param_groups"][0]["max_iter"] = 5
    mine = trained(ag, nn, optim, network, {"lr": 0.1}, *given, 2, state=state)
    theirs = trained(torch, torch.nn, torch.optim, network, {"lr": 0.1}, *given, 2, state=state)
    np.testing.assert_allclose(mine[2], theirs[2], 1e-9)


def test_complex_parameters(rng):
    a = rng.standard_normal(4) + 1j * rng.standard_normal(4)
    results = []
    for lib, module, optimizers in ((ag, nn, optim), (torch, torch.nn, torch.optim)):
        p = module.Parameter(lib.tensor(a))
        optimizer = optimizers.LBFGS([p], lr=0.3, line_search_fn="strong_wolfe")

        def closure(p=p, optimizer=optimizer):
            optimizer.zero_grad()
            loss = ((p - (1 + 2j)).abs() ** 2).sum() + (p.abs() ** 4).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        results.append(p.detach().numpy())
    np.testing.assert_allclose(*results, 1e-9)


def test_signature():
    found = [inspect.signature(lib.LBFGS).parameters.values() for lib in (optim, torch.optim)]
    mine, theirs = [[(p.name, p.kind, p.default) for p in parameters] for parameters in found]
    assert mine == theirs


@pytest.mark.parametrize(
    ("settings", "groups", "wanted"), [({"lr": -1.0}, 1, ValueError), ({}, 2, ValueError), ({"line_search_fn": "armijo"}, 1, RuntimeError)]
)
def test_what_is_refused(settings, groups, wanted):
    for lib, module, optimizers in ((ag, nn, optim), (torch, torch.nn, torch.optim)):
        p = [module.Parameter(lib.ones(2)) for _ in range(groups)]

        def closure(p=p):
            loss = (p[0] ** 2).sum()
            loss.backward()
            return loss

        with pytest.raises(wanted):
            optimizers.LBFGS([{"params": [q]} for q in p], **settings).step(closure)
        with pytest.raises(TypeError):
            optimizers.LBFGS(p[:1]).step()
