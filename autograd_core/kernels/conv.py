"""Convolution in any number of dimensions, as matrix products of weights and columns.

The columns of an array have, for each position of a result, what the kernel sees there. They are made for a few images (or rows)
at a time, which stay in the processor's cache, and, where that pays, for the inner dimensions of the kernel only: what its next row
sees are the same columns, a row further on. Both maps below, and the weights' gradient beside them, are this one sweep:

    gather    out[p] = Σₖ w[k] · x[p · stride + k · dilation - padding]                   the convolution
    spread    its adjoint by x. The elements of the result whose places leave the same rest modulo the stride are one
              convolution without a stride, by every so manieth element of the kernel. Where that would be many small products,
              or most of them with zeros, what each position gives is added up instead
"""

from __future__ import annotations

from itertools import product
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from .conv_columns import Sizes, fill, within
from .conv_products import correlated, flat, multiply, turned
from .scratch import scratch
from .threads import in_parallel, number, pieces

Array = np.ndarray[Any, Any]

CHUNK = 1 << 22  # bytes of columns worked on at a time: less would be quicker to read, but NumPy would be called more often
SLABS_FROM = 32  # rows of columns: with fewer, all of the kernel goes into one product
MERGED_BELOW = 128  # positions: smaller images are multiplied several at a time
TURNED_FROM = 128  # rows of columns: with fewer, the other operand of the weights' gradient is not copied into its best order
PAGE = 1024  # bytes: rows that lie a multiple of it apart meet in few places of the cache, so that they push each other out
LANES = 4  # sums of weights' gradients made apart from each other: their order does not depend on which thread is quick
LARGE = 1 << 20  # bytes of weights of which there are no more sums than threads
FEW = 4  # elements of an adjoint's result for each that its positions' strides make: with more, most products would be with zeros
SHARED = 1.25  # columns of an adjoint's argument for each of the other array: with more, the weights' gradient has the other's made
RESTS = 32  # modulo the stride: with more, the products for each are too small
SMALL = 1.5e7  # multiplications that are not worth sharing among threads


class Window(NamedTuple):
    """Where the kernel looks: result position p and kernel position j, in each dimension, meet at p · step + offsets[j]."""

    box: Sizes  # the result's spatial sizes
    step: Sizes
    offsets: tuple[Sizes, ...]


def gather(
    x: Array,
    weight: Array | None,
    bias: Array | None,
    kernel: Sizes,
    box: Sizes,
    stride: Sizes,
    before: Sizes,
    dilation: Sizes,
    groups: int,
    other: Array | None = None,
) -> tuple[Any, Any]:
    """The convolution of x (N, C, *size) with weight (O, C / groups, *kernel), and the gradient of its product with `other` by the weight.

    The first is None without a weight, the second without `other`, an array like the first. `before` are the zeros before x.
    """
    window = Window(box, stride, tuple(tuple(k * d - b for k in range(n)) for n, d, b in zip(kernel, dilation, before, strict=True)))
    channels = len(weight) if weight is not None else other.shape[1]  # type: ignore[union-attr]
    out = None if weight is None else np.empty((len(x), channels, *box), x.dtype)
    gradient = None if other is None else np.empty((channels, x.shape[1] // groups, *kernel), x.dtype)
    by_group = [None if w is None else w.reshape(groups, channels // groups, *w.shape[1:]) for w in (weight, gradient)]
    sweep(np.ascontiguousarray(x), window, groups, by_group[0], bias, out, other, by_group[1])
    return out, gradient


def spread(
    x: Array,
    weight: Array,
    bias: Array | None,
    size: Sizes,
    stride: Sizes,
    before: Sizes,
    dilation: Sizes,
    groups: int,
    other: Array | None = None,
) -> tuple[Array, Any]:
    """The adjoint by x of `gather`: for x (N, O, *box) an array (N, C, *size), and the gradient of its product with `other` by the weight.

    The second is None without `other`, an array like the first.
    """
    out = np.empty((len(x), groups * weight.shape[1], *size), x.dtype)
    x = np.ascontiguousarray(x)
    positions = prod(x.shape[2:]) * prod(stride)
    added = prod(stride) > RESTS or prod(size) > FEW * positions
    gradient = None
    if other is not None and (added or x.shape[1] * prod(size) > SHARED * other.shape[1] * positions):
        _, gradient = gather(other, None, None, weight.shape[2:], x.shape[2:], stride, before, dilation, groups, x)
        other = None
    if added:
        add_up(x, weight, bias, out, stride, before, dilation, groups)
        return out, gradient
    if other is not None:
        gradient = np.zeros(weight.shape, x.dtype)
    weights, gradients = (
        None if w is None else w.reshape(groups, len(w) // groups, *w.shape[1:]).swapaxes(1, 2)
        for w in (weight, None if other is None else gradient)
    )

    def work(rests: Sizes) -> None:
        offsets, taken, places = [], [], []
        for r, s, b, d, k, n in zip(rests, stride, before, dilation, weight.shape[2:], size, strict=True):
            hits = [j for j in range(k) if (r + b - j * d) % s == 0]
            offsets.append(tuple((r + b - j * d) // s for j in hits))
            taken.append(slice(hits[0], hits[-1] + 1, s // gcd(s, d)) if hits else slice(0, 0))
            places.append(slice(r, n, s))
        here: Any = (..., *places)
        kernels: Any = (..., *taken)
        if not all(offsets):
            out[here] = 0 if bias is None else bias.reshape(-1, *(1,) * len(size))
            return
        window = Window(tuple(len(range(*p.indices(n))) for p, n in zip(places, size, strict=True)), (1,) * len(size), tuple(offsets))
        theirs = None if other is None else other[here]
        sweep(x, window, groups, weights[kernels], bias, out[here], theirs, None if gradients is None else gradients[kernels])  # type: ignore[index]

    every = list(product(*[range(min(s, n)) for s, n in zip(stride, size, strict=True)]))
    multiplications = x.size * prod(weight.shape[1:])
    if multiplications > SMALL > multiplications / len(every):  # else the sweeps share out their own
        in_parallel(work, every)
    else:
        for rests in every:
            work(rests)
    return out, gradient


def add_up(x: Array, weight: Array, bias: Array | None, out: Array, stride: Sizes, before: Sizes, dilation: Sizes, groups: int) -> None:
    """Fill `out` as `spread` does, adding up what each position of x gives to it."""
    wide, deep, *kernel = weight.shape
    rows, inner = x.shape[2], x.shape[3:]
    matrix = np.ascontiguousarray(weight.reshape(groups, wide // groups, deep * prod(kernel)).swapaxes(1, 2))
    row_bytes = groups * deep * prod(kernel) * prod(inner) * x.itemsize

    def work(mine: slice) -> None:
        theirs, result = x[mine], out[mine]
        result[...] = 0 if bias is None else bias.reshape(-1, *(1,) * len(kernel))
        for images, here in chunked(len(theirs), rows, 0, row_bytes, 1):
            n, r = images.stop - images.start, here.stop - here.start
            (made,) = scratch(1, (groups, deep * prod(kernel), n * r * prod(inner)), x.dtype, "convolution: result")
            np.matmul(matrix, flat(theirs[images, :, here], groups, True), out=made)
            parts = np.moveaxis(made.reshape(groups * deep, prod(kernel), r, n, *inner), 3, 0)
            for k, element in enumerate(np.ndindex(*kernel)):
                source, target = parts[:, :, k], result[images]
                for axis, (j, s, b, d) in enumerate(zip(element, stride, before, dilation, strict=True), 2):
                    offset = j * d - b + (here.start * s if axis == 2 else 0)
                    low, high = within(offset, s, out.shape[axis], source.shape[axis])
                    first = low * s + offset
                    sees: Any = (slice(None),) * axis
                    target = target[(*sees, slice(first, first + s * (high - low - 1) + 1, s) if high > low else slice(0, 0))]
                    source = source[(*sees, slice(low, high))]
                np.add(target, source, out=target)

    if x.size * deep * prod(kernel) > SMALL:
        in_parallel(work, pieces(len(x), -(-len(x) // number())))
    else:
        work(slice(None))


def sweep(
    x: Array,
    window: Window,
    groups: int,
    weight: Array | None,
    bias: Array | None,
    out: Array | None,
    other: Array | None,
    gradient: Array | None,
) -> None:
    """Fill `out` (N, R, *box) with products of weight and columns of x, `gradient` with those of columns and `other`, an array like `out`.

    `weight` and `gradient` are (groups, R / groups, channels of x / groups, *kernel), in any order in memory.
    """
    count, channels, deep = len(x), x.shape[1], x.shape[1] // groups
    kernel = tuple(len(o) for o in window.offsets)
    wide = weight.shape[1] if weight is not None else gradient.shape[1]  # type: ignore[union-attr]
    rows, inner = window.box[0], prod(window.box[1:])

    # The kernel's rows, each with its weights, that share columns: `shifts` says how many rows of x each is further on.
    apiece = deep * prod(kernel[1:])
    pays = apiece >= SLABS_FROM or (wide == 1 and (apiece > 1 or weight is None))  # a number times a row is no product for BLAS
    shared = window.step[0] == 1 and kernel[0] > 1 and pays
    first = window.offsets[0]
    base, span = (min(first), max(first) - min(first)) if shared else (0, 0)
    shifts = [f - base for f in first] if shared else [0]
    parts: list[Any] = [(slice(None),) * 3 + (j,) for j in range(kernel[0])] if shared else [...]
    offsets = ((base,), *window.offsets[1:]) if shared else window.offsets
    places = prod(map(len, offsets))
    height = deep * places
    weights = [] if weight is None else [np.ascontiguousarray(weight[part]).reshape(groups, wide, height) for part in parts]

    itself = set(offsets) == {(0,)} and set(window.step) == {1} and not span and x.shape[2:] == window.box  # x is its columns
    itself = itself and rows * inner * x.itemsize % PAGE != 0
    merged = rows * inner < MERGED_BELOW and count > 1 and not itself
    turn = len(parts) * height >= TURNED_FROM and wide > 1
    direct = out is not None and not merged and out.flags.c_contiguous
    work_done = count * rows * inner * channels * wide * prod(kernel) * ((weight is not None) + (gradient is not None))
    parallel = work_done > SMALL
    weight_bytes = groups * wide * height * len(parts) * x.itemsize
    chunks = chunked(count, rows, span, channels * places * inner * x.itemsize, number() if parallel else 1)
    few = LANES if weight_bytes < LARGE else number()
    lanes = list(enumerate(pieces(len(chunks), -(-len(chunks) // few) if gradient is not None else 1)))
    sums = None if gradient is None else np.zeros((len(lanes), len(parts), groups, height, wide), x.dtype)

    def columns_of(images: slice, here: slice) -> list[Array]:
        """For each of `parts` a matrix of columns: (n, groups, height, positions), or `merged` (groups, height, positions of all)."""
        n, r = images.stop - images.start, here.stop - here.start
        if itself:
            return [x[images].reshape(n, groups, deep, rows * inner)[..., here.start * inner : here.stop * inner]]
        row = inner * n if merged else inner
        length = (r + span) * row
        first = () if merged else (n,)
        apart = length + 16 if length * x.itemsize % PAGE == 0 else length
        (whole,) = scratch(1, (*first, channels, places, apart), x.dtype, "convolution: columns")
        columns = whole[..., :length].reshape(*whole.shape[:-1], r + span, *((n,) if merged else ()), *window.box[1:])
        fill(np.moveaxis(columns, 3, 0) if merged else columns, x[images], offsets, here.start, window.step)
        matrix = whole.reshape(*first, groups, height, apart)
        return [matrix[..., s * row : (s + r) * row] for s in shifts]

    def convolved(columns: list[Array], images: slice, here: slice) -> None:
        n, r = images.stop - images.start, here.stop - here.start
        if direct:
            made = out[images].reshape(n, groups, wide, rows * inner)[..., here.start * inner : here.stop * inner]  # type: ignore[index]
        else:
            (made,) = scratch(1, (*columns[0].shape[:-2], wide, columns[0].shape[-1]), x.dtype, "convolution: result")
        multiply(weights[0], columns[0], made)
        if len(columns) > 1:
            (more,) = scratch(1, made.shape, x.dtype, "convolution: more")
            for w, seen in zip(weights[1:], columns[1:], strict=True):
                multiply(w, seen, more)
                np.add(made, more, out=made)
        if bias is not None:
            np.add(made, bias.reshape(groups, wide, 1), out=made)
        if not direct:
            inside = window.box[1:]
            made = np.moveaxis(made.reshape(groups * wide, r, n, *inside), 2, 0) if merged else made.reshape(n, groups * wide, r, *inside)
            np.copyto(out[images, :, here], made)  # type: ignore[index]

    def work(lane: tuple[int, slice]) -> None:
        which, mine = lane
        for images, here in chunks[mine]:
            columns = columns_of(images, here)
            if other is not None and sums is not None:
                theirs = (turned if turn else flat)(other[images, :, here], groups, merged)
                for k, seen in enumerate(columns):
                    sums[which, k] += correlated(seen, theirs, turn)
            if out is not None:
                convolved(columns, images, here)

    in_parallel(work, lanes, parallel)
    if gradient is not None and sums is not None:
        for part, total in zip(parts, sums.sum(0), strict=True):
            gradient[part] = total.swapaxes(-1, -2).reshape(gradient[part].shape)


def chunked(count: int, rows: int, span: int, row_bytes: int, threads: int) -> list[tuple[slice, slice]]:
    """What is worked on at a time: some images, or some rows of one."""
    image = max(1, (rows + span) * row_bytes)
    if image <= CHUNK or rows == 1:
        each = max(1, min(CHUNK // image, -(-count // threads)))
        return [(images, slice(0, rows)) for images in pieces(count, each) if images.stop > images.start]
    blocks = pieces(rows, max(1, 2 * span, CHUNK // row_bytes - span))
    return [(slice(k, k + 1), block) for k in range(count) for block in blocks]
