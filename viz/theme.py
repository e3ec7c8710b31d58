"""How a picture looks: colours, lines, fonts and sizes, for every renderer.

Nothing is told by colour alone: each kind of box also has its own outline, each kind of arrow its own line and head, so
the picture survives a grey printer and colour-blind eyes. The hues are those of Okabe and Ito ("Color Universal Design",
2008), lightened for fills and darkened for text. All lengths are points, 72 to the inch.
"""

from __future__ import annotations

from dataclasses import dataclass

FONTS = "Helvetica,Arial,DejaVu Sans,sans-serif"  # the first is the viewer's own; sizes are kept for the widest of them
PAPER = "#FFFFFF"
INK = "#1A1A1A"

RESOLUTION = 200  # dots per inch of a PNG
MARGIN = 12.0  # white around the whole picture
BOX_GAP = 20.0  # between neighbours
LAYER_GAP = 16.0  # from a box down to the next label, and from the label to the next box
GROUP_PAD = 10.0  # from a group's frame to what stands in it
CORNER = 7.0  # radius of a rounded box
LINE_HEIGHT = 1.28  # of a line of text, in font sizes


@dataclass(frozen=True)
class Type:
    """How a line of text is set."""

    size: float
    bold: bool = False
    colour: str = INK


@dataclass(frozen=True)
class BoxStyle:
    """The look of one kind of box. `shape` is "rounded", "square", "double", "stack", "round" or "folded"."""

    shape: str
    fill: str
    stroke: str
    width: float = 1.2
    dashed: bool = False


@dataclass(frozen=True)
class ArrowStyle:
    """The look of one kind of arrow. An open head is two strokes, a full one a filled triangle."""

    colour: str
    text: str
    open_head: bool


BOXES: dict[str, BoxStyle] = {
    "operation": BoxStyle("rounded", "#DDECF7", "#00639C"),
    "parameter": BoxStyle("square", "#FCE9C8", "#9A5B00", width=2.2),
    "input": BoxStyle("square", "#E0F3EB", "#00694D", dashed=True),
    "output": BoxStyle("double", "#F7E1EE", "#94376D"),
    "closed": BoxStyle("stack", "#E9E4F5", "#4B3A8C"),
    "sum": BoxStyle("round", "#FFF8C9", "#6E6100"),
    "note": BoxStyle("folded", "#FFFFFF", "#5A5A5A", width=0.9),
}
ARROWS: dict[str, ArrowStyle] = {
    "forward": ArrowStyle("#7F7F7F", "#3D3D3D", open_head=True),
    "backward": ArrowStyle("#B84700", "#8F3800", open_head=False),
}

ACCENTS: dict[str, str] = {  # what is to be noticed, and how the legend says it
    "dead": "dead: its output is zero for every example",
    "saturated": "saturated: hardly any gradient gets through",
    "vanishing": "vanishing gradient",
    "exploding": "exploding gradient",
    "origin": "the first NaN or infinity arose here",
    "inherited": "NaN or infinity from elsewhere",
    "unused": "no gradient reaches it",
    "path": "on a path to the parameter that is explained",
    "changed": "changed",
    "step": "this step",
}

PICTURE_TITLE = Type(16, bold=True)
CAPTION = Type(11, colour="#3D3D3D")
BOX_TITLE = Type(12, bold=True)
BOX_LINE = Type(10.5, colour="#2B2B2B")
GROUP_LABEL = Type(11, bold=True, colour="#4A4A4A")
ARROW_LINE = 11.0  # font size of the first line at an arrow; its colour is the arrow's
ARROW_SMALL = 10.0  # font size of the lines after it

GROUP_STROKE = "#8A8A8A"
GROUP_FILLS = ("#F5F5F6", "#EAEBED")  # by depth in turn, so that a nested frame stands out


def box_style(kind: str) -> BoxStyle:
    """The look of a kind of box. Raises ValueError for a kind that is not known."""
    if kind not in BOXES:
        raise ValueError(f"{kind!r} is no kind of box: the kinds are {', '.join(BOXES)}")
    return BOXES[kind]


def arrow_style(kind: str) -> ArrowStyle:
    """The look of a kind of arrow. Raises ValueError for a kind that is not known."""
    if kind not in ARROWS:
        raise ValueError(f"{kind!r} is no kind of arrow: the kinds are {', '.join(ARROWS)}")
    return ARROWS[kind]


def line_width(weight: float) -> float:
    """An arrow's weight as a line width that can be seen and does not swallow the picture, in points."""
    return min(max(weight, 0.5), 6.0)
