"""RMSprop."""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import approach, approach_square, descend, direction, root


class RMSprop(Elementwise):
    """param -= lr · g / (√v + eps), with v the running mean of the squared gradient.

    `alpha` is the mean's weight of the past; `centered` takes the square of the gradient's own mean off v; `momentum` sums
    the steps up; `weight_decay` · param is added to the gradient; `maximize` turns the gradient round. Raises ValueError
    for settings out of range. Sources: Tieleman and Hinton, Lecture 6.5, 2012; centered: arXiv:1308.0850.
    """

    always = ("step", "square_avg")
    sometimes = ("momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check("learning rate", lr)
        check("epsilon value", eps)
        check("momentum value", momentum)
        check("weight_decay value", weight_decay)
        check("alpha value", alpha)
        check_kinds(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        rate, past, new, floor = scalar(lr, dtype), scalar(alpha, dtype), scalar(1 - alpha, dtype), scalar(eps, dtype)
        decay, keep = scalar(weight_decay, dtype), scalar(momentum, dtype)

        def change(p: Array, g: Array, v: Array, *others: Array) -> None:
            d, t = others[-2:]
            g = direction(p, g, decay, maximize, d, t)
            approach_square(v, g, past, new, t)
            if centered:
                mean = others[-3]
                approach(mean, g, new, t)
                np.multiply(mean, mean, out=t)
                v = np.subtract(v, t, out=t)
            np.divide(g, root(v, floor, t), out=t)
            if momentum > 0:
                steps = others[0]
                np.multiply(steps, keep, out=steps)
                t = np.add(steps, t, out=steps)
            descend(p, t, rate, d)

        arrays = ("square_avg", *(["momentum_buffer"] if momentum > 0 else []), *(["grad_avg"] if centered else []))
        return Rule(change, arrays, 2, (numbers[0] + 1,))
