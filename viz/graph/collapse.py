"""Closing boxes: a module, an opened operation or a repeat becomes one vertex with the gradients that cross its boundary."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

from .description import Call, Edge, Quantity, Trace, Vertex
from .digits import small_digits


def collapsed(found: Trace, closed: Collection[str]) -> Trace:
    """The trace with these calls (by id) closed: what they hold is hidden behind one vertex each.

    A leaf that only a closed box uses is hidden in it, unless several steps of a repeat share it, or a repeat begins with it, or
    the program handed it to the module; a module's parameter also where a closed row of operations uses it as well: a penalty on
    all weights, for example. What a box uses several times is one edge, whose gradient is the sum.
    """
    if not closed:
        return found
    box_of = _closed_around(found, closed)
    calls = {call.id: call for call in found.calls}
    inside = {v.id: box_of[v.scope] for v in found.vertices if v.scope is not None and v.scope in box_of}
    steps = _steps(found, inside, calls)
    leaves = [v for v in found.vertices if v.kind not in ("operation", "closed")]
    users: dict[str, dict[str | None, None]] = {v.id: {} for v in leaves}
    for v in found.vertices:
        around = inside.get(v.id)
        for edge in v.inputs:
            if edge.source in users:
                users[edge.source][steps.get(v.id, around)] = None
    begins_with = _initial(leaves, users, steps, inside)
    for v in leaves:
        if users[v.id] and v.id not in begins_with:
            boxes = [None if user is None else box_of.get(user) or inside[user] for user in users[v.id]]
            box = _home(v, boxes, calls)
            if box is not None:
                inside[v.id] = box
    members: dict[str, list[Vertex]] = {}
    for v in found.vertices:
        if v.id in inside:
            members.setdefault(inside[v.id], []).append(v)
    left = {box: len(held) for box, held in members.items()}
    leaving = _leaving(found, inside)
    vertices = []
    for v in found.vertices:
        if v.id not in inside:
            vertices.append(v)
            continue
        box = inside[v.id]
        left[box] -= 1
        if not left[box]:  # in the place of its newest member
            vertices.append(_closed(found, calls[box], members[box], inside, leaving, steps))
    hidden = tuple(v for v in found.vertices if v.id in inside)
    return replace(found, vertices=tuple(vertices), hidden=found.hidden + hidden, calls=tuple(c for c in found.calls if c.id not in box_of))


def _initial(
    leaves: list[Vertex], users: Mapping[str, Collection[str | None]], steps: Mapping[str, str], inside: Mapping[str, str]
) -> set[str]:
    """What closed repeats begin with: leaves, and data with a name, that only the first step uses while the others have none."""
    repeat_of = {step: inside[v] for v, step in steps.items()}
    first = {repeat: step for step, repeat in reversed(repeat_of.items())}
    alone: dict[tuple[str, str], dict[str, list[str]]] = {}
    for v in leaves:
        if (v.kind == "parameter" or v.given) and len(users[v.id]) == 1:
            (step,) = users[v.id]
            if step in repeat_of:
                alone.setdefault((repeat_of[step], v.kind), {}).setdefault(step, []).append(v.id)
    return {v for (repeat, _), own in alone.items() if own.keys() == {first[repeat]} for v in own[first[repeat]]}


def _home(v: Vertex, users: list[str | None], calls: Mapping[str, Call]) -> str | None:
    """The closed box that hides a leaf: of those that use it, one for each step of a repeat, and None for what is open."""
    boxes = [box for box in users if box is not None]
    if len(boxes) < len(users):
        return None
    if len(boxes) == 2 and v.kind == "parameter":
        made = [box for box in boxes if not calls[box].of_operations]
        boxes = made if len(made) == 1 else boxes if made else boxes[:1]
    if len(boxes) > 1 or (v.given and calls[boxes[0]].kind == "module"):
        return None
    if v.kind == "parameter" and calls[boxes[0]].kind == "reference":  # what an opened operation was given stands outside of it
        return None
    return boxes[0]


def _closed_around(found: Trace, closed: Collection[str]) -> dict[str, str]:
    """For each call that is closed or inside a closed one, the outermost closed one."""
    around: dict[str, str] = {}
    for call in found.calls:  # a call comes after the one around it
        if call.parent in around:
            around[call.id] = around[call.parent]
        elif call.id in closed:
            around[call.id] = call.id
    return around


def _steps(found: Trace, inside: Mapping[str, str], calls: Mapping[str, Call]) -> dict[str, str]:
    """For each vertex in a closed repeat, or a closed part of one, its step: a call, or itself where a step is a single operation."""
    boxes = {box for box in inside.values() if _holds_steps(calls[box], calls)}
    rows = set(boxes)  # and the parts that a closed repeat is divided into
    step: dict[str, str] = {}
    for call in found.calls:
        if call.parent in step:
            step[call.id] = step[call.parent]
        elif call.parent in rows and call.kind == "part":
            rows.add(call.id)
        elif call.parent in rows:
            step[call.id] = call.id
    return {v: step.get(found.by_id[v].scope or "", v) for v, box in inside.items() if box in boxes}


def _holds_steps(call: Call, calls: Mapping[str, Call]) -> bool:
    return call.kind == "repeat" or (call.kind == "part" and call.parent is not None and calls[call.parent].kind == "repeat")


def _leaving(found: Trace, inside: Mapping[str, str]) -> set[str]:
    """Values in closed boxes that are used outside of them."""
    used = {
        edge.source for v in found.vertices for edge in v.inputs if inside.get(found.shown[edge.source]) not in (None, inside.get(v.id))
    }
    return used | {found.root}


def _closed(
    found: Trace, call: Call, members: list[Vertex], inside: Mapping[str, str], leaving: set[str], steps: Mapping[str, str]
) -> Vertex:
    """The vertex that stands for a call: the value and gradient of what leaves it, if that is one, and the edges into it."""
    held = [one for v in members for one in (v, *(found.by_id[id] for id in v.inside))]
    results = [v for v in held if v.id in leaving and v.kind == "operation"]
    one = results[0] if len(results) == 1 else None
    edges: dict[str, list[Edge]] = {}
    for v in members:
        for edge in v.inputs:
            if inside.get(found.shown[edge.source]) != call.id:
                edges.setdefault(edge.source, []).append(edge)
    called = inputs_called(found, edges)
    label = f"{call.label} ×{call.times}" if call.times > 1 else call.label
    return Vertex(
        call.id,
        "closed",
        label,
        call.kind,
        one.shape if one else (),
        one.dtype if one else "",
        one.value if one else None,
        one.gradient if one else None,
        call.parent,
        tuple(crossing(found, box_name(label), source, crossed, called[source]) for source, crossed in edges.items()),
        max((v.order for v in members), default=0),
        saved=sum(v.saved for v in members),
        inside=tuple(v.id for v in held),
        spark=_spark(members, held, leaving, steps),
    )


def box_name(label: str) -> str:
    """What a formula calls a closed box: the name of the attribute, the class where that is but a number."""
    name, _, kind = label.partition(": ")
    name = kind if kind and not name.rpartition(".")[2].isidentifier() and "." not in name else name
    return f"({name})" if " " in name else name


def inputs_called(found: Trace, edges: Mapping[str, list[Edge]]) -> dict[str, str]:
    """What the formulas of a closed box call its inputs: by the last part of a name if that tells them apart, or "in"."""
    names = {source: found.by_id[source].name for source, crossed in edges.items() if any(edge.part or edge.formula for edge in crossed)}
    last = [name.rpartition(".")[2] for name in names.values()]
    unnamed = sum(not name for name in names.values())
    called, count = dict.fromkeys(edges, ""), 0
    for source, name in names.items():
        short = name.rpartition(".")[2]
        count += not name
        if not name:
            called[source] = "in" if unnamed == 1 else f"in{small_digits(count)}"
        else:
            called[source] = short if last.count(short) == 1 and short.isidentifier() else name
    return called


def crossing(found: Trace, box: str, source: str, edges: list[Edge], called: str = "") -> Edge:
    """All uses of one value by what a closed box holds, as one edge: the gradient is the sum of theirs.

    `called` is what the rule calls the value, else its name.
    """
    parts = [edge.part for edge in edges if edge.part is not None]
    total: Quantity | None = parts[0] if parts else None
    for part in parts[1:]:
        total = total + part if total is not None else part
    rule = f"g · ∂{box}/∂{called or found.by_id[source].name or 'in'}" if parts or any(edge.formula for edge in edges[:1]) else ""
    return Edge(source, "", rule, total, uses=sum(edge.uses for edge in edges))


def _spark(members: list[Vertex], held: list[Vertex], leaving: Collection[str], steps: Mapping[str, str]) -> tuple[float, ...]:
    """The norm of the gradient of what leaves each step, the first step first; empty where there are no steps, or no gradients known."""
    step_of = {id: steps[v.id] for v in members if v.id in steps for id in (v.id, *v.inside)}
    if not step_of:
        return ()
    handed_on = {edge.source for v in held for edge in v.inputs if step_of.get(edge.source) != step_of.get(v.id)}
    norms: dict[str, list[float]] = {step: [] for step in step_of.values()}
    for v in held:
        if v.id in step_of and (v.id in leaving or v.id in handed_on) and v.kind == "operation" and v.gradient is not None:
            norms[step_of[v.id]].append(v.gradient.norm)
    if not any(norms.values()):
        return ()
    parts = {v.id: v.spark for v in members if v.spark and v.operation == "part"}  # closed before
    return tuple(norm for step, own in norms.items() for norm in parts.get(step, (math.hypot(*own),)))
