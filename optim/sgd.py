"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import SMALL, Array, each, scalar
from .optimizer import Optimizer, Params, check, check_kinds, zeros_like


class SGD(Optimizer):
    """param -= lr · d, with d the gradient + weight_decay · param, or its running sum with `momentum`.

    The sum is momentum · sum + (1 - dampening) · d; with `nesterov` the step goes along d + momentum · sum. `maximize`
    turns the gradient round. Raises ValueError for settings out of range.
    Source: Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning, 2013.
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        check("learning rate", lr)
        check("momentum value", momentum)
        check("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_kinds(differentiable, foreach, fused)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def update(
        self,
        param: Array,
        grad: Array,
        state: dict[str, Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        maximize: bool = False,
        **other: Any,
    ) -> None:
        rate = scalar(lr, param.dtype)
        if not (momentum or weight_decay or maximize):
            if param.nbytes <= SMALL:
                param -= grad * rate
                return

            def descend(p: Array, g: Array, t: Array) -> None:
                np.multiply(g, rate, out=t)
                np.subtract(p, t, out=p)

            each(descend, 1, param, grad)
            return
        decay, keep, take = scalar(weight_decay, param.dtype), scalar(momentum, param.dtype), scalar(1 - dampening, param.dtype)
        begun = state.get("momentum_buffer") is not None
        if momentum and not begun:
            state["momentum_buffer"] = zeros_like(param)

        def change(p: Array, g: Array, m: Array, d: Array, t: Array) -> None:
            if maximize:
                g = np.negative(g, out=d)
            if weight_decay:
                np.multiply(p, decay, out=t)
                g = np.add(g, t, out=d)
            if momentum and begun:
                np.multiply(m, keep, out=m)
                np.add(m, np.multiply(g, take, out=t) if dampening else g, out=m)
            elif momentum:
                np.copyto(m, g)
            if nesterov:
                np.multiply(m, keep, out=t)
                g = np.add(g, t, out=d)
            elif momentum:
                g = m
            np.multiply(g, rate, out=t)
            np.subtract(p, t, out=p)

        each(change, 2, param, grad, state["momentum_buffer"].array if momentum else param)
