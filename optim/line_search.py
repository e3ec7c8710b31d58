"""A line search for the strong Wolfe conditions: a step that lowers the loss enough, where its slope has become small.

Source: Nocedal and Wright, Numerical optimization, algorithms 3.5 and 3.6; the safeguards are those of Mark Schmidt's minFunc.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .blocks import Array

C1 = 1e-4  # share of the decrease promised by the first slope that is enough
C2 = 0.9  # share of the first slope that is small


class Point(NamedTuple):
    """Where a step of length `t` leads."""

    t: Any
    loss: float
    grad: Array
    slope: Any  # of the loss along the direction


def strong_wolfe(at: Callable[[Any], Point], start: Point, t: Any, reach: Any, tolerance_change: float, limit: int) -> tuple[Point, int]:
    """The point found, beginning with a step of length `t`, and how often the loss was computed.

    `at(t)` computes it; `reach` is the largest entry of the direction, by which changes are judged. After `limit` rounds
    it is the best point so far.
    """
    previous, point = start, at(t)
    count, rounds = 1, 0
    while rounds < limit:
        if not_low_enough(point, start) or (rounds > 1 and point.loss >= previous.loss):
            bracket = [previous, point]
            break
        if flat(point, start):
            return point, count
        if point.slope >= 0:
            bracket = [previous, point]
            break
        t = cubic_minimum(previous, point, point.t + 0.01 * (point.t - previous.t), point.t * 10)
        previous, point = point, at(t)
        count, rounds = count + 1, rounds + 1
    else:
        bracket = [start, point]
    low, high = lower_first(bracket)
    stalled = False
    while rounds < limit:
        least, most = sorted([bracket[0].t, bracket[1].t])
        if (most - least) * reach < tolerance_change:
            break
        t = cubic_minimum(bracket[0], bracket[1], least, most)
        margin = 0.1 * (most - least)
        if min(most - t, t - least) < margin:  # next to a bound: once that may be, twice it would crawl
            if stalled or t >= most or t <= least:
                t = most - margin if abs(t - most) < abs(t - least) else least + margin
                stalled = False
            else:
                stalled = True
        else:
            stalled = False
        point = at(t)
        count, rounds = count + 1, rounds + 1
        if not_low_enough(point, start) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = lower_first(bracket)
            continue
        done = flat(point, start)
        if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
        if done:
            break
    return bracket[low], count


def not_low_enough(point: Point, start: Point) -> bool:
    return point.loss > start.loss + C1 * point.t * start.slope


def flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -C2 * start.slope


def lower_first(bracket: list[Point]) -> tuple[int, int]:
    return (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)


@np.errstate(all="ignore")
def cubic_minimum(a: Point, b: Point, least: Any, most: Any) -> Any:
    """Where the cubic through both points with their slopes is least, within the bounds; their middle where it has no minimum."""
    if a.t > b.t:
        a, b = b, a
    bend = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = bend**2 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    root = np.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - bend) / (b.slope - a.slope + 2 * root))
    return min(max(t, least), most)
