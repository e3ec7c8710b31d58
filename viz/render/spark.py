"""A small curve in a box, as bars: how a number went from step to step, where it was zero and where it was not a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, log10

from ..graph.digits import number

_MOST = 32  # bars; of more values, neighbours share one
_DECADES = 2.0  # between the smallest and the largest from which on the scale is logarithmic
_LEAST = 0.12  # height of the smallest bar of a logarithmic scale


@dataclass(frozen=True)
class Bar:
    """One value, or the largest of several. Heights are 0 to 1; a zero and what is not finite have a look of their own."""

    low: float
    high: float
    kind: str = "value"  # "value", "zero" or "wild" (NaN or infinite)


def bars(values: Sequence[float]) -> tuple[Bar, ...]:
    """At most 32 bars for the values in order. Of values that share a bar, one that is not finite is shown, else the largest."""
    shown = _thinned(values)
    finite = [v for v in shown if isfinite(v)]
    logarithmic = _logarithmic(finite)
    if logarithmic:
        logs = [log10(v) for v in finite if v]
        low, span = min(logs), max(logs) - min(logs)
        height = lambda v: _LEAST + (1 - _LEAST) * (log10(v) - low) / span
        base = 0.0
    else:
        unit = max(map(abs, finite), default=0.0) or 1.0  # before anything is subtracted, which could overflow
        low = min([0.0, *finite]) / unit
        span = (max([0.0, *finite]) / unit - low) or 1.0
        height = lambda v: (v / unit - low) / span
        base = height(0.0)
    made = []
    for v in shown:
        if not isfinite(v):
            made.append(Bar(0.0, 1.0, "wild"))
        elif v == 0:
            made.append(Bar(base, base, "zero"))
        else:
            made.append(Bar(min(base, height(v)), max(base, height(v))))
    return tuple(made)


def said(values: Sequence[float]) -> str:
    """The first and the last value, and whether the scale is logarithmic: `0.31 … 2.1e-5, log scale`."""
    if not values:
        return ""
    ends = [number(float(f"{v:.3g}")) for v in (values if len(values) == 1 else (values[0], values[-1]))]
    return " … ".join(ends) + (", log scale" if _logarithmic([v for v in _thinned(values) if isfinite(v)]) else "")


def _thinned(values: Sequence[float]) -> list[float]:
    if len(values) <= _MOST:
        return list(values)
    cuts = [len(values) * k // _MOST for k in range(_MOST + 1)]
    parts = (values[start:end] for start, end in pairwise(cuts))
    return [next((v for v in part if not isfinite(v)), max(part, key=abs)) for part in parts]


def _logarithmic(finite: Sequence[float]) -> bool:
    """Whether positive values and zeros span more than two powers of ten."""
    positive = [v for v in finite if v > 0]
    return bool(positive) and min(finite) >= 0 and log10(max(positive)) - log10(min(positive)) > _DECADES
