"""A derivation as data: equations, their terms, and the local derivatives that are multiplied, with what repeats told once."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from ..graph.description import Quantity

PERIOD = 64  # the longest stretch that is looked for again right after it
TIMES = 3  # as often something has to follow itself to be told once
LONG = 60  # parts of a product that are all written out


@dataclass(frozen=True, eq=False)
class Step:
    """One local derivative: how an operation turns the gradient of its result into that of one argument."""

    operation: str
    place: str  # of the module that it is part of, "blocks.3.attention", or ""
    result: str  # what the operation's result is called
    argument: str  # what the argument is called
    formula: str  # of the argument's gradient, g being the result's
    meanings: tuple[str, ...]  # of names in the formula that are not the program's: "P = softmax(q @ kᵀ)"
    shape: tuple[int, ...]  # of the argument
    local: float | None  # the local derivative itself, where result and argument are single numbers
    gradient: Quantity | None  # of the argument: along this path, or, where paths are put together, all that comes through here


@dataclass(frozen=True, eq=False)
class Bracket:
    """Ways that part and meet again: what comes through them adds up."""

    ways: tuple[tuple[Part, ...], ...]
    result: str  # where they part
    argument: str  # where they meet
    paths: int  # how many there are between
    gradient: Quantity | None  # where they meet


Part: TypeAlias = Step | Bracket


@dataclass(frozen=True, eq=False)
class Term:
    """One summand: a product of local derivatives, which the derivative by `start` goes before."""

    start: str
    steps: tuple[Part, ...]
    total: Quantity | None


@dataclass(frozen=True, eq=False)
class Equation:
    """The gradient of one value as the sum of its terms."""

    of: str
    terms: tuple[Term, ...]
    total: Quantity | None


@dataclass(frozen=True, eq=False)
class Fold:
    """Parts (or equations) that are not written out: `times` repetitions of what stands before, or, if that is 0, the middle."""

    parts: tuple[Any, ...]
    times: int

    @property
    def ends(self) -> tuple[Any, ...]:
        """The last part of each repetition."""
        step = len(self.parts) // self.times if self.times else len(self.parts)
        return self.parts[step - 1 :: step]


Foldable = TypeVar("Foldable", Step, Bracket, Equation, Part)


def walked(parts: Sequence[Part]) -> Iterator[Step]:
    """Every step of a product, those in brackets too."""
    for part in parts:
        if isinstance(part, Step):
            yield part
        else:
            for way in part.ways:
                yield from walked(way)


def let_go(equations: Sequence[Equation]) -> None:
    """Keep of the gradients what is told, so that an explanation does not hold its graph's arrays."""
    for equation in equations:
        todo: list[Any] = [equation.total, *equation.terms]
        while todo:
            part = todo.pop()
            if isinstance(part, Quantity):
                part.let_go()
            elif isinstance(part, Term):
                todo += part.steps
            elif isinstance(part, Bracket):
                todo += [part.gradient, *(inner for way in part.ways for inner in way)]
            elif isinstance(part, Step):
                todo.append(part.gradient)


def signature(part: Any) -> Hashable:
    """What makes two parts the same but for names and numbers."""
    if isinstance(part, Step):
        return part.operation, re.sub(r"[^\W\d][\w.]*\.(?=\w)", "", part.formula), part.shape
    if isinstance(part, tuple):
        return tuple(map(signature, part))
    if isinstance(part, Bracket):
        return tuple(map(signature, part.ways))
    return signature(part.steps) if isinstance(part, Term) else tuple(map(signature, part.terms))


def folded(parts: Sequence[Foldable]) -> list[Foldable | Fold]:
    """The parts, where something follows itself at least twice only once, and of very many that do not repeat the ends."""
    if len(parts) <= TIMES:
        return list(parts)
    known: dict[Hashable, int] = {}
    signs = [known.setdefault(signature(part), len(known)) for part in parts]
    made: list[Foldable | Fold] = []
    at = 0
    while at < len(parts):
        period, times = _repeated(signs, at)
        made += parts[at : at + period]
        if times > 1:
            made.append(Fold(tuple(parts[at + period : at + period * times]), times - 1))
        at += period * times
    if len(made) > LONG:
        half = LONG // 2
        left = [p for part in made[half:-half] for p in (part.parts if isinstance(part, Fold) else (part,))]
        made[half:-half] = [Fold(tuple(left), 0)]
    return made


def _repeated(signs: list[int], at: int) -> tuple[int, int]:
    """How long the stretch is that begins here and follows itself often enough, and how often it stands there; else (1, 1)."""
    for period in range(1, min(PERIOD, (len(signs) - at) // TIMES) + 1):
        if signs[at] != signs[at + period]:
            continue
        end = at + period
        while end < len(signs) and signs[end] == signs[end - period]:
            end += 1
        times = (end - at) // period
        if times >= TIMES:
            return period, times
    return 1, 1
