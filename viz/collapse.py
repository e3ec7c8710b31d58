"""Closing boxes: a module, an opened operation or a repeat becomes one vertex with the gradients that cross its boundary."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from .description import Call, Edge, Quantity, Trace, Vertex


def collapsed(found: Trace, closed: Collection[str]) -> Trace:
    """The trace with these calls (by id) closed: what they hold is hidden behind one vertex each.

    A leaf that only a closed box uses is hidden in it. What a box uses several times is one edge, whose gradient is the sum.
    """
    box_of = _closed_around(found, closed)
    inside = {v.id: box_of[v.scope] for v in found.vertices if v.scope is not None and v.scope in box_of}
    users: dict[str, set[str | None]] = {}
    for v in found.vertices:
        for edge in v.inputs:
            users.setdefault(edge.source, set()).add(inside.get(v.id))
    for v in found.vertices:
        if v.kind != "operation" and (only := users.get(v.id)) is not None and len(only) == 1:
            (box,) = only
            if box is not None:
                inside[v.id] = box
    members: dict[str, list[Vertex]] = {}
    for v in found.vertices:
        if v.id in inside:
            members.setdefault(inside[v.id], []).append(v)
    left = {box: len(held) for box, held in members.items()}
    calls = {call.id: call for call in found.calls}
    vertices = []
    for v in found.vertices:
        if v.id not in inside:
            vertices.append(v)
            continue
        around = inside[v.id]
        left[around] -= 1
        if not left[around]:  # in the place of its newest member
            vertices.append(_closed(found, calls[around], members[around], inside, users))
    hidden = tuple(v for v in found.vertices if v.id in inside)
    return replace(found, vertices=tuple(vertices), hidden=hidden, calls=tuple(c for c in found.calls if c.id not in box_of))


def _closed_around(found: Trace, closed: Collection[str]) -> dict[str, str]:
    """For each call that is closed or inside a closed one, the outermost closed one."""
    around: dict[str, str] = {}
    for call in found.calls:  # a call comes after the one around it
        if call.parent in around:
            around[call.id] = around[call.parent]
        elif call.id in closed:
            around[call.id] = call.id
    return around


def _closed(found: Trace, call: Call, members: list[Vertex], inside: dict[str, str], users: dict[str, set[str | None]]) -> Vertex:
    """The vertex that stands for a call: the value and gradient of what leaves it, if that is one, and the edges into it."""
    out = [v for v in members if v.id == found.root or not users.get(v.id, set()) <= {call.id}]
    one = out[0] if len(out) == 1 else None
    edges: dict[str, list[Edge]] = {}
    for v in members:
        for edge in v.inputs:
            if inside.get(edge.source) != call.id:
                edges.setdefault(edge.source, []).append(edge)
    name = call.label.partition(":")[0]
    return Vertex(
        call.id,
        "closed",
        call.label,
        call.kind,
        one.shape if one else (),
        one.dtype if one else "",
        one.value if one else None,
        one.gradient if one else None,
        call.parent,
        tuple(crossing(found, name, source, crossed) for source, crossed in edges.items()),
        max((v.order for v in members), default=0),
        saved=sum(v.saved for v in members),
        inside=tuple(v.id for v in members),
    )


def crossing(found: Trace, box: str, source: str, edges: list[Edge]) -> Edge:
    """All uses of one value by what a closed box holds, as one edge: the gradient is the sum of theirs."""
    parts = [edge.part for edge in edges if edge.part is not None]
    total: Quantity | None = parts[0] if parts else None
    for part in parts[1:]:
        total = total + part if total is not None else part
    used = found.by_id[source]
    rule = f"g · ∂{box}/∂{used.name or used.operation}" if any(edge.formula for edge in edges[:1]) or parts else ""
    return Edge(source, "", rule, total)


# ---------------------------------------------------------------------- which to close


def to_close(
    found: Trace,
    depth: int | None = None,
    collapse: Callable[[Call], bool] | None = None,
    expand: Callable[[Call], bool] | None = None,
    most: int | None = None,
) -> set[str]:
    """The calls to close: those `depth` frames down, those that `collapse` picks, none that `expand` picks or that hold such.

    With `most`, no more than so many vertices are left to see where closing can achieve that: boxes are opened from the
    outermost inwards as long as there is room.
    """
    level: dict[str | None, int] = {None: -1}
    closed = set()
    for call in found.calls:
        level[call.id] = level[call.parent] + 1
        if (depth is not None and level[call.id] >= depth) or (collapse is not None and collapse(call)):
            closed.add(call.id)
    keep: set[str] = set()
    if expand is not None:
        parents = {call.id: call.parent for call in found.calls}
        for call in found.calls:
            at = call.id if expand(call) else None
            while at is not None:
                keep.add(at)
                at = parents[at]
    closed -= keep
    return closed if most is None else closed | set(_fitting(found, closed, keep, most))


def _fitting(found: Trace, closed: set[str], keep: set[str], most: int) -> Iterator[str]:
    """The calls that stay closed when boxes are opened, the outermost first, while no more than `most` vertices are seen."""
    holds: dict[str | None, int] = {}
    for v in found.vertices:
        if v.kind == "operation":
            holds[v.scope] = holds.get(v.scope, 0) + 1
    children: dict[str | None, list[Call]] = {}
    for call in found.calls:
        children.setdefault(call.parent, []).append(call)
    cost = lambda call: holds.get(call.id, 0) + len(children.get(call.id, ())) - 1
    seen = holds.get(None, 0) + len(children.get(None, ())) + sum(v.kind != "operation" for v in found.vertices) // 2
    level = children.get(None, [])
    while level:
        deeper: list[Call] = []
        for call in sorted(level, key=cost):
            if call.id not in closed and (call.id in keep or seen + cost(call) <= most):
                seen += cost(call)
                deeper += children.get(call.id, ())
            else:
                yield call.id
        level = deeper
