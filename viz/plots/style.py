"""How plots look: colours, type, axes. Only here and in `figure.py` are matplotlib's figures made.

The hues of lines are those of Okabe and Ito ("Color Universal Design", 2008), ordered so that neighbours also differ in
grey, and each comes with its own line style and marker. Maps of numbers are drawn in cividis, which grows lighter throughout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.errors import MissingExtraError, ShapeError
from autograd_core.tensor import Tensor
from autograd_core.tree import tree_map

from ..render import measure
from ..render.theme import Type

WIDTH = 7.6  # inches: at 100 dots to the inch the width of a notebook's page
DOTS = 100
COLOURMAP = "cividis"
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)))
MARKERS = "os^DvPX*"


@dataclass(frozen=True)
class Look:
    """The colours of a theme."""

    paper: str
    ink: str
    quiet: str  # ticks, labels
    grid: str
    cycle: tuple[str, ...]
    ridges: tuple[float, float]  # of the colour map, what can be told from the paper


LIGHT = ("#0072B2", "#D55E00", "#009E73", "#882D71", "#56B4E9", "#B37700")
DARK = ("#56B4E9", "#E69F00", "#2FC79A", "#E39BC4", "#F0E442", "#FF8A4C")
LOOKS = {
    "light": Look("#FFFFFF", "#1A1A1A", "#4A4A4A", "#DDDDDD", LIGHT, (0.1, 0.85)),
    "dark": Look("#14181D", "#F0F0F0", "#B9BFC6", "#343A41", DARK, (0.35, 1.0)),
}


def look(theme: str) -> Look:
    """The colours of a theme. Raises ValueError for one that is not known."""
    if theme not in LOOKS:
        raise ValueError(f"{theme!r} is no theme: the themes are {', '.join(LOOKS)}")
    return LOOKS[theme]


def canvas(what: str, theme: str, ax: Any = None, height: float = 3.6, columns: int = 1, rows: int = 1, width: float = WIDTH) -> Any:
    """A figure, its axes (flat, row by row), and its look; with `ax` the figure that it belongs to, and itself.

    Raises MissingExtraError where matplotlib is missing.
    """
    colours = look(theme)
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plots", f"viz.plots.{what}") from error
    if ax is not None:
        if not isinstance(ax, matplotlib.axes.Axes):
            raise TypeError(f"{what}: ax is an axes of matplotlib, got a {type(ax).__name__}")
        return ax.figure, [ax], colours
    from .figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS, layout="constrained", facecolor=colours.paper)
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel()), colours


def dress(ax: Any, colours: Look, title: str = "", xlabel: str = "", ylabel: str = "", grid: bool = True) -> None:
    """Give an axes its colours and its words."""
    wide, high = room(ax)
    ax.set_facecolor(colours.paper)
    ax.set_title(said(title, wide, 11, bold=True), color=colours.ink, fontsize=11, fontweight="bold", loc="left", parse_math=False)
    ax.set_xlabel(said(xlabel, wide, 10), color=colours.quiet, fontsize=10, parse_math=False)
    ax.set_ylabel(said(ylabel, high, 10), color=colours.quiet, fontsize=10, parse_math=False)
    ax.tick_params(which="both", colors=colours.quiet, labelsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[:].set_color(colours.quiet)
    ax.set_axisbelow(True)
    ax.grid(False)
    if grid:
        ax.grid(True, color=colours.grid, linewidth=0.8)


def logarithmic(ax: Any) -> None:
    """Make the scale of y logarithmic, with numbers at its ticks, if any line has positive values; called when all is drawn."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not any((np.asarray(line.get_ydata()) > 0).any() for line in ax.lines):
        return
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 300 * low else (1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def said(text: Any, room: float, size: float = 9.0, bold: bool = False) -> str:
    """A text as a figure can hold it: one line, without control characters, cut to so many points."""
    kind = Type(size, bold)
    text = whole = measure.plain(str(text)[:400])
    while text and measure.text_width(text if text == whole else text + "…", kind) > room:
        text = text[:-1]
    return text if text == whole else text + "…"


def room(ax: Any) -> tuple[float, float]:
    """How wide and high an axes will be, in points, at the least."""
    place, figure = ax.get_position(), ax.figure
    return 72 * 1.15 * place.width * figure.get_figwidth(), 72 * place.height * figure.get_figheight()


def label(text: Any) -> str:
    """A text for a legend, which would leave one out that is empty or begins with an underscore."""
    text = said(text, 190)
    return text if text.strip() and not text.startswith("_") else f"\N{THIN SPACE}{text}"


def turned(angle: int) -> dict[str, Any]:
    """For labels below an axis that are too long to stand side by side."""
    return {"rotation": angle, "ha": "right", "rotation_mode": "anchor"}


def heading(figure: Any, colours: Look, title: str) -> None:
    """The title of a figure of several axes."""
    if title:
        figure.suptitle(
            said(title, 70 * figure.get_figwidth(), 12, bold=True), color=colours.ink, fontsize=12, fontweight="bold", parse_math=False
        )


def legend(ax: Any, colours: Look, **options: Any) -> None:
    """A legend without a frame."""
    for text in ax.legend(**{"frameon": False, "fontsize": 9, "labelcolor": colours.ink, **options}).get_texts():
        text.set_parse_math(False)


def colourbar(figure: Any, image: Any, axes: Any, colours: Look, label: str) -> Any:
    """The scale of a map of numbers."""
    bar = figure.colorbar(image, ax=axes, shrink=0.85, aspect=25, pad=0.02)
    bar.set_label(label, color=colours.quiet, fontsize=10)
    bar.ax.tick_params(colors=colours.quiet, labelsize=9)
    bar.outline.set_edgecolor(colours.quiet)
    return bar


def array(what: str, value: Any, dims: int | Sequence[int], name: str = "values") -> np.ndarray[Any, Any]:
    """A Tensor, array or nested list as an array. Raises TypeError for what is none, ShapeError for another number of dimensions."""
    found = np.asarray(tree_map(lambda part: part.detach().numpy() if isinstance(part, Tensor) else part, value))
    if found.dtype.kind not in "biufV" or (found.dtype.kind == "V" and found.dtype.names):
        raise TypeError(f"{what}: {name} are numbers in a Tensor, an array or lists, got {value!r:.60}")
    wanted = (dims,) if isinstance(dims, int) else tuple(dims)
    if found.ndim not in wanted:
        told = " or ".join(map(str, wanted))
        raise ShapeError(f"{what}: {name} have {told} dimensions, got shape {found.shape}")
    if not found.size:
        raise ShapeError(f"{what}: there are no {name}, got shape {found.shape}")
    return found
