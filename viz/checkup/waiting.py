"""Parameters that are initialised to zero, so that what they multiply learns nothing until the first step is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.graph import Node

from ..graph.arguments import given_to
from .passes import Pass


def any_of(value: Any) -> bool:
    """Whether an array, or one of several, is not all zero; of None it is not."""
    if isinstance(value, list | tuple):
        return any(map(any_of, value))
    return value is not None and bool(np.any(value))


def still_zero(seen: Pass) -> set[Node]:
    """Parameters that are all zero and about to learn, and what is zero because of these: it will be so no more after a step."""
    still: set[Node] = set()
    for node in seen.order:
        known = node in seen.values and (node.plan is None or _factors(node, still))
        if known and any_of(seen.gradient(node)) and not any_of(seen.values[node]):
            still.add(node)
    return still


def _factors(node: Node, still: set[Node]) -> set[Node | None]:
    """Which of these an operation computes with; a bias, which is added, makes nothing zero."""
    if still.isdisjoint(node.parents):
        return set()
    return {argument.parent for argument in given_to(node) if argument.name != "bias" and argument.parent in still}


def waiting(seen: Pass, still: set[Node], node: Node) -> bool:
    """Whether an operation gives one of its inputs no gradient because another is `still` zero."""
    factors = _factors(node, still)
    pairs = zip(node.parents, seen.parts(node), strict=False) if factors else ()
    stopped = {parent for parent, part in pairs if part is not None and not any_of(part)}
    return bool(stopped and factors - stopped)


def waiting_told(seen: Pass, still: set[Node]) -> str:
    """What is to be told of operations that are `waiting`, if there are some."""
    held = [node for node in seen.order if node.plan is not None and waiting(seen, still, node)]
    if not held:
        return ""
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    return f"{seen.called(held[0])}{more}: multiplied by a parameter that is still zero; what is before it learns from the second step on"
