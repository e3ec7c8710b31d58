"""Attention of queries to keys and values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops.attention import attention, attention_reference
from autograd_core.ops.shape import astype, broadcast_to
from autograd_core.random import stream
from autograd_core.tensor import Tensor

from .arguments import as_tensor, floats

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query keyᵀ · scale + mask) value: query (..., L, E), key (..., S, E), value (..., S, V) to (..., L, V).

    The dimensions before broadcast. `attn_mask` broadcasts to (..., L, S): booleans that say where to look, or floats that
    are added and take gradients. `is_causal` lets query i look at keys up to i. A query that may look at nothing gives
    zeros. `scale` is 1 / √E if None. `enable_gqa`: the third dimension from the end counts heads, and each head of keys and
    values serves as many of the queries as makes their numbers equal. `dropout_p` of the weights are left out, in
    evaluation too: give 0 there. Memory beyond the results does not grow with L · S.
    Raises RuntimeError for dtypes that differ or are no floats, for a mask beside `is_causal`, for a `dropout_p` outside of
    [0, 1]; ShapeError where shapes do not fit. Sources: arXiv:1706.03762, section 3.2.1; arXiv:2205.14135 for the way.
    """
    name = "scaled_dot_product_attention"
    query, key, value = (as_tensor(name, n, t) for n, t in (("query", query), ("key", key), ("value", value)))
    _check(name, query, key, value)
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"{name}: dropout probability has to be between 0 and 1, but got {dropout_p}")
    if attn_mask is not None:
        if is_causal:
            raise RuntimeError(f"{name}: give attn_mask or is_causal, not both; a causal mask is tril() of ones")
        attn_mask = _mask_for(name, attn_mask, query)
    if enable_gqa:
        key, value = _grouped(name, query, key, value)
    query, key, value = _together(name, query, key, value, 3 if enable_gqa else 2)
    if attn_mask is not None:
        _fits(name, attn_mask, (*query.array.shape[:-1], key.array.shape[-2]))
    if scale is None:
        scale = 1 / math.sqrt(query.array.shape[-1] or 1)
    if dropout_p == 1:
        value, dropout_p = value * 0, 0.0
    seed = int(stream(None).integers(1 << 62)) if dropout_p else 0
    full = query.array.size and key.array.size and value.array.size
    return (attention if full else attention_reference)(query, key, value, attn_mask, scale=scale, causal=is_causal, p=dropout_p, seed=seed)


def _check(name: str, query: Tensor, key: Tensor, value: Tensor) -> None:
    """Raises RuntimeError unless all are floats of one dtype, ShapeError unless their last two dimensions fit."""
    told = f"{name}: query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
    if min(query.array.ndim, key.array.ndim, value.array.ndim) < 2:
        raise ShapeError(f"{told}: each needs at least two dimensions, the length and the width")
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(f"{name}: query, key and value must have one dtype, but got {query.dtype}, {key.dtype} and {value.dtype}")
    floats(name, query)
    if query.array.shape[-1] != key.array.shape[-1]:
        raise ShapeError(f"{told}: the last dimensions of query and key must agree")
    if key.array.shape[-2] != value.array.shape[-2]:
        raise ShapeError(f"{told}: key and value must have one length, the last dimension but one")


def _mask_for(name: str, mask: Any, query: Tensor) -> Tensor:
    """The mask as booleans or in the query's dtype. Raises RuntimeError for others."""
    mask = as_tensor(name, "attn_mask", mask)
    if mask.dtype.kind == "b" or mask.dtype == query.dtype:
        return mask
    if mask.dtype != np.float32:
        raise RuntimeError(f"{name}: attn_mask must be of bool, of float32 or of the query's dtype {query.dtype}, got {mask.dtype}")
    return astype(mask, dtype=query.dtype)


def _fits(name: str, mask: Tensor, shape: tuple[int, ...]) -> None:
    try:
        fits = np.broadcast_shapes(mask.array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: attn_mask {tuple(mask.shape)} does not broadcast to the weights' shape {shape}")


def _grouped(name: str, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values of one number of heads. Raises IndexError without heads, ShapeError unless they divide the queries'."""
    if min(query.array.ndim, key.array.ndim, value.array.ndim) < 3:
        raise IndexError(f"{name}: enable_gqa needs heads, the third dimension from the end")
    heads, of_key, of_value = (t.array.shape[-3] for t in (query, key, value))
    if not of_key or not of_value or heads % of_key or heads % of_value:
        raise ShapeError(f"{name}: the heads of key and value, {of_key} and {of_value}, must divide those of query, {heads}")
    if of_key == of_value:
        return key, value
    return tuple(t.repeat_interleave(heads // t.array.shape[-3], -3) for t in (key, value))  # type: ignore[return-value]


def _together(name: str, query: Tensor, key: Tensor, value: Tensor, last: int) -> tuple[Tensor, Tensor, Tensor]:
    """All broadcast to the same dimensions before the `last` ones. Raises ShapeError where they do not fit."""
    before = [t.array.shape[:-last] for t in (query, key, value)]
    if before[0] == before[1] == before[2]:
        return query, key, value
    try:
        common = np.broadcast_shapes(*before)
    except ValueError:
        told = f"query {tuple(query.shape)}, key {tuple(key.shape)}, value {tuple(value.shape)}"
        hint = "" if last == 3 else "; for heads that serve several of the queries' there is enable_gqa"
        raise ShapeError(f"{name}: {told}: the dimensions before the last {last} do not broadcast{hint}") from None
    return tuple([broadcast_to(t, target=common + t.array.shape[-last:]) for t in (query, key, value)])  # type: ignore[return-value]
