"""Averages of models: stochastic weight averaging and exponential moving averages.

`AveragedModel` is a Module, so this file imports `nn`; it loads when it is first asked for, and nothing else of `optim` does.
Sources: arXiv:1803.05407 for SWA; Polyak and Juditsky, 1992, for the idea.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import autograd_core as ag
import nn
from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from .lr_scheduler.scheduler import LRScheduler, for_each_group
from .optimizer import Optimizer

__all__ = [
    "AveragedModel",
    "update_bn",
    "SWALR",
    "get_ema_multi_avg_fn",
    "get_swa_multi_avg_fn",
    "get_ema_avg_fn",
    "get_swa_avg_fn",
]


class AveragedModel(nn.Module):
    """A copy of a model, `module`, whose Parameters are an average of those that `update_parameters(model)` was shown.

    The average is avg_fn(average, new, how many were averaged) of each tensor, or `multi_avg_fn(averages, news, how many)`
    changes all of one dtype in place; by default all models weigh the same. The first one is copied. `use_buffers` averages
    buffers, too, which are copied otherwise. Raises AssertionError where both functions are given.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: nn.Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[Sequence[Tensor], Sequence[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", ag.tensor(0, dtype=ag.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take the model's Parameters as they are now into the average. Raises ValueError, before any change, where shapes differ."""
        averages: list[Tensor] = list(self.module.parameters())
        news: list[Tensor] = list(model.parameters())
        kept, given = list(self.module.buffers()), list(model.buffers())
        for mine, theirs in ((averages, news), (kept, given)):
            if [tuple(t.shape) for t in mine] != [tuple(t.shape) for t in theirs]:
                raise ValueError("AveragedModel: the model's tensors do not have the shapes of those averaged so far")
        if self.use_buffers:
            averages, news, kept, given = averages + kept, news + given, [], []
        averages, news = [t.detach() for t in averages], [t.detach() for t in news]
        if self.n_averaged.item() == 0:
            copy_all(averages, news)
        elif self.avg_fn is not None:
            copy_all(averages, [self.avg_fn(average, new, self.n_averaged) for average, new in zip(averages, news)])
        else:
            average = self.multi_avg_fn or get_swa_multi_avg_fn()
            for dtype in dict.fromkeys(t.dtype for t in averages):
                alike = [k for k, t in enumerate(averages) if t.dtype == dtype]
                average([averages[k] for k in alike], [news[k] for k in alike], self.n_averaged)
        copy_all([t.detach() for t in kept], given)
        self.n_averaged += 1


def copy_all(targets: Iterable[Tensor], sources: Iterable[Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


# ---------------------------------------------------------------------- ways to average


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """decay · average + (1 - decay) · new. Raises ValueError unless the decay is between 0 and 1."""
    check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """average + (new - average) / (how many were averaged + 1)."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """get_ema_avg_fn for many tensors of one dtype at once, in place."""
    check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any) -> None:
        go_towards(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]:
    """get_swa_avg_fn for many tensors of one dtype at once, in place."""

    @no_grad()
    def swa_update(averaged_param_list: Sequence[Tensor], current_param_list: Sequence[Tensor], num_averaged: Any) -> None:
        go_towards(averaged_param_list, current_param_list, 1 / (float(num_averaged) + 1))

    return swa_update


def go_towards(averages: Sequence[Tensor], news: Sequence[Tensor], share: float) -> None:
    """average += share · (new - average); integers are rounded towards zero, as `copy_` does."""
    for average, new in zip(averages, news, strict=True):
        if average.is_floating_point() or average.is_complex():
            average.lerp_(new, share)
        else:
            average.copy_(average * (1 - share) + new * share)


def check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"decay is between 0 and 1, got {decay}")


# ---------------------------------------------------------------------- batch norm, and the schedule


@no_grad()
def update_bn(loader: Iterable[Any], model: nn.Module, device: Any = None) -> None:
    """Compute the running statistics of all BatchNorm layers anew, as means over the loader's batches.

    A batch is a Tensor, or a tuple or list of which the first entry is the input.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d)]
    if not layers:
        return
    momenta, training = [layer.momentum for layer in layers], model.training
    model.train()
    try:
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None
        for batch in loader:
            x = batch[0] if isinstance(batch, list | tuple) else batch
            model(x if device is None else x.to(device))
    finally:
        for layer, momentum in zip(layers, momenta):
            layer.momentum = momentum
        model.train(training)


class SWALR(LRScheduler):
    """To `swa_lr`, one rate or a list with one for each group, in `anneal_epochs` epochs, along a cosine or a line; then constant.

    Raises ValueError for another `anneal_strategy` than "cos" and "linear", and for a negative number of epochs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ):
        rates = for_each_group("swa_lr", optimizer, swa_lr)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f'SWALR: anneal_strategy is "cos" or "linear", got {anneal_strategy!r}')
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs is an integer of at least 0, got {anneal_epochs}")
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way is behind at this step."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def _rates(self) -> list[Any]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        return [group["swa_lr"] * now + started(group, before) * (1 - now) for group in self.optimizer.param_groups]


def started(group: Mapping[str, Any], share: float) -> Any:
    """The rate that the way began with, by where it is now."""
    return group["swa_lr"] if share == 1 else (group["lr"] - share * group["swa_lr"]) / (1 - share)
