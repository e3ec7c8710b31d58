"""`draw(loss)`: the picture of a graph, forward or backward."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autograd_core.tensor import Tensor, current_node
from nn import Module

from .drawing import Arrow, Box, Drawing, Group
from .names import Names
from .picture import Picture
from .record import Run
from .symbols import number
from .trace import Quantity, Trace, Vertex, trace

MANY = 5  # uses of one box that are still drawn as arrows to it
DIRECTIONS = ("backward", "forward")
STATES = {
    "own": "no backward yet: these are the gradients that backward() will give",
    "again": "the gradients of this graph by itself, as backward() adds them to .grad",
    "recorded": "the gradients of the recorded backward pass",
    "freed": "backward() has freed what the gradients between were computed from: draw before it, or inside viz.record()",
    "none": "no backward yet, and not a scalar: give gradient= to see one",
}


def draw(
    output: Tensor,
    direction: str = "backward",
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    gradient: Any = None,
    title: str | None = None,
) -> Picture:
    """The picture of the graph that `output` (usually a loss) was computed by.

    `direction="backward"` draws the chain rule: on each arrow the local rule and the gradient that flows there.
    `"forward"` draws the computation, with shapes. Parameters are named after their place in the modules, other
    tensors after the caller's variables; `names` (a dict, or a Module) comes first. Gradients are those of `run`
    (see `viz.record`), else of a pass made for looking, which leaves the graph and `.grad` as they are; `gradient`
    starts it for a tensor that is not a scalar. Raises TypeError or ValueError for what has no graph.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"draw: direction is 'backward' or 'forward', got {direction!r}")
    current_node(output)  # a view of what was rewritten since has its node made again
    frame = inspect.currentframe()
    known = Names(output, names, frame.f_back if frame else None)
    found = trace(output, known, run, gradient)
    label = title or known.of(output.node) or "output"  # type: ignore[arg-type]
    return Picture(drawing(found, direction, label))


def drawing(found: Trace, direction: str = "backward", label: str = "output") -> Drawing:
    """The drawing of a trace."""
    return (_backward if direction == "backward" else _forward)(found, label)


# ---------------------------------------------------------------------- boxes


def shape_text(shape: tuple[int, ...]) -> str:
    return str(shape) if shape else "scalar"


def _box(vertex: Vertex, group: str | None, backward: bool) -> Box:
    """A vertex as a box: name, operation, shape, what is known of its value and gradient."""
    lines = [shape_text(vertex.shape)] if vertex.shape else ["not kept"] if vertex.kind == "data" and vertex.value is None else []
    if vertex.kind == "operation":
        title = f"{vertex.name} = {vertex.operation}" if vertex.name else vertex.operation
    else:
        title = vertex.name
    if vertex.value is not None and vertex.value.values is not None:
        lines.append(vertex.value.text())
    elif vertex.value is not None and vertex.value.same is not None and vertex.kind == "data":
        lines.append(f"all = {number(vertex.value.same)}")
    if backward and vertex.kind == "parameter" and vertex.gradient is not None:
        lines.append(vertex.gradient.text("grad"))
    kind = {"operation": "operation", "parameter": "parameter", "data": "input"}[vertex.kind]
    return Box(vertex.id, kind, title, tuple(lines), group)


def _groups(found: Trace) -> tuple[Group, ...]:
    return tuple(Group(c.id, c.label, c.parent) for c in found.calls)


def _homes(found: Trace) -> dict[str, str | None]:
    """The group each vertex stands in: operations in their call, the rest where all of their users are."""
    parent = {c.id: c.parent for c in found.calls}

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
        if v.kind == "parameter" and v.id in users:
            paths = [path(scope) for scope in users[v.id]]
            shared = [steps[0] for steps in zip(*paths) if len(set(steps)) == 1]
            homes[v.id] = shared[-1]
    return homes


def _output(found: Trace, label: str) -> Box:
    """What the graph ends in."""
    root = next(v for v in found.vertices if v.id == found.root)
    value = root.value.text() if root.value is not None and root.value.values is not None else shape_text(root.shape)
    return Box("output", "output", label, (value.removeprefix("= "),))


# ---------------------------------------------------------------------- the two pictures


def _forward(found: Trace, label: str) -> Drawing:
    homes = _homes(found)
    by_id = {v.id: v for v in found.vertices}
    many = _often_used(found)
    boxes = [*(_box(v, homes[v.id], False) for v in found.vertices), _output(found, label)]
    arrows = []
    for v in found.vertices:
        for k, e in enumerate(v.inputs):
            source = e.source
            if source in many:
                boxes.append(_reference(by_id[source], f"{v.id}.{k}", homes[v.id]))
                source = boxes[-1].id
            arrows.append(Arrow(source, v.id, tuple(filter(None, [_carried(by_id[e.source])]))))
    arrows.append(Arrow(found.root, "output", (_carried(by_id[found.root]),)))
    return Drawing(f"{label}: how it is computed", tuple(boxes), tuple(arrows), _groups(found))


def _carried(vertex: Vertex) -> str:
    """What goes forward along an arrow: a single number itself, or the shape of more."""
    if vertex.kind == "data" and vertex.value is None:
        return ""
    if vertex.shape or vertex.value is None:
        return shape_text(vertex.shape)
    return vertex.value.text().removeprefix("= ")


def _often_used(found: Trace) -> dict[str, int]:
    """Leaves and data used so often that an arrow to each use would tangle the picture, and how often."""
    uses: dict[str, int] = {}
    for v in found.vertices:
        for e in v.inputs:
            uses[e.source] = uses.get(e.source, 0) + 1
    kinds = {v.id: v.kind for v in found.vertices}
    return {i: n for i, n in uses.items() if n > MANY and kinds[i] != "operation"}


def _reference(vertex: Vertex, place: str, group: str | None) -> Box:
    """Stands for a box that is drawn elsewhere, next to where it is used."""
    return Box(f"ref.{vertex.id}.{place}", "note", f"→ {vertex.name}", (), group)


def _backward(found: Trace, label: str) -> Drawing:
    homes = _homes(found)
    by_id = {v.id: v for v in found.vertices}
    many = _often_used(found)
    uses: dict[str, int] = {}
    for v in found.vertices:
        for e in v.inputs:
            uses[e.source] = uses.get(e.source, 0) + 1
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for v in found.vertices:
        boxes.append(_box(v, homes[v.id], True))
        if v.id in many:
            boxes[-1] = replace(boxes[-1], lines=(*boxes[-1].lines, f"used {many[v.id]} times"))
        elif uses.get(v.id, 0) > 1 and v.kind != "data":  # used in several places: their gradients meet in a sum
            boxes.append(Box(f"sum.{v.id}", "sum", "Σ", (), homes[v.id]))
            told = _flow(v.gradient, f"sum of {uses[v.id]}", v.shape)
            arrows.append(Arrow(f"sum.{v.id}", v.id, told, "backward", _width(v.gradient)))
    for v in found.vertices:
        for k, e in enumerate(v.inputs):
            source = by_id[e.source]
            reference = None
            if source.id in many:
                reference = _reference(source, f"{v.id}.{k}", homes[v.id])
                boxes.append(reference)
            if source.kind == "data":
                start = source.id if reference is None else reference.id
                arrows.append(Arrow(start, v.id, tuple(filter(None, [_carried(source)])), "forward"))
                continue
            target = reference.id if reference is not None else f"sum.{source.id}" if uses[source.id] > 1 else source.id
            arrows.append(Arrow(v.id, target, _flow(e.part, e.formula, source.shape), "backward", _width(e.part)))
    boxes.append(_output(found, label))
    root = by_id[found.root]
    arrows.append(Arrow("output", found.root, _flow(root.gradient, "g", root.shape), "backward", _width(root.gradient)))
    caption = [
        "Each arrow carries a gradient back: the rule that makes it (g is the gradient of the box it leaves), and its size.",
        STATES[found.state],
    ]
    if found.hooked:
        caption.append(f"hooks on {found.hooked} tensors are not run for looking: record the pass with viz.record() to see what they do")
    if many:
        caption.append("→ stands for a box that is used in many places, and drawn once")
    return Drawing(f"{label}: the chain rule, backward", tuple(boxes), tuple(arrows), _groups(found), tuple(caption))


def _flow(gradient: Quantity | None, rule: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """What stands on a backward arrow: the rule, the gradient, its shape."""
    told = [] if gradient is None else [gradient.text()]
    if shape:
        told.append(shape_text(shape))
    return (rule, ", ".join(told)) if told else (rule,)


def _width(gradient: Quantity | None) -> float:
    """Thicker for larger gradients: one point for each power of ten between a thousandth and one."""
    if gradient is None or gradient.norm == 0:
        return 1.0
    if not math.isfinite(gradient.norm):
        return 4.0
    return 1.0 + min(max(math.log10(gradient.norm) + 3, 0.0), 3.0)
