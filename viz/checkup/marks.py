"""What the picture of `health` says besides that of a backward pass."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..graph.description import Trace
from ..render.drawing import Arrow, Box
from .curve import thinned
from .findings import KINDS
from .saved import size

if TYPE_CHECKING:
    from ..health import Health

BARS = 32  # of the curve in the picture
MOST = 4  # notes of what a closed box holds that it shows itself


def marks(h: Health, found: Trace) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """For each box that is seen in a trace the worst of what it holds, and what is told of that and of the memory it keeps."""
    rank = {kind: k for k, kind in enumerate([*KINDS, "inherited"])}
    marks: dict[str, str] = {found.shown[id]: "inherited" for id in h.inherited}
    if any(f.kind == "origin" and h.trace.root in f.vertices for f in h.findings) or h.trace.root in h.inherited:
        marks["output"] = "inherited"
    notes: dict[str, list[str]] = {}
    for finding in h.findings:
        for k, id in enumerate((*finding.vertices, *finding.suffering)):
            box = found.shown.get(id)
            if box is None:
                continue
            if box not in marks or rank[finding.kind] < rank[marks[box]]:
                marks[box] = finding.kind
            if k == 0 and finding.note:
                notes.setdefault(box, []).append(finding.note if box == id else f"{finding.where}: {finding.note}")
    for u in h.units:  # too few for a finding
        box = found.shown.get(u.id)
        if u.kind == "dead" and u.count and box is not None and box == u.id and box not in notes:
            notes[box] = [f"{u.count} of {u.of} {u.each} are dead"]
    lines = {box: [*told[:MOST], *([f"and {len(told) - MOST} more"] if len(told) > MOST else [])] for box, told in notes.items()}
    for v in found.vertices:
        if v.saved:
            lines.setdefault(v.id, []).append(f"keeps {size(v.saved)}")
    return marks, {box: tuple(told) for box, told in lines.items()}


def carriers(h: Health, found: Trace, arrows: Iterable[Arrow]) -> dict[tuple[str, str], str]:
    """The accents of those arrows of a trace, by both ends, that carry NaN or infinity back."""
    shown = found.shown
    ends = {(shown[a], end) for a, b in h.led for end in (shown[b], f"sum.{b}")} | {(f"sum.{b}", shown[b]) for _, b in h.led}
    return {(a.source, a.target): "inherited" for a in arrows if (a.source, a.target) in ends}


def along_depth(h: Health) -> tuple[Box, ...]:
    """The curve of the gradient along depth, where there is one."""
    norms = thinned([layer.gradient for layer in h.layers], BARS)
    if len(norms) < 3 or not any(map(math.isfinite, norms)):
        return ()
    return (Box("depth", "note", "gradient along depth", (f"{len(h.layers)} layers, from the first",), spark=tuple(norms)),)
