"""One pass, with every number of it that can be had: what `health` judges and `diff` compares."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from autograd_core.errors import InplaceError
from autograd_core.graph import Node, ancestors
from autograd_core.plan import pick
from autograd_core.primitive import Op
from autograd_core.tensor import Tensor, current_node

from ..graph.arguments import given_to
from ..graph.description import Call, Trace, Vertex
from ..graph.names import Names
from ..graph.trace import pass_for, trace
from ..graph.values import known_values
from ..record import Run


class Pass:
    """What `output` was computed from: the trace, the nodes under the trace's ids, the gradients, and the values of all operations.

    Raises TypeError or ValueError for what has no graph, as `trace` does, and InplaceError where what the gradients need was overwritten.
    """

    def __init__(self, output: Tensor, names: Names, run: Run | None = None, gradient: Any = None):
        root = current_node(output) if isinstance(output, Tensor) else None
        if root is None or not isinstance(run, Run | None):
            trace(output, names, run)  # says what is wrong
            raise AssertionError
        self.order = ancestors([root])[::-1]
        try:
            state, self.run, hooked = pass_for(output, self.order, run, gradient)
        except InplaceError as error:
            error.add_note(
                "viz: look before the parameters are updated (viz.snapshot keeps the numbers), or record the pass with viz.record()"
            )
            raise
        self.found: Trace = replace(trace(output, names, self.run), state=state, hooked=hooked)
        self.names, self.root, self.output = names, root, output
        self.ids = {node: f"v{k}" for k, node in enumerate(self.order)}
        self._paths = {call.id: call for call in self.found.calls}

    @cached_property
    def values(self) -> dict[Node, Any]:
        """By node, oldest first: the values kept, and those computed again from them. What several results have is a tuple."""
        known = known_values(self.order, self.names, self.root, self.output)
        for node in self.order:
            if node not in known and node.plan is not None:
                again = computed_again(node, known)
                if again is not None:
                    known[node] = again
        return known

    def gradient(self, node: Node) -> Any:
        """The gradient that arrived at a node, or None."""
        return None if self.run is None else self.run.gradients.get(node)

    def parts(self, node: Node) -> tuple[Any, ...]:
        """What a node handed to each of its inputs."""
        return () if self.run is None else self.run.parts.get(node, ())

    # ------------------------------------------------------------------ in words

    def node(self, id: str) -> Node:
        """The node of a vertex that is no data."""
        return self.order[int(id[1:])]

    def vertex(self, node: Node) -> Vertex:
        return self.found.by_id[self.ids[node]]

    def place(self, node: Node) -> str:
        """The module whose call a node stands in: `model.blocks.3.attention`; "" outside of all modules."""
        return self.path(self.vertex(node).scope)

    def path(self, scope: str | None) -> str:
        """The path of a call, after the name of the outermost module: `model.blocks.3`."""
        if scope is None:
            return ""
        name = self._outermost(scope).label.partition(":")[0]
        return ".".join(filter(None, [name, self._paths[scope].path]))

    def class_and_path(self, scope: str | None) -> str:
        """The place of a call by the class of the outermost module and the path in it, whatever the program calls that."""
        if scope is None:
            return ""
        return f"{self._outermost(scope).label.rpartition(': ')[2]}.{self._paths[scope].path}"

    def _outermost(self, scope: str) -> Call:
        """The call around a call that nothing is around."""
        call = self._paths[scope]
        while call.parent is not None:
            call = self._paths[call.parent]
        return call

    def called(self, node: Node) -> str:
        """`linear in model.blocks.3.fc`; of several so called in one module which, and the line of the program where it is known."""
        line = self.vertex(node).line
        return self._called[node] + (f" at {line}" if line else "")

    @cached_property
    def data_called(self) -> dict[str, str]:
        """By id, for data: the program's name of it, else what it is to the first operation that uses it."""
        names: dict[str, str] = {}
        for node in self.order:
            for edge in self.vertex(node).inputs:
                data = self.found.by_id[edge.source]
                if data.kind == "data":
                    names.setdefault(data.id, data.name if data.given else f"{data.name} of {self.called(node)}")
        return names

    @cached_property
    def _called(self) -> dict[Node, str]:
        names = {node: self.simply(node) for node in self.order}
        counts = Counter(names.values())
        met: Counter[str] = Counter()
        for node, name in names.items():
            if counts[name] > 1 and node.plan is not None:
                met[name] += 1
                names[node] = f"{name} ({met[name]} of {counts[name]})"
        return names

    def simply(self, node: Node) -> str:
        """`linear in model.blocks.3.fc`, also of several so called."""
        v = self.vertex(node)
        if node.plan is None:
            return v.name
        place = self.place(node)
        return (f"{v.operation} ({v.name})" if v.name else v.operation) + (f" in {place}" if place else "")


def computed_again(node: Node, values: dict[Node, Any]) -> Any:
    """An operation's value from its arguments', or None: only for operations of the engine's own, which write nothing."""
    if node.plan.op is pick.op:
        whole = values.get(node.parents[0])
        return None if whole is None else whole[node.saved[0]]  # type: ignore[index]
    op = node.plan.op
    if not isinstance(op, Op) or not op.forward.__module__.startswith("autograd_core.ops.") or op.name == "setitem":
        return None
    kept = {i: a for i, a in enumerate(node.saved[0]) if isinstance(a, np.ndarray)} if op.backward and node.saved else {}
    arguments = []
    for i, argument in enumerate(given_to(node)):
        value = values.get(argument.parent) if argument.parent is not None else kept.get(i, argument.value)
        if value is None and not argument.absent:
            return None
        arguments.append(read_only(value))
    needs = {"needs": (False,) * len(op.arguments)} if op.asks_needs else {}
    try:
        with np.errstate(all="ignore"):
            made = op.forward(*arguments, **getattr(node, "settings", {}), **needs)
    except (AttributeError, TypeError, ValueError, IndexError, np.linalg.LinAlgError):  # its arguments were converted when it was called
        return None
    made = made[0] if op.backward is not None else made
    several = isinstance(node.dtype, tuple)
    if (np.shape(made) != node.shape) if not several else tuple(map(np.shape, made)) != tuple(node.shape):
        return None
    return tuple(made) if several else np.asarray(made, node.dtype)


def read_only(value: Any) -> Any:
    """An array that an operation cannot write into; anything else as it is."""
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return view
