"""`x[index]` and `x[index] = value`, in all forms of NumPy and PyTorch. Where the two differ it is PyTorch's meaning.

They differ in an integer beside arrays and slices (PyTorch selects first, so it does not move the arrays' dimensions to the
front), in lists of sequences (PyTorch takes `x[[[0, 1], [1, 2]]]` as `x[[0, 1], [1, 2]]`), and in uint8 tensors (masks).
Slices with negative steps are NumPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import writes
from ..call import operand
from ..errors import ShapeError
from ..factory import in_dtype
from ..graph import thread
from ..ops import index as ops
from ..ops import shape
from ..tensor import Tensor, current_node, on_node
from .inplace import begin, rebase
from .types import to

SEVERAL = list | tuple | range | Tensor | np.ndarray | slice | type(...) | type(None)
BASIC = {int, slice, type(...), type(None)}
LONGEST = 32  # longer lists of lists are arrays


def getitem(self: Tensor, index: Any) -> Tensor:
    """self[index]; slices and integers look into the same memory. Raises IndexError."""
    if thread.batch is not None and thread.batch.meets(index if isinstance(index, tuple) else (index,)):
        return thread.batch.indexed(self, index if isinstance(index, tuple) else (index,))
    steps = steps_of(normal_index("getitem", index))
    for step in steps[:-1]:
        self = ops.getitem(self, index=step)
    return ops.getitem(self, index=steps[-1])


def setitem(self: Tensor, index: Any, value: Any) -> None:
    """self[index] = value; of an element named twice the last value counts.

    Raises ShapeError, IndexError, or RuntimeError on a leaf that requires grad.
    """
    first, *then = steps_of(normal_index("setitem", index))
    if then:
        self, first = ops.getitem(self, index=first), then[0]
    recording = begin("setitem", self, value)
    given = to(value, self.array.dtype) if isinstance(value, Tensor) else operand(ops.overwrite.op, value)
    if self.array.dtype.kind in "iu" and isinstance(given, int | float):
        given = in_dtype("setitem", given, self.array.dtype)
    array = given.array if isinstance(given, Tensor) else np.asarray(given)
    if array.dtype.kind == "c" and self.array.dtype.kind != "c":
        raise RuntimeError("setitem: complex values do not fit into a real tensor")
    try:
        place = np.broadcast_to(0, self.array.shape)[first].shape
        surplus = max(array.ndim - len(place), 0)
        fits = array.reshape(array.shape[surplus:])  # dimensions of one before it are as good as none
        np.broadcast_to(fits, place)
    except IndexError as error:
        raise IndexError(f"setitem: {error}") from None
    except ValueError:
        raise ShapeError(f"setitem: a value of shape {array.shape} does not fit the place of shape {place}") from None
    before = on_node(self.array, current_node(self)) if recording else None
    ops.assign(self.array, first, fits)
    if 0 not in place:  # else nothing was written, and what others saved of this memory stays good
        writes.note(self.array, "setitem")
    if before is not None:
        other = given if isinstance(given, Tensor) else fits.astype(self.array.dtype)
        other = shape.reshape(other, shape=fits.shape) if surplus else other
        node = ops.overwritten(before, other, index=first).node
        if node is not None:
            rebase(self, node)


def steps_of(index: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The index itself; or, where integers or booleans stand beside arrays and slices, what selects first and what indexes then."""
    kinds = set(map(type, index))
    if kinds <= BASIC:
        return [index if type(...) in kinds else (*index, ...)]
    whole = [isinstance(p, int) and not isinstance(p, bool) for p in index]
    arrays = [isinstance(p, np.ndarray) for p in index]
    truths = [isinstance(p, bool) for p in index]
    if not any(truths) and (not any(arrays) or not any(whole) or all(w or a for w, a in zip(whole, arrays, strict=True))):
        return [index]
    first: list[Any] = []
    then: list[Any] = []
    for part in index:
        if isinstance(part, bool):  # a new dimension, of which one entry or none is taken
            first.append(None)
            then.append(np.zeros(int(part), np.int64))
        elif isinstance(part, np.ndarray):
            first += [slice(None)] * (part.ndim if part.dtype.kind == "b" else 1)
            then.append(part)
        else:
            first.append(part)
            if not isinstance(part, int):
                then.append(slice(None) if part is not Ellipsis else part)
    return [tuple(first), tuple(then)]


def normal_index(name: str, index: Any) -> tuple[Any, ...]:
    """An index as a tuple of integers, booleans, slices, ..., None, and integer and boolean arrays. Raises IndexError for others."""
    if isinstance(index, list) and len(index) < LONGEST and any(isinstance(p, SEVERAL) for p in index):
        index = tuple(index)
    return tuple([normal_part(name, p) for p in (index if isinstance(index, tuple) else (index,))])


def normal_part(name: str, part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, int):
        return part
    if isinstance(part, slice):
        bounds = (part.start, part.stop, part.step)
        try:
            return slice(*(None if b is None else b.__index__() for b in bounds))
        except AttributeError:
            raise TypeError(f"{name}: slices go from integer to integer, got {part}") from None
    if isinstance(part, Tensor | np.ndarray | np.generic | list | tuple | range):
        array = as_index(name, part)
        if array.ndim:
            return array
        return bool(array) if array.dtype.kind == "b" else int(array)
    raise IndexError(f"{name}: indices are integers, slices, ..., None, and integer or boolean tensors, arrays and lists; got {part!r}")


def as_index(name: str, part: Any) -> np.ndarray[Any, Any]:
    """An integer or boolean array."""
    if isinstance(part, Tensor):
        array = part.array
    elif isinstance(part, list | tuple | range):
        try:
            array = np.array([as_index(name, p) if isinstance(p, Tensor | list | tuple | range) else p for p in part])
        except ValueError:
            raise IndexError(f"{name}: a list used as an index must be of integers or booleans, evenly nested; got {part!r:.60}") from None
        array = array.astype(np.int64) if not array.size else array
    else:
        array = np.asarray(part)
    if array.dtype.kind not in "iub":
        raise IndexError(f"{name}: tensors used as indices must be integer or boolean, got {array.dtype}")
    return array.astype(bool) if array.dtype == np.uint8 else array
