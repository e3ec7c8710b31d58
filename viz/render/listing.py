"""The layout of last resort: the boxes of a drawing in rows, for pictures that no layout gets done in time."""

from __future__ import annotations

from dataclasses import replace

from . import measure, structure, theme
from .coordinates import Rectangle
from .drawing import Drawing
from .layout import Layout
from .text import heading_of

_MOST = 400  # boxes that are shown
_ROOM = 1.6  # width of the picture over its height


def listed(drawing: Drawing, why: str) -> tuple[Drawing, Layout]:
    """A drawing of boxes alone, in their order, each with the group that it stood in; and where they stand.

    The caption says why, and what was left out.
    """
    structure.check(drawing)
    headings = heading_of(drawing)
    boxes = tuple(replace(b, lines=(*filter(None, [headings[b.group]]), *b.lines), group=None) for b in drawing.boxes[:_MOST])
    shown = "boxes" if len(boxes) == len(drawing.boxes) else f"first {len(boxes):,} of {len(drawing.boxes):,} boxes"
    told = f"{why}: these are the {shown}, without the {len(drawing.arrows):,} arrows."
    cure = 'Close modules (depth=, collapse=) for a picture of the whole, or save it as ".txt".'
    bare = Drawing(drawing.title, boxes, (), (), (*drawing.caption, told, cure))
    return bare, _rows(bare)


def _rows(drawing: Drawing) -> Layout:
    sizes = [measure.box_size(box) for box in drawing.boxes]
    gap = theme.BOX_GAP
    area = sum((width + gap) * (height + gap) for width, height in sizes)
    room = max([(_ROOM * area) ** 0.5, *(width for width, _ in sizes)])
    head = measure.head_rows(drawing, room)
    head_width, head_height = measure.extent(head)
    room = max(room, head_width)
    x, y, tallest = 0.0, theme.MARGIN + head_height + theme.LAYER_GAP, 0.0
    places = {}
    for box, (width, height) in zip(drawing.boxes, sizes):
        if x and x + width > room:
            x, y, tallest = 0.0, y + tallest + gap, 0.0
        places[box.id] = Rectangle(theme.MARGIN + x, y, width, height)
        x, tallest = x + width + gap, max(tallest, height)
    return Layout(room + 2 * theme.MARGIN, y + tallest + theme.MARGIN, head, places, {}, ())
