"""Attention maps: how much each query looks at each key, head by head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_core.errors import ShapeError

from ..render.measure import text_width
from ..render.theme import Type
from . import style

TOKEN = 110.0  # points that a token may take


def attention(
    weights: Any,
    queries: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
    *,
    title: str = "Attention",
    theme: str = "light",
) -> Any:
    """Weights (heads, queries, keys) of one example, (1, heads, queries, keys), or (queries, keys) of one head, as maps.

    `queries` and `keys` are tokens; keys are the queries where only these are given and they are as many. All maps
    are on one scale from 0. Raises ShapeError for other shapes and another number of tokens.
    """
    w = style.array("attention", weights, (2, 3, 4), "weights")
    if w.ndim == 4:
        if len(w) != 1:
            raise ShapeError(f"attention: weights are (heads, queries, keys), of one example, got shape {w.shape}: take one, weights[0]")
        w = w[0]
    w = w if w.ndim == 3 else w[None]
    heads, rows, columns = w.shape
    queries, keys = (None if tokens is None else [str(token) for token in tokens] for tokens in (queries, keys))
    if keys is None and queries is not None and rows == columns:
        keys = queries
    for what, tokens, count in (("queries", queries, rows), ("keys", keys, columns)):
        if tokens is not None and len(tokens) != count:
            raise ShapeError(f"attention: {len(tokens)} {what} for weights of shape {w.shape}: {count} are needed")
    most = 4 if max(rows, columns) <= 8 else 3 if max(rows, columns) <= 12 and heads != 4 else 2
    wide = min(most, heads)
    high = -(-heads // wide)
    names, below = (
        0.0 if tokens is None else max(text_width(style.said(t, TOKEN), Type(9)) for t in tokens) / 72 for tokens in (queries, keys)
    )
    cell = min((style.WIDTH - 1.4 - names) / wide, 4.0)
    height = min(high * (cell * min(rows / columns, 2) + 0.4) + 0.9 + below, 16)
    figure, axes, look = style.canvas("attention", theme, None, height, wide, high, min(wide * cell + 1.6 + names, style.WIDTH))
    for head, (ax, shares) in enumerate(zip(axes, w, strict=False)):
        drawn = ax.imshow(shares, cmap=style.COLOURMAP, vmin=0, vmax=max(float(w.max()), 1e-12), interpolation="nearest")
        last, left = head + wide >= heads, head % wide == 0
        style.dress(ax, look, f"head {head}" if heads > 1 else "", "key" if last else "", "query" if left else "", grid=False)
        _tokens(ax, queries, keys, left, last)
        ax.spines[:].set_visible(False)
    for unused in axes[heads:]:
        unused.remove()
    style.heading(figure, look, title)
    style.colourbar(figure, drawn, axes[:heads], look, "weight")
    return figure


def _tokens(ax: Any, queries: Sequence[str] | None, keys: Sequence[str] | None, left: bool, below: bool) -> None:
    """Tokens at the axes, or their numbers; queries only at the left, keys only at the bottom of the grid."""
    from matplotlib.ticker import MaxNLocator

    if keys is None:
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    else:
        turned = style.turned(60) if max(map(len, keys)) > 1 else {}
        ax.set_xticks(range(len(keys)), [style.said(k, TOKEN) for k in keys], parse_math=False, **turned)
    if queries is None:
        ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    else:
        ax.set_yticks(range(len(queries)), [style.said(q, TOKEN) for q in queries], parse_math=False)
    ax.tick_params(length=0 if queries is not None else 3, labelleft=left, labelbottom=below)
