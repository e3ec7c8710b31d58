"""The loss around the weights that a model has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.modes import no_grad
from autograd_core.random import own_generator
from autograd_core.tensor import Tensor, constant
from nn import Module, Parameter

from ..tables.untouched import untouched
from . import style


def loss_landscape(
    model: Module,
    loss_fn: Callable[[Module], Any],
    *,
    dimensions: int = 2,
    points: int = 21,
    span: float = 1.0,
    seed: int = 0,
    title: str = "Loss landscape",
    theme: str = "light",
    ax: Any = None,
) -> Any:
    """The loss along one or two random directions from the model's weights: a curve, or a map with lines of equal loss.

    `loss_fn(model)` gives the loss, a number, and uses the parameters of the model that it is given. A direction has in each
    filter (row of a weight) as large a norm as the weights there, and is 0 for biases and normalisations, so `span=1`
    goes as far as the weights are large. There are `points` places a direction. Each is given the same random numbers
    and the same buffers. Modes, parameters, buffers and random numbers are as before afterwards; the directions come of `seed`.
    Raises TypeError for a loss that is no number, ValueError for numbers out of range, for a loss of several elements and
    where it is finite nowhere.
    Source: Li et al., "Visualizing the Loss Landscape of Neural Nets" (2018), arXiv:1712.09913.
    """
    if not isinstance(model, Module):
        raise TypeError(f"loss_landscape: model is a Module, got a {type(model).__name__}")
    if dimensions not in (1, 2):
        raise ValueError(f"loss_landscape: dimensions is 1 or 2, got {dimensions!r}")
    if isinstance(points, bool) or not isinstance(points, int) or points < 3:
        raise ValueError(f"loss_landscape: points is a number, 3 or more, got {points!r}")
    if not 0 < span < np.inf:
        raise ValueError(f"loss_landscape: span is positive, got {span!r}")
    height, width = (3.4, style.WIDTH) if dimensions == 1 else (4.6, 6.1)
    figure, (axes,), look = style.canvas("loss_landscape", theme, ax, height, width=width)
    at = np.linspace(-span, span, points)
    values = losses(model, loss_fn, at, dimensions, seed)
    if not np.isfinite(values).any():
        raise ValueError("loss_landscape: the loss is NaN or infinite at all points; take a smaller span")
    unit = "direction 1, in norms of the weights"
    if dimensions == 1:
        style.dress(axes, look, title, unit, "loss")
        axes.plot(at, np.where(np.isfinite(values), values, np.nan), color=look.cycle[0], linewidth=1.8)
        axes.plot([0], [_here(values, at)], "o", color=look.cycle[1], markersize=7, label=f"the model: {_here(values, at):.4g}")
        style.legend(axes, look)
        return figure
    _map(figure, axes, look, at, values)
    style.dress(axes, look, title, unit, "direction 2", grid=False)
    axes.plot([0], [0], "o", color="#FFFFFF", markeredgecolor="#000000", markersize=8, label=f"the model: {_here(values, at):.4g}")
    style.legend(axes, look, frameon=True, facecolor=look.paper, edgecolor=look.grid, loc="upper right")
    return figure


def _here(values: Any, at: Any) -> float:
    """The loss at the place nearest to the model itself."""
    middle = int(np.abs(at).argmin())
    return float(values[(middle,) * values.ndim])


def losses(model: Module, loss_fn: Callable[[Module], Any], at: np.ndarray[Any, Any], dimensions: int, seed: int) -> np.ndarray[Any, Any]:
    """The loss at each place, (points,) or (points, points): the first direction to the right, the second upwards."""
    rng = np.random.default_rng(seed)
    with untouched(model), no_grad():
        twins = _twins(model)
        first = [p.array.copy() for p in twins]
        ways = [[direction(w, rng) for w in first] for _ in range(dimensions)]
        buffers = [(b.array, b.array.copy()) for b in model.buffers()]
        stream = own_generator().get_state()
        values = np.empty((len(at),) * dimensions)
        for place in np.ndindex(*values.shape):
            steps = [at[i] for i in reversed(place)]
            for k, (twin, weight) in enumerate(zip(twins, first, strict=True)):
                twin.array[...] = weight + sum(step * way[k] for step, way in zip(steps, ways, strict=True))
            for now, before in buffers:
                now[...] = before
            own_generator().set_state(stream)
            values[place] = _number(loss_fn(model))
    return values


def _twins(model: Module) -> list[Tensor]:
    """Copies of the model's parameters, put in their places."""
    twins: dict[int, Tensor] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                twin = twins.setdefault(id(parameter), Parameter(constant(parameter.array.copy()), requires_grad=parameter.requires_grad))
                module._parameters[name] = twin  # type: ignore[assignment]
    return list(twins.values())


def direction(weight: np.ndarray[Any, Any], rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """A random direction whose norm in each filter is that of the weight there; 0 for vectors and numbers."""
    if weight.ndim < 2:
        return np.zeros_like(weight)
    way = rng.standard_normal(weight.shape)
    axes = tuple(range(1, weight.ndim))
    norms = np.sqrt((np.abs(weight) ** 2).sum(axes, keepdims=True)) / np.sqrt((way**2).sum(axes, keepdims=True))
    return (way * norms).astype(weight.dtype)


def _number(loss: Any) -> float:
    if isinstance(loss, Tensor) and loss.array.size != 1:
        raise ValueError(f"loss_landscape: loss_fn gives a number, got shape {tuple(loss.shape)}; reduce it first, e.g. with .mean()")
    value = loss.item() if isinstance(loss, Tensor | np.ndarray) else loss
    if not isinstance(value, int | float | np.generic):
        raise TypeError(f"loss_landscape: loss_fn gives a number, got a {type(value).__name__}")
    return float(value)


def _map(figure: Any, ax: Any, look: style.Look, at: Any, values: Any) -> None:
    """Filled contours with lines, by powers where the loss spans more than a factor of 50."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import MaxNLocator

    shown = np.ma.masked_invalid(values)
    low, high = float(shown.min()), float(shown.max())
    if low > 0 and high / low > 50:
        levels: Any = np.geomspace(low, high, 15)
        norm: Normalize = LogNorm(low, high)
    else:
        levels = MaxNLocator(14).tick_values(low, high) if high > low else np.array([low - 0.5, low + 0.5])
        norm = Normalize(levels[0], levels[-1])
    drawn = ax.contourf(at, at, shown, levels, norm=norm, cmap=style.COLOURMAP)
    if high > low:
        inks = ["#FFFFFF" if norm(v) < 0.6 else "#1A1A1A" for v in levels[::2]]
        lines = ax.contour(at, at, shown, levels[::2], colors=inks, linewidths=0.7)
        for text in ax.clabel(lines, fontsize=8, fmt=lambda v: f"{v:.3g}"):
            if np.abs(text.get_position()).max() > 0.88 * at[-1]:  # half of it would be cut off
                text.remove()
    ax.set_aspect("equal")
    bar = style.colourbar(figure, drawn, ax, look, "loss")
    bar.set_ticks(levels[::2], labels=[f"{v:.3g}" for v in levels[::2]])
    bar.minorticks_off()
