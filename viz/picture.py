"""`Picture`: a drawing that shows itself in a notebook and saves itself in the format that the file's name ends in."""

from __future__ import annotations

import errno
import json
import os
import warnings
from collections.abc import Collection
from pathlib import Path
from secrets import token_hex
from typing import Any

from . import dot, structure
from .drawing import Drawing
from .raster import to_raster
from .svg import to_svg

ENGINES = ("auto", "graphviz", "builtin")
SUFFIXES = (".svg", ".png", ".pdf", ".dot", ".json")
_MANY = 400  # boxes and arrows; Graphviz's time grows with the square of them, and is felt from here on


class Picture:
    """A drawing that can be looked at.

    `engine` says who draws: "graphviz"; "builtin", which needs nothing for an SVG and matplotlib for a PNG or PDF; or
    "auto": Graphviz where it is installed and the picture is not too large for it, else the built-in one.
    Raises ValueError for a drawing that contradicts itself.
    """

    def __init__(self, drawing: Drawing) -> None:
        structure.check(drawing)
        self.drawing = drawing

    def save(self, path: str | os.PathLike[str], *, engine: str = "auto") -> Path:
        """Writes the file whole or not at all, and returns its path; the suffix picks the format.

        Raises ValueError for a suffix other than .svg, .png, .pdf, .dot and .json, FileNotFoundError for a missing folder.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(f"{path.name!r} ends in {suffix!r}: a picture can be saved as {', '.join(SUFFIXES)}")
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
        if suffix == ".json":
            data = (json.dumps(self.to_dict(), ensure_ascii=False, indent=2) + "\n").encode()
        elif suffix == ".dot":
            data = self.to_dot().encode()
        else:
            data = self._draw(suffix[1:], engine)
        _write(path, data)
        return path

    def to_dict(self) -> dict[str, Any]:
        """The drawing as plain dicts, lists, strings and numbers (JSON-serialisable)."""
        return self.drawing.to_dict()

    def to_dot(self) -> str:
        """The drawing in Graphviz's language."""
        return dot.to_dot(self.drawing)

    def to_svg(self, *, engine: str = "auto") -> str:
        """The picture as a standalone SVG document."""
        return self._draw("svg", engine).decode()

    def to_png(self, *, engine: str = "auto") -> bytes:
        """The picture as a PNG file."""
        return self._draw("png", engine)

    def _draw(self, format: str, engine: str) -> bytes:
        if engine not in ENGINES:
            raise ValueError(f"{engine!r} is no engine: the engines are {', '.join(ENGINES)}")
        if engine == "graphviz":
            return dot.render(self.to_dot(), format)
        if engine == "builtin":
            return self._draw_builtin(format)
        many = len(self.drawing.boxes) + len(self.drawing.arrows) > _MANY
        if not many:
            try:
                return dot.render(self.to_dot(), format)
            except dot.GraphvizMissing:
                pass
            except RuntimeError as error:
                warnings.warn(f"the built-in engine draws instead of Graphviz: {error}", RuntimeWarning, stacklevel=3)
        try:
            return self._draw_builtin(format)
        except ImportError:  # no matplotlib: Graphviz is slow, but better than nothing
            if not many:
                raise
            try:
                return dot.render(self.to_dot(), format)
            except dot.GraphvizMissing:
                pass
            raise

    def _draw_builtin(self, format: str) -> bytes:
        return to_svg(self.drawing).encode() if format == "svg" else to_raster(self.drawing, format)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def _repr_mimebundle_(self, include: Collection[str] | None = None, exclude: Collection[str] | None = None) -> dict[str, str]:
        makers = {"text/plain": self.__repr__, "image/svg+xml": self.to_svg}
        wanted = [kind for kind in makers if (not include or kind in include) and kind not in (exclude or ())]
        return {kind: makers[kind]() for kind in wanted}

    def __repr__(self) -> str:
        counts = {"box": len(self.drawing.boxes), "arrow": len(self.drawing.arrows), "group": len(self.drawing.groups)}
        said = ", ".join(f"{count} {what}{'es' if what == 'box' else 's'}" if count != 1 else f"1 {what}" for what, count in counts.items())
        return f"<Picture {self.drawing.title!r}: {said}>"


def _write(path: Path, data: bytes) -> None:
    """Next to the file first, then in its place: nobody ever sees half a picture."""
    beside = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with open(beside, "xb") as file:
            file.write(data)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
