"""What the reader of a derivation is told besides: where its numbers are from, and why some are missing, zero or not finite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from autograd_core.tensor import Tensor
from autograd_core.writes import owner

from ..graph.as_drawing import not_run
from ..graph.called import beside
from ..graph.description import Edge, Quantity, Trace
from .as_text import by_itself, value
from .factoring import Equation, Step, walked

SHORT = 40  # characters of a value in a sentence


def no_path(found: Trace, parameter: Tensor, name: str, output: str) -> str:
    """Why nothing of the output depends on a parameter."""
    memory = owner(parameter.array)
    used = any(v.kind == "data" and v.value is not None and owner(v.value.array) is memory for v in found.vertices)
    if used:
        why = f"only its numbers were used, as data: after detach() or .data, or inside no_grad(), so {output} does not depend on it here"
    else:
        why = "it was not used, or only through what has no derivative: detach(), no_grad(), a comparison, integers such as argmax's"
    return f"explain: no path leads from {output} to {name}, its gradient is zero (it was not used to compute {output} in the graph): {why}"


def on_several(results: Sequence[str]) -> str:
    """Of an operation with several results, by what these are called."""
    return f"{beside(results)}: the results of one operation are one factor, for it takes back what comes through all of them"


def on_numbers(found: Trace, parameter: Tensor) -> list[str]:
    """Which pass the numbers are of, or why there are none."""
    notes = []
    if found.state == "overwritten":
        notes += [*found.notes, "so there are no numbers: explain before that, or record the pass with viz.record()"]
    elif found.state in ("freed", "none"):
        notes.append("backward() has freed the numbers between: explain before it, or record the pass with viz.record()")
    elif found.hooked:
        notes.append(not_run(found.hooked))
    elif found.state == "own" and parameter.grad is None and parameter.is_leaf:
        notes.append("no backward yet: this is what .grad will get")
    return notes


def on_hooks(found: Trace, edges: Iterable[Edge], names: Mapping[str, str], goal: str, index: tuple[int, ...] | None) -> list[str]:
    """Where a recorded gradient is not the sum of what came back."""
    told = []
    for id, came in found.changed(edges).items():
        if (gradient := found.by_id[id].gradient) is not None:
            if id == goal and index is not None:
                gradient, came = Quantity(gradient.array[index]), Quantity(came.array[index])
            told.append(f"a hook on {names[id]} made {value(gradient, SHORT)} of {value(came, SHORT)}")
    return told


def on_total(name: str, equations: Sequence[Equation], total: Quantity | None) -> list[str]:
    """Why no gradient reaches a parameter, or one that is zero or not finite; with the numbers known."""
    steps = [step for equation in equations for term in equation.terms for step in walked(term.steps)]
    lost = next((s for s in steps if s.gradient is None or not s.gradient.norm), None)
    if total is None:
        return [] if lost is None else [f"no gradient reaches {name}: {_stopped(lost)}"]
    if total.array.size and not total.norm and equations:
        nothing = lost is not None and not any(t.total is not None and t.total.norm for t in equations[-1].terms)
        return [f"the gradient is zero: {_stopped(lost) if nothing and lost else 'the terms cancel'}"]
    if not np.isfinite(total.array).all():
        first = next((s for s in steps if s.gradient is not None and not np.isfinite(s.gradient.array).all()), None)
        return [] if first is None else [f"not finite from ∂{first.result}/∂{first.argument} on, the rule of {first.operation}"]
    return []


def _stopped(step: Step) -> str:
    rule = step.formula if step.local is None else by_itself(step.formula)
    return f"{step.operation} hands nothing back (∂{step.result}/∂{step.argument}: {rule})"
