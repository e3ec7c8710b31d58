"""Reverse-mode automatic differentiation on NumPy, in PyTorch's vocabulary.

import autograd_core as ag

x = ag.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
x.grad  # tensor([2., 4.])
"""

from __future__ import annotations

from math import e, inf, nan, pi

from . import autograd, check
from . import dtypes as _dtypes
from .creation import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
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
)
from .faces import methods as _methods
from .faces import numpy as _numpy
from .modes import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from .ops.activation import softplus
from .ops.linalg import einsum
from .primitive import fused, primitive
from .printing import set_printoptions
from .random import Generator, get_rng_state, manual_seed, set_rng_state
from .size import Size
from .tensor import Tensor

__version__ = "0.1.0"

half, float, double = float16, float32, float64
short, int, long, bool = int16, int32, int64, _dtypes.bool_

_methods.install()
_numpy.install()
globals().update(_methods.functions())


def is_tensor(obj: object) -> _dtypes.Any:
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)
