"""The report of `health` as text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..graph.as_drawing import counted
from ..graph.digits import number
from ..render import theme
from .curve import curve
from .depth import Layer
from .findings import percent
from .saved import size
from .units import Units

if TYPE_CHECKING:
    from ..health import Health

WIDTH = 110  # characters of a line of the report
ROWS = 6  # of a table in the report


def verdict(h: Health) -> str:
    """How much was found, in how much."""
    seen = f"{counted(h.operations, 'operation')}, {counted(len(h.parameters), 'parameter')}"
    return f"{counted(len(h.findings), 'finding') if h.findings else 'nothing found'} in {seen}"


def report(h: Health) -> Iterator[str]:
    """The lines of the report."""
    yield f"{h.title}: {verdict(h)}"
    kinds = max((len(f.kind) for f in h.findings), default=0)
    for k, f in enumerate(h.findings, 1):
        head = f"{k:>3} {theme.ACCENTS[f.kind].symbol} {f.kind:<{kinds}}  "
        lines = textwrap.wrap(f"{f.where}: {f.told}. {f.cure}", WIDTH - len(head), break_on_hyphens=False)
        yield head + lines[0]
        yield from (" " * len(head) + line for line in lines[1:])
    if h.layers:
        yield ""
        yield from _depth(h.layers)
    if told := list(_units(h.units)):
        yield ""
        yield "activations:"
        yield from told
    if h.saved:
        yield ""
        yield from _memory(h)
    if h.notes:
        yield ""
        yield from (line for note in h.notes for line in textwrap.wrap(f"({note})", WIDTH, break_on_hyphens=False))


def _depth(along: tuple[Layer, ...]) -> Iterator[str]:
    """The gradient along depth as a curve, with its ends and extremes."""
    yield f"gradient along depth, from the first to the last of {counted(len(along), 'layer')} (log scale):"
    yield f"  {curve([layer.gradient for layer in along])}"
    order = sorted((layer for layer in along if math.isfinite(layer.gradient)), key=lambda layer: layer.gradient)
    if not order:
        yield "  none of them is finite"
        return
    told: dict[str, list[str]] = {}
    for what, layer in (("first", along[0]), ("last", along[-1]), ("least", order[0]), ("most", order[-1])):
        told.setdefault(layer.id, []).append(what)
    for layer in along:
        if layer.id in told:
            known = layer.passes is not None and math.isfinite(layer.passes)
            passes = f", passes on × {number(layer.passes)}" if known else ""  # type: ignore[arg-type]
            yield f"  {', '.join(told[layer.id]):<11}  norm {number(layer.gradient)}{passes}: {layer.where}"


def _units(found: tuple[Units, ...]) -> Iterator[str]:
    """The operations with dead units or saturated elements, few of them too; a gate with all its steps."""
    alike: dict[str, list[Units]] = {}
    for u in found:
        alike.setdefault(f"{u.gate} of {u.layer}" if u.gate else u.where, []).append(u)
    rows = []
    for where, some in alike.items():
        count, of, steps = sum(u.count for u in some), sum(u.of for u in some), len(some)
        if count and (some[0].kind == "dead" or count / of > 0.01):
            shares = f"{count:>6,} of {of:,} {some[0].each} ({percent(count / of)})"
            rows.append((-count / of, f"  {some[0].kind:<9} {shares}: {where}{f', {steps} times' if steps > 1 else ''}"))
    rows.sort(key=lambda row: row[0])
    yield from (line for _, line in rows[:ROWS])
    if len(rows) > ROWS:
        yield f"  and in {len(rows) - ROWS} more operations"


def _memory(h: Health) -> Iterator[str]:
    """Where the memory that is kept for the way back goes."""
    yield f"kept for the way back: {size(h.total_saved)}"
    first = sorted(h.saved, key=lambda saved: -saved.bytes)[:3]
    yield from _listed("operations", [f"{saved.where} {size(saved.bytes)}" for saved in first])
    inner = sorted(((path, count) for path, count in h.modules.items() if path), key=lambda pair: -pair[1])[:4]
    if inner:
        yield from _listed("modules", [f"{path} {size(count)}" for path, count in inner])


def _listed(what: str, items: list[str]) -> list[str]:
    """`  what: a, b, c` in lines that are not too long."""
    return textwrap.wrap(f"{what}: {', '.join(items)}", WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
