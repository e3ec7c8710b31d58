"""When what appears in a drawing as a backward pass is walked through: on its arrows, in its boxes, and on closed groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from ..graph.as_drawing import shape_text, width
from ..graph.collapse import box_name, crossing, inputs_called
from ..graph.description import Edge, Quantity, Trace, Vertex
from ..render import measure, structure, theme
from ..render.drawing import Arrow, Box, Drawing
from .frames import Amount, Frame, Handed

Moments = tuple[tuple[int, tuple[str, ...]], ...]  # from which step on which lines are shown, in order


@dataclass(frozen=True)
class Change:
    """What becomes of a box at a step."""

    step: int
    state: str  # "part" of its gradient is in, it is "ready" to hand on, or "done"
    says: str


@dataclass(frozen=True)
class Crossing:
    """What a closed group hands to one value, whatever number of operations inside do."""

    arrow: Arrow  # with the rule, and what is there from the start; its ends do not matter
    moments: Moments | None  # what is not; None in a picture that does not move


@dataclass(frozen=True)
class Timeline:
    """A drawing's changes from frame to frame. What is not mentioned stays as it is drawn."""

    frames: tuple[Frame, ...]
    boxes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    arrows: Mapping[int, Moments] = field(default_factory=dict)  # by place in the drawing; below the lines that are always there
    crossings: Mapping[tuple[str, str], Crossing] = field(default_factory=dict)  # by value and group


def timeline(found: Trace, drawn: Drawing, frames: Sequence[Frame]) -> tuple[Drawing, Timeline]:
    """The backward drawing of `found` without the gradients in it, and when they appear."""
    steps = {frame.vertex: frame.step for frame in frames if frame.vertex}
    incoming: dict[str, list[tuple[int, Handed]]] = {}
    for frame in frames:
        for h in frame.handed:
            incoming.setdefault(h.source, []).append((frame.step, h))
    boxes = {box.id: _changes(found, frames, box.id, incoming.get(box.id, ()), steps) for box in drawn.boxes if box.id in found.by_id}
    moments: dict[int, Moments] = {}
    arrows = list(drawn.arrows)
    edges = _edges(found)
    last = {edge.source: steps[v.id] for v in found.vertices[::-1] if v.id in steps for edge in v.inputs}  # use, on the way back
    for place, arrow in enumerate(drawn.arrows):
        if arrow.kind != "backward":
            continue
        if arrow.source == f"sum.{arrow.target}":
            arrows[place] = replace(arrow, lines=arrow.lines[:1])
            moments[place] = _summing(arrow, incoming.get(arrow.target, ()))
            boxes[arrow.source] = _until_complete(incoming.get(arrow.target, ()))
        elif arrow.source == f"sum.{arrow.value}":  # of what a closed box holds
            arrows[place] = replace(arrow, lines=arrow.lines[:1])
            moments[place] = ((last[arrow.value], arrow.lines[1:]),) if arrow.value in last else ()
            boxes[arrow.source] = tuple(Change(step, "done", "") for step, _ in moments[place])
        elif arrow.source in found.by_id:
            waiting = edges.get((arrow.source, arrow.value))
            stays = 1 + len(waiting.pop(0).meanings) if waiting else 1
            arrows[place] = replace(arrow, lines=arrow.lines[:stays])
            moments[place] = ((steps[arrow.source], arrow.lines[stays:]),) if arrow.source in steps else ()
            if arrow.source in steps and arrow.target.startswith("ref."):
                boxes[arrow.target] = (Change(steps[arrow.source], "done", ""),)
    crossings = {
        (border.value, border.group): _crossing(found, border, steps)
        for border in borders(found, drawn)
        if any(v.id in steps for v, _ in border.uses)
    }
    bare = replace(drawn, boxes=tuple(_without_gradient(found, box) for box in drawn.boxes), arrows=tuple(arrows))
    return bare, Timeline(tuple(frames), boxes, moments, crossings)


def _without_gradient(found: Trace, box: Box) -> Box:
    v = found.by_id.get(box.id)
    if v is None or v.kind != "parameter" or v.gradient is None:
        return box
    told = v.gradient.text("grad")
    return replace(box, lines=tuple(line for line in box.lines if line != told))


def _edges(found: Trace) -> dict[tuple[str, str], list[Edge]]:
    """The uses of each value by each vertex, in the order in which they are drawn."""
    edges: dict[tuple[str, str], list[Edge]] = {}
    for v in found.vertices:
        for edge in v.inputs:
            edges.setdefault((v.id, edge.source), []).append(edge)
    return edges


def _changes(
    found: Trace, frames: Sequence[Frame], vertex: str, incoming: Sequence[tuple[int, Handed]], steps: Mapping[str, int]
) -> tuple[Change, ...]:
    """What becomes of a vertex's box."""
    if found.by_id[vertex].kind == "data":
        return ()
    made = [Change(step, "ready" if h.count == h.of else "part", parts_so_far(h)) for step, h in _last_of_each_step(incoming)]
    if vertex in steps:
        gradient = frames[steps[vertex]].gradient
        made.append(Change(steps[vertex], "done", f"gradient {_equals(gradient)}" if gradient is not None else "done"))
    return tuple(made)


def _until_complete(incoming: Sequence[tuple[int, Handed]]) -> tuple[Change, ...]:
    return tuple(Change(step, "done" if h.count == h.of else "part", parts_so_far(h)) for step, h in _last_of_each_step(incoming))


def _last_of_each_step(incoming: Sequence[tuple[int, Handed]]) -> list[tuple[int, Handed]]:
    return list(dict(incoming).items())


def parts_so_far(h: Handed) -> str:
    """`1 of 2 parts = 3`."""
    if h.total is None:
        return f"{h.count} of {h.of} gradients"
    if h.of == 1:
        return f"gradient {_equals(h.total)}"
    return f"{f'all {h.of}' if h.count == h.of else f'{h.count} of {h.of}'} parts {_equals(h.total)}"


def _equals(told: Amount) -> str:
    return told.text if told.text.startswith("‖") else f"= {told.text}"


def _summing(arrow: Arrow, incoming: Sequence[tuple[int, Handed]]) -> Moments:
    """What the arrow from a sum to its value shows: the partial sums, and in the end what is drawn."""
    moments = []
    for step, h in _last_of_each_step(incoming):
        shape = (shape_text(h.total.shape),) if h.total is not None and h.total.shape and not h.total.text.startswith("[") else ()
        moments.append((step, arrow.lines[1:] if h.count == h.of else (", ".join((parts_so_far(h), *shape)),)))
    return tuple(moments)


# ---------------------------------------------------------------------- the room that it takes


def with_room(drawing: Drawing, times: Timeline) -> Drawing:
    """The drawing with room for all that its boxes and arrows will ever say."""
    boxes = []
    for box in drawing.boxes:
        changes = times.boxes.get(box.id, ()) if box.kind == "parameter" else ()
        boxes.append(replace(box, lines=(*box.lines, *_most([(c.says,) for c in changes], theme.BOX_LINE, "line"))))
    arrows = [widest(arrow, times.arrows.get(k, ())) for k, arrow in enumerate(drawing.arrows)]
    return replace(drawing, boxes=tuple(boxes), arrows=tuple(arrows))


def widest(arrow: Arrow, moments: Moments) -> Arrow:
    """The arrow with the most room that its moments will take."""
    return replace(arrow, lines=(*arrow.lines, *_most([lines for _, lines in moments], theme.Type(theme.ARROW_SMALL), "arrow")))


def _most(choices: Sequence[tuple[str, ...]], kind: theme.Type, place: str) -> tuple[str, ...]:
    """Lines that are as many and as wide as those of any choice; a text is broken into rows before it counts."""
    made = [measure.rows(lines, kind, place) for lines in choices]
    rows = [row for choice in made for row in choice]
    return (max(rows, key=lambda row: row.width).text,) * max(map(len, made)) if rows else ()


# ---------------------------------------------------------------------- closed groups


@dataclass(frozen=True)
class Border:
    """How what a group holds uses one value that stands outside of it."""

    value: str
    group: str
    uses: list[tuple[Vertex, Edge]]
    names: tuple[str, str]  # what the rule of the closed group calls it, and the value

    def edge(self, found: Trace) -> Edge:
        """All of it as one use by the closed group."""
        return crossing(found, self.names[0], self.value, [edge for _, edge in self.uses], self.names[1])


def borders(found: Trace, drawn: Drawing) -> list[Border]:
    """For each group each value that it would hand a gradient to if it were closed."""
    around, homes = structure.enclosures(drawn), structure.homes(drawn)
    uses: dict[str, dict[str, list[tuple[Vertex, Edge]]]] = {group: {} for group in around}
    for v in found.vertices:
        for edge in v.inputs:
            if found.by_id[edge.source].kind != "data":
                for group in homes[v.id][structure.shared(homes[v.id], homes[found.shown[edge.source]]) :]:
                    uses[group].setdefault(edge.source, []).append((v, edge))
    made = []
    for held in drawn.groups:
        called = inputs_called(found, {value: [edge for _, edge in used] for value, used in uses[held.id].items()})
        box = box_name(f"{held.label} ×{held.times}" if held.times > 1 else held.label)
        made += [Border(value, held.id, used, (box, called[value])) for value, used in uses[held.id].items()]
    return made


def _crossing(found: Trace, border: Border, steps: Mapping[str, int]) -> Crossing:
    """What the closed group hands on as the pass goes on."""
    used, total = found.by_id[border.value], None
    moments: list[tuple[int, tuple[str, ...]]] = []
    parts = sorted(((steps[v.id], edge.part) for v, edge in border.uses if v.id in steps and edge.part is not None), key=itemgetter(0))
    for count, (step, part) in enumerate(parts, 1):
        total = part if total is None else total + part
        told = (_moment(used, total, count, len(parts)),)
        if moments and moments[-1][0] == step:
            moments.pop()
        moments.append((step, told))
    rule = replace(border, uses=border.uses[:1]).edge(found).formula
    return Crossing(Arrow("", "", (rule,), "backward", width(total)), tuple(moments))


def _moment(used: Vertex, total: Quantity, count: int, of: int) -> str:
    so_far = "" if count == of else f"{count} of {of} parts so far: "
    return so_far + ", ".join([total.text(), *([shape_text(used.shape)] if used.shape and not total.nested else [])])
