"""`trace(loss)`: a graph as plain data, for programs of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograd_core.tensor import Tensor, current_node
from nn import Module

from .graph import trace as tracing
from .graph.description import Trace
from .graph.names import Names, caller
from .record import Run


def trace(output: Tensor, *, names: Mapping[str, Tensor] | Module | None = None, run: Run | None = None, gradient: Any = None) -> Trace:
    """What `viz.draw` draws, as data: operations, leaves, module calls, formulas, values and gradients; `.to_dict()` is JSON-serialisable.

    The arguments are those of `viz.draw`. Numbers and formulas are worked out when they are first looked at.
    Raises TypeError or ValueError for what has no graph.
    """
    if isinstance(output, Tensor):
        current_node(output)  # a view of what was rewritten since has its node made again
    return tracing.trace(output, Names(output, names, caller()), run, gradient)
