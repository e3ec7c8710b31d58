"""Resampling, grids, shuffles and patches: known values, what they undo, derivatives, many examples at once, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.autograd import gradcheck, gradgradcheck
from autograd_core.kernels.taps import FILTERS, Axis, taps
from autograd_core.ops import resample
from tests.rows.resample import filtered

F = nn.functional
RNG = np.random.default_rng(0)


@st.composite
def axes(draw):
    mode = draw(st.sampled_from(sorted(FILTERS)))
    n, size = draw(st.integers(1, 9)), draw(st.integers(2, 12))
    align = draw(st.booleans()) and mode in ("linear", "cubic")
    antialias = mode == "lanczos" or (draw(st.booleans()) and mode in ("linear", "cubic") and not align)
    return Axis(mode, n, size, None, align, antialias)


@given(axes())
def test_every_filter_is_its_definition(axis):
    """And its weights add up to one."""
    if "nearest" in axis.mode and (axis.n * np.arange(2 * axis.size) % (2 * axis.size) == 0).sum() > 2:
        return  # on an edge, rounding decides
    matrix = np.zeros((axis.size, axis.n))
    for into, source, weight in taps(axis, False):
        rows = np.arange(axis.size)[into]
        np.add.at(matrix, (rows, source), 1 if weight is None else weight)
    np.testing.assert_allclose(matrix, filtered(axis), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(matrix.sum(1), 1)


@given(st.lists(axes(), min_size=1, max_size=2), st.integers(0, 99))
def test_the_transposed_map_is_adjoint(several, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, *[a.n for a in several]))
    out = resample.resample(x, axes=tuple(several))
    g = rng.standard_normal(out.shape)
    back = resample.resample(g, axes=tuple(several), transposed=True)
    np.testing.assert_allclose((back * x).sum(), (g * out).sum(), rtol=1e-9, atol=1e-9)


def test_known_values():
    x = ag.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    assert F.interpolate(x, scale_factor=2)[0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    assert F.interpolate(x, (2, 4), mode="bilinear")[0, 0].tolist() == [[1, 1.25, 1.75, 2], [3, 3.25, 3.75, 4]]
    assert F.interpolate(x, (2, 3), mode="bilinear", align_corners=True)[0, 0].tolist() == [[1, 1.5, 2], [3, 3.5, 4]]
    assert F.interpolate(x, 1, mode="area").item() == 2.5
    assert F.interpolate(x, scale_factor=1.9).shape == (1, 1, 3, 3)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic", "area"])
def test_derivatives_of_interpolate(mode):
    x = ag.tensor(RNG.standard_normal((1, 2, 3, 4)), requires_grad=True)
    for size in ((5, 3), (2, 7)):
        assert gradcheck(lambda x, size=size: F.interpolate(x, size, mode=mode), (x,))
        assert gradgradcheck(lambda x, size=size: F.interpolate(x, size, mode=mode) ** 2, (x,))


def test_what_is_not_a_number_stays_where_it_is():
    x = np.zeros((1, 1, 1, 8))
    x[..., 3] = np.nan
    for mode in ("nearest", "bilinear", "area"):
        out = F.interpolate(ag.tensor(x), (1, 5), mode=mode).numpy()
        assert np.isnan(out).any()
        assert np.isfinite(out).any()
    g = ag.tensor(np.where(np.arange(5) == 4, np.inf, 1.0).reshape(1, 1, 1, 5))
    y = ag.zeros(1, 1, 1, 8, dtype=ag.float64, requires_grad=True)
    F.interpolate(y, (1, 5)).backward(g)
    assert np.isfinite(y.grad.numpy()).sum() == 7


def test_large_pictures_are_shared_among_threads():
    x = ag.tensor(RNG.standard_normal((5, 8, 60, 80)).astype("float32"))
    out = F.interpolate(x, (90, 70), mode="bilinear")
    np.testing.assert_allclose(out[3:4].numpy(), F.interpolate(x[3:4], (90, 70), mode="bilinear").numpy(), rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------------- grids


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_the_grid_of_the_identity_gives_the_picture(mode, align):
    x = ag.tensor(RNG.standard_normal((2, 3, 4, 5)))
    theta = ag.tensor(np.tile(np.eye(2, 3), (2, 1, 1)))
    grid = F.affine_grid(theta, (2, 3, 4, 5), align)
    np.testing.assert_allclose(F.grid_sample(x, grid, mode, align_corners=align).numpy(), x.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize(("mode", "dims"), [("bilinear", 2), ("bilinear", 3), ("bicubic", 2)])
def test_derivatives_of_grid_sample(mode, dims, padding):
    x = ag.tensor(RNG.standard_normal((1, 2, 3, 4, 3)[: dims + 2]), requires_grad=True)
    grid = ag.tensor(RNG.uniform(-1.4, 1.4, (1, *(2,) * dims, dims)), requires_grad=True)
    sample = lambda x, grid: F.grid_sample(x, grid, mode, padding, False)
    assert gradcheck(sample, (x, grid))
    assert gradgradcheck(sample, (x, grid), atol=1e-4, rtol=1e-3)


def test_the_nearest_pixel_has_a_gradient_of_zero():
    x, grid = ag.ones(1, 1, 3, 3, requires_grad=True), ag.zeros(1, 2, 2, 2, requires_grad=True)
    F.grid_sample(x, grid, "nearest", align_corners=False).sum().backward()
    assert x.grad.sum().item() == 4
    assert not grid.grad.any()


def test_points_that_are_not_numbers_are_taken_as_minus_one():
    x = ag.tensor(RNG.standard_normal((1, 1, 3, 3)))
    nan, first = (ag.tensor(np.full((1, 1, 1, 2), v)) for v in (np.nan, -1.0))
    for mode in ("bilinear", "nearest"):
        a, b = (F.grid_sample(x, g, mode, align_corners=True).item() for g in (nan, first))
        assert a == b == x[0, 0, 0, 0].item()


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_points_at_infinity_have_gradients(mode, padding):
    x = ag.tensor(RNG.standard_normal((1, 1, 3, 4)), requires_grad=True)
    grid = ag.tensor(np.array([[np.inf, 0.1], [-np.inf, np.inf]]).reshape(1, 1, 2, 2), requires_grad=True)
    F.grid_sample(x, grid, mode, padding, False).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()
    assert not grid.grad[~grid.detach().isfinite()].any()


# ---------------------------------------------------------------------- shuffles and patches


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_unshuffling_undoes_shuffling(channels, r, height, width):
    x = ag.tensor(np.random.default_rng(0).standard_normal((2, channels * r * r, height, width)))
    whole = F.pixel_shuffle(x, r)
    assert whole.shape == (2, channels, height * r, width * r)
    np.testing.assert_array_equal(F.pixel_unshuffle(whole, r).numpy(), x.numpy())
    y = ag.tensor(np.random.default_rng(0).standard_normal((1, channels * r, height)))
    np.testing.assert_array_equal(F.channel_shuffle(F.channel_shuffle(y, r), channels).numpy(), y.numpy())


def test_known_shuffles():
    assert F.pixel_shuffle(ag.arange(4.0).reshape(4, 1, 1), 2).tolist() == [[[0, 1], [2, 3]]]
    assert F.channel_shuffle(ag.arange(6.0).reshape(1, 6, 1), 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(1, 2))
def test_folding_what_was_unfolded_counts_the_patches(size, stride, padding, dilation):
    x = ag.tensor(np.random.default_rng(0).standard_normal((2, 3, 6, 7)))
    settings = {"kernel_size": size, "stride": stride, "padding": padding, "dilation": dilation}
    again = F.fold(F.unfold(x, **settings), (6, 7), **settings)
    count = F.fold(F.unfold(ag.ones_like(x), **settings), (6, 7), **settings)
    np.testing.assert_allclose(again.numpy(), (x * count).numpy(), rtol=1e-12)


def test_patches_times_weights_are_a_convolution():
    x, w = RNG.standard_normal((1, 2, 4, 5)), RNG.standard_normal((3, 2, 2, 2))
    columns = F.unfold(ag.tensor(x), 2)
    out = (ag.tensor(w.reshape(3, -1)) @ columns).reshape(1, 3, 3, 4).numpy()
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), (2, 3))
    np.testing.assert_allclose(out, np.einsum("nchwij,ocij->nohw", windows, w), rtol=1e-9)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: F.interpolate(x[None], (5, 3), mode="bilinear")[0],
        lambda x: F.pixel_shuffle(x, 2),
        lambda x: F.pixel_unshuffle(x, 2),
        lambda x: F.channel_shuffle(x[None], 2)[0],
        lambda x: F.unfold(x, 2),
        lambda x: F.fold(F.unfold(x, 2), (4, 6), 2),
        lambda x: F.grid_sample(x[None], x[None, :2].reshape(1, 2, 12, 2), align_corners=False)[0],
    ],
)
def test_many_at_once(f):
    x = ag.tensor(np.random.default_rng(0).standard_normal((3, 4, 4, 6)))
    np.testing.assert_allclose(ag.func.vmap(f)(x).numpy(), np.stack([f(x[k]).numpy() for k in range(3)]), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.interpolate(x), ValueError, "either size or scale_factor"),
        (lambda x: F.interpolate(x, 3, mode="cubic"), NotImplementedError, "the modes are"),
        (lambda x: F.interpolate(x, 3, mode="linear"), NotImplementedError, "linear for 3"),
        (lambda x: F.interpolate(x, 2.5), TypeError, "whole entries"),
        (lambda x: F.interpolate(x, 0), RuntimeError, "greater than 0"),
        (lambda x: F.interpolate(x.long(), 3, mode="bilinear"), RuntimeError, "floating-point"),
        (lambda x: F.interpolate(x, 3, mode="lanczos"), ValueError, "antialias=True"),
        (lambda x: F.grid_sample(x, x), ValueError, "last dimension to be 2"),
        (lambda x: F.affine_grid(x, (1, 1, 2, 2), False), ValueError, "N x 2 x 3"),
        (lambda x: F.pixel_shuffle(x, 3), ValueError, "multiple of 3² = 9"),
        (lambda x: F.pixel_shuffle(x, 2.0), TypeError, "must be int"),
        (lambda x: F.pixel_unshuffle(x, 3), ValueError, "multiples of 3"),
        (lambda x: F.channel_shuffle(x, 3), ValueError, "multiple of groups=3"),
        (lambda x: F.unfold(x, 9), ValueError, r"no patch of \(9, 9\)"),
        (lambda x: F.unfold(x, 2, padding=-1), RuntimeError, "not negative"),
        (lambda x: F.fold(x[0], 4, 2), ValueError, "cannot be patches"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call(ag.zeros(1, 4, 4, 5))
