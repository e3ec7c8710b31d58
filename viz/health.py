"""`health(loss)`: what is wrong with a pass, the worst first, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from autograd_core.tensor import Tensor
from nn import Module

from .checkup.causes import findings
from .checkup.depth import Layer, far_back, layers
from .checkup.findings import Finding
from .checkup.marks import along_depth, carriers, marks
from .checkup.nonfinite import nonfinite
from .checkup.parameters import Standing, frozen, standings
from .checkup.passes import Pass
from .checkup.report import Report
from .checkup.saved import Saved, by_module, by_operation
from .checkup.still import held
from .checkup.units import Units, units
from .checkup.waiting import still_zero, waiting_told
from .checkup.wording import report, verdict
from .graph.as_drawing import STATES, counted, drawing
from .graph.closing import SMALL, Arrangement, Which, arranged
from .graph.closing import seen as boxes_of
from .graph.description import Trace
from .graph.names import Names, caller
from .picture import Picture
from .record import Run
from .render import measure
from .render.drawing import Drawing, accented
from .render.files import spelled

TOLD = 3  # findings that the picture's caption tells


@dataclass(frozen=True, repr=False)
class Health(Report):
    """What `health` found. Prints itself as a report, shows itself as a picture, and saves either: the suffix picks.

    For its picture it keeps the graph alive, with what that keeps for the way back.
    """

    title: str
    operations: int
    findings: tuple[Finding, ...]  # the worst first
    layers: tuple[Layer, ...]  # along depth, in the order they were computed in
    units: tuple[Units, ...]  # of every activation, also where nothing is wrong
    parameters: tuple[Standing, ...]
    saved: tuple[Saved, ...]  # what is kept for the way back, by operation
    modules: dict[str, int]  # the same by module (its path), with all inside; "" outside of all modules
    state: str  # whose gradients these are, a key of as_drawing.STATES
    notes: tuple[str, ...]
    inherited: tuple[str, ...]  # ids of vertices that got NaN or infinity from elsewhere
    led: tuple[tuple[str, str], ...]  # and arrows (ids of both ends) that carry them back
    trace: Trace
    arrangement: Arrangement  # which boxes of the trace the picture closes

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
        return Picture.of(self.arrangement, self._drawn, theme)

    def _drawn(self, found: Trace) -> Drawing:
        """A drawing of the trace, whatever is closed in it."""
        shown = drawing(found, "backward", self.title)
        accents, notes = marks(self, found)
        marked = accented(shown, accents, carriers(self, found, shown.arrows), notes)
        told = [verdict(self), *(f"{k}. {f.where}: {f.told}" for k, f in enumerate(self.findings[:TOLD], 1))]
        if len(self.findings) > TOLD:
            told.append(f"and {len(self.findings) - TOLD} more: the report has them all")
        boxes, caption = marked.boxes + along_depth(self), (*told, *marked.caption)
        return replace(marked, title=f"{self.title}: health", boxes=boxes, caption=caption)

    # ------------------------------------------------------------------ showing

    def __str__(self) -> str:
        return "\n".join(map(measure.plain, report(self)))

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
    The other arguments are those of `viz.draw`. Raises TypeError or ValueError for what has no graph, and InplaceError where what the
    gradients are computed from was overwritten, as by an update of the parameters.
    """
    if lr is not None and not (isinstance(lr, Real) and lr >= 0):
        raise (ValueError if isinstance(lr, Real) else TypeError)(f"health: lr must be a number that is not negative, got {lr!r}")
    seen = Pass(loss, Names(loss, names, caller()), run, gradient)
    return examined(seen, title, names, lr, {"depth": depth, "collapse": collapse, "expand": expand})


def examined(seen: Pass, title: str | None, given: Any, lr: float | None, closing: dict[str, Any]) -> Health:
    """The findings of a pass. `closing` says, as to `arranged`, which boxes the picture closes; unsaid, the worst finding stays open."""
    origins, inherited, led, note = nonfinite(seen)
    along = layers(seen)
    counts = list(units(seen))
    rows = standings(seen, given, lr)
    still = still_zero(seen)
    found = findings(seen, origins, along, counts, rows, still)
    missing = sum(node not in seen.values for node in seen.order if node.plan is not None)
    notes = [note, waiting_told(seen, still), far_back(seen, along, found), frozen(rows)]
    if seen.run is None:
        notes.append(STATES[seen.found.state])
    if missing:
        notes.append(f"the values of {counted(missing, 'operation')} are neither kept nor could they be computed again")
    if seen.found.hooked:
        notes.append(f"hooks on {counted(seen.found.hooked, 'tensor')} are not run for looking: record the pass with viz.record()")
    if seen.found.state == "freed":
        notes.append("what was kept for the way back has been freed")
    if found and all(value is None for value in closing.values()):
        closing = focused(seen.found, found[0].vertices)
    trace = held(seen.found)
    return Health(
        title=title or seen.names.of(seen.root) or "output",
        operations=sum(v.kind == "operation" for v in seen.found.vertices),
        findings=tuple(found),
        layers=tuple(along.values()),
        units=tuple(counts),
        parameters=tuple(rows),
        saved=by_operation(seen),
        modules=by_module(seen),
        state=seen.found.state,
        notes=tuple(filter(None, notes)),
        inherited=tuple(inherited),
        led=tuple(led),
        trace=trace,
        arrangement=arranged(trace, **closing),
    )


def focused(found: Trace, ids: tuple[str, ...]) -> dict[str, Any]:
    """What to close to see these vertices: the calls that hold all of them stay open; in a large graph all others are closed."""
    parents = {call.id: call.parent for call in found.calls}
    around: set[str] = set(parents) if ids else set()
    for id in ids:
        scope, holding = found.by_id[id].scope, set()
        while scope is not None:
            holding.add(scope)
            scope = parents[scope]
        around &= holding
    large = boxes_of(found) > SMALL
    return {"expand": lambda call: call.id in around, "collapse": (lambda call: call.id not in around) if large and around else None}
