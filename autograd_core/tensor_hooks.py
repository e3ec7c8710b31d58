"""The hooks that tensors put on their nodes: what registering one returns, and the one of `retain_grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from .graph import Node, accumulating

if TYPE_CHECKING:
    from .tensor import Tensor


class Handle:
    """What registering a hook returns: `remove()` takes the hook off again; also a context manager."""

    def __init__(self, node: Node, hook: Callable[[Any], Any]):
        self.node: Node | None = node
        self.hook = hook
        node.hooks = sorted([*(node.hooks or ()), hook], key=lambda h: isinstance(h, Retain))  # retain_grad sees what the others left

    def remove(self) -> None:
        if self.node is not None and self.node.hooks:
            self.node.hooks = [h for h in self.node.hooks if h is not self.hook] or None
        self.node = None

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


class Retain:
    """The hook of `retain_grad`; it holds its tensor weakly."""

    def __init__(self, tensor: Tensor):
        self.tensor = ref(tensor)

    @property
    def retains(self) -> Tensor | None:
        return self.tensor()

    def __call__(self, gradient: Any) -> Any:
        from .tensor import Tensor, constant

        tensor = self.tensor()
        if tensor is not None:
            given = gradient if isinstance(gradient, Tensor) else constant(np.array(gradient))
            with accumulating:
                tensor._grad = given if tensor._grad is None else tensor._grad + given
        return gradient

    def follow(self, before: Node, after: Node) -> None:
        """Move to the node that its tensor got by an in-place operation."""
        before.hooks = [h for h in before.hooks or () if h is not self] or None
        after.hooks = [*(after.hooks or ()), self]
