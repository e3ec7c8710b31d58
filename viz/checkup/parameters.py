"""Which parameters get a gradient, and if not, why; and how large a step would be, next to the parameter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.graph import Node, ancestors
from autograd_core.tensor import Tensor
from autograd_core.writes import owner
from nn import Module

from ..graph.arguments import given_to
from ..graph.as_drawing import counted
from ..graph.digits import number
from .depth import norm
from .findings import Finding, percent, shortened
from .passes import Pass

LARGE, SMALL = 0.1, 1e-7  # a step of plain gradient descent next to the weight: a thousandth is usual


@dataclass(frozen=True)
class Standing:
    """How a parameter stands.

    `state` is "trained", "frozen" (requires_grad is False), "unused", "detached" (computed with, but not recorded), "unused or
    detached", "cut" (used, but no gradient flows), "unknown" (used, and no pass is known), or of those whose gradient is exactly
    zero "balanced" (its parts cancel), "starved" (nothing arrives where it is used: no gradient, or but zeros) or "zero" (else).
    """

    name: str
    elements: int
    state: str
    gradient: float | None  # norm
    step: float | None  # lr · ‖gradient‖ / ‖parameter‖, of weights
    id: str | None  # of the vertex, if it is in the graph
    why: str = ""  # what makes one think that it was detached, or what hands on nothing but zeros


def standings(seen: Pass, given: Any, lr: float | None) -> list[Standing]:
    """All parameters of the modules that were called, or given, and all leaves of the graph besides."""
    modules = [("", given)] if isinstance(given, Module) else seen.names.roots(seen.order[::-1])
    rows: dict[int, tuple[str, Tensor]] = {}
    for prefix, module in modules:
        for name, parameter in module.named_parameters():
            rows.setdefault(id(parameter), (prefix + name, parameter))
    for node in seen.order:
        tensor = node.tensor() if node.plan is None else None
        if tensor is not None:
            rows.setdefault(id(tensor), (seen.vertex(node).name, tensor))
    within = set(seen.order)
    users: dict[Node, list[Node]] = {}
    for node in seen.order:
        for parent in node.parents:
            if parent.plan is None:
                users.setdefault(parent, []).append(node)
    doubts = unexplained(seen, [module for _, module in modules])
    apart = elsewhere(seen, within)
    places = {tensor.node: k for k, (_, tensor) in enumerate(rows.values()) if tensor.node in within}
    made = []
    for k, (name, tensor) in enumerate(rows.values()):
        at = tensor.node
        known = at in within
        gradient = seen.gradient(at) if at in within else None
        step, length, why = None, None if gradient is None else norm(gradient), ""
        if not tensor.requires_grad:
            state = "frozen"
        elif not known:
            why = next((said for user, said in doubts if k < min((places[p] for p in user.parents if p in places), default=0)), "")
            state = "detached" if at in apart else "unused or detached" if why else "unused"
        elif seen.run is None:
            state = "unknown"
        elif length is None:
            state = "cut"
        else:
            state = "trained" if length or at is None else _why_zero(seen, at, users.get(at, []))
        if lr is not None and length is not None and tensor.array.ndim >= 2 and (weight := norm(tensor.array)):
            step = lr * length / weight
        made.append(Standing(name, tensor.array.size, state, length, step, seen.ids[at] if at in within else None, why))
    return made


def _why_zero(seen: Pass, leaf: Node, users: list[Node]) -> str:
    """Which state a parameter is in whose gradient is zero."""
    handed = (part for node in users for parent, part in zip(node.parents, seen.parts(node), strict=False) if parent is leaf)
    if any(part is not None and norm(part) for part in handed) or any(_cancels(seen, leaf, node) for node in users):
        return "balanced"
    return "starved" if all(_starves(seen, leaf, node) for node in users) else "zero"


def _cancels(seen: Pass, leaf: Node, user: Node) -> bool:
    """Whether it is added, as a bias is, so that its gradient is the sum of what arrives there: which is not all zero."""
    gradient = seen.gradient(user)
    added = user.plan.op.name in ("add", "sub") or {a.name for a in given_to(user) if a.parent is leaf} == {"bias"}
    return added and gradient is not None and norm(gradient) > 0


def _starves(seen: Pass, leaf: Node, user: Node) -> bool:
    """Whether an operation can give a parameter no gradient because none arrives, or because all else that it uses is zero."""
    gradient = seen.gradient(user)
    if gradient is None or not norm(gradient):
        return True
    others = [seen.values.get(parent) for parent in user.parents if parent is not leaf and parent.plan is not None]
    return any(isinstance(value, np.ndarray) and not np.any(value) for value in others)


def unexplained(seen: Pass, modules: list[Module]) -> list[tuple[Node, str]]:
    """Operations in a module that work on parameters and on data of nobody's: the data may be what is left of a value that was detached."""
    buffers = {id(owner(b.array)) for module in modules for b in module.buffers()}
    found = []
    for node in seen.order:
        if node.plan is None or node.scope is None or any(parent.plan is not None for parent in node.parents):
            continue
        for edge in seen.vertex(node).inputs:
            data = seen.found.by_id[edge.source]
            array = None if data.kind != "data" or data.value is None else data.value.array
            if array is None or array.ndim < 2 or array.dtype.kind not in "fc":
                continue
            if id(owner(array)) not in buffers and not seen.names.of_array(array):
                found.append((node, f"{seen.called(node)} uses data of shape {array.shape} that does not record"))
    return found


def elsewhere(seen: Pass, within: set[Node]) -> set[Node]:
    """Nodes of graphs that are not this one, but whose values are used here as data: what was detached from them."""
    arrays = {id(owner(v.value.array)) for v in seen.found.vertices if v.kind == "data" and v.value is not None}
    tops = [n for n, t in seen.names.tensors.items() if n not in within and n.plan is not None and id(owner(t.array)) in arrays]
    return set(ancestors(tops)) - within


def of_parameters(rows: list[Standing]) -> Iterator[Finding]:
    """Parameters without a gradient, or with one that is exactly zero, by the reason; and steps that are too large or too small."""
    why = next((row.why for row in rows if row.why and row.state == "unused or detached"), "")
    reasons = {
        "unused": (
            "not in the graph of the loss",
            "Use them in forward, or take them out of the model; if they are used, look for a detach() or no_grad() on their way.",
        ),
        "detached": (
            "used, but detached on the way to the loss",
            "If that is not meant, leave out the detach(), .data or no_grad() between them and the loss.",
        ),
        "unused or detached": (
            f"not in the graph of the loss, while {why}",
            "If they are used, look for a detach(), .data, no_grad() or NumPy call between; else use them, or take them out.",
        ),
        "cut": (
            "used, but no gradient flows to it",
            "Look for an operation without a gradient (argmax, a comparison, rounding) on the way, or gradients hidden by a hook.",
        ),
        "zero": (
            "given a gradient that is exactly zero",
            "Look for dead units or an overwritten value between them and the loss, or a batch that never meets them.",
        ),
    }
    for state, (said, cure) in reasons.items():
        alike: dict[str, list[Standing]] = {}
        for row in rows:
            if row.state == state or (state == "zero" and row.state == "starved"):
                alike.setdefault(row.why if state == "zero" else "", []).append(row)
        for stops, held in alike.items():
            count, elements = len(held), sum(row.elements for row in held)
            what = f"{'is' if count == 1 else 'are'} {said} ({counted(count, 'parameter')}, {counted(elements, 'element')})"
            what += f": {stops}" if stops else ""
            ids = tuple(row.id for row in held if row.id is not None)
            note = {"cut": "no gradient reaches it", "zero": "its gradient is exactly 0"}.get(state, "")
            numbers = {"parameters": float(count), "elements": float(elements)}
            where, badness = shortened([row.name for row in held]), elements + (state != "zero") * 1e18
            yield Finding("unused", where, what, cure, ids, badness, note, numbers)
    for kind, wrong, cure in (
        ("exploding", lambda s: s > LARGE, "Lower the learning rate, or clip the gradient's norm; about a thousandth is usual."),
        (
            "vanishing",
            lambda s: 0 < s < SMALL,
            "Raise the learning rate, or find out why its gradient is so small; about a thousandth is usual.",
        ),
    ):
        steps = [row for row in rows if row.step is not None and wrong(row.step)]
        if steps:
            worst = max(steps, key=lambda row: abs(math.log10(row.step)))  # type: ignore[arg-type]
            size = worst.step or 0.0
            said = f"a step of plain gradient descent is {percent(size) if size < 1 else f'{number(size)} times the norm'} of it"
            said += f", the {'largest' if kind == 'exploding' else 'smallest'} of {len(steps)} such parameters" if len(steps) > 1 else ""
            ids = tuple(row.id for row in steps if row.id is not None)
            yield Finding(kind, worst.name, said, cure, ids, 0.0, "", {"step": float(worst.step or 0), "parameters": float(len(steps))})


def frozen(rows: list[Standing]) -> str:
    """How many are frozen, which is meant and no finding."""
    held = [row for row in rows if row.state == "frozen"]
    elements = sum(row.elements for row in held)
    return f"frozen (requires_grad is False): {counted(len(held), 'parameter')}, {counted(elements, 'element')}" if held else ""
