"""From a change of an argument to that of the result: the transpose of the rule by which a gradient comes back."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.graph import Node, fitted, pullback
from autograd_core.plan import Cotangents
from autograd_core.tensor import constant

from ..record import looking
from .opening import apart


def pushed(node: Node, k: int, change: Any) -> Any:
    """How node's result changes, to first order, when its k-th recording input does by `change`; None where it does not.

    Of several results, or for an input that is several, a list. The rule is linear in the gradient that arrives, so it is run once,
    recorded, and the derivative of what it gave by that gradient is taken: about three runs of the operation. Raises what a rule
    raises that cannot be recorded.
    """
    several = isinstance(node.dtype, tuple)
    results = zip(node.shape, node.dtype, strict=True) if several else [(node.shape, node.dtype)]
    with looking(), apart(None, None):
        arriving = [constant(np.ones(shape, dtype)).requires_grad_() if dtype.kind in "fc" else None for shape, dtype in results]
        gradient = Cotangents(arriving, node.shape, node.dtype) if several else arriving[0]
        part = node.plan.pull_tensors(node, gradient)[k]
        if isinstance(part, list):
            pairs = list(zip(part, change, strict=True))
        else:
            pairs = [(None if part is None else fitted(part, node.parents[k], node.plan), change)]
        pairs = [(p.node, c) for p, c in pairs if p is not None and p.node is not None and c is not None]
        wanted = {g.node for g in arriving if g is not None and g.node is not None}
        found = pullback([p for p, _ in pairs], [c for _, c in pairs], wanted, retain_graph=True)
    changes = [None if g is None else found.get(g.node) for g in arriving]  # type: ignore[arg-type]
    return changes if several else changes[0]
