"""Calling a module with other parameters than its own; `autograd_core.func.functional_call` under its older name."""

from __future__ import annotations

from typing import Any

from autograd_core import func
from autograd_core.tensor import Tensor

from ..module import Module

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """What `module(*args, **kwargs)` gives with these parameters and buffers, by their dotted names. See `func.functional_call`."""
    return func.functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
