"""Resampling, grids, shuffles and patches against PyTorch: values, first and second derivatives, errors, layers."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="parity extra not installed")

import autograd_core as ag  # noqa: E402
import nn  # noqa: E402
from tests.parity.agreement import TOLERANCES, agree, pair, same_error  # noqa: E402

F = (nn.functional, torch.nn.functional)
SHAPES = {3: (2, 3, 7), 4: (2, 3, 5, 6), 5: (2, 2, 3, 4, 5)}
RANKS = {
    "linear": [3],
    "bilinear": [4],
    "bicubic": [4],
    "trilinear": [5],
    "nearest": [3, 4, 5],
    "nearest-exact": [3, 4, 5],
    "area": [3, 4, 5],
}
SIZES = [1, 2, 3, 5, 8, 13]
SCALES = [2, 0.5, 1.0, 1.7, 2.5, 0.34, 3.999]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("align", [None, False, True])
@pytest.mark.parametrize("mode", RANKS)
def test_interpolate(mode, align, dtype, rng):
    if align is not None and (mode == "area" or "nearest" in mode):
        return
    orders = 2 if dtype == "float64" else 1
    for ndim in RANKS[mode]:
        x = rng.standard_normal(SHAPES[ndim]).astype(dtype)
        several = {3: (4,), 4: (3, 9), 5: (5, 2, 7)}[ndim]
        ways = [{"size": size} for size in (*SIZES, several)]
        ways += [{"scale_factor": scale} for scale in (*SCALES, (1.7, 2.0, 0.7)[: ndim - 2])]
        ways += [{"scale_factor": 1.7, "recompute_scale_factor": True}, {"scale_factor": 0.55, "recompute_scale_factor": False}]
        for way in ways:
            agree(lambda k, x, way=way: F[k].interpolate(x, mode=mode, align_corners=align, **way), [x], orders, TOLERANCES[dtype])


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_interpolate_without_aliases(mode, align, dtype, rng):
    if align and mode == "lanczos":
        same_error(lambda k: F[k].interpolate(pair(np.ones((1, 1, 4, 4)))[k], 2, mode=mode, align_corners=True, antialias=True))
        return
    for shape in [(2, 3, 9, 12), (1, 2, 20, 8)]:  # not down to a width of 1, where PyTorch takes one row for all
        x = rng.standard_normal(shape).astype(dtype)
        for way in (
            {"size": (4, 5)},
            {"size": (2, 20)},
            {"size": (1, 12)},
            {"size": (9, 5)},
            {"scale_factor": 0.3},
            {"scale_factor": (0.6, 2.1)},
        ):
            agree(
                lambda k, x, way=way: F[k].interpolate(x, mode=mode, align_corners=align, antialias=True, **way),
                [x],
                2 if dtype == "float64" else 1,
                TOLERANCES[dtype],
            )


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_takes_the_entries_that_pytorch_takes(mode):
    """Rounding included: for float32 pictures, where PyTorch rounds in float32."""
    for n in (1, 2, 3, 7, 10, 13, 37, 100):
        x = np.arange(n, dtype="float32").reshape(1, 1, 1, n)
        for size in (*range(1, 40), 111, 1000):
            agree(lambda k, x, size=size: F[k].interpolate(x, (1, size), mode=mode), [x], 0)
        for scale in (0.1, 0.3, 1 / 3, 0.7, 1.1, 1.9, 3.3, 7.77, 10.0):
            if int(n * scale):
                agree(lambda k, x, scale=scale: F[k].interpolate(x, scale_factor=(1.0, scale), mode=mode), [x], 0)


@pytest.mark.parametrize("ndim", [3, 4, 5])
@pytest.mark.parametrize(
    ("mode", "settings"), [("nearest", {}), ("bicubic", {}), ("bilinear", {"antialias": True}), ("bicubic", {"antialias": True})]
)
def test_a_scale_that_leaves_the_lengths(mode, settings, ndim, rng):
    """The values are PyTorch's; the gradient is theirs, where PyTorch takes that of another map."""
    if mode != "nearest" and ndim != 4:
        return
    agree(lambda k, x: F[k].interpolate(x, scale_factor=1.05, mode=mode, **settings), [rng.standard_normal(SHAPES[ndim])], 0)
    scales = tuple([1.05, 0.5, 2.0][: ndim - 2])
    agree(lambda k, x: F[k].interpolate(x, scale_factor=scales, mode=mode, **settings), [rng.standard_normal(SHAPES[ndim])], 0)
    x = ag.tensor(rng.standard_normal(SHAPES[ndim]), requires_grad=True)
    assert ag.autograd.gradcheck(lambda x: nn.functional.interpolate(x, scale_factor=1.05, mode=mode, **settings), (x,))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_pictures_of_whole_numbers(mode, rng):
    agree(lambda k, x: F[k].interpolate(x, scale_factor=1.5, mode=mode), [rng.integers(0, 255, (1, 3, 4, 6)).astype("uint8")], 0)


def test_interpolate_keeps_nan_where_it_is():
    x = np.zeros((1, 1, 6, 6))
    x[0, 0, 2, 3] = np.nan
    x[0, 0, 5, 0] = np.inf
    for mode in ("nearest", "bilinear", "area"):
        for size in (3, 4, 9):
            with np.errstate(invalid="ignore"):
                agree(lambda k, x, mode=mode, size=size: F[k].interpolate(x, size, mode=mode), [x], 0)


def test_no_examples():
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        for k in (0, 1):
            assert tuple(F[k].interpolate((ag, torch)[k].zeros(0, 2, 3, 4), scale_factor=2, mode=mode).shape) == (0, 2, 6, 8)
    agree(lambda k, x: F[k].interpolate(x, scale_factor=(0.3, 2), mode="area"), [np.ones((1, 2, 3, 4))], 0)


@pytest.mark.parametrize("name", ["upsample", "upsample_nearest", "upsample_bilinear"])
def test_old_names(name, rng):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agree(lambda k, x: getattr(F[k], name)(x, scale_factor=2), [rng.standard_normal((1, 2, 3, 4))])
    with pytest.warns(UserWarning, match="interpolate"):
        getattr(F[0], name)(ag.zeros(1, 1, 2, 2), 3)


# ---------------------------------------------------------------------- grids


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_grid_sample(mode, padding, align, dtype, rng):
    for shape, points in [((2, 3, 5, 6), (4, 7)), ((1, 2, 1, 4), (3, 3)), ((2, 2, 3, 4, 5), (2, 3, 4))]:
        if mode == "bicubic" and len(shape) == 5:
            continue
        x = rng.standard_normal(shape).astype(dtype)
        for width in (0.9, 1.3, 4.0):
            grid = rng.uniform(-width, width, (shape[0], *points, len(points))).astype(dtype)
            agree(lambda k, x, g: F[k].grid_sample(x, g, mode, padding, align), [x, grid], 1, TOLERANCES[dtype])


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_grid_sample_at_the_pixels_themselves(mode, padding, align, rng):
    """Where coordinates are whole, or at the edges: the side that the derivative is of is PyTorch's."""
    side = np.array([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
    grid = np.stack(np.meshgrid(side, side), -1)[None]
    agree(lambda k, x, g: F[k].grid_sample(x, g, mode, padding, align), [rng.standard_normal((1, 2, 5, 5)), grid], 1)


@pytest.mark.parametrize("padding", ["zeros", "border"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample_far_away(mode, padding, rng):
    grid = np.array([[1e6, 0.0], [0.1, -1e5], [-1e6, 1e6]]).reshape(1, 1, 3, 2)
    agree(lambda k, x, g: F[k].grid_sample(x, g, mode, padding, True), [rng.standard_normal((1, 2, 4, 5)), grid], 1)
    nan = np.array([[np.nan, 0.3], [0.1, np.nan]]).reshape(1, 1, 2, 2)
    if padding == "border" and mode != "bicubic":  # with zeros PyTorch gives NaN, though it says that NaN is taken as -1
        agree(lambda k, x: F[k].grid_sample(x, pair(nan)[k], mode, padding, True), [rng.standard_normal((1, 2, 4, 5))], 0)


@pytest.mark.parametrize("padding", ["border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("align", [False, True])
def test_grid_sample_at_infinity(align, mode, padding, rng):
    """The far border; and where it would be reflected without end, the first pixel. PyTorch's gradient may end the process."""
    grid = np.array([[np.inf, 0.1], [0.1, -np.inf], [np.inf, -np.inf], [0.3, 0.2]]).reshape(1, 1, 4, 2)
    agree(lambda k, x: F[k].grid_sample(x, pair(grid)[k], mode, padding, align), [rng.standard_normal((1, 2, 4, 5))], 0)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 3, 1, 5), (2, 1, 2, 3, 4), (2, 1, 1, 1, 1)], ids=str)
def test_affine_grid(size, align, rng):
    dims = len(size) - 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agree(lambda k, theta: F[k].affine_grid(theta, size, align), [rng.standard_normal((2, dims, dims + 1))])


def test_not_saying_what_corners_are_warns(rng):
    with pytest.warns(UserWarning, match="align_corners"):
        grid = nn.functional.affine_grid(ag.tensor(rng.standard_normal((1, 2, 3))), (1, 1, 2, 3))
    with pytest.warns(UserWarning, match="align_corners"):
        nn.functional.grid_sample(ag.ones(1, 1, 2, 2, dtype=ag.float64), grid)


# ---------------------------------------------------------------------- shuffles and patches


@pytest.mark.parametrize("shape", [(4, 2, 3), (2, 8, 2, 3), (2, 2, 12, 4, 2)], ids=str)
def test_pixel_shuffle(shape, rng):
    agree(lambda k, x: F[k].pixel_shuffle(x, 2), [rng.standard_normal(shape)])
    bigger = (*shape[:-2], shape[-2] * 3, shape[-1] * 3)
    agree(lambda k, x: F[k].pixel_unshuffle(x, 3), [rng.standard_normal(bigger)])


@pytest.mark.parametrize("shape", [(2, 6, 3), (2, 6, 3, 2), (1, 12, 2, 2, 2)], ids=str)
def test_channel_shuffle(shape, rng):
    for groups in (1, 2, 3, 6):
        agree(lambda k, x, groups=groups: F[k].channel_shuffle(x, groups), [rng.standard_normal(shape)])


PATCHES = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "stride": 2},
    {"kernel_size": 3, "padding": 1, "dilation": 2},
    {"kernel_size": (1, 3), "padding": (2, 1), "stride": (2, 3), "dilation": (1, 2)},
    {"kernel_size": 2, "padding": 3},
]


@pytest.mark.parametrize("settings", PATCHES, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_patches_and_back(settings, dtype, rng):
    orders = 2 if dtype == "float64" else 1
    for shape in [(2, 3, 6, 7), (3, 6, 7)]:
        x = rng.standard_normal(shape).astype(dtype)
        agree(lambda k, x: F[k].unfold(x, **settings), [x], orders, TOLERANCES[dtype])
        columns = tuple(F[1].unfold(torch.tensor(x), **settings).shape)
        y = rng.standard_normal(columns).astype(dtype)
        agree(lambda k, y: F[k].fold(y, (6, 7), **settings), [y], orders, TOLERANCES[dtype])


WRONG = [
    "F.interpolate(x)",
    "F.interpolate(x, 2, 2)",
    "F.interpolate(x, (2,))",
    "F.interpolate(x, (2, 3, 4))",
    "F.interpolate(x, scale_factor=(1, 2, 3))",
    "F.interpolate(x, 0)",
    "F.interpolate(x, -1)",
    "F.interpolate(x, scale_factor=0.1)",
    "F.interpolate(x, scale_factor=float('nan'))",
    "F.interpolate(x, scale_factor=float('inf'))",
    "F.interpolate(x, 2.5)",
    "F.interpolate(x, 'a')",
    "F.interpolate(x, (3, None))",
    "F.interpolate(x, scale_factor='a')",
    "F.interpolate(x, 2, mode='nosuch')",
    "F.interpolate(x, 2, mode='linear')",
    "F.interpolate(x[0], 2, mode='bilinear')",
    "F.interpolate(x[0], 2, mode='bicubic')",
    "F.interpolate(x[0, 0], 2)",
    "F.interpolate(x, 2, mode='trilinear')",
    "F.interpolate(x, 2, mode='nearest', align_corners=True)",
    "F.interpolate(x, 2, mode='area', align_corners=False)",
    "F.interpolate(x, 2, mode='nearest', antialias=True)",
    "F.interpolate(x[0], 2, mode='linear', antialias=True)",
    "F.interpolate(x, 2, recompute_scale_factor=True)",
    "F.interpolate(x[:, :0], 2)",
    "F.interpolate(x[:, :, :0], 2, mode='bilinear')",
    "F.grid_sample(x, g, mode='nosuch')",
    "F.grid_sample(x, g, padding_mode='nosuch')",
    "F.grid_sample(x, L.zeros(2, 3, 3, 2), align_corners=False)",
    "F.grid_sample(x, L.zeros(1, 3, 3, 3), align_corners=False)",
    "F.grid_sample(x[0], g, align_corners=False)",
    "F.grid_sample(x.double(), g, align_corners=False)",
    "F.grid_sample(L.zeros(1, 1, 2, 2, 2), L.zeros(1, 2, 2, 2, 3), mode='bicubic', align_corners=False)",
    "F.grid_sample(x[:, :, :0], g, align_corners=False)",
    "F.grid_sample(x, L.zeros(1, 3, 3, 3, 2), align_corners=False)",
    "F.affine_grid(t, (2, 1, 2, 3), align_corners=False)",
    "F.affine_grid(t[0], (1, 1, 2, 3), align_corners=False)",
    "F.affine_grid(t.long(), (1, 1, 2, 3), align_corners=False)",
    "F.affine_grid(t, (1, 1, 2, 3, 4), align_corners=False)",
    "F.affine_grid(t, (1, 1, 2), align_corners=False)",
    "F.affine_grid(t, (1, 1, 0, 2), align_corners=False)",
    "F.pixel_shuffle(x[0, 0], 2)",
    "F.pixel_shuffle(x, 2)",
    "F.pixel_shuffle(x, 0)",
    "F.pixel_shuffle(x, -2)",
    "F.pixel_shuffle(x, 1.0)",
    "F.pixel_unshuffle(x, 3)",
    "F.pixel_unshuffle(x[0, 0], 1)",
    "F.pixel_unshuffle(x, 0)",
    "F.channel_shuffle(x[0, 0], 1)",
    "F.channel_shuffle(x, 3)",
    "F.channel_shuffle(x, 0)",
    "F.unfold(x, 9)",
    "F.unfold(x[:, :0], 2)",
    "F.unfold(x, 0)",
    "F.unfold(x, 2, stride=0)",
    "F.unfold(x, 2, padding=-1)",
    "F.unfold(x, (2, 2, 2))",
    "F.fold(L.zeros(1, 5, 9), (4, 4), 2)",
    "F.fold(L.zeros(1, 4, 8), (4, 4), 2)",
    "F.fold(L.zeros(9), (4, 4), 2)",
    "F.fold(L.zeros(1, 4, 9), (4, 4, 4), 2)",
    "F.fold(L.zeros(1, 4, 9), (1, 1), 2)",
]


@pytest.mark.parametrize("call", WRONG)
def test_errors(call):
    def run(k):
        library = (ag, torch)[k]
        names = {"x": library.zeros(1, 2, 4, 5), "g": library.zeros(1, 3, 3, 2), "t": library.zeros(1, 2, 3)}
        return eval(call, {"F": F[k], "L": library, **names})

    same_error(run)


# ---------------------------------------------------------------------- layers

LAYERS = [
    ("Upsample(scale_factor=2)", (1, 2, 3, 4)),
    ("Upsample(scale_factor=1.5)", (1, 2, 5)),
    ("Upsample((2, 3), mode='bilinear', align_corners=True)", (1, 2, 3, 4)),
    ("Upsample(scale_factor=(2, 1.5), mode='bicubic')", (1, 2, 3, 4)),
    ("Upsample(scale_factor=1.7, mode='trilinear', recompute_scale_factor=True)", (1, 2, 3, 4, 5)),
    ("UpsamplingNearest2d(scale_factor=2)", (1, 2, 3, 4)),
    ("UpsamplingBilinear2d(size=5)", (1, 2, 3, 4)),
    ("UpsamplingBilinear2d(scale_factor=2)", (1, 2, 3, 4)),
    ("PixelShuffle(2)", (1, 4, 3, 2)),
    ("PixelUnshuffle(2)", (1, 1, 4, 6)),
    ("ChannelShuffle(2)", (1, 4, 3, 2)),
    ("Unfold(2, 1, 1, 2)", (1, 2, 4, 4)),
    ("Unfold((2, 3))", (2, 4, 4)),
    ("Fold((4, 4), 2)", (1, 8, 9)),
    ("Fold(4, 2, padding=1, stride=2)", (8, 9)),
]


@pytest.mark.parametrize(("made", "shape"), LAYERS)
def test_layers(made, shape, rng):
    layers = [eval(f"lib.{made}", {"lib": lib}) for lib in (nn, torch.nn)]
    assert repr(layers[0]) == repr(layers[1])
    assert list(layers[0].state_dict()) == list(layers[1].state_dict())
    agree(lambda k, x: layers[k](x), [rng.standard_normal(shape)])


NAMES = ["Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d", "PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Fold", "Unfold"]


@pytest.mark.parametrize("name", NAMES)
def test_constructors(name):
    mine, theirs = (inspect.signature(getattr(lib, name)).parameters for lib in (nn, torch.nn))
    assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("name", ["interpolate", "grid_sample", "affine_grid", "unfold", "fold", "pad", "upsample", "upsample_bilinear"])
def test_arguments(name):
    mine, theirs = (inspect.signature(getattr(f, name)).parameters for f in F)
    assert [(p.name, p.default) for p in mine.values()] == [(p.name, p.default) for p in theirs.values()]
