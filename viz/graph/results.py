"""Operations with several results, as a chain rule goes through them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from .description import Edge, Trace, Vertex


def whole_of(found: Trace, v: Vertex) -> Vertex | None:
    """The operation that this is one of several results of, if it is one."""
    source = found.by_id[v.inputs[0].source] if len(v.inputs) == 1 else None
    return source if source is not None and source.kind == "operation" and not source.dtype else None  # that has no one dtype


def results_of(found: Trace, used: Collection[str]) -> dict[str, list[Vertex]]:
    """For each operation with several results (of which `used`, by id, are looked at): those that are used."""
    results: dict[str, list[Vertex]] = {}
    for v in found.vertices:
        if (whole := whole_of(found, v)) is not None and whole.id in used:
            results.setdefault(whole.id, []).append(v)
    return results


def by_result(found: Trace, used: Collection[str], *, apart: bool = False) -> Trace:
    """The trace where an operation of whose results one is used hands back from there to what it was given; with `apart` each does.

    What each of several results hands back by itself was not told apart in the pass: that have only the rules to say.
    """
    results = results_of(found, used)
    wholes = {whole for whole, several in results.items() if apart or len(several) == 1}
    vertices = []
    for v in found.vertices:
        call = whole_of(found, v)
        if call is not None and call.id in wholes:
            edges = tuple(_edge(v, e, len(results[call.id]) == 1) for e in call.inputs if e.source in used)
            vertices.append(replace(v, operation=call.operation, inputs=edges))
        elif v.id not in wholes:
            vertices.append(v)
    return replace(found, vertices=tuple(vertices))


@dataclass(frozen=True, slots=True)
class Through:
    """The rule from one result straight to an argument."""

    result: Edge  # from the result to the operation
    argument: Edge  # from the operation to the argument

    def told(self) -> tuple[str, tuple[str, ...]]:
        return self.argument.formula, self.argument.meanings

    def numbers(self) -> str:
        return self.argument.numbers

    def kept(self) -> bool:
        return self.result.pull is not None and self.argument.pull is not None

    def pull(self, gradient: Any) -> Any:
        return _then(self.result.pull, self.argument.pull, gradient)

    def push(self, change: Any) -> Any:
        return _then(self.argument.push, self.result.push, change)


def _then(first: Any, second: Any, value: Any) -> Any:
    between = first(value)
    return None if between is None else second(between)


def _edge(result: Vertex, edge: Edge, alone: bool) -> Edge:
    """The use of an argument by one result."""
    return Edge(edge.source, edge.argument, part=edge.part if alone else None, rule=Through(result.inputs[0], edge))
