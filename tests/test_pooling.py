"""Pooling: what it gives, ties and NaN, other layouts and shapes, derivatives, many examples at once, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.autograd import gradcheck, gradgradcheck
from autograd_core.kernels import pool as kernel
from autograd_core.kernels.windows import Adaptive, Window
from autograd_core.ops import pool
from tests.rows.pool import largest_of, means, places_of

F = nn.functional


@st.composite
def cases(draw):
    """The lengths of one or two axes, and windows that fit on them."""
    sizes, windows = [], []
    for _ in range(draw(st.integers(1, 2))):
        size, step, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 2))
        reach = (size - 1) * dilation + 1
        padding = draw(st.integers(0, reach // 2)) if dilation == 1 else 0
        n = draw(st.integers(max(1, reach - 2 * padding), 9))
        number = (n + 2 * padding - reach) // step + 1
        more = draw(st.booleans()) and number * step < n + padding
        sizes.append(n)
        windows.append(Window(size, step, padding, dilation, number + more))
    return tuple(sizes), tuple(windows)


def lay(array, layout):
    """The same numbers, lying in memory in another way."""
    if layout == "transposed":
        return np.asarray(array, order="F")
    if layout == "every other":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    return np.flip(np.flip(array).copy()) if layout == "backwards" else array


LAYOUTS = st.sampled_from(["in order", "transposed", "every other", "backwards"])


@given(cases(), st.integers(0, 99), LAYOUTS, st.sampled_from(["float32", "float64", "int64"]), st.booleans())
def test_the_largest_of_drawn_windows(case, seed, layout, dtype, ties):
    sizes, windows = case
    rng = np.random.default_rng(seed)
    x = lay((rng.integers(-2, 3, (2, *sizes)) if ties else rng.standard_normal((2, *sizes)) * 9).astype(dtype), layout)
    out = kernel.largest(x, windows)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, largest_of(x, windows))
    np.testing.assert_array_equal(kernel.largest_places(x, out, windows), places_of(x, windows))
    if dtype != "int64":
        g = rng.standard_normal(out.shape).astype(dtype)
        expected = np.zeros((2, int(np.prod(sizes))))
        for row, where, values in zip(expected, places_of(x, windows).reshape(2, -1), g.reshape(2, -1), strict=True):
            np.add.at(row, where, values)
        np.testing.assert_allclose(kernel.largest_back(g, x, out, windows), expected.reshape(x.shape), rtol=1e-5, atol=1e-6)


@given(cases(), st.integers(0, 99), LAYOUTS, st.sampled_from(["float32", "float64"]), st.sampled_from(["inside", "padded", 3]))
def test_the_means_of_drawn_windows(case, seed, layout, dtype, divisor):
    sizes, windows = case
    assume(all(w.dilation == 1 for w in windows))
    x = lay(np.random.default_rng(seed).standard_normal((2, *sizes)).astype(dtype), layout)
    out = pool.mean_pool(x, windows=windows, divisor=divisor)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(out, means(x, windows, divisor), rtol=tolerance, atol=tolerance)
    g = np.random.default_rng(seed + 1).standard_normal(out.shape).astype(dtype)
    back = pool.spread(g, windows=windows, divisor=divisor, sizes=sizes)
    np.testing.assert_allclose((back * x).sum(), (g * out).sum(), rtol=1e-3, atol=1e-4)  # ⟨Aᵀg, x⟩ = ⟨g, Ax⟩


@given(cases(), st.integers(0, 99))
def test_columns_and_their_overlap_are_adjoint(case, seed):
    sizes, windows = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, *sizes))
    columns = pool.columns(x, windows=windows)
    y = rng.standard_normal(columns.shape)
    np.testing.assert_allclose((pool.overlap(y, windows=windows, sizes=sizes) * x).sum(), (y * columns).sum(), rtol=1e-9, atol=1e-9)


@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 99))
def test_adaptive_windows_cover_everything(n, number, seed):
    x = np.random.default_rng(seed).standard_normal((2, n))
    np.testing.assert_array_equal(kernel.largest(x, (Adaptive(number),)), largest_of(x, (Adaptive(number),)))
    expected = [x[:, i * n // number : -(-(i + 1) * n // number)].mean(1) for i in range(number)]
    np.testing.assert_allclose(F.adaptive_avg_pool1d(ag.tensor(x), number).numpy(), np.stack(expected, 1), rtol=1e-12)


@pytest.mark.parametrize("sizes", [(18, 20), (9, 40), (200,)])
def test_large_windows(sizes, monkeypatch):
    """They are searched one by one, with what is found entry by entry, too: ties, NaN and infinities as in small ones."""
    x = np.random.default_rng(0).choice([np.nan, -np.inf, 1.0, 2.0, 3.0], (3, *sizes), p=[0.002, 0.098, 0.3, 0.3, 0.3])
    windows = tuple(Window(n // 2 if n % 2 == 0 else n, n // 2 if n % 2 == 0 else n, 0, 1, 2 - n % 2) for n in sizes)
    out = kernel.largest(x, windows)
    found = kernel.largest_places(x, out, windows)
    g = np.random.default_rng(1).standard_normal(out.shape)
    back = kernel.largest_back(g, x, out, windows)
    monkeypatch.setattr(kernel, "LARGE", 10**9)
    np.testing.assert_array_equal(found, kernel.largest_places(x, out, windows))
    np.testing.assert_array_equal(back, kernel.largest_back(g, x, out, windows))


def test_many_planes_are_shared_among_threads():
    """More than one block, in every kernel: the same as plane by plane."""
    x = np.random.default_rng(0).standard_normal((70, 3, 40, 42)).astype("float32")
    for windows in ((Window(2, 2, 0, 1, 20), Window(2, 2, 0, 1, 21)), (Window(3, 2, 1, 1, 20), Window(3, 2, 1, 1, 21))):
        out = kernel.largest(x, windows)
        g = np.random.default_rng(1).standard_normal(out.shape).astype("float32")
        for k in (0, 34, 69):
            np.testing.assert_array_equal(out[k], kernel.largest(x[k], windows))
            np.testing.assert_array_equal(kernel.largest_back(g, x, out, windows)[k], kernel.largest_back(g[k], x[k], out[k], windows))
            np.testing.assert_array_equal(kernel.sums(x, windows)[k], kernel.sums(x[k], windows))
            np.testing.assert_array_equal(kernel.sums_back(g, windows, (40, 42))[k], kernel.sums_back(g[k], windows, (40, 42)))


@pytest.mark.parametrize("kernel_size", [(2, 2, 0), (3, 2, 1)], ids=["apart", "overlapping"])
def test_ties_and_nan(kernel_size):
    """Of equal entries the first gets the gradient, of several NaN the last, as in PyTorch."""
    x = ag.zeros(1, 1, 4, 4, dtype=ag.float64, requires_grad=True)
    F.max_pool2d(x, *kernel_size).sum().backward()
    assert x.grad.sum().item() == 4
    assert x.grad[0, 0, 0, 0].item() == 1
    y = ag.tensor([[[[np.nan, 1.0], [np.nan, 2.0]]]], dtype=ag.float64, requires_grad=True)
    out, places = F.max_pool2d(y, 2, return_indices=True)
    out.sum().backward()
    assert np.isnan(out.item())
    assert places.item() == 2
    assert y.grad.tolist() == [[[[0, 0], [1, 0]]]]


def test_the_gradient_of_the_gradient():
    """The largest entry's place does not move: the second derivative by the input is zero, that by what comes in is there."""
    x = ag.tensor(np.random.default_rng(0).permutation(48).reshape(1, 1, 6, 8) * 1.0, requires_grad=True)
    for pool2d in (lambda x: F.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: F.adaptive_max_pool2d(x, (4, 3))):
        assert gradcheck(pool2d, (x,))
        assert gradgradcheck(pool2d, (x,))
        assert gradgradcheck(lambda x, f=pool2d: f(x * x * 0.1), (x,), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("norm_type", [1, 2, 3])
def test_norms_of_windows(norm_type):
    x = ag.tensor(np.random.default_rng(0).uniform(0.5, 2, (2, 5, 6)), requires_grad=True)
    out = F.lp_pool2d(x, norm_type, 2)
    expected = (x.detach().numpy()[:, :4].reshape(2, 2, 2, 3, 2) ** norm_type).sum((2, 4)) ** (1 / norm_type)
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-12)
    assert gradcheck(lambda x: F.lp_pool2d(x, norm_type, 2), (x,))


def test_one_example_is_as_many():
    x = ag.tensor(np.random.default_rng(0).standard_normal((3, 6, 8)))
    for f in (
        lambda x: F.max_pool2d(x, 3, 2, 1),
        lambda x: F.avg_pool2d(x, 3, 2, 1),
        lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
        lambda x: F.adaptive_avg_pool2d(x, 1),
        lambda x: F.adaptive_max_pool2d(x, (4, 3)),
        lambda x: F.lp_pool2d(x, 2, 2),
    ):
        np.testing.assert_array_equal(f(x).numpy(), f(x[None])[0].numpy())


@pytest.mark.parametrize(
    "f",
    [
        lambda x: F.max_pool2d(x, 2),
        lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[0],
        lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True)[1],
        lambda x: F.avg_pool2d(x, 3, 2, 1),
        lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
        lambda x: F.adaptive_max_pool2d(x, (4, 3)),
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    ],
)
def test_many_at_once(f):
    x = ag.tensor(np.random.default_rng(0).standard_normal((4, 3, 6, 8)))
    expected = np.stack([f(x[k]).numpy() for k in range(4)])
    np.testing.assert_allclose(ag.func.vmap(f)(x).numpy(), expected)
    if expected.dtype.kind == "f":
        gradient = ag.func.vmap(ag.func.grad(lambda x: (f(x) ** 2).sum()))(x)
        one = ag.func.grad(lambda x: (f(x) ** 2).sum())(x[2])
        np.testing.assert_allclose(gradient[2].numpy(), one.numpy())


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "uint64"])
def test_means_of_integers_are_exact(dtype):
    """Towards zero; the sums have more room than the numbers."""
    top = np.iinfo(dtype).max // (4 if dtype.endswith("64") else 1)
    for value in (top, -top if dtype.startswith("i") else 0):
        x = ag.tensor(np.full((1, 1, 4, 4), value, dtype))
        assert F.avg_pool2d(x, 2).unique().tolist() == [value]
        assert F.avg_pool2d(x, 3, 1).unique().tolist() == [value] if top < 2**60 else True
    x = ag.tensor(np.array([[7, 8]], dtype))
    assert F.avg_pool1d(x, 2).tolist() == [[7]]
    if dtype.startswith("i"):
        assert F.avg_pool1d(-x, 2).tolist() == [[-7]]


@pytest.mark.parametrize("size", [(0, 3), (3, 0), (0, 0)])
def test_no_windows(size):
    """What nothing was computed from gets zeros, whichever pooling and derivative."""
    for f in (
        F.adaptive_avg_pool2d,
        F.adaptive_max_pool2d,
        lambda x, size: F.interpolate(x, scale_factor=(size[0] / 5, size[1] / 6), mode="area"),
    ):
        x = ag.ones(1, 2, 5, 6, requires_grad=True)
        out = f(x, size)
        assert tuple(out.shape) == (1, 2, *size)
        (grad,) = ag.autograd.grad((out * out).sum(), x, create_graph=True)
        assert not grad.any()
        assert tuple(grad.shape) == (1, 2, 5, 6)


def test_pooling_leaves_no_cycles(assert_no_cycles):
    def run():
        x = ag.ones(1, 2, 6, 6, requires_grad=True)
        (F.max_pool2d(x, 2).sum() + F.avg_pool2d(x, 3, 1).sum() + F.adaptive_max_pool2d(x, 4).sum()).backward()

    assert_no_cycles(run)


# ---------------------------------------------------------------------- back


def test_back_to_the_places():
    x = ag.tensor(np.random.default_rng(0).permutation(24).reshape(1, 1, 4, 6) * 1.0, requires_grad=True)
    values, places = F.max_pool2d(x, 2, return_indices=True)
    whole = F.max_unpool2d(values, places, 2)
    assert tuple(whole.shape) == (1, 1, 4, 6)
    kept = whole.detach().numpy() != 0
    np.testing.assert_array_equal(whole.detach().numpy()[kept], x.detach().numpy()[kept])
    whole.sum().backward()
    assert x.grad.sum().item() == 6


def test_of_what_is_written_to_one_place_the_last_gets_the_gradient():
    values = ag.tensor([[[1.0, 2.0]]], requires_grad=True)
    whole = F.max_unpool1d(values, ag.tensor([[[1, 1]]]), 2)
    assert whole.tolist() == [[[0, 2, 0, 0]]]
    whole.sum().backward()
    assert values.grad.tolist() == [[[0, 1]]]


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.max_pool2d(x, 9), RuntimeError, "does not fit into 5"),
        (lambda x: F.max_pool2d(x, 2, padding=2), RuntimeError, "half of the kernel size, 1, but got 2"),
        (lambda x: F.max_pool2d(x, 3, 1, 2, 2), RuntimeError, "half of the kernel size, 1, but got 2"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=2.5), TypeError, "divisor_override must be an int"),
        (lambda x: F.max_pool2d(x, 2.0), TypeError, "kernel_size must be an int"),
        (lambda x: F.max_pool2d(x, True), TypeError, "kernel_size must be an int"),
        (lambda x: F.max_pool2d(x, (2, 2, 2)), RuntimeError, "a tuple of 2 ints"),
        (lambda x: F.max_pool2d(x[0, 0], 2), ValueError, "expected an input of 3 or 4 dimensions"),
        (lambda x: F.max_pool2d(x[:, :, :1, :1], 2, 1, 1, 2), RuntimeError, "has none of them"),
        (lambda x: F.max_pool2d(x > 0, 2), RuntimeError, "not for bool"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), RuntimeError, "not zero"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), RuntimeError, "must have 2 elements"),
        (lambda x: F.adaptive_avg_pool2d(x, -1), RuntimeError, "greater than or equal to 0"),
        (lambda x: F.adaptive_avg_pool2d(x.long(), 1), RuntimeError, "floating-point"),
        (lambda x: F.max_unpool2d(x, x, 2), RuntimeError, "int64"),
        (lambda x: F.max_unpool2d(x, x.long() - 1, 2), RuntimeError, "indices go from -1"),
        (lambda x: F.max_unpool2d(x, x.long(), 2, output_size=(1, 1)), ValueError, "does not pool to"),
        (lambda x: F.max_pool2d("x", 2), TypeError, "must be a Tensor"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call(ag.zeros(1, 2, 5, 6))


def test_layers_keep_their_arguments():
    assert nn.MaxPool2d(3).stride == 3
    assert nn.AvgPool1d(3).kernel_size == (3,)
    assert nn.MaxUnpool2d(2).stride == (2, 2)
    assert repr(nn.AdaptiveAvgPool2d((None, 3))) == "AdaptiveAvgPool2d(output_size=(None, 3))"
    model = nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert tuple(model(ag.ones(2, 3, 16, 16)).shape) == (2, 3)
    assert not model.state_dict()
