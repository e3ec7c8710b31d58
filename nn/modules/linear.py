"""Products with weights."""

from __future__ import annotations

from ..lazy import LazyLinear
from ..linear import Bilinear, Linear
from ..shaping import Identity

__all__ = ["LazyLinear", "Bilinear", "Linear", "Identity"]
