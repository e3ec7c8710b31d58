"""`autograd.graph`: the graph's nodes, and what operations save for their gradients packed as the program wishes.

A node recorded inside the block gets a plan of its own, which unpacks and then does what the operation's plan does. So
nothing outside such blocks knows of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

from .. import writes
from ..errors import InplaceError
from ..graph import Node, thread
from ..modes import no_grad
from ..plan import Plan
from ..tensor import Tensor, constant

__all__ = ["Node", "disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks"]


class saved_tensors_hooks:
    """Inside the block, keep `pack_hook(tensor)` in place of each array that an operation saves for its gradient.

    A backward pass uses `unpack_hook(packed)`, which returns a Tensor of the same shape and dtype. Of nested blocks the
    innermost counts. The tensors that hooks see do not record. Raises RuntimeError where hooks are disabled.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook
        self.before: list[Any] = []

    def __enter__(self) -> None:
        if _refusal.message is not None:
            raise RuntimeError(_refusal.message)
        self.before.append(thread.pack)
        thread.pack = partial(packed, self.pack_hook, self.unpack_hook)
        writes.watch(+1)

    def __exit__(self, *exception: Any) -> None:
        thread.pack = self.before.pop()
        writes.watch(-1)


class save_on_cpu(saved_tensors_hooks):
    """Keep what is saved in the computer's memory: here that is where it always is, so this changes nothing."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        super().__init__(lambda tensor: tensor, lambda tensor: tensor)


class _Refusal(threading.local):
    message: str | None = None


_refusal = _Refusal()


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside the block, entering `saved_tensors_hooks` raises RuntimeError with this message; so does being inside one already."""
    if thread.pack is not None:
        raise RuntimeError(error_message)
    before, _refusal.message = _refusal.message, error_message
    try:
        yield
    finally:
        _refusal.message = before


# ---------------------------------------------------------------------- packing


class Packed:
    """One saved array as the hooks keep it."""

    __slots__ = ("dtype", "operation", "owner", "pack", "scalar", "shape", "time", "unpack", "value")

    def __init__(self, array: Any, operation: str, pack: Callable[[Tensor], Any], unpack: Callable[[Any], Tensor]):
        self.scalar = not isinstance(array, np.ndarray)
        given = np.asarray(array)
        self.shape, self.dtype, self.operation = given.shape, given.dtype, operation
        self.pack, self.unpack = pack, unpack
        self.owner = ref(writes.owner(given))
        self.time = writes.tick()
        with no_grad():
            self.value = pack(constant(given))
        if writes.written_since(given, self.time):
            raise RuntimeError(f"saved_tensors_hooks: the pack hook wrote into the tensor that {operation} saves; give it a clone()")

    def again(self) -> Any:
        """The array. Raises RuntimeError for what is not like the one packed, InplaceError for one written since."""
        with no_grad():
            tensor = self.unpack(self.value)
        if not isinstance(tensor, Tensor):
            raise TypeError(f"saved_tensors_hooks: the unpack hook must return a Tensor, got a {type(tensor).__name__}")
        array = tensor.array
        if array.shape != self.shape or array.dtype != self.dtype:
            raise RuntimeError(
                f"saved_tensors_hooks: {self.operation} saved a {self.dtype} tensor of shape {self.shape}, but the unpack hook "
                f"returned {array.dtype} of shape {array.shape}"
            )
        if writes.owner(array) is self.owner() and writes.written_since(array, self.time):
            raise InplaceError(
                f"{self.operation}: a value it saved for its gradient, of shape {self.shape}, was changed afterwards by an in-place "
                "operation. Make that operation out-of-place, or have the pack hook return a clone()."
            )
        return array[()] if self.scalar else array

    def apart(self, buffer: Any) -> Packed:
        """The same with nothing of this memory, which is about to be written, in it."""
        if self.owner() is not buffer:
            return self
        array = self.again()
        return Packed(array.copy(), self.operation, self.pack, self.unpack) if writes.owner(array) is buffer else self


def packed(pack: Callable[[Tensor], Any], unpack: Callable[[Any], Tensor], plan: Plan, saved: tuple[Any, ...]) -> tuple[Plan, Any]:
    """A plan and what it saves, with every array behind the hooks."""

    def of(value: Any) -> Any:
        return Packed(value, plan.op.name, pack, unpack) if isinstance(value, np.ndarray | np.inexact) else value

    kept = tuple(tuple(of(v) for v in value) if type(value) is tuple else of(value) for value in saved)
    behind = any(type(v) is Packed for value in kept for v in (value if type(value) is tuple else (value,)))
    return (unpacking(plan), kept) if behind else (plan, saved)


def unpacked(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    def of(value: Any) -> Any:
        return value.again() if type(value) is Packed else value

    return tuple(tuple(of(v) for v in value) if type(value) is tuple else of(value) for value in saved)


def unpacking(plan: Plan) -> Plan:
    """The plan of a node whose saved values are packed."""

    def pull(gradient: Any, saved: tuple[Any, ...]) -> Any:
        return plan.pull(gradient, unpacked(saved))

    def pull_tensors(node: Node, gradient: Any) -> Any:
        return plan.pull_tensors(node, gradient, unpacked(node.saved or ()))  # not put on the node: two threads may pull it

    return Plan(plan.op, plan.inputs, pull, pull_tensors, plan.keep, plan.shapes, plan.names, plan.frees)
