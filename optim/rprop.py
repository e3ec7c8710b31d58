"""Rprop: resilient backpropagation."""

from __future__ import annotations

from typing import Any

import numpy as np

from .blocks import Array, scalar
from .elementwise import Elementwise, Rule
from .optimizer import Params, check, check_kinds


class Rprop(Elementwise):
    """param -= sign(g) · step, where each element's step grows while the gradient keeps its sign and shrinks when it turns.

    `etas` are the factors of shrinking and growing, `step_sizes` the bounds of the step, which is `lr` at first. Where the
    gradient turned, it counts as zero, this time and as the next one's predecessor. `maximize` turns the gradient round. Raises
    ValueError for settings out of range. Source: Riedmiller and Braun, A direct adaptive method for faster backpropagation
    learning, 1993.
    """

    always = ("step", "prev", "step_size")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        check("learning rate", lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        check_kinds(differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def begin(self, name: str, param: Array, settings: dict[str, Any]) -> Array:
        if name == "prev":
            return np.zeros(param.shape, param.dtype)
        lr = settings["lr"]
        return np.full(param.shape, complex(lr, lr) if param.dtype.kind == "c" else lr, param.dtype)

    def rule(
        self,
        dtype: np.dtype[Any],
        numbers: tuple[float, ...],
        /,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        maximize: bool = False,
        **other: Any,
    ) -> Rule:
        less, more = scalar(etas[0] - 1, dtype), scalar(etas[1] - 1, dtype)
        least, most, one = scalar(step_sizes[0], dtype), scalar(step_sizes[1], dtype), scalar(1, dtype)
        bits = f"i{least.itemsize}"

        def change(p: Array, g: Array, before: Array, step: Array, d: Array, t: Array) -> None:
            # where a condition holds, in products: NumPy's `where=` takes thirty times as long
            np.multiply(g, before, out=t)
            if maximize:
                np.negative(t, out=t)
            turned = t < 0
            np.multiply(t > 0, more, out=d)
            np.multiply(turned, less, out=t)
            np.add(d, t, out=d)
            np.add(d, one, out=d)
            np.multiply(step, d, out=step)
            np.minimum(np.maximum(step, least, out=step), most, out=step)
            np.multiply(g.view(bits), ~turned, out=before.view(bits))  # of bits, so that an infinite gradient becomes zero, too
            if maximize:
                np.negative(before, out=before)
            np.subtract(p, np.multiply(step, before > 0, out=t), out=p)  # and where it is no number, the parameter stays
            np.add(p, np.multiply(step, before < 0, out=t), out=p)

        return Rule(change, ("prev", "step_size"), 2, (numbers[0] + 1,))
