"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from .adam import check_betas
from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import approach, approach_square, direction, root
from .state import number_dtype


class NAdam(Elementwise):
    """param -= lr · ((1 - μₜ) · g / (1 - Πμ) + μₜ₊₁ · m / (1 - μₜ₊₁ · Πμ)) / (√v̂ + eps).

    μₜ = β₁ · (1 - 0.96^(t · momentum_decay) / 2), and Πμ is the product of all so far; m and v are Adam's means, v̂ = v / (1 - β₂ᵗ).
    `weight_decay` · param is added to the gradient, or taken from the parameter directly, if `decoupled_weight_decay`; `maximize`
    turns the gradient round. Raises ValueError for settings out of range. Source: Dozat, Incorporating Nesterov momentum into Adam, 2016.
    """

    numbers = ("step", "mu_product")
    always = ("step", "mu_product", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        check("learning rate", lr)
        check("epsilon value", eps)
        check_betas(betas)
        check("weight_decay value", weight_decay)
        check("momentum_decay value", momentum_decay)
        check_kinds(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
            },
        )

    def first_numbers(self, settings: dict[str, Any]) -> tuple[float, ...]:
        return 0.0, 1.0

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        step, product = numbers[0] + 1, numbers[1]
        mu, following = (betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay)) for t in (step, step + 1))
        rounded = number_dtype()  # the product is kept as a number of the state, and is what it is when it is read again
        product = float(rounded(product) * rounded(mu))
        new1, past2, new2 = scalar(1 - betas[0], dtype), scalar(betas[1], dtype), scalar(1 - betas[1], dtype)
        unbiased, floor = scalar(1 / (1 - betas[1] ** step), dtype), scalar(eps, dtype)
        now, next_ = scalar(lr * (1 - mu) / (1 - product), dtype), scalar(lr * following / (1 - product * following), dtype)
        decay, shrink = scalar(0 if decoupled_weight_decay else weight_decay, dtype), scalar(1 - lr * weight_decay, dtype)

        def change(p: Array, g: Array, m: Array, v: Array, d: Array, t: Array) -> None:
            if decoupled_weight_decay and weight_decay:
                np.multiply(p, shrink, out=p)
            g = direction(p, g, decay, maximize, d, t)
            approach(m, g, new1, t)
            approach_square(v, g, past2, new2, t)
            np.multiply(g, now, out=d)
            np.multiply(m, next_, out=t)
            np.add(d, t, out=d)
            np.multiply(v, unbiased, out=t)
            np.divide(d, root(t, floor, t), out=d)
            np.subtract(p, d, out=p)

        return Rule(change, ("exp_avg", "exp_avg_sq"), 2, (step, product))
