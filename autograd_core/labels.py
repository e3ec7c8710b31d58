"""What references and rules call their intermediate results: for pictures that open an operation, and for formulas."""

from __future__ import annotations

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
    return value if isinstance(value, Tensor | np.ndarray | np.generic | int | float) else value.called(name, meaning)
