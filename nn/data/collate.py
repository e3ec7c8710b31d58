"""Samples put together into one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.faces.joining import stack
from autograd_core.tensor import Tensor, constant


def default_collate(batch: Any) -> Any:
    """One batch of a list of samples: Tensors and arrays are stacked along a new first dimension, numbers become a Tensor.

    Dictionaries, tuples and lists of them are collated entry by entry; strings stay a list. Python floats become float64, as
    in PyTorch. Raises TypeError for samples of other kinds, RuntimeError for samples of several shapes or lengths.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        shapes = {t.array.shape for t in batch}
        if len(shapes) > 1:
            raise ShapeError(
                f"default_collate: tensors of a batch must have one shape, got {sorted(shapes)}; pad them, or give a collate_fn"
            )
        if any(t.requires_grad for t in batch):
            return stack(list(batch))
        return constant(np.stack([t.array for t in batch]))
    if isinstance(first, np.ndarray | np.generic):
        if first.dtype.kind not in "biufc":
            raise TypeError(f"default_collate: arrays of {first.dtype} cannot become Tensors")
        return default_collate([constant(np.asarray(a)) for a in batch])
    if isinstance(first, float):
        return constant(np.array(batch, np.float64))
    if isinstance(first, int):
        return constant(np.array(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        together = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return together if type(first) is dict else type(first)(together)  # type: ignore[call-arg]
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(parts) for parts in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return [default_collate(parts) for parts in zip(*batch, strict=True)]
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}")
