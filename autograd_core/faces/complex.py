"""Complex tensors and their parts, as PyTorch names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..ops import elementwise, shape
from ..tensor import Tensor
from .arguments import need_tensor
from .inplace import copy_

METHODS = "conj conj_physical resolve_conj is_conj resolve_neg is_neg adjoint angle sgn"
FUNCTIONS = "real imag complex polar view_as_real view_as_complex"
IN_PLACE = "conj_physical sgn"


def real(input: Any) -> Tensor:
    """The real part, in the same memory; of a real tensor itself."""
    return elementwise.real(input) if need_tensor("real", input).dtype.kind == "c" else input


def imag(input: Any) -> Tensor:
    """The imaginary part, in the same memory. Raises RuntimeError for real tensors."""
    if need_tensor("imag", input).dtype.kind != "c":
        raise RuntimeError(f"imag: only complex tensors have an imaginary part, this one is {input.dtype}")
    return elementwise.imag(input)


def set_real(self: Tensor, value: Any) -> None:
    copy_(real(self), value)


def set_imag(self: Tensor, value: Any) -> None:
    copy_(imag(self), value)


def conj(input: Any) -> Tensor:
    """The complex conjugate, a copy; of a real tensor itself."""
    return elementwise.conj(input) if need_tensor("conj", input).dtype.kind == "c" else input


def conj_physical(input: Any) -> Tensor:
    """The complex conjugate."""
    return conj(input)


def resolve_conj(input: Any) -> Tensor:
    """Itself: a conjugate is computed at once."""
    return need_tensor("resolve_conj", input)


def resolve_neg(input: Any) -> Tensor:
    """Itself: a negative is computed at once."""
    return need_tensor("resolve_neg", input)


def is_conj(input: Any) -> bool:
    """False: a conjugate is computed at once."""
    return False


def is_neg(input: Any) -> bool:
    """False: a negative is computed at once."""
    return False


def adjoint(input: Any) -> Tensor:
    """The conjugates of the matrices transposed. Raises ShapeError for vectors."""
    if need_tensor("adjoint", input).ndim == 1:
        raise ShapeError(f"adjoint: needs a matrix or a batch of matrices, got shape {tuple(input.shape)}")
    return conj(shape.mT(input)) if input.ndim else conj(input)


def hermitian(input: Tensor) -> Tensor:
    """The conjugate of a matrix transposed (`t.H`). Raises RuntimeError for more dimensions, or one."""
    if input.ndim not in (0, 2):
        raise ShapeError(f"H: needs a matrix, got shape {tuple(input.shape)}; use mH for batches of matrices")
    return adjoint(input)


def angle(input: Any) -> Tensor:
    """The angle of a complex number with the real axis, in radians; of a real number 0, or π below zero."""
    return elementwise.angle(need_tensor("angle", input))


def sgn(input: Any) -> Tensor:
    """A complex number over its size; of real numbers their sign."""
    return elementwise.sign(need_tensor("sgn", input))


def complex(real: Any, imag: Any) -> Tensor:
    """real + i · imag. Raises RuntimeError unless both are floats of one dtype."""
    same_floats("complex", real, imag)
    return elementwise.complex(real, imag)


def polar(abs: Any, angle: Any) -> Tensor:
    """abs · (cos(angle) + i · sin(angle)). Raises RuntimeError unless both are floats of one dtype."""
    same_floats("polar", abs, angle)
    return elementwise.complex(abs * elementwise.cos(angle), abs * elementwise.sin(angle))


def same_floats(name: str, a: Any, b: Any) -> None:
    """Raise RuntimeError unless two tensors are floats of one dtype."""
    if need_tensor(name, a).dtype.kind != "f" or need_tensor(name, b).dtype != a.dtype:
        raise RuntimeError(f"{name}: needs two floating-point tensors of one dtype, got {a.dtype} and {b.dtype}")


def view_as_real(input: Any) -> Tensor:
    """Real and imaginary parts along a last dimension of length two, in the same memory. Raises RuntimeError for real tensors."""
    if need_tensor("view_as_real", input).dtype.kind != "c":
        raise RuntimeError(f"view_as_real: needs a complex tensor, got {input.dtype}")
    return elementwise.view_as_real(input)


def view_as_complex(input: Any) -> Tensor:
    """Pairs along the last dimension as complex numbers, in the same memory.

    Raises RuntimeError for other than floats of 32 or 64 bits, another length of the last dimension, or pairs that are not together.
    """
    if need_tensor("view_as_complex", input).dtype not in (np.float32, np.float64):
        raise RuntimeError(f"view_as_complex: needs a float32 or float64 tensor, got {input.dtype}")
    if not input.ndim or input.array.shape[-1] != 2:
        raise ShapeError(f"view_as_complex: the last dimension must have length 2, got shape {tuple(input.shape)}")
    if input.array.strides[-1] != input.array.itemsize:
        raise RuntimeError("view_as_complex: the two parts of each number must lie side by side in memory; use .contiguous() first")
    return elementwise.view_as_complex(input)
