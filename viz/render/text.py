"""A drawing as text: a tree in plain Unicode that is read from the output back, for terminals, mails and comparisons.

What a line was computed from hangs below it. The longest way back goes straight down and everything else branches off, so
that a long chain stays in its column. What several lines lead to is printed once, below the last of them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from . import measure, spark, structure, theme
from .drawing import Arrow, Box, Drawing
from .layers import backward_edges

MARKS = {"operation": "○", "parameter": "■", "input": "□", "output": "◎", "closed": "▣", "sum": "⊕", "note": "◇"}
_COLUMN = 40  # where what stands on an arrow begins, if there is room
_WIDTH = 110  # characters of a line: what is longer goes on below
_DEEPEST = 40  # branches of branches: further ones are not indented any more
_wrapped = partial(textwrap.wrap, break_long_words=False, break_on_hyphens=False)
_BARS = "▁▂▃▄▅▆▇█"
_BELOW = {"": "", "├─": "│ ", "└─": "  "}  # what goes on under a branch


def to_text(drawing: Drawing) -> str:
    """The drawing as an indented tree; the same drawing always gives the same text. ValueError if it contradicts itself."""
    structure.check(drawing)
    return "\n".join(line.rstrip() for line in (*_head(drawing), *_body(drawing))) + "\n"


def legend(drawing: Drawing) -> Iterator[str]:
    """A line for each accent that occurs."""
    found = {box.accent for box in drawing.boxes} | {arrow.accent for arrow in drawing.arrows}
    return (f"{accent.symbol} {accent.says}" for key, accent in theme.ACCENTS.items() if key in found)


def _head(drawing: Drawing) -> list[str]:
    uses = [structure.flow(arrow)[0] for arrow in drawing.arrows]
    marks = ["↓[1] stands for what is printed once, further below, with the mark [1]"] if len(uses) > len(set(uses)) else []
    head = [_plain(line) for line in (drawing.title, *drawing.caption, *legend(drawing), *marks) if line.strip()]
    return [*head, ""] if head else []


@dataclass
class _Tree:
    """Who hangs below whom, without the arrows that close a circle."""

    below: dict[str, list[tuple[Arrow, str, bool]]]  # of each box: the arrow, its upper end, whether it closes a circle
    waiting: dict[str, int]  # arrows that lead to a box and have not been printed
    height: dict[str, int]  # boxes on the longest way from here
    shared: set[str]  # boxes that more than one arrow leads to
    numbers: dict[str, int] = field(default_factory=dict)

    def mark(self, name: str) -> str:
        return f"[{self.numbers.setdefault(name, len(self.numbers) + 1)}] " if name in self.shared else ""


def _tree(drawing: Drawing) -> _Tree:
    names = [box.id for box in drawing.boxes]
    number = {name: index for index, name in enumerate(names)}
    flows = [structure.flow(arrow) for arrow in drawing.arrows]
    closing = backward_edges(len(names), [(number[upper], number[lower]) for upper, lower in flows])
    below: dict[str, list[tuple[Arrow, str, bool]]] = {name: [] for name in names}
    waiting = dict.fromkeys(names, 0)
    met: set[str] = set()
    shared: set[str] = set()
    for arrow, (upper, lower), closes in zip(drawing.arrows, flows, closing):
        below[lower].append((arrow, upper, closes))
        waiting[upper] += not closes
        if closes or upper in met:
            shared.add(upper)
        met.add(upper)
    left = dict(waiting)
    order = [name for name in names if not left[name]]
    for lower in order:  # grows while it is walked
        for _, upper, closes in below[lower]:
            left[upper] -= not closes
            if not left[upper] and not closes:
                order.append(upper)
    height: dict[str, int] = {}
    for lower in reversed(order):
        height[lower] = 1 + max((height[upper] for _, upper, closes in below[lower] if not closes), default=-1)
    return _Tree(below, waiting, height, shared)


def _body(drawing: Drawing) -> Iterator[str]:
    boxes = {box.id: box for box in drawing.boxes}
    headings = heading_of(drawing)
    tree = _tree(drawing)
    heading = ""
    todo: list[tuple[str, Arrow | None, str, str]] = []  # a box, how it was reached, the indentation, the branch it hangs on
    tops = sorted((name for name in boxes if not tree.waiting[name]), key=lambda name: -tree.height[name])
    todo += [(name, None, "", "") for name in reversed(tops)]
    while todo:
        name, arrow, indent, branch = todo.pop()
        box = boxes[name]
        around = headings[box.group]
        if tree.height[name] and around != heading:
            heading = around
            yield f"{indent}{branch and '│ '}{heading or '[outside]'}"
        below = f"{indent}{_BELOW[branch]}    "
        yield from _told(f"{indent}{branch}{MARKS[box.kind]} {tree.mark(name)}", _words(box), _led(arrow, box), below)
        indent += "│ " if branch and len(indent) < 2 * _DEEPEST else ""
        next_ones: list[tuple[Arrow, str]] = []
        later: list[tuple[Arrow, str, bool]] = []
        for led, upper, closes in tree.below[name]:
            tree.waiting[upper] -= not closes
            if closes or tree.waiting[upper]:
                later.append((led, upper, closes))
            else:
                next_ones.append((led, upper))
        next_ones.sort(key=lambda way: tree.height[way[1]])
        straight = bool(next_ones) and tree.height[next_ones[-1][1]] > 0
        for k, (led, upper, closes) in enumerate(later, 1):
            corner = "└─" if k == len(later) and not next_ones else "├─"
            lead, title = f"{indent}{corner}{'↑' if closes else '↓'}{tree.mark(upper)}", _plain(boxes[upper].title)
            yield from _told(lead, [title], _led(led, boxes[upper]), f"{indent}{_BELOW[corner]}    ")
        for k, (led, upper) in enumerate(reversed(next_ones)):
            todo.append((upper, led, indent, "├─" if k else "" if straight else "└─"))


def heading_of(drawing: Drawing) -> dict[str | None, str]:
    """For each group that holds boxes its name after those around it, in brackets; "" for what is in none."""
    names = {group.id: " ".join(row.text for row in measure.group_rows(group)) for group in drawing.groups}
    homes = structure.homes(drawing)
    headings: dict[str | None, str] = {None: ""}
    for box in drawing.boxes:
        if box.group not in headings:
            headings[box.group] = f"[{' › '.join(names[group] for group in homes[box.id])}]"
    return headings


def _told(lead: str, words: list[str], led: list[str], below: str) -> Iterator[str]:
    """A box, and beside it what stands on the arrow that leads to it; in lines that begin with `below` what one has no room for."""
    left, along = lead + _joined(words), _joined(led)
    line = f"{left:<{_COLUMN}}  {along}" if along.startswith("←") else _joined([left, along])
    if len(line) > _WIDTH:
        line = lead + words[0]
        for word in filter(None, (*words[1:], *([along] if len(below + along) <= _WIDTH else led))):
            longer = _joined([line, word])
            if len(longer) > _WIDTH:
                yield line
                *full, longer = _wrapped(word, _WIDTH, initial_indent=below, subsequent_indent=below)
                yield from full
            line = longer
    yield line


def _led(arrow: Arrow | None, box: Box) -> list[str]:
    """What stands on the arrow that leads to a box, as far as the box does not say it itself."""
    if arrow is None:
        return []
    lines = list(arrow.lines)
    for known in box.lines:
        gradient = known.partition("grad")[2].lstrip("‖")
        lines = [line.removesuffix(f", {known}") for line in lines if line != known.removeprefix("= ")]
        lines = [line for line in lines if not gradient or line.removeprefix("‖·‖ ").strip() != gradient.strip()]
    words = [_plain(line) for line in lines]
    if arrow.accent:
        words.insert(0, theme.accent(arrow.accent).symbol)
    words = [word for word in words if word]
    return words if arrow.kind == "forward" or not words else [f"← {words[0]}", *words[1:]]


def _words(box: Box) -> list[str]:
    """What is to be noticed, the title, the small print."""
    words = [_plain(part) for part in (box.title, *box.lines)]
    if box.accent:
        words[0] = f"{theme.accent(box.accent).symbol} {words[0]}"
    if box.spark:
        words.append(f"{_spark(box.spark)} {spark.said(box.spark)}")
    if box.order:
        words.append(measure.derivative(box.order))
    return words


def _plain(text: str) -> str:
    return " ".join(measure.plain(text).split())


def _joined(words: list[str]) -> str:
    """Words apart, but for a value, which follows what it is of."""
    apart = (f" {word}" if word.startswith("= ") else f"  {word}" for word in words[1:] if word)
    return f"{words[0]}{''.join(apart)}" if words else ""


def _spark(values: tuple[float, ...]) -> str:
    signs = {"zero": "_", "wild": "×"}
    return "".join(signs.get(bar.kind) or _BARS[min(int(bar.high * len(_BARS)), len(_BARS) - 1)] for bar in spark.bars(values))
