"""A drawing and its layout as a list of outlines and lines of text: all that a back end has to know how to draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from . import measure, theme
from .coordinates import Point, Rectangle
from .drawing import Arrow, Box, Drawing
from .layout import Layout, Route

_ARC = 0.5523  # control points of a cubic curve that looks like a quarter of a circle
_HEAD, _HEAD_MORE = 6.0, 1.9  # length of an arrow's head, and how much longer for each point of the line's width
_STEM = 3.0


@dataclass(frozen=True)
class Outline:
    """A path of ("M", to), ("L", to), ("C", control, control, to) and ("Z",) steps."""

    steps: tuple[tuple[str, tuple[Point, ...]], ...]
    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Text:
    """One line of text; x is its left end or its middle, y its base line."""

    x: float
    y: float
    row: measure.Row
    centred: bool = True


@dataclass(frozen=True)
class Part:
    """One thing in the picture: what it is, its name, and how it is drawn."""

    kind: str  # "head", "group", "arrow" or "box"
    name: str
    shapes: tuple[Outline | Text, ...]


def parts(drawing: Drawing, layout: Layout) -> Iterator[Part]:
    """All parts of the picture, the lowest first."""
    yield Part("head", drawing.title, tuple(_texts(measure.head_rows(drawing), theme.MARGIN, theme.MARGIN, centred=False)))
    depth: dict[str | None, int] = {None: -1}
    pending = list(drawing.groups)
    for group in sorted(pending, key=lambda group: -layout.groups[group.id].width * layout.groups[group.id].height):
        depth[group.id] = depth[group.parent] + 1
        at = layout.groups[group.id]
        frame = Outline(_rounded(at, theme.CORNER + 2), theme.GROUP_FILLS[depth[group.id] % len(theme.GROUP_FILLS)], theme.GROUP_STROKE)
        label = _texts(measure.group_rows(group), at.x + theme.GROUP_PAD, at.y + theme.GROUP_PAD - 3, centred=False)
        yield Part("group", group.label, (frame, *label))
    for arrow, route in zip(drawing.arrows, layout.routes):
        yield Part(f"arrow {arrow.kind}", f"{arrow.source} → {arrow.target}", tuple(_arrow(arrow, route)))
    for box in drawing.boxes:
        yield Part(f"box {box.kind}", box.title, tuple(_box(box, layout.boxes[box.id])))


def _texts(rows: Sequence[measure.Row], x: float, top: float, *, centred: bool) -> Iterator[Text]:
    for row in rows:
        yield Text(x, top + row.height / 2 + 0.36 * row.type.size, row, centred)
        top += row.height


def _box(box: Box, at: Rectangle) -> Iterator[Outline | Text]:
    style = theme.box_style(box.kind)
    if style.shape == "stack":  # another sheet looks out behind it
        behind = Rectangle(at.x + 4, at.y + 4, at.width, at.height)
        yield Outline(_rounded(behind, theme.CORNER), style.fill, style.stroke, style.width)
    outline = {"rounded": _rounded, "double": _rounded, "stack": _rounded, "square": _square, "round": _ellipse, "folded": _folded}[
        style.shape
    ]
    yield Outline(outline(at, theme.CORNER), style.fill, style.stroke, style.width, style.dashed)
    if style.shape == "double":
        inner = Rectangle(at.x + 3, at.y + 3, at.width - 6, at.height - 6)
        yield Outline(_rounded(inner, theme.CORNER - 2), None, style.stroke, style.width)
    if style.shape == "folded":
        x, y = at.x + at.width, at.y
        yield Outline((("M", ((x - 8, y),)), ("L", ((x - 8, y + 8),)), ("L", ((x, y + 8),))), None, style.stroke, style.width)
    rows = measure.box_rows(box)
    yield from _texts(rows, at.x + at.width / 2, at.y + (at.height - measure.extent(rows)[1]) / 2, centred=True)


def _arrow(arrow: Arrow, route: Route) -> Iterator[Outline | Text]:
    style, width = theme.arrow_style(arrow.kind), theme.line_width(arrow.weight)
    points = list(route.points)
    tip, sign = (points[-1], 1.0) if route.downward else (points[0], -1.0)
    length = min(_HEAD + _HEAD_MORE * width, theme.LAYER_GAP - 2)
    base = (tip[0], tip[1] - sign * length * (0.3 if style.open_head else 0.85))
    if route.downward:
        points.reverse()
    bend = tip[1] - sign * (length + _STEM)  # a short straight stem, so that the head does not sit on a bend
    while len(points) > 2 and abs(points[1][0] - tip[0]) < 0.01 and sign * (points[1][1] - bend) > 0:
        del points[1]
    stem = max if route.downward else min
    points[:1] = [base, (tip[0], stem(bend, points[1][1]))]
    if route.downward:
        points.reverse()
    for way in _broken(points, route.text):
        yield Outline(_way(way), None, style.colour, width)
    half = length * (0.42 if style.open_head else 0.38)
    left, right = (tip[0] - half, tip[1] - sign * length), (tip[0] + half, tip[1] - sign * length)
    head = (("M", (left,)), ("L", (tip,)), ("L", (right,)))
    if style.open_head:
        yield Outline(head, None, style.colour, max(width, 1.1))
    else:
        yield Outline((*head, ("Z", ())), style.colour)
    if route.text:
        rows = measure.arrow_rows(arrow)
        top = route.text.y + (route.text.height - measure.extent(rows)[1]) / 2
        yield from _texts(rows, route.text.x + route.text.width / 2, top, centred=True)


def _broken(points: Sequence[Point], text: Rectangle | None) -> Iterator[Sequence[Point]]:
    """The way, without the piece where the text stands."""
    if text is None:
        yield points
        return
    x, top, bottom = text.x + text.width / 2, text.y, text.y + text.height
    yield [point for point in points if point[1] < top] + [(x, top)]
    yield [(x, bottom)] + [point for point in points if point[1] > bottom]


def _way(points: Sequence[Point]) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    """A line through points: straight where x stays, a swing from vertical to vertical where it changes."""
    steps: list[tuple[str, tuple[Point, ...]]] = [("M", (points[0],))]
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(x - to_x) < 0.01:
            steps.append(("L", ((to_x, to_y),)))
        else:
            middle = (y + to_y) / 2
            steps.append(("C", ((x, middle), (to_x, middle), (to_x, to_y))))
    return tuple(steps)


def _square(at: Rectangle, radius: float) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    return _rounded(at, 0.0)


def _rounded(at: Rectangle, radius: float) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    """A rectangle with round corners."""
    return _curved(at, radius, radius)


def _ellipse(at: Rectangle, radius: float) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    return _curved(at, at.width / 2, at.height / 2)


def _curved(at: Rectangle, across: float, down: float) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    """A rectangle whose corners are quarters of an ellipse."""
    left, top, right, bottom = at.x, at.y, at.x + at.width, at.y + at.height
    if not across:
        return (("M", ((left, top),)), ("L", ((right, top),)), ("L", ((right, bottom),)), ("L", ((left, bottom),)), ("Z", ()))
    a, d = across * (1 - _ARC), down * (1 - _ARC)
    return (
        ("M", ((left + across, top),)),
        ("L", ((right - across, top),)),
        ("C", ((right - a, top), (right, top + d), (right, top + down))),
        ("L", ((right, bottom - down),)),
        ("C", ((right, bottom - d), (right - a, bottom), (right - across, bottom))),
        ("L", ((left + across, bottom),)),
        ("C", ((left + a, bottom), (left, bottom - d), (left, bottom - down))),
        ("L", ((left, top + down),)),
        ("C", ((left, top + d), (left + a, top), (left + across, top))),
        ("Z", ()),
    )


def _folded(at: Rectangle, radius: float) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    """A sheet with a dog's ear."""
    right, bottom = at.x + at.width, at.y + at.height
    corners = ((right - 8, at.y), (right, at.y + 8), (right, bottom), (at.x, bottom))
    return (("M", ((at.x, at.y),)), *(("L", (corner,)) for corner in corners), ("Z", ()))
