"""Two passes side by side: which parts belong together, and how far they are apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from ..graph.as_drawing import counted
from ..graph.description import Quantity, Trace
from .passes import Pass
from .still import without_graph

ROUNDING = 1e-6  # a relative change that is none
ALIKE = 2000  # operations that are aligned as texts are; of more, equals are matched in order


class Snapshot:
    """The numbers of a pass as they are now: later updates of the parameters do not change it, and it keeps no graph alive."""

    def __init__(self, seen: Pass, title: str):
        self.title = title
        self.trace: Trace = without_graph(seen.found)
        self.values: dict[str, Any] = {}
        self.where: dict[str, str] = {}
        self.key: dict[str, tuple[str, ...]] = {}
        for node in seen.order:
            id = seen.ids[node]
            v, value = self.trace.by_id[id], seen.values.get(node)
            if v.value is not None:
                self.values[id] = v.value.array
            elif isinstance(value, np.ndarray | np.generic):
                self.values[id] = np.array(value)
            self.where[id] = seen.called(node)
            self.key[id] = (v.kind, v.name) if node.plan is None else (v.kind, v.operation, seen.class_and_path(v.scope))
        for v in self.trace.vertices:
            for edge in v.inputs:  # data is what its first user takes it for: it may have a name in one pass only
                data = self.trace.by_id[edge.source]
                if data.kind == "data" and data.id not in self.key:
                    self.where[data.id], self.key[data.id] = seen.data_called[data.id], ("data", edge.argument, *self.key[v.id])
                    if data.value is not None:
                        self.values[data.id] = data.value.array
        self.gradients = _gradients(self.trace)
        self.parts = {(v.id, k): e.part.array for v in self.trace.vertices for k, e in enumerate(v.inputs) if e.part is not None}

    def __repr__(self) -> str:
        return f"<snapshot of {self.title}, {counted(sum(v.kind == 'operation' for v in self.trace.vertices), 'operation')}>"


def _gradients(found: Trace) -> dict[str, Any]:
    """By vertex. Of leaves it is what this graph adds to them: a recorded run may hold other passes' too."""
    total: dict[str, Any] = {}
    for v in found.vertices:
        if v.kind == "operation" and v.gradient is not None:
            total[v.id] = v.gradient.array
        for edge in v.inputs:
            if edge.part is not None and found.by_id[edge.source].kind == "parameter":
                known = total.get(edge.source)
                total[edge.source] = edge.part.array if known is None else known + edge.part.array
    return total


@dataclass(frozen=True)
class Change:
    """What became of one parameter, operation or datum. Changes are ‖b − a‖ / ‖a‖; None is what is not known or has another shape."""

    where: str
    kind: str  # "parameter", "operation" or "data"
    status: str  # "both", "added" (b only) or "removed" (a only)
    first: str | None  # id of the vertex in the trace of a
    second: str | None  # and of b
    value: float | None
    gradient: float | None
    cosine: float | None  # between the gradients
    norms: tuple[float | None, float | None]  # of the gradients, in a and b
    shapes: tuple[tuple[int, ...] | None, tuple[int, ...] | None]  # None where it is in one pass only

    @property
    def largest(self) -> float:
        """The larger of both changes, a finite one where there is one; 0 where none is known."""
        changes = [c for c in (self.value, self.gradient) if c]
        return max((c for c in changes if math.isfinite(c)), default=math.inf if changes else 0.0)

    @property
    def changed(self) -> bool:
        """Whether it changed by more than rounding."""
        return self.shapes[0] != self.shapes[1] or differs(self.value) or differs(self.gradient)


# ---------------------------------------------------------------------- what belongs together


def matched(a: Snapshot, b: Snapshot) -> Iterator[tuple[str | None, str | None]]:
    """The vertices of both traces in pairs, None where there is no partner: what is the same at both ends, then alike between."""
    left, right = ([v.id for v in side.trace.vertices] for side in (a, b))
    start = 0
    while start < min(len(left), len(right)) and a.key[left[start]] == b.key[right[start]]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and a.key[left[-1 - end]] == b.key[right[-1 - end]]:
        end += 1
    yield from zip(left[:start], right[:start], strict=True)
    yield from _aligned(a, b, left[start : len(left) - end], right[start : len(right) - end])
    yield from zip(left[len(left) - end :], right[len(right) - end :], strict=True)


def _aligned(a: Snapshot, b: Snapshot, left: list[str], right: list[str]) -> Iterator[tuple[str | None, str | None]]:
    if max(len(left), len(right)) > ALIKE:
        yield from _in_order(a, b, left, right)
        return
    matcher = SequenceMatcher(None, [a.key[i] for i in left], [b.key[i] for i in right], autojunk=False)
    rest: tuple[list[str], list[str]] = [], []
    for same, i, j, k, m in matcher.get_opcodes():
        if same == "equal":
            yield from zip(left[i:j], right[k:m], strict=True)
        else:
            rest[0].extend(left[i:j])
            rest[1].extend(right[k:m])
    yield from _in_order(a, b, *rest)


def _in_order(a: Snapshot, b: Snapshot, left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[str | None, str | None]]:
    """The first of a key with the first of the same key, and so on."""
    met: Counter[tuple[str, ...]] = Counter()
    partners = {}
    for i in right:
        partners[b.key[i], met[b.key[i]]] = i
        met[b.key[i]] += 1
    met.clear()
    for i in left:
        key = a.key[i]
        yield i, partners.pop((key, met[key]), None)
        met[key] += 1
    yield from ((None, i) for i in partners.values())


# ---------------------------------------------------------------------- by how much


def change_of(a: Snapshot, b: Snapshot, first: str | None, second: str | None) -> Change:
    side, id = (b, second) if second is not None else (a, first)
    assert id is not None
    kind = side.trace.by_id[id].kind
    status = "added" if first is None else "removed" if second is None else "both"
    values = a.values.get(first or ""), b.values.get(second or "")
    gradients = a.gradients.get(first or ""), b.gradients.get(second or "")
    shapes = tuple(None if i is None else at.trace.by_id[i].shape for at, i in ((a, first), (b, second)))
    norms = tuple(None if g is None else Quantity(g).norm for g in gradients)
    told = relative(*values), relative(*gradients), cosine(*gradients)
    return Change(side.where[id], kind, status, first, second, *told, norms, shapes)  # type: ignore[arg-type]


def relative(a: Any, b: Any) -> float | None:
    """‖b − a‖ / ‖a‖ of arrays of one shape: infinite where only a is zero, NaN where one is not finite; None where it has no meaning."""
    if a is None or b is None or np.shape(a) != np.shape(b) or a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        return None
    if np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc"):
        return 0.0
    wide = np.result_type(a, b, np.float64)
    with np.errstate(all="ignore"):
        apart = Quantity(np.subtract(b, a, dtype=wide)).norm
    if not math.isfinite(apart):
        return math.nan
    whole = Quantity(a).norm
    return apart / whole if whole else math.inf


def differs(change: float | None) -> bool:
    """Whether a relative change is known and more than rounding."""
    return change is not None and not change <= ROUNDING


def cosine(a: Any, b: Any) -> float | None:
    """Of the angle between two arrays of one shape; None where one is zero or not finite."""
    if a is None or b is None or np.shape(a) != np.shape(b):
        return None
    norms = Quantity(a).norm, Quantity(b).norm
    if not all(n and math.isfinite(n) for n in norms):
        return None
    unit = [np.asarray(g, np.result_type(g, np.float64)).ravel() / n for g, n in zip((a, b), norms, strict=True)]
    return max(-1.0, min(1.0, float(np.vdot(*unit).real)))
