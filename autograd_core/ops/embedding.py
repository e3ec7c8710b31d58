"""Rows of a table looked up, with the gradients that embeddings have."""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .index import in_range, index_add
from .shape import expand_dims


@primitive(
    lambda g, index, padding, by_frequency, shape: index_add(
        g * expand_dims(shares(index, padding=padding, by_frequency=by_frequency, dtype=g.dtype), axis=-1), index, axis=0, shape=shape
    ),
    None,
    promotes="no",
)
def lookup(weight, index, *, padding=None, by_frequency=False):
    """The rows of a matrix that an integer array names.

    Row `padding` takes no gradient; with `by_frequency` those of the others are divided by how often the row was named.
    """
    return weight.take(in_range(index, 0, weight.shape[0]), 0)


@primitive(None, promotes="no")
def shares(index, *, padding, by_frequency, dtype):
    """For each entry of `index` what its row's gradient is multiplied by."""
    share = np.ones(index.shape, dtype)
    if by_frequency and index.size:
        share /= np.bincount(index.ravel())[index]
    if padding is not None:
        share[index == padding] = 0
    return share
