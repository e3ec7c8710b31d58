"""A drawing in Graphviz's language, and Graphviz itself by whichever road it can be reached.

Forward flows from top to bottom. A backward arrow runs against that: it is written the forward way round with its head at
the tail's end, so that it does not disturb the ranks. Graphviz keeps nodes apart from each other and from foreign lines,
which it does not promise for the labels of edges and clusters; so what stands on an arrow, the heading of a group, and the
place where a line enters a group are nodes too.
"""

from __future__ import annotations

import math
import os
import re
import shutil
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

from . import labels, limits, measure, structure, theme
from .drawing import Arrow, Box, Drawing, Group
from .finish import finished
from .layers import backward_edges
from .layout import lay_out
from .theme import Theme, themed

_FEW = 200  # boxes and arrows: a picture of more is wide enough for any line of its head
FORMATS = ("svg", "png", "pdf")
_DATE = re.compile(rb"/CreationDate \(D:[^)]*\)")  # in a PDF; without it the same drawing gives the same bytes
_SHAPES = {  # shape of a box -> Graphviz's shape, style and number of outlines
    "rounded": ("box", "rounded,filled", 1),
    "square": ("box", "filled", 1),
    "double": ("box", "rounded,filled", 2),
    "round": ("ellipse", "filled", 1),
    "folded": ("note", "filled", 1),
}


class GraphvizMissing(RuntimeError):
    """Neither the program `dot` nor pygraphviz is there."""


@dataclass
class _Plan:
    """What stands in which group, which nodes each arrow leads through, and what is told of each."""

    mark: str  # begins the names of nodes that are not boxes, and of no box
    boxes: dict[str | None, list[Box]] = field(default_factory=dict)
    groups: dict[str | None, list[Group]] = field(default_factory=dict)
    texts: dict[str | None, list[tuple[str, Arrow]]] = field(default_factory=dict)
    entries: dict[str, list[tuple[str, Arrow]]] = field(default_factory=dict)
    ways: list[list[str]] = field(default_factory=list)
    tips: dict[Arrow, str] = field(default_factory=dict)
    fed: set[tuple[str, str]] = field(default_factory=set)  # boxes, and the groups from inside which something flows to them


def to_dot(drawing: Drawing, *, theme: str = "light") -> str:
    """The drawing as DOT text; the same drawing always gives the same text. ValueError if the drawing contradicts itself."""
    structure.check(drawing)
    return "\n".join(_lines(drawing, _plan(drawing), themed(theme))) + "\n"


def _plan(drawing: Drawing) -> _Plan:
    plan = _Plan("_", tips=structure.arrow_tips(drawing))
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


def _lines(drawing: Drawing, plan: _Plan, look: Theme) -> Iterator[str]:
    yield f"digraph {_quote(measure.tooltip(drawing.title))} {{"  # Graphviz reads no string of more than 16,384 bytes
    few = len(drawing.boxes) + len(drawing.arrows) <= _FEW
    head = measure.head_rows(drawing, lay_out(drawing).width if few else math.inf)  # Graphviz tells the width when it is too late
    sizes = {"nodesep": _inches(theme.BOX_GAP), "ranksep": _inches(theme.LAYER_GAP), "pad": _inches(theme.MARGIN)}
    # nslimit: the last thousandths of a straight line take Graphviz half of its time
    yield "  graph " + _attributes(rankdir="TB", newrank="true", nslimit=4, outputorder="edgesfirst", bgcolor=look.paper, **sizes)
    yield "  graph " + _attributes(tooltip=measure.tooltip(" ".join(drawing.caption)))
    if head:
        label = labels.table(labels.cells(head, look, "LEFT"), below=theme.LAYER_GAP)
        yield "  graph " + _attributes(label=label, labelloc="t", labeljust="l", fontname=theme.FONTS)
    yield "  node " + _attributes(fontname=theme.FONTS, margin="0")
    yield from _members(None, plan, look, "  ")
    pending: list[tuple[Group | None, int]] = [(group, 0) for group in reversed(plan.groups.get(None, []))]
    while pending:
        group, depth = pending.pop()
        pad = "  " * (depth + 1)
        if group is None:
            yield pad + "}"
            continue
        style = theme.group_style(group.kind)
        fill = look.tint if style.tinted else look.grounds[depth % len(look.grounds)]
        frame = {"label": "", "style": f"rounded,filled,{style.line}", "penwidth": style.width, "color": look.frame, "fillcolor": fill}
        frame["tooltip"] = measure.tooltip(group.label)
        if style.stacked:  # a second frame around it
            yield f"{pad}subgraph {_quote('cluster behind ' + group.id)} {{"
            yield f"{pad}  graph " + _attributes(margin=f"{theme.SHEET:g}", **frame)
        yield f"{pad}subgraph {_quote('cluster ' + group.id)} {{"
        yield f"{pad}  graph " + _attributes(margin=f"{theme.GROUP_PAD:g}", **frame)
        yield from _heading(group, plan, look, pad + "  ")
        yield from _members(group.id, plan, look, pad + "  ")
        pending += [(None, depth)] * (2 if style.stacked else 1)
        pending.extend((inner, depth + 1) for inner in reversed(plan.groups.get(group.id, [])))
    sources = {way[0] for way in plan.ways} - {way[-1] for way in plan.ways}
    for arrow, way in zip(drawing.arrows, plan.ways):
        yield from _arrow(arrow, way, 2 if way[0] in sources else 8, plan.tips[arrow], look)
    yield "}"


def _heading(group: Group, plan: _Plan, look: Theme, pad: str) -> Iterator[str]:
    """The group's label, in one rank with the lines that come in, above all that the group holds."""
    name, rows = _quote(f"{plan.mark}group {group.id}"), measure.group_rows(group)
    blank = {} if rows else {"style": "invis", "fixedsize": "true"}
    size = _size(measure.extent(rows) if rows else (4.0, 4.0))  # nodes of no size make Graphviz crash
    shown = {"shape": "plain" if rows else "box", "label": labels.table(labels.cells(rows, look)), "tooltip": measure.tooltip(group.label)}
    yield f"{pad}{name} " + _attributes(**shown, **blank, **size)
    entries = plan.entries.get(group.id, [])
    for entry, arrow in entries:
        point = {"shape": "plain", "fixedsize": "true", "width": "0.01", "height": "0.01"}
        yield f"{pad}{_quote(entry)} " + _attributes(**point, label=labels.stroke(arrow, look), tooltip=plan.tips[arrow])
    if entries:
        yield f"{pad}{{ rank=same; {name}; {'; '.join(_quote(entry) for entry, _ in entries)} }}"
    first = [_quote(box.id) for box in plan.boxes.get(group.id, []) if (box.id, group.id) not in plan.fed]
    first += [_quote(f"{plan.mark}group {inner.id}") for inner in plan.groups.get(group.id, [])]
    for index, below in enumerate(first):
        yield f"{pad}{name} -> {below} [style=invis, weight={int(index == 0)}]"


def _members(group: str | None, plan: _Plan, look: Theme, pad: str) -> Iterator[str]:
    for box in plan.boxes.get(group, []):
        yield f"{pad}{_quote(box.id)} " + _attributes(**_box(box, look))
    for name, arrow in plan.texts.get(group, []):
        text = {"label": labels.table(labels.cells(measure.arrow_rows(arrow), look)), "tooltip": plan.tips[arrow]}
        yield f"{pad}{_quote(name)} " + _attributes(shape="plain", **text, **_size(measure.label_size(arrow)))


def _box(box: Box, look: Theme) -> dict[str, object]:
    """A box as attributes of a node."""
    shape, fill = theme.box_style(box.kind).shape, look.fills[box.kind]
    stroke, width, line = theme.box_line(box.kind, box.accent, box.order, look)
    cells = labels.cells(measure.box_rows(box), look)
    if box.spark:
        cells += labels.curve(box, stroke) + labels.cells(measure.spark_rows(box), look)
    if shape == "stack":
        return {"shape": "plain", "label": labels.stack(box, cells, fill, stroke, width, line), "tooltip": structure.box_tip(box)}
    outline, corners, times = _SHAPES[shape]
    times += bool(box.order) and times == 1
    ink = {"fillcolor": fill, "color": stroke, "penwidth": f"{width:g}", "style": f"{corners},{line}", "peripheries": times}
    return {"shape": outline, "label": labels.table(cells), "tooltip": structure.box_tip(box), **ink, **_size(measure.box_size(box))}


def _arrow(arrow: Arrow, way: Sequence[str], weight: int, told: str, look: Theme) -> Iterator[str]:
    """An arrow in pieces, from node to node; only the piece at its target has a head."""
    colour, width, line = theme.arrow_line(arrow.kind, arrow.accent, arrow.weight, look)
    head, size = "vee" if theme.arrow_style(arrow.kind).open_head else "normal", f"{0.55 + 0.06 * width:.3g}"
    last = len(way) - 2
    for index, (upper, lower) in enumerate(pairwise(way)):
        ends = {"dir": "none"}
        if arrow.kind == "backward" and index == 0:
            ends = {"dir": "back", "arrowtail": head, "arrowsize": size}
        elif arrow.kind == "forward" and index == last:
            ends = {"arrowhead": head, "arrowsize": size}
        tail, tip = ":s" * (index > 0), ":n" * (index < last)
        yield f"  {_quote(upper)}{tail} -> {_quote(lower)}{tip} " + _attributes(
            color=colour, penwidth=f"{width:.3g}", weight=weight, tooltip=told, **ends, **({"style": line} if line != "solid" else {})
        )


def _attributes(**values: object) -> str:
    """Attributes in brackets: a label is a table, all else is text."""
    return "[" + ", ".join(f"{name}={value if name == 'label' and value else _quote(str(value))}" for name, value in values.items()) + "]"


def _size(size: tuple[float, float]) -> dict[str, str]:
    return {"width": _inches(size[0]), "height": _inches(size[1])}


def _inches(points: float) -> str:
    return f"{points / 72:.3f}"


def _quote(text: str) -> str:
    """A string in quotes. Graphviz takes &x; for a character's name, and writes what is none into an SVG as it is."""
    lines = (measure.plain(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'


def render(text: str, format: str, seconds: float | None = None) -> bytes:
    """A picture of DOT text by Graphviz: the program `dot` where it is installed, else the copy inside pygraphviz.

    Raises GraphvizMissing if neither is there, TookTooLong after so many seconds, RuntimeError if Graphviz fails, ValueError
    for a format other than FORMATS.
    """
    if format not in FORMATS:
        raise ValueError(f"{format!r} is no format of a picture: the formats are {', '.join(FORMATS)}")
    if format == "png":
        return _run("nop2", "png", _sharp(_run("dot", "dot", text, seconds)), seconds)
    made = _run("dot", format, text, seconds)
    return finished(made.decode()).encode() if format == "svg" else _DATE.sub(lambda found: b" " * len(found[0]), made)


def _sharp(laid: bytes) -> str:
    """What Graphviz has laid out, told how many dots per inch a picture of its size is to have."""
    text = laid.decode()
    size = re.search(r'\bbb="[\d.-]+,[\d.-]+,([\d.]+),([\d.]+)"', text)
    width, height = (float(length) + 2 * theme.MARGIN for length in (size.groups() if size else (0, 0)))
    before, brace, after = text.rpartition("}")
    return f"{before}  graph [dpi={theme.resolution(width, height):.4g}]\n{brace}{after}"


def _run(engine: str, format: str, text: str, seconds: float | None) -> bytes:
    """What one of Graphviz's engines makes of DOT text: "dot" lays it out, "nop2" takes it as it has been laid out."""
    program = shutil.which("dot")
    if program:
        from graphviz.backend.dot_command import command

        arguments = command("dot", format) if engine == "dot" else command("neato", format, neato_no_op=2)
        who, line = "dot", [program, *arguments[1:]]
    elif sys.executable and _found("pygraphviz"):  # Graphviz is C that cannot be interrupted and may crash: not in this process
        who, line = "pygraphviz", [sys.executable, "-P", "-c", _LIBRARY, engine, format]
    else:
        raise GraphvizMissing('there is no Graphviz: install the program `dot`, or its copy: pip install "autograd-core[render]"')
    with _fonts() as environment:
        return limits.run(who, line, text.encode(), seconds, environment)


_LIBRARY = """
import sys, pygraphviz
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(prog=sys.argv[1], format=sys.argv[2]))
"""


def _found(module: str) -> ModuleSpec | None:
    try:
        return find_spec(module)
    except ValueError:  # barred from import: sys.modules says None
        return None


@contextmanager
def _fonts() -> Iterator[dict[str, str]]:
    """An environment in which Graphviz finds the fonts of matplotlib too: some machines have none, or none with ∂ and ᵀ."""
    found = _found("matplotlib")
    if sys.platform != "linux" or found is None or not found.submodule_search_locations:
        yield dict(os.environ)
        return
    folder = Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    own = os.environ.get("FONTCONFIG_FILE", "fonts.conf")
    with tempfile.TemporaryDirectory() as temporary:
        config = Path(temporary) / "more-fonts.conf"
        include = f'<include ignore_missing="yes">{escape(own)}</include><dir>{escape(str(folder))}</dir>'
        config.write_text(f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>{include}</fontconfig>')
        yield os.environ | {"FONTCONFIG_FILE": str(config)}
