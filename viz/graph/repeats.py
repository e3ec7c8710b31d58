"""Repeats: steps that follow each other with the same structure, an unrolled loop or equal blocks, get a call around them.

Operations and calls become integers (what is done, on which shapes, wired how inside); a repeat is a stretch of equal
integers, or of a period of them, in which each step is also wired to what comes before it as the step before was. The steps at
its ends may lack a little. Small periods are found first and count as one thing from then on, so repeats of repeats are found too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from .description import Call, Trace, Vertex
from .ends import Values, joined
from .rows import DATA, LEAST, LONG, Part, Stretch, periods, stretches


def rolled(found: Trace) -> Trace:
    """The trace with a call of kind "repeat" around each T unrolled steps or N equal blocks.

    A step that is not a single call or operation has a call of kind "step" around it. The first step may have been given data
    where the others are given results, and lack what that makes superfluous; the last one may lack what nobody uses.
    """
    finder = _Finder(found)
    top = finder.with_repeats(finder.members(None))
    calls: list[Call] = []
    scopes: dict[str, str | None] = {}
    repeats = 0
    todo: list[tuple[Part | Call, str | None]] = [(part, None) for part in reversed(top)]
    while todo:
        part, around = todo.pop()
        if isinstance(part, Call):  # a step
            calls.append(part)
        elif part.vertex is not None:
            scopes[part.vertex.id] = around
            scopes.update((result.id, around) for result in part.results)
        elif part.call is not None:
            calls.append(replace(part.call, parent=around))
            todo += [(inner, part.call.id) for inner in reversed(part.members)]
        else:
            repeats += 1
            repeat = f"repeat{repeats}"
            alone = all(len(step) == 1 and not step[0].results for step in part.steps)
            label, path = _called([step[0] for step in part.steps] if alone else [])
            calls.append(Call(repeat, label, around, "repeat", len(part.steps), path))
            for k, step in reversed(list(enumerate(part.steps, 1))):
                home = repeat if alone else f"{repeat}.{k}"
                todo += [(inner, home) for inner in reversed(step)]
                if not alone:
                    todo.append((Call(home, f"step {k}", repeat, "step"), repeat))
    vertices = tuple(v if scopes.get(v.id, v.scope) == v.scope else _moved(v, scopes[v.id]) for v in found.vertices)
    return replace(found, vertices=vertices, calls=tuple(calls))


def _moved(v: Vertex, scope: str | None) -> Vertex:
    return Vertex(**{**vars(v), "scope": scope})  # what replace() does, in half the time


def _called(steps: Sequence[Part]) -> tuple[str, str]:
    """A repeat's label and path, by the calls that are its steps: `cell: LSTMCell`, `blocks: Block`, `step`."""
    calls = [part.call for part in steps if part.call is not None]
    if not calls:
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
        self.levels: dict[str | None, list[Part | str]] = {None: []}  # members of each call: parts, and ids of calls
        self.parts: dict[str, Part] = {}
        places, width = _places(found)
        shapes = {places[v.id]: v.shape for v in found.vertices if v.kind == "parameter"}
        last_use: dict[int, int] = {}
        parents = {call.id: call.parent for call in found.calls}
        for part, scope in self.operations(found, places, width):
            for source in part.sources:
                last_use[source] = part.first
            child: Part | str = part
            while scope not in self.levels:
                assert scope is not None
                self.levels[scope] = [child]
                child, scope = scope, parents[scope]
            self.levels[scope].append(child)
        last_use[places[found.root]] = width * len(places)
        self.values = Values(shapes, last_use, width)
        for call in reversed(found.calls):  # the innermost first
            if call.id in self.levels:
                self.parts[call.id] = self.part_of(call)

    def number(self, key: Hashable) -> int:
        return self.known.setdefault(key, len(self.known))

    def operations(self, found: Trace, places: dict[str, int], width: int) -> Iterator[tuple[Part, str | None]]:
        """Each operation with its results as a part, and its scope. Equal ones have the same arguments: numbers count as data."""
        results: dict[int, list[Vertex]] = {}
        for v in found.vertices:
            if v.kind == "operation" and places[v.id] % width:
                results.setdefault(places[v.id] // width, []).append(v)
        operations = [v for v in found.vertices if v.kind == "operation" and not places[v.id] % width]
        keys = []
        for k, v in enumerate(operations):
            made = results[k][0] if k in results else v
            signature = self.number((v.operation.partition(" ")[0], made.shape, made.dtype, v.order))
            arguments = tuple([edge.argument for edge in v.inputs])
            keys.append((signature, arguments))
        orders: dict[int, dict[str, None]] = {}
        for signature, arguments in sorted(dict.fromkeys(keys), key=lambda key: -len(key[1])):
            orders.setdefault(signature, {}).update(dict.fromkeys(arguments))
        for k, (v, (signature, arguments)) in enumerate(zip(operations, keys, strict=True)):
            sources = [places[edge.source] for edge in v.inputs]
            if len(sources) < len(orders[signature]):
                given = dict(zip(arguments, sources, strict=True))
                sources = [given.get(argument, DATA) for argument in orders[signature]]
            yield Part(signature, places[v.id], sources, v, tuple(results.get(k, ()))), v.scope

    def part_of(self, call: Call) -> Part:
        """A call as a part of the level around it."""
        members = self.members(call.id)
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

    def members(self, call: str | None) -> list[Part]:
        return [part if isinstance(part, Part) else self.parts[part] for part in self.levels[call]]

    def with_repeats(self, members: list[Part]) -> list[Part]:
        """The members of a level with its repeats in place of what they hold."""
        while repeats := sorted(self.repeats(members)):
            shorter: list[Part] = []
            done = 0
            for steps in repeats:
                shorter += members[done : steps[0]]
                shorter.append(self.repeat([members[start:stop] for start, stop in pairwise(steps)]))
                done = steps[-1]
            members = shorter + members[done:]
        return members

    def repeats(self, row: list[Part]) -> Iterator[list[int]]:
        """The repeats in a row, as where their steps start and the last one stops; they do not overlap."""
        signatures = np.fromiter((part.signature for part in row), np.int64, len(row))
        if len(row) < LEAST or len(set(signatures.tolist())) == len(row):
            return
        taken = np.zeros(len(row), bool)
        few: list[Stretch] = []  # two equal steps, which are a repeat only if one more joins them
        for period in periods(row, signatures):
            for found in stretches(row, signatures, period, taken, self.values.shapes):
                tells = found.tells(row)
                if tells and found.count < LEAST:
                    few.append(found)
                elif tells or found.count >= LONG:
                    steps = joined(row, found, taken, self.values) if tells else found.steps()
                    taken[steps[0] : steps[-1]] = True
                    yield steps
        for found in few:
            if not taken[found.begin : found.end].any():
                steps = joined(row, found, taken, self.values)
                if len(steps) > LEAST:
                    taken[steps[0] : steps[-1]] = True
                    yield steps

    def repeat(self, steps: list[list[Part]]) -> Part:
        first = steps[0][0].first
        outside = [s for step in steps for part in step for s in part.sources if s < first]
        inside = tuple([tuple([part.signature for part in step]) for step in (steps[0], steps[1], steps[-1])])
        return Part(self.number(("repeat", len(steps), len(outside), inside)), first, outside, steps=steps)


def _places(found: Trace) -> tuple[dict[str, int], int]:
    """For each vertex a number, and how far apart operations are.

    Operations are numbered in order, the results of one right after it, so that it makes no difference which of them are used;
    leaves have negative numbers, each its own.
    """
    several = {v.id for v in found.vertices if v.kind == "operation" and not v.dtype}
    texts = [v.operation for v in found.vertices if v.inputs and v.inputs[0].source in several]
    which = {text: k for k, text in enumerate(dict.fromkeys(texts), 1)}
    width = len(which) + 1
    places: dict[str, int] = {}
    operations = leaves = 0
    for v in found.vertices:
        if v.kind == "data":
            places[v.id] = DATA
        elif v.kind == "parameter":
            leaves += 1
            places[v.id] = DATA - leaves
        elif v.inputs and v.inputs[0].source in several:
            places[v.id] = places[v.inputs[0].source] + which[v.operation]
        else:
            places[v.id] = width * operations
            operations += 1
    return places, width
