"""`draw(loss)`: the picture of a graph, forward or backward."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autograd_core.tensor import Tensor, current_node
from nn import Module

from .collapse import collapsed, to_close
from .description import Call, Quantity, Trace, Vertex
from .drawing import Arrow, Box, Drawing, Group
from .names import Names
from .picture import Picture
from .record import Run
from .symbols import number
from .trace import trace

Which = str | Sequence[str] | Callable[[Call], bool] | None  # boxes: by name, or by a predicate
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
    depth: int | None = None,
    collapse: Which = None,
    expand: Which = None,
) -> Picture:
    """The picture of the graph that `output` (usually a loss) was computed by.

    `direction="backward"` draws the chain rule: on each arrow the local rule and the gradient that flows there.
    `"forward"` draws the computation, with shapes. Parameters are named after their place in the modules, other
    tensors after the caller's variables; `names` (a dict, or a Module) comes first. Gradients are those of `run`
    (see `viz.record`), else of a pass made for looking, which leaves the graph and `.grad` as they are; `gradient`
    starts it for a tensor that is not a scalar. `depth` closes the boxes so many frames down; `collapse` and `expand` pick
    boxes to close or to keep open: paths of modules ("blocks.3"), names of classes, or a function of a `Call`.
    Raises TypeError or ValueError for what has no graph.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"draw: direction is 'backward' or 'forward', got {direction!r}")
    current_node(output)  # a view of what was rewritten since has its node made again
    frame = inspect.currentframe()
    known = Names(output, names, frame.f_back if frame else None)
    found = trace(output, known, run, gradient)
    label = title or known.of(output.node) or "output"  # type: ignore[arg-type]
    closed = to_close(found, depth, picked("collapse", collapse), picked("expand", expand))
    return Picture(drawing(collapsed(found, closed), direction, label))


def picked(what: str, which: Which) -> Callable[[Call], bool] | None:
    """A choice of boxes as a function of a `Call`. Raises TypeError for what chooses nothing."""
    if which is None or callable(which):
        return which
    names = [which] if isinstance(which, str) else list(which)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"draw: {what} is a name, a list of names or a function of a Call, got {which!r}")
    return lambda call: any(name in (call.path, call.label, *call.label.split(": ")) for name in names)


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
        return Box(vertex.id, "closed", vertex.name, tuple(_held(found, vertex, backward)), group)
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
    root = found.by_id[found.root]
    value = root.value.text() if root.value is not None and root.value.values is not None else shape_text(root.shape)
    return Box("output", "output", label, (value.removeprefix("= "),))


# ---------------------------------------------------------------------- the two pictures


def _forward(found: Trace, label: str) -> Drawing:
    homes = _homes(found)
    many = _often_used(found)
    boxes = [*(_box(found, v, homes[v.id], False) for v in found.vertices), _output(found, label)]
    arrows = []
    for v in found.vertices:
        for k, e in enumerate(v.inputs):
            source = found.shown[e.source]
            if e.source in many:
                boxes.append(_reference(found.by_id[e.source], f"{v.id}.{k}", homes[v.id]))
                source = boxes[-1].id
            arrows.append(Arrow(source, v.id, tuple(filter(None, [_carried(found.by_id[e.source])]))))
    arrows.append(Arrow(found.shown[found.root], "output", (_carried(found.by_id[found.root]),)))
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
    return {i: n for i, n in _uses(found).items() if n > MANY and found.by_id[i].kind != "operation"}


def _uses(found: Trace) -> dict[str, int]:
    """How many arrows lead away from each value that is used."""
    uses: dict[str, int] = {}
    for v in found.vertices:
        for e in v.inputs:
            uses[e.source] = uses.get(e.source, 0) + 1
    return uses


def _reference(vertex: Vertex, place: str, group: str | None) -> Box:
    """Stands for a box that is drawn elsewhere, next to where it is used."""
    return Box(f"ref.{vertex.id}.{place}", "note", f"→ {vertex.name}", (), group)


def _backward(found: Trace, label: str) -> Drawing:
    homes = _homes(found)
    many = _often_used(found)
    uses = _uses(found)
    boxes = [_box(found, v, homes[v.id], True) for v in found.vertices]
    boxes = [replace(box, lines=(*box.lines, f"used {many[box.id]} times")) if box.id in many else box for box in boxes]
    arrows: list[Arrow] = []
    for source, count in uses.items():
        v, seen = found.by_id[source], found.shown[source]
        if count > 1 and source not in many and v.kind != "data":  # used in several places: their gradients meet in a sum
            boxes.append(Box(f"sum.{source}", "sum", "Σ", (), homes[seen]))
            told = _flow(v.gradient, f"sum of {count}", v.shape)
            arrows.append(Arrow(f"sum.{source}", seen, told, "backward", _width(v.gradient)))
    for v in found.vertices:
        for k, e in enumerate(v.inputs):
            used = found.by_id[e.source]
            target = found.shown[used.id]
            if used.id in many:
                boxes.append(_reference(used, f"{v.id}.{k}", homes[v.id]))
                target = boxes[-1].id
            if used.kind == "data":
                arrows.append(Arrow(target, v.id, tuple(filter(None, [_carried(used)])), "forward"))
                continue
            if used.id not in many and uses[used.id] > 1:
                target = f"sum.{used.id}"
            arrows.append(Arrow(v.id, target, _flow(e.part, e.formula, used.shape), "backward", _width(e.part)))
    boxes.append(_output(found, label))
    root = found.by_id[found.root]
    arrows.append(Arrow("output", found.shown[found.root], _flow(root.gradient, "g", root.shape), "backward", _width(root.gradient)))
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
