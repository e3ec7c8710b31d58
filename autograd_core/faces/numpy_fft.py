"""NumPy's Fourier transforms on Tensors that record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import fft as ours
from ..tensor import Tensor
from .numpy_arguments import tensor

FUNCTIONS = "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftshift ifftshift"


def signal(a: Any) -> Tensor:
    """float16 is transformed in float32."""
    x = tensor(a)
    return x.to(np.float32) if x.dtype == np.float16 else x


def along_one(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, n=None, axis=-1, norm=None, out=None: function(signal(a), n, axis, norm)


def along_two(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, s=None, axes=(-2, -1), norm=None, out=None: function(signal(a), s, axes, norm)


def along_all(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, s=None, axes=None, norm=None, out=None: function(signal(a), s, axes, norm)


def to_real(function: Callable[..., Any]) -> Callable[..., Any]:
    """The result in float16 again."""
    run = along_one(function)

    def call(a: Any, *args: Any, **settings: Any) -> Tensor:
        out = run(a, *args, **settings)
        return out.to(np.float16) if tensor(a).dtype == np.float16 else out

    return call


fft, ifft, rfft, ihfft = (along_one(f) for f in (ours.fft, ours.ifft, ours.rfft, ours.ihfft))
irfft, hfft = to_real(ours.irfft), to_real(ours.hfft)
fft2, ifft2, rfft2, irfft2 = (along_two(f) for f in (ours.fft2, ours.ifft2, ours.rfft2, ours.irfft2))
fftn, ifftn, rfftn, irfftn = (along_all(f) for f in (ours.fftn, ours.ifftn, ours.rfftn, ours.irfftn))


def fftshift(x: Any, axes: Any = None) -> Any:
    return ours.fftshift(tensor(x), axes)


def ifftshift(x: Any, axes: Any = None) -> Any:
    return ours.ifftshift(tensor(x), axes)
