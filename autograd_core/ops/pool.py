"""Windows over the last axes: their largest entries, their means, their entries as columns.

`windows` has for each of the last axes where its windows lie (kernels/windows.py). Linear operations come in adjoint pairs.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels import pool as kernel
from ..kernels.windows import Adaptive, Window
from ..primitive import primitive
from .reduce import wide

__all__ = ["Adaptive", "Window", "columns", "from_largest", "into_largest", "largest_places", "max_pool", "mean_pool", "overlap", "spread"]


@primitive(lambda g, x, out, windows: into_largest(g, x, out, windows=windows), promotes="no")
def max_pool(x, *, windows):
    """The largest entry of each window; NaN where it has one."""
    return kernel.largest(x, windows)


@primitive(
    lambda g, x, largest, windows: from_largest(g, x, largest, windows=windows),
    None,
    None,
    promotes="no",
    meaning="added where each window's largest entry is",
)
def into_largest(v, x, largest, *, windows):
    """Zeros with v, an entry for each window, added where the window's largest entry is in x: the first of them."""
    return kernel.largest_back(v, x, largest, windows)


@primitive(
    lambda g, x, largest, windows: into_largest(g, x, largest, windows=windows),
    None,
    None,
    promotes="no",
    meaning="the entries where the windows' largest ones are",
)
def from_largest(v, x, largest, *, windows):
    """The entries of v, of x's shape, where the windows' largest entries are in x: the first of them."""
    places = kernel.largest_places(x, largest, windows)
    lead = x.shape[: x.ndim - len(windows)]
    flat = v.reshape(*lead, prod(sizes_of(x.shape, windows)))
    return np.take_along_axis(flat, places.reshape(*lead, prod(places.shape[len(lead) :])), axis=-1).reshape(largest.shape)


@primitive(None, None, promotes="no")
def largest_places(x, largest, *, windows):
    """Where the windows' largest entries are in the last axes laid flat, as int64: the first of them, of NaN the last."""
    return kernel.largest_places(x, largest, windows)


@primitive(lambda g, shape, windows, divisor: spread(g, windows=windows, divisor=divisor, sizes=sizes_of(shape, windows)), promotes="no")
def mean_pool(x, *, windows, divisor):
    """The sum of each window over the number of its entries on x ("inside"), on x with its padding ("padded"), or over `divisor`."""
    total = kernel.sums(x, windows)
    if x.dtype.kind in "iu":
        by = divisors(windows, sizes_of(x.shape, windows), divisor, total.dtype)
        return ((total - np.fmod(total, by)) // by).astype(x.dtype)  # towards zero
    total /= divisors(windows, sizes_of(x.shape, windows), divisor, total.dtype)
    return total.astype(x.dtype, copy=False)


@primitive(
    lambda g, windows, divisor: mean_pool(g, windows=windows, divisor=divisor),
    promotes="no",
    meaning="divided among the entries of the window it is the mean of",
)
def spread(x, *, windows, divisor, sizes):
    """The reverse: zeros whose last axes have these lengths, with x over the divisor added to all entries of its window."""
    part = wide(x) / divisors(windows, sizes, divisor, wide(x).dtype)
    return kernel.sums_back(part, windows, sizes).astype(x.dtype, copy=False)


def divisors(windows, sizes, divisor, dtype):
    """What the windows' sums are divided by: a number if it is the same for all."""
    if divisor not in ("inside", "padded"):
        return dtype.type(divisor)
    numbers = kernel.numbers(windows, sizes, divisor == "padded")
    same = numbers.size and (numbers == numbers.flat[0]).all()
    return dtype.type(numbers.flat[0]) if same else numbers.astype(dtype)


def sizes_of(shape, windows):
    """The lengths of the axes that windows lie over."""
    return tuple(shape[len(shape) - len(windows) :])


@primitive(
    lambda g, shape, windows: overlap(g, windows=windows, sizes=sizes_of(shape, windows)),
    promotes="no",
    meaning="the windows' entries side by side",
)
def columns(x, *, windows):
    """The windows' entries: axes for these in the place of x's last ones, then axes for the windows; zeros on the padding."""
    return kernel.columns(x, windows)


@primitive(lambda g, windows: columns(g, windows=windows), promotes="no", meaning="each entry added where its window took it from")
def overlap(x, *, windows, sizes):
    """The reverse: the windows' entries added where they are in zeros whose last axes have these lengths."""
    return kernel.columns_back(x, windows, sizes)
