"""`explain(loss, w)`: the chain rule of one parameter, in words and numbers.

The gradient is a sum over all paths from the loss to the parameter, each a product of local derivatives. Few paths are
written out one by one; many are factored where they part, node by node: the gradient at a node is the sum of what its
users hand back.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograd_core.graph import Node, ancestors, fitted, leading_to
from autograd_core.tensor import Tensor, current_node
from nn import Module

from .description import Quantity, plain
from .names import Names
from .record import Run, is_freed, own_pass
from .symbols import formula, number
from .trace import called_in, operation_text, quantity


@dataclass(frozen=True)
class Step:
    """One local derivative: how an operation turns the gradient of its result into that of one argument."""

    operation: str
    result: str  # what the operation's result is called
    argument: str  # what the argument is called
    formula: str
    local: float | None  # the local derivative itself, where result and argument are single numbers
    gradient: Quantity | None  # of the argument, along this path or, in the factored form, through this step


@dataclass(frozen=True)
class Term:
    """One path (or, in the factored form, one node with all that flows into it), and what it adds."""

    title: str
    steps: tuple[Step, ...]
    total: Quantity | None


@dataclass(frozen=True)
class Explanation:
    """The chain rule of one parameter; prints itself, `.save("x.txt")` writes it."""

    output: str
    parameter: str
    shape: tuple[int, ...]
    index: tuple[int, ...] | None
    paths: int
    factored: bool
    terms: tuple[Term, ...]
    total: Quantity | None  # the sum of all terms, at `index` if given
    grad: Quantity | None  # the parameter's .grad, at `index` if given
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable)."""
        return plain(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the text to a .txt or .md file; returns its path. Raises ValueError for another suffix."""
        target = Path(path)
        if target.suffix not in (".txt", ".md"):
            raise ValueError(f"save: an explanation is written to .txt or .md, got {target.name!r}")
        target.write_text(f"```\n{self}\n```\n" if target.suffix == ".md" else f"{self}\n", encoding="utf-8")
        return target

    def __str__(self) -> str:
        return "\n".join(_text(self))

    __repr__ = __str__


def explain(
    output: Tensor,
    parameter: Tensor,
    index: int | Sequence[int] | None = None,
    *,
    names: Mapping[str, Tensor] | Module | None = None,
    run: Run | None = None,
    max_paths: int = 8,
) -> Explanation:
    """The chain rule of ∂output/∂parameter, with the numbers; of one element of the parameter if `index` is given.

    More than `max_paths` paths are factored. Numbers are of a pass made for looking; if the graph was freed, those of
    `run` (see `viz.record`) if that was one pass from this output. Else there are formulas only. Hooks are left out.
    Raises TypeError or ValueError when there is no path, IndexError when the index does not fit.
    """
    for what, tensor in (("output", output), ("parameter", parameter)):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"explain: {what} must be a Tensor, got {'None' if tensor is None else 'a ' + type(tensor).__name__}")
        current_node(tensor)  # a view of what was rewritten since has its node made again
    frame = inspect.currentframe()
    known = Names(output, names, frame.f_back if frame else None)
    if output.node is None or parameter.node is None:
        raise ValueError("explain: both tensors must require grad; was the output made inside no_grad()?")
    if output.array.size != 1:
        raise ValueError(f"explain: needs a scalar to differentiate, not shape {tuple(output.shape)}; reduce it first, e.g. with .sum()")
    order = ancestors([output.node])
    if parameter.node not in order:
        raise ValueError(f"explain: {known.of(parameter.node) or 'the parameter'} was not used to compute the output")
    place = None if index is None else tuple(index) if isinstance(index, Sequence) else (index,)
    if place is not None:
        shape = parameter.array.shape
        whole = all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in place)
        if not whole or len(place) != len(shape) or not all(-n <= i < n for i, n in zip(place, shape, strict=True)):
            raise IndexError(f"explain: index {index!r} does not name one element of a parameter of shape {shape}")
    return _Explainer(output, parameter, place, known, order, run).explanation(max_paths)


class _Explainer:
    def __init__(self, output: Tensor, parameter: Tensor, index: Any, names: Names, order: list[Node], run: Run | None):
        assert output.node is not None
        assert parameter.node is not None
        self.output, self.parameter, self.index, self.names = output, parameter, index, names
        self.root, self.goal = output.node, parameter.node
        self.freed = is_freed(self.root)
        self.run = own_pass(output) if not self.freed else run if run is not None and self.is_pass_of(run, order) else None
        useful = leading_to({self.goal}, order)
        self.order = [node for node in order if node in useful]
        self.edges = {node: [k for k, parent in enumerate(node.parents) if parent in useful] for node in self.order}

    def is_pass_of(self, run: Run, order: list[Node]) -> bool:
        """Whether a recorded run is one backward pass that started with 1 at this very output."""
        start = run.gradients.get(self.root)
        return start is not None and bool(np.all(start == 1)) and set(run.order) <= set(order) and self.goal in run.gradients

    def explanation(self, max_paths: int) -> Explanation:
        paths = self.count()
        factored = paths > max_paths or self.freed
        if self.root is self.goal:
            terms: tuple[Term, ...] = ()
        elif factored and paths > 1:
            terms = self.factored()
        else:
            terms = tuple(self.path(k, way) for k, way in enumerate(self.ways(), 1))
        total = None if self.run is None else quantity(self.at(self.run.gradients[self.goal]))
        grad = None if self.parameter.grad is None else quantity(self.at(self.parameter.grad.array))
        note = "backward() has freed the numbers between: explain before it, or record the pass with viz.record()"
        if self.run is not None:
            note = "no backward yet: this is what .grad will get" if self.parameter.grad is None else ""
        name = self.name(self.goal)
        shape = tuple(self.parameter.array.shape)
        return Explanation(self.name(self.root), name, shape, self.index, paths, factored and paths > 1, terms, total, grad, note)

    def at(self, array: Any) -> Any:
        return np.asarray(array) if self.index is None else np.asarray(array)[self.index]

    def name(self, node: Node) -> str:
        if name := self.names.of(node):
            return name
        return "output" if node is self.root else "parameter" if node is self.goal else operation_text(node) if node.plan else "leaf"

    def count(self) -> int:
        """How many paths lead from the output to the parameter."""
        ways: dict[Node, int] = {}
        for node in reversed(self.order):
            ways[node] = 1 if node is self.goal else sum(ways[node.parents[k]] for k in self.edges[node])
        return ways[self.root]

    def ways(self) -> list[list[tuple[Node, int]]]:
        """Each path, as the edges along it."""
        found = []
        todo: list[tuple[Node, Any]] = [(self.root, None)]  # a node, and the way to it: the last edge, and the way before that
        while todo:
            node, trail = todo.pop()
            if node is self.goal:
                way = []
                while trail is not None:
                    edge, trail = trail
                    way.append(edge)
                found.append(way[::-1])
                continue
            todo.extend((node.parents[k], ((node, k), trail)) for k in reversed(self.edges[node]))
        return found

    def path(self, number_of_path: int, way: list[tuple[Node, int]]) -> Term:
        """One path: the gradient carried along it alone."""
        carried: Any = np.ones(self.root.shape, self.root.dtype) if not self.freed else None
        steps = []
        for node, k in way:
            parent = node.parents[k]
            local = None
            if not self.freed:
                before = carried
                carried = self.pulled(node, k, carried)
                if isinstance(carried, np.ndarray) and isinstance(before, np.ndarray) and before.size == 1 == carried.size:
                    local = float(self.pulled(node, k, np.ones(node.shape, node.dtype)).reshape(()))
            elif self.run is not None:  # a single path: what was recorded is what went along it
                carried = self.run.parts[node][k]
            steps.append(self.step(node, k, local, carried, parent is self.goal))
        title = " ← ".join([self.name(self.root), *(self.name(n) for n, _ in way[1:]), self.name(self.goal)])
        return Term(f"path {number_of_path}: {title}", tuple(steps), None if carried is None else quantity(self.at(carried)))

    def pulled(self, node: Node, k: int, gradient: Any) -> Any:
        part = node.plan.pull(gradient, node.saved)[k]
        if part is None:
            return np.zeros(node.parents[k].shape, node.parents[k].dtype)
        return part if isinstance(part, list) else np.asarray(fitted(part, node.parents[k], node.plan))

    def step(self, node: Node, k: int, local: float | None, carried: Any, last: bool) -> Step:
        parent = node.parents[k]
        shown = None if carried is None else quantity(self.at(carried) if last else carried)
        used = [i for i, p in enumerate(node.parents) if p is parent]
        which = f", as argument {used.index(k) + 1} of {len(used)}" if len(used) > 1 else ""
        return Step(
            operation_text(node) + which, self.name(node), self.name(parent), formula(node, k, called_in(node, self.names)), local, shown
        )

    def factored(self) -> tuple[Term, ...]:
        """Node by node from the output on: its gradient as the sum of what its users hand back."""
        users: dict[Node, list[tuple[Node, int]]] = {}
        for node in self.order:
            for k in self.edges[node]:
                users.setdefault(node.parents[k], []).append((node, k))
        terms = []
        for node in self.order:
            if node not in users:
                continue
            last = node is self.goal
            parts = [None if self.run is None else self.run.parts[user][k] for user, k in users[node]]
            steps = tuple(self.step(user, k, None, part, last) for (user, k), part in zip(users[node], parts, strict=True))
            total = None if self.run is None else self.run.gradients[node]
            terms.append(Term(self.name(node), steps, None if total is None else quantity(self.at(total) if last else total)))
        return tuple(terms)


# ---------------------------------------------------------------------- as text


def _text(e: Explanation) -> list[str]:
    place = "" if e.index is None else f"[{', '.join(map(str, e.index))}]"
    what = f"∂{e.output}/∂{e.parameter}{place}"
    shape = "" if not e.shape else f" of shape {e.shape}"
    lines = [f"{what}: {e.paths:,} path{'s' if e.paths > 1 else ''} from {e.output} to {e.parameter}{shape}"]
    lines.append("Each step multiplies by a local derivative; g is the gradient that arrives.")
    for term in e.terms:
        lines += ["", f"∂{e.output}/∂{term.title} = sum of {len(term.steps)}" if e.factored else term.title]
        for s in term.steps:
            lines.append("  " + _step(e, s))
        if term.total is not None:
            lines.append(f"  {'total' if e.factored else 'this path adds'}: {_value(term.total)}")
    lines.append("")
    if e.total is not None and not e.factored and len(e.terms) > 1:
        each = [t.total for t in e.terms if t.total is not None]
        if all(q.values is not None and len(q.values) == 1 for q in each):
            lines.append(f"sum over paths: {' + '.join(number(q.values[0]) for q in each if q.values)} = {_value(e.total)}")
    if e.total is not None:
        lines.append(e.total.text(what))
    if e.grad is not None:
        same = e.total is not None and np.isclose(e.total.norm, e.grad.norm, rtol=1e-6) and _near(e.total.values, e.grad.values)
        told = "" if e.total is None else ", the same" if same else ", which other backward passes made or added to"
        lines.append(f"{e.grad.text(f'{e.parameter}.grad{place}')}{told}")
    return [*lines, *([f"({e.note})"] if e.note else [])]


def _near(a: tuple[float, ...] | None, b: tuple[float, ...] | None) -> bool:
    return a == b or (a is not None and b is not None and np.allclose(a, b, rtol=1e-6))


def _step(e: Explanation, s: Step) -> str:
    local = "" if s.local is None else f"   (local derivative {number(s.local)})"
    gradient = "" if s.gradient is None else f"   →  {_value(s.gradient)}"
    return f"× {s.operation}: {s.formula}{local}{gradient}"


def _value(q: Quantity) -> str:
    return q.text().removeprefix("= ")
