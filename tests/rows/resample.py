"""Rows of resampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.ops import resample
from autograd_core.ops.resample import Axis
from tests.rows.base import Row, apart, both

rows: list[Row] = []

CASES: dict[str, tuple[tuple[Axis, ...], dict[str, Any]]] = {  # the axes, and what they are in PyTorch's interpolate
    "nearest": ((Axis("nearest", 4, 7),), {"size": 7, "mode": "nearest"}),
    "nearest-exact": ((Axis("nearest-exact", 3, 5), Axis("nearest-exact", 4, 2)), {"size": (5, 2), "mode": "nearest-exact"}),
    "linear": ((Axis("linear", 4, 9),), {"size": 9, "mode": "linear"}),
    "linear aligned": ((Axis("linear", 3, 5, None, True), Axis("linear", 4, 3, None, True)), {"size": (5, 3), "mode": "bilinear"}),
    "linear scaled": ((Axis("linear", 4, 6, 1.7),), {"scale_factor": 1.7, "mode": "linear"}),
    "cubic": ((Axis("cubic", 3, 5), Axis("cubic", 4, 3)), {"size": (5, 3), "mode": "bicubic"}),
    "smooth": ((Axis("linear", 5, 2, None, False, True), Axis("cubic", 4, 3, None, False, True)), {}),
    "lanczos": ((Axis("lanczos", 5, 3, None, False, True), Axis("lanczos", 4, 6, None, False, True)), {"size": (3, 6), "mode": "lanczos"}),
    "area": ((Axis("area", 5, 3), Axis("area", 4, 7)), {"size": (3, 7), "mode": "area"}),
}


def filtered(axis: Axis) -> np.ndarray:
    """The map of an axis as a matrix, entry by entry from its definition."""
    step = axis.n / axis.size if axis.scale is None else 1 / axis.scale
    if axis.align:
        step = (axis.n - 1) / (axis.size - 1)
    found = np.zeros((axis.size, axis.n))
    for i, row in enumerate(found):
        centre = i * step if axis.align else (i + 0.5) * step - 0.5
        if "nearest" in axis.mode:
            row[min(int((i + 0.5 * (axis.mode == "nearest-exact")) * step), axis.n - 1)] = 1
        elif axis.mode == "area":
            row[i * axis.n // axis.size : -(-(i + 1) * axis.n // axis.size)] = 1
            row /= row.sum()
        elif axis.antialias:
            wide = max(step, 1)
            reach = {"linear": 1, "cubic": 2, "lanczos": 3}[axis.mode]
            for j in range(max(int(centre + 1 - reach * wide), 0), min(int(centre + 1 + reach * wide), axis.n)):
                row[j] = kernel(axis.mode, (j - centre) / wide, -0.5)
            row /= row.sum()
        else:
            centre = max(centre, 0) if axis.mode == "linear" else centre
            for j in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
                row[min(max(j, 0), axis.n - 1)] += kernel(axis.mode, j - centre, -0.75)
    return found


def kernel(mode: str, t: float, a: float) -> float:
    t = abs(t)
    if mode == "linear":
        return max(1 - t, 0)
    if mode == "lanczos":
        return float(np.sinc(t) * np.sinc(t / 3)) if t < 3 else 0
    return (a + 2) * t**3 - (a + 3) * t**2 + 1 if t <= 1 else a * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0


def mapped(x: np.ndarray, axes: tuple[Axis, ...], transposed: bool) -> np.ndarray:
    for k, axis in enumerate(axes, -len(axes)):
        matrix = filtered(axis)
        x = np.moveaxis(np.moveaxis(x, k, -1) @ (matrix if transposed else matrix.T), -1, k)
    return x


def in_torch(torch: Any, x: Any, axes: tuple[Axis, ...], settings: dict[str, Any]) -> Any:
    if any(a.antialias for a in axes):
        settings = {**settings, "antialias": True}
    elif "nearest" not in settings["mode"] and settings["mode"] != "area":
        settings = {**settings, "align_corners": axes[0].align}
    return torch.nn.functional.interpolate(x[None], **settings)[0]


for name, (axes, settings) in CASES.items():
    before, after = tuple(a.n for a in axes), tuple(a.size for a in axes)
    rows += [
        Row(
            f"resample.resample {name}",
            lambda x, axes=axes: resample.resample(x, axes=axes),
            both(apart(2, *before)),
            lambda x, axes=axes: mapped(x, axes, False),
            (lambda torch, x, axes=axes, settings=settings: in_torch(torch, x, axes, settings)) if settings else None,
        ),
        Row(
            f"resample.resample {name} transposed",
            lambda x, axes=axes: resample.resample(x, axes=axes, transposed=True),
            both(apart(2, *after)),
            lambda x, axes=axes: mapped(x, axes, True),
        ),
    ]
