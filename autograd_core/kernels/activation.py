"""Activations and their slopes together, one pass over blocks, shared among threads where there are many elements.

The slope is what a backward pass multiplies its gradient with: as much memory as the input takes, and no second evaluation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .scratch import scratch
from .threads import in_parallel, pieces

Array = np.ndarray[Any, Any]

BLOCK = 1 << 18  # elements worked on at a time
SHARED = 1 << 17  # elements from which on threads pay


def activated(block: Callable[..., None], x: Array, slopes: bool, **settings: float) -> tuple[Array, Array | None]:
    """What `block(x, out, slope, rooms, **settings)` writes into out and, if `slopes`, into slope, for all of x.

    Parts of it are handed to block, with arrays of their length to work in. float16 is computed in float32.
    """
    dtype = np.dtype(np.float32) if x.dtype.char == "e" else x.dtype
    out = np.empty(x.shape, x.dtype)
    slope = np.empty(x.shape, dtype) if slopes else None
    flat = x.reshape(-1)

    def work(part: slice) -> None:
        given = flat[part].astype(dtype, copy=False)
        rooms = scratch(3, given.shape, dtype, "activation")
        result = out.reshape(-1)[part]
        written = result if result.dtype == dtype else rooms.pop()
        block(given, written, None if slope is None else slope.reshape(-1)[part], rooms, **settings)
        if written is not result:
            result[...] = written

    with np.errstate(over="ignore", invalid="ignore"):
        shared(work, x.size)
    return out, slope


def shared(work: Callable[[slice], None], count: int) -> None:
    """Call work(slice) for slices of elements that cover them all."""
    if count < SHARED:
        work(slice(0, count))
    else:
        in_parallel(work, pieces(count, min(BLOCK, -(-count // 2))))


def product(a: Array, b: Array) -> Array:
    """a · b, of arrays of one shape, in a's dtype."""
    if a.size < SHARED or a.dtype != b.dtype or not a.flags.c_contiguous:
        return np.multiply(a, b, dtype=a.dtype, casting="same_kind", order="C")
    out = np.empty(a.shape, a.dtype)
    flat = [v.reshape(-1) for v in (a, b, out)]
    in_parallel(lambda part: np.multiply(flat[0][part], flat[1][part], out=flat[2][part]), pieces(a.size, -(-a.size // 4)))
    return out


# ---------------------------------------------------------------------- GELU

# Φ(x) = (1 + tanh(x · r(x²))) / 2 to 1.3e-7, with r(y) = R0 + R1 y + (R2 y + R3) / (y² + R4 y + R5): least maximum of
# the error times max(1, |x|), found by weighted least squares. NumPy's tanh is the quickest of its functions in float32.
R0, R1, R2, R3 = 1.2294912146029282, 0.017456812317829005, -4.087831548454476, -136.76193694017357
R4, R5 = 23.32578872138998, 316.8681646220772


def gelu(x: Array, out: Array, slope: Array | None, rooms: list[Array]) -> None:
    """x · Φ(x), for float32: Φ is good to 1.9e-7."""
    y, t = rooms[:2]
    np.multiply(x, x, out=y)
    if not np.dot(y, y) < 1e30:  # a bound where Φ is 0 or 1, only if it is needed: np.minimum costs as much as four products
        np.minimum(y, 1e4, out=y)
    np.add(y, R4, out=t)
    t *= y
    t += R5
    np.multiply(y, R2, out=out)
    out += R3
    out /= t
    np.multiply(y, R1, out=t)
    t += R0
    t += out
    t *= x
    np.tanh(t, out=t)
    t *= 0.5
    t += 0.5
    np.multiply(x, t, out=out)
    if slope is not None:
        y *= -0.5
        np.exp(y, out=y)
        y *= x
        y *= 1 / math.sqrt(2 * math.pi)
        np.add(t, y, out=slope)


def gelu_tanh(x: Array, out: Array, slope: Array | None, rooms: list[Array]) -> None:
    """x · (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2."""
    y, t = rooms[:2]
    k = math.sqrt(2 / math.pi)
    np.multiply(x, x, out=y)
    y *= 0.044715 * k
    np.add(y, k, out=t)
    t *= x
    np.tanh(t, out=t)
    t *= 0.5
    t += 0.5
    np.multiply(x, t, out=out)
    if slope is not None:  # the derivative of t is 2 t (1 - t) times that of tanh's argument
        y *= 6
        y += 2 * k
        np.subtract(1, t, out=slope)
        slope *= y
        slope *= out
        slope += t


# ---------------------------------------------------------------------- SiLU, Mish


def silu(x: Array, out: Array, slope: Array | None, rooms: list[Array]) -> None:
    """x · sigmoid(x) = x / (1 + e⁻ˣ), whose derivative is (1 + x - x · sigmoid(x)) · sigmoid(x): exact where it is small, too."""
    (power,) = rooms[:1]
    np.negative(x, out=power)
    np.exp(power, out=power)
    power += 1
    np.divide(x, power, out=out)
    if slope is not None:
        np.subtract(x, out, out=slope)
        slope += 1
        slope /= power


def mish(x: Array, out: Array, slope: Array | None, rooms: list[Array]) -> None:
    """x · tanh(log(1 + eˣ)) = x · n / (n + 2) with n = eˣ (eˣ + 2)."""
    n, t = rooms[:2]
    np.minimum(x, 30, out=t)  # where n / (n + 2) is 1, and nothing overflows
    np.exp(t, out=t)
    np.add(t, 2, out=n)
    n *= t
    np.add(n, 2, out=out)
    n /= out
    if slope is not None:  # the derivative of n / (n + 2) = tanh is (1 - tanh²) · sigmoid, sigmoid being eˣ / (eˣ + 1)
        np.add(t, 1, out=slope)
        np.divide(t, slope, out=slope)
        np.multiply(n, n, out=t)
        np.subtract(1, t, out=t)
        slope *= t
        slope *= x
        slope += n
    np.multiply(x, n, out=out)


# ---------------------------------------------------------------------- ReLU

ZEROS = {np.dtype(c): np.zeros(BLOCK, c) for c in "fd"}
BITS: dict[Any, Any] = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}


def relu(x: Array) -> Array:
    """max(x, 0) of many elements; with a number for zero NumPy takes three times as long."""
    out = np.empty(x.shape, x.dtype)
    flat, result, zeros = x.reshape(-1), out.reshape(-1), ZEROS[x.dtype]

    def work(part: slice) -> None:
        np.maximum(flat[part], zeros[: part.stop - part.start], out=result[part])

    shared(work, x.size)
    return out


def where_positive(g: Array, out: Array) -> Array:
    """g where out is positive or NaN, else 0, of many elements: as bits times 0 or 1, which hides infinities too."""
    bits = BITS[g.dtype]
    whole = np.empty(g.shape, g.dtype)
    flat, given, result = g.reshape(-1).view(bits), out.reshape(-1), whole.reshape(-1).view(bits)

    def work(part: slice) -> None:
        hidden = np.less_equal(given[part], 0)
        np.logical_not(hidden, out=hidden)
        np.multiply(flat[part], hidden, out=result[part])

    shared(work, g.size)
    return whole


def chosen(condition: Array, a: Array, b: Array) -> Array:
    """np.where of many floats of one shape, by their bits: a tenth of its time where the condition is random."""
    bits = BITS[a.dtype]
    whole = np.empty(a.shape, a.dtype)
    yes, first, second, result = (v.reshape(-1) for v in (condition, a.view(bits), b.view(bits), whole.view(bits)))

    def work(part: slice) -> None:
        (mask,) = scratch(1, second[part].shape, bits, "chosen")
        mask[...] = yes[part]
        np.negative(mask, out=mask)  # all bits of those to take from a
        r = result[part]
        np.bitwise_xor(first[part], second[part], out=r)
        r &= mask
        r ^= second[part]

    shared(work, a.size)
    return whole
