"""A flat graph in layers: which layer each item stands in, and in which order, so that few lines cross.

The scheme is that of Sugiyama, Tagawa and Toda ("Methods for Visual Understanding of Hierarchical System Structures", 1981).
Items stand in the even layers. A line has a knot in every layer it passes, odd ones too, so every line has at least one:
parallel lines stay apart, and a text on a line has a layer of its own kind to stand in. No function here recurses.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

PINS = ("top", "bottom")
Ends = list[tuple[int, float]]  # nodes, and where on them


@dataclass
class Item:
    """Something with a size: a box, a group, a knot in a line, or a place on the frame where a line goes through."""

    width: float = 0.0
    height: float = 0.0
    kind: str = "knot"  # or "box", "round", "group", "top", "bottom"


@dataclass(frozen=True)
class Link:
    """A line from an item down to another. Where it touches them may be given, as a distance from the item's middle."""

    upper: int
    lower: int
    label: tuple[float, float] = (0.0, 0.0)  # width and height of the text on the line
    upper_at: float | None = None
    lower_at: float | None = None


@dataclass
class Segment:
    """A piece of a line, between two neighbouring layers."""

    upper: int
    lower: int
    upper_at: float
    lower_at: float
    weight: float  # how much it wants to be straight


@dataclass
class Layers:
    """Items and the knots of lines between them, by layer. The first nodes are the items, in their order."""

    items: Sequence[Item]
    links: Sequence[Link]
    nodes: list[Item]
    rank: list[int]
    rows: list[list[int]]
    segments: list[Segment]
    chains: list[list[int]]  # for each link, its segments from top to bottom
    lettered: list[int]  # for each link, the knot that carries its text
    up: list[list[int]] = field(default_factory=list)  # for each node, the segments that come from above
    down: list[list[int]] = field(default_factory=list)


def backward_edges(count: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """Which edges close a circle, found depth first: turned round, they leave none."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    entered = [0] * count
    for index, (tail, head) in enumerate(edges):
        leaving[tail].append(index)
        entered[head] += 1
    closing = [False] * len(edges)
    state = [0] * count  # 0: not seen, 1: on the path, 2: done
    for root in sorted(range(count), key=lambda node: entered[node] > 0):
        if state[root]:
            continue
        state[root] = 1
        path = [(root, iter(leaving[root]))]
        while path:
            node, rest = path[-1]
            index = next(rest, -1)
            if index < 0:
                state[node] = 2
                path.pop()
                continue
            head = edges[index][1]
            if state[head] == 1:
                closing[index] = True
            elif state[head] == 0:
                state[head] = 1
                path.append((head, iter(leaving[head])))
    return closing


def arrange(items: Sequence[Item], links: Sequence[Link], *, headed: bool) -> Layers:
    """Layers for items and links without circles, ordered; `headed` keeps the first layer free for a heading and pins."""
    rank = _ranks(items, links, 2 if headed else 0)
    layers = _knots(items, links, rank)
    _order(layers)
    return layers


def _ranks(items: Sequence[Item], links: Sequence[Link], first: int) -> list[int]:
    """As high as possible, then sources and what leads from them alone as low as possible: next to where they are used."""
    above: list[list[int]] = [[] for _ in items]
    below: list[list[int]] = [[] for _ in items]
    for link in links:
        above[link.lower].append(link.upper)
        below[link.upper].append(link.lower)
    waiting = [len(nodes) for nodes in above]
    order = [node for node in range(len(items)) if not waiting[node]]
    rank = [0 if item.kind == "top" else first for item in items]
    for node in order:
        for lower in below[node]:
            rank[lower] = max(rank[lower], rank[node] + 2)
            waiting[lower] -= 1
            if not waiting[lower]:
                order.append(lower)
    movable = [False] * len(items)
    for node in order:
        movable[node] = items[node].kind not in PINS and all(movable[upper] and len(below[upper]) == 1 for upper in above[node])
    for node in reversed(order):
        if below[node] and items[node].kind not in PINS and (movable[node] or len(above[node]) <= len(below[node])):
            ends = [rank[lower] for lower in below[node] if items[lower].kind not in PINS]
            rank[node] = max(rank[node], min(ends) - 2) if ends else rank[node]
    last = max((r for r, item in zip(rank, items) if item.kind != "bottom"), default=0)
    return [last + 2 if item.kind == "bottom" else r for r, item in zip(rank, items)]


def _knots(items: Sequence[Item], links: Sequence[Link], rank: list[int]) -> Layers:
    """Lines cut at every layer they pass; the text of a line stands in the odd layer nearest its middle."""
    nodes, ranks, segments, chains, lettered = list(items), list(rank), list[Segment](), list[list[int]](), list[int]()
    source = [True] * len(items)
    for link in links:
        source[link.lower] = False
    for link in links:
        top, bottom = rank[link.upper], rank[link.lower]
        middle = (top + bottom) // 2
        middle -= 1 - middle % 2
        through = items[link.upper].kind in PINS or items[link.lower].kind in PINS
        worth = 4.0 if through else 1.0 if source[link.upper] else 4.0 if bottom - top == 2 else 2.0  # the main road goes straight
        at, offset, chain = link.upper, link.upper_at, list[int]()
        for layer in range(top + 1, bottom + 1):
            if layer == bottom:
                following, lower_offset = link.lower, link.lower_at
            else:
                following, lower_offset = len(nodes), 0.0
                if layer == middle:
                    lettered.append(following)
                nodes.append(Item(*link.label) if layer == middle else Item())
                ranks.append(layer)
            inner = (at >= len(items)) + (following >= len(items))
            chain.append(len(segments))
            segments.append(Segment(at, following, offset or 0.0, lower_offset or 0.0, worth * (1, 2, 3)[inner]))
            at, offset = following, 0.0
        chains.append(chain)
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    layers = Layers(items, links, nodes, ranks, rows, segments, chains, lettered, [[] for _ in nodes], [[] for _ in nodes])
    for index, segment in enumerate(segments):
        layers.down[segment.upper].append(index)
        layers.up[segment.lower].append(index)
    for node in range(len(nodes)):
        rows[ranks[node]].append(node)
    for row in rows:
        row[:] = _first_order(layers, row)
    return layers


def _first_order(layers: Layers, row: list[int]) -> list[int]:
    """Groups first; lines with the sources on both sides of them, so that the main road runs through the middle."""
    groups = [node for node in row if layers.nodes[node].kind == "group"]
    sources = [node for node in row if layers.nodes[node].kind in ("box", "round") and not layers.up[node]]
    lines = [node for node in row if node not in groups and node not in sources]
    half = 0 if groups else (len(sources) + 1) // 2
    return groups + sources[:half] + lines + sources[half:]


def _order(layers: Layers) -> None:
    """Fewer crossings: each node to the mean of its neighbours, layer by layer, down and up; the best order seen stays."""
    sweeps = min(24, 4 + 100_000 // (len(layers.segments) + 1))  # seconds at most
    best, fewest, stale = [list(row) for row in layers.rows], crossings(layers), 0
    above, below = _ends(layers)
    place = [0.0] * len(layers.nodes)
    chance = Random(0)
    for sweep in range(sweeps):
        if not fewest or stale > 8:
            break
        downward = sweep % 2 == 0
        for row in layers.rows:
            _put(row, place)
        for row in layers.rows[1:] if downward else reversed(layers.rows[:-1]):
            _by_means(row, above if downward else below, place, chance if sweep > 3 else None)
        _exchange(layers, above, below, place)
        count = crossings(layers)
        stale += 1
        if count < fewest:
            best, fewest, stale = [list(row) for row in layers.rows], count, 0
    layers.rows[:] = best


def _ends(layers: Layers) -> tuple[list[Ends], list[Ends]]:
    """For each node, the nodes that its lines touch in the layer above and below, and where on them, in units of places."""
    above: list[Ends] = [[] for _ in layers.nodes]
    below: list[Ends] = [[] for _ in layers.nodes]
    for s in layers.segments:
        above[s.lower].append((s.upper, s.upper_at / (layers.nodes[s.upper].width + 1.0)))
        below[s.upper].append((s.lower, s.lower_at / (layers.nodes[s.lower].width + 1.0)))
    return above, below


def _put(row: list[int], place: list[float]) -> None:
    for index, node in enumerate(row):
        place[node] = float(index)


def _by_means(row: list[int], ends: list[Ends], place: list[float], chance: Random | None) -> None:
    """Sorts those that have neighbours among the places they hold, the others keep theirs; ties stay, or fall by chance."""
    keys = {node: sum(place[other] + at for other, at in ends[node]) / len(ends[node]) for node in row if ends[node]}
    nodes = list(keys)
    if chance:
        chance.shuffle(nodes)
    ordered = iter(sorted(nodes, key=keys.__getitem__))
    row[:] = [next(ordered) if node in keys else node for node in row]
    _put(row, place)


def _exchange(layers: Layers, above: list[Ends], below: list[Ends], place: list[float], *, rounds: int = 3) -> None:
    """Swaps neighbours where that saves a crossing."""
    for _ in range(rounds):
        changed = False
        for row in layers.rows:
            if len(row) < 2:
                continue
            ends = {node: [sorted([place[other] + at for other, at in side[node]]) for side in (above, below)] for node in row}
            for index in range(len(row) - 1):
                (up, down), (right_up, right_down) = ends[row[index]], ends[row[index + 1]]
                now = _crossed(up, right_up) + _crossed(down, right_down)
                if now and now > _crossed(right_up, up) + _crossed(right_down, down):
                    row[index], row[index + 1] = row[index + 1], row[index]
                    changed = True
            _put(row, place)
        if not changed:
            return


def _crossed(left: list[float], right: list[float]) -> int:
    """How many lines of the left node cross lines of the right one; both lists are sorted."""
    if not left or not right or left[-1] <= right[0]:
        return 0
    return sum([len(left) - bisect_right(left, end) for end in right])


def crossings(layers: Layers) -> int:
    """How many pairs of lines cross."""
    place = {node: float(index) for row in layers.rows for index, node in enumerate(row)}
    total = 0
    for row in layers.rows[:-1]:
        ends = []
        for node in row:
            for index in layers.down[node]:
                segment = layers.segments[index]
                start = place[node] + segment.upper_at / (layers.nodes[node].width + 1.0)
                ends.append((start, place[segment.lower] + segment.lower_at / (layers.nodes[segment.lower].width + 1.0)))
        seen: list[float] = []
        for _, end in sorted(ends):
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total
