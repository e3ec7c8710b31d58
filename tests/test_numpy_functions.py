"""NumPy's functions on Tensors, all of them: values, dtypes and shapes of NumPy's, gradients of NumPy's finite differences.

Every function of NumPy that asks its arguments' classes is recorded (`TABLE`), gives values only, writes, or is refused.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.check import gradgradcheck
from autograd_core.faces.numpy import VALUES, WRITING, functions

A = np.array([[0.3, 0.7, 0.2], [0.9, 0.4, 0.6]])
NAN = np.array([[0.3, np.nan, 0.2, 1.4], [0.9, 0.4, -0.6, np.nan], [np.nan, 2.0, 0.1, 0.5]])
SQUARE = np.array([[2.0, 0.3, 0.5], [0.1, 1.5, -0.4], [0.7, 0.2, 1.0]])
ARRAYS = {
    "a": A,
    "b": np.array([0.5, 0.8, 0.35]),
    "c": np.arange(12.0).reshape(3, 4) ** 1.5 / 9 + 0.1,
    "d": A[::-1] * 1.3 + 0.05,
    "t": np.linspace(0.1, 1.2, 12).reshape(2, 2, 3) ** 1.5,
    "u": np.linspace(0.3, 1.9, 12).reshape(2, 3, 2)[::-1] ** 2,
    "v": np.array([0.4, 2.0, -1.0, 0.7, 1.1]),
    "w": np.array([0.2, 0.5, 1.0, 0.3, 0.8]),
    "x": np.array([0.0, 0.5, 0.8, 1.7, 2.6]),
    "n": NAN,
    "s": SQUARE,
    "h": SQUARE @ SQUARE.T,
    "r": np.array([[1.0, 0.2], [0.3, 2.0], [0.5, -0.7], [0.1, 0.9]]),
    "z": A + 1j * A[::-1] - 0.2j,
    "o": np.asarray(0.7),
    "q": np.arange(16.0).reshape(2, 2, 2, 2) % 7 + 5 * np.eye(4).reshape(2, 2, 2, 2),
    "e": np.array([0.0, 0.0, 1.5, 0.0, -2.0, 0.0]),
}
TURNING = np.array([[1, 1, 1], [-9, 1, 1], [1, 1, 1]])
MASK = np.array([[True, False, True], [False, True, True]])
NANMASK = np.array([[True, True, False, True], [False, True, True, True], [True, True, True, True]])


def on(*args, **settings):
    """A call with these arguments after the array."""
    return args, settings


def axes(*more):
    """The calls that every reduction is tested with."""
    return (on(), on(0), on(-1), on(axis=(0, 1)), on(axis=1, keepdims=True), on(keepdims=True), *more)


TABLE = {
    # reductions
    np.sum: axes(
        on(axis=()), on(dtype=np.float32), on(initial=3.0), on(axis=0, where=MASK), on(where=MASK, initial=2.0, keepdims=True),
        lambda t: np.sum(t, (0, -1)), lambda z: np.sum(z, 1), lambda o: np.sum(o), lambda o: np.sum(o, axis=0),
    ),
    np.prod: axes(on(axis=()), on(initial=3.0), on(axis=1, where=MASK), lambda t: np.prod(t, (0, 2), keepdims=True)),
    np.mean: axes(on(axis=()), on(axis=0, where=MASK), on(where=MASK[:, :1]), on(dtype=np.float32), lambda z: np.mean(z, 0)),
    np.var: axes(
        on(axis=()), on(axis=1, ddof=1), on(correction=1), on(where=MASK), on(axis=0, where=[[True], [True]], ddof=1),
        lambda a: np.var(a, axis=1, mean=np.mean(a, axis=1, keepdims=True)), lambda z: np.var(z, 1),
    ),
    np.std: axes(on(axis=1, ddof=1), on(axis=0, correction=1), on(where=MASK, keepdims=True)),
    np.max: axes(on(axis=()), on(initial=0.5), on(axis=1, where=MASK, initial=-1.0)),
    np.min: axes(on(axis=()), on(initial=0.45), on(axis=0, where=MASK, initial=9.0)),
    np.amax: axes(),
    np.amin: axes(),
    np.ptp: axes(),
    np.average: (
        on(), on(0), on(1, keepdims=True), lambda a, b: np.average(a, 1, b), lambda a, d: np.average(a, weights=d),
        lambda a, d: np.average(a, 0, weights=d, returned=True), lambda a: np.average(a, 1, [1, 2, 3]), on(returned=True),
        lambda t, a: np.average(t, (0, 2), weights=a),
    ),
    np.cumsum: (on(), on(1), on(axis=-2), on(dtype=np.float32), lambda o: np.cumsum(o)),
    np.cumprod: (on(), on(1), on(axis=-2)),
    np.cumulative_sum: (on(axis=1), on(axis=0, include_initial=True), lambda b: np.cumulative_sum(b, include_initial=True)),
    np.cumulative_prod: (on(axis=1), on(axis=0, include_initial=True), lambda b: np.cumulative_prod(b)),
    np.nansum: (lambda n: np.nansum(n), lambda n: np.nansum(n, 0), lambda n: np.nansum(n, 1, keepdims=True)),
    np.nanprod: (lambda n: np.nanprod(n), lambda n: np.nanprod(n, 1)),
    np.nanmean: (lambda n: np.nanmean(n), lambda n: np.nanmean(n, 0), lambda n: np.nanmean(n, axis=1, where=NANMASK)),
    np.nanvar: (lambda n: np.nanvar(n), lambda n: np.nanvar(n, 0, ddof=1), lambda n: np.nanvar(n, 1, keepdims=True, where=NANMASK)),
    np.nanstd: (lambda n: np.nanstd(n), lambda n: np.nanstd(n, 1, ddof=1)),
    np.nanmax: (lambda n: np.nanmax(n), lambda n: np.nanmax(n, 0), lambda n: np.nanmax(n, axis=1, keepdims=True)),
    np.nanmin: (lambda n: np.nanmin(n), lambda n: np.nanmin(n, 0), lambda n: np.nanmin(n, axis=1, initial=0.15)),
    np.nancumsum: (lambda n: np.nancumsum(n), lambda n: np.nancumsum(n, 1)),
    np.nancumprod: (lambda n: np.nancumprod(n), lambda n: np.nancumprod(n, 0)),
    # order and statistics
    np.sort: (on(), on(0), on(axis=None), lambda v: np.sort(v, kind="stable"), lambda t: np.sort(t, 1, stable=True)),
    np.partition: (on(1), on(1, axis=0), lambda v: np.partition(v, [1, 3]), lambda a: np.partition(a, [0, 2, 3, 5], axis=None)),
    np.sort_complex: (lambda v: np.sort_complex(v), lambda z: np.sort_complex(z)),
    np.median: (*axes(), lambda v: np.median(v), lambda t: np.median(t, (0, 1), keepdims=True), lambda n: np.median(n, 1)),
    np.quantile: (
        on(0.3), on([0.1, 0.9]), on(0.25, axis=1, keepdims=True), on([[0.2], [0.7]], axis=0), lambda n: np.quantile(n, 0.5, 0),
        lambda t: np.quantile(t, [0.3, 0.5], axis=(0, 2), keepdims=True),
        *(on(0.37, axis=1, method=m) for m in (
            "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear",
            "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
        )),
    ),
    np.percentile: (on(30), on([10, 90], axis=1), on(50, 0, method="hazen"), on(25, axis=-1, keepdims=True)),
    np.nanmedian: (lambda n: np.nanmedian(n), lambda n: np.nanmedian(n, 0), lambda n: np.nanmedian(n, 1, keepdims=True)),
    np.nanquantile: (lambda n: np.nanquantile(n, 0.3), lambda n: np.nanquantile(n, [0.3, 0.6], axis=1)),
    np.nanpercentile: (lambda n: np.nanpercentile(n, 30, axis=0), lambda n: np.nanpercentile(n, [10, 50], keepdims=True)),
    np.cov: (
        on(), on(rowvar=False), on(ddof=0), on(bias=True), lambda a, d: np.cov(a, d), lambda v, w: np.cov(v, w), lambda v: np.cov(v),
        lambda a, b: np.cov(a, aweights=b), on(fweights=[1, 2, 3]), lambda z: np.cov(z),
    ),
    np.corrcoef: (lambda c: np.corrcoef(c), lambda v, w: np.corrcoef(v, w), lambda c: np.corrcoef(c, rowvar=False)),
    np.bincount: (lambda b: np.bincount([0, 2, 2], b), lambda b: np.bincount([1, 1, 0], weights=b, minlength=5)),
    np.histogram: (
        lambda v: np.histogram(v, 4), lambda v: np.histogram(v, 3, density=True),
    ),
    np.histogram_bin_edges: (lambda v: np.histogram_bin_edges(v), lambda v: np.histogram_bin_edges(v, 3)),
    # shapes
    np.reshape: (on((3, 2)), on(-1), on((3, 2), order="F"), on((3, -1), copy=True)),
    np.ravel: (on(), on(order="F"), on("K")),
    np.transpose: (on(), on((1, 0)), lambda t: np.transpose(t, (2, 0, 1))),
    np.matrix_transpose: (on(), lambda t: np.matrix_transpose(t)),
    np.swapaxes: (on(0, 1), lambda t: np.swapaxes(t, 0, -1)),
    np.moveaxis: (on(0, 1), lambda t: np.moveaxis(t, [0, 1], [-1, 0])),
    np.rollaxis: (lambda t: np.rollaxis(t, 2), lambda t: np.rollaxis(t, 0, 2), lambda t: np.rollaxis(t, -2, 3)),
    np.squeeze: (on(), lambda a: np.squeeze(np.reshape(a, (1, 2, 1, 3))), lambda a: np.squeeze(np.reshape(a, (1, 2, 1, 3)), axis=2)),
    np.expand_dims: (on(1), on((0, 2)), on(axis=-1)),
    np.atleast_1d: (lambda o: np.atleast_1d(o), lambda o, a: np.atleast_1d(o, a)),
    np.atleast_2d: (lambda o: np.atleast_2d(o), lambda b, t: np.atleast_2d(b, t)),
    np.atleast_3d: (lambda o, b, a, t: np.atleast_3d(o, b, a, t),),
    np.broadcast_to: (on((4, 2, 3)), lambda o: np.broadcast_to(o, 3)),
    np.broadcast_arrays: (lambda a, b: np.broadcast_arrays(a, b), lambda o, t: np.broadcast_arrays(t, o)),
    np.flip: (on(), on(axis=1), on(axis=(0, 1))),
    np.fliplr: (on(),),
    np.flipud: (on(),),
    np.rot90: (on(), on(2), on(3, axes=(1, 0)), lambda t: np.rot90(t, -1, (0, 2))),
    np.roll: (on(1), on(-2, axis=1), on((1, 2), axis=(0, 1)), on((1, 1), axis=(0, 0))),
    np.tril: (on(), on(k=1), lambda b: np.tril(b), lambda t: np.tril(t, -1)),
    np.triu: (on(), on(-1), lambda b: np.triu(b)),
    np.diag: (on(), on(1), lambda b: np.diag(b), lambda b: np.diag(b, -1)),
    np.diagflat: (on(), on(k=-1), lambda b: np.diagflat(b, 2)),
    np.diagonal: (on(), on(1), lambda t: np.diagonal(t, 0, 1, 2)),
    np.trace: (on(), on(1), lambda t: np.trace(t, 0, 1, 2), on(dtype=np.float32)),
    np.real: (on(), lambda z: np.real(z)),
    np.imag: (lambda z: np.imag(z),),
    np.copy: (on(), on(order="C")),
    np.astype: (on(np.float64), on(np.float32), on(np.complex128)),
    np.full_like: (
        lambda a, o: np.full_like(a, o), lambda a, b: np.full_like(a, b, dtype=np.float32), lambda a, o: np.full_like(a, o, shape=(2,)),
    ),
    # joining and cutting
    np.concatenate: (
        lambda a, d: np.concatenate([a, d]), lambda a, d: np.concatenate((a, d), axis=1), lambda a, d: np.concatenate([a, A, d], axis=None),
        lambda a: np.concatenate([a, [[1, 2, 3]]]), lambda a, d: np.concatenate([a, d], dtype=np.float32),
    ),
    np.stack: (lambda a, d: np.stack([a, d]), lambda a, d: np.stack([a, A, d], axis=-1), lambda o: np.stack([o, 2.0])),
    np.vstack: (lambda a, b: np.vstack([a, b]), lambda b: np.vstack([b, b])),
    np.hstack: (lambda a, d: np.hstack([a, d]), lambda b, v: np.hstack([b, v]), lambda o: np.hstack([o, 1.0])),
    np.dstack: (lambda a, d: np.dstack([a, d]), lambda b: np.dstack((b, b))),
    np.column_stack: (lambda b: np.column_stack([b, b]), lambda b, s: np.column_stack([b, s])),
    np.block: (
        lambda a, d: np.block([[a, d], [d, A]]), lambda a, b: np.block([[a], [b]]), lambda b, o: np.block([b, o]), lambda o: np.block(o),
    ),
    np.unstack: (on(), on(axis=1)),
    np.split: (on(3, axis=1), on([1, 5], axis=-1), on(2), on([1])),
    np.array_split: (on(2, axis=1), on([0, 2], 1), lambda v: np.array_split(v, 3), lambda v: np.array_split(v, np.array([1, 3]))),
    np.hsplit: (on(3), lambda v: np.hsplit(v, [2, 4])),
    np.vsplit: (on(2),),
    np.dsplit: (lambda t: np.dsplit(t, 3),),
    np.tile: (on(2), on((2, 1)), on((2, 1, 2)), lambda b: np.tile(b, [2, 2])),
    np.repeat: (on(2), on(2, axis=1), on([1, 2], axis=0), lambda o: np.repeat(o, 3), on(np.array([2, 0, 1]), 1)),
    np.meshgrid: (
        lambda b, v: np.meshgrid(b, v), lambda b, v: np.meshgrid(b, v, indexing="ij"), lambda b, v: np.meshgrid(b, v, sparse=True),
        lambda b, v: np.meshgrid(b, v, [1.0, 2.0], copy=False), lambda b: np.meshgrid(b),
    ),
    np.ix_: (lambda b, v: np.ix_(b, v),),
    # entries
    np.take: (
        on([0, 5, -1]), on(1, axis=1), on(np.array([[0, 2]]), axis=-1), on([7, -8], mode="wrap"), on([7, -8], mode="clip"), on([], axis=0)
    ),
    np.take_along_axis: (
        on(np.array([[0, 2], [1, -1]]), 1), on(np.array([[0, 2]]), axis=1), on(np.array([4, 0]), None), on(np.array([[0, 1, 0]]), axis=0)
    ),
    np.compress: (lambda a: np.compress([True, False, True], a, axis=1), lambda a: np.compress([0, 1, 1, 0], a)),
    np.extract: (lambda a: np.extract(MASK, a), lambda b: np.extract([1, 0, 1], b)),
    np.choose: (
        lambda b, v: np.choose([2, 0, 1], [b, v[:3], 0.5]), lambda b: np.choose([3, -1, 1], [b, b * 2, b * 3], mode="wrap"),
    ),
    np.select: (
        lambda a, d: np.select([A > 0.6, A < 0.3], [a, d]), lambda a, d: np.select([A > 0.6, A < 0.3], [a, 2.0], d),
        lambda a: np.select([MASK], [a], 0.25),
    ),
    np.where: (lambda a, d: np.where(MASK, a, d), lambda a: np.where(A > 0.5, a, 0.0), lambda b: np.where([True, False, True], 1, b)),
    np.piecewise: (
        lambda v: np.piecewise(v, [ARRAYS["v"] < 0.5, ARRAYS["v"] > 1], [lambda x: x**2, 3.0, lambda x: -x]),
        lambda v: np.piecewise(v, [ARRAYS["v"] < 0.5, ARRAYS["v"] >= 0.5], [lambda x, k: x * k, lambda x, k: x + k], 2.5),
        lambda v: np.piecewise(v, ARRAYS["v"] < 0.5, [lambda x: x * 3]),
    ),
    np.clip: (
        on(0.25, 0.65), on(min=0.45), on(a_min=None, a_max=0.5), lambda a, d: np.clip(a, 0.1, d), lambda a, b: np.clip(a, max=b), on(),
    ),
    np.round: (on(), on(decimals=1)),
    np.around: (on(1),),
    np.fix: (lambda x: np.fix(x),),
    np.nan_to_num: (lambda n: np.nan_to_num(n), lambda n: np.nan_to_num(n, nan=2.0, posinf=3.0, neginf=0.0)),
    np.insert: (
        on(1, 5.0), on([1, 4], [5.0, 6.0]), lambda a, b: np.insert(a, 1, b, axis=0), lambda a, o: np.insert(a, [0, 2], o, axis=1),
    ),
    np.delete: (on(1), on([0, 2], axis=1), on(slice(None, 2)), lambda v: np.delete(v, [True, False, True, False, False])),
    np.append: (on(2.0), lambda a, d: np.append(a, d), lambda a, b: np.append(a, b[None], axis=0), lambda b: np.append(A, b)),
    np.resize: (on((2, 2)), on((4, 3)), on(7)),
    np.pad: (
        on(1), on(((1, 0), (0, 2))), on(1, constant_values=3.0), on(((1, 2), (0, 1)), "constant", constant_values=((1, 2), (3, 4))),
        *(on(((1, 1), (2, 1)), mode) for mode in ("edge", "reflect", "symmetric", "wrap")), lambda b: np.pad(b, (4, 5), "reflect"),
    ),
    np.apply_along_axis: (
        lambda a: np.apply_along_axis(lambda r: r * r[0], 1, a), lambda a: np.apply_along_axis(np.sum, 0, a),
        lambda t: np.apply_along_axis(lambda r, k: np.outer(r, r) * k, 1, t, 2.0),
    ),
    np.apply_over_axes: (lambda t: np.apply_over_axes(np.sum, t, [0, 2]), lambda a: np.apply_over_axes(np.cumsum, a, 1)),
    # numerics
    np.diff: (
        on(), on(2), on(axis=0), on(n=0), on(prepend=0.5), lambda a, b: np.diff(a, axis=0, append=b[None]),
        lambda b, o: np.diff(b, append=o)
    ),
    np.ediff1d: (on(), on(to_end=[1.0, 2.0], to_begin=3.0), lambda v, b: np.ediff1d(v, to_begin=b)),
    np.gradient: (
        on(), on(2.0), on(axis=1), on(0.5, 2.0), on(axis=(0, 1)), lambda v: np.gradient(v, edge_order=2),
        lambda v: np.gradient(v, ARRAYS["x"]), lambda c: np.gradient(c, [0.0, 1.0, 3.0], 2.0), lambda v, x: np.gradient(v, x, edge_order=2),
    ),
    np.trapezoid: (on(), on(dx=0.5), on(axis=0), lambda v, x: np.trapezoid(v, x), lambda a: np.trapezoid(a, [1, 2, 4])),
    np.interp: (
        lambda w, x, v: np.interp(w + 0.03, x, v), lambda v, x, w: np.interp(v, x, w, left=-3.0, right=4.0),
        lambda o, x, v: np.interp(o, x, v),
        lambda v, x, w: np.interp(v, x, w, period=3.1), lambda w: np.interp(w, [0.0, 0.45, 2.0], [1, 3, 2]),
        lambda v, x, w: np.interp(v, x, w),
        lambda w: np.interp(w, [0.3], [2.0]),
    ),
    np.unwrap: (lambda v: np.unwrap(v * 4), lambda v: np.unwrap(v, period=1.3), lambda c: np.unwrap(c * 3, axis=0, discont=3.5)),
    np.convolve: (
        *(lambda v, b, m=m: np.convolve(v, b, m) for m in ("full", "same", "valid")), lambda v, b: np.convolve(b, v, "same"),
        lambda v: np.convolve(v, [1, 2]), lambda z, v: np.convolve(v, z[0]), lambda v: np.convolve(v, [1.0, 2.0, 0.5, 0.25], "same"),
    ),
    np.correlate: (
        *(lambda v, b, m=m: np.correlate(v, b, m) for m in ("full", "same", "valid")),
        *(lambda v, b, m=m: np.correlate(b, v, m) for m in ("full", "same", "valid")),
        *(lambda v, m=m: np.correlate([1.0, 2.0], v, m) for m in ("full", "same", "valid")),
        *(lambda v, m=m: np.correlate(v, [1.0, 2.0, 0.5, 3.0], m) for m in ("full", "same", "valid")),
        *(lambda v, m=m: np.correlate([1.0, 2.0, 0.5, 3.0], v, m) for m in ("full", "same", "valid")),
        lambda z, v: np.correlate(v, z[0], "full"),
    ),
    np.linspace: (
        lambda o: np.linspace(o, 2.0, 5), lambda b, o: np.linspace(b, o, 4, axis=1), lambda b: np.linspace(1, b, 3, endpoint=False),
        lambda o: np.linspace(0, o, 4, retstep=True), lambda o: np.linspace(o, 2.0, 1), lambda o: np.linspace(o, 3.0, 3, dtype=np.float32),
    ),
    np.logspace: (lambda o: np.logspace(o, 2.0, 4), lambda b: np.logspace(0, b, 3, base=2.0, axis=-1)),
    np.geomspace: (lambda o: np.geomspace(o, 8.0, 4), lambda b: np.geomspace(b, 3.0, 3, axis=-1), lambda o: np.geomspace(-o, -8.0, 3)),
    np.polyval: (lambda b, a: np.polyval(b, a), lambda v: np.polyval([1, 2, 3], v), lambda b: np.polyval(b, 2.0)),
    np.polyadd: (lambda b, v: np.polyadd(b, v),),
    np.polysub: (lambda b, v: np.polysub(b, v),),
    np.polymul: (lambda b, v: np.polymul(b, v), lambda b: np.polymul(b, [0.0, 1.0, 2.0])),
    np.polyder: (lambda v: np.polyder(v), lambda v: np.polyder(v, 2), lambda v: np.polyder(v, 7)),
    np.polyint: (lambda v: np.polyint(v), lambda v, o: np.polyint(v, 2, k=[1.0, 2.0])),
    np.polyfit: (
        lambda x, v: np.polyfit(x, v, 2), lambda x, v, w: np.polyfit(x, v, 1, w=w), lambda x, r: np.polyfit(x[:4], r, 1),
    ),
    np.polydiv: (lambda v, b: np.polydiv(v, b), lambda b, v: np.polydiv(b, v)),
    np.poly: (lambda b: np.poly(b), lambda h: np.poly(h)),
    np.roots: (lambda b: np.roots(np.append(b, -4.0)), lambda b: np.roots(np.append(b, 0.0))),
    np.vander: (lambda b: np.vander(b), lambda b: np.vander(b, 4), lambda b: np.vander(b, 2, increasing=True), lambda x: np.vander(x, 3)),
    np.sinc: (lambda v: np.sinc(v), lambda x: np.sinc(x)),
    np.i0: (lambda v: np.i0(v),),
    np.angle: (lambda z: np.angle(z), lambda z: np.angle(z, deg=True), lambda v: np.angle(v)),
    np.real_if_close: (lambda z: np.real_if_close(z), lambda v: np.real_if_close(v + 0j)),
    # sets
    np.unique: (
        on(), lambda v: np.unique(v, return_index=True, return_inverse=True, return_counts=True), lambda s: np.unique(s, axis=0),
        lambda e: np.unique(e, return_counts=True), lambda n: np.unique(n),
    ),
    np.unique_values: (lambda a: np.sort(np.unique_values(a)),),
    np.unique_counts: (on(),),
    np.unique_inverse: (on(),),
    np.unique_all: (on(),),
    np.union1d: (lambda a, v: np.union1d(a, v), lambda v: np.union1d(v, [2.0, 9.0])),
    np.intersect1d: (lambda v: np.intersect1d(v, [2.0, 0.7, 5.0]), lambda v: np.intersect1d(v, [2.0, 0.7], return_indices=True)),
    np.setdiff1d: (lambda v: np.setdiff1d(v, [2.0, 5.0]),),
    np.setxor1d: (lambda v: np.setxor1d(v, [2.0, 5.0]),),
    # products
    np.dot: (
        lambda a, b: np.dot(a, b), lambda t, u: np.dot(t, u), lambda a, u: np.dot(a, u), lambda t, c: np.dot(t, c),
        lambda b, u: np.dot(b, u),
        lambda a: np.dot(3.0, a), lambda a: np.dot(a, 3.0), lambda b: np.dot(b, b), lambda a: np.dot(a, [1, 2, 3]),
    ),
    np.inner: (lambda a, b: np.inner(a, b), lambda a, t: np.inner(a, t), lambda a, o: np.inner(a, o)),
    np.vdot: (lambda a, d: np.vdot(a, d), lambda z, a: np.vdot(z, a)),
    np.outer: (lambda a, b: np.outer(a, b), lambda b: np.outer([1, 2], b)),
    np.cross: (
        lambda a, b: np.cross(a, b), lambda a, d: np.cross(a, d), lambda s, c: np.cross(s, c[:, :3], axis=0),
        lambda b: np.cross([1, 2, 3], b),
        lambda s, a: np.cross(s[:, :2], a, axisa=0, axisb=1, axisc=0),
    ),
    np.kron: (lambda a, b: np.kron(a, b), lambda a, d: np.kron(a, d), lambda b, t: np.kron(b, t)),
    np.tensordot: (
        lambda t, u: np.tensordot(t, u, axes=([1, 2], [0, 1])) , lambda a, c: np.tensordot(a, c, 1), lambda a, d: np.tensordot(a, d),
        lambda b, v: np.tensordot(b, v, 0), lambda t, a: np.tensordot(t, a, (2, 1)),
    ),
    np.einsum: (
        lambda a, b: np.einsum("ij,j->i", a, b), lambda t, u: np.einsum("bij,bjk", t, u), lambda s: np.einsum("ii", s),
        lambda t, a: np.einsum("...i,ki->...k", t, a, optimize=True), lambda a, b: np.einsum(a, [0, 1], b, [1], [0]),
        lambda a, c, w: np.einsum("ij,jk,k->i", a, c, w[:4], optimize="greedy"), lambda a: np.einsum(a, [0, 1]),
        lambda b: np.einsum("ij,j->i", A, b),
        lambda t, a: np.einsum(t, [..., 0], a, [1, 0], [..., 1]), lambda a: np.einsum("ij->", a, dtype=np.float64),
    ),
    # linear algebra
    np.linalg.solve: (lambda s, b: np.linalg.solve(s, b), lambda s, c: np.linalg.solve(s, c)),
    np.linalg.lstsq: (lambda r, w: np.linalg.lstsq(r, w[:4]), lambda r, a: np.linalg.lstsq(r, r * 2 + a[0, 0])),
    np.linalg.tensorsolve: (lambda q, r: np.linalg.tensorsolve(q, r[:2]), lambda q, r: np.linalg.tensorsolve(q, r[2:], axes=(0, 2))),
    np.linalg.tensorinv: (lambda q: np.linalg.tensorinv(q), lambda s: np.linalg.tensorinv(s, ind=1)),
    np.linalg.inv: (lambda s: np.linalg.inv(s),),
    np.linalg.pinv: (lambda r: np.linalg.pinv(r), lambda r: np.linalg.pinv(r, 1e-3), lambda r: np.linalg.pinv(r, rtol=1e-4)),
    np.linalg.matrix_power: (
        lambda s: np.linalg.matrix_power(s, 3), lambda s: np.linalg.matrix_power(s, -2),
        lambda s: np.linalg.matrix_power(s, 0),
    ),
    np.linalg.det: (lambda s: np.linalg.det(s),),
    np.linalg.slogdet: (lambda s: np.linalg.slogdet(s),),
    np.linalg.cholesky: (lambda h: np.linalg.cholesky(h + h.T), lambda h: np.linalg.cholesky(h + h.T, upper=True)),
    np.linalg.qr: (lambda r: np.linalg.qr(r), lambda s: np.linalg.qr(s, mode="complete"), lambda r: np.linalg.qr(r, "r")),
    np.linalg.svd: (
        lambda r: np.linalg.svd(r, full_matrices=False), lambda s: np.linalg.svd(s), lambda r: np.linalg.svd(r, compute_uv=False),
    ),
    np.linalg.svdvals: (lambda r: np.linalg.svdvals(r),),
    np.linalg.eigh: (lambda h: np.linalg.eigh(h + h.T), lambda h: np.linalg.eigh(h + h.T, UPLO="U")),
    np.linalg.eigvalsh: (lambda h: np.linalg.eigvalsh(h + h.T), lambda h: np.linalg.eigvalsh(h + h.T, "U")),
    np.linalg.eig: (lambda h: np.linalg.eig(h).eigenvalues, lambda h: np.abs(np.linalg.eig(h)[1])),
    np.linalg.eigvals: (lambda h: np.linalg.eigvals(h), lambda s: np.sort(np.abs(np.linalg.eigvals(np.multiply(s, TURNING))))),
    np.linalg.norm: (
        on(), on(axis=1), on(ord=1, axis=1), on(axis=0, keepdims=True), on(keepdims=True), on("fro"), on("nuc"), on(2), on(-2), on(1),
        on(np.inf),
        lambda v: np.linalg.norm(v, 3), lambda v: np.linalg.norm(v, np.inf), lambda t: np.linalg.norm(t),
        lambda t: np.linalg.norm(t, axis=(0, 2)),
        lambda t: np.linalg.norm(t, 1, (2, 0), keepdims=True), lambda z: np.linalg.norm(z),
    ),
    np.linalg.vector_norm: (on(), on(axis=1, ord=3), on(axis=(0, 1), keepdims=True), lambda v: np.linalg.vector_norm(v, ord=1)),
    np.linalg.matrix_norm: (on(), on(ord="nuc"), on(keepdims=True, ord=1), lambda t: np.linalg.matrix_norm(t, ord=2)),
    np.linalg.cond: (lambda s: np.linalg.cond(s), lambda s: np.linalg.cond(s, "fro"), lambda s: np.linalg.cond(s, 1)),
    np.linalg.multi_dot: (lambda a, s, c: np.linalg.multi_dot([a, s, c]), lambda b, c, w: np.linalg.multi_dot([b, c, w[:4]])),
    np.linalg.trace: (lambda t: np.linalg.trace(t), on(offset=1)),
    np.linalg.diagonal: (lambda t: np.linalg.diagonal(t), on(offset=1)),
    np.linalg.cross: (lambda a, d: np.linalg.cross(a, d), lambda s: np.linalg.cross(s, s[::-1], axis=0)),
    np.linalg.outer: (lambda b, v: np.linalg.outer(b, v),),
    np.linalg.tensordot: (lambda a, c: np.linalg.tensordot(a, c, axes=1),),
    np.linalg.matmul: (lambda a, c: np.linalg.matmul(a, c),),
    np.linalg.matrix_transpose: (lambda t: np.linalg.matrix_transpose(t),),
    np.linalg.vecdot: (
        lambda a, d: np.linalg.vecdot(a, d), lambda a, d: np.linalg.vecdot(a, d, axis=0),
        lambda z, a: np.linalg.vecdot(z, a),
    ),
    # Fourier transforms
    **{
        getattr(np.fft, f): (on(), on(5), on(2, axis=0), on(axis=-2, norm="ortho"), on(None, -1, "forward"))
        for f in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
    },
    **{
        getattr(np.fft, f): (on(), on((3, 4)), lambda t, f=f: getattr(np.fft, f)(t, axes=(0, 1), norm="ortho"))
        for f in ("fft2", "ifft2", "rfft2", "irfft2")
    },
    **{
        getattr(np.fft, f): (on(), on((3, 4), axes=(0, 1)), lambda t, f=f: getattr(np.fft, f)(t, norm="forward"))
        for f in ("fftn", "ifftn", "rfftn", "irfftn")
    },
    np.fft.fftshift: (on(), on(axes=1), on(axes=(0, 1))),
    np.fft.ifftshift: (on(), on(axes=1)),
}  # fmt: skip

CASES = [(f, k, case) for f, cases in TABLE.items() for k, case in enumerate(cases)]


def label(function):
    return f"{function.__module__}.{function.__name__}".removeprefix("numpy.")


def laid_out(function, case):
    """The call as a function of its arrays, and these."""
    if isinstance(case, tuple):
        args, settings = case
        return (lambda a: function(a, *args, **settings)), [A]
    names = [p.name for p in inspect.signature(case).parameters.values() if p.default is p.empty]
    return case, [ARRAYS[n] for n in names]


def leaves(answer):
    """What a function returned, as a flat list."""
    return [leaf for part in answer for leaf in leaves(part)] if isinstance(answer, list | tuple) else [answer]


def compared(result, expected):
    """The same values, dtypes, shapes and kinds of sequences."""
    if isinstance(expected, list | tuple):
        assert type(result) is type(expected)
    results, wanted = leaves(result), leaves(expected)
    assert len(results) == len(wanted)
    for r, e in zip(results, wanted, strict=True):
        if not isinstance(e, np.ndarray | np.generic):
            assert not isinstance(r, ag.Tensor) or r.ndim == 0
            e = np.asarray(e, r.dtype if isinstance(r, ag.Tensor) else None)
        values = r.detach().numpy() if isinstance(r, ag.Tensor) else np.asarray(r)
        assert values.shape == e.shape
        assert values.dtype == e.dtype
        tight = e.dtype.itemsize >= 8 and e.dtype != np.complex64
        np.testing.assert_allclose(values, e, rtol=1e-10 if tight else 1e-5, atol=1e-12 if tight else 1e-6)


def weights(answer):
    rng = np.random.default_rng(1)
    return [rng.normal(size=np.shape(e)) + 1j * rng.normal(size=np.shape(e)) for e in leaves(answer)]


def weighed(answer, given):
    """One real number of all that a function of arrays returned."""
    total = 0.0
    for e, w in zip(leaves(answer), given, strict=True):
        e = np.asarray(e)
        if e.dtype.kind in "fc":
            total += np.nansum(e.real * w.real) + np.nansum(e.imag * w.imag)
    return total


def weighed_tensor(answer, given):
    total = None
    for t, w in zip(leaves(answer), given, strict=True):
        if isinstance(t, ag.Tensor) and t.requires_grad:
            known = ~np.isnan(t.detach().numpy())
            t = t[ag.tensor(known)] if not known.all() else t
            w = w[known] if not known.all() else w
            part = (ag.real(t) * ag.tensor(w.real)).sum()
            if t.is_complex():
                part = part + (ag.imag(t) * ag.tensor(w.imag)).sum()
            total = part if total is None else total + part
    return total


def differences(call, arrays, given, step=1e-6):
    """Of NumPy's own function: dL/dx + i dL/dy of every entry of every array."""
    found = []
    for k, array in enumerate(arrays):
        slope = np.zeros(array.shape, array.dtype)
        for place in np.ndindex(array.shape):
            for unit in (1, 1j) if array.dtype.kind == "c" else (1,):
                ends = []
                for sign in (1, -1):
                    moved = array.copy()
                    moved[place] += sign * step * unit
                    ends.append(weighed(call(*arrays[:k], moved, *arrays[k + 1 :]), given))
                slope[place] += unit * (ends[0] - ends[1]) / (2 * step)
        found.append(slope)
    return found


READ = {np.unique, np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d}


def of_the_first(expected, arrays, given):
    """The slopes of a function that reads values where they are first: nearby it may have another shape, so no differences."""
    values, weight = (np.ravel(leaves(part)[0]) for part in (expected, given))
    found = [np.zeros(a.shape) for a in arrays]
    for value, w in zip(values, weight, strict=True):
        for array, slope in zip(arrays, found, strict=True):
            places = np.argwhere(array == value)
            if len(places):
                slope[tuple(places[0])] += w.real
                break
    return found


@pytest.mark.parametrize(("function", "k", "case"), CASES, ids=[f"{label(f)}-{k}" for f, k, _ in CASES])
@pytest.mark.filterwarnings("ignore:.*(empty slice|Degrees of freedom|All-NaN|invalid value).*:RuntimeWarning")
def test_recorded(function, k, case):
    call, arrays = laid_out(function, case)
    expected = call(*arrays)
    compared(call(*[ag.tensor(a) for a in arrays]), expected)
    inputs = [ag.tensor(a, requires_grad=True) for a in arrays]
    result = call(*inputs)
    compared(result, expected)
    given = weights(expected)
    loss = weighed_tensor(result, given)
    assert loss is not None, f"nothing of {label(function)} was recorded"
    gradients = ag.autograd.grad(loss, inputs, allow_unused=True)
    slopes = of_the_first(expected, arrays, given) if function in READ else differences(call, arrays, given)
    for gradient, slope, array in zip(gradients, slopes, arrays, strict=True):
        numbers = ~np.isnan(array)
        mine = np.zeros_like(slope) if gradient is None else gradient.numpy()
        single = any(np.asarray(e).dtype in (np.float32, np.complex64) for e in leaves(expected))
        close = {"rtol": 0.1, "atol": 0.2} if single else {"rtol": 2e-5, "atol": 2e-6}
        np.testing.assert_allclose(mine[numbers], slope[numbers], **close)


FLOAT32 = [(f, k, c) for f, k, c in CASES if label(f) not in ("i0", "interp")]


@pytest.mark.parametrize(("function", "k", "case"), FLOAT32, ids=[f"{label(f)}-{k}" for f, k, _ in FLOAT32])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_dtypes_of_float32(function, k, case):
    """The results' dtypes are NumPy's whether or not something records."""
    call, arrays = laid_out(function, case)
    single = [a.astype(np.complex64 if a.dtype.kind == "c" else np.float32) for a in arrays]
    expected = leaves(call(*single))
    for result in (call(*[ag.tensor(a) for a in single]), call(*[ag.tensor(a, requires_grad=True) for a in single])):
        for r, e in zip(leaves(result), expected, strict=True):
            if isinstance(r, ag.Tensor) and isinstance(e, np.ndarray | np.generic):
                assert r.dtype == e.dtype
                assert r.array.shape == e.shape


REFUSED = """
    packbits unpackbits ravel_multi_index unravel_index lexsort savetxt save savez savez_compressed histogram2d histogramdd
    busday_count busday_offset is_busday datetime_as_string
"""
NOT_OF_TENSORS = """
    arange array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix bartlett base_repr binary_repr blackman bmat
    broadcast_shapes datetime_data diag_indices empty eye format_float_positional format_float_scientific from_dlpack frombuffer fromfile
    fromfunction fromiter frompyfunc fromregex fromstring full genfromtxt get_include get_printoptions getbufsize geterr geterrcall hamming
    hanning identity indices info isdtype isfortran isscalar issubdtype iterable kaiser load loadtxt mask_indices mintypecode nested_iters
    ones printoptions promote_types require row_stack set_printoptions setbufsize seterr seterrcall show_config show_runtime test tri
    tril_indices triu_indices typename zeros
"""  # which ask no class: they make arrays, or turn their arguments into arrays (test_numpy_face.py)


def test_every_function_of_numpy_is_in_one_list():
    known = set(TABLE) | {np.trim_zeros} | VALUES | set(WRITING) | {getattr(np, n) for n in REFUSED.split() if hasattr(np, n)}
    spaces = [(np, n) for n in np.__all__ if n not in NOT_OF_TENSORS.split()]
    spaces += [(np.linalg, n) for n in np.linalg.__all__] + [(np.fft, n) for n in np.fft.__all__ if not n.endswith("freq")]
    for space, name in spaces:
        function = getattr(space, name)
        if callable(function) and not isinstance(function, type | np.ufunc):
            assert function in known, f"{space.__name__}.{name} is neither recorded nor named as one that is not"
    tested = set(TABLE) | {np.trim_zeros}
    assert set(functions()) == tested, {f.__name__ for f in set(functions()) ^ tested}
    assert not set(TABLE) & VALUES


VALUES_OF = {
    np.isclose: (SQUARE,), np.allclose: (SQUARE,), np.array_equal: (SQUARE,), np.array_equiv: (SQUARE,), np.isin: ([0.3, 0.4],),
    np.searchsorted: ([0.1, 0.5],), np.digitize: ([0.0, 0.5, 1.0],), np.argpartition: (1,), np.can_cast: (np.float64,),
    np.may_share_memory: (A,), np.shares_memory: (A,), np.result_type: (np.float32,), np.einsum_path: None,
}  # fmt: skip


@pytest.mark.parametrize("function", sorted(VALUES, key=label), ids=label)
def test_values_only(function):
    """The answer has no gradient: of tensors that record it is as of others."""
    array = ARRAYS["v"] if function in (np.searchsorted,) else ARRAYS["s"]
    more = VALUES_OF.get(function, ())
    if function is np.einsum_path:
        assert np.einsum_path("ij,jk", *[ag.tensor(array, requires_grad=True)] * 2)[0] == ["einsum_path", (0, 1)]
        return
    if function is np.empty_like:
        assert np.empty_like(ag.tensor(array, requires_grad=True)).shape == array.shape
        return
    if function is np.searchsorted:
        array = np.sort(array)
    expected = function(array, *more)
    for requires_grad in (False, True):
        result = function(ag.tensor(array, requires_grad=requires_grad), *more)
        if isinstance(expected, np.ndarray | np.generic | tuple | list):
            compared(result, expected)
            assert not any(r.requires_grad for r in leaves(result) if isinstance(r, ag.Tensor))
        else:
            assert result == expected
            assert type(result) is type(expected)


def test_refused():
    """Without an operation of ours: computed of tensors that do not record, else an error that names the function."""
    t = ag.tensor(ARRAYS["v"], requires_grad=True)
    for call, name in (
        (lambda t: np.histogram2d(t, t), "np.histogram2d"),
        (lambda t: np.histogramdd([t, t]), "np.histogramdd"),
        (lambda t: np.lexsort([t]), None),
        (lambda t: np.pad(t, 2, "mean"), "np.pad"),
        (lambda t: np.pad(t, 2, "reflect", reflect_type="odd"), "np.pad"),
        (lambda t: np.histogram(t, "auto"), "np.histogram"),
        (lambda t: np.histogram(ARRAYS["v"], 3, weights=t), "np.histogram"),
        (lambda t: np.linalg.qr(t[:4].reshape(2, 2), mode="raw"), "np.linalg.qr"),
    ):
        if name is not None:
            with pytest.raises(TypeError, match=rf"{name}.*not recorded"):
                call(t)
        call(t.detach())


@pytest.mark.parametrize("trim", ["fb", "f", "b"])
def test_trimmed_zeros(trim):
    """The zeros within have gradients as all that is left."""
    e = ag.tensor(ARRAYS["e"], requires_grad=True)
    kept = np.trim_zeros(e, trim)
    np.testing.assert_array_equal(kept.detach().numpy(), np.trim_zeros(ARRAYS["e"], trim))
    (slope,) = ag.autograd.grad(kept.sum(), [e])
    np.testing.assert_array_equal(slope.numpy(), [trim == "b"] * 2 + [1, 1, 1] + [trim == "f"])


def test_where_of_a_condition_alone():
    t = ag.tensor([0.0, 2.0, 0.0, 1.0], requires_grad=True)
    (places,) = np.where(t)
    assert places.tolist() == [1, 3]


def test_histogram_of_given_edges_has_no_gradient():
    v = ag.tensor(ARRAYS["v"], requires_grad=True)
    for settings in ({"bins": [-2.0, 0.0, 0.75, 2.5]}, {"bins": 3, "range": (-1.5, 2.5), "density": True}):
        compared(np.histogram(v, **settings), np.histogram(ARRAYS["v"], **settings))


def test_results_are_of_numpys_named_tuples():
    s = ag.tensor(SQUARE, requires_grad=True)
    assert np.linalg.svd(s).S.requires_grad
    assert np.linalg.qr(s).Q.requires_grad
    assert np.linalg.slogdet(s).logabsdet.requires_grad
    assert np.linalg.eigh(s @ s.T).eigenvalues.requires_grad
    assert type(np.linalg.svd(s)) is type(np.linalg.svd(SQUARE))
    assert type(np.unique_counts(s)) is type(np.unique_counts(SQUARE))


def test_views_are_known_as_views():
    """What is written into a view of a tensor is recorded in the tensor too, also where it did not record before."""
    w = ag.tensor(2.0, requires_grad=True)
    for look in (lambda t: np.reshape(t, (3, 2)), np.ravel, np.transpose, lambda t: np.split(t, 3, axis=1)[1], lambda t: np.diagonal(t)):
        base = ag.tensor(A)
        view = look(base)
        view.mul_(w)
        assert base.requires_grad


SHAPES = [(), (1,), (0,), (0, 3), (2, 0), (1, 1), (3, 3)]
LENIENT = {  # of nothing, or of numbers
    np.average, np.where, np.linalg.tensorinv, np.linalg.cond, np.fft.fftshift, np.fft.ifftshift, np.polyint,
}  # fmt: skip


@pytest.mark.parametrize("function", TABLE, ids=label)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_empty_arrays_and_errors(function):
    """Of odd shapes what NumPy says: the same result, or its own error."""
    for args, settings in (on(), *(case for case in TABLE[function] if isinstance(case, tuple))):
        for shape in SHAPES:
            array = np.linspace(0.2, 1.1, int(np.prod(shape))).reshape(shape)
            t = ag.tensor(array, requires_grad=True)
            try:
                expected = function(array, *args, **settings)
            except Exception as error:
                if function not in LENIENT:
                    with pytest.raises(type(error)):
                        function(t, *args, **settings)
                continue
            if function is np.linalg.norm and not array.size:
                continue  # the largest of nothing is an error of ours
            if function is np.poly and not array.size:
                continue  # asks the elements, not the array, for their class
            if function in (np.fft.fftn, np.fft.ifftn) and not shape:
                continue  # of a number ours is complex
            compared(function(t, *args, **settings), expected)


def test_errors_of_arguments():
    t = ag.tensor(A, requires_grad=True)
    for call in (
        lambda: np.sum(t, axis=2),
        lambda: np.max(t, where=MASK),
        lambda: np.split(t, 2, axis=1),
        lambda: np.cumulative_sum(t),
        lambda: np.diff(t, -1),
        lambda: np.stack([t, t[0]]),
        lambda: np.linalg.norm(t, "nuc", axis=1),
        lambda: np.linalg.norm(t[0], "fro", axis=0),
        lambda: np.var(t, ddof=1, correction=1),
        lambda: np.polyder(t[0], -1),
    ):
        with pytest.raises((ValueError, IndexError)):
            call()
    for call in (lambda: np.sum(t, nonsense=1), lambda: np.average(t, weights=[1, 2, 3]), lambda: np.sort(t, order="x", nonsense=1)):
        with pytest.raises(TypeError):
            call()


TWICE = [(f, k, c) for f, k, c in CASES if f not in READ and not any(np.isnan(a).any() for a in laid_out(f, c)[1])]


@pytest.mark.parametrize(("function", "k", "case"), TWICE, ids=[f"{label(f)}-{k}" for f, k, _ in TWICE])
def test_second_derivatives(function, k, case):
    call, arrays = laid_out(function, case)

    def doubles(*tensors):
        recorded = [t for t in leaves(call(*tensors)) if isinstance(t, ag.Tensor) and t.requires_grad]
        return tuple(t for t in recorded if t.dtype in (np.float64, np.complex128))

    inputs = [ag.tensor(a, requires_grad=True) for a in arrays]
    if doubles(*inputs):
        gradgradcheck(doubles, inputs, fast_mode=True)
