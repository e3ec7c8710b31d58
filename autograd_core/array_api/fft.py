"""The standard's extension for Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor, constant
from .creation import checked_device
from .names import FFT
from .wrapping import wrapped

globals().update({name: wrapped(np.fft, name) for name in FFT.split()})
__all__ = [*FFT.split(), "fftfreq", "rfftfreq"]


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of fft's results, in cycles per unit of the sample spacing d."""
    checked_device(device)
    return constant(np.fft.fftfreq(n, d).astype(np.float64 if dtype is None else dtype))


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of rfft's results, in cycles per unit of the sample spacing d."""
    checked_device(device)
    return constant(np.fft.rfftfreq(n, d).astype(np.float64 if dtype is None else dtype))
