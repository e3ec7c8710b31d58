"""Tensors as vectors of real coordinates, and tables of what a Jacobian has there: a complex number is two coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]


def coordinates(arrays: Sequence[Array]) -> Array:
    """All elements as real numbers, in memory of their own: of each array the real parts, then the imaginary parts."""
    parts = []
    for array in arrays:
        parts.append(array.real.ravel())
        if array.dtype.kind == "c":
            parts.append(array.imag.ravel())
    return np.concatenate(parts, dtype=np.float64) if parts else np.zeros(0)


def units(array: Array) -> list[Array]:
    """For each coordinate of an array the array with a 1 (or i) there and zeros elsewhere."""
    made = []
    for one in (1, 1j) if array.dtype.kind == "c" else (1,):
        for i in range(array.size):
            unit = np.zeros(array.size, array.dtype)
            unit[i] = one
            made.append(unit.reshape(array.shape))
    return made


def from_coordinates(numbers: Array, array: Array) -> Array:
    """An array of the same shape and dtype with these coordinates."""
    if array.dtype.kind == "c":
        return (numbers[: array.size] + 1j * numbers[array.size :]).astype(array.dtype).reshape(array.shape)
    return numbers.astype(array.dtype).reshape(array.shape)


@dataclass
class Block:
    """Which coordinates belong to one tensor."""

    name: str
    shape: tuple[int, ...]
    complex: bool
    start: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape)) * (1 + self.complex)

    def element(self, k: int) -> str:
        """The coordinate's element as it is written after the tensor's name."""
        count = self.size // (1 + self.complex)
        index = np.unravel_index(k % max(count, 1), self.shape)
        return f"[{', '.join(str(int(i)) for i in index)}]" + ((".imag" if k >= count else ".real") if self.complex else "")


def blocks(name: str, numbers: Sequence[int], arrays: Sequence[Array]) -> list[Block]:
    found: list[Block] = []
    start = 0
    for k, array in zip(numbers, arrays, strict=True):
        found.append(Block(f"{name} {k}", array.shape, array.dtype.kind == "c", start))
        start += found[-1].size
    return found


# ---------------------------------------------------------------------- in print


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Lines of words in columns."""
    widths = [max(len(line[c]) for line in lines) for c in range(len(lines[0]))]
    return "\n".join("  " + "  ".join(word.rjust(width) for word, width in zip(line, widths, strict=True)) for line in lines)


def side_by_side(kind: str, a: Array, against: str, b: Array) -> str:
    def text(matrix: Array) -> list[str]:
        with np.printoptions(precision=4, suppress=True, linewidth=200):
            return str(matrix).splitlines()

    left, right = [kind, *text(a)], [against, *text(b)]
    width = max(map(len, left))
    return "\n".join(f"  {x.ljust(width)}   {y}" for x, y in zip(left, right, strict=True))
