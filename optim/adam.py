"""Adam, and AdamW with its weight decay taken apart from the gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.tensor import Tensor

from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import approach, approach_square, descend, direction, root


class Adam(Elementwise):
    """param -= lr · m / (√v + eps), with m and v running means of the gradient and its square, corrected for starting at zero.

    `betas` are the means' weights of the past; `weight_decay` · param is added to the gradient (or taken from the parameter
    directly, if `decoupled_weight_decay`); `amsgrad` divides by the largest v so far; `maximize` turns the gradient round.
    Raises ValueError for settings out of range. Sources: arXiv:1412.6980, algorithm 1; for amsgrad
    https://openreview.net/forum?id=ryQu7f-RZ.
    """

    always = ("step", "exp_avg", "exp_avg_sq")
    sometimes = ("max_exp_avg_sq",)

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ):
        check("learning rate", lr)
        check("epsilon value", eps)
        check_betas(betas)
        check("weight_decay value", weight_decay)
        check_kinds(differentiable, foreach, fused)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(beta.item() if isinstance(beta, Tensor) else beta for beta in betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
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
        amsgrad: bool = False,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        **other: Any,
    ) -> Rule:
        step = numbers[0] + 1
        # m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + eps), with both corrections drawn out of the passes over memory
        unbiased = math.sqrt(1 - betas[1] ** step)
        new1 = scalar(1 - betas[0], dtype)
        past2, new2 = scalar(betas[1], dtype), scalar(1 - betas[1], dtype)
        rate, floor = scalar(lr * unbiased / (1 - betas[0] ** step), dtype), scalar(eps * unbiased, dtype)
        decay, shrink = scalar(0 if decoupled_weight_decay else weight_decay, dtype), scalar(1 - lr * weight_decay, dtype)

        def change(p: Array, g: Array, m: Array, v: Array, *others: Array) -> None:
            d, t = others[-2:]
            if decoupled_weight_decay and weight_decay:
                np.multiply(p, shrink, out=p)
            g = direction(p, g, decay, maximize, d, t)
            approach(m, g, new1, t)
            approach_square(v, g, past2, new2, t)
            if amsgrad:
                v = np.maximum(others[0], v, out=others[0])
            np.divide(m, root(v, floor, t), out=t)
            descend(p, t, rate, t)

        arrays = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if amsgrad else ("exp_avg", "exp_avg_sq")
        return Rule(change, arrays, 2, (step,))


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter itself, param *= 1 - lr · weight_decay. Source: arXiv:1711.05101."""

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """It stays AdamW with the state that an Adam has saved, too."""
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


def check_betas(betas: tuple[Any, Any]) -> None:
    check("beta parameter at index 0", betas[0], below=1.0)
    check("beta parameter at index 1", betas[1], below=1.0)
