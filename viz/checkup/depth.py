"""How the gradient fares on its way back through the layers: where it vanishes or explodes, and which operation does it.

A layer here is an operation that uses a weight: a parameter of two or more dimensions. Its measure is the norm of the gradient of
its result, over all examples and elements: He initialisation keeps just that the same from layer to layer, however wide these
are (He et al., arXiv:1502.01852, section 2.2, backward case), so that a change of it says something of the layer.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from autograd_core.graph import Node, ancestors, order_of
from nn import Parameter

from ..graph.arguments import given_to
from ..graph.description import Quantity
from ..graph.symbols import number
from .findings import ATTENTION, RECURRENT, Finding, kept
from .passes import Pass

VANISHING = 1e-4  # a layer whose gradient is less than this share of the largest that a later layer gets
EXPLODING = 1e4  # a layer whose gradient is more than this many times that of the last layer after it
ALONE = 0.01  # an operation that lets less than this share through is named as the one that does it; more than 1 / ALONE likewise
REARRANGED = {"mT", "transpose", "reshape", "getitem", "crop", "expand_dims", "squeeze", "broadcast_to", "alias", "to"}
STEPS = ("round", "floor", "ceil", "trunc", "sign")
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


def of_depth(seen: Pass, found: dict[Node, Layer], known: dict[str, Finding]) -> Iterator[Finding]:
    """Layers whose gradient has vanished or exploded, together with those that have the same operation to thank for it.

    `known` is what is known of vertices: where that is why a gradient vanishes, it is told there.
    """
    after = _after(seen, found)
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
    most_from = givers(seen) if suffer else {}
    for kind, affected in suffer.items():
        culprits = _culprits(found, most_from, kind)
        blame: dict[Node | None, list[tuple[Node, Node]]] = {}
        for node, source in affected:
            blame.setdefault(culprits[node][0] if node in culprits else None, []).append((node, source))
        for culprit, victims in blame.items():
            if culprit is None:
                yield _finding(seen, found, kind, None, victims, known)
            elif not waiting(seen, culprit):
                share = (min if kind == "vanishing" else max)(culprits[node][1] for node, _ in victims)
                yield _finding(seen, found, kind, (culprit, share), victims, known)


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


def far_back(seen: Pass, found: dict[Node, Layer]) -> str:
    """What is to be told of weights that are used many times, but get next to nothing from some of these uses."""
    pairs = ((node, best) for node, best in best_uses(seen, found).items() if node.time < best.time and found[best].gradient)
    ratios = [(found[node].gradient / found[best].gradient, node, best) for node, best in pairs]
    ratio, node, best = min(ratios, key=lambda pair: pair[0], default=(1.0, None, None))
    if node is None or best is None or not ratio < VANISHING:
        return ""
    return f"{found[node].where} gets {number(ratio)} times the gradient of {found[best].where}: what is so far away is hardly learned"


def waiting(seen: Pass, node: Node) -> bool:
    """Whether it lets nothing through because a factor is a parameter that is exactly zero and about to learn, as one so initialised is."""
    pairs = [(parent, part) for parent, part in zip(node.parents, seen.parts(node), strict=False) if part is not None]
    if all(parent.plan is None or norm(part) for parent, part in pairs):
        return False
    for argument in given_to(node):
        if argument.parent is not None and argument.parent.plan is None and argument.name != "bias":
            value, gradient = seen.values.get(argument.parent), seen.gradient(argument.parent)
            if value is not None and gradient is not None and not np.any(value) and np.any(gradient):
                return True
    return False


def still_zero(seen: Pass) -> str:
    """What is to be told of parameters that were initialised to zero, so that the gradient of what is before them is zero too."""
    held = [node for node in seen.order if node.plan is not None and waiting(seen, node)]
    if not held:
        return ""
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    return f"{seen.called(held[0])}{more}: multiplied by a parameter that is still zero; what is before it learns from the second step on"


def _after(seen: Pass, found: dict[Node, Layer]) -> dict[Node, tuple[Node, Node]]:
    """For each layer the one with the largest gradient, and the last, of those of its order of derivative that are computed from it."""
    best: dict[Node, dict[int, tuple[Node, Node]]] = {}
    after: dict[Node, tuple[Node, Node]] = {}
    for node in reversed(seen.order):
        here = best.pop(node, {})
        if node in found and math.isfinite(found[node].gradient):
            order = order_of(node.scope)
            if order in here:
                after[node] = here[order]
            _meet(found, here, order, (node, node))
        for parent in node.parents:
            there = best.setdefault(parent, {})
            for order, pair in here.items():
                _meet(found, there, order, pair)
    return after


def _meet(found: dict[Node, Layer], known: dict[int, tuple[Node, Node]], order: int, pair: tuple[Node, Node]) -> None:
    """Keep of two pairs the layer with the largest gradient, and the last."""
    most, last = known.get(order, pair)
    known[order] = max(most, pair[0], key=lambda n: (found[n].gradient, n.time)), max(last, pair[1], key=lambda n: n.time)


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


def _culprits(found: dict[Node, Layer], most: dict[Node, tuple[Node, float]], kind: str) -> dict[Node, tuple[Node, float]]:
    """For each node the operation that lets the least (or most) through on the way that most of its gradient came from a layer."""
    worst: dict[Node, tuple[Node, float]] = {}
    for node, step in sorted(most.items(), key=lambda pair: pair[0].time, reverse=True):
        if step[0] in worst:
            worst[node] = (min if kind == "vanishing" else max)(step, worst[step[0]], key=lambda s: s[1])
        elif step[0] in found:
            worst[node] = step
    return {node: step for node, step in worst.items() if (step[1] <= ALONE if kind == "vanishing" else step[1] >= 1 / ALONE)}


def _finding(
    seen: Pass,
    found: dict[Node, Layer],
    kind: str,
    blamed: tuple[Node, float] | None,
    victims: list[tuple[Node, Node]],
    known: dict[str, Finding],
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
    cause = known.get(seen.ids[culprit]) if kind == "vanishing" else None
    if cause is not None:
        return replace(cause, said=f"{cause.said}: {told}", numbers={**cause.numbers, **numbers})
    passes = "lets nothing of the gradient through" if not share else f"multiplies the norm of the gradient by {number(share)}"
    cure = "Look at the weights and the input of that operation: " + (
        "they are too small, or it is saturated." if kind == "vanishing" else "they are too large."
    )
    if culprit.plan.op.name in STEPS:
        cure = "Its derivative is zero everywhere: give it another one, such as x + (f(x) - x).detach() in the place of f(x)."
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
