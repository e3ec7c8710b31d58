"""A trace as a drawing, backward or forward: its vertices as boxes, what goes along its edges as arrows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

from ..render.drawing import Arrow, Box, Drawing, Group
from .description import Edge, Quantity, Trace, Vertex
from .digits import number
from .parts import MANY, often_used, uses

STATES = {
    "own": "no backward yet: these are the gradients that backward() will give",
    "again": "the gradients of this graph by itself, as backward() adds them to .grad",
    "recorded": "the gradients of the recorded backward pass",
    "freed": "backward() has freed what the gradients between were computed from: draw before it, or inside viz.record()",
    "overwritten": "an in-place operation has overwritten what these gradients are computed from: draw before it, or inside viz.record()",
    "none": "no backward yet, and not a scalar: give gradient= to see one",
}


def drawing(found: Trace, direction: str = "backward", label: str = "output") -> Drawing:
    """The drawing of a trace."""
    return (_backward if direction == "backward" else _forward)(found, label)


# ---------------------------------------------------------------------- boxes


def shape_text(shape: tuple[int, ...]) -> str:
    return str(shape) if shape else "scalar"


def _box(found: Trace, vertex: Vertex, group: str | None, backward: bool) -> Box:
    """A vertex as a box: name, operation, shape, what is known of its value and gradient."""
    lines = [shape_text(vertex.shape)] if vertex.shape else ["not kept"] if vertex.kind == "data" and vertex.value is None else []
    if vertex.kind == "closed":
        spark = vertex.spark if backward else ()
        return Box(vertex.id, "closed", vertex.name, tuple(_held(found, vertex, backward)), group, "", spark, vertex.order)
    if vertex.kind == "operation":
        title = f"{vertex.name} = {vertex.operation}" if vertex.name else vertex.operation
    else:
        title = vertex.name
    if vertex.value is not None and vertex.value.written:
        lines.append(vertex.value.text())
    if backward and vertex.kind == "parameter" and vertex.gradient is not None:
        lines.append(vertex.gradient.text("grad"))
    kind = {"operation": "operation", "parameter": "parameter", "data": "input"}[vertex.kind]
    return Box(vertex.id, kind, title, tuple(lines), group, order=vertex.order)


def _held(found: Trace, closed: Vertex, backward: bool) -> Iterator[str]:
    """What a closed box says of what it holds."""
    members = [found.by_id[i] for i in closed.inside]
    parameters = [v for v in members if v.kind == "parameter"]
    yield counted(sum(v.kind == "operation" for v in members), "operation")
    if parameters:
        yield f"{counted(len(parameters), 'parameter')}, {sum(math.prod(v.shape) for v in parameters):,} elements"
    if closed.shape:
        yield shape_text(closed.shape)
    norms = [v.gradient.norm for v in parameters if v.gradient is not None]
    if backward and norms:
        yield f"‖grad‖ = {number(math.hypot(*norms))}"


def counted(count: int, what: str) -> str:
    """`1 operation`, `2 operations`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def not_run(hooked: int) -> str:
    """What is said of tensors with hooks."""
    return f"hooks on {counted(hooked, 'tensor')} are not run for looking: record the pass with viz.record() to see what they do"


def _groups(found: Trace) -> tuple[Group, ...]:
    return tuple(Group(c.id, c.label, c.parent, c.kind, c.times) for c in found.calls)


def _homes(found: Trace) -> dict[str, str | None]:
    """The group each vertex stands in: operations in their call, leaves and data where all users are.

    What a module was given stands outside of it: a leaf that is not its own, and data that the program has a name for.
    """
    parent = {c.id: c.parent for c in found.calls}
    opened = {c.id for c in found.calls if c.kind == "reference"}
    modules = {c.id for c in found.calls if c.kind == "module"}

    def path(scope: str | None) -> list[str | None]:
        steps: list[str | None] = [scope]
        while scope is not None:
            scope = parent[scope]
            steps.append(scope)
        return steps[::-1]

    homes = {v.id: v.scope for v in found.vertices}
    users: dict[str, list[str | None]] = {}
    for v in found.vertices:
        for e in v.inputs:
            users.setdefault(e.source, []).append(v.scope)
    for v in found.vertices:
        if v.id in users and (v.kind == "parameter" or (v.kind == "data" and not v.given)):
            paths = [path(scope) for scope in users[v.id]]
            shared = [steps[0] for steps in zip(*paths) if len(set(steps)) == 1]
            outside = next((k for k, home in enumerate(shared) if home in modules), None) if v.given else None
            home = shared[:outside][-1]
            while v.kind == "parameter" and home in opened:  # what an operation was given stands outside of it
                home = parent[home]
            homes[v.id] = home
    return homes


def _output(found: Trace, label: str) -> Box:
    """What the graph ends in."""
    root = found.by_id[found.root]
    value = root.value.text() if root.value is not None and root.value.written else shape_text(root.shape)
    return Box("output", "output", label, (value.removeprefix("= "),))


# ---------------------------------------------------------------------- the two pictures


def _forward(found: Trace, label: str) -> Drawing:
    homes = _homes(found)
    many = often_used(found)
    boxes = [*(_box(found, v, homes[v.id], False) for v in found.vertices), _output(found, label)]
    arrows = []
    bundles = _bundles(found)
    for v in found.vertices:
        for k, e in enumerate(v.inputs):
            source = found.shown[e.source]
            if (bundle := bundles.get((v.id, source))) is not None:
                if e is bundle[0]:
                    arrows.append(Arrow(source, v.id, (f"{len(bundle)} values",)))
                continue
            if e.source in many:
                boxes.append(_reference(found.by_id[e.source], f"{v.id}.{k}", homes[v.id]))
                source = boxes[-1].id
            arrows.append(Arrow(source, v.id, _carried(found.by_id[e.source]), value=e.source))
    arrows.append(Arrow(found.shown[found.root], "output", _carried(found.by_id[found.root]), value=found.root))
    return Drawing(f"{label}: how it is computed", tuple(boxes), tuple(arrows), _groups(found), found.notes)


def _bundles(found: Trace, among: Collection[str] | None = None) -> dict[tuple[str, str], list[Edge]]:
    """What is used of a closed box by one other, where that is more than a few values (`among` these): they share an arrow."""
    bundles: dict[tuple[str, str], list[Edge]] = {}
    for v in found.vertices:
        for e in v.inputs:
            source = found.shown[e.source]
            if source != e.source and (among is None or e.source in among):
                bundles.setdefault((v.id, source), []).append(e)
    return {ends: edges for ends, edges in bundles.items() if len(edges) > MANY}


def _carried(vertex: Vertex) -> tuple[str, ...]:
    """What goes forward along an arrow: a single number itself, or the shape of more; its dtype. Nothing of several results."""
    if not vertex.dtype:
        return ()
    if vertex.shape or vertex.value is None:
        return tuple(filter(None, (shape_text(vertex.shape), vertex.dtype)))
    return (vertex.value.text().removeprefix("= "), vertex.dtype)


def _reference(vertex: Vertex, place: str, group: str | None) -> Box:
    """Stands for a box that is drawn elsewhere, next to where it is used."""
    return Box(f"ref.{vertex.id}.{place}", "note", f"→ {vertex.name}", (), group)


def _backward(found: Trace, label: str) -> Drawing:
    homes = _homes(found)
    many = often_used(found)
    count = uses(found)
    boxes = [_box(found, v, homes[v.id], True) for v in found.vertices]
    total: dict[str, int] = {}  # uses, those inside closed boxes too
    for v in found.vertices:
        for e in v.inputs:
            total[e.source] = total.get(e.source, 0) + e.uses
    told_of = {i: tuple(_accumulated(found.by_id[i], total[i])) for i in many}
    boxes = [replace(box, lines=box.lines + told_of[box.id]) if box.id in many else box for box in boxes]
    arrows: list[Arrow] = []
    for source, n in count.items():
        v, seen = found.by_id[source], found.shown[source]
        if n > 1 and source not in many and v.kind != "data":  # used in several places: their gradients meet in a sum
            boxes.append(Box(f"sum.{source}", "sum", "Σ", (), homes[seen]))
            told = _flow(v.gradient, f"sum of {total[source]}", v.shape)
            arrows.append(Arrow(f"sum.{source}", seen, told, "backward", width(v.gradient), value=source))
    bundles = _bundles(found, {source for source, n in count.items() if n == 1})
    for v in found.vertices:
        for k, e in enumerate(v.inputs):
            used = found.by_id[e.source]
            target = found.shown[used.id]
            if (bundle := bundles.get((v.id, target))) is not None and count[used.id] == 1:
                if e is bundle[0]:
                    arrows.append(_bundle(v.id, target, bundle))
                continue
            if used.id in many:
                boxes.append(_reference(used, f"{v.id}.{k}", homes[v.id]))
                target = boxes[-1].id
            if used.kind == "data":
                arrows.append(Arrow(target, v.id, _carried(used), value=used.id))
                continue
            if used.id not in many and count[used.id] > 1:
                target = f"sum.{used.id}"
            arrows.append(handed_back(v.id, e, used, target))
    boxes.append(_output(found, label))
    root = found.by_id[found.root]
    start = _flow(root.gradient, "g", root.shape)
    arrows.append(Arrow("output", found.shown[found.root], start, "backward", width(root.gradient), value=found.root))
    caption = [
        "Each arrow carries a gradient back: the rule that makes it (g is the gradient of the box it leaves), and its size.",
        STATES[found.state],
    ]
    if found.hooked:
        caption.append(not_run(found.hooked))
    if found.state == "recorded":
        caption += _changed(found)
    if many:
        caption.append("→ stands for a box that is used in many places, and drawn once")
    caption += found.notes
    return Drawing(f"{label}: the chain rule, backward", tuple(boxes), tuple(arrows), _groups(found), tuple(caption))


def handed_back(user: str, edge: Edge, used: Vertex, target: str) -> Arrow:
    """The gradient that comes back along an edge, as an arrow to a box."""
    told = _flow(edge.part, edge.formula, used.shape, edge.uses, edge.meanings)
    return Arrow(user, target, told, "backward", width(edge.part), value=used.id)


def _changed(found: Trace) -> Iterator[str]:
    """Where a recorded gradient is not the sum of what the arrows bring: hooks changed it, or a pass through something else added to it."""
    edges = (e for v in found.vertices for e in v.inputs if found.shown[e.source] == e.source)
    for id, total in found.changed(edges).items():
        v = found.by_id[id]
        told = f"hooks, or passes that are not drawn, changed the gradient of {v.name or v.operation}"
        yield f"{told}: {v.gradient.text('g') if v.gradient else ''}, the arrows bring {total.text('g')}"


def _accumulated(vertex: Vertex, count: int) -> Iterator[str]:
    """What the box of something often used says of that."""
    yield f"used {count} times"
    if vertex.kind == "parameter":
        yield f"grad is the sum of {count}"


def _bundle(source: str, target: str, edges: list[Edge]) -> Arrow:
    """The gradients of several values of one box as one arrow."""
    norms = [edge.part.norm for edge in edges if edge.part is not None]
    norm = math.hypot(*norms) if norms else None
    told = (f"{len(edges)} gradients",) if norm is None else (f"{len(edges)} gradients", f"‖·‖ = {number(norm)}")
    return Arrow(source, target, told, "backward", width(norm))


def _flow(gradient: Quantity | None, rule: str, shape: tuple[int, ...], count: int = 1, meanings: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What stands on a backward arrow: the rule, what names in it mean, of how many uses it is the sum, the gradient, its shape."""
    told = [f"sum of {count}"] if count > 1 else []
    if gradient is not None:
        told.append(gradient.text())
    if shape and (gradient is None or not gradient.nested):
        told.append(shape_text(shape))
    return (rule, *meanings, ", ".join(told)) if told else (rule, *meanings)


def width(gradient: Quantity | float | None) -> float:
    """Thicker for larger gradients: one point for each power of ten between a thousandth and one."""
    norm = gradient.norm if isinstance(gradient, Quantity) else gradient
    if not norm:
        return 1.0
    if not math.isfinite(norm):
        return 4.0
    return 1.0 + min(max(math.log10(norm) + 3, 0.0), 3.0)
