"""Where tensors live: on the CPU."""

from __future__ import annotations

from typing import Any


class Device:
    """Where a tensor lives: here, always the CPU."""

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None):
        name, colon, number = str(type).partition(":")
        if name != "cpu" or (colon and not number.isdigit()):
            raise RuntimeError(f"device: this library computes on the CPU, there is no {str(type)!r}")
        if colon and index is not None:
            raise RuntimeError(f"device: {str(type)!r} has an index already, got {index} too")
        self.type = "cpu"
        self.index = int(number) if colon else index

    def __eq__(self, other: object) -> bool:
        return str(other).partition(":")[0] == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")

    def __str__(self) -> str:
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __repr__(self) -> str:
        return "device(type='cpu')" if self.index is None else f"device(type='cpu', index={self.index})"


CPU = Device()
