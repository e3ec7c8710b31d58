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
    floor ceil trunc frac floor_divide remainder fmod maximum minimum fmax fmin logaddexp logaddexp2 atan2 hypot copysign nextafter
    eq ne lt le gt ge logical_and logical_or logical_xor logical_not
    bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift gcd lcm
    isnan isinf isfinite isposinf isneginf isreal signbit
    erf relu sigmoid matmul outer dot clone mul
"""
FUNCTIONS = "detach"
IN_PLACE = """
    neg reciprocal sqrt rsqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
    floor ceil trunc frac mul floor_divide remainder fmod atan2 hypot copysign nextafter
    eq ne lt le gt ge logical_and logical_or logical_xor logical_not
    bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift gcd lcm
    relu sigmoid
"""
detach = Tensor.detach
