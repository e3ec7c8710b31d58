"""A derivation in plain text: each factor with its rule and its number, brackets drawn where paths part and meet."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from ..graph.description import Quantity
from ..graph.digits import number
from . import elements_written
from .factoring import Bracket, Equation, Fold, Part, Step, Term, folded, walked

if TYPE_CHECKING:
    from .explanation import Explanation

WIDTH = 110  # characters of a line, before it is broken
NARROW = 24  # characters that a column of values has at least
LISTED = 12  # numbers that are listed of what repeats


def to_text(e: Explanation) -> str:
    """The derivation in plain text."""
    return "\n".join(line.rstrip() for line in _lines(e))


def _lines(e: Explanation) -> Iterator[str]:
    what = f"∂{e.output}/∂{e.parameter}{place_of(e)}"
    size = f" of shape {e.shape}" if e.shape and e.index is None else ""
    yield f"{what}{size}{'' if e.total is None else f' {value(e.total, WIDTH - len(what + size), sign=True)}'}"
    yield from _broken(summary(e))
    if any(step.local is None for step in _steps(e)):
        yield "Each line is a local derivative: its rule, where g is the gradient that arrives, and the gradient that it hands on."
    if any(re.search(r"\b(in|out)[₀₁₂₃₄₅₆₇₈₉]*(?!\w)", step.formula) for step in _steps(e)):
        yield "In a rule, in is what the operation was given, where that has no name, and out what it gave."
    for meaning in meanings(e):
        yield from _broken(meaning, "    ")
    if e.factored:
        for equation in folded(e.equations):
            yield ""
            yield from [f"    {_fold(equation, _sizes(_gradients(equation)))}"] if isinstance(equation, Fold) else _equation(e, equation)
    else:
        for k, term in enumerate(e.terms, 1):
            yield ""
            yield from _path(e, k, term)
    if not e.factored and (sums := summed(e)):
        yield from ("", f"sum over paths: {sums}")
    if e.entries and e.entries.largest:
        yield ""
        yield from chain.from_iterable(_wrapped(line, "    ") for line in elements_written.lines(e.entries, e.output, e.parameter, e.index))
    yield ""
    if e.total is not None:
        yield from _in_rows(f"{what} {value(e.total, sign=True)}")
    if e.grad is not None:
        yield from _in_rows(f"{e.parameter}.grad{place_of(e)} {value(e.grad, sign=True)}{_compared(e)}")
    for note in e.notes:
        yield from _broken(f"({note})")


def _steps(e: Explanation) -> Iterator[Step]:
    return chain.from_iterable(walked(term.steps) for equation in e.equations for term in equation.terms)


def meanings(e: Explanation) -> list[str]:
    """What names in the rules mean that are not the program's."""
    return list(dict.fromkeys(meaning for step in _steps(e) for meaning in step.meanings))[:LISTED]


def place_of(e: Explanation) -> str:
    """`[0, 2]`, or "" for the whole."""
    return elements_written.index_text(e.index)


def summary(e: Explanation) -> str:
    """How many paths there are and what is done with them."""
    used = f", which is used {e.uses:,} times" if 1 < e.uses < e.paths else ""
    many = f"{e.paths:,} path{'' if e.paths == 1 else 's'} from {e.output} to {e.parameter}{used}"
    if not e.equations:
        return f"{e.parameter} is the output itself."
    if not e.factored:
        return f"{many}: {'one product' if e.paths == 1 else f'the sum of {e.paths} products'} of local derivatives."
    if len(e.equations) == 1:
        return f"{many}, factored where they part and meet."
    return f"{many}, put together where they meet: {len(e.equations)} equations, in the order of a backward pass."


# ---------------------------------------------------------------------- numbers


def value(quantity: Quantity, room: float = math.inf, *, sign: bool = False) -> str:
    """`2.5` or `[1, 2]`, and `‖·‖ = 0.013` of what is not told or longer than there is room; with `sign`, `= 2.5`, `has ‖·‖ = 0.013`."""
    if 0 < len(quantity.written) <= room:
        return f"{'= ' if sign else ''}{quantity.written}"
    return f"{'has ' if sign else ''}‖·‖ = {number(quantity.norm)}"


def added(parts: Sequence[Quantity | None], total: Quantity | None) -> str:
    """`0.3 + 0.12 = 0.42`; "" where the numbers are many or not known."""
    told = [value(q) for q in (*parts, total) if q is not None and q.written]
    if len(told) != len(parts) + 1 or len(told) > LISTED + 1:
        return ""
    made = f"{' + '.join(f'({t})' if t.startswith('−') and k else t for k, t in enumerate(told[:-1]))} = {told[-1]}"
    return made if len(made) <= WIDTH else ""


def summed(e: Explanation) -> str:
    """The terms of the last equation and their sum."""
    if len(e.terms) < 2 or e.total is None:
        return ""
    return added([term.total for term in e.terms], e.total) or value(e.total, WIDTH)


def product(locals_: Sequence[float]) -> str:
    """`1 · 2 · (−0.42) = −0.84`; of very many factors the first and the last."""
    told = [number(x) for x in locals_]
    if len(told) > 2 * LISTED:
        told = [*told[:LISTED], "…", told[-1]]
    parts = [f"({t})" if t.startswith("−") and k else t for k, t in enumerate(told)]
    return f"{' · '.join(parts)}{f' = {number(float(np.prod(locals_)))}' if len(parts) > 1 else ''}"


def _compared(e: Explanation) -> str:
    if e.total is None or e.grad is None:
        return ""
    near = np.allclose(e.total.array, e.grad.array, rtol=1e-6, atol=1e-12 + 1e-6 * e.grad.norm)
    return ", the same" if near else ", which other backward passes made or added to"


# ---------------------------------------------------------------------- products


def factor(step: Step) -> str:
    return f"∂{step.result}/∂{step.argument}"


def expression(output: str, term: Term) -> str:
    """The product of a term: `∂loss/∂h · (∂h/∂z + ∂h/∂u · ∂u/∂z) · ∂z/∂w`."""
    before = [] if term.start == output else [f"∂{output}/∂{term.start}"]
    return " · ".join([*before, *map(_factor, folded(term.steps))])


def _factor(part: Part | Fold) -> str:
    if isinstance(part, Step):
        return factor(part)
    if isinstance(part, Fold):
        return f"… ({len(part.parts)} more factors)"
    inside = " + ".join(" · ".join(map(_factor, way)) for way in part.ways)
    return f"({inside})" if len(inside) < WIDTH - 20 else f"({part.paths:,} paths from {part.result} to {part.argument})"


def by_itself(formula: str) -> str:
    """The rule for a single number without the gradient that arrives: the local derivative."""
    if re.fullmatch(r"(repeat|reshape|permute|Σ[₀-₉₋]*|real)?\(?g\)?", formula):
        return "1"
    for begin, rest in (("g · ", ""), ("−g · ", "−"), ("g / ", "1 / "), ("−g / ", "−1 / ")):
        if formula.startswith(begin):
            made = rest + formula[len(begin) :]
            break
    else:
        made = {"−g": "−1"}.get(formula, formula)
    if re.search(r"(?<!\w)g(?!\w)", made):
        return f"({formula}, g = 1)"
    return made[1:-1] if re.fullmatch(r"\([^()]*\)", made) else made


def _wrapped(text: str, indent: str, between: str = r"(?= [·+] )") -> Iterator[str]:
    """A long text on several lines, broken at one of these places: a formula before a sign."""
    line = ""
    for piece in re.split(between, text):
        if line and len(line) + len(piece) > WIDTH:
            yield line.rstrip()
            line = indent
        line += piece
    yield line


def _broken(sentence: str, indent: str = "") -> Iterator[str]:
    """A sentence on several lines."""
    return _wrapped(indent + sentence, f"{indent}    ", r"(?<= )")


def _in_rows(text: str) -> Iterator[str]:
    """Numbers on several lines, broken where a row ends, or a number where there are no rows."""
    return _wrapped(text, "    ", r"(?<=\], )" if "], [" in text else r"(?<=, )")


# ---------------------------------------------------------------------- lines


@dataclass(frozen=True)
class _Row:
    """One line of a table: brackets, factor, rule, gradient, operation."""

    frame: str
    columns: tuple[str, str, Quantity | None, str] | None = None


def _path(e: Explanation, k: int, term: Term) -> Iterator[str]:
    locals_ = [step.local for step in walked(term.steps)]
    scalar = all(x is not None for x in locals_)
    numbers = f" = {product([x for x in locals_ if x is not None])}" if scalar else ""
    head = f"path {k}: " if e.paths > 1 else f"∂{e.output}/∂{e.parameter} = "
    yield from _wrapped(f"{head}{expression(e.output, term)}{numbers}", "    ")
    yield from _table(_rows(folded(term.steps), carried=not scalar))


def _equation(e: Explanation, equation: Equation) -> Iterator[str]:
    sides = [expression(e.output, term) for term in equation.terms]
    head = f"∂{e.output}/∂{equation.of}"
    told = " + ".join(sides)
    if told == head:
        yield f"{head}:"
    else:
        yield from _wrapped(f"{head} = {told if len(told) < 4 * WIDTH else f'the sum of {len(sides)} terms'}", "    ")
    if len(equation.terms) == 1:
        yield from _table(_rows(folded(equation.terms[0].steps)))
    else:
        whole = Bracket(tuple(term.steps for term in equation.terms), "", equation.of, 0, equation.total)
        yield from _table(_rows([whole]))


def _rows(parts: Sequence[Part | Fold], *, carried: bool = True) -> Iterator[_Row]:
    for part in parts:
        if isinstance(part, Step):
            rule = part.formula if part.local is None else f"= {' = '.join(dict.fromkeys((by_itself(part.formula), number(part.local))))}"
            module = part.place if part.place and not f"{part.result} ".startswith(part.place) else ""
            yield _Row("", (factor(part), rule, part.gradient if carried else None, f"{part.operation}{module and f'  in {module}'}"))
        elif isinstance(part, Fold):
            yield _Row(_fold(part, _sizes(_gradients(part)) if carried else _products(part)))
        else:
            yield from _ways(part)


def _ways(part: Bracket) -> Iterator[_Row]:
    ways = folded(part.ways) if len(part.ways) > LISTED else part.ways  # type: ignore[type-var]
    corner = "┌ "
    for way in ways:
        if isinstance(way, Fold):
            alike = " like this" if way.times else ""
            yield _Row(f"│ … {len(way.parts)} more{alike}{_sizes(list(map(_last, way.parts)))}")
            continue
        for row in _rows(folded(way)):
            yield _Row(corner + row.frame, row.columns)
            corner = "│ "
        corner = "├ "
    sums = added([_last(way) for way in part.ways], part.gradient)
    told = "" if part.gradient is None else f": {sums or value(part.gradient, WIDTH - len(part.argument))}"
    yield _Row(f"└ sum at {part.argument}{told}")


def _last(way: Sequence[Part]) -> Quantity | None:
    return way[-1].gradient


def _table(rows: Iterator[_Row]) -> Iterator[str]:
    made = list(rows)
    cells = [(row.frame + row.columns[0], row.columns[1], row.columns[3]) for row in made if row.columns]
    widths = [max((len(cell[k]) for cell in cells), default=0) for k in range(3)]
    room = max(NARROW, WIDTH - sum(widths))
    gradients = [f"→ {value(row.columns[2], room)}" if row.columns[2] else "" for row in made if row.columns]
    widths.insert(2, max(map(len, gradients), default=0))
    lines = (
        "   ".join(text.ljust(min(width, 60)) for text, width in zip((*cell[:2], gradient, cell[2]), widths, strict=True) if width)
        for cell, gradient in zip(cells, gradients, strict=True)
    )
    for row in made:
        yield f"    {next(lines) if row.columns else row.frame}"


def _fold(fold: Fold, numbers: str) -> str:
    """What is told of parts or equations that repeat: how often, and their numbers."""
    first, last = fold.parts[0], fold.parts[-1]
    start = first.of if isinstance(first, Equation) else first.result
    end = last.of if isinstance(last, Equation) else last.argument
    if not fold.times:
        return f"… {len(fold.parts):,} more, from {start} to {end}"
    return f"… {fold.times:,} more like this, from {start} to {end}{numbers}"


def _gradients(fold: Fold) -> list[Quantity | None]:
    """Where each repetition has come to."""
    return [part.total if isinstance(part, Equation) else part.gradient for part in fold.ends]


def _sizes(gradients: Sequence[Quantity | None]) -> str:
    """The sizes of many gradients."""
    single = all(q is not None and q.values is not None and len(q.values) == 1 for q in gradients)
    told = [number(q.values[0] if single and q.values else q.norm) for q in gradients if q is not None]
    return f" → {'' if single else '‖·‖ = '}{_short(told)}" if told else ""


def _products(fold: Fold) -> str:
    """Of single numbers what each repetition multiplies by."""
    each = len(fold.parts) // max(fold.times, 1)
    locals_ = [part.local for part in fold.parts]
    return f": factors {_short([number(float(np.prod(locals_[k : k + each]))) for k in range(0, len(locals_), each)])}"


def _short(told: Sequence[str]) -> str:
    return ", ".join(told if len(told) <= LISTED else [*told[: LISTED - 2], "…", told[-1]])
