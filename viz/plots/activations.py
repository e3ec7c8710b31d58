"""Activations along depth: where they grow, shrink, or die."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor
from autograd_core.tree import flatten
from nn import Module

from ..tables.untouched import copied, untouched
from . import style
from .watch import Histogram, histogram

MANY = 24  # layers whose names can still be read


def activations(model: Module, *inputs: Any, title: str = "Activations by depth", theme: str = "light") -> Any:
    """Mean, spread and share of zeros of what each layer gives for these inputs, in the order of the calls.

    Layers are modules that hold no others, or parameters of their own. The model is called once, without recording, and is as before
    afterwards.
    Raises TypeError for what is no Module, ValueError where no layer gives floating-point numbers.
    """
    if not isinstance(model, Module):
        raise TypeError(f"activations: model is a Module, got a {type(model).__name__}")
    seen = measured(model, inputs)
    if not seen:
        raise ValueError("activations: no layer gave floating-point numbers")
    figure, axes, look = style.canvas("activations", theme, None, 6.2 if title else 5.9, 1, 3)
    at = np.arange(len(seen))
    mean, deviation, zeros = (np.array([getattr(h, name) for _, h in seen]) for name in ("mean", "deviation", "zeros"))
    top, middle, bottom = axes
    style.dress(top, look, "", "", "mean ± deviation")
    top.fill_between(at, mean - deviation, mean + deviation, color=look.cycle[0], alpha=0.22, linewidth=0)
    top.plot(at, mean, color=look.cycle[0], marker="o", markersize=4, linewidth=1.6)
    style.dress(middle, look, "", "", "deviation")
    middle.plot(at, np.where(deviation > 0, deviation, np.nan), color=look.cycle[1], marker="s", markersize=4, linewidth=1.6)
    if (deviation > 0).any():
        style.logarithmic(middle)
    style.dress(bottom, look, "", "layer, in the order of the calls", "zeros, %")
    bottom.bar(at, 100 * zeros, color=look.cycle[2], width=0.6)
    bottom.set_ylim(0, 100)
    step = -(-len(seen) // MANY)
    for ax in axes:
        ax.set_xlim(-0.6, len(seen) - 0.4)
        ax.set_xticks(at[::step])
        ax.tick_params(labelbottom=ax is bottom)
    labels = [style.said(name if len(name) <= 22 else "…" + name[-21:], 140) for name, _ in seen[::step]]
    bottom.set_xticks(at[::step], labels, parse_math=False, **style.turned(45))
    style.heading(figure, look, title)
    return figure


def measured(model: Module, inputs: tuple[Any, ...]) -> list[tuple[str, Histogram]]:
    """The name of each layer that was called, and the distribution of what it gave."""
    seen: list[tuple[str, Histogram]] = []
    with untouched(model), no_grad():
        for name, module in model.named_modules():
            if not module._modules or module._parameters:
                module.register_forward_hook(_noting(seen, name))
        model(*copied(inputs))
    return seen


def _noting(seen: list[tuple[str, Histogram]], name: str) -> Any:
    def called(module: Module, args: Any, output: Any) -> None:
        first = next((t for t in flatten(output)[0] if isinstance(t, Tensor)), None)
        if first is not None and first.array.dtype.kind == "f":
            seen.append((f"{name}: {type(module).__name__}" if name else type(module).__name__, histogram(first.array, len(seen))))

    return called
