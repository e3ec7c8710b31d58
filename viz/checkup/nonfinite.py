"""Where the first NaN or infinity arose, in the values or in the gradients, as against where it was only handed on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.graph import Node

from ..graph.arguments import given_to
from ..graph.digits import number
from .findings import Finding
from .passes import Pass
from .units import PRODUCTS

CURES = {
    "log": "Keep the argument above zero (clamp it, or add a small number), or use log_softmax, logsigmoid or logsumexp.",
    "div": "Keep the divisor away from zero: add a small number to it.",
    "reciprocal": "Keep the argument away from zero: add a small number to it.",
    "sqrt": "The slope at zero is infinite: add a small number inside the root.",
    "rsqrt": "Add a small number to the argument, which has to stay above zero.",
    "exp": "Subtract the largest argument first (logsumexp and softmax do), or clamp it.",
    "pow": "Keep the base above zero, or the exponent smaller.",
    "power": "Keep the base above zero, or the exponent smaller.",
    **dict.fromkeys(
        ("rnn", "gru", "lstm"), "Keep the state small: smaller or orthogonal recurrent weights, tanh instead of ReLU, fewer steps."
    ),
    "softmax": "Leave each row one place that is not masked, and keep the scores finite.",
    "norm": "Add a small number inside the norm where it can be zero.",
}
CURE = "Look at what it is given, and make that smaller or keep it away from where the operation is not defined."
FEW = 3  # arguments whose ranges are told
BAD, MEANT, UNKNOWN = "bad", "meant", "unknown"  # meant: −inf from a mask, which softmax turns into zero


def wrong(value: Any) -> str:
    """What an array (or one of several) holds that is not finite: "NaN", "inf", "−inf" if nothing else, or ""."""
    if isinstance(value, tuple | list):
        found = {wrong(v) for v in value if v is not None}
        return next((what for what in ("NaN", "inf", "−inf") if what in found), "")
    if value is None or not isinstance(value, np.ndarray | np.generic) or value.dtype.kind not in "fc" or not np.size(value):
        return ""
    with np.errstate(all="ignore"):
        if np.isfinite(np.sum(value)):
            return ""
    if np.isfinite(value).all():  # only the sum was too large
        return ""
    if np.isnan(value).any():
        return "NaN"
    return "−inf" if value.dtype.kind == "f" and not (value == np.inf).any() else "inf"


def nonfinite(seen: Pass) -> tuple[list[Finding], list[str], list[tuple[str, str]], str]:
    """The origins as findings; ids of what inherited (not the origins); arrows (ids of both ends) that carry such gradients; a note."""
    states: dict[str, str] = {}
    origins: dict[str, Node | None] = {}  # in the values; None: data
    for node in seen.order:
        _forward(seen, node, states, origins)
    live = _reaching(seen, states)
    backward, inherited, arrows = _backward(seen, states, origins)
    found = {id: _finding(seen, id, node, states) for id, node in {**origins, **backward}.items() if id in live or id in backward}
    downstream = {id for id, state in states.items() if state == BAD} if found else set()
    harmless = [id for id in origins if id not in found]
    note = (
        "NaN or infinity that nothing further sees: " + ", ".join(_named(seen, id) for id in harmless[:3]) if harmless and not found else ""
    )
    return list(found.values()), sorted((downstream | set(inherited)) - found.keys()), arrows, note


def _forward(seen: Pass, node: Node, states: dict[str, str], origins: dict[str, Node | None]) -> None:
    """The state of a node's value: "" (finite), bad, meant or unknown; and whether it is an origin."""
    id = seen.ids[node]
    what = wrong(seen.values.get(node))
    if node.plan is None:
        states[id] = BAD if what else ""
        if what:
            origins[id] = node
        return
    inputs = [edge.source for edge in seen.vertex(node).inputs]
    given = [_data(seen, source, states, origins) for source in inputs]
    numbers = [*(a.value for a in given_to(node)), *getattr(node, "settings", {}).values()]
    given += [MEANT for value in numbers if isinstance(value, float) and value == -math.inf]
    if node not in seen.values:
        states[id] = BAD if BAD in given else UNKNOWN
    elif not what or (what == "−inf" and MEANT in given and BAD not in given):
        states[id] = MEANT if what else ""
    else:
        states[id] = BAD
        blamed = [
            source for source, state in zip(inputs, given, strict=False) if state == MEANT and seen.found.by_id[source].kind == "data"
        ]
        if BAD not in given and blamed and node.plan.op.name in PRODUCTS:  # that is no mask
            states.update(dict.fromkeys(blamed, BAD))
            origins.update(dict.fromkeys(blamed))
        elif BAD not in given:
            origins[id] = node


def _data(seen: Pass, id: str, states: dict[str, str], origins: dict[str, Node | None]) -> str:
    """The state of what is used; data is judged when it is first met."""
    if id not in states:
        value = seen.found.by_id[id].value
        what = "" if value is None else wrong(value.array)
        states[id] = MEANT if what == "−inf" else BAD if what else ""
        if states[id] == BAD:
            origins[id] = None
    return states[id]


def _reaching(seen: Pass, states: dict[str, str]) -> set[str]:
    """What reaches the output, bad all the way."""
    root = seen.ids[seen.root]
    live = {root} if states[root] == BAD else set()
    todo = list(live)
    while todo:
        for edge in seen.found.by_id[todo.pop()].inputs:
            if states[edge.source] == BAD and edge.source not in live:
                live.add(edge.source)
                todo.append(edge.source)
    return live


def _backward(
    seen: Pass, states: dict[str, str], origins: dict[str, Node | None]
) -> tuple[dict[str, Node | None], list[str], list[tuple[str, str]]]:
    """Origins among the gradient rules, whose gradients are finite before and not after; what got such gradients from others; arrows."""
    found: dict[str, Node | None] = {}
    inherited, arrows = [], []
    handed: set[Node] = set()  # got a part that is not finite
    for node in reversed(seen.order):
        gradient, id = seen.gradient(node), seen.ids[node]
        if gradient is None:
            continue
        arrived = wrong(gradient)
        if arrived:
            inherited.append(id)
            if node not in handed and states[id] != BAD:
                found[id] = node  # finite parts whose sum is not, or a hook, or what the pass began with
        bad = [parent for parent, part in zip(node.parents, seen.parts(node), strict=False) if part is not None and wrong(part)]
        handed.update(bad)
        arrows += [(id, seen.ids[parent]) for parent in bad]
        values = [states[edge.source] for edge in seen.vertex(node).inputs]
        if bad and not arrived and BAD not in values and (states[id] != BAD or id in origins):
            found[id] = node
    return found, inherited, arrows


# ---------------------------------------------------------------------- in words


def _finding(seen: Pass, id: str, node: Node | None, states: dict[str, str]) -> Finding:
    v = seen.found.by_id[id]
    if node is not None and states[id] != BAD and wrong(seen.gradient(node)):
        return _arrived(seen, id, node)
    if node is None or node.plan is None:
        array = seen.values[node] if node is not None else v.value.array  # type: ignore[union-attr]
        what = wrong(array)
        said = f"holds {what} in {how_many(array)} before anything is computed"
        cure = (
            "Check where it comes from: the data, or a buffer."
            if v.kind == "data"
            else "Check the update that wrote it: the learning rate, or a gradient that was not finite."
        )
        return Finding("origin", _named(seen, id), said, cure, (id,), 2.0, f"{what} in {how_many(array)}", {"count": float(_bad(array))})
    value = seen.values.get(node)
    what = wrong(value)
    if what and states[id] == BAD:
        told = f"made the first {what}: {how_many(value)}"
        note = f"{what} arose here"
    else:
        parts = [p for p in seen.parts(node) if p is not None and wrong(p)]
        what = wrong(parts)
        told = f"gave the first {what} in the gradients: {how_many(parts[0])}"
        note = f"{what} arose in its gradient"
    ranges = ", ".join(list(filter(None, [_range(seen, edge.source, edge.argument) for edge in v.inputs]))[:FEW])
    said = told + (f"; it was given {ranges}" if ranges else "")
    numbers = {"count": float(_bad(value if states[id] == BAD else [p for p in seen.parts(node) if p is not None]))}
    badness = _early(seen, id, states[id] == BAD)
    return Finding("origin", seen.called(node), said, CURES.get(node.plan.op.name, CURE), (id,), badness, note, numbers)


def _early(seen: Pass, id: str, forward: bool) -> float:
    """The larger, the earlier it happened: below 2 on the way forward, below 1 on the way back."""
    share = int(id[1:]) / len(seen.order)
    return 2 - share if forward else share


def _arrived(seen: Pass, id: str, node: Node) -> Finding:
    """A gradient that is not finite although all that was handed on is: added up, from a hook, or given from outside."""
    gradient = seen.gradient(node)
    parts = [
        part
        for user in seen.order
        for parent, part in zip(user.parents, seen.parts(user), strict=False)
        if parent is node and isinstance(part, np.ndarray)
    ]
    with np.errstate(all="ignore"):
        overflows = bool(parts) and bool(wrong(np.sum(parts, axis=0)))
    what, of = wrong(gradient), how_many(gradient)
    if not parts:
        said, cure = f"the pass began with {what} in {of} of its gradient", "Check what backward() was given, and hooks on the output."
    elif overflows:
        said, cure = f"the gradients that arrive are finite, their sum is {what} in {of}", "Make the loss smaller, or use float64."
    else:
        said = f"a hook made the first {what} in the gradients: {of}, of finite numbers"
        cure = "Look at what the hooks on this tensor return."
    note, numbers = f"{what} arose in its gradient", {"count": float(_bad(gradient))}
    return Finding("origin", seen.called(node), said, cure, (id,), _early(seen, id, False), note, numbers)


def _named(seen: Pass, id: str) -> str:
    v = seen.found.by_id[id]
    return seen.data_called[id] if v.kind == "data" else seen.called(seen.order[int(id[1:])])


def _bad(value: Any) -> int:
    arrays = value if isinstance(value, tuple | list) else [value]
    return sum(int((~np.isfinite(a)).sum()) for a in arrays if isinstance(a, np.ndarray | np.generic) and a.dtype.kind in "fc")


def how_many(value: Any) -> str:
    """How many elements of an array, or of several, are not finite: `3 of 40 elements`."""
    arrays = [a for a in (value if isinstance(value, tuple | list) else [value]) if a is not None]
    size = sum(np.size(a) for a in arrays)
    return f"{_bad(value):,} of {size:,} elements" if size > 1 else "its only element"


def _range(seen: Pass, id: str, argument: str) -> str:
    """The least and the largest of what an operation was given."""
    k = int(id[1:]) if id[1:].isdigit() else None
    value = seen.values.get(seen.order[k]) if k is not None else getattr(seen.found.by_id[id].value, "array", None)
    if value is None or isinstance(value, tuple) or not np.size(value) or np.asarray(value).dtype.kind not in "biuf":
        return ""
    low, high = np.min(value), np.max(value)
    return f"{argument} = {number(low)}" if low == high else f"{argument} from {number(low)} to {number(high)}"
