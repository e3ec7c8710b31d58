"""A formula with its numbers: `g · b` becomes `2 · 3`, where everything in it is short and known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_core.graph import Node

from .arguments import given_to
from .description import FEW, listed
from .formulas import rule_text

LONG = 80  # characters of a formula with its numbers
_MARK = 0xE000  # private characters stand for the arguments until the formula is printed: no simplification sees them
_TIGHT = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀᴴ^"  # what follows a number and would bind tighter than its sign
_GRADIENT = re.compile(rf'("[^"]*")|(?<!\w)g(?=[{_TIGHT}]|\W|$)')  # but not among the letters of an einsum


def with_numbers(node: Node, k: int, gradient: Any, values: Mapping[Node, Any]) -> str:
    """What node's rule gives to its k-th recording input, in numbers; "" where one is unknown, a rule's name, or too long."""
    names: dict[str, str] = {}
    marks: dict[str, Any] = {}
    for argument in given_to(node):
        value = values.get(argument.parent) if argument.parent is not None else argument.value
        if argument.parent is not None or value is None or isinstance(value, np.ndarray | np.generic):
            mark = chr(_MARK + len(marks))
            names[argument.name], marks[mark] = mark, value
    mark = chr(_MARK + len(marks))
    names["out"], marks[mark] = mark, values.get(node)
    text, meant = rule_text(node, k, names)
    if meant or "rule of " in text or ".backward(" in text or "∂" in text:
        return ""
    mark = chr(_MARK + len(marks))
    text, marks[mark] = _GRADIENT.sub(lambda found: found[1] or mark, text), gradient
    if text in (mark, "0"):  # there is nothing to work out
        return ""
    made = []
    for i, character in enumerate(text):
        if character not in marks:
            made.append(character)
            continue
        written = _written(marks[character])
        if not written:
            return ""
        before, after = text[:i].rstrip(), text[i + 1 : i + 2]
        apart = (before and before[-1] not in "(,[|") or (after and after in _TIGHT)
        made.append(f"({written})" if written.startswith("−") and apart else written)
    return "".join(made) if sum(map(len, made)) <= LONG else ""


def _written(value: Any) -> str:
    """The elements, if they are few and real numbers; "" for anything else, such as masks."""
    if not isinstance(value, np.ndarray | np.generic | float | int):
        return ""
    array = np.asarray(value)
    return listed(array) if array.size <= FEW and array.dtype.kind in "iuf" else ""
