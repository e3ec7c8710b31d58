"""Muon: momentum made orthogonal, for the matrices of hidden layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.tensor import Tensor, constant

from .blocks import Array
from .optimizer import Optimizer, Params, check, refuse_complex
from .passes import norm


class Muon(Optimizer):
    """param = (1 - lr · weight_decay) · param - a · O, with O the nearest orthogonal matrix, nearly, to the gradient's momentum.

    The momentum is a running mean with weight `momentum` of the past, with `nesterov` mixed once more with the gradient.
    `ns_coefficients`, `ns_steps` and `eps` belong to `orthogonalized`. `adjust_lr_fn` says how `a` comes from lr for a
    matrix of shape (A, B): "original" (or None): lr · √max(1, A/B); "match_rms_adamw": 0.2 · lr · √max(A, B). Raises
    ValueError for settings out of range and for parameters that are no matrices, RuntimeError for complex ones.
    Sources: https://kellerjordan.github.io/posts/muon/ and arXiv:2502.16982.
    """

    numbers = ()
    always = ()
    sometimes = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ):
        check("learning rate", lr)
        check("momentum value", momentum)
        check("weight_decay value", weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f'Invalid adjust_lr_fn: {adjust_lr_fn!r}; it is None, "original" or "match_rms_adamw"')
        if len(ns_coefficients) != 3:
            raise ValueError(f"Invalid ns_coefficients: {ns_coefficients}; they are three numbers")
        if ns_steps >= 100:
            raise ValueError(f"Invalid ns_steps: {ns_steps}; below 100 are enough")
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As in every Optimizer. Raises ValueError for parameters that are no matrices, too."""
        super().add_param_group(param_group)
        wrong = [tuple(param.shape) for param in self.param_groups[-1]["params"] if param.ndim != 2]
        if wrong:
            self.param_groups.pop()
            raise ValueError(f"Muon only optimizes matrices, but parameters of shape {wrong} were given; leave these to AdamW")

    def check_params(self, params: list[Tensor]) -> None:
        super().check_params(params)
        refuse_complex(self, params)

    def update(
        self,
        param: Array,
        grad: Array,
        state: dict[str, Any],
        /,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
        **other: Any,
    ) -> None:
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = constant(np.zeros(param.shape, param.dtype))
        mean = state["momentum_buffer"].array
        mean += (1 - momentum) * (grad - mean)
        along = grad + momentum * (mean - grad) if nesterov else mean
        rows, columns = param.shape
        adjusted = 0.2 * math.sqrt(max(rows, columns)) if adjust_lr_fn == "match_rms_adamw" else math.sqrt(max(1, rows / max(1, columns)))
        param *= 1 - lr * weight_decay
        step = orthogonalized(along, ns_coefficients, ns_steps, eps)
        step *= lr * adjusted
        param -= step


def orthogonalized(matrix: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """U Vᵀ, nearly, for a matrix U S Vᵀ: singular values end up between about 0.7 and 1.2.

    Each Newton–Schulz step takes X to a X + (b X Xᵀ + c (X Xᵀ)²) X, beginning with the matrix divided by its Frobenius
    norm (or by `eps`, if that is larger).
    """
    a, b, c = coefficients
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / max(norm(x), eps)
    for _ in range(steps):
        gram = x @ x.T
        mixed = gram @ gram
        mixed *= c
        gram *= b
        mixed += gram
        following = mixed @ x
        x *= a
        x += following
    return x.T if tall else x
