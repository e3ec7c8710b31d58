"""The operations as Tensor's methods and operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..call import OPERANDS, binary
from ..ops import elementwise, linalg, shape
from ..tensor import Tensor, constant
from . import elementwise as elementwise_names
from . import inplace, pointwise, reductions, shapes
from .arguments import shape_of

FACES = (elementwise_names, pointwise, reductions, shapes)  # later ones win where two have one name

ALIASES = {
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
    "true_divide": "div",
    "negative": "neg",
    "absolute": "abs",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "moveaxis": "movedim",
    "broadcast_to": "expand",
    "clip": "clamp",
    "greater": "gt",
    "greater_equal": "ge",
    "less": "lt",
    "less_equal": "le",
    "not_equal": "ne",
    "concat": "cat",
    "concatenate": "cat",
}


def functions() -> dict[str, Callable[..., Any]]:
    """Every function of PyTorch's vocabulary that takes a tensor, by name."""
    return named("METHODS") | named("FUNCTIONS")


def methods() -> dict[str, Callable[..., Any]]:
    """Those of them that are Tensor's methods too."""
    return named("METHODS")


def named(kind: str) -> dict[str, Callable[..., Any]]:
    """What the faces name in their lists of this kind, and its other names."""
    found: dict[str, Callable[..., Any]] = {}
    for face in FACES:
        found |= {name: getattr(face, name) for name in getattr(face, kind, "").split()}
    return found | {alias: found[name] for alias, name in ALIASES.items() if name in found}


def operator(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """A binary operator: for operands that are neither tensors, arrays nor numbers, Python asks the other side."""
    op = getattr(function, "op", None)
    if op is not None:
        return binary(op, reflect=True)
    return lambda self, other: function(self, other) if isinstance(other, OPERANDS) else NotImplemented


def reflected(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """The same with the operands the other way round."""
    return lambda self, other: function(other, self) if isinstance(other, OPERANDS) else NotImplemented


def as_dtype(dtype: Any) -> Callable[[Tensor], Tensor]:
    return lambda self: shapes.to(self, dtype)


def install() -> None:
    """Give Tensor its methods and operators."""
    for name, function in methods().items():
        setattr(Tensor, name, function)
    for name, function in named("IN_PLACE").items():
        setattr(Tensor, name + "_", inplace.in_place(name + "_", function))
    for function in (inplace.copy_, inplace.fill_, inplace.zero_, inplace.normal_, inplace.uniform_):
        setattr(Tensor, function.__name__, function)
    operators = {
        "add": elementwise.add,
        "sub": elementwise.sub,
        "mul": elementwise.mul,
        "truediv": elementwise.div,
        "floordiv": elementwise.floor_divide,
        "mod": elementwise.remainder,
        "matmul": linalg.matmul,
        "and": elementwise.bitwise_and,
        "or": elementwise.bitwise_or,
        "xor": elementwise.bitwise_xor,
        "pow": pointwise.pow,
    }
    for name, function in operators.items():
        setattr(Tensor, f"__{name}__", operator(function))
        setattr(Tensor, f"__r{name}__", reflected(function))
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
        method = getattr(Tensor, {"truediv": "div_", "floordiv": "floor_divide_", "mod": "remainder_"}.get(name, name + "_"))
        setattr(Tensor, f"__i{name}__", method)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", operator(getattr(elementwise, name)))
    Tensor.__neg__ = elementwise.neg  # type: ignore[method-assign]
    Tensor.__pos__ = lambda self: self  # type: ignore[method-assign]
    Tensor.__abs__ = elementwise.abs  # type: ignore[method-assign]
    Tensor.__invert__ = elementwise.bitwise_not  # type: ignore[method-assign]
    Tensor.__contains__ = lambda self, element: bool(elementwise.eq(self, element).array.any())  # type: ignore[attr-defined, operator]
    Tensor.__getitem__ = inplace.getitem  # type: ignore[method-assign]
    Tensor.__setitem__ = inplace.setitem  # type: ignore[method-assign]
    Tensor.T = property(lambda self: shapes.permute(self, tuple(reversed(range(self.ndim)))))  # type: ignore[attr-defined]
    Tensor.mT = property(shape.mT)  # type: ignore[attr-defined]
    for name, dtype in {
        "float": dtypes.float32,
        "double": dtypes.float64,
        "half": dtypes.float16,
        "int": dtypes.int32,
        "long": dtypes.int64,
        "bool": dtypes.bool_,
    }.items():
        setattr(Tensor, name, as_dtype(dtype))
    Tensor.cpu = lambda self: self  # type: ignore[attr-defined]
    Tensor.view_as = lambda self, other: shapes.view(self, tuple(other.shape))  # type: ignore[attr-defined]
    Tensor.reshape_as = lambda self, other: shapes.reshape(self, tuple(other.shape))  # type: ignore[attr-defined]
    Tensor.expand_as = lambda self, other: shapes.expand(self, tuple(other.shape))  # type: ignore[attr-defined]
    Tensor.new_zeros = lambda self, *size, dtype=None: constant(np.zeros(shape_of("new_zeros", size), dtype or self.dtype))  # type: ignore[attr-defined]
    Tensor.new_ones = lambda self, *size, dtype=None: constant(np.ones(shape_of("new_ones", size), dtype or self.dtype))  # type: ignore[attr-defined]
    Tensor.detach_ = detach_  # type: ignore[attr-defined]


def detach_(self: Tensor) -> Tensor:
    """Take this tensor out of the graph. Raises RuntimeError for a view that records: its base would go on recording."""
    if self._view is not None and self.requires_grad and inplace.shares(self, self._view[0]):
        raise RuntimeError("detach_: a view cannot be detached in place; use detach()")
    self.node = None
    self._view = None
    return self
