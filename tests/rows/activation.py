"""Rows of the activations that have kernels of their own."""

from __future__ import annotations

import numpy as np

from autograd_core.ops import activation
from tests.rows.base import Row, apart, both

TANH_ARGUMENT = (np.sqrt(2 / np.pi), 0.044715)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


rows = [
    Row(
        "activation.gelu_tanh",
        lambda x: activation.gelu(x, "tanh"),
        both(apart(3, 4)),
        lambda x: x * 0.5 * (1 + np.tanh(TANH_ARGUMENT[0] * (x + TANH_ARGUMENT[1] * x**3))),
        lambda torch, x: torch.nn.functional.gelu(x, approximate="tanh"),
        pointwise=True,
    ),
    Row(
        "activation.silu_real",
        activation.silu,
        both(apart(3, 4)),
        lambda x: x * sigmoid(x),
        lambda torch, x: torch.nn.functional.silu(x),
        pointwise=True,
    ),
    Row(
        "activation.mish",
        lambda x: activation.mish(x),
        both(apart(3, 4)),
        lambda x: x * np.tanh(np.log1p(np.exp(x))),
        lambda torch, x: torch.nn.functional.mish(x),
        pointwise=True,
    ),
    Row(
        "activation.elu celu",
        lambda x: activation.elu(x, alpha=2.0, rate=0.5),
        both(apart(3, 4)),
        lambda x: np.where(x > 0, x, 2 * np.expm1(x / 2)),
        lambda torch, x: torch.nn.functional.celu(x, 2.0),
        pointwise=True,
    ),
    Row(
        "activation.hardtanh",
        lambda x: activation.hardtanh(x, low=-0.5, high=0.8),
        both(apart(3, 4)),
        lambda x: np.clip(x, -0.5, 0.8),
        lambda torch, x: torch.nn.functional.hardtanh(x, -0.5, 0.8),
        pointwise=True,
        torch_orders=1,
    ),
    Row(
        "activation.hardswish",
        lambda x: activation.hardswish(x),
        both(apart(4, 4, gap=0.7)),
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        lambda torch, x: torch.nn.functional.hardswish(x),
        pointwise=True,
    ),
    Row(
        "activation.where_positive",
        lambda g, out: activation.where_positive(g, out.detach()) + 0 * out,
        both(apart(3, 4), apart(3, 4)),
        lambda g, out: np.where(out > 0, g, 0.0),
        lambda torch, g, out: torch.where(out > 0, g, 0) + 0 * out,
        pointwise=True,
    ),
]
