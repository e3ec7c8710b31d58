"""Normalisation by batch."""

from __future__ import annotations

from ..batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm, _NormBase
from ..lazy import LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "_BatchNorm", "_NormBase", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d"]
