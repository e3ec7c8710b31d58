"""How tensors are printed: like PyTorch's.

A tensor's numbers are all written in one format, and padded to one width, which the finite ones other than zero decide. Of a
tensor with more elements than the threshold only the edges are printed, and only they decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .dtypes import complex64, get_default_dtype

if TYPE_CHECKING:
    from .tensor import Tensor

PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

_options: dict[str, Any] = {**PROFILES["default"], "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; what is None stays, but for `sci_mode`.

    `precision` is the number of digits after the point, `threshold` how many elements are printed whole, `edgeitems` how many
    stand at each edge beyond that, `linewidth` the characters of a line. `profile` sets these four: "default", "short" or
    "full". `sci_mode` switches scientific notation on or off; None leaves it to the numbers. Raises ValueError for other profiles.
    """
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"set_printoptions: a profile is one of {', '.join(PROFILES)}; got {profile!r}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update(PROFILES.get(profile, {}) if profile is not None else {})
    _options.update({name: value for name, value in given.items() if value is not None})
    _options["sci_mode"] = sci_mode


def tensor_text(tensor: Tensor) -> str:
    """`tensor([[1., 2.]], requires_grad=True)`."""
    array = tensor.array
    ending = []
    if array.size == 0 and array.ndim != 1:
        ending.append(f"size={array.shape}")
    default = get_default_dtype()
    usual = (default, np.result_type(default, complex64), np.int64, np.bool_) if array.size else (default,)
    if array.dtype not in usual:
        ending.append(f"dtype={array.dtype}")
    if tensor.grad_fn is not None:
        ending.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        ending.append("requires_grad=True")
    head = "tensor("
    text = head + (numbers_text(array, len(head)) if array.size else "[]")
    last_line = len(text) - text.rfind("\n") + 1
    for part in ending:
        if last_line + len(part) + 2 > _options["linewidth"]:
            text += ",\n" + " " * len(head) + part
            last_line = len(head) + len(part)
        else:
            text += ", " + part
            last_line += len(part) + 2
    return text + ")"


def numbers_text(array: np.ndarray[Any, Any], indent: int) -> str:
    """The numbers in nested brackets."""
    short = array.size > _options["threshold"]
    write, width = element_format(edges(array) if short else array)
    return nested(array, indent, short, write, width)


def nested(array: np.ndarray[Any, Any], indent: int, short: bool, write: Callable[[Any], str], width: int) -> str:
    if array.ndim == 0:
        return write(array.item())
    edge = _options["edgeitems"]
    first, last, gap = (array[:edge], array[len(array) - edge :], True) if short and len(array) > 2 * edge else (array, array[:0], False)
    if array.ndim == 1:
        parts = [*map(write, first.tolist()), *([" ..."] if gap else []), *map(write, last.tolist())]
        room = max(1, (_options["linewidth"] - indent) // (width + 2))
        lines = [", ".join(parts[i : i + room]) for i in range(0, len(parts), room)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = [nested(a, indent + 1, short, write, width) for a in first]
    parts += ["..."] if gap else []
    parts += [nested(a, indent + 1, short, write, width) for a in last]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def edges(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What is printed of a large array."""
    edge = _options["edgeitems"]
    for axis, length in enumerate(array.shape):
        if length > 2 * edge:
            array = array.take([*range(edge), *range(length - edge, length)], axis)
    return array


def element_format(array: np.ndarray[Any, Any]) -> tuple[Callable[[Any], str], int]:
    """How one element of this array is written, and how wide that is."""
    if array.dtype.kind == "c":
        real, width = element_format(array.real)
        imaginary, more = element_format(array.imag)
        return lambda z: real(z.real) + ("" if z.imag < 0 else "+") + imaginary(z.imag).lstrip() + "j", width + more + 1
    if array.dtype.kind in "biu":
        width = max(map(len, map(str, array.ravel().tolist())))
        return lambda n: str(n).rjust(width), width
    values = array.astype(np.float64).ravel()
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    whole, style = True, ".0f"
    if sizes.size:
        least, most = sizes.min(), sizes.max()
        whole = bool((sizes == np.ceil(sizes)).all())
        far = most / 1000 > least or most > 1e8 or (not whole and least < 1e-4)
        if far if _options["sci_mode"] is None else _options["sci_mode"]:
            whole, style = False, f".{_options['precision']}e"
        elif not whole:
            style = f".{_options['precision']}f"

    def text(x: float) -> str:
        return format(x, style) + ("." if whole and math.isfinite(x) else "")

    width = max((len(text(x)) for x in values.tolist() if x and math.isfinite(x)), default=1)
    return lambda x: text(x).rjust(width), width
