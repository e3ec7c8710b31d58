"""Labels for Graphviz: its HTML-like tables, which hold text, small curves, and boxes that it has no shape for."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from . import measure, spark, theme
from .drawing import Arrow, Box
from .theme import Theme

_BARE = 'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"'


def table(cells: str, below: float = 0.0) -> str:
    """Rows as one of Graphviz's HTML-like labels, with so much free room below."""
    if below and cells:
        cells += f'<TR><TD HEIGHT="{below:g}"></TD></TR>'
    return f"<<TABLE {_BARE}>{cells}</TABLE>>" if cells else ""


def cells(text: Sequence[measure.Row], look: Theme, align: str = "CENTER") -> str:
    """Rows of text as rows of a table."""
    return "".join(f'<TR><TD ALIGN="{align}">{_set(row, look)}</TD></TR>' for row in text)


def _set(row: measure.Row, look: Theme) -> str:
    text = escape(row.written).replace("\\", "\\\\")  # Graphviz reads \N and its like even here
    text = f"<B>{text}</B>" if row.type.bold else text
    return f'<FONT POINT-SIZE="{row.type.size:g}" COLOR="{look.inks[row.type.ink]}">{text}</FONT>'


def curve(box: Box, colour: str) -> str:
    """The small curve as a row of a table: each bar a cell, on and under cells that are empty."""
    columns, full, step = [], round(theme.SPARK_HEIGHT), round(measure.spark_step(box))
    for bar in spark.bars(box.spark):
        high = max(1, round((bar.high - bar.low) * full)) if bar.kind != "zero" else 4
        under = min(round(bar.low * full), full - high)
        look = f'BGCOLOR="{colour}"' if bar.kind == "value" else f'BORDER="1" COLOR="{colour}"'
        sizes = ((full - high - under, ""), (high, look), (under, ""))
        rows = "".join(f'<TR><TD FIXEDSIZE="TRUE" WIDTH="{step - 1}" HEIGHT="{size}" {look}></TD></TR>' for size, look in sizes if size)
        columns.append(f"<TD><TABLE {_BARE}>{rows}</TABLE></TD>")
    size = f'FIXEDSIZE="TRUE" WIDTH="{len(columns) * step + 1}" HEIGHT="{full + 2}"'
    inside = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="0" {size}><TR>{"".join(columns)}</TR></TABLE>'
    return f'<TR><TD HEIGHT="{full + theme.SPARK_GAP:g}" VALIGN="BOTTOM">{inside}</TD></TR>'


def stack(box: Box, cells: str, fill: str, stroke: str, width: float, line: str) -> str:
    """A sheet with another that looks out behind it at the foot: Graphviz has no such shape, but tables."""
    wide, sheet, room = round(measure.box_size(box)[0]), round(theme.SHEET), '<TR><TD HEIGHT="5"></TD></TR>'
    frame = f'STYLE="{line}" COLOR="{stroke}" BGCOLOR="{fill}" CELLPADDING="0"'
    inner = f'BORDER="1" STYLE="{line}" COLOR="{stroke}"' if box.order else 'BORDER="0"'
    text = f'<TR><TD WIDTH="{wide}" {inner}><TABLE {_BARE}>{room}{cells}{room}</TABLE></TD></TR>'
    front = f'<TABLE BORDER="{max(1, round(width))}" CELLBORDER="0" CELLSPACING="{2 * bool(box.order)}" {frame}>{text}</TABLE>'
    edge = f'<TD WIDTH="{sheet}" HEIGHT="{sheet}"></TD>'
    behind = f'{edge}<TD BORDER="1" SIDES="LBR" COLOR="{stroke}" BGCOLOR="{fill}" HEIGHT="{sheet}" WIDTH="{wide - 2 * sheet}"></TD>{edge}'
    return f'<<TABLE {_BARE}><TR><TD COLSPAN="3">{front}</TD></TR><TR>{behind}</TR></TABLE>>'


def stroke(arrow: Arrow, look: Theme) -> str:
    """A piece of an arrow's line, longer than the node it stands in: it bridges the gap that ports leave."""
    colour, width, _ = theme.arrow_line(arrow.kind, arrow.accent, arrow.weight, look)
    cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{max(1, round(width))}" HEIGHT="6"></TD>'
    return f'<<TABLE {_BARE} BGCOLOR="{colour}"><TR>{cell}</TR></TABLE>>'
