"""The same as `nn.data`, under the name that PyTorch gives it."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    return getattr(import_module("nn.data"), name)
