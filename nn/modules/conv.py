"""Convolutions."""

from __future__ import annotations

from ..conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, _ConvNd, _ConvTransposeNd
from ..lazy import LazyConv1d, LazyConv2d, LazyConv3d

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "_ConvNd",
    "_ConvTransposeNd",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
]
