"""Rows of embeddings."""

from __future__ import annotations

import numpy as np

from autograd_core.ops import embedding
from tests.rows.base import INDEX, Row, apart, both, like

ONCE = 1 / np.bincount(INDEX.ravel())[INDEX]

rows = [
    Row(
        "embedding.lookup",
        lambda w: embedding.lookup(w, like(INDEX, w)),
        both(apart(3, 4)),
        lambda w: w[INDEX],
        lambda torch, w: torch.nn.functional.embedding(like(INDEX, w), w),
    ),
    Row(
        "embedding.shares",
        lambda w: embedding.shares(like(INDEX, w), padding=1, by_frequency=True, dtype=np.dtype(np.float64)),
        both(apart(3, 4)),
        lambda w: np.where(INDEX == 1, 0, ONCE),
        orders=0,
        floats=(),
    ),
]
