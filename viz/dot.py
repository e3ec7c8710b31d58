"""A drawing in Graphviz's language, and Graphviz itself by whichever road it can be reached.

Forward flows from top to bottom. A backward arrow runs against that: it is written the forward way round with its head at
the tail's end, so that it does not disturb the ranks. Graphviz keeps nodes apart from each other and from foreign lines,
which it does not promise for the labels of edges and clusters; so what stands on an arrow, the heading of a group, and the
place where a line enters a group are nodes too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from threading import Lock

from . import measure, structure, theme
from .centre import centred
from .drawing import Arrow, Box, Drawing, Group
from .layers import backward_edges

FORMATS = ("svg", "png", "pdf")
_SHAPES = {  # shape of a box -> Graphviz's shape, style and number of outlines
    "rounded": ("box", "rounded,filled", 1),
    "square": ("box", "filled", 1),
    "double": ("box", "rounded,filled", 2),
    "stack": ("box3d", "filled", 1),
    "round": ("ellipse", "filled", 1),
    "folded": ("note", "filled", 1),
}


class GraphvizMissing(RuntimeError):
    """Neither the program `dot` nor pygraphviz is there."""


@dataclass
class _Plan:
    """What stands in which group, and which nodes each arrow leads through."""

    mark: str  # begins the names of nodes that are not boxes, and of no box
    boxes: dict[str | None, list[Box]] = field(default_factory=dict)
    groups: dict[str | None, list[Group]] = field(default_factory=dict)
    texts: dict[str | None, list[tuple[str, Arrow]]] = field(default_factory=dict)
    entries: dict[str, list[tuple[str, Arrow]]] = field(default_factory=dict)
    ways: list[list[str]] = field(default_factory=list)
    fed: set[tuple[str, str]] = field(default_factory=set)  # boxes, and the groups from inside which something flows to them


def to_dot(drawing: Drawing) -> str:
    """The drawing as DOT text; the same drawing always gives the same text. ValueError if the drawing contradicts itself."""
    structure.check(drawing)
    return "\n".join(_lines(drawing, _plan(drawing))) + "\n"


def _plan(drawing: Drawing) -> _Plan:
    plan = _Plan("_")
    while any(box.id.startswith(plan.mark) for box in drawing.boxes):
        plan.mark += "_"
    for box in drawing.boxes:
        plan.boxes.setdefault(box.group, []).append(box)
    for group in drawing.groups:
        plan.groups.setdefault(group.parent, []).append(group)
    homes, below = structure.homes(drawing), _groups_above(drawing)
    for index, arrow in enumerate(drawing.arrows):
        upper, lower = structure.flow(arrow)
        depth = structure.shared(homes[upper], homes[lower])
        plan.fed.update((lower, group) for group in homes[upper])
        way = [upper]
        if measure.arrow_rows(arrow):
            way.append(f"{plan.mark}text {index}")
            plan.texts.setdefault(homes[upper][depth - 1] if depth else None, []).append((way[-1], arrow))
        for entered in homes[lower][depth:]:
            if entered not in below[upper]:  # else the line would have to go up to get in
                way.append(f"{plan.mark}entry {index} {len(way)}")
                plan.entries.setdefault(entered, []).append((way[-1], arrow))
        plan.ways.append([*way, lower])
    return plan


def _groups_above(drawing: Drawing) -> dict[str, set[str]]:
    """For each box, the groups that something flows out of on its way to the box."""
    homes = structure.homes(drawing)
    names = [box.id for box in drawing.boxes]
    number = {name: index for index, name in enumerate(names)}
    flows = list(dict.fromkeys(structure.flow(arrow) for arrow in drawing.arrows))
    closing = backward_edges(len(names), [(number[upper], number[lower]) for upper, lower in flows])
    lowers: dict[str, list[str]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    for (upper, lower), closes in zip(flows, closing):
        if not closes:
            lowers[upper].append(lower)
            waiting[lower] += 1
    above: dict[str, set[str]] = {name: set() for name in names}
    ready = [name for name in names if not waiting[name]]
    for upper in ready:
        for lower in lowers[upper]:
            above[lower] |= above[upper].union(homes[upper])
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    return above


def _lines(drawing: Drawing, plan: _Plan) -> Iterator[str]:
    yield f"digraph {_quote(drawing.title)} {{"
    head = measure.head_rows(drawing)
    sizes = {"nodesep": _inches(theme.BOX_GAP), "ranksep": _inches(theme.LAYER_GAP), "pad": _inches(theme.MARGIN)}
    yield "  graph " + _attributes(rankdir="TB", newrank="true", outputorder="edgesfirst", bgcolor=theme.PAPER, **sizes)
    if head:
        yield "  graph " + _attributes(label=_html(head, "LEFT", below=theme.LAYER_GAP), labelloc="t", labeljust="l", fontname=theme.FONTS)
    yield "  node " + _attributes(fontname=theme.FONTS, margin="0")
    yield from _members(None, plan, "  ")
    pending: list[tuple[Group | None, str]] = [(group, "  ") for group in reversed(plan.groups.get(None, []))]
    depth = 0
    while pending:
        group, pad = pending.pop()
        if group is None:
            depth -= 1
            yield pad + "}"
            continue
        yield f"{pad}subgraph {_quote('cluster ' + group.id)} {{"
        fill = theme.GROUP_FILLS[depth % len(theme.GROUP_FILLS)]
        style = {"style": "rounded,filled", "color": theme.GROUP_STROKE, "fillcolor": fill, "margin": f"{theme.GROUP_PAD:g}"}
        yield f"{pad}  graph " + _attributes(label="", **style)
        yield from _heading(group, plan, pad + "  ")
        yield from _members(group.id, plan, pad + "  ")
        depth += 1
        pending.append((None, pad))
        pending.extend((inner, pad + "  ") for inner in reversed(plan.groups.get(group.id, [])))
    sources = {way[0] for way in plan.ways} - {way[-1] for way in plan.ways}
    for arrow, way in zip(drawing.arrows, plan.ways):
        yield from _arrow(arrow, way, 2 if way[0] in sources else 8)
    yield "}"


def _heading(group: Group, plan: _Plan, pad: str) -> Iterator[str]:
    """The group's label, in one rank with the lines that come in, above all that the group holds."""
    name, rows = _quote(f"{plan.mark}group {group.id}"), measure.group_rows(group)
    blank = {} if rows else {"style": "invis", "fixedsize": "true"}
    size = _size(measure.extent(rows) if rows else (4.0, 4.0))  # nodes of no size make Graphviz crash
    yield f"{pad}{name} " + _attributes(shape="plain" if rows else "box", label=_html(rows), **blank, **size)
    entries = plan.entries.get(group.id, [])
    for entry, arrow in entries:
        yield f"{pad}{_quote(entry)} " + _attributes(shape="plain", fixedsize="true", width="0.01", height="0.01", label=_stroke(arrow))
    if entries:
        yield f"{pad}{{ rank=same; {name}; {'; '.join(_quote(entry) for entry, _ in entries)} }}"
    first = [_quote(box.id) for box in plan.boxes.get(group.id, []) if (box.id, group.id) not in plan.fed]
    first += [_quote(f"{plan.mark}group {inner.id}") for inner in plan.groups.get(group.id, [])]
    for index, below in enumerate(first):
        yield f"{pad}{name} -> {below} [style=invis, weight={int(index == 0)}]"


def _members(group: str | None, plan: _Plan, pad: str) -> Iterator[str]:
    for box in plan.boxes.get(group, []):
        style, text = theme.box_style(box.kind), measure.box_rows(box)
        shape, line, outlines = _SHAPES[style.shape]
        look = {"shape": shape, "style": line + ",dashed" * style.dashed, "peripheries": outlines}
        ink = {"fillcolor": style.fill, "color": style.stroke, "penwidth": style.width}
        yield f"{pad}{_quote(box.id)} " + _attributes(label=_html(text), **look, **ink, **_size(measure.box_size(box)))
    for name, arrow in plan.texts.get(group, []):
        text = measure.arrow_rows(arrow)
        yield f"{pad}{_quote(name)} " + _attributes(shape="plain", label=_html(text), **_size(measure.label_size(arrow)))


def _arrow(arrow: Arrow, way: Sequence[str], weight: int) -> Iterator[str]:
    """An arrow in pieces, from node to node; only the piece at its target has a head."""
    style, width = theme.arrow_style(arrow.kind), theme.line_width(arrow.weight)
    head, size = "vee" if style.open_head else "normal", f"{0.55 + 0.06 * width:.3g}"
    last = len(way) - 2
    for index, (upper, lower) in enumerate(pairwise(way)):
        ends = {"dir": "none"}
        if arrow.kind == "backward" and index == 0:
            ends = {"dir": "back", "arrowtail": head, "arrowsize": size}
        elif arrow.kind == "forward" and index == last:
            ends = {"arrowhead": head, "arrowsize": size}
        tail, tip = ":s" * (index > 0), ":n" * (index < last)
        yield f"  {_quote(upper)}{tail} -> {_quote(lower)}{tip} " + _attributes(
            color=style.colour, penwidth=f"{width:.3g}", weight=weight, **ends
        )


def _attributes(**values: object) -> str:
    texts = {name: str(value) for name, value in values.items()}
    return "[" + ", ".join(f"{name}={text if text.startswith('<<') else _quote(text)}" for name, text in texts.items()) + "]"


def _size(size: tuple[float, float]) -> dict[str, str]:
    return {"width": _inches(size[0]), "height": _inches(size[1])}


def _inches(points: float) -> str:
    return f"{points / 72:.3f}"


def _quote(text: str) -> str:
    return '"' + measure.plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _html(text: Sequence[measure.Row], align: str = "CENTER", below: float = 0.0) -> str:
    """Rows of text as one of Graphviz's HTML-like labels, with so much free room below."""
    cells = "".join(f'<TR><TD ALIGN="{align}">{_set(row)}</TD></TR>' for row in text)
    if below:
        cells += f'<TR><TD HEIGHT="{below:g}"></TD></TR>'
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{cells}</TABLE>>' if cells else ""


def _stroke(arrow: Arrow) -> str:
    """A piece of an arrow's line, longer than the node it stands in: it bridges the gap that ports leave."""
    colour, width = theme.arrow_style(arrow.kind).colour, max(1, round(theme.line_width(arrow.weight)))
    cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="6"></TD>'
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" BGCOLOR="{colour}"><TR>{cell}</TR></TABLE>>'


def _set(row: measure.Row) -> str:
    text = escape(row.text).replace("\\", "\\\\")  # Graphviz reads \N and its like even here
    text = f"<B>{text}</B>" if row.type.bold else text
    return f'<FONT POINT-SIZE="{row.type.size:g}" COLOR="{row.type.colour}">{text}</FONT>'


def render(text: str, format: str) -> bytes:
    """A picture of DOT text by Graphviz: the program `dot` where it is installed, else the copy inside pygraphviz.

    Raises GraphvizMissing if neither is there, RuntimeError if Graphviz fails, ValueError for a format other than FORMATS.
    """
    if format not in FORMATS:
        raise ValueError(f"{format!r} is no format of a picture: the formats are {', '.join(FORMATS)}")
    if format == "png":
        before, brace, after = text.rpartition("}")
        text = f"{before}  graph [dpi={theme.RESOLUTION}]\n{brace}{after}"
    with _fonts():
        draws = _by_program if shutil.which("dot") else _by_library if sys.executable and _found("pygraphviz") else None
        if draws is not None:
            made = draws(text, format)
            return centred(made.decode()).encode() if format == "svg" else made
    raise GraphvizMissing('there is no Graphviz: install the program `dot`, or its copy: pip install "autograd-core[render]"')


def _by_program(text: str, format: str) -> bytes:
    import graphviz

    try:
        return graphviz.pipe("dot", format, text.encode(), quiet=True)
    except (graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
        raise RuntimeError(f"dot could not draw the picture: {error}") from error


_LIBRARY = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""


def _by_library(text: str, format: str) -> bytes:
    """In a process of its own: Graphviz is C that can neither be interrupted nor be run twice at a time, and may crash."""
    done = subprocess.run([sys.executable, "-c", _LIBRARY, format], input=text.encode(), capture_output=True)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"pygraphviz could not draw the picture: {done.stderr.decode(errors='replace')[-2000:].strip()}")
    return done.stdout


def _found(module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except ValueError:  # barred from import: sys.modules says None
        return None


_environment = Lock()


@contextmanager
def _fonts() -> Iterator[None]:
    """Lets Graphviz find the fonts that come with matplotlib too: some machines have none, or none with ∂ and ᵀ."""
    found = _found("matplotlib")
    if sys.platform != "linux" or found is None or not found.submodule_search_locations:
        yield
        return
    folder = Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    own = os.environ.get("FONTCONFIG_FILE")
    with _environment, tempfile.TemporaryDirectory() as temporary:
        config = Path(temporary) / "more-fonts.conf"
        include = f'<include ignore_missing="yes">{escape(own or "fonts.conf")}</include><dir>{escape(str(folder))}</dir>'
        config.write_text(f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>{include}</fontconfig>')
        os.environ["FONTCONFIG_FILE"] = str(config)
        try:
            yield
        finally:
            if own is None:
                del os.environ["FONTCONFIG_FILE"]
            else:
                os.environ["FONTCONFIG_FILE"] = own
