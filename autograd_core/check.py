"""Checks of gradients against finite differences, of first and second order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .autograd import grad
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
) -> bool:
    """Whether `func`'s gradients equal central differences of step `eps`, for every input that requires grad.

    Inputs should be float64. Raises GradcheckError with both Jacobians where they differ (or returns False).
    """
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    by = [k for k, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]
    if not by:
        raise ValueError("gradcheck: no input requires grad")
    try:
        for k in by:
            if given[k].dtype != np.float64:
                raise ValueError(f"gradcheck: input {k} is {given[k].dtype}; finite differences need float64")
        for o, output in enumerate(_outputs(func(*given))):
            for k in by:
                _compare(o, k, _analytic(func, given, o, k), _numeric(func, given, o, k, eps), atol, rtol, output, given[k])
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
    raise_exception: bool = True,
) -> bool:
    """As gradcheck, for the gradients' own gradients, by the inputs and by what the outputs' gradients are."""
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outputs = [o for o in _outputs(func(*given)) if o.requires_grad]
    random = np.random.default_rng(0)
    if grad_outputs is None:
        weights = [constant(random.uniform(0.5, 1.5, o.array.shape)).requires_grad_() for o in outputs]
    else:
        weights = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    n = len(given)
    by = [k for k, t in enumerate(given) if isinstance(t, Tensor) and t.requires_grad]

    def first(*args: Any) -> Any:
        found = [o for o in _outputs(func(*args[:n])) if o.requires_grad]
        return grad(found, [args[k] for k in by], list(args[n:]), create_graph=True, materialize_grads=True)

    return gradcheck(first, (*given, *weights), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)


def _outputs(result: Any) -> list[Tensor]:
    return [o for o in (result if isinstance(result, tuple | list) else [result]) if isinstance(o, Tensor) and o.is_floating_point()]


def _analytic(func: Callable[..., Any], given: tuple[Any, ...], o: int, k: int) -> np.ndarray[Any, Any]:
    """The Jacobian of output o by input k, (elements of the input, elements of the output), one backward pass a column."""
    output = _outputs(func(*given))[o]
    jacobian = np.zeros((given[k].numel(), output.numel()))
    if output.requires_grad:
        for j in range(output.numel()):
            unit = np.zeros(output.numel())
            unit[j] = 1
            (column,) = grad(output, [given[k]], constant(unit.reshape(output.array.shape)), retain_graph=True, materialize_grads=True)
            jacobian[:, j] = column.array.ravel()  # type: ignore[union-attr]
    return jacobian


def _numeric(func: Callable[..., Any], given: tuple[Any, ...], o: int, k: int, eps: float) -> np.ndarray[Any, Any]:
    """The same by central differences."""
    source = given[k].array
    rows = []
    for place in np.ndindex(source.shape):
        ends = []
        for step in (eps, -eps):
            moved = source.copy()
            moved[place] += step
            args = [*given]
            args[k] = constant(moved).requires_grad_()
            ends.append(_outputs(func(*args))[o].array.ravel())
        rows.append((ends[0] - ends[1]) / (2 * eps))
    return np.array(rows).reshape(source.size, -1)


def _compare(o: int, k: int, analytic: Any, numeric: Any, atol: float, rtol: float, output: Tensor, source: Tensor) -> None:
    if analytic.shape == numeric.shape and np.allclose(analytic, numeric, rtol, atol, equal_nan=True):
        return
    with np.printoptions(precision=6, suppress=False, threshold=200):
        raise GradcheckError(
            f"gradcheck: the Jacobian of output {o} {tuple(output.shape)} by input {k} {tuple(source.shape)} differs "
            f"(rows: input elements, columns: output elements)\nanalytic:\n{analytic}\nnumeric:\n{numeric}\n"
            f"largest difference: {np.max(np.abs(analytic - numeric)) if analytic.shape == numeric.shape else 'shapes differ'}"
        )
