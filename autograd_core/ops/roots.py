"""Roots that NumPy names and PyTorch does not."""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .arithmetic import square


@primitive(lambda g, out: g / (3 * square(out)), promotes="float")
def cbrt(x):
    """The real cube root."""
    return np.cbrt(x)
