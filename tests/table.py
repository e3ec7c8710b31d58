"""The one table of operations: how each is called, on what, and what it must equal. The tests run over its rows.

Every operation declared in autograd_core/ops has a row; `test_ops.py` fails for one that has none.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core import ops
from autograd_core.ops import activation, elementwise, linalg, loss, reduce, shape, softmax, special


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


@dataclass
class Row:
    """One operation (or one way of calling it).

    id         the operation's "module.name", with the case after a space where there are several
    call       on Tensors
    arrays     of a random generator: the float64 inputs to differentiate by
    numpy      the same on arrays; None: only compared with PyTorch
    torch      of (torch, *tensors): the same in PyTorch; None: it has no counterpart
    orders     how often it is differentiated: 0, 1 or 2
    floats     float dtypes it keeps
    integers   whether PyTorch takes integers too
    pointwise  element by element: any shape will do
    broadcasts two arguments of different shapes
    tolerance  of finite differences of second order
    """

    id: str
    call: Callable[..., Any]
    arrays: Callable[[np.random.Generator], tuple[Any, ...]]
    numpy: Callable[..., Any] | None
    torch: Callable[..., Any] | None = None
    orders: int = 2
    floats: tuple[str, ...] = ("float32", "float64", "float16")
    integers: bool = False
    pointwise: bool = False
    broadcasts: bool = False
    tolerance: float = 1e-5
    torch_orders: int | None = None  # where PyTorch has fewer derivatives

    @property
    def op(self) -> str:
        return self.id.partition(" ")[0]


def spread(low: float, high: float, *shape: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Numbers between two bounds."""
    return lambda rng: rng.uniform(low, high, shape)


def apart(*shape: int, gap: float = 0.3) -> Callable[[np.random.Generator], np.ndarray]:
    """Numbers of both signs, none near zero and no two near each other: away from kinks."""

    def make(rng: np.random.Generator) -> np.ndarray:
        n = math.prod(shape)
        values = (np.arange(n) - n // 2 + 0.5) * gap
        return rng.permutation(values).reshape(shape)

    return make


def both(*makers: Callable[[np.random.Generator], np.ndarray]) -> Callable[[np.random.Generator], tuple[Any, ...]]:
    return lambda rng: tuple(make(rng) for make in makers)


INDEX = np.array([[0, 2, 1, 0], [2, 2, 0, 1]])
MASK = np.array([[True, False, True, False], [False, False, True, True], [True, True, False, False]])
LABELS = np.array([2, 0, 3])
WEIGHTS = np.array([0.5, 1.0, 2.0])


def like(reference: Any, tensor: Any) -> Any:
    """A constant array as a tensor of the same library as `tensor`."""
    if isinstance(tensor, ag.Tensor):
        return ag.tensor(reference)
    if isinstance(tensor, np.ndarray):
        return reference
    import torch

    return torch.tensor(reference)


# ---------------------------------------------------------------------- element by element

_erf = np.vectorize(math.erf, otypes=[float])
unary: dict[str, tuple[Any, Any]] = {  # domain, NumPy
    "neg": (apart(3, 4), np.negative),
    "abs": (apart(3, 4), np.abs),
    "square": (apart(3, 4), np.square),
    "sqrt": (spread(0.3, 3, 3, 4), np.sqrt),
    "rsqrt": (spread(0.3, 3, 3, 4), lambda x: 1 / np.sqrt(x)),
    "reciprocal": (apart(3, 4), np.reciprocal),
    "exp": (apart(3, 4), np.exp),
    "exp2": (apart(3, 4), np.exp2),
    "expm1": (apart(3, 4), np.expm1),
    "log": (spread(0.3, 3, 3, 4), np.log),
    "log2": (spread(0.3, 3, 3, 4), np.log2),
    "log10": (spread(0.3, 3, 3, 4), np.log10),
    "log1p": (spread(-0.6, 3, 3, 4), np.log1p),
    "sin": (apart(3, 4), np.sin),
    "cos": (apart(3, 4), np.cos),
    "tan": (spread(-1, 1, 3, 4), np.tan),
    "asin": (spread(-0.8, 0.8, 3, 4), np.arcsin),
    "acos": (spread(-0.8, 0.8, 3, 4), np.arccos),
    "atan": (apart(3, 4), np.arctan),
    "sinh": (apart(3, 4), np.sinh),
    "cosh": (apart(3, 4), np.cosh),
    "tanh": (apart(3, 4), np.tanh),
    "asinh": (apart(3, 4), np.arcsinh),
    "acosh": (spread(1.3, 3, 3, 4), np.arccosh),
    "atanh": (spread(-0.8, 0.8, 3, 4), np.arctanh),
    "sigmoid": (apart(3, 4), lambda x: 1 / (1 + np.exp(-x))),
    "relu": (apart(3, 4), lambda x: np.maximum(x, 0)),
    "erf": (apart(3, 4), _erf),
}
flat = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round, "sign": np.sign}
tests_of_one = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "logical_not": np.logical_not}
binary: dict[str, tuple[Any, Any]] = {
    "add": (both(apart(3, 1), apart(4)), np.add),
    "sub": (both(apart(3, 1), apart(4)), np.subtract),
    "mul": (both(apart(3, 1), apart(4)), np.multiply),
    "div": (both(apart(3, 1), apart(4)), np.divide),
    "pow": (both(spread(0.4, 2, 3, 1), apart(4)), np.power),
    "logaddexp": (both(apart(3, 1), apart(4)), np.logaddexp),
    "atan2": (both(apart(3, 1), apart(4)), np.arctan2),
    "maximum": (both(apart(3, 1), apart(4, gap=0.41)), np.maximum),
    "minimum": (both(apart(3, 1), apart(4, gap=0.41)), np.minimum),
    "remainder": (both(apart(3, 1, gap=1.63), apart(4)), np.remainder),
    "floor_divide": (both(apart(3, 1, gap=1.63), apart(4)), np.floor_divide),
}
compared = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
logical = {"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor}
bitwise = {"bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor}

HOME = {"sigmoid": "activation", "relu": "activation", "erf": "special"}
NO_HALF = ("float32", "float64")


def by_name(name: str) -> Callable[..., Any]:
    return lambda torch, *tensors: getattr(torch, name)(*tensors)


rows: list[Row] = []
for name, (domain, reference) in unary.items():
    rows.append(
        Row(
            f"{HOME.get(name, 'elementwise')}.{name}",
            getattr(ag, name),
            both(domain),
            reference,
            by_name(name),
            integers=True,
            pointwise=True,
        )
    )
for name, reference in flat.items():
    rows.append(Row(f"elementwise.{name}", getattr(ag, name), both(apart(3, 4)), reference, by_name(name), integers=True, pointwise=True))
for name, reference in tests_of_one.items():
    rows.append(
        Row(f"elementwise.{name}", getattr(ag, name), both(apart(3, 4)), reference, by_name(name), 0, integers=True, pointwise=True)
    )
for name, (domain, reference) in binary.items():
    row = Row(f"elementwise.{name}", getattr(ag, name), domain, reference, by_name(name), pointwise=True, broadcasts=True)
    row.integers = name != "logaddexp"
    row.torch_orders = 0 if name == "floor_divide" else None
    row.floats = NO_HALF if name in ("floor_divide", "remainder") else row.floats
    rows.append(row)
for name, reference in {**compared, **logical}.items():
    rows.append(
        Row(
            f"elementwise.{name}",
            getattr(ag, name),
            both(apart(3, 1), apart(4)),
            reference,
            by_name(name),
            0,
            integers=True,
            pointwise=True,
            broadcasts=True,
        )
    )
whole_numbers = lambda *shape: lambda rng: rng.integers(0, 9, shape)
for name, reference in bitwise.items():
    rows.append(
        Row(f"elementwise.{name}", getattr(ag, name), both(whole_numbers(3, 1), whole_numbers(4)), reference, by_name(name), 0, floats=())
    )
rows.append(
    Row(
        "elementwise.bitwise_not",
        ag.bitwise_not,
        both(whole_numbers(3, 4)),
        np.bitwise_not,
        lambda torch, x: torch.bitwise_not(x),
        0,
        floats=(),
    )
)

rows += [
    Row("elementwise.zeros_like", elementwise.zeros_like, both(apart(3, 4)), np.zeros_like, by_name("zeros_like"), 0, pointwise=True),
    Row(
        "elementwise.round decimals",
        lambda x: ag.round(x, decimals=1),
        both(spread(-2, 2, 3, 4)),
        lambda x: np.round(x, 1),
        lambda torch, x: torch.round(x, decimals=1),
        floats=NO_HALF,
    ),
    *[
        Row(
            f"elementwise.power {exponent}",
            lambda x, e=exponent: x**e,
            both(spread(0.4, 2, 3, 4)),
            lambda x, e=exponent: x**e,
            lambda torch, x, e=exponent: x**e,
            pointwise=True,
        )
        for exponent in (3, 0.5, -1.5, 1, 0)
    ],
    Row(
        "elementwise.where",
        lambda a, b: ag.where(like(MASK, a), a, b),
        both(apart(3, 1), apart(4)),
        lambda a, b: np.where(MASK, a, b),
        lambda torch, a, b: torch.where(like(MASK, a), a, b),
    ),
    Row(
        "elementwise.clamp",
        lambda x: ag.clamp(x, -0.7, 0.8),
        both(apart(3, 4)),
        lambda x: np.clip(x, -0.7, 0.8),
        lambda torch, x: torch.clamp(x, -0.7, 0.8),
        integers=True,
        pointwise=True,
    ),
    Row(
        "elementwise.clamp min",
        lambda x: ag.clamp(x, min=-0.7),
        both(apart(3, 4)),
        lambda x: np.maximum(x, -0.7),
        lambda torch, x: torch.clamp(x, min=-0.7),
        pointwise=True,
    ),
    Row(
        "elementwise.clamp max",
        lambda x: ag.clamp(x, max=0.7),
        both(apart(3, 4)),
        lambda x: np.minimum(x, 0.7),
        lambda torch, x: torch.clamp(x, max=0.7),
        pointwise=True,
    ),
    Row(
        "elementwise.masked_fill",
        lambda x: ag.masked_fill(x, like(MASK, x), 2.5),
        both(apart(3, 4)),
        lambda x: np.where(MASK, 2.5, x),
        lambda torch, x: torch.masked_fill(x, like(MASK, x), 2.5),
    ),
    Row(
        "activation.leaky_relu",
        lambda x: activation.leaky_relu(x, negative_slope=0.2),
        both(apart(3, 4)),
        lambda x: np.where(x > 0, x, 0.2 * x),
        lambda torch, x: torch.nn.functional.leaky_relu(x, 0.2),
        pointwise=True,
    ),
    Row(
        "activation.elu",
        lambda x: activation.elu(x, alpha=1.3),
        both(apart(3, 4)),
        lambda x: np.where(x > 0, x, 1.3 * np.expm1(np.minimum(x, 0))),
        lambda torch, x: torch.nn.functional.elu(x, 1.3),
        pointwise=True,
    ),
    Row(
        "activation.softplus",
        lambda x: activation.softplus(x, beta=2.0),
        both(apart(3, 4)),
        lambda x: np.log1p(np.exp(2 * x)) / 2,
        lambda torch, x: torch.nn.functional.softplus(x, 2.0),
        pointwise=True,
    ),
    Row(
        "activation.gelu_erf",
        activation.gelu,
        both(apart(3, 4)),
        lambda x: x * 0.5 * (1 + _erf(x / np.sqrt(2))),
        lambda torch, x: torch.nn.functional.gelu(x),
        pointwise=True,
    ),
    Row(
        "special.erf near zero",
        special.erf,
        both(spread(-1e-3, 1e-3, 3, 4)),
        _erf,
        lambda torch, x: torch.erf(x),
        floats=NO_HALF,
        pointwise=True,
    ),
]

# ---------------------------------------------------------------------- reductions

AXES: list[Any] = [None, 1, -2, (0, 2)]


def torch_dim(function: Callable[..., Any], tensor: Any, axis: Any, **settings: Any) -> Any:
    return function(tensor, dim=tuple(range(tensor.ndim)) if axis is None else axis, **settings)


for axis in AXES:
    for keep in (False, True):
        case = f" axis={axis} keep={keep}".replace(", ", ",")
        for name, reference in {"sum": np.sum, "mean": np.mean, "amax": np.amax, "amin": np.amin}.items():
            operation = getattr(ag, name)
            rows.append(
                Row(
                    f"reduce.{name}{case}",
                    lambda x, f=operation, axis=axis, keep=keep: f(x, dim=axis, keepdim=keep),
                    both(apart(2, 3, 2)),
                    lambda x, f=reference, axis=axis, keep=keep: f(x, axis=axis, keepdims=keep),
                    lambda torch, x, n=name, axis=axis, keep=keep: torch_dim(getattr(torch, n), x, axis, keepdim=keep),
                )
            )
        rows.append(
            Row(
                f"reduce.logsumexp{case}",
                lambda x, axis=axis, keep=keep: ag.logsumexp(x, dim=axis, keepdim=keep),
                both(apart(2, 3, 2)),
                lambda x, axis=axis, keep=keep: np.log(np.exp(x).sum(axis, keepdims=keep)),
                lambda torch, x, axis=axis, keep=keep: torch_dim(torch.logsumexp, x, axis, keepdim=keep),
            )
        )
        for name, reference in {"var": np.var, "std": np.std}.items():
            operation = getattr(ag, name)
            for correction in (0, 1):
                rows.append(
                    Row(
                        f"reduce.{name}{case} correction={correction}",
                        lambda x, f=operation, axis=axis, keep=keep, c=correction: f(x, dim=axis, keepdim=keep, correction=c),
                        both(apart(2, 3, 2)),
                        lambda x, f=reference, axis=axis, keep=keep, c=correction: f(x, axis=axis, keepdims=keep, ddof=c),
                        lambda torch, x, n=name, axis=axis, keep=keep, c=correction: getattr(torch, n)(
                            x, dim=axis, keepdim=keep, correction=c
                        ),
                    )
                )
        rows.append(
            Row(
                f"reduce.euclidean_norm{case}",
                lambda x, axis=axis, keep=keep: ag.norm(x, dim=axis, keepdim=keep),
                both(apart(2, 3, 2)),
                lambda x, axis=axis, keep=keep: np.sqrt((x * x).sum(axis, keepdims=keep)),
                lambda torch, x, axis=axis, keep=keep: torch.linalg.vector_norm(x, dim=axis, keepdim=keep),
            )
        )
for p in (3, 1.5, 0.5, -2):
    for axis, keep in ((None, False), (1, True), ((0, 2), False)):
        rows.append(
            Row(
                f"reduce.p_norm p={p} axis={axis}".replace(", ", ","),
                lambda x, p=p, axis=axis, keep=keep: ag.norm(x, p, dim=axis, keepdim=keep),
                both(apart(2, 3, 2)),
                lambda x, p=p, axis=axis, keep=keep: (np.abs(x) ** p).sum(axis, keepdims=keep) ** (1 / p),
                lambda torch, x, p=p, axis=axis, keep=keep: torch.linalg.vector_norm(x, p, dim=axis, keepdim=keep),
                tolerance=1e-4,
            )
        )
for name, reference in {"argmax": np.argmax, "argmin": np.argmin}.items():
    operation = getattr(ag, name)
    for axis in (None, 1):
        rows.append(
            Row(
                f"reduce.{name} axis={axis}",
                lambda x, f=operation, axis=axis: f(x, axis),
                both(apart(2, 3, 2)),
                lambda x, f=reference, axis=axis: f(x, axis),
                lambda torch, x, n=name, axis=axis: getattr(torch, n)(x, axis),
                0,
                integers=True,
            )
        )
for name, reference in {"all": np.all, "any": np.any}.items():
    operation = getattr(ag, name)
    rows.append(
        Row(
            f"reduce.{name}",
            lambda x, f=operation: f(x > 0, 1),
            both(apart(2, 3, 2)),
            lambda x, f=reference: f(x > 0, 1),
            lambda torch, x, n=name: getattr(torch, n)(x > 0, 1),
            0,
            integers=True,
        )
    )
rows += [
    *[
        Row(
            f"reduce.cumsum axis={axis}",
            lambda x, axis=axis: ag.cumsum(x, axis),
            both(apart(2, 3, 2)),
            lambda x, axis=axis: np.cumsum(x, axis),
            lambda torch, x, axis=axis: torch.cumsum(x, axis),
            integers=True,
        )
        for axis in (0, -1)
    ],
    *[
        Row(
            f"softmax.softmax axis={axis}",
            lambda x, axis=axis: ag.softmax(x, axis),
            both(apart(2, 3, 2)),
            lambda x, axis=axis: np.exp(x) / np.exp(x).sum(axis, keepdims=True),
            lambda torch, x, axis=axis: torch.softmax(x, axis),
        )
        for axis in (0, 1, -1)
    ],
    *[
        Row(
            f"softmax.log_softmax axis={axis}",
            lambda x, axis=axis: ag.log_softmax(x, axis),
            both(apart(2, 3, 2)),
            lambda x, axis=axis: x - np.log(np.exp(x).sum(axis, keepdims=True)),
            lambda torch, x, axis=axis: torch.log_softmax(x, axis),
        )
        for axis in (0, 1, -1)
    ],
    Row(
        "loss.cross_entropy_rows",
        lambda x: loss.cross_entropy_rows(x, ag.tensor(LABELS), ag.tensor(WEIGHTS).to(x.dtype)),
        both(apart(3, 4)),
        lambda x: -(x - np.log(np.exp(x).sum(1, keepdims=True)))[np.arange(3), LABELS] * WEIGHTS,
        lambda torch, x: torch.nn.functional.cross_entropy(x, torch.tensor(LABELS), reduction="none") * torch.tensor(WEIGHTS).to(x.dtype),
    ),
    Row(
        "loss.one_hot",
        lambda x: loss.one_hot(x, classes=5),
        both(whole_numbers(3)),
        lambda x: np.eye(9, dtype=bool)[x][:, :5],
        lambda torch, x: torch.nn.functional.one_hot(x, 9)[:, :5].bool(),
        0,
        floats=(),
    ),
    Row(
        "loss.binary_cross_entropy_elements",
        loss.binary_cross_entropy_elements,
        both(spread(0.1, 0.9, 3, 4), spread(0.1, 0.9, 3, 4)),
        lambda x, target: -target * np.log(x) - (1 - target) * np.log(1 - x),
        lambda torch, x, target: torch.nn.functional.binary_cross_entropy(x, target, reduction="none"),
        floats=NO_HALF,
    ),
]

# ---------------------------------------------------------------------- rearranging

rows += [
    Row("shape.reshape", lambda x: x.reshape(3, -1), both(apart(2, 3, 2)), lambda x: x.reshape(3, -1), lambda torch, x: x.reshape(3, -1)),
    Row(
        "shape.transpose",
        lambda x: x.permute(2, 0, 1),
        both(apart(2, 3, 2)),
        lambda x: x.transpose(2, 0, 1),
        lambda torch, x: x.permute(2, 0, 1),
    ),
    Row("shape.mT", lambda x: x.mT, both(apart(2, 3, 2)), lambda x: np.swapaxes(x, -1, -2), lambda torch, x: x.mT),
    Row("shape.expand_dims", lambda x: x.unsqueeze(1), both(apart(3, 4)), lambda x: x[:, None], lambda torch, x: x.unsqueeze(1)),
    Row("shape.squeeze", lambda x: x.squeeze(1), both(apart(3, 1, 2)), lambda x: x[:, 0], lambda torch, x: x.squeeze(1)),
    Row("shape.squeeze all", lambda x: x.squeeze(), both(apart(1, 3, 1)), np.squeeze, lambda torch, x: x.squeeze()),
    Row(
        "shape.broadcast_to",
        lambda x: x.expand(2, 3, 4),
        both(apart(3, 1)),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        lambda torch, x: x.expand(2, 3, 4),
    ),
    Row(
        "shape.repeat_to",
        lambda x: shape.repeat_to(x, target=(2, 3, 4)),
        both(apart(3, 1)),
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        lambda torch, x: x.expand(2, 3, 4),
    ),
    Row(
        "shape.sum_to",
        lambda x: x.sum_to_size(3, 1),
        both(apart(2, 3, 2)),
        lambda x: x.sum((0, 2))[:, None],
        lambda torch, x: x.sum_to_size(3, 1),
    ),
    Row("shape.flip", lambda x: x.flip(0, 2), both(apart(2, 3, 2)), lambda x: np.flip(x, (0, 2)), lambda torch, x: x.flip(0, 2)),
    Row(
        "shape.roll",
        lambda x: ag.roll(x, (1, -1), (0, 1)),
        both(apart(3, 4)),
        lambda x: np.roll(x, (1, -1), (0, 1)),
        lambda t, x: t.roll(x, (1, -1), (0, 1)),
    ),
    Row("shape.roll flat", lambda x: ag.roll(x, 2), both(apart(3, 4)), lambda x: np.roll(x, 2), lambda torch, x: torch.roll(x, 2)),
    Row(
        "shape.concat",
        lambda a, b: ag.cat([a, b, a], -1),
        both(apart(3, 2), apart(3, 1)),
        lambda a, b: np.concatenate([a, b, a], -1),
        lambda torch, a, b: torch.cat([a, b, a], -1),
    ),
    Row(
        "shape.concat stack",
        lambda a, b: ag.stack([a, b], 1),
        both(apart(3, 2), apart(3, 2)),
        lambda a, b: np.stack([a, b], 1),
        lambda t, a, b: t.stack([a, b], 1),
    ),
    Row("shape.crop", lambda x: x.narrow(1, 1, 2), both(apart(3, 4)), lambda x: x[:, 1:3], lambda torch, x: x.narrow(1, 1, 2)),
    Row(
        "shape.embed",
        lambda x: shape.embed(x, axis=1, start=1, length=6),
        both(apart(3, 4)),
        lambda x: np.pad(x, ((0, 0), (1, 1))),
        lambda torch, x: torch.nn.functional.pad(x, (1, 1)),
    ),
    Row(
        "shape.pad",
        lambda x: shape.pad(x, widths=((0, 1), (2, 0)), value=1.5),
        both(apart(3, 4)),
        lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=1.5),
        lambda torch, x: torch.nn.functional.pad(x, (2, 0, 0, 1), value=1.5),
    ),
    Row("shape.tril", lambda x: x.tril(1), both(apart(2, 3, 3)), lambda x: np.tril(x, 1), lambda torch, x: x.tril(1)),
    Row("shape.triu", lambda x: x.triu(-1), both(apart(2, 3, 3)), lambda x: np.triu(x, -1), lambda torch, x: x.triu(-1)),
    Row(
        "shape.diagonal",
        lambda x: x.diagonal(1, 0, 2),
        both(apart(3, 2, 4)),
        lambda x: np.diagonal(x, 1, 0, 2),
        lambda torch, x: x.diagonal(1, 0, 2),
    ),
    Row(
        "shape.diagonal_embed",
        lambda x: shape.diagonal_embed(x, shape=(3, 4), offset=1),
        both(apart(3)),
        lambda x: np.eye(3, 4, 1) * np.append(0, x),
        lambda torch, x: torch.diag_embed(x, 1)[:3],
    ),
    Row(
        "shape.astype",
        lambda x: (x.double() * 2).to(x.dtype),
        both(apart(3, 4)),
        lambda x: x * 2,
        lambda torch, x: (x.double() * 2).to(x.dtype),
    ),
    Row("shape.clone", ag.clone, both(apart(3, 4)), np.copy, lambda torch, x: x.clone(), integers=True, pointwise=True),
    Row("shape.alias", shape.alias, both(apart(3, 4)), np.copy, lambda torch, x: x.view_as(x), pointwise=True),
    *[
        Row(
            f"shape.getitem {label}",
            lambda x, i=index: x[tuple(ag.tensor(p) if isinstance(p, np.ndarray) else p for p in i) if isinstance(i, tuple) else i],
            both(apart(3, 4)),
            lambda x, i=index: x[i],
            lambda torch, x, i=index: x[
                tuple(torch.tensor(p) if isinstance(p, np.ndarray) else p for p in i) if isinstance(i, tuple) else i
            ],
        )
        for label, index in {
            "row": 1,
            "element": (1, 2),
            "slice": (slice(1, None), slice(None, None, 2)),
            "new axis": (slice(None), None),
            "ellipsis": (..., 1),
            "array": (np.array([2, 0, 2]),),
            "arrays": (np.array([2, 0, 2]), np.array([1, 1, 1])),
            "array and slice": (slice(None), np.array([3, 3, 0])),
            "mask": (MASK,),
            "list": [0, 2],
        }.items()
    ],
    Row(
        "shape.put",
        lambda x: shape.put(x, index=np.array([2, 0, 2]), shape=(4,)),
        both(apart(3)),
        lambda x: np.array([x[1], 0, x[0] + x[2], 0]),
        lambda torch, x: torch.zeros(4, dtype=x.dtype).index_put((torch.tensor([2, 0, 2]),), x, accumulate=True),
    ),
    Row(
        "shape.put slice",
        lambda x: shape.put(x, index=slice(1, None), shape=(4,)),
        both(apart(3)),
        lambda x: np.append(0, x),
        lambda torch, x: torch.nn.functional.pad(x, (1, 0)),
    ),
    Row(
        "shape.gather",
        lambda x: x.gather(0, like(INDEX, x)),
        both(apart(3, 4)),
        lambda x: np.take_along_axis(x, INDEX, 0),
        lambda torch, x: x.gather(0, like(INDEX, x)),
    ),
    Row(
        "shape.gather smaller index",
        lambda x: x.gather(1, like(INDEX[:, :3], x)),
        both(apart(3, 4)),
        lambda x: np.take_along_axis(x[:2], INDEX[:, :3], 1),
        lambda torch, x: x.gather(1, like(INDEX[:, :3], x)),
    ),
    Row(
        "shape.scatter_add",
        lambda x: shape.scatter_add(x, index=INDEX, axis=0, shape=(3, 4)),
        both(apart(2, 4)),
        lambda x: np.stack([np.where(k == INDEX, x, 0).sum(0) for k in range(3)]),
        lambda torch, x: torch.zeros(3, 4, dtype=x.dtype).scatter_add(0, torch.tensor(INDEX), x),
    ),
    *[
        Row(
            f"shape.overwrite {label}",
            lambda x, v, i=index: shape.overwrite(x, v, index=i),
            both(apart(3, 4), apart(*value)),
            lambda x, v, i=index: overwritten(x, v, i),
            lambda torch, x, v, i=index: torch.index_put(x, (torch.tensor(i),), v) if isinstance(i, np.ndarray) else overwritten(x, v, i),
        )
        for label, index, value in (
            ("row", 1, (4,)),
            ("broadcast", slice(1, None), (4,)),
            ("column", (..., 2), (3,)),
            ("scalar", (1, 2), ()),
            ("mask", MASK, (6,)),
            ("array", np.array([2, 0]), (2, 4)),
        )
    ],
    Row(
        "shape.put_back",
        lambda x: shape.put_back(x, index=(slice(None), 1)),
        both(apart(3, 4)),
        lambda x: x * [1, 0, 1, 1],
        lambda torch, x: x * torch.tensor([1, 0, 1, 1]),
    ),
]


def overwritten(x: Any, value: Any, index: Any) -> Any:
    whole = x.copy() if isinstance(x, np.ndarray) else x.clone()
    whole[index] = value
    return whole


# ---------------------------------------------------------------------- products

rows += [
    *[
        Row(
            f"linalg.matrix_product {a}x{b}".replace(", ", ","),
            ag.matmul,
            both(apart(*a), apart(*b, gap=0.2)),
            np.matmul,
            lambda torch, a, b: torch.matmul(a, b),
        )
        for a, b in (
            ((2, 3), (3, 4)),
            ((3,), (3,)),
            ((3,), (3, 4)),
            ((2, 3), (3,)),
            ((2, 2, 3), (3, 2)),
            ((2, 3), (2, 3, 2)),
            ((2, 1, 2, 3), (2, 3, 2)),
            ((2, 2, 3), (3,)),
            ((3,), (2, 3, 2)),
        )
    ],
    Row(
        "linalg.linear_rows",
        linalg.linear,
        both(apart(3, 2), apart(4, 2, gap=0.2), apart(4)),
        lambda x, w, b: x @ w.T + b,
        lambda torch, x, w, b: torch.nn.functional.linear(x, w, b),
    ),
    Row(
        "linalg.linear_rows batch",
        linalg.linear,
        both(apart(2, 3, 2), apart(4, 2, gap=0.2), apart(4)),
        lambda x, w, b: x @ w.T + b,
        lambda torch, x, w, b: torch.nn.functional.linear(x, w, b),
    ),
    Row(
        "linalg.linear_rows vector",
        linalg.linear,
        both(apart(2), apart(4, 2, gap=0.2), apart(4)),
        lambda x, w, b: x @ w.T + b,
        lambda torch, x, w, b: torch.nn.functional.linear(x, w, b),
    ),
    Row(
        "linalg.linear_rows_without_bias",
        linalg.linear,
        both(apart(3, 2), apart(4, 2, gap=0.2)),
        lambda x, w: x @ w.T,
        lambda torch, x, w: torch.nn.functional.linear(x, w),
    ),
    *[
        Row(
            f"linalg.contract {equation}",
            lambda *xs, e=equation: ag.einsum(e, *xs),
            both(*[apart(*s, gap=0.2) for s in shapes]),
            lambda *xs, e=equation: np.einsum(e, *xs),
            lambda torch, *xs, e=equation: torch.einsum(e, *xs),
            floats=NO_HALF,
        )
        for equation, shapes in (
            ("ij,jk->ik", ((2, 3), (3, 2))),
            ("ij,jk", ((2, 3), (3, 2))),
            ("ij->ji", ((2, 3),)),
            ("ij->", ((2, 3),)),
            ("ij->j", ((2, 3),)),
            ("ii->i", ((3, 3),)),
            ("ii", ((3, 3),)),
            ("iij->j", ((2, 2, 3),)),
            ("i,j->ij", ((2,), (3,))),
            ("i,i->", ((3,), (3,))),
            ("bij,bjk->bik", ((2, 2, 3), (2, 3, 2))),
            ("...ij,...jk->...ik", ((2, 2, 3), (3, 2))),
            ("...i,i", ((2, 3), (3,))),
            ("ij,ij,ij->i", ((2, 2), (2, 2), (2, 2))),
            ("ij,k->i", ((2, 3), (2,))),
            ("ab,cb,cd->ad", ((2, 3), (2, 3), (2, 2))),
            ("ij,ij->i", ((3, 1), (3, 4))),
            ("ij,ij->ij", ((3, 1), (1, 4))),
            ("...i,...i", ((1, 2, 3), (4, 1, 3))),
        )
    ],
]

ROWS: dict[str, Row] = {row.id: row for row in rows}
assert len(ROWS) == len(rows), "two rows have one id"
USED = (reduce, softmax)  # whose functions are called through the public names
