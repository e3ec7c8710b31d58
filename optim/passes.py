"""What many update rules are made of: a few passes over memory each."""

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
    """mean += share · (value - mean), from the side that is nearer: with a share of 1 it is the value, exactly."""
    np.subtract(value, mean, out=t)
    if share < 0.5:
        np.multiply(t, share, out=t)
        np.add(mean, t, out=mean)
    else:
        np.multiply(t, 1 - share, out=t)
        np.subtract(value, t, out=mean)


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


def norm(x: Array) -> float:
    """√(sum of x²); that of float16 is summed up in float32, in which the squares have room."""
    return float(np.linalg.norm(x.astype(np.float32) if x.dtype == np.float16 else x))
