"""What a graph keeps for the way back, in bytes: each array once, at the first operation that keeps it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from autograd_core.graph import Node
from autograd_core.writes import owner

from ..tables.counting import arrays_in


def kept_bytes(order: Iterable[Node]) -> dict[Node, int]:
    """By node, for nodes in order, oldest first: the memory that what it saved holds, views with all that they look into.

    The arrays of leaves are left out: parameters are there without the graph. Freed nodes keep nothing.
    """
    nodes = list(order)
    seen = set()
    for node in nodes:
        tensor = node.tensor() if node.plan is None else None
        if tensor is not None:
            seen.add(id(owner(tensor.array)))
    held = {}
    for node in nodes:
        if not node.saved:
            continue
        total = 0
        for array in arrays_in(node.saved):
            memory = owner(array)
            if id(memory) not in seen:  # it stays alive as long as the node, so its id stays its own
                seen.add(id(memory))
                total += memory.nbytes if isinstance(memory, np.ndarray) else array.nbytes
        if total:
            held[node] = total
    return held
