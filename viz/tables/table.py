"""`Summary`: the table of a model, which prints itself, shows itself in a notebook, and saves itself."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

from ..render import measure
from ..render.files import as_json, named, write_whole

SUFFIXES = (".txt", ".csv", ".json", ".html")
LONGEST = 48  # characters of a name


@dataclass(frozen=True)
class Row:
    """One call of a module. Numbers are of what no row below counts; `repeats` is why it counts no parameters of its own."""

    name: str  # by which the module around knows it, "" for the model itself
    kind: str  # its class
    depth: int
    input: str
    output: str
    parameters: int = 0
    trainable: int = 0
    multiply_adds: int = 0
    memory: int = 0  # bytes of results
    kept: int = 0  # bytes kept for the backward pass
    repeats: str = ""  # "recursive" (called before), "shared" (with another module) or ""


@dataclass(frozen=True)
class Summary:
    """The rows and totals of a model. Sizes are bytes."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    parameters: int
    trainable: int
    uninitialized: int  # parameters that still have no shape, as nothing called their modules
    multiply_adds: int
    input_bytes: int
    parameter_bytes: int
    buffer_bytes: int
    memory: int  # of the results of all operations; views have none
    kept: int  # of what is kept for the backward pass, parameters and inputs not among it

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the file whole or not at all, and returns its path; the suffix picks the format.

        Raises ValueError for a suffix other than .txt, .csv, .json and .html, FileNotFoundError for a missing folder.
        """
        path = named(path, "a summary", SUFFIXES)
        suffix = path.suffix.lower()
        texts: dict[str, Callable[[], str]] = {".txt": lambda: f"{self}\n", ".csv": self._csv, ".html": self._page}
        write_whole(path, as_json(self.to_dict()) if suffix == ".json" else texts[suffix]().encode(errors="backslashreplace"))
        return path

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable)."""
        return {**asdict(self), "rows": [asdict(row) for row in self.rows], "columns": list(self.columns)}

    def __str__(self) -> str:
        return "\n".join(_text(self))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "\n".join(_html(self))

    def _csv(self) -> str:
        file = StringIO()
        writer = csv.DictWriter(file, list(asdict(self.rows[0])), lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({key: _plain(value, 96) if isinstance(value, str) else value for key, value in asdict(row).items()})
        return file.getvalue()

    def _page(self) -> str:
        head = '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Summary</title>'
        style = "<style>:root{color-scheme:light dark}body{font-family:sans-serif;margin:1.5em}</style></head>"
        return f"{head}{style}\n<body>\n{self._repr_html_()}\n</body>\n</html>\n"


# ---------------------------------------------------------------------- what stands in the cells


def megabytes(count: int) -> str:
    """Bytes as MB (10⁶ bytes), or as kB where they are few."""
    return f"{count / 1e6:,.2f} MB" if count >= 1e5 else f"{count / 1e3:,.2f} kB"


def _parameters(row: Row) -> str:
    if row.repeats:
        return f"({row.repeats})"
    frozen = row.parameters - row.trainable
    told = "" if not frozen else " frozen" if frozen == row.parameters else f" ({frozen:,} frozen)"
    return _count(row.parameters) + told


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"


COLUMNS: dict[str, tuple[str, Callable[[Row], str]]] = {
    "input": ("Input", lambda row: _plain(row.input, 96) or "–"),
    "output": ("Output", lambda row: _plain(row.output, 96) or "–"),
    "parameters": ("Parameters", _parameters),
    "multiply_adds": ("Multiply-adds", lambda row: _count(row.multiply_adds)),
    "memory": ("Results", lambda row: megabytes(row.memory) if row.memory else "–"),
    "kept": ("Kept", lambda row: megabytes(row.kept) if row.kept else "–"),
}
LEFT = ("input", "output")  # texts; numbers stand on the right


def _plain(text: str, most: int = LONGEST) -> str:
    """A text as a table can hold it: without control characters, and not too long."""
    text = measure.plain(text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def _label(row: Row) -> str:
    return f"{_plain(row.name)}: {_plain(row.kind)}" if row.name else _plain(row.kind)


def totals(table: Summary) -> Iterator[tuple[str, str]]:
    """What stands below the table."""
    frozen = table.parameters - table.trainable
    parts = f" ({table.trainable:,} trainable, {frozen:,} frozen)" if frozen else ""
    unknown = f", and {table.uninitialized} without a shape yet" if table.uninitialized else ""
    yield "Parameters", f"{table.parameters:,}{parts}{unknown}"
    yield "Multiply-adds", f"{table.multiply_adds:,}"
    buffers = f", buffers {megabytes(table.buffer_bytes)}" if table.buffer_bytes else ""
    yield "Memory", f"input {megabytes(table.input_bytes)}, parameters {megabytes(table.parameter_bytes)}{buffers}"
    yield "Forward pass", f"makes {megabytes(table.memory)}, keeps {megabytes(table.kept)} for the backward pass"


# ---------------------------------------------------------------------- as text and as HTML


def _text(table: Summary) -> Iterator[str]:
    cells = [["Layer", *(COLUMNS[c][0] for c in table.columns)]]
    for branch, row in zip(_branches(table.rows), table.rows, strict=True):
        cells.append([branch + _label(row), *(COLUMNS[c][1](row) for c in table.columns)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = [True, *(c in LEFT for c in table.columns)]
    lines = ["   ".join(t.ljust(w) if l else t.rjust(w) for t, w, l in zip(row, widths, left, strict=True)).rstrip() for row in cells]
    below = list(totals(table))
    label = max(len(name) for name, _ in below)
    told = [f"{name.ljust(label)}   {text}" for name, text in below]
    rule = "─" * max(sum(widths) + 3 * (len(widths) - 1), 1)
    yield from (lines[0], rule, *lines[1:], rule, *told)


def _branches(rows: tuple[Row, ...]) -> list[str]:
    """The lines of a tree in front of each row: `│  ├─ `."""
    found: list[str] = []
    follows: set[int] = set()  # the depths at which another row of the same parent is still to come
    for row in reversed(rows):
        follows = {d for d in follows if d <= row.depth}
        inner = "".join("│  " if d in follows else "   " for d in range(1, row.depth))
        found.append(inner + ("├─ " if row.depth in follows else "└─ ") if row.depth else "")
        follows.add(row.depth)
    return found[::-1]


def _html(table: Summary) -> Iterator[str]:
    yield '<div style="overflow-x:auto">'
    yield '<table style="border-collapse:collapse;font-size:0.9em;font-variant-numeric:tabular-nums;white-space:nowrap">'
    side = {True: "text-align:left", False: "text-align:right"}
    space = "padding:0.15em 0.8em 0.15em 0"
    head = [("Layer", True), *((COLUMNS[c][0], c in LEFT) for c in table.columns)]
    names = "".join(f'<th scope="col" style="{space};{side[left]}">{name}</th>' for name, left in head)
    yield f'<thead style="border-bottom:1px solid currentColor"><tr>{names}</tr></thead>'
    yield "<tbody>"
    for row in table.rows:
        indent = f"padding:0.15em 0.8em 0.15em {1.2 * row.depth:.1f}em;text-align:left;font-weight:normal"
        kind = f"<b>{escape(_plain(row.name))}</b>: {escape(_plain(row.kind))}" if row.name else f"<b>{escape(_plain(row.kind))}</b>"
        cells = "".join(f'<td style="{space};{side[c in LEFT]}">{escape(COLUMNS[c][1](row))}</td>' for c in table.columns)
        yield f'<tr><th scope="row" style="{indent}">{kind}</th>{cells}</tr>'
    yield "</tbody>"
    yield '<tfoot style="border-top:1px solid currentColor">'
    for name, text in totals(table):
        label = f'<th scope="row" style="{space};{side[True]};font-weight:normal">{name}</th>'
        yield f'<tr>{label}<td colspan="{len(table.columns)}" style="{side[True]}">{escape(text)}</td></tr>'
    yield "</tfoot>"
    yield "</table>"
    yield "</div>"
