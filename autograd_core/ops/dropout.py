"""Dropout with a mask that was drawn before."""

from __future__ import annotations

from ..labels import has_numbers, named
from ..primitive import primitive


def told(mask, p):
    """The mask. A formula says what it is."""
    return (
        mask if has_numbers(mask) else named("mask", mask, f"0 with probability {p:g}, else 1 / (1 − {p:g})" if p < 1 else "0 everywhere")
    )


@primitive(lambda g, mask, p: g * told(mask, p), None)
def dropout(x, mask, *, p):
    """x · mask, whose entries are 0, each with probability p, or 1 / (1 - p)."""
    return x * mask
