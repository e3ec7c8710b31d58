"""What is kept in memory for the way back, by operation and by module."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph.digits import number
from .passes import Pass


@dataclass(frozen=True)
class Saved:
    """What an operation keeps for the way back that no older one keeps already."""

    id: str  # of the vertex
    where: str
    bytes: int


def by_operation(seen: Pass) -> tuple[Saved, ...]:
    """What each operation keeps, oldest first; those that keep nothing are left out."""
    return tuple(Saved(seen.ids[n], seen.called(n), seen.vertex(n).saved) for n in seen.order if seen.vertex(n).saved)


def by_module(seen: Pass) -> dict[str, int]:
    """Bytes kept for the way back by the path of the module, with all modules inside it."""
    totals: dict[str, int] = {}
    parents = {call.id: call.parent for call in seen.found.calls}
    for v in seen.found.vertices:
        scope, counted_at = v.scope, set()
        while v.saved:
            path = seen.path(scope)
            if path not in counted_at:
                counted_at.add(path)
                totals[path] = totals.get(path, 0) + v.saved
            if scope is None:
                break
            scope = parents[scope]
            if scope is None:
                break
    return totals


def size(count: int) -> str:
    """Bytes in the unit that suits: `512 B`, `1.5 kB`, `12 MB`."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{number(float(f'{count / factor:.3g}'))} {unit}"
    return f"{count} B"
