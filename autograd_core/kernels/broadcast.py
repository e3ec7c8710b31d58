"""Rows times a number each, or times one row, at the speed of whole arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

LONG = 384  # elements from which a row is worth a loop of its own


@contextmanager
def long_rows(width: int) -> Iterator[None]:
    """NumPy copies operands that it repeats into a buffer first, which doubles the time of long rows: not in here."""
    if width < LONG:
        yield
        return
    before = np.setbufsize(16)
    try:
        yield
    finally:
        np.setbufsize(before)
