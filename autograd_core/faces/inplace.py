"""In-place operations: `x.add_(y)`, `x += y`, `x[i] = y`, through views too, with the gradients of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import writes
from ..call import operand
from ..dtypes import can_cast
from ..errors import ShapeError
from ..graph import Node, thread
from ..ops import shape
from ..ops.elementwise import zeros_like
from ..primitive import primitive
from ..random import Generator, drawn_in, stream
from ..tensor import Tensor, constant, current_node, on_node, put_on
from .shapes import to


def in_place(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place form of a function of a tensor."""

    def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
        recording = begin(name, self, *args, *settings.values())
        before = on_node(self.array.copy(), current_node(self)) if recording else constant(self.array)
        return finish(name, self, function(before, *args, **settings), recording)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = (
        f"As `{name.strip('_')}`, written into this tensor. Raises RuntimeError on a leaf that requires grad, and see in_place."
    )
    return method


def begin(name: str, target: Tensor, *others: Any) -> bool:
    """Whether an in-place operation is to be recorded. Raises RuntimeError where it may not be done at all."""
    if not target.array.flags.writeable:
        raise RuntimeError(f"{name}: this tensor's elements share memory (it was expanded, or its array is read-only); clone() it first")
    if not thread.grad:
        return False
    root = target
    while root._view is not None and shares(root, root._view[0]):
        if root._view[1] is None:
            raise RuntimeError(
                f"{name}: this view was made in no_grad, so writing it cannot be recorded; do it inside no_grad(), or on a clone()"
            )
        root = root._view[0]
    for t, what in ((target, "a leaf"), (root, "a view of a leaf")):
        if t.node is not None and t.node.plan is None:
            raise RuntimeError(
                f"{name}: {what} tensor that requires grad cannot be changed in place; do it inside no_grad(), or on a clone()"
            )
    return any(isinstance(t, Tensor) and (t.node is not None or t._view is not None) for t in (target, *others))


def finish(name: str, target: Tensor, result: Any, recording: bool) -> Tensor:
    """Write what was computed into the target, and note it."""
    if result.array.shape != target.array.shape:
        raise ShapeError(f"{name}: the result has shape {result.array.shape}, which does not fit into {target.array.shape}")
    if result.array.dtype is not target.array.dtype:
        if not can_cast(result.array.dtype, target.array.dtype):
            raise RuntimeError(f"{name}: the result is {result.array.dtype}, which cannot be stored in a {target.array.dtype} tensor")
        result = to(result, target.array.dtype)
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


# ---------------------------------------------------------------------- indexing


def plain_index(index: Any) -> Any:
    """An index with arrays for the tensors and lists in it; whole integers of all dimensions still give a view."""
    if isinstance(index, tuple):
        return tuple(plain_index(i) for i in index)
    if isinstance(index, Tensor):
        array = index.array
        if array.dtype.kind not in "iub":
            raise IndexError(f"getitem: tensors used as indices must be integer or boolean, got {array.dtype}")
        return array if array.ndim or array.dtype.kind == "b" else int(array)
    if isinstance(index, list):
        return np.array([plain_index(i) for i in index], dtype=None if index else np.int64)
    if isinstance(index, float | str):
        raise IndexError(f"getitem: indices are integers, slices, ..., None, or integer or boolean tensors; got {index!r}")
    return index


def integers_first(index: Any) -> tuple[Any, Any] | None:
    """Integers beside arrays and slices select before the arrays index, in PyTorch: the index of each step, if there are two."""
    if not isinstance(index, tuple) or not any(isinstance(p, np.ndarray) for p in index):
        return None
    whole = [isinstance(p, int | np.integer) and not isinstance(p, bool) for p in index]
    if not any(whole) or all(w or isinstance(p, np.ndarray) for w, p in zip(whole, index, strict=True)):
        return None
    select: list[Any] = []
    for w, p in zip(whole, index, strict=True):
        if w or p is Ellipsis:
            select.append(p)
        elif p is not None and not isinstance(p, bool):
            select += [slice(None)] * (p.ndim if isinstance(p, np.ndarray) and p.dtype.kind == "b" else 1)
    return tuple(select), tuple(p for w, p in zip(whole, index, strict=True) if not w)


def getitem(self: Tensor, index: Any) -> Tensor:
    """self[index], in all of NumPy's forms; slices and integers look into the same memory."""
    index = plain_index(index)
    if steps := integers_first(index):
        return getitem(getitem(self, steps[0]), steps[1])
    parts = index if isinstance(index, tuple) else (index,)
    if len(parts) == self.array.ndim and all(isinstance(p, int | np.integer) and not isinstance(p, bool) for p in parts):
        index = (*parts, ...)
    return shape.getitem(self, index=index)


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """self[index] = value, in all of NumPy's forms. Raises ShapeError, IndexError, or RuntimeError on a leaf that requires grad."""
    index = plain_index(index)
    if steps := integers_first(index):
        return setitem(getitem(self, steps[0]), steps[1], value)
    recording = begin("setitem", self, value)
    given = value if isinstance(value, Tensor) else operand(shape.overwrite.op, value)
    array = given.array if isinstance(given, Tensor) else np.asarray(given)
    if array.dtype.kind == "c" and self.array.dtype.kind != "c":
        raise RuntimeError("setitem: complex values do not fit into a real tensor")
    try:
        place = self.array[index]
        np.broadcast_to(array, np.shape(place)) if array.ndim <= np.ndim(place) else array.reshape(np.shape(place))
    except IndexError as error:
        raise IndexError(f"setitem: {error}") from None
    except ValueError:
        raise ShapeError(f"setitem: a value of shape {array.shape} does not fit the place of shape {np.shape(place)}") from None
    if recording:
        if isinstance(given, Tensor) and given.array.ndim > np.ndim(place):
            given = shape.reshape(given, shape=np.shape(place))
        other = to(given, self.array.dtype) if isinstance(given, Tensor) else array.astype(self.array.dtype)
        finish("setitem", self, shape.overwrite(on_node(self.array, current_node(self)), other, index=index), True)
    else:
        self.array[index] = array if array.ndim <= np.ndim(place) else array.reshape(np.shape(place))
        writes.note(self.array, "setitem")


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
    """Write one number everywhere."""
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(f"fill_: takes a number or a 0-d tensor, got shape {tuple(value.shape)}")
        return copy_(self, value)
    return overwritten("fill_", self, np.full(self.array.shape, value, self.array.dtype), begin("fill_", self))


def zero_(self: Tensor) -> Tensor:
    """Write zero everywhere."""
    return fill_(self, 0)


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write normal random numbers. Raises RuntimeError for a negative standard deviation."""
    if std < 0:
        raise RuntimeError(f"normal_: std must not be negative, got {std}")
    recording = begin("normal_", self)
    drawn = stream(generator).standard_normal(self.array.shape, drawn_in(self.array.dtype))
    return overwritten("normal_", self, np.asarray(drawn * std + mean, self.array.dtype), recording)


def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Write random numbers uniform between two bounds. Raises RuntimeError when they are in the wrong order."""
    if from_ > to:
        raise RuntimeError(f"uniform_: the lower bound {from_} is above the upper {to}")
    recording = begin("uniform_", self)
    drawn = stream(generator).random(self.array.shape, drawn_in(self.array.dtype))
    return overwritten("uniform_", self, np.asarray(drawn * (to - from_) + from_, self.array.dtype), recording)
