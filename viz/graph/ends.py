"""The steps at the ends of a repeat: like the others, but for what is superfluous in the first, or what nobody uses of the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from .rows import DATA, Part, Stretch


@dataclass(frozen=True)
class Values:
    """What is known of values, by their numbers."""

    shapes: Mapping[int, Any]  # of leaves
    last_use: Mapping[int, int]  # the operation that uses it last
    width: int  # how far apart operations are, for the results of each to have numbers as well


def joined(row: Sequence[Part], found: Stretch, taken: Any, values: Values) -> list[int]:
    """Where the steps of a stretch start and the last one stops, with those that are before and after it and not `taken`.

    What is before or after is a step if it has at least half of the operations, in the same order, and is wired to the steps as
    they are to each other. What the first step lacks uses what it does not get, has no parameters that are its own, and hands on
    another input, or is replaced by something given. What the last one lacks nobody uses, or something given instead, and it hands
    on nothing more.
    """
    steps = found.steps()
    before = range(found.begin - 1, max(found.begin - found.period, 0) - 1, -1)
    after = range(found.end, min(found.end + found.period, len(row)))
    near, next_to = ([row[k] for k in takewhile(lambda k: not taken[k], places)] for places in (before, after))
    first = _first(found.step(row, 0), found.step(row, 1), near, values)
    last = _last(found.step(row, -1), found.step(row, -2), next_to, values, row[found.begin].first)
    return [found.begin - first] * (first > 0) + steps + [found.end + last] * (last > 0)


def _first(step: Sequence[Part], following: Sequence[Part], near: Sequence[Part], values: Values) -> int:
    """How many parts before a step, the nearest first, are a step as well."""
    alike = _alike(step[::-1], near)
    if not alike or any(source < DATA for part in step if part not in alike for source in part.sources):
        return 0
    start = near[len(alike) - 1].first
    pairing = _Pairing(step, following, start, values, initial=True)
    if not pairing.pair(alike):
        return 0
    handed_on = [(x, y) for part in pairing.ours for x, y in pairing.sources(part) if y in pairing.stands]
    good = all(x in pairing.stands[y] or (DATA in pairing.stands[y] and x < start) for x, y in handed_on)
    return len(alike) if good and any(x >= start for x, _ in handed_on) else 0


def _last(step: Sequence[Part], previous: Sequence[Part], near: Sequence[Part], values: Values, start: int) -> int:
    """How many parts after a step, the nearest first, are a step as well; what is older than `start` is given."""
    alike = _alike(step, near)
    if not alike:
        return 0
    pairing = _Pairing(step, previous, start, values, initial=False)
    for before, one in zip(_operations(previous), pairing.ours, strict=True):
        pairing.stand(before, one)
    if not pairing.pair(alike):
        return 0
    if len(pairing.pairs) < len(pairing.ours):
        ends = pairing.ours[-1].first, pairing.pairs[-1][1].first
        for one, other in pairing.pairs:
            for k in range(values.width):
                if values.last_use.get(other.first + k, 0) > ends[1] and values.last_use.get(one.first + k, 0) <= ends[0]:
                    return 0
    return len(alike)


class _Pairing:
    """The operations of a step, in pairs with those of another that do the same with what stands for the same.

    `beside` is an equal step next to it, `start` the first operation of what is not given from outside; `initial` is whether
    what the step gets from an earlier one may be given to the other.
    """

    def __init__(self, step: Sequence[Part], beside: Sequence[Part], start: int, values: Values, *, initial: bool) -> None:
        self.ours = _operations(step)
        self.beside = dict(zip((part.first for part in self.ours), _operations(beside), strict=True))
        self.start, self.values, self.initial = start, values, initial
        self.step = step
        self.pairs: list[tuple[Part, Part]] = []
        self.stands: dict[int, set[int]] = {}  # for values what can stand for them; DATA is whatever is given
        self.alone: dict[int, Part] = {}  # operations of the other step that have no partner
        self.own = any(x < DATA and x != y for one in self.ours for x, y in self.sources(one))  # has each step parameters of its own?

    def sources(self, one: Part) -> Iterable[tuple[int, int]]:
        """What an operation uses, and what its equal does in the step beside."""
        return zip(one.sources, self.beside[one.first].sources, strict=True)

    def pair(self, alike: Mapping[Part, Part]) -> bool:
        """Whether the operations of parts that are alike can be paired, and make half of both steps."""
        most = 0
        for part in self.step:
            ours = _operations([part])
            theirs = _operations([alike[part]]) if part in alike else []
            self.alone.update((other.first, other) for other in theirs)
            most += max(len(ours), len(theirs))
            spare = len(theirs) - len(ours)  # what may be skipped: of theirs, or if negative of ours
            at = 0
            for one in ours:
                same = next((k for k in range(at, min(at + max(spare, 0) + 1, len(theirs))) if self.fits(one, theirs[k])), None)
                if same is None and (spare >= 0 or (self.initial and not self.superfluous(one))):
                    return False
                if same is None:
                    spare += 1
                    self.stand(one, None)
                else:
                    spare -= same - at
                    at = same + 1
                    self.stand(one, theirs[same])
                    self.pairs.append((one, theirs[same]))
                    del self.alone[theirs[same].first]
        return 2 * len(self.pairs) >= most and not (self.initial and any(map(self.of_own, self.alone.values())))

    def superfluous(self, one: Part) -> bool:
        """Whether the other step may lack an operation for what it is given instead."""
        return not self.of_own(one) and any(x >= DATA and DATA in self.stands.get(x, {DATA}) for x in one.sources)

    def of_own(self, one: Part) -> bool:
        """Whether an operation has parameters, as each step has its own: without it a step would be something else."""
        return self.own and any(x < DATA for x in one.sources)

    def stand(self, one: Part, other: Part | None) -> None:
        """Note what stands for the results of an operation: those of the other; without one what is given, or handed on."""
        through = {DATA}.union(*(self.stands.get(source, ()) for source in one.sources if self.initial))
        for k in range(self.values.width):
            self.stands[one.first + k] = through if other is None else {other.first + k}

    def fits(self, one: Part, other: Part) -> bool:
        """Whether another operation does the same with what stands for the same."""
        return one.signature == other.signature and all(
            self.stands_for(x, y, z) for (x, y), z in zip(self.sources(one), other.sources, strict=True)
        )

    def stands_for(self, x: int, y: int, z: int) -> bool:
        """Whether z stands for x, for which y stands in the step beside."""
        if x < DATA:
            return z < DATA and self.values.shapes[x] == self.values.shapes[z] and (x == z) == (x == y)
        given = DATA <= z < self.start or z - z % self.values.width in self.alone
        if x in self.stands:
            return z in self.stands[x] or (DATA in self.stands[x] and given)
        return given or (z < DATA and self.initial and y - y % self.values.width in self.beside)


def _alike(step: Iterable[Part], near: Sequence[Part]) -> dict[Part, Part]:
    """For parts of a step those nearby, in the same order, that do the same or are calls of one class."""
    alike: dict[Part, Part] = {}
    for part in step:
        other = near[len(alike)] if len(alike) < len(near) else None
        if other is not None and (part.signature == other.signature or (part.call is not None and _kind(part) == _kind(other))):
            alike[part] = other
    return alike


def _kind(part: Part) -> tuple[str, str] | None:
    return None if part.call is None else (part.call.kind, part.call.label.rpartition(": ")[2])


def _operations(parts: Iterable[Part]) -> list[Part]:
    """The operations in parts, in their order."""
    found: list[Part] = []
    todo = list(parts)[::-1]
    while todo:
        part = todo.pop()
        if part.vertex is not None:
            found.append(part)
        else:
            todo += reversed(part.members)
            todo += [inner for step in reversed(part.steps) for inner in reversed(step)]
    return found
