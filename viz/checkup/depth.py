"""How the gradient fares on its way back through the layers: where it vanishes or explodes, and which operation does it.

A layer here is an operation that uses a weight: a parameter of two or more dimensions. Its measure is the norm of the gradient of
its result, over all examples and elements: He initialisation keeps just that the same from layer to layer, however wide these
are (He et al., arXiv:1502.01852, section 2.2, backward case), so that a change of it says something of the layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_core.graph import Node, order_of

from ..graph.description import Quantity
from ..graph.digits import number
from .findings import Finding
from .passes import Pass
from .units import RECURRENT, kept
from .weights import users_of, weights_of

VANISHING = 1e-4  # a layer whose gradient is less than this share of the largest that a later layer gets
EXPLODING = 1e4  # a layer whose gradient is more than this many times that of the last layer after it
ALONE = 0.01  # an operation that lets less than this share through is named as the one that does it; more than 1 / ALONE likewise
STEPS = ("round", "floor", "ceil", "trunc", "sign")


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


def layers(seen: Pass) -> dict[Node, Layer]:
    """By node, the layers that a gradient reached, in the order they were computed in."""
    weights = weights_of(seen)
    found = {}
    for node, used in users_of(weights, seen).items():
        gradient = seen.gradient(node)
        if gradient is None:
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


def of_depth(
    seen: Pass, found: dict[Node, Layer], cause: Callable[[Node, str], int | None], waits: Callable[[Node], bool]
) -> Iterator[tuple[int | None, Finding]]:
    """Layers whose gradient has vanished or exploded, together with those that have the same operation to thank for it.

    `cause` says which known finding explains that an operation lets a gradient vanish or explode, if one does: those that this
    affects are told of together, next to its number. What only `waits` for a parameter to learn is none.
    """
    most_from = givers(seen)
    after = _after(seen, found, most_from)
    best = best_uses(seen, found)
    suffer: dict[str, list[tuple[Node, Node]]] = {}  # by kind the layers, each with the one that it is compared to
    for node in reversed(found):
        if node not in after:
            continue
        most, last = after[node]
        gradient = found[node].gradient
        if not all(math.isfinite(g) for g in (gradient, found[most].gradient, found[last].gradient)):
            continue
        if found[most].gradient and found[best[node]].gradient < VANISHING * found[most].gradient:
            suffer.setdefault("vanishing", []).append((node, most))
        elif found[last].gradient and gradient > EXPLODING * found[last].gradient:
            suffer.setdefault("exploding", []).append((node, last))
    for kind, affected in suffer.items():
        culprits = _culprits(found, most_from, kind)
        blame: dict[int | Node | None, list[tuple[Node, Node]]] = {}
        shares: dict[int | Node | None, float] = {}
        behind: set[int | Node | None] = set()
        worse = min if kind == "vanishing" else max
        for node, source in affected:
            keys: list[int | Node | None] = []
            for at, share in _blamed(culprits, node, kind):
                known = None if at is None else cause(at, kind)
                keys.append(at if known is None else known)
                if share is not None:
                    shares[keys[-1]] = worse(share, shares.get(keys[-1], share))
            blame.setdefault(keys[0], []).append((node, source))
            for key in keys[1:]:
                blame.setdefault(key, [(node, source)])
            if set(keys) != {keys[0]}:
                behind.add(keys[0])
        for culprit, victims in blame.items():
            if isinstance(culprit, int):
                yield culprit, _finding(seen, found, kind, None, shares.get(culprit), victims)
            elif culprit is None or not waits(culprit):
                finding = _finding(seen, found, kind, culprit, shares.get(culprit), victims)
                yield None, replace(finding, badness=-1.0) if culprit in behind else finding


def through_time(seen: Pass) -> Iterator[Finding]:
    """Recurrent layers, each of which is one operation, in which the gradient explodes on its way from the last step to the first."""
    for node in seen.order:
        if node.plan is None or node.plan.op.name not in RECURRENT:
            continue
        gradient, extra, steps = seen.gradient(node), kept(seen, node), len(node.settings["sizes"])
        if gradient is None or extra is None or steps < 2:
            continue
        with np.errstate(all="ignore"):
            parts = node.plan.op.backward(gradient, *extra, needs=[name == "h0" for name in node.plan.op.arguments])
            arrives, leaves = norm(gradient), norm(parts[1])
        if arrives and math.isfinite(leaves) and leaves > EXPLODING * arrives:
            ratio = leaves / arrives
            said = f"multiplies the norm of the gradient by {number(ratio)} on the way from the last of its {steps} steps to the first"
            cure = "Start with smaller or orthogonal recurrent weights, use an LSTM or GRU, or clip the gradient's norm."
            note = f"multiplies the gradient by {number(ratio)} in {steps} steps"
            numbers = {"ratio": ratio, "steps": float(steps)}
            yield Finding("exploding", seen.called(node), said, cure, (seen.ids[node],), math.log10(ratio), note, numbers)


def best_uses(seen: Pass, found: dict[Node, Layer]) -> dict[Node, Node]:
    """For each layer the one whose gradient is the largest among those that use the same weights: what these learn, they learn there."""
    weights = weights_of(seen)
    of: dict[Node, set[Node]] = {node: set().union(*(weights.get(parent, ()) for parent in node.parents)) for node in found}
    best: dict[Node, Node] = {}  # by weight
    for node, made_of in of.items():
        for weight in made_of:
            best[weight] = max(best.get(weight, node), node, key=lambda n: found[n].gradient)
    least = lambda node: min((best[weight] for weight in of[node]), key=lambda n: found[n].gradient)
    return {node: least(node) for node in found}


def far_back(seen: Pass, found: dict[Node, Layer], known: Iterable[Finding]) -> str:
    """What is to be told of weights that are used many times, but get next to nothing from some of these uses.

    Of operations that a `known` finding is about, that is told already.
    """
    told = {id for finding in known for id in finding.vertices}
    pairs = ((node, best) for node, best in best_uses(seen, found).items() if node.time < best.time and found[best].gradient)
    ratios = [(found[node].gradient / found[best].gradient, node, best) for node, best in pairs]
    ratio, node, best = min(ratios, key=lambda pair: pair[0], default=(1.0, None, None))
    if node is None or best is None or not ratio < VANISHING or seen.ids[node] in told:
        return ""
    return f"{found[node].where} gets {number(ratio)} times the gradient of {found[best].where}: what is so far away is hardly learned"


def _after(seen: Pass, found: dict[Node, Layer], most_from: dict[Node, tuple[Node, float]]) -> dict[Node, tuple[Node, Node]]:
    """For each layer the one with the largest gradient, and the last, of those of its order that most of its gradient came through."""
    through: dict[Node, dict[int, tuple[Node, Node]]] = {}  # by node, itself included
    after: dict[Node, tuple[Node, Node]] = {}
    for node in reversed(seen.order):
        here = through.get(most_from[node][0], {}) if node in most_from else {}
        if node in found and math.isfinite(found[node].gradient):
            order = order_of(node.scope)
            most, last = here.get(order, (node, node))
            if order in here:
                after[node] = here[order]
            here = {**here, order: (max(most, node, key=lambda n: (found[n].gradient, n.time)), last)}
        through[node] = here
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


def _enough(kind: str, share: float) -> bool:
    """Whether an operation that lets so much through is by itself why a gradient vanishes or explodes."""
    return share < VANISHING if kind == "vanishing" else share > EXPLODING


def _culprits(found: dict[Node, Layer], most: dict[Node, tuple[Node, float]], kind: str) -> dict[Node, tuple[Node, float]]:
    """For each node the operation to blame on the way that most of its gradient came from a layer, and what share that lets through.

    It is the last that is enough by itself, else the one that lets the least (or most) through.
    """
    vanishing = kind == "vanishing"
    worst: dict[Node, tuple[Node, float]] = {}
    for node, step in sorted(most.items(), key=lambda pair: pair[0].time, reverse=True):
        if step[0] in worst:
            known = worst[step[0]]
            worse = (min if vanishing else max)(step, known, key=lambda s: s[1])
            worst[node] = step if _enough(kind, step[1]) else known if _enough(kind, known[1]) else worse
        elif step[0] in found:
            worst[node] = step
    return {node: step for node, step in worst.items() if (step[1] <= ALONE if vanishing else step[1] >= 1 / ALONE)}


def _blamed(culprits: dict[Node, tuple[Node, float]], node: Node, kind: str) -> Iterator[tuple[Node | None, float | None]]:
    """The operation to blame for a node's gradient, and those before it on that way that would be enough without it."""
    if node not in culprits:
        yield None, None
        return
    at, share = culprits[node]
    yield at, share
    while at in culprits and _enough(kind, culprits[at][1]):
        at, share = culprits[at]
        yield at, share


def _finding(
    seen: Pass, found: dict[Node, Layer], kind: str, culprit: Node | None, share: float | None, victims: list[tuple[Node, Node]]
) -> Finding:
    worst, source = (min if kind == "vanishing" else max)(victims, key=lambda pair: found[pair[0]].gradient / found[pair[1]].gradient)
    ratio = found[worst].gradient / found[source].gradient
    told = f"gets a gradient of norm {number(found[worst].gradient)}, {number(ratio)} times that of {found[source].where}"
    if not ratio:
        told = f"gets no gradient at all, {found[source].where} one of norm {number(found[source].gradient)}"
    count = len(victims)
    told += f", the worst of {count} layers" if count > 1 else ""
    ids = tuple(found[node].id for node, _ in victims)
    numbers = {"ratio": ratio, "layers": float(count)} | ({} if share is None else {"passes": share})
    badness = abs(math.log10(ratio)) if ratio else math.inf
    if culprit is None:
        cure = (
            f"It {'shrinks' if kind == 'vanishing' else 'grows'} layer by layer: use He or Xavier initialisation, normalisation layers, or "
        )
        cure += "residual connections." if kind == "vanishing" else "clip the gradient's norm."
        return Finding(kind, found[worst].where, told, cure, ids, badness, "", numbers)
    passes = f"multiplies the norm of the gradient by {number(share)}" if share else "lets nothing of the gradient through"
    cure = "Look at the weights and the input of that operation: " + (
        "they are too small, or it is saturated." if kind == "vanishing" else "they are too large."
    )
    if culprit.plan.op.name in STEPS:
        cure = "Its derivative is zero everywhere: give it another one, such as x + (f(x) - x).detach() in the place of f(x)."
    note = f"multiplies the gradient by {number(share)}" if share else "lets no gradient through"
    said, own = f"{passes}: {found[worst].where} {told}", (seen.ids[culprit],)
    return Finding(kind, seen.called(culprit), said, cure, own, badness, note, numbers, suffering=ids)
