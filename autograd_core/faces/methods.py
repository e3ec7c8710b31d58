"""The operations as Tensor's methods and operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..call import OPERANDS, binary
from ..ops import activation, elementwise, linalg, shape, special
from ..tensor import Tensor, constant
from . import inplace, pointwise, reductions, shapes
from .arguments import shape_of

ELEMENTWISE = """
    neg reciprocal sqrt rsqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
    floor ceil trunc sign add sub mul div floor_divide remainder maximum minimum logaddexp atan2 eq ne lt le gt ge
    logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor bitwise_not isnan isinf isfinite
""".split()
POINTWISE = "abs pow clamp masked_fill round allclose equal mm bmm mv".split()
REDUCTIONS = "sum mean prod var std max min amax amin argmax argmin all any norm logsumexp cumsum softmax log_softmax".split()
SHAPES = """
    reshape view flatten squeeze unsqueeze permute transpose t movedim expand repeat tile narrow split chunk unbind flip roll tril triu
    diagonal gather index_select masked_select to type_as sum_to_size contiguous
""".split()
IN_PLACE = """
    neg reciprocal sqrt rsqrt square exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh floor ceil trunc
    add sub mul div floor_divide remainder pow abs clamp masked_fill round relu sigmoid
""".split()

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
}


def alpha(op: Callable[..., Any]) -> Callable[..., Any]:
    """`add` and `sub` with PyTorch's `alpha`, a factor of the second argument."""

    def call(input: Any, other: Any, *, alpha: float = 1) -> Any:
        return op(input, other if alpha == 1 else other * alpha)

    call.__name__ = call.__qualname__ = op.__name__
    call.__doc__ = f"{op.__name__} with the second argument times `alpha`."
    return call


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other; `rounding_mode` "floor" or "trunc" rounds the quotient."""
    if rounding_mode is None:
        return elementwise.div(input, other)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div: rounding_mode is None, 'floor' or 'trunc', got {rounding_mode!r}")
    return elementwise.floor_divide(input, other) if rounding_mode == "floor" else elementwise.trunc(elementwise.div(input, other))


def functions() -> dict[str, Callable[..., Any]]:
    """Every function of PyTorch's vocabulary that takes a tensor first, by name."""
    found: dict[str, Callable[..., Any]] = {name: getattr(elementwise, name) for name in ELEMENTWISE}
    found |= {name: getattr(pointwise, name) for name in POINTWISE}
    found |= {name: getattr(reductions, name) for name in REDUCTIONS}
    found |= {name: getattr(shapes, name) for name in SHAPES}
    found |= {"add": alpha(elementwise.add), "sub": alpha(elementwise.sub), "div": div}
    found |= {"erf": special.erf, "relu": activation.relu, "sigmoid": activation.sigmoid}
    found |= {"matmul": linalg.matmul, "outer": linalg.outer, "dot": linalg.dot, "clone": shape.clone, "detach": Tensor.detach}
    return found | {alias: found[name] for alias, name in ALIASES.items()}


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
    for name, function in functions().items():
        if name != "detach":
            setattr(Tensor, name, function)
    both = functions()
    for name in IN_PLACE:
        setattr(Tensor, name + "_", inplace.in_place(name + "_", both[name]))
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
