"""The learning rates that a schedule will set."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from . import style


def schedule(
    scheduler: Any,
    steps: int,
    *,
    metrics: Sequence[float] | None = None,
    log: bool = False,
    xlabel: str = "step",
    title: str = "Learning rate",
    theme: str = "light",
    ax: Any = None,
) -> Any:
    """The learning rates of the next `steps` steps: of a scheduler, of a function without arguments that makes one, or a dict of such.

    The scheduler and its optimizer stay as they are: a copy is stepped. One that looks at the loss (ReduceLROnPlateau) is given
    `metrics`, one number a step. Each group of parameters with rates of its own has its line.
    Raises TypeError for what has no `step` and optimizer, ValueError for steps below 1, too few metrics and an empty dict.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"schedule: steps is a number, 1 or more, got {steps!r}")
    if metrics is not None and len(metrics) < steps - 1:
        raise ValueError(f"schedule: {len(metrics)} metrics for {steps} steps: {steps - 1} are needed")
    named = dict(scheduler) if isinstance(scheduler, Mapping) else {"": scheduler}
    if not named:
        raise ValueError("schedule: there is no scheduler in the dict")
    lines: dict[str, list[float]] = {}
    for name, one in named.items():
        for k, group in enumerate(found := _distinct(rates(one, steps, metrics))):
            lines[", ".join(filter(None, [str(name), f"group {k}" if len(found) > 1 else ""]))] = group
    figure, (axes,), look = style.canvas("schedule", theme, ax, 3.2)
    style.dress(axes, look, title, xlabel, "learning rate")
    for k, (label, line) in enumerate(lines.items()):
        colour, dashes = look.cycle[k % len(look.cycle)], style.DASHES[k % len(style.DASHES)]
        axes.plot(range(steps), line, color=colour, linestyle=dashes, linewidth=1.8, label=style.label(label), drawstyle="steps-post")
    if log:
        style.logarithmic(axes)
    else:
        axes.set_ylim(bottom=min(0.0, min(map(min, lines.values()))))
    if len(lines) > 1:
        style.legend(axes, look)
    return figure


def _distinct(groups: list[list[float]]) -> list[list[float]]:
    """The groups' rates, or those of one if all have the same."""
    return groups[:1] if all(group == groups[0] for group in groups) else groups


def rates(scheduler: Any, steps: int, metrics: Sequence[float] | None = None) -> list[list[float]]:
    """For each group of parameters the rate at each step. What is given stays as it is."""
    own = _copied(scheduler)
    found = []
    for step in range(steps):
        found.append([float(group["lr"]) for group in own.optimizer.param_groups])
        if step < steps - 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that no optimizer has made a step
                own.step(metrics[step]) if metrics is not None else own.step()
    return [list(group) for group in zip(*found, strict=True)]


def _copied(scheduler: Any) -> Any:
    """A scheduler of its own, with a copy of the optimizer's settings that shares its parameters and state."""
    made: Any = scheduler
    if callable(scheduler) and not _steps(scheduler):
        made = scheduler()
    if not _steps(made):
        raise TypeError(f"schedule: expected a scheduler, or a function without arguments that makes one, got {type(made).__name__}")
    optimizer = made.optimizer
    shared = [p for group in optimizer.param_groups for p in group["params"]]
    return copy.deepcopy(made, {**{id(p): p for p in shared}, id(optimizer.state): optimizer.state})


def _steps(value: Any) -> bool:
    return callable(getattr(value, "step", None)) and getattr(value, "optimizer", None) is not None
