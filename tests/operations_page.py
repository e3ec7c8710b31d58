"""docs/operations.md: every operation with its formula, the rules of its gradient, its dtypes, and what the tests cover.

`make docs` writes it, from the declarations and from the rows of the tests; a test fails when the page is not up to date.
"""

from __future__ import annotations

import importlib
import warnings
from inspect import Parameter
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.graph import ancestors
from tests.table import ROWS, Row, declared
from viz.graph.expressions import Unprintable
from viz.graph.formulas import rule_text
from viz.graph.symbols import Symbol

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operations.md"
HEAD = """# Operations

Every operation that the engine declares: what it computes, what its rules give to each of its arguments (`g` is the gradient of
the result, `out` the result, `[x > 0]` one where that holds and zero elsewhere, and a small digit at a name the dimension along which
it works: `Σ₀(g)` sums over the first one), the dtypes in which the tests run it, and up to which derivative they check it against finite
differences. Public functions are these operations or are composed of them. Integers are in the list where PyTorch takes them
too; gradients through complex numbers, where there are any, are checked against PyTorch's.

This page is written by `make docs`.
"""

COLUMNS = "| operation | computes | gradient | dtypes | derivatives checked |\n|---|---|---|---|---|"


def nodes_of(row: Row, op: Any) -> list[Any]:
    """The recorded calls of an operation in what a row computes."""
    arrays = row.arrays(np.random.default_rng(1))
    inputs = [ag.tensor(a, requires_grad=np.asarray(a).dtype.kind in "fc") for a in arrays]
    result = row.call(*inputs)
    results = result if isinstance(result, tuple | list) else [result]
    roots = [r.node for r in results if r.node is not None]
    return [node for node in ancestors(roots) if node.op is op]


def rules_of(op: Any, rows: list[Row]) -> dict[str, tuple[str, ...]]:
    """The printed rule of each argument that has one, with what names in it mean."""
    found: dict[str, tuple[str, ...]] = {}
    names = {name: name for name in op.arguments}
    for row in rows:
        for node in nodes_of(row, op):
            for k, i in enumerate(node.plan.inputs):
                name = f"{op.arguments[0]}ᵢ" if op.variadic else op.arguments[i]
                text, meant = rule_text(node, k, {} if op.variadic else names)
                if name not in found or (
                    found[name][0].startswith("Σ") and not text.startswith("Σ")
                ):  # a sum that only this row's broadcasting made
                    found[name] = (text, *meant)
    return found


def computes(op: Any) -> str:
    """The forward as a formula where it is one, else in words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the attempt
            settings = {name: Symbol(name) if value is Parameter.empty else value for name, value in op.settings.items()}
            value = op.forward(*[Symbol(name) for name in op.arguments], **settings)
        if isinstance(value, Symbol) and not op.variadic:
            return f"`{value.text}`"
    except (Unprintable, TypeError, AttributeError, ValueError, IndexError, RuntimeError):
        pass  # it looks at shapes or numbers
    return (op.__doc__ or "").strip().split("\n")[0] or op.name.replace("_", " ")


def dtypes_of(rows: list[Row]) -> str:
    floats = sorted({f for row in rows for f in row.floats}, key=lambda name: int(name[5:]))
    kinds = [", ".join(floats)] if floats else []
    if any(row.integers for row in rows) or not floats:
        kinds.append("integers")
    return ", ".join(kinds)


def orders_of(op: Any, rows: list[Row]) -> str:
    if not any(op.rules) and op.backward is None:
        return "no gradient"
    return {0: "no gradient", 1: "first", 2: "first, second"}[max((row.orders for row in rows), default=0)]


def said(rule: str, *meanings: str) -> str:
    return f"`{rule}`" + (f" where {', '.join(f'`{meaning}`' for meaning in meanings)}" if meanings else "")


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def page() -> str:
    parts = [HEAD]
    by_module: dict[str, list[tuple[str, Any]]] = {}
    for name, call in declared().items():
        by_module.setdefault(name.partition(".")[0], []).append((name, call.op))
    for module, operations in by_module.items():
        title = (importlib.import_module(f"autograd_core.ops.{module}").__doc__ or module).strip().split("\n")[0]
        parts.append(
            f"\n## {module}\n\n{title}\n\n| operation | computes | gradient | dtypes | derivatives checked |\n|---|---|---|---|---|"
        )
        for name, op in operations:
            rows = [row for row in ROWS.values() if row.op == name]
            rules = rules_of(op, rows)
            gradient = "<br>".join(f"{argument}: {said(*rule)}" for argument, rule in rules.items()) or "—"
            if op.backward is not None:
                gradient += "<br>a kernel of its own, checked against these operations in a row"
            shown = name.partition(".")[2]
            title = f"`{shown}`" + ("" if shown == op.name else f" ({op.name})")
            parts.append("| " + " | ".join(cell(c) for c in (title, computes(op), gradient, dtypes_of(rows), orders_of(op, rows))) + " |")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
