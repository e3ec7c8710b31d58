"""Which weights an operation's values come from, and whether these are of a usual size.

A layer here is an operation that uses a weight: a parameter of two or more dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from autograd_core.graph import Node, ancestors
from nn import Parameter

from ..graph.arguments import given_to
from ..graph.description import Quantity
from .passes import Pass
from .units import ATTENTION, RECURRENT

REARRANGED = {"mT", "transpose", "reshape", "getitem", "crop", "expand_dims", "squeeze", "broadcast_to", "alias", "to"}
OF_WEIGHTS = REARRANGED | {
    "dropout",
    "mul",
    "div",
    "add",
    "sub",
    "norm",
    "sqrt",
    "square",
    "sum",
    "rsqrt",
    "neg",
}  # weights made of weights
NORMS = {"layer_norm", "batch_norm", "group_norm", "rms_norm"}
BOUNDED = NORMS | {"sigmoid", "tanh", "softmax", "log_softmax", "hardtanh", *RECURRENT, *ATTENTION}  # whatever they are given
HUGE, TINY = 1e4, 1e-4  # a layer multiplies what it is given by about 1 when it is initialised as usual
FEW = 16  # weights before an operation; what has more is fed by the whole model


def weights_of(seen: Pass) -> dict[Node, set[Node]]:
    """Parameters, and what is computed from parameters alone, each with the parameters that it is made of."""
    made: dict[Node, set[Node]] = {}
    leaves = [node for node in seen.order if node.plan is None]
    declared = {node for node in leaves if isinstance(node.tensor(), Parameter)}
    own = OF_WEIGHTS if declared else REARRANGED  # without modules, any tensor that requires grad may be data
    for node in seen.order:
        if node.plan is None:
            if node in declared or (not declared and len(node.shape) >= 2):
                made[node] = {node}
        elif node.plan.op.name in own and made.keys() >= set(node.parents):
            made[node] = set().union(*(made[parent] for parent in node.parents))
    return made


def made_of(weights: Mapping[Node, set[Node]], some: Iterable[Node]) -> frozenset[Node]:
    """The parameters that some of the weights are made of."""
    return frozenset().union(*(weights[node] for node in some))


def users_of(weights: Collection[Node], seen: Pass) -> dict[Node, list[int]]:
    """By node, the operations that use weights of two or more dimensions: as which of their inputs."""
    used = {}
    for node in seen.order:
        if node.plan is not None and node not in weights:
            used[node] = [k for k, parent in enumerate(node.parents) if parent in weights and len(parent.shape) >= 2]
    return {node: places for node, places in used.items() if places}


def used_inside(seen: Pass) -> set[str]:
    """Ids of recurrent layers and attention, and of what a layer, or a product of computed values, is computed from: not of outputs."""
    inner = [node for node in seen.order if node.plan is not None and node.plan.op.name in ("mul", "matmul")]
    inner = [node for node in inner if sum(parent.plan is not None for parent in node.parents) > 1]
    users = [*users_of(weights_of(seen), seen), *inner]
    layered = {seen.ids[node] for node in seen.order if node.plan is not None and node.plan.op.name in (*RECURRENT, *ATTENTION)}
    return layered | {seen.ids[node] for node in ancestors([parent for node in users for parent in node.parents])}


def fed_by(seen: Pass) -> dict[Node, frozenset[Node]]:
    """By operation the weights of the layers right before it, or its own: what is fed by the same is the same, used again."""
    weights = weights_of(seen)
    users = users_of(weights, seen)
    fed: dict[Node, frozenset[Node]] = {}
    for node in seen.order:
        if node in users:
            fed[node] = made_of(weights, [node.parents[k] for k in users[node]])
        elif node.plan is not None and node not in weights:
            before = {fed[parent] for parent in node.parents if parent in fed}
            if before:
                whole = next(iter(before)) if len(before) == 1 else frozenset().union(*before)
                fed[node] = whole if len(whole) <= FEW else frozenset([node])
    return fed


def multipliers(seen: Pass, weights: Mapping[Node, set[Node]]) -> dict[Node, list[Node]]:
    """By layer, and normalisation, those of the weights that it multiplies by."""
    found = {node: [node.parents[k] for k in places] for node, places in users_of(weights, seen).items()}
    for node in seen.order:
        if node.plan is not None and node.plan.op.name in NORMS:
            found[node] = [a.parent for a in given_to(node) if a.name == "weight" and a.parent is not None and a.parent in weights]
    return {node: found[node] for node in seen.order if found.get(node)}


def gains(seen: Pass, multiplied: Mapping[Node, list[Node]]) -> dict[Node, tuple[float, ...]]:
    """Of each of the `multipliers`: by about how much it multiplies the size of what it is given; of those that are known."""
    found = {}
    for node, own in multiplied.items():
        values = [seen.values[weight] for weight in own if seen.values.get(weight) is not None]
        found[node] = tuple(gain(value.ravel() if node.plan.op.name in NORMS else value) for value in values)
    return found


def gain(weight: Any) -> float:
    """The factor by which a weight changes the root mean square of random numbers, forwards or backwards: the smaller one."""
    whole = Quantity(weight)
    rows = max(whole.shape[0], 1)
    return whole.norm / math.sqrt(max(rows, whole.array.size // rows))


def behind_huge(seen: Pass, huge: Collection[Node]) -> dict[Node, Node]:
    """By operation the last of these layers whose size it gets to see: nothing that bounds its results lies between."""
    leaving: dict[Node, Node] = {}
    given: dict[Node, Node] = {}
    for node in seen.order:
        before = [leaving[parent] for parent in node.parents if parent in leaving]
        if before:
            given[node] = max(before, key=lambda n: n.time)
        if node in huge:
            leaving[node] = node
        elif before and node.plan.op.name not in BOUNDED:
            leaving[node] = given[node]
    return given
