"""Connectionist temporal classification: sequences of scores against shorter sequences of labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops import elementwise, shape
from autograd_core.ops.ctc import ctc_loss as of_batch
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, floats, reduced, reduction_of

__all__ = ["ctc_loss"]


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability of the labels, summed over all ways to align them with the frames.

    `log_probs` is (T, N, C) or (T, C), as log_softmax gives them. `targets` are class indices other than `blank`, (N, S) or (S), or
    one after the other for all examples (sum of target_lengths). Lengths are tensors or tuples of integers. A loss of labels that
    do not fit into the frames is infinite; `zero_infinity` makes it and its gradient zero. The mean is over the losses divided
    by the target lengths. Raises RuntimeError for lengths, labels or a blank out of range, ShapeError for shapes that do not fit.
    Source: Graves et al., Connectionist temporal classification, 2006.

    The gradient by `log_probs` is that by the scores which log_softmax made them of, as in PyTorch.
    """
    operation = "ctc_loss"
    log_probs, targets = as_tensor(operation, "log_probs", log_probs), as_tensor(operation, "targets", targets)
    reduction = reduction_of(operation, reduction)
    floats(operation, log_probs)
    if log_probs.ndim not in (2, 3):
        raise ShapeError(f"{operation}: log_probs are (T, N, C) or (T, C), got {tuple(log_probs.shape)}")
    single = log_probs.ndim == 2
    logs = shape.expand_dims(log_probs, axis=1) if single else log_probs
    time, n, classes = logs.shape
    if not time * n * classes:
        raise RuntimeError(f"{operation}: log_probs tensor must not be empty, got {tuple(log_probs.shape)}")
    if not 0 <= blank < classes:
        raise RuntimeError(f"{operation}: blank must be in label range, 0 to {classes - 1}, got {blank}")
    frames = _lengths("input_lengths", input_lengths, n, time)
    lengths = _lengths("target_lengths", target_lengths, n, None)
    labels = _padded(targets.array, lengths, classes)
    loss = of_batch(logs, *[constant(a) for a in (labels, frames, lengths)], blank=int(blank), zero_infinity=bool(zero_infinity))
    if reduction == "mean":
        loss = elementwise.div(loss, constant(np.maximum(lengths, 1).astype(loss.dtype)))
    return shape.squeeze(loss, axis=0) if single and reduction == "none" else reduced(loss, reduction)


def _lengths(name: str, lengths: Any, n: int, most: int | None) -> np.ndarray[Any, Any]:
    """One length for each example, checked."""
    if not isinstance(lengths, Tensor | np.ndarray | tuple | list):
        raise TypeError(f"ctc_loss: {name} must be a Tensor or a tuple of integers, got a {type(lengths).__name__}")
    array = np.reshape(lengths.array if isinstance(lengths, Tensor) else np.asarray(lengths), -1)
    if array.size and array.dtype.kind not in "iu":
        error = RuntimeError if isinstance(lengths, Tensor | np.ndarray) else TypeError
        raise error(f"ctc_loss: {name} must be integral, got {array.dtype}")
    if array.size != n:
        raise ShapeError(f"ctc_loss: {name} must be of size batch_size, {n}, got {array.size}")
    if array.min() < 0 or (most is not None and array.max() > most):
        raise RuntimeError(f"ctc_loss: {name} must be from 0 {'' if most is None else f'to {most} '}on, got {array.tolist()}")
    return array.astype(np.intp)


def _padded(targets: np.ndarray[Any, Any], lengths: np.ndarray[Any, Any], classes: int) -> np.ndarray[Any, Any]:
    """The labels (N, L), whatever stands behind an example's last one being 0."""
    longest, total = int(lengths.max()), int(lengths.sum())
    counts = np.arange(longest) < lengths[:, None]
    if targets.ndim == 1 and targets.size == total:
        given = targets
    elif targets.ndim == 2 and targets.shape[0] == len(lengths) and targets.shape[1] >= longest:
        given = targets[:, :longest][counts]
    else:
        raise ShapeError(
            f"ctc_loss: targets of lengths {lengths.tolist()} are ({len(lengths)}, {longest} or more), or one after the other ({total},), "
            f"got {targets.shape}"
        )
    if given.size and not 0 <= given.min() <= given.max() < classes:
        wrong = given[(given < 0) | (given >= classes)][0]
        raise RuntimeError(f"ctc_loss: target {wrong} is out of range for {classes} classes")
    labels = np.zeros(counts.shape, np.intp)
    labels[counts] = given
    return labels
