"""A laid-out drawing as PNG or PDF by matplotlib, for machines without Graphviz."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from . import measure
from .coordinates import Point
from .drawing import Drawing
from .layout import Layout, lay_out
from .shapes import Outline, Part, Text, parts
from .theme import DASHES, RESOLUTION, Theme, themed

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.backends.backend_agg import FigureCanvasAgg

_MOST_PIXELS = 30_000  # on a side: matplotlib refuses twice as many, and few viewers show them


def to_raster(drawing: Drawing, format: str, layout: Layout | None = None, *, theme: str = "light") -> bytes:
    """The drawing as "png" or "pdf". The same drawing always gives the same bytes.

    The font is DejaVu Sans; a character that it lacks (Chinese, say) is an empty box: an SVG is set in the reader's fonts.
    Raises ImportError if matplotlib is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'a PNG or PDF needs matplotlib: pip install "autograd-core[plots]", '
            'or Graphviz: pip install "autograd-core[render]"; an SVG needs neither'
        ) from error
    layout, look = layout or lay_out(drawing), themed(theme)
    resolution = min(RESOLUTION, _MOST_PIXELS * 72 / max(layout.width, layout.height))
    metadata = {"CreationDate": None, "Title": measure.plain(drawing.title)} if format == "pdf" else None
    with BytesIO() as file, own_style():
        painted(parts(drawing, layout, look), layout, look).figure.savefig(file, format=format, dpi=resolution, metadata=metadata)
        return file.getvalue()


def painted(parts: Iterable[Part], layout: Layout, look: Theme) -> FigureCanvasAgg:
    """A figure of the layout's size with these parts, on its canvas; to be made and drawn in `own_style`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(layout.width / 72, layout.height / 72), facecolor=look.paper)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, layout.width)
    axes.set_ylim(layout.height, 0)
    axes.axis("off")
    for part in parts:
        for shape in part.shapes:
            axes.add_artist(_outline(shape) if isinstance(shape, Outline) else _text(shape))
    return canvas


@contextmanager
def own_style() -> Iterator[None]:
    """Matplotlib as it is by itself, whatever style the program has chosen, and without warnings of letters that the font lacks."""
    from matplotlib import rc_context, rcdefaults, rcParams

    with rc_context(), warnings.catch_warnings():
        rcdefaults()
        rcParams["pdf.fonttype"] = 42  # text in a PDF stays text
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


def _outline(shape: Outline) -> Artist:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    dashes = DASHES[shape.line]
    codes = {"M": Path.MOVETO, "L": Path.LINETO, "C": Path.CURVE4, "Z": Path.CLOSEPOLY}
    points: list[Point] = []
    kinds: list[int] = []
    for letter, ends in shape.steps:
        points += ends or ((0.0, 0.0),)
        kinds += [int(codes[letter])] * (len(ends) or 1)
    return PathPatch(
        Path(points, kinds),
        facecolor=shape.fill or "none",
        edgecolor=shape.stroke or "none",
        linewidth=shape.width if shape.stroke else 0.0,
        linestyle=(0, tuple(length / shape.width for length in dashes)) if dashes else "solid",
        joinstyle="miter",
    )


def _text(shape: Text) -> Artist:
    from matplotlib.text import Text as Written

    type = shape.row.type
    return Written(
        shape.x,
        shape.y,
        shape.row.text,
        horizontalalignment="center" if shape.centred else "left",
        fontfamily="DejaVu Sans",  # comes with matplotlib
        fontsize=type.size,
        fontweight="bold" if type.bold else "normal",
        color=shape.colour,
        parse_math=False,
    )
