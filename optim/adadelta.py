"""Adadelta."""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import approach_square, descend, direction


class Adadelta(Elementwise):
    """param -= lr · d with d = g · √(u + eps) / √(v + eps), v and u being the running means of g² and d².

    `rho` is the means' weight of the past; `weight_decay` · param is added to the gradient; `maximize` turns the gradient
    round. Raises ValueError for settings out of range. Source: arXiv:1212.5701.
    """

    always = ("step", "square_avg", "acc_delta")

    def __init__(
        self,
        params: Params,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check("learning rate", lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check("epsilon value", eps)
        check("weight_decay value", weight_decay)
        check_kinds(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        rate, past, new, floor = scalar(lr, dtype), scalar(rho, dtype), scalar(1 - rho, dtype), scalar(eps, dtype)
        decay = scalar(weight_decay, dtype)

        def change(p: Array, g: Array, v: Array, u: Array, d: Array, t: Array) -> None:
            g = direction(p, g, decay, maximize, d, t)
            approach_square(v, g, past, new, t)
            np.add(v, floor, out=t)
            np.divide(g, np.sqrt(t, out=t), out=d)
            np.add(u, floor, out=t)
            np.multiply(d, np.sqrt(t, out=t), out=d)
            approach_square(u, d, past, new, t)
            descend(p, d, rate, t)

        return Rule(change, ("square_avg", "acc_delta"), 2, (numbers[0] + 1,))
