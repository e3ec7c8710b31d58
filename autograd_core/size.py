"""Shapes as PyTorch gives them."""

from __future__ import annotations


class Size(tuple[int, ...]):
    """A shape: a tuple that knows its number of elements."""

    __slots__ = ()

    def numel(self) -> int:
        n = 1
        for length in self:
            n *= length
        return n

    def __repr__(self) -> str:
        return f"autograd_core.Size({list(self)})"
