"""What the program calls things: parameters by their place in a module, other tensors by the caller's variables."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any

import numpy as np

from autograd_core.graph import Backward, Node, Scope, ancestors
from autograd_core.tensor import Tensor
from autograd_core.writes import owner
from nn import Module


def caller() -> FrameType | None:
    """The frame of whoever called the function that asks. To be handed on, not kept: a frame in a variable keeps what it sees alive."""
    return sys._getframe(2)


def variables_of(frame: FrameType) -> dict[str, Any]:
    """The variables that a frame sees, but for private ones."""
    seen = frame.f_locals
    found = {name: value for name, value in seen.items() if not name.startswith("_")}
    if sys.version_info < (3, 13) and frame.f_code.co_flags & CO_OPTIMIZED and sys.getrefcount(seen) == HELD_BY_FRAME:
        seen.clear()  # a copy that would keep all values alive as long as the function runs
    return found


def _references_of_a_copy() -> int:
    seen = sys._getframe().f_locals
    return sys.getrefcount(seen)


HELD_BY_FRAME = _references_of_a_copy()


class Names:
    """Names for the nodes of a graph."""

    def __init__(self, output: Any, given: Mapping[str, Any] | Module | None = None, frame: FrameType | None = None):
        self.nodes: dict[Node, str] = {}
        self.tensors: dict[Node, Tensor] = {}
        self.arrays: dict[int, tuple[str, Any]] = {}
        self.modules: dict[int, str] = {}
        self.paths: dict[int, dict[int, str]] = {}
        if isinstance(given, Module):
            self.modules.update((id(module), path) for path, module in given.named_modules() if path)
            given = dict(given.named_parameters())
        elif given is not None and not isinstance(given, Mapping):
            raise TypeError(f"names: a dict from names to tensors, or a Module, got a {type(given).__name__}")
        for name, tensor in (given or {}).items():
            if not isinstance(name, str) or not isinstance(tensor, Tensor | np.ndarray):
                raise TypeError(f"names: from strings to tensors, got {name!r}: a {type(tensor).__name__}")
            self.add(name, tensor)
        variables = {} if frame is None else variables_of(frame)
        held = {name: value for name, value in variables.items() if isinstance(value, Module)}
        for name, module in held.items():
            self.modules.setdefault(id(module), name)
        for name, module in held.items():  # a part of it may be called by itself
            for path, inner in module.named_modules():
                self.modules.setdefault(id(inner), f"{name}.{path}")
        if isinstance(output, Tensor) and output.node is not None:
            for prefix, module in self.roots(ancestors([output.node])):
                for name, parameter in module.named_parameters():
                    self.add(prefix + name, parameter)
        for name, value in variables.items():
            self.add(name, value)

    def add(self, name: str, value: Any) -> None:
        """Call a tensor or array `name`, unless it has a name already."""
        if isinstance(value, Tensor):
            if value.node is not None:
                self.nodes.setdefault(value.node, name)
                self.tensors.setdefault(value.node, value)
            self.arrays.setdefault(id(owner(value.array)), (name, value.array))
        elif isinstance(value, np.ndarray):
            self.arrays.setdefault(id(owner(value)), (name, value))

    def of(self, node: Node) -> str:
        return self.nodes.get(node, "")

    def of_array(self, array: Any) -> str:
        """The name of a variable that holds this array, or another of the same shape on its memory."""
        if not isinstance(array, np.ndarray):
            return ""
        name, known = self.arrays.get(id(owner(array)), ("", None))
        return name if known is not None and known.shape == np.shape(array) else ""

    def array_of(self, node: Node) -> Any:
        tensor = self.tensors.get(node)
        return None if tensor is None or tensor.node is not node else tensor.array

    def of_call(self, scope: Scope) -> str:
        """`name: Class` of the module that was called: by the name its parent knows it by, or the caller's variable."""
        if isinstance(scope, Backward):
            return "backward pass" if scope.order == 1 else f"backward pass, order {scope.order}"
        owner, kind, outer = scope.owner, scope.kind, scope.parent.owner if scope.parent is not None else None
        if owner is None:  # it is gone
            return kind
        inside = self.paths_in(outer).get(id(owner), "") if isinstance(outer, Module) else ""
        name = inside or self.modules.get(id(owner), "")
        return f"{name}: {kind}" if name else kind

    def path_of(self, scope: Scope) -> str:
        """The place of the module that was called in the outermost one around it, "" for the outermost and for what is gone."""
        outer = scope
        while outer.parent is not None and not (isinstance(outer.parent, Backward) and outer.parent.parent is None):
            outer = outer.parent
        root, module = outer.owner, scope.owner
        if not isinstance(root, Module) or module is None or isinstance(scope, Backward):
            return ""
        return self.paths_in(root).get(id(module), "")

    def paths_in(self, outer: Module) -> dict[int, str]:
        """The paths of the modules inside one, by their identity."""
        if id(outer) not in self.paths:
            self.paths[id(outer)] = {id(module): path for path, module in outer.named_modules()}
        return self.paths[id(outer)]

    def roots(self, nodes: list[Node]) -> list[tuple[str, Module]]:
        """The outermost modules that were called, each with a prefix for its parameters' names where there are several."""
        found: dict[int, Module] = {}
        for node in nodes:
            scope = node.scope
            while scope is not None and scope.parent is not None:
                scope = scope.parent
            if scope is not None and isinstance(scope.owner, Module):
                found.setdefault(id(scope.owner), scope.owner)
        modules = [m for m in reversed(found.values()) if next(m.parameters(), None) is not None]
        if len(modules) < 2:
            return [("", m) for m in modules]
        kinds = [type(m).__name__ for m in modules]
        numbers = [str(kinds[:k].count(kind) + 1) if kinds.count(kind) > 1 else "" for k, kind in enumerate(kinds)]
        own = [self.modules.get(id(m), f"{kind}{n}") for kind, n, m in zip(kinds, numbers, modules, strict=True)]
        return [(f"{name}.", m) for name, m in zip(own, modules, strict=True)]
