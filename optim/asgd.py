"""ASGD: stochastic gradient descent that keeps the average of its path."""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import approach, descend, direction
from .state import number_dtype


class ASGD(Elementwise):
    """param = (1 - lambd · η) · param - η · g with η = lr / (1 + lambd · lr · t)^alpha; the state's `ax` is the average since step `t0`.

    `weight_decay` · param is added to the gradient; `maximize` turns the gradient round. Raises ValueError for settings out
    of range. Source: Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992.
    """

    numbers = ("step", "eta", "mu")
    always = ("step", "eta", "mu", "ax")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        check("learning rate", lr)
        check("weight_decay value", weight_decay)
        check_kinds(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def first_numbers(self, settings: dict[str, Any]) -> tuple[float, ...]:
        return 0.0, float(number_dtype()(settings["lr"])), 1.0

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        step, eta, mu = numbers[0] + 1, numbers[1], numbers[2]
        rate, shrink, share = scalar(eta, dtype), scalar(1 - lambd * eta, dtype), scalar(mu, dtype)
        decay = scalar(weight_decay, dtype)

        def change(p: Array, g: Array, average: Array, d: Array, t: Array) -> None:
            g = direction(p, g, decay, maximize, d, t)
            np.multiply(p, shrink, out=p)
            descend(p, g, rate, t)
            if mu == 1:
                np.copyto(average, p)
            else:
                approach(average, p, share, t)

        return Rule(change, ("ax",), 2, (step, lr / (1 + lambd * lr * step) ** alpha, 1 / max(1, step - t0)))
