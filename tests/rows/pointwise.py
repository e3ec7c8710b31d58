"""Rows of the rarer operations element by element."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.ops import elementwise
from autograd_core.ops.dropout import dropout
from tests.rows.base import NO_HALF, Row, apart, both, by_name, spread, whole_numbers
from tests.rows.elementwise import named

near, far = apart(3, 1, gap=1.63), apart(4)
binary = {  # inputs, NumPy, whether PyTorch takes integers
    "fmod": (both(near, far), np.fmod, True),
    "fmax": (both(apart(3, 1), apart(4, gap=0.41)), np.fmax, True),
    "fmin": (both(apart(3, 1), apart(4, gap=0.41)), np.fmin, True),
    "hypot": (both(apart(3, 1), apart(4)), np.hypot, False),
    "copysign": (both(apart(3, 1), apart(4)), np.copysign, True),
    "logaddexp2": (both(apart(3, 1), apart(4)), np.logaddexp2, False),
    "clamp_min": (both(apart(3, 1), apart(4, gap=0.41)), np.maximum, True),
    "clamp_max": (both(apart(3, 1), apart(4, gap=0.41)), np.minimum, True),
    "nextafter": (both(near, far), np.nextafter, False),
}
of_one = {"isposinf": np.isposinf, "isneginf": np.isneginf, "isreal": np.isreal, "signbit": np.signbit}
whole = {
    "bitwise_left_shift": np.left_shift,
    "bitwise_right_shift": np.right_shift,
    "gcd": np.gcd,
    "lcm": np.lcm,
}

MASK = np.array([[2.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 0.0], [2.0, 2.0, 0.0, 2.0]])  # what dropout with p = 0.5 keeps, doubled

rows: list[Row] = []
for name, (arrays, reference, integers) in binary.items():
    floats = NO_HALF if name in ("fmod", "nextafter") else ("float32", "float64", "float16")
    broadcasts = name not in ("fmax", "fmin", "copysign", "nextafter", "hypot", "logaddexp2")  # in PyTorch these want tensors
    call = getattr(ag, name) if broadcasts or name == "nextafter" else getattr(elementwise, name)
    row = Row(named(name), call, arrays, reference, by_name(name), integers=integers, floats=floats, pointwise=True)
    row.broadcasts = name != "nextafter"
    rows.append(row)
for name, reference in of_one.items():
    rows.append(Row(named(name), getattr(ag, name), both(apart(3, 4)), reference, by_name(name), 0, integers=True, pointwise=True))
for name, reference in whole.items():
    rows.append(Row(named(name), getattr(ag, name), both(whole_numbers(3, 1), whole_numbers(4)), reference, by_name(name), 0, floats=()))

rows += [
    Row("arithmetic.frac", ag.frac, both(apart(3, 4)), lambda x: x - np.trunc(x), by_name("frac"), pointwise=True),
    Row(
        "arithmetic.trunc_divide",
        lambda a, b: ag.div(a, b, rounding_mode="trunc"),
        both(near, far),
        lambda a, b: np.trunc(a / b),
        lambda torch, a, b: torch.div(a, b, rounding_mode="trunc"),
        floats=NO_HALF,
        integers=True,
        pointwise=True,
        broadcasts=True,
    ),
    Row(
        "arithmetic.lerp",
        ag.lerp,
        both(apart(3, 4), apart(4), spread(-0.5, 1.5, 3, 1)),
        lambda a, b, w: a + w * (b - a),
        by_name("lerp"),
    ),
    Row(
        "arithmetic.lerp by a number",
        lambda a, b: ag.lerp(a, b, 0.8),
        both(apart(3, 1), apart(4)),
        lambda a, b: a + 0.8 * (b - a),
        lambda torch, a, b: torch.lerp(a, b, 0.8),
        pointwise=True,
        broadcasts=True,
    ),
    Row(
        "arithmetic.addcmul",
        lambda x, a, b: ag.addcmul(x, a, b, value=2),
        both(apart(3, 4), apart(4), apart(3, 1)),
        lambda x, a, b: x + 2 * a * b,
        lambda torch, x, a, b: torch.addcmul(x, a, b, value=2),
        integers=True,
    ),
    Row(
        "arithmetic.addcdiv",
        lambda x, a, b: ag.addcdiv(x, a, b, value=0.7),
        both(apart(3, 4), apart(4), apart(3, 1)),
        lambda x, a, b: x + 0.7 * a / b,
        lambda torch, x, a, b: torch.addcdiv(x, a, b, value=0.7),
    ),
    Row("dropout.dropout", lambda x: dropout(x, MASK.astype(x.dtype), p=0.5), both(apart(3, 4)), lambda x: x * MASK),
    Row(
        "arithmetic.frexp",
        lambda x: ag.frexp(x).mantissa,
        both(apart(3, 4)),
        lambda x: np.frexp(x)[0],
        lambda torch, x: torch.frexp(x).mantissa,
        pointwise=True,
    ),
    Row(
        "arithmetic.nan_to_num",
        ag.nan_to_num,
        both(apart(3, 4)),
        np.nan_to_num,
        by_name("nan_to_num"),
        integers=True,
        pointwise=True,
    ),
    Row(
        "choices.clamp_between",
        ag.clamp,
        both(apart(3, 4, gap=0.5), spread(-0.6, -0.1, 4), spread(0.1, 0.6, 3, 1)),
        lambda x, low, high: np.minimum(np.maximum(x, low), high),
        by_name("clamp"),
    ),
    Row(
        "choices.heaviside",
        ag.heaviside,
        both(apart(3, 1), apart(4)),
        np.heaviside,
        by_name("heaviside"),
        pointwise=True,
        torch_orders=0,
    ),
]
