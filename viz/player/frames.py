"""A backward pass step by step, as plain data: frame k says what the engine has done and holds after k steps.

The engine visits what was computed newest first. A step applies one operation's rules to its gradient, and adds what
they give to the gradients of what the operation used: sums that are partial until the last of their parts is in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ..graph.description import Edge, Quantity, Trace, Vertex
from ..graph.digits import number
from ..graph.numbers import LONG


@dataclass(frozen=True)
class Amount:
    """A gradient as it is told."""

    text: str  # "6", "[1, 2]", "all 0" or "‖·‖ = 0.013"
    norm: float
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Handed:
    """One contribution to the gradient of one value."""

    source: str  # the vertex whose gradient grows
    edge: int  # by which use of it: the place among the user's inputs, -1 for the start of the pass
    rule: str  # "g · b"
    numbers: str  # "2 · 3", or ""
    part: Amount | None  # what was handed; None for the results of one operation, whose gradients stay apart
    total: Amount | None  # the sum of the parts that are in; None where they are of several values, and stay apart
    count: int  # of them
    of: int  # when all are in


@dataclass(frozen=True)
class Frame:
    """One step, and what it changes."""

    step: int
    vertex: str  # whose rules were applied; "" before the first step
    gradient: Amount | None  # that they were applied to: all parts of it, after hooks
    says: tuple[str, ...]  # the step in words: what is done, then one clause for each contribution
    handed: tuple[Handed, ...] = ()

    @property
    def sentence(self) -> str:
        """The step in one sentence."""
        return f"{self.says[0]} {'; '.join(self.says[1:])}".strip() + "." * (not self.says[0].endswith("."))


@dataclass(frozen=True)
class State:
    """The gradient of one vertex after some number of steps."""

    amount: Amount | None
    count: int  # parts that are in
    of: int
    done: bool  # have its own rules been applied?

    @property
    def complete(self) -> bool:
        return self.count == self.of


def state(frames: Sequence[Frame], k: int) -> dict[str, State]:
    """What has a gradient after k steps, by vertex."""
    held: dict[str, State] = {}
    for frame in frames[: k + 1]:
        if frame.vertex:
            before = held.get(frame.vertex)
            count = before.of if before is not None else 0
            held[frame.vertex] = State(frame.gradient or (before.amount if before else None), count, count, True)
        for h in frame.handed:
            held[h.source] = State(h.total, h.count, h.of, False)
    return held


def frames(found: Trace) -> tuple[Frame, ...]:
    """The frames of a trace's backward pass. Raises ValueError for a trace without one."""
    if found.state not in ("own", "again", "recorded"):
        raise ValueError(WHY[found.state])
    handing = {v.id: [found.shown[e.source] for e in v.inputs if e.part is not None] for v in found.vertices}
    reached = set(chain(*handing.values()))
    visited = {v.id for v in found.vertices if v.kind != "data" and (v.gradient is not None or handing[v.id] or v.id in reached)}
    root = found.shown[found.root]
    visited.add(root)
    expected: dict[str, int] = {root: 1}
    values: dict[str, set[str]] = {root: {found.root}}  # of which each vertex gets gradients; those of several are no sum
    for v in found.vertices:
        for _, source, edge in _uses(found, v, visited):
            expected[source] = expected.get(source, 0) + 1
            values.setdefault(source, set()).add(edge.source)
    apart = {source for source, own in values.items() if len(own) > 1}
    named = Naming(found)
    start = found.by_id[found.root].gradient
    made = [_start(found, root, named, start)]
    sums: dict[str, tuple[int, Quantity | None]] = {root: (1, start)}
    for v in reversed(found.vertices):
        if v.id not in visited:
            continue
        arrived = v.gradient if v.id in apart else sums.pop(v.id, (0, None))[1]
        handed = []
        for k, source, edge in _uses(found, v, visited):
            count, total = sums.get(source, (0, None))
            part = edge.part
            total = None if source in apart else part if total is None else total if part is None else total + part
            sums[source] = (count + 1, total)
            told = amount(part)
            handed.append(
                Handed(source, k, edge.formula, edge.numbers, told, told if total is part else amount(total), count + 1, expected[source])
            )
        made.append(Frame(len(made), v.id, amount(v.gradient), named.sentence(v, handed, arrived), tuple(handed)))
    return tuple(made)


WHY = {
    "freed": "step: backward() has freed what the gradients between were computed from: step before it, or record it with viz.record()",
    "overwritten": "step: an in-place operation has overwritten what the gradients come from: step before it, or inside viz.record()",
    "none": "step: the output is no scalar, so no backward pass starts by itself: give gradient=",
}


def _uses(found: Trace, v: Vertex, visited: set[str]) -> list[tuple[int, str, Edge]]:
    """The inputs that v hands a gradient to: their places, what is seen of them, and the edges."""
    if v.id not in visited:
        return []
    several = lambda edge: found.by_id[edge.source].kind == "operation" and not found.by_id[edge.source].dtype
    handing = [(k, found.shown[e.source], e) for k, e in enumerate(v.inputs) if e.part is not None or several(e)]
    return [(k, source, e) for k, source, e in handing if source in visited]


def amount(quantity: Quantity | None) -> Amount | None:
    """A gradient in a few words; elements are written out where they are few."""
    if quantity is None:
        return None
    return Amount(quantity.written or quantity.text(), quantity.norm, quantity.shape)


def _start(found: Trace, root: str, named: Naming, gradient: Quantity | None) -> Frame:
    told = amount(gradient)
    says = f"The backward pass begins at {named.of(found.by_id[root])}" + (f", with the gradient {said(told)}." if told else ".")
    return Frame(0, "", None, (says,), (Handed(root, -1, "g", "", told, told, 1, 1),))


# ---------------------------------------------------------------------- in words


def said(told: Amount | None) -> str:
    """`6`, or `shape (5, 3), norm 0.013`."""
    if told is None:
        return "apart for each result"
    if not told.text.startswith("‖"):
        return told.text
    return f"shape {told.shape}, norm {number(told.norm)}" if told.shape else f"norm {number(told.norm)}"


def _alike(one: Quantity, other: Quantity) -> bool:
    """Whether two gradients are the same but for rounding: sums that were formed in another order are not the same to the bit."""
    a, b = one.array, other.array
    if a.shape != b.shape:
        return False
    if np.array_equal(a, b, equal_nan=True):
        return True
    wide = a.astype(np.result_type(a, np.float64)), b.astype(np.result_type(b, np.float64))
    rounding = float(np.finfo(b.dtype).eps) if b.dtype.kind in "fc" else 0.0
    size = max((abs(x[np.isfinite(x)]).max(initial=0.0) for x in wide), default=0.0)
    return bool(np.allclose(*wide, rtol=1e3 * rounding, atol=1e2 * rounding * size, equal_nan=True))


class Naming:
    """What sentences call the vertices of a trace."""

    def __init__(self, found: Trace) -> None:
        self.by_id = found.by_id
        self.paths = {call.id: call.path or call.label for call in found.calls}
        operations = Counter(v.operation for v in found.vertices if v.kind == "operation" and not v.name)
        self.alike = {operation for operation, times in operations.items() if times > 1}

    def of(self, v: Vertex) -> str:
        """Its name in the program, else its operation, and the module where several are alike."""
        if v.name:
            return v.name
        where = self.paths.get(v.scope or "", "") if v.operation in self.alike else ""
        return f"{v.operation} (in {where})" if where else v.operation

    def sentence(self, v: Vertex, handed: Sequence[Handed], arrived: Quantity | None) -> tuple[str, ...]:
        """One step in words: what is done, then one clause for each contribution."""
        name, opening = self.of(v), ""
        if v.gradient is not None and (arrived is None or not _alike(arrived, v.gradient)):
            opening = f"Hooks, or passes through what is not drawn, have made the gradient of {name} {said(amount(v.gradient))}. "
        if v.kind == "parameter":
            where = "its .grad" if re.search(r"[^\w.]", name) else f"{name}.grad"
            return (f"{opening}The gradient of {name} is complete: {said(amount(v.gradient))}. backward() adds it to {where}.",)
        if not handed and v.kind == "closed":
            return (f"{opening}{name} hands nothing on to what is outside of it: the gradients of what it holds are complete.",)
        if not handed:
            return (f"{opening}{name} hands nothing on: no gradient goes through it.",)
        doer = f"{v.operation} (which made {v.name})" if v.name and v.kind == "operation" else name
        return (f"{opening}{doer} hands", *(self.part(h) for h in handed))

    def part(self, h: Handed) -> str:
        """One contribution in words: `g · b to a: 2 · 3 = 6; a now has 1 of 2 parts`."""
        to = self.of(self.by_id[h.source])
        if h.part is None:
            return f"its gradient to {to}"
        result = said(h.part)
        few = h.numbers and h.numbers != result and not h.part.text.startswith("‖")
        rule = h.rule if len(h.rule) <= LONG else f"{h.rule[: LONG - 1]}…"
        text = f"{rule} to {to}: {f'{h.numbers} = {result}' if few else result}"
        if h.of == 1:
            return text
        whole = h.count == h.of
        so_far = "" if h.count == 1 or h.total is None else f", in sum {said(h.total)}"
        return f"{text}; {to} now has {f'all {h.of}' if whole else f'{h.count} of {h.of}'} parts{so_far}"
