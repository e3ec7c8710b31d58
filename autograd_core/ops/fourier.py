"""Discrete Fourier transforms. Each is a linear operation whose adjoint is its inverse, but for the factor that `norm` says.

`norm` is NumPy's and PyTorch's: "backward" divides the inverse transform by the length, "forward" the forward one, "ortho"
each by the square root.
"""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .shape import crop

SWAPPED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


@primitive(lambda g, axes, norm: ifftn(g, axes=axes, norm=SWAPPED[norm]), promotes="float", holomorphic=False)
def fftn(x, *, axes, norm="backward"):
    """Over these axes. Real numbers, too, give all frequencies."""
    return np.fft.fftn(x, axes=axes, norm=norm) if axes else x.astype(np.result_type(x.dtype, np.complex64))


@primitive(lambda g, axes, norm: fftn(g, axes=axes, norm=SWAPPED[norm]), promotes="float", holomorphic=False)
def ifftn(x, *, axes, norm="backward"):
    return np.fft.ifftn(x, axes=axes, norm=norm) if axes else x.astype(np.result_type(x.dtype, np.complex64))


@primitive(lambda g, axis, norm, shape: halves(g, axis, norm, shape[axis]), promotes="float", holomorphic=False)
def rfft(x, *, axis, norm="backward"):
    """Of real numbers: the frequencies from zero to half of the length; the others are their conjugates."""
    return np.fft.rfft(x, axis=axis, norm=norm)


def halves(g, axis, norm, length):
    """rfft's adjoint: irfft counts those frequencies twice whose conjugates it fills in."""
    return irfft(weighted(g, axis=axis, length=length, weight=0.5), axis=axis, length=length, norm=SWAPPED[norm])


@primitive(
    lambda g, axis, length, norm: weighted(rfft(g, axis=axis, norm=SWAPPED[norm]), axis=axis, length=length, weight=2),
    promotes="float",
    holomorphic=False,
)
def irfft(x, *, axis, length, norm="backward"):
    """rfft's inverse: real numbers, `length` of them. Of what has no imaginary part in a real signal's spectrum, none is read."""
    return np.fft.irfft(x, length, axis=axis, norm=norm)


@primitive(lambda g, axis, length, weight: weighted(g, axis=axis, length=length, weight=weight), promotes="no")
def weighted(x, *, axis, length, weight):
    """Half a spectrum with those frequencies times `weight` that stand for two: all but zero and, of an even length, the last."""
    out = np.array(x)
    index = [slice(None)] * x.ndim
    index[axis] = slice(1, (length + 1) // 2)
    out[tuple(index)] *= weight
    return out


# ---------------------------------------------------------------------- frames of a signal


@primitive(lambda g, shape, hop: overlap_add(g, hop=hop, length=shape[-1]), promotes="no")
def frames(x, *, size, hop):
    """Stretches of the last axis, `size` long, one every `hop`: (..., how many, size)."""
    return np.lib.stride_tricks.sliding_window_view(x, size, -1)[..., ::hop, :].copy()


@primitive(
    lambda g, shape, hop: frames(crop(g, axis=-1, start=0, length=reach(shape, hop)), size=shape[-1], hop=hop),
    promotes="no",
    meaning="the frames added where they lie",
)
def overlap_add(x, *, hop, length):
    """The sum of such stretches put back in their places, in zeros of this length."""
    count, size = x.shape[-2:]
    out = np.zeros((*x.shape[:-2], length), x.dtype)
    for k in range(count):
        out[..., k * hop : k * hop + size] += x[..., k, :]
    return out


def reach(shape, hop):
    """Where the last of the stretches ends."""
    return (shape[-2] - 1) * hop + shape[-1]
