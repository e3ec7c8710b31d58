"""Distributions over time, as ridges or as a heat map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import style
from .watch import KINDS, Histogram, Log, histogram

RIDGES = 14  # more lie too close to be told apart
GRID = 90  # places along the values at which distributions are compared
SMOOTH = np.array([1, 2, 3, 2, 1]) / 9  # evens out the steps of the bins in a ridge
TAIL = 0.001  # share of elements on each side that a picture may leave out


def histograms(
    snapshots: Log | Mapping[str, Sequence[Any]],
    what: str = "weights",
    names: Sequence[str] | None = None,
    *,
    kind: str = "ridge",
    limit: int = 8,
    title: str | None = None,
    theme: str = "light",
) -> Any:
    """How distributions change: of the "weights", "gradients" or "activations" of a log (`viz.plots.watch`), a panel for each.

    Instead of a log, a dict from names to lists of arrays, oldest first. `names` picks some; only the first `limit` are
    drawn. `kind="ridge"` draws a curve for each of up to 14 steps, the oldest at the top, "heat" the shares as colours, steps
    to the right. Outermost values, a thousandth of the elements on each side, may be cut off.
    Raises ValueError for an empty log, lists without finite numbers and unknown words, KeyError for unknown names.
    """
    if kind not in ("ridge", "heat"):
        raise ValueError(f"histograms: kind is 'ridge' or 'heat', got {kind!r}")
    if isinstance(snapshots, Log):
        if what not in KINDS:
            raise ValueError(f"histograms: {what!r} is not logged: there are {', '.join(KINDS)}")
        found: dict[str, list[Histogram]] = getattr(snapshots, what)
    elif isinstance(snapshots, Mapping):
        found = {n: [_of(n, v, k) for k, v in enumerate(values)] for n, values in snapshots.items()}
    else:
        raise TypeError(f"histograms: expected a log of viz.plots.watch or a dict of lists, got a {type(snapshots).__name__}")
    if missing := [n for n in names or () if n not in found]:
        raise KeyError(f"histograms: there is no {missing[0]!r}: there are {', '.join(found)}")
    found = {n: found[n] for n in names or found if any(h.counts.any() for h in found[n])}
    if not found and isinstance(snapshots, Log):
        raise ValueError(f"histograms: no {what} were logged: call the model in training mode, and its backward pass, inside of watch()")
    if not found:
        raise ValueError("histograms: there are no finite numbers in any of the lists")
    if not isinstance(limit, int) or limit < 1:
        raise ValueError(f"histograms: limit is a number of panels, 1 or more, got {limit!r}")
    shown = dict(list(found.items())[:limit])
    columns = min(len(shown), 2)
    rows = -(-len(shown) // columns)
    figure, axes, look = style.canvas("histograms", theme, None, 2.6 * rows + 0.5, columns, rows)
    for ax, (name, over_time) in zip(axes, shown.items(), strict=False):
        over_time = [h for h in over_time if h.counts.any()]
        edges = grid(over_time)
        shares = np.array([_shares(h, edges) for h in over_time])
        steps = [h.step for h in over_time]
        if kind == "ridge":
            _ridge(ax, look, name, edges, shares, steps)
        else:
            drawn = _heat(ax, look, name, edges, shares, steps)
    for unused in axes[len(shown) :]:
        unused.remove()
    rest = f" (the first {len(shown)} of {len(found)})" if len(found) > len(shown) else ""
    style.heading(figure, look, (title if title is not None else f"{what[:1].upper()}{what[1:]} over time") + rest)
    if kind == "heat":
        style.colourbar(figure, drawn, axes[: len(shown)], look, "density, share of the largest")
    return figure


def _of(name: str, values: Any, step: int) -> Histogram:
    return values if isinstance(values, Histogram) else histogram(style.array("histograms", values, range(20), f"values of {name!r}"), step)


def grid(over_time: list[Histogram]) -> np.ndarray[Any, Any]:
    """Edges of bins that hold nearly all of the elements of all steps."""
    low, high = zip(*(np.interp((TAIL, 1 - TAIL), _cumulated(h), h.edges) for h in over_time), strict=True)
    return np.linspace(min(low), max(high), GRID + 1)


def _cumulated(h: Histogram) -> np.ndarray[Any, Any]:
    return np.concatenate([[0.0], np.cumsum(h.counts) / h.counts.sum()])


def _shares(h: Histogram, edges: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The share of elements in each of the bins, as far as the histogram's own bins tell it."""
    return np.diff(np.interp(edges, h.edges, _cumulated(h), 0.0, 1.0))


def _ridge(ax: Any, look: style.Look, name: str, edges: Any, shares: Any, steps: list[int]) -> None:
    from matplotlib import colormaps

    picked = np.unique(np.linspace(0, len(steps) - 1, min(RIDGES, len(steps))).round().astype(int))
    middles = (edges[:-1] + edges[1:]) / 2
    colours = colormaps[style.COLOURMAP](np.linspace(*look.ridges, len(picked)))
    for k, (i, colour) in enumerate(zip(picked, colours, strict=True)):
        smooth = np.convolve(shares[i], SMOOTH, "same")
        height = 2.2 * smooth / smooth.max()  # each of the same height: what is compared is where they lie
        base = len(picked) - 1 - k
        ax.fill_between(middles, base, base + height, facecolor=colour, edgecolor=look.paper, linewidth=0.9, zorder=2 + k)
    style.dress(ax, look, name, "value", "step", grid=False)
    ax.spines["left"].set_visible(False)
    every = max(len(picked) // 5, 1)
    ax.set_yticks([len(picked) - 1 - k for k in range(0, len(picked), every)], [str(steps[i]) for i in picked[::every]])
    ax.tick_params(axis="y", length=0)
    ax.grid(True, axis="x", color=look.grid, linewidth=0.8)


def _heat(ax: Any, look: style.Look, name: str, edges: Any, shares: Any, steps: list[int]) -> Any:
    from matplotlib.colors import PowerNorm

    gap = (steps[-1] - steps[0]) / max(len(steps) - 1, 1) or 1
    at = np.concatenate([[steps[0] - gap / 2], (np.array(steps[1:]) + steps[:-1]) / 2, [steps[-1] + gap / 2]])
    density = shares / shares.max(axis=1, keepdims=True)
    drawn = ax.pcolormesh(at, edges, density.T, cmap=style.COLOURMAP, norm=PowerNorm(0.4, 0, 1), rasterized=True)  # a spike is not all
    style.dress(ax, look, name, "step", "value", grid=False)
    return drawn
