"""Filters and feature maps of convolutions, as a grid of small images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from nn import Module

from . import style


def filters(weight: Any, *, limit: int = 64, columns: int | None = None, title: str | None = None, theme: str = "light") -> Any:
    """The kernels of a convolution: a module, or its weight (out, in, height, width) or (out, in, length).

    With three input channels a kernel is one image in colour, scaled by itself; else each input channel of it is an
    image, on one scale for all. Only the first `limit` images are drawn. Raises ShapeError for other weights.
    """
    if isinstance(weight, Module):
        title = title or f"Filters of {type(weight).__name__}"
        weight = weight.weight
    w = style.array("filters", weight, (3, 4), "weights")
    w = w[:, :, None] if w.ndim == 3 else w
    if w.shape[1] == 3:
        low, high = w.min((1, 2, 3), keepdims=True), w.max((1, 2, 3), keepdims=True)
        images = ((w - low) / np.maximum(high - low, 1e-12)).transpose(0, 2, 3, 1)
        labels = [str(i) for i in range(len(w))]
        told = "each scaled by itself"
    else:
        images = w.reshape(-1, *w.shape[2:])
        labels = [f"{i}" if w.shape[1] == 1 else f"{i}, {j}" for i in range(w.shape[0]) for j in range(w.shape[1])]
        columns = w.shape[1] if columns is None and 1 < w.shape[1] <= 16 else columns
        told = "number of the filter" if w.shape[1] == 1 else "number of the filter, of the input channel"
    return _grid("filters", images, labels, limit, columns, title or "Filters", told, "weight", theme)


def feature_maps(maps: Any, *, limit: int = 64, columns: int | None = None, title: str = "Feature maps", theme: str = "light") -> Any:
    """The channels (C, height, width) that a layer makes of one example, or (1, C, height, width), on one scale.

    Only the first `limit` are drawn. Raises ShapeError for other shapes.
    """
    m = style.array("feature_maps", maps, (3, 4), "maps")
    if m.ndim == 4:
        if len(m) != 1:
            raise ShapeError(f"feature_maps: maps are (channels, height, width), of one example, got shape {m.shape}: take one, maps[0]")
        m = m[0]
    return _grid("feature_maps", m, [str(i) for i in range(len(m))], limit, columns, title, "number of the channel", "activation", theme)


def _grid(what: str, images: Any, labels: list[str], limit: int, columns: int | None, title: str, told: str, unit: str, theme: str) -> Any:
    """Images side by side, with a common scale unless they are in colour."""
    if not isinstance(limit, int) or limit < 1:
        raise ValueError(f"{what}: limit is a number of images, 1 or more, got {limit!r}")
    if columns is not None and (not isinstance(columns, int) or columns < 1):
        raise ValueError(f"{what}: columns is a number, 1 or more, got {columns!r}")
    count, more = min(len(images), limit), max(len(images) - limit, 0)
    high, wide = images.shape[1:3]
    columns = min(columns or max(math.ceil(math.sqrt(count * high / wide * 2)), 1), count, 16)
    rows = -(-count // columns)
    colour = images.ndim == 4
    bar = 0.1 if colour else 1.0
    cell = min((style.WIDTH - bar) / columns, 1.0 if high > 1 else 3.3)
    height = min(max(rows * (cell * min(high / wide, 3) + 0.24) + 0.75, 1.8), 14)
    figure, axes, look = style.canvas(what, theme, None, height, columns, rows, max(columns * cell + bar, 4.0))
    shown = images[:count]
    finite = shown[np.isfinite(shown)]
    low, top = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    drawn = None
    for ax, image, label in zip(axes, shown, labels, strict=False):
        settings = {} if colour else {"cmap": style.COLOURMAP, "vmin": low, "vmax": top}
        drawn = ax.imshow(image, interpolation="nearest", aspect="auto" if high == 1 else "equal", **settings)
        ax.set_title(label, color=look.quiet, fontsize=8, pad=2)
    for ax in axes:
        ax.axis("off")
    rest = f", and {more:,} more" if more else ""
    style.heading(figure, look, title)
    figure.supxlabel(f"{told}{rest}", color=look.quiet, fontsize=9)
    if not colour:
        style.colourbar(figure, drawn, axes, look, unit)
    return figure
