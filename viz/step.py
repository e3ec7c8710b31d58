"""`step(loss)`: the backward pass operation by operation, as a page to walk through."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autograd_core.tensor import Tensor, current_node
from nn import Module

from .draw import drawing, shape_text
from .graph.closing import Which, asked_for, fitting
from .graph.collapse import collapsed
from .graph.description import Call, Trace, Vertex, plain
from .graph.names import Names, caller
from .graph.opening import Opens
from .graph.parts import boxes_in, in_parts, seen
from .graph.repeats import rolled
from .graph.symbols import number
from .graph.trace import trace
from .player.frames import frames
from .player.page import VISIBLE, More, to_html
from .player.timeline import timeline
from .record import Run
from .render import theme as themes
from .render.files import as_json, named, spelled, write_whole

MOST = 3000  # boxes in a page; of a larger graph, boxes are closed for good
FIRST = 1000  # boxes of such a graph that are kept for the operations which the pass begins with
LINKS = {"": "", "vscode": "vscode://file{path}:{line}", "file": "file://{path}"}
SUFFIXES = (".html", ".svg", ".gif", ".json")


class Player:
    """A backward pass to walk through: shows itself in a notebook; `.save("pass.html")` writes a file that needs nothing else.

    `frames` says in plain data what the engine has done and holds after each step.
    """

    def __init__(self, found: Trace, label: str, *, theme: str = "auto", link: str = "", closed: set[str] | None = None) -> None:
        self._found, self._label = found, label
        self.frames = frames(found)
        bare, self._timeline = timeline(found, drawing(found, "backward", label), self.frames)
        self.drawing = replace(bare, title=f"{label}: the backward pass, step by step")
        self.theme, self._closed = theme, closed
        calls = {call.id: call for call in found.calls}
        self._more = {v.id: _more(v, calls, link) for v in found.vertices}

    def to_html(self) -> str:
        """The page."""
        return to_html(self.drawing, theme=self.theme, timeline=self._timeline, more=self._more, closed=self._closed)

    def to_dict(self) -> dict[str, Any]:
        """The drawing and the frames as plain dicts, lists, strings and numbers (JSON-serialisable)."""
        return {"drawing": self.drawing.to_dict(), "frames": spelled(plain(self.frames))}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the file whole or not at all, and returns its path; the suffix picks the format.

        A page to walk through: .html; for slides, a film with at most about two dozen boxes: .svg, which moves in a browser, and .gif;
        the drawing and the frames as data: .json. Raises ValueError for another suffix, FileNotFoundError for a missing folder,
        MissingExtraError for a GIF without matplotlib.
        """
        path = named(path, "a step player", SUFFIXES)
        suffix = path.suffix.lower()
        if suffix == ".json":
            data = as_json(self.to_dict())
        else:
            data = self.to_html().encode(errors="backslashreplace") if suffix == ".html" else self._moving(suffix)
        write_whole(path, data)
        return path

    def _moving(self, suffix: str) -> bytes:
        """A film for slides, with so few boxes that they can be read."""
        from .player.animation import FEW, to_gif, to_moving_svg

        found = self._found
        if seen(found) > FEW:
            found = collapsed(found, fitting(found, set(), set(), FEW))
        bare, times = timeline(found, drawing(found, "backward", self._label), frames(found))
        bare, look = replace(bare, title=self.drawing.title), "light" if self.theme == "auto" else self.theme
        return to_gif(bare, times, theme=look) if suffix == ".gif" else to_moving_svg(bare, times, theme=look).encode()

    def _repr_html_(self) -> str:
        frame = 'sandbox="allow-scripts" style="width:100%;height:680px;border:1px solid #858585;border-radius:6px"'
        return f'<iframe title="{escape(self.drawing.title)}" srcdoc="{escape(self.to_html())}" {frame}></iframe>'

    def __repr__(self) -> str:
        return f"<Player {self.drawing.title!r}: {len(self.frames) - 1} steps>"


def step(
    output: Tensor,
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    gradient: Any = None,
    title: str | None = None,
    depth: int | None = None,
    collapse: Which = None,
    expand: Which = None,
    open: Opens = None,
    theme: str = "auto",
    link: str = "",
) -> Player:
    """The backward pass of `output` (usually a loss), to walk through step by step.

    Frame k shows the engine's state after k operations: what has a gradient, the partial sums, and the rule that was applied, with
    its numbers. `names`, `run`, `gradient` and `title` are as in `viz.draw`. `depth`, `collapse` and `expand` say which boxes are
    closed at first; the page opens and closes them. `open`, as in `viz.draw`, picks fused operations to walk through as what they are
    made of. `theme` is "light", "dark", or "auto" for what the reader's system prefers.
    Where the graph was recorded inside `viz.record()`, boxes tell the line of the program that made them; `link="vscode"` or
    `link="file"` makes it a link. Raises TypeError or ValueError for what has no graph, or no numbers to walk through.
    """
    if theme != "auto":
        themes.themed(theme)
    if link not in LINKS:
        raise ValueError(f"step: link is {', '.join(map(repr, LINKS))}, got {link!r}")
    current_node(output)  # a view of what was rewritten since has its node made again
    known = Names(output, names, caller())
    found = trace(output, known, run, gradient, open)
    if seen(found) > VISIBLE:
        found = in_parts(rolled(found))
    closed = None if depth is None and collapse is None and expand is None else asked_for(found, depth, collapse, expand)
    if seen(found) > MOST:
        found = collapsed(found, fitting(found, set(), _first_visited(found, FIRST), MOST))
        note = f"the graph has more boxes than a page may have, {MOST:,}: what is closed for good takes a single step"
        found = replace(found, notes=(*found.notes, note))
    label = title or known.of(output.node) or "output"  # type: ignore[arg-type]
    return Player(found, label, theme=theme, link=link, closed=closed)


def _first_visited(found: Trace, most: int) -> set[str]:
    """The calls to keep open so that the pass begins operation by operation: the newest, while they have so few boxes together."""
    parents = {call.id: call.parent for call in found.calls}
    newest: dict[str, int] = {}
    for k, v in enumerate(found.vertices):
        at = v.scope
        while at is not None and newest.get(at) != k:
            newest[at] = k
            at = parents[at]
    inside: dict[str | None, list[str]] = {}
    for call in sorted(parents, key=lambda call: newest.get(call, -1)):
        inside.setdefault(parents[call], []).append(call)
    holds, kept = boxes_in(found), set[str]()
    room, waiting = most, list(inside.get(None, ()))
    while waiting:
        call = waiting.pop()
        room -= holds.get(call, 0) + len(inside.get(call, ()))
        if room < 0:
            break
        kept.add(call)
        waiting += inside.get(call, ())
    return kept


def _more(v: Vertex, calls: Mapping[str, Call], link: str) -> More:
    """What is told of a vertex to who points at it."""
    details = []
    if v.dtype:
        details.append(f"{shape_text(v.shape)}, {v.dtype}")
    if v.value is not None:
        details.append(f"value {v.value.text()}" if v.value.values is not None else f"value of norm {number(v.value.norm)}")
    if v.scope is not None and v.scope in calls:
        details.append(f"in {calls[v.scope].path or calls[v.scope].label}")
    if v.saved:
        details.append(f"keeps {v.saved:,} bytes for the way back")
    file, _, line = v.line.rpartition(":")
    near = os.path.relpath(file) if file and os.path.isabs(file) and Path(file).is_relative_to(Path.cwd()) else file
    address = LINKS[link].format(path=quote(str(Path(file).resolve().as_posix())), line=line) if file and link else ""
    return More(tuple(details), f"{near}:{line}" if file else "", address)
