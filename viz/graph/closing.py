"""Which boxes of a picture are closed: those that are asked for, and in large graphs as many as it takes to be readable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from .collapse import collapsed
from .description import Call, Trace
from .parts import FEW, MOST, WRAPPERS, boxes_in, in_parts, seen, unwrapped
from .repeats import rolled
from .rows import LONG

Which = str | Sequence[str] | bool | Callable[[Call], bool] | None  # boxes: by name, all, or by a predicate
SMALL = 100  # boxes up to which a graph is drawn in full, with whatever repeats in it


@dataclass(frozen=True)
class Arrangement:
    """Which boxes of a trace are closed."""

    shown: Trace  # with them closed
    whole: Trace  # with everything open
    closed: frozenset[str]  # calls of it, by id
    divided: Trace  # the whole with all repeats, and the parts of long rows, in boxes


def arranged(found: Trace, depth: int | None = None, collapse: Which = None, expand: Which = None, roll: bool | None = None) -> Arrangement:
    """Chooses the boxes of a trace to be closed.

    `depth` closes the boxes so many frames down, `collapse` those it picks; `expand` keeps boxes open. With `roll` all that
    repeats is closed, with False nothing of it. Where neither `depth` nor `roll` says, a graph of more than 100 boxes has its
    long repeats closed, and one of more than 300 all repeats; what is still too much is closed from the innermost boxes
    outwards, long rows of operations in numbered parts, and a note says so. Raises TypeError for what picks no boxes, and
    ValueError for a name that no box has.
    """
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise ValueError(f"draw: depth is how many frames down boxes are open, 0 or more, got {depth!r}")
    whole = _divided(found if roll is False else rolled(found))
    keep = _with_those_around(whole, picked(whole, "expand", expand))
    asked = (picked(whole, "collapse", collapse) | _deeper(whole, depth)) - keep
    short, long = _what_repeats(whole, keep, LONG)
    closed = asked | short | long if roll else set(asked)
    shown = collapsed(whole, closed)
    if depth is None:
        if roll is None and seen(shown) > SMALL:
            closed |= long
            shown = collapsed(whole, closed)
        if seen(shown) > MOST:
            closed, shown = _fitted(whole, closed | short | long, keep, MOST)
    ready = unwrapped(whole, keep, closed)
    if ready is not whole:
        shown = collapsed(ready, closed)
    by_itself = [v for v in shown.vertices if v.kind == "closed" and v.id not in asked and not (roll and v.id in short | long)]
    if not by_itself:
        return Arrangement(shown, ready, frozenset(closed), whole)
    names = {call.id: call.path or call.label.partition(":")[0] for call in whole.calls}
    one = max(by_itself, key=lambda v: len(v.inside))
    count, opens = ("1 box was", "opens it") if len(by_itself) == 1 else (f"{len(by_itself)} boxes were", "opens one")
    note = f'{count} closed to keep the picture small: expand="{names[one.id]}" {opens}, expand=True all'
    return Arrangement(replace(shown, notes=(*shown.notes, note)), ready, frozenset(closed), whole)


def _divided(found: Trace) -> Trace:
    """The trace with long rows in parts: in as many as it takes for closing to help."""
    whole = in_parts(found)
    most = MOST
    while seen(found) > MOST and most > FEW and seen(collapsed(whole, {call.id for call in whole.calls})) > MOST:
        most //= 3
        whole = in_parts(found, most)
    return whole


def _what_repeats(found: Trace, keep: set[str], long: int) -> tuple[set[str], set[str]]:
    """Repeats of fewer than so many steps, and the others; of one that is kept open the steps that are not."""
    calls = {call.id: call for call in found.calls}
    sets: tuple[set[str], set[str]] = set(), set()
    for call in found.calls:
        around = calls.get(call.parent or "")
        if call.kind == "repeat" and call.id not in keep:
            sets[call.times >= long].add(call.id)
        elif around is not None and around.kind == "repeat" and around.id in keep and call.id not in keep:
            sets[around.times >= long].add(call.id)
    return sets


# ---------------------------------------------------------------------- what is asked for


def asked_for(found: Trace, depth: int | None, collapse: Which, expand: Which) -> set[str]:
    """The calls that the arguments say are to be closed."""
    return (picked(found, "collapse", collapse) | _deeper(found, depth)) - _with_those_around(found, picked(found, "expand", expand))


def picked(found: Trace, what: str, which: Which) -> set[str]:
    """The calls that a choice picks. Classes and predicates choose among what the program called, unless it is to be expanded."""
    every = what == "expand"
    if which is None or which is False:
        return set()
    calls = [call for call in found.calls if every or call.kind not in WRAPPERS]
    if which is True:
        return {call.id for call in calls}
    if callable(which):
        return {call.id for call in calls if which(call)}
    names = [which] if isinstance(which, str) else list(which) if isinstance(which, Iterable) else [which]
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"draw: {what} is a name, a list of names, True or a function of a Call, got {which!r}")
    called: dict[str, set[str]] = {}
    for call, own in _names(found, every):
        for name in own:
            called.setdefault(name, set()).add(call)
    for name in names:
        if name not in called:
            near = get_close_matches(name, sorted(called), 3, 0.4)
            said = f"; near it: {', '.join(map(repr, near))}" if near else "" if called else ": there are none in this graph"
            raise ValueError(f"draw: {what}: no box is called {name!r}{said}")
    return {call for name in names for call in called[name]}


def _names(found: Trace, every: bool) -> list[tuple[str, set[str]]]:
    """By what names each call can be picked: its path, with the outermost module's name before it or not, its attribute, its class."""
    outermost: dict[str, str] = {}
    named = []
    for call in found.calls:
        attribute, _, kind = call.label.partition(": ")
        outermost[call.id] = outermost[call.parent] if call.parent is not None else attribute
        names = {call.label, attribute, call.path.rpartition(".")[2]}
        if call.path:
            names |= {call.path, f"{outermost[call.id]}.{call.path}"}
        if call.kind == "repeat":
            names |= {f"{call.label} ×{call.times}"}
            names -= set() if every or kind else {call.label, attribute}
        if every or call.kind != "repeat":
            names.add(kind)
        named.append((call.id, names - {""}))
    return named


def _with_those_around(found: Trace, calls: set[str]) -> set[str]:
    parents = {call.id: call.parent for call in found.calls}
    keep: set[str] = set()
    for call in calls:
        at: str | None = call
        while at is not None and at not in keep:
            keep.add(at)
            at = parents[at]
    return keep


def _deeper(found: Trace, depth: int | None) -> set[str]:
    """The calls at least `depth` frames down."""
    level: dict[str | None, int] = {None: 0}  # frames of the program around what a call holds
    for call in found.calls:
        level[call.id] = level[call.parent] + (call.kind not in WRAPPERS)
    return {call.id for call in found.calls if depth is not None and call.kind not in WRAPPERS and level[call.id] > depth}


# ---------------------------------------------------------------------- what is too much


def fitting(found: Trace, closed: set[str], keep: set[str], most: int = MOST) -> set[str]:
    """The calls to close for the picture to have no more than so many boxes, where closing can achieve that."""
    return _fitted(found, closed, keep, most)[0]


def _fitted(found: Trace, closed: set[str], keep: set[str], most: int) -> tuple[set[str], Trace]:
    """What `fitting` closes, and the trace with that closed."""
    room, step = most, 1
    while True:
        fit = closed | _too_much(found, closed, keep, room)
        shown = collapsed(found, fit)
        over = seen(shown) - most
        if over <= 0 or room <= 0:
            break
        room -= over * step
        step *= 2
    return fit, shown


def _too_much(found: Trace, closed: set[str], keep: set[str], room: int) -> set[str]:
    """The calls that stay closed when boxes are opened from the outermost inwards, those of a class together, while there is room."""
    holds = boxes_in(found)
    children: dict[str | None, list[Call]] = {}
    for call in found.calls:
        children.setdefault(call.parent, []).append(call)
    shown = holds.get(None, 0) + len(children.get(None, ()))
    shut: set[str] = set()
    level = children.get(None, [])
    while level:
        alike: dict[tuple[str, str], list[Call]] = {}
        for call in level:
            if call.id in keep:
                alike["", call.id] = [call]
            elif call.id not in closed:
                alike.setdefault((call.kind, call.label.rpartition(": ")[2]), []).append(call)
        cost = {key: sum(holds.get(c.id, 0) + len(children.get(c.id, ())) - 1 for c in calls) for key, calls in alike.items()}
        opened = set()
        for key in sorted(cost, key=lambda key: (bool(key[0]), cost[key])):
            if not key[0] or (shown + cost[key] <= room and key[0] not in WRAPPERS):
                shown += cost[key]
                opened |= {call.id for call in alike[key]}
            else:
                shut |= {call.id for call in alike[key]}
        level = [inner for call in level if call.id in opened for inner in children.get(call.id, ())]
    return shut
