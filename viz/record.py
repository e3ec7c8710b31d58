"""Watching a backward pass: every gradient, and what each operation handed on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_core import writes
from autograd_core.autograd.anomaly import calling_line, in_backward
from autograd_core.errors import ShapeError
from autograd_core.graph import Node, ancestors, pullback, thread
from autograd_core.plan import Cotangents
from autograd_core.random import fork_rng
from autograd_core.tensor import Tensor


class Run:
    """What went through the nodes of a graph in one or more backward passes.

    As a context manager (`with viz.record() as run:`) it watches the passes started inside, in this thread. `gradients`
    are the total at each node, `parts` what each node handed to each of its inputs. Operations called inside note the line
    of the program that called them.
    """

    def __init__(self) -> None:
        self.order: list[Node] = []
        self.gradients: dict[Node, np.ndarray[Any, Any]] = {}
        self.parts: dict[Node, tuple[Any, ...]] = {}
        self._around: list[Any] = []
        self._watching: list[Any] = []

    def __call__(self, node: Node, gradient: Any, parts: tuple[Any, ...]) -> None:
        if self._around and self._around[-1] is not None:
            self._around[-1](node, gradient, parts)
        arrays = tuple(None if p is None else array(p) for p in parts)
        if node in self.gradients:  # another pass: gradients add up
            with np.errstate(all="ignore"):
                self.gradients[node] = self.gradients[node] + array(gradient)
                pairs = zip(self.parts[node], arrays, strict=True)
                self.parts[node] = tuple(a if b is None else b if a is None else a + b for a, b in pairs)
        else:
            self.order.append(node)
            self.gradients[node] = array(gradient)
            self.parts[node] = arrays

    def __enter__(self) -> Run:
        if self._around:
            raise RuntimeError("viz.record: this recording is running already; make another for a block inside")
        self._around.append(thread.observer)
        self._watching.append(thread.watch)
        thread.observer, thread.watch = self, self._note_line
        writes.watch(1)
        return self

    def __exit__(self, *exception: Any) -> None:
        writes.watch(-1)
        thread.observer, thread.watch = self._around.pop(), self._watching.pop()

    def _note_line(self, op: Any, arrays: Any, result: Any, node: Node | None) -> None:
        """Called for each operation inside the block."""
        if self._watching and self._watching[-1] is not None:
            self._watching[-1](op, arrays, result, node)
        if node is not None and not in_backward():
            node.line = node.call.line = calling_line()

    def __repr__(self) -> str:
        return f"<run of {len(self.order)} operations>"


def record() -> Run:
    """Watch the backward passes inside a `with` block: `with viz.record() as run: loss.backward()`."""
    return Run()


def array(value: Any) -> Any:
    """A gradient as an array (several, for an operation with several results)."""
    if isinstance(value, Cotangents):
        return Cotangents([None if part is None else array(part) for part in value], value.shape, value.dtype)
    return value.array if isinstance(value, Tensor) else np.asarray(value)


def is_freed(root: Node) -> bool:
    """Whether a backward pass has let go what the graph below `root` saved."""
    return any(node.saved is None for node in ancestors([root]))


def own_pass(loss: Tensor, gradient: Any = None) -> Run:
    """A backward pass for looking only: the graph and its hooks stay as they are, so does `.grad`, and other threads notice nothing.

    Raises ShapeError when `gradient` does not have the loss's shape, InplaceError where what the pass needs was overwritten.
    """
    root = loss.node
    assert root is not None
    run = Run()
    start = np.ones(root.shape, root.dtype) if gradient is None else np.asarray(array(gradient), root.dtype)
    if start.shape != root.shape:
        raise ShapeError(f"viz: gradient has shape {start.shape}, but the tensor {root.shape}")
    with looking(), fork_rng():
        pullback([root], [start], retain_graph=True, observer=run)
    return run


@contextmanager
def looking() -> Iterator[None]:
    """What rules do inside is not recorded, no hook runs in this thread, and NumPy warns of nothing."""
    before = thread.grad, thread.hooks
    thread.grad = thread.hooks = False
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        thread.grad, thread.hooks = before
