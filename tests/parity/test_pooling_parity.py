"""Pooling against PyTorch: values, indices, first and second derivatives, shapes, errors, constructors, print."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import TOLERANCES, agree, close, pair, same_error  # noqa: E402

F = (nn.functional, torch.nn.functional)
SHAPES = {1: [(2, 3, 11), (3, 12)], 2: [(2, 3, 9, 8), (3, 7, 10)], 3: [(2, 2, 5, 6, 7), (2, 6, 5, 4)]}
DTYPES = ["float64", "float32"]


def numbers(rng, shape, dtype="float64", distinct=True):
    """Numbers of which no two are near each other, or with many ties."""
    n = int(np.prod(shape))
    values = rng.permutation(n) / n * 4 - 2 if distinct else rng.integers(-2, 3, n)
    return values.reshape(shape).astype(dtype)


WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1},
    {"kernel_size": 2, "stride": 3},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": 3, "padding": 1, "ceil_mode": True},
    {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True},
]
DILATED = [
    {"kernel_size": 2, "dilation": 2, "stride": 1},
    {"kernel_size": 2, "stride": 3, "dilation": 2},
    {"kernel_size": 3, "dilation": 2, "stride": 2, "padding": 1, "ceil_mode": True},
    {"kernel_size": 1, "stride": 2},
]


@pytest.mark.parametrize("settings", WINDOWS + DILATED, ids=str)
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_max_pool(dims, settings, dtype, rng):
    for shape in SHAPES[dims]:
        if dims == 3 and settings.get("dilation") == 2 and settings["kernel_size"] == 3:
            shape = tuple(n + 2 for n in shape)
        for distinct in (True, False):
            x = numbers(rng, shape, dtype, distinct)
            agree(lambda k, x: getattr(F[k], f"max_pool{dims}d")(x, **settings), [x], 2 if dtype == "float64" else 1, TOLERANCES[dtype])
            mine, theirs = (getattr(F[k], f"max_pool{dims}d")(pair(x)[k], return_indices=True, **settings) for k in (0, 1))
            close(mine[0], theirs[0])
            close(mine[1], theirs[1])


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_max_pool_with_indices(dims, rng):
    x = numbers(rng, SHAPES[dims][0])
    for name in (f"max_pool{dims}d_with_indices", f"adaptive_max_pool{dims}d_with_indices"):
        mine, theirs = (getattr(F[k], name)(pair(x)[k], 2) for k in (0, 1))
        assert isinstance(mine, tuple)
        for m, t in zip(mine, theirs, strict=True):
            close(m, t)
        agree(lambda k, x, name=name: getattr(F[k], name)(x, 2)[0], [x])


@pytest.mark.parametrize(
    "settings", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}, {"kernel_size": 2, "stride": 1}], ids=str
)
def test_max_pool_among_infinities_and_nan(settings, rng):
    x = rng.choice([np.nan, -np.inf, np.inf, 0.0, 1.0], (4, 3, 8, 8), p=[0.1, 0.4, 0.1, 0.2, 0.2])
    mine, theirs = (F[k].max_pool2d(pair(x)[k], return_indices=True, **settings) for k in (0, 1))
    close(mine[0], theirs[0])
    close(mine[1], theirs[1])
    agree(lambda k, x: F[k].max_pool2d(x, **settings), [x])
    agree(lambda k, x: F[k].adaptive_max_pool2d(x, (3, 4)), [x])


def test_large_windows(rng):
    for distinct in (True, False):
        x = numbers(rng, (2, 3, 20, 30), distinct=distinct)
        x[0, 0, 3, 4] = x[0, 0, 3, 8] = np.nan
        for size in (1, 2, (1, 3)):
            agree(lambda k, x, size=size: F[k].adaptive_max_pool2d(x, size), [x])
            mine, theirs = (F[k].adaptive_max_pool2d(pair(x)[k], size, return_indices=True) for k in (0, 1))
            close(mine[1], theirs[1])
        agree(lambda k, x: F[k].max_pool2d(x, 9, 4, 4), [x])
        agree(lambda k, x: F[k].avg_pool2d(x, 12, 5, 6), [np.nan_to_num(x)])


def test_infinite_gradients_stay_where_they_are(rng):
    x = pair(numbers(rng, (1, 2, 4, 4)), True)
    for k in (0, 1):
        out = F[k].max_pool2d(x[k], 2)
        out.backward(pair(np.where(np.arange(8).reshape(1, 2, 2, 2) % 3, np.inf, np.nan))[k])
    close(x[0].grad, x[1].grad)


@pytest.mark.parametrize("settings", WINDOWS, ids=str)
@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_avg_pool(dims, include, settings, dtype, rng):
    for shape in SHAPES[dims]:
        for divisor in (None, 3, -2) if dims > 1 else (None,):
            more = {} if divisor is None else {"divisor_override": divisor}
            agree(
                lambda k, x, more=more: getattr(F[k], f"avg_pool{dims}d")(x, count_include_pad=include, **settings, **more),
                [numbers(rng, shape, dtype)],
                2 if dtype == "float64" else 1,
                TOLERANCES[dtype],
            )


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("name", ["adaptive_avg_pool", "adaptive_max_pool"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_adaptive(name, dims, dtype, rng):
    orders = 2 if dtype == "float64" else 1
    for shape in SHAPES[dims]:
        sizes = [1, 2, 3, 4, 5, 7, 13]
        if dims == 2:
            sizes += [(None, 3), (4, None), (None, None), (1, 5), (3, 1)]
        if dims == 3:
            sizes += [(None, 3, 2), (1, None, 1)]
        for size in sizes:
            for distinct in (True, False) if name == "adaptive_max_pool" else (True,):
                x = numbers(rng, shape, dtype, distinct)
                agree(lambda k, x, size=size: getattr(F[k], f"{name}{dims}d")(x, size), [x], orders, TOLERANCES[dtype])
                if name == "adaptive_max_pool":
                    mine, theirs = (getattr(F[k], f"{name}{dims}d")(pair(x)[k], size, return_indices=True) for k in (0, 1))
                    close(mine[1], theirs[1])


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("norm_type", [np.inf, -np.inf])
@pytest.mark.parametrize("settings", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "ceil_mode": True}], ids=str)
def test_lp_pool_of_infinite_order(dims, norm_type, settings, rng):
    """The largest and the smallest absolute value."""
    for distinct in (True, False):
        x = numbers(rng, SHAPES[dims][0], distinct=distinct)
        agree(lambda k, x: getattr(F[k], f"lp_pool{dims}d")(x, norm_type, **settings), [x])
    layers = [getattr(lib, f"LPPool{dims}d")(norm_type, **settings) for lib in (nn, torch.nn)]
    agree(lambda k, x: layers[k](x), [x])


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("norm_type", [1, 2, 3.5])
@pytest.mark.parametrize("settings", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 2}, {"kernel_size": 3, "ceil_mode": True}], ids=str)
def test_lp_pool(dims, norm_type, settings, rng):
    for shape in SHAPES[dims]:
        x = np.abs(numbers(rng, shape)) + 0.1
        agree(lambda k, x: getattr(F[k], f"lp_pool{dims}d")(x, norm_type, **settings), [x])
        if norm_type != 3.5:
            agree(lambda k, x: getattr(F[k], f"lp_pool{dims}d")(x, norm_type, **settings), [numbers(rng, shape) + 0.01], 1)


@pytest.mark.parametrize(
    "settings", [{"kernel_size": 2}, {"kernel_size": 3, "stride": 3}, {"kernel_size": 2, "stride": 3, "padding": 1}], ids=str
)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_max_unpool(dims, settings, rng):
    for shape in SHAPES[dims]:
        x = numbers(rng, shape)
        _, places = getattr(F[1], f"max_pool{dims}d")(torch.tensor(x), return_indices=True, **settings)
        values = rng.standard_normal(tuple(places.shape))
        for size in (None, shape[-dims:], shape if len(shape) == dims + 2 else None):

            def unpool(k, v, size=size, places=places):
                return getattr(F[k], f"max_unpool{dims}d")(v, pair(places.numpy())[k], output_size=size, **settings)

            try:
                unpool(1, torch.tensor(values))
            except (RuntimeError, ValueError):  # where the usual size is too small for the places, or this one does not pool to it
                same_error(lambda k, unpool=unpool, values=values: unpool(k, pair(values)[k]))
            else:
                agree(unpool, [values])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "int16"])
def test_integers(dtype, rng):
    x = rng.integers(0, 100, (2, 3, 7, 8)).astype(dtype)
    for settings in ({"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1}):
        agree(lambda k, x, settings=settings: F[k].max_pool2d(x, **settings), [x], 0)
        if dtype == "int64":
            agree(lambda k, x, settings=settings: F[k].avg_pool2d(x, **settings), [x], 0)
            agree(lambda k, x, settings=settings: F[k].avg_pool2d(x - 50, **settings), [x], 0)


def test_half(rng):
    x = numbers(rng, (2, 3, 9, 8), "float16")
    agree(lambda k, x: F[k].max_pool2d(x, 3, 2, 1), [x], 1, 1e-2)
    agree(lambda k, x: F[k].avg_pool2d(x, 3, 2, 1), [x], 1, 1e-2)
    agree(lambda k, x: F[k].adaptive_avg_pool2d(x, 4), [x], 1, 1e-2)


def test_no_examples():
    for k in (0, 1):
        x = (ag, torch)[k].zeros(0, 2, 6, 6, requires_grad=True)
        for result in (F[k].max_pool2d(x, 2), F[k].avg_pool2d(x, 2), F[k].adaptive_avg_pool2d(x, 4), F[k].adaptive_max_pool2d(x, 4)):
            result.sum().backward()
            assert tuple(result.shape)[:2] == (0, 2)
        assert tuple(x.grad.shape) == (0, 2, 6, 6)
        for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices"):
            out = getattr(F[k], name)((ag, torch)[k].zeros(1, 2, 5, 6), (0, 3))
            for part in out if isinstance(out, tuple) else (out,):
                assert tuple(part.shape) == (1, 2, 0, 3)


WRONG = [
    "F.max_pool2d(x, 7)",
    "F.max_pool2d(x, 0)",
    "F.max_pool2d(x, -1)",
    "F.max_pool2d(x, 2.0)",
    "F.max_pool2d(x, (2, 2, 2))",
    "F.max_pool2d(x, 2, stride=0)",
    "F.max_pool2d(x, 2, padding=2)",
    "F.max_pool2d(x, 2, padding=-1)",
    "F.max_pool2d(x, 2, dilation=0)",
    "F.max_pool2d(x, 3, 1, 2, 2)",
    "F.max_pool1d(x[0], 2, 1, 2, 3)",
    "F.max_pool3d(x[None], (1, 2, 2), 1, (0, 2, 0), (1, 3, 1))",
    "F.max_pool2d(x[0, 0], 2)",
    "F.max_pool2d(x[None], 2)",
    "F.max_pool2d(x[:, :0], 2)",
    "F.max_pool1d(x, 2)",
    "F.max_pool3d(x[0, 0], 2)",
    "F.avg_pool2d(x, 7)",
    "F.avg_pool2d(x, 2, padding=2)",
    "F.avg_pool2d(x, 2, stride=0)",
    "F.avg_pool2d(x, 2, divisor_override=0)",
    "F.avg_pool2d(x, 2, divisor_override=2.5)",
    "F.avg_pool2d(x, 2, divisor_override=True)",
    "F.avg_pool2d(x[:, :, :0], 2)",
    "F.avg_pool1d(x[0], 2, padding=2)",
    "F.adaptive_avg_pool2d(x, (3,))",
    "F.adaptive_avg_pool2d(x, (3, 3, 3))",
    "F.adaptive_avg_pool2d(x, (-1, 3))",
    "F.adaptive_avg_pool2d(x, None)",
    "F.adaptive_avg_pool2d(x, 2.5)",
    "F.adaptive_avg_pool2d(x[0, 0], 2)",
    "F.adaptive_avg_pool2d(x[:, :, :0], 2)",
    "F.adaptive_max_pool2d(x, (-1, 3))",
    "F.adaptive_max_pool2d(x[:, :0], 2)",
    "F.adaptive_max_pool1d(x[0], None)",
    "F.max_unpool2d(x, i.int(), 2)",
    "F.max_unpool2d(x, i + 10000, 2)",
    "F.max_unpool2d(x, i[:, :1], 2)",
    "F.max_unpool2d(x, i, 2, output_size=(90, 90))",
    "F.max_unpool2d(x, i, 2, output_size=(5,))",
    "F.max_unpool2d(x[0, 0], i[0, 0], 2)",
    "F.max_pool2d(3, 2)",
]


@pytest.mark.parametrize("call", WRONG)
def test_errors(call):
    def run(k):
        library = (ag, torch)[k]
        return eval(call, {"F": F[k], "x": library.zeros(1, 2, 5, 6), "i": library.zeros(1, 2, 5, 6, dtype=library.int64)})

    same_error(run)


# ---------------------------------------------------------------------- modules

MODULES = [
    *[(f"MaxPool{d}d", "(2)", d) for d in (1, 2, 3)],
    *[(f"MaxPool{d}d", "(3, stride=2, padding=1, ceil_mode=True)", d) for d in (1, 2, 3)],
    *[(f"MaxPool{d}d", "(2, 1, 0, 2)", d) for d in (1, 2, 3)],
    *[(f"AvgPool{d}d", "(3, 2, 1, True, False)", d) for d in (1, 2, 3)],
    *[(f"AvgPool{d}d", "(2)", d) for d in (1, 2, 3)],
    ("AvgPool2d", "((2, 3), stride=(2, 1), padding=(0, 1), divisor_override=5)", 2),
    ("AvgPool3d", "((1, 2, 3), divisor_override=5)", 3),
    ("MaxPool2d", "((2, 3), (1, 2), (1, 0))", 2),
    *[(f"AdaptiveAvgPool{d}d", "(3)", d) for d in (1, 2, 3)],
    *[(f"AdaptiveMaxPool{d}d", "(2)", d) for d in (1, 2, 3)],
    ("AdaptiveAvgPool2d", "((None, 2))", 2),
    ("AdaptiveMaxPool2d", "((3, None))", 2),
    *[(f"LPPool{d}d", "(2, 3, stride=2)", d) for d in (1, 2, 3)],
    *[(f"LPPool{d}d", "(1.0, 2, ceil_mode=True)", d) for d in (1, 2, 3)],
]


@pytest.mark.parametrize(("name", "made", "dims"), MODULES)
def test_modules(name, made, dims, rng):
    modules = [eval(f"lib.{name}{made}", {"lib": lib}) for lib in (nn, torch.nn)]
    assert repr(modules[0]) == repr(modules[1])
    assert list(modules[0].state_dict()) == list(modules[1].state_dict())
    for shape in SHAPES[dims]:
        x = numbers(rng, shape)
        agree(lambda k, x: modules[k](x), [np.abs(x) + 0.01 if "LP" in name else x])


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_pooling_and_back(dims, rng):
    pools = [getattr(lib, f"MaxPool{dims}d")(2, return_indices=True) for lib in (nn, torch.nn)]
    back = [getattr(lib, f"MaxUnpool{dims}d")(2, stride=2) for lib in (nn, torch.nn)]
    assert repr(back[0]) == repr(back[1])
    shape = SHAPES[dims][0]
    agree(lambda k, x: back[k](*pools[k](x), output_size=shape), [numbers(rng, shape)])
    adaptive = [getattr(lib, f"AdaptiveMaxPool{dims}d")(2, return_indices=True) for lib in (nn, torch.nn)]
    x = numbers(rng, shape)
    mine, theirs = (adaptive[k](pair(x)[k]) for k in (0, 1))
    close(mine[1], theirs[1])


NAMES = [f"{kind}{d}d" for kind in ("MaxPool", "MaxUnpool", "AvgPool", "LPPool", "AdaptiveAvgPool", "AdaptiveMaxPool") for d in (1, 2, 3)]


@pytest.mark.parametrize("name", NAMES)
def test_constructors(name):
    mine, theirs = (inspect.signature(getattr(lib, name)).parameters for lib in (nn, torch.nn))
    assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("name", ["max_unpool2d", "lp_pool1d", "lp_pool2d", "adaptive_avg_pool2d", "max_pool2d_with_indices"])
def test_arguments(name):
    mine, theirs = (inspect.signature(getattr(f, name)).parameters for f in F)
    assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in theirs.values()]
