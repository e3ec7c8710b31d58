"""Python values as a flat table that JSON can hold, and the memory of their arrays: what `save` writes.

Every container, tensor and array is one row, `[kind, ...]`, and rows refer to earlier rows by number, `[7]`. So what is
shared stays shared, nothing can contain itself, no depth of nesting needs recursion, and a row can do nothing but hold data.
Plain values (None, booleans, short integers, finite floats, usual strings) stand where they are used, as themselves.
"""

from __future__ import annotations

import reprlib
import sys
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from .size import Size
from .tensor import Tensor

NUMERIC = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"}
CONTAINERS = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    dict: "dict",
    OrderedDict: "OrderedDict",
    Size: "Size",
    slice: "slice",
    range: "range",
}
DICTIONARIES = ("dict", "OrderedDict")
HASHED = ("tuple", "frozenset", "Size", "slice", "range")
KEY_LIMIT = 1000  # values in one key: hashing a tuple is recursive, and takes as long as what it shares is often


# ---------------------------------------------------------------------- values to rows


def describe(obj: Any) -> tuple[dict[str, Any], list[Block]]:
    """The table of `obj`, and the memory that it speaks of. Raises TypeError for what cannot be saved, naming its place."""
    describer = _Describer()
    root = describer.run(obj)
    describer.lay_out_arrays()
    table = {
        "byteorder": sys.byteorder,
        "root": root,
        "rows": describer.rows,
        "blocks": [block.nbytes for block in describer.blocks],
    }
    return table, describer.blocks


class _Frame:
    """A container that is being described: its parts, and the values in the table of those that are done."""

    __slots__ = ("container", "parts", "values")

    def __init__(self, container: Any, parts: list[Any]):
        self.container = container
        self.parts = parts
        self.values: list[Any] = []


class _Describer:
    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.weights: list[int] = []
        self.numbers: dict[int, int] = {}  # id of an object -> its row
        self.kept: list[Any] = []  # the objects of `numbers`: an id is one object's only while that lives
        self.arrays: list[tuple[np.ndarray[Any, Any], list[Any]]] = []  # with their rows, to be completed
        self.blocks: list[Block] = []
        self.frames: list[_Frame] = []
        self.open: set[int] = set()

    def run(self, obj: Any) -> Any:
        top = _Frame(None, [obj])
        self.frames.append(top)
        while self.frames:
            frame = self.frames[-1]
            if len(frame.values) < len(frame.parts):
                part = frame.parts[len(frame.values)]
                if is_plain(part):
                    frame.values.append(part)
                elif id(part) in self.numbers:
                    frame.values.append([self.numbers[id(part)]])
                elif type(part) in CONTAINERS:
                    if id(part) in self.open:
                        raise ValueError(f"save: {self.place()} is a {type(part).__name__} that contains itself, which cannot be saved")
                    self.open.add(id(part))
                    self.frames.append(_Frame(part, parts_of(part)))
                else:
                    frame.values.append([self.leaf(part)])
            else:
                self.frames.pop()
                if self.frames:
                    self.frames[-1].values.append([self.close(frame)])
        return top.values[0]

    def close(self, frame: _Frame) -> int:
        kind = CONTAINERS[type(frame.container)]
        keys = hashed_parts(kind, frame.values)
        if keys and max(weights_of(keys, self.weights)) > KEY_LIMIT:
            raise TypeError(f"save: a key or element of {self.place()} consists of more than {KEY_LIMIT} values")
        self.open.discard(id(frame.container))
        return self.add(frame.container, [kind, *frame.values], row_weight(kind, frame.values, self.weights))

    def add(self, obj: Any, row: list[Any], weight: int = 1) -> int:
        number = len(self.rows)
        self.rows.append(row)
        self.weights.append(weight)
        self.numbers[id(obj)] = number
        self.kept.append(obj)
        return number

    def leaf(self, value: Any) -> int:
        """The row of something that is neither plain nor a container."""
        kind = type(value)
        if isinstance(value, Tensor):
            array = np.asarray(value.array)
            number = self.numbers.get(id(array))
            return self.add(value, ["tensor", [self.leaf(array) if number is None else number], value.requires_grad])
        if kind is np.ndarray or kind is np.memmap:
            self.check_dtype(value.dtype, f"an array of dtype {value.dtype}")
            row: list[Any] = ["array"]
            self.arrays.append((value, row))
            return self.add(value, row)
        if isinstance(value, np.generic):
            self.check_dtype(value.dtype, f"a NumPy {kind.__name__}")
            return self.add(value, ["scalar", value.dtype.str, value.tobytes().hex()])
        if isinstance(value, np.dtype):
            self.check_dtype(value, f"the dtype {value}")
            return self.add(value, ["dtype", value.str])
        if kind is int:
            return self.add(value, ["int", f"{value:x}"])
        if kind is float:
            return self.add(value, ["float", value.hex()])
        if kind is complex:
            return self.add(value, ["complex", value.real.hex(), value.imag.hex()])
        if kind is str:
            return self.add(value, ["str", value.encode("utf-8", "surrogatepass").hex()])
        if kind is bytes or kind is bytearray:
            self.blocks.append(Block(np.frombuffer(bytes(value), np.uint8)))
            return self.add(value, [kind.__name__, len(self.blocks) - 1])
        raise TypeError(
            f"save: {self.place()} is a {kind.__module__}.{kind.__qualname__}, which cannot be saved. Tensors, arrays, numbers, strings, "
            "bytes, None and the built-in containers of these can; of a module or an optimizer save its state_dict()"
        )

    def check_dtype(self, dtype: np.dtype[Any], what: str) -> None:
        if dtype.str[1:] not in NUMERIC:
            raise TypeError(f"save: {self.place()} is {what}, which cannot be saved; numbers and booleans of up to 16 bytes can")

    def place(self) -> str:
        """Where in the object we are, as one would write it."""
        steps = []
        for frame in self.frames[1:]:
            at = len(frame.values)
            kind = CONTAINERS[type(frame.container)]
            if kind in DICTIONARIES:
                steps.append(f"[{reprlib.repr(frame.parts[at - 1])}]" if at % 2 else ".keys()")
            elif kind in ("set", "frozenset"):
                steps.append(".pop()")
            elif kind in ("slice", "range"):
                steps.append((".start", ".stop", ".step")[at])
            else:
                steps.append(f"[{at}]")
        return "obj" + "".join(steps if len(steps) <= 20 else [*steps[:10], "…", *steps[-10:]])

    def lay_out_arrays(self) -> None:
        """Give each array its place in a block of memory: arrays that overlap lie in one block, so that they do so again."""
        spans = []
        for array, row in self.arrays:
            if not array.size:
                row += [native(array.dtype).str, array.shape]
            elif not array.dtype.isnative:
                self.lay_out_copy(array, row)
            else:
                spans.append((*byte_bounds(array), array, row))
        spans.sort(key=lambda span: span[:2])
        group: list[Any] = []
        end = 0
        for span in spans:
            if group and span[0] >= end:
                self.lay_out_group(group, end)
                group = []
            group.append(span)
            end = max(end, span[1]) if len(group) > 1 else span[1]
        if group:
            self.lay_out_group(group, end)

    def lay_out_group(self, group: list[Any], end: int) -> None:
        start, _, array, row = group[0]
        if len(group) == 1 and end - start > array.nbytes:  # a view with gaps: what it skips is nobody's
            self.lay_out_copy(array, row)
            return
        self.blocks.append(Block(_Memory(start, end, [array for _, _, array, _ in group])))
        for _, _, array, row in group:
            first = array.__array_interface__["data"][0]
            row += [array.dtype.str, array.shape, len(self.blocks) - 1, first - start, array.strides]

    def lay_out_copy(self, array: np.ndarray[Any, Any], row: list[Any]) -> None:
        twin = np.empty_like(array, native(array.dtype), subok=False)  # never touched: only its strides count
        self.blocks.append(Block(array, twin.dtype, twin.nbytes))
        row += [twin.dtype.str, twin.shape, len(self.blocks) - 1, 0, twin.strides]


class Block:
    """Memory that is to be written; a copy, where one is needed, is made only then."""

    def __init__(self, source: Any, dtype: np.dtype[Any] | None = None, nbytes: int | None = None):
        self.source = np.asarray(source)
        self.dtype = dtype
        self.nbytes = self.source.nbytes if nbytes is None else nbytes

    def memory(self) -> memoryview:
        if self.dtype is None:
            return memoryview(self.source)  # type: ignore[arg-type]
        copy = self.source.astype(self.dtype, order="K", subok=False)
        return memoryview(copy.ravel(order="K").view(np.uint8))  # type: ignore[arg-type]


class _Memory:
    """The bytes between two addresses within what these arrays own, for NumPy to look at."""

    def __init__(self, start: int, end: int, owners: list[Any]):
        self.owners = owners
        self.__array_interface__ = {"data": (start, True), "shape": (end - start,), "typestr": "|u1", "version": 3}


# ---------------------------------------------------------------------- what both ways need


def is_plain(value: Any) -> bool:
    """Whether JSON holds it as it is, and gives it back to the bit."""
    kind = type(value)
    if kind is str:
        return value.isascii() or _is_text(value)
    if kind is int:
        return -(2**63) <= value < 2**63
    if kind is float:
        return value - value == 0.0
    return value is None or kind is bool


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # halves of pairs, which JSON would join
        return False
    return True


def parts_of(container: Any) -> list[Any]:
    if isinstance(container, dict):
        return [part for item in list(container.items()) for part in item]
    if isinstance(container, slice | range):
        return [container.start, container.stop, container.step]
    return list(container)


def hashed_parts(kind: str, values: Sequence[Any]) -> Sequence[Any]:
    """The values that a container of this kind hashes."""
    return values[::2] if kind in DICTIONARIES else values if kind in ("set", "frozenset") else ()


def weights_of(values: Sequence[Any], weights: list[int]) -> list[int]:
    return [weights[value[0]] if type(value) is list else 1 for value in values]


def row_weight(kind: str, values: Sequence[Any], weights: list[int]) -> int:
    """Of how many values its hash is made, or some number above KEY_LIMIT."""
    return min(1 + sum(weights_of(values, weights)), KEY_LIMIT + 1) if kind in HASHED else 1


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("=")
