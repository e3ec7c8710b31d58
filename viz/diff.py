"""`diff(a, b)`: what changed from one pass of a model to another, and by how much, as a table and as a picture."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_core.tensor import Tensor
from nn import Module

from .checkup.changes import Change, Snapshot, change_of, differs, matched, relative
from .checkup.findings import percent
from .checkup.passes import Pass
from .checkup.report import Report
from .graph.as_drawing import counted, drawing, shape_text
from .graph.closing import Arrangement, Which, arranged
from .graph.description import Trace, Vertex
from .graph.digits import number
from .graph.names import Names, caller
from .picture import Picture
from .record import Run
from .render import measure
from .render.drawing import Arrow, Box, Drawing, accented
from .render.files import spelled

ROWS = 12  # of a table in the report
LONGEST = 72  # characters of a name there
NOTED = 8  # removed operations that the picture names


@dataclass(frozen=True, repr=False)
class Diff(Report):
    """What `diff` found. Prints itself as a table, shows itself as a picture of the second pass, and saves either."""

    title: str
    changes: tuple[Change, ...]  # the largest first
    a: Snapshot
    b: Snapshot
    arrangement: Arrangement  # which boxes of b's trace the picture closes

    def of(self, kind: str, status: str = "both") -> list[Change]:
        """The changes of "parameter", "operation" or "data", the largest first."""
        return [c for c in self.changes if c.kind == kind and c.status == status]

    def picture(self, *, theme: str = "light") -> Picture:
        """The backward picture of the second pass, with the changes in its boxes and on its arrows."""
        return Picture.of(self.arrangement, self._drawn, theme)

    def _drawn(self, found: Trace) -> Drawing:
        """A drawing of the second pass, whatever is closed in it."""
        by_box: dict[str, list[Change]] = {}
        for change in self.changes:
            if change.second is not None:
                by_box.setdefault(found.shown[change.second], []).append(change)
        marks = {box: "changed" for box, changes in by_box.items() if any(c.changed for c in changes)}
        lines = {box: tuple(_lines(self, box, changes)) for box, changes in by_box.items()}
        shown = accented(drawing(found, "backward", self.b.title), marks, None, lines)
        told = self._handed(found)
        arrows = tuple(_told(arrow, told.get((arrow.source, arrow.value or arrow.target))) for arrow in shown.arrows)
        removed = [c for c in self.changes if c.status == "removed"]
        more = (f"and {len(removed) - NOTED} more",) if len(removed) > NOTED else ()
        notes = (Box("removed", "note", "only before", (*(c.where for c in removed[:NOTED]), *more)),) if removed else ()
        caption = (*_head(self), "Δ is how much something changed: ‖after − before‖ / ‖before‖; cos is between both gradients.")
        boxes, caption = shown.boxes + notes, caption + shown.caption
        return replace(shown, title=f"{self.title}: what changed", boxes=boxes, arrows=arrows, caption=caption)

    def _handed(self, found: Trace) -> dict[tuple[str, str], float]:
        """By a vertex and a value that it uses, how much the gradient changed that it hands to that."""
        told: dict[tuple[str, str], float] = {}
        before = {change.second: change.first for change in self.changes if change.first is not None}
        for v in found.vertices:
            if v.kind in ("operation", "closed"):
                parts = self._parts(v, before)
                for edge in v.inputs:
                    change = relative(*parts.get(edge.source, (None, None)))
                    if change is not None:
                        told[v.id, edge.source] = change
                        several = v.id, found.shown[edge.source]  # values that share an arrow: the largest
                        told[several] = max(change, told.get(several, 0.0), key=lambda c: (math.isnan(c), c))
        return told

    def _parts(self, v: Vertex, before: Mapping[str | None, str | None]) -> dict[str, tuple[Any, Any]]:
        """By what a vertex uses, the gradient that it hands to that, in both passes; of all that a closed box holds together."""
        parts: dict[str, tuple[Any, Any]] = {}
        for id in v.inside or (v.id,):
            for k, edge in enumerate(self.b.trace.by_id[id].inputs if id in self.b.trace.by_id else ()):
                pair = self.a.parts.get((before.get(id) or "", k)), self.b.parts.get((id, k))
                if edge.source in parts:
                    known = parts[edge.source]
                    pair = tuple(None if x is None or y is None else x + y for x, y in zip(known, pair, strict=True))  # type: ignore[assignment]
                parts[edge.source] = pair
        return parts

    def __str__(self) -> str:
        return "\n".join(map(measure.plain, _report(self)))

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable); the passes themselves are left out."""
        return {"title": self.title, "changes": [spelled({**vars(c), "changed": c.changed}) for c in self.changes]}


def snapshot(
    loss: Tensor,
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    gradient: Any = None,
    title: str | None = None,
) -> Snapshot:
    """The numbers of a pass, to be given to `diff` when the parameters have changed. Arguments and errors are those of `health`."""
    return _snapshot(loss, Names(loss, names, caller()), run, gradient, title)


def _snapshot(loss: Tensor, names: Names, run: Run | None, gradient: Any, title: str | None) -> Snapshot:
    seen = Pass(loss, names, run, gradient)
    return Snapshot(seen, title or names.of(seen.root) or "output")


def diff(
    a: Tensor | Snapshot,
    b: Tensor | Snapshot,
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    gradient: Any = None,
    title: str | None = None,
    depth: int | None = None,
    collapse: Which = None,
    expand: Which = None,
) -> Diff:
    """What changed from pass `a` to pass `b`, and by how much: values, gradients and parameters.

    Each is a loss, or what `viz.snapshot(loss)` gave before the parameters were updated. Operations are matched by name, module and
    order; those without a partner are added or removed. `run` is a recording of both passes, if they have run already. The other
    arguments are those of `viz.draw`. Raises TypeError for anything else, ValueError for what has no graph, and InplaceError for
    a loss whose parameters have been updated since.
    """
    made = []
    for which, given in (("a", a), ("b", b)):
        if not isinstance(given, Tensor | Snapshot):
            raise TypeError(f"diff: {which} must be a loss (a Tensor) or what viz.snapshot(loss) gives, got a {type(given).__name__}")
        made.append(given if isinstance(given, Snapshot) else _snapshot(given, Names(given, names, caller()), run, gradient, None))
    first, second = made
    changes = [change_of(first, second, p, q) for p, q in matched(first, second)]
    changes.sort(key=lambda c: (c.status == "both", -c.largest))
    label = title or (first.title if first.title == second.title else f"{first.title} → {second.title}")
    return Diff(label, tuple(changes), first, second, arranged(second.trace, depth, collapse, expand))


# ---------------------------------------------------------------------- in words


def said(change: float | None) -> str:
    """`3.2 %`, `×12` for what grew by more than tenfold, `from 0`, `not finite`, `–` for what is not known."""
    if change is None:
        return "–"
    if math.isnan(change):
        return "not finite"
    if math.isinf(change):
        return "from 0"
    return "0" if not differs(change) else percent(change) if change < 10 else f"× {number(float(f'{change:.3g}'))}"


def short(name: str) -> str:
    """A name that is not too long for a table."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2]}…{name[-LONGEST // 2 :]}"


def _cosine(value: float | None) -> str:
    return "–" if value is None else number(round(value, 4))


def _head(d: Diff) -> list[str]:
    counts = Counter(c.status for c in d.changes if c.kind == "operation")
    lines = [f"{counted(counts['both'], 'operation')} in both"]
    lines[0] += "".join(f", {counts[status]} {status}" for status in ("added", "removed") if counts[status])
    values: list[Any] = [side.values.get(side.trace.root) for side in (d.a, d.b)]
    if all(v is not None and np.size(v) == 1 and v.dtype.kind == "f" for v in values):
        before, after = (float(v.reshape(())) for v in values)
        lines.append(f"{d.b.title}: {number(before)} → {number(after)}")
    return lines


def _lines(d: Diff, box: str, changes: list[Change]) -> Iterator[str]:
    """What a box tells of its change; a closed one of the parameters that it holds, together."""
    if len(changes) > 1 or changes[0].second != box:
        held = [c for c in changes if c.kind == "parameter"] or changes
        what = "parameters " if held[0].kind == "parameter" else ""
        if (value := _together(d.a.values, d.b.values, held)) is not None:
            yield f"{what}Δ = {said(value)}"
        if (gradient := _together(d.a.gradients, d.b.gradients, held)) is not None:
            yield f"gradients Δ = {said(gradient)}"
        return
    (change,) = changes
    if change.status == "added":
        yield "only after"
    elif shapes := _shapes(change):
        yield f"was {shapes.partition(' → ')[0]}"
    if change.value is not None:
        yield f"Δ = {said(change.value)}"
    if change.gradient is not None:
        yield f"gradient Δ = {said(change.gradient)}" + ("" if change.cosine is None else f", cos {_cosine(change.cosine)}")


def _together(a: Mapping[str, Any], b: Mapping[str, Any], changes: list[Change]) -> float | None:
    pairs = [(a.get(c.first or ""), b.get(c.second or "")) for c in changes]
    pairs = [(x, y) for x, y in pairs if x is not None and y is not None and np.shape(x) == np.shape(y)]
    if not pairs:
        return None
    apart, whole = (np.concatenate([np.ravel(f(x, y)) for x, y in pairs]) for f in (lambda x, y: y, lambda x, y: x))
    return relative(whole, apart)


def _shapes(c: Change) -> str:
    """Both shapes where they differ, else ""."""
    first, second = c.shapes
    return "" if first is None or second is None or first == second else f"{shape_text(first)} → {shape_text(second)}"


def _told(arrow: Arrow, change: float | None) -> Arrow:
    if change is None:
        return arrow
    return replace(arrow, lines=(*arrow.lines, f"Δ = {said(change)}"), accent="changed" if differs(change) else arrow.accent)


def _report(d: Diff) -> Iterator[str]:
    yield f"{d.title}: " + "; ".join(_head(d))
    for kind in ("parameter", "operation", "data"):
        rows = [(short(c.where), _shapes(c) or said(c.value), said(c.gradient), _cosine(c.cosine)) for c in d.of(kind)[:ROWS]]
        if not rows:
            continue
        table = [(f"{kind}s" if kind != "data" else kind, "value Δ", "gradient Δ", "cosine"), *rows]
        wide = [max(len(row[k]) for row in table) for k in range(4)]
        yield ""
        yield from (
            f"{row[0]:<{wide[0]}}  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(row[1:], wide[1:], strict=True)) for row in table
        )
        if (more := len(d.of(kind)) - ROWS) > 0:
            largest = d.of(kind)[ROWS].largest
            yield f"and {more} more" + (f", changed by {said(largest)} at most" if math.isfinite(largest) else "")
    for status, when in (("added", "after"), ("removed", "before")):
        alone = [c for c in d.changes if c.status == status]
        if alone:
            yield ""
            yield (
                f"only {when}: "
                + ", ".join(short(c.where) for c in alone[:ROWS])
                + (f" and {len(alone) - ROWS} more" if len(alone) > ROWS else "")
            )
    yield ""
    yield "(Δ = ‖after − before‖ / ‖before‖; cosine: of the angle between both gradients)"
