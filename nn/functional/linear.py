"""Products with a layer's weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops.linalg import einsum, linear
from autograd_core.ops.logic import eq
from autograd_core.ops.shape import astype, expand_dims
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, in_vmap

__all__ = ["bilinear", "linear", "one_hot"]


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Tensor:
    """input1 · weight[o] · input2 for each o: (..., A), (..., B) and weight (O, A, B) to (..., O).

    Raises ShapeError when they do not fit.
    """
    input1, input2, weight = (as_tensor("bilinear", n, v) for n, v in (("input1", input1), ("input2", input2), ("weight", weight)))
    told = f"bilinear: input1 {tuple(input1.shape)}, input2 {tuple(input2.shape)}, weight {tuple(weight.shape)}"
    if weight.ndim != 3 or input1.shape[-1:] != weight.shape[1:2] or input2.shape[-1:] != weight.shape[2:]:
        raise ShapeError(f"{told}: the inputs' last dimensions must be the weight's second and third")
    if input1.shape[:-1] != input2.shape[:-1]:
        raise ShapeError(f"{told}: the inputs' other dimensions must agree")
    out = einsum("...a,oab,...b->...o", input1, weight, input2)
    return out if bias is None else out + bias


def one_hot(tensor: Any, num_classes: int = -1) -> Tensor:
    """int64 vectors with a one where the class index says, along a new last dimension; -1 takes the largest index + 1 as their length.

    Raises RuntimeError unless the indices are integers from 0 to num_classes - 1.
    """
    indices = as_tensor("one_hot", "tensor", tensor).array
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"one_hot: class indices are integers, got {indices.dtype}; convert them first, e.g. t.long()")
    if num_classes == -1:
        if not indices.size:
            raise RuntimeError("one_hot: an empty tensor does not say how many classes there are; give num_classes")
        num_classes = int(indices.max()) + 1
    if num_classes < 1:
        raise RuntimeError(f"one_hot: num_classes must be positive, got {num_classes}")
    if in_vmap(tensor):
        return astype(eq(expand_dims(tensor, axis=-1), np.arange(num_classes)), dtype=np.dtype(np.int64))
    if indices.size and not 0 <= indices.min() <= indices.max() < num_classes:
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise RuntimeError(f"one_hot: class {wrong} is out of range for {num_classes} classes")
    return constant((indices[..., None] == np.arange(num_classes)).astype(np.int64))
