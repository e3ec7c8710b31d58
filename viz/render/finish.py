"""Graphviz's SVG as pages, readers' fonts and screen readers want it.

Graphviz names its elements after nodes, and puts what they tell into links without an address: here it becomes their titles,
which browsers show to who points at them. And it writes where a line of text begins, by the width that the text has in its
own font and at its own resolution; in a reader's font the line then hangs to one side: here each line gets the middle of its
node and is anchored there.
"""

from __future__ import annotations

import re
from html import unescape
from statistics import median

from .measure import text_width
from .theme import Type

_LINK = r'<g id="a_\w+"><a xlink:title="([^"]*)">\n(.*?)</a>\n</g>\n'
_PART = re.compile(rf'(<g id="[^"]*" class="(\w+)"[^>]*>\n)(?:<title>([^<]*)</title>\n)?(?:{_LINK})?', re.S)
_NODE = re.compile(r'<g id="[^"]*" class="node">.*?</g>', re.S)
_TEXT = re.compile(r'(<text[^>]*?) text-anchor="start" x="([-\d.]+)"([^>]*?font-size="([\d.]+)"[^>]*>)([^<]*)</text>')
_OUTLINE = re.compile(r'<(?:polygon|path)[^>]* (?:points|d)="([^"]*)"|<ellipse[^>]* cx="([-\d.]+)"')
_NUMBER = re.compile(r"-?[\d.]+")


def finished(svg: str) -> str:
    """The same SVG, with titles, with its node texts anchored in the middle, and no wider than the page that shows it."""
    return _centred(_PART.sub(_titled, svg)).replace("<svg ", '<svg role="img" style="max-width:100%;height:auto" ', 1)


def _titled(part: re.Match[str]) -> str:
    """The beginning of an element, up to the end of its link, with what the link told as title; of the whole picture, before it."""
    opening, kind, name, told, inside = (text or "" for text in part.groups())
    if kind == "graph":
        return f"<title>{name}</title>\n<desc>{told}</desc>\n{opening}{inside}"
    return opening + (f"<title>{told}</title>\n" if told else "") + inside


def _centred(svg: str) -> str:
    nodes = _NODE.findall(svg)
    seen = [
        (middle - x) / half for node in nodes if (middle := _middle(node)) is not None for x, half in _lines(node) if half > 5
    ]  # what Graphviz takes the half width of a line to be, by what it should be
    scale = median(seen) if seen else 1.0
    return _NODE.sub(lambda found: _recentred(found[0], scale), svg)


def _middle(node: str) -> float | None:
    """The middle of a node's outline, None where it has none."""
    outline = _OUTLINE.search(node)
    if outline is None:
        return None
    if outline[2]:
        return float(outline[2])
    across = [float(x) for x in _NUMBER.findall(outline[1])[::2]]
    return (min(across) + max(across)) / 2


def _lines(node: str) -> list[tuple[float, float]]:
    """For each line of text, where it begins and half of how wide it should be."""
    found = _TEXT.findall(node)
    return [(float(x), text_width(unescape(text), Type(float(size), "bold" in rest)) / 2) for _, x, rest, size, text in found]


def _recentred(node: str, scale: float) -> str:
    middle, lines = _middle(node), _lines(node)
    if not lines:
        return node
    if middle is None:
        middle = sum(x + scale * half for x, half in lines) / len(lines)
    return _TEXT.sub(lambda t: f'{t[1]} text-anchor="middle" x="{middle:.2f}"{t[3]}{t[5]}</text>', node)
