"""Padding against PyTorch: values, gradients, double gradients, negative widths, errors, layers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import TOLERANCES, agree, pair, same_error  # noqa: E402

F = (nn.functional, torch.nn.functional)
MODES = ["constant", "reflect", "replicate", "circular"]
SHAPES = [(2, 3, 4), (3, 4), (2, 3, 5), (1, 2, 3, 4), (2, 2, 3, 2, 4)]


def round_more_than_is_left(shape, widths):
    """Whether one side cuts and the other goes round all that is left and on: PyTorch gives numbers that nobody wrote, or an error."""
    sides = zip(shape[::-1], widths[::2], widths[1::2])
    return len(shape) - len(widths) // 2 in (1, 2) and any(max(a, b) > n + min(a, 0) + min(b, 0) for n, a, b in sides)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sides", [2, 4, 6])
def test_drawn_widths(mode, shape, sides):
    """Whatever the widths: what PyTorch pads is padded alike, what it refuses is refused."""
    rng = np.random.default_rng(sides)
    x = rng.standard_normal(shape)
    for _ in range(15):
        widths = tuple(int(n) for n in rng.integers(-3, 5, sides))
        if mode == "circular" and round_more_than_is_left(shape, widths):
            with pytest.raises(RuntimeError, match="circular"):
                F[0].pad(ag.tensor(x), widths, mode)
            continue
        try:
            theirs = F[1].pad(torch.tensor(x), widths, mode)
        except (RuntimeError, ValueError):
            same_error(lambda k, widths=widths: F[k].pad(pair(x)[k], widths, mode))
            continue
        pad = lambda k, x, widths=widths: F[k].pad(x, widths, mode)
        agree(pad, [x], 2 if theirs.numel() else 0)  # of nothing, PyTorch's gradient is memory that nobody wrote


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_widths_within(mode, dtype, rng):
    cases = [
        ((3, 7), (2, 3)),
        ((2, 3, 7), (2, 3)),
        ((2, 3, 5, 6), (1, 2, 3, 4)),
        ((3, 5, 6), (0, 0, 2, 1)),
        ((2, 3, 4, 5, 6), (1, 2, 2, 1, 3, 0)),
    ]
    for shape, widths in cases:
        x = rng.standard_normal(shape).astype(dtype)
        agree(lambda k, x, widths=widths: F[k].pad(x, widths, mode), [x], 2 if dtype == "float64" else 1, TOLERANCES[dtype])


@pytest.mark.parametrize(
    "widths", [(), (1, 2), (1, 2, 3, 4), (1, 0, 0, 1, 2, 2), (0, 1, 1, 0, 1, 1, 2, 0), (-1, 2, 1, -1), (-2, -1), (-4, 0)]
)
@pytest.mark.parametrize("value", [None, 2.5, -np.inf])
def test_constants(widths, value, rng):
    agree(lambda k, x: F[k].pad(x, widths, "constant", value), [rng.standard_normal((2, 3, 4, 5))])


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool", "float16", "complex128"])
@pytest.mark.parametrize("mode", MODES)
def test_dtypes(mode, dtype):
    x = np.arange(6).reshape(1, 2, 3).astype(dtype)
    if mode == "constant" or dtype != "bool":
        agree(lambda k, x: F[k].pad(x, (1, 2), mode), [x], 0)
    if mode == "constant":
        agree(lambda k, x: F[k].pad(x, (1, 2), mode, 1), [x], 0)


def test_numpy_integers():
    """As widths, of the function and of the layers, and as the value."""
    x = np.ones((1, 2, 3))
    agree(lambda k, x: F[k].pad(x, (np.int64(1), 2), "constant", np.float32(2)), [x])
    agree(lambda k, x: F[k].pad(x, (1, np.int32(2)), "constant", np.int64(2)), [x])
    agree(lambda k, x: (nn, torch.nn)[k].ZeroPad1d(np.int64(1))(x), [x])
    agree(lambda k, x: F[k].pad(x, (1, 2), "constant", (ag, torch)[k].tensor(2)), [x])


def test_no_examples():
    for mode in MODES:
        for k in (0, 1):
            assert tuple(F[k].pad((ag, torch)[k].zeros(0, 2, 3, 4), (1, 1, 1, 1), mode).shape) == (0, 2, 5, 6)


WRONG = [
    "F.pad(x, (1,))",
    "F.pad(x, 1)",
    "F.pad(x, (1.0, 2))",
    "F.pad(x, (1,) * 10)",
    "F.pad(x, (-5, 2))",
    "F.pad(x, (-3, -3, 0, 0))",
    "F.pad(x, (1, 1), 'nosuch')",
    "F.pad(x, (1, 1), 'reflect')",
    "F.pad(x, (1, 1, 1, 1), 'reflect', 1.0)",
    "F.pad(x, (4, 4, 0, 0), 'reflect')",
    "F.pad(x, (5, 0, 0, 0), 'circular')",
    "F.pad(x, (-3, -3, 0, 0), 'circular')",
    "F.pad(x, (-3, -3, 0, 0), 'replicate')",
    "F.pad(x, (), 'reflect')",
    "F.pad(x[0, 0, 0], (1, 1), 'replicate')",
    "F.pad(x[:, :0], (1, 1, 1, 1), 'replicate')",
    "F.pad(x[:, :, :0], (1, 1, 1, 1), 'reflect')",
    "F.pad(x[:, :, :0], (1, 1, 1, 1), 'circular')",
    "F.pad([1.0, 2.0], (1, 1))",
    "F.pad(x, (1, 1), 'constant', 'a')",
    "F.pad(x, (1, 1), 'constant', 1j)",
    "F.pad(x, (1, 1), 'constant', 1e300)",
    "F.pad(x.to(L.uint8), (1, 1), 'constant', -1)",
    "F.pad(x.to(L.uint8), (1, 1), 'constant', 300)",
    "F.pad(x.to(L.int8), (1, 1), 'constant', 200)",
    "F.pad(x.to(L.int64), (1, 1), 'constant', float('nan'))",
    "F.pad(x.to(L.int64), (1, 1), 'constant', float('inf'))",
    "F.pad(x, (1, 1), 'constant', L.ones(2))",
    "F.pad(x, (1, 1), 'constant', L.ones((), requires_grad=True))",
    "nn.ZeroPad2d(True)(x)",
    "nn.CircularPad2d(1)(x[0, 0])",
    "nn.CircularPad1d(1)(x)",
    "nn.ReflectionPad2d(1)(x[0, 0])",
]


@pytest.mark.parametrize("call", WRONG)
def test_errors(call):
    names = [{"F": F[k], "L": library, "nn": (nn, torch.nn)[k], "x": library.zeros(1, 2, 3, 4)} for k, library in enumerate((ag, torch))]
    same_error(lambda k: eval(call, names[k]))


LAYERS = [f"{kind}Pad{d}d" for kind in ("Zero", "Constant", "Reflection", "Replication", "Circular") for d in (1, 2, 3)]


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, rng):
    dims = int(name[-2])
    more = (2.5,) if "Constant" in name else ()
    mine, theirs = (inspect.signature(getattr(lib, name)).parameters for lib in (nn, torch.nn))
    assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in theirs.values()]
    for widths in (1, (2, 1, 0, 1, 1, 2)[: 2 * dims], (1, -1, 2, 0, -1, 1)[: 2 * dims]):
        layers = [getattr(lib, name)(widths, *more) for lib in (nn, torch.nn)]
        assert repr(layers[0]) == repr(layers[1])
        assert layers[0].padding == layers[1].padding
        for shape in [(2, 3, 4, 5, 6)[: dims + 2], (3, 4, 5, 6)[: dims + 1]]:
            agree(lambda k, x, layers=layers: layers[k](x), [rng.standard_normal(shape)])
