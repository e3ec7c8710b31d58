"""The exceptions of the engine: each is also the built-in type that users of PyTorch or NumPy would catch."""

from __future__ import annotations

from typing import Any

import numpy as np


class ShapeError(RuntimeError, ValueError):
    """Shapes that do not fit an operation. (PyTorch raises RuntimeError here, NumPy ValueError: this is both.)"""


class LinAlgError(RuntimeError, np.linalg.LinAlgError):
    """A matrix that an operation of linear algebra is not defined for: singular, not positive-definite, with equal eigenvalues."""


class FreedGraphError(RuntimeError):
    """A backward pass through a part of the graph whose saved values an earlier pass let go."""

    def __init__(self, node: Any):
        super().__init__(
            f"{node.op.name}: backward through this operation a second time, but what it saved was freed by the first "
            f"pass. Call the first backward(retain_graph=True), or compute the loss again.{called_at(node)}"
        )


def called_at(node: Any) -> str:
    """For an error's end: the line of the program that called this node's operation, where anomaly detection noted it."""
    line = getattr(node, "line", None)
    return f" It was called at {line}." if line is not None else ""


class InplaceError(RuntimeError):
    """An in-place write that would make a gradient wrong."""


class MissingExtraError(ImportError):
    """A package of an extra is not installed; the message says which extra to install."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(f'{purpose} needs {package}: pip install "autograd-core[{extra}]"')
