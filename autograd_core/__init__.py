"""Reverse-mode automatic differentiation on NumPy, in PyTorch's vocabulary.

import autograd_core as ag

x = ag.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
x.grad  # tensor([2., 4.])
"""

from __future__ import annotations

from . import environment as _environment  # before anything loads NumPy

# isort: split
from importlib import import_module as _import_module
from math import e, inf, nan, pi

from . import autograd, check
from . import dtypes as _dtypes
from . import interchange as _interchange
from .creation import (
    as_tensor,
    asarray,
    empty,
    empty_like,
    from_numpy,
    full,
    full_like,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from .device import Device as device
from .dtypes import (
    can_cast,
    complex64,
    complex128,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .faces import methods as _methods
from .faces import numpy as _numpy
from .factory import contiguous_format, preserve_format, strided
from .interchange import from_dlpack
from .kernels import allocator as _allocator
from .modes import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from .ops.activation import softplus
from .ops.linalg import einsum
from .primitive import fused, primitive
from .printing import set_printoptions
from .random import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .sequences import arange, eye, linspace, logspace, tril_indices, triu_indices
from .size import Size
from .tensor import Tensor

__version__ = "0.1.0"

half, float, double = float16, float32, float64
short, int, long, bool = int16, int32, int64, _dtypes.bool_
cfloat, cdouble = complex64, complex128
dtype = type(float32)

_allocator.keep_freed_memory()
_methods.install()
_numpy.install()
_interchange.install()
globals().update(_methods.functions())
detach_ = _methods.detach_

_LATER = {  # loaded when first asked for, so that importing stays quick: name -> module, or module and what to take from it
    "array_api": ".array_api",
    "bfloat16": ".dtypes:bfloat16",
    "cuda": ".cuda",
    "distributions": ".distributions",
    "fft": ".fft",
    "func": ".func",
    "linalg": ".linalg",
    "load": ".serialization:load",
    "nn": "nn",
    "optim": "optim",
    "safetensors": ".safetensors",
    "save": ".serialization:save",
    "special": ".special",
    "utils": ".utils",
    "vmap": ".func:vmap",
}


def __getattr__(name: str) -> _dtypes.Any:
    if name not in _LATER:
        raise AttributeError(f"module 'autograd_core' has no attribute {name!r}")
    module, _, attribute = _LATER[name].partition(":")
    found = _import_module(module, __name__)
    globals()[name] = getattr(found, attribute) if attribute else found
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def is_tensor(obj: object) -> _dtypes.Any:
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)
