"""Which fonts matplotlib is to set a text in: its own DejaVu Sans, and fonts of this machine for letters that it lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font

_OWN = "DejaVu Sans"  # comes with matplotlib
_NO_LETTER = "\u0378"  # a code that stands for nothing: a font that has it draws boxes, whatever is asked of it


def families(texts: Iterable[str]) -> tuple[str, ...]:
    """The families that together have the letters of these texts, as far as this machine has them; the first has most."""
    return _families(frozenset(letter for text in texts for letter in text if letter > "~"))


@lru_cache
def _families(letters: frozenset[str]) -> tuple[str, ...]:
    faces = [findfont(FontProperties(family=[_OWN], weight=weight)) for weight in ("normal", "bold")]
    lacking = letters - (_drawn(faces[0], letters) & _drawn(faces[1], letters))
    others: dict[str, frozenset[str]] = {}
    if lacking:
        upright = (entry for entry in fontManager.ttflist if entry.style == "normal" and entry.name != _OWN)
        for entry in sorted(upright, key=lambda entry: (entry.name, entry.weight != 400, entry.fname)):
            if entry.name not in others:
                others[entry.name] = _drawn(entry.fname, lacking)
    found = [_OWN]
    while best := max(others, key=lambda name: len(others[name] & lacking), default=""):
        if not others[best] & lacking:
            break
        found.append(best)
        lacking -= others.pop(best)
    return tuple(found)


def _drawn(file: str, letters: Collection[str]) -> frozenset[str]:
    """Which of the letters the font in a file has outlines of."""
    try:
        font = FT2Font(file)
        if font.get_char_index(ord(_NO_LETTER)):
            return frozenset()
        font.set_size(12, 72)
        shown = [letter for letter in letters if font.get_char_index(ord(letter))]
        for letter in shown:
            font.load_char(ord(letter))
    except (OSError, RuntimeError):  # it is gone since matplotlib has listed it, or made of pixels
        return frozenset()
    return frozenset(shown)
