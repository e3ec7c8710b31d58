"""Resampling along the last axes."""

from __future__ import annotations

from ..kernels.taps import Axis, resampled
from ..primitive import primitive

__all__ = ["Axis", "resample"]


@primitive(lambda g, axes, transposed: resample(g, axes=axes, transposed=not transposed), promotes="no")
def resample(x, *, axes, transposed=False):
    """x with its last axes mapped as `axes` (kernels/taps.py) say, one linear map for each; or by the transposed maps."""
    return resampled(x, axes, transposed)
