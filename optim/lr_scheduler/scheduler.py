"""`LRScheduler`: the base of the schedules."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autograd_core.tensor import Tensor

from ..optimizer import Optimizer


class LRScheduler:
    """Sets the learning rate of every group of an optimizer, at once and at every `step()`. A subclass defines `get_lr`.

    Groups remember the rate they began with as `initial_lr`. With `last_epoch` other than -1 an earlier schedule is gone on
    with, and KeyError is raised where `initial_lr` is missing. Raises TypeError for what is no Optimizer.
    """

    _is_initial = False  # is this the step that the constructor makes?
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", own(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param_groups[{k}] has no 'initial_lr', from which last_epoch={last_epoch} could go on: "
                    "load the optimizer's state first, or begin with last_epoch=-1"
                )
        self.base_lrs = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        if not optimizer._scheduled:
            optimizer._scheduled, optimizer._opt_called = True, False
        self._initial_step()

    # ------------------------------------------------------------------ the rule

    def get_lr(self) -> list[Any]:
        """The rates for `last_epoch`, a list with one for each group; `get_last_lr` says what they are now."""
        if not self._get_lr_called_within_step:
            warnings.warn("get_lr computes the next rates, step by step: what they are now says `get_last_lr()`", UserWarning, stacklevel=2)
        return self._rates()

    def _rates(self) -> list[Any]:
        raise NotImplementedError("abstract: an LRScheduler defines get_lr")

    def _get_closed_form_lr(self) -> list[Any]:
        """The rates for `last_epoch`, whatever they were before."""
        return self.get_lr()

    # ------------------------------------------------------------------ steps

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def step(self, epoch: int | None = None) -> None:
        """Go on by one (or, which is deprecated, to `epoch`). Warns where the optimizer has not made a step before.

        After an error the schedule and the rates are what they were.
        """
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(), so the first rate of the schedule is never used: "
                "call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        if epoch is not None:
            warn_of_epoch()
        with all_or_nothing(self):
            self._step_count += 1
            self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                rates = self._get_closed_form_lr()
        finally:
            self._get_lr_called_within_step = False
        self._apply(rates)

    def _apply(self, rates: Iterable[Any]) -> None:
        rates, groups = list(rates), self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(f"{type(self).__name__}: {len(rates)} rates for {len(groups)} groups; it does not know those added later")
        for group, rate in zip(groups, rates):
            set_value(group, "lr", rate)
        self._last_lr = values(self.optimizer, "lr")

    def get_last_lr(self) -> list[Any]:
        """The rates as they were last set."""
        return self._last_lr

    def _lrs(self) -> list[Any]:
        return values(self.optimizer, "lr")

    def _parts(self) -> list[LRScheduler]:
        """The schedules that this one is made of."""
        return []

    # ------------------------------------------------------------------ saving and loading

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer, under PyTorch's names."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. The optimizer's own state, with its rates, is loaded by itself."""
        self.__dict__.update(state_dict)


def check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


@contextmanager
def all_or_nothing(scheduler: LRScheduler) -> Iterator[None]:
    """After an error in here the schedule, its parts, and its optimizer's settings are what they were."""
    kept = [(part.__dict__, dict(part.__dict__)) for part in (scheduler, *scheduler._parts())]
    kept += [(group, dict(group)) for group in scheduler.optimizer.param_groups]
    rates = values(scheduler.optimizer, "lr")  # which are written in place where they are tensors
    try:
        yield
    except BaseException:
        for now, before in kept:
            now.clear()
            now.update(before)
        for group, rate in zip(scheduler.optimizer.param_groups, rates):
            set_value(group, "lr", rate)
        raise


def warn_of_epoch() -> None:
    warnings.warn("step(epoch) is deprecated: call step() once for each epoch", UserWarning, stacklevel=3)


def own(value: Any) -> Any:
    """A copy, where the value is a Tensor."""
    return value.clone() if isinstance(value, Tensor) else value


def values(optimizer: Optimizer, key: str) -> list[Any]:
    """This setting of all groups."""
    return [own(group[key]) for group in optimizer.param_groups]


def set_value(group: dict[str, Any], key: str, value: Any) -> None:
    """Change a setting; a Tensor stays the same Tensor."""
    if isinstance(group[key], Tensor):
        group[key].fill_(value.item() if isinstance(value, Tensor) else value)
    else:
        group[key] = value


def for_each_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group, given as one for all or as a list. Raises ValueError for a list of another length."""
    if not isinstance(value, list | tuple):
        value = [value] * len(optimizer.param_groups)
    if len(value) != len(optimizer.param_groups):
        raise ValueError(f"{name} has {len(value)} values for {len(optimizer.param_groups)} groups of parameters")
    return [own(v) for v in value]


def state_of(function: Callable[..., Any] | None) -> dict[str, Any] | None:
    """What can be saved of a function: the attributes of a callable object, of a plain or built-in function nothing."""
    plain = types.FunctionType | types.BuiltinFunctionType
    return None if function is None or isinstance(function, plain) else function.__dict__.copy()
