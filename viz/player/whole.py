"""The page of a picture with everything in it: what boxes hold, and how each looks and what it hands on when it is closed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from ..graph.as_drawing import handed_back, shape_text
from ..graph.closing import Arrangement, fitting
from ..graph.collapse import collapsed
from ..graph.description import Call, Trace, Vertex
from ..graph.digits import number
from ..graph.parts import boxes_in, seen, uses
from ..render import structure
from ..render.drawing import Arrow, Box, Drawing
from .page import More, Page
from .timeline import Crossing, Timeline, borders

MOST = 3000  # boxes in a page; of a larger graph, boxes are closed for good
FIRST = 1000  # boxes of such a graph that are kept for the operations which the pass begins with
LINKS = {"": "", "vscode": "vscode://file{path}:{line}", "file": "file://{path}"}


def page_of(arranged: Arrangement, drawn: Callable[[Trace], Drawing]) -> Page:
    """The page of what `drawn` makes of a trace: closed at first is what is closed in the picture.

    Numbers are worked out here, so that the page keeps no array alive.
    """
    found = arranged.whole if seen(arranged.whole) <= MOST else _limited_as(arranged)
    whole, boxes, arrows, levels = drawn(found), dict[str, Box](), dict[tuple[str, str], Arrow](), list[_Shut]()
    for level in _levels(found):
        shut = collapsed(found, level)
        drawing = drawn(shut)
        boxes.update((box.id, box) for box in drawing.boxes if box.id in level)
        arrows.update(((arrow.value, arrow.source), arrow) for arrow in drawing.arrows if arrow.source in level)
        levels.append(_Shut(shut))
    whole = _moved(whole, levels)
    crossings: dict[tuple[str, str], Crossing] = {}
    for border in borders(found, whole) if any(arrow.kind == "backward" for arrow in whole.arrows) else ():
        at = (border.value, border.group)
        if at in arrows:
            crossings[at] = Crossing(arrows[at], None)
        elif (edge := border.edge(found)).formula:  # where it is closed, another closed group hides the value
            crossings[at] = Crossing(handed_back(border.group, edge, found.by_id[border.value], border.value), None)
    return Page(whole, Timeline((), crossings=crossings), details(found), boxes, arranged.closed)


def set_out(found: Trace, drawing: Drawing) -> Drawing:
    """The drawing of a trace with leaves and sums where closed groups hide them: those that steps of a repeat share outside of it."""
    return _moved(drawing, [_Shut(collapsed(found, level)) for level in _levels(found)])


class _Shut:
    """Where leaves and sums are when the groups that stand equally deep are closed."""

    def __init__(self, shut: Trace) -> None:
        self.hides = {id: v.id for v in shut.vertices if v.kind == "closed" for id in v.inside}  # by vertex, the group
        self.sums = {f"sum.{id}" for id, count in uses(shut).items() if count > 1}  # that are seen


def _moved(drawing: Drawing, levels: Sequence[_Shut]) -> Drawing:
    """The drawing with leaves and sums in the groups that hide them, and in no others; the outermost level comes first."""
    parents, homes = {group.id: group.parent for group in drawing.groups}, structure.homes(drawing)
    leaves = {box.id for box in drawing.boxes if box.kind in ("parameter", "input")}
    added: dict[str, set[str]] = {}  # groups around what goes into a sum, which stays in them
    for arrow in drawing.arrows:
        if arrow.target.startswith("sum."):
            added.setdefault(arrow.target, set()).update(homes[arrow.source])

    def home(box: Box) -> str | None:
        leaf, at = box.id.removeprefix("sum."), None
        if leaf in leaves:
            for level in levels:
                group = level.hides.get(leaf)
                if group is None or parents[group] != at:
                    break
                at = group
            return at
        free = (group for group, level in zip(homes[box.id], levels) if box.id in level.sums and group not in added[box.id])
        group = next(free, None)
        return box.group if group is None else parents[group]

    return replace(drawing, boxes=tuple(replace(box, group=home(box)) for box in drawing.boxes))


def _limited_as(arranged: Arrangement) -> Trace:
    """The trace with what the picture closes closed for good, but for what the pass begins with."""
    found, around = arranged.divided, dict[str, bool]()  # by call: is it closed in the picture, or in what is?
    for call in found.calls:
        around[call.id] = call.id in arranged.closed or around.get(call.parent or "", False)
    first = _first_visited(found, FIRST)
    shut = collapsed(found, {id for id, closed in around.items() if closed and id not in first})
    return shut if seen(shut) <= MOST else limited(found)


def limited(found: Trace) -> Trace:
    """The trace with boxes closed for good where it has more than a page may have."""
    return found if seen(found) <= MOST else collapsed(found, fitting(found, set(), _first_visited(found, FIRST), MOST))


def _first_visited(found: Trace, most: int) -> set[str]:
    """The calls to keep open so that the pass begins operation by operation: the newest, while they have so few boxes together."""
    parents = {call.id: call.parent for call in found.calls}
    newest: dict[str, int] = {}
    for k, v in enumerate(found.vertices):
        at = v.scope
        while at is not None and newest.get(at) != k:
            newest[at] = k
            at = parents[at]
    inside: dict[str | None, list[str]] = {}
    for call in sorted(parents, key=lambda call: newest.get(call, -1)):
        inside.setdefault(parents[call], []).append(call)
    holds, kept = boxes_in(found), set[str]()
    room, waiting = most, list(inside.get(None, ()))
    while waiting:
        call = waiting.pop()
        room -= holds.get(call, 0) + len(inside.get(call, ()))
        if room < 0:
            break
        kept.add(call)
        waiting += inside.get(call, ())
    return kept


def _levels(found: Trace) -> list[set[str]]:
    """The calls that stand equally deep, the outermost first."""
    depth: dict[str | None, int] = {None: 0}
    levels: dict[int, set[str]] = {}
    for call in found.calls:
        depth[call.id] = depth[call.parent] + 1
        levels.setdefault(depth[call.id], set()).add(call.id)
    return list(levels.values())


def details(found: Trace, link: str = "") -> dict[str, More]:
    """What is told of each vertex to who points at it; `link` is a key of LINKS."""
    calls = {call.id: call for call in found.calls}
    return {v.id: _details(v, calls, link) for v in found.vertices}


def _details(v: Vertex, calls: Mapping[str, Call], link: str) -> More:
    told = []
    if v.dtype:
        told.append(f"{shape_text(v.shape)}, {v.dtype}")
    if v.value is not None:
        told.append(f"value {v.value.text()}" if v.value.written else f"value of norm {number(v.value.norm)}")
    if v.scope is not None and v.scope in calls:
        told.append(f"in {calls[v.scope].path or calls[v.scope].label}")
    if v.saved:
        told.append(f"keeps {v.saved:,} bytes for the way back")
    file, _, line = v.line.rpartition(":")
    near = os.path.relpath(file) if file and os.path.isabs(file) and Path(file).is_relative_to(Path.cwd()) else file
    address = LINKS[link].format(path=quote(str(Path(file).resolve().as_posix())), line=line) if file and link else ""
    return More(tuple(told), f"{near}:{line}" if file else "", address)
