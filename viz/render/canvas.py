"""A picture as one thing that matplotlib draws: outlines and lines of text, without an artist for each of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from matplotlib.transforms import Affine2D

from .coordinates import Point
from .fonts import families
from .shapes import Outline, Steps, Text
from .theme import DASHES

_CODES = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4, "Z": Path.CLOSEPOLY}


class Scene(Artist):
    """Outlines and lines of text, in points from the upper left corner of a figure so high, each over those before it."""

    def __init__(self, shapes: Iterable[Outline | Text], height: float) -> None:
        super().__init__()
        self.shapes, self.height = tuple(shapes), height
        self.families = families(shape.row.written for shape in self.shapes if isinstance(shape, Text))

    def draw(self, renderer: RendererBase) -> None:
        _, top = renderer.get_canvas_width_height()
        scale = top / self.height
        page = Affine2D.from_values(scale, 0.0, 0.0, -scale, 0.0, top)
        for shape in self.shapes:
            gc = renderer.new_gc()
            if isinstance(shape, Outline):
                _draw_outline(renderer, gc, shape, page)
            else:
                _draw_text(renderer, gc, shape, self.families, page)
            gc.restore()


def _draw_outline(renderer: RendererBase, gc: GraphicsContextBase, shape: Outline, page: Affine2D) -> None:
    gc.set_linewidth(shape.width if shape.stroke else 0.0)
    gc.set_foreground(shape.stroke or "none")
    gc.set_joinstyle("miter")
    gc.set_dashes(0.0, DASHES[shape.line] or None)
    renderer.draw_path(gc, _path(shape.steps), page, to_rgba(shape.fill) if shape.fill else None)


def _path(steps: Steps) -> Path:
    points: list[Point] = []
    codes: list[int] = []
    for letter, ends in steps:
        points += ends or ((0.0, 0.0),)
        codes += [int(_CODES[letter])] * (len(ends) or 1)
    return Path(points, codes)


def _draw_text(renderer: RendererBase, gc: GraphicsContextBase, shape: Text, families: tuple[str, ...], page: Affine2D) -> None:
    """Text stays text, but as pixels it is made of outlines: those of a line that occurs often are made once."""
    type = shape.row.type
    letters, width = _letters(shape.row.written, type.bold, families)
    scale = type.size / TextToPath.FONT_SCALE
    x = shape.x - (scale * width / 2 if shape.centred else 0.0)
    if isinstance(renderer, RendererAgg):
        gc.set_linewidth(0.0)
        renderer.draw_path(gc, letters, Affine2D.from_values(scale, 0.0, 0.0, -scale, x, shape.y) + page, to_rgba(shape.colour))
    else:
        gc.set_foreground(shape.colour)
        x, y = page.transform((x, shape.y))
        renderer.draw_text(gc, x, y, shape.row.written, _font(type.size, type.bold, families), 0.0)


@lru_cache(maxsize=1024)
def _letters(text: str, bold: bool, families: tuple[str, ...]) -> tuple[Path, float]:
    """The outlines of a line of text in a size of TextToPath.FONT_SCALE, and how wide they are."""
    points, codes = TextToPath().get_text_path(_font(TextToPath.FONT_SCALE, bold, families), text)
    outlines = np.reshape(points, (-1, 2))
    return Path(outlines, codes), float(outlines[:, 0].max(initial=0.0))


@lru_cache
def _font(size: float, bold: bool, families: tuple[str, ...]) -> FontProperties:
    return FontProperties(family=families, weight="bold" if bold else "normal", size=size)
