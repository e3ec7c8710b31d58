"""A drawing and its layout as a list of outlines and lines of text: all that a back end has to know how to draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from . import measure, spark, structure, theme
from .coordinates import Point, Rectangle
from .drawing import Arrow, Box, Drawing, Group
from .layout import Layout, Route
from .theme import Theme

Step = tuple[str, tuple[Point, ...]]
Steps = tuple[Step, ...]
_ARC = 0.5523  # control points of a cubic curve that looks like a quarter of a circle
_HEAD, _HEAD_MORE = 6.0, 1.9  # length of an arrow's head, and how much longer for each point of the line's width
_STEM = 3.0


@dataclass(frozen=True)
class Outline:
    """A path of ("M", to), ("L", to), ("C", control, control, to) and ("Z",) steps."""

    steps: Steps
    fill: str | None = None
    stroke: str | None = None
    width: float = 1.0
    line: str = "solid"  # one of theme.DASHES


@dataclass(frozen=True)
class Text:
    """One line of text; x is its left end or its middle, y its base line."""

    x: float
    y: float
    row: measure.Row
    colour: str
    centred: bool = True


@dataclass(frozen=True)
class Part:
    """One thing in the picture: what it is, which, what is told to who points at it, and how it is drawn."""

    kind: str  # "head", "group", "arrow" or "box", and after a space which kind of it
    id: str
    tip: str
    shapes: tuple[Outline | Text, ...]


def parts(drawing: Drawing, layout: Layout, look: Theme) -> Iterator[Part]:
    """All parts of the picture, the lowest first."""
    head = _texts(layout.head, theme.MARGIN, theme.MARGIN, look, centred=False)
    yield Part("head", "", measure.tooltip(drawing.title), tuple(head))
    depth: dict[str | None, int] = {None: -1}
    pending = list(drawing.groups)
    for group in sorted(pending, key=lambda group: -layout.groups[group.id].width * layout.groups[group.id].height):
        depth[group.id] = depth[group.parent] + 1
        shapes = tuple(_group(group, layout.groups[group.id], depth[group.id], look))
        yield Part(f"group {group.kind}", group.id, measure.tooltip(group.label), shapes)
    tips = structure.arrow_tips(drawing)
    for index, (arrow, route) in enumerate(zip(drawing.arrows, layout.routes)):
        yield Part(f"arrow {arrow.kind}", str(index), tips[arrow], tuple(_arrow(arrow, route, look)))
    for box in drawing.boxes:
        yield Part(f"box {box.kind}", box.id, structure.box_tip(box), tuple(_box(box, layout.boxes[box.id], look)))


def _texts(rows: Sequence[measure.Row], x: float, top: float, look: Theme, *, centred: bool) -> Iterator[Text]:
    for row in rows:
        yield Text(x, top + row.height / 2 + 0.36 * row.type.size, row, look.inks[row.type.ink], centred)
        top += row.height


def _group(group: Group, at: Rectangle, depth: int, look: Theme) -> Iterator[Outline | Text]:
    style = theme.group_style(group.kind)
    fill = look.tint if style.tinted else look.grounds[depth % len(look.grounds)]
    if style.stacked:
        at, behind = _stacked(at)
        yield Outline(_rounded(behind, theme.CORNER), fill, look.frame, style.width)
    yield Outline(_rounded(at, theme.CORNER + 2), fill, look.frame, style.width, style.line)
    rows = measure.group_rows(group)
    yield from _texts(rows, at.x + theme.GROUP_PAD, at.y + theme.GROUP_PAD - 3, look, centred=False)


def _stacked(at: Rectangle) -> tuple[Rectangle, Rectangle]:
    """A sheet, and another that looks out behind it at the foot, in one rectangle."""
    front = Rectangle(at.x, at.y, at.width, at.height - theme.SHEET)
    return front, Rectangle(at.x + theme.SHEET, at.y + at.height / 2, at.width - 2 * theme.SHEET, at.height / 2)


def _box(box: Box, at: Rectangle, look: Theme) -> Iterator[Outline | Text]:
    style, fill = theme.box_style(box.kind), look.fills[box.kind]
    stroke, width, line = theme.box_line(box.kind, box.accent, box.order, look)
    if style.shape == "stack":
        at, behind = _stacked(at)
        yield Outline(_rounded(behind, theme.CORNER), fill, stroke, style.width)
    outline = _OUTLINES[style.shape]
    yield Outline(outline(at, theme.CORNER), fill, stroke, width, line)
    if style.shape == "double" or box.order:
        gap = 1.8 + width / 2
        inner = Rectangle(at.x + gap, at.y + gap, at.width - 2 * gap, at.height - 2 * gap)
        yield Outline(outline(inner, theme.CORNER - 2), None, stroke, min(width, 1.2), line)
    if style.shape == "folded":
        x, y = at.x + at.width, at.y
        yield Outline((("M", ((x - 8, y),)), ("L", ((x - 8, y + 8),)), ("L", ((x, y + 8),))), None, stroke, min(width, 1.2))
    rows, below = measure.box_rows(box), measure.spark_rows(box)
    across, high = measure.spark_size(box)
    top = at.y + (at.height - measure.extent(rows + below)[1] - high) / 2
    yield from _texts(rows, at.x + at.width / 2, top, look, centred=True)
    top += measure.extent(rows)[1] + high
    yield from _curve(box, at.x + (at.width - across) / 2, top, stroke)
    yield from _texts(below, at.x + at.width / 2, top, look, centred=True)


def _curve(box: Box, x: float, bottom: float, colour: str) -> Iterator[Outline]:
    """Bars; a zero is a ring on the base line, what is not finite a hollow bar."""
    for bar in spark.bars(box.spark):
        step = measure.spark_step(box)
        left, wide = x + 0.5, step - 1
        low, high = bottom - bar.low * theme.SPARK_HEIGHT, bottom - bar.high * theme.SPARK_HEIGHT
        if bar.kind == "value":
            yield Outline(_square(Rectangle(left, min(high, low - 1), wide, max(low - high, 1.0)), 0.0), colour)
        elif bar.kind == "zero":
            yield Outline(_ellipse(Rectangle(x + step / 2 - 2, low - 4, 4, 4), 0.0), None, colour, 0.8)
        else:
            yield Outline(_square(Rectangle(left + 0.4, high, wide - 0.8, low - high), 0.0), None, colour, 0.8)
        x += step


def _arrow(arrow: Arrow, route: Route, look: Theme) -> Iterator[Outline | Text]:
    style = theme.arrow_style(arrow.kind)
    colour, width, line = theme.arrow_line(arrow.kind, arrow.accent, arrow.weight, look)
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
        yield Outline(_way(way), None, colour, width, line)
    half = length * (0.42 if style.open_head else 0.38)
    left, right = (tip[0] - half, tip[1] - sign * length), (tip[0] + half, tip[1] - sign * length)
    head = (("M", (left,)), ("L", (tip,)), ("L", (right,)))
    if style.open_head:
        yield Outline(head, None, colour, max(width, 1.1))
    else:
        yield Outline((*head, ("Z", ())), colour)
    if route.text:
        rows = measure.arrow_rows(arrow)
        top = route.text.y + (route.text.height - measure.extent(rows)[1]) / 2
        yield from _texts(rows, route.text.x + route.text.width / 2, top, look, centred=True)


def _broken(points: Sequence[Point], text: Rectangle | None) -> Iterator[Sequence[Point]]:
    """The way, without the piece where the text stands."""
    if text is None:
        yield points
        return
    x, top, bottom = text.x + text.width / 2, text.y, text.y + text.height
    yield [point for point in points if point[1] < top] + [(x, top)]
    yield [(x, bottom)] + [point for point in points if point[1] > bottom]


def _way(points: Sequence[Point]) -> Steps:
    """A line through points: straight where x stays, a swing from vertical to vertical where it changes."""
    steps: list[Step] = [("M", (points[0],))]
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(x - to_x) < 0.01:
            steps.append(("L", ((to_x, to_y),)))
        else:
            middle = (y + to_y) / 2
            steps.append(("C", ((x, middle), (to_x, middle), (to_x, to_y))))
    return tuple(steps)


def _square(at: Rectangle, radius: float) -> Steps:
    return _rounded(at, 0.0)


def _rounded(at: Rectangle, radius: float) -> Steps:
    """A rectangle with round corners."""
    return _curved(at, radius, radius)


def _ellipse(at: Rectangle, radius: float) -> Steps:
    return _curved(at, at.width / 2, at.height / 2)


def _curved(at: Rectangle, across: float, down: float) -> Steps:
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


def _folded(at: Rectangle, radius: float) -> Steps:
    """A sheet with a dog's ear."""
    right, bottom = at.x + at.width, at.y + at.height
    corners = ((right - 8, at.y), (right, at.y + 8), (right, bottom), (at.x, bottom))
    return (("M", ((at.x, at.y),)), *(("L", (corner,)) for corner in corners), ("Z", ()))


_OUTLINES = {"rounded": _rounded, "double": _rounded, "stack": _rounded, "square": _square, "round": _ellipse, "folded": _folded}
