"""Traces that stay as they are when parameters are updated in place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..graph.description import Quantity, Trace


def held(found: Trace) -> Trace:
    """The trace with its own copies of what programs write into: parameters, data, and gradients that are `.grad` itself."""
    copied, grads = _Copies(), found.state in ("freed", "none")
    return replace(
        found,
        vertices=tuple(
            v if v.kind == "operation" else replace(v, value=copied(v.value), gradient=copied(v.gradient) if grads else v.gradient)
            for v in found.vertices
        ),
    )


def without_graph(found: Trace) -> Trace:
    """The trace with its own copies of all numbers, and its formulas written down: it keeps nothing of the graph alive."""
    copied = _Copies()
    return replace(
        found,
        vertices=tuple(
            replace(
                v,
                value=copied(v.value),
                gradient=copied(v.gradient),
                inputs=tuple(edge.without_graph(copied(edge.part)) for edge in v.inputs),
            )
            for v in found.vertices
        ),
    )


class _Copies:
    """Copies of arrays, each once."""

    def __init__(self) -> None:
        self.made: dict[int, tuple[Quantity, Quantity]] = {}  # by identity, which the first of both keeps alive

    def __call__(self, quantity: Quantity | None) -> Quantity | None:
        if quantity is None:
            return None
        return self.made.setdefault(id(quantity.array), (quantity, Quantity(np.array(quantity.array))))[1]
