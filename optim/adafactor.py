"""Adafactor: Adam's mean of squares kept as a row and a column."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_core.kernels.scratch import scratch
from autograd_core.tensor import Tensor, constant

from .blocks import Array
from .optimizer import Optimizer, Params, check, refuse_complex
from .passes import norm
from .state import number_dtype


class Adafactor(Optimizer):
    """param -= α · u / max(1, rms(u) / d), with u = g / √v, where v is kept as the outer product of its rows' and columns' means.

    α = max(eps[1], rms(param)) · min(lr, 1/√t). The means' weight of the new is t^`beta2_decay`; `eps[0]` (None: that of the
    dtype) bounds √v from below. Of parameters with less than two dimensions v is kept as it is. `weight_decay` shrinks
    the parameter itself; `maximize` turns the gradient round. Raises ValueError for settings out of range, RuntimeError for
    complex parameters. Source: arXiv:1804.04235.
    """

    always = ("step",)
    sometimes = ("row_var", "col_var", "variance")

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ):
        check("learning rate", lr)
        if not beta2_decay <= 0.0:
            raise ValueError(f"Invalid beta2_decay: {beta2_decay}; it is at most 0")
        if eps[0] is not None:
            check("epsilon value at index 0", eps[0])
        check("epsilon value at index 1", eps[1])
        if not d >= 1.0:
            raise ValueError(f"Invalid clipping threshold d: {d}; it is at least 1")
        check("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
            },
        )

    def state_shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        return {"step": (), "variance": shape, "row_var": (*shape[:-1], 1), "col_var": (*shape[:-2], 1, *shape[-1:])}[name]

    def check_params(self, params: list[Tensor]) -> None:
        super().check_params(params)
        refuse_complex(self, params)

    def update(
        self,
        param: Array,
        grad: Array,
        state: dict[str, Any],
        /,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        maximize: bool = False,
        **other: Any,
    ) -> None:
        names = ("row_var", "col_var") if param.ndim > 1 else ("variance",)
        if not state:
            state["step"] = constant(np.zeros((), number_dtype()))
            for name in names:
                state[name] = constant(np.zeros(self.state_shape(name, param.shape), param.dtype))
        if not param.size:
            return
        state["step"].array[...] += 1
        step = state["step"].item()
        new = step**beta2_decay
        least = float(np.finfo(param.dtype).eps) if eps[0] is None else eps[0]
        speed = max(eps[1], root_mean_square(param)) * min(lr, 1 / math.sqrt(step))
        if weight_decay:
            param *= 1 - lr * weight_decay
        (u,) = scratch(1, param.shape, param.dtype, "optim")
        np.multiply(grad, grad, out=u)
        if param.ndim > 1:
            rows, columns = (state[name].array for name in names)
            rows += new * (u.mean(-1, keepdims=True) - rows)
            columns += new * (u.mean(-2, keepdims=True) - columns)
            np.multiply(rows, columns / np.maximum(rows.mean(-2, keepdims=True), least), out=u)
        else:
            variance = state["variance"].array
            u -= variance
            u *= new
            variance += u
            u[...] = variance
        np.maximum(u, least * least, out=u)
        np.sqrt(u, out=u)
        np.divide(grad, u, out=u)
        u *= speed / max(1.0, root_mean_square(u) / d)
        (np.add if maximize else np.subtract)(param, u, out=param)


def root_mean_square(x: Array) -> float:
    return norm(x) / math.sqrt(x.size)
