"""`Function`: an operation of the user's with its own forward and backward, as in PyTorch."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from . import writes
from .graph import Node, thread
from .plan import Cotangents, Plan, pick, picked, record
from .tensor import Tensor, constant, current_node, on_node


class Context:
    """What `forward` leaves for `backward` (the `ctx` argument); other attributes may be set on it freely."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.dirty_tensors: tuple[Tensor, ...] = ()
        self.non_differentiable: tuple[Tensor, ...] = ()
        self.materialize_grads = True
        self.to_save: tuple[Tensor | None, ...] = ()
        self._current: tuple[Tensor | None, ...] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `backward`, where `ctx.saved_tensors` gives them back. Raises TypeError for anything else."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward: only Tensors and None, got a {type(t).__name__}; set other things as attributes of ctx"
                )
        self.to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """These inputs were changed in place and are returned."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """These outputs get no gradient."""
        self.non_differentiable = outputs

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for outputs that nothing was computed from."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """In `backward`: the tensors given to save_for_backward. Raises RuntimeError outside of it."""
        if self._current is None:
            raise RuntimeError("saved_tensors: only inside backward")
        return self._current


class FunctionOp:
    """The operation of a Function's nodes."""

    def __init__(self, function: type[Function]):
        self.name = function.__name__
        self.function = function
        self.call = function.apply


class Function:
    """Subclass with static `forward(ctx, *args)` and `backward(ctx, *gradients)`, call by `Sub.apply(*args)`.

    `backward` gets one gradient for each output and returns one for each argument of `forward` (None, both, for those that
    are not Tensors). Written in operations on Tensors it can itself be differentiated. Instead of taking `ctx` in
    `forward`, a static `setup_context(ctx, inputs, output)` may be defined.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("abstract: a Function defines forward")

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Any, ...], output: Any) -> None:
        raise NotImplementedError("abstract: only called where a Function defines it")

    @staticmethod
    def backward(ctx: Context, *gradients: Any) -> Any:
        raise NotImplementedError("abstract: a Function defines backward")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute, and record if an argument records."""
        if thread.batch is not None and thread.batch.meets(args):
            from .batch import example_by_example

            return example_by_example(cls.apply, args)
        tensors = [(i, a) for i, a in enumerate(args) if isinstance(a, Tensor)]
        recording = [(i, node) for i, a in tensors if thread.grad and (node := current_node(a)) is not None]
        context = Context(tuple(any(i == j for j, _ in recording) for i in range(len(args))))
        before, thread.grad = thread.grad, False
        try:
            if cls.setup_context is Function.setup_context:
                output = cls.forward(context, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(context, args, output)
        finally:
            thread.grad = before
        several = isinstance(output, tuple | list)
        outputs = tuple(output) if several else (output,)
        if not any(isinstance(o, Tensor) for o in outputs):
            told = "none in a tuple" if several else f"a {type(output).__name__}"
            raise TypeError(f"{cls.__name__}: forward must return Tensors, got {told}")
        for d in context.dirty_tensors:
            writes.note(d.array, cls.__name__)
        results = cls._record(context, outputs, args, recording) if recording else outputs
        if thread.watch is not None:
            for r in [r for r in results if isinstance(r, Tensor)]:
                thread.watch(FunctionOp(cls), [a.array for _, a in tensors], r.array, r.node)
        return output if not recording else results if several else results[0]

    @classmethod
    def _record(cls, context: Context, given: tuple[Any, ...], args: tuple[Any, ...], recording: list[tuple[int, Node]]) -> Any:
        places = [k for k, o in enumerate(given) if isinstance(o, Tensor)]
        outputs: list[Tensor] = [given[k] for k in places]
        if context.dirty_tensors:
            from .faces.inplace import begin, rebase

            for d in context.dirty_tensors:
                begin(cls.__name__, d)  # raises for a leaf that requires grad
        nodes = tuple(node for _, node in recording)
        position = {id(a): k for k, (i, _) in enumerate(recording) for a in (args[i],)}
        origin: list[tuple[str, int]] = []  # where each saved tensor comes from, so that it is held without its node
        for t in context.to_save:
            index = next((k for k, o in enumerate(outputs) if o is t), None)
            origin.append(("out", index) if index is not None else ("in", position[id(t)]) if id(t) in position else ("", 0))
        saved = (context, *(None if t is None else t.array for t in context.to_save))
        inputs = [i for i, _ in recording]
        kept = tuple(f"input{k}" if kind == "in" else "out" if kind and len(outputs) == 1 else "" for kind, k in origin)
        plan = Plan(FunctionOp(cls), tuple(inputs), *_pulls(cls, origin, inputs, len(args), places, len(given)), names=("ctx", *kept))
        if len(outputs) == 1:
            array = outputs[0].array
            results: tuple[Tensor, ...] = (
                on_node(array, record(plan, saved, nodes, array.shape, array.dtype) if array.dtype.kind in "fc" else None),
            )
        else:
            results, _ = picked(plan, saved, nodes, [o.array for o in outputs])
        context.to_save = ()
        for o, r in zip(outputs, results, strict=True):
            if any(o is c for c in context.non_differentiable):
                r.node = None
            if r.node is not None and any(o is d for d in context.dirty_tensors):
                rebase(o, r.node)
        dirty, context.dirty_tensors, context.non_differentiable = context.dirty_tensors, (), ()
        made = [o if any(o is d for d in dirty) else r for o, r in zip(outputs, results, strict=True)]
        return tuple(made[places.index(k)] if k in places else o for k, o in enumerate(given))


def _pulls(
    cls: type[Function], origin: list[tuple[str, int]], inputs: list[int], count: int, places: list[int], outputs: int
) -> tuple[Any, Any]:
    """The two pull functions of one call's plan: on arrays, and on Tensors for a recorded pass.

    `places` tells which of the `outputs` are Tensors.
    """

    def run(context: Context, gradient: Any, current: tuple[Tensor | None, ...]) -> list[Any]:
        several = isinstance(gradient, Cotangents)
        filled = (gradient,) if not several else gradient.filled() if context.materialize_grads else tuple(gradient)
        wrapped: list[Any] = [None] * outputs
        for k, g in zip(places, filled, strict=True):
            wrapped[k] = g if g is None or isinstance(g, Tensor) else constant(np.asarray(g))
        context._current = current
        try:
            answer = cls.backward(context, *wrapped)
        finally:
            context._current = None
        answers = tuple(answer) if isinstance(answer, tuple | list) else (answer,)
        if len(answers) < count or any(a is not None for a in answers[count:]):
            raise RuntimeError(f"{cls.__name__}: backward returned {len(answers)} gradients, but forward takes {count} arguments")
        for a in answers:
            if a is not None and not isinstance(a, Tensor):
                raise TypeError(f"{cls.__name__}: backward must return Tensors or None, got a {type(a).__name__}")
        return [answers[i] for i in inputs]

    def pull(gradient: Any, saved: tuple[Any, ...]) -> list[Any]:
        current = tuple(None if a is None else constant(a) for a in saved[1:])
        return [None if a is None else a.array for a in run(saved[0], gradient, current)]

    def pull_tensors(node: Node, gradient: Any, saved: Any = None) -> list[Any]:
        saved = saved or node.saved or ()
        current = tuple(None if a is None else on_node(a, _origin(node, o)) for a, o in zip(saved[1:], origin, strict=True))
        return run(saved[0], gradient, current)

    return pull, pull_tensors


def _origin(node: Node, origin: tuple[str, int]) -> Node | None:
    """The node of a saved tensor: an input's, an output's (made again, on the node itself), or none."""
    kind, k = origin
    if kind == "in":
        return node.parents[k]
    if kind == "out":
        if not isinstance(node.dtype, tuple):  # the only output
            return node
        return record(pick, (k, node.shape, node.dtype), (node,), node.shape[k], node.dtype[k])
    return None


def once_differentiable(backward: Any) -> Any:
    """Decorate a Function's `backward` that cannot be differentiated: a second derivative through it is an error."""

    @wraps(backward)
    def inner(ctx: Context, *gradients: Any) -> Any:
        recorded = thread.grad
        before, thread.grad = thread.grad, False
        try:
            answer = backward(ctx, *gradients)
        finally:
            thread.grad = before
        if not recorded:
            return answer
        answers = answer if isinstance(answer, tuple) else (answer,)
        return tuple(a if a is None else _Refuse.apply(a, *[t for t in (*gradients, *ctx.saved_tensors) if t is not None]) for a in answers)

    return staticmethod(inner) if not isinstance(backward, staticmethod) else inner


class _Refuse(Function):
    @staticmethod
    def forward(ctx: Context, value: Tensor, *gradients: Tensor) -> Tensor:
        return value.detach()

    @staticmethod
    def backward(ctx: Context, *gradients: Any) -> Any:
        raise RuntimeError("once_differentiable: this backward was declared not differentiable a second time")
