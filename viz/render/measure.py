"""How much room a text takes, without asking a font.

The widths are DejaVu Sans's, the widest of the families in `theme.FONTS`: whatever font the reader has, the text stays
inside its box, and the same drawing has the same sizes on every machine.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from . import spark, theme
from .drawing import Arrow, Box, Drawing, Group

_WIDTHS = {  # of a character, in font sizes
    0.29: "'ijl",
    0.34: " ,./:;\\|·IJ",
    0.40: "f-()[]t!r¹²³ᵀᴴ",
    0.52: '"*_`‖sz?∂∫⁻',
    0.60: "ceLFkvxyPTaoδθγλτ",
    0.64: "πESbdghnpqu$0123456789{}ΣσβμK√∘",
    0.70: "AVBRXZC∇∑α",
    0.79: "UHNDGOQ&",
    0.84: "#+<=>^~w×−→←ω≤≥≠≈⊙⊗∈∞M",
    1.00: "mW%@…½æœ✗⊘▼▲⚠↳∅●➤",
    2.50: "⸺",
    3.60: "⸻",
    10.0: "\ufdfd",
}
_WIDTH = {character: width for width, characters in _WIDTHS.items() for character in characters}
_BOLD = 1.13
# characters before a line is broken, by place, and how many lines one text is broken into before it is cut
_LONGEST = {"title": 44, "line": 52, "arrow": 46, "headline": 60, "caption": 70, "wide caption": 92}
_MOST = {"title": 4, "line": 10, "arrow": 8, "headline": 4, "caption": 12}
_ROW = re.compile(r"(, [^][]*\]+,) (?=\[)")  # the end of a row of several elements, and the space before the next
_WIDEST = 0.85  # font sizes, of the characters of a line on average
_TOOLTIP = 1000  # characters
_MARKS = 3  # accents that may sit on one letter
_LEFT_TO_RIGHT = "\u200e"  # a mark without width
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"  # that are written from right to left
_TO_LEFT = re.compile(f"[{_LETTERS}](?:[^\\w]*[{_LETTERS}])*")
_UNSEEN = frozenset(_LEFT_TO_RIGHT + "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064")
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Row:
    """One line of text and how it is set."""

    text: str
    type: theme.Type

    @property
    def written(self) -> str:
        """The text, with marks around what runs from right to left: a shape or a formula beside it does not run that way too."""
        return _TO_LEFT.sub(f"{_LEFT_TO_RIGHT}\\g<0>{_LEFT_TO_RIGHT}", self.text)

    @property
    def width(self) -> float:
        return text_width(self.text, self.type)

    @property
    def height(self) -> float:
        return self.type.size * theme.LINE_HEIGHT


@lru_cache(maxsize=4096)
def text_width(text: str, kind: theme.Type) -> float:
    """The width of one line of text, in points, with a little to spare."""
    return sum(map(_advance, text)) * kind.size * (_BOLD if kind.bold else 1.03)


def _advance(character: str) -> float:
    known = _WIDTH.get(character)
    if known is not None:
        return known
    kind = unicodedata.category(character)
    if unicodedata.combining(character) or kind in ("Mn", "Me") or character in _UNSEEN:
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if "\U00012000" <= character <= "\U0001254f":  # cuneiform
        return 3.0
    return {"Ll": 0.9, "Lu": 1.05}.get(kind, 1.2)


def plain(text: str) -> str:
    """The text without what XML forbids or a renderer would obey: control characters, those that turn the direction of
    writing or tell the order of bytes too, lone surrogates, and heaps of combining marks."""
    shown, marks = [], 0
    for c in text:
        kind = unicodedata.category(c)
        marks = marks + 1 if kind in ("Mn", "Me") else marks if c == "\u200d" else 0
        if c.isspace():
            shown.append(" ")
        elif kind in ("Cc", "Cs", "Cn") or c in _REORDERING or c == "\ufeff" or "\ufff9" <= c <= "\ufffb":
            shown.append("\N{REPLACEMENT CHARACTER}")
        elif marks <= _MARKS:
            shown.append(c)
    return "".join(shown)


def tooltip(text: str) -> str:
    """The text as it is told to who asks for more, cut where it is very long."""
    return plain(text[:_TOOLTIP]) + ("…" if len(text) > _TOOLTIP else "")


def rows(lines: Iterable[str], kind: theme.Type, place: str, longest: int = 0) -> tuple[Row, ...]:
    """Lines of text, broken where they are too long for their place; newlines break too, empty lines vanish.

    In boxes and on arrows each row of a matrix has a line of its own. What is much too long for any picture is cut and ends in "…".
    `longest` is how many characters a line may have, where the place itself does not say so.
    """
    longest, most = longest or _LONGEST[place], _MOST[place]
    found: list[Row] = []
    for line in lines:
        text = line[: 2 * longest * most]  # more than can be shown
        small = place in ("line", "arrow")
        text = _ROW.sub("\\1\n", text) if small else text
        pieces = (plain(piece).strip() for piece in text.splitlines())
        parts = [part for piece in pieces for part in _broken(piece, kind, longest, small)]
        if len(parts) > most or (parts and len(text) < len(line)):
            last = min(most, len(parts)) - 1
            parts = [*parts[:last], parts[last][: longest - 1] + "…"]
        found += (Row(part, kind) for part in parts)
    return tuple(found)


def _broken(text: str, kind: theme.Type, longest: int, even: bool) -> list[str]:
    """The text in lines of so many characters, fewer where these are wide; if they are to be even, none much longer than the others."""
    parts = textwrap.wrap(text, longest, break_on_hyphens=False)
    room, widest = _WIDEST * longest * kind.size, max((text_width(part, kind) for part in parts), default=0.0)
    if widest > room:
        longest = max(3, int(longest * room / widest))
        parts = textwrap.wrap(text, longest, break_on_hyphens=False)
    if even and len(parts) > 1:
        tries = (textwrap.wrap(text, most, break_on_hyphens=False) for most in range(-(-len(text) // len(parts)), longest))
        return next((found for found in tries if len(found) == len(parts)), parts)
    return parts


def extent(text: Sequence[Row]) -> tuple[float, float]:
    """Width and height of rows set below each other."""
    return max((row.width for row in text), default=0.0), sum(row.height for row in text)


def box_rows(box: Box) -> tuple[Row, ...]:
    """What stands in a box above its curve: its title, marked where something is to be noticed, then the small print."""
    title = f"{theme.accent(box.accent).symbol} {box.title}" if box.accent else box.title
    lines = [*box.lines, derivative(box.order)] if box.order else box.lines
    return rows([title], theme.BOX_TITLE, "title") + rows(lines, theme.BOX_LINE, "line")


def derivative(order: int) -> str:
    """Which derivative an operation of a recorded backward pass belongs to: `1st derivative`."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(order if order < 20 else order % 10, "th")
    return f"{order}{ending} derivative"


def spark_rows(box: Box) -> tuple[Row, ...]:
    """What stands below a box's curve."""
    return rows([spark.said(box.spark)], theme.BOX_LINE, "line")


def arrow_rows(arrow: Arrow) -> tuple[Row, ...]:
    """What stands at an arrow: the main line, marked where something is to be noticed, then the small print."""
    ink, first = arrow.accent or arrow.kind, " ".join(arrow.lines[:1])
    if arrow.accent:
        first = f"{theme.accent(arrow.accent).symbol} {first}"
    main = rows([first], theme.Type(theme.ARROW_LINE, ink=ink), "arrow")
    return main + rows(arrow.lines[1:], theme.Type(theme.ARROW_SMALL, ink=ink), "arrow")


def group_rows(group: Group) -> tuple[Row, ...]:
    """The label of a group."""
    label = f"{group.label} ×{group.times}" if group.kind == "repeat" and group.times > 1 else group.label
    return rows([label], theme.GROUP_LABEL, "line")


def head_rows(drawing: Drawing, width: float = 0.0) -> tuple[Row, ...]:
    """The head of the picture: its title, the caption, and what the marks mean that occur; lines about as wide as the picture."""
    longest = int(min(max(_LONGEST["caption"], width / (0.58 * theme.CAPTION.size)), _LONGEST["wide caption"]))
    title = rows([drawing.title], theme.PICTURE_TITLE, "headline")
    return title + rows(drawing.caption, theme.CAPTION, "caption", longest) + legend_rows(drawing)


def legend_rows(drawing: Drawing) -> tuple[Row, ...]:
    """What the accents in the picture mean, and the look of a recorded backward pass; nothing for what does not occur."""
    seen = {box.accent for box in drawing.boxes} | {arrow.accent for arrow in drawing.arrows}
    found: tuple[Row, ...] = ()
    for key, mark in theme.ACCENTS.items():
        if key in seen:
            found += rows([f"{mark.symbol} {mark.says}"], theme.Type(theme.CAPTION.size, ink=key), "caption")
    if any(box.order for box in drawing.boxes):
        found += rows(["two dashed outlines: part of a backward pass that was recorded"], theme.CAPTION, "caption")
    return found


def spark_size(box: Box) -> tuple[float, float]:
    """Width and height of a box's curve, with the free room above it; nothing where there is none."""
    if not box.spark:
        return 0.0, 0.0
    return len(spark.bars(box.spark)) * spark_step(box), theme.SPARK_HEIGHT + theme.SPARK_GAP


def spark_step(box: Box) -> float:
    """From one bar of a box's curve to the next."""
    closest, furthest = theme.SPARK_STEPS
    return min(max(closest, theme.SPARK_WIDTH // len(spark.bars(box.spark))), furthest)


def box_size(box: Box) -> tuple[float, float]:
    """Width and height of a box around its text and its curve, with the sheet that looks out behind it."""
    (wide, high), shape = spark_size(box), theme.box_style(box.kind).shape
    width, height = extent(box_rows(box) + spark_rows(box))
    width, height = max(width, wide), height + high
    if shape == "round":  # the text's rectangle fits an ellipse that is √2 as large
        return max(1.42 * width + 4, 30.0), max(1.42 * height + 2, 30.0)
    return max(width + 20, 44.0), max(height + 11, 26.0) + (theme.SHEET if shape == "stack" else 0.0)


def label_size(arrow: Arrow) -> tuple[float, float]:
    """Width and height of the text at an arrow, with the free room around it; nothing when the arrow is silent."""
    text = arrow_rows(arrow)
    if not text:
        return 0.0, 0.0
    width, height = extent(text)
    return width + 8, height + 3
