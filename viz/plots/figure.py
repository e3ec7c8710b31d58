"""matplotlib's Figure, that shows itself in a notebook without pyplot."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import matplotlib.figure
from matplotlib.backends.backend_agg import FigureCanvasAgg


class Figure(matplotlib.figure.Figure):
    """A figure that pyplot does not know of, drawn by Agg, which needs no display."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        with BytesIO() as file:
            self.savefig(file, format="png", dpi=2 * self.get_dpi())
            return file.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        width, height = (int(side * self.get_dpi()) for side in self.get_size_inches())
        return {"image/png": self._repr_png_(), "text/plain": repr(self)}, {"image/png": {"width": width, "height": height}}
