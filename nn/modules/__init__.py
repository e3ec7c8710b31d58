"""The modules under the paths of PyTorch's that much code looks for them at: `nn.modules.batchnorm._BatchNorm` and their like."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from . import (
    activation,
    batchnorm,
    container,
    conv,
    dropout,
    instancenorm,
    lazy,
    linear,
    loss,
    module,
    normalization,
    pooling,
    rnn,
    sparse,
    transformer,
)


def __getattr__(name: str) -> Any:
    """A module class, from `nn`."""
    return getattr(import_module("nn"), name)
