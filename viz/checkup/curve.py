"""Norms along depth as a row of bars."""

from __future__ import annotations

import math
from itertools import pairwise

LEVELS = "▁▂▃▄▅▆▇█"
LONGEST = 96  # characters of a curve


def thinned(values: list[float], most: int) -> list[float]:
    """At most so many values: of neighbours that share a place the smallest, which a dip survives, or what is not finite."""
    cuts = [len(values) * k // most for k in range(most + 1)] if len(values) > most else list(range(len(values) + 1))
    return [min(values[a:b], key=lambda v: (math.isfinite(v), v)) for a, b in pairwise(cuts)]


def curve(values: list[float]) -> str:
    """Norms as a row of bars of logarithmic height, at least a power of ten from the lowest to the highest.

    "·" is a zero, "!" what is not finite.
    """
    shown = thinned(values, LONGEST)
    logs = [math.log10(v) for v in shown if v and math.isfinite(v)]
    low, high = min(logs, default=0.0), max(logs, default=0.0)
    low = min(low, high - 1)
    level = lambda v: LEVELS[min(int(8 * (math.log10(v) - low) / (high - low)), 7)]
    return "".join("!" if not math.isfinite(v) else level(v) if v else "·" for v in shown)
