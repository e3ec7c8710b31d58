"""What is wrong with activations: units that are dead, gates and attention that are saturated.

All that is fed by the same weights is one finding: the gates of a cell, and all its steps. The thresholds here are chosen so that
what PyTorch's default initialisation makes of common models is no finding.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator

import numpy as np

from autograd_core.graph import Node, ancestors

from .findings import Finding, percent
from .passes import Pass
from .signal import spread
from .units import RECURRENT, SLOPE, Units, unit_axis, zeros
from .weights import TINY, fed_by

LEAST = 16  # examples: of fewer, nobody can say that a unit is dead
DEAD = 0.5  # share of an operation's units that are dead, from which on it is a finding
SATURATED = 0.5  # share of a gate's elements, or of attention's rows, from which on it is a finding


def of_units(seen: Pass, found: list[Units], inside: Collection[str]) -> Iterator[Finding]:
    """The findings among what was counted. The outputs of a model, which are not `inside` it, may be as sure as they like.

    A ReLU outside of all modules, behind all layers, is a hinge of the loss: what has its margin is no dead unit.
    """
    fed = fed_by(seen)
    groups: dict[Hashable, list[Units]] = {}
    for u in found:
        if u.id in inside or (u.kind == "dead" and seen.place(seen.node(u.id))):
            groups.setdefault((u.kind, _belongs(seen, fed, u)), []).append(u)
    for group in groups.values():
        yield from _dead(seen, group) if group[0].kind == "dead" else _saturated(seen, group)


def _belongs(seen: Pass, fed: dict[Node, frozenset[Node]], u: Units) -> tuple[Hashable, ...]:
    """What is the same of units that are told of together."""
    node = seen.node(u.id)
    weights = fed.get(node, node)
    if u.kind == "dead":
        return weights, node.plan.op.name, u.of
    return (seen.place(node) or weights) if u.gate else weights, u.each


def _where(seen: Pass, ids: tuple[str, ...]) -> str:
    """One operation by its full name, several by that of the first, without its number."""
    node = seen.node(ids[0])
    return seen.called(node) if len(ids) == 1 else seen.simply(node)


def _calls(seen: Pass, some: Iterable[str], group: Iterable[str]) -> str:
    """`, in 3 of 30 steps` of what was called so often; of what stands in one call `, in 1 of 2 operations`; of one operation ""."""
    ids, all_ids = set(some), sorted(set(group), key=lambda id: seen.node(id).time)
    if len(all_ids) < 2:
        return ""
    scope = lambda id: seen.vertex(seen.node(id)).scope
    calls = {scope(id) for id in all_ids}
    if len(calls) < 2 or len({seen.place(seen.node(id)) for id in all_ids}) > 1:
        return f", in {len(ids)} of {len(all_ids)} operations"
    follows = seen.node(all_ids[0]) in ancestors([seen.node(all_ids[-1])])
    return f", in {len({scope(id) for id in ids})} of {len(calls)} {'steps' if follows else 'calls'}"


def _dead(seen: Pass, group: list[Units]) -> Iterator[Finding]:
    """Units that are zero for all examples, in all calls."""
    mask = np.logical_and.reduce([zeros(seen, seen.node(u.id)) for u in group])
    count, of, examples = int(mask.sum()), mask.size, sum(u.examples for u in group)
    if not count or examples < LEAST or count < DEAD * of or all(unproven(seen, u) for u in group):
        return
    ids = tuple(u.id for u in group)
    said = f"{count} of {of} units ({percent(count / of)}) are zero for all {examples:,} examples{_calls(seen, ids, ids)}"
    cure = "Lower the learning rate or use He initialisation; LeakyReLU or GELU have a slope there too."
    note, numbers = f"{count} of {of} units are dead", {"count": float(count), "of": float(of), "share": count / of}
    yield Finding("dead", _where(seen, ids), f"{said}, so that no gradient passes them", cure, ids, count / of, note, numbers)


def unproven(seen: Pass, u: Units) -> bool:
    """Whether what comes in is the same for all examples, for a fault before: as good as one, they say nothing of the units."""
    node = seen.node(u.id)
    value = None if node.plan.op.name in RECURRENT else seen.values.get(node.parents[0])
    return value is not None and spread(value, unit_axis(node)) <= TINY and (u.count < u.of or not np.any(value))


def _saturated(seen: Pass, group: list[Units]) -> Iterator[Finding]:
    """Gates of which most elements are flat, at least in some steps: each with its share in these."""
    bad = [u for u in group if u.count and u.share >= SATURATED]
    if not bad:
        return
    parts: dict[str, list[Units]] = {}
    apart = len({seen.place(seen.node(u.id)) for u in bad}) > 1
    for u in bad:
        node = seen.node(u.id)
        parts.setdefault(u.gate or (seen.simply(node) if apart else node.plan.op.name), []).append(u)
    share = {part: sum(u.count for u in some) / sum(u.of for u in some) for part, some in parts.items()}
    of, each = sum(u.of for u in bad), bad[0].each
    listed = ", ".join(f"{part} {percent(s)}" for part, s in share.items())
    ids = tuple(dict.fromkeys(u.id for u in sorted(bad, key=lambda u: -u.share)))
    whole = f"{percent(max(share.values()))} of {of:,} {each}"
    what = f"{listed} of the {each}" if len(parts) > 1 or bad[0].gate else whole
    ends = "give one place nearly all the weight" if each == "rows" else "lie at the flat ends"
    said = f"{what} {ends}, where the slope is below {percent(SLOPE)} of the steepest{_calls(seen, ids, (u.id for u in group))}"
    cure = (
        "Scale the scores down (by 1/√d), or normalise queries and keys."
        if each == "rows"
        else "Start with smaller weights and biases (Xavier initialisation), normalise what comes in, or lower the learning rate."
    )
    note = f"saturated: {listed}" if len(parts) > 1 or bad[0].gate else f"{percent(max(share.values()))} of {each} saturated"
    count = sum(u.count for u in bad)
    numbers = {"count": float(count), "of": float(of), "share": count / of, "operations": float(len(ids))}
    yield Finding("saturated", _where(seen, ids), said, cure, ids, max(share.values()), note, numbers)
