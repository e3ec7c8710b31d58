"""`Picture`: a drawing that shows itself in a notebook and saves itself in the format that the file's name ends in."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from .graph.closing import Arrangement
from .graph.description import Trace
from .player.page import Page, to_html
from .player.whole import page_of
from .render import dot, structure
from .render.drawing import Drawing
from .render.files import as_json, named, write_whole
from .render.limits import TookTooLong, lay_out_within
from .render.listing import listed
from .render.mermaid import to_markdown, to_mermaid
from .render.raster import to_raster
from .render.svg import to_svg
from .render.text import to_text
from .render.theme import themed

ENGINES = ("auto", "graphviz", "builtin")
SUFFIXES = (".svg", ".png", ".pdf", ".html", ".txt", ".md", ".mmd", ".dot", ".json")
PATIENCE = {"graphviz": 4.0, "builtin": 10.0}  # seconds that "auto" gives a layout
_MANY = 400  # boxes and arrows from which on Graphviz is not even asked: so many it draws in about a second, more in far more
_PAGE = 570.0  # points: 760 pixels
_HEAVY = 3000  # boxes and arrows that a notebook is spared


class Picture:
    """A drawing that can be looked at, in the colours of its theme ("light" or "dark"), and the `page` that its HTML is.

    `engine` says who draws: "graphviz"; "builtin", which needs nothing for an SVG and matplotlib for a PNG or PDF; or
    "auto": Graphviz where it is installed and gets done in time, else the built-in one, and if that does not either, the
    boxes alone; the picture then says so. `time_limit` is how many seconds a layout may take: without it as long as an
    engine asked for by name needs, and a moment for "auto"; of a few hundred boxes the built-in one is done in less. Raises
    ValueError for a drawing that contradicts itself and for an unknown theme or engine, RuntimeError
    (viz.limits.TookTooLong) when an engine asked for by name takes too long.
    """

    def __init__(self, drawing: Drawing, theme: str = "light", page: Page | None = None) -> None:
        structure.check(drawing)
        self.drawing, self.page = drawing, page or Page(drawing)
        self.theme = themed(theme).name

    @classmethod
    def of(cls, chosen: Arrangement, drawn: Callable[[Trace], Drawing], theme: str = "light") -> Picture:
        """What `drawn` makes of a trace with some of its boxes closed, which the page opens."""
        return cls(drawn(chosen.shown), theme, page_of(chosen, drawn))

    def save(
        self, path: str | os.PathLike[str], *, engine: str = "auto", theme: str | None = None, time_limit: float | None = None
    ) -> Path:
        """Writes the file whole or not at all, and returns its path; the suffix picks the format.

        Pictures: .svg, .png, .pdf; a page to play with: .html; a tree of text: .txt; Mermaid: .mmd, and .md around it;
        Graphviz's language: .dot; the drawing as data: .json. Raises ValueError for another suffix, FileNotFoundError
        for a missing folder.
        """
        path = named(path, "a picture", SUFFIXES)
        suffix = path.suffix.lower()
        look = self._look(theme, engine)
        if suffix in (".svg", ".png", ".pdf"):
            data = self._draw(suffix[1:], engine, look, time_limit)
        elif suffix == ".html":
            data = self.to_html(theme=look).encode()
        elif suffix == ".txt":
            data = self.to_text().encode()
        elif suffix == ".json":
            data = as_json(self.to_dict())
        else:
            make = {".md": to_markdown, ".mmd": to_mermaid, ".dot": dot.to_dot}[suffix]
            data = make(self.drawing, theme=look).encode()
        write_whole(path, data)
        return path

    def to_dict(self) -> dict[str, Any]:
        """The drawing as plain dicts, lists, strings and numbers (JSON-serialisable)."""
        return self.drawing.to_dict()

    def to_text(self) -> str:
        """The drawing as an indented tree, to be printed."""
        return to_text(self.drawing)

    def _look(self, theme: str | None, engine: str = "auto") -> str:
        """The name of the theme to use; the place where both names are checked."""
        if engine not in ENGINES:
            raise ValueError(f"{engine!r} is no engine: the engines are {', '.join(ENGINES)}")
        return self.theme if theme is None else themed(theme).name

    def to_mermaid(self, *, theme: str | None = None) -> str:
        """The drawing as a Mermaid flowchart."""
        return to_mermaid(self.drawing, theme=self._look(theme))

    def to_dot(self, *, theme: str | None = None) -> str:
        """The drawing in Graphviz's language."""
        return dot.to_dot(self.drawing, theme=self._look(theme))

    def to_html(self, *, theme: str | None = None) -> str:
        """The picture as one page that needs nothing else: with zoom, search and boxes to open and close."""
        return to_html(self.page, theme=self._look(theme))

    def to_svg(self, *, engine: str = "auto", theme: str | None = None, time_limit: float | None = None) -> str:
        """The picture as a standalone SVG document."""
        return self._draw("svg", engine, theme, time_limit).decode()

    def to_png(self, *, engine: str = "auto", theme: str | None = None, time_limit: float | None = None) -> bytes:
        """The picture as a PNG file of 200 dots per inch, of a large picture fewer: see theme.resolution."""
        return self._draw("png", engine, theme, time_limit)

    def _draw(self, format: str, engine: str, theme: str | None, time_limit: float | None) -> bytes:
        look = self._look(theme, engine)
        if engine == "graphviz":
            return dot.render(self.to_dot(theme=look), format, time_limit)
        if engine == "builtin":
            return _built_in(self.drawing, format, look, time_limit)
        patience = PATIENCE if time_limit is None else dict.fromkeys(PATIENCE, time_limit)
        drawing = self.drawing
        many = len(drawing.boxes) + len(drawing.arrows) > _MANY
        if not many:
            try:
                return dot.render(self.to_dot(theme=look), format, patience["graphviz"])
            except dot.GraphvizMissing:
                pass
            except TookTooLong:
                told = f"Graphviz took longer than {patience['graphviz']:g} s: this is the built-in layout (time_limit= gives it longer)"
                drawing = replace(drawing, caption=(*drawing.caption, told))
            except RuntimeError as error:
                warnings.warn(f"the built-in engine draws instead of Graphviz: {error}", RuntimeWarning, stacklevel=3)
        try:
            return _built_in(drawing, format, look, patience["builtin"], fall_back=True)
        except ImportError:  # no matplotlib: Graphviz is slow, but better than nothing
            if not many:
                raise
            try:
                return dot.render(self.to_dot(theme=look), format, patience["builtin"])
            except dot.GraphvizMissing:
                pass
            raise

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, str]:
        makers = {"text/plain": self.__repr__, "image/svg+xml": lambda: _for_a_page(self.to_svg())}
        if len(self.drawing.boxes) + len(self.drawing.arrows) > _HEAVY:
            makers = {"text/plain": lambda: f"{self!r}, too large to be shown here: close modules (depth=), or save it"}
        wanted = [kind for kind in makers if (not include or kind in include) and kind not in (exclude or ())]
        return {kind: makers[kind]() for kind in wanted}

    def __repr__(self) -> str:
        counts = {"box": len(self.drawing.boxes), "arrow": len(self.drawing.arrows), "group": len(self.drawing.groups)}
        said = ", ".join(f"{count} {what}{'es' if what == 'box' else 's'}" if count != 1 else f"1 {what}" for what, count in counts.items())
        return f"<Picture {self.drawing.title!r}: {said}>"


def _for_a_page(svg: str) -> str:
    """The same SVG, at most as wide as a notebook's page: not every program that shows notebooks shrinks what is wider."""

    def shrunk(size: re.Match[str]) -> str:
        scale = _PAGE / float(size[1])
        return f'width="{_PAGE:g}pt" height="{float(size[2]) * scale:.0f}pt"' if scale < 1 else size[0]

    return re.sub(r'width="([\d.]+)pt" height="([\d.]+)pt"', shrunk, svg, count=1)


def _built_in(drawing: Drawing, format: str, theme: str, seconds: float | None, fall_back: bool = False) -> bytes:
    """The picture by the built-in layout; if that may fall back and gets no layout done, of the boxes alone."""
    try:
        layout = lay_out_within(drawing, seconds)
    except RuntimeError as error:
        if not fall_back:
            raise
        drawing, layout = listed(drawing, str(error))
    if format == "svg":
        return to_svg(drawing, layout, theme=theme).encode()
    return to_raster(drawing, format, layout, theme=theme)
