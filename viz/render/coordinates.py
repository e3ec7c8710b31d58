"""Where ordered layers come to lie: places on the boxes where lines begin, then across, then down, then the lines.

Across, every layer in turn is placed as its neighbours want it: with the least weighted distance to where their lines
arrive, in order and apart. For one layer that is an isotonic regression with the absolute value as loss, solved exactly by
pooling (Barlow et al., "Statistical Inference under Order Restrictions", 1972); its solutions are medians, so lines come
out exactly straight where they can.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import sqrt

from . import theme
from .layers import PINS, Item, Layers

Point = tuple[float, float]
_LINE_GAP = 9.0  # from a line to its neighbours
_SPREAD, _CLOSEST = 15.0, 11.0  # between lines that touch the same side of a box
_BEND = 8.0  # what a bend costs, as much as leading so far across
_ONWARD = 1.5  # how much more a line goes on straight, where it could as well have bent before
_STRAIGHT = 0.01  # what is less is rounding
_INERTIA = 1e-3  # how much a node without neighbours wants to stay


@dataclass(frozen=True)
class Rectangle:
    """From the upper left corner, in points; y grows downwards."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Placed:
    """A flat graph drawn into a rectangle: its items, its lines from top to bottom, and their texts."""

    width: float
    height: float
    items: list[Rectangle]
    lines: list[list[Point]]  # where x changes between two points, the line swings from vertical to vertical
    texts: list[Rectangle]


def place(layers: Layers, heading: tuple[float, float], pad: float) -> Placed:
    """Coordinates for everything. The heading stands at the upper left, beside the lines that come in from above."""
    _spread(layers)
    across = _across(layers)
    _gather(layers, across)
    _straighten(layers, across)
    left = min((x - node.width / 2 for x, node in zip(across, layers.nodes)), default=0.0)
    right = max((x + node.width / 2 for x, node in zip(across, layers.nodes)), default=0.0)
    if heading[0]:
        left = min([left] + [x - heading[0] - theme.GROUP_PAD for x, node in zip(across, layers.nodes) if node.kind == "top"])
        right = max(right, left + heading[0])
    across = [x - left + pad for x in across]
    tops, heights, height = _down(layers, across, heading[1], pad)
    items = [_stand(layers, node, across[node], tops, heights, height) for node in range(len(layers.items))]
    lines = [_line(layers, chain, across, items, tops, heights) for chain in layers.chains]
    texts = []
    for knot in layers.lettered:
        node, layer = layers.nodes[knot], layers.rank[knot]
        texts.append(Rectangle(across[knot] - node.width / 2, tops[layer] + (heights[layer] - node.height) / 2, node.width, node.height))
    return Placed(right - left + 2 * pad, height, items, lines, texts)


def _spread(layers: Layers) -> None:
    """Gives each line its own place on its box, in the order in which they leave, the main road in the middle."""
    where = {node: index for row in layers.rows for index, node in enumerate(row)}
    for node, item in enumerate(layers.items):
        if item.kind not in ("box", "round"):
            continue
        reach = 0.0
        for above in (True, False):
            segments = [layers.segments[index] for index in (layers.up if above else layers.down)[node]]
            segments.sort(key=lambda segment: where[segment.upper if above else segment.lower])
            heaviest = max((segment.weight for segment in segments), default=0.0)
            main = [index for index, segment in enumerate(segments) if segment.weight == heaviest]
            middle = sum(main) / len(main) if main else 0.0
            furthest = max(middle, len(segments) - 1 - middle, 0.5)
            step = min(_SPREAD, max(_CLOSEST, _room(item) / furthest))
            for index, segment in enumerate(segments):
                offset = (index - middle) * step
                reach = max(reach, abs(offset))
                if above:
                    segment.lower_at = offset
                else:
                    segment.upper_at = offset
        wider = reach / 0.36 if item.kind == "round" else 2 * (reach + theme.CORNER + 3)
        layers.nodes[node] = Item(max(item.width, wider), item.height, item.kind)


def _room(item: Item) -> float:
    """How far from its middle a line may touch a box."""
    return 0.36 * item.width if item.kind == "round" else item.width / 2 - theme.CORNER - 3


def _gather(layers: Layers, across: list[float]) -> None:
    """Moves what no line holds next to its neighbours."""
    for row in layers.rows:
        for order in (row, row[::-1]):
            for before, node in pairwise(order):
                if not layers.up[node] and not layers.down[node]:
                    apart = _distance(layers.nodes[before], layers.nodes[node])
                    across[node] = across[before] + apart if order is row else across[before] - apart


def _straighten(layers: Layers, across: Sequence[float]) -> None:
    """Moves the ends of lines along the sides of their boxes to where the lines come from."""
    for node, item in enumerate(layers.nodes[: len(layers.items)]):
        if item.kind not in ("box", "round"):
            continue
        room = _room(item)
        for above in (True, False):
            segments = [layers.segments[index] for index in (layers.up if above else layers.down)[node]]
            segments.sort(key=lambda segment: segment.lower_at if above else segment.upper_at)
            last = len(segments) - 1
            step = min(_CLOSEST, 2 * room / last) if last > 0 else 0.0
            wishes = []
            for index, s in enumerate(segments):
                end = across[s.upper] + s.upper_at if above else across[s.lower] + s.lower_at
                wishes.append([(end - across[node] - index * step, s.weight)])
            for index, (segment, wish) in enumerate(zip(segments, _pool(wishes))):
                offset = min(max(wish, -room), room - last * step) + index * step
                if above:
                    segment.lower_at = offset
                else:
                    segment.upper_at = offset


def _across(layers: Layers, *, sweeps: int = 12) -> list[float]:
    """The middle of each node, left to right: the best of several sweeps down and up."""
    apart = [[0.0, *accumulate(_distance(layers.nodes[a], layers.nodes[b]) for a, b in pairwise(row))] for row in layers.rows]
    across = [0.0] * len(layers.nodes)
    for row, offsets in zip(layers.rows, apart):
        for node, offset in zip(row, offsets):
            across[node] = offset - offsets[-1] / 2
    best, least, stale = list(across), _strain(layers, across), 0
    for sweep in range(sweeps):
        downward, both = sweep % 2 == 0, sweep >= sweeps // 2
        lines = list(zip(layers.rows, apart))
        for row, offsets in lines if downward else reversed(lines):
            _settle(layers, row, offsets, across, downward, both)
        strain = _strain(layers, across)
        stale += 1
        if strain < least - 1e-6:
            best, least, stale = list(across), strain, 0
        if stale > 5:
            break
    return best


def _distance(left: Item, right: Item) -> float:
    """From the middle of a node to the middle of its right neighbour, at least."""
    bare = (left.width == 0) + (right.width == 0)
    return (left.width + right.width) / 2 + (theme.BOX_GAP if not bare else theme.BOX_GAP * 0.7 if bare == 1 else _LINE_GAP)


def _strain(layers: Layers, across: Sequence[float]) -> float:
    """How far lines lead across; one wide swing is less than many small ones."""
    swings = (abs(across[s.upper] + s.upper_at - across[s.lower] - s.lower_at) for s in layers.segments)
    return sum(s.weight * (swing + min(swing, _BEND)) for s, swing in zip(layers.segments, swings))


def _settle(layers: Layers, row: list[int], offsets: Sequence[float], across: list[float], downward: bool, both: bool) -> None:
    """Places one layer as its neighbours in the layer before it want it, or those on both sides."""
    wishes: list[list[tuple[float, float]]] = []
    for node, offset in zip(row, offsets):
        wishes.append([])
        onward = _ONWARD if node >= len(layers.items) else 1.0
        for index in layers.up[node] if downward or both else ():
            segment = layers.segments[index]
            place = across[segment.upper] + segment.upper_at - segment.lower_at - offset
            wishes[-1].append((place, segment.weight * (onward if downward else 1.0)))
        for index in layers.down[node] if not downward or both else ():
            segment = layers.segments[index]
            place = across[segment.lower] + segment.lower_at - segment.upper_at - offset
            wishes[-1].append((place, segment.weight * (1.0 if downward else onward)))
        if not wishes[-1]:
            wishes[-1].append((across[node] - offset, _INERTIA))
    for node, offset, where in zip(row, offsets, _pool(wishes)):
        across[node] = where + offset


def _pool(wishes: Iterable[list[tuple[float, float]]]) -> list[float]:
    """Places in rising order, as near as possible to what each wishes: a list of places with weights."""
    blocks: list[tuple[float, list[tuple[float, float]], int]] = []  # the place, the wishes, how many share it
    for wish in wishes:
        wish = sorted(wish)
        block = (_median(wish), wish, 1)
        while blocks and blocks[-1][0] > block[0]:
            _, others, count = blocks.pop()
            wish = sorted(others + block[1])
            block = (_median(wish), wish, count + block[2])
        blocks.append(block)
    return [where for where, _, count in blocks for _ in range(count)]


def _median(wishes: Sequence[tuple[float, float]]) -> float:
    """The weighted median of sorted wishes; the middle of it where it is an interval."""
    if len(wishes) == 1:
        return wishes[0][0]
    sums = list(accumulate(weight for _, weight in wishes))
    index = bisect_left(sums, sums[-1] / 2)
    if sums[index] == sums[-1] / 2 and index + 1 < len(wishes):
        return (wishes[index][0] + wishes[index + 1][0]) / 2
    return wishes[index][0]


def _down(layers: Layers, across: Sequence[float], heading: float, pad: float) -> tuple[list[float], list[float], float]:
    """The top and the height of each layer, and the height of all; wide swings of lines get more room to swing in."""
    heights = [max((layers.nodes[node].height for node in row), default=0.0) for row in layers.rows]
    swing = [0.0] * len(heights)
    for s in layers.segments:
        layer = layers.rank[s.upper]
        swing[layer] = max(swing[layer], abs(across[s.upper] + s.upper_at - across[s.lower] - s.lower_at))
    tops, at = [], pad
    for layer, height in enumerate(heights):
        if layer == 0 and heading:
            at = pad - 3
            height = heights[0] = max(height, heading)
        tops.append(at)
        at += height
        if layer + 1 < len(heights):
            bare = (not height) + (not heights[layer + 1]) + (layer == 0)
            at += max(
                theme.LAYER_GAP * (1.0, 0.7, 0.3, 0.0)[bare],
                min(8.0 + (10.0 if bare < 2 else 0.0) + 0.2 * swing[layer], 48.0) if swing[layer] > _STRAIGHT else 0.0,
            )
    return tops, heights, at + pad


def _stand(layers: Layers, node: int, x: float, tops: list[float], heights: list[float], height: float) -> Rectangle:
    """Where an item stands in its layer: at the bottom if it only gives, at the top if it only takes, else in the middle."""
    item, layer = layers.nodes[node], layers.rank[node]
    if item.kind in PINS:
        return Rectangle(x, 0.0 if item.kind == "top" else height, 0.0, 0.0)
    free = heights[layer] - item.height
    share = 0.5 if bool(layers.up[node]) == bool(layers.down[node]) else 1.0 if layers.down[node] else 0.0
    return Rectangle(x - item.width / 2, tops[layer] + free * share, item.width, item.height)


def _line(
    layers: Layers, chain: Sequence[int], across: Sequence[float], items: Sequence[Rectangle], tops: list[float], heights: list[float]
) -> list[Point]:
    """The points of a line, from its upper item to its lower one."""
    first, last = layers.segments[chain[0]], layers.segments[chain[-1]]
    x, upper = across[first.upper] + first.upper_at, items[first.upper]
    layer = layers.rank[first.upper]
    points = [(x, upper.y + upper.height - _dip(layers.nodes[first.upper], first.upper_at)), (x, tops[layer] + heights[layer])]
    for index in chain[:-1]:
        knot = layers.segments[index].lower
        top = tops[layers.rank[knot]]
        points += [(across[knot], top), (across[knot], top + heights[layers.rank[knot]])]
    x, lower = across[last.lower] + last.lower_at, items[last.lower]
    points += [(x, tops[layers.rank[last.lower]]), (x, lower.y + _dip(layers.nodes[last.lower], last.lower_at))]
    return [point for index, point in enumerate(points) if index == 0 or point != points[index - 1]]


def _dip(item: Item, offset: float) -> float:
    """How far a round box's outline lies inside its rectangle, so far from its middle."""
    if item.kind != "round":
        return 0.0
    return item.height / 2 * (1 - sqrt(max(0.0, 1 - (2 * offset / item.width) ** 2)))
