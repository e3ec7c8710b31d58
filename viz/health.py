"""`health(loss)`: what is wrong with a pass, the worst first, as a table and as a picture."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from autograd_core.tensor import Tensor
from nn import Module

from .checkup.depth import Layer, curve, far_back, layers, of_depth, still_zero, thinned, through_time, used_inside
from .checkup.findings import KINDS, Finding, Units, of_units, percent, units
from .checkup.nonfinite import nonfinite
from .checkup.parameters import Standing, frozen, of_parameters, standings
from .checkup.passes import Pass
from .checkup.report import Report
from .draw import STATES, counted, drawing
from .graph.closing import SMALL, Which, arranged
from .graph.closing import seen as boxes_of
from .graph.description import Trace
from .graph.names import Names, caller
from .graph.symbols import number
from .picture import Picture
from .record import Run
from .render import measure, theme
from .render.drawing import Box, accented
from .render.files import spelled

WIDTH = 110  # characters of a line of the report
ROWS = 6  # of a table in the report
BARS = 32  # of the curve in the picture
MOST = 4  # notes of what a closed box holds that it shows itself


@dataclass(frozen=True)
class Saved:
    """What an operation keeps for the way back that no older one keeps already."""

    id: str  # of the vertex
    where: str
    bytes: int


@dataclass(frozen=True, repr=False)
class Health(Report):
    """What `health` found. Prints itself as a report, shows itself as a picture, and saves either: the suffix picks."""

    title: str
    operations: int
    findings: tuple[Finding, ...]  # the worst first
    layers: tuple[Layer, ...]  # along depth, in the order they were computed in
    units: tuple[Units, ...]  # of every activation, also where nothing is wrong
    parameters: tuple[Standing, ...]
    saved: tuple[Saved, ...]  # what is kept for the way back, by operation
    modules: dict[str, int]  # the same by module (its path), with all inside; "" outside of all modules
    state: str  # whose gradients these are, a key of draw.STATES
    notes: tuple[str, ...]
    inherited: tuple[str, ...]  # ids of vertices that got NaN or infinity from elsewhere
    led: tuple[tuple[str, str], ...]  # and arrows (ids of both ends) that carry them back
    trace: Trace
    shown: Trace  # the trace with the boxes closed that the picture closes

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def total_saved(self) -> int:
        """Bytes kept for the way back."""
        return sum(saved.bytes for saved in self.saved)

    def picture(self, *, theme: str = "light") -> Picture:
        """The backward picture with what was found marked in it."""
        found = self.shown
        marks, notes = self._marks(found)
        shown = drawing(found, "backward", self.title)
        ends = {(found.shown[a], found.shown[b]) for a, b in self.led} | {(found.shown[a], f"sum.{b}") for a, b in self.led}
        ends |= {(f"sum.{b}", found.shown[b]) for _, b in self.led}
        arrows = {(a.source, a.target): "inherited" for a in shown.arrows if (a.source, a.target) in ends}
        marked = accented(shown, marks, arrows, notes)
        norms, told = thinned([layer.gradient for layer in self.layers], BARS), f"{len(self.layers)} layers, from the first"
        along = (
            (Box("depth", "note", "gradient along depth", (told,), spark=tuple(norms)),)
            if len(norms) > 2 and any(map(math.isfinite, norms))
            else ()
        )
        caption = (_verdict(self), *(f"{k}. {f.where}: {f.said}" for k, f in enumerate(self.findings[:3], 1)))
        boxes, caption = marked.boxes + along, (*caption, *marked.caption)
        return Picture(replace(marked, title=f"{self.title}: health", boxes=boxes, caption=caption), theme)

    def _marks(self, found: Trace) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """For each box that is seen the worst of what it holds, and what is told of that and of the memory it keeps."""
        rank = {kind: k for k, kind in enumerate([*KINDS, "inherited"])}
        marks: dict[str, str] = {found.shown[id]: "inherited" for id in self.inherited}
        if any(f.kind == "origin" and self.trace.root in f.vertices for f in self.findings) or self.trace.root in self.inherited:
            marks["output"] = "inherited"
        notes: dict[str, list[str]] = {}
        for finding in self.findings:
            for k, id in enumerate(finding.vertices):
                box = found.shown.get(id)
                if box is None:
                    continue
                if box not in marks or rank[finding.kind] < rank[marks[box]]:
                    marks[box] = finding.kind
                if k == 0 and finding.note:
                    notes.setdefault(box, []).append(finding.note if box == id else f"{finding.where}: {finding.note}")
        for u in self.units:  # too few for a finding
            box = found.shown.get(u.id)
            if u.kind == "dead" and u.count and box is not None and box == u.id and box not in notes:
                notes[box] = [f"{u.count} of {u.of} {u.each} are dead"]
        lines = {box: [*told[:MOST], *([f"and {len(told) - MOST} more"] if len(told) > MOST else [])] for box, told in notes.items()}
        for v in found.vertices:
            if v.saved:
                lines.setdefault(v.id, []).append(f"keeps {size(v.saved)}")
        return marks, {box: tuple(told) for box, told in lines.items()}

    # ------------------------------------------------------------------ showing

    def __str__(self) -> str:
        return "\n".join(map(measure.plain, _report(self)))

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable); the trace is left out."""
        told = {
            "title": self.title,
            "operations": self.operations,
            "findings": [f.to_dict() for f in self.findings],
            "layers": [vars(layer) for layer in self.layers],
            "units": [{**vars(u), "share": u.share} for u in self.units],
            "parameters": [vars(p) for p in self.parameters],
            "saved": [vars(saved) for saved in self.saved],
            "modules": dict(self.modules),
            "state": self.state,
            "notes": list(self.notes),
        }
        return spelled(told)  # type: ignore[no-any-return]


def health(
    loss: Tensor,
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    gradient: Any = None,
    title: str | None = None,
    lr: float | None = None,
    depth: int | None = None,
    collapse: Which = None,
    expand: Which = None,
) -> Health:
    """What is wrong with the pass that made `loss`: a report and a picture.

    Looked for are the first NaN or infinity, gradients that vanish or explode along depth, dead units, saturated gates and
    attention, parameters without a gradient, and with a learning rate `lr` steps that are too large or too small. The memory
    kept for the way back is told by operation and module. Before backward() a pass is made for looking, which changes
    nothing; after it the gradients are those of `run` (see `viz.record`). Forward values that are not kept are computed again.
    The other arguments are those of `viz.draw`. Raises TypeError or ValueError for what has no graph.
    """
    seen = Pass(loss, Names(loss, names, caller()), run, gradient)
    return examined(seen, title, names, lr, {"depth": depth, "collapse": collapse, "expand": expand})


def examined(seen: Pass, title: str | None, given: Any, lr: float | None, closing: dict[str, Any]) -> Health:
    """The findings of a pass. `closing` says, as to `arranged`, which boxes the picture closes; unsaid, the worst finding stays open."""
    origins, inherited, led, note = nonfinite(seen)
    along = layers(seen)
    counts = list(units(seen))
    rows = standings(seen, given, lr)
    values = sorted(of_units(counts, used_inside(seen)), key=lambda f: f.badness)
    depths = list(of_depth(seen, along, {f.vertices[0]: f for f in values}))
    values = [f for f in values if (f.kind, f.where) not in {(g.kind, g.where) for g in depths}]
    told = still_zero(seen)
    found = [
        *origins,
        *depths,
        *through_time(seen),
        *values,
        *of_parameters(rows, bool(told) or any(f.numbers.get("passes") == 0 for f in depths)),
    ]
    found.sort(key=lambda f: (KINDS.index(f.kind), -f.badness))
    missing = sum(node not in seen.values for node in seen.order if node.plan is not None)
    notes = [note, told, far_back(seen, along), frozen(rows), *([] if seen.run is not None else [STATES[seen.found.state]])]
    if missing:
        notes.append(f"the values of {counted(missing, 'operation')} are neither kept nor could they be computed again")
    if seen.found.hooked:
        notes.append(f"hooks on {counted(seen.found.hooked, 'tensor')} are not run for looking: record the pass with viz.record()")
    if seen.found.state == "freed":
        notes.append("what was kept for the way back has been freed")
    if found and all(value is None for value in closing.values()):
        closing = focused(seen.found, found[0].vertices[:1])
    return Health(
        title=title or seen.names.of(seen.root) or "output",
        operations=sum(v.kind == "operation" for v in seen.found.vertices),
        findings=tuple(found),
        layers=tuple(along.values()),
        units=tuple(counts),
        parameters=tuple(rows),
        saved=tuple(Saved(seen.ids[n], seen.called(n), seen.vertex(n).saved) for n in seen.order if seen.vertex(n).saved),
        modules=by_module(seen),
        state=seen.found.state,
        notes=tuple(filter(None, notes)),
        inherited=tuple(inherited),
        led=tuple(led),
        trace=seen.found,
        shown=arranged(seen.found, **closing),
    )


def focused(found: Trace, ids: tuple[str, ...]) -> dict[str, Any]:
    """What to close to see these vertices: they stay open, and in a large graph all that does not hold them is closed."""
    parents = {call.id: call.parent for call in found.calls}
    around: set[str | None] = set()
    for id in ids:
        scope = found.by_id[id].scope
        while scope is not None:
            around.add(scope)
            scope = parents[scope]
    large = boxes_of(found) > SMALL
    return {"expand": lambda call: call.id in around, "collapse": (lambda call: call.id not in around) if large and around else None}


def by_module(seen: Pass) -> dict[str, int]:
    """Bytes kept for the way back by the path of the module, with all modules inside it."""
    totals: dict[str, int] = {}
    parents = {call.id: call.parent for call in seen.found.calls}
    for v in seen.found.vertices:
        scope, counted_at = v.scope, set()
        while v.saved:
            path = seen.path(scope)
            if path not in counted_at:
                counted_at.add(path)
                totals[path] = totals.get(path, 0) + v.saved
            if scope is None:
                break
            scope = parents[scope]
            if scope is None:
                break
    return totals


# ---------------------------------------------------------------------- as text


def _verdict(h: Health) -> str:
    seen = f"{counted(h.operations, 'operation')}, {counted(len(h.parameters), 'parameter')}"
    return f"{counted(len(h.findings), 'finding') if h.findings else 'nothing found'} in {seen}"


def _report(h: Health) -> Iterator[str]:
    yield f"{h.title}: {_verdict(h)}"
    kinds = max((len(f.kind) for f in h.findings), default=0)
    for k, f in enumerate(h.findings, 1):
        head = f"{k:>3} {theme.ACCENTS[f.kind].symbol} {f.kind:<{kinds}}  "
        lines = textwrap.wrap(f"{f.where}: {f.said}. {f.cure}", WIDTH - len(head), break_on_hyphens=False)
        yield head + lines[0]
        yield from (" " * len(head) + line for line in lines[1:])
    if h.layers:
        yield ""
        yield from _depth(h.layers)
    if told := list(_dead(h.units)):
        yield ""
        yield "activations:"
        yield from told
    if h.saved:
        yield ""
        yield from _memory(h)
    if h.notes:
        yield ""
        yield from (line for note in h.notes for line in textwrap.wrap(f"({note})", WIDTH, break_on_hyphens=False))


def _depth(along: tuple[Layer, ...]) -> Iterator[str]:
    """The gradient along depth as a curve, with its ends and extremes."""
    yield f"gradient along depth, from the first to the last of {counted(len(along), 'layer')} (log scale):"
    yield f"  {curve([layer.gradient for layer in along])}"
    order = sorted((layer for layer in along if math.isfinite(layer.gradient)), key=lambda layer: layer.gradient)
    if not order:
        yield "  none of them is finite"
        return
    told: dict[str, list[str]] = {}
    for what, layer in (("first", along[0]), ("last", along[-1]), ("least", order[0]), ("most", order[-1])):
        told.setdefault(layer.id, []).append(what)
    for layer in along:
        if layer.id in told:
            known = layer.passes is not None and math.isfinite(layer.passes)
            passes = f", passes on × {number(layer.passes)}" if known else ""  # type: ignore[arg-type]
            yield f"  {', '.join(told[layer.id]):<11}  norm {number(layer.gradient)}{passes}: {layer.where}"


def _dead(found: tuple[Units, ...]) -> Iterator[str]:
    """The operations with dead units or saturated elements, few of them too."""
    some = sorted((u for u in found if u.count and (u.kind == "dead" or u.share > 0.01)), key=lambda u: -u.share)
    for u in some[:ROWS]:
        yield f"  {u.kind:<9} {u.count:>6,} of {u.of:,} {u.each} ({percent(u.share)}): {u.where}"
    if len(some) > ROWS:
        yield f"  and in {len(some) - ROWS} more operations"


def _memory(h: Health) -> Iterator[str]:
    """Where the memory that is kept for the way back goes."""
    yield f"kept for the way back: {size(h.total_saved)}"
    first = sorted(h.saved, key=lambda saved: -saved.bytes)[:3]
    yield from _listed("operations", [f"{saved.where} {size(saved.bytes)}" for saved in first])
    inner = sorted(((path, count) for path, count in h.modules.items() if path), key=lambda pair: -pair[1])[:4]
    if inner:
        yield from _listed("modules", [f"{path} {size(count)}" for path, count in inner])


def _listed(what: str, items: list[str]) -> list[str]:
    """`  what: a, b, c` in lines that are not too long."""
    return textwrap.wrap(f"{what}: {', '.join(items)}", WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def size(count: int) -> str:
    """Bytes in the unit that suits: `512 B`, `1.5 kB`, `12 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{number(float(f'{count / factor:.3g}'))} {unit}"
    return f"{count} B"
