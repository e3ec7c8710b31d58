"""Convolutions against PyTorch: values, first and second derivatives, modules from one state, constructors, print, errors."""

from __future__ import annotations

import inspect
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from autograd_core.kernels import conv as kernel  # noqa: E402
from tests.parity.agreement import TOLERANCES, agree, close, modules_agree, pair, same_error  # noqa: E402

F = (nn.functional, torch.nn.functional)
NN = (nn, torch.nn)
DTYPES = ["float64", "float32"]
SIZES = {1: (9,), 2: (7, 6), 3: (5, 6, 5)}
CONV = [
    {},
    {"padding": 1},
    {"stride": 2},
    {"stride": 3, "padding": 2},
    {"dilation": 2},
    {"stride": 2, "padding": 2, "dilation": 2},
    {"padding": "same"},
    {"padding": "same", "dilation": 2},
    {"padding": "valid", "stride": 2},
    {"groups": 2, "padding": 1},
    {"groups": 2, "stride": 2},
    {"groups": 4, "padding": 1},
    {"groups": 4, "stride": 2, "dilation": 2, "padding": 3},
]
TRANSPOSED = [
    {},
    {"padding": 1},
    {"stride": 2},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": 3, "padding": 1, "output_padding": 2},
    {"dilation": 2, "output_padding": 1},
    {"stride": 2, "dilation": 3, "padding": 2, "output_padding": 2},
    {"groups": 2, "stride": 2},
    {"groups": 4, "padding": 1},
]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """PyTorch's threads wait for each other on a busy machine, a hundred times as long as these small convolutions take."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


def weights_of(rng, dims, wide, deep, kernels, dtype):
    return rng.standard_normal((wide, deep, *kernels[:dims])).astype(dtype)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("kernels", [(3, 3, 3), (2, 1, 3), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("settings", CONV, ids=str)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_convolution(dims, settings, kernels, rng):
    groups = settings.get("groups", 1)
    name = f"conv{dims}d"
    for dtype, biased, batched in (("float64", True, True), ("float64", False, False), ("float32", True, True)):
        shape = ((2,) if batched else ()) + (4, *SIZES[dims])
        arrays = [rng.standard_normal(shape).astype(dtype), weights_of(rng, dims, 8, 4 // groups, kernels, dtype)]
        arrays += [rng.standard_normal(8).astype(dtype)] if biased else []
        call = lambda k, x, w, b=None: getattr(F[k], name)(x, w, b, **settings)
        agree(call, arrays, 2 if dtype == "float64" and kernels[0] > 1 else 1, TOLERANCES[dtype])


@pytest.mark.parametrize("kernels", [(3, 3, 3), (4, 1, 2)], ids=str)
@pytest.mark.parametrize("settings", TRANSPOSED, ids=str)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_transposed_convolution(dims, settings, kernels, rng):
    groups = settings.get("groups", 1)
    name = f"conv_transpose{dims}d"
    size = (4, 3, 3)[:dims]
    for dtype, biased, batched in (("float64", True, True), ("float64", False, False), ("float32", True, True)):
        shape = ((2,) if batched else ()) + (4, *size)
        arrays = [rng.standard_normal(shape).astype(dtype), weights_of(rng, dims, 4, 8 // groups, kernels, dtype)]
        arrays += [rng.standard_normal(8).astype(dtype)] if biased else []
        call = lambda k, x, w, b=None: getattr(F[k], name)(x, w, b, **settings)
        agree(call, arrays, 2 if dtype == "float64" else 1, TOLERANCES[dtype])


@pytest.mark.parametrize(
    "pairs", [{"stride": (2, 1)}, {"padding": (0, 2)}, {"dilation": (1, 2)}, {"stride": [1, 3], "padding": [1, 0]}], ids=str
)
def test_a_number_for_each_dimension(pairs, rng):
    arrays = [rng.standard_normal((2, 2, 7, 8)), rng.standard_normal((3, 2, 2, 3))]
    agree(lambda k, x, w: F[k].conv2d(x, w, **pairs), arrays)
    arrays = [rng.standard_normal((2, 2, 4, 3)), rng.standard_normal((2, 3, 2, 3))]
    agree(lambda k, x, w: F[k].conv_transpose2d(x, w, **pairs), arrays)


LARGE = [  # (channels in, out, groups, size, kernel, settings): what is cut into chunks and blocks, shared among threads, merged
    (3, 16, 1, (40, 41), 3, {"padding": 1}),
    (16, 24, 1, (28, 28), 3, {"padding": 1}),
    (40, 48, 1, (4, 4), 3, {"padding": 1}),
    (24, 24, 24, (20, 20), 3, {"padding": 1}),
    (24, 16, 2, (30, 30), (5, 3), {"padding": (2, 1), "stride": 2}),
    (16, 16, 1, (33, 64), 3, {"padding": 2, "dilation": 2}),
    (32, 24, 1, (16, 16), 1, {}),
    (3, 8, 1, (64, 64), 7, {"stride": 2, "padding": 3}),
]


@pytest.mark.parametrize("chunk", [kernel.CHUNK, 1 << 15])
@pytest.mark.parametrize(("deep", "wide", "groups", "size", "kernels", "settings"), LARGE)
def test_large(deep, wide, groups, size, kernels, settings, chunk, rng, monkeypatch):
    monkeypatch.setattr(kernel, "CHUNK", chunk)
    monkeypatch.setattr(kernel, "SMALL", 0)
    kernels = kernels if isinstance(kernels, tuple) else (kernels, kernels)
    for dtype in DTYPES:
        scale = np.sqrt(deep // groups * np.prod(kernels))
        arrays = [
            rng.standard_normal((3, deep, *size)),
            rng.standard_normal((wide, deep // groups, *kernels)) / scale,
            rng.standard_normal(wide),
        ]
        mine, theirs = zip(*[pair(a.astype(dtype), True) for a in arrays], strict=True)
        out, expected = F[0].conv2d(*mine, groups=groups, **settings), F[1].conv2d(*theirs, groups=groups, **settings)
        close(out, expected, TOLERANCES[dtype])
        g = pair(rng.standard_normal(tuple(out.shape)).astype(dtype))
        for which in ((0, 1, 2), (1,), (0,)):
            found = ag.autograd.grad(out, [mine[i] for i in which], g[0], retain_graph=True)
            wanted = torch.autograd.grad(expected, [theirs[i] for i in which], g[1], retain_graph=True)
            for a, b in zip(found, wanted, strict=True):
                close(a / b.abs().max().item(), b / b.abs().max(), TOLERANCES[dtype])
        if groups == 1 and "dilation" not in settings:
            back, yours = (F[k].conv_transpose2d(g[k], (mine, theirs)[k][1], None, **settings) for k in (0, 1))
            close(back, yours, TOLERANCES[dtype])
            x, y = pair(rng.standard_normal(tuple(back.shape)).astype(dtype))
            found = ag.autograd.grad(back, mine[1], x)
            wanted = torch.autograd.grad(yours, theirs[1], y)
            close(found[0] / wanted[0].abs().max().item(), wanted[0] / wanted[0].abs().max(), TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", ["float16", "complex64", "complex128", "int64"])
def test_other_dtypes(dtype, rng):
    draw = lambda *shape: (rng.integers(-4, 5, shape) + (1j * rng.integers(-4, 5, shape) if dtype[0] == "c" else 0)).astype(dtype)
    arrays = [draw(2, 4, 5, 4), draw(6, 4, 3, 2), draw(6)]
    for name, settings in (("conv2d", {"padding": 1}), ("conv2d", {"stride": 2}), ("conv_transpose2d", {"stride": 2})):
        x, w, b = arrays if name == "conv2d" else (arrays[0], arrays[1].swapaxes(0, 1).copy(), arrays[2])
        if dtype == "int64" and name != "conv2d":
            continue
        mine, theirs = zip(*[pair(a, dtype != "int64") for a in (x, w, b)], strict=True)
        out, expected = getattr(F[0], name)(*mine, **settings), getattr(F[1], name)(*theirs, **settings)
        close(out, expected, 1e-2 if dtype == "float16" else 1e-5)
        if dtype == "int64":
            continue
        g = pair(draw(*out.shape))
        found, wanted = ag.autograd.grad(out, mine, g[0]), torch.autograd.grad(expected, theirs, g[1])
        for a, e in zip(found, wanted, strict=True):
            close(a, e, 1e-2 if dtype == "float16" else 1e-4)


# ---------------------------------------------------------------------- modules

MODULES = [
    ("Conv1d", (4, 6, 3), {}, (2, 4, 8)),
    ("Conv1d", (4, 6, 3), {"padding": "same", "padding_mode": "circular"}, (2, 4, 8)),
    ("Conv1d", (4, 6, 3), {"padding": 2, "stride": 2, "padding_mode": "reflect", "bias": False}, (4, 8)),
    ("Conv1d", (4, 4, 4), {"padding": "same", "padding_mode": "replicate", "groups": 2}, (1, 4, 8)),
    ("Conv2d", (3, 5, 3), {"padding": 1}, (2, 3, 6, 5)),
    ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}, (2, 4, 7, 6)),
    ("Conv2d", (3, 5, 3), {"padding": 1, "padding_mode": "reflect"}, (2, 3, 6, 5)),
    ("Conv2d", (3, 5, 3), {"padding": (2, 1), "padding_mode": "replicate"}, (3, 6, 5)),
    ("Conv2d", (3, 5, 3), {"padding": (1, 2), "padding_mode": "circular"}, (2, 3, 6, 5)),
    ("Conv2d", (3, 5, (4, 3)), {"padding": "same", "padding_mode": "reflect"}, (2, 3, 6, 5)),
    ("Conv2d", (3, 5, (3, 5)), {"padding": "same", "dilation": (2, 1), "bias": False}, (3, 6, 7)),
    ("Conv2d", (3, 5, 3), {"padding": "valid", "padding_mode": "circular"}, (2, 3, 6, 5)),
    ("Conv3d", (2, 4, (1, 2, 3)), {"padding": (0, 1, 1)}, (2, 2, 3, 4, 4)),
    ("Conv3d", (2, 4, 2), {"stride": 2, "padding": 1, "groups": 2, "padding_mode": "replicate"}, (2, 3, 4, 4)),
    ("Conv3d", (2, 2, 3), {"padding": 1, "padding_mode": "circular"}, (1, 2, 3, 4, 3)),
    ("ConvTranspose1d", (4, 6, 3), {"stride": 2, "padding": 1, "output_padding": 1}, (2, 4, 5)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "groups": 2}, (2, 4, 3, 4)),
    ("ConvTranspose2d", (4, 6, (2, 3)), {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1), "bias": False}, (4, 3, 4)),
    ("ConvTranspose3d", (2, 4, 2), {"stride": (2, 1, 2), "output_padding": (1, 0, 1)}, (1, 2, 2, 3, 2)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "args", "settings", "shape"), MODULES, ids=str)
def test_module(name, args, settings, shape, dtype, rng):
    mine, theirs = (getattr(library, name)(*args, **settings) for library in NN)
    assert repr(mine) == repr(theirs)
    assert mine._reversed_padding_repeated_twice == tuple(theirs._reversed_padding_repeated_twice)
    modules_agree(mine, theirs, [rng.standard_normal(shape)], dtype)


@pytest.mark.parametrize("name", sorted({m[0] for m in MODULES}))
def test_constructor(name):
    told = [[(p.name, p.default) for p in inspect.signature(getattr(library, name)).parameters.values()] for library in NN]
    assert told[0] == told[1]


@pytest.mark.parametrize("size", [(9,), (10,), (2, 6, 9), (2, 6, 10)], ids=str)
def test_output_size(size, rng):
    modules = [library.ConvTranspose1d(4, 6, 3, stride=2) for library in NN]
    modules[0].load_state_dict({k: ag.tensor(v.numpy()) for k, v in modules[1].state_dict().items()})
    x = pair(rng.standard_normal((2, 4, 4)).astype("float32"))
    close(modules[0](x[0], output_size=size), modules[1](x[1], output_size=size), 1e-5)


@pytest.mark.parametrize(("name", "args", "settings"), [m[:3] for m in MODULES], ids=str)
def test_first_values_have_the_same_distribution(name, args, settings):
    """Uniform within the same bounds: the largest of many comes close to them."""
    bounds = []
    for library in NN:
        modules = [getattr(library, name)(*args, **settings) for _ in range(40)]
        bounds.append([max(abs(getattr(m, p)).max().item() for m in modules) for p, _ in modules[0].named_parameters()])
    np.testing.assert_allclose(*bounds, rtol=0.1)


# ---------------------------------------------------------------------- errors

X, W = (2, 4, 8, 8), (6, 4, 3, 3)
WRONG = [
    ("conv2d", (2, 3, 8, 8), W, {}),
    ("conv2d", (2, 4, 2, 2), W, {}),
    ("conv2d", (2, 4, 8), W, {}),
    ("conv2d", (2, 4, 8, 1, 1), W, {}),
    ("conv2d", X, (6, 4, 3), {}),
    ("conv2d", X, (0, 4, 3, 3), {}),
    ("conv2d", X, (6, 4, 0, 3), {}),
    ("conv2d", X, (5, 2, 3, 3), {"groups": 2}),
    *[("conv2d", X, W, {"groups": g}) for g in (0, -1, 2, 1.0)],
    *[("conv2d", X, W, {n: v}) for n, v in product(("stride", "dilation"), (0, -1, (1, 2, 3), 1.5, "a"))],
    *[("conv2d", X, W, {"padding": p}) for p in (-1, (1, 2, 3), 1.5, "foo")],
    ("conv2d", X, W, {"padding": "same", "stride": 2}),
    ("conv2d", (2, 4, 0, 8), W, {"padding": 1}),
    ("conv_transpose2d", X, (3, 4, 3, 3), {}),
    ("conv_transpose2d", X, (4, 4, 3, 3), {"output_padding": 1}),
    ("conv_transpose2d", X, (4, 4, 3, 3), {"output_padding": -1, "stride": 2}),
    ("conv_transpose2d", X, (4, 4, 3, 3), {"padding": "same"}),
    ("conv_transpose2d", X, (4, 4, 3, 3), {"padding": -1}),
    ("conv_transpose2d", X, (4, 4, 3, 3), {"groups": 3}),
    ("conv_transpose2d", (1, 4, 1, 1), (4, 4, 3, 3), {"padding": 2}),
    ("conv_transpose2d", (1, 4, 1, 1), (4, 4, 2, 2), {"padding": 1}),
]


@pytest.mark.parametrize(("name", "x", "w", "settings"), WRONG, ids=str)
def test_wrong_arguments(name, x, w, settings):
    same_error(lambda k: getattr(F[k], name)((ag, torch)[k].ones(x), (ag, torch)[k].ones(w), **settings))


MORE_WRONG = {
    "bias of another length": lambda L, F, nn: F.conv2d(L.ones(X), L.ones(W), L.ones(5)),
    "bias of two dimensions": lambda L, F, nn: F.conv2d(L.ones(X), L.ones(W), L.ones(6, 1)),
    "transposed, bias": lambda L, F, nn: F.conv_transpose2d(L.ones(X), L.ones(4, 4, 3, 3), L.ones(3)),
    "dtypes": lambda L, F, nn: F.conv2d(L.ones(X), L.ones(W).double()),
    "dtype of the bias": lambda L, F, nn: F.conv2d(L.ones(X), L.ones(W), L.ones(6).double()),
    "a list": lambda L, F, nn: F.conv2d([1.0], L.ones(W)),
    "no weight": lambda L, F, nn: F.conv2d(L.ones(X), None),
    "groups that do not divide": lambda L, F, nn: nn.Conv2d(4, 6, 3, groups=3),
    "groups that do not divide the outputs": lambda L, F, nn: nn.Conv2d(4, 6, 3, groups=4),
    "no groups": lambda L, F, nn: nn.Conv2d(4, 6, 3, groups=0),
    "padding": lambda L, F, nn: nn.Conv2d(4, 6, 3, padding="foo"),
    "same with a stride": lambda L, F, nn: nn.Conv2d(4, 6, 3, padding="same", stride=2),
    "padding_mode": lambda L, F, nn: nn.Conv2d(4, 6, 3, padding_mode="foo"),
    "padding_mode transposed": lambda L, F, nn: nn.ConvTranspose2d(4, 6, 3, padding_mode="reflect"),
    "negative channels": lambda L, F, nn: nn.Conv2d(4, -6, 3),
    "output_size": lambda L, F, nn: nn.ConvTranspose2d(4, 6, 3, stride=2)(L.ones(X), output_size=(19, 18)),
    "output_size of another length": lambda L, F, nn: nn.ConvTranspose2d(4, 6, 3, stride=2)(L.ones(X), output_size=(18,)),
    "channels": lambda L, F, nn: nn.Conv2d(4, 6, 3)(L.ones(2, 3, 8, 8)),
    "mirrored further than there is": lambda L, F, nn: nn.Conv2d(4, 6, 3, padding=9, padding_mode="reflect")(L.ones(X)),
    "round more than once": lambda L, F, nn: nn.Conv2d(4, 6, 3, padding=9, padding_mode="circular")(L.ones(X)),
}


@pytest.mark.parametrize("name", MORE_WRONG)
def test_more_wrong_arguments(name):
    same_error(lambda k: MORE_WRONG[name]((ag, torch)[k], F[k], NN[k]))


@pytest.mark.parametrize(("name", "kernels"), [("conv2d", (6, 4, 3, 3)), ("conv_transpose2d", (4, 6, 3, 3))])
def test_empty_batch(name, kernels):
    for k, library in enumerate((ag, torch)):
        x = library.ones((0, 4, 8, 8), requires_grad=True)
        w = library.ones(kernels, requires_grad=True)
        out = getattr(F[k], name)(x, w, padding=1)
        assert tuple(out.shape) == (0, 6, 8, 8)
        out.sum().backward()
        assert tuple(x.grad.shape) == (0, 4, 8, 8)
        assert not w.grad.any()
