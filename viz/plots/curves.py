"""Learning curves: losses and other measures over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import style

SPLITS = ("train", "training", "val", "valid", "validation", "test", "eval")
SHARES = ("acc", "accuracy", "precision", "recall", "f1", "top1", "top5", "error")  # drawn in per cent when they lie in 0..1


def learning_curve(
    history: Mapping[str, Sequence[float]],
    *,
    smoothing: float = 0.0,
    log: bool | None = None,
    xlabel: str = "epoch",
    title: str = "",
    theme: str = "light",
    ax: Any = None,
) -> Any:
    """Curves of `history`, a dict from names to one number an epoch: a panel for each measure, a line for each name.

    Names that differ in "train", "val", "test" only ("train_loss", "val_loss") share a panel. Accuracies and their kin are
    shown in per cent. `smoothing` in 0..1 is the share of the past in a running mean; what it smooths stays visible
    behind it. `log` makes the scales of what is no percentage logarithmic (None: where a loss falls by more than a factor of 20).
    With `ax` all lines go into that one. NaN and infinities leave gaps.
    Raises ValueError for an empty history and for smoothing out of range, ShapeError for values that are no list of numbers.
    """
    if not isinstance(history, Mapping):
        raise TypeError(f"learning_curve: history is a dict from names to lists of numbers, got a {type(history).__name__}")
    if not history:
        raise ValueError("learning_curve: the history is empty; it is a dict such as {'loss': [0.9, 0.5, 0.3]}")
    if not 0 <= smoothing < 1:
        raise ValueError(f"learning_curve: smoothing is at least 0 and below 1, got {smoothing}")
    values = {str(n): style.array("learning_curve", v, 1, f"values of {n!r}").astype(float) for n, v in history.items()}
    panels: dict[str, dict[str, Any]] = {}
    for name, curve in values.items():
        measure, label = split(name)
        panels.setdefault(measure, {})[label] = curve
    if ax is not None and len(panels) > 1:
        panels = {"": dict(values)}
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure, axes, look = style.canvas("learning_curve", theme, ax, 0.4 + 2.9 * rows if title else 2.9 * rows, columns, rows)
    for panel, (measure, curves) in zip(axes, panels.items(), strict=False):
        _panel(panel, look, measure, curves, smoothing, log, xlabel)
    for unused in axes[len(panels) :]:
        unused.remove()
    if ax is None:
        style.heading(figure, look, title)
    else:
        ax.set_title(
            style.said(title, style.room(ax)[0], 11, bold=True),
            color=look.ink,
            fontsize=11,
            fontweight="bold",
            loc="left",
            parse_math=False,
        )
    return figure


def split(name: str) -> tuple[str, str]:
    """A name as the measure and what it is measured on: "val_loss" as ("loss", "val")."""
    words = name.replace("_", " ").replace("/", " ").replace("-", " ").split()
    on = [w for w in words if w.lower() in SPLITS]
    measure = " ".join(w for w in words if w.lower() not in SPLITS)
    return measure or name, " ".join(on) or measure or name


def _panel(ax: Any, look: style.Look, measure: str, curves: dict[str, Any], smoothing: float, log: bool | None, xlabel: str) -> None:
    share = bool(set(measure.lower().split()) & set(SHARES)) and all(_inside(c) for c in curves.values())
    finite = [c[np.isfinite(c)] for c in curves.values()]
    positive = all((c > 0).all() for c in finite) and any(c.size for c in finite)
    wide = positive and max(c.max() for c in finite if c.size) > 20 * min(c.min() for c in finite if c.size)
    longest = max(map(len, curves.values()))
    style.dress(ax, look, measure[:1].upper() + measure[1:], xlabel, f"{measure}, %" if share else measure or "value")
    for k, (label, curve) in enumerate(curves.items()):
        curve = np.where(np.isfinite(curve), curve * (100 if share else 1), np.nan)
        steps = np.arange(1, len(curve) + 1)
        colour, dashes = look.cycle[k % len(look.cycle)], style.DASHES[k % len(style.DASHES)]
        if smoothing:
            ax.plot(steps, curve, color=colour, linewidth=1, alpha=0.3)
        smooth = smoothed(curve, smoothing)
        last = smooth[np.isfinite(smooth)][-1:]
        told = f": {last[0]:.1f} %" if share and last.size else f": {last[0]:.3g}" if last.size else ""
        few = {"marker": style.MARKERS[k % len(style.MARKERS)], "markersize": 4} if longest <= 12 else {}
        ax.plot(steps, smooth, color=colour, linestyle=dashes, linewidth=1.8, label=style.label(label) + told, **few)
    if not share and (log or (log is None and wide)):
        style.logarithmic(ax)
    if longest <= 12:
        ax.set_xticks(range(1, longest + 1))
    elif float(ax.get_xlim()[0]) < 0:
        ax.set_xlim(left=0)
    style.legend(ax, look)


def _inside(curve: Any) -> bool:
    finite = curve[np.isfinite(curve)]
    return bool(((finite >= 0) & (finite <= 1)).all())


def smoothed(curve: Any, share: float) -> Any:
    """The running mean of which the past is this share, started without a bias; gaps are passed over."""
    found, total, weight = np.full(len(curve), np.nan), 0.0, 0.0
    for k, value in enumerate(curve):
        if np.isfinite(value):
            total, weight = share * total + (1 - share) * value, share * weight + (1 - share)
            found[k] = total / weight
    return found
