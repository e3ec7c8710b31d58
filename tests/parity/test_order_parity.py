"""Sorting, searching, scans, reductions and statistics against PyTorch: values, dtypes, shapes, gradients, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag

torch = pytest.importorskip("torch", reason="parity extra not installed")

nan, inf = np.nan, np.inf
TIES = [[3.0, 1.0, 1.0, 2.0, 3.0], [5.0, 5.0, 4.0, 4.0, 1.0]]
NANS = [[3.0, nan, 1.0, 2.0], [nan, nan, nan, nan], [1.0, 2.0, 4.0, 3.0]]
CUBE = np.random.default_rng(0).permutation(24).reshape(2, 3, 4) / 4 - 2.6
ONE, VECTOR, INTEGERS = 2.5, [3.0, -1.0, 4.0, 1.5, -9.0, 2.5], np.array([[3, 1, 2], [5, 5, -4]])
BOOLS = np.array([[True, False, True], [False, False, False]])
SMALL = np.array([[200, 0, 100], [7, 0, 0]], np.uint8)
HALF = np.array([[2.5, 3.25, 1.5], [0.5, -1.0, 2.0]], np.float16)
COMPLEX = np.array([[1 + 2j, 3 - 1j, 0.5j], [2 + 0j, -1 - 1j, 4 + 0.5j]])
NOTHING, NO_ROWS = np.zeros(0), np.zeros((0, 3))
ZEROS = [[0.0, 2.0, 3.0, 4.0], [2.0, 0.0, 3.0, 0.5], [0.0, 3.0, 0.0, 2.0], [1.5, -2.0, 3.0, -1.0]]
WEIGHTS = np.array([0.5, 1.0, 2.0])

CASES = {  # of (library, *tensors), and the tensors
    "sort": (lambda l, x: l.sort(x), [TIES, NANS, CUBE, ONE, VECTOR, INTEGERS, BOOLS, SMALL, HALF, COMPLEX, NOTHING, NO_ROWS]),
    "sort descending": (lambda l, x: l.sort(x, -1, True), [TIES, NANS, CUBE, VECTOR, INTEGERS, BOOLS, SMALL, HALF]),
    "sort dim": (lambda l, x: l.sort(x, dim=0, descending=True, stable=True), [TIES, NANS, CUBE, ONE, INTEGERS, NO_ROWS]),
    "sort dim 1": (lambda l, x: l.sort(x, dim=1), [CUBE, ONE, VECTOR]),
    "sort dim None": (lambda l, x: l.sort(x, None), [VECTOR]),
    "argsort": (lambda l, x: l.argsort(x), [TIES, NANS, ONE, INTEGERS, BOOLS, COMPLEX]),
    "argsort descending": (lambda l, x: l.argsort(x, dim=0, descending=True, stable=True), [TIES, NANS, ONE, INTEGERS, BOOLS]),
    "msort": (lambda l, x: l.msort(x), [TIES, CUBE, ONE, INTEGERS]),
    "topk": (lambda l, x: l.topk(x, 2), [CUBE, NANS[0], ONE, VECTOR, BOOLS, COMPLEX]),
    "topk smallest": (lambda l, x: l.topk(x, 2, dim=1, largest=False), [CUBE, NANS[:1]]),
    "topk 0": (lambda l, x: l.topk(x, 0), [CUBE, ONE, NOTHING]),
    "topk 1": (lambda l, x: l.topk(x, 1, 0, True, True), [CUBE, ONE, NOTHING]),
    "topk -1": (lambda l, x: l.topk(x, -1), [VECTOR]),
    "kthvalue": (lambda l, x: l.kthvalue(x, 2), [CUBE, NANS[0], ONE, VECTOR, COMPLEX]),
    "kthvalue dim": (lambda l, x: l.kthvalue(x, 2, 0, True), [CUBE, ONE, NO_ROWS]),
    "kthvalue 1": (lambda l, x: l.kthvalue(x, 1), [ONE, NO_ROWS, NOTHING]),
    "kthvalue 0": (lambda l, x: l.kthvalue(x, 0), [ONE, VECTOR]),
    "median": (lambda l, x: l.median(x), [TIES, NANS, CUBE, ONE, VECTOR, INTEGERS, HALF, NOTHING, BOOLS, COMPLEX, [1.0, nan, 2.0, nan]]),
    "nanmedian": (lambda l, x: l.nanmedian(x), [TIES, NANS, CUBE, ONE, INTEGERS, NOTHING, [nan, nan], [1.0, nan, 2.0, nan]]),
    "median dim": (lambda l, x: l.median(x, 1), [NANS[::2], CUBE, NO_ROWS]),
    "median dim keepdim": (lambda l, x: l.median(x, dim=0, keepdim=True), [CUBE, ONE, NO_ROWS]),
    "nanmedian dim": (lambda l, x: l.nanmedian(x, 1), [NANS[::2], CUBE]),
    "nanmedian last": (lambda l, x: l.nanmedian(x, -1, True), [NANS[::2], CUBE, ONE]),
    "mode": (lambda l, x: l.mode(x), [TIES, [3.0, nan, nan, 1.0], ONE, INTEGERS, BOOLS, NOTHING, NO_ROWS]),
    "mode dim": (lambda l, x: l.mode(x, 0, True), [TIES, ONE, NO_ROWS, CUBE]),
    "searchsorted": (lambda l, x: l.searchsorted(l.tensor([1.0, 3.0, 3.0, 5.0]), x), [TIES, NANS, ONE, INTEGERS, NOTHING]),
    "searchsorted right": (lambda l, x: l.searchsorted(l.tensor([1.0, 3.0, 3.0, 5.0]), x, right=True), [TIES, NANS, ONE]),
    "searchsorted side": (lambda l, x: l.searchsorted(x, 3, side="right", out_int32=True), [[1.0, 3.0, 3.0], [1.0]]),
    "searchsorted rows": (lambda l, x: l.searchsorted(l.tensor([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]), x), [TIES, VECTOR, CUBE]),
    "searchsorted number on rows": (lambda l, x: l.searchsorted(x, 3), [TIES]),
    "searchsorted opposite": (lambda l, x: l.searchsorted(x, 3, side="left", right=True), [VECTOR]),
    "searchsorted bad side": (lambda l, x: l.searchsorted(x, 3, side="middle"), [VECTOR]),
    "searchsorted 0-d": (lambda l, x: l.searchsorted(x, l.tensor([3.0])), [ONE]),
    "searchsorted sorter": (lambda l, x: l.searchsorted(x, l.tensor([3.0, 4.0]), sorter=l.argsort(x)), [[5.0, 1.0, 3.0], VECTOR]),
    "searchsorted sorter int32": (lambda l, x: l.searchsorted(x, 3.0, sorter=l.argsort(x).int()), [VECTOR]),
    "searchsorted sorter short": (lambda l, x: l.searchsorted(x, 3.0, sorter=l.tensor([0, 1])), [VECTOR]),
    "searchsorted sorter far": (lambda l, x: l.searchsorted(x, 3.0, sorter=l.tensor([0, 1, 7])), [[1.0, 2.0, 3.0]]),
    "bucketize": (lambda l, x: l.bucketize(x, l.tensor([1.0, 3.0, 5.0])), [TIES, NANS, ONE, CUBE]),
    "bucketize right": (lambda l, x: l.bucketize(x, l.tensor([1.0, 3.0, 5.0]), right=True, out_int32=True), [TIES, ONE]),
    "bucketize number": (lambda l, x: l.bucketize(3, x), [[1.0, 3.0], TIES]),
    "isin": (lambda l, x: l.isin(x, l.tensor([3.0, 1.0, nan])), [TIES, NANS, ONE, INTEGERS]),
    "isin number": (lambda l, x: l.isin(x, 3), [TIES, INTEGERS]),
    "isin of number": (lambda l, x: l.isin(3, x), [TIES, INTEGERS]),
    "isin inverted": (lambda l, x: l.isin(x, l.tensor([3]), invert=True, assume_unique=True), [VECTOR, INTEGERS]),
    "isin of numbers": (lambda l, x: l.isin(3, 3), [ONE]),
    "cumsum": (lambda l, x: l.cumsum(x, 0), [CUBE, ONE, VECTOR, INTEGERS, BOOLS, SMALL, HALF, COMPLEX, NOTHING, NO_ROWS]),
    "cumsum dim": (lambda l, x: x.cumsum(dim=-1), [CUBE, ONE, NANS, NO_ROWS, [inf, -inf, 1.0]]),
    "cumsum dim 1": (lambda l, x: l.cumsum(x, 1), [CUBE, ONE]),
    "cumsum dtype": (lambda l, x: l.cumsum(x.detach(), 0, dtype=l.int32), [VECTOR, SMALL]),
    "cumsum uint8": (lambda l, x: l.cumsum(x, 0, dtype=l.uint8), [SMALL]),
    "cumprod": (lambda l, x: l.cumprod(x, 0), [CUBE, ONE, VECTOR, INTEGERS, BOOLS, SMALL, HALF, COMPLEX, NOTHING, NO_ROWS]),
    "cumprod zeros": (lambda l, x: l.cumprod(x, 1), [ZEROS, CUBE]),
    "cumprod dtype": (lambda l, x: l.cumprod(x, 0, dtype=l.float64), [INTEGERS, HALF]),
    "cummax": (lambda l, x: l.cummax(x, 0), [[1.0, 3.0, 3.0, 2.0, nan, 4.0, nan], CUBE, ONE, INTEGERS, BOOLS, NO_ROWS, COMPLEX]),
    "cummin": (lambda l, x: l.cummin(x, -1), [[1.0, 3.0, 3.0, 2.0, nan, 4.0, nan], TIES, CUBE, ONE, INTEGERS, BOOLS]),
    "logcumsumexp": (
        lambda l, x: l.logcumsumexp(x, 0),
        [CUBE, ONE, VECTOR, NO_ROWS, INTEGERS, [1.0, -inf, 1000.0, -inf, 2.0], [-inf, -inf, 1.0]],
    ),
    "logcumsumexp dim": (lambda l, x: l.logcumsumexp(x, dim=1), [CUBE, [[-1000.0, 0.0, 1000.0]]]),
    "diff": (lambda l, x: l.diff(x), [CUBE, VECTOR, INTEGERS, BOOLS, SMALL, ONE, NOTHING]),
    "diff 2": (lambda l, x: l.diff(x, 2, 0), [CUBE, VECTOR, INTEGERS]),
    "diff many": (lambda l, x: l.diff(x, n=9), [CUBE, INTEGERS]),
    "diff 0": (lambda l, x: l.diff(x, 0, prepend=x), [CUBE]),
    "diff -1": (lambda l, x: l.diff(x, -1), [CUBE]),
    "diff both": (lambda l, x: l.diff(x, dim=1, prepend=x[:, :1] * 2, append=x), [CUBE, INTEGERS]),
    "diff promotes": (lambda l, x: l.diff(x, append=l.tensor([[0.5], [1.5]])), [INTEGERS]),
    "diff other rank": (lambda l, x: l.diff(x, prepend=x[0]), [CUBE]),
    "gradient": (lambda l, x: l.gradient(x), [CUBE, VECTOR, INTEGERS, ONE, SMALL, COMPLEX, [1.0]]),
    "gradient 2": (lambda l, x: l.gradient(x, edge_order=2), [VECTOR, np.ones((3, 3)), [1.0, 2.0]]),
    "gradient spacing": (lambda l, x: l.gradient(x, spacing=[2, 0.5], dim=(1, 0)), [CUBE, INTEGERS]),
    "gradient number": (lambda l, x: l.gradient(x, spacing=2.0, dim=-1), [CUBE, INTEGERS]),
    "gradient points": (
        lambda l, x: l.gradient(x, spacing=(l.tensor([0.0, 1.0, 3.0, 4.0, 7.0, 7.5], dtype=l.float64),), edge_order=2),
        [VECTOR],
    ),
    "gradient points 1": (lambda l, x: l.gradient(x, spacing=(l.tensor([0.0, 1.0, 3.0], dtype=l.float64),), dim=1), [CUBE]),
    "gradient wrong": (lambda l, x: l.gradient(x, spacing=[2.0]), [CUBE]),
    "gradient twice": (lambda l, x: l.gradient(x, dim=(0, 0)), [CUBE]),
    "gradient 3": (lambda l, x: l.gradient(x, edge_order=3), [VECTOR]),
    "gradient of dim 5": (lambda l, x: l.gradient(x, dim=5), [VECTOR]),
    "trapezoid": (lambda l, x: l.trapezoid(x), [CUBE, VECTOR, INTEGERS, ONE, NOTHING, BOOLS, [1.0]]),
    "trapezoid dx": (lambda l, x: l.trapz(x, dx=0.5, dim=0), [CUBE, VECTOR, INTEGERS]),
    "trapezoid x": (lambda l, x: l.trapezoid(x, l.tensor([0.0, 1.0, 4.0]), dim=1), [CUBE, INTEGERS, VECTOR]),
    "trapezoid own x": (lambda l, x: l.trapezoid(x, x * 2), [CUBE, VECTOR]),
    "trapezoid both": (lambda l, x: l.trapezoid(x, x, dx=1), [VECTOR]),
    "cumulative_trapezoid": (lambda l, x: l.cumulative_trapezoid(x), [CUBE, VECTOR, INTEGERS, ONE, [1.0]]),
    "cumulative_trapezoid x": (lambda l, x: l.cumulative_trapezoid(x, l.tensor([0.0, 1.0, 4.0]), dim=1), [CUBE, INTEGERS]),
    "cumulative_trapezoid dx": (lambda l, x: l.cumulative_trapezoid(x, dx=2, dim=0), [CUBE, INTEGERS]),
    "quantile": (lambda l, x: l.quantile(x, 0.3), [CUBE, VECTOR, ONE, NANS, NOTHING, INTEGERS, HALF]),
    "quantile dim": (lambda l, x: l.quantile(x, l.tensor([0.0, 0.3, 1.0], dtype=x.dtype), 1), [CUBE, NANS]),
    "quantile keepdim": (lambda l, x: l.quantile(x, l.tensor([0.2], dtype=x.dtype), dim=-2, keepdim=True), [CUBE]),
    "quantile all keepdim": (lambda l, x: l.quantile(x, l.tensor(0.2, dtype=x.dtype), keepdim=True), [CUBE, ONE]),
    "quantile int": (lambda l, x: l.quantile(x, 1), [VECTOR]),
    "quantile too far": (lambda l, x: l.quantile(x, 1.5), [VECTOR]),
    "quantile list": (lambda l, x: l.quantile(x, [0.5]), [VECTOR]),
    "quantile matrix": (lambda l, x: l.quantile(x, l.tensor([[0.5]], dtype=x.dtype)), [VECTOR]),
    "quantile other dtype": (lambda l, x: l.quantile(x, l.tensor([0.5], dtype=l.float32)), [VECTOR]),
    "quantile interpolation": (lambda l, x: l.quantile(x, 0.5, interpolation="cubic"), [VECTOR]),
    "nanquantile": (lambda l, x: l.nanquantile(x, 0.4, 1), [NANS, CUBE]),
    "nanquantile vector": (lambda l, x: l.nanquantile(x, l.tensor([0.1, 0.9], dtype=x.dtype), dim=0, keepdim=True), [NANS, ONE]),
    "unique": (
        lambda l, x: l.unique(x, return_inverse=True, return_counts=True),
        [TIES, NANS, ONE, INTEGERS, BOOLS, SMALL, NOTHING, NO_ROWS],
    ),
    "unique alone": (lambda l, x: l.unique(x), [TIES, INTEGERS]),
    "unique inverse": (lambda l, x: l.unique(x, True, True), [TIES, INTEGERS]),
    "unique rows": (
        lambda l, x: l.unique(x, dim=0, return_inverse=True, return_counts=True),
        [[[1.0, 2.0], [0.0, 5.0], [1.0, 2.0]], INTEGERS, NO_ROWS, VECTOR, [[-1.0, 0.0], [1.0, -0.0], [-1.0, -0.0]]],
    ),
    "unique columns": (lambda l, x: l.unique(x, dim=1, return_counts=True), [[[1.0, 2.0, 1.0], [0.0, 5.0, 0.0]], BOOLS, NO_ROWS]),
    "unique_consecutive": (
        lambda l, x: l.unique_consecutive(x, return_inverse=True, return_counts=True),
        [TIES, NANS, ONE, INTEGERS, BOOLS, NOTHING],
    ),
    "unique_consecutive rows": (lambda l, x: l.unique_consecutive(x, True, True, dim=0), [[[1.0, 2.0], [1.0, 2.0], [0.0, 5.0]], INTEGERS]),
    "count_nonzero": (lambda l, x: l.count_nonzero(x), [NANS, ZEROS, ONE, INTEGERS, BOOLS, NOTHING, COMPLEX]),
    "count_nonzero dim": (lambda l, x: l.count_nonzero(x, dim=1), [NANS, ZEROS, BOOLS, CUBE]),
    "count_nonzero dims": (lambda l, x: l.count_nonzero(x, (0, -1)), [CUBE]),
    "nansum": (lambda l, x: l.nansum(x), [NANS, CUBE, ONE, INTEGERS, BOOLS, COMPLEX, NOTHING]),
    "nansum dim": (lambda l, x: l.nansum(x, 1, True), [NANS, CUBE]),
    "nansum dtype": (lambda l, x: l.nansum(x, dtype=l.float32), [NANS, INTEGERS]),
    "nanmean": (lambda l, x: l.nanmean(x), [NANS, CUBE, ONE, INTEGERS, HALF]),
    "nanmean dim": (lambda l, x: l.nanmean(x, dim=0, keepdim=True), [NANS, CUBE]),
    "aminmax": (lambda l, x: l.aminmax(x), [TIES, CUBE, ONE, INTEGERS, BOOLS, NOTHING, NANS]),
    "aminmax dim": (lambda l, x: l.aminmax(x, dim=1, keepdim=True), [TIES, CUBE, INTEGERS, [[1.0, nan], [2.0, 3.0]]]),
    "var_mean": (lambda l, x: l.var_mean(x), [CUBE, VECTOR, HALF, INTEGERS]),
    "var_mean dim": (lambda l, x: l.var_mean(x, 1, False, True), [CUBE]),
    "std_mean": (lambda l, x: l.std_mean(x, dim=(0, 2), correction=0), [CUBE]),
    "std_mean biased": (lambda l, x: l.std_mean(x, False), [CUBE]),
    "cov": (lambda l, x: l.cov(x), [ZEROS, VECTOR, INTEGERS, ONE, BOOLS, CUBE, COMPLEX, np.zeros((2, 0))]),
    "cov correction": (lambda l, x: l.cov(x, correction=0), [ZEROS, VECTOR, INTEGERS]),
    "cov weights": (
        lambda l, x: l.cov(x, correction=2, fweights=l.tensor([1, 2, 3]), aweights=l.tensor(WEIGHTS)),
        [COMPLEX, np.array(ZEROS)[:, 1:], INTEGERS],
    ),
    "cov fweights": (lambda l, x: l.cov(x, fweights=l.tensor([1, 2, 3])), [INTEGERS, np.array(ZEROS)[:, 1:]]),
    "cov aweights": (lambda l, x: l.cov(x, aweights=l.tensor(WEIGHTS)), [INTEGERS, np.array(ZEROS)[:, 1:], ZEROS]),
    "cov wrong weights": (lambda l, x: l.cov(x, fweights=l.tensor(WEIGHTS)), [INTEGERS]),
    "cov negative weights": (lambda l, x: l.cov(x, aweights=-l.tensor(WEIGHTS)), [INTEGERS]),
    "corrcoef": (lambda l, x: l.corrcoef(x), [ZEROS, VECTOR, INTEGERS, CUBE, COMPLEX]),
    "bincount": (lambda l, x: l.bincount(x), [np.array([1, 1, 3]), np.array([7, 0], np.uint8), np.zeros(0, int), INTEGERS, VECTOR, [-1]]),
    "bincount minlength": (lambda l, x: l.bincount(x, minlength=6), [np.array([1, 1, 3]), np.zeros(0, int)]),
    "bincount weights": (lambda l, x: l.bincount(x, l.tensor(WEIGHTS, dtype=l.float32), 5), [np.array([1, 1, 3]), np.array([1, 1])]),
    "bincount whole weights": (lambda l, x: l.bincount(x, x), [np.array([1, 1, 3])]),
    "bincount minlength -1": (lambda l, x: l.bincount(x, minlength=-1), [np.array([1, 1, 3])]),
    "histc": (lambda l, x: l.histc(x, 4), [TIES, VECTOR, [2.0, 2.0], NANS, NOTHING, INTEGERS, ONE]),
    "histc range": (lambda l, x: l.histc(x, bins=3, min=-1, max=3), [TIES, NANS, VECTOR]),
    "histc wrong": (lambda l, x: l.histc(x, 3, 2, 1), [VECTOR]),
    "histc no bins": (lambda l, x: l.histc(x, 0), [VECTOR]),
    "histogram": (lambda l, x: l.histogram(x, 4), [TIES, VECTOR, [2.0, 2.0], NANS, NOTHING, INTEGERS]),
    "histogram weight": (lambda l, x: l.histogram(x, 4, range=(0.0, 5.0), weight=x * x, density=True), [VECTOR]),
    "histogram edges": (lambda l, x: l.histogram(x, l.tensor([0.0, 1.0, 3.0], dtype=l.float64)), [TIES, VECTOR, NANS]),
    "histogram other dtype": (lambda l, x: l.histogram(x, l.tensor([0.0, 1.0, 3.0], dtype=l.float32)), [TIES]),
    "sum": (lambda l, x: l.sum(x), [CUBE, ONE, INTEGERS, BOOLS, SMALL, HALF, COMPLEX, NOTHING]),
    "sum no dims": (lambda l, x: l.sum(x, dim=[], keepdim=True), [CUBE, ONE]),
    "sum dims": (lambda l, x: l.sum(x, (0, -1)), [CUBE, ONE]),
    "sum twice": (lambda l, x: l.sum(x, (0, 0)), [CUBE]),
    "sum int32": (lambda l, x: l.sum(x.detach(), dtype=l.int32), [VECTOR, SMALL]),
    "sum uint8": (lambda l, x: l.sum(x, dim=0, dtype=l.uint8), [SMALL, INTEGERS]),
    "mean": (lambda l, x: l.mean(x), [CUBE, ONE, INTEGERS, BOOLS, HALF, COMPLEX, NOTHING]),
    "mean dtype": (lambda l, x: l.mean(x, dtype=l.float32), [CUBE, INTEGERS, BOOLS]),
    "mean int": (lambda l, x: l.mean(x, dtype=l.int32), [CUBE]),
    "prod": (lambda l, x: l.prod(x), [VECTOR, ONE, INTEGERS, BOOLS, SMALL, HALF, COMPLEX, NOTHING]),
    "prod dim": (lambda l, x: l.prod(x, 1, True), [CUBE, INTEGERS, ZEROS, NO_ROWS]),
    "prod dim 0": (lambda l, x: l.prod(x, 0, keepdim=True), [CUBE, ONE, NO_ROWS]),
    "prod dims": (lambda l, x: l.prod(x, (0, 1)), [CUBE]),
    "prod int32": (lambda l, x: l.prod(x.detach(), dtype=l.int32), [[1.5, 2.5], SMALL]),
    "var": (lambda l, x: l.var(x), [CUBE, [2.0], NOTHING, INTEGERS, HALF, [1.0, inf]]),
    "var of complex": (lambda l, x: l.var(x, 1), [COMPLEX]),
    "std of complex": (lambda l, x: l.std(x, 0, correction=0), [COMPLEX]),
    "std": (lambda l, x: l.std(x, 1, keepdim=True), [CUBE]),
    "var no dims": (lambda l, x: l.var(x.detach(), dim=()), [CUBE]),
    "std half correction": (lambda l, x: l.std(x, correction=0.5), [CUBE]),
    "norm": (lambda l, x: l.norm(x), [CUBE, ONE, HALF, COMPLEX, INTEGERS, NOTHING]),
    "norm dtype": (lambda l, x: l.norm(x, 3, dtype=l.float64), [HALF]),
    "norm 0": (lambda l, x: l.norm(x, 0, 1), [ZEROS, COMPLEX]),
    "norm 1": (lambda l, x: l.norm(x, 1, (0, 1)), [CUBE, COMPLEX]),
    "norm inf": (lambda l, x: l.norm(x, inf), [[3.0, -3.0, 1.0], COMPLEX, NOTHING]),
    "norm -inf": (lambda l, x: l.norm(x, -inf, 0, True), [[3.0, -3.0, 1.0], COMPLEX]),
    "norm 3": (lambda l, x: l.norm(x, 3, dim=1), [CUBE, COMPLEX]),
    "norm None": (lambda l, x: l.norm(x, None), [VECTOR]),
    "any": (lambda l, x: l.any(x), [ZEROS, NANS, ONE, INTEGERS, BOOLS, SMALL, COMPLEX, NOTHING]),
    "all": (lambda l, x: l.all(x, 1), [ZEROS, NANS, INTEGERS, BOOLS, SMALL]),
    "all dims": (lambda l, x: l.all(x, (0, 1), True), [ZEROS, BOOLS, SMALL]),
    "any no dims": (lambda l, x: l.any(x, dim=()), [ZEROS, SMALL]),
    "argmax": (lambda l, x: l.argmax(x), [TIES, NANS, ONE, INTEGERS, BOOLS, COMPLEX, NOTHING]),
    "argmin dim": (lambda l, x: l.argmin(x, 0, True), [TIES, NANS, ONE, INTEGERS, NO_ROWS]),
    "argmax dim 1": (lambda l, x: l.argmax(x, 1), [TIES, NO_ROWS]),
    "argmax dims": (lambda l, x: l.argmax(x, (0, 1)), [TIES]),
    "amax": (lambda l, x: l.amax(x), [TIES, NANS, ONE, INTEGERS, BOOLS, COMPLEX, NOTHING, [1.0, nan, nan]]),
    "amin dims": (lambda l, x: l.amin(x, (0, 1), True), [TIES, CUBE, NO_ROWS]),
    "amin dim 1": (lambda l, x: l.amin(x, 1), [TIES, NANS, NO_ROWS]),
    "max": (lambda l, x: l.max(x), [TIES, NANS, ONE, INTEGERS, BOOLS, COMPLEX, NOTHING, [1.0, nan, nan]]),
    "min dim": (lambda l, x: l.min(x, 0), [CUBE, NANS, ONE, INTEGERS, BOOLS, NO_ROWS]),
    "max dim": (lambda l, x: l.max(x, 1, True), [CUBE, NANS, BOOLS, NO_ROWS]),
    "logsumexp": (lambda l, x: l.logsumexp(x, 0), [CUBE, ONE, INTEGERS, COMPLEX, HALF, [-inf, -inf]]),
}


def parts_of(result):
    return list(result) if isinstance(result, tuple) else [result]


def run(library, call, values):
    """Values, and the gradient of their weighted sum; or the kind of error."""
    array = np.array(values)
    x = library.tensor(array)
    if array.dtype.kind in "fc":
        x.requires_grad_()
    try:
        result = call(library, x)
    except (RuntimeError, TypeError, IndexError, ValueError) as error:
        return [next(kind for kind in (IndexError, TypeError, Exception) if isinstance(error, kind))], None
    parts = parts_of(result)
    total = None
    for part in parts:
        if part.requires_grad:
            weights = library.tensor(np.linspace(0.5, 1.5, int(np.prod(part.shape))).reshape(tuple(part.shape))).to(part.dtype)
            weighed = (part * weights).sum()
            weighed = (weighed * (1 - 2j)).real if part.is_complex() else weighed
            total = weighed if total is None else total + weighed
    values = [(str(part.dtype).removeprefix("torch."), part.detach().resolve_conj().numpy()) for part in parts]
    try:
        gradient = None if total is None else library.autograd.grad(total, x, allow_unused=True)[0]
    except (NotImplementedError, RuntimeError) as error:
        if "not implemented" not in str(error):
            raise
        gradient = None
    return values, None if gradient is None else gradient.detach().resolve_conj().numpy()


@pytest.mark.parametrize(("name", "which"), [(name, k) for name, (_, inputs) in CASES.items() for k in range(len(inputs))])
def test_case(name, which):
    call, inputs = CASES[name]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs, their_gradient = run(torch, call, inputs[which])
        ours, our_gradient = run(ag, call, inputs[which])
    if any(isinstance(part, type) for part in (*theirs, *ours)):
        assert ours == theirs
        return
    assert len(ours) == len(theirs)
    tolerance = 2e-3 if np.array(inputs[which]).dtype == np.float16 else 1e-6
    for (dtype, value), (expected_dtype, expected) in zip(ours, theirs, strict=True):
        assert dtype == expected_dtype
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
    if their_gradient is not None:
        assert our_gradient.dtype == their_gradient.dtype
        np.testing.assert_allclose(our_gradient, their_gradient, rtol=tolerance, atol=tolerance)


# ---------------------------------------------------------------------- any shape, dtype and dim

OF_ONE_DIM = {
    "sort": (lambda l, x, d: l.sort(x, dim=d, stable=True), True),
    "sort descending": (lambda l, x, d: l.sort(x, stable=True, dim=d, descending=True), True),
    "topk": (lambda l, x, d: l.topk(x, 1, d).values, False),
    "smallest": (lambda l, x, d: l.topk(x, 1, d, largest=False).values, False),
    "kthvalue": (lambda l, x, d: l.kthvalue(x, 1, d).values, False),
    "median": (lambda l, x, d: l.median(x, d).values, False),
    "nanmedian": (lambda l, x, d: l.nanmedian(x, d, True).values, False),
    "mode": (lambda l, x, d: l.mode(x, d), True),
    "cummax": (lambda l, x, d: l.cummax(x, d), True),
    "cummin": (lambda l, x, d: l.cummin(x, d), True),
    "cumsum": (lambda l, x, d: l.cumsum(x, d), True),
    "cumprod": (lambda l, x, d: l.cumprod(x, d), True),
    "diff": (lambda l, x, d: l.diff(x, dim=d), True),
    "argmax": (lambda l, x, d: l.argmax(x, d), False),
    "amin": (lambda l, x, d: l.amin(x, d, True), True),
    "max": (lambda l, x, d: l.max(x, d), True),
    "count_nonzero": (lambda l, x, d: l.count_nonzero(x, d), True),
    "unique": (lambda l, x, d: l.unique(x, dim=d, return_inverse=True, return_counts=True), True),
    "unique_consecutive": (lambda l, x, d: l.unique_consecutive(x, dim=d, return_inverse=True, return_counts=True), True),
    "prod": (lambda l, x, d: l.prod(x, d), True),
    "nansum": (lambda l, x, d: l.nansum(x, d), True),
    "any": (lambda l, x, d: l.any(x, d), True),
    "trapezoid": (lambda l, x, d: l.trapezoid(x, dim=d), True),
    "quantile": (lambda l, x, d: l.quantile(x, 0.4, d), True),
}


@st.composite
def arrays(draw):
    """Few distinct values, so that many are equal, NaN among them."""
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=3)))
    dtype = draw(st.sampled_from(["float32", "float64", "int64", "int32", "uint8", "bool"]))
    values = [0.0, 1.0, 2.0, 3.0] + ([-1.5, nan, -0.5] if dtype.startswith("float") else [])
    n = int(np.prod(shape))
    flat = draw(st.lists(st.sampled_from(values), min_size=n, max_size=n))
    return np.array(flat, dtype).reshape(shape), draw(st.integers(-len(shape) - 1, max(len(shape), 1)))


@pytest.mark.parametrize("name", OF_ONE_DIM)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(arrays())
def test_any_array(name, array_and_dim):
    array, dim = array_and_dim
    call, gradients = OF_ONE_DIM[name]
    if name in ("mode", "unique"):  # PyTorch's answers are in no order where there is NaN
        array = np.nan_to_num(array, nan=1)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        theirs, their_gradient = run(torch, lambda l, x: call(l, x, dim), array)
        ours, our_gradient = run(ag, lambda l, x: call(l, x, dim), array)
    if any(isinstance(part, type) for part in (*theirs, *ours)):
        # PyTorch does not look at dim where there is nothing to do, nor at the dtype of a single boolean
        assert ours == theirs or (ours == [IndexError] and not array.size) or (array.dtype == bool and array.size < 2)
        return
    for (dtype, value), (expected_dtype, expected) in zip(ours, theirs, strict=True):
        assert dtype == expected_dtype
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    if gradients and their_gradient is not None and not (name in ("cumprod", "prod") and np.isnan(array).any()):
        np.testing.assert_allclose(our_gradient, their_gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_interpolations(name, interpolation):
    """Also by q."""
    found = []
    for library in (torch, ag):
        x = library.tensor([[4.0, 1.0, 3.0, 2.0, 9.0], [1.0, 5.0, -2.0, 0.5, 3.0]], dtype=library.float64, requires_grad=True)
        q = library.tensor([0.0, 0.1, 0.375, 0.5, 0.625, 0.99, 1.0], dtype=library.float64, requires_grad=True)
        result = getattr(library, name)(x, q, dim=1, interpolation=interpolation)
        (result * result).sum().backward()
        found.append([result.detach().numpy(), x.grad.numpy(), np.zeros(7) if q.grad is None else q.grad.numpy()])
    for theirs, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["sort", "topk", "kthvalue", "median", "nanmedian", "mode", "cummax", "cummin", "aminmax", "max", "min"])
def test_names_of_results(name):
    arguments = (1,) if name in ("topk", "kthvalue") else () if name in ("sort", "mode", "aminmax") else (0,)
    ours, theirs = (getattr(library, name)(library.tensor([1.0, 3.0, 2.0]), *arguments) for library in (ag, torch))
    for field in ("min", "max") if name == "aminmax" else ("values", "indices"):
        assert getattr(ours, field).tolist() == getattr(theirs, field).tolist()
    assert len(ours) == len(theirs) == 2


@pytest.mark.parametrize("name", "cumsum cumprod".split())
def test_in_place(name):
    found = []
    for library in (ag, torch):
        x = library.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
        y = x * 2
        assert getattr(y, name + "_")(1) is y
        y.sum().backward()
        found.append((y.tolist(), x.grad.tolist()))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", sorted({name.split()[0] for name in CASES} | {"trapz"}))
def test_is_a_function_and_a_method_where_pytorch_has_one(name):
    assert hasattr(ag, name)
    assert hasattr(ag.Tensor, name) == hasattr(torch.Tensor, name)
    assert hasattr(ag.Tensor, name + "_") == hasattr(torch.Tensor, name + "_")
