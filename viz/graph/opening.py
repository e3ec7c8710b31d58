"""Opening fused operations: in place of the one box stand the operations of its reference, in a frame of their own.

The reference is run once more, on the arrays that the operation was given and on leaves of its own, and a pass is made through what it
recorded, from the gradients known at the operation. Nothing of the program's graph is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core import writes
from autograd_core.dtypes import promote
from autograd_core.graph import Node, ancestors, pullback, thread
from autograd_core.tensor import Tensor, constant

from ..record import Run, array
from .arguments import given_to
from .description import Call, Edge, Trace, Vertex
from .names import Names

if TYPE_CHECKING:
    from .trace import _Describe

Pick = Callable[[Vertex, Any, bool], bool]
Opens = str | Sequence[str] | bool | Callable[[Vertex], bool] | None  # operations: by name, all, or by a predicate

OUTSIDE = "^"  # before the id of data that the operation was given


def opened(found: Trace, order: list[Node], describe: _Describe, opens: Opens) -> Trace:
    """The trace with the fused operations that `opens` picks replaced by what they are made of.

    One whose arguments are not known any more stays closed, and a note says so. Raises TypeError for what picks nothing, and
    ValueError for a name that no operation here has.
    """
    fused = {describe.id_of(node): node for node in order if node.plan is not None and getattr(node.plan.op, "reference", None)}
    return _opened(found, order, describe, picked(opens, fused), frozenset())


def picked(opens: Opens, fused: dict[str, Node]) -> Pick:
    """The choice as a function of a vertex, its operation, and whether it stands in an opened one: a name opens all there is inside."""
    if opens is None or isinstance(opens, bool):
        return lambda vertex, op, inside: bool(opens)
    if callable(opens):
        return lambda vertex, op, inside: bool(opens(vertex))
    names = [opens] if isinstance(opens, str) else list(opens)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"draw: open is True, a name, a list of names or a function of a Vertex, got {opens!r}")
    known = {name for node in fused.values() for name in called(node.plan.op)}
    for name in names:
        if name not in known:
            there = sorted({node.plan.op.name for node in fused.values()})
            said = f"of these there are {', '.join(there)}" if there else "of these there is none"
            raise ValueError(f"draw: nothing that is called {name!r} can be opened here; only fused operations can, and {said}")
    return lambda vertex, op, inside: inside or not called(op).isdisjoint(names)


def called(op: Any) -> set[str]:
    """The names that pick an operation: its own, and that of the function which declares it."""
    return {op.name, op.forward.__name__}


def _opened(found: Trace, order: list[Node], describe: _Describe, pick: Pick, within: frozenset[Any]) -> Trace:
    """`opened`, inside the references of the operations `within`, which are not opened again."""
    by_id = {v.id: v for v in found.vertices}
    picks: dict[Node, list[Node]] = {}
    for node in order:
        if node.call is not node:
            picks.setdefault(node.parents[0], []).append(node)
    put: dict[str, tuple[Vertex, ...]] = {}  # in place of a vertex
    moved: dict[str, dict[str, str]] = {}  # for a vertex, what it uses instead
    calls = list(found.calls)
    notes: dict[str, None] = dict.fromkeys(found.notes)
    for node in order:
        op = node.op
        if not getattr(op, "reference", None) or op in within or not pick(by_id[describe.id_of(node)], op, bool(within)):
            continue
        given = known_arguments(node, describe)
        if given is None:
            notes[f"{op.name} stays closed: what it was given is not known any more; draw before backward(), or with retain_graph"] = None
            continue
        inside = Inside.of(node, given, describe, picks.get(node, []))
        if inside is None:
            continue
        part = _opened(inside.found, inside.order, inside.describe, pick, within | {op})
        splice = _Splice(by_id, describe, node, inside, picks.get(node, []))
        put[splice.id] = tuple(splice.vertex(v) for v in part.vertices)
        put.update((gone, ()) for gone in splice.merged)
        moved.update(splice.moved)
        calls += [splice.call(), *(splice.inner(call) for call in part.calls)]
        notes.update(dict.fromkeys(part.notes))
    if not put:
        return replace(found, notes=tuple(notes))
    vertices = [redirected(v, moved.get(v.id)) for old in found.vertices for v in put.get(old.id, (old,))]
    used = {edge.source for v in vertices for edge in v.inputs}
    shown = tuple(v for v in vertices if v.kind != "data" or v.id in used)  # data that the reference turned into other data
    return replace(found, vertices=shown, calls=tuple(calls), notes=tuple(notes))


def redirected(vertex: Vertex, instead: dict[str, str] | None) -> Vertex:
    """The vertex using other vertices."""
    if not instead:
        return vertex
    return replace(vertex, inputs=tuple(_from(edge, instead.get(edge.source, edge.source)) for edge in vertex.inputs))


def _from(edge: Edge, source: str) -> Edge:
    """The same use, of another vertex."""
    again = copy(edge)
    again.source = source
    return again


# ---------------------------------------------------------------------- running the reference


def known_arguments(node: Node, describe: _Describe) -> list[Any] | None:
    """What node's operation was given, as its kernel got it; None if some of it is gone, or was written in place since."""
    arguments = given_to(node)
    saved = node.saved[0] if node.saved and node.plan.op.backward else None  # a kernel keeps all that it was given
    if isinstance(saved, tuple) and not any(_changed(value, node) for value in saved):
        return list(saved)
    values = []
    for argument in arguments:
        value = describe.values.get(argument.parent) if argument.parent is not None else argument.value
        if (value is None and not argument.absent) or _changed(value, node):
            return None
        values.append(None if argument.absent else value)
    return values if node.plan.op.promotes == "no" else list(promote(node.plan.op.promotes, tuple(values)))


def _changed(value: Any, node: Node) -> bool:
    """Whether this is not, or not any more, an array or number that the operation was given."""
    if isinstance(value, np.ndarray):
        return writes.written_since(value, node.time)
    return value is not None and not isinstance(value, np.generic | bool | int | float | complex)


def number_of(pick: Node) -> int:
    """Which result of its operation a node stands for."""
    return int(pick.saved[0]) if pick.saved else 0


@contextmanager
def apart(watch: Any, label: Any) -> Iterator[None]:
    """Operations inside record, and nobody hears of them but `watch` and `label`."""
    others = {"grad": True, "scope": None, "observer": None, "batch": None, "pack": None, "watch": watch, "label": label}
    before = {name: getattr(thread, name) for name in others}
    writes.watch(1)
    try:
        for name, value in others.items():
            setattr(thread, name, value)
        with np.errstate(all="ignore"):
            yield
    finally:
        for name, value in before.items():
            setattr(thread, name, value)
        writes.watch(-1)


@dataclass
class Inside:
    """What a fused operation is made of: the graph of its reference, described."""

    leaves: dict[Node, int]  # which argument each leaf stands for
    results: dict[int, Node]  # the nodes of the results that are used
    order: list[Node]
    describe: _Describe
    found: Trace

    @classmethod
    def of(cls, node: Node, given: list[Any], around: _Describe, picks: list[Node]) -> Inside | None:
        """Run the reference of node's operation on what it was given; None where it gives back an argument as it is."""
        op, run = node.plan.op, around.run
        tensors = [constant(a) if isinstance(a, np.ndarray) else a for a in given]
        for i in node.plan.inputs:
            tensors[i] = constant(np.asarray(given[i])).requires_grad_()
        values: dict[Node, Any] = {}
        kept: list[Any] = [tensors]  # until all is described: nodes hold constants weakly
        names = Names(None)

        def watch(op: Any, arrays: Any, result: Any, made: Node | None) -> None:
            kept.append((arrays, result))
            if made is not None:
                values[made] = result

        def label(labelled: dict[str, Any]) -> None:
            for name, value in labelled.items():
                names.add(name, value)

        watched = Run() if run is not None and run.gradients.get(node) is not None else None
        with apart(watch, label):
            out = op.reference(*tensors, **{**op.settings, **getattr(node, "settings", {})})
            results = list(out) if op.results else [out]
            if watched is not None and run is not None:
                gradients = list(run.gradients[node]) if op.results else [run.gradients[node]]
                pairs = [(r, g) for r, g in zip(results, gradients, strict=True) if g is not None and r.node is not None]
                thread.grad = False
                starts = [np.asarray(array(g), r.dtype) for r, g in pairs]
                pullback([r.node for r, _ in pairs], starts, retain_graph=True, observer=watched)
        used = sorted({number_of(pick) for pick in picks}) if op.results else [0]
        ends = {k: results[k].node for k in used}
        if not ends or any(end is None or end.plan is None for end in ends.values()):
            return None
        kept.append(results)
        arguments = given_to(node)
        leaves = {tensors[i].node: i for i in node.plan.inputs}
        for leaf, i in leaves.items():
            names.nodes[leaf] = around.names.of(node.parents[node.plan.inputs.index(i)]) or arguments[i].name
        for argument, tensor in zip(arguments, tensors, strict=True):
            if isinstance(tensor, Tensor) and argument.parent is None:
                names.add(around.names.of_array(tensor.array) or argument.name, tensor)
        names.arrays = {**around.names.arrays, **names.arrays}
        order = ancestors(list(ends.values()))[::-1]
        describe = type(around)(order, names, watched, ends[used[0]], results[used[0]])
        describe.values.update((n, v) for n, v in values.items() if n in describe.number)
        describe.data.update((key, OUTSIDE + known) for key, known in around.data.items())
        vertices = tuple(v for n in order if n not in leaves for v in describe.vertices(n))
        found = Trace(describe.id_of(ends[used[0]]), vertices, (), "", 0)
        return cls(leaves, ends, order, describe, found)


class _Splice:
    """Putting what is inside in its place: ids, the frame around it, and edges from what the operation was given."""

    def __init__(self, by_id: dict[str, Vertex], describe: _Describe, node: Node, inside: Inside, picks: list[Node]):
        self.id = describe.id_of(node)
        self.whole = by_id[self.id]
        self.frame = f"{self.id}.opened"
        self.op = node.plan.op
        self.renamed: dict[str, str] = {}
        self.become: dict[str, Vertex] = {}  # the vertex that a result takes the place of, by the result's id inside
        self.merged: list[str] = []  # vertices whose place results have taken
        self.moved: dict[str, dict[str, str]] = {}
        of_argument = {i: describe.id_of(parent) for i, parent in zip(node.plan.inputs, node.parents)}
        for leaf, i in inside.leaves.items():
            if leaf in inside.describe.number:
                self.renamed[inside.describe.id_of(leaf)] = of_argument[i]
        places = [(number_of(pick), describe.id_of(pick)) for pick in picks] if self.op.results else [(0, self.id)]
        for k, place in places:
            end = inside.describe.id_of(inside.results[k])
            if end not in self.renamed:
                self.renamed[end] = place
                self.become[end] = by_id[place]
                self.merged += [place] if place != self.id else []
            else:  # another use of the same result
                self.moved[place] = {self.id: self.renamed[end]}

    def name(self, inner: str) -> str:
        """An id inside as one in the whole picture."""
        return inner.removeprefix(OUTSIDE) if inner.startswith(OUTSIDE) else self.renamed.get(inner, f"{self.id}.{inner}")

    def vertex(self, inner: Vertex) -> Vertex:
        as_result = self.become.get(inner.id)
        last = as_result is not None and as_result.id == next(iter(self.become.values())).id
        if as_result is not None:
            inner = replace(inner, name=as_result.name or inner.name, value=as_result.value or inner.value)
        scope = self.frame if inner.scope is None else f"{self.id}.{inner.scope}"
        return replace(
            inner,
            id=self.name(inner.id),
            scope=None if inner.kind == "data" else scope,
            inputs=tuple(_from(edge, self.name(edge.source)) for edge in inner.inputs),
            order=self.whole.order,
            line=self.whole.line,
            saved=self.whole.saved if last else 0,  # by the operation as a whole
        )

    def call(self) -> Call:
        return Call(self.frame, f"{self.op.name}, opened", self.whole.scope, "reference")

    def inner(self, call: Call) -> Call:
        return replace(call, id=f"{self.id}.{call.id}", parent=self.frame if call.parent is None else f"{self.id}.{call.parent}")
