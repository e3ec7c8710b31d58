"""What functions of this package take, checked: tensors, reductions, probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.graph import thread
from autograd_core.ops import reduce
from autograd_core.tensor import Tensor, constant

REDUCTIONS = ("none", "mean", "sum")


def as_tensor(operation: str, argument: str, value: Any) -> Tensor:
    """The Tensor, or a Tensor on the array. Raises TypeError for anything else."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return constant(value)
    told = "None" if value is None else f"a {type(value).__name__}" + (f" ({value!r:.40})" if isinstance(value, str) else "")
    raise TypeError(f"{operation}: {argument} must be a Tensor, got {told}; numbers and lists go through tensor()")


def reduction_of(operation: str, reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """The reduction, checked; PyTorch's old `size_average` and `reduce` are understood, with a warning.

    Raises ValueError unless it is "none", "mean" or "sum".
    """
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.", stacklevel=4)
    if reduction not in REDUCTIONS:
        raise ValueError(f"{operation}: {reduction!r} is not a valid value for reduction; there are {REDUCTIONS}")
    return reduction


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The losses of all elements as they are, their mean, or their sum."""
    return loss if reduction == "none" else reduce.mean(loss) if reduction == "mean" else reduce.sum(loss)


def fit(operation: str, input: Tensor, target: Tensor, stacklevel: int = 4) -> None:
    """Warn, as PyTorch does, of a target of another shape that broadcasts. Raises ShapeError where it does not."""
    if input.array.shape == target.array.shape:
        return
    shapes = f"target size {tuple(target.shape)}", f"input size {tuple(input.shape)}"
    try:
        np.broadcast_shapes(input.array.shape, target.array.shape)
    except ValueError:
        raise ShapeError(f"{operation}: {shapes[1]} and {shapes[0]} do not fit: reshape one of them") from None
    warnings.warn(
        f"Using a {shapes[0]} that is different to the {shapes[1]}. This will likely lead to incorrect results due to "
        "broadcasting. Please ensure they have the same size.",
        stacklevel=stacklevel,
    )


def same_size(operation: str, argument: str, value: Tensor, input: Tensor) -> None:
    """Raises ShapeError unless this argument has the input's shape."""
    if value.array.shape != input.array.shape:
        raise ShapeError(
            f"{operation}: {argument} size {tuple(value.shape)} must be the same as input size {tuple(input.shape)}; reshape one of them"
        )


def in_vmap(*tensors: Any) -> bool:
    """Whether one of them stands for many, so that its numbers cannot be looked at."""
    return thread.batch is not None and thread.batch.meets(tensors)


def known(operation: str, loss: Tensor, input: Tensor, target: Tensor) -> Tensor:
    """The loss, after a look at the target if the loss is not a number. Raises ValueError where the target has NaN."""
    if in_vmap(loss):
        return loss
    array = loss.array
    bad = array != array
    if (bad if array.size == 1 else bad.any()) and np.isnan(target.array).any():
        place = tuple(int(i) for i in np.argwhere(np.isnan(target.array))[0])
        raise ValueError(
            f"{operation}: the target, of shape {tuple(target.shape)}, has NaN (first at {place}), so no loss to an input of shape "
            f"{tuple(input.shape)} is defined; drop those elements, e.g. keep = ~target.isnan(); loss(input[keep], target[keep])"
        )
    return loss


def floats(operation: str, input: Tensor, kinds: str = "f") -> None:
    """Raises RuntimeError unless the input is of floating point (or complex, if `kinds` says so)."""
    if input.array.dtype.kind not in kinds:
        raise RuntimeError(f"{operation}: needs a floating-point input, got {input.dtype}; convert it first, e.g. t.float()")


def probability(operation: str, p: float) -> None:
    """Raises ValueError unless p is between 0 and 1."""
    if not 0 <= p <= 1:
        raise ValueError(f"{operation}: dropout probability has to be between 0 and 1, but got {p}")
