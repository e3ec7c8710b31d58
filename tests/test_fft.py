"""Fourier transforms and spectra of stretches, without PyTorch: derivatives, arguments, errors."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core import fft
from autograd_core.check import gradcheck, gradgradcheck


def leaf(*shape, seed=0):
    return ag.tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
@pytest.mark.parametrize("norm", [None, "forward", "ortho"])
def test_equals_numpy(name, norm):
    x = np.random.default_rng(0).normal(size=(3, 6))
    for n in (None, 4, 9):
        for dim in (0, -1):
            ours = getattr(fft, name)(ag.tensor(x), n, dim, norm).numpy()
            np.testing.assert_allclose(ours, getattr(np.fft, name)(x, n, dim, norm), atol=1e-14)


@pytest.mark.parametrize("name", ["fft2", "rfft2", "fftn", "rfftn", "ihfftn"])
def test_derivatives(name):
    parts = lambda x: ag.view_as_real(getattr(fft, name)(x, s=(3, 4), dim=(0, 1)))
    gradcheck(parts, [leaf(4, 3)])
    gradgradcheck(lambda x: parts(x) ** 2, [leaf(4, 3)])


def test_a_real_signal_and_back():
    for n in (1, 2, 5, 8):
        x = leaf(2, n)
        back = fft.irfft(fft.rfft(x), n)
        np.testing.assert_allclose(back.detach().numpy(), x.detach().numpy(), atol=1e-14)
        back.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.ones((2, n)), atol=1e-14)


def test_convolution_by_transforms_learns():
    """The gradient of a circular convolution is the correlation."""
    x, w = leaf(8), leaf(8, seed=1)
    y = fft.irfft(fft.rfft(x) * fft.rfft(w), 8)
    g = np.random.default_rng(2).normal(size=8)
    y.backward(ag.tensor(g))
    expected = [sum(g[(i + k) % 8] * w.detach().numpy()[k] for k in range(8)) for i in range(8)]
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-13)


def test_single_precision_stays():
    x = ag.ones(4, requires_grad=True)
    y = fft.fft(x)
    assert y.dtype == ag.complex64
    y.abs().sum().backward()
    assert x.grad.dtype == ag.float32
    assert fft.irfft(fft.rfft(x)).dtype == ag.float32
    assert fft.fft(ag.ones(4, dtype=ag.int64)).dtype == ag.complex64


def test_axis_is_dim():
    x = leaf(2, 3).detach()
    np.testing.assert_array_equal(fft.fft(x, axis=0).numpy(), fft.fft(x, dim=0).numpy())
    with pytest.raises(TypeError, match="both"):
        fft.fft(x, axis=0, dim=0)


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda x: fft.fft(x, norm="full"), RuntimeError, "fft.fft: norm is 'backward', 'forward' or 'ortho', got 'full'"),
        (lambda x: fft.fft(x, n=0), RuntimeError, "fft.fft: the transform's length must be at least 1, got 0"),
        (lambda x: fft.rfft(fft.fft(x)), RuntimeError, "fft.rfft: takes real numbers, got complex128"),
        (lambda x: fft.fft(x.half()), RuntimeError, "fft.fft: needs at least float32, got float16"),
        (lambda x: fft.fft(x, dim=5), IndexError, "fft.fft: dim 5 is out of range"),
        (lambda x: fft.fft(x.sum()), IndexError, "fft.fft: a 0-d tensor has no dim -1"),
        (lambda x: fft.fftn(x, dim=(0, 0)), RuntimeError, "fft.fftn: a dim appears twice"),
        (lambda x: fft.fftn(x, s=(1, 2), dim=(0,)), RuntimeError, "fft.fftn: 2 lengths but 1 dims"),
        (lambda x: fft.fft([1.0]), TypeError, "fft.fft: expected a Tensor, got a list"),
        (lambda x: fft.fft(x, dim=(0, 1)), TypeError, "fft.fft: dim must be an integer"),
    ],
)
def test_errors(call, error, told):
    with pytest.raises(error, match=told.replace("(", r"\(").replace(")", r"\)")):
        call(leaf(2, 3))


def test_stft_gives_the_signal_back_with_its_gradient():
    window = ag.hann_window(16, dtype=ag.float64)
    for settings in ({}, {"hop_length": 6}, {"normalized": True}, {"onesided": False}):
        x = leaf(2, 60)
        spectra = ag.stft(x, 16, window=window, return_complex=True, **settings)
        back = ag.istft(spectra, 16, window=window, **settings, length=54)
        np.testing.assert_allclose(back.detach().numpy(), x.detach().numpy()[:, :54], atol=1e-13)
        back.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.r_[np.ones(54), np.zeros(6)][None].repeat(2, 0), atol=1e-12)


def test_derivatives_of_stft():
    window = leaf(8, seed=3)
    call = lambda x, w: ag.stft(x, 8, hop_length=3, window=w, return_complex=False)
    gradcheck(call, [leaf(20), window])
    gradgradcheck(call, [leaf(20), window])
    with pytest.raises(RuntimeError, match="istft: somewhere the windows sum to zero"):
        ag.istft(ag.stft(leaf(20), 8, window=ag.hann_window(8), return_complex=True), 8, window=ag.hann_window(8), center=False)


def test_inside_vmap():
    from autograd_core.func import vmap

    x = leaf(4, 12).detach()
    for call in (fft.fft, fft.rfft, fft.irfft, fft.hfft, fft.fftn, fft.fftshift):
        np.testing.assert_allclose(vmap(call)(x).numpy(), np.stack([call(row).numpy() for row in x]), atol=1e-12)
