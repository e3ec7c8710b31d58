"""`step(loss)`: the backward pass operation by operation, as a page to walk through."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from autograd_core.tensor import Tensor, current_node
from nn import Module

from .graph.as_drawing import drawing
from .graph.closing import Which, asked_for, fitting
from .graph.collapse import collapsed
from .graph.description import Trace, plain
from .graph.names import Names, caller
from .graph.opening import Opens
from .graph.parts import in_parts, seen
from .graph.repeats import rolled
from .graph.trace import trace
from .player.animation import FEW
from .player.frames import Frame, frames
from .player.page import VISIBLE, Page, to_html
from .player.timeline import Timeline, timeline
from .player.whole import LINKS, MOST, details, limited, set_out
from .record import Run
from .render import theme as themes
from .render.drawing import Drawing
from .render.files import as_json, named, spelled, write_whole

SUFFIXES = (".html", ".svg", ".gif", ".json")


class Player:
    """A backward pass to walk through: shows itself in a notebook; `.save("pass.html")` writes a file that needs nothing else.

    `frames` says in plain data what the engine has done and holds after each step.
    """

    def __init__(self, found: Trace, label: str, *, theme: str = "auto", link: str = "", closed: set[str] | None = None) -> None:
        self.frames, self.theme = frames(found), theme
        self.drawing, times = _moving(found, label, self.frames)
        self._page = Page(self.drawing, times, details(found, link), closed=closed)
        few = found if seen(found) <= FEW else collapsed(found, fitting(found, set(), set(), FEW))
        self._film = (self.drawing, times) if few is found else _moving(few, label, frames(few))

    def to_html(self) -> str:
        """The page."""
        return to_html(self._page, theme=self.theme)

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
            data = self.to_html().encode(errors="backslashreplace") if suffix == ".html" else self._as_film(suffix)
        write_whole(path, data)
        return path

    def _as_film(self, suffix: str) -> bytes:
        """A film for slides, with so few boxes that they can be read."""
        from .player.animation import to_gif, to_moving_svg

        look = "light" if self.theme == "auto" else self.theme
        return to_gif(*self._film, theme=look) if suffix == ".gif" else to_moving_svg(*self._film, theme=look).encode()

    def _repr_html_(self) -> str:
        frame = 'sandbox="allow-scripts" style="width:100%;height:680px;border:1px solid #858585;border-radius:6px"'
        return f'<iframe title="{escape(self.drawing.title)}" srcdoc="{escape(self.to_html())}" {frame}></iframe>'

    def __repr__(self) -> str:
        return f"<Player {self.drawing.title!r}: {len(self.frames) - 1} steps>"


def _moving(found: Trace, label: str, steps: Sequence[Frame]) -> tuple[Drawing, Timeline]:
    """The drawing of a trace without its gradients, and when they appear."""
    bare, times = timeline(found, set_out(found, drawing(found, "backward", label)), steps)
    return replace(bare, title=f"{label}: the backward pass, step by step"), times


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
        found = limited(found)
        note = f"the graph has more boxes than a page may have, {MOST:,}: what is closed for good takes a single step"
        found = replace(found, notes=(*found.notes, note))
    label = title or known.of(output.node) or "output"  # type: ignore[arg-type]
    return Player(found, label, theme=theme, link=link, closed=closed)
