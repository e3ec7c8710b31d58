"""Normalisation: by layers, channels and groups. Shapes and dtypes are checked where these operations are called."""

from __future__ import annotations

from math import prod

import numpy as np

from ..kernels import channels
from ..kernels import norm as kernels
from ..labels import label, named
from ..primitive import fused
from .elementwise import rsqrt, square
from .reduce import mean, sum, var
from .shape import expand_dims, reshape


def wide(x):
    """x, None, or float16 as float32, in which it is normalised."""
    return x if x is None or x.dtype.char != "e" else x.astype(np.float32)


def room(x, wanted=True):
    """An array of x's shape for a kernel to write into, or None. It is no view: the engine may add to what owns its memory."""
    return np.empty(x.shape, np.float32 if x.dtype.char == "e" else x.dtype) if wanted else None


def narrow(gradients, like):
    """Gradients, or None, in the shapes and dtypes of what they are by."""
    return tuple(
        g if g is None else (g if g.shape == x.shape else g.reshape(x.shape)).astype(x.dtype, copy=False)
        for g, x in zip(gradients, like, strict=True)
    )


def flat(x):
    return x if x is None else wide(x).reshape(-1)


def normalised(x, axes, eps):
    """(x - mean) · r and r = 1 / √(variance + eps)."""
    rstd = named("rstd", rsqrt(var(x, axis=axes, correction=0, keepdims=True) + eps))
    return named("z", (x - mean(x, axis=axes, keepdims=True)) * rstd), rstd


def through(g, x, axes, eps):
    """The gradient of x, which is normalised over these axes, g being that of the normal numbers."""
    (z, rstd), d = normalised(x, axes, eps), named("d", g)
    return rstd * (d - mean(d, axis=axes, keepdims=True) - z * mean(d * z, axis=axes, keepdims=True))


def times(g, weight):
    return g if weight is None else g * weight


# ---------------------------------------------------------------------- layer_norm


def rows(x, dims):
    """x with its last `dims` dimensions as one, and the others as one."""
    return x if x is None else x.reshape(prod(x.shape[: x.ndim - dims]), prod(x.shape[x.ndim - dims :]))


def last(dims):
    return tuple(range(-dims, 0))


def layer_norm_reference(x, weight, bias, *, dims, eps):
    centred = x - mean(x, axis=last(dims), keepdims=True)
    variance = mean(square(centred), axis=last(dims), keepdims=True)
    rstd = rsqrt(variance + eps)
    out = centred * rstd
    label(centred=centred, variance=variance, rstd=rstd, z=out)
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def layer_norm_back(g, x, weight, bias, dims, average, factor, *, needs):
    gradient = room(x, needs[0])
    g, given, written = (rows(wide(a), dims) for a in (g, x, gradient))
    others = kernels.layer_norm_back(g, given, flat(weight), average, factor, written, needs)
    return narrow((gradient, *others), (x, weight, bias))


@fused(
    layer_norm_back,
    reference=layer_norm_reference,
    rules=(
        lambda g, x, weight, dims, eps: through(times(g, weight), x, last(dims), eps),
        lambda g, x, dims, eps: g * normalised(x, last(dims), eps)[0],
        lambda g: g,
    ),
    promotes="no",
)
def layer_norm(x, weight, bias, *, dims, eps, needs=(True, True, True)):
    """(x - mean) / √(variance + eps) · weight + bias over the last `dims` dimensions. Source: arXiv:1607.06450."""
    out = room(x)
    average, factor = kernels.layer_norm(rows(wide(x), dims), flat(weight), flat(bias), eps, rows(out, dims))
    return out.astype(x.dtype, copy=False), (x, weight, bias, dims, average, factor) if any(needs) else ()


# ---------------------------------------------------------------------- rms_norm


def rms_norm_reference(x, weight, *, dims, eps):
    rrms = rsqrt(mean(square(x), axis=last(dims), keepdims=True) + eps)
    out = x * rrms
    label(rrms=rrms, z=out)
    return out if weight is None else out * weight


def rms_norm_back(g, x, weight, dims, factor, *, needs):
    gradient = room(x, needs[0])
    g, given, written = (rows(wide(a), dims) for a in (g, x, gradient))
    return narrow((gradient, kernels.rms_norm_back(g, given, flat(weight), factor, written, needs)), (x, weight))


def by_size(x, dims, eps):
    """x · r and r = 1 / √(mean(x²) + eps)."""
    rrms = named("rrms", rsqrt(mean(square(x), axis=last(dims), keepdims=True) + eps))
    return named("z", x * rrms), rrms


def rms_norm_rule(g, x, weight, dims, eps):
    (normal, rrms), d = by_size(x, dims, eps), named("d", times(g, weight))
    return rrms * (d - normal * mean(d * normal, axis=last(dims), keepdims=True))


@fused(
    rms_norm_back,
    reference=rms_norm_reference,
    rules=(rms_norm_rule, lambda g, x, dims, eps: g * by_size(x, dims, eps)[0]),
    promotes="no",
)
def rms_norm(x, weight, *, dims, eps, needs=(True, True)):
    """x / √(mean(x²) + eps) · weight over the last `dims` dimensions. Source: arXiv:1910.07467."""
    out = room(x)
    factor = kernels.rms_norm(rows(wide(x), dims), flat(weight), eps, rows(out, dims))
    return out.astype(x.dtype, copy=False), (x, weight, dims, factor) if any(needs) else ()


# ---------------------------------------------------------------------- batch_norm


def by_channel(x):
    """x (N, C, ...) with the dimensions after the channels as one."""
    return x if x is None else x.reshape(*x.shape[:2], prod(x.shape[2:]))


def along(values, x):
    """A value for each channel, to go with x (N, C, ...)."""
    return values if x.ndim == 2 else expand_dims(values, axis=tuple(range(1, x.ndim - 1)))


def scaled(x, weight, bias):
    """x · weight + bias, by channel; either may be None."""
    x = x if weight is None else x * along(weight, x)
    return x if bias is None else x + along(bias, x)


def wanted(gradients, needs):
    """The gradients that are needed, None for the others."""
    return [g if need else None for g, need in zip(gradients, needs, strict=True)]


def batch_norm_reference(x, weight, bias, *, eps, statistics=None):
    axes = all_but_channels(x)
    centred = x - along(mean(x, axis=axes), x)
    variance = mean(square(centred), axis=axes)
    rstd = along(rsqrt(variance + eps), x)
    normal = centred * rstd
    label(centred=centred, variance=variance, rstd=rstd, z=normal)
    return scaled(normal, weight, bias)


def batch_norm_back(g, x, weight, bias, average, factor, *, needs):
    gradient = room(x, needs[0])
    g, given, written = (by_channel(wide(a)) for a in (g, x, gradient))
    others = channels.batch_norm_back(g, given, flat(weight), average, factor, written)
    return narrow((gradient, *wanted(others, needs[1:])), (x, weight, bias))


def all_but_channels(x):
    return (0, *range(2, x.ndim))


@fused(
    batch_norm_back,
    reference=batch_norm_reference,
    rules=(
        lambda g, x, weight, eps: through(g if weight is None else g * along(weight, x), x, all_but_channels(x), eps),
        lambda g, x, eps: sum(g * normalised(x, all_but_channels(x), eps)[0], axis=all_but_channels(x)),
        lambda g: sum(g, axis=all_but_channels(g)),
    ),
    promotes="no",
)
def batch_norm(x, weight, bias, *, eps, statistics=None, needs=(True, True, True)):
    """(x - mean) / √(variance + eps) · weight + bias, for each channel of x (N, C, ...). Source: arXiv:1502.03167.

    `statistics`, an array (2, C), is given the means and the variances.
    """
    out = room(x)
    average, variance, factor = channels.batch_norm(by_channel(wide(x)), flat(weight), flat(bias), eps, by_channel(out))
    if statistics is not None:
        statistics[...] = average, variance
    return out.astype(x.dtype, copy=False), (x, weight, bias, average, factor) if any(needs) else ()


def scale_shift_back(g, x, scale, shift, *, needs=(True, True, True)):
    gradient = room(x, needs[0])
    g, given, written = (by_channel(wide(a)) for a in (g, x, gradient))
    return narrow((gradient, *channels.scale_shift_back(g, given, flat(scale), written, needs)), (x, scale, shift))


@fused(
    scale_shift_back,
    reference=scaled,
    rules=(
        lambda g, x, scale: g * along(scale, x),
        lambda g, x: sum(g * x, axis=all_but_channels(x)),
        lambda g: sum(g, axis=all_but_channels(g)),
    ),
    promotes="no",
)
def scale_shift(x, scale, shift, *, needs=(True, True, True)):
    """x · scale + shift, for each channel of x (N, C, ...)."""
    out = room(x)
    channels.scale_shift(by_channel(wide(x)), flat(scale), flat(shift), by_channel(out))
    return out.astype(x.dtype, copy=False), (x, scale, shift) if any(needs) else ()


# ---------------------------------------------------------------------- group_norm


def by_group(x, groups):
    """x (N, C, ...) as (N · groups, C / groups, ...), the dimensions after the channels as one."""
    return x if x is None else x.reshape(len(x) * groups, x.shape[1] // groups, prod(x.shape[2:]))


def for_each(values, x, groups):
    """A value for each channel as one for each row and place of by_group(x)."""
    return None if values is None else np.tile(flat(values).reshape(groups, -1), (len(x), 1))


def group_norm_reference(x, weight, bias, *, groups, eps, statistics=None):
    rows = in_groups(x, groups)
    centred = rows - mean(rows, axis=2, keepdims=True)
    variance = mean(square(centred), axis=2, keepdims=True)
    rstd = rsqrt(variance + eps)
    normal = centred * rstd
    label(rows=rows, centred=centred, variance=variance, rstd=rstd, z=normal)
    return scaled(reshape(normal, shape=tuple(x.shape)), weight, bias)


def in_groups(x, groups):
    """x (N, C, ...) with a row for each group."""
    return reshape(x, shape=(x.shape[0], groups, prod(x.shape[1:]) // groups))


def group_norm_rule(g, x, weight, groups, eps):
    d = g if weight is None else g * along(weight, x)
    part = through(in_groups(d, groups), in_groups(x, groups), 2, eps)
    return reshape(part, shape=tuple(x.shape))


def group_norm_rule_of_weight(g, x, groups, eps):
    normal, _ = normalised(in_groups(x, groups), 2, eps)
    return sum(g * reshape(normal, shape=tuple(x.shape)), axis=all_but_channels(x))


def group_norm_back(g, x, weight, bias, groups, average, factor, *, needs):
    gradient = room(x, needs[0])
    g, given, written = (by_group(wide(a), groups) for a in (g, x, gradient))
    others = channels.group_norm_back(g, given, for_each(weight, x, groups), average, factor, written)
    sums = [p.reshape(len(x), x.shape[1]).sum(0) for p in others]
    return narrow((gradient, *wanted(sums, needs[1:])), (x, weight, bias))


@fused(
    group_norm_back,
    reference=group_norm_reference,
    rules=(group_norm_rule, group_norm_rule_of_weight, lambda g: sum(g, axis=all_but_channels(g))),
    promotes="no",
)
def group_norm(x, weight, bias, *, groups, eps, statistics=None, needs=(True, True, True)):
    """(x - mean) / √(variance + eps) for each group of channels of each example of x (N, C, ...), · weight + bias by channel.

    `statistics`, an array (2, N · groups), is given the means and the variances. Source: arXiv:1803.08494.
    """
    out = room(x)
    parameters = for_each(weight, x, groups), for_each(bias, x, groups)
    average, variance, factor = channels.group_norm(by_group(wide(x), groups), *parameters, eps, by_group(out, groups))
    if statistics is not None:
        statistics[...] = average, variance
    return out.astype(x.dtype, copy=False), (x, weight, bias, groups, average, factor) if any(needs) else ()
