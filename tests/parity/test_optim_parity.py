"""optim against PyTorch: trajectories of fifty steps for every option, state, printed form, errors."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
import optim  # noqa: E402

STEPS = 50

OPTIONS = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.7, 0.9), "eps": 1e-3}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"lr": 0.1, "betas": (0.0, 0.0)}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2, "amsgrad": True, "maximize": True}),
]
SHAPES = [(), (5,), (3, 4), (2, 3, 2)]


def gradients(step, arrays):
    """Some gradients that change from step to step: one is zero now and then, one missing at first."""
    rng = np.random.default_rng(step)
    found = [
        np.asarray(rng.standard_normal(a.shape) * (step % 4 != 3) + 0.1 * rng.standard_normal(a.shape)).astype(a.dtype) for a in arrays
    ]
    if step < 3:
        found[1] = None
    return found


def run(mine, theirs, made, steps=STEPS, arrays=None, first=0):
    for step in range(first, first + steps):
        for p, q, g in zip(mine, theirs, gradients(step, arrays), strict=True):
            p.grad = None if g is None else ag.tensor(g)
            q.grad = None if g is None else torch.tensor(g)
        for optimizer in made:
            optimizer.step()


def both(name, settings, arrays):
    mine, theirs = [nn.Parameter(ag.tensor(a)) for a in arrays], [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
    return mine, theirs, getattr(optim, name)(mine, **settings), getattr(torch.optim, name)(theirs, **settings)


def compare(mine, theirs, tolerance):
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), tolerance, tolerance)


def arrays_of(rng, dtype=np.float64, shapes=SHAPES):
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes]


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_trajectories(name, settings, rng):
    arrays = arrays_of(rng)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), arrays=arrays)
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_trajectories_in_float32(name, settings, rng):
    arrays = arrays_of(rng, np.float32)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), arrays=arrays)
    compare(mine, theirs, 2e-4 if settings.get("betas") == (0.0, 0.0) else 1e-5)
    assert all(p.dtype == np.float32 for p in mine)


@pytest.mark.parametrize(("name", "settings"), [o for o in OPTIONS if not o[1].get("amsgrad")])
def test_complex_trajectories(name, settings, rng):
    arrays = [a + 1j * b for a, b in zip(arrays_of(rng), arrays_of(rng), strict=True)]
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), steps=10, arrays=arrays)
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize(("name", "settings"), [OPTIONS[0], OPTIONS[8], OPTIONS[9], OPTIONS[14]])
def test_parameters_of_many_blocks(name, settings, rng):
    """Sizes around those where work is cut up and shared among threads."""
    arrays = arrays_of(rng, np.float64, [(513,), (32769,), (65536,), (150, 1001), (350_001,)])
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), steps=4, arrays=arrays)
    compare(mine, theirs, 1e-11)


@pytest.mark.parametrize(("name", "settings"), [OPTIONS[0], OPTIONS[8], OPTIONS[14]])
def test_parameters_and_gradients_whose_elements_do_not_lie_in_order(name, settings, rng):
    base = [rng.standard_normal((40, 30)), rng.standard_normal((400, 500)), rng.standard_normal((6, 5, 4))]
    arrays = [base[0].T, base[1].T, base[2].transpose(1, 2, 0)]
    mine = [nn.Parameter(ag.from_numpy(a.copy(order="K"))) for a in arrays]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
    assert not any(p.is_contiguous() for p in mine)
    ours, other = getattr(optim, name)(mine, **settings), getattr(torch.optim, name)(theirs, **settings)
    for step in range(3):
        for p, q, g in zip(mine, theirs, gradients(step + 3, arrays), strict=True):
            q.grad = torch.tensor(g)
            p.grad = ag.from_numpy(np.asfortranarray(g) if step == 1 else g)
        ours.step()
        other.step()
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize(("name", "settings"), OPTIONS)
def test_state_has_the_same_names_shapes_and_numbers(name, settings, rng):
    arrays = arrays_of(rng)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (ours, other), steps=5, arrays=arrays)
    a, b = ours.state_dict(), other.state_dict()
    assert list(a) == list(b)
    assert a["param_groups"] == b["param_groups"]
    assert {k: list(v) for k, v in a["state"].items()} == {k: list(v) for k, v in b["state"].items()}
    for k, entries in a["state"].items():
        for key, value in entries.items():
            expected = b["state"][k][key].numpy()
            assert value.numpy().dtype == expected.dtype
            np.testing.assert_allclose(value.numpy(), expected, 1e-12, 1e-12)


@pytest.mark.parametrize(("name", "settings"), [OPTIONS[8], OPTIONS[14], OPTIONS[18]])
def test_state_saved_by_pytorch_goes_on_here(name, settings, rng):
    arrays = arrays_of(rng)
    mine, theirs, ours, other = both(name, settings, arrays)
    run(mine, theirs, (other,), steps=7, arrays=arrays)
    saved = other.state_dict()
    state = {k: {n: ag.tensor(v.numpy()) for n, v in entries.items()} for k, entries in saved["state"].items()}
    ours.load_state_dict({"state": state, "param_groups": saved["param_groups"]})
    for p, q in zip(mine, theirs, strict=True):
        p.data = ag.tensor(q.detach().numpy())
    run(mine, theirs, (ours, other), steps=10, arrays=arrays, first=7)
    compare(mine, theirs, 1e-12)


def test_groups_have_settings_of_their_own(rng):
    arrays = arrays_of(rng)
    mine, theirs, _, _ = both("SGD", {}, arrays)
    groups = lambda p: [{"params": p[:2], "lr": 0.2}, {"params": p[2], "momentum": 0.5}]
    ours, other = optim.SGD(groups(mine), lr=0.1), torch.optim.SGD(groups(theirs), lr=0.1)
    for optimizer, params in ((ours, mine), (other, theirs)):
        optimizer.add_param_group({"params": params[3], "weight_decay": 0.5})
    run(mine, theirs, (ours, other), steps=5, arrays=arrays)
    for optimizer in (ours, other):
        optimizer.param_groups[0]["lr"] = 0.01
    run(mine, theirs, (ours, other), steps=5, arrays=arrays, first=5)
    compare(mine, theirs, 1e-12)
    assert repr(ours) == repr(other)


def test_learning_rates_may_be_tensors(rng):
    arrays = arrays_of(rng)
    mine, theirs, _, _ = both("SGD", {}, arrays)
    ours = optim.Adam(mine, lr=ag.tensor(0.25), betas=(ag.tensor(0.5), ag.tensor(0.75)))
    other = torch.optim.Adam(theirs, lr=0.25, betas=(0.5, 0.75))
    run(mine, theirs, (ours, other), steps=5, arrays=arrays)
    compare(mine, theirs, 1e-12)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(name):
    made = [inspect.signature(getattr(lib, name)).parameters.values() for lib in (optim, torch.optim)]
    mine, theirs = [[(p.name, p.kind, p.default) for p in parameters] for parameters in made]
    assert mine == theirs


REFUSED = [
    ("SGD", {"lr": -1.0}),
    ("SGD", {"momentum": -0.1}),
    ("SGD", {"weight_decay": -0.1}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    ("Adam", {"lr": -1.0}),
    ("Adam", {"lr": float("nan")}),
    ("Adam", {"eps": -1.0}),
    ("Adam", {"betas": (1.0, 0.9)}),
    ("Adam", {"betas": (0.9, -0.1)}),
    ("Adam", {"weight_decay": -1.0}),
    ("Adam", {"fused": True, "foreach": True}),
    ("AdamW", {"lr": -1.0}),
]


@pytest.mark.parametrize(("name", "settings"), REFUSED)
def test_settings_out_of_range_are_refused_as_in_pytorch(name, settings):
    refusals = []
    for lib, param in ((optim, nn.Parameter(ag.ones(2))), (torch.optim, torch.nn.Parameter(torch.ones(2)))):
        with pytest.raises((ValueError, RuntimeError)) as caught:
            getattr(lib, name)([param], **settings)
        refusals.append((type(caught.value), str(caught.value)))
    assert refusals[0] == refusals[1]


def cases(lib, tensors):
    p, q = lib.Parameter(tensors.ones(2)), lib.Parameter(tensors.ones(2))
    return [
        p,
        [],
        {p},
        [p, 3],
        [p * 2],
        [[p]],
        [{"params": {p}}],
        [{"params": [p]}, {"params": [p]}],
        [{"params": [p]}, p],
        [("a", p), q],
        [{"params": [("a", p)]}, {"params": [q]}],
    ]


@pytest.mark.parametrize("k", range(len(cases(nn, ag))))
def test_parameters_that_cannot_be_optimized_are_refused_as_in_pytorch(k):
    kinds = []
    for lib, tensors, optimizers in ((nn, ag, optim), (torch.nn, torch, torch.optim)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                optimizers.SGD(cases(lib, tensors)[k], lr=0.1)
                kinds.append(None)
            except Exception as error:
                kinds.append(type(error))
    assert kinds[0] is kinds[1]
