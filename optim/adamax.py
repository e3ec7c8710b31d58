"""Adamax."""

from __future__ import annotations

from typing import Any

import numpy as np

from .adam import check_betas
from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import approach, descend, direction


class Adamax(Elementwise):
    """param -= lr / (1 - β₁ᵗ) · m / u, with m the gradient's running mean and u = max(β₂ · u, |g| + eps).

    `weight_decay` · param is added to the gradient; `maximize` turns the gradient round. Raises ValueError for settings out
    of range. Source: arXiv:1412.6980, algorithm 2.
    """

    always = ("step", "exp_avg", "exp_inf")

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        check("learning rate", lr)
        check("epsilon value", eps)
        check_betas(betas)
        check("weight_decay value", weight_decay)
        check_kinds(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        step = numbers[0] + 1
        rate, new1, past2 = scalar(lr / (1 - betas[0] ** step), dtype), scalar(1 - betas[0], dtype), scalar(betas[1], dtype)
        floor, decay = scalar(eps, dtype), scalar(weight_decay, dtype)

        def change(p: Array, g: Array, m: Array, u: Array, d: Array, t: Array) -> None:
            g = direction(p, g, decay, maximize, d, t)
            approach(m, g, new1, t)
            np.multiply(u, past2, out=u)
            np.abs(g, out=t)
            np.add(t, floor, out=t)
            np.maximum(u, t, out=u)
            np.divide(m, u, out=t)
            descend(p, t, rate, t)

        return Rule(change, ("exp_avg", "exp_inf"), 2, (step,))
