"""Schedules against PyTorch: the rates and momenta of sixty steps, state, arguments, warnings, errors."""

from __future__ import annotations

import inspect
import math
import warnings

import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
import optim  # noqa: E402

STEPS = 60
LIBRARIES = [(ag, nn, optim), (torch, torch.nn, torch.optim)]


class Falling:
    """A callable object, whose attributes are saved."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, epoch):
        return 1 / (1 + self.rate * epoch)


def s(name, *args, **settings):
    """A schedule by name: called with a library's `optim` and an optimizer it makes one."""
    return lambda lib, optimizer: getattr(lib.lr_scheduler, name)(optimizer, *args, **settings)


def sequential(milestones, *parts):
    return lambda lib, o: lib.lr_scheduler.SequentialLR(o, [part(lib, o) for part in parts], milestones)


def chained(*parts):
    return lambda lib, o: lib.lr_scheduler.ChainedScheduler([part(lib, o) for part in parts])


def swa(*args, **settings):
    return lambda lib, o: lib.swa_utils.SWALR(o, *args, **settings)


SCHEDULES = {
    "lambda": s("LambdaLR", lambda epoch: 0.95**epoch),
    "lambdas": s("LambdaLR", [lambda epoch: 0.95**epoch, lambda epoch: 1 / (epoch + 1)]),
    "objects": s("LambdaLR", [Falling(0.1), lambda epoch: 1.0]),
    "multiplicative": s("MultiplicativeLR", lambda epoch: 0.95),
    "multiplicatives": s("MultiplicativeLR", [lambda epoch: 0.95, Falling(0.01)]),
    "step": s("StepLR", 7),
    "step, gamma": s("StepLR", step_size=3, gamma=0.5),
    "milestones": s("MultiStepLR", [5, 11, 11, 40], gamma=0.3),
    "no milestones": s("MultiStepLR", []),
    "constant": s("ConstantLR"),
    "constant, long": s("ConstantLR", factor=0.25, total_iters=20),
    "linear": s("LinearLR"),
    "linear, down": s("LinearLR", start_factor=1.0, end_factor=0.1, total_iters=30),
    "linear, up": s("LinearLR", start_factor=0.01, end_factor=0.7, total_iters=70),
    "exponential": s("ExponentialLR", 0.9),
    "polynomial": s("PolynomialLR"),
    "polynomial, square": s("PolynomialLR", total_iters=40, power=2.0),
    "polynomial, root": s("PolynomialLR", total_iters=70, power=0.5),
    "cosine": s("CosineAnnealingLR", 10),
    "cosine, floor": s("CosineAnnealingLR", T_max=25, eta_min=1e-3),
    "cosine, long": s("CosineAnnealingLR", T_max=100),
    "restarts": s("CosineAnnealingWarmRestarts", 7),
    "restarts, longer": s("CosineAnnealingWarmRestarts", T_0=3, T_mult=2, eta_min=1e-3),
    "cycles": s("CyclicLR", 0.01, 0.1, step_size_up=5),
    "cycles, lists": s("CyclicLR", [0.01, 0.02], [0.1, 0.3], step_size_up=4, step_size_down=9),
    "cycles, halved": s("CyclicLR", 0.01, 0.1, step_size_up=5, mode="triangular2", base_momentum=0.5, max_momentum=0.95),
    "cycles, falling": s("CyclicLR", 0.01, 0.1, step_size_up=5, mode="exp_range", gamma=0.97),
    "cycles, scaled": s("CyclicLR", 0.01, 0.1, step_size_up=5, scale_fn=lambda x: 0.5 * (1 + math.sin(x))),
    "cycles, scaled by steps": s("CyclicLR", 0.01, 0.1, step_size_up=5, scale_fn=Falling(0.1), scale_mode="iterations"),
    "cycles without momentum": s("CyclicLR", 0.01, 0.1, step_size_up=5, cycle_momentum=False),
    "one cycle": s("OneCycleLR", 0.1, total_steps=STEPS + 2),
    "one cycle, line": s("OneCycleLR", 0.1, epochs=8, steps_per_epoch=10, anneal_strategy="linear", pct_start=0.4),
    "one cycle, three": s("OneCycleLR", [0.1, 0.3], total_steps=STEPS + 2, three_phase=True, div_factor=10, final_div_factor=100.0),
    "one cycle, momentum": s("OneCycleLR", 0.1, total_steps=STEPS + 2, base_momentum=0.7, max_momentum=0.9),
    "one cycle without momentum": s("OneCycleLR", 0.1, total_steps=STEPS + 2, cycle_momentum=False),
    "sequence": sequential([20], s("ConstantLR", factor=0.1, total_iters=20), s("ExponentialLR", 0.9)),
    "warm up": sequential([10, 40], s("LinearLR", total_iters=10), s("CosineAnnealingLR", 30), s("StepLR", 3)),
    "sequence of restarts": sequential([10], s("LambdaLR", lambda e: 0.9**e), s("CosineAnnealingWarmRestarts", 5)),
    "sequence from the second": sequential([0], s("ExponentialLR", 0.5), s("StepLR", 3)),
    "chain": chained(s("ConstantLR", factor=0.1, total_iters=4), s("ExponentialLR", 0.9)),
    "chain of three": chained(s("StepLR", 9), s("CosineAnnealingLR", 15, eta_min=1e-4), s("MultiplicativeLR", lambda e: 0.99)),
    "sequence of a chain": sequential([12], chained(s("ConstantLR"), s("ExponentialLR", 0.9)), s("StepLR", 10)),
    "sequence of a sequence": sequential([30], sequential([9], s("ConstantLR"), s("ExponentialLR", 0.9)), s("StepLR", 10)),
    "swa": swa(0.05),
    "swa, line": swa([0.05, 0.01], anneal_epochs=30, anneal_strategy="linear"),
    "swa at once": swa(0.05, anneal_epochs=0),
}
PLAIN = [name for name in SCHEDULES if not name.startswith(("sequence", "warm", "chain", "cycles, scaled by", "objects", "swa"))]


def optimizer_of(library, kind="SGD"):
    lib, module, optimizers = library
    p, q = module.Parameter(lib.ones(2)), module.Parameter(lib.ones(3))
    settings = {"momentum": 0.9} if kind == "SGD" else {}
    optimizer = getattr(optimizers, kind)([{"params": [p]}, {"params": [q], "lr": 0.3}], lr=0.2, **settings)
    p.grad = lib.ones(2)
    return optimizer


def settings_of(optimizer):
    return [{k: v for k, v in group.items() if k not in ("params", "foreach", "fused")} for group in optimizer.param_groups]


def close(mine, theirs):
    """Equal in form, and in numbers but for rounding."""
    if isinstance(theirs, dict):
        assert set(mine) == set(theirs)
        for key in theirs:
            close(mine[key], theirs[key])
    elif isinstance(theirs, list | tuple):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            close(a, b)
    elif isinstance(theirs, float):
        assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    else:
        assert mine == theirs


@pytest.mark.filterwarnings("ignore:.*before.*optimizer.step")  # of schedules inside a chain inside a sequence, in both
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_sixty_steps(name, kind):
    optimizers = [optimizer_of(library, kind) for library in LIBRARIES]
    schedules = [SCHEDULES[name](library[2], optimizer) for library, optimizer in zip(LIBRARIES, optimizers, strict=True)]
    for optimizer in optimizers:
        optimizer.step()
    for _ in range(STEPS):
        close(settings_of(optimizers[0]), settings_of(optimizers[1]))
        close(schedules[0].get_last_lr(), schedules[1].get_last_lr())
        for schedule in schedules:
            schedule.step()
    close(settings_of(optimizers[0]), settings_of(optimizers[1]))


@pytest.mark.filterwarnings("ignore:.*before.*optimizer.step")  # of schedules inside a chain inside a sequence, in both
@pytest.mark.parametrize("name", SCHEDULES)
def test_state_is_pytorchs(name):
    states = []
    for library in LIBRARIES:
        optimizer = optimizer_of(library)
        schedule = SCHEDULES[name](library[2], optimizer)
        optimizer.step()
        for _ in range(9):
            schedule.step()
        states.append(schedule.state_dict())
    close(*states)


@pytest.mark.filterwarnings("ignore:.*before.*optimizer.step")  # of schedules inside a chain inside a sequence, in both
@pytest.mark.parametrize("way", [0, 1], ids=["from PyTorch", "to PyTorch"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_state_goes_on_in_the_other_library(name, way):
    source, target = LIBRARIES[::-1] if way == 0 else LIBRARIES
    made = []
    for library in (source, target):
        optimizer = optimizer_of(library)
        made.append((optimizer, SCHEDULES[name](library[2], optimizer)))
    (first, begun), (second, resumed) = made
    first.step()
    second.step()
    for _ in range(25):
        begun.step()
    resumed.load_state_dict(begun.state_dict())
    second.load_state_dict({"state": {}, "param_groups": first.state_dict()["param_groups"]})
    for _ in range(25):
        for _, schedule in made:
            schedule.step()
        close(settings_of(second), settings_of(first))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PLAIN)
def test_steps_to_an_epoch_take_the_closed_form(name):
    found = []
    for library in LIBRARIES:
        optimizer = optimizer_of(library)
        schedule = SCHEDULES[name](library[2], optimizer)
        optimizer.step()
        rates = []
        for epoch in (1, 2, 3, 10, 11, 5, 40, 41, 0):
            schedule.step(epoch)
            rates.append((schedule.get_last_lr(), settings_of(optimizer)))
        schedule.step()
        found.append([*rates, schedule.get_last_lr()])
    close(*found)


@pytest.mark.parametrize("name", PLAIN)
def test_going_on_from_an_epoch(name):
    found = []
    for library in LIBRARIES:
        optimizer = optimizer_of(library)
        schedule = SCHEDULES[name](library[2], optimizer)
        optimizer.step()
        for _ in range(9):
            schedule.step()
        kind, arguments = type(schedule), inspect.signature(type(schedule)).parameters
        given = {k: GIVEN[k] for k in arguments if k in GIVEN}
        if "cycle_momentum" in arguments:
            given["cycle_momentum"] = schedule.cycle_momentum
        again = kind(optimizer, **given, last_epoch=8)
        rates = [again.get_last_lr()]
        for _ in range(5):
            again.step()
            rates.append(again.get_last_lr())
        found.append(rates)
    close(*found)


GIVEN = {"lr_lambda": Falling(0.1), "step_size": 4, "milestones": [3, 10], "gamma": 0.9, "T_max": 11, "T_0": 4}
GIVEN |= {"base_lr": 0.1, "max_lr": 0.2, "step_size_up": 4, "total_steps": 30}


@pytest.mark.parametrize("fractions", [False, True])
def test_restarts_at_fractions_of_epochs(fractions):
    found = []
    for library in LIBRARIES:
        optimizer = optimizer_of(library)
        schedule = library[2].lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, T_mult=2 if fractions else 1)
        rates = []
        for k in range(80):
            schedule.step(k / 4)
            rates.append(schedule.get_last_lr())
        found.append(rates)
    close(*found)


PLATEAUS = [
    {},
    {"patience": 2},
    {"mode": "max", "factor": 0.5, "patience": 1},
    {"patience": 0, "threshold": 0.1, "threshold_mode": "abs"},
    {"mode": "max", "patience": 0, "threshold": 0.01, "threshold_mode": "abs", "cooldown": 3},
    {"mode": "max", "patience": 3, "threshold": 0.2},
    {"patience": 0, "min_lr": [0.05, 0.001], "cooldown": 1},
    {"patience": 0, "min_lr": 0.01, "eps": 0.02},
]


@pytest.mark.parametrize("settings", PLATEAUS, ids=str)
def test_plateaus(settings, rng):
    losses = (1 / (1 + 0.3 * rng.random(STEPS).cumsum()) + 0.1 * rng.standard_normal(STEPS)).tolist()
    losses[7], losses[30] = float("nan"), float("inf")
    found = []
    for library in LIBRARIES:
        optimizer = optimizer_of(library)
        schedule = library[2].lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        rates = []
        for k, loss in enumerate(losses):
            schedule.step(library[0].tensor(loss) if k % 2 else loss)
            rates.append((schedule.get_last_lr(), schedule.num_bad_epochs, schedule.in_cooldown))
        found.append([rates, schedule.state_dict()])
        again = library[2].lr_scheduler.ReduceLROnPlateau(optimizer)
        again.load_state_dict(schedule.state_dict())
        assert again.state_dict() == schedule.state_dict()
    close(*found)


def test_plateaus_of_groups_added_later():
    for lib, module, optimizers in LIBRARIES:
        for least in (0.05, [0.05, 0.05]):
            optimizer = optimizer_of((lib, module, optimizers))
            schedule = optimizers.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=least)
            optimizer.add_param_group({"params": [module.Parameter(lib.ones(1))]})
            schedule.step(1.0)
            if isinstance(least, list):
                with pytest.raises(RuntimeError):
                    schedule.step(1.0)
            else:
                schedule.step(1.0)
                assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.05, 0.05]


@pytest.mark.parametrize("name", ["StepLR", "ExponentialLR", "CosineAnnealingLR", "LambdaLR", "OneCycleLR", "CyclicLR"])
def test_rates_that_are_tensors_stay_the_same_tensor(name):
    arguments = {
        "StepLR": {"step_size": 3},
        "ExponentialLR": {"gamma": 0.9},
        "CosineAnnealingLR": {"T_max": 7},
        "LambdaLR": {"lr_lambda": Falling(0.1)},
        "OneCycleLR": {"max_lr": 0.5, "total_steps": 30},
        "CyclicLR": {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 4},
    }[name]
    found = []
    for lib, module, optimizers in LIBRARIES:
        p = module.Parameter(lib.ones(2, dtype=lib.float64))
        p.grad = lib.ones(2, dtype=lib.float64)
        rate = lib.tensor(0.25, dtype=lib.float64)
        optimizer = optimizers.Adam([p], lr=rate) if lib is ag else optimizers.Adam([p], lr=rate, foreach=False)
        schedule = getattr(optimizers.lr_scheduler, name)(optimizer, **arguments)
        rates = []
        for _ in range(20):
            optimizer.step()
            schedule.step()
            rates.append(rate.item())
        assert optimizer.param_groups[0]["lr"] is rate
        found.append([rates, p.tolist()])
    close(*found)


# ---------------------------------------------------------------------- arguments, warnings, errors

NAMES = (
    "LRScheduler LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR SequentialLR PolynomialLR "
    "CosineAnnealingLR ChainedScheduler CyclicLR OneCycleLR CosineAnnealingWarmRestarts ReduceLROnPlateau"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_named_ordered_and_preset_as_in_pytorch(name):
    found = [inspect.signature(getattr(lib.lr_scheduler, name)).parameters.values() for lib in (optim, torch.optim)]
    mine, theirs = [[(p.name, p.kind, p.default) for p in parameters] for parameters in found]
    assert mine == theirs


def caught(act):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        act()
    return [w.category for w in seen]


def test_warnings_come_where_pytorchs_do():
    found = []
    for lib, module, optimizers in LIBRARIES:
        schedules = optimizers.lr_scheduler
        make = lambda lib=lib, module=module, optimizers=optimizers: optimizer_of((lib, module, optimizers))
        early = schedules.StepLR(make(), 3)
        optimizer = make()
        first = schedules.StepLR(optimizer, 3)
        stepped_before = make()
        stepped_before.step()
        late = schedules.StepLR(stepped_before, 3)
        seen = [
            caught(early.step),
            caught(early.step),
            caught(optimizer.step),
            caught(first.step),
            caught(late.step),
            caught(schedules.ExponentialLR(optimizer, 0.9).step),
            caught(first.get_lr),
            caught(lambda first=first: first.step(4)),
            caught(schedules.CosineAnnealingWarmRestarts(make(), 3).step),
            caught(lambda schedules=schedules, make=make: schedules.ReduceLROnPlateau(make()).step(1.0, 3)),
        ]
        found.append(seen)
    assert found[0] == found[1]


REFUSED = [
    (TypeError, lambda lib, o: lib.lr_scheduler.StepLR([], 3)),
    (TypeError, lambda lib, o: lib.lr_scheduler.ReduceLROnPlateau([])),
    (TypeError, lambda lib, o: lib.lr_scheduler.CyclicLR([], 0.1, 0.2)),
    (TypeError, lambda lib, o: lib.lr_scheduler.OneCycleLR([], 0.1, 3)),
    (KeyError, s("StepLR", 3, last_epoch=4)),
    (ValueError, s("LambdaLR", [abs])),
    (TypeError, s("MultiplicativeLR", 3)),
    (ValueError, s("MultiplicativeLR", [abs])),
    (ValueError, s("ConstantLR", factor=1.5)),
    (ValueError, s("ConstantLR", factor=-0.5)),
    (ValueError, s("LinearLR", start_factor=0)),
    (ValueError, s("LinearLR", start_factor=1.5)),
    (ValueError, s("LinearLR", end_factor=-0.1)),
    (ValueError, s("LinearLR", end_factor=1.1)),
    (ValueError, s("CosineAnnealingWarmRestarts", 0)),
    (ValueError, s("CosineAnnealingWarmRestarts", 2.5)),
    (ValueError, s("CosineAnnealingWarmRestarts", 3, T_mult=0)),
    (ValueError, s("CosineAnnealingWarmRestarts", 3, eta_min="low")),
    (ValueError, lambda lib, o: lib.lr_scheduler.CosineAnnealingWarmRestarts(o, 3).step(-1)),
    (ValueError, s("CyclicLR", [0.1], 0.2)),
    (ValueError, s("CyclicLR", 0.1, [0.2])),
    (ValueError, s("CyclicLR", 0.1, 0.2, mode="square")),
    (ValueError, lambda lib, o: lib.lr_scheduler.CyclicLR(lib.Adagrad(o.param_groups[0]["params"]), 0.1, 0.2)),
    (ValueError, s("OneCycleLR", 0.1)),
    (ValueError, s("OneCycleLR", 0.1, epochs=3)),
    (ValueError, s("OneCycleLR", 0.1, total_steps=0)),
    (ValueError, s("OneCycleLR", 0.1, total_steps=2.5)),
    (ValueError, s("OneCycleLR", 0.1, epochs=-1, steps_per_epoch=3)),
    (ValueError, s("OneCycleLR", 0.1, epochs=1, steps_per_epoch=0)),
    (ValueError, s("OneCycleLR", 0.1, 10, pct_start=1.5)),
    (ValueError, s("OneCycleLR", 0.1, 10, pct_start=1)),
    (ValueError, s("OneCycleLR", 0.1, 10, anneal_strategy="square")),
    (ValueError, s("OneCycleLR", [0.1], 10)),
    (ValueError, lambda lib, o: lib.lr_scheduler.OneCycleLR(lib.Adagrad(o.param_groups[0]["params"]), 0.1, 10)),
    (ValueError, sequential([])),
    (ValueError, sequential([3], s("StepLR", 3))),
    (ValueError, sequential([3], s("StepLR", 3), s("ReduceLROnPlateau"))),
    (ValueError, lambda lib, o: lib.lr_scheduler.SequentialLR(lib.SGD(o.param_groups[0]["params"]), [s("StepLR", 3)(lib, o)], [])),
    (TypeError, lambda lib, o: lib.lr_scheduler.SequentialLR(o, [3], [])),
    (ValueError, lambda lib, o: lib.lr_scheduler.ChainedScheduler([])),
    (ValueError, chained(s("StepLR", 3), s("ReduceLROnPlateau"))),
    (ValueError, s("ReduceLROnPlateau", factor=1.0)),
    (ValueError, s("ReduceLROnPlateau", mode="middle")),
    (ValueError, s("ReduceLROnPlateau", threshold_mode="middle")),
    (ValueError, s("ReduceLROnPlateau", min_lr=[0.1])),
    (ValueError, swa([0.1])),
    (ValueError, swa(0.1, anneal_epochs=-1)),
    (ValueError, swa(0.1, anneal_epochs=1.5)),
    (ValueError, swa(0.1, anneal_strategy="square")),
]


@pytest.mark.parametrize("k", range(len(REFUSED)))
def test_what_makes_no_sense_is_refused_as_in_pytorch(k):
    wanted, make = REFUSED[k]
    for library in LIBRARIES:
        optimizer = optimizer_of(library)
        before = settings_of(optimizer)
        with pytest.raises(wanted):
            make(library[2], optimizer)
        if library[0] is ag and not {"initial_lr"} & set(optimizer.param_groups[0]):
            assert settings_of(optimizer) == before


def test_a_step_too_many_of_one_cycle():
    for library in LIBRARIES:
        optimizer = optimizer_of(library)
        schedule = library[2].lr_scheduler.OneCycleLR(optimizer, 0.1, 3)
        optimizer.step()
        for _ in range(3):
            schedule.step()
        with pytest.raises(ValueError, match="3"):
            schedule.step()
