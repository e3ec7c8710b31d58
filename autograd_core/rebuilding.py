"""Values from the flat table that `description` makes of them. Nothing in a file is trusted: each number is checked where it is used."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from .description import KEY_LIMIT, NUMERIC, hashed_parts, row_weight, weights_of
from .size import Size
from .tensor import Tensor, constant


class LoadError(RuntimeError):
    """A file that `load` refuses: not written by `save`, cut short, or changed since."""


def rebuild(table: Any, blocks: list[np.ndarray[Any, Any]]) -> Any:
    """The value that `describe` made this table of, on the memory of `blocks`. Raises LoadError for any other table."""
    try:
        if table["byteorder"] != sys.byteorder:
            raise ValueError(f"numbers in {table['byteorder']}-endian order; this machine has {sys.byteorder}")
        rebuilder = _Rebuilder(blocks)
        for row in table["rows"]:
            if type(row) is not list:
                raise ValueError(f"a {type(row).__name__} for a row")
            rebuilder.add(*row)
        return rebuilder.value(table["root"])
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise LoadError(f"holds a table that save does not write here ({error})") from error


class _Rebuilder:
    def __init__(self, blocks: list[np.ndarray[Any, Any]]):
        self.blocks = blocks
        self.used: set[int] = set()
        self.made: list[Any] = []
        self.weights: list[int] = []

    def value(self, entry: Any) -> Any:
        """What an entry of a row stands for: itself, or the row it refers to."""
        if type(entry) is not list:
            if type(entry) is dict:
                raise ValueError("a dictionary in a row")
            return entry
        (number,) = entry
        return self.made[index(number, len(self.made))]

    def add(self, kind: str, *values: Any) -> None:
        if kind in READERS:
            made = READERS[kind](self, *values)
        else:
            parts = [self.value(entry) for entry in values]
            if max(weights_of(hashed_parts(kind, values), self.weights), default=0) > KEY_LIMIT:
                raise ValueError(f"a key of more than {KEY_LIMIT} values")
            made = MAKERS[kind](parts)
        self.made.append(made)
        self.weights.append(row_weight(kind, values, self.weights))

    def array(self, dtype: str, shape: list[int], block: int | None = None, offset: int = 0, strides: Any = ()) -> np.ndarray[Any, Any]:
        kind = numeric(dtype)
        lengths = tuple(index(n, 2**63) for n in shape)
        if not kind.isnative:
            raise ValueError(f"an array in {dtype}")
        if 0 in lengths:
            return np.empty(lengths, kind)
        memory = self.blocks[index(block, len(self.blocks))]
        steps = tuple(strides)
        if len(steps) != len(lengths) or not all(type(n) is int for n in (*steps, offset)):
            raise ValueError("strides that do not fit the shape")
        reach = [(n - 1) * step for n, step in zip(lengths, steps)]
        low = offset + sum(r for r in reach if r < 0)
        high = offset + sum(r for r in reach if r > 0) + kind.itemsize
        if low < 0 or high > memory.size:
            raise ValueError(f"an array at bytes {low} to {high} of a block of {memory.size}")
        array: Any = np.ndarray(lengths, kind, memory, offset, steps)  # type: ignore[arg-type]
        if overlaps(lengths, steps, kind.itemsize):
            array.flags.writeable = False  # as what `expand` gives: one write would change several elements
        return array

    def tensor(self, entry: Any, requires_grad: bool) -> Tensor:
        array = self.value(entry)
        if type(array) is not np.ndarray or type(requires_grad) is not bool:
            raise ValueError("a tensor without an array")
        if requires_grad and array.dtype.kind not in "fc":
            raise ValueError(f"a tensor of {array.dtype} that requires grad")
        return constant(array).requires_grad_(requires_grad)

    def scalar(self, dtype: str, data: str) -> Any:
        (value,) = np.frombuffer(bytes.fromhex(data), numeric(dtype))
        return value

    def bytes(self, block: int) -> bytes:
        number = index(block, len(self.blocks))
        if number in self.used:
            raise ValueError("a block of bytes that is used twice")  # or a small file could fill the memory
        self.used.add(number)
        return self.blocks[number].tobytes()


READERS: dict[str, Callable[..., Any]] = {
    "array": _Rebuilder.array,
    "tensor": _Rebuilder.tensor,
    "scalar": _Rebuilder.scalar,
    "bytes": _Rebuilder.bytes,
    "bytearray": lambda rebuilder, block: bytearray(rebuilder.bytes(block)),
    "dtype": lambda _, name: numeric(name),
    "int": lambda _, digits: int(digits, 16),
    "float": lambda _, digits: float.fromhex(digits),
    "complex": lambda _, real, imag: complex(float.fromhex(real), float.fromhex(imag)),
    "str": lambda _, data: bytes.fromhex(data).decode("utf-8", "surrogatepass"),
}


def _dictionary(kind: type, parts: list[Any]) -> Any:
    made = kind(zip(parts[::2], parts[1::2], strict=True))
    if 2 * len(made) != len(parts):
        raise ValueError("a dictionary with a key that is there twice")
    return made


def _set(kind: type, parts: list[Any]) -> Any:
    made = kind(parts)
    if len(made) != len(parts):
        raise ValueError("a set with an element that is there twice")
    return made


MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": lambda parts: _set(set, parts),
    "frozenset": lambda parts: _set(frozenset, parts),
    "dict": lambda parts: _dictionary(dict, parts),
    "OrderedDict": lambda parts: _dictionary(OrderedDict, parts),
    "Size": lambda parts: Size(index(n, 2**63) for n in parts),
    "slice": lambda parts: slice(*_three(parts)),
    "range": lambda parts: range(*_three(parts)),
}


def _three(parts: list[Any]) -> list[Any]:
    if len(parts) != 3:
        raise ValueError(f"a slice or range of {len(parts)} parts")
    return parts


def overlaps(lengths: tuple[int, ...], steps: tuple[int, ...], itemsize: int) -> bool:
    """Whether two elements may lie in the same memory: whether a step does not lead past all that the shorter ones reach."""
    past = itemsize
    for step, n in sorted((abs(step), n) for step, n in zip(steps, lengths, strict=True) if n > 1):
        if step < past:
            return True
        past += (n - 1) * step
    return False


def numeric(dtype: str) -> np.dtype[Any]:
    if type(dtype) is not str or dtype[:1] not in "<>|" or dtype[1:] not in NUMERIC:
        raise ValueError(f"the dtype {dtype!r}")
    return np.dtype(dtype)


def index(number: Any, end: int) -> int:
    """`number`, which must be an integer from 0 up to, not including, `end`."""
    if type(number) is not int or not 0 <= number < end:
        raise ValueError(f"{number!r} where a number below {end} belongs")
    return number
