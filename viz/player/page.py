"""A drawing as one HTML file that needs nothing but itself: to look around in, to search, to open and close boxes.

With a timeline it is the step player. Everything is laid out anew in the page when a box opens or closes: which layer an
item stands in, and in which order, is worked out here once for the drawing with everything open, and holds for any
state of it; only sizes and distances change. Texts are measured here too, so the page never asks for a font.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from ..graph.parts import MANY
from ..render import measure, spark, structure, theme
from ..render.drawing import Arrow, Box, Drawing, Group
from ..render.layout import Member, solve
from .timeline import Moments, Timeline, widest, with_room

VISIBLE = 60  # boxes that are seen at first, where closing can achieve that
FEW = 4  # boxes drawn elsewhere that a closed group names
SCRIPTS = ("places.js", "scene.js", "page.js")


@dataclass(frozen=True)
class More:
    """What the page tells of a box to who points at it."""

    details: tuple[str, ...] = ()
    line: str = ""  # of the program, `file:line`
    address: str = ""  # that opens it


@dataclass(frozen=True)
class Page:
    """What a page shows: a drawing with everything open, and what there is to tell besides."""

    drawing: Drawing
    timeline: Timeline = field(default_factory=lambda: Timeline(()))  # with frames: one to step through
    more: Mapping[str, More] = field(default_factory=dict)  # by box
    shut: Mapping[str, Box] = field(default_factory=dict)  # by group: as what box it is drawn when it is closed
    closed: Collection[str] | None = None  # groups that are closed at first; None: as many as it takes to show about sixty boxes


def to_html(page: Page, *, theme: str = "light") -> str:
    """The page as an HTML document.

    `theme` is "light", "dark", or "auto" for what the reader's system prefers. Raises ValueError for a drawing that contradicts itself.
    """
    structure.check(page.drawing)
    return _document(page.drawing.title, _data(page), theme)


def closed_at_first(drawing: Drawing, most: int = VISIBLE) -> set[str]:
    """The groups to close so that no more than `most` boxes are seen, where that is possible: the outermost are opened first."""
    holds: dict[str | None, int] = {}
    children: dict[str | None, list[str]] = {}
    for box in drawing.boxes:
        holds[box.group] = holds.get(box.group, 0) + 1
    for group in drawing.groups:
        children.setdefault(group.parent, []).append(group.id)
    inside = lambda group: holds.get(group, 0) + len(children.get(group, ()))
    seen, shut, level = inside(None), set[str](), children.get(None, [])
    while level:
        deeper: list[str] = []
        for name in sorted(level, key=inside):
            if seen + inside(name) - 1 <= most:
                seen += inside(name) - 1
                deeper += children.get(name, ())
            else:
                shut.add(name)
        level = deeper
    return shut


# ---------------------------------------------------------------------- what the page is told


def _data(page: Page) -> dict[str, Any]:
    drawing, timeline = page.drawing, page.timeline
    closed = set(closed_at_first(drawing) if page.closed is None else page.closed)
    closed.update(group.id for group in drawing.groups if group.parent in closed)  # what opens shows its members closed
    number = {box.id: k for k, box in enumerate(drawing.boxes)}
    place = {group.id: k for k, group in enumerate(drawing.groups)}
    at = lambda group: -1 if group is None else place[group]
    sized, holds = with_room(drawing, timeline), _holdings(drawing)
    elsewhere = _elsewhere(drawing)
    boxes = [
        {
            **_look(box, room),
            "group": at(box.group),
            "changes": [[c.step, c.state, _texts(measure.rows([c.says], theme.BOX_LINE, "line"))] for c in timeline.boxes.get(box.id, ())],
            **_more(box, page.more.get(box.id, More())),
        }
        for box, room in zip(drawing.boxes, sized.boxes)
    ]
    arrows = [
        {
            "source": number[arrow.source],
            "target": number[arrow.target],
            "kind": arrow.kind,
            "value": arrow.value or (arrow.target if arrow.kind == "backward" else arrow.source),
            **_said(arrow, room, timeline.arrows.get(k)),
        }
        for k, (arrow, room) in enumerate(zip(drawing.arrows, sized.arrows))
    ]
    crossings: dict[str, dict[str, Any]] = {}
    for (value, group), c in timeline.crossings.items():
        told = _said(c.arrow, widest(c.arrow, c.moments or ()), c.moments)
        crossings.setdefault(group, {})[value] = {**told, "to": number.get(value, -1)}
    frames = [{"box": number.get(frame.vertex, -1), "says": [measure.tooltip(text) for text in frame.says]} for frame in timeline.frames]
    return {
        "title": _texts(measure.rows([drawing.title], theme.PICTURE_TITLE, "headline")),
        "caption": [measure.tooltip(line) for line in drawing.caption],
        "legend": _texts(measure.legend_rows(drawing)),
        "boxes": boxes,
        "groups": [
            {
                **_group(group),
                "parent": at(group.parent),
                "closed": group.id in closed,
                "shut": _shut(page, group, holds[group.id], elsewhere[group.id]),
                "crossings": crossings.get(group.id, {}),
            }
            for group in drawing.groups
        ],
        "arrows": arrows,
        "levels": _levels(sized, number, place),
        "frames": frames,
        "many": MANY,
        "sizes": {
            **dict(margin=theme.MARGIN, boxGap=theme.BOX_GAP, layerGap=theme.LAYER_GAP, pad=theme.GROUP_PAD, corner=theme.CORNER),
            **dict(line=theme.LINE_HEIGHT, sheet=theme.SHEET, sparkHeight=theme.SPARK_HEIGHT, sparkGap=theme.SPARK_GAP),
            **dict(title=theme.BOX_TITLE.size, small=theme.BOX_LINE.size, rule=theme.ARROW_LINE, told=theme.ARROW_SMALL),
            **dict(heading=theme.GROUP_LABEL.size),
        },
        "styles": {
            "boxes": {kind: [style.shape, style.width, theme.DASHES[style.line]] for kind, style in theme.BOXES.items()},
            "groups": {kind: [style.width, theme.DASHES[style.line], style.stacked, style.tinted] for kind, style in theme.GROUPS.items()},
            "arrows": {kind: style.open_head for kind, style in theme.ARROWS.items()},
            "accents": {key: [a.symbol, a.says, a.width, theme.DASHES[a.line]] for key, a in theme.ACCENTS.items()},
        },
    }


def _texts(rows: Sequence[measure.Row]) -> list[str]:
    return [row.written for row in rows]


def _look(box: Box, room: Box) -> dict[str, Any]:
    """How a box is drawn, with room for what it will say."""
    rows = measure.box_rows(box)
    width, height = measure.box_size(room)
    return {
        "kind": box.kind,
        "title": [row.written for row in rows if row.type == theme.BOX_TITLE],
        "lines": [row.written for row in rows if row.type != theme.BOX_TITLE],
        "size": [round(width, 2), round(height, 2)],
        "accent": box.accent,
        "order": box.order,
        "spark": [[bar.low, bar.high, bar.kind] for bar in spark.bars(box.spark)] if box.spark else [],
        "bar": measure.spark_step(box) if box.spark else 0,
        "below": _texts(measure.spark_rows(box)) if box.spark else [],
    }


def _more(box: Box, more: More) -> dict[str, Any]:
    details = more.details or box.lines
    return {
        "name": measure.tooltip(box.title),
        "details": [measure.tooltip(line) for line in details],
        "line": measure.tooltip(more.line),
        "address": more.address,
    }


def _said(arrow: Arrow, room: Arrow, moments: Moments | None) -> dict[str, Any]:
    """How an arrow is drawn, and what stands at it: its rule, then what is shown from the start, or from which step on what."""
    small = theme.Type(theme.ARROW_SMALL)
    width, height = measure.label_size(room)
    return {
        "weight": theme.line_width(arrow.weight),
        "accent": arrow.accent,
        "rule": _texts(measure.arrow_rows(replace(arrow, lines=arrow.lines[:1]))) if arrow.lines else [],
        "told": None if moments is None else [[step, _texts(measure.rows(lines, small, "arrow"))] for step, lines in moments],
        "always": _texts(measure.rows(arrow.lines[1:], small, "arrow")),
        "size": [round(width, 2), round(height, 2)],
    }


def _holdings(drawing: Drawing) -> dict[str, tuple[str, ...]]:
    """For each group how many operations and parameters it holds, at any depth."""
    counts: dict[str, dict[str, int]] = {group.id: {} for group in drawing.groups}
    homes = structure.homes(drawing)
    for kind in ("operation", "parameter", "closed"):
        for box in drawing.boxes:
            for group in homes[box.id] if box.kind == kind else ():
                counts[group][_HELD[kind]] = counts[group].get(_HELD[kind], 0) + 1
    return {group: tuple(f"{n:,} {kind}{'' if n == 1 else 's'}" for kind, n in held.items()) for group, held in counts.items()}


_HELD = {"operation": "operation", "parameter": "parameter", "closed": "closed module"}


def _elsewhere(drawing: Drawing) -> dict[str, tuple[str, ...]]:
    """For each group the notes in it that stand for what is drawn outside of it; of many the first."""
    homes, notes, inside = structure.homes(drawing), dict[str, dict[str, None]](), dict[str, set[str]]()
    for box in drawing.boxes:
        for group in homes[box.id]:
            inside.setdefault(group, set()).add(f"→ {box.title}")
            if box.kind == "note":
                notes.setdefault(group, {})[box.title] = None
    outside = {group.id: [title for title in notes.get(group.id, ()) if title not in inside[group.id]] for group in drawing.groups}
    return {
        group: tuple(found) if len(found) <= FEW else (*found[: FEW - 1], f"→ {len(found) - FEW + 1} more")
        for group, found in outside.items()
    }


def _group(group: Group) -> dict[str, Any]:
    """A group as it is drawn when it is open."""
    rows = measure.group_rows(group)
    return {
        "label": _texts(rows),
        "name": measure.tooltip(group.label).strip() or group.kind,
        "kind": group.kind,
        "heading": [round(n, 2) for n in measure.extent(rows)],
    }


def _shut(page: Page, group: Group, holds: tuple[str, ...], elsewhere: tuple[str, ...]) -> dict[str, Any]:
    """A group as it is drawn when it is closed."""
    title = " ".join(_texts(measure.group_rows(group))) or group.kind
    own = page.shut.get(group.id) or Box(group.id, "closed", title, holds)
    box = replace(own, lines=(*own.lines, *elsewhere))
    more = ("10,000 of 10,000 steps done",) if page.timeline.frames else ()
    return _look(box, replace(box, lines=(*box.lines, *more)))


def _levels(drawing: Drawing, number: Mapping[str, int], place: Mapping[str, int]) -> list[dict[str, Any]]:
    """For the drawing and each group: its members (a box's number, or -1 minus a group's), its lines, and the layers in order."""
    levels, solved = solve(drawing)
    made = {}
    for group, level in levels.items():
        index: dict[Member | None, int] = {member: k for k, member in enumerate(level.members)}
        made[-1 if group is None else place[group]] = {
            "members": [number[name] if kind == "box" else -1 - place[name] for kind, name in level.members],
            "lines": [[arrow, index.get(upper, -1), index.get(lower, -1)] for arrow, upper, lower in level.lines],  # -1: its frame
            "rows": solved[group].layers.rows,
        }
    return [made[k] for k in range(-1, len(place))]


# ---------------------------------------------------------------------- the document


def _document(title: str, data: Mapping[str, Any], ground: str) -> str:
    asset = lambda name: files(__package__).joinpath("assets", name).read_text("utf-8")
    style = _palette() + asset("page.css")
    script = "(() => {\n'use strict';\n" + "\n".join(asset(name) for name in SCRIPTS) + "})();\n"
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&":  # nothing in it is HTML
        text = text.replace(character, f"\\u{ord(character):04x}")
    policy = f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"
    look = ground if ground == "auto" else theme.themed(ground).name
    name = escape(measure.plain(title[:200]))
    return Template(asset("page.html")).substitute(title=name, policy=policy, style=style, data=text, script=script, theme=look)


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _palette() -> str:
    """The themes' colours as CSS variables: of the page's own theme, or of the one the reader has switched to."""
    rules = []
    for name, look in theme.THEMES.items():
        colours = {
            **{"paper": look.paper, "frame": look.frame, "tint": look.tint},
            **{f"ink-{key}": colour for key, colour in look.inks.items()},
            **{f"fill-{key}": colour for key, colour in look.fills.items()},
            **{f"stroke-{key}": colour for key, colour in look.strokes.items()},
            **{f"arrow-{key}": colour for key, colour in look.arrows.items()},
            **{f"ground-{k}": colour for k, colour in enumerate(look.grounds)},
        }
        variables = "".join(f"--{key}:{colour};" for key, colour in colours.items())
        rules.append(f"[data-theme={name}]{{color-scheme:{name};{variables}}}\n")
    return "".join(rules)
