"""Filling a tensor with random numbers, in place. Where it records, it is from then on a constant: its gradient is zero.

All raise RuntimeError for parameters that are no distribution's and for dtypes that cannot hold it, before anything is drawn or written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..factory import number
from ..random import Generator, normals, parts, stream, whole_numbers
from ..tensor import Tensor
from .inplace import begin, overwritten


def sampler(draw: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place method of a function that draws an array for a tensor."""

    @wraps(draw)
    def method(self: Tensor, *args: Any, **settings: Any) -> Tensor:
        recording = begin(draw.__name__, self)
        drawn = np.asarray(draw(self, *args, **settings))
        return overwritten(draw.__name__, self, drawn.astype(self.array.dtype, copy=False), recording)

    return method


def need(name: str, holds: bool, what: str) -> None:
    if not holds:
        raise RuntimeError(f"{name}: {what}")


@sampler
def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Write normal random numbers; for complex ones `mean` is that of both parts, and std² the sum of their variances."""
    mean, std = number("normal_", "mean", mean), number("normal_", "std", std)
    need("normal_", std >= 0, f"std must not be negative, got {std}")
    drawn = normals("normal_", self.array.shape, self.array.dtype, generator)
    return drawn * std + (mean + 1j * mean if self.array.dtype.kind == "c" else mean)


@sampler
def uniform_(self: Tensor, *bounds: float, generator: Generator | None = None, **named: float) -> Any:
    """Write random numbers uniform in [from, to): `uniform_()` for [0, 1), `uniform_(from, to)`; for complex ones both parts."""
    low, high = (number("uniform_", "a bound", v) for v in limits("uniform_", bounds, named, 0.0, 1.0))
    real = parts("uniform_", self.array.dtype)
    most = float(np.finfo(real).max)
    need("uniform_", low <= high, f"the lower bound {low} is above the upper {high}")
    need("uniform_", -most <= low and high <= most and high - low <= most, f"the bounds {low} and {high} are too far apart for {real}")
    shape = self.array.shape if real is self.array.dtype else (*self.array.shape, 2)
    drawn = np.asarray(stream(generator).random(shape, np.float32 if real.itemsize <= 4 else np.float64))
    drawn *= high - low
    drawn += low
    drawn = drawn.astype(real, copy=False)
    if low < high:  # rounding must not reach the upper bound
        drawn = np.minimum(drawn, np.nextafter(real.type(high), real.type(low)))
    return drawn if real is self.array.dtype else drawn.view(self.array.dtype)[..., 0]


def limits(name: str, bounds: tuple[Any, ...], named: dict[str, Any], low: Any, high: Any) -> tuple[Any, Any]:
    """The arguments (from, to), also by name: `from` is a word of Python's, so `from_` means it too."""
    given = {"from" if word == "from_" else word: value for word, value in named.items()}
    if len(bounds) > 2 or given.keys() - {"from", "to"} or given.keys() & set(("from", "to")[: len(bounds)]):
        raise TypeError(f"{name}: takes (from, to), got {bounds} and {sorted(named)}")
    given |= dict(zip(("from", "to"), bounds, strict=False))
    return given.get("from", low), given.get("to", high)


@sampler
def random_(self: Tensor, *bounds: Any, generator: Generator | None = None, **named: Any) -> Any:
    """Write random integers: `random_(to)` from 0 up to, not including, to; or `random_(from, to)`.

    `random_(from, None)` goes to the dtype's largest; `random_()` takes all from 0 that the dtype has, in floating point
    those up to which every integer is exact.
    """
    if len(bounds) == 1 and not named:
        bounds = (0, bounds[0])
    low, high = limits("random_", bounds, named, 0, None)
    dtype = self.array.dtype
    need("random_", dtype.kind in "biuf", f"cannot be done in {dtype}")
    if high is None:
        exact = 2 ** (np.finfo(dtype).nmant + 1) if dtype.kind == "f" else 1 if dtype.kind == "b" else int(np.iinfo(dtype).max)
        high = exact + 1
    return whole_numbers("random_", low, high, self.array.shape, dtype, generator)


@sampler
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Any:
    """Write 1 with probability p, else 0; `p` is a number, or a floating-point tensor that broadcasts to this one's shape."""
    shape = self.array.shape
    need("bernoulli_", self.array.dtype.kind in "biuf", f"cannot be done in {self.array.dtype}")
    if not isinstance(p, Tensor):
        p = number("bernoulli_", "p", p)
        need("bernoulli_", 0 <= p <= 1, f"p must be from 0 to 1, got {p}")
        return stream(generator).random(shape) < p
    need("bernoulli_", p.is_floating_point(), f"the probabilities must be floating-point, got {p.dtype}")
    need("bernoulli_", bool(((p.array >= 0) & (p.array <= 1)).all()), "probabilities must be from 0 to 1")
    try:
        probabilities = np.broadcast_to(p.array, shape)
    except ValueError:
        raise ShapeError(f"bernoulli_: probabilities of shape {p.array.shape} do not broadcast to {shape}") from None
    return stream(generator).random(shape) < probabilities


def need_float(name: str, self: Tensor) -> None:
    need(name, self.array.dtype.kind == "f", f"a continuous distribution cannot be drawn in {self.array.dtype}")


@sampler
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Write exponential random numbers of rate `lambd`, mean 1 / lambd."""
    need_float("exponential_", self)
    lambd = number("exponential_", "lambd", lambd)
    need("exponential_", lambd > 0, f"lambd must be positive, got {lambd}")
    return stream(generator).standard_exponential(self.array.shape) / lambd


@sampler
def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Any:
    """Write how many trials of success probability p it takes to the first success, 1 or more; at most the dtype's largest integer."""
    dtype = self.array.dtype
    need("geometric_", dtype.kind in "iuf", f"cannot be done in {dtype}")
    p = number("geometric_", "p", p)
    need("geometric_", 0 < p < 1, f"p must be between 0 and 1, got {p}")
    trials = np.maximum(np.ceil(stream(generator).standard_exponential(self.array.shape) / -math.log1p(-p)), 1)
    if dtype.kind == "f":
        return trials
    most = np.iinfo(dtype).max
    return np.where(trials < most, np.where(trials < most, trials, 0).astype(dtype), dtype.type(most))


@sampler
def cauchy_(self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Any:
    """Write Cauchy-distributed random numbers, half of them within `sigma` of the median."""
    need_float("cauchy_", self)
    median, sigma = number("cauchy_", "median", median), number("cauchy_", "sigma", sigma)
    need("cauchy_", sigma > 0, f"sigma must be positive, got {sigma}")
    return median + sigma * np.tan(math.pi * (stream(generator).random(self.array.shape) - 0.5))


@sampler
def log_normal_(self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Any:
    """Write random numbers whose logarithm is normal with this mean and standard deviation."""
    need_float("log_normal_", self)
    mean, std = number("log_normal_", "mean", mean), number("log_normal_", "std", std)
    need("log_normal_", std > 0, f"std must be positive, got {std}")
    return np.exp(normals("log_normal_", self.array.shape, np.dtype(np.float64), generator) * std + mean)


SAMPLERS = (normal_, uniform_, random_, bernoulli_, exponential_, geometric_, cauchy_, log_normal_)
