"""Rows of a table of vectors, looked up one by one or in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.modes import no_grad
from autograd_core.ops.elementwise import mul
from autograd_core.ops.embedding import lookup
from autograd_core.ops.index import gather, index_add, index_select
from autograd_core.ops.shape import crop, expand_dims
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor, in_vmap

__all__ = ["embedding", "embedding_bag"]


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of weight (num_embeddings, D) that integers of any shape (...) name: (..., D).

    Row `padding_idx` takes no gradient. With `max_norm`, rows that are looked up and whose `norm_type`-norm is larger are
    scaled down to it, in place, first. `scale_grad_by_freq` divides a row's gradient by how often it was named. `sparse`
    changes nothing here: gradients are dense, and as quick to make.
    Raises IndexError for an index out of range, RuntimeError for indices that are not int32 or int64, ShapeError unless the
    weight is a matrix, AssertionError for a padding_idx out of range.
    """
    input, weight = _indices("embedding", "input", input), as_tensor("embedding", "weight", weight)
    if weight.array.ndim != 2:
        raise ShapeError(f"embedding: the weight must be 2-D, got {tuple(weight.shape)}")
    padding = None
    if padding_idx is not None:
        padding = from_front(padding_idx, weight.array.shape[0])
    if max_norm is not None:
        _renormalize("embedding", weight, input, max_norm, norm_type)
    return _rows(weight, input, padding, scale_grad_by_freq)


def _indices(name: str, argument: str, value: Any) -> Tensor:
    value = as_tensor(name, argument, value)
    if value.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}: {argument} must be of int64 or int32, got {value.dtype}; convert it first, e.g. t.long()")
    return value


def from_front(padding_idx: int, rows: int) -> int:
    """The index counted from the front. Raises AssertionError out of range."""
    if not -rows <= padding_idx < rows:
        raise AssertionError(f"padding_idx must be within num_embeddings, {rows}, got {padding_idx}")
    return padding_idx % rows


def _rows(weight: Tensor, index: Tensor, padding: int | None, by_frequency: bool) -> Tensor:
    if padding is None and not by_frequency:
        return index_select(weight, index, axis=0)
    return lookup(weight, index, padding=padding, by_frequency=by_frequency)


def _renormalize(name: str, weight: Tensor, index: Tensor, most: float, p: float) -> None:
    """Scale the rows that index names down to norm `most`, in place. Raises IndexError for one out of range."""
    if in_vmap(weight, index):
        raise RuntimeError(f"{name}: max_norm writes into the weight, which cannot be done inside vmap; leave it out there")
    named = np.unique(index.array)
    if named.size and not 0 <= named[0] <= named[-1] < weight.array.shape[0]:
        raise IndexError(f"{name}: index out of range for {weight.array.shape[0]} rows, got {named[0]} to {named[-1]}")
    rows = weight.array[named]
    norms = np.linalg.norm(rows.astype(np.result_type(rows, np.float32), copy=False), p, axis=1)  # those of half precision overflow
    large = norms > most
    if large.any():
        scaled = rows[large] * (most / (norms[large] + 1e-7))[:, None]
        with no_grad():
            weight[named[large]] = constant(scaled.astype(rows.dtype, copy=False))


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The mean, sum or max, as `mode` says, of bags of rows of weight (num_embeddings, D): one for each bag, (B, D).

    `input` is (B, N), or (M) with `offsets` (B) where bags begin; with `include_last_offset` there is one offset more, for
    where the last ends. An empty bag is zero. `per_sample_weights`, of the input's shape, weigh a sum. Rows equal to
    `padding_idx` do not count. The other arguments as of `embedding`.
    Raises ValueError for ranks, modes and weights that do not fit, RuntimeError for indices and offsets that do not,
    NotImplementedError for per_sample_weights of a mean or max, which have no meaning.
    """
    name = "embedding_bag"
    input, weight = as_tensor(name, "input", input), as_tensor(name, "weight", weight)
    if per_sample_weights is not None:
        per_sample_weights = as_tensor(name, "per_sample_weights", per_sample_weights)
        if per_sample_weights.array.shape != input.array.shape:
            shapes = f"{tuple(per_sample_weights.shape)} and {tuple(input.shape)}"
            raise ValueError(f"{name}: per_sample_weights must have the same shape as the input, got {shapes}")
    if weight.array.ndim != 2:
        raise ValueError(f"{name}: weight has to be a 2D Tensor, but got {tuple(weight.shape)}")
    starts = _starts(input, offsets, include_last_offset)
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"{name}: mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ValueError(f"{name}: max mode supports neither scaling the gradient by the frequency nor sparse weights")
    index = _indices(name, "input", input).array.reshape(-1)
    count = weight.array.shape[0]
    if index.size and not 0 <= index.min() <= index.max() < count:
        raise RuntimeError(f"{name}: indices must be from 0 to {count - 1}, but there are {index.min()} to {index.max()}")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(f"{name}: per_sample_weights weigh a sum, but mode is {mode!r}")
    if per_sample_weights is not None and per_sample_weights.dtype != weight.dtype:
        raise RuntimeError(f"{name}: per_sample_weights must be of the weight's dtype {weight.dtype}, got {per_sample_weights.dtype}")
    if padding_idx is not None and not -count <= padding_idx < count:
        raise RuntimeError(f"{name}: padding_idx must be from {-count} to {count - 1}, got {padding_idx}")
    if max_norm is not None:
        _renormalize(name, weight, constant(index), max_norm, norm_type)

    if not starts.size:
        return crop(weight, axis=0, start=0, length=0)
    bags = np.repeat(np.arange(len(starts)), np.diff(starts, append=index.size))
    if padding_idx is not None:
        (places,) = np.nonzero(index != padding_idx % count)
        index, bags = index[places], bags[places]
        if per_sample_weights is not None:
            per_sample_weights = index_select(per_sample_weights.reshape(-1), places, axis=0)
    if mode == "max":
        return _largest(weight, index, bags, len(starts))
    rows = _rows(weight, constant(index), None, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = mul(rows, expand_dims(per_sample_weights.reshape(-1), axis=1))
    out = index_add(rows, bags, axis=0, shape=(len(starts), weight.array.shape[1]))
    if mode == "mean":
        sizes = np.maximum(np.bincount(bags, minlength=len(starts)), 1)
        out = mul(out, (1 / sizes)[:, None].astype(out.dtype))
    return out


def _starts(input: Tensor, offsets: Any, include_last: bool) -> np.ndarray[Any, Any]:
    """Where each bag begins in the flat input."""
    if input.array.ndim == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: a 2D input has bags of one length, so offsets has to be None")
        bags, length = input.array.shape
        return np.arange(bags) * length
    if input.array.ndim != 1:
        raise ValueError(f"embedding_bag: input has to be a 1D or 2D Tensor, but got {tuple(input.shape)}")
    if offsets is None:
        raise ValueError("embedding_bag: offsets has to be a 1D Tensor for a 1D input but got None")
    given = as_tensor("embedding_bag", "offsets", offsets)
    if given.array.ndim != 1:
        raise ValueError(f"embedding_bag: offsets has to be a 1D Tensor, got {tuple(given.shape)}")
    starts = _indices("embedding_bag", "offsets", given).array
    if (starts.size and starts[0] != 0) or (include_last and not starts.size):
        raise RuntimeError(f"embedding_bag: offsets[0] has to be 0, where the first bag begins, got {starts.tolist()[:1]}")
    if starts.size and (starts[-1] > input.array.size or (np.diff(starts) < 0).any()):
        raise RuntimeError(f"embedding_bag: offsets must not decrease, nor be greater than the input's length {input.array.size}")
    return starts[:-1] if include_last else starts


def _largest(weight: Tensor, index: np.ndarray[Any, Any], bags: np.ndarray[Any, Any], count: int) -> Tensor:
    """The largest entries of each bag, taken from the first row that has them; zeros for an empty bag."""
    width = weight.array.shape[1]
    rows = np.zeros((count, width), np.int64)
    sizes = np.bincount(bags, minlength=count)
    if index.size:
        values = weight.array[index]
        first = np.cumsum(sizes)[sizes > 0] - sizes[sizes > 0]
        top = np.maximum.reduceat(values, first, axis=0)
        is_top = values >= np.repeat(top, sizes[sizes > 0], axis=0)
        is_top |= np.isnan(values)
        places = np.where(is_top, np.arange(len(index))[:, None], len(index))
        rows[sizes > 0] = index[np.minimum.reduceat(places, first, axis=0)]
    return mul(gather(weight, rows, axis=0), (sizes > 0)[:, None].astype(weight.dtype))
