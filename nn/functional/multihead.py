"""Attention of several heads, with the projections before and after it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd_core.errors import ShapeError
from autograd_core.ops.choices import where
from autograd_core.ops.linalg import linear, matrix_product
from autograd_core.ops.logic import logical_and, logical_not
from autograd_core.ops.reduce import mean
from autograd_core.ops.shape import astype, broadcast_to, concat, crop, expand_dims, mT, pad, reshape, squeeze, transpose
from autograd_core.ops.softmax import softmax
from autograd_core.tensor import Tensor, constant

from .arguments import as_tensor
from .attention import scaled_dot_product_attention
from .dropout import dropout

__all__ = ["multi_head_attention_forward"]

NAME = "multi_head_attention_forward"


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention with `num_heads` heads: query (L, N, E), key and value (S, N, ·), or all without N, to (L, N, E) and the weights.

    `in_proj_weight` (3E, E) projects query, key and value; with `use_separate_proj_weight` there is one matrix for each.
    `bias_k`, `bias_v` (1, 1, E) are put behind the keys and values, and with `add_zero_attn` zeros. `static_k`, `static_v`
    (N · num_heads, S, E / num_heads) take the place of the projected ones. In `attn_mask` (L, S) or (N · num_heads, L, S)
    and `key_padding_mask` (N, S) a True hides, and floats are added. `is_causal` says that attn_mask is the causal mask.
    The weights are (N, L, S), the heads' mean, or (N, num_heads, L, S) without `average_attn_weights`; None without `need_weights`.
    Raises AssertionError for shapes that do not fit (RuntimeError for those of attn_mask), RuntimeError for `is_causal`
    without a mask. Source: arXiv:1706.03762, section 3.2.2.
    """
    projections = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    return attended(
        (query, key, value),
        embed_dim_to_check,
        num_heads,
        projections,
        in_proj_bias,
        (bias_k, bias_v),
        add_zero_attn,
        dropout_p if training else 0.0,
        (out_proj_weight, out_proj_bias),
        key_padding_mask,
        need_weights,
        attn_mask,
        (static_k, static_v),
        average_attn_weights,
        is_causal,
    )


def attended(
    inputs: tuple[Any, Any, Any],
    width: int,
    heads: int,
    projections: Any,
    bias: Tensor | None,
    extra: tuple[Tensor | None, Tensor | None],
    zeros: bool,
    dropout_p: float,
    last: tuple[Tensor, Tensor | None],
    key_padding_mask: Any,
    need_weights: bool,
    attn_mask: Any,
    static: tuple[Any, Any] = (None, None),
    average: bool = True,
    is_causal: bool = False,
    batch_first: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """multi_head_attention_forward, which says what the arguments are; with `batch_first` the inputs are (N, L, E)."""
    names = ("query", "key", "value")
    query, key, value = given = [as_tensor(NAME, n, t) for n, t in zip(names, inputs)]
    key_padding_mask, attn_mask = _masks(key_padding_mask, attn_mask, query.dtype)
    batched = _ranks(query, key, value, key_padding_mask, attn_mask, heads)
    if not batched:  # as a batch of one
        batch_first = False
        made = {id(t): expand_dims(t, axis=1) for t in given}
        query, key, value = (made[id(t)] for t in given)
        key_padding_mask = None if key_padding_mask is None else expand_dims(key_padding_mask, axis=0)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            f"{NAME}: is_causal says that attn_mask is causal, so there must be one: Transformer.generate_square_subsequent_mask"
        )
    causal = is_causal and key_padding_mask is None and not need_weights
    at = 1 if batch_first else 0  # the axis of positions
    count, target, source = query.array.shape[1 - at], query.array.shape[at], key.array.shape[at]
    _fit(query, key, value, width, heads, separate=isinstance(projections, tuple))

    q, k, v = _projected(query, key, value, projections, bias)
    visible = None if causal or attn_mask is None else _by_head(attn_mask, count, heads, target, source)
    if extra[0] is not None or extra[1] is not None:
        k, v, added = *_appended(k, v, extra, static, at), 1
    else:
        added = 0
    axes = (0, 2, 1, 3) if batch_first else (1, 2, 0, 3)
    q = transpose(reshape(q, shape=(*q.array.shape[:2], heads, width // heads)), axes=axes)
    k, v = (
        transpose(reshape(t, shape=(*t.array.shape[:2], heads, width // heads)), axes=axes)
        if own is None
        else _static(n, own, count, heads, width)
        for n, t, own in zip(("static_k", "static_v"), (k, v), static)
    )
    if zeros:
        none = constant(np.zeros((count, heads, 1, width // heads), k.dtype))
        k, v, added = concat(k, none, axis=2), concat(v, none, axis=2), added + 1
    mask = _merged(_longer(visible, added), _longer(key_padding_mask, added), count, k.array.shape[2])

    weights = None
    if need_weights:
        scores = matrix_product(q * math.sqrt(heads / width), mT(k))
        if mask is not None:
            scores = where(mask, scores, -np.inf) if mask.dtype.kind == "b" else scores + mask
        with np.errstate(invalid="ignore"):  # a row that may look at nothing is NaN here, as in PyTorch
            weights = dropout(softmax(scores, axis=-1), dropout_p)
            out = matrix_product(weights, v)
    else:
        out = scaled_dot_product_attention(q, k, v, mask, dropout_p, causal)
    back = (0, 2, 1, 3) if batch_first else (2, 0, 1, 3)
    out = linear(reshape(transpose(out, axes=back), shape=(*query.array.shape[:2], width)), *last)
    if weights is not None and average:
        weights = mean(weights, axis=1)
    if not batched:
        out = squeeze(out, axis=1)
        weights = None if weights is None else squeeze(weights, axis=0)
    return out, weights


# ---------------------------------------------------------------------- what is given, checked


def _masks(key_padding_mask: Any, attn_mask: Any, dtype: Any) -> tuple[Tensor | None, Tensor | None]:
    """The masks as Tensors: of booleans that say where to look, or of floats; both of one kind."""
    masks = []
    for name, mask in (("key_padding_mask", key_padding_mask), ("attn_mask", attn_mask)):
        if mask is not None:
            mask = as_tensor(NAME, name, mask)
            if mask.dtype.kind not in "bf":
                raise AssertionError(f"{NAME}: only bool and floating types of {name} are supported, got {mask.dtype}")
            mask = logical_not(mask) if mask.dtype.kind == "b" else astype(mask, dtype=dtype) if mask.dtype != dtype else mask
        masks.append(mask)
    if None not in masks and masks[0].dtype != masks[1].dtype:
        warnings.warn(
            "Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead.",
            UserWarning,
            stacklevel=4,
        )
        zero, hidden = constant(np.zeros((), dtype)), constant(np.full((), -np.inf, dtype))
        masks = [where(mask, zero, hidden) if mask.dtype.kind == "b" else mask for mask in masks]
    return masks[0], masks[1]


def _ranks(query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None, attn_mask: Tensor | None, heads: int) -> bool:
    """Whether there is a batch. Raises AssertionError for dimensions that do not fit."""
    rank = query.array.ndim
    if rank not in (2, 3):
        raise AssertionError(f"{NAME}: query must have 3 dimensions, or 2 without a batch, got {tuple(query.shape)}")
    if key.array.ndim != rank or value.array.ndim != rank:
        raise AssertionError(
            f"{NAME}: for query {tuple(query.shape)} key and value have {rank} dimensions, got {tuple(key.shape)}, {tuple(value.shape)}"
        )
    if key_padding_mask is not None and key_padding_mask.array.ndim != rank - 1:
        raise AssertionError(
            f"{NAME}: for query {tuple(query.shape)} key_padding_mask has {rank - 1} dimensions, got {tuple(key_padding_mask.shape)}"
        )
    if attn_mask is not None:
        if attn_mask.array.ndim not in (2, 3):
            raise AssertionError(f"{NAME}: attn_mask must have 2 or 3 dimensions, got {tuple(attn_mask.shape)}")
        if rank == 2 and attn_mask.array.ndim == 3 and attn_mask.array.shape != (heads, query.array.shape[0], key.array.shape[0]):
            raise AssertionError(
                f"{NAME}: attn_mask must be {(heads, query.array.shape[0], key.array.shape[0])}, got {tuple(attn_mask.shape)}"
            )
    return rank == 3


def _fit(query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, separate: bool) -> None:
    """Raises AssertionError for lengths that do not fit."""
    if query.array.shape[-1] != width:
        raise AssertionError(f"{NAME}: was expecting embedding dimension of {width}, but got query {tuple(query.shape)}")
    if width % heads:
        raise AssertionError(f"{NAME}: embed_dim {width} not divisible by num_heads {heads}")
    told = f"{NAME}: key {tuple(key.shape)} does not match value {tuple(value.shape)}"
    if key.array.shape[:2] != value.array.shape[:2] or not (separate or key.array.shape == value.array.shape):
        raise AssertionError(told)


def _by_head(mask: Tensor, count: int, heads: int, target: int, source: int) -> Tensor:
    """attn_mask (L, S) as it is, (N · num_heads, L, S) as (N, num_heads, L, S). Raises ShapeError for others."""
    right = (target, source) if mask.array.ndim == 2 else (count * heads, target, source)
    if mask.array.shape != right:
        raise ShapeError(f"{NAME}: the shape of the {mask.array.ndim}D attn_mask is {tuple(mask.shape)}, but should be {right}")
    return mask if mask.array.ndim == 2 else reshape(mask, shape=(count, heads, target, source))


# ---------------------------------------------------------------------- projections, and what is put behind keys and values


def _projected(query: Tensor, key: Tensor, value: Tensor, projections: Any, bias: Tensor | None) -> list[Tensor]:
    """Query, key and value projected: those that are the same by one product."""
    if isinstance(projections, tuple):
        if None in [p if p is None else 0 for p in projections]:
            raise AssertionError(f"{NAME}: use_separate_proj_weight is True but q_proj_weight, k_proj_weight or v_proj_weight is None")
        for name, t, w in zip("qkv", (query, key, value), projections):
            if w.array.shape != (query.array.shape[-1], t.array.shape[-1]):
                raise AssertionError(f"{NAME}: {name}_proj_weight {tuple(w.shape)} does not fit what it projects, {tuple(t.shape)}")
        biases = (None, None, None) if bias is None else _thirds(bias)
        return [linear(t, w, b) for t, w, b in zip((query, key, value), projections, biases)]
    if projections is None:
        raise AssertionError(f"{NAME}: use_separate_proj_weight is False but in_proj_weight is None")
    width = query.array.shape[-1]
    if query is key is value:
        return _cut(linear(query, projections, bias), width)
    rows = _thirds(projections)
    biases = (None, None, None) if bias is None else _thirds(bias)
    if key is value:
        wide = (crop(t, axis=0, start=width, length=2 * width) if t is not None else None for t in (projections, bias))
        return [linear(query, rows[0], biases[0]), *_cut(linear(key, *wide), width)]
    return [linear(t, w, b) for t, w, b in zip((query, key, value), rows, biases)]


def _thirds(x: Tensor) -> tuple[Tensor, ...]:
    n = x.array.shape[0] // 3
    return tuple([crop(x, axis=0, start=k * n, length=n) for k in range(3)])


def _cut(x: Tensor, width: int) -> list[Tensor]:
    return [crop(x, axis=2, start=start, length=width) for start in range(0, x.array.shape[2], width)]


def _appended(k: Tensor, v: Tensor, extra: tuple[Tensor | None, Tensor | None], static: tuple[Any, Any], at: int) -> list[Tensor]:
    """Keys and values with bias_k and bias_v behind them."""
    for name, mine, other in (("bias_k", extra[0], static[0]), ("bias_v", extra[1], static[1])):
        if mine is None:
            raise AssertionError(f"{NAME}: bias_k and bias_v come together, but {name} is None")
        if other is not None:
            raise AssertionError(f"{NAME}: {name} cannot be put behind a static one")
    pairs = zip((k, v), extra)
    return [concat(t, broadcast_to(b, target=tuple([1 if i == at else n for i, n in enumerate(t.array.shape)])), axis=at) for t, b in pairs]


def _static(name: str, given: Any, count: int, heads: int, width: int) -> Tensor:
    given = as_tensor(NAME, name, given)
    if given.array.ndim != 3 or given.array.shape[0] != count * heads or given.array.shape[2] != width // heads:
        raise AssertionError(f"{NAME}: expecting {name} ({count * heads}, S, {width // heads}), but got {tuple(given.shape)}")
    return reshape(given, shape=(count, heads, *given.array.shape[1:]))


def _longer(mask: Tensor | None, added: int) -> Tensor | None:
    """A mask for the keys and `added` more that everybody may look at."""
    if mask is None or not added:
        return mask
    return pad(mask, widths=((0, 0),) * (mask.array.ndim - 1) + ((0, added),), value=mask.dtype.kind == "b")


def _merged(attn_mask: Tensor | None, key_padding_mask: Tensor | None, count: int, source: int) -> Tensor | None:
    """Both masks as one that broadcasts to (N, num_heads, L, S). Raises AssertionError for padding of another shape."""
    if key_padding_mask is None:
        return attn_mask
    if key_padding_mask.array.shape != (count, source):
        raise AssertionError(f"{NAME}: expected key_padding_mask {(count, source)}, but got {tuple(key_padding_mask.shape)}")
    padding = reshape(key_padding_mask, shape=(count, 1, 1, source))
    if attn_mask is None:
        return padding
    return logical_and(attn_mask, padding) if padding.dtype.kind == "b" else attn_mask + padding
