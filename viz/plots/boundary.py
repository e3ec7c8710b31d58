"""Where a classifier of points in the plane draws its line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd_core.creation import tensor
from autograd_core.errors import ShapeError
from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor
from nn import Module

from ..tables.untouched import untouched
from . import style


def decision_boundary(
    model: Callable[[Tensor], Any],
    x: Any,
    y: Any,
    *,
    points: int = 200,
    title: str = "Decision boundary",
    theme: str = "light",
    ax: Any = None,
) -> Any:
    """The classes that `model` sees around the points x (N, 2), which are drawn by their classes y (N,).

    The model, a Module or a function, takes such points, in x's dtype, and gives scores (N, classes), or (N,) or (N, 1) that are
    positive for class 1. A Module is run in eval mode, and is as before afterwards. The fainter a colour, the less sure the
    model is. `points` is how many places along each axis are asked.
    Raises ShapeError for other shapes, ValueError for points that are not finite, labels that are no classes,
    and scores that are NaN.
    """
    at = style.array("decision_boundary", x, 2, "points x")
    labels = style.array("decision_boundary", y, (1, 2), "labels y")
    if at.shape[1] != 2 or labels.shape not in ((len(at),), (len(at), 1)):
        raise ShapeError(f"decision_boundary: points x are (N, 2) and labels y (N,), got {at.shape} and {labels.shape}")
    classes = labels.ravel()
    if not np.isfinite(at).all():
        raise ValueError("decision_boundary: points x are finite numbers")
    if not np.isfinite(classes).all() or (classes != classes.astype(np.int64)).any() or classes.min() < 0:
        raise ValueError("decision_boundary: labels y are classes, whole numbers from 0")
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise ValueError(f"decision_boundary: points is a number, 2 or more, got {points!r}")
    low, high = at.min(0), at.max(0)
    room = 0.12 * np.maximum(high - low, 1e-6)
    axis = [np.linspace(a, b, points) for a, b in zip(low - room, high + room, strict=True)]
    places = np.stack([m.ravel() for m in np.meshgrid(*axis)], 1).astype(at.dtype if at.dtype.kind == "f" else np.float32)
    shares = _shares(model, places)
    figure, (axes,), look = style.canvas("decision_boundary", theme, ax, 4.6)
    best = shares.argmax(1).reshape(points, points)
    hues = np.array([_rgb(look.cycle[k % len(look.cycle)]) for k in range(shares.shape[1])])
    paper, sure = _rgb(look.paper), (shares.max(1) - 1 / shares.shape[1]) / (1 - 1 / shares.shape[1])
    strength = (0.12 + 0.38 * sure)[:, None]
    image = (strength * hues[best.ravel()] + (1 - strength) * paper).reshape(points, points, 3)
    extent = (axis[0][0], axis[0][-1], axis[1][0], axis[1][-1])
    style.dress(axes, look, title, "x₁", "x₂", grid=False)
    axes.imshow(image, origin="lower", extent=extent, aspect="auto", interpolation="nearest")
    for k in range(shares.shape[1]):
        if (best == k).any() and (best != k).any():
            lead = shares[:, k] - np.delete(shares, k, axis=1).max(1)
            axes.contour(axis[0], axis[1], lead.reshape(points, points), [0.0], colors=look.ink, linewidths=1.2)
    for k in np.unique(classes.astype(np.int64)):
        colour, marker = look.cycle[k % len(look.cycle)], style.MARKERS[k % len(style.MARKERS)]
        mine = classes == k
        axes.scatter(*at[mine].T, s=26, color=colour, marker=marker, edgecolors=look.paper, linewidths=0.8, label=f"class {k}", zorder=3)
    style.legend(axes, look, frameon=True, facecolor=look.paper, edgecolor=look.grid, loc="best")
    return figure


def _shares(model: Callable[[Tensor], Any], places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The probability of each class at each place, (places, classes)."""
    with untouched(model) if isinstance(model, Module) else nullcontext(), no_grad(), np.errstate(all="ignore"):
        if isinstance(model, Module):
            model.eval()
        given = model(tensor(places))
    scores = given.numpy() if isinstance(given, Tensor) else np.asarray(given)
    if scores.shape[:1] != places.shape[:1] or scores.ndim > 2 or 0 in scores.shape:
        raise ShapeError(f"decision_boundary: for points {places.shape} the model gave shape {scores.shape}, not a row of scores for each")
    if np.isnan(scores).any():
        raise ValueError("decision_boundary: the model gave NaN")
    scores = np.clip(scores.reshape(len(places), -1).astype(np.float64), -1e100, 1e100)
    if scores.shape[1] == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    exponents = np.exp(scores - scores.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def _rgb(colour: str) -> np.ndarray[Any, Any]:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
