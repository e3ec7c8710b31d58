"""A derivation in LaTeX: an aligned environment that LaTeX, MathJax, KaTeX and, piece by piece, matplotlib understand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from ..graph.description import Quantity
from ..graph.digits import number
from ..graph.latex import name, words
from ..graph.latex import to_latex as formula
from .as_text import LISTED, added, by_itself, meanings, product
from .elements import Uses
from .elements_written import factors, more
from .factoring import Bracket, Equation, Fold, Part, Step, Term, folded

if TYPE_CHECKING:
    from .explanation import Explanation

FACTORS = 6  # in one line
WIDTH = 80  # characters of numbers in one line
BY = r" \cdot "
MORE = r"&\ \ \vdots\quad"


def to_latex(e: Explanation) -> str:
    """The derivation as an aligned environment."""
    body = " \\\\\n".join(_lines(e))
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def document(e: Explanation) -> str:
    """A file that LaTeX can set by itself."""
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n\\usepackage[a4paper,landscape,margin=15mm]{geometry}\n\\allowdisplaybreaks\n"
    lines = to_latex(e).replace("{aligned}", "{align*}")  # which may be broken over pages
    return f"{head}\\begin{{document}}\n{lines}\n\\end{{document}}\n"


def _lines(e: Explanation) -> Iterator[str]:
    whole = derivative(e.output, e.parameter) + _at(e.index)
    equations = folded(e.equations)
    for equation in equations:
        if isinstance(equation, Fold):
            yield _more(equation)
            continue
        last = equation is e.equations[-1]
        yield from _sum(whole if last else derivative(e.output, equation.of), e.output, equation)
        if last:
            yield from (f"&= {told}" for told in (_products(e), _in_numbers(e)) if told)
    if e.total is not None and not e.total.written:
        yield rf"\Vert {whole} \Vert &= {_numbers(number(e.total.norm))}"
    elif e.total is not None and not _in_numbers(e):
        yield f"{whole} &= {_numbers(e.total.text().removeprefix('= '))}"
    if e.entries and e.entries.largest:
        yield from _elements(e, e.entries)
    terms = [term for equation in equations if not isinstance(equation, Fold) for term in folded(equation.terms)]  # type: ignore[type-var]
    told_of = ([(_more(term),)] if isinstance(term, Fold) else _where(folded(term.steps), e.output) for term in terms)
    yield from _once(chain.from_iterable(told_of))
    for meaning in meanings(e):
        name, _, told = meaning.partition(" = ")
        yield rf"{formula(name)} &= {formula(told)}"


def _once(blocks: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The lines of blocks; a block that comes up again is left out, and after it how often that repeats."""
    told: set[tuple[str, ...]] = set()
    new = False
    for block in blocks:
        if not block[0].startswith(MORE):
            new = block not in told
            told.add(block)
        if new:
            yield from block


def _more(fold: Fold) -> str:
    return rf"{MORE} {words(f'{fold.times} more like this' if fold.times else f'{len(fold.parts)} more')}"


def called(text: str) -> str:
    """A value's name; of several side by side each one's: (h, c)."""
    if not (text.startswith("(") and text.endswith(")") and ", " in text):
        return name(text)
    inside = r",\ ".join(map(name, text[1:-1].split(", ")))
    return rf"\left({inside}\right)"


def derivative(result: str, argument: str) -> str:
    return rf"\frac{{\partial {called(result)}}}{{\partial {called(argument)}}}"


def _sum(whole: str, output: str, equation: Equation) -> Iterator[str]:
    """The terms, on one line or each on its own."""
    if [[type(part) for part in term.steps] for term in equation.terms if term.start == output] == [[Step]] and len(equation.terms) == 1:
        return  # that a derivative is itself
    yield from _added(whole, [term if isinstance(term, Fold) else _product(output, term) for term in folded(equation.terms)])  # type: ignore[type-var]


def _added(whole: str, terms: Sequence[list[str] | Fold]) -> Iterator[str]:
    """Products of so many factors, and what they are together."""
    if len(terms) > 1 and all(isinstance(term, list) for term in terms) and sum(map(len, terms)) <= FACTORS:  # type: ignore[arg-type]
        yield f"{whole} &= {' + '.join(map(BY.join, terms))}"  # type: ignore[arg-type]
        return
    left, sign = whole, "="
    for term in terms:
        if isinstance(term, Fold):
            yield rf"&\quad + \cdots \quad {words(f'{len(term.parts)} more like this')}"
            continue
        for k in range(0, len(term), FACTORS):
            piece = BY.join(term[k : k + FACTORS])
            yield f"{left} &{sign} {piece}".lstrip() if k == 0 else rf"&\qquad \cdot {piece}"
            left = ""
        sign = r"\quad +"


def _product(output: str, term: Term) -> list[str]:
    before = [] if term.start == output else [derivative(output, term.start)]
    return [*before, *map(_factor, folded(term.steps))]


def _factor(part: Part | Fold) -> str:
    if isinstance(part, Step):
        return derivative(part.result, part.argument)
    if isinstance(part, Fold):
        return rf"\cdots\ {words(f'({len(part.parts)} more factors)')}\ \cdots"
    if _inline(part):
        return rf"\left( {' + '.join(BY.join(map(_factor, way)) for way in part.ways)} \right)"
    return rf"\left( {derivative(part.result, part.argument)} \right)_{{{words(f'{part.paths:,} paths')}}}"


def _inline(part: Bracket) -> bool:
    """Whether a bracket is short enough to stand in a product."""
    return sum(map(len, part.ways)) <= FACTORS and all(isinstance(p, Step) for way in part.ways for p in way)


# ---------------------------------------------------------------------- rules and numbers


def _in_numbers(e: Explanation) -> str:
    """The product of numbers, or the sum of the paths'; "" where they are many."""
    if len(e.terms) == 1:
        locals_ = [step.local if isinstance(step, Step) else None for step in e.terms[0].steps]
        told = "" if None in locals_ or len(locals_) > LISTED else product([x for x in locals_ if x is not None])
    else:
        told = added([term.total for term in e.terms], e.total)
    return _numbers(told) if " = " in told and len(told) <= WIDTH else ""


def _products(e: Explanation) -> str:
    """The product of each path in numbers, where there are several; "" where they are many or no single numbers."""
    locals_ = [[step.local if isinstance(step, Step) else None for step in term.steps] for term in e.terms]
    if len(locals_) < 2 or any(None in factors for factors in locals_) or all(len(factors) == 1 for factors in locals_):
        return ""
    told = [product([x for x in factors if x is not None]).partition(" = ")[0] for factors in locals_]
    made = " + ".join(f"({t})" if t.startswith("−") and k else t for k, t in enumerate(told))
    return _numbers(made) if len(made) <= WIDTH else ""


def _where(parts: Sequence[Part | Fold], output: str) -> Iterator[tuple[str, ...]]:
    """The rule and the number of each factor, as blocks of lines."""
    for part in parts:
        if isinstance(part, Fold):
            yield (_more(part),)
        elif isinstance(part, Bracket):
            yield from _bracket(part, output)
        elif part.local is not None:
            rule, local = formula(by_itself(part.formula)), _numbers(number(part.local))
            yield (f"{_factor(part)} &= {rule if rule == local else f'{rule} = {local}'}{_told(part)}",)
        else:
            gradient = "" if part.gradient is None else rf",\quad {_size(part.gradient)}"
            yield (rf"{_factor(part)} &:\ g \mapsto {formula(part.formula)}{gradient}{_told(part)}",)


def _bracket(part: Bracket, output: str) -> Iterator[tuple[str, ...]]:
    ways = folded(part.ways) if len(part.ways) > LISTED else part.ways  # type: ignore[type-var]
    if not _inline(part):
        yield tuple(_added(_factor(part), [way if isinstance(way, Fold) else [*map(_factor, folded(way))] for way in ways]))
    for way in ways:
        yield from [(_more(way),)] if isinstance(way, Fold) else _where(folded(way), output)
    if (sums := added([way[-1].gradient for way in part.ways], part.gradient)) and len(sums) <= WIDTH:
        yield (f"{derivative(output, part.argument)} &= {_numbers(sums)}",)


def _elements(e: Explanation, uses: Uses) -> Iterator[str]:
    """One element's gradient, element by element of what the parameter was used in."""
    for use in uses.largest:
        result = called(use.result)
        chain_rule = rf"\frac{{\partial {called(e.output)}}}{{\partial {result}\left[k\right]}} \cdot "
        chain_rule += rf"\frac{{\partial {result}\left[k\right]}}{{\partial {called(e.parameter)}{_at(e.index)}}}"
        yield rf"\sum_{{k}} {chain_rule} &= {_numbers(number(use.total))}"
        for one in use.largest:
            where = "" if one.result == use.result and one.place else called(one.result)
            yield rf"{where}{_at(one.place)} &:\ {_numbers(f'{factors(one)} = {number(one.value)}')}"
        if use.more:
            yield rf"{words(more(use.more, 'term'))} &:\ {_numbers(number(use.rest))}"
    if uses.more:
        yield rf"{words(more(uses.more, 'use'))} &:\ {_numbers(number(uses.rest))}"


def _at(index: Sequence[int] | None) -> str:
    """The place of an element, "" for the whole."""
    return "" if not index else rf"\left[{', '.join(map(str, index))}\right]"


def _size(gradient: Quantity) -> str:
    if not 0 < len(gradient.written) <= WIDTH:
        return rf"\Vert\cdot\Vert = {_numbers(number(gradient.norm))}"
    return rf"\rightarrow\ {_numbers(gradient.text().removeprefix('= '))}"


def _numbers(text: str) -> str:
    """Numbers, lists of them, their sums and products."""
    power = lambda found: rf"{found[1]} \cdot 10^{{{int(found[2])}}}"
    made = re.sub(r"([\d.]+)e([+-]?\d+)", power, text.replace("−", "-")).replace("all ", rf"{words('all')}\ ")
    return made.replace("inf", r"\infty").replace("nan", words("nan")).replace("·", r"\cdot").replace(", ", r",\ ")


def _told(step: Step) -> str:
    return rf"\qquad {words(step.operation)}"
