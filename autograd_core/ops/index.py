"""Reading and writing at indices: each pair is the other's rule.

Index arrays of one axis (`gather`, `index_select` and what goes with them) are array arguments; their entries count from
0 and are checked here. The index of `getitem`, a mixture of anything, is a setting.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..labels import applied, named
from ..primitive import primitive
from .elementwise import eq, maximum, where

BLOCK = 1 << 15  # positions worked on at a time stay in the processor's cache


# ---------------------------------------------------------------------- in any of NumPy's forms


@primitive(
    lambda g, shape, index: put(g, index=index, shape=shape),
    placed=lambda g, index: None if may_repeat(index) else index,
    view=True,
    promotes="no",
)
def getitem(x, *, index):
    """x[index], in any of NumPy's forms."""
    if type(index) is tuple and index and type(index[-1]) is np.ndarray:
        lone = lone_array(index)
        if lone is not None:
            return x.take(lone[1], lone[0])  # up to five times as fast
    return x[index]


@primitive(lambda g, index: getitem(g, index=index), promotes="no")
def put(x, *, index, shape):
    """Zeros of this shape with x added at index: entries named twice are summed."""
    x = np.asarray(x)
    if may_repeat(index):
        lone = lone_array(index)
        if lone is not None:
            axis, rows = lone
            return index_add(x, from_front(rows, shape[axis]), axis=axis, shape=shape)
        places = places_of(index, shape)
        whole = np.zeros(shape, wide(x.dtype))
        np.add.at(whole.reshape(-1), places.ravel(), np.broadcast_to(x, places.shape).ravel())
        return whole.astype(x.dtype, copy=False)
    whole = np.zeros(shape, x.dtype)
    whole[index] = x
    return whole


OF_WRITING = (lambda g, index: put_back(g, index=index), lambda g, index: surviving(getitem(g, index=index), index, g.shape))


@primitive(*OF_WRITING, name="setitem", promotes="no")
def overwrite(x, value, *, index):
    """x after x[index] = value; of an entry named twice the last value counts."""
    whole = np.array(x)
    assign(whole, index, value)
    return whole


@primitive(*OF_WRITING, name="setitem", promotes="no")
def overwritten(x, value, *, index):
    """The same for memory that is already written."""
    return x


def assign(x, index, value):
    """x[index] = value, going through an index that may name an entry twice in order."""
    x[index] = np.ascontiguousarray(np.broadcast_to(value, np.shape(x[index]))) if may_repeat(index) else value


@primitive(lambda g, index: put_back(g, index=index), promotes="no")
def put_back(x, *, index):
    """x with zeros at index."""
    whole = np.array(x)
    whole[index] = 0
    return whole


def parts_of(index):
    return index if isinstance(index, tuple) else (index,)


def may_repeat(index):
    """Whether an index could name an entry twice: it has integer arrays."""
    return any(isinstance(part, np.ndarray) and part.dtype.kind != "b" for part in parts_of(index))


def from_front(rows, n):
    """Indices with what counts from the end counted from the front."""
    return np.where(rows < 0, rows + n, rows) if rows.size and rows.min() < 0 else rows


def places_of(index, shape):
    """Where the entries that an index names lie in a flat array."""
    if len(index) == len(shape) and all(isinstance(part, np.ndarray) and part.dtype.kind != "b" for part in index):
        return sum(from_front(part, n) * prod(shape[k + 1 :]) for k, (part, n) in enumerate(zip(index, shape, strict=True)))
    return np.arange(prod(shape)).reshape(shape)[index]


def lone_array(index):
    """(axis, array) of an index that is one integer array after whole slices, or None."""
    *before, last = parts_of(index)
    whole = all(isinstance(part, slice) and part == slice(None) for part in before)
    return (len(before), last) if whole and isinstance(last, np.ndarray) and last.dtype.kind != "b" else None


def surviving(g, index, shape):
    """g at the values that x[index] = values left there: not at those which a later one overwrote."""
    if not may_repeat(index):
        return g
    stamps = np.empty(shape, np.intp)
    numbers = np.arange(prod(g.shape)).reshape(g.shape)
    stamps[index] = numbers
    last = stamps[index] == numbers
    return g if last.all() else applied("surviving", lambda part: where(last, part, 0), g, "without what a later value overwrote")


# ---------------------------------------------------------------------- an index for each entry, along one axis


@primitive(lambda g, index, axis, shape: scatter_add(g, index, axis=axis, shape=shape), None, promotes="no")
def gather(x, index, *, axis):
    """x's entries at `index` (an integer array of x's rank) along one axis."""
    flat, out = x.ravel(), np.empty(index.shape, x.dtype)
    for part, places in flat_places("gather", index, axis, x.shape):
        flat.take(places, out=out[part], mode="clip")  # they were checked
    return out


@primitive(lambda g, index, axis: gather(g, index, axis=axis), None, promotes="no")
def scatter_add(x, index, *, axis, shape):
    """Zeros of this shape with x added at `index` along one axis."""
    whole = np.zeros(shape, wide(x.dtype))
    flat, x = whole.reshape(-1), np.broadcast_to(x, index.shape)
    for part, places in flat_places("scatter_add", index, axis, shape):
        np.add.at(flat, places.ravel(), x[part].ravel())  # several times as fast on one dimension
    return whole.astype(x.dtype, copy=False)


@primitive(
    lambda g, index, axis: scatter(g, 0, index, axis=axis),
    lambda g, index, axis: where(last_at(index, axis=axis, shape=g.shape), gather(g, index, axis=axis), 0),
    None,
    promotes="no",
)
def scatter(x, value, index, *, axis):
    """x after its entries at `index` along one axis were replaced; of an entry named twice the last value counts."""
    whole = np.array(x, order="C")
    flat, value = whole.reshape(-1), np.broadcast_to(value, index.shape)
    for part, places in flat_places("scatter", index, axis, x.shape):
        flat[places.ravel()] = value[part].ravel()
    return whole


@primitive(None, promotes="no", meaning="whether no later entry names the same place")
def last_at(index, *, axis, shape):
    """Whether no later entry of `index` along one axis of an array of this shape names the same place."""
    stamps, out = np.empty(prod(shape), np.int32), np.empty(index.shape, bool)
    numbers = np.arange(index.size, dtype=np.int32).reshape(index.shape)
    for part, places in flat_places("scatter", index, axis, shape):
        stamps[places.ravel()] = numbers[part].ravel()
    for part, places in flat_places("scatter", index, axis, shape):
        out[part] = stamps[places] == numbers[part]
    return out


def share_of_extreme(g, x, src, index, out, axis):
    """The gradient of the largest (smallest) entries, shared by all that are equal to it."""
    count = eq(x, out) + scatter_add(eq(src, gather(out, index, axis=axis)) * 1, index, axis=axis, shape=x.shape)
    return g / named("ties", maximum(count, 1), "how many entries are equal to the result there")


@primitive(
    lambda g, x, src, index, out, axis: share_of_extreme(g, x, src, index, out, axis) * eq(x, out),
    lambda g, x, src, index, out, axis: (
        gather(share_of_extreme(g, x, src, index, out, axis), index, axis=axis) * eq(src, gather(out, index, axis=axis))
    ),
    None,
    promotes="no",
)
def scatter_extreme(x, src, index, *, axis, largest):
    """The largest (or smallest) of each entry of x and those of `src` that `index` sends there along one axis."""
    whole = np.array(x, order="C")
    for part, places in flat_places("scatter_reduce", index, axis, x.shape):
        (np.maximum if largest else np.minimum).at(whole.reshape(-1), places.ravel(), src[part].ravel())
    return whole


def without_zeros(x):
    return where(eq(x, 0), 1, x)


def only_zeros(x):
    return where(eq(x, 0), x, 0)


def factors(x, src, index, axis):
    """At each place the product of what is not zero; how many zeros there are; their sum and that of their squares."""
    product = scatter_prod(without_zeros(x), without_zeros(src), index, axis=axis)
    of_x, of_src = only_zeros(x), only_zeros(src)
    pairs = ((eq(x, 0), eq(src, 0) * 1), (of_x, of_src), (of_x * of_x, of_src * of_src))
    return product, *[own + scatter_add(sent, index, axis=axis, shape=x.shape) for own, sent in pairs]


def product_of_others(x, product, count, total, squares):
    """The product at each place without x: the sums of the other zeros are zero, but their derivatives, up to the second, are not."""
    zero = only_zeros(x)
    left, sum_of_them = count - eq(x, 0) * 1, total - zero
    both = (sum_of_them * sum_of_them - squares + zero * zero) / 2  # the product of two numbers, by their sum and that of their squares
    return product / without_zeros(x) * where(eq(left, 0), 1, where(eq(left, 1), sum_of_them, where(eq(left, 2), both, 0)))


OTHERS = "the product of all other entries at the same place"


def into_product(g, x, src, index, axis):
    """The gradient of the product at each place by the entries of x: the product of all others."""
    return g * named("others", product_of_others(x, *factors(x, src, index, axis)), OTHERS)


def from_product(g, x, src, index, axis):
    """The same by the entries of `src`."""
    gathered = [gather(f, index, axis=axis) for f in factors(x, src, index, axis)]
    return gather(g, index, axis=axis) * named("others", product_of_others(src, *gathered), OTHERS)


@primitive(into_product, from_product, None, promotes="no")
def scatter_prod(x, src, index, *, axis):
    """x's entries times those of `src` that `index` sends there along one axis."""
    whole = np.array(x, order="C")
    for part, places in flat_places("scatter_reduce", index, axis, x.shape):
        np.multiply.at(whole.reshape(-1), places.ravel(), src[part].ravel())
    return whole


def flat_places(name, index, axis, shape):
    """Where the entries of `index` along one axis lie in a flat array of this shape: (part of the index, places), in blocks.

    Raises IndexError for an entry out of range.
    """
    if not index.ndim:
        (_, places), *_ = flat_places(name, index.reshape(1), 0, shape or (1,))
        yield ..., places.reshape(())
        return
    shape = shape or (1,)
    axis %= len(shape)
    strides = [prod(shape[k + 1 :]) for k in range(len(shape))]
    around: Any = 0  # what the other dimensions add to a place
    for k, n in enumerate(index.shape):
        if k != axis and n > 1:
            around = around + (np.arange(n) * strides[k]).reshape([n if j == k else 1 for j in range(index.ndim)])
    rows = max(1, BLOCK // max(1, prod(index.shape[1:])))
    for start in range(0, len(index) if index.size else 0, rows):
        part = slice(start, start + rows)
        entries = in_range(index[part], axis, shape[axis])
        if strides[axis] != 1:
            entries = entries * strides[axis]
        yield part, entries if type(around) is int else entries + (around[part] if len(around) > 1 else around)


def in_range(entries, axis, n):
    """Indices as NumPy's. Raises IndexError for one out of range."""
    entries = entries.astype(np.intp, copy=False)
    if entries.size and entries.view(np.uintp).max() >= n:  # as an unsigned number a negative one is large
        wrong = entries[(entries < 0) | (entries >= n)].flat[0]
        raise IndexError(f"index {wrong} is out of range for dimension {axis} of length {n}")
    return entries


# ---------------------------------------------------------------------- whole rows


@primitive(lambda g, index, axis, shape: index_add(g, index, axis=axis, shape=shape), None, promotes="no")
def index_select(x, index, *, axis):
    """x's entries along one axis that an integer array names, its dimensions in the place of the axis."""
    return x.take(in_range(index, axis, x.shape[axis]), axis)


@primitive(lambda g, index, axis: index_select(g, index, axis=axis), None, promotes="no")
def index_add(x, index, *, axis, shape):
    """Zeros of this shape with x added at the places along one axis that an integer array names."""
    index = in_range(index, axis, shape[axis])
    width, times = prod(shape[axis + 1 :]), prod(shape[:axis])
    whole = np.zeros(shape, wide(x.dtype))  # not a view of another array: so a leaf may keep it
    if x.size:
        places = index.ravel() if times == 1 else (np.arange(0, times * shape[axis], shape[axis])[:, None] + index.ravel()).ravel()
        add_rows(whole.reshape(-1, width), places, np.reshape(x, (-1, width)))
    return whole.astype(x.dtype, copy=False)


WIDE_ROW = 16  # elements from which on whole rows are worth moving
ROUNDS = 4


def add_rows(whole, index, rows):
    """Add rows to the zeros in `whole` at the places that index names, however often.

    In each round every place takes one of the rows that are left for it: the one whose number is found there after all
    have written theirs. What is left after a few rounds goes element by element.
    """
    n, width = rows.shape
    if width == 1:
        np.add.at(whole.reshape(-1), index, rows.reshape(-1))
        return
    left = np.arange(n)
    if width >= WIDE_ROW:
        stamps = np.empty(len(whole), np.intp)
        for k in range(ROUNDS):
            places = index[left]
            stamps[places] = left
            first = stamps[places] == left
            taken = left[first]
            if k:
                whole[places[first]] += rows[taken]
            else:
                whole[places[first]] = rows[taken]
            left = left[~first]
            if not left.size:
                return
        rows = rows[left]
    flat = whole.reshape(-1)
    step = max(1, BLOCK // max(1, width))
    for start in range(0, left.size, step):
        places = index[left[start : start + step], None] * width + np.arange(width)
        np.add.at(flat, places.ravel(), rows[start : start + step].ravel())


def wide(dtype):
    """The dtype that sums are made in."""
    return np.dtype(np.float32) if dtype.char == "e" else dtype
