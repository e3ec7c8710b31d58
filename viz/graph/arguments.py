"""What an operation was given: the nodes it recorded, and as far as it can still be found, everything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np

from autograd_core.graph import Node
from autograd_core.writes import written_since

from .digits import small_digits

TELLING = frozenset("qkv")  # letters that mean something where they are together: the query, the key and the value of attention


@dataclass(frozen=True)
class Argument:
    """One argument of a recorded operation."""

    name: str  # as it is declared
    neutral: str  # what a formula calls it if the program has no name for it: "in", "in₁", or a telling name such as "weight"
    parent: Node | None  # its node, if it records
    value: Any  # what it was, if it does not: an array, a number, or None where it is gone or was overwritten
    now: Any = None  # what is there now: what was overwritten still has a name and a shape
    absent: bool = False  # was it left out?


def given_to(node: Node) -> list[Argument]:
    """The arguments of node's operation, in order."""
    op, plan = node.plan.op, node.plan
    declared = getattr(op, "arguments", ())
    if not declared:  # a Function, or the engine's own: what else it took is its own affair
        several = len(node.parents) > 1
        return [
            Argument(f"input{k}", f"in{small_digits(k + 1)}" if several else "in", parent, None) for k, parent in enumerate(node.parents)
        ]
    constant = getattr(node, "constant", None)
    count = len(declared)
    if op.variadic:
        count = max([i + 1 for i in plan.inputs] + [len(constant) if isinstance(constant, tuple) else 0])
    parents = dict(zip(plan.inputs, node.parents, strict=False))
    kept = _kept(node, count)
    letters = count if len(declared) != count else sum(len(name) == 1 for name in declared)
    found = []
    for i in range(count):
        name = declared[i] if len(declared) == count else f"{declared[0]}{i}"
        telling = len(name) > 1 or (name in TELLING and "".join(declared[:2]) == "qk")
        neutral = name if len(declared) == count and telling else "in" if letters == 1 else f"in{small_digits(i + 1)}"
        hint = _hinted(constant, i)  # first: a single number is kept as a NumPy scalar, which has no name
        now = None if i in parents or hint is ... else hint if hint is not None else kept.get(i)
        value = None if isinstance(now, np.ndarray) and written_since(now, node.time) else now
        found.append(Argument(name, neutral, parents.get(i), value, now, hint is ...))
    return found


def _kept(node: Node, count: int) -> dict[int, Any]:
    """The arguments that the operation saved, by position."""
    op, saved = node.plan.op, node.saved
    if not saved:
        return {}
    if op.backward:
        return dict(enumerate(saved[0]))
    by_name = dict(zip(node.plan.names, saved, strict=False))
    if op.variadic:
        return dict(enumerate(by_name.get(op.arguments[0], ())))
    return {i: by_name[name] for i, name in enumerate(op.arguments) if name in by_name}


def _hinted(constant: Any, i: int) -> Any:
    """What the node's `constant` says of argument i."""
    hint = constant[i] if isinstance(constant, tuple) and i < len(constant) else None if isinstance(constant, tuple) else constant
    return hint() if isinstance(hint, ref) else hint
