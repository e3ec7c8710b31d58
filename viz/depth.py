"""How the gradient fares on its way back through the layers: where it vanishes or explodes, and which operation does it.

A layer here is an operation that uses a weight: a parameter of two or more dimensions. Its measure is the norm of the gradient of
its result, over all examples and elements: He initialisation keeps just that the same from layer to layer, however wide these
are (He et al., arXiv:1502.01852, section 2.2, backward case), so that a change of it says something of the layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from autograd_core.graph import Node
from nn import Parameter

from .description import Quantity
from .findings import Finding
from .passes import Pass
from .symbols import number

VANISHING = 1e-4  # a layer whose gradient is less than this share of the largest that a later layer gets
EXPLODING = 1e4  # a layer whose gradient is more than this many times that of the last layer after it
ALONE = 0.01  # an operation that lets less than this share through is named as the one that does it; more than 1 / ALONE likewise
REARRANGED = {"mT", "transpose", "reshape", "getitem", "crop", "expand_dims", "squeeze", "broadcast_to", "alias", "to"}
OF_WEIGHTS = REARRANGED | {"mul", "div", "add", "sub", "norm", "sqrt", "square", "sum", "rsqrt", "neg"}  # weights made of weights


@dataclass(frozen=True)
class Layer:
    """An operation that uses a weight, and the gradients there."""

    id: str  # of the vertex
    where: str
    module: str  # the path of the module it stands in
    gradient: float  # norm of the gradient of its result
    passes: float | None  # the share of it that goes on to what is no weight; None where nothing does
    weight: float | None  # root mean square of the weight's gradient


def norm(value: Any) -> float:
    """The Euclidean norm of a gradient, or of several together."""
    if isinstance(value, list | tuple):
        return math.hypot(*(norm(v) for v in value if v is not None))
    return Quantity(value).norm


def weights_of(seen: Pass) -> set[Node]:
    """Parameters, and what is computed from parameters alone."""
    made: set[Node] = set()
    leaves = [node for node in seen.order if node.plan is None]
    declared = {node for node in leaves if isinstance(node.tensor(), Parameter)}
    own = OF_WEIGHTS if declared else REARRANGED  # without modules, any tensor that requires grad may be data
    for node in seen.order:
        if node.plan is None:
            if node in declared or (not declared and len(node.shape) >= 2):
                made.add(node)
        elif node.plan.op.name in own and made.issuperset(node.parents):
            made.add(node)
    return made


def layers(seen: Pass) -> dict[Node, Layer]:
    """By node, the layers that a gradient reached, in the order they were computed in."""
    weights = weights_of(seen)
    found = {}
    for node in seen.order:
        if node.plan is None or node in weights:
            continue
        used = [k for k, parent in enumerate(node.parents) if parent in weights and len(parent.shape) >= 2]
        gradient = seen.gradient(node)
        if not used or gradient is None:
            continue
        parts = seen.parts(node)
        arrives = norm(gradient)
        others = [norm(p) for p, parent in zip(parts, node.parents, strict=False) if p is not None and parent not in weights]
        own = [parts[k] for k in used if k < len(parts) and parts[k] is not None and not isinstance(parts[k], list)]
        size = sum(np.size(p) for p in own)
        passes = max(others) / arrives if others and arrives else None
        weight = norm(own) / math.sqrt(size) if size else None
        found[node] = Layer(seen.ids[node], seen.called(node), seen.place(node), arrives, passes, weight)
    return found


def of_depth(seen: Pass, found: dict[Node, Layer]) -> Iterator[Finding]:
    """Layers whose gradient has vanished or exploded, together with those that have the same operation to thank for it."""
    after = _after(seen, found)
    most_from = givers(seen)
    blame: dict[tuple[str, tuple[Node, float] | None], list[tuple[Node, Node]]] = {}  # victims, each with what it is compared to
    for node in reversed(found):
        if node not in after:
            continue
        most, last = after[node]
        gradient = found[node].gradient
        if not all(math.isfinite(g) for g in (gradient, found[most].gradient, found[last].gradient)):
            continue
        if found[most].gradient and gradient < VANISHING * found[most].gradient:
            blame.setdefault(("vanishing", _culprit(found, most_from, node, "vanishing")), []).append((node, most))
        elif found[last].gradient and gradient > EXPLODING * found[last].gradient:
            blame.setdefault(("exploding", _culprit(found, most_from, node, "exploding")), []).append((node, last))
    for (kind, culprit), victims in blame.items():
        yield _finding(seen, found, kind, culprit, victims)


def _after(seen: Pass, found: dict[Node, Layer]) -> dict[Node, tuple[Node, Node]]:
    """For each layer, of those computed from it the one with the largest gradient, and the last."""
    best: dict[Node, tuple[Node, Node]] = {}
    after: dict[Node, tuple[Node, Node]] = {}
    for node in reversed(seen.order):
        here = best.pop(node, None)
        if node in found and math.isfinite(found[node].gradient):
            if here is not None:
                after[node] = here
            most = node if here is None or found[node].gradient > found[here[0]].gradient else here[0]
            here = (most, node if here is None else here[1])
        if here is None:
            continue
        for parent in node.parents:
            if parent not in best:
                best[parent] = here
            else:
                most, last = best[parent]
                most = max(most, here[0], key=lambda n: (found[n].gradient, n.time))
                best[parent] = (most, max(last, here[1], key=lambda n: n.time))
    return after


def givers(seen: Pass) -> dict[Node, tuple[Node, float]]:
    """For each node the one that handed it the most of its gradient, and the share of its own that this was (1 of none)."""
    most: dict[Node, tuple[Node, float]] = {}
    handed: dict[Node, float] = {}
    for node in reversed(seen.order):
        gradient = seen.gradient(node)
        if gradient is None:
            continue
        arrives = norm(gradient)
        for parent, part in zip(node.parents, seen.parts(node), strict=False):
            size = 0.0 if part is None else norm(part)
            if part is not None and size >= handed.get(parent, 0.0):
                most[parent], handed[parent] = (node, size / arrives if arrives else 1.0), size
    return most


def _culprit(found: dict[Node, Layer], most: dict[Node, tuple[Node, float]], victim: Node, kind: str) -> tuple[Node, float] | None:
    """The operation that lets the least (or most) through, on the way that most of a layer's gradient came, if it stands out."""
    way: list[tuple[Node, float]] = []
    end, at = 0, victim
    while at in most:
        way.append(most[at])
        at = way[-1][0]
        end = len(way) if at in found else end
    if not end:
        return None
    worst = (min if kind == "vanishing" else max)(way[:end], key=lambda step: step[1])
    return worst if (worst[1] <= ALONE if kind == "vanishing" else worst[1] >= 1 / ALONE) else None


def _finding(
    seen: Pass, found: dict[Node, Layer], kind: str, blamed: tuple[Node, float] | None, victims: list[tuple[Node, Node]]
) -> Finding:
    worst, source = (min if kind == "vanishing" else max)(victims, key=lambda pair: found[pair[0]].gradient / found[pair[1]].gradient)
    ratio = found[worst].gradient / found[source].gradient
    gets = f"a gradient of norm {number(found[worst].gradient)}, {number(ratio)} times that of {found[source].where}"
    if not ratio:
        gets = f"no gradient at all, {found[source].where} one of norm {number(found[source].gradient)}"
    told = f"{found[worst].where} gets {gets}"
    count = len(victims)
    told += f", the worst of {count} layers" if count > 1 else ""
    ids = tuple(found[node].id for node, _ in victims)
    numbers = {"ratio": ratio, "layers": float(count)}
    badness = abs(math.log10(ratio)) if ratio else math.inf
    if blamed is None:
        cure = (
            "It shrinks layer by layer: use He or Xavier initialisation, normalisation layers, or residual connections."
            if kind == "vanishing"
            else "It grows layer by layer: use He or Xavier initialisation, normalisation layers, or clip the gradient's norm."
        )
        return Finding(kind, found[worst].where, told, cure, ids, badness, "", numbers)
    culprit, share = blamed
    numbers["passes"] = share
    passes = "lets nothing of the gradient through" if not share else f"multiplies the norm of the gradient by {number(share)}"
    cure = "Look at the weights and the input of that operation: " + (
        "they are too small, or it is saturated." if kind == "vanishing" else "they are too large."
    )
    ids = (seen.ids[culprit], *(id for id in ids if id != seen.ids[culprit]))
    note = "lets no gradient through" if not share else f"multiplies the gradient by {number(share)}"
    return Finding(kind, seen.called(culprit), f"{passes}: {told}", cure, ids, badness, note, numbers)


LEVELS = "▁▂▃▄▅▆▇█"
LONGEST = 96  # characters of a curve


def thinned(values: list[float], most: int) -> list[float]:
    """At most so many values: of neighbours that share a place the smallest, which a dip survives, or what is not finite."""
    cuts = [len(values) * k // most for k in range(most + 1)] if len(values) > most else list(range(len(values) + 1))
    return [min(values[a:b], key=lambda v: (math.isfinite(v), v)) for a, b in pairwise(cuts)]


def curve(values: list[float]) -> str:
    """Norms as a row of bars of logarithmic height, at least a power of ten from the lowest to the highest.

    "·" is a zero, "!" what is not finite.
    """
    shown = thinned(values, LONGEST)
    logs = [math.log10(v) for v in shown if v and math.isfinite(v)]
    low, high = min(logs, default=0.0), max(logs, default=0.0)
    low = min(low, high - 1)
    level = lambda v: LEVELS[min(int(8 * (math.log10(v) - low) / (high - low)), 7)]
    return "".join("!" if not math.isfinite(v) else level(v) if v else "·" for v in shown)
