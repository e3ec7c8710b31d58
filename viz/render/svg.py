"""A laid-out drawing as SVG: text stays text, and the file needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from . import measure
from .drawing import Drawing
from .layout import Layout, lay_out
from .shapes import Outline, Part, Text, parts
from .theme import DASHES, FONTS, Theme, themed


def to_svg(drawing: Drawing, layout: Layout | None = None, *, theme: str = "light") -> str:
    """The drawing as a standalone SVG document; the same drawing always gives the same text."""
    return "\n".join(_document(drawing, layout or lay_out(drawing), themed(theme))) + "\n"


def _document(drawing: Drawing, layout: Layout, look: Theme) -> Iterator[str]:
    size = f'width="{_number(layout.width)}pt" height="{_number(layout.height)}pt"'
    view = f'viewBox="0 0 {_number(layout.width)} {_number(layout.height)}"'
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    manner = f'role="img" style="max-width:100%;height:auto" font-family="{FONTS}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} {manner}>'
    yield f"<title>{_told(drawing.title)}</title>"
    yield f"<desc>{_told(' '.join(drawing.caption))}</desc>"
    yield f'<rect width="100%" height="100%" fill="{look.paper}"/>'
    for part in parts(drawing, layout, look):
        yield from _part(part)
    yield "</svg>"


def _part(part: Part) -> Iterator[str]:
    yield f'<g class="{part.kind}" data-id="{_told(part.id)}">'
    if part.tip:
        yield f"<title>{escape(part.tip)}</title>"
    for shape in part.shapes:
        yield _outline(shape) if isinstance(shape, Outline) else _text(shape)
    yield "</g>"


def _outline(shape: Outline) -> str:
    path = "".join(letter + " ".join(f"{_number(x)},{_number(y)}" for x, y in points) for letter, points in shape.steps)
    stroke = f' stroke="{shape.stroke}" stroke-width="{_number(shape.width)}"' if shape.stroke else ""
    dashes = " ".join(map(_number, DASHES[shape.line]))
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="{shape.fill or "none"}"{stroke}{dashed}/>'


def _text(shape: Text) -> str:
    type = shape.row.type
    anchor = ' text-anchor="middle"' if shape.centred else ""
    weight = ' font-weight="bold"' if type.bold else ""
    at = f'x="{_number(shape.x)}" y="{_number(shape.y)}"'
    return f'<text {at} font-size="{_number(type.size)}"{anchor}{weight} fill="{shape.colour}">{escape(shape.row.written)}</text>'


def _told(text: str) -> str:
    return escape(measure.tooltip(text))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
