"""How some operations are usually written; all others are written as calls.

A small digit at a name is the dimension along which it works: Σ₀(g) is the sum over the first one; without a digit it is over all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .algebra import add, between, both, compared, divide, matmul, multiply, negative, opposite, power, subtract, transposed, where
from .digits import number, small_digits
from .expressions import ATOM, POWER, Expression, bracketed, constant, free, held

Style = Callable[..., Expression]


def call(name: str, *parts: Expression, axis: Any = None, more: str = "") -> Expression:
    """A function of these, along an axis or a tuple of axes, None for all."""
    told = ", ".join([*(part.text for part in parts), *([more] if more else [])])
    return Expression(f"{name}{along(axis, parts[0].known_shape if parts else None)}({told})")


def along(axis: Any, shape: Any) -> str:
    """The axes as small digits, "" if they are all there are, in order."""
    axes = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    every = shape is not None and [a % len(shape) for a in axes] == [*range(len(shape))]
    return "" if every else "".join(map(small_digits, axes))


def total(x: Expression, axis: Any = None, **settings: Any) -> Expression:
    return call("Σ", bracketed(x), axis=axis)


def total_to(x: Expression, target: Any) -> Expression:
    """The sum over the axes along which an array of a shape would be repeated; x itself, if it has that shape."""
    if x.known_shape is None:
        return total(x)
    new = len(x.shape) - len(target)
    axes = tuple(k for k, n in enumerate(x.shape) if k < new or n != target[k - new])
    return total(x, axes) if axes else x


def _named(name: str) -> Style:
    """A call with nothing said but what it is of, and along which axis."""
    return lambda x, *others, axis=None, **settings: call(name, x, axis=axis)


def _of_two(name: str) -> Style:
    return lambda a, b, *others, **settings: call(name, a, b)


def _numbered(name: str) -> Style:
    return lambda x, n=0: call(name, x, more=f"n={n}")


def _indexed(name: str, meaning: str) -> Style:
    def style(x: Expression, *others: Expression, index: Any, **settings: Any) -> Expression:
        made = call(name, x, more=places(index).replace("[index]", "index"))
        made.means = {name: meaning}
        return made

    return style


def places(index: Any) -> str:
    """In brackets an index of numbers and slices, as a program writes it; any other is called that."""
    parts = index if isinstance(index, tuple) else (index,)
    told = [_place(part) for part in (parts[:-1] if len(parts) > 1 and parts[-1] is ... else parts)]
    text = ", ".join(told)
    return f"[{text}]" if all(told) and len(text) <= LONGEST_INDEX else "[index]"


LONGEST_INDEX = 16  # characters


def _place(part: Any) -> str:
    if isinstance(part, slice):
        ends = (part.start, part.stop) if part.step in (None, 1) else (part.start, part.stop, part.step)
        return ":".join("" if n is None else number(n) for n in ends)
    return "…" if part is ... else "None" if part is None else number(part) if type(part) is int or isinstance(part, np.integer) else ""


def _transform(name: str) -> Style:
    def style(x: Expression, norm: str = "backward", axis: Any = None, axes: Any = None, **settings: Any) -> Expression:
        return call(name, x, axis=axis if axes is None else axes, more="" if norm == "backward" else f"norm={norm}")

    return style


def _same(x: Expression, *others: Expression, **settings: Any) -> Expression:
    return x


def _repeat(x: Expression, target: Any) -> Expression:
    return x if x.known_shape is not None and tuple(x.known_shape) == tuple(target) else call("repeat", x)


def _root(x: Expression) -> Expression:
    return Expression(f"√{held(x, ATOM)}", POWER)


def _either(a: Expression, b: Expression) -> Expression:
    return a if b.text.startswith("isnan(") else compared("or", a, b)  # how NaN spreads is not printed


def _softmax_back(g: Expression, out: Expression, axis: int) -> Expression:
    share = Expression(f"Σ{along(axis, out.known_shape)}({multiply(g, out).text})")
    made = multiply(out, subtract(g, share))
    made.means = {**out.means, **g.means}  # in the order in which they are read
    return made


def _log_softmax_back(g: Expression, out: Expression, axis: int) -> Expression:
    return subtract(g, multiply(call("exp", out), total(g, axis)))


def _row_swapped(sign: str) -> Style:
    def style(x: Expression, pivots: Expression) -> Expression:
        made = matmul(Expression(f"P{sign}", POWER), x)
        made.means = {"P": "the swaps of rows, by the pivots"}
        return made

    return style


def _moved(x: Expression, axis: int, by: int, fill: Any = 0) -> Expression:
    name = "before" if by > 0 else "after"
    made = call(name, x, axis=axis)
    made.means = {name: f"one place {'earlier' if by > 0 else 'later'}"}
    return made


def _recurrence(a: Expression, b: Expression, axis: int, reverse: bool = False) -> Expression:
    y = Expression(free("y", a.taken | b.taken))
    neighbour = _moved(y, axis, by=-1 if reverse else 1)
    y.means = {**neighbour.means, y.text: add(b, multiply(a, neighbour)).text}
    return y


def _cumsum(x: Expression, axis: int, reverse: bool = False) -> Expression:
    return call("cumsum", x, axis=axis, more="from the end" if reverse else "")


def _attention_weights(q: Expression, k: Expression, mask: Expression, scale: float, causal: bool = False) -> Expression:
    shared = len(k.shape) > 2 and k.shape[-3] != q.shape[-3]  # one head of keys for several of queries
    keys = Expression(f"reshape(repeat({k.text}))") if shared else k
    scores = multiply(matmul(q, transposed(keys, "ᵀ")), constant(scale))
    masked = f"where({mask.text}, {scores.text}, −inf)" if getattr(mask.dtype, "kind", "") == "b" else add(scores, mask).text
    return Expression(f"softmax₋₁({masked}{', causal' if causal else ''})")


def _shares(index: Expression, padding: int | None, by_frequency: bool, dtype: Any) -> Expression:
    """What the gradients of an embedding's rows are multiplied by."""
    share = divide(constant(1), call("count", index)) if by_frequency else constant(1)
    return share if padding is None else multiply(share, compared("≠", index, constant(padding)))


def _clamp(x: Expression, low: Any = None, high: Any = None) -> Expression:
    if low is None or high is None:
        return call("minimum", x, constant(high)) if low is None else call("maximum", x, constant(low))
    return call("clamp", x, constant(low), constant(high))


def _roll(x: Expression, shifts: Any, axis: Any = None) -> Expression:
    return call("roll", x, axis=axis, more=", ".join(map(number, shifts if isinstance(shifts, tuple) else (shifts,))))


def _weighted(x: Expression, weight: float, **settings: Any) -> Expression:
    made = call("weighted", x)
    made.means = {"weighted": f"times {number(weight)} where a frequency stands for its negative, too"}
    return made


def _einsum(*parts: Expression, terms: Any, result: str) -> Expression:
    return Expression(f'einsum("{",".join(terms)}→{result}", {", ".join(part.text for part in parts)})')


STYLES: dict[str, Style] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "neg": negative,
    "matmul": matmul,
    "pow": power,
    "power": lambda x, exponent: power(x, constant(exponent)),
    "square": lambda x: power(x, constant(2)),
    "reciprocal": lambda x: divide(constant(1), x),
    "rsqrt": lambda x: divide(constant(1), _root(x)),
    "sqrt": _root,
    "abs": lambda x: Expression(f"|{x.text}|"),
    "conj": lambda x: call("conj", x) if x.value is None else constant(np.conj(x.value)),
    "mT": lambda x: transposed(x, "ᵀ"),
    "mH": lambda x: transposed(x, "ᵀ" if getattr(x.dtype, "kind", "c") == "f" else "ᴴ"),
    "where": where,
    "where_positive": lambda g, x: multiply(g, compared(">", x, constant(0))),
    "gt": between(">"),
    "lt": between("<"),
    "ge": between("≥"),
    "le": between("≤"),
    "eq": between("="),
    "ne": between("≠"),
    "logical_and": both,
    "logical_or": _either,
    "logical_not": opposite,
    "zeros_like": lambda x: constant(0),
    "sum": total,
    "sum_to": total_to,
    "broadcast_to": _repeat,
    "repeat_to": _repeat,
    **dict.fromkeys("expand_dims squeeze to alias clone contiguous determined of_distinct phase_free".split(), _same),
    "var": _named("var"),
    "reshape": _named("reshape"),
    "transpose": lambda x, axes: call("permute", x),
    "getitem": lambda x, index: Expression(f"{held(x, ATOM)}{places(index)}"),
    "put": _indexed("put", "where it was taken from, zeros elsewhere"),
    "put_back": _indexed("cleared", "with zeros at that place"),
    "inv": _named("inv"),
    "convolution": _of_two("convolution"),
    "transposed_convolution": _of_two("transposed_convolution"),
    "resample": lambda x, axes, transposed=False: call("transposed_resample" if transposed else "resample", x),
    "attention_weights": _attention_weights,
    "softmax_back": _softmax_back,
    "log_softmax_back": _log_softmax_back,
    "shares": _shares,
    "clamp": _clamp,
    "weighted": _weighted,
    "roll": _roll,
    "moved": _moved,
    "recurrence": _recurrence,
    "cumsum": _cumsum,
    "einsum": _einsum,
    "permuted": _row_swapped("ᵀ"),
    "permuted_back": _row_swapped(""),
    **{name: _transform(name) for name in "fftn ifftn rfft irfft".split()},
    **{name: _numbered(name) for name in "polygamma sinc_derivative erfcx_integral spherical_bessel_j0".split()},
    **{name: _numbered(name) for name in "bessel_i bessel_ie bessel_j bessel_k bessel_ke bessel_y".split()},
}
