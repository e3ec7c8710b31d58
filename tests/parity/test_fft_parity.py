"""Fourier transforms against PyTorch: values, shapes, dtypes, errors, first and second derivatives."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import autograd_core as ag
from tests.parity.test_linalg_parity import compare, numbers, raises_as_torch

torch = pytest.importorskip("torch", reason="parity extra not installed")

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TWO = tuple(f"{name}2" for name in ONE)
SEVERAL = tuple(f"{name}n" for name in ONE)
OF_REALS = ("rfft", "ihfft", "rfft2", "ihfft2", "rfftn", "ihfftn")


def kinds(name):
    return ("float64",) if name in OF_REALS else ("float64", "complex128")


@pytest.mark.parametrize("norm", [None, "backward", "forward", "ortho"])
@pytest.mark.parametrize("name", ONE)
def test_over_one(name, norm):
    for kind in kinds(name):
        for settings in ({}, {"n": 3}, {"n": 4}, {"n": 9}, {"dim": 0}, {"n": 6, "dim": 1}):
            compare(lambda l, x, s=settings: getattr(l.fft, name)(x, norm=norm, **s), numbers((4, 5), kind))
        compare(lambda l, x: getattr(l.fft, name)(x, 4, 0, norm), numbers((5, 2), kind))


@pytest.mark.parametrize("name", TWO + SEVERAL)
def test_over_several(name):
    cases = [
        {},
        {"s": (3, 4)},
        {"s": (6, 5), "dim": (0, 2)},
        {"s": (-1, 2)},
        {"dim": (2, 1), "norm": "ortho"},
        {"dim": (-1, 0), "norm": "forward"},
    ]
    if name in SEVERAL:
        cases += [{"dim": (1,)}, {"s": (4,)}, {"s": (2, 3, 4)}, {"dim": 1, "s": 3}]
    for kind in kinds(name):
        for settings in cases:
            compare(lambda l, x, s=settings: getattr(l.fft, name)(x, **s), numbers((3, 4, 5), kind), order=2 if settings else 1)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int64", "bool", "uint8"])
@pytest.mark.parametrize("name", ONE + SEVERAL)
def test_dtypes(name, dtype):
    x = (numbers((3, 4)) * 5).astype(dtype)
    if dtype == "complex64" and name in OF_REALS:
        assert "complex64" in raises_as_torch(lambda l, x: getattr(l.fft, name)(x), x)
        return
    compare(lambda l, x: getattr(l.fft, name)(x), x, order=1 if dtype in ("float32", "complex64") else 0, rtol=1e-4, atol=1e-4)


def test_frequencies():
    for n in (1, 2, 5, 6):
        for name in ("fftfreq", "rfftfreq"):
            for settings in ({}, {"d": 0.25}):
                ours, theirs = getattr(ag.fft, name)(n, **settings), getattr(torch.fft, name)(n, **settings)
                assert str(theirs.dtype) == f"torch.{ours.dtype}"
                np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)
    assert ag.fft.fftfreq(4, dtype=ag.float64, requires_grad=True).requires_grad


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name):
    for settings in ({}, {"dim": 1}, {"dim": (0, -1)}):
        compare(lambda l, x, s=settings: getattr(l.fft, name)(x, **s), numbers((3, 4, 5)), order=1)


def test_a_number():
    compare(lambda l, x: l.fft.fftn(x), np.array(2.0))
    compare(lambda l, x: l.fft.fftn(x, dim=()), numbers((2, 3)))


@pytest.mark.parametrize(
    "call",
    [
        lambda l, x: l.fft.fft(x[0, 0]),
        lambda l, x: l.fft.fft(x, n=0),
        lambda l, x: l.fft.irfft(x, n=-1),
        lambda l, x: l.fft.fft(x[:, :0]),
        lambda l, x: l.fft.irfft(x[:, :1]),
        lambda l, x: l.fft.fft(x, dim=2),
        lambda l, x: l.fft.fft(x, norm="none"),
        lambda l, x: l.fft.fft(x.half()),
        lambda l, x: l.fft.fft2(x[0]),
        lambda l, x: l.fft.fftn(x, s=(2,), dim=(0, 1)),
        lambda l, x: l.fft.fftn(x, dim=(0, -2)),
        lambda l, x: l.fft.fftn(x, s=(2, 3, 4)),
        lambda l, x: l.fft.rfftn(x, dim=()),
        lambda l, x: l.fft.fft(x, dim=(0, 1)),
    ],
)
def test_refused(call):
    raises_as_torch(call, numbers((3, 4)))


WINDOWS = ("hann", "hamming", "blackman", "bartlett", "kaiser")


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name):
    for n in (0, 1, 2, 5, 16):
        for periodic in (True, False):
            ours, theirs = (getattr(l, f"{name}_window")(n, periodic, dtype=l.float64) for l in (ag, torch))
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, atol=1e-15)
    assert getattr(ag, f"{name}_window")(3).dtype == ag.float32
    compare(lambda l: l.hamming_window(6, True, 0.6, 0.3, dtype=l.float64) + l.kaiser_window(6, True, 5.0, dtype=l.float64), order=0)
    for bad in (lambda l: getattr(l, f"{name}_window")(-1), lambda l: getattr(l, f"{name}_window")(4, dtype=l.int64)):
        raises_as_torch(bad)


HANN = np.hanning(18)[1:17]
STFT = [
    {},
    {"hop_length": 5},
    {"center": False},
    {"normalized": True},
    {"onesided": False},
    {"pad_mode": "constant"},
    {"pad_mode": "circular"},
    {"pad_mode": "replicate"},
    {"win_length": 10},
    {"win_length": 11, "hop_length": 3},
]


@pytest.mark.parametrize("k", range(len(STFT)))
@pytest.mark.parametrize("shape", [(50,), (2, 41)], ids=str)
def test_stft_and_back(k, shape):
    settings = STFT[k]
    window = HANN[: settings.get("win_length", 16)]
    forward = lambda l, x, w: l.stft(x, 16, window=w, return_complex=True, **settings)
    compare(forward, numbers(shape), window)
    back = {name: value for name, value in settings.items() if name != "pad_mode"}
    spectra = forward(ag, ag.tensor(numbers(shape, seed=1)), ag.tensor(window)).numpy()
    for more in ({}, {"length": 30}) if "win_length" not in settings else ({},):
        compare(lambda l, s, w, more=more: l.istft(s, 16, window=w, **back, **more), spectra, window)


def test_stft_of_complex_numbers():
    compare(lambda l, x: l.stft(x, 16, window=l.tensor(HANN)), numbers((50,), "complex128"))
    spectra = numbers((16, 9), "complex128")
    compare(lambda l, s: l.istft(s, 16, window=l.tensor(HANN), return_complex=True), spectra)
    compare(lambda l, x: l.stft(x, 16, window=l.tensor(HANN), return_complex=False), numbers((50,)), order=0)


def test_istft_fills_up():
    spectra = numbers((9, 4), "complex128")
    for library in (ag, torch):
        with pytest.warns(UserWarning, match=r"length|zeros"):
            made = library.istft(library.tensor(spectra), 16, window=library.tensor(HANN), length=60)
        assert tuple(made.shape) == (60,)
        assert not made[-20:].any()


@pytest.mark.parametrize(
    "call",
    [
        lambda l, x: l.stft(x, 16, window=l.ones(16)),
        lambda l, x: l.stft(x[None, None], 16, window=l.ones(16), return_complex=True),
        lambda l, x: l.stft(x[:5], 16, window=l.ones(16), return_complex=True),
        lambda l, x: l.stft(x[:5], 16, window=l.ones(16), center=False, return_complex=True),
        lambda l, x: l.stft(x, 16, window=l.ones(15), return_complex=True),
        lambda l, x: l.stft(x, 16, hop_length=0, window=l.ones(16), return_complex=True),
        lambda l, x: l.stft(x, 16, win_length=17, window=l.ones(17), return_complex=True),
        lambda l, x: l.stft(x * 1j, 16, window=l.ones(16), onesided=True, return_complex=True),
        lambda l, x: l.istft(x[None], 16, window=l.ones(16)),
        lambda l, x: l.istft(x.reshape(10, 5) * 1j, 16, window=l.ones(16)),
        lambda l, x: l.istft(x[:45].reshape(9, 5) * 1j, 16, window=l.hann_window(16), center=False),
        lambda l, x: l.istft(x[:45].reshape(9, 5) * 1j, 16, window=l.ones(16), return_complex=True),
    ],
)
def test_stft_refused(call):
    raises_as_torch(call, numbers((50,), "float32"))


def test_without_a_window_both_warn():
    for library in (ag, torch):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            library.stft(library.tensor(numbers((50,))), 16, return_complex=True)
        if library is ag:
            assert len(told) == 1
