"""Layers whose weights are not of a usual size: huge ones, and those that are so small that all examples become the same."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from autograd_core.graph import Node

from ..graph.arguments import given_to
from ..graph.digits import number
from .findings import Finding
from .passes import Pass
from .units import PRODUCTS, given, unit_axis
from .weights import HUGE, TINY, gains, made_of, multipliers, users_of, weights_of

EXAMPLES = 16  # of fewer, nobody can say that they are alike, if not because of weights that are too small
APART = 0.01  # how far the examples that a layer is given are apart, next to their size, for it to be blamed


def spread(value: Any, axis: int) -> float:
    """How far the examples are apart at most in one unit, next to the largest number; 0 where all is zero.

    Of images each place is compared with the same place of the others, where there are several: at the borders padding shows.
    """
    shape = np.shape(value)
    images = axis == 1 and len(shape) > 2 and shape[0] > 1
    along = (0,) if images else tuple(k for k in range(len(shape)) if k != axis)
    with np.errstate(all="ignore"):
        low, high = np.min(value, along), np.max(value, along)
        size = float(max(np.max(high), -np.min(low)))
        return float(np.max(high - low)) / size if size else 0.0


def of_sizes(seen: Pass) -> Iterator[Finding]:
    """Layers with huge weights, each weight once."""
    weights = weights_of(seen)
    multiplied = multipliers(seen, weights)
    large: dict[frozenset[Node], list[Node]] = {}
    sizes = gains(seen, multiplied)
    for node, found in sizes.items():
        if any(HUGE < size < math.inf for size in found):
            large.setdefault(made_of(weights, multiplied[node]), []).append(node)
    for nodes in large.values():
        size = max(sizes[nodes[0]])
        where = seen.called(nodes[0]) if len(nodes) == 1 else seen.simply(nodes[0])
        said = f"its weights are so large that they multiply the size of what it is given by about {_about(size)}"
        cure = "Initialise it with smaller weights; if they have grown so large, lower the learning rate or clip the gradient's norm."
        ids = tuple(seen.ids[node] for node in nodes)
        yield Finding("exploding", where, said, cure, ids, math.log10(size), f"multiplies by about {_about(size)}", {"gain": size})


def of_signal(seen: Pass) -> Iterator[Finding]:
    """Layers after which all examples are nearly the same, for weights that are too small, each once with all that it does this to."""
    weights = weights_of(seen)
    multiplied = multipliers(seen, weights)
    sizes = {node: max(found) for node, found in gains(seen, multiplied).items() if found}
    small = _small_before(seen, {node for node, size in sizes.items() if 0 < size < TINY})
    lost: dict[frozenset[Node], list[tuple[Node, Node, int]]] = {}
    for node in sizes:
        if sizes[node] and (examples := _loses(seen, weights, node)) >= (2 if node in small else EXAMPLES):
            cause = small.get(node, node)
            lost.setdefault(made_of(weights, multiplied[cause]), []).append((cause, node, examples))
    for places in lost.values():
        cause, place, examples = places[0]
        size, several = sizes[cause], len({cause for cause, _, _ in places}) > 1
        same = f"nearly the same for all {examples:,} examples"
        if size < TINY:
            note = f"multiplies by about {_about(size)}"
            made = "it gives" if place is cause else f"{seen.called(place)} gives"
            said = f"its weights are so small that they multiply the size of what it is given by about {_about(size)}: {made} {same}"
            cure = "Initialise it with larger weights (He or Xavier initialisation); if they have shrunk, lower the weight decay."
        else:
            note = "makes all examples the same"
            said = f"gives {same}, which it was given apart: next to its bias, its weights or what it is given are too small"
            cure = "Look at its bias, and at the size of what it is given: normalise that."
        ids = tuple(dict.fromkeys(seen.ids[cause] for cause, _, _ in places))
        where, others = seen.simply(cause) if several else seen.called(cause), tuple(seen.ids[node] for _, node, _ in places)
        yield Finding("vanishing", where, said, cure, ids, abs(math.log10(size)), note, {"gain": size}, (), others)


def _loses(seen: Pass, weights: Collection[Node], node: Node) -> int:
    """The examples that a layer is given apart and makes nearly the same: how many, 0 where that is not so."""
    if node.plan.op.name not in PRODUCTS or given_to(node)[0].parent in weights:
        return 0
    x, value = next(iter(given(seen, node).values())), seen.values.get(node)
    if x is None or value is None or x.dtype.kind + value.dtype.kind != "ff" or not x.ndim == value.ndim >= 2:
        return 0
    axis = unit_axis(node)
    examples = value.size // value.shape[axis] if value.shape[axis] else 0
    return examples if examples and spread(value, axis) <= TINY and spread(x, axis) > APART else 0


def _small_before(seen: Pass, small: set[Node]) -> dict[Node, Node]:
    """By layer: itself if it is one of these, else that of these whose results it is given, with no other layer between."""
    if not small:
        return {}
    users = users_of(weights_of(seen), seen)
    leaving: dict[Node, Node] = {}
    found: dict[Node, Node] = {}
    for node in seen.order:
        before = next((leaving[parent] for parent in node.parents if parent in leaving), None)
        at = node if node in small else before
        if at is not None and node in users:
            found[node] = at
        if at is not None and (node in small or node not in users):
            leaving[node] = at
    return found


def _about(size: float) -> str:
    return number(float(f"{size:.2g}"))
