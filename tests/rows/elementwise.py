"""Rows of the operations element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.ops import activation, elementwise, special
from tests.rows.base import MASK, NO_HALF, Row, apart, both, by_name, like, spread, whole_numbers

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

HOME = {"relu": "activation", "erf": "special"}


def named(name: str) -> str:
    """The operation's name in the table: its module, and its own."""
    home = HOME.get(name)
    return f"{home or getattr(elementwise, name).op.forward.__module__.rpartition('.')[2]}.{name}"


rows: list[Row] = []
for name, (domain, reference) in unary.items():
    rows.append(
        Row(
            named(name),
            getattr(ag, name),
            both(domain),
            reference,
            by_name(name),
            integers=True,
            pointwise=True,
        )
    )
for name, reference in flat.items():
    rows.append(Row(named(name), getattr(ag, name), both(apart(3, 4)), reference, by_name(name), integers=True, pointwise=True))
for name, reference in tests_of_one.items():
    rows.append(Row(named(name), getattr(ag, name), both(apart(3, 4)), reference, by_name(name), 0, integers=True, pointwise=True))
for name, (domain, reference) in binary.items():
    row = Row(named(name), getattr(ag, name), domain, reference, by_name(name), pointwise=True, broadcasts=True)
    row.integers = name != "logaddexp"
    row.torch_orders = 0 if name == "floor_divide" else None
    row.floats = NO_HALF if name in ("floor_divide", "remainder") else row.floats
    rows.append(row)
for name, reference in {**compared, **logical}.items():
    rows.append(
        Row(
            named(name),
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
for name, reference in bitwise.items():
    rows.append(Row(named(name), getattr(ag, name), both(whole_numbers(3, 1), whole_numbers(4)), reference, by_name(name), 0, floats=()))
rows.append(
    Row(
        "logic.bitwise_not",
        ag.bitwise_not,
        both(whole_numbers(3, 4)),
        np.bitwise_not,
        lambda torch, x: torch.bitwise_not(x),
        0,
        floats=(),
    )
)

rows += [
    Row("choices.zeros_like", elementwise.zeros_like, both(apart(3, 4)), np.zeros_like, by_name("zeros_like"), 0, pointwise=True),
    Row(
        "arithmetic.round decimals",
        lambda x: ag.round(x, decimals=1),
        both(spread(-2, 2, 3, 4)),
        lambda x: np.round(x, 1),
        lambda torch, x: torch.round(x, decimals=1),
        floats=NO_HALF,
    ),
    *[
        Row(
            f"arithmetic.power {exponent}",
            lambda x, e=exponent: x**e,
            both(spread(0.4, 2, 3, 4)),
            lambda x, e=exponent: x**e,
            lambda torch, x, e=exponent: x**e,
            pointwise=True,
        )
        for exponent in (3, 0.5, -1.5, 1, 0)
    ],
    Row(
        "choices.where",
        lambda a, b: ag.where(like(MASK, a), a, b),
        both(apart(3, 1), apart(4)),
        lambda a, b: np.where(MASK, a, b),
        lambda torch, a, b: torch.where(like(MASK, a), a, b),
    ),
    Row(
        "choices.clamp",
        lambda x: ag.clamp(x, -0.7, 0.8),
        both(apart(3, 4)),
        lambda x: np.clip(x, -0.7, 0.8),
        lambda torch, x: torch.clamp(x, -0.7, 0.8),
        integers=True,
        pointwise=True,
    ),
    Row(
        "choices.clamp min",
        lambda x: ag.clamp(x, min=-0.7),
        both(apart(3, 4)),
        lambda x: np.maximum(x, -0.7),
        lambda torch, x: torch.clamp(x, min=-0.7),
        pointwise=True,
    ),
    Row(
        "choices.clamp max",
        lambda x: ag.clamp(x, max=0.7),
        both(apart(3, 4)),
        lambda x: np.minimum(x, 0.7),
        lambda torch, x: torch.clamp(x, max=0.7),
        pointwise=True,
    ),
    Row(
        "choices.masked_fill",
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
