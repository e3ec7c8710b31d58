"""A drawing as a Mermaid flowchart, which GitHub, GitLab and many editors draw by themselves.

Ids are ours (`n0`, `g0`), and whatever a program may have called its things stands in quotes, with a character code for
every character that Mermaid, HTML or Markdown might obey.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import measure, structure, theme
from .drawing import Arrow, Box, Drawing, Group
from .text import legend

_OUTLINES = {  # shape of a box -> what stands around its text
    "rounded": ("(", ")"),
    "square": ("[", "]"),
    "double": ("[[", "]]"),
    "stack": ("[/", "/]"),
    "round": ("((", "))"),
    "folded": (">", "]"),
}
_HARMLESS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,()+=")
_DEEPEST = 40  # of indentation, which is for the reader alone
_IN_QUOTES = _HARMLESS | set("[]/@")


def to_mermaid(drawing: Drawing, *, theme: str = "light") -> str:
    """The drawing as a Mermaid flowchart; the same drawing always gives the same text.

    Mermaid shows no more than 50,000 characters and 500 arrows unless it is set up to. Raises ValueError for a drawing
    that contradicts itself and for an unknown theme.
    """
    structure.check(drawing)
    return "\n".join(_chart(drawing, theme)) + "\n"


def to_markdown(drawing: Drawing, *, theme: str = "light") -> str:
    """A Markdown page of the drawing: its title, its caption, and the flowchart in a fenced block."""
    title = [f"# {_in_markdown(measure.plain(drawing.title))}"] if drawing.title.strip() else []
    caption = [_in_markdown(text) for text in _caption(drawing)]
    return "\n\n".join([*title, *caption, f"```mermaid\n{to_mermaid(drawing, theme=theme)}```"]) + "\n"


def _chart(drawing: Drawing, theme_name: str) -> Iterator[str]:
    colours = theme.themed(theme_name)
    names = {box.id: f"n{k}" for k, box in enumerate(drawing.boxes)}
    groups = {group.id: f"g{k}" for k, group in enumerate(drawing.groups)}
    if theme_name != "light":  # light is left to the page, which may itself be dark
        yield from ("---", "config:", f"  theme: {theme_name}", "---")
    backward = 2 * sum(arrow.kind == "backward" for arrow in drawing.arrows) > len(drawing.arrows)
    yield f"flowchart {'BT' if backward else 'TB'}"  # inputs on top, whichever way most arrows lead
    if drawing.title.strip():
        yield f"  accTitle: {_in_chart(measure.plain(drawing.title))}"
    if told := " ".join(_caption(drawing)):
        yield f"  accDescr: {_in_chart(told)}"
    yield from _nodes(drawing, names, groups)
    for arrow in drawing.arrows:
        label = f"|{_quoted(row.written for row in measure.arrow_rows(arrow))}|" if measure.arrow_rows(arrow) else ""
        yield f"  {names[arrow.source]} -->{label} {names[arrow.target]}"
    yield from _looks(drawing, names, groups, colours)


def _nodes(drawing: Drawing, names: dict[str, str], groups: dict[str, str]) -> Iterator[str]:
    """The boxes in their groups."""
    members: dict[str | None, list[Box]] = {}
    inner: dict[str | None, list[Group]] = {}
    for box in drawing.boxes:
        members.setdefault(box.group, []).append(box)
    for held in drawing.groups:
        inner.setdefault(held.parent, []).append(held)
    todo: list[tuple[Group | None, str, bool]] = [(None, "", True)]  # a group (None is the whole), to begin or to end
    while todo:
        group, pad, begins = todo.pop()
        if not begins:
            yield f"{pad}end"
            continue
        if group is not None:
            yield f"{pad}subgraph {groups[group.id]} [{_quoted(row.written for row in measure.group_rows(group))}]"
            todo.append((group, pad, False))
        pad, key = (pad + "  ")[:_DEEPEST], None if group is None else group.id
        for box in members.get(key, ()):
            left, right = _OUTLINES[theme.box_style(box.kind).shape]
            yield f"{pad}{names[box.id]}{left}{_quoted(row.written for row in measure.box_rows(box) + measure.spark_rows(box))}{right}"
        todo += [(held, pad, True) for held in reversed(inner.get(key, []))]


def _looks(drawing: Drawing, names: dict[str, str], groups: dict[str, str], colours: theme.Theme) -> Iterator[str]:
    """Colours and lines: of kinds of boxes, of groups, of arrows that look the same."""
    kinds: dict[str, list[str]] = {}
    for box in drawing.boxes:
        kinds.setdefault(box.kind, []).append(names[box.id])
    for kind, held in kinds.items():
        outline = theme.box_style(kind)
        ink = f"fill:{colours.fills[kind]},stroke:{colours.strokes[kind]},color:{colours.inks['text']}"
        yield f"  classDef {kind} {ink},{_line(outline.width, outline.line)}"
        yield f"  class {','.join(held)} {kind}"
    accents: dict[str, list[str]] = {}
    for box in drawing.boxes:
        if box.accent:
            accents.setdefault(box.accent, []).append(names[box.id])
    for key, held in accents.items():
        accent = theme.accent(key)
        yield f"  classDef {key} stroke:{colours.inks[key]},{_line(accent.width, accent.line)}"
        yield f"  class {','.join(held)} {key}"
    around = structure.enclosures(drawing)
    for group in drawing.groups:
        style = theme.group_style(group.kind)
        ground = colours.tint if style.tinted else colours.grounds[(len(around[group.id]) - 1) % len(colours.grounds)]
        ink = f"fill:{ground},stroke:{colours.frame},color:{colours.inks['group']}"
        yield f"  style {groups[group.id]} {ink},{_line(style.width, style.line)}"
    lines: dict[str, list[str]] = {}
    for k, arrow in enumerate(drawing.arrows):
        lines.setdefault(_arrow_look(arrow, colours), []).append(str(k))
    for look, numbers in lines.items():
        yield f"  linkStyle {','.join(numbers)} {look}"


def _arrow_look(arrow: Arrow, colours: theme.Theme) -> str:
    width, line, ink = theme.line_width(arrow.weight), "solid", colours.arrows[arrow.kind]
    if arrow.accent:
        accent = theme.accent(arrow.accent)
        width, line, ink = max(width, accent.width), accent.line, colours.inks[arrow.accent]
    return f"stroke:{ink},{_line(width, line)}"


def _line(width: float, line: str) -> str:
    dashes = " ".join(f"{length:g}" for length in theme.DASHES[line])
    return f"stroke-width:{round(2 * width) / 2:g}px" + (f",stroke-dasharray:{dashes}" if dashes else "")


def _caption(drawing: Drawing) -> list[str]:
    """The caption and what the marks mean, as lines of text."""
    return [measure.plain(line) for line in (*drawing.caption, *legend(drawing)) if line.strip()]


def _quoted(lines: Iterable[str]) -> str:
    return f'"{"<br/>".join(map(_in_chart, lines)) or "#160;"}"'


def _in_chart(text: str) -> str:
    return "".join(c if c in _IN_QUOTES or c > "\x7f" else f"#{ord(c)};" for c in text)


def _in_markdown(text: str) -> str:
    return "".join(c if c in _HARMLESS or c > "\x7f" else f"&#{ord(c)};" for c in text)
