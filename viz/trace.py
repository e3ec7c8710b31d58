"""What a graph says of itself, as plain data: operations, inputs, module calls, formulas, numbers.

Everything that draws or explains reads a `Trace`; only this file looks at nodes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autograd_core.graph import Node, Scope, ancestors
from autograd_core.tensor import Tensor

from .names import Names
from .record import Run, is_freed, own_pass
from .symbols import formula, number


@dataclass(frozen=True)
class Quantity:
    """An array as the picture shows it: its shape, its norm, and its elements when they are few."""

    shape: tuple[int, ...]
    norm: float
    values: tuple[float, ...] | None  # in order, when there are at most four
    same: float | None = None  # what all elements are, where they are more and all the same

    def text(self, name: str = "") -> str:
        """`name = 2.5`, `name = [1, 2]` or `‖name‖ = 0.013`."""
        if self.values is None:
            return f"‖{name or '·'}‖ = {number(self.norm)}"
        inside = ", ".join(number(v) for v in self.values)
        return f"{name} = {inside if len(self.values) == 1 else f'[{inside}]'}".lstrip()


@dataclass(frozen=True)
class Edge:
    """One use of a value by an operation."""

    source: str  # the vertex used
    argument: str  # as which argument
    formula: str  # of the gradient that comes back
    part: Quantity | None  # that gradient, if a pass is known


@dataclass(frozen=True)
class Vertex:
    """An operation, a leaf that collects a gradient, or data that does not."""

    id: str
    kind: str  # "operation", "parameter" (a leaf) or "data"
    name: str  # the name it has in the program, or ""
    operation: str  # for operations: the name, with settings that matter
    shape: tuple[int, ...]
    dtype: str
    value: Quantity | None
    gradient: Quantity | None
    scope: str | None  # id of the module call it belongs to
    inputs: tuple[Edge, ...] = ()


@dataclass(frozen=True)
class Call:
    """One call of a module."""

    id: str
    label: str
    parent: str | None


@dataclass(frozen=True)
class Trace:
    """A graph, oldest vertex first."""

    root: str
    vertices: tuple[Vertex, ...]
    calls: tuple[Call, ...]
    state: str  # "own": gradients of a pass made for looking; "recorded"; "freed": only leaves' .grad; "none"

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable)."""
        return asdict(self)


def quantity(value: Any) -> Quantity | None:
    """Describe an array; None for what is not one."""
    if value is None or isinstance(value, list):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        return None
    values = tuple(float(v) for v in array.ravel()) if array.size <= 4 and array.dtype.kind != "c" else None
    norm = float(np.linalg.norm(array.ravel().astype(np.result_type(array, np.float64))))
    same = float(array.flat[0]) if array.size > 4 and array.dtype.kind != "c" and (array == array.flat[0]).all() else None
    return Quantity(tuple(array.shape), norm, values, same)


def trace(output: Tensor, names: Names, run: Run | None = None, gradient: Any = None) -> Trace:
    """Describe what `output` was computed from.

    Gradients are those of `run`; without one, of a pass made for looking, if the graph still has what that needs and
    `output` has one element or `gradient` is given. Raises TypeError or ValueError for what has no graph.
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"viz: expected a Tensor, got {'None' if output is None else 'a ' + type(output).__name__}")
    root = output.node
    if root is None:
        raise ValueError("viz: this tensor was not computed from one that requires grad, so it has no graph; was it made inside no_grad()?")
    state = "recorded"
    if run is None or root not in run.gradients:
        if is_freed(root):
            state, run = "freed", None
        elif output.array.size != 1 and gradient is None:
            state, run = "none", None
        else:
            state, run = "own", own_pass(output, gradient)
    order = ancestors([root])[::-1]
    describe = _Describe(order, names, run, root, output)
    vertices = tuple(v for node in order for v in describe.vertices(node))
    return Trace(describe.id_of(root), vertices, describe.calls(vertices), state)


class _Describe:
    """The work of one `trace`: ids, values known, and the vertices."""

    def __init__(self, order: list[Node], names: Names, run: Run | None, root: Node, output: Tensor):
        self.names, self.run = names, run
        self.number = {node: k for k, node in enumerate(order)}
        self.values = known_values(order, names, root, output)
        self.scopes: dict[Scope, str] = {}
        self.data: dict[Any, str] = {}
        self._data_keys: dict[str, Any] = {}

    def id_of(self, node: Node) -> str:
        return f"v{self.number[node]}"

    def vertices(self, node: Node) -> list[Vertex]:
        """The node's own vertex, after those of the data that only it knows of."""
        gradient = None if self.run is None else quantity(self.run.gradients.get(node))
        value = quantity(self.values.get(node))
        dtype = str(node.dtype) if not isinstance(node.dtype, tuple) else ""
        if node.plan is None:
            tensor = node.tensor()
            if self.run is None and tensor is not None and tensor.grad is not None:
                gradient = quantity(tensor.grad.array)
            return [Vertex(self.id_of(node), "parameter", self.names.of(node) or "leaf", "", node.shape, dtype, value, gradient, None)]
        data, edges = self._data(node), self._edges(node)
        shape = node.shape if not isinstance(node.dtype, tuple) else ()
        found = Vertex(
            self.id_of(node),
            "operation",
            self.names.of(node),
            operation_text(node),
            shape,
            dtype,
            value,
            gradient,
            self.scope(node.scope),
            (*edges, *(Edge(d.id, d.name, "", None) for d in data)),
        )
        return [*(d for d in data if self.data.setdefault(self._key(d), d.id) == d.id), found]

    def _key(self, vertex: Vertex) -> Any:
        return self._data_keys[vertex.id]

    def _edges(self, node: Node) -> list[Edge]:
        parts = self.run.parts.get(node) if self.run is not None else None
        called = called_in(node, self.names)
        edges = []
        for k, parent in enumerate(node.parents):
            position = node.plan.inputs[k] if k < len(node.plan.inputs) else k
            arguments = getattr(node.plan.op, "arguments", ())
            argument = arguments[position] if position < len(arguments) else str(position)
            part = None if parts is None else quantity(parts[k])
            edges.append(Edge(self.id_of(parent), argument, formula(node, k, called), part))
        return edges

    def _data(self, node: Node) -> list[Vertex]:
        """Arrays among the operation's arguments that do not record, where it kept them."""
        found = []
        for argument, value in constants(node):
            if np.ndim(value) == 0 and not self.names.of_array(value):
                continue
            name = self.names.of_array(value) or argument
            key = name if np.ndim(value) == 0 else id(value)  # numbers have no memory of their own
            identity = self.data.get(key, f"{self.id_of(node)}.{argument}")
            self._data_keys[identity] = key
            found.append(Vertex(identity, "data", name, "", tuple(np.shape(value)), str(value.dtype), quantity(value), None, None))
        return found

    def scope(self, scope: Scope | None) -> str | None:
        if scope is None:
            return None
        if scope not in self.scopes:
            self.scope(scope.parent)
            self.scopes[scope] = f"m{len(self.scopes)}"
        return self.scopes[scope]

    def calls(self, vertices: tuple[Vertex, ...]) -> tuple[Call, ...]:
        return tuple(Call(i, self.names.of_call(scope), self.scope(scope.parent)) for scope, i in self.scopes.items())


def called_in(node: Node, names: Names) -> dict[str, str]:
    """What the program calls the arguments of node's operation, and its result ("out")."""
    op = node.plan.op
    arguments = () if getattr(op, "variadic", False) else getattr(op, "arguments", ())
    found = dict(zip(node.plan.inputs, (names.of(parent).rpartition(".")[2] for parent in node.parents), strict=False))
    called = {arguments[i]: name for i, name in found.items() if name and i < len(arguments)}
    if own := names.of(node):
        called["out"] = own
    for argument, value in constants(node):
        if name := names.of_array(value):
            called[argument] = name
    return called


def constants(node: Node) -> list[tuple[str, Any]]:
    """The arrays that an operation kept of arguments that do not record, with the arguments' names."""
    if not node.saved or node.plan is None:
        return []
    op = node.plan.op
    recorded = {getattr(op, "arguments", ())[i] for i in node.plan.inputs if i < len(getattr(op, "arguments", ()))}
    pairs: Any = zip(node.plan.names, node.saved, strict=False)
    if getattr(op, "backward", None):
        pairs = zip(op.arguments, node.saved[0], strict=False)
    return [(n, v) for n, v in pairs if n in getattr(op, "arguments", ()) and n not in recorded and isinstance(v, np.ndarray | np.generic)]


def operation_text(node: Node) -> str:
    """The operation's name, with the settings that say what it does here."""
    op = node.plan.op
    given = getattr(node, "settings", {})
    parts = []
    for key, value in given.items():
        if key == "axis" and value is not None:
            parts.append(f"dim={value}")
        elif key == "exponent":
            parts.append(f"^{number(value)}")
        elif key in ("low", "high", "negative_slope", "alpha", "beta") and isinstance(value, int | float):
            parts.append(f"{key}={number(value)}")
    constant = getattr(node, "constant", None)
    if constant is not None:
        sign = {"add": "+", "mul": "×", "sub": "−", "div": "÷"}.get(op.name)
        first = node.plan.inputs == (1,)
        parts.append(f"{number(constant)} {sign}" if sign and first else f"{sign or ''} {number(constant)}".strip())
    return " ".join([op.name, *parts])


def known_values(order: list[Node], names: Names, root: Node, output: Tensor) -> dict[Node, Any]:
    """The values of nodes, as far as they can still be found or are quickly computed again."""
    values: dict[Node, Any] = {root: output.array}
    for node in order:
        if node.plan is None:
            tensor = node.tensor()
            if tensor is not None:
                values[node] = tensor.array
            continue
        if (array := names.array_of(node)) is not None:
            values[node] = array
        saved = dict(zip(node.plan.names, node.saved, strict=False)) if node.saved else {}
        if isinstance(saved.get("out"), np.ndarray | np.generic):
            values[node] = saved["out"]
        arguments = getattr(node.plan.op, "arguments", ())
        for k, parent in enumerate(node.parents):
            position = node.plan.inputs[k] if k < len(node.plan.inputs) else k
            held = saved.get(arguments[position]) if position < len(arguments) else None
            if isinstance(held, np.ndarray | np.generic) and held.shape == parent.shape:
                values.setdefault(parent, held)
    for node in order:
        if node not in values and node.plan is not None and isinstance(node.dtype, np.dtype) and np.prod(node.shape) <= 4:
            again = computed_again(node, values)
            if again is not None and again.shape == node.shape:
                values[node] = again
    return values


def computed_again(node: Node, values: dict[Node, Any]) -> Any:
    """A small operation's value, computed again from its inputs' if these are known and as small."""
    op = node.plan.op
    forward = getattr(op, "forward", None)
    if forward is None or op.backward or op.variadic or any(p not in values or np.size(values[p]) > 16 for p in node.parents):
        return None
    saved = dict(constants(node))
    arguments: list[Any] = []
    for position, name in enumerate(op.arguments):
        if position in node.plan.inputs:
            arguments.append(values[node.parents[node.plan.inputs.index(position)]])
        else:
            arguments.append(saved.get(name, getattr(node, "constant", None)))
    if any(a is None for a in arguments):
        return None
    return np.asarray(forward(*arguments, **getattr(node, "settings", {})))
