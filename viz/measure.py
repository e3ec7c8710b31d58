"""How much room a text takes, without asking a font.

The widths are DejaVu Sans's, the widest of the families in `theme.FONTS`: whatever font the reader has, the text stays
inside its box, and the same drawing has the same sizes on every machine.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from . import theme
from .drawing import Arrow, Box, Drawing, Group

_WIDTHS = {  # of a character, in font sizes
    0.29: "'ijlIJ",
    0.34: " ,./:;\\|·",
    0.40: "f-()[]t!r¹²³ᵀᴴ",
    0.52: '"*_`‖sz?∂∫⁻',
    0.60: "ceLFkvxyPTaoδθγλπτ",
    0.64: "ESbdghnpqu$0123456789{}ΣσβμK√∘",
    0.70: "AVBRXZC∇∑α",
    0.79: "UHNDGOQ&",
    0.84: "#+<=>^~w×−→←ω≤≥≠≈⊙⊗∈∞M",
    1.00: "mW%@…½",
}
_WIDTH = {character: width for width, characters in _WIDTHS.items() for character in characters}
_BOLD = 1.13
_LONGEST = {"title": 44, "line": 52, "arrow": 46, "headline": 60, "caption": 92}  # characters before a line is broken, by place


@dataclass(frozen=True)
class Row:
    """One line of text and how it is set."""

    text: str
    type: theme.Type

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
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    return 1.05 if unicodedata.east_asian_width(character) in "WF" else 0.75


def plain(text: str) -> str:
    """The text without what XML forbids or a renderer would obey: control characters and lone surrogates."""
    shown = (" " if c.isspace() else c if unicodedata.category(c) not in ("Cc", "Cs", "Cn") else "\N{REPLACEMENT CHARACTER}" for c in text)
    return "".join(shown)


def rows(lines: Iterable[str], kind: theme.Type, longest: int) -> tuple[Row, ...]:
    """Lines of text, broken where they are longer than so many characters; newlines break too, empty lines vanish."""
    pieces = (plain(piece).strip() for line in lines for piece in line.splitlines())
    return tuple(Row(part, kind) for piece in pieces for part in textwrap.wrap(piece, longest, break_on_hyphens=False))


def extent(text: Sequence[Row]) -> tuple[float, float]:
    """Width and height of rows set below each other."""
    return max((row.width for row in text), default=0.0), sum(row.height for row in text)


def box_rows(box: Box) -> tuple[Row, ...]:
    """What stands in a box: its title, then the small print."""
    title = rows([box.title], theme.BOX_TITLE, _LONGEST["title"])
    return title + rows(box.lines, theme.BOX_LINE, _LONGEST["line"])


def arrow_rows(arrow: Arrow) -> tuple[Row, ...]:
    """What stands at an arrow: the main line, then the small print."""
    colour = theme.arrow_style(arrow.kind).text
    first = rows(arrow.lines[:1], theme.Type(theme.ARROW_LINE, colour=colour), _LONGEST["arrow"])
    return first + rows(arrow.lines[1:], theme.Type(theme.ARROW_SMALL, colour=colour), _LONGEST["arrow"])


def group_rows(group: Group) -> tuple[Row, ...]:
    """The label of a group."""
    return rows([group.label], theme.GROUP_LABEL, _LONGEST["line"])


def head_rows(drawing: Drawing) -> tuple[Row, ...]:
    """The head of the picture: its title, then the caption."""
    title = rows([drawing.title], theme.PICTURE_TITLE, _LONGEST["headline"])
    return title + rows(drawing.caption, theme.CAPTION, _LONGEST["caption"])


def box_size(box: Box) -> tuple[float, float]:
    """Width and height of a box around its text."""
    width, height = extent(box_rows(box))
    if theme.box_style(box.kind).shape == "round":  # the text's rectangle fits an ellipse that is √2 as large
        return max(1.42 * width + 4, 30.0), max(1.42 * height + 2, 30.0)
    return max(width + 20, 44.0), max(height + 11, 26.0)


def label_size(arrow: Arrow) -> tuple[float, float]:
    """Width and height of the text at an arrow, with the white around it; nothing when the arrow is silent."""
    text = arrow_rows(arrow)
    if not text:
        return 0.0, 0.0
    width, height = extent(text)
    return width + 8, height + 3
