"""The one table of operations: how each is called, on what, and what it must equal. The tests run over its rows.

Every operation declared in autograd_core/ops has a row in one of the modules of `tests/rows`, each of which has a list
`rows`; `test_ops.py` fails for an operation that has none.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from autograd_core import ops
from tests import rows
from tests.rows.base import Row

__all__ = ["ROWS", "Row", "declared"]


def declared() -> dict[str, Any]:
    """Every declared operation: "module.name" -> the function that calls it."""
    found: dict[int, tuple[str, Any]] = {}
    for module_info in pkgutil.iter_modules(ops.__path__):
        module = importlib.import_module(f"{ops.__name__}.{module_info.name}")
        for name, value in vars(module).items():
            op = getattr(value, "op", None)
            if op is not None and op.forward.__module__ == module.__name__:
                found.setdefault(id(op), (f"{module_info.name}.{name}", value))
    return dict(found.values())


def gathered() -> dict[str, Row]:
    """The rows of all modules, by id."""
    found: dict[str, Row] = {}
    for module_info in pkgutil.iter_modules(rows.__path__):
        module = importlib.import_module(f"{rows.__name__}.{module_info.name}")
        for row in getattr(module, "rows", ()):
            assert row.id not in found, f"two rows have the id {row.id}"
            found[row.id] = row
    return found


ROWS = gathered()
