"""Schedules: what they set, what they save, and what a schedule of one's own needs."""

from __future__ import annotations

import copy
import io
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
import optim
from optim import lr_scheduler as schedules

MADE = {
    "StepLR": lambda o: schedules.StepLR(o, 3),
    "MultiStepLR": lambda o: schedules.MultiStepLR(o, [2, 5, 5]),
    "ConstantLR": lambda o: schedules.ConstantLR(o, total_iters=4),
    "LinearLR": lambda o: schedules.LinearLR(o, total_iters=9),
    "ExponentialLR": lambda o: schedules.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: schedules.PolynomialLR(o, 12, 2.0),
    "CosineAnnealingLR": lambda o: schedules.CosineAnnealingLR(o, 7),
    "CosineAnnealingWarmRestarts": lambda o: schedules.CosineAnnealingWarmRestarts(o, 3, 2),
    "CyclicLR": lambda o: schedules.CyclicLR(o, 0.1, 0.4, 3, mode="triangular2"),
    "OneCycleLR": lambda o: schedules.OneCycleLR(o, 0.4, 30),
    "ChainedScheduler": lambda o: schedules.ChainedScheduler([schedules.StepLR(o, 3), schedules.ExponentialLR(o, 0.9)]),
    "SequentialLR": lambda o: schedules.SequentialLR(o, [schedules.LinearLR(o), schedules.ExponentialLR(o, 0.9)], [5]),
    "SWALR": lambda o: optim.swa_utils.SWALR(o, 0.01, 8),
}
every = pytest.mark.parametrize("make", MADE.values(), ids=MADE)
CLOSED = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"]


def optimizer_of(**settings):
    p, q = nn.Parameter(ag.ones(2)), nn.Parameter(ag.ones(3))
    return optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.5}], lr=0.2, momentum=0.9, **settings)


def rates(optimizer):
    return [(group["lr"], group["momentum"]) for group in optimizer.param_groups]


def go(optimizer, schedule, steps):
    seen = []
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        assert schedule.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        seen.append(rates(optimizer))
    return seen


def saved_and_loaded(state):
    file = io.BytesIO()
    ag.save(state, file)
    file.seek(0)
    return ag.load(file)


@every
@pytest.mark.parametrize(
    "through",
    [lambda d: d, copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d)), saved_and_loaded],
    ids=["dict", "copy", "pickle", "file"],
)
def test_it_goes_on_as_if_never_interrupted(make, through):
    optimizer = optimizer_of()
    schedule = make(optimizer)
    go(optimizer, schedule, 6)
    saved = through((optimizer.state_dict(), schedule.state_dict()))
    other = optimizer_of()
    resumed = make(other)
    resumed.load_state_dict(saved[1])
    other.load_state_dict(saved[0])
    assert go(other, resumed, 12) == go(optimizer, schedule, 12)


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_steps_and_the_closed_form_agree(name):
    one, other = optimizer_of(), optimizer_of()
    stepped, jumped = MADE[name](one), MADE[name](other)
    other.step()
    for epoch in range(1, 21):
        go(one, stepped, 1)
        jumped.step(epoch)
        assert jumped.get_last_lr() == pytest.approx(stepped.get_last_lr(), abs=1e-12)


@given(
    top=st.floats(0.01, 1),
    up=st.integers(1, 20),
    down=st.integers(1, 20),
    low=st.floats(0, 0.005),
)
def test_cycles_stay_between_their_bounds(top, up, down, low):
    optimizer = optimizer_of()
    schedule = schedules.CyclicLR(optimizer, low, top, up, down)
    seen = go(optimizer, schedule, 2 * (up + down))
    for pairs in seen:
        for lr, momentum in pairs:
            assert low - 1e-12 <= lr <= top + 1e-12
            assert 0.8 - 1e-12 <= momentum <= 0.9 + 1e-12
    assert seen[up - 1][0] == pytest.approx((top, 0.8))
    assert seen[up + down - 1][0] == pytest.approx((low, 0.9), abs=1e-12)


def test_one_cycle_ends_where_it_says():
    optimizer = optimizer_of()
    schedule = schedules.OneCycleLR(optimizer, [0.4, 0.8], 30, div_factor=10, final_div_factor=100.0)
    assert schedule.get_last_lr() == pytest.approx([0.04, 0.08])
    seen = go(optimizer, schedule, 29)
    assert max(pair[0][0] for pair in seen) == pytest.approx(0.4)
    assert schedule.get_last_lr() == pytest.approx([0.0004, 0.0008])


def test_a_schedule_of_ones_own():
    class Harmonic(schedules.LRScheduler):
        def get_lr(self):
            return [lr / (1 + self.last_epoch) for lr in self.base_lrs]

    optimizer = optimizer_of()
    schedule = Harmonic(optimizer)
    assert [pairs[0][0] for pairs in go(optimizer, schedule, 3)] == pytest.approx([0.1, 0.2 / 3, 0.05])
    with pytest.raises(NotImplementedError, match="get_lr"):
        schedules.LRScheduler(optimizer)


def test_the_first_rate_must_not_be_skipped():
    optimizer = optimizer_of()
    schedule = schedules.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        schedule.step()
    optimizer = optimizer_of()
    optimizer.step()
    schedule = schedules.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        schedule.step()


def test_a_copy_of_an_optimizer_and_its_schedule_goes_its_own_way():
    optimizer = optimizer_of()
    schedule = schedules.ExponentialLR(optimizer, 0.5)
    other, twin = copy.deepcopy((optimizer, schedule))
    assert twin.optimizer is other
    go(other, twin, 3)
    assert rates(optimizer) == [(0.2, 0.9), (0.5, 0.9)]
    assert rates(other)[0][0] == pytest.approx(0.025)


def test_settings_that_are_refused_change_nothing():
    optimizer = optim.Adagrad([nn.Parameter(ag.ones(2))], lr=0.2)
    before = copy.deepcopy({k: v for k, v in optimizer.param_groups[0].items() if k != "params"})
    for make in (lambda o: schedules.CyclicLR(o, 0.1, 0.3), lambda o: schedules.OneCycleLR(o, 0.1, 10)):
        with pytest.raises(ValueError, match="momentum"):
            make(optimizer)
    assert {k: v for k, v in optimizer.param_groups[0].items() if k != "params"} == before


def test_plateaus_are_told_a_loss_that_was_recorded():
    optimizer = optimizer_of()
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
    loss = (optimizer.param_groups[0]["params"][0] * 2).sum()
    for _ in range(3):
        schedule.step(loss)
    assert rates(optimizer)[0][0] == 0.1
    assert math.isfinite(schedule.best)


@pytest.mark.parametrize("first", ["ChainedScheduler", "SequentialLR"])
def test_schedules_of_schedules_start_again_at_their_milestone(first):
    """As a later part, too, a schedule made of others begins from its first epoch."""
    optimizer = optimizer_of()
    parts = [schedules.ConstantLR(optimizer, 0.5, 100), MADE[first](optimizer)]
    schedule = schedules.SequentialLR(optimizer, parts, [4])
    seen = [pairs[0][0] for pairs in go(optimizer, schedule, 12)]
    assert seen[:3] == [0.1] * 3
    alone = optimizer_of()
    single = MADE[first](alone)
    begun = [rates(alone)[0][0], *[pairs[0][0] for pairs in go(alone, single, 8)]]
    assert seen[3:] == pytest.approx(begun)


def state_of(optimizer, schedule):
    return copy.deepcopy((rates(optimizer), schedule.state_dict()))


@every
def test_a_step_that_fails_changes_nothing(make):
    """A group that was added later: some schedules reckon with it, others cannot."""
    optimizer = optimizer_of()
    schedule = make(optimizer)
    go(optimizer, schedule, 2)
    optimizer.add_param_group({"params": [nn.Parameter(ag.ones(1))]})
    before = state_of(optimizer, schedule)
    try:
        schedule.step()
    except (ValueError, KeyError):
        assert state_of(optimizer, schedule) == before
    else:
        assert schedule.get_last_lr() == [group["lr"] for group in optimizer.param_groups]


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("whole", [lambda parts: parts[1], schedules.ChainedScheduler, lambda parts: in_sequence(parts)])
def test_a_function_that_fails_changes_nothing(whole, tensors):
    optimizer = optimizer_of()
    if tensors:
        for group in optimizer.param_groups:
            group["lr"] = ag.tensor(group["lr"])
    now = [group["lr"] for group in optimizer.param_groups]

    def factor(epoch):
        if len(failures) == 0 and epoch == 3:
            failures.append(epoch)
            raise ZeroDivisionError
        return 0.5**epoch

    failures = []
    schedule = whole([schedules.ExponentialLR(optimizer, 0.9), schedules.LambdaLR(optimizer, [lambda epoch: 1.0, factor])])
    while not failures:
        before = state_of(optimizer, schedule)
        optimizer.step()
        try:
            schedule.step()
        except ZeroDivisionError:
            assert state_of(optimizer, schedule) == before
    assert all(group["lr"] is lr for group, lr in zip(optimizer.param_groups, now, strict=True)) == tensors
    schedule.step()
    assert optimizer.param_groups[1]["lr"] < 0.5


def in_sequence(parts):
    return schedules.SequentialLR(parts[0].optimizer, [*parts], [2])


def test_a_plateau_without_a_bound_for_each_group_changes_nothing():
    optimizer = optimizer_of()
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.1, 0.1])
    schedule.step(1.0)
    optimizer.add_param_group({"params": [nn.Parameter(ag.ones(1))]})
    before = state_of(optimizer, schedule)
    with pytest.raises(RuntimeError, match="groups"):
        schedule.step(1.0)
    assert state_of(optimizer, schedule) == before


def test_states_that_lack_something_change_nothing():
    lacking = {
        "LambdaLR": (lambda o: schedules.LambdaLR(o, lambda epoch: 0.5), "lr_lambdas"),
        "CyclicLR": (MADE["CyclicLR"], "_scale_fn_custom"),
        "MultiStepLR": (MADE["MultiStepLR"], "milestones"),
        "SequentialLR": (MADE["SequentialLR"], "_schedulers"),
        "ChainedScheduler": (MADE["ChainedScheduler"], "_schedulers"),
    }
    for make, name in lacking.values():
        optimizer = optimizer_of()
        schedule = make(optimizer)
        before = state_of(optimizer, schedule)
        state = {**copy.deepcopy(schedule.state_dict()), "last_epoch": 77}
        with pytest.raises(KeyError):
            schedule.load_state_dict({k: v for k, v in state.items() if k != name})
        assert state_of(optimizer, schedule) == before
        if name in ("lr_lambdas", "_schedulers"):
            with pytest.raises(ValueError, match="zip"):
                schedule.load_state_dict({**state, name: state[name][:1] * 3})
            assert state_of(optimizer, schedule) == before


def test_functions_without_attributes():
    """Of a table's look-up there is nothing to save."""
    optimizer = optimizer_of()
    schedule = schedules.LambdaLR(optimizer, [1.0, 0.5, 0.25].__getitem__)
    assert schedule.state_dict()["lr_lambdas"] == [None, None]
    schedule.load_state_dict(schedule.state_dict())
    go(optimizer, schedule, 2)
    assert rates(optimizer)[0][0] == 0.05


def test_what_is_no_schedule_is_named():
    optimizer = optimizer_of()
    for make in (lambda: schedules.ChainedScheduler([3]), lambda: schedules.ChainedScheduler([schedules.StepLR(optimizer, 3), 3])):
        with pytest.raises(TypeError, match="no scheduler but a int"):
            make()


def test_no_reference_cycle_is_left(assert_no_cycles):
    def run():
        for make in MADE.values():
            optimizer = optimizer_of()
            go(optimizer, make(optimizer), 2)

    assert_no_cycles(run)
