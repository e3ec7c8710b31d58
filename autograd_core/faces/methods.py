"""The operations as Tensor's methods and operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import creation
from ..call import OPERANDS, binary
from ..ops import elementwise, linalg
from ..tensor import Tensor
from . import complex as complex_numbers
from . import (
    diagonals,
    extremes,
    factors,
    grids,
    indexing,
    inplace,
    inplace_random,
    joining,
    matrices,
    pointwise,
    products,
    reductions,
    sampling,
    scans,
    shapes,
    signals,
    sorting,
    specials,
    statistics,
    strides,
    subscripts,
    types,
)
from . import elementwise as elementwise_names
from .out import WITH_OUT, with_out

FACES = (  # later ones win where two have one name
    elementwise_names,
    specials,
    pointwise,
    complex_numbers,
    types,
    reductions,
    extremes,
    scans,
    sorting,
    statistics,
    shapes,
    strides,
    joining,
    diagonals,
    indexing,
    grids,
    sampling,
    products,
    matrices,
    factors,
    signals,
)

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
    "fix": "trunc",
    "swapdims": "transpose",
    "moveaxis": "movedim",
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
    found = named("METHODS") | named("FUNCTIONS")
    return found | {name: with_out(found[name]) for name in WITH_OUT & found.keys()}


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


def in_place_operator(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: method(self, other) if isinstance(other, OPERANDS) else NotImplemented


def install() -> None:
    """Give Tensor its methods and operators."""
    for found in (methods(), types.ONLY_METHODS, shapes.ONLY_METHODS, strides.ONLY_METHODS, pointwise.ONLY_METHODS):
        for name, function in found.items():
            setattr(Tensor, name, function)
    for name, function in named("IN_PLACE").items():
        setattr(Tensor, name + "_", inplace.in_place(name + "_", function))
    for function in (*inplace.WRITERS, *inplace_random.SAMPLERS, *creation.NEW):
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
        "lshift": elementwise.bitwise_left_shift,
        "rshift": elementwise.bitwise_right_shift,
        "pow": pointwise.pow,
    }
    for name, function in operators.items():
        setattr(Tensor, f"__{name}__", operator(function))
        setattr(Tensor, f"__r{name}__", reflected(function))
        if name != "matmul":  # whose result has another shape, mostly
            setattr(Tensor, f"__i{name}__", in_place_operator(inplace.in_place(f"{function.__name__}_", function)))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", operator(getattr(elementwise, name)))
    Tensor.__neg__ = elementwise.neg  # type: ignore[method-assign]
    Tensor.__pos__ = lambda self: self  # type: ignore[method-assign]
    Tensor.__abs__ = elementwise.abs  # type: ignore[method-assign]
    Tensor.__invert__ = elementwise.bitwise_not  # type: ignore[method-assign]
    Tensor.__contains__ = lambda self, element: bool(elementwise.eq(self, element).array.any())  # type: ignore[attr-defined, operator]
    Tensor.__getitem__ = subscripts.getitem  # type: ignore[method-assign]
    Tensor.__setitem__ = subscripts.setitem  # type: ignore[method-assign]
    Tensor.T = property(lambda self: shapes.permute(self, tuple(reversed(range(self.ndim)))))  # type: ignore[attr-defined]
    Tensor.mT = property(shapes.matrix_transpose)  # type: ignore[attr-defined]
    Tensor.H = property(complex_numbers.hermitian)  # type: ignore[attr-defined]
    Tensor.mH = property(complex_numbers.adjoint)  # type: ignore[attr-defined]
    Tensor.real = property(complex_numbers.real, complex_numbers.set_real)  # type: ignore[attr-defined]
    Tensor.imag = property(complex_numbers.imag, complex_numbers.set_imag)  # type: ignore[attr-defined]
    Tensor.is_cuda = property(lambda self: False)  # type: ignore[attr-defined]
    Tensor.is_cpu = property(lambda self: True)  # type: ignore[attr-defined]
    Tensor.detach_ = detach_  # type: ignore[attr-defined]


def detach_(self: Tensor) -> Tensor:
    """Take this tensor out of the graph. Raises RuntimeError for a view that records: its base would go on recording."""
    if self._view is not None and self.requires_grad and inplace.shares(self, self._view[0]):
        raise RuntimeError("detach_: a view cannot be detached in place; use detach()")
    self.node = None
    self._view = None
    return self
