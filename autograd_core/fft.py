"""Discrete Fourier transforms in PyTorch's vocabulary, as torch.fft.

`n` and `s` say how long the signal is: it is cropped, or filled up with zeros, first. `norm` is "backward" (the default: the inverse
transform is divided by the length), "forward" (the forward one is) or "ortho" (each by the square root). float32 gives complex64;
whole numbers count as the default float. Raises RuntimeError for lengths below one and for float16, IndexError for a wrong dim.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .dtypes import get_default_dtype
from .faces.arguments import both_names, need_tensor, one_dim
from .faces.shapes import roll
from .factory import dtype_of, factory
from .ops import complex as complexes
from .ops import fourier, shape
from .tensor import Tensor

__all__ = """
    fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 hfft2 ihfft2 fftn ifftn rfftn irfftn hfftn ihfftn
    fftfreq rfftfreq fftshift ifftshift
""".split()


def signal(name: str, input: Any, real: bool = False) -> Tensor:
    """The input as a Tensor. Raises RuntimeError for float16 and, where it must be real, for complex numbers."""
    input = need_tensor(f"fft.{name}", input)
    if input.dtype.kind == "f" and input.dtype.itemsize < 4:
        raise RuntimeError(f"fft.{name}: needs at least float32, got {input.dtype}; convert first, e.g. t.float()")
    if real and input.dtype.kind == "c":
        raise RuntimeError(f"fft.{name}: takes real numbers, got {input.dtype}; use fft, or t.real")
    return input


def spectrum(name: str, input: Any) -> Tensor:
    """The input as a complex Tensor."""
    input = signal(name, input)
    if input.dtype.kind == "c":
        return input
    return shape.astype(input, dtype=np.result_type(input.dtype if input.dtype.kind == "f" else get_default_dtype(), np.complex64))


def mode(name: str, norm: str | None) -> str:
    if norm not in (None, "backward", "forward", "ortho"):
        raise RuntimeError(f"fft.{name}: norm is 'backward', 'forward' or 'ortho', got {norm!r}")
    return norm or "backward"


def along(name: str, input: Tensor, dim: int) -> int:
    if not input.ndim:
        raise IndexError(f"fft.{name}: a 0-d tensor has no dim {dim}")
    return one_dim(f"fft.{name}", input.ndim, dim)


def sized(name: str, input: Tensor, n: int | None, axis: int) -> Tensor:
    """The input with n entries along the axis: without the last ones, or with zeros after them."""
    length = input.shape[axis]
    n = length if n is None or n == -1 else n
    if n < 1:
        raise RuntimeError(f"fft.{name}: the transform's length must be at least 1, got {n}")
    if n == length:
        return input
    if n < length:
        return shape.crop(input, axis=axis, start=0, length=n)
    return shape.embed(input, axis=axis, start=0, length=n)


def several(name: str, input: Tensor, s: Any, dim: Any) -> tuple[list[int], list[Any]]:
    """The axes of a transform over several dims, and the length to use of each."""
    if isinstance(s, int):
        s = (s,)
    if isinstance(dim, int):
        dim = (dim,)
    if dim is None:
        if s is not None and len(s) > input.ndim:
            raise RuntimeError(f"fft.{name}: {len(s)} lengths for a tensor of shape {tuple(input.shape)}")
        dim = range(input.ndim) if s is None else range(input.ndim - len(s), input.ndim)
    axes = [along(name, input, d) for d in dim]
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"fft.{name}: a dim appears twice in {tuple(dim)}")
    if s is not None and len(s) != len(axes):
        raise RuntimeError(f"fft.{name}: {len(s)} lengths but {len(axes)} dims")
    return axes, [None] * len(axes) if s is None else list(s)


def least_one(name: str, axes: Sequence[int]) -> None:
    if not axes:
        raise RuntimeError(f"fft.{name}: needs at least one dimension to transform")


# ---------------------------------------------------------------------- each kind, over several dimensions


def _complex(op: Any) -> Callable[..., Tensor]:
    def transform(name: str, input: Any, s: Any, dim: Any, norm: str) -> Tensor:
        input = signal(name, input)
        axes, lengths = several(name, input, s, dim)
        for axis, n in zip(axes, lengths, strict=True):
            input = sized(name, input, n, axis)
        return op(input, axes=tuple(axes), norm=norm)

    return transform


def _half(name: str, input: Any, s: Any, dim: Any, norm: str) -> Tensor:
    """Of real numbers, the frequencies from zero to half of the last dimension's length."""
    input = signal(name, input, real=True)
    axes, lengths = several(name, input, s, dim)
    least_one(name, axes)
    for axis, n in zip(axes, lengths, strict=True):
        input = sized(name, input, n, axis)
    half = fourier.rfft(input, axis=axes[-1], norm=norm)
    return fourier.fftn(half, axes=tuple(axes[:-1]), norm=norm) if axes[1:] else half


def _from_half(name: str, input: Any, s: Any, dim: Any, norm: str) -> Tensor:
    """The inverse of that."""
    input = spectrum(name, input)
    axes, lengths = several(name, input, s, dim)
    least_one(name, axes)
    last = lengths[-1] if lengths[-1] not in (None, -1) else 2 * (input.shape[axes[-1]] - 1)
    if last < 1:
        raise RuntimeError(f"fft.{name}: the transform's length must be at least 1, got {last}")
    for axis, n in zip(axes, [*lengths[:-1], last // 2 + 1], strict=True):
        input = sized(name, input, n, axis)
    if axes[1:]:
        input = fourier.ifftn(input, axes=tuple(axes[:-1]), norm=norm)
    return fourier.irfft(input, axis=axes[-1], length=last, norm=norm)


def _hermitian(name: str, input: Any, s: Any, dim: Any, norm: str) -> Tensor:
    return _from_half(name, complexes.conj(spectrum(name, input)), s, dim, fourier.SWAPPED[norm])


def _to_hermitian(name: str, input: Any, s: Any, dim: Any, norm: str) -> Tensor:
    return complexes.conj(_half(name, input, s, dim, fourier.SWAPPED[norm]))


KINDS = {
    "fft": (_complex(fourier.fftn), "The transform, Σₖ x[k] exp(-2πi jk / n)"),
    "ifft": (_complex(fourier.ifftn), "The inverse of fft"),
    "rfft": (_half, "fft of real numbers, of which half of the (last) frequencies is given: the others are their conjugates"),
    "irfft": (_from_half, "The inverse of rfft, real: of even length, along the (last) dim, unless that is given"),
    "hfft": (_hermitian, "The transform, real, of a signal with Hermitian symmetry, of which half along the (last) dim is given"),
    "ihfft": (_to_hermitian, "The inverse of hfft"),
}


def _over_one(kind: str) -> Any:
    transform, text = KINDS[kind]

    def call(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
        if isinstance(dim, bool) or not hasattr(dim, "__index__"):
            raise TypeError(f"fft.{kind}: dim must be an integer, got {dim!r}")
        if n is not None and n < 1:
            raise RuntimeError(f"fft.{kind}: the transform's length must be at least 1, got {n}")
        return transform(kind, input, None if n is None else (n,), (dim,), mode(kind, norm))

    return published(call, kind, f"{text}, along `dim`.")


def _over_two(kind: str) -> Any:
    transform, text = KINDS[kind]
    name = f"{kind}2"

    def call(input: Any, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
        return transform(name, input, s, dim, mode(name, norm))

    return published(call, name, f"{text}, over two dimensions: the last two, unless `dim` names others.")


def _over_several(kind: str) -> Any:
    transform, text = KINDS[kind]
    name = f"{kind}n"

    def call(input: Any, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
        return transform(name, input, s, dim, mode(name, norm))

    return published(call, name, f"{text}, over all dimensions, or those in `dim`, or the last that `s` has lengths for.")


def published(call: Any, name: str, text: str) -> Any:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = text
    return both_names(call)


fft, ifft, rfft, irfft, hfft, ihfft = map(_over_one, KINDS)
fft2, ifft2, rfft2, irfft2, hfft2, ihfft2 = map(_over_two, KINDS)
fftn, ifftn, rfftn, irfftn, hfftn, ihfftn = map(_over_several, KINDS)


# ---------------------------------------------------------------------- frequencies


@factory
def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None) -> Any:
    """The frequencies that fft gives, for n samples a time d apart, in cycles per unit of time."""
    return np.fft.fftfreq(n, d).astype(dtype_of("fft.fftfreq", dtype, kinds="fc"))


@factory
def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None) -> Any:
    """The frequencies that rfft gives."""
    return np.fft.rfftfreq(n, d).astype(dtype_of("fft.rfftfreq", dtype, kinds="fc"))


def shifted(name: str, input: Any, dim: Any, way: int) -> Tensor:
    input = need_tensor(f"fft.{name}", input)
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    axes = [along(name, input, d) for d in dims]
    return roll(input, tuple(way * (input.shape[k] // 2) for k in axes), tuple(axes)) if axes else shape.clone(input)


@both_names
def fftshift(input: Any, dim: Any = None) -> Tensor:
    """The frequency zero moved to the middle of each of the dims, all unless given."""
    return shifted("fftshift", input, dim, 1)


@both_names
def ifftshift(input: Any, dim: Any = None) -> Tensor:
    """The inverse of fftshift."""
    return shifted("ifftshift", input, dim, -1)
