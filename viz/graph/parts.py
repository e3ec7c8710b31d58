"""How many boxes a trace makes, and numbered parts for rows of operations that are too long to be drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .description import Call, Trace, Vertex
from .rows import LONG

MANY = 5  # uses of one box that are still drawn as arrows to it
MOST = 300  # boxes that a picture has at most, unless more are asked for
PARTS = 100  # into which a long row of operations is divided, at most
FEW = 3  # members that are no part
WRAPPERS = ("repeat", "step", "part")  # kinds of calls that the program did not make


def uses(found: Trace) -> dict[str, int]:
    """How many arrows lead away from each value that is used."""
    count: dict[str, int] = {}
    for v in found.vertices:
        for e in v.inputs:
            count[e.source] = count.get(e.source, 0) + 1
    return count


def often_used(found: Trace) -> dict[str, int]:
    """Leaves and data used so often that an arrow to each use would tangle the picture, and how often."""
    return {i: n for i, n in uses(found).items() if n > MANY and found.by_id[i].kind != "operation"}


def seen(found: Trace) -> int:
    """How many boxes the backward picture has: vertices, sums, references to what is often used, the output."""
    many = often_used(found)
    sums = sum(n > 1 and i not in many and found.by_id[i].kind != "data" for i, n in uses(found).items())
    return len(found.vertices) + sums + sum(many.values()) + 1


def boxes_in(found: Trace) -> dict[str | None, int]:
    """For each call how many boxes stand in it and in none inside: operations, leaves, sums, references."""
    parents = {call.id: call.parent for call in found.calls}
    depth: dict[str | None, int] = {None: 0}
    rows: set[str | None] = set()  # calls that are but rows of operations, or in such
    for call in found.calls:
        depth[call.id] = depth[call.parent] + 1
        if call.parent in rows or (call.parent is None and call.of_operations):
            rows.add(call.id)
    owned = {e.source for v in found.vertices if v.scope is not None and v.scope not in rows for e in v.inputs}
    leaves = {v.id for v in found.vertices if v.kind == "parameter"}
    home: dict[str, str | None] = {}  # of what is used: the innermost call around all users
    count: dict[str, int] = {}
    for v in found.vertices:
        for e in v.inputs:
            if v.scope in rows and e.source in owned and e.source in leaves:  # a module's parameter stays with the module
                continue
            count[e.source] = count.get(e.source, 0) + 1
            at, other = home.get(e.source, v.scope), v.scope
            while at != other:
                if depth[at] >= depth[other]:
                    at = parents[at]  # type: ignore[index]
                else:
                    other = parents[other]  # type: ignore[index]
            home[e.source] = at
    many = often_used(found)
    boxes: dict[str | None, int] = {}
    for v in found.vertices:
        at = v.scope if v.kind == "operation" else home.get(v.id)
        several = count.get(v.id, 0) > 1 and v.id not in many and v.kind != "data"
        boxes[at] = boxes.get(at, 0) + 1 + several
        if many:
            boxes[v.scope] = boxes.get(v.scope, 0) + sum(e.source in many for e in v.inputs)
    return boxes


# ---------------------------------------------------------------------- calls that the program did not make


def in_parts(found: Trace, most: int = MOST) -> Trace:
    """The trace with calls of kind "part" around the members of what holds more than so many of them."""
    children: dict[str | None, int] = {}
    for call in found.calls:
        children[call.parent] = children.get(call.parent, 0) + 1
    long = {at for at, boxes in boxes_in(found).items() if boxes + children.get(at, 0) > most}
    long |= {at for at, count in children.items() if count > most}
    if not long:
        return found
    rows: dict[str | None, list[tuple[str, int]]] = {at: [] for at in long}  # their members, and the first operation in each
    parents = {call.id: call.parent for call in found.calls}
    apart: dict[str | None, set[str]] = {}  # what the program itself called, and long repeats, stay out of parts if they are few
    for call in found.calls:
        if call.kind not in WRAPPERS or call.times >= LONG:
            apart.setdefault(call.parent, set()).add(call.id)
    placed: set[str] = set()
    operations = 0
    for v in found.vertices:
        if v.kind != "operation":
            continue
        operations += 1
        member, at = v.id, v.scope
        while True:
            if at in rows:
                rows[at].append((member, operations))
            if at is None or at in placed:
                break
            placed.add(at)
            member, at = at, parents[at]
    around: dict[str, str] = {}
    before: dict[str | None, list[Call]] = {}
    repeats = {call.id for call in found.calls if call.kind == "repeat"}
    for at, row in rows.items():
        alone = apart.get(at, set())
        for start, stop in _cut([member for member, _ in row], alone if len(alone) <= most // 3 else set()):
            after = row[stop][1] if stop < len(row) else operations + 1
            span = f"steps {start + 1:,}–{stop:,}" if at in repeats else f"operations {row[start][1]:,}–{after - 1:,}"
            part = Call(f"{at or 'part'}:{start + 1}", span, at, "part")
            before.setdefault(at, []).append(part)
            around.update((member, part.id) for member, _ in row[start:stop])
    calls = list(before.get(None, ()))
    for call in found.calls:
        calls.append(replace(call, parent=around[call.id]) if call.id in around else call)
        calls += before.get(call.id, ())
    vertices = tuple(replace(v, scope=around[v.id]) if v.id in around else v for v in found.vertices)
    return replace(found, vertices=vertices, calls=tuple(calls))


def _cut(row: list[str], apart: set[str]) -> Iterator[tuple[int, int]]:
    """Where the parts of a row start and stop."""
    size = _part_size(len(row))
    start = 0
    while start < len(row):
        stop = start
        while stop < len(row) and stop - start < size and row[stop] not in apart:
            stop += 1
        if stop - start > FEW:
            yield start, stop
        start = max(stop, start + 1)


def _part_size(count: int) -> int:
    """A round number of members: 20, 50, 100 and so on."""
    size = 20
    while size * PARTS < count:
        size = size * 5 // 2 if str(size)[0] == "2" else size * 2
    return size


def unwrapped(found: Trace, keep: set[str], closed: set[str]) -> Trace:
    """The trace without the repeats and parts that are neither closed, nor in what is, nor to be kept; nor the steps of such repeats."""
    shut: set[str | None] = set()
    gone: dict[str, str | None] = {}  # and what stands around instead
    repeat_of: dict[str | None, str | None] = {}  # through the parts that its steps are divided into
    calls: list[Call] = []
    for call in found.calls:
        repeat_of[call.id] = call.id if call.kind == "repeat" else repeat_of.get(call.parent) if call.kind == "part" else None
        parent = gone.get(call.parent, call.parent) if call.parent is not None else None
        if call.id in closed or call.parent in shut:
            shut.add(call.id)
        if call.id in shut or call.id in keep:
            calls.append(call if parent == call.parent else replace(call, parent=parent))
        elif call.kind in ("repeat", "part") or (call.kind == "step" and repeat_of[call.parent] in gone):
            gone[call.id] = parent
        else:
            calls.append(call if parent == call.parent else replace(call, parent=parent))
    if not gone:
        return found
    vertices: tuple[Vertex, ...] = tuple(replace(v, scope=gone[v.scope]) if v.scope in gone else v for v in found.vertices)
    return replace(found, vertices=vertices, calls=tuple(calls))
