"""Derivatives of functions, in the vocabulary of torch.autograd.functional: `func(*inputs)` of tensors, giving tensors.

Inputs and outputs are a Tensor or a tuple of Tensors; results have the same form. With `create_graph` the results can be
differentiated again; with `strict` a result that does not depend on an input is an error instead of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..func import always_recording
from ..ops import shape as shapes
from ..tensor import Tensor, constant
from . import grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


class Run:
    """One call of the function on inputs of our own."""

    def __init__(self, name: str, func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool):
        self.name, self.create_graph, self.strict = name, create_graph, strict
        self.one_input = isinstance(inputs, Tensor)
        with always_recording():
            self.inputs = [
                shapes.alias(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in listed(name, "inputs", inputs)
            ]
            result = func(*self.inputs)
        self.one_output = isinstance(result, Tensor)
        self.outputs = listed(name, "outputs", result)
        if strict:
            for k, output in enumerate(self.outputs):
                if not output.requires_grad:
                    raise RuntimeError(f"{name}: output {k} does not depend on the inputs, which strict=True does not allow")

    def scalar(self) -> None:
        """Raise RuntimeError unless the function gave one number."""
        if not self.one_output or self.outputs[0].numel() != 1:
            raise RuntimeError(f"{self.name}: the function must return one number, got shapes {[tuple(o.shape) for o in self.outputs]}")

    def vectors(self, v: Any, models: Sequence[Tensor], what: str) -> list[Tensor]:
        """`v` as a list that fits; a single number needs none. Raises RuntimeError where it does not fit."""
        if v is None:
            if len(models) != 1 or models[0].numel() != 1:
                raise RuntimeError(f"{self.name}: v can be left out only for {what} of one element")
            return [constant(np.ones(tuple(models[0].shape), models[0].dtype))]
        given = listed(self.name, "v", v)
        if [tuple(g.shape) for g in given] != [tuple(m.shape) for m in models]:
            raise ShapeError(
                f"{self.name}: v has shapes {[tuple(g.shape) for g in given]}, but the {what} {[tuple(m.shape) for m in models]}"
            )
        return given if self.create_graph else [g.detach() for g in given]

    def pull(self, outputs: Sequence[Tensor], weights: Sequence[Tensor], again: bool, many: tuple[int, ...] = ()) -> list[Tensor]:
        """The gradients of the inputs, recorded if they are to be differentiated `again`; as `many` as weights, if these are batched."""
        used = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad]
        if not used:
            return [zeros(x, many) for x in self.inputs]
        targets, given = zip(*used, strict=True)
        found = grad(targets, self.inputs, given, retain_graph=True, create_graph=again, allow_unused=True, is_grads_batched=bool(many))
        return [self.present(g, x, again, many) for g, x in zip(found, self.inputs, strict=True)]

    def present(self, gradient: Tensor | None, like: Tensor, again: bool = False, many: tuple[int, ...] = ()) -> Tensor:
        if self.strict and (gradient is None or (again and not gradient.requires_grad)):
            raise RuntimeError(
                f"{self.name}: the result does not depend on an input of shape {tuple(like.shape)}, which strict=True does not allow"
            )
        return zeros(like, many) if gradient is None else gradient

    def done(self, results: Sequence[Tensor], one: bool) -> Any:
        """Results as the caller wants them."""
        found = [r if self.create_graph else r.detach() for r in results]
        return found[0] if one else tuple(found)


def listed(name: str, what: str, value: Any) -> list[Tensor]:
    found = [value] if isinstance(value, Tensor) else list(value) if isinstance(value, tuple | list) else None
    if found is None or not all(isinstance(t, Tensor) for t in found):
        raise TypeError(f"{name}: {what} must be a Tensor or a tuple of Tensors, got {type(value).__name__}")
    return found


def zeros(like: Tensor, many: tuple[int, ...] = ()) -> Tensor:
    return constant(np.zeros((*many, *like.shape), like.dtype))


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`(outputs, vᵀ J)`: the product of a vector of the outputs' shape and the Jacobian. One backward pass."""
    run = Run("vjp", func, inputs, create_graph, strict)
    products = run.pull(run.outputs, run.vectors(v, run.outputs, "outputs"), create_graph)
    return run.done(run.outputs, run.one_output), run.done(products, run.one_input)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`(outputs, J v)`: the derivative in the direction v, of the inputs' shape. Two backward passes."""
    run = Run("jvp", func, inputs, create_graph, strict)
    directions = run.vectors(v, run.inputs, "inputs")
    us = [constant(np.ones(tuple(o.shape), o.dtype)).requires_grad_() for o in run.outputs]
    with always_recording():
        products = run.pull(run.outputs, us, True)
    used = [(p, d) for p, d in zip(products, directions, strict=True) if p.requires_grad]
    found: Sequence[Any] = [None] * len(us)
    if used:
        found = grad([p for p, _ in used], us, [d for _, d in used], create_graph=create_graph, allow_unused=True)
    results = [run.present(f, o) for f, o in zip(found, run.outputs, strict=True)]
    return run.done(run.outputs, run.one_output), run.done(results, run.one_output)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian, of the output's shape followed by the input's; of several, a tuple by outputs of tuples by inputs.

    One backward pass for each element of the output, with `vectorize` all of them batched. The strategy "forward-mode" takes
    one for each element of the input instead, all of them batched.
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"jacobian: strategy is 'reverse-mode' or 'forward-mode', got {strategy!r}")
    if strategy == "forward-mode":
        if strict:
            raise RuntimeError("jacobian: strict=True is not supported together with strategy='forward-mode'")
        return by_forward_mode(func, inputs, create_graph)
    run = Run("jacobian", func, inputs, create_graph, strict)
    rows = []
    for output in run.outputs:
        n = output.numel()
        units = constant(np.eye(n, dtype=output.dtype).reshape(n, *output.shape))
        if vectorize or not n or not output.requires_grad:
            blocks = run.pull([output], [units], create_graph, many=(n,)) if n else [zeros(x, (0,)) for x in run.inputs]
        else:
            passes = [run.pull([output], [units[i]], create_graph) for i in range(n)]
            blocks = [shapes.concat(*[shapes.expand_dims(g, axis=0) for g in column], axis=0) for column in zip(*passes, strict=True)]
        rows.append([shapes.reshape(b, shape=(*output.shape, *x.shape)) for b, x in zip(blocks, run.inputs, strict=True)])
    made = tuple(run.done(row, run.one_input) for row in rows)
    return made[0] if run.one_output else made


def by_forward_mode(func: Callable[..., Any], inputs: Any, create_graph: bool) -> Any:
    from ..func import jacfwd

    given = [x if create_graph else x.detach() for x in listed("jacobian", "inputs", inputs)]
    found = jacfwd(func, tuple(range(len(given))))(*given)
    if isinstance(inputs, Tensor):
        return tuple(row[0] for row in found) if isinstance(found[0], tuple) else found[0]
    return found


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function that gives one number: for inputs of shapes X and Y, blocks of shape X + Y."""
    one = isinstance(inputs, Tensor)

    def first(*args: Tensor) -> Any:
        run = Run("hessian", func, args, True, strict)
        run.scalar()
        return tuple(run.pull(run.outputs, [constant(np.ones(tuple(run.outputs[0].shape), run.outputs[0].dtype))], True))

    found = jacobian(
        first, (inputs,) if one else inputs, create_graph=create_graph, strict=strict, vectorize=vectorize, strategy=outer_jacobian_strategy
    )
    return found[0][0] if one else found


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`(output, vᵀ H)` for a function that gives one number. Two backward passes."""
    run = Run("vhp", func, inputs, create_graph, strict)
    run.scalar()
    weights = run.vectors(v, run.inputs, "inputs")
    with always_recording():
        first = run.pull(run.outputs, [constant(np.ones(tuple(run.outputs[0].shape), run.outputs[0].dtype))], True)
    second = run.pull(first, weights, create_graph)
    return run.done(run.outputs, True), run.done(second, run.one_input)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """`(output, H v)` for a function that gives one number: as the Hessian is symmetric, `vhp` by another name."""
    return vhp(func, inputs, v, create_graph, strict)
