"""What formulas are made of: texts that know how tightly they hold together, and of what factors they are products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, count
from types import MappingProxyType
from typing import Any

import numpy as np

from .digits import number, small_digits

RELATION, SUM, PRODUCT, UNARY, POWER, ATOM = range(6)  # how tightly a formula holds together


class Unprintable(Exception):
    """A rule asked for what a formula does not have: the numbers, or the shape of something computed."""


class Expression:
    """A part of a formula."""

    value: Any = None  # of a number
    negative = False  # is it minus the product of its factors?
    sign = ""  # with which it is written, if it is neither a product nor a call: of a comparison, @, ᵀ
    operands: tuple[Expression, ...] = ()  # what stands at this sign
    means: Mapping[str, str] = MappingProxyType({})  # the names that rules gave to parts of it, and what these are
    taken: frozenset[str] = frozenset()  # the names that the program gave
    _factors: tuple[tuple[Expression, int], ...] = ()

    def __init__(self, text: str, strength: int = ATOM, shape: Any = None, dtype: Any = None):
        self.text = text
        self.strength = strength
        self.known_shape = shape
        self.dtype = dtype

    @property
    def factors(self) -> tuple[tuple[Expression, int], ...]:
        """What it is the product of, with whole exponents; itself, if it is none."""
        return self._factors or ((self, 1),)

    @factors.setter
    def factors(self, factors: tuple[tuple[Expression, int], ...]) -> None:
        self._factors = factors

    @property
    def shape(self) -> Any:
        if self.known_shape is None:
            raise Unprintable(f"the shape of {self.text}")
        return self.known_shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return self.text


def free(name: str, taken: frozenset[str]) -> str:
    """The name, or with a small digit if the program has it already."""
    return next(n for n in chain((name,), (f"{name}{small_digits(k)}" for k in count(2))) if n not in taken)


def constant(value: Any) -> Expression:
    """A number, or the name of what is none."""
    array = np.asarray(value)
    if array.size != 1:
        return Expression("const", ATOM, array.shape, array.dtype)
    exact = array.astype(int)[()] if array.dtype.kind == "b" else array.reshape(())[()]
    text = number(exact)
    if " " in text:  # a complex number
        made = Expression(text, SUM, array.shape, array.dtype)
        made.value = exact
        return made
    base = Expression(text.removeprefix("−"), ATOM, array.shape, array.dtype)
    base.value = exact if base.text == text else -exact
    if base.text == text:
        return base
    made = product(((base, 1),), negative=True)
    made.known_shape, made.dtype, made.value = array.shape, array.dtype, exact
    return made


def is_number(part: Expression, *values: float) -> bool:
    """Whether it is one of these numbers, not only something of that name."""
    return part.value is not None and part.value in values


def held(part: Expression, strength: int) -> str:
    """A part's text, in parentheses if it holds together more loosely than its place needs."""
    return part.text if part.strength >= strength else f"({part.text})"


def bracketed(part: Expression) -> Expression:
    """A condition among numbers, as Iverson's bracket."""
    return bracket(part) if part.strength == RELATION else part


def bracket(condition: Expression) -> Expression:
    """One where the condition holds, else zero."""
    return Expression(f"[{condition.text}]", ATOM, condition.known_shape)


def product(factors: Sequence[tuple[Expression, int]], negative: bool = False) -> Expression:
    """A product: its sign in front, what it is divided by at its end."""
    above = [(base, n) for base, n in factors if n > 0]
    below = [(base, -n) for base, n in factors if n < 0]
    if len(above) == 1 and not below and above[0][1] == 1:
        ((base, _),) = above
        if not negative:
            return base
        made = Expression(f"−{held(base, PRODUCT)}", PRODUCT if base.strength == PRODUCT else UNARY)
    else:
        text = " · ".join(_power(base, n) for base, n in above) or "1"
        if below:
            under = " · ".join(_power(base, n) for base, n in below)
            text += f" / ({under})" if len(below) > 1 else f" / {under}"
        alone = len(above) == 1 and not below
        made = Expression(f"−{text}" if negative else text, PRODUCT if not alone else UNARY if negative else POWER)
    made._factors, made.negative = tuple(factors), negative
    return made


def _power(base: Expression, n: int) -> str:
    """A factor to a whole power."""
    return held(base, POWER) if n == 1 else held(base, ATOM) + str(n).translate(RAISED)


RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
