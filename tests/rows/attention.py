"""Rows of attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.ops import attention
from tests.rows.base import Row, both, like, spread

SCALE = 0.4
SEEN = np.array([[True, False, True, True], [False] * 4, [True] * 4])  # the second row may look at nothing


def by_hand(q: Any, k: Any, v: Any, mask: Any = None, causal: bool = False) -> Any:
    """Attention as it is defined, row by row."""
    groups = q.shape[-3] // k.shape[-3] if q.ndim > 2 else 1
    k, v = (np.repeat(x, groups, axis=-3) if groups > 1 else x for x in (k, v))
    scores = SCALE * np.einsum("...ie,...je->...ij", q, k)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    out = np.zeros((*q.shape[:-1], v.shape[-1]))
    for place in np.ndindex(*scores.shape[:-1]):
        row = scores[place]
        if (row > -np.inf).any():
            weights = np.exp(row - row.max())
            out[place] = weights / weights.sum() @ v[place[:-1]]
    return out


def in_pytorch(torch: Any, q: Any, k: Any, v: Any, mask: Any = None, causal: bool = False) -> Any:
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # the one that has second derivatives
        return torch.nn.functional.scaled_dot_product_attention(
            q, k, v, mask, is_causal=causal, scale=SCALE, enable_gqa=q.ndim > 2 and q.shape[-3] != k.shape[-3]
        )


def called(q: Any, k: Any, v: Any, mask: Any = None, **settings: Any) -> Any:
    return attention.attention(q, k, v, mask, scale=SCALE, **settings)


QKV = {
    "": ((2, 3, 3, 2), (2, 3, 4, 2), (2, 3, 4, 5)),
    " one head": ((3, 2), (4, 2), (4, 2)),
    " three axes": ((2, 3, 2), (2, 4, 2), (2, 4, 3)),
    " shared heads": ((2, 4, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3)),
}
rows = [
    Row(
        f"attention.attention{name}{' causal' if causal else ''}",
        lambda q, k, v, causal=causal: called(q, k, v, causal=causal),
        both(*[spread(-2, 2, *shape) for shape in shapes]),
        lambda q, k, v, causal=causal: by_hand(q, k, v, causal=causal),
        lambda torch, q, k, v, causal=causal: in_pytorch(torch, q, k, v, causal=causal),
    )
    for name, shapes in QKV.items()
    for causal in (False, True)
]
rows += [
    Row(
        f"attention.attention {name}",
        lambda q, k, v, mask=mask: called(q, k, v, like(mask, q)),
        both(*[spread(-2, 2, *shape) for shape in QKV[""]]),
        lambda q, k, v, mask=mask: by_hand(q, k, v, mask),
        lambda torch, q, k, v, mask=mask: in_pytorch(torch, q, k, v, like(mask, q)),
    )
    for name, mask in (
        ("where to look", SEEN),
        ("where to look, by column", SEEN[0]),
        ("where to look, by head", np.stack([SEEN, SEEN[::-1], SEEN])),
    )
]
rows += [
    Row(
        f"attention.attention added mask {shape}",
        called,
        both(*[spread(-2, 2, *s) for s in (*QKV[""], shape)]),
        by_hand,
        in_pytorch,
    )
    for shape in ((3, 4), (2, 1, 3, 1), (3, 1, 4))
]
rows += [
    Row(
        "attention.attention dropout",
        lambda q, k, v: called(q, k, v, p=0.4, seed=5),
        both(*[spread(-2, 2, *shape) for shape in QKV[" shared heads"]]),
        None,
    ),
    Row(
        "attention.attention dropout, causal",
        lambda q, k, v: called(q, k, v, p=0.4, seed=5, causal=True),
        both(*[spread(-2, 2, *shape) for shape in QKV[""]]),
        None,
    ),
]


def weights_by_hand(q: Any, k: Any, mask: Any = None, causal: bool = False) -> Any:
    """The weights: attention to values that are the unit vectors."""
    unit = np.broadcast_to(np.eye(k.shape[-2]), (*k.shape[:-1], k.shape[-2]))
    return by_hand(q, k, unit, mask, causal)


rows += [
    Row(
        f"attention.attention_weights{name}",
        lambda q, k, mask=0, settings=settings: attention.attention_weights(q, k, mask, scale=SCALE, **settings),
        both(*[spread(-2, 2, *shape) for shape in shapes]),
        lambda q, k, mask=None, settings=settings: weights_by_hand(q, k, mask, **settings),
    )
    for name, shapes, settings in (
        ("", ((2, 3, 3, 2), (2, 3, 4, 2)), {}),
        (" causal", ((3, 2), (4, 2)), {"causal": True}),
        (" shared heads", ((4, 3, 2), (2, 4, 2)), {"causal": True}),
        (" added mask", ((2, 3, 3, 2), (2, 3, 4, 2), (3, 4)), {}),
    )
]
rows += [
    Row(
        "attention.attention_weights where to look",
        lambda q, k: attention.attention_weights(q, k, like(SEEN, q), scale=SCALE),
        both(spread(-2, 2, 2, 3, 2), spread(-2, 2, 2, 4, 2)),
        lambda q, k: weights_by_hand(q, k, SEEN),
    )
]
