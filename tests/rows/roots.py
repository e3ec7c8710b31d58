"""Rows of roots that PyTorch does not name."""

from __future__ import annotations

import numpy as np

from autograd_core.ops import roots

from .base import Row, apart, both

rows = [
    Row("roots.cbrt", roots.cbrt, both(apart(3, 4)), np.cbrt, lambda torch, x: x.sign() * x.abs() ** (1 / 3), pointwise=True),
]
