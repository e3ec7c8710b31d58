"""What the values on the way to a parameter are called: each by its own name, so that a formula says which one it means."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..render import measure
from .description import Call, Trace, Vertex
from .results import results_of, whole_of

SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"
SMALL = str.maketrans("0123456789", SUBSCRIPTS)
TOGETHER = 4  # names that are told of values side by side


def tidy(text: str, longest: int = 80) -> str:
    """A name or formula on one line, without what cannot be seen, and cut where it is very long."""
    shown = measure.plain(text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def called(found: Trace, which: Collection[str], goal: str) -> dict[str, str]:
    """By id, for these vertices: the program's name for it, else the module that it is the result of, else its operation.

    What would be called alike is numbered, in the order of the program. An operation with several results is called by these: (h, c).
    """
    together = results_of(found, which)
    results = _results(found, which)
    calls = {call.id: call for call in found.calls}
    base: dict[str, str] = {}
    for v in found.vertices:
        if v.id in which and v.id not in together:
            module = _module(calls[results[v.id]]) if v.id in results else ""
            given = v.name or ("output" if v.id == found.root else "parameter" if v.id == goal else "")
            base[v.id] = tidy(given or module or _operation(found, v))
    alike: dict[str, list[str]] = {}
    for id, name in base.items():
        alike.setdefault(name, []).append(id)
    names: dict[str, str] = {}
    for name, ids in alike.items():
        for k, id in enumerate(ids, 1):
            apart = "." if name[-1] in SUBSCRIPTS else ""
            names[id] = name if len(ids) == 1 else f"{name}{apart}{str(k).translate(SMALL)}"
    return names | {whole: beside([names[v.id] for v in several]) for whole, several in together.items()}


def beside(names: Sequence[str]) -> str:
    """Several values side by side: `(h, c)`; of many the first and the last."""
    shown = [*names[:1], "…", *names[-1:]] if len(names) > TOGETHER else names
    return f"({', '.join(shown)})"


def _results(found: Trace, which: Collection[str]) -> dict[str, str]:
    """By vertex: the outermost call with a name whose one result (among these vertices) it is."""
    around: dict[str | None, tuple[str, ...]] = {None: ()}
    for call in found.calls:  # a call comes after the one around it
        around[call.id] = (*around[call.parent], call.id)
    leaving: dict[str, set[str]] = {}  # by call
    scope = {v.id: around[v.scope] for v in found.vertices}
    for v in found.vertices:
        if v.id not in which:
            continue
        for edge in v.inputs:
            if edge.source in which:
                outside = set(scope[v.id])
                for at in scope[edge.source]:
                    if at not in outside:
                        leaving.setdefault(at, set()).add(edge.source)
    for at in scope[found.root]:
        leaving.setdefault(at, set()).add(found.root)
    results: dict[str, str] = {}
    for call in found.calls:
        left = leaving.get(call.id, set())
        if call.kind == "module" and call.path and len(left) == 1:
            results.setdefault(next(iter(left)), call.id)
    return results


def _module(call: Call) -> str:
    """The path of a module; of one that has only a number, with the name of its class: Linear₀."""
    if any(c.isalpha() for c in call.path):
        return call.path
    return f"{call.label.rpartition(': ')[2]}{call.path.translate(SMALL)}"


def _operation(found: Trace, v: Vertex) -> str:
    """The operation, without its settings; of one of several results both."""
    whole = whole_of(found, v)
    return v.operation.partition(" ")[0] if whole is None else v.operation.replace("result ", f"{whole.operation.partition(' ')[0]}.", 1)
