"""Adagrad."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.tensor import constant

from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds
from .passes import descend, direction, root


class Adagrad(Elementwise):
    """param -= lr / (1 + (t - 1) · lr_decay) · g / (√s + eps), with s the sum of all squared gradients, from `initial_accumulator_value`.

    `weight_decay` · param is added to the gradient; `maximize` turns the gradient round. The state is there from the
    beginning. Raises ValueError for settings out of range. Source: Duchi, Hazan and Singer, Adaptive subgradient methods for
    online learning and stochastic optimization, 2011.
    """

    always = ("step", "sum")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        check("learning rate", lr)
        check("lr_decay value", lr_decay)
        check("weight_decay value", weight_decay)
        check("initial_accumulator_value value", initial_accumulator_value)
        check("epsilon value", eps)
        check_kinds(differentiable, foreach, fused)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        for group in self.param_groups:
            for param in group["params"]:
                state = self.state[param]
                self.write(state, (0.0,))
                state["sum"] = constant(self.begin("sum", param.array, group))

    def begin(self, name: str, param: Array, settings: dict[str, Any]) -> Array:
        start = settings["initial_accumulator_value"]
        return np.full(param.shape, complex(start, start) if param.dtype.kind == "c" else start, param.dtype)

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        eps: float = 1e-10,
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        step = numbers[0] + 1
        rate, floor, decay = scalar(lr / (1 + (step - 1) * lr_decay), dtype), scalar(eps, dtype), scalar(weight_decay, dtype)

        def change(p: Array, g: Array, s: Array, d: Array, t: Array) -> None:
            g = direction(p, g, decay, maximize, d, t)
            np.multiply(g, g, out=t)
            np.add(s, t, out=s)
            np.divide(g, root(s, floor, t), out=t)
            descend(p, t, rate, t)

        return Rule(change, ("sum",), 2, (step,))
