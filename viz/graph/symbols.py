"""Symbols: a gradient rule run on them instead of arrays prints itself.

`mul`'s rule `lambda g, b: g * b` gives "g · b", `tanh`'s gives "g · (1 − out²)". Nothing about any operation is
written here but how a few of them are usually set in print.
"""

from __future__ import annotations

import re
from functools import partial
from inspect import Parameter
from typing import Any

import numpy as np

from autograd_core.faces.numpy import UFUNCS
from autograd_core.ops import elementwise
from autograd_core.ops.linalg import matrix_product
from autograd_core.ops.shape import mT
from autograd_core.primitive import Op
from autograd_core.tensor import Tensor

from .digits import number
from .expressions import ATOM, RELATION, SUM, Expression, Unprintable, constant, free
from .shapes import shape_of
from .styles import STYLES, call


class Symbol(Expression):
    """A formula that answers to operators and operations as an array would."""

    size = 1  # how many operations are in it
    made: tuple[Op, tuple[Symbol, ...], dict[str, Any]] | None = None  # by which operation, from what, with which settings

    def called(self, name: str, meaning: str = "") -> Symbol:
        """The same by a name that a rule gives it, and what that means; what is one word already keeps it."""
        word = self.strength == ATOM and self.text.isidentifier()
        if word and not meaning:
            return self
        other = self.text if word else free(name, self.taken)
        made = Symbol(other, ATOM, self.known_shape, self.dtype)
        made.means, made.taken = {other: meaning} if meaning else {**self.means, other: self.text}, self.taken
        return made

    def through(self, name: str, meaning: str) -> Symbol:
        """What a function of this name and meaning makes of it, which keeps its shape."""
        made = Symbol(call(name, self).text, ATOM, self.known_shape, self.dtype)
        made.means, made.taken = {name: meaning, **self.means}, self.taken
        return made

    def __getattr__(self, name: str) -> Any:
        """A method that Tensors have; none that writes."""
        method = None if name.startswith("_") or name.endswith("_") else getattr(Tensor, name, None)
        if not callable(method):
            raise AttributeError(f"a formula has no {name}")
        return partial(method, self)

    @property
    def mT(self) -> Any:
        return mT(self)

    T = mT

    def __autograd_function__(self, op: Op, args: tuple[Any, ...], settings: dict[str, Any]) -> Symbol:
        return printed(op, args, settings)

    def _with(operation: Any, reflected: bool = False) -> Any:  # type: ignore[misc]
        if reflected:
            return lambda self, other: printed(operation.op, (other, self), {})
        return lambda self, other: printed(operation.op, (self, other), {})

    __add__, __radd__ = _with(elementwise.add), _with(elementwise.add, True)
    __sub__, __rsub__ = _with(elementwise.sub), _with(elementwise.sub, True)
    __mul__, __rmul__ = _with(elementwise.mul), _with(elementwise.mul, True)
    __truediv__, __rtruediv__ = _with(elementwise.div), _with(elementwise.div, True)
    __matmul__, __rmatmul__ = _with(matrix_product), _with(matrix_product, True)
    __pow__, __rpow__ = _with(elementwise.pow), _with(elementwise.pow, True)
    __gt__, __lt__ = _with(elementwise.gt), _with(elementwise.lt)
    __ge__, __le__ = _with(elementwise.ge), _with(elementwise.le)
    __eq__, __ne__ = _with(elementwise.eq), _with(elementwise.ne)  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __neg__(self) -> Symbol:
        return printed(elementwise.neg.op, (self,), {})

    def __bool__(self) -> bool:
        raise Unprintable(f"whether {self.text} holds depends on the numbers")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **settings: Any) -> Any:
        if method != "__call__" or settings:
            raise Unprintable(f"np.{ufunc.__name__} with {method} {settings}")
        op = getattr(UFUNCS.get(ufunc), "op", None)
        return printed(op, inputs, {}) if op is not None else answering(call(ufunc.__name__, *map(symbol, inputs)))


def variable(name: str, shape: Any, dtype: Any) -> Symbol:
    """What a program calls so, which need not be a word."""
    return Symbol(name, SUM if LOOSE.search(name) else ATOM, shape, dtype)


LOOSE = re.compile(r"[-+−·@/=≠<>≤≥^,|√⁰¹²³⁴-⁹⁻ᵀᴴ\s]")


def symbol(value: Any) -> Symbol:
    """Anything that a rule may meet, as a symbol."""
    return value if isinstance(value, Symbol) else answering(constant(value.array if isinstance(value, Tensor) else value))


def answering(part: Expression) -> Symbol:
    """The same as a symbol."""
    made = Symbol.__new__(Symbol)
    vars(made).update(vars(part), _factors=part.factors)
    return made


def printed(op: Op, args: tuple[Any, ...], settings: dict[str, Any]) -> Symbol:
    """An operation on symbols, set in print; its shape, where that can be told."""
    parts = tuple([symbol(a) for a in args])
    if op is elementwise.where.op:
        condition, a, b = parts
        parts = (condition, settled(a, condition.text, 1), settled(b, condition.text, 2))
    size = 1 + sum([part.size for part in parts])
    if size > LARGEST:
        raise Unprintable("it goes on and on")
    style = STYLES.get(op.name)
    result = answering(style(*parts, **settings) if style else called(op, parts, settings))
    result.known_shape = shape_of(op.name, [p.known_shape for p in parts], settings)
    result.made, result.size = (op, parts, settings), size
    for part in parts:
        if part.means:
            result.means = {**result.means, **part.means}
        if part.taken:
            result.taken |= part.taken
    if op.meaning:
        result.means = {op.name: op.meaning, **result.means}
    result.dtype = np.dtype(bool) if result.strength == RELATION else common(op, [p.dtype for p in parts if p.dtype is not None])
    return result


LARGEST = 5000  # operations in a formula: what uses its own results twice, again and again, would double it as often


def common(op: Op, dtypes: list[Any]) -> Any:
    """The dtype of what real numbers of floating point give, None for others."""
    real = bool(dtypes) and all(dtype.kind == "f" for dtype in dtypes) and op.name not in TO_COMPLEX
    return dtypes[0] if real else None


TO_COMPLEX = {"complex", "fftn", "ifftn", "rfft", "view_as_complex"}


def called(op: Op, parts: tuple[Symbol, ...], settings: dict[str, Any]) -> Expression:
    """As a call: the axis as a small digit, and by name the numbers that are not what they usually are."""
    numbers = {name: value for name, value in settings.items() if type(value) in (int, float) and name != "axis"}
    told = [f"{name}={number(value)}" for name, value in numbers.items() if op.settings[name] not in (value, Parameter.empty)]
    usual = op.settings.get("axes")
    axes = settings.get("axes", usual)
    return call(op.name, *parts, axis=settings.get("axis") if axes == usual else axes, more=", ".join(told))


def settled(part: Symbol, condition: str, which: int) -> Symbol:
    """A part that counts only where a condition holds (or, with which = 2, where it does not): what else in it depends on that."""
    if part.made is None:
        return part
    op, parts, settings = part.made
    if op is elementwise.where.op and parts[0].text == condition:
        return settled(parts[which], condition, which)
    again = tuple(settled(p, condition, which) for p in parts)
    return part if all(p is q for p, q in zip(parts, again, strict=True)) else printed(op, again, settings)
