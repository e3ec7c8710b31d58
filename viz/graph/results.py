"""Operations with several results as one operation for each result, which is how a chain rule goes through them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from .description import Edge, Quantity, Trace, Vertex


def by_result(found: Trace, used: Collection[str], pulls: bool) -> Trace:
    """The trace where each result hands back to what the operation was given (of which `used`, by id, are looked at).

    What each of several results hands back was not told apart in the pass: it is asked of the rules, if `pulls` allows that;
    else such an operation stays as it is.
    """
    results: dict[str, list[Vertex]] = {}
    for v in found.vertices:
        if v.operation.startswith("result ") and len(v.inputs) == 1 and v.inputs[0].source in used:
            results.setdefault(v.inputs[0].source, []).append(v)
    alone = {whole: len(several) == 1 for whole, several in results.items() if len(several) == 1 or pulls}
    vertices = []
    for v in found.vertices:
        whole = v.inputs[0].source if v.operation.startswith("result ") and v.inputs else ""
        if whole in alone:
            call = found.by_id[whole]
            edges = tuple(_edge(v, e, alone[whole]) for e in call.inputs if e.source in used)
            vertices.append(replace(v, operation=call.operation, inputs=edges))
        elif v.id not in alone:
            vertices.append(v)
    return replace(found, vertices=tuple(vertices))


@dataclass(frozen=True, slots=True)
class Through:
    """The rule from one result straight to an argument."""

    result: Edge  # from the result to the operation
    argument: Edge  # from the operation to the argument

    def formula(self) -> str:
        return self.argument.formula

    def meanings(self) -> tuple[str, ...]:
        return self.argument.meanings

    def numbers(self) -> str:
        return self.argument.numbers

    def kept(self) -> bool:
        return self.result.pull is not None and self.argument.pull is not None

    def pull(self, gradient: Any) -> Any:
        first, then = self.result.pull, self.argument.pull
        assert first is not None
        assert then is not None
        return then(first(gradient))


def _edge(result: Vertex, edge: Edge, alone: bool) -> Edge:
    """The use of an argument by one result."""
    rule = Through(result.inputs[0], edge)
    part = edge.part
    if not alone:
        part = Quantity(rule.pull(result.gradient.array)) if rule.kept() and result.gradient is not None else None
    return Edge(edge.source, edge.argument, part=part, rule=rule)
