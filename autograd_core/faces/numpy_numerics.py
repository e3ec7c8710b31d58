"""NumPy's differences, integrals, interpolation, convolution, polynomials and special functions, over Tensors that record."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ops import elementwise, limits, linalg, shape
from ..tensor import Tensor, constant
from . import complex as complex_numbers
from . import joining, scans, shapes, specials
from .numpy_arguments import alike, axes_of, common_dtype, tensor, weak, without_tensors
from .numpy_entries import trim_zeros
from .numpy_reductions import GIVEN
from .numpy_shapes import concatenate, ravel

FUNCTIONS = """
    diff ediff1d gradient trapezoid interp unwrap convolve correlate linspace logspace geomspace
    polyval polyadd polysub polymul polydiv polyder polyint polyfit poly roots vander sinc i0 angle real_if_close
"""


# ---------------------------------------------------------------------- differences and areas


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = GIVEN, append: Any = GIVEN) -> Tensor:
    x = tensor(a)
    if n < 0:
        raise ValueError(f"np.diff: order must be non-negative but got {n}")
    if not n:
        return x
    (axis,) = axes_of(x.ndim, axis)
    parts = []
    for part in (prepend, x, append):
        if part is not GIVEN:
            part = tensor(part)
            edge = tuple(1 if k == axis else m for k, m in enumerate(x.array.shape))
            parts.append(shapes.expand(part, edge) if not part.ndim else part)
    return scans.diff(concatenate(parts, axis) if len(parts) > 1 else x, n, axis)


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    x = ravel(ary)
    ends = [None if e is None else ravel(e).to(x.dtype) for e in (to_begin, to_end)]
    return joining.cat([p for p in (ends[0], scans.diff(x), ends[1]) if p is not None], 0)


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """One tensor for each axis, in a tuple; that alone if there is one."""
    x = tensor(f)
    axes = axes_of(x.ndim, axis)
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 and len(axes) > 1 and np.ndim(without_tensors(varargs[0]))):
        raise TypeError("invalid number of arguments")
    if not axes:
        return ()
    spacings = [weak(v) for v in varargs or (1.0,)] * (1 if len(varargs) == len(axes) else len(axes))
    for k in axes:
        if x.array.shape[k] < edge_order + 1:
            raise ValueError("np.gradient: the array is too small; at least (edge_order + 1) elements are required")
    steps = [s if np.ndim(without_tensors(s)) == 0 else tensor(s).to(common_dtype(x, tensor(s))) for s in spacings]
    made = [scans.gradient(x, spacing=[s], dim=k, edge_order=edge_order)[0].to(x.dtype) for k, s in zip(axes, steps, strict=True)]
    return made[0] if len(axes) == 1 else tuple(made)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    heights = tensor(y)
    if x is None:
        return scans.trapezoid(heights, dx=weak(dx), dim=axis)
    heights, points = alike(heights, tensor(x))
    return scans.trapezoid(heights, points, dim=axis)


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Tensor:
    """Straight lines through the points (xp, fp), at x; outside of them `left` and `right`, by default the ends' values."""
    x, xp, fp = (tensor(v) for v in (x, xp, fp))
    x, xp = x.to(np.float64), xp.to(np.float64)
    fp = fp.to(np.result_type(fp.dtype, np.float64))
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period = abs(weak(period))
        x, xp = elementwise.remainder(x, period), elementwise.remainder(xp, period)
        order = constant(np.argsort(xp.array))
        xp, fp = xp[order], fp[order]
        xp = joining.cat([xp[-1:] - period, xp, xp[:1] + period], 0)
        fp = joining.cat([fp[-1:], fp, fp[:1]], 0)
    n = xp.array.size
    if n > 1:
        places = np.clip(np.searchsorted(xp.array, x.array, side="right") - 1, 0, n - 2)
        low, high = constant(np.asarray(places)), constant(np.asarray(places + 1))
        slope = (fp[high] - fp[low]) / (xp[high] - xp[low])
        out = fp[low] + slope * (x - xp[low])
    else:
        out = shapes.expand(fp[0], x.array.shape) + x * 0
    before, after = (fp[0] if left is None else tensor(left).to(fp.dtype)), (fp[-1] if right is None else tensor(right).to(fp.dtype))
    if period is None:
        out = elementwise.where(x < xp[0], before, out)
        out = elementwise.where(x >= xp[-1], elementwise.where(x > xp[-1], after, fp[-1]), out)
    return out


def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Tensor:
    """The jumps by whole periods that NumPy takes out are constants."""
    x = tensor(p)
    return elementwise.add(x, constant(np.unwrap(x.array, discont, axis, period=period) - x.array))


# ---------------------------------------------------------------------- convolution


def correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    """Σ a[n + k] · conj(v[n]) for each shift k."""
    a, v = alike(a, v)
    if not a.array.size or not v.array.size:
        raise ValueError("np.correlate: the arrays must not be empty")
    if a.ndim > 1 or v.ndim > 1:
        raise ValueError(f"np.correlate: takes vectors, got shapes {tuple(a.shape)} and {tuple(v.shape)}")
    a, v = shapes.atleast_1d(a), complex_numbers.conj(shapes.atleast_1d(v))
    n, m = a.array.size, v.array.size
    framed = shape.pad(a, widths=((m - 1, m - 1),))
    whole = linalg.matmul(shape.windows(framed, axis=0, size=m, step=1), v)
    short, long = min(n, m), max(n, m)
    middle = (short - 1 + (n < m and short % 2 == 0)) // 2  # of an even number of places NumPy takes the later one for a shorter left side
    first, length = {"full": (0, n + m - 1), "same": (middle, long), "valid": (short - 1, long - short + 1)}[mode]
    return whole[first : first + length]


def convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    """Σ a[n] · v[k - n] for each k."""
    a, v = alike(a, v)
    if v.array.size > a.array.size:
        a, v = v, a
    return correlate(a, complex_numbers.conj(shape.flip(shapes.atleast_1d(v), axis=0)), mode)


# ---------------------------------------------------------------------- sequences


def linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: Any = 0, **place: Any
) -> Any:
    given = common_dtype(start, stop)
    first, last = (tensor(v).to(np.result_type(given, float(num))) for v in (start, stop))
    gaps = num - 1 if endpoint else num
    span = elementwise.sub(last, first)
    part = np.arange(num).reshape(-1, *(1,) * span.ndim).astype(span.array.real.dtype) / max(gaps, 1)
    out = elementwise.add(elementwise.mul(constant(part), span), first)
    if endpoint and num > 1:
        out = joining.cat([out[:-1], shapes.unsqueeze(shapes.expand(last, span.array.shape), 0)], 0)
    out = shapes.movedim(out, 0, axis) if axis else out
    out = out if dtype is None else out.to(np.dtype(dtype))
    return (out, elementwise.div(span, gaps) if gaps else span * math.nan) if retstep else out


def logspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: Any = 0) -> Tensor:
    out = np.power(weak(base), linspace(start, stop, num, endpoint, axis=axis))
    return out if dtype is None else out.to(np.dtype(dtype))


def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: Any = 0) -> Tensor:
    first, last = (tensor(v).to(common_dtype(start, stop, np.zeros(()))) for v in (start, stop))
    share = linspace(elementwise.zeros_like(first + last), 1.0, num, endpoint, axis=0)
    out = elementwise.mul(first, elementwise.pow(elementwise.div(last, first), share))
    out = shapes.movedim(out, 0, axis) if axis else out
    return out if dtype is None else out.to(np.dtype(dtype))


# ---------------------------------------------------------------------- polynomials, the highest power's coefficient first


def polyval(p: Any, x: Any) -> Tensor:
    coefficients, x = alike(tensor(p), tensor(x))
    out = elementwise.zeros_like(x)
    for k in range(coefficients.array.size):
        out = out * x + coefficients[k]
    return out


def polyadd(a1: Any, a2: Any) -> Tensor:
    a, b = (shapes.atleast_1d(v) for v in alike(a1, a2))
    n = max(a.array.size, b.array.size)
    return elementwise.add(*[shape.embed(v, axis=0, start=n - v.array.size, length=n) for v in (a, b)])


def polysub(a1: Any, a2: Any) -> Tensor:
    return polyadd(a1, elementwise.neg(tensor(a2)))


def polymul(a1: Any, a2: Any) -> Tensor:
    trimmed = [trim_zeros(shapes.atleast_1d(v), "f") for v in alike(a1, a2)]
    a, b = (t if t.array.size else constant(np.zeros(1, t.dtype)) for t in trimmed)
    return convolve(a, b)


def polyder(p: Any, m: int = 1) -> Tensor:
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    out = tensor(p)
    for _ in range(m):
        n = out.array.size
        powers = constant(np.arange(n - 1, 0, -1))
        out = elementwise.mul(*alike(out[:-1], powers))
    return out


def polyint(p: Any, m: int = 1, k: Any = None) -> Tensor:
    out = tensor(p)
    constants = [0.0] * m if k is None else [k] * m if np.ndim(without_tensors(k)) == 0 else list(k) * (m if len(k) == 1 else 1)
    if m < 0 or len(constants) != m:
        raise ValueError("np.polyint: m must not be negative, and k a number or one for each integration")
    for c in constants:
        raised = elementwise.div(*alike(out, constant(np.arange(out.array.size, 0, -1))))
        out = concatenate([raised, ravel(c)])
    return out


def polydiv(u: Any, v: Any) -> tuple[Tensor, Tensor]:
    """Quotient and remainder, by long division; the remainder without leading zeros."""
    u, v = (shapes.atleast_1d(x).to(dtype) for dtype in [common_dtype(u, v, 0.0)] for x in (tensor(u), tensor(v)))
    n = max(u.array.size - v.array.size + 1, 1)
    quotient = []
    for k in range(u.array.size - v.array.size + 1):
        quotient.append(u[k] / v[0])
        u = u - shape.embed(v * quotient[-1], axis=0, start=k, length=u.array.size)
    whole = joining.stack(quotient, 0) if quotient else constant(np.zeros(n, u.dtype))
    first = len(quotient)
    while first < u.array.size - 1 and np.allclose(u.array[first], 0, rtol=1e-14):
        first += 1
    return whole, u[min(first, u.array.size - 1) :]


def polyfit(x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Tensor:
    """The coefficients of least squares; the columns of the system are scaled to length one first."""
    from .numpy_linalg import lstsq

    if full or cov:
        raise TypeError("np.polyfit: full= and cov= are not recorded for tensors that require grad; call .detach() first")
    x, y = (v.to(np.result_type(v.dtype, np.float64)) for v in (tensor(x), tensor(y)))
    left, right = vander(x, int(deg) + 1), y
    if w is not None:
        w = tensor(w).to(np.float64)
        left = left * shapes.unsqueeze(w, 1)
        right = right * (shapes.unsqueeze(w, 1) if y.ndim == 2 else w)
    scale = elementwise.sqrt((left * left).sum(0))
    solution = lstsq(left / scale, right, len(x) * np.finfo(x.dtype).eps if rcond is None else rcond)[0]
    return solution / (shapes.unsqueeze(scale, 1) if y.ndim == 2 else scale)


def poly(seq_of_zeros: Any) -> Tensor:
    """The coefficients of the polynomial with these zeros, or with a matrix's eigenvalues for zeros."""
    from .numpy_linalg import eigvals

    zeros = shapes.atleast_1d(tensor(seq_of_zeros))
    zeros = eigvals(zeros) if zeros.ndim == 2 else zeros.to(np.dtype(np.mintypecode(zeros.dtype.char)))
    out = constant(np.ones(1, zeros.dtype))
    for k in range(zeros.array.size):
        out = convolve(out, joining.stack([constant(np.ones((), zeros.dtype)), -zeros[k]], 0))
    paired = zeros.is_complex() and np.all(np.sort(zeros.array) == np.sort(zeros.array.conj()))
    return complex_numbers.real(out) if paired else out


def roots(p: Any) -> Tensor:
    """The eigenvalues of the companion matrix; a zero for each coefficient of zero at the end."""
    from .numpy_linalg import eigvals

    p = shapes.atleast_1d(tensor(p))
    if p.ndim != 1:
        raise ValueError("Input must be a rank-1 array.")
    found = np.flatnonzero(p.array)
    if not len(found):
        return constant(np.zeros(0))
    inside = p[int(found[0]) : int(found[-1]) + 1]
    trailing = constant(np.zeros(p.array.size - 1 - int(found[-1]), p.dtype))
    n = inside.array.size
    if n == 1:
        return trailing
    below = constant(np.eye(n - 2, n - 1, dtype=p.dtype))
    values = eigvals(joining.cat([shapes.unsqueeze(-inside[1:] / inside[0], 0), below], 0))
    return concatenate([values, trailing])


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    v = tensor(x)
    if v.ndim != 1:
        raise ValueError(f"np.vander: takes a vector, got shape {tuple(v.shape)}")
    n = v.array.size if N is None else N
    v = v.to(np.result_type(v.dtype, int))
    ones = constant(np.ones((v.array.size, min(n, 1)), v.dtype))
    rest = shapes.expand(shapes.unsqueeze(v, 1), (v.array.size, max(n - 1, 0)))
    powers = scans.cumprod(joining.cat([ones, rest], 1), 1) if n else ones
    return powers if increasing else shape.flip(powers, axis=1)


# ---------------------------------------------------------------------- special functions, complex numbers


def sinc(x: Any) -> Tensor:
    return limits.sinc(tensor(x))


def i0(x: Any) -> Tensor:
    return specials.i0(tensor(x))


def angle(z: Any, deg: bool = False) -> Tensor:
    out = complex_numbers.angle(tensor(z))
    return elementwise.mul(out, 180 / math.pi) if deg else out


def real_if_close(a: Any, tol: float = 100) -> Tensor:
    x = tensor(a)
    return complex_numbers.real(x) if x.is_complex() and np.real_if_close(x.array, tol).dtype.kind != "c" else x
