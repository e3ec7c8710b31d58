"""What single elements hand back, in words: for the text, and in one line for below a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..graph.digits import number
from .elements import Entries, Product, Uses

FEW = 3  # numbers in the line below a picture


def index_text(index: Sequence[int] | None) -> str:
    """`[0, 2]`, or "" for the whole."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def factors(one: Product) -> str:
    """`4 · (−0.5)`."""
    local = number(one.local)
    return f"{number(one.arriving)} · {f'({local})' if local.startswith('−') else local}"


def more(count: int, what: str) -> str:
    """`1 more term`, `2 more terms`."""
    return f"{count:,} more {what}{'' if count == 1 else 's'}"


def lines(told: Uses, output: str, parameter: str, index: tuple[int, ...] | None) -> Iterator[str]:
    """Use by use and element by element what adds up."""
    count = len(told.largest) + told.more
    if count > 1:
        yield f"{parameter} is used {count:,} times. What these uses hand back, the largest first:"
    for use in told.largest:
        depending = "all" if use.depending == use.size else f"{use.depending:,}"
        product = f"∂{output}/∂{use.result} · ∂{use.result}/∂{parameter}{index_text(index)}{f' ({use.operation})' if count > 1 else ''}"
        yield f"{product}, element by element ({depending} of {use.size:,} depend on it):"
        yield from (f"    {line}" for line in _products(use))
    if told.more:
        yield f"{more(told.more, 'use')}: {number(told.rest)}"
    if count > 1:
        yield f"sum over the uses: {number(told.total)}"


def _products(use: Entries) -> Iterator[str]:
    cells = [(named(use, one), factors(one)) for one in use.largest]
    widths = [max((len(cell[k]) for cell in cells), default=0) for k in range(2)]
    for (where, what), one in zip(cells, use.largest, strict=True):
        yield f"{where.ljust(widths[0])}   {what.ljust(widths[1])} = {number(one.value)}"
    if use.more:
        yield f"{more(use.more, 'term')}: {number(use.rest)}"
    yield f"sum: {number(use.total)}" if use.largest else "all terms are 0"


def named(use: Entries, one: Product) -> str:
    """`[0, 1]`, with the name of the result where a use has several."""
    return f"{one.result if one.result != use.result else ''}{index_text(one.place)}" or one.result


def in_one_line(told: Uses | None, output: str, parameter: str, index: tuple[int, ...] | None) -> str:
    """`∂loss/∂w[0, 1] = 4 · 0.5 + 1 · 2 + 0.1 (12 more terms) = 4.1, over the elements of h`; "" where nothing is told."""
    if told is None or not any(use.largest for use in told.largest):
        return ""
    if len(told.largest) + told.more == 1:
        (use,) = told.largest
        parts = [factors(one) for one in use.largest[:FEW]]
        count, rest = use.more + len(use.largest[FEW:]), use.rest + sum(one.value for one in use.largest[FEW:])
        what, over = "term", f"the elements of {use.result}"
    else:
        parts = [number(use.total) for use in told.largest]
        count, rest, what, over = told.more, told.rest, "use", f"the uses of {parameter}"
    if count:
        parts.append(f"{number(rest)} ({more(count, what)})")
    told_sum = " + ".join(f"({part})" if part.startswith("−") and k else part for k, part in enumerate(parts))
    return f"∂{output}/∂{parameter}{index_text(index)} = {told_sum} = {number(told.total)}, over {over}"
