"""What repeats in a row of parts: stretches of equal ones, or of a period of them, each wired as the one before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from .description import Call, Vertex

LEAST = 3  # steps that make a repeat
LONG = 9  # of steps that do not use each other's results, or are so small that equal ones come about by chance
ENOUGH = 12  # operations that hardly come about by chance
PERIODS = 16  # of these the most frequent distances between equal things are tried
DATA = -1  # in place of an operation that is used: data or a number; leaves are below it


@dataclass(eq=False, slots=True)
class Part:
    """What a level of a trace is made of: an operation, a call, or a repeat."""

    signature: int
    first: int  # the first operation in it, by place
    sources: list[int]  # what it uses from outside: operations by place, DATA, and leaves
    vertex: Vertex | None = None
    results: tuple[Vertex, ...] = ()  # of an operation that has several
    call: Call | None = None
    members: Sequence[Part] = ()  # of a call
    steps: Sequence[Sequence[Part]] = ()  # of a repeat


@dataclass(frozen=True, slots=True)
class Stretch:
    """Equal steps that follow each other in a row of parts."""

    begin: int
    count: int
    period: int  # how many parts make a step
    chained: bool  # do the steps use each other's results?

    @property
    def end(self) -> int:
        return self.begin + self.count * self.period

    def steps(self) -> list[int]:
        """Where the steps start, and the last one stops."""
        return list(range(self.begin, self.end + 1, self.period))

    def step(self, row: Sequence[Part], k: int) -> Sequence[Part]:
        """The parts of step k, from the last one backwards where that is negative."""
        at = (self.begin if k >= 0 else self.end) + k * self.period
        return row[at : at + self.period]

    def tells(self, row: Sequence[Part]) -> bool:
        """Whether steps so few can be no chance: chained, and calls, or many operations."""
        return self.chained and (self.period * self.count >= ENOUGH or any(part.vertex is None for part in self.step(row, 0)))


def periods(row: Sequence[Part], signatures: Any) -> list[int]:
    """Distances at which things come again, one by one or in rows of two, four and eight, or with the same leaves; the smallest first."""
    found: set[int] = set()
    keys = signatures
    for width in (1, 2, 4, 8):
        found |= _distances(keys, np.arange(len(keys)))
        if len(keys) <= 2 * width:
            break
        pairs = keys[:-width] * (int(keys.max()) + 1) + keys[width:]
        keys = np.unique(pairs, return_inverse=True)[1].ravel()
    sources = np.fromiter(chain.from_iterable([part.sources for part in row]), np.int64)
    at = np.repeat(np.arange(len(row)), [len(part.sources) for part in row])[sources < DATA]
    return sorted(found | _distances(sources[sources < DATA], at))


def _distances(keys: Any, at: Any) -> set[int]:
    """How far apart things with the same key stand, if that is often so."""
    order = np.argsort(keys, kind="stable")
    near = np.diff(at[order])[keys[order][1:] == keys[order][:-1]]
    counts = np.bincount(near, minlength=1)
    often = np.argsort(-counts, kind="stable")[:PERIODS]
    return {int(p) for p in often if p and counts[p]}


def stretches(row: Sequence[Part], signatures: Any, period: int, taken: Any, shapes: Mapping[int, Any]) -> Iterator[Stretch]:
    """Stretches of at least two steps of this many parts each, none of them `taken` (which may change on the way).

    `shapes` are those of leaves.
    """
    again = signatures[period:] == signatures[:-period]
    shortest = max(period, 1 if any(part.vertex is None for part in row) else LONG - period)
    for start, stop in _true(again & ~taken[period:] & ~taken[:-period]):
        if stop - start < shortest:
            continue
        for low, high in _wired_alike(row, start, stop, period, taken, shapes):
            if high - low >= period:
                yield _phase(row, low, high + period, period)


def _true(flags: Any) -> list[tuple[int, int]]:
    """Where flags are true, as (start, stop)."""
    changes = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))


def _wired_alike(
    row: Sequence[Part], start: int, stop: int, period: int, taken: Any, shapes: Mapping[int, Any]
) -> Iterator[tuple[int, int]]:
    """Where parts are wired as the ones a period later are, taking what is older than the first of them for given."""
    low = _free(taken, start, stop)
    older = row[start].first
    calls = any(part.vertex is None for part in row[start:stop])  # without any, what is older than some of the row comes about by chance
    apart: dict[int, dict[int, int]] = {}
    given: list[tuple[int, int]] = []  # where a leaf stands for what later steps hand on, and the latest part to begin with
    for k in range(start, stop):
        if k < low:
            continue
        begin = low
        wired = _wired_as(row[k], row[k + period], older, shapes)
        if wired is None:
            begin = k + 1
        else:
            since, until, far = wired
            if since > older and not calls:
                begin = k + 1
            while begin <= k and row[begin].first < since:
                begin += 1
            if far:
                apart[k] = far
                before = apart.get(k - period, {}) if k - period >= begin else {}
                if any(before.get(at, here) != here for at, here in far.items()):
                    begin = k
            if until is not None:
                given.append((k, until))
            if begin > low or until is not None:
                begin = max([begin, *(at + 1 for at, until in given if at >= begin and row[begin].first > until)])
        if begin > low:
            yield low, k
            low = _free(taken, begin, stop)
            given = [(at, until) for at, until in given if at >= low]
    yield low, stop


def _free(taken: Any, start: int, stop: int) -> int:
    """The first part from `start` on that is not taken."""
    while start < stop and taken[start]:
        start += 1
    return start


def _wired_as(before: Part, after: Part, older: int, shapes: Mapping[int, Any]) -> tuple[int, int | None, dict[int, int]] | None:
    """How a part must be placed for the one a step later to be wired alike; None if that is not so anywhere.

    They use the same of their own step, or what is given from outside, or what the first step was given and the next one gets
    from the first: the repeat begins with an operation since, and until, these. And how far apart is, by argument, what both
    are given, unless it is older than all that might repeat: that stays the same, for leaves at least whether it is nothing.
    """
    stride = after.first - before.first
    since, until = 0, None
    apart = {}
    for at, (a, b) in enumerate(zip(before.sources, after.sources, strict=True)):
        if a < DATA and b < DATA and shapes[a] == shapes[b]:
            apart[at] = int(a != b)
        elif b < DATA:
            return None
        elif a < DATA:
            since, until = max(since, b - stride + 1), b if until is None else min(b, until)
        elif a == DATA or b - a != stride:
            since = max(since, max(a, b - stride) + 1)
            if a != DATA != b and max(a, b) >= older:
                apart[at] = b - a
    return since, until, apart


def _phase(row: Sequence[Part], start: int, stop: int, period: int) -> Stretch:
    """Where steps begin in what repeats: with its first part if they fill it, else where fewest values cross from one to the next."""
    firsts = [part.first for part in row[start:stop]]
    reach: dict[tuple[int, int], int] = {}  # of each value, by its place in the step, how far on it is used
    for k in range(len(firsts) - period, len(firsts)):
        for source in row[start + k].sources:
            if source >= firsts[0]:
                at = bisect_right(firsts, source) - 1
                value = (at % period, source - firsts[at])
                reach[value] = max(reach.get(value, 0), k - at)
    crossing = [0] * period
    for (at, _), far in reach.items():
        for k in range(min(far, period)):
            crossing[(at + 1 + k) % period] += 1
    length = len(firsts)
    begin = min(range(min(period, length - 2 * period + 1)), key=crossing.__getitem__) if length % period else 0
    return Stretch(start + begin, (length - begin) // period, period, crossing[begin] > 0)
