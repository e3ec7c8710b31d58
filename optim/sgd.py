"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import descend, direction


class SGD(Elementwise):
    """param -= lr · d, with d the gradient + weight_decay · param, or its running sum with `momentum`.

    The sum is momentum · sum + (1 - dampening) · d; with `nesterov` the step goes along d + momentum · sum. `maximize`
    turns the gradient round. Raises ValueError for settings out of range.
    Source: Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning, 2013.

    >>> import autograd_core as ag, nn, optim
    >>> w = nn.Parameter(ag.tensor(1.0))
    >>> optimizer = optim.SGD([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.item(), 6)
    0.8
    """

    numbers = ()
    always = ()
    sometimes = ("momentum_buffer",)

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
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

    def read(self, state: dict[str, Any], settings: dict[str, Any]) -> tuple[float, ...]:
        """Whether there is a sum already."""
        return (state.get("momentum_buffer") is not None,)

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        (begun,) = numbers
        decay, keep, take = scalar(weight_decay, dtype), scalar(momentum, dtype), scalar(1 - dampening, dtype)
        rate = scalar(-lr if maximize and not (momentum or weight_decay) else lr, dtype)

        def plain(p: Array, g: Array, t: Array) -> None:
            descend(p, g, rate, t)

        def change(p: Array, g: Array, *others: Array) -> None:
            d, t = others[-2:]
            g = direction(p, g, decay, maximize, d, t)
            if momentum:
                m = others[0]
                if begun:
                    np.multiply(m, keep, out=m)
                    np.add(m, np.multiply(g, take, out=t) if dampening else g, out=m)
                else:
                    np.copyto(m, g)
                if nesterov:
                    np.multiply(m, keep, out=t)
                    g = np.add(g, t, out=d)
                else:
                    g = m
            descend(p, g, rate, t)

        if not (momentum or weight_decay):
            return Rule(plain, (), 1)
        return Rule(change, ("momentum_buffer",) if momentum else (), 2)
