"""A laid-out drawing as PNG or PDF by matplotlib, for machines without Graphviz."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from . import measure
from .drawing import Drawing
from .layout import Layout, lay_out
from .shapes import Part, parts
from .theme import Theme, resolution, themed

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image


def to_raster(drawing: Drawing, format: str, layout: Layout | None = None, *, theme: str = "light") -> bytes:
    """The drawing as "png" or "pdf". The same drawing always gives the same bytes.

    The font is DejaVu Sans; a letter that it lacks (a Chinese one, say) is set in a font of this machine that has it, and is a
    box where there is none: an SVG is set in the reader's fonts. For how many pixels a PNG has, see theme.resolution.
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
    shown = parts(drawing, layout, look)
    with BytesIO() as file:
        if format == "png":
            dpi = resolution(layout.width, layout.height)
            pixels(shown, layout, look, dpi).save(file, "png", dpi=(dpi, dpi))
        else:
            metadata = {"CreationDate": None, "Title": measure.plain(drawing.title)}
            with _own_style():
                _figure(shown, layout, look).savefig(file, format=format, metadata=metadata)
        return file.getvalue()


def pixels(parts: Iterable[Part], layout: Layout, look: Theme, dpi: float) -> Image:
    """These parts on paper of the layout's size, as an image of so many dots per inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    with _own_style():
        canvas = FigureCanvasAgg(_figure(parts, layout, look))
        canvas.figure.set_dpi(dpi)
        canvas.draw()
    return Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")


def _figure(parts: Iterable[Part], layout: Layout, look: Theme) -> Figure:
    from matplotlib.figure import Figure

    from .canvas import Scene

    figure = Figure(figsize=(layout.width / 72, layout.height / 72), facecolor=look.paper)
    figure.add_artist(Scene((shape for part in parts for shape in part.shapes), layout.height))
    return figure


@contextmanager
def _own_style() -> Iterator[None]:
    """Matplotlib as it is by itself, whatever style the program has chosen, and silent about fonts that lack letters or a bold face."""
    from matplotlib import rc_context, rcdefaults, rcParams

    told = logging.getLogger("matplotlib.font_manager")
    disabled, told.disabled = told.disabled, True
    try:
        with rc_context(), warnings.catch_warnings():
            rcdefaults()
            rcParams["pdf.fonttype"] = 42  # text in a PDF stays text
            warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
            yield
    finally:
        told.disabled = disabled
