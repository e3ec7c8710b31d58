"""What a picture says, before anyone decides how it looks: boxes, arrows between them, groups around them.

Every renderer (Graphviz, the built-in layout) reads a `Drawing` and nothing else; no renderer looks at a Tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class Box:
    """One thing in the picture: an operation, a parameter, an input, the output, or a note."""

    id: str
    kind: str  # "operation", "parameter", "input", "output", "closed", "sum" or "note"
    title: str
    lines: tuple[str, ...] = ()  # small print below the title
    group: str | None = None  # id of the innermost group it stands in
    accent: str = ""  # what is to be noticed, a key of theme.ACCENTS
    spark: tuple[float, ...] = ()  # a small curve below the lines: the gradient norms of the steps that a box stands for
    order: int = 0  # of derivative: 0 for the program itself, 1 for a backward pass that was recorded


@dataclass(frozen=True)
class Arrow:
    """From one box to another, with what it says along the way."""

    source: str
    target: str
    lines: tuple[str, ...] = ()  # the first line is the main one (a shape, a formula), the rest small print
    kind: str = "forward"  # "forward" or "backward"
    weight: float = 1.0  # line width, in points
    accent: str = ""  # what is to be noticed, a key of theme.ACCENTS
    value: str = ""  # whose value or gradient it carries: the id of a box, one that a closed box stands for too; "" for several


@dataclass(frozen=True)
class Group:
    """A box around boxes: a call of a module, a fused operation opened, what repeats, a part of a long row, or a recorded backward pass."""

    id: str
    label: str
    parent: str | None = None
    kind: str = "module"  # "module", "reference", "repeat", "step" of one, "part" or "backward"
    times: int = 1  # of "repeat": how often; more than one stands in the heading


@dataclass(frozen=True)
class Drawing:
    """A whole picture. Boxes, arrows and groups come in a fixed order, so the same program gives the same bytes."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[Group, ...] = ()
    caption: tuple[str, ...] = field(default=())  # lines below the title: how to read the picture

    def to_dict(self) -> dict[str, Any]:
        """The drawing as plain dicts, lists, strings and numbers (JSON-serialisable); what is not finite is written "nan" or "inf"."""
        made = asdict(self)
        for box in made["boxes"]:
            box["spark"] = tuple(value if isfinite(value) else str(value) for value in box["spark"])
        return made


def accented(
    drawing: Drawing,
    boxes: Mapping[str, str],
    arrows: Mapping[tuple[str, str], str] | None = None,
    lines: Mapping[str, tuple[str, ...]] | None = None,
) -> Drawing:
    """The drawing with accents on boxes (by id) and arrows (by the ids of their ends), and further lines in boxes."""
    arrows, lines = arrows or {}, lines or {}
    marked = (replace(b, accent=boxes.get(b.id, b.accent), lines=(*b.lines, *lines.get(b.id, ()))) for b in drawing.boxes)
    led = (replace(a, accent=arrows.get((a.source, a.target), a.accent)) for a in drawing.arrows)
    return replace(drawing, boxes=tuple(marked), arrows=tuple(led))
