"""Windows, and the Fourier transforms of stretches of a signal."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..factory import dtype_of, factory, length_of
from ..ops import complex as complexes
from ..ops import elementwise, fourier, index, shape
from ..tensor import Tensor, constant
from .arguments import need_tensor

METHODS = "stft istft"
FUNCTIONS = "hann_window hamming_window blackman_window bartlett_window kaiser_window"


def sampled(name: str, n: Any, periodic: bool, dtype: Any, of: Any) -> Any:
    """A window of n entries: `of` the places from 0 to 1, of which 1 is left out if it is periodic."""
    n, dtype = length_of(name, "window_length", n), dtype_of(name, dtype, kinds="f")
    if n < 2:
        return np.ones(n, dtype)
    places = np.arange(n) / (n if periodic else n - 1)
    return of(places).astype(dtype)


def cosines(*weights: float) -> Any:
    return lambda t: sum(w * np.cos(2 * np.pi * k * t) for k, w in enumerate(weights))


@factory
def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None) -> Any:
    """½ - ½ cos 2πt for t from 0 to 1; `periodic` leaves t = 1 out, as suits spectra."""
    return sampled("hann_window", window_length, periodic, dtype, cosines(0.5, -0.5))


@factory
def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *, dtype: Any = None) -> Any:
    """alpha - beta cos 2πt for t from 0 to 1; `periodic` leaves t = 1 out."""
    return sampled("hamming_window", window_length, periodic, dtype, cosines(alpha, -beta))


@factory
def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None) -> Any:
    """0.42 - 0.5 cos 2πt + 0.08 cos 4πt for t from 0 to 1; `periodic` leaves t = 1 out."""
    return sampled("blackman_window", window_length, periodic, dtype, cosines(0.42, -0.5, 0.08))


@factory
def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None) -> Any:
    """A triangle: 1 - |2t - 1| for t from 0 to 1; `periodic` leaves t = 1 out."""
    return sampled("bartlett_window", window_length, periodic, dtype, lambda t: 1 - np.abs(2 * t - 1))


@factory
def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None) -> Any:
    """I₀(beta √(1 - (2t - 1)²)) / I₀(beta) for t from 0 to 1; `periodic` leaves t = 1 out."""
    of = lambda t: np.i0(beta * np.sqrt(np.maximum(1 - (2 * t - 1) ** 2, 0))) / np.i0(beta)
    return sampled("kaiser_window", window_length, periodic, dtype, of)


# ---------------------------------------------------------------------- spectra of stretches


def framing(name: str, n_fft: int, hop_length: int | None, win_length: int | None, window: Any) -> tuple[int, Tensor | None]:
    """The hop, and the window with zeros around it to make it n_fft long. Raises RuntimeError for lengths that do not fit."""
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if n_fft < 1 or hop < 1 or not 0 < length <= n_fft:
        raise RuntimeError(f"{name}: needs n_fft ≥ win_length > 0 and hop_length > 0, got n_fft {n_fft}, {length} and {hop}")
    if window is None:
        warnings.warn(f"{name}: without a window the stretches have hard edges; pass window=, ones to say so", UserWarning, stacklevel=3)
        window = constant(np.ones(length, np.float32)) if length < n_fft else None
    else:
        window = need_tensor(name, window)
        if tuple(window.shape) != (length,):
            raise ShapeError(f"{name}: the window must be a vector of win_length {length}, got {tuple(window.shape)}")
    if length < n_fft:
        window = shape.embed(window, axis=0, start=(n_fft - length) // 2, length=n_fft)
    return hop, window


PADDINGS = ("reflect", "constant", "replicate", "circular")


def padded(name: str, x: Tensor, n: int, pad_mode: str) -> Tensor:
    """n entries more on either side of the last axis."""
    length = x.shape[-1]
    if pad_mode not in PADDINGS:
        raise ValueError(f"{name}: pad_mode is one of {', '.join(PADDINGS)}, got {pad_mode!r}")
    if pad_mode == "constant":
        return shape.embed(x, axis=-1, start=n, length=length + 2 * n)
    if (pad_mode == "reflect" and n >= length) or (pad_mode == "circular" and n > length):
        raise RuntimeError(f"{name}: a signal of {length} cannot be continued by {n} on either side; it is too short for this n_fft")
    places = np.arange(-n, length + n)
    if pad_mode == "reflect":
        places = (length - 1) - np.abs((length - 1) - np.abs(places))
    places = places.clip(0, length - 1) if pad_mode == "replicate" else places % length
    return index.getitem(x, index=(..., places))


def stft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Tensor:
    """The spectra of stretches of a signal, n_fft long and a hop (a quarter of that unless given) apart, times a window.

    input (length) or (batch, length) gives (batch, frequencies, stretches). With `center` the stretches are centred at the multiples of
    the hop, and the signal is continued at its ends as `pad_mode` says. `onesided` (the default of real signals) leaves out the
    frequencies above half. `normalized` divides by √n_fft. `return_complex` False gives real and imaginary parts as a last
    dimension; one must say which for real signals. Raises RuntimeError where lengths do not fit.
    """
    input = need_tensor("stft", input)
    if input.ndim not in (1, 2):
        raise ShapeError(f"stft: takes (length) or (batch, length), got {tuple(input.shape)}")
    if input.dtype.kind not in "fc":
        raise RuntimeError(f"stft: needs floating-point or complex numbers, got {input.dtype}; convert first, e.g. t.float()")
    hop, window = framing("stft", n_fft, hop_length, win_length, window)
    complex_given = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None:
        if not complex_given:
            raise RuntimeError("stft: say return_complex=True, or False for real and imaginary parts as a last dimension")
        return_complex = True
    onesided = not complex_given if onesided is None else onesided
    if onesided and complex_given:
        raise RuntimeError("stft: complex signals and windows have no one-sided spectrum; use onesided=False")
    if center:
        input = padded("stft", input, n_fft // 2, pad_mode)
    if input.shape[-1] < n_fft:
        raise RuntimeError(f"stft: n_fft {n_fft} is longer than the signal, {input.shape[-1]}")
    parts = fourier.frames(input, size=n_fft, hop=hop)
    if window is not None:
        parts = elementwise.mul(parts, window)
    norm = "ortho" if normalized else "backward"
    spectra = fourier.rfft(parts, axis=-1, norm=norm) if onesided else fourier.fftn(parts, axes=(-1,), norm=norm)
    spectra = shape.mT(spectra)
    return spectra if return_complex else complexes.view_as_real(spectra)


def istft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose stft comes nearest to these spectra, (frequencies, stretches) or a batch of them: stft's inverse.

    The stretches times the window are summed and divided by the sum of the window's squares: Griffin and Lim 1984, equation 6.
    `length` is the signal's. Raises RuntimeError where that sum is zero, and where the number of frequencies is not that of n_fft.
    """
    input = need_tensor("istft", input)
    if input.dtype.kind != "c":
        raise RuntimeError(f"istft: takes complex spectra, as of stft with return_complex=True, got {input.dtype}; see view_as_complex")
    if input.ndim not in (2, 3) or not input.numel():
        raise ShapeError(f"istft: takes (frequencies, stretches) or (batch, frequencies, stretches), got {tuple(input.shape)}")
    hop, window = framing("istft", n_fft, hop_length, win_length, window)
    frequencies, count = input.shape[-2:]
    onesided = frequencies != n_fft if onesided is None else onesided
    if frequencies != (n_fft // 2 + 1 if onesided else n_fft):
        raise RuntimeError(f"istft: {frequencies} frequencies are not those of n_fft {n_fft} with onesided={onesided}")
    if return_complex and onesided:
        raise RuntimeError("istft: a one-sided spectrum is that of a real signal; use onesided=False with return_complex=True")
    norm = "ortho" if normalized else "backward"
    spectra = shape.mT(input)
    if return_complex:
        parts = fourier.ifftn(spectra, axes=(-1,), norm=norm)
    else:  # of a two-sided spectrum, too, half is read
        half = shape.crop(spectra, axis=-1, start=0, length=n_fft // 2 + 1)
        parts = fourier.irfft(half, axis=-1, length=n_fft, norm=norm)
    if window is None:
        window = constant(np.ones(n_fft, input.array.real.dtype))
    whole = n_fft + hop * (count - 1)
    squares = shape.broadcast_to(elementwise.square(window), target=(count, n_fft))
    start = n_fft // 2 if center else 0
    stop = start + length if length is not None else whole - start
    inside = (..., slice(start, min(stop, whole)))
    summed = fourier.overlap_add(elementwise.mul(parts, window), hop=hop, length=whole)[inside]
    weight = fourier.overlap_add(squares, hop=hop, length=whole)[inside]
    if weight.numel() and np.abs(weight.array).min() < 1e-11:
        raise RuntimeError(
            "istft: somewhere the windows sum to zero, so the signal cannot be known there; use center=True, or a smaller hop"
        )
    out = elementwise.div(summed, weight)
    if stop > whole:
        warnings.warn(f"istft: the spectra make {whole - start} entries, the rest of length={length} is zeros", UserWarning, stacklevel=2)
        out = shape.embed(out, axis=-1, start=0, length=stop - start)
    return out
