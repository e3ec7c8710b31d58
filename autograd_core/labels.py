"""What references and rules call their intermediate results: for pictures that open an operation, and for formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import thread
from .tensor import Tensor


def label(**values: Any) -> None:
    """Tell whoever looks into a reference what these tensors and arrays are called."""
    if thread.label is not None:
        thread.label(values)


def named(name: str, value: Any, meaning: str = "") -> Any:
    """The value. A formula calls it by this name, and says once what that is: `meaning`, unless the formula of it is short enough."""
    return value if has_numbers(value) else value.called(name, meaning)


def applied(name: str, function: Callable[[Any], Any], value: Any, meaning: str) -> Any:
    """function(value). A formula says its name and, once, its meaning, and does not call it."""
    return function(value) if has_numbers(value) else value.through(name, meaning)


def has_numbers(value: Any) -> bool:
    """Whether this is no formula."""
    return isinstance(value, Tensor | np.ndarray | np.generic | int | float)
