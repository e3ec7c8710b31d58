"""From the nodes of a graph to its description: only this file and what it leans on look at nodes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograd_core import writes
from autograd_core.errors import InplaceError
from autograd_core.graph import Backward, Node, Scope, ancestors, fitted, order_of
from autograd_core.node_hooks import HookedPlan
from autograd_core.tensor import Tensor, current_node
from autograd_core.tensor_hooks import Retain
from nn import Parameter
from nn.hooks import OutputGate

from ..checkup.memory import kept_bytes
from ..record import Run, is_freed, looking, own_pass
from .arguments import Argument, given_to
from .description import Call, Edge, Quantity, Trace, Vertex
from .digits import number
from .formulas import rule_text
from .names import Names
from .numbers import with_numbers
from .opening import Opens, opened
from .pushing import pushed
from .values import known_values

spelled = functools.cache(str)  # a dtype: NumPy takes long to say its name


def quantity(value: Any) -> Quantity | None:
    """Describe an array; None for what is not one."""
    if value is None or isinstance(value, list):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        return None
    return Quantity(array)


def trace(
    output: Tensor, names: Names, run: Run | None = None, gradient: Any = None, opens: Opens = None, *, backward: bool = True
) -> Trace:
    """Describe what `output` was computed from.

    Gradients are those of `run`; without one, of a pass made for looking, if the graph still has what that needs and
    `output` has one element or `gradient` is given; without `backward` there are none. `opens` picks fused operations to show
    as what they are made of. Raises TypeError or ValueError for what has no graph.
    """
    if not isinstance(output, Tensor):
        raise TypeError(f"viz: expected a Tensor, got {'None' if output is None else 'a ' + type(output).__name__}")
    if run is not None and not isinstance(run, Run):
        raise TypeError(f"viz: run must be what viz.record() gives, got a {type(run).__name__}")
    root = current_node(output)
    if root is None:
        raise ValueError("viz: this tensor was not computed from one that requires grad, so it has no graph; was it made inside no_grad()?")
    order = ancestors([root])[::-1]
    notes: tuple[str, ...] = ()
    try:
        state, run, hooked = pass_for(output, order, run, gradient) if backward else ("none", None, 0)
    except InplaceError as error:
        state, run, hooked, notes = "overwritten", None, 0, (str(error).partition(". ")[0],)  # what comes next is advice
    describe = _Describe(order, names, run, root, output)
    vertices = tuple(v for node in order for v in describe.vertices(node))
    found = Trace(describe.id_of(root), vertices, describe.calls(), state, hooked, notes=notes)
    return opened(found, order, describe, opens) if opens else found


def pass_for(output: Tensor, order: list[Node], run: Run | None, gradient: Any) -> tuple[str, Run | None, int]:
    """Whose gradients are shown (a key of as_drawing.STATES), these, and how many tensors have hooks that they did not go through.

    Raises InplaceError where what a pass needs was overwritten.
    """
    root = order[-1]
    if run is not None and root in run.gradients:
        return "recorded", run, 0
    if is_freed(root):
        return "freed", None, 0
    if output.array.size != 1 and gradient is None:
        return "none", None, 0
    state = "again" if any(_has_grad(node) for node in order) else "own"
    return state, own_pass(output, gradient), sum(map(_has_hooks, order))


def _has_hooks(node: Node) -> bool:
    """Whether a pass would call something at this node that may look at gradients, or change them."""
    around = isinstance(node.plan, HookedPlan) and bool(node.plan.before or node.plan.after)
    around = around or getattr(getattr(node.plan, "op", None), "function", None) is OutputGate  # of a module
    return around or any(not isinstance(hook, Retain) for hook in node.hooks or ())


def _has_grad(node: Node) -> bool:
    tensor = node.tensor() if node.plan is None else None
    return tensor is not None and tensor.grad is not None


class _Describe:
    """The work of one `trace`: ids, values known, and the vertices."""

    def __init__(self, order: list[Node], names: Names, run: Run | None, root: Node, output: Tensor):
        self.names, self.run = names, run
        self.number = {node: k for k, node in enumerate(order)}
        self.given = {node: given_to(node) for node in order if node.plan is not None}
        self.values = known_values(order, names, root, output, self.given)
        unnamed = [node for node in order if node.plan is None and not names.of(node)]
        self.unnamed = {node: f"leaf {k}" if len(unnamed) > 1 else "leaf" for k, node in enumerate(unnamed, 1)}
        self.scopes: dict[Scope, str] = {}
        self.kept = kept_bytes(order)
        self.data: dict[int, str] = {}  # ids of data that has been described, by the array's identity

    def id_of(self, node: Node) -> str:
        return f"v{self.number[node]}"

    def vertices(self, node: Node) -> list[Vertex]:
        """The node's own vertex, after those of data that it is the first to use."""
        gradient = None if self.run is None else quantity(self.run.gradients.get(node))
        value = quantity(self.values.get(node))
        if node.plan is None:
            tensor = node.tensor()
            if self.run is None and tensor is not None and tensor.grad is not None:
                gradient = quantity(tensor.grad.array)
            name = self.names.of(node) or self.unnamed[node]
            given = not isinstance(tensor, Parameter | None)
            return [Vertex(self.id_of(node), "parameter", name, "", node.shape, spelled(node.dtype), value, gradient, None, given=given)]
        several = isinstance(node.dtype, tuple)  # results: they have nodes of their own
        shape, dtype = ((), "") if several else (node.shape, spelled(node.dtype))
        new_data, edges = self._inputs(node)
        scope = self.scope(node.scope)
        name, text = self.names.of(node), operation_text(node)
        more = (order_of(node.scope), line_of(node), self.kept.get(node, 0))
        own = Vertex(self.id_of(node), "operation", name, text, shape, dtype, value, gradient, scope, tuple(edges), *more)
        return [*new_data, own]

    def _inputs(self, node: Node) -> tuple[list[Vertex], list[Edge]]:
        """The edges from what the operation was given, and vertices for data among it that is new."""
        parts = iter(self.run.parts.get(node, ()) if self.run is not None else ())
        new: list[Vertex] = []
        edges = []
        k = 0
        for argument in self.given[node]:
            if argument.parent is not None:
                source, part = self.id_of(argument.parent), quantity(next(parts, None))
                edges.append(Edge(source, argument.name, part=part, rule=LocalRule(self, node, k)))
                k += 1
            elif not argument.absent and (argument.now is None or isinstance(argument.now, np.ndarray | np.generic)):
                vertex = self._data(node, argument)
                if vertex is not None:
                    new.append(vertex)
                edges.append(Edge(self._data_id(node, argument), argument.name, "", None))
        return new, edges

    def _data_id(self, node: Node, argument: Argument) -> str:
        own, now = f"{self.id_of(node)}.{argument.neutral}", argument.now
        known = np.ndim(now) > 0 or self.names.of_array(now)  # of a single number, whether it is the same is not always kept
        return self.data.setdefault(id(now), own) if known else own

    def _data(self, node: Node, argument: Argument) -> Vertex | None:
        """A vertex for data that does not record, unless it has one; data that is gone is drawn without a shape."""
        now = argument.now
        if id(now) in self.data:
            return None
        name = self.names.of_array(now)
        shape = () if now is None else tuple(np.shape(now))
        dtype = "" if now is None else spelled(now.dtype)
        own, value = self._data_id(node, argument), quantity(argument.value)
        return Vertex(own, "data", name or argument.neutral, "", shape, dtype, value, None, None, given=bool(name))

    def scope(self, scope: Scope | None) -> str | None:
        if scope is None:
            return None
        new = []
        at: Scope | None = scope
        while at is not None and at not in self.scopes:
            new.append(at)
            at = at.parent
        for at in reversed(new):
            self.scopes[at] = f"m{len(self.scopes)}"
        return self.scopes[scope]

    def calls(self) -> tuple[Call, ...]:
        kind = {True: "backward", False: "module"}
        return tuple(
            Call(i, self.names.of_call(s), self.scope(s.parent), kind[isinstance(s, Backward)], path=self.names.path_of(s))
            for s, i in self.scopes.items()
        )


class LocalRule:
    """What one operation does to the gradient on its way to one of its inputs."""

    __slots__ = ("describe", "k", "node")

    def __init__(self, describe: _Describe, node: Node, k: int) -> None:
        self.describe, self.node, self.k = describe, node, k

    def told(self) -> tuple[str, tuple[str, ...]]:
        return rule_text(self.node, self.k, called_in(self.node, self.describe.names))

    def numbers(self) -> str:
        run = self.describe.run
        return with_numbers(self.node, self.k, None if run is None else run.gradients.get(self.node), self.describe.values)

    def kept(self) -> bool:
        try:
            writes.check(self.node)
        except InplaceError:
            return False
        return self.node.saved is not None

    def pull(self, gradient: Any) -> Any:
        parent = self.node.parents[self.k]
        with looking():
            part = self.node.plan.pull(gradient, self.node.saved)[self.k]
        if part is None:
            return np.zeros(parent.shape, parent.dtype)
        return part if isinstance(part, list) else np.asarray(fitted(part, parent, self.node.plan))

    def push(self, change: Any) -> Any:
        return pushed(self.node, self.k, change)


def line_of(node: Node) -> str:
    """`file:line` of the call that made a node, "" where nobody noted it."""
    line = getattr(node.call, "line", None)
    return f"{line.file}:{line.number}" if line is not None else ""


def called_in(node: Node, names: Names) -> dict[str, str]:
    """What the program calls the arguments of node's operation, and its result ("out").

    Of a parameter's name the last part, if that tells the arguments apart and is a word.
    """
    called = {}
    for argument in given_to(node):
        name = names.of(argument.parent) if argument.parent is not None else names.of_array(argument.now)
        if name:
            called[argument.name] = name
    if own := names.of(node):
        called["out"] = own
    short = {key: name.rpartition(".")[2] for key, name in called.items()}
    clash = len(set(short.values())) < len(set(called.values()))
    called = {key: called[key] if clash or short[key].isdigit() else short[key] for key in called}
    return {key: name for key, name in called.items() if name != "g"}  # that is the gradient's


def operation_text(node: Node) -> str:
    """The operation's name, with the settings that say what it does here."""
    op = node.plan.op
    if node.call is not node:  # one of its results
        k, names = (node.saved or (None,))[0], getattr(node.parents[0].op, "results", ())
        return "result" if k is None else f"result {names[k] if names else k + 1}"
    parts = []
    for key, value in getattr(node, "settings", {}).items():
        if key == "axis" and value is not None:
            parts.append(f"dim={value[0] if isinstance(value, tuple) and len(value) == 1 else value}")
        elif key == "exponent":
            parts.append(f"^{number(value)}")
        elif key in ("low", "high", "negative_slope", "alpha", "beta") and isinstance(value, int | float):
            parts.append(f"{key}={number(value)}")
    constant = getattr(node, "constant", None)
    if isinstance(constant, tuple) and len(constant) == 2:
        constant = constant[1 - node.plan.inputs[0]]
    if isinstance(constant, int | float):
        sign = {"add": "+", "mul": "×", "sub": "−", "div": "÷"}.get(op.name, "")
        parts.append(f"{number(constant)} {sign}".strip() if node.plan.inputs == (1,) else f"{sign} {number(constant)}".strip())
    return " ".join([op.name, *parts])
