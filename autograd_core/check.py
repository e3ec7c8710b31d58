"""Checks of gradients against finite differences, of first and second order.

The Jacobian has a row for each coordinate of the inputs and a column for each of the outputs (`coordinates.py`), so one
matrix holds all there is to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .autograd import grad
from .coordinates import Array, Block, aligned, blocks, coordinates, from_coordinates, side_by_side, units
from .tensor import Tensor, constant


class GradcheckError(RuntimeError):
    """The analytic and the numeric Jacobian differ."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether `func`'s gradients equal central differences of step `eps`, for every input that requires grad.

    Raises GradcheckError with a table of the worst entries where they differ (or returns False), and where two backward
    passes differ by more than `nondet_tol`. `check_undefined_grad` passes a gradient of zeros back, which must give zeros;
    `check_forward_ad` compares func.jvp; `check_batched_grad` and `check_batched_forward_grad` the same under vmap.
    `fast_mode` compares random projections of the Jacobian. Inputs should be float64 or complex128: raises ValueError for
    a dtype in which a step of `eps` says nothing. There are no sparse tensors, so `masked` can only be False or None.
    """
    if masked:
        raise ValueError("gradcheck: masked=True is for sparse tensors, which do not exist here")
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError("gradcheck: check_batched_forward_grad=True needs check_forward_ad=True")
    if not (check_forward_ad or check_backward_ad):
        raise ValueError("gradcheck: one of check_forward_ad and check_backward_ad must be True")
    try:
        work = Check("gradcheck", func, inputs, eps, atol, rtol)
        work.deterministic()
        if check_backward_ad:
            work.backward_passes(nondet_tol, check_undefined_grad, check_grad_dtypes)
        if fast_mode:
            work.projections(check_backward_ad, check_forward_ad)
        else:
            numeric = work.numeric()
            if check_backward_ad:
                work.compare("analytic", work.analytic(), numeric)
            if check_forward_ad:
                work.compare("forward-mode", work.forward(), numeric)
        if check_batched_grad and check_backward_ad:
            work.compare("batched", work.analytic_batched(), work.analytic(), "one by one")
        if check_batched_forward_grad:
            work.compare("batched forward-mode", work.forward_batched(), work.forward(), "one by one")
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Tensor | Sequence[Any],
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """As gradcheck, for the gradients' own gradients, by the inputs and by what the outputs' gradients are.

    These are random unless given as `grad_outputs`. `check_rev_over_rev` and `check_fwd_over_rev` say how the gradients are
    differentiated. Inputs and outputs of the messages are those of the gradient: first the inputs, then grad_outputs.
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = [o for o in outputs_of(func(*given)) if o.requires_grad]
    if grad_outputs is None:
        random = np.random.default_rng(0)
        weights = [random_like(o, random, gen_non_contig_grad_outputs) for o in outputs]
    else:
        weights = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    n = len(given)
    by = [k for k, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]

    def first(*args: Any) -> Any:
        found = [o for o in outputs_of(func(*args[:n])) if o.requires_grad]
        return grad(found, [args[k] for k in by], list(args[n:]), create_graph=True, materialize_grads=True)

    return gradcheck(
        first, (*given, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes, check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev, fast_mode=fast_mode, masked=masked,
    )  # fmt: skip


def random_like(output: Tensor, random: np.random.Generator, spaced: bool) -> Tensor:
    """A leaf like this output, of numbers around 1; `spaced`: not contiguous in memory."""
    shape, dtype = output.array.shape, output.array.dtype
    numbers: Any = random.uniform(0.5, 1.5, shape)
    if dtype.kind == "c":
        numbers = numbers + 1j * random.uniform(0.5, 1.5, shape)
    array = np.asarray(numbers, dtype)
    return constant(np.repeat(array, 2, axis=-1)[..., ::2] if spaced and array.ndim else array).requires_grad_()


def outputs_of(result: Any) -> list[Tensor]:
    """Those that could have gradients."""
    parts = result if isinstance(result, tuple | list) else (result,)
    return [o for o in parts if isinstance(o, Tensor) and o.array.dtype.kind in "fc"]


# ---------------------------------------------------------------------- the work


class Check:
    """One function at one place, and its Jacobians there."""

    def __init__(self, name: str, func: Callable[..., Any], inputs: Any, eps: float, atol: float, rtol: float):
        self.name, self.func, self.eps, self.atol, self.rtol = name, func, eps, atol, rtol
        self.given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
        places = [k for k, t in enumerate(self.given) if isinstance(t, Tensor) and t.requires_grad]
        self.places = places
        self.by: list[Tensor] = [self.given[k] for k in places]
        if not self.by:
            raise ValueError(f"{name}: no input requires grad")
        for k, t in zip(places, self.by, strict=True):
            if eps < 0.1 * np.finfo(t.dtype).eps ** (1 / 2):
                raise ValueError(
                    f"{name}: input {k} is {t.dtype}; finite differences need float64 for a step of {eps:g}. Give it .double(), "
                    f"or a step and tolerances such as eps={np.finfo(t.dtype).eps ** (1 / 3):.0e}, atol=1e-2"
                )
            if t.array.size and any(n > 1 and not step for n, step in zip(t.array.shape, t.array.strides, strict=True)):
                raise ValueError(f"{name}: several elements of input {k} share memory (it was expanded); give it .clone()")
        for i, t in enumerate(self.by):
            for j in range(i):
                if self.by[j] is t:
                    raise ValueError(
                        f"{name}: inputs {places[j]} and {places[i]} are the same tensor, so their gradients cannot be told apart; "
                        "give one of them .clone()"
                    )
        self.outputs = outputs_of(func(*self.given))
        if not self.outputs:
            raise ValueError(f"{name}: the function returns no floating-point or complex tensor")
        self.value = coordinates([o.array for o in self.outputs])
        self.rows = blocks("input", places, [t.array for t in self.by])
        self.columns = blocks("output", range(len(self.outputs)), [o.array for o in self.outputs])
        self.height = sum(block.size for block in self.rows)

    def evaluated(self) -> Array:
        """The coordinates of the outputs, at what the inputs are now."""
        return coordinates([o.array for o in outputs_of(self.func(*self.given))])

    def moved(self, k: int, direction: Array, step: float) -> Array:
        """The outputs where differentiated input number k is moved. It is the same Tensor, so whatever else uses it sees that."""
        tensor = self.by[k]
        before = tensor.array
        tensor.array = np.asarray(before + step * direction).astype(before.dtype, copy=False)
        try:
            return self.evaluated()
        finally:
            tensor.array = before

    def pulled(self, k: int, weight: Any, retain_graph: bool = True) -> Sequence[Tensor]:
        """The gradients of output number k, of which this is the gradient."""
        found = grad(self.outputs[k], self.by, constant(weight), retain_graph=retain_graph, materialize_grads=True)
        return found  # type: ignore[return-value]

    def deterministic(self) -> None:
        again = self.evaluated()
        if again.shape != self.value.shape or not np.array_equal(again, self.value, equal_nan=True):
            raise GradcheckError(
                f"{self.name}: two calls of the function gave different values, so it has no derivative; have it draw random numbers "
                "from the same seed each time, and keep nothing from one call to the next"
            )

    def numeric(self) -> Array:
        """The Jacobian by central differences."""
        rows = []
        for tensor in self.by:
            source = tensor.array
            moved = np.array(source, order="C")
            flat = moved.reshape(-1)
            tensor.array = moved
            try:
                for step in (self.eps, 1j * self.eps) if moved.dtype.kind == "c" else (self.eps,):
                    for i in range(flat.size):
                        here = flat[i]
                        flat[i] = here + step
                        above = self.evaluated()
                        flat[i] = here - step
                        rows.append((above - self.evaluated()) / (2 * self.eps))
                        flat[i] = here
            finally:
                tensor.array = source
        return np.array(rows).reshape(self.height, self.value.size)

    def analytic(self) -> Array:
        """The Jacobian by one backward pass for each coordinate of the outputs."""
        columns = []
        for k, output in enumerate(self.outputs):
            for unit in units(output.array):
                columns.append(coordinates([g.array for g in self.pulled(k, unit)]) if output.requires_grad else np.zeros(self.height))
        return np.array(columns).reshape(self.value.size, self.height).T

    def analytic_batched(self) -> Array:
        """The same by one pass for each output, of all gradients at once."""
        columns = []
        for output in self.outputs:
            made = units(output.array)
            if not made or not output.requires_grad:
                columns.append(np.zeros((len(made), self.height)))
                continue
            found = grad(output, self.by, constant(np.array(made)), retain_graph=True, materialize_grads=True, is_grads_batched=True)
            columns += [coordinates([g.array[i] for g in found])[None] for i in range(len(made))]  # type: ignore[union-attr]
        return np.concatenate(columns).T

    def along(self, tangents: list[Tensor]) -> list[Tensor]:
        """The derivatives of the outputs along these tangents of the inputs."""
        from .func import jvp

        def function(*tensors: Any) -> Any:
            args = list(self.given)
            for place, tensor in zip(self.places, tensors, strict=True):
                args[place] = tensor
            return tuple(outputs_of(self.func(*args)))

        return list(jvp(function, tuple(t.detach() for t in self.by), tuple(tangents))[1])

    def tangents(self) -> list[list[Array]]:
        """For each coordinate of the inputs the tangents of all inputs."""
        zeros = [np.zeros_like(t.array) for t in self.by]
        return [[*zeros[:k], unit, *zeros[k + 1 :]] for k, t in enumerate(self.by) for unit in units(t.array)]

    def forward(self) -> Array:
        """The Jacobian by forward mode, a row at a time."""
        rows = [coordinates([t.detach().array for t in self.along([constant(a) for a in tangents])]) for tangents in self.tangents()]
        return np.array(rows).reshape(self.height, self.value.size)

    def forward_batched(self) -> Array:
        from .func import vmap

        stacked = [constant(np.array(arrays)) for arrays in zip(*self.tangents(), strict=True)]
        found = vmap(lambda *tangents: tuple(self.along(list(tangents))))(*stacked)
        rows = [coordinates([t.detach().array[i] for t in found]) for i in range(self.height)]
        return np.array(rows).reshape(self.height, self.value.size)

    # ------------------------------------------------------------------ what is asked of it

    def backward_passes(self, nondet_tol: float, zeros: bool, dtypes: bool) -> None:
        """Two passes agree; zeros give zeros; gradients have their inputs' dtypes."""
        for o, output in enumerate(self.outputs):
            if not output.requires_grad:
                continue
            weight = np.linspace(0.5, 1.5, output.array.size).astype(output.array.dtype).reshape(output.array.shape)
            one, two = self.pulled(o, weight), self.pulled(o, weight)
            for k, a, b in zip(self.places, one, two, strict=True):
                if not np.allclose(a.array, b.array, rtol=0, atol=nondet_tol, equal_nan=True):
                    raise GradcheckError(
                        f"{self.name}: two backward passes gave different gradients of output {o} by input {k} (by up to "
                        f"{np.abs(a.array - b.array).max():.3g}, nondet_tol={nondet_tol:g})"
                    )
                if dtypes and a.dtype != self.given[k].dtype:
                    raise GradcheckError(f"{self.name}: the gradient by input {k} is {a.dtype}, but the input {self.given[k].dtype}")
            if zeros:
                for k, g in zip(self.places, self.pulled(o, np.zeros_like(output.array)), strict=True):
                    if (np.nan_to_num(g.array) != 0).any():
                        raise GradcheckError(
                            f"{self.name}: a gradient of zeros at output {o} gives a gradient at input {k} that is not zero: the rule adds "
                            "something to what it is given"
                        )

    def projections(self, backward: bool, forward: bool) -> None:
        """Compare u J v for random u and v. Where that differs, the whole Jacobians say where."""
        random = np.random.default_rng(0)
        u = [random.uniform(0.5, 1.5, block.size) * random.choice([-1, 1], block.size) for block in self.columns]
        pulled: list[Any] = []
        for o, output in enumerate(self.outputs):
            if output.requires_grad and backward:
                pulled.append(self.pulled(o, from_coordinates(u[o], output.array)))
            else:
                pulled.append([constant(np.zeros_like(t.array)) for t in self.by])
        for k, tensor in enumerate(self.by):
            v = random.uniform(0.5, 1.5, self.rows[k].size)
            direction = from_coordinates(v, tensor.array)
            numeric = (self.moved(k, direction, self.eps) - self.moved(k, direction, -self.eps)) / (2 * self.eps)
            ahead = None
            if forward:
                tangents = [constant(direction if j == k else np.zeros_like(t.array)) for j, t in enumerate(self.by)]
                ahead = coordinates([t.detach().array for t in self.along(tangents)])
            for o, block in enumerate(self.columns):
                part = slice(block.start, block.start + block.size)
                expected = float(u[o] @ numeric[part])
                within = self.rtol * abs(expected) + self.atol * np.abs(u[o]).sum() * np.abs(v).sum()
                found = {}
                if backward:
                    found["analytic"] = float(coordinates([pulled[o][k].array]) @ v)
                if ahead is not None:
                    found["forward-mode"] = float(u[o] @ ahead[part])
                for kind, value in found.items():
                    if not (abs(value - expected) <= within or value == expected):
                        self.compare(kind, self.analytic() if kind == "analytic" else self.forward(), self.numeric())
                        raise GradcheckError(
                            f"{self.name}: a random projection of the {kind} Jacobian of output {o} by input {self.places[k]} is "
                            f"{value:.6g}, the numeric one {expected:.6g}, though no single entry is outside of the tolerance"
                        )

    def compare(self, kind: str, found: Array, expected: Array, against: str = "numeric") -> None:
        """Raise GradcheckError, with a table, where two Jacobians differ."""
        if found.shape != expected.shape:
            raise GradcheckError(f"{self.name}: the function returns other shapes when its inputs change slightly")
        difference = np.abs(found - expected)
        tolerance = self.atol + self.rtol * np.abs(expected)
        if (difference <= tolerance).all():
            return
        wrong = ~((difference <= tolerance) | (found == expected))
        if against != "numeric":  # where the difference quotient is NaN, nothing was checked
            wrong &= ~(np.isnan(found) & np.isnan(expected))
        for column in self.columns:
            for row in self.rows:
                part = np.s_[row.start : row.start + row.size, column.start : column.start + column.size]
                if wrong[part].any():
                    raise GradcheckError(self.table(kind, against, row, column, found[part], expected[part], wrong[part]))

    def table(self, kind: str, against: str, row: Block, column: Block, found: Array, expected: Array, wrong: Array) -> str:
        """What to read where Jacobians differ: the worst entries, and both Jacobians whole if they are small."""
        tolerance = self.atol + self.rtol * np.abs(expected)
        with np.errstate(invalid="ignore"):
            excess = np.where(wrong, np.nan_to_num(np.abs(found - expected) / tolerance, nan=np.inf), -1)
        worst = [divmod(int(i), found.shape[1]) for i in np.argsort(-excess, axis=None, kind="stable")[: min(10, wrong.sum())]]
        lines: list[tuple[str, ...]] = [("output", "input", kind, against, "difference", "tolerance")]
        for i, j in worst:
            numbers = [f"{v:.6g}" for v in (found[i, j], expected[i, j], abs(found[i, j] - expected[i, j]), tolerance[i, j])]
            lines.append((column.element(j), row.element(i), *numbers))
        text = (
            f"{self.name}: the Jacobian of {column.name} {column.shape} by {row.name} {row.shape} differs in {wrong.sum()} of "
            f"{wrong.size} entries" + (f"; the worst {len(worst)}:" if wrong.sum() > len(worst) else ":") + "\n" + aligned(lines)
        )
        output = self.outputs[int(column.name.split()[1])]
        if not output.requires_grad:
            text += f"\n{column.name} does not require grad, yet it changes with {row.name}: was it made in no_grad(), NumPy, or detached?"
        elif against == "numeric":
            text += self.sides(row, column, *worst[0])
        if max(found.shape) <= 8:
            text += "\nwhole (rows: input elements, columns: output elements):\n" + side_by_side(kind, found, against, expected)
        return text

    def sides(self, row: Block, column: Block, i: int, j: int) -> str:
        """A hint where the function has a kink or a jump: the differences to either side."""
        k = self.rows.index(row)
        direction = units(self.by[k].array)[i]
        at = column.start + j
        above, below = self.moved(k, direction, self.eps)[at], self.moved(k, direction, -self.eps)[at]
        right, left = (above - self.value[at]) / self.eps, (self.value[at] - below) / self.eps
        if abs(right - left) <= 0.01 * max(abs(right), abs(left)) + self.atol:
            return ""
        return f"\nAt the worst the function has a kink or a jump: its differences are {left:.6g} to the left and {right:.6g} to the right."
