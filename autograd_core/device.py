"""Where tensors live: on the CPU."""

from __future__ import annotations

from typing import Any


class Device:
    """Where a tensor lives: here, always the CPU."""

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None):
        name = str(type).partition(":")[0]
        if name != "cpu":
            raise RuntimeError(f"device: this library computes on the CPU, there is no {str(type)!r}")
        self.type = "cpu"
        self.index = index

    def __eq__(self, other: object) -> bool:
        return str(other).partition(":")[0] == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")

    def __str__(self) -> str:
        return "cpu"

    def __repr__(self) -> str:
        return "device(type='cpu')"


CPU = Device()
