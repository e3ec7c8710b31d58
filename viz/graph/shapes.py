"""The shapes of results, as far as they follow from those of the arguments."""

from __future__ import annotations

from typing import Any

import numpy as np


def shape_of(name: str, shapes: list[Any], settings: dict[str, Any]) -> Any:
    """The shape of an operation's result, None if unknown."""
    if name in ("broadcast_to", "repeat_to", "sum_to"):
        return settings["target"]
    if name == "reshape":
        return settings["shape"]
    if any(s is None for s in shapes):
        return None
    if name == "getitem":
        return np.broadcast_to(np.empty(()), shapes[0])[settings["index"]].shape
    if name == "einsum":
        lengths = {letter: n for term, shape in zip(settings["terms"], shapes, strict=True) for letter, n in zip(term, shape, strict=True)}
        return tuple(lengths[letter] for letter in settings["result"])
    if name in ("sum", "mean", "var"):
        return reduced(shapes[0], settings.get("axis"), settings.get("keepdims", False))
    if name == "expand_dims":
        return np.expand_dims(np.broadcast_to(np.empty(()), shapes[0]), settings["axis"]).shape
    if name == "attention_weights":
        return (*shapes[0][:-1], shapes[1][-2])
    if name in ("solve", "solve_triangular"):
        return (*np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2]), *shapes[1][-2:])
    if name in CHANGE_SHAPE:
        return None
    if name == "mT":
        return (*shapes[0][:-2], shapes[0][-1], shapes[0][-2])
    if name == "matmul":
        return (*np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2]), shapes[0][-2], shapes[1][-1])
    return shapes[0] if all(shape == shapes[0] for shape in shapes) else tuple(np.broadcast_shapes(*shapes))


def reduced(shape: tuple[int, ...], axis: Any, keepdims: bool) -> tuple[int, ...]:
    """The shape of a reduction's result."""
    axes = range(len(shape)) if axis is None else [a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))]
    return tuple(1 if k in axes else n for k, n in enumerate(shape) if keepdims or k not in axes)


CHANGE_SHAPE = set(
    "convolution transposed_convolution correlation "
    "max_pool into_largest from_largest largest_places mean_pool spread columns overlap resample border add_border "
    "amax amin std norm logsumexp squeeze transpose getitem put gather scatter_add crop embed pad concat "
    "scatter scatter_prod scatter_extreme last_at index_select index_add windows overlap_add strided "
    "einsum diagonal diagonal_embed overwrite put_back write_view cleared one_hot view_as_real view_as_complex mH "
    "permuted permuted_back over_gaps over_values determined of_distinct "
    "first_columns first_of pad_columns excess fftn ifftn rfft irfft frames overlap_add mirrored".split()
)
