"""The confusion matrix of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError

from . import style

MANY = 25  # classes whose numbers can still be read
MOST = 2000  # classes that are drawn at all


def confusion_matrix(
    targets: Any,
    predictions: Any,
    classes: Sequence[str] | None = None,
    *,
    normalize: bool = False,
    title: str | None = None,
    theme: str = "light",
    ax: Any = None,
) -> Any:
    """How often each class (rows) was taken for each (columns). Both are class indices (N,); predictions may be scores (N, classes).

    `classes` are names. `normalize` shows shares of each row, in per cent. The numbers are written in up to 25 classes.
    Raises ShapeError for different lengths, ValueError for negative indices, over 2,000 classes and too few names, TypeError for fractions.
    """
    true = style.array("confusion_matrix", targets, 1, "targets")
    guess = style.array("confusion_matrix", predictions, (1, 2), "predictions")
    scored = guess.shape[1] if guess.ndim == 2 else 0
    guess = guess.argmax(1) if scored else guess
    if len(true) != len(guess):
        raise ShapeError(f"confusion_matrix: {len(true)} targets, but {len(guess)} predictions")
    for what, found in (("targets", true), ("predictions", guess)):
        if found.dtype.kind == "f":
            raise TypeError(f"confusion_matrix: {what} are class indices, integers, got {found.dtype}")
        if found.min() < 0:
            raise ValueError(f"confusion_matrix: {what} are class indices from 0, got {found.min()}")
    count = max(int(true.max()) + 1, int(guess.max()) + 1, scored)
    if count > MOST:
        raise ValueError(f"confusion_matrix: {count} classes cannot be drawn: there may be {MOST}")
    if classes is not None and len(classes) < count:
        raise ValueError(f"confusion_matrix: {len(classes)} names for {count} classes")
    names = [style.said(c, 110) for c in classes] if classes is not None else [str(i) for i in range(count)]
    count = len(names)
    table = counts(true, guess, count)
    sums = table.sum(1, keepdims=True)
    shown = 100 * table / np.maximum(sums, 1) if normalize else table
    side = min(max(0.42 * count + 1.6, 4.0), style.WIDTH)
    figure, (axes,), look = style.canvas("confusion_matrix", theme, ax, side, width=min(side + 0.9, style.WIDTH))
    drawn = axes.imshow(shown, cmap=style.COLOURMAP, vmin=0, vmax=100 if normalize else max(float(shown.max()), 1))
    right = np.trace(table) / table.sum()
    told = title if title is not None else f"Confusion matrix: {100 * right:.1f} % right"
    style.dress(axes, look, told, "predicted", "true", grid=False)
    axes.spines[:].set_visible(False)
    _names(axes, names)
    if count <= MANY:
        _numbers(axes, shown, normalize, 72 * (side - 1.3) / count)
    style.colourbar(figure, drawn, axes, look, "% of the true class" if normalize else "examples")
    return figure


def counts(true: Any, guess: Any, count: int) -> np.ndarray[Any, Any]:
    """How often each pair occurs, (count, count)."""
    return np.bincount(count * true.astype(np.int64) + guess.astype(np.int64), minlength=count * count).reshape(count, count)


def _names(ax: Any, names: list[str]) -> None:
    step = -(-len(names) // 40)
    at = range(0, len(names), step)
    turned = style.turned(45) if max(map(len, names)) > 2 else {}
    ax.set_xticks(at, [names[i] for i in at], parse_math=False, **turned)
    ax.set_yticks(at, [names[i] for i in at], parse_math=False)
    ax.tick_params(length=0)


def _numbers(ax: Any, shown: Any, normalize: bool, cell: float) -> None:
    """A number in each cell that is not 0, dark on light and light on dark; cells are so many points wide."""
    top = 100 if normalize else max(float(shown.max()), 1)
    for i, j in zip(*np.nonzero(shown), strict=True):
        text = f"{shown[i, j]:.0f}" if shown[i, j] >= 1 or not normalize else "<1"
        size = max(min(11.0, 0.4 * cell, 1.3 * cell / len(text)), 5.5)
        ax.text(j, i, text, ha="center", va="center", fontsize=size, color="#FFFFFF" if shown[i, j] < 0.55 * top else "#000000")
