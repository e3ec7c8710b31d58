"""Convolution in any number of dimensions: three maps, each the adjoint of the others by one of its arguments.

    convolution             y[n, o, p] = Σ w[o, c, k] · x[n, c, p · stride + k · dilation - padding]
    transposed_convolution  the adjoint by x
    correlation             the adjoint by w

Channels come in `groups` that do not see each other. `padding` is a pair of numbers of zeros, before and after, for each dimension.
Arguments are checked where they are called.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels.conv import gather, spread
from ..labels import label
from ..primitive import fused
from .index import getitem, put
from .linalg import contract
from .reduce import sum
from .shape import crop, overlap_add, pad, reshape, windows

PLACES, KERNEL = "xyzijkl", "uvwrstq"  # letters of the spatial dimensions


# ---------------------------------------------------------------------- sizes


def size_of_convolution(size, kernel, stride, padding, dilation):
    """The spatial sizes of a convolution's result."""
    return tuple(
        (n + before + after - d * (k - 1) - 1) // s + 1
        for n, k, s, (before, after), d in zip(size, kernel, stride, padding, dilation, strict=True)
    )


def size_of_transposed(size, kernel, stride, padding, dilation, extra):
    """The spatial sizes of a transposed convolution's result."""
    return tuple(
        (n - 1) * s + d * (k - 1) + 1 - before - after + e
        for n, k, s, (before, after), d, e in zip(size, kernel, stride, padding, dilation, extra, strict=True)
    )


def extra_of(size, result, kernel, stride, padding, dilation):
    """How much longer than the transposed convolution of the result the input was, for several sizes lead to one result."""
    least = size_of_transposed(result, kernel, stride, padding, dilation, (0,) * len(size))
    return tuple(n - m for n, m in zip(size, least, strict=True))


def first_of(padding):
    return tuple(before for before, _ in padding)


# ---------------------------------------------------------------------- as what they are made of


def grouped(x, groups, axis):
    """x with its channels, along this axis, as groups of channels."""
    return reshape(x, shape=(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :]))


def with_bias(out, bias):
    return out if bias is None else out + reshape(bias, shape=(-1, *(1,) * (out.ndim - 2)))


def columns(x, kernel, stride, padding, dilation, groups):
    """What the kernel sees of x at each position: (N, groups, C / groups, *positions, *kernel)."""
    x = pad(grouped(x, groups, 1), widths=((0, 0),) * 3 + tuple(padding))
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation, strict=True), 3):
        x = windows(x, axis=axis, size=d * (k - 1) + 1, step=s)
        if d > 1:
            x = getitem(x, index=(Ellipsis, slice(None, None, d)))
    return x


def terms_of(dimensions):
    """The letters of columns, weight and result in a sum of products."""
    places, kernel = PLACES[:dimensions], KERNEL[:dimensions]
    return "ngc" + places + kernel, "goc" + kernel, "ngo" + places


def convolution_reference(x, weight, bias, stride, padding, dilation, groups):
    seen, by, result = terms_of(len(stride))
    seen_by = columns(x, weight.shape[2:], stride, padding, dilation, groups)
    label(columns=seen_by)
    out = contract(seen_by, grouped(weight, groups, 0), terms=(seen, by), result=result)
    return with_bias(reshape(out, shape=(x.shape[0], weight.shape[0], *out.shape[3:])), bias)


def correlation_reference(x, g, kernel, stride, padding, dilation, groups):
    seen, by, result = terms_of(len(stride))
    seen_by = columns(x, kernel, stride, padding, dilation, groups)
    label(columns=seen_by)
    out = contract(seen_by, grouped(g, groups, 1), terms=(seen, result), result=by)
    return reshape(out, shape=(g.shape[1], x.shape[1] // groups, *kernel))


def transposed_reference(x, weight, bias, stride, padding, dilation, groups, extra):
    seen, by, result = terms_of(len(stride))
    whole = contract(grouped(x, groups, 1), grouped(weight, groups, 0), terms=(result, by), result=seen)
    sizes = size_of_transposed(x.shape[2:], weight.shape[2:], stride, padding, dilation, extra)
    for axis in range(len(stride) + 2, 2, -1):
        n, k, s, d = x.shape[axis - 1], weight.shape[axis - 1], stride[axis - 3], dilation[axis - 3]
        reach = d * (k - 1) + 1
        if d > 1:
            whole = put(whole, index=(Ellipsis, slice(None, None, d)), shape=(*whole.shape[:-1], reach))
        whole = overlap_add(whole, axis=axis, length=(n - 1) * s + reach, step=s)
    for axis, ((before, after), size, e) in enumerate(zip(padding, sizes, extra, strict=True), 3):
        if e > after:
            widths = [(0, 0)] * whole.ndim
            widths[axis] = (0, e - after)
            whole = pad(whole, widths=tuple(widths))
        whole = crop(whole, axis=axis, start=before, length=size)
    return with_bias(reshape(whole, shape=(x.shape[0], groups * weight.shape[1], *sizes)), bias)


# ---------------------------------------------------------------------- as kernels


def wide(x):
    """Half precision is computed in single, as NumPy multiplies matrices of nothing smaller."""
    return x.astype(np.float32) if x is not None and x.dtype.char == "e" else x


def as_given(dtype, *arrays):
    return [a if a is None else a.astype(dtype, copy=False) for a in arrays]


def sum_over_positions(g):
    """The gradient of a bias: a product with ones is several times as fast as a sum."""
    rows = np.ascontiguousarray(g).reshape(g.shape[0], g.shape[1], prod(g.shape[2:]))
    return (rows @ np.ones(rows.shape[2], g.dtype)).sum(0)


def channels_summed(g):
    return sum(g, axis=(0, *range(2, g.ndim)))


def convolution_back(g, x, weight, stride, padding, dilation, groups, *, needs=(True, True, True)):
    dtype, g, x, weight = g.dtype, wide(g), wide(x), wide(weight)
    by_x, by_weight, by_bias = needs
    before, other = first_of(padding), x if by_weight else None
    dx = dw = None
    if by_x:
        dx, dw = spread(g, weight, None, x.shape[2:], stride, before, dilation, groups, other)
    elif by_weight:
        _, dw = gather(x, None, None, weight.shape[2:], g.shape[2:], stride, before, dilation, groups, g)
    return as_given(dtype, dx, dw, sum_over_positions(g) if by_bias else None)


@fused(
    convolution_back,
    reference=convolution_reference,
    rules=(
        lambda g, weight, shape, stride, padding, dilation, groups: transposed_convolution(
            g,
            weight,
            None,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            extra=extra_of(shape[2:], g.shape[2:], weight.shape[2:], stride, padding, dilation),
        ),
        lambda g, x, shape, stride, padding, dilation, groups: correlation(
            x, g, kernel=shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        channels_summed,
    ),
    promotes="no",
)
def convolution(x, weight, bias, *, stride, padding, dilation, groups):
    """The convolution of x (N, C, *size) with weight (O, C / groups, *kernel), plus bias (O) or None."""
    kernel = weight.shape[2:]
    box = size_of_convolution(x.shape[2:], kernel, stride, padding, dilation)
    out, _ = gather(wide(x), wide(weight), wide(bias), kernel, box, stride, first_of(padding), dilation, groups)
    return out.astype(x.dtype, copy=False), (x, weight, stride, padding, dilation, groups)


def transposed_back(g, x, weight, stride, padding, dilation, groups, *, needs=(True, True, True)):
    dtype, g, x, weight = g.dtype, wide(g), wide(x), wide(weight)
    by_x, by_weight, by_bias = needs
    dx = dw = None
    if by_x or by_weight:
        dx, dw = gather(
            g,
            weight if by_x else None,
            None,
            weight.shape[2:],
            x.shape[2:],
            stride,
            first_of(padding),
            dilation,
            groups,
            x if by_weight else None,
        )
    return as_given(dtype, dx, dw, sum_over_positions(g) if by_bias else None)


@fused(
    transposed_back,
    reference=transposed_reference,
    rules=(
        lambda g, weight, stride, padding, dilation, groups, extra: convolution(
            g, weight, None, stride=stride, padding=without(padding, extra), dilation=dilation, groups=groups
        ),
        lambda g, x, shape, stride, padding, dilation, groups, extra: correlation(
            g, x, kernel=shape[2:], stride=stride, padding=without(padding, extra), dilation=dilation, groups=groups
        ),
        channels_summed,
    ),
    promotes="no",
)
def transposed_convolution(x, weight, bias, *, stride, padding, dilation, groups, extra):
    """The adjoint by x of a convolution, plus bias: x (N, C, *size), weight (C, O / groups, *kernel); `extra` longer at the ends."""
    size = size_of_transposed(x.shape[2:], weight.shape[2:], stride, padding, dilation, extra)
    out, _ = spread(wide(x), wide(weight), wide(bias), size, stride, first_of(padding), dilation, groups)
    return out.astype(x.dtype, copy=False), (x, weight, stride, padding, dilation, groups)


def without(padding, extra):
    """The padding of the convolution whose adjoint has a result that is `extra` longer."""
    return tuple((before, after - e) for (before, after), e in zip(padding, extra, strict=True))


def correlation_back(g, x, other, stride, padding, dilation, groups, *, needs=(True, True)):
    dtype, g, x, other = g.dtype, wide(g), wide(x), wide(other)
    before = first_of(padding)
    dx = spread(other, g, None, x.shape[2:], stride, before, dilation, groups)[0] if needs[0] else None
    dy = gather(x, g, None, g.shape[2:], other.shape[2:], stride, before, dilation, groups)[0] if needs[1] else None
    return as_given(dtype, dx, dy)


@fused(
    correlation_back,
    reference=correlation_reference,
    rules=(
        lambda g, other, shape, stride, padding, dilation, groups: transposed_convolution(
            other,
            g,
            None,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            extra=extra_of(shape[2:], other.shape[2:], g.shape[2:], stride, padding, dilation),
        ),
        lambda g, x, stride, padding, dilation, groups: convolution(
            x, g, None, stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
    ),
    promotes="no",
)
def correlation(x, other, *, kernel, stride, padding, dilation, groups):
    """The gradient of a convolution of x by its weight, `other` being the gradient of its result."""
    y = wide(other)
    _, out = gather(wide(x), None, None, kernel, other.shape[2:], stride, first_of(padding), dilation, groups, y)
    return out.astype(x.dtype, copy=False), (x, other, stride, padding, dilation, groups)
