"""The values of a graph's nodes, as far as they can still be found, or are quickly computed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from autograd_core.graph import Node
from autograd_core.tensor import Tensor
from autograd_core.writes import written_since

from .arguments import Argument, given_to
from .description import FEW
from .names import Names

SMALL = 64  # elements of an argument: what is made of more is not computed again


def known_values(
    order: list[Node], names: Names, root: Node, output: Tensor, given: Mapping[Node, list[Argument]] | None = None
) -> dict[Node, Any]:
    """By node, for nodes in `order` (oldest first). What was written in place since it was computed is not shown.

    `given` are the arguments of each operation, where they have been found out.
    """
    if given is None:
        given = {node: given_to(node) for node in order if node.plan is not None}
    values: dict[Node, Any] = {}

    def know(node: Node, array: Any, since: int) -> None:
        fits = node not in values and isinstance(array, np.ndarray | np.generic) and np.shape(array) == node.shape
        if fits and not (isinstance(array, np.ndarray) and written_since(array, since)):
            values[node] = array

    first_use: dict[Node, int] = {}
    for node in order:
        for parent in node.parents:
            first_use.setdefault(parent, node.time)
    know(root, output.array, root.time)
    for node in order:
        if node.plan is None:
            tensor = node.tensor()
            if tensor is not None:
                know(node, tensor.array, first_use.get(node, node.time))
            continue
        know(node, names.array_of(node), node.time)
        saved = dict(zip(node.plan.names, node.saved, strict=False)) if node.saved else {}
        know(node, saved.get("out"), node.time)
        for argument in given[node]:
            if argument.parent is not None:
                know(argument.parent, saved.get(argument.name), node.time)
    for node in order:
        if node not in values and node.plan is not None and isinstance(node.dtype, np.dtype) and prod(node.shape) <= FEW:
            again = computed_again(node, values, given[node])
            if again is not None:
                know(node, again, node.time)
    return values


def computed_again(node: Node, values: Mapping[Node, Any], given: Sequence[Argument]) -> Any:
    """A small operation's value from its arguments', if these are known and small; only for operations of the engine's own."""
    op = node.plan.op
    forward = getattr(op, "forward", None)
    if forward is None or op.backward or op.variadic or not forward.__module__.startswith("autograd_core.ops."):
        return None
    arguments = [values.get(a.parent) if a.parent is not None else a.value for a in given]
    if any(a is None or np.size(a) > SMALL for a in arguments):
        return None
    with np.errstate(all="ignore"):
        return np.asarray(forward(*arguments, **getattr(node, "settings", {})))
