"""Making tensors of counted numbers: ranges, the identity, indices of triangles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .dtypes import get_default_dtype, int64, of_scalar
from .factory import dtype_of, factory, in_dtype, length_of, number, warn_of_constant
from .modes import no_grad
from .tensor import Tensor


@factory
def eye(n: int, m: int | None = None, *, dtype: Any = None) -> Any:
    """The identity matrix, (n, m)."""
    return np.eye(length_of("eye", "n", n), None if m is None else length_of("eye", "m", m), dtype=dtype_of("eye", dtype))


@factory
def arange(*bounds: Any, start: Any = None, end: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """start, start + step, ... as long as it is before end: `arange(end)`, `arange(start, end)`, `arange(start, end, step)`.

    int64 if all three are integers, else the default float. There are ⌈(end - start) / step⌉ numbers, computed in float64; for
    dtype int64 the three are cut to integers first. Raises RuntimeError if the step is 0 or leads away from end.
    """
    named = {name: v for name, v in (("start", start), ("end", end), ("step", step)) if v is not None}
    start, end, step = between(bounds, named)
    whole = all(isinstance(v, int) for v in (start, end, step))
    found = dtype_of("arange", dtype, int64 if whole else get_default_dtype(), kinds="iuf")
    if isinstance(start, complex) or isinstance(end, complex) or isinstance(step, complex):
        raise RuntimeError("arange: complex numbers have no order")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"arange: start and end must be finite, got {start} and {end}")
    if found == int64:
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise RuntimeError("arange: step must not be 0")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: a step of {step} does not lead from {start} to {end}")
    if found == int64:
        return np.arange(start, end, step, dtype=found)
    count = math.ceil((end - start) / step)
    if found.kind in "iu":
        return (int(start) + int(step) * np.arange(count)).astype(found)  # beyond the dtype's range they wrap round, as in PyTorch
    return (start + step * np.arange(count, dtype=np.float64)).astype(found)


def between(bounds: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, Any]:
    """arange's start, end and step, as numbers."""
    names = ("end",) if len(bounds) == 1 and not named else ("start", "end", "step")[: len(bounds)]
    given = dict(zip(names, bounds, strict=False)) | named
    clear = len(bounds) + len(named) == len(given)
    if not clear or "end" not in given or ("step" in given and "start" not in given):
        raise TypeError(f"arange: takes (end), (start, end) or (start, end, step), got {bounds} and {sorted(named)}")
    start, end, step = (number("arange", what, given.get(what, other)) for what, other in (("start", 0), ("end", None), ("step", 1)))
    return start, end, step


@factory
def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None) -> Any:
    """`steps` numbers from start to end, evenly spaced, both included: (steps,).

    The first half is counted from the start, the second from the end, so both are exact. For integer dtypes the two are cut to
    integers first, and each number to the one before it. Raises RuntimeError for a negative number of steps.
    """
    start, end, found = ends("linspace", start, end, dtype)
    return evenly(start, end, length_of("linspace", "steps", steps), found).astype(found, copy=False)


@factory
def logspace(start: Any, end: Any, steps: int, base: Any = 10.0, *, dtype: Any = None) -> Any:
    """`steps` powers of `base`, their exponents evenly spaced from start to end, both included: (steps,). Errors as of `linspace`."""
    start, end, found = ends("logspace", start, end, dtype)
    exponents = evenly(start, end, length_of("logspace", "steps", steps), found)
    wide = np.complex128 if found.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        return np.power(wide(number("logspace", "base", base)), exponents.astype(wide)).astype(found)


def ends(name: str, start: Any, end: Any, dtype: Any) -> tuple[Any, Any, np.dtype[Any]]:
    """Both ends as NumPy scalars of the dtype of the result."""
    for what, value in (("start", start), ("end", end)):
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(f"{name}: {what} must be a number or a 0-d tensor, got a tensor of shape {tuple(value.shape)}")
        if isinstance(value, Tensor) and value.requires_grad:
            warn_of_constant(name)
    with no_grad():
        start, end = number(name, "start", start), number(name, "end", end)
    imaginary = isinstance(start, complex) or isinstance(end, complex)
    found = dtype_of(name, dtype, of_scalar(1j) if imaginary else get_default_dtype(), kinds="iufc")
    return in_dtype(name, start, found), in_dtype(name, end, found), found


def evenly(start: Any, end: Any, steps: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Evenly spaced numbers, in the dtype itself, or for integers in float64."""
    wide = np.dtype({"i": np.float64, "u": np.float64}.get(dtype.kind, dtype))
    start, end = wide.type(start), wide.type(end)
    if steps < 2:
        return np.full(steps, start, wide)
    step = (end - start) / wide.type(steps - 1)
    index = np.arange(steps).astype(wide)
    out = start + step * index
    half = steps // 2
    out[half:] = end - step * index[steps - half - 1 :: -1] if steps - half else out[half:]
    return out


def _triangle(name: str, find: Any, row: Any, col: Any, offset: int, dtype: Any) -> np.ndarray[Any, Any]:
    found = dtype_of(name, dtype, int64, kinds="iu")
    n, m = length_of(name, "row", row), length_of(name, "col", col)
    return np.stack(find(n, offset, m)).astype(found, copy=False)


@factory
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Any:
    """Rows and columns of the lower triangle of a (row, col) matrix, on and below diagonal `offset`: (2, how many), row by row."""
    return _triangle("tril_indices", np.tril_indices, row, col, offset, dtype)


@factory
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Any:
    """Rows and columns of the upper triangle of a (row, col) matrix, on and above diagonal `offset`: (2, how many), row by row."""
    return _triangle("triu_indices", np.triu_indices, row, col, offset, dtype)
