"""Adam, and AdamW with its weight decay taken apart from the gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.tensor import Tensor

from .blocks import Array, each, scalar
from .optimizer import Optimizer, Params, check, check_kinds, counted, zeros_like

MEANS = "exp_avg", "exp_avg_sq", "max_exp_avg_sq"


class Adam(Optimizer):
    """param -= lr · m / (√v + eps), with m and v running means of the gradient and its square, corrected for starting at zero.

    `betas` are the means' weights of the past; `weight_decay` · param is added to the gradient (or taken from the parameter
    directly, if `decoupled_weight_decay`); `amsgrad` divides by the largest v so far; `maximize` turns the gradient round.
    Raises ValueError for settings out of range. Sources: arXiv:1412.6980, algorithm 1; for amsgrad
    https://openreview.net/forum?id=ryQu7f-RZ.
    """

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
        check("beta parameter at index 0", betas[0], below=1.0)
        check("beta parameter at index 1", betas[1], below=1.0)
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

    def update(
        self,
        param: Array,
        grad: Array,
        state: dict[str, Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        **other: Any,
    ) -> None:
        step = counted(state)
        for name in MEANS if amsgrad else MEANS[:2]:
            if name not in state:
                state[name] = zeros_like(param)
        # m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + eps), with both corrections drawn out of the passes over memory
        root = math.sqrt(1 - betas[1] ** step)
        past1, new1 = scalar(betas[0], param.dtype), scalar(1 - betas[0], param.dtype)
        past2, new2 = scalar(betas[1], param.dtype), scalar(1 - betas[1], param.dtype)
        rate, floor = scalar(lr * root / (1 - betas[0] ** step), param.dtype), scalar(eps * root, param.dtype)
        decay, shrink = scalar(weight_decay, param.dtype), scalar(1 - lr * weight_decay, param.dtype)

        def change(p: Array, g: Array, m: Array, v: Array, *others: Array) -> None:
            d, t = others[-2:]
            if maximize:
                g = np.negative(g, out=d)
            if weight_decay and decoupled_weight_decay:
                np.multiply(p, shrink, out=p)
            elif weight_decay:
                np.multiply(p, decay, out=t)
                g = np.add(g, t, out=d)
            np.multiply(m, past1, out=m)
            np.multiply(g, new1, out=t)
            np.add(m, t, out=m)
            np.multiply(v, past2, out=v)
            np.multiply(g, g, out=t)
            np.multiply(t, new2, out=t)
            np.add(v, t, out=v)
            if amsgrad:
                v = np.maximum(others[0], v, out=others[0])
            np.sqrt(v, out=t)
            np.add(t, floor, out=t)
            np.divide(m, t, out=t)
            np.multiply(t, rate, out=t)
            np.subtract(p, t, out=p)

        largest = [state["max_exp_avg_sq"].array] if amsgrad else []
        each(change, 2, param, grad, state["exp_avg"].array, state["exp_avg_sq"].array, *largest)


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
