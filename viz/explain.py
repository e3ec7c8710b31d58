"""`explain(loss, w)`: the chain rule of one parameter, in formulas and numbers.

The gradient is a sum over all paths from the loss to the parameter, each a product of local derivatives. Few paths are written
out one by one; many are factored where they part and meet.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core.graph import Node, ancestors
from autograd_core.random import fork_rng
from autograd_core.tensor import Tensor, current_node
from nn import Module

from .derivation import remarks
from .derivation.elements import Result, Used, Uses, uses
from .derivation.elements_written import in_one_line, index_text
from .derivation.explanation import Explanation
from .derivation.factoring import Bracket, Equation, Part, Step, Term, let_go
from .derivation.highlight import highlighted
from .derivation.paths import Chain, Paths, Use
from .graph.called import called, tidy
from .graph.collector import paused
from .graph.description import Edge, Quantity, Trace, Vertex
from .graph.names import Names, caller
from .graph.opening import Opens
from .graph.results import by_result, results_of
from .graph.trace import trace
from .record import Run, array

STEPS = 40  # that all paths together may have to be written out one by one


def explain(
    output: Tensor,
    parameter: Tensor,
    index: int | Sequence[int] | None = None,
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    gradient: Any = None,
    open: Opens = None,
    max_paths: int = 8,
) -> Explanation:
    """The chain rule of ∂output/∂parameter, with the numbers; of one element of the parameter if `index` is given.

    Up to `max_paths` paths are written out one by one, unless they are long; more are factored. Numbers are those of `run` (see
    `viz.record`) if that was one pass from this output and `gradient`, with what hooks did; else of a pass made for looking, without
    hooks. `gradient` starts a pass of a tensor that is not a scalar. Where the graph was freed or overwritten and nothing recorded,
    there are formulas only. Raises TypeError or ValueError when there is no path, ShapeError when `gradient` does not fit, IndexError
    when the index does not.
    """
    for what, tensor in (("output", output), ("parameter", parameter)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"explain: {what} must be a Tensor, got {'None' if tensor is None else 'a ' + type(tensor).__name__}")
        current_node(tensor)  # a view of what was rewritten since has its node made again
    known = Names(output, names, caller())
    if output.node is None or parameter.node is None:
        raise ValueError("explain: both tensors must require grad; was the output made inside no_grad()?")
    if output.array.size != 1 and gradient is None:
        shape = tuple(output.shape)
        raise ValueError(f"explain: needs a scalar to differentiate, not shape {shape}; reduce it, e.g. with .sum(), or give gradient=")
    order = ancestors([output.node])[::-1]
    place = _checked(index, parameter.array.shape)
    recorded = run is not None and _is_pass_of(run, output.node, order, parameter.node, gradient)
    with paused(), fork_rng():  # rules may draw
        found = trace(output, known, run if recorded else None, gradient, open)
        if parameter.node not in order:
            ends = known.of(parameter.node) or "the parameter", known.of(output.node) or "the output"
            raise ValueError(remarks.no_path(found, parameter, *ends))
        return _Explainer(found, f"v{order.index(parameter.node)}", parameter, place).explanation(max_paths)


def _checked(index: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The place of one element. Raises IndexError for what names none."""
    if index is None:
        return None
    place = tuple(index) if isinstance(index, Sequence) else (index,)
    whole = all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in place)
    if not whole or len(place) != len(shape) or not all(-n <= i < n for i, n in zip(place, shape, strict=True)):
        raise IndexError(f"explain: index {index!r} does not name one element of a parameter of shape {shape}")
    return tuple(int(i) for i in place)


def _is_pass_of(run: Any, root: Node, order: list[Node], goal: Node, gradient: Any) -> bool:
    """Whether a recorded run is one backward pass that started at this very output, with this gradient."""
    if not isinstance(run, Run):
        raise TypeError(f"viz: run must be what viz.record() gives, got a {type(run).__name__}")
    start = run.gradients.get(root)
    wanted = np.asarray(1 if gradient is None else array(gradient), root.dtype)
    alike = start is not None and wanted.shape in ((), start.shape) and bool(np.all(start == wanted))
    return alike and set(run.order) <= set(order) and goal in run.gradients


class _Explainer:
    """The work of one `explain`, on a trace."""

    def __init__(self, found: Trace, goal: str, parameter: Tensor, index: tuple[int, ...] | None) -> None:
        self.goal, self.parameter, self.index, self.whole = goal, parameter, index, found
        self.numbers = found.state not in ("freed", "overwritten", "none")
        self.pulls = found.state in ("own", "again")  # what hooks did in a recorded pass, no rule knows
        self.on_path = {goal}
        for v in found.vertices:
            if v.id != goal and any(e.source in self.on_path for e in v.inputs):
                self.on_path.add(v.id)
        self.names = called(found, self.on_path, goal)
        self.place = {call.id: call.path for call in found.calls}
        self.together = results_of(found, self.on_path)
        self.found, self.paths = self.through(apart=False)
        self.uses = [use for use in self.paths.uses if use.used == goal]

    def through(self, *, apart: bool) -> tuple[Trace, Paths]:
        """What the chain rule goes through, each of several results by itself or all of an operation's together; and the paths."""
        found = by_result(self.whole, self.on_path, apart=apart)
        users = (v for v in reversed(found.vertices) if v.id in self.on_path and v.id != self.goal)
        uses = [Use(v.id, e.source, k, e) for v in users for k, e in enumerate(v.inputs) if e.source in self.on_path]
        return found, Paths(uses, found.root, self.goal)

    def vertex(self, id: str) -> Vertex:
        return self.found.by_id[id]

    def explanation(self, max_paths: int) -> Explanation:
        goal = self.vertex(self.goal)
        few = self.paths.count == 1 or (self.paths.count <= max_paths and self.paths.length <= STEPS)
        listed = few and (self.pulls or not self.numbers or self.paths.count == 1)
        entries, untold = self.entries()
        if listed and any(len(results) > 1 for results in self.together.values()):
            self.found, self.paths = self.through(apart=True)
        equations: tuple[Equation, ...] = ()
        if self.found.root != self.goal:
            equations = (self.listed(),) if listed else self.factored()
        grad = None if self.parameter.grad is None else Quantity(np.array(self.at(self.parameter.grad.array)))  # it will change
        total = Quantity(self.at(goal.gradient.array)) if self.numbers and goal.gradient is not None else None
        names = self.names[self.found.root], self.names[self.goal]
        made = Explanation(
            *names,
            tuple(self.parameter.array.shape),
            self.index,
            self.paths.count,
            len(self.uses),
            not listed and self.found.root != self.goal,
            equations,
            entries,
            total,
            grad,
            (*self.notes(equations, total), *untold),
            highlighted(
                self.whole, self.on_path, self.goal, names[0], names[1] + index_text(self.index), in_one_line(entries, *names, self.index)
            ),
        )
        let_go(equations)
        return made

    def at(self, array: Any) -> Any:
        return np.asarray(array) if self.index is None else np.asarray(array)[self.index]

    # ------------------------------------------------------------------ the derivation

    def listed(self) -> Equation:
        """Every path by itself, with the gradient that is carried along it alone."""
        terms = []
        for way in self.paths.listed():
            root = self.vertex(self.found.root)
            carried = None if root.gradient is None else root.gradient.array
            steps = []
            for use in way:
                if carried is not None:
                    carried = use.edge.pull(carried) if self.pulls else None if use.edge.part is None else use.edge.part.array
                steps.append(self.step(use, carried))
            terms.append(Term(self.names[self.found.root], tuple(steps), steps[-1].gradient))
        return Equation(self.names[self.goal], tuple(terms), self.total_at(self.goal))

    def factored(self) -> tuple[Equation, ...]:
        """Put together where paths meet, with all that comes through."""
        return tuple(
            Equation(
                self.names[of],
                tuple(Term(self.names[start], *self.product(chain)) for start, chain in terms),
                self.total_at(of),
            )
            for of, terms in self.paths.equations(self.together)
        )

    def product(self, chain: Chain) -> tuple[tuple[Part, ...], Quantity | None]:
        """The parts of a product, and the gradient after the last."""
        parts: list[Part] = []
        for link in chain:
            if isinstance(link, Use):
                part = link.edge.part
                parts.append(self.step(link, None if part is None else part.array))
                continue
            ways = tuple(self.product(way)[0] for way in link.ways)
            start, end = _ends(link.ways[0])
            parts.append(Bracket(ways, self.names[start], self.names[end], self.between(link.ways), _sum(way[-1].gradient for way in ways)))
        return tuple(parts), parts[-1].gradient

    def between(self, ways: Sequence[Chain]) -> int:
        """How many paths the ways of a bracket stand for."""
        count = 0
        for way in ways:
            inside = 1
            for link in way:
                inside *= 1 if isinstance(link, Use) else self.between(link.ways)
            count += inside
        return count

    def total_at(self, id: str) -> Quantity | None:
        gradient = self.vertex(id).gradient if self.numbers else None
        return gradient if gradient is None or id != self.goal else Quantity(self.at(gradient.array))

    def step(self, use: Use, carried: Any) -> Step:
        user, used, edge = self.vertex(use.user), self.vertex(use.used), use.edge
        shown = None if carried is None or isinstance(carried, list) else Quantity(self.at(carried) if use.used == self.goal else carried)
        return Step(
            self.operation(use),
            tidy(self.place.get(user.scope or "", "")),
            self.names[use.user],
            self.names[use.used],
            tidy(edge.formula, 300),
            tuple(tidy(meaning, 300) for meaning in edge.meanings),
            used.shape,
            _local(user, used, edge),
            shown,
        )

    def operation(self, use: Use) -> str:
        """The operation, and where it uses something several times which of these uses is meant."""
        user = self.vertex(use.user)
        same = [k for k, other in enumerate(user.inputs) if other.source == use.used]
        return tidy(user.operation) + (f", argument {same.index(use.place) + 1} of {len(same)}" if len(same) > 1 else "")

    # ------------------------------------------------------------------ what is to be said besides

    def entries(self) -> tuple[Uses | None, list[str]]:
        """Of one element: what adds up to its gradient, element by element of what the parameter was used in; or why that is not told."""
        sizes = {math.prod(self.parameter.array.shape), *(math.prod(r.shape) for use in self.uses for r in self.results(use.user))}
        if self.index is None or not self.numbers or not self.uses or sizes == {1}:
            return None, []
        if self.parameter.dtype.kind != "f":
            return None, ["element by element only real numbers are told"]
        handing = [self.used(use, use.edge.part.array) for use in self.uses if use.edge.part is not None]
        return uses(handing, self.index) if handing else (None, [])

    def results(self, user: str) -> list[Vertex]:
        """What an operation gave."""
        return self.together.get(user) or [self.vertex(user)]

    def used(self, use: Use, part: Any) -> Used:
        several = use.user in self.together
        results = [
            Result(self.names[v.id], v.gradient.array, v.inputs[0] if several else None)
            for v in self.results(use.user)
            if v.gradient is not None
        ]
        return Used(self.names[use.user], self.operation(use), results, use.edge, part)

    def notes(self, equations: tuple[Equation, ...], total: Quantity | None) -> list[str]:
        used = {use.used for use in self.paths.uses}
        several = [results for whole, results in self.together.items() if whole in used and len(results) > 1]
        notes = [remarks.on_several([self.names[v.id] for v in results]) for results in several[:1]]
        notes += remarks.on_numbers(self.found, self.parameter)
        if self.found.state == "recorded":
            notes += remarks.on_hooks(self.found, (use.edge for use in self.paths.uses), self.names, self.goal, self.index)
        return notes + (remarks.on_total(self.names[self.goal], equations, total) if self.numbers else [])


def _sum(gradients: Iterable[Quantity | None]) -> Quantity | None:
    """What comes through all ways together; None where nothing is known or nothing comes."""
    known = [q for q in gradients if q is not None]
    return functools.reduce(operator.add, known) if known else None


def _ends(way: Chain) -> tuple[str, str]:
    """Where a way begins and where it ends."""
    first, last = way[0], way[-1]
    start = first.user if isinstance(first, Use) else _ends(first.ways[0])[0]
    return start, last.used if isinstance(last, Use) else _ends(last.ways[0])[1]


def _local(user: Vertex, used: Vertex, edge: Edge) -> float | None:
    """The local derivative, where result and argument are single real numbers."""
    if any(not v.dtype.startswith("float") or math.prod(v.shape) != 1 for v in (user, used)):
        return None
    if edge.pull is not None:
        return float(np.asarray(edge.pull(np.ones(user.shape, user.dtype))).reshape(()))
    if user.gradient is not None and edge.part is not None and user.gradient.array.all():
        return float(edge.part.array.reshape(()) / user.gradient.array.reshape(()))
    return None
