"""The softmax family."""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .elementwise import exp
from .reduce import sum, wide


@primitive(lambda g, out, axis: out * (g - sum(g * out, axis=axis, keepdims=True)), promotes="float")
def softmax(x, *, axis):
    """eˣ / Σ eˣ, without overflow."""
    out = np.subtract(x, np.amax(x, axis=axis, keepdims=True, initial=-np.inf), order="C")
    np.exp(out, out=out)
    out /= wide(out).sum(axis, keepdims=True)
    return out


@primitive(lambda g, out, axis: g - exp(out) * sum(g, axis=axis, keepdims=True), promotes="float")
def log_softmax(x, *, axis):
    """x - log Σ eˣ, without overflow."""
    out = np.subtract(x, np.amax(x, axis=axis, keepdims=True, initial=-np.inf), order="C")
    if out.size:
        out -= np.log(wide(np.exp(out)).sum(axis, keepdims=True))
    return out
