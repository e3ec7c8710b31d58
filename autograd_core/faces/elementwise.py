"""The names of the operations that PyTorch calls just as they are declared, without a thought about arguments."""

from __future__ import annotations

from ..ops.activation import relu, sigmoid  # noqa: F401 - named below
from ..ops.elementwise import *  # noqa: F403
from ..ops.linalg import dot, matmul, outer  # noqa: F401
from ..ops.shape import clone  # noqa: F401
from ..ops.special import erf  # noqa: F401
from ..tensor import Tensor

METHODS = """
    neg reciprocal sqrt rsqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
    floor ceil trunc sign floor_divide remainder maximum minimum logaddexp atan2 eq ne lt le gt ge
    logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not isnan isinf isfinite
    erf relu sigmoid matmul outer dot clone mul
"""
FUNCTIONS = "detach"
IN_PLACE = """
    neg reciprocal sqrt rsqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh floor ceil trunc
    mul floor_divide remainder relu sigmoid
"""
detach = Tensor.detach
