"""Complex numbers and their parts.

The gradient of a real loss L by z = x + iy is dL/dx + i dL/dy, as in PyTorch. None of these is holomorphic, but for
those that only rearrange: their rules are written for that gradient as it stands.
"""

from __future__ import annotations

import numpy as np

from ..primitive import primitive
from .choices import where, zeros_like


@primitive(lambda g: g, view=True, promotes="no", holomorphic=False)
def real(x):
    """The real part, in the same memory."""
    return x.real


@primitive(lambda g: complex(zeros_like(g), g), view=True, promotes="no", holomorphic=False)
def imag(x):
    """The imaginary part, in the same memory."""
    return x.imag


@primitive(lambda g: conj(g), promotes="no", holomorphic=False)
def conj(x):
    return np.conjugate(x)


@primitive(lambda g: real(g), lambda g: imag(g), holomorphic=False)
def complex(a, b):
    """a + i b, of two real arrays."""
    both = np.empty(np.broadcast_shapes(np.shape(a), np.shape(b)), np.result_type(a, np.complex64))
    both.real, both.imag = a, b
    return both


@primitive(lambda g: view_as_complex(g), view=True, promotes="no", holomorphic=False)
def view_as_real(x):
    """Real and imaginary parts along a last dimension of two, in the same memory."""
    return x[..., None].view(x.real.dtype)


@primitive(lambda g: view_as_real(g), view=True, promotes="no", holomorphic=False)
def view_as_complex(x):
    """The inverse of view_as_real; in the same memory if each pair is together."""
    if x.strides[-1] != x.dtype.itemsize:
        x = np.array(x, order="C")
    return x.view(np.result_type(x, np.complex64))[..., 0]


@primitive(lambda g, x: rotating(g, x), promotes="float", holomorphic=False)
def angle(x):
    """The angle of a complex number with the real axis, in radians; of a real number 0, or π below zero."""
    return np.angle(x) if x.dtype.kind == "c" else np.where(x < 0, np.pi, np.where(x == x, 0, x)).astype(x.dtype)


def rotating(g, x):
    """The gradient of the angle: a step at right angles to x, over |x|; none at zero, and none among real numbers."""
    return where(x == 0, 0, g * 1j / conj(where(x == 0, 1, x))) if x.dtype.kind == "c" else zeros_like(g)
