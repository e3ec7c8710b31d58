"""Repeats: steps that follow each other with the same structure, an unrolled loop or equal blocks, get a call around them.

Operations and calls become integers (what is done, on which shapes, wired how inside); a repeat is a stretch of equal
integers, or of a period of them, in which each step is also wired to what comes before it as the step before was. Small
periods are found first and count as one thing from then on, so repeats of repeats are found too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .description import Call, Trace, Vertex

LEAST = 3  # steps that make a repeat
LONG = 9  # of steps that do not use each other's results, or are so small that equal ones come about by chance
ENOUGH = 12  # operations that hardly come about by chance
PERIODS = 16  # of these the most frequent distances between equal things are tried


@dataclass(eq=False, slots=True)
class Part:
    """What a level of the trace is made of: an operation, a call, or a repeat."""

    signature: int
    first: int  # the first operation in it, by place
    sources: list[int]  # operations outside that it uses, by place
    vertex: Vertex | None = None
    call: Call | None = None
    members: list[Part] = field(default_factory=list)  # of a call or a repeat
    period: int = 0  # of a repeat: how many members make a step


def rolled(found: Trace) -> Trace:
    """The trace with a call of kind "repeat" around each T unrolled steps or N equal blocks.

    A step that is not a single call or operation has a call of kind "step" around it. Steps at the ends that differ stay outside.
    """
    finder = _Finder(found)
    top = finder.level(None)
    calls: list[Call] = []
    scopes: dict[str, str | None] = {}
    repeats = 0
    todo: list[tuple[Part | Call, str | None]] = [(part, None) for part in reversed(top)]
    while todo:
        part, around = todo.pop()
        if isinstance(part, Call):  # a step
            calls.append(part)
            continue
        if part.vertex is not None:
            scopes[part.vertex.id] = around
        elif part.call is not None:
            calls.append(replace(part.call, parent=around))
            todo += [(inner, part.call.id) for inner in reversed(part.members)]
        else:
            repeats += 1
            repeat = f"repeat{repeats}"
            count = len(part.members) // part.period
            label, path = _called(part)
            calls.append(Call(repeat, label, around, "repeat", count, path))
            for step in range(count, 0, -1):
                inside = part.members[(step - 1) * part.period : step * part.period]
                home = repeat if part.period == 1 else f"{repeat}.{step}"
                todo += [(inner, home) for inner in reversed(inside)]
                if part.period > 1:
                    todo.append((Call(home, f"step {step}", repeat, "step"), repeat))
    vertices = tuple(v if scopes.get(v.id, v.scope) == v.scope else replace(v, scope=scopes[v.id]) for v in found.vertices)
    return replace(found, vertices=vertices, calls=tuple(calls))


def _called(repeat: Part) -> tuple[str, str]:
    """A repeat's label and path: `cell: LSTMCell`, `blocks: Block`, `step`."""
    calls = [part.call for part in repeat.members if part.call is not None]
    if repeat.period > 1 or not calls:
        return "step", ""
    label, path = calls[0].label, calls[0].path
    if any(call.label != label for call in calls):  # blocks.0, blocks.1 and so on
        name, _, kind = label.rpartition(": ")
        around = name.rpartition(".")[0]
        label = f"{around}: {kind}" if around else kind
    if any(call.path != path for call in calls):
        path = path.rpartition(".")[0]
    return label, path


class _Finder:
    """The work of one `rolled`."""

    def __init__(self, found: Trace) -> None:
        self.known: dict[Hashable, int] = {}
        self.plain: set[int] = set()  # signatures of calls in which nothing repeats
        self.levels: dict[str | None, list[Any]] = {None: []}  # of each call its members: parts, and calls by id until they are parts
        self.parts: dict[str, Part] = {}
        parents = {call.id: call.parent for call in found.calls}
        place = {v.id: k for k, v in enumerate(v for v in found.vertices if v.kind == "operation")}
        for v in found.vertices:
            if v.kind != "operation":
                continue
            used = [found.by_id[edge.source] for edge in v.inputs]
            given = tuple(["operation" if u.kind == "operation" else (u.kind, u.shape) for u in used])
            signature = self.number((v.operation.partition(" ")[0], v.shape, v.dtype, v.order, given))
            child: Any = Part(signature, place[v.id], [place[u.id] for u in used if u.kind == "operation"], v)
            at = v.scope
            while at not in self.levels:
                assert at is not None
                self.levels[at] = [child]
                child, at = at, parents[at]
            self.levels[at].append(child)
        for call in reversed(found.calls):  # the innermost first
            if call.id in self.levels:
                self.parts[call.id] = self.part_of(call)

    def number(self, key: Hashable) -> int:
        return self.known.setdefault(key, len(self.known))

    def part_of(self, call: Call) -> Part:
        """A call as a part of the level around it."""
        members = [part if isinstance(part, Part) else self.parts[part] for part in self.levels[call.id]]
        first = members[0].first
        inside = tuple([(part.signature, tuple([max(s - first, -1) for s in part.sources])) for part in members])
        signature = self.number((call.kind, call.label.rpartition(": ")[2], inside))
        outside = [s for part in members for s in part.sources if s < first]
        if signature not in self.plain:
            count = len(members)
            members = self.with_repeats(members)
            if len(members) == count:
                self.plain.add(signature)
        return Part(signature, first, outside, call=call, members=members)

    def level(self, call: str | None) -> list[Part]:
        """The members of a level, repeats among them."""
        return self.with_repeats([part if isinstance(part, Part) else self.parts[part] for part in self.levels[call]])

    def with_repeats(self, members: list[Part]) -> list[Part]:
        """The members of a level with its repeats in place of what they hold."""
        while stretches := sorted(_stretches(members)):
            shorter: list[Part] = []
            done = 0
            for start, stop, period in stretches:
                shorter += members[done:start]
                shorter.append(self.repeat(members[start:stop], period))
                done = stop
            members = shorter + members[done:]
        return members

    def repeat(self, members: list[Part], period: int) -> Part:
        first = members[0].first
        signature = self.number(("repeat", len(members) // period, *(part.signature for part in members[:period])))
        outside = [s for part in members for s in part.sources if s < first]
        return Part(signature, first, outside, members=members, period=period)


# ---------------------------------------------------------------------- what repeats in a row of parts


def _stretches(members: Sequence[Part]) -> Iterator[tuple[int, int, int]]:
    """The repeats in a row, as (start, stop, period), small periods first; they do not overlap."""
    signatures = np.fromiter((part.signature for part in members), np.int64, len(members))
    if len(members) < LEAST or len(set(signatures.tolist())) > len(members) - LEAST + 1:
        return
    taken = np.zeros(len(members), bool)
    for period in _periods(signatures):
        again = signatures[period:] == signatures[:-period]
        for start, stop in _true(again & ~taken[period:] & ~taken[:-period]):
            if stop - start < period * (LEAST - 1):
                continue
            wired = [_wired_as(members[k], members[k + period], members[start].first) for k in range(start, stop)]
            for low, high in _true(np.array(wired)):
                begin, count, chained = _phase(members, start + low, start + high + period, period)
                few = chained and (period * count >= ENOUGH or members[begin].vertex is None)
                if count >= (LEAST if few else LONG):
                    end = begin + count * period
                    taken[begin:end] = True
                    yield begin, end, period


def _periods(signatures: Any) -> list[int]:
    """Distances at which things come again, one by one or in rows of two, four and eight; the smallest first."""
    found: set[int] = set()
    keys = signatures
    for width in (1, 2, 4, 8):
        order = np.argsort(keys, kind="stable")
        near = np.diff(order)[keys[order][1:] == keys[order][:-1]]
        counts = np.bincount(near, minlength=1)
        often = np.argsort(-counts, kind="stable")[:PERIODS]
        found.update(int(p) for p in often if counts[p] > 1)
        if len(keys) <= 2 * width:
            break
        pairs = keys[:-width] * (int(keys.max()) + 1) + keys[width:]
        keys = np.unique(pairs, return_inverse=True)[1].ravel()
    return sorted(found)


def _true(flags: Any) -> list[tuple[int, int]]:
    """Where flags are true, as (start, stop)."""
    changes = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))


def _wired_as(before: Part, after: Part, start: int) -> bool:
    """Whether a part uses the same of its own step as the one a step earlier did, or what is older than the repeat."""
    stride = after.first - before.first
    older = lambda a, b: a < start and (b < start or b - stride < start)
    return all(b - a == stride or older(a, b) for a, b in zip(before.sources, after.sources, strict=True))


def _phase(members: Sequence[Part], start: int, stop: int, period: int) -> tuple[int, int, bool]:
    """Where the first step begins, how many there are, and whether they use each other's results.

    A step begins where fewest values cross from one to the next.
    """
    firsts = [part.first for part in members[start:stop]]
    reach: dict[tuple[int, int], int] = {}  # of each value, by its place in the step, how far on it is used
    for k in range(len(firsts) - period, len(firsts)):
        for source in members[start + k].sources:
            if source >= firsts[0]:
                at = bisect_right(firsts, source) - 1
                value = (at % period, source - firsts[at])
                reach[value] = max(reach.get(value, 0), k - at)
    crossing = [0] * period
    for (at, _), far in reach.items():
        for k in range(min(far, period)):
            crossing[(at + 1 + k) % period] += 1
    count = len(firsts) // period
    begin = min(range(min(period, len(firsts) - period * (count - 1))), key=lambda k: (crossing[k], -((len(firsts) - k) // period), -k))
    return start + begin, (len(firsts) - begin) // period, crossing[begin] > 0
