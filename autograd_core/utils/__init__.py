"""Helpers around training: `checkpoint`, which trades time for memory, and `data`, the same as nn.data."""

from __future__ import annotations

from . import checkpoint, data

__all__ = ["checkpoint", "data"]
