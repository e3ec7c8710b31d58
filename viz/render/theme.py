"""How a picture looks: colours, lines, fonts and sizes, for every renderer.

Nothing is told by colour alone: each kind of box also has its own outline, each kind of arrow its own line and head, each
accent its own symbol, so the picture survives a grey printer and colour-blind eyes. The hues are those of Okabe and Ito
("Color Universal Design", 2008), lightened or darkened to stand out from their ground. Sizes are the same in every theme:
a `Theme` is colours and nothing else. All lengths are points, 72 to the inch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TypeVar

FONTS = "Helvetica,Arial,DejaVu Sans,sans-serif"  # the first is the viewer's own; sizes are kept for the widest of them

RESOLUTION, LEGIBLE = 200, 96  # dots per inch of a PNG: of most, and the fewest in which its small print can be read
_USEFUL, _MOST = 40e6, 100e6  # pixels of a PNG: as many as are of use, and as many as can be held
_LONGEST = 32_000  # pixels on a side: Graphviz draws no more, and few viewers show more
MARGIN = 12.0  # free room around the whole picture
BOX_GAP = 20.0  # between neighbours
LAYER_GAP = 16.0  # from a box down to the next label, and from the label to the next box
GROUP_PAD = 10.0  # from a group's frame to what stands in it
CORNER = 7.0  # radius of a rounded box
SHEET = 4.0  # how far the sheet behind a stack looks out below it
LINE_HEIGHT = 1.28  # of a line of text, in font sizes
SPARK_HEIGHT, SPARK_GAP = 20.0, 4.0  # of the small curve in a box, and the free room above it
SPARK_STEPS, SPARK_WIDTH = (5.0, 9.0), 64.0  # from a bar of it to the next: few bars stand as far apart as fills this width

DASHES: dict[str, tuple[float, ...]] = {"solid": (), "dashed": (5.0, 3.0), "dotted": (1.6, 2.4)}  # lines: drawn, left out


# ---------------------------------------------------------------------- what things look like, in any theme


@dataclass(frozen=True)
class Type:
    """How a line of text is set. `ink` is a key of `Theme.inks`."""

    size: float
    bold: bool = False
    ink: str = "text"


@dataclass(frozen=True)
class BoxStyle:
    """The look of one kind of box. `shape` is "rounded", "square", "double", "stack", "round" or "folded"; `line` one of DASHES."""

    shape: str
    width: float = 1.2
    line: str = "solid"


@dataclass(frozen=True)
class ArrowStyle:
    """The look of one kind of arrow. An open head is two strokes, a full one a filled triangle."""

    open_head: bool


@dataclass(frozen=True)
class GroupStyle:
    """The look of one kind of frame. A tinted one has a colour of its own instead of the grey of its depth."""

    line: str = "solid"
    width: float = 1.0
    stacked: bool = False
    tinted: bool = False


@dataclass(frozen=True)
class Accent:
    """What is to be noticed: the symbol before a box's title, the line around it, and what the legend says."""

    symbol: str
    says: str
    width: float
    line: str = "solid"


BOXES: dict[str, BoxStyle] = {
    "operation": BoxStyle("rounded"),
    "parameter": BoxStyle("square", width=2.2),
    "input": BoxStyle("square", line="dashed"),
    "output": BoxStyle("double"),
    "closed": BoxStyle("stack"),
    "sum": BoxStyle("round"),
    "note": BoxStyle("folded", width=0.9),
}
ARROWS: dict[str, ArrowStyle] = {"forward": ArrowStyle(open_head=True), "backward": ArrowStyle(open_head=False)}
GROUPS: dict[str, GroupStyle] = {
    "module": GroupStyle(),
    "reference": GroupStyle("dashed", width=1.2),
    "repeat": GroupStyle(stacked=True),
    "step": GroupStyle(width=0.6),
    "part": GroupStyle("dotted"),
    "backward": GroupStyle("dotted", width=1.4, tinted=True),
}
ACCENTS: dict[str, Accent] = {
    "dead": Accent("✗", "dead: its output is zero for every example", 3.0, "dotted"),
    "saturated": Accent("⊘", "saturated: hardly any gradient gets through", 3.0, "dashed"),
    "vanishing": Accent("▼", "vanishing: next to nothing gets through", 2.6, "dotted"),
    "exploding": Accent("▲", "exploding: it grows far too much", 4.0),
    "origin": Accent("⚠", "the first NaN or infinity arose here", 4.5),
    "inherited": Accent("↳", "NaN or infinity from elsewhere", 2.4, "dashed"),
    "unused": Accent("∅", "no gradient reaches it", 2.2, "dotted"),
    "path": Accent("●", "on a path to the parameter that is explained", 3.0),
    "changed": Accent("Δ", "changed", 3.0, "dashed"),
    "step": Accent("➤", "this step", 4.0),
}

PICTURE_TITLE = Type(16, bold=True)
CAPTION = Type(11, ink="caption")
BOX_TITLE = Type(12, bold=True)
BOX_LINE = Type(10.5, ink="small")
GROUP_LABEL = Type(11, bold=True, ink="group")
ARROW_LINE = 11.0  # font size of the first line at an arrow; its ink is the arrow's
ARROW_SMALL = 10.0  # font size of the lines after it


# ---------------------------------------------------------------------- colours


@dataclass(frozen=True)
class Theme:
    """The colours of a picture."""

    name: str
    paper: str
    inks: Mapping[str, str]  # of text, and of what is to be noticed: by the key of ACCENTS
    fills: Mapping[str, str]  # of boxes, by kind
    strokes: Mapping[str, str]  # of boxes, by kind
    arrows: Mapping[str, str]  # by kind
    frame: str  # the line around a group
    grounds: tuple[str, ...]  # of groups, by depth in turn, so that a nested frame stands out
    tint: str  # of a group that is a recorded backward pass


LIGHT = Theme(
    "light",
    paper="#FFFFFF",
    inks={
        "text": "#1A1A1A",
        "small": "#2B2B2B",
        "caption": "#3D3D3D",
        "group": "#4A4A4A",
        "forward": "#3D3D3D",
        "backward": "#8F3800",
        "dead": "#4A4A4A",
        "saturated": "#6B4E00",
        "vanishing": "#1B4FA8",
        "exploding": "#B00020",
        "origin": "#B00020",
        "inherited": "#8A3A5F",
        "unused": "#4A4A4A",
        "path": "#7A1577",
        "changed": "#005F56",
        "step": "#7A1577",
    },
    fills={
        "operation": "#DDECF7",
        "parameter": "#FCE9C8",
        "input": "#E0F3EB",
        "output": "#F7E1EE",
        "closed": "#E9E4F5",
        "sum": "#FFF8C9",
        "note": "#FFFFFF",
    },
    strokes={
        "operation": "#00639C",
        "parameter": "#905500",
        "input": "#00694D",
        "output": "#94376D",
        "closed": "#4B3A8C",
        "sum": "#6E6100",
        "note": "#5A5A5A",
    },
    arrows={"forward": "#7F7F7F", "backward": "#B84700"},
    frame="#858585",
    grounds=("#F5F5F6", "#EAEBED"),
    tint="#FBEDE2",
)
DARK = Theme(
    "dark",
    paper="#14171C",
    inks={
        "text": "#F2F3F5",
        "small": "#E2E4E8",
        "caption": "#C3C7CE",
        "group": "#B4B9C2",
        "forward": "#C9CDD4",
        "backward": "#FFB37A",
        "dead": "#D0D0D0",
        "saturated": "#F0C75E",
        "vanishing": "#8DBBFF",
        "exploding": "#FF8A8F",
        "origin": "#FF8A8F",
        "inherited": "#F2A3C6",
        "unused": "#D0D0D0",
        "path": "#F09BEE",
        "changed": "#6FDCC8",
        "step": "#F09BEE",
    },
    fills={
        "operation": "#14344C",
        "parameter": "#49340C",
        "input": "#0F3B2E",
        "output": "#48213A",
        "closed": "#332A5C",
        "sum": "#3F3900",
        "note": "#14171C",
    },
    strokes={
        "operation": "#6DB8EC",
        "parameter": "#F0B34A",
        "input": "#5CC9A4",
        "output": "#E79AC5",
        "closed": "#B4A5F0",
        "sum": "#D9C84A",
        "note": "#A9AEB7",
    },
    arrows={"forward": "#8E949E", "backward": "#F58A42"},
    frame="#6F7681",
    grounds=("#1C2027", "#262B33"),
    tint="#33231A",
)
THEMES: dict[str, Theme] = {"light": LIGHT, "dark": DARK}


# ---------------------------------------------------------------------- looking things up


_Style = TypeVar("_Style")


def _known(what: str, several: str, table: Mapping[str, _Style], key: str) -> _Style:
    if key not in table:
        raise ValueError(f"{key!r} is no {what}: the {several} are {', '.join(table)}")
    return table[key]


def themed(name: str) -> Theme:
    """A theme by its name. Raises ValueError for one that is not known."""
    return _known("theme", "themes", THEMES, name)


def box_style(kind: str) -> BoxStyle:
    """The look of a kind of box. Raises ValueError for a kind that is not known."""
    return _known("kind of box", "kinds", BOXES, kind)


def arrow_style(kind: str) -> ArrowStyle:
    """The look of a kind of arrow. Raises ValueError for a kind that is not known."""
    return _known("kind of arrow", "kinds", ARROWS, kind)


def group_style(kind: str) -> GroupStyle:
    """The look of a kind of group. Raises ValueError for a kind that is not known."""
    return _known("kind of group", "kinds", GROUPS, kind)


def accent(key: str) -> Accent:
    """How something that is to be noticed is marked. Raises ValueError for a key that is not known."""
    return _known("accent", "accents", ACCENTS, key)


def resolution(width: float, height: float) -> float:
    """The dots per inch of a PNG of so many points.

    They are 200 while that makes no more than 40 megapixels, then fewer, down to 96: at that the small print can still be
    read. Fewer still are there only where the picture could not be held otherwise, with more than 100 megapixels or 32,000
    on a side; of a picture that large, an SVG or a PDF shows more.
    """
    enough = max(LEGIBLE, 72 * sqrt(_USEFUL / (width * height)))
    return min(RESOLUTION, enough, 72 * sqrt(_MOST / (width * height)), 72 * _LONGEST / max(width, height))


def line_width(weight: float) -> float:
    """An arrow's weight as a line width that can be seen and does not swallow the picture, in points."""
    return min(max(0.5, weight), 6.0)


def box_line(kind: str, accent_key: str, order: int, look: Theme) -> tuple[str, float, str]:
    """Colour, width and dashes of a box's outline."""
    if accent_key:
        mark = accent(accent_key)
        return look.inks[accent_key], mark.width, mark.line
    style = box_style(kind)
    return look.strokes[kind], style.width, "dashed" if order else style.line


def arrow_line(kind: str, accent_key: str, weight: float, look: Theme) -> tuple[str, float, str]:
    """Colour, width and dashes of an arrow's line."""
    if accent_key:
        mark = accent(accent_key)
        return look.inks[accent_key], max(line_width(weight), mark.width), mark.line
    return look.arrows[kind], line_width(weight), "solid"
