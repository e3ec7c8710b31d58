"""What many update rules are made of: a few passes over memory each, in place."""

from __future__ import annotations

import numpy as np

from .blocks import Array


def direction(p: Array, g: Array, decay: Array, maximize: bool, d: Array, t: Array) -> Array:
    """The gradient, turned round if `maximize`, plus decay · p: written into `d`, unless it is the gradient itself."""
    if decay:
        np.multiply(p, decay, out=t)
        return (np.subtract if maximize else np.add)(t, g, out=d)
    return np.negative(g, out=d) if maximize else g


def approach(mean: Array, value: Array, share: Array, t: Array) -> None:
    """mean += share · (value - mean)."""
    np.subtract(value, mean, out=t)
    np.multiply(t, share, out=t)
    np.add(mean, t, out=mean)


def approach_square(mean: Array, value: Array, past: Array, share: Array, t: Array) -> None:
    """mean = past · mean + share · value²."""
    np.multiply(mean, past, out=mean)
    np.multiply(value, value, out=t)
    np.multiply(t, share, out=t)
    np.add(mean, t, out=mean)


def root(v: Array, floor: Array, t: Array) -> Array:
    """√v + floor, in `t`."""
    np.sqrt(v, out=t)
    return np.add(t, floor, out=t)


def descend(p: Array, along: Array, rate: Array, t: Array) -> None:
    """p -= rate · along; `along` may be `t`."""
    np.multiply(along, rate, out=t)
    np.subtract(p, t, out=p)
