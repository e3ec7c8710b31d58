"""Attention: each query's mean of the values, weighted by how well the keys fit it."""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels import attention as kernel
from ..labels import applied, label, named
from ..primitive import fused, primitive
from ..tensor import Tensor
from .elementwise import where
from .linalg import matrix_product
from .reduce import sum
from .shape import broadcast_to, expand_dims, mT, reshape
from .softmax import softmax, softmax_back


def weights_reference(q, k, mask, *, scale, causal=False):
    scores = matrix_product(q * scale, mT(shared_heads(k, q)))
    label(scores=scores)
    known = mask.array if isinstance(mask, Tensor) else np.asarray(mask)
    if known.dtype.kind == "b":
        scores = where(mask, scores, -np.inf)
    elif known.any():
        scores = scores + mask
    if causal:
        before = np.tri(*scores.shape[-2:]) > 0
        label(before=before)
        scores = where(before, scores, -np.inf)
    nothing = ((scores.array if isinstance(scores, Tensor) else scores) == -np.inf).all(-1, keepdims=True)
    if not nothing.any():
        return softmax(scores, axis=-1)
    return where(nothing, 0, softmax(where(nothing, 0, scores), axis=-1))


@primitive(
    lambda g, q, k, out, scale: matrix_product(softmax_back(g, out, axis=-1), shared_heads(k, q)) * scale,
    lambda g, q, out, scale, shape: summed_heads(matrix_product(mT(softmax_back(g, out, axis=-1)), q * scale), q, shape),
    lambda g, out: softmax_back(g, out, axis=-1),
    reference=weights_reference,
    promotes="no",
)
def attention_weights(q, k, mask, *, scale, causal=False):
    """softmax(scale · q kᵀ + mask), zero in rows that may look at nothing. Arguments as of `attention`, but 0 for no mask."""
    scores = matrix_product(q * scale, mT(shared_heads(k, q)))
    scores = np.where(mask, scores, -np.inf) if np.asarray(mask).dtype.kind == "b" else scores + mask
    if causal:
        scores[..., np.triu(np.ones(scores.shape[-2:], bool), 1)] = -np.inf
    nothing = (scores == -np.inf).all(-1, keepdims=True)
    return np.where(nothing, 0, softmax(np.where(nothing, 0, scores), axis=-1))


def attention_reference(q, k, v, mask, *, scale, causal=False, p=0.0, seed=0):
    weights = dropped(attention_weights(q, k, 0 if mask is None else mask, scale=scale, causal=causal), q, k, p, seed)
    label(weights=weights)
    return matrix_product(weights, shared_heads(v, q))


def dropped(weights, q, k, p, seed):
    """The weights, or gradients, after dropout: times 0 or 1 / (1 - p)."""
    if not p:
        return weights

    def drop(weights):
        *before, L, _ = q.shape
        few = k.shape[-3] if k.ndim > 2 else 1
        whole = slice(0, prod(before[:-1])), slice(0, few), slice(0, L)
        kept = kernel.Dropped(seed, p).kept(whole, (whole[0].stop, few, prod(before[-1:]) // few, L, 0), k.shape[-2])
        factors = (kept.astype(q.dtype) / (1 - p)).reshape(*before, L, k.shape[-2])
        label(dropout=factors)
        return weights * factors

    return applied("dropout", drop, weights, f"times 0 with probability {p:.4g}, else times 1 / (1 − {p:.4g})")


def shared_heads(x, q):
    """x (..., K, S, E) with each of its K heads repeated, so that there are as many as in q."""
    if x.ndim == 2 or x.shape[-3] == q.shape[-3]:
        return x
    *before, few, length, width = x.shape
    heads = q.shape[-3]
    whole = broadcast_to(expand_dims(x, axis=-3), target=(*before, few, heads // few, length, width))
    return reshape(whole, shape=(*before, heads, length, width))


def summed_heads(x, q, shape):
    """x, with as many heads as q, summed over those that share one of an array of this shape."""
    if len(shape) == 2 or shape[-3] == q.shape[-3]:
        return x
    *before, few, length, width = shape
    return sum(reshape(x, shape=(*before, few, q.shape[-3] // few, length, width)), axis=-3)


def of_scores(g, q, k, v, mask, scale, causal, p, seed):
    """The gradient of the scores, and so that of the mask."""
    weights = named("P", attention_weights(q, k, 0 if mask is None else mask, scale=scale, causal=causal))
    by_weights = named("dP", dropped(matrix_product(g, mT(shared_heads(v, q))), q, k, p, seed))
    return named("dS", softmax_back(by_weights, weights, axis=-1))


RULES = (
    lambda g, q, k, v, mask, scale, causal, p, seed: (
        matrix_product(of_scores(g, q, k, v, mask, scale, causal, p, seed), shared_heads(k, q)) * scale
    ),
    lambda g, q, k, v, mask, scale, causal, p, seed, shape: summed_heads(
        matrix_product(mT(of_scores(g, q, k, v, mask, scale, causal, p, seed)), q * scale), q, shape
    ),
    lambda g, q, k, mask, scale, causal, p, seed, shape: summed_heads(
        matrix_product(
            mT(named("P", dropped(attention_weights(q, k, 0 if mask is None else mask, scale=scale, causal=causal), q, k, p, seed))), g
        ),
        q,
        shape,
    ),
    of_scores,
)


ALL = (True, True, True, True)


def attention_back(g, q, k, v, mask, out, sums, settings, shapes, *, needs=ALL):
    parts = kernel.backward(five(g, k.shape[1], q.dtype), q, k, v, mask, out, sums, **settings, needs=needs)
    return tuple([None if part is None else part.reshape(shape).astype(g.dtype, copy=False) for part, shape in zip(parts, shapes)])


def misfit(q, k, v, mask, **settings):
    return f"attention: query {np.shape(q)}, key {np.shape(k)}, value {np.shape(v)} and mask {np.shape(mask)} do not fit"


@fused(attention_back, reference=attention_reference, rules=RULES, name="scaled_dot_product_attention", promotes="no", complain=misfit)
def attention(q, k, v, mask, *, scale, causal=False, p=0.0, seed=0, needs=ALL):
    """softmax(scale · q kᵀ + mask) v, with dropout of the weights: q (..., H, L, E), k (..., K, S, E), v (..., K, S, V), none empty.

    Dimensions before these agree; K divides H; two dimensions mean one head. The mask, of booleans that say where to look or
    of floats to add, broadcasts to (..., H, L, S), or is None. `causal` lets row i look at columns up to i. Dropout with
    probability p draws from `seed`. A row that may look at nothing is zero. Source: arXiv:1706.03762, section 3.2.1.
    """
    dtype = np.dtype(np.float32) if q.dtype.char == "e" else q.dtype
    few = k.shape[-3] if k.ndim > 2 else 1
    settings = {"scale": scale, "causal": causal, "dropped": kernel.Dropped(seed, p) if p else None}
    queries, keys, values = five(q, few, dtype), five(k, few, dtype)[:, :, 0], five(v, few, dtype)[:, :, 0]
    masks = None if mask is None else full_mask(mask, q.shape)
    shapes = (q.shape, k.shape, v.shape, None if masks is None else masks.shape)
    if masks is not None:
        masks = five(masks, few if masks.shape[-3] > 1 else 1, masks.dtype if mask.dtype.kind == "b" else dtype)
    out, sums = kernel.forward(queries, keys, values, masks, **settings)
    result = out.reshape(*q.shape[:-1], v.shape[-1]).astype(q.dtype, copy=False)
    return result, ((queries, keys, values, masks, out, sums, settings, shapes) if True in needs else ())


def five(x, few, dtype):
    """x (..., H, L, E) with five axes: one for all before the heads, `few`, how many heads go with each of the few, L and E."""
    heads = x.shape[-3] if x.ndim > 2 else 1
    return x.astype(dtype, copy=False).reshape(prod(x.shape[:-3]), few, heads // few, *x.shape[-2:])


def full_mask(mask, shape):
    """The mask with all axes of the scores of queries of this shape, at least three; those before the heads are all 1, or none repeats."""
    mask = mask.reshape((1,) * (max(3, len(shape)) - mask.ndim) + mask.shape)
    before = mask.shape[:-3]
    return mask if prod(before) == 1 else np.broadcast_to(mask, (*shape[:-3], *mask.shape[-3:]))
