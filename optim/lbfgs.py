"""L-BFGS: a quasi-Newton method that remembers its last steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core import writes
from autograd_core.modes import enable_grad, no_grad
from autograd_core.tensor import Tensor, constant

from .blocks import Array, real_pairs
from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, Params, as_float, check


class LBFGS(Optimizer):
    """Goes along -H · g, with H the inverse of the Hessian as the last `history_size` steps and changes of the gradient show it.

    A step makes up to `max_iter` iterations and `max_eval` (by default 1.25 · max_iter) evaluations of the closure, and ends
    when no entry of the gradient exceeds `tolerance_grad`, or the loss and the parameters change by less than
    `tolerance_change`. Each iteration goes by `lr`, or as far as `line_search_fn="strong_wolfe"` says. There is one group of
    parameters; complex ones count as pairs of real numbers. Raises ValueError for a negative `lr` and for several
    groups, RuntimeError for another `line_search_fn`.
    Source: Nocedal and Wright, Numerical optimization, algorithm 7.4.
    """

    numbers = ()
    always = ("func_evals", "n_iter")
    sometimes = ("al", "d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")

    def __init__(
        self,
        params: Params,
        lr: Any = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ):
        check("learning rate", lr)
        if line_search_fn not in (None, "strong_wolfe"):
            raise RuntimeError(f"Invalid line_search_fn: {line_search_fn!r}; it is None or 'strong_wolfe'")
        super().__init__(
            params,
            {
                "lr": lr,
                "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad,
                "tolerance_change": tolerance_change,
                "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """The first group is the only one: raises ValueError for a second."""
        if self.param_groups:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def state_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """The state belongs to all parameters together, laid out in one row."""

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Minimize the loss that `closure` computes, with its gradients; returns the first one. Raises TypeError without it."""
        self.check_params(self.param_groups[0]["params"])
        callers = np.geterr()

        def evaluate() -> Any:
            with enable_grad(), np.errstate(**callers):
                return closure()

        with np.errstate(all="ignore"):  # where the loss overflows, the parameters do so too, as in PyTorch
            return self._minimize(evaluate)

    def _minimize(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr = group["lr"].item() if isinstance(group["lr"], Tensor) else group["lr"]
        max_iter, max_eval, tolerance_change = group["max_iter"], group["max_eval"], group["tolerance_change"]
        first_loss = closure()
        loss, grad = as_float(first_loss), self.gradient()
        state = self.state[group["params"][0]]
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        if largest(grad) <= group["tolerance_grad"]:
            return first_loss
        memory = Memory(state, group["history_size"])
        evaluations = 1
        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            d = memory.direction(grad)
            slope = grad.dot(d)
            t: Any = lr if state["n_iter"] > 1 else min(1.0, 1.0 / np.abs(grad).sum()) * lr
            before, memory.grad, memory.t = loss, grad, t
            memory.loss = loss
            if slope > -tolerance_change:
                break
            count = 0
            if group["line_search_fn"] is not None:
                start = Point(0, loss, grad, slope)
                point, count = strong_wolfe(self.along(d, closure), start, t, largest(d), tolerance_change, max_eval - evaluations)
                t, loss, grad = point.t, point.loss, point.grad
                self.move(t, d)
            else:
                self.move(t, d)
                if iteration != max_iter:  # after the last one nobody asks
                    loss = as_float(closure())
                    grad, count = self.gradient(), 1
            memory.t = t
            evaluations += count
            state["func_evals"] += count
            if (
                evaluations >= max_eval
                or largest(grad) <= group["tolerance_grad"]
                or largest(d * t) <= tolerance_change
                or abs(loss - before) < tolerance_change
            ):
                break
        if memory.d is not None:
            memory.keep(state)
        return first_loss

    # ------------------------------------------------------------------ all parameters as one row

    def gradient(self) -> Array:
        """All gradients in a row, zeros for missing ones."""
        rows = [np.zeros_like(p.array) if p._grad is None else p._grad.array for p in self.param_groups[0]["params"]]
        return np.concatenate([flattened(row) for row in rows])

    def move(self, t: Any, d: Array) -> None:
        """Go by t · d."""
        start = 0
        for param in self.param_groups[0]["params"]:
            array = real_pairs(param.array) if param.array.dtype.kind == "c" else param.array
            array += t * d[start : start + array.size].reshape(array.shape)
            start += array.size
            writes.note(param.array, "LBFGS.step")

    def along(self, d: Array, closure: Callable[[], Any]) -> Callable[[Any], Point]:
        """The loss and its slope along the direction, as a function of the step's length; it leaves the parameters where they are."""
        params = self.param_groups[0]["params"]
        here = [param.array.copy() for param in params]

        def at(t: Any) -> Point:
            self.move(t, d)
            try:
                loss = as_float(closure())
            finally:
                for param, array in zip(params, here):
                    param.array[...] = array
                    writes.note(param.array, "LBFGS.step")
            grad = self.gradient()
            return Point(t, loss, grad, grad.dot(d))

        return at


class Memory:
    """The last steps and what they changed in the gradient: what is known of the Hessian."""

    def __init__(self, state: dict[str, Any], size: int):
        self.size = size
        self.changes = [change.array for change in state.get("old_dirs") or []]
        self.steps = [step.array for step in state.get("old_stps") or []]
        self.inverses = [unwrapped(inverse) for inverse in state.get("ro") or []]  # of the products change · step
        self.scale = 1 if state.get("H_diag") is None else unwrapped(state["H_diag"])
        self.d: Array | None = unwrapped(state.get("d"))
        self.t = unwrapped(state.get("t"))
        self.grad: Array | None = unwrapped(state.get("prev_flat_grad"))
        self.loss = state.get("prev_loss")

    def direction(self, grad: Array) -> Array:
        """-H · grad, after the last step was put into H. The two loops of Nocedal's recursion."""
        if self.d is None or self.grad is None:
            self.d = -grad
            return self.d
        change, step = grad - self.grad, self.d * self.t
        product = change.dot(step)
        if product > 1e-10:
            if len(self.changes) == self.size:
                for row in (self.changes, self.steps, self.inverses):
                    row.pop(0)
            self.changes.append(change)
            self.steps.append(step)
            self.inverses.append(1.0 / product)
            self.scale = product / change.dot(change)
        d = -grad
        shares = []
        for change, step, inverse in zip(reversed(self.changes), reversed(self.steps), reversed(self.inverses)):
            shares.append(step.dot(d) * inverse)
            d -= shares[-1] * change
        d *= self.scale
        for change, step, inverse, share in zip(self.changes, self.steps, self.inverses, reversed(shares)):
            d += (share - change.dot(d) * inverse) * step
        self.d = d
        return d

    def keep(self, state: dict[str, Any]) -> None:
        """Write all into the optimizer's state, under PyTorch's names."""
        state.update(
            d=constant(self.d),  # type: ignore[arg-type]
            t=kept(self.t),
            old_dirs=[constant(change) for change in self.changes],
            old_stps=[constant(step) for step in self.steps],
            ro=[kept(inverse) for inverse in self.inverses],
            H_diag=kept(self.scale),
            prev_flat_grad=constant(self.grad),  # type: ignore[arg-type]
            prev_loss=self.loss,
        )


def unwrapped(value: Any) -> Any:
    """What the state holds as NumPy's or Python's: an array, or a number."""
    return value.array[()] if isinstance(value, Tensor) else value


def kept(value: Any) -> Any:
    """NumPy's numbers as Tensors, for the state; Python's as they are."""
    return constant(np.array(value)) if isinstance(value, np.generic) else value


def flattened(array: Array) -> Array:
    return (real_pairs(array) if array.dtype.kind == "c" else array).reshape(-1)


def largest(x: Array) -> Any:
    return np.abs(x).max(initial=0)
