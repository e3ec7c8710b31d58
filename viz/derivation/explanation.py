"""`Explanation`: the chain rule of one parameter, as data that shows and saves itself."""

from __future__ import annotations

import base64
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import picture
from ..graph.description import Quantity, plain
from ..render.files import as_json, named, spelled, write_whole
from . import as_latex as derivation_latex
from . import as_text as derivation_text
from .elements import Uses
from .factoring import Equation, Term

SUFFIXES = (".txt", ".md", ".tex", ".json")


@dataclass(frozen=True, eq=False)
class Explanation:
    """The chain rule of one parameter; prints itself, shows itself in a notebook, and saves itself.

    `equations` is the derivation: the last one is the parameter's. With `factored`, its terms are not single paths. Of the arrays
    that went through the graph it keeps what it tells: shapes, norms, few elements.
    """

    output: str
    parameter: str
    shape: tuple[int, ...]  # of the parameter
    index: tuple[int, ...] | None  # of the element that is explained, None for the whole parameter
    paths: int
    uses: int  # of the parameter, by operations on a path
    factored: bool
    equations: tuple[Equation, ...]
    entries: Uses | None  # of one element: what adds up to its gradient, element by element of what it was used in
    total: Quantity | None  # the sum of the last equation's terms, at `index` if given
    grad: Quantity | None  # the parameter's .grad, at `index` if given
    notes: tuple[str, ...]
    marked: picture.Picture = field(repr=False)  # the graph with the paths to the parameter marked

    @property
    def terms(self) -> tuple[Term, ...]:
        """What adds up to the parameter's gradient."""
        return self.equations[-1].terms if self.equations else ()

    @property
    def note(self) -> str:
        """What the reader has to be told besides."""
        return "; ".join(self.notes)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable); what is not finite is "nan", "inf" or "-inf"."""
        return {name: spelled(plain(getattr(self, name))) for name in self.__dataclass_fields__ if name != "marked"}

    def to_text(self) -> str:
        """The derivation in plain text."""
        return derivation_text.to_text(self)

    def to_latex(self) -> str:
        """The derivation as an aligned environment of LaTeX's mathematics."""
        return derivation_latex.to_latex(self)

    def to_markdown(self) -> str:
        """The derivation as set mathematics, and below it in plain text, with every number."""
        return f"$$\n{self.to_latex()}\n$$\n\n```text\n{self.to_text()}\n```\n"

    def picture(self, *, theme: str = "light") -> picture.Picture:
        """The graph with the paths to the parameter marked."""
        return picture.Picture(self.marked.drawing, theme, self.marked.page)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the derivation (.txt, .md, .tex, .json) or the picture (any of a picture's formats); returns the path.

        Raises ValueError for another suffix, FileNotFoundError for a missing folder.
        """
        path = named(path, "an explanation", dict.fromkeys((*SUFFIXES, *picture.SUFFIXES)))
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            return self.picture().save(path)
        texts = {".txt": lambda: f"{self.to_text()}\n", ".md": self.to_markdown, ".tex": lambda: derivation_latex.document(self)}
        write_whole(path, as_json(self.to_dict()) if suffix == ".json" else texts[suffix]().encode(errors="backslashreplace"))
        return path

    def _repr_markdown_(self) -> str:
        svg = base64.b64encode(self.picture().to_svg().encode()).decode()
        return f"{self.to_markdown()}\n![the graph, with the paths marked](data:image/svg+xml;base64,{svg})\n"

    def _repr_latex_(self) -> str:
        return f"$$\n{self.to_latex()}\n$$"

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, str]:
        makers = {"text/plain": self.to_text, "text/latex": self._repr_latex_, "text/markdown": self._repr_markdown_}
        wanted = [kind for kind in makers if (not include or kind in include) and kind not in (exclude or ())]
        return {kind: makers[kind]() for kind in wanted}

    def __str__(self) -> str:
        return self.to_text()

    __repr__ = __str__
