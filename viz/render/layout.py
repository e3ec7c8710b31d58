"""The built-in layout: where everything in a drawing stands, worked out with nothing but Python.

Groups are laid out one by one, the innermost first, each as a flat layered graph; around it, a finished group is a box of
its size. A line that leaves a group does so through a place on its frame, to which it is led inside and from which it is
led on outside. Frames therefore hold their members and nothing else, and nothing overlaps, whatever the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from . import measure, structure, theme
from .coordinates import Placed, Point, Rectangle, place
from .drawing import Box, Drawing
from .layers import Item, Layers, Link, arrange, backward_edges

Member = tuple[str, str]  # "box" or "group", and its id


@dataclass(frozen=True)
class Route:
    """An arrow's way from top to bottom. Where x changes between two points, it swings from vertical to vertical."""

    points: tuple[Point, ...]
    text: Rectangle | None  # the way is broken here
    downward: bool  # the head is at the lower end


@dataclass(frozen=True)
class Layout:
    """Where everything in a drawing stands, in points from the upper left corner of the picture."""

    width: float
    height: float
    head: tuple[measure.Row, ...]
    boxes: dict[str, Rectangle]
    groups: dict[str, Rectangle]
    routes: tuple[Route, ...]  # one for each arrow


@dataclass
class Level:
    """One group, or the drawing itself: its members, and the lines between them or to its frame (None)."""

    members: list[Member] = field(default_factory=list)
    lines: list[tuple[int, Member | None, Member | None]] = field(default_factory=list)  # which arrow, upper end, lower end


@dataclass(frozen=True)
class Solved:
    """A level with places, in its own coordinates."""

    layers: Layers
    placed: Placed
    members: dict[Member, int]  # its item
    lines: dict[int, int]  # an arrow's line
    pins: dict[int, float]  # where an arrow's line meets the frame, from the middle


def lay_out(drawing: Drawing) -> Layout:
    """Positions for a drawing. Raises ValueError for a drawing that contradicts itself."""
    structure.check(drawing)
    levels, solved = solve(drawing)
    return _assemble(drawing, levels, solved)


def solve(drawing: Drawing) -> tuple[dict[str | None, Level], dict[str | None, Solved]]:
    """The levels of a drawing, the outermost first, and each with places."""
    boxes = {box.id: box for box in drawing.boxes}
    headings = {group.id: measure.extent(measure.group_rows(group)) for group in drawing.groups}
    levels = _levels(drawing)
    texts = [measure.label_size(arrow) for arrow in drawing.arrows]
    solved: dict[str | None, Solved] = {}
    for group in reversed(levels):
        heading = (0.0, 0.0) if group is None else headings[group]
        solved[group] = _solve(levels[group], boxes, texts, solved, heading, 0.0 if group is None else theme.GROUP_PAD)
    return levels, solved


def _levels(drawing: Drawing) -> dict[str | None, Level]:
    """The levels, from the outermost inwards."""
    around = structure.enclosures(drawing)
    order: list[str | None] = [None, *sorted(around, key=lambda group: len(around[group]))]
    levels = {group: Level() for group in order}
    for box in drawing.boxes:
        levels[box.group].members.append(("box", box.id))
    for group in drawing.groups:
        levels[group.parent].members.append(("group", group.id))
    roads = {}  # for each end of each arrow, the members that hold it, from the level that the ends share inwards
    meeting: dict[str | None, list[int]] = {group: [] for group in order}
    homes = structure.homes(drawing)
    for index, arrow in enumerate(drawing.arrows):
        upper, lower = structure.flow(arrow)
        depth = structure.shared(homes[upper], homes[lower])
        meeting[homes[upper][depth - 1] if depth else None].append(index)
        roads[index] = [[*(("group", group) for group in homes[end][depth:]), ("box", end)] for end in (upper, lower)]
    for level, arrows in meeting.items():
        number = {member: index for index, member in enumerate(levels[level].members)}
        closing = backward_edges(len(number), [(number[roads[index][0][0]], number[roads[index][1][0]]) for index in arrows])
        for index, turned in zip(arrows, closing):
            upper_road, lower_road = reversed(roads[index]) if turned else roads[index]
            levels[level].lines.append((index, upper_road[0], lower_road[0]))
            for (_, left), member in pairwise(upper_road):
                levels[left].lines.append((index, member, None))
            for (_, entered), member in pairwise(lower_road):
                levels[entered].lines.append((index, None, member))
    return levels


def _solve(
    level: Level,
    boxes: Mapping[str, Box],
    texts: list[tuple[float, float]],
    inner: Mapping[str | None, Solved],
    heading: tuple[float, float],
    pad: float,
) -> Solved:
    """One level as a flat graph: its members, and a pin for every line that goes through the frame."""
    items = []
    for kind, name in level.members:
        if kind == "group":
            items.append(Item(inner[name].placed.width, inner[name].placed.height, "group"))
        else:
            shape = theme.box_style(boxes[name].kind).shape
            items.append(Item(*measure.box_size(boxes[name]), "round" if shape == "round" else "box"))
    numbers = {member: index for index, member in enumerate(level.members)}
    links: list[Link] = []
    lines: dict[int, int] = {}
    pinned: dict[int, int] = {}
    for arrow, upper, lower in level.lines:
        ends: list[tuple[int, float | None]] = []
        for member, kind in ((upper, "top"), (lower, "bottom")):
            if member is None:
                pinned[arrow] = len(items)
                ends.append((len(items), 0.0))
                items.append(Item(kind=kind))
            else:
                ends.append((numbers[member], inner[member[1]].pins[arrow] if member[0] == "group" else None))
        lines[arrow] = len(links)
        text = texts[arrow] if upper is not None and lower is not None else (0.0, 0.0)
        links.append(Link(ends[0][0], ends[1][0], text, ends[0][1], ends[1][1]))
    headed = bool(heading[1]) or any(item.kind == "top" for item in items)
    layers = arrange(items, links, headed=headed)
    placed = place(layers, heading, pad)
    pins = {arrow: placed.items[item].x - placed.width / 2 for arrow, item in pinned.items()}
    return Solved(layers, placed, numbers, lines, pins)


def _assemble(drawing: Drawing, levels: Mapping[str | None, Level], solved: Mapping[str | None, Solved]) -> Layout:
    """All levels in the coordinates of the picture, below its title."""
    root = solved[None].placed
    head = measure.head_rows(drawing, root.width)
    head_width, head_height = measure.extent(head)
    inside = max(root.width, head_width)
    top = theme.MARGIN + head_height + (theme.LAYER_GAP if head_height else 0.0)
    origins: dict[str | None, Point] = {None: (theme.MARGIN + (inside - root.width) / 2, top)}
    boxes: dict[str, Rectangle] = {}
    groups: dict[str, Rectangle] = {}
    points: list[list[Point]] = [[] for _ in drawing.arrows]
    texts: list[Rectangle | None] = [None] * len(drawing.arrows)
    for level in levels:
        origin, placed = origins[level], solved[level].placed
        for (kind, name), item in solved[level].members.items():
            (boxes if kind == "box" else groups)[name] = at = _moved(placed.items[item], origin)
            if kind == "group":
                origins[name] = (at.x, at.y)
        for arrow, upper, lower in levels[level].lines:
            line = solved[level].lines[arrow]
            piece = [(x + origin[0], y + origin[1]) for x, y in placed.lines[line]]
            points[arrow] = piece + points[arrow] if lower is None else points[arrow] + piece  # inwards, at either end
            if upper is not None and lower is not None and placed.texts[line].width:
                texts[arrow] = _moved(placed.texts[line], origin)
    routes = tuple(
        Route(tuple(dict.fromkeys(way)), text, boxes[arrow.target].y > boxes[arrow.source].y)
        for arrow, way, text in zip(drawing.arrows, points, texts)
    )
    return Layout(inside + 2 * theme.MARGIN, top + root.height + theme.MARGIN, head, boxes, groups, routes)


def _moved(rectangle: Rectangle, by: Point) -> Rectangle:
    return Rectangle(rectangle.x + by[0], rectangle.y + by[1], rectangle.width, rectangle.height)
