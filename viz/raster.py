"""A laid-out drawing as PNG or PDF by matplotlib, for machines without Graphviz."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING

from . import measure
from .coordinates import Point
from .drawing import Drawing
from .layout import Layout, lay_out
from .shapes import Outline, Text, parts
from .theme import DASHES, RESOLUTION, themed

if TYPE_CHECKING:
    from matplotlib.artist import Artist

_MOST_PIXELS = 30_000  # on a side: matplotlib refuses twice as many, and few viewers show them


def to_raster(drawing: Drawing, format: str, layout: Layout | None = None, *, theme: str = "light") -> bytes:
    """The drawing as "png" or "pdf". The same drawing always gives the same bytes.

    The font is DejaVu Sans; a character that it lacks (Chinese, say) is an empty box: an SVG is set in the reader's fonts.
    Raises ImportError if matplotlib is missing.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'a PNG or PDF needs matplotlib: pip install "autograd-core[plots]", '
            'or Graphviz: pip install "autograd-core[render]"; an SVG needs neither'
        ) from error
    layout, look = layout or lay_out(drawing), themed(theme)
    figure = Figure(figsize=(layout.width / 72, layout.height / 72), facecolor=look.paper)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, layout.width)
    axes.set_ylim(layout.height, 0)
    axes.axis("off")
    for part in parts(drawing, layout, look):
        for shape in part.shapes:
            axes.add_artist(_outline(shape) if isinstance(shape, Outline) else _text(shape))
    resolution = min(RESOLUTION, _MOST_PIXELS * 72 / max(layout.width, layout.height))
    with BytesIO() as file, rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):  # text in a PDF stays text
        metadata = {"CreationDate": None, "Title": measure.plain(drawing.title)} if format == "pdf" else None
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            figure.savefig(file, format=format, dpi=resolution, metadata=metadata)
        return file.getvalue()


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
