"""What a `Finding` is, and how serious each kind is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..graph.digits import number

KINDS = ("origin", "exploding", "vanishing", "dead", "saturated", "unused")  # the worst first: keys of theme.ACCENTS


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be, with what follows from it."""

    kind: str  # a key of theme.ACCENTS
    where: str  # the operation, with the path of its module, or the parameter
    said: str  # what is the matter, with the numbers: one sentence
    cure: str  # what to do about it: one sentence
    vertices: tuple[str, ...]  # ids of what it is about, in the trace
    badness: float  # the larger, the worse, among findings of a kind; below 0: measured on what another finding leaves of a gradient
    note: str = ""  # in the box, in the picture
    numbers: dict[str, float] = field(default_factory=dict)
    therefore: tuple[str, ...] = ()  # its consequences, which are no findings of their own
    suffering: tuple[str, ...] = ()  # ids of what else is marked: layers that it reaches

    @property
    def told(self) -> str:
        """What is the matter, and what follows from it."""
        return f"{self.said}; therefore: {'; '.join(self.therefore)}" if self.therefore else self.said

    @property
    def rank(self) -> tuple[int, float]:
        """Its place among others: the worst kind first."""
        return KINDS.index(self.kind if self.badness >= 0 else "saturated"), -self.badness

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings and numbers (JSON-serialisable)."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}


def percent(share: float) -> str:
    """`30 %`, `0.4 %`."""
    return f"{number(float(f'{100 * share:.3g}'))} %"


def shortened(names: list[str]) -> str:
    """The first names: `a, b, c and 4 more`."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
