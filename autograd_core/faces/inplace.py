"""In-place operations: `x.add_(y)`, `x += y`, `x[i] = y`, through views too, with the gradients of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from .. import writes
from ..autograd.graph import Packed
from ..dtypes import can_cast
from ..errors import ShapeError
from ..factory import in_dtype, number
from ..graph import Node, thread
from ..modes import enable_grad
from ..ops import shape
from ..ops.elementwise import zeros_like
from ..primitive import primitive
from ..tensor import Tensor, constant, current_node, on_node, put_on, still_there
from . import shapes, strides
from .arguments import shape_of
from .types import to


def in_place(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place form of a function of a tensor."""

    def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
        recording = begin(name, self, *args, *settings.values())
        since = writes.tick()
        before = on_node(self.array, current_node(self)) if recording else constant(self.array)
        result = function(before, *args, **settings)
        if recording and result.node is not None:
            keep_apart(self.array, result.node, since)
        return finish(name, self, result, recording)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = (
        f"As `{name.strip('_')}`, written into this tensor. Raises RuntimeError on a leaf that requires grad, and see in_place."
    )
    return method


def keep_apart(array: np.ndarray[Any, Any], node: Node, since: int) -> None:
    """Give the nodes made since then, up to this one, copies of what they kept of memory that is about to be written."""
    buffer = writes.owner(array)
    todo = [node]
    while todo:
        node = todo.pop()
        if node.time > since and node.plan is not None:
            node.saved = apart(node.saved, buffer)
            todo += node.parents


def apart(value: Any, buffer: Any) -> Any:
    """What a node kept, with a copy of each array that looks into this buffer."""
    if type(value) is tuple:
        return tuple([apart(v, buffer) for v in value])
    if type(value) is Packed:
        return value.apart(buffer)
    return value.copy() if isinstance(value, np.ndarray) and writes.owner(value) is buffer else value


def begin(name: str, target: Tensor, *others: Any) -> bool:
    """Whether an in-place operation is to be recorded. Raises RuntimeError where it may not be done at all."""
    if thread.batch is not None and thread.batch.meets((target, *others)):
        raise RuntimeError(f"{name}: in-place operations cannot be used inside vmap; use the one that returns a new tensor")
    if not target.array.flags.writeable:
        raise RuntimeError(f"{name}: this tensor's elements share memory (it was expanded, or its array is read-only); clone() it first")
    if not thread.grad:
        return False
    refuse_leaves(name, target)
    return any(isinstance(t, Tensor) and (t.node is not None or t._view is not None) for t in (target, *others))


def refuse_leaves(name: str, target: Tensor) -> None:
    """Raise RuntimeError if, with recording on, the target is or looks into a leaf, or cannot be known to look into anything."""
    if not thread.grad:
        return
    root, chain = target, [target]
    while root._view is not None and shares(root, root._view[0]):
        if root._view[1] is None:
            raise RuntimeError(
                f"{name}: this view was made in no_grad, so writing it cannot be recorded; do it inside no_grad(), or on a clone()"
            )
        if not still_there(root):
            raise RuntimeError(f"{name}: the tensor that this one is a view of has changed its shape in place since; use a clone()")
        root = root._view[0]
        chain.append(root)
    for t in chain:
        what = "a leaf" if t is target else "a view of a leaf"
        if t.node is not None and t.node.plan is None:
            raise RuntimeError(
                f"{name}: {what} tensor that requires grad cannot be changed in place; do it inside no_grad(), or on a clone()"
            )


def finish(name: str, target: Tensor, result: Any, recording: bool) -> Tensor:
    """Write what was computed into the target, and note it."""
    if result.array.shape != target.array.shape:
        raise ShapeError(f"{name}: the result has shape {result.array.shape}, which does not fit into {target.array.shape}")
    if result.array.dtype is not target.array.dtype:
        if not can_cast(result.array.dtype, target.array.dtype):
            raise RuntimeError(f"{name}: the result is {result.array.dtype}, which cannot be stored in a {target.array.dtype} tensor")
        result = to(result, target.array.dtype)
    if recording and result.node is None:  # flat: nothing flows to what was there
        result = replaced(on_node(target.array, current_node(target)), result)
    np.copyto(target.array, result.array)
    writes.note(target.array, name)
    if recording and result.node is not None:
        rebase(target, result.node)
    return target


def shares(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors look into the same memory."""
    return writes.owner(a.array) is writes.owner(b.array)


def rebase(target: Tensor, node: Node) -> None:
    """Make `node` what the target, just written, is a function of; and what it is a view of a function of that in turn."""
    put_on(target, node)
    while target._view is not None and shares(target, target._view[0]):
        whole, operation, settings = target._view
        before = on_node(whole.array, current_node(whole))
        put_on(whole, written_through(before, target, operation=operation, settings=settings).node)
        target = whole
    writes.note_recorded(target.array, target.node.time)  # type: ignore[union-attr]


@primitive(
    lambda g, operation, settings: cleared(g, operation=operation, settings=settings),
    lambda g, operation, settings: operation(g, **settings),
    promotes="no",
    name="write_view",
    holomorphic=False,  # the view may be of the parts of complex numbers
)
def written_through(x, value, *, operation, settings):
    """x after its view was written (the memory is already)."""
    return x


@primitive(lambda g, operation, settings: cleared(g, operation=operation, settings=settings), promotes="no")
def cleared(x, *, operation, settings):
    """x with zeros where its view looks."""
    whole = np.array(x, order="C")  # in this order every reshape is a view
    operation(whole, **settings)[...] = 0
    return whole


# ---------------------------------------------------------------------- another shape


def reshaped_in_place(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of a function that gives a view of another shape: the tensor itself becomes that view."""

    def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
        refuse_leaves(name, self)
        leaf = self.node is not None and self.node.plan is None
        whole = on_node(self.array, None if leaf else current_node(self))
        whole._view = self._view
        with enable_grad():  # of what was computed, the shape is recorded always: its gradient would else not fit
            view = function(whole, *args, **settings)
        self.array = view.array
        if leaf:
            self.data = constant(view.array)
        else:
            self._view = view._view
            put_on(self, view.node)
        return self

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"As `{name.strip('_')}`, of this tensor itself. Raises RuntimeError on a leaf that requires grad."
    return method


squeeze_ = reshaped_in_place("squeeze_", shapes.squeeze)
unsqueeze_ = reshaped_in_place("unsqueeze_", shapes.unsqueeze)
transpose_ = reshaped_in_place("transpose_", shapes.transpose)
swapdims_ = reshaped_in_place("swapdims_", shapes.transpose)
swapaxes_ = reshaped_in_place("swapaxes_", shapes.swapaxes)
t_ = reshaped_in_place("t_", shapes.t)
as_strided_ = reshaped_in_place("as_strided_", strides.as_strided)


def resize_(self: Tensor, *sizes: Any) -> Tensor:
    """Give this tensor another shape, of the first of its elements. Raises RuntimeError if it requires grad, or has too few."""
    target = shape_of("resize_", sizes)
    n = prod(target)
    if self.requires_grad:
        raise RuntimeError("resize_: a tensor that requires grad cannot be resized; use reshape(), or .detach() first")
    if n > self.array.size or not self.array.flags.c_contiguous:
        raise RuntimeError(f"resize_: {tuple(self.shape)} has no memory for {target} here, or is not contiguous; make a new tensor")
    self.array = self.array.reshape(-1)[:n].reshape(target)
    self._view = None
    return self


# ---------------------------------------------------------------------- filling


@primitive(lambda g: zeros_like(g), lambda g: g, promotes="no")
def replaced(x, value):
    """The value, in the place of x."""
    return value


def overwritten(name: str, target: Tensor, value: Any, recording: bool) -> Tensor:
    """Write `value` over the whole target, as an operation on both."""
    if isinstance(value, np.ndarray):
        value = constant(value)
    return finish(name, target, replaced(on_node(target.array, current_node(target)), value) if recording else value, recording)


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write another tensor's elements into this one, converted and broadcast."""
    recording = begin("copy_", self, src)
    source = to(src if isinstance(src, Tensor) else constant(np.asarray(src)), self.array.dtype)
    try:
        value = shape.broadcast_to(source, target=self.array.shape)
    except ShapeError:
        raise ShapeError(f"copy_: {source.array.shape} does not broadcast to {self.array.shape}") from None
    return overwritten("copy_", self, value, recording)


def fill_(self: Tensor, value: Any) -> Tensor:
    """Write one number everywhere. Raises RuntimeError if it is out of the dtype's range."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"fill_: takes a number or a 0-d tensor, got shape {tuple(value.shape)}")
        return copy_(self, value)
    value = in_dtype("fill_", number("fill_", "value", value), self.array.dtype)
    return overwritten("fill_", self, np.full(self.array.shape, value, self.array.dtype), begin("fill_", self))


def zero_(self: Tensor) -> Tensor:
    """Write zero everywhere."""
    return fill_(self, 0)


WRITERS = (copy_, fill_, zero_, squeeze_, unsqueeze_, transpose_, swapdims_, swapaxes_, t_, as_strided_, resize_)
