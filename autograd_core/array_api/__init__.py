"""The array API standard, version 2024.12, on Tensors: what `x.__array_namespace__()` gives, for libraries that take any array.

NumPy's main namespace follows the standard, so its functions on Tensors (`faces/numpy.py`) are taken as they are, and record;
what makes arrays, and what asks about dtypes, is here. Two things differ from the standard, for a Tensor is PyTorch's first:
`x.size` is a method, and in operators between Tensors one of no dimensions is as weak as a number (in functions it is not).
Source: https://data-apis.org/array-api/2024.12/
"""

from __future__ import annotations

from math import e, inf, nan, pi

import numpy as np

from ..dtypes import bool_, complex64, complex128, float32, float64, int8, int16, int32, int64, uint8
from ..interchange import from_dlpack
from . import fft, linalg
from .creation import arange, asarray, empty, empty_like, eye, full, full_like, linspace, meshgrid, ones, ones_like, zeros, zeros_like
from .information import Info, astype, can_cast, finfo, iinfo, isdtype, result_type
from .names import ELEMENTWISE, FUNCTIONS
from .ordering import argsort, sort
from .wrapping import elementwise, wrapped

__array_api_version__ = "2024.12"

bool = bool_
uint16, uint32, uint64 = np.dtype(np.uint16), np.dtype(np.uint32), np.dtype(np.uint64)
newaxis = None

globals().update({name: elementwise(name) for name in ELEMENTWISE.split()})
globals().update({name: wrapped(np, name) for name in FUNCTIONS.split()})

__all__ = [
    *ELEMENTWISE.split(),
    *FUNCTIONS.split(),
    *"arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like zeros zeros_like".split(),
    *"argsort sort astype can_cast finfo iinfo isdtype result_type e inf nan newaxis pi fft linalg".split(),
    *"bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128".split(),
]


def __array_namespace_info__() -> Info:
    """What this namespace can do: devices, dtypes, and which optional behaviours there are."""
    return Info()
