"""Averages of models against PyTorch: every way to average, buffers, state dicts both ways, batch norm."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
import optim  # noqa: E402
from optim import swa_utils  # noqa: E402

LIBRARIES = [(ag, nn, swa_utils), (torch, torch.nn, torch.optim.swa_utils)]

WAYS = {
    "equal": lambda swa: {},
    "equal, each": lambda swa: {"avg_fn": swa.get_swa_avg_fn()},
    "equal, all": lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
    "exponential, each": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.9)},
    "exponential, all": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.9)},
    "exponential, slow": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn()},
    "own": lambda swa: {"avg_fn": lambda average, new, n: average + 0.5 * (new - average) / (n + 1)},
}


def model_of(module, lib, dtype):
    model = module.Sequential(module.Linear(3, 4), module.BatchNorm1d(4), module.Tanh(), module.Linear(4, 2))
    model.register_buffer("counts", lib.tensor([1, 2, 3]))
    return model.to(getattr(lib, dtype))


def arrays_of(model, rng):
    """Random numbers for all of a model's state, as integers where these are."""
    return {
        k: (rng.integers(0, 50, v.shape) if "count" in k or "num" in k else rng.random(tuple(v.shape)) + 0.1)
        for k, v in model.state_dict().items()
    }


def fill(model, arrays, lib):
    model.load_state_dict({k: lib.tensor(a).to(model.state_dict()[k].dtype) for k, a in arrays.items()})


def same(mine, theirs, tolerance):
    a, b = mine.state_dict(), theirs.state_dict()
    assert list(a) == list(b)
    for key, value in b.items():
        assert a[key].numpy().dtype == value.numpy().dtype
        np.testing.assert_allclose(a[key].numpy(), value.numpy(), tolerance, tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_averages(way, use_buffers, dtype, tolerance, rng):
    if way == "equal, all":  # PyTorch's rounds the share to float32, and refuses integers
        use_buffers, tolerance = False, 1e-5
    models = [model_of(module, lib, dtype) for lib, module, _ in LIBRARIES]
    averages = [
        swa.AveragedModel(model, **WAYS[way](swa), use_buffers=use_buffers) for model, (*_, swa) in zip(models, LIBRARIES, strict=True)
    ]
    for _ in range(12):
        arrays = arrays_of(models[1], rng)
        for model, average, (lib, *_) in zip(models, averages, LIBRARIES, strict=True):
            fill(model, arrays, lib)
            average.update_parameters(model)
        same(*averages, tolerance)
    assert averages[0].n_averaged.item() == 12
    x = rng.standard_normal((5, 3))
    outputs = [a.eval()(lib.tensor(x).to(getattr(lib, dtype))).detach().numpy() for a, (lib, *_) in zip(averages, LIBRARIES, strict=True)]
    np.testing.assert_allclose(*outputs, tolerance * 10, tolerance)
    for source, target, lib in ((averages[0], averages[1], torch), (averages[1], averages[0], ag)):
        state = {k: lib.tensor(v.numpy() + 1) for k, v in source.state_dict().items()}
        target.load_state_dict(state)
        for key, value in target.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), state[key].numpy())


def test_batch_norm_is_computed_anew(rng):
    batches = [rng.standard_normal((6, 3)) for _ in range(4)]
    ends = []
    for lib, module, swa in LIBRARIES:
        model = model_of(module, lib, "float64").eval()
        fill(model, arrays_of(model_of(torch.nn, torch, "float64"), np.random.default_rng(1)), lib)
        loader = [lib.tensor(x) if k % 2 else (lib.tensor(x), k) for k, x in enumerate(batches)]
        swa.update_bn(loader, model)
        assert not model.training
        assert model[1].momentum == 0.1
        ends.append(model)
    same(*ends, 1e-12)


@pytest.mark.parametrize("name", swa_utils.__all__)
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(name):
    found = [inspect.signature(getattr(swa, name)).parameters.values() for *_, swa in LIBRARIES]
    mine, theirs = [[(p.name, p.kind, p.default) for p in parameters] for parameters in found]
    assert mine == theirs
    assert set(swa_utils.__all__) == set(torch.optim.swa_utils.__all__)


def test_what_is_refused():
    for _, module, swa in LIBRARIES:
        for make in (swa.get_ema_avg_fn, swa.get_ema_multi_avg_fn):
            for decay in (-0.1, 1.1):
                with pytest.raises(ValueError, match="decay"):
                    make(decay)
        with pytest.raises(AssertionError):
            swa.AveragedModel(module.Linear(2, 2), avg_fn=swa.get_ema_avg_fn(), multi_avg_fn=swa.get_ema_multi_avg_fn())


def test_a_whole_training_with_swa(rng):
    x, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    start = arrays_of(model_of(torch.nn, torch, "float64"), rng)
    ends = []
    for (lib, module, swa), optimizers in zip(LIBRARIES, (optim, torch.optim), strict=True):
        model = model_of(module, lib, "float64")
        fill(model, start, lib)
        optimizer = optimizers.SGD(model.parameters(), lr=0.1, momentum=0.5)
        average, schedule = swa.AveragedModel(model), swa.SWALR(optimizer, 0.02, anneal_epochs=4)
        inputs, targets = lib.tensor(x), lib.tensor(y)
        for epoch in range(12):
            optimizer.zero_grad()
            module.functional.mse_loss(model(inputs), targets).backward()
            optimizer.step()
            if epoch > 4:
                average.update_parameters(model)
                schedule.step()
        swa.update_bn([inputs], average)
        ends.append(average)
    same(*ends, 1e-10)
