"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, all_or_nothing, set_value, values


class _Combined(LRScheduler):
    """Schedules of one optimizer, saved and loaded with the whole."""

    _schedulers: Sequence[LRScheduler]

    def _check(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        """All are schedules of this optimizer, or of the first one's."""
        kind = type(self).__name__
        if not schedulers:
            raise ValueError(f"{kind}: there is no scheduler")
        for k, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"{kind}: number {k} is no scheduler but a {type(scheduler).__name__}")
            optimizer = scheduler.optimizer if optimizer is None else optimizer
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{kind}: number {k} is ReduceLROnPlateau, whose steps need to be told a loss; call it by itself")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{kind}: all schedulers belong to one optimizer, but number {k} has another")

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. Raises ValueError, and changes nothing, for another number of schedules."""
        with all_or_nothing(self):
            super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
            for scheduler, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
                scheduler.load_state_dict(saved)

    def _parts(self) -> list[LRScheduler]:
        return [part for scheduler in self._schedulers for part in (scheduler, *scheduler._parts())]


class SequentialLR(_Combined):
    """Each of the `schedulers` in its turn; the next begins, at its epoch 0, at each of the `milestones`.

    Raises ValueError for no scheduler, one of another optimizer, ReduceLROnPlateau, or milestones that are not one less,
    TypeError for what is no scheduler.
    """

    def __init__(self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1):
        self._check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(f"SequentialLR: {len(schedulers)} schedulers need one milestone less, got {len(milestones)}")
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:  # the constructors of all of them have had their say: as if they had not
            set_value(group, "lr", group["initial_lr"])
        undo(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go on by one."""
        with all_or_nothing(self):
            self._update_lr()

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        now = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[now]
        if epoch is not None or (now > 0 and self._milestones[now - 1] == self.last_epoch):
            scheduler._update_lr(self.last_epoch - (self._milestones[now - 1] if now else 0))
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """All `schedulers` at every step, each going on from the rates that the one before has set.

    Raises ValueError for no scheduler, one of another optimizer, or ReduceLROnPlateau, TypeError for what is no scheduler.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None):
        self._check(schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = schedulers[0].optimizer
        self._last_lr = values(self.optimizer, "lr")

    def step(self) -> None:  # type: ignore[override]
        """Go on by one."""
        with all_or_nothing(self):
            for scheduler in self._schedulers:
                scheduler.step()
            self._last_lr = values(self.optimizer, "lr")

    def _update_lr(self, epoch: int | None = None) -> None:
        for scheduler in self._schedulers:
            scheduler._update_lr(epoch)
        self._last_lr = values(self.optimizer, "lr")


def undo(scheduler: LRScheduler) -> None:
    """Set the schedulers inside back by the step that their constructors made."""
    if isinstance(scheduler, _Combined):
        for part in scheduler._schedulers:
            undo(part)
    else:
        scheduler.last_epoch -= 1
