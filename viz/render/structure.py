"""What both layouts need to know of a drawing: which way its arrows run, which groups stand around what, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterable

from . import measure, theme
from .drawing import Arrow, Box, Drawing


def flow(arrow: Arrow) -> tuple[str, str]:
    """The arrow's ends in the direction of the forward pass: a backward arrow runs against it."""
    return (arrow.source, arrow.target) if arrow.kind == "forward" else (arrow.target, arrow.source)


def homes(drawing: Drawing) -> dict[str, tuple[str, ...]]:
    """For each box, the groups it stands in, the outermost first."""
    around = enclosures(drawing)
    return {box.id: () if box.group is None else around[box.group] for box in drawing.boxes}


def enclosures(drawing: Drawing) -> dict[str, tuple[str, ...]]:
    """For each group, itself and the groups around it, the outermost first."""
    parents = {group.id: group.parent for group in drawing.groups}
    found: dict[str, tuple[str, ...]] = {}
    for group in parents:
        chain = []
        at: str | None = group
        while at is not None and at not in found:
            chain.append(at)
            at = parents[at]
        around = () if at is None else found[at]
        for member in reversed(chain):
            around = (*around, member)
            found[member] = around
    return found


def shared(first: tuple[str, ...], second: tuple[str, ...]) -> int:
    """How many of the outermost groups two homes have in common."""
    return next((depth for depth, (a, b) in enumerate(zip(first, second)) if a != b), min(len(first), len(second)))


def box_tip(box: Box) -> str:
    """What is told to who points at a box: all that it says, whole."""
    return _tip(box.title, *box.lines)


def arrow_tips(drawing: Drawing) -> dict[Arrow, str]:
    """What is told to who points at an arrow: what it joins, and all that it says."""
    titles = {box.id: box.title for box in drawing.boxes}
    return {arrow: _tip(f"{titles[arrow.source]} → {titles[arrow.target]}", *arrow.lines) for arrow in drawing.arrows}


def _tip(*lines: str) -> str:
    return "\n".join(filter(None, (measure.tooltip(line).strip() for line in lines)))


def check(drawing: Drawing) -> None:
    """Raises ValueError where a drawing contradicts itself: a name given twice or not at all, a group inside itself."""
    boxes, groups = [box.id for box in drawing.boxes], [group.id for group in drawing.groups]
    parents = {group.id: group.parent for group in drawing.groups}
    _once("box", boxes)
    _once("group", groups)
    for box in drawing.boxes:
        theme.box_style(box.kind)
        _accent(box.accent)
        if box.group is not None and box.group not in parents:
            raise ValueError(f"box {box.id!r} stands in group {box.group!r}, which is not in the drawing")
    for group in drawing.groups:
        theme.group_style(group.kind)
        seen, at = {group.id}, group.parent
        while at is not None:
            if at not in parents:
                raise ValueError(f"group {group.id!r} stands in group {at!r}, which is not in the drawing")
            if at in seen:
                raise ValueError(f"group {group.id!r} stands inside itself")
            seen.add(at)
            at = parents[at]
    known = set(boxes)
    for arrow in drawing.arrows:
        theme.arrow_style(arrow.kind)
        _accent(arrow.accent)
        for end in (arrow.source, arrow.target):
            if end not in known:
                raise ValueError(f"the arrow {arrow.source!r} → {arrow.target!r} needs a box {end!r}, which is not in the drawing")
        if arrow.source == arrow.target:
            raise ValueError(f"the arrow {arrow.source!r} → {arrow.target!r} leads nowhere: it needs two boxes")


def _accent(key: str) -> None:
    if key:
        theme.accent(key)


def _once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two of the drawing's {what} ids are {name!r}")
        seen.add(name)
