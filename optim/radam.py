"""RAdam: Adam that waits until the mean of squares can be trusted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .adam import check_betas
from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import approach, approach_square, descend, direction, root


class RAdam(Elementwise):
    """param -= lr · m̂ · r / (√v̂ + eps) once ρₜ > 5, and lr · m̂ before, where r corrects for the variance of 1/√v̂.

    m̂ and v̂ are Adam's corrected means, ρₜ is the length of the average that v approximates. `weight_decay` · param is
    added to the gradient, or taken from the parameter directly, if `decoupled_weight_decay`; `maximize` turns the gradient
    round. Raises ValueError for settings out of range. Source: arXiv:1908.03265.
    """

    always = ("step", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
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
        check_kinds(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        step = numbers[0] + 1
        left1, left2 = 1 - betas[0] ** step, 1 - betas[1] ** step
        longest = 2 / (1 - betas[1]) - 1
        length = longest - 2 * step * betas[1] ** step / left2
        trusted = length > 5
        speed = lr / left1
        if trusted:
            speed *= math.sqrt(left2 * (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
        rate, floor, new1 = scalar(speed, dtype), scalar(eps, dtype), scalar(1 - betas[0], dtype)
        past2, new2 = scalar(betas[1], dtype), scalar(1 - betas[1], dtype)
        decay, shrink = scalar(0 if decoupled_weight_decay else weight_decay, dtype), scalar(1 - lr * weight_decay, dtype)

        def change(p: Array, g: Array, m: Array, v: Array, d: Array, t: Array) -> None:
            if decoupled_weight_decay and weight_decay:
                np.multiply(p, shrink, out=p)
            g = direction(p, g, decay, maximize, d, t)
            approach(m, g, new1, t)
            approach_square(v, g, past2, new2, t)
            descend(p, np.divide(m, root(v, floor, t), out=t) if trusted else m, rate, t)

        return Rule(change, ("exp_avg", "exp_avg_sq"), 2, (step,))
