"""How sums, products, powers, conditions and choices are set in print.

What is left out is said here: factors of one, zeros added, a sign twice, and that 0 · ∞ and comparisons with NaN have answers of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from .expressions import ATOM, POWER, PRODUCT, RELATION, SUM, Expression, bracket, bracketed, constant, held, is_number, product

# ---------------------------------------------------------------------- sums and products


def add(a: Expression, b: Expression) -> Expression:
    a, b = bracketed(a), bracketed(b)
    if a.value is not None and b.value is not None:
        return constant(a.value + b.value)
    if is_number(a, 0) or is_number(b, 0):
        return b if is_number(a, 0) else a
    if b.negative:
        return Expression(f"{a.text} − {held(product(b.factors), PRODUCT)}", SUM)
    return Expression(f"{a.text} + {b.text}", SUM)


def subtract(a: Expression, b: Expression) -> Expression:
    return add(a, negative(b))


def negative(a: Expression) -> Expression:
    a = bracketed(a)
    return constant(-a.value) if a.value is not None else product(a.factors, not a.negative)


def multiply(a: Expression, b: Expression) -> Expression:
    return _times(a, b, 1)


def divide(a: Expression, b: Expression) -> Expression:
    return _times(a, b, -1)


def _times(a: Expression, b: Expression, sign: int) -> Expression:
    """a · b, or with sign -1 a / b: factors that are one and the same become a power."""
    a, b = bracketed(a), bracketed(b)
    if a.value is not None and b.value is not None:
        return constant(a.value * b.value if sign > 0 else a.value / b.value)
    factors = [(base, n) for base, n in a.factors if not is_number(base, 1)]
    for base, n in b.factors:
        n *= sign
        at = next((i for i, (other, m) in enumerate(factors) if other is base and (m > 0) == (n > 0)), None)
        if at is not None:
            factors[at] = (base, factors[at][1] + n)
        elif not is_number(base, 1):
            factors.append((base, n))
    return product(factors or [(constant(1), 1)], a.negative != b.negative)


def power(x: Expression, exponent: Expression) -> Expression:
    digits = exponent.text.removeprefix("−")
    if exponent.value is None or not digits.isdecimal():
        return Expression(f"{held(x, ATOM)}^{held(exponent, ATOM)}", POWER)
    n = -int(digits) if exponent.negative else int(digits)
    if n == 0:
        return constant(1)
    ((base, m), *others) = x.factors
    return x if n == 1 else product([(x, n)] if others or x.negative else [(base, m * n)])


def matmul(a: Expression, b: Expression) -> Expression:
    left, right = (product(x.factors) if x.negative else x for x in (a, b))
    made = signed("@", f"{left.text if left.sign == '@' else held(left, POWER)} @ {held(right, POWER)}", PRODUCT, left, right)
    return product([(made, 1)], a.negative != b.negative)


def transposed(x: Expression, sign: str) -> Expression:
    return x.operands[0] if x.sign == sign else signed(sign, held(x, ATOM) + sign, POWER, x)


def signed(sign: str, text: str, strength: int, *operands: Expression) -> Expression:
    made = Expression(text, strength)
    made.sign, made.operands = sign, operands
    return made


# ---------------------------------------------------------------------- conditions and choices

OPPOSITE = {"≤": ">", ">": "≤", "≥": "<", "<": "≥", "=": "≠", "≠": "="}
TURNED = {">": "<", "≥": "≤"}


def between(sign: str) -> Callable[[Expression, Expression], Expression]:
    """The style of a comparison."""
    return lambda a, b: compared(sign, a, b)


def compared(sign: str, a: Expression, b: Expression) -> Expression:
    return signed(sign, f"{held(a, SUM)} {sign} {held(b, SUM)}", RELATION, a, b)


def both(a: Expression, b: Expression) -> Expression:
    """Two conditions at once: x > 0 and x < 1 as 0 < x < 1."""
    for (low, first, x), (y, second, high) in ((_rising(a), _rising(b)), (_rising(b), _rising(a))):
        if x is y and first and second:
            return signed("and", f"{held(low, SUM)} {first} {held(x, SUM)} {second} {held(high, SUM)}", RELATION, a, b)
    return compared("and", a, b)


def _rising(condition: Expression) -> tuple[Expression, str, Expression]:
    """A condition as what is smaller, the sign, and what is larger; with "" for a sign where it says nothing of the kind."""
    turned = condition.sign in TURNED
    if not turned and condition.sign not in TURNED.values():
        return condition, "", condition
    a, b = condition.operands
    return (b, TURNED[condition.sign], a) if turned else (a, condition.sign, b)


def opposite(condition: Expression) -> Expression:
    """That a condition does not hold."""
    if condition.strength != RELATION:
        return signed("not", f"not {held(condition, SUM)}", RELATION, condition)
    if condition.sign == "not":
        return condition.operands[0]
    a, b = condition.operands
    if condition.sign in ("and", "or"):
        return both(opposite(a), opposite(b)) if condition.sign == "or" else compared("or", opposite(a), opposite(b))
    return compared(OPPOSITE[condition.sign], a, b)


def where(condition: Expression, a: Expression, b: Expression) -> Expression:
    """Iverson's bracket for "or else 0"; what guards against dividing by zero at a single point is not printed."""
    if condition.value is not None:
        return a if condition.value else b
    if is_number(a, 0, 1, inf) and _at_zero(condition):
        return b
    if is_number(b, 0):
        return multiply(a, bracket(condition))
    if is_number(a, 0):
        return multiply(b, bracket(opposite(condition)))
    return Expression(f"where({condition.text}, {a.text}, {b.text})")


def _at_zero(condition: Expression) -> bool:
    """Does it hold only where something is zero?"""
    if condition.sign == "and":
        return any(_at_zero(part) for part in condition.operands)
    return condition.sign == "=" and is_number(condition.operands[1], 0)
