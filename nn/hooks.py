"""Functions that run around a module's call and its backward pass, registered by `Module.register_*_hook`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core.function import Function
from autograd_core.graph import thread
from autograd_core.tensor import Tensor

if TYPE_CHECKING:
    from .module import Module


class Hook(NamedTuple):
    """A registered function and how it wants to be called."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False


class Hooks:
    """The hooks of one module, of each kind in the order in which they run."""

    def __init__(self) -> None:
        self.before: dict[int, Hook] = {}  # of the call
        self.after: dict[int, Hook] = {}
        self.backward_before: dict[int, Hook] = {}  # of the backward pass
        self.backward_after: dict[int, Hook] = {}

    def __bool__(self) -> bool:
        return bool(self.before or self.after or self.backward_before or self.backward_after)


everywhere = Hooks()  # of every module, see modules/module.py; each runs before the module's own


def in_order(own: Hooks, kind: str) -> tuple[tuple[int, Hook], ...]:
    """The hooks of a kind that run for a module, with their numbers."""
    mine = getattr(own, kind)
    return tuple(mine.items()) if own is everywhere else (*getattr(everywhere, kind).items(), *mine.items())


def call_hooked(module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The module's forward with all that was hooked to it."""
    result = None
    started: set[int] = set()
    try:
        args, kwargs = before_call(module, hooks, args, kwargs)
        before, after = in_order(hooks, "backward_before"), in_order(hooks, "backward_after")
        gates = Gates(module, before, after) if before or after else None
        if gates is not None:
            args = gates.enter(args)
        result = module.forward(*args, **kwargs)
        for key, hook in in_order(hooks, "after"):
            started.add(key)
            answer = call_after(hook, module, args, kwargs, result)
            if answer is not None:
                result = answer
        return result if gates is None else gates.leave(result)
    except Exception:
        for key, hook in in_order(hooks, "after"):
            if hook.always and key not in started:
                try:
                    answer = call_after(hook, module, args, kwargs, result)
                    result = result if answer is None else answer
                except Exception as error:
                    warnings.warn(
                        "module forward hook with ``always_call=True`` raised an exception "
                        f"that was silenced as another error was raised in forward: {error}",
                        stacklevel=3,
                    )
        raise


def before_call(module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments after the forward pre-hooks have seen and perhaps replaced them."""
    for _, hook in in_order(hooks, "before"):
        if hook.with_kwargs:
            answer = hook.function(module, args, kwargs)
            if answer is not None:
                if not (isinstance(answer, tuple) and len(answer) == 2):
                    raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {answer}.")
                args, kwargs = answer
        else:
            answer = hook.function(module, args)
            if answer is not None:
                args = answer if isinstance(answer, tuple) else (answer,)
    return args, kwargs


def call_after(hook: Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    return hook.function(module, args, kwargs, result) if hook.with_kwargs else hook.function(module, args, result)


# ---------------------------------------------------------------------- backward hooks


class Gate(Function):
    """The identity on several tensors, which hands the gradients of all of them to one function on their way back."""

    @staticmethod
    def forward(ctx: Any, on_gradients: Any, *tensors: Tensor) -> Any:
        ctx.on_gradients = on_gradients
        outputs = tuple(t.detach() for t in tensors)
        ctx.mark_non_differentiable(*[o for o, needed in zip(outputs, ctx.needs_input_grad[1:], strict=True) if not needed])
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        given = tuple(g if needed else None for g, needed in zip(gradients, ctx.needs_input_grad[1:], strict=True))
        return None, *(ctx.on_gradients(given) if thread.hooks else given)


class OutputGate(Gate):
    """The gate at the outputs: None stands for the gradient of one that nothing was computed from, here and inside the module."""

    @staticmethod
    def forward(ctx: Any, on_gradients: Any, *tensors: Tensor) -> Any:
        ctx.set_materialize_grads(False)
        return Gate.forward(ctx, on_gradients, *tensors)


class Gates:
    """The two gates around one call of a module: at the outer one its backward begins, at the inner one it is done.

    They hold the module, for it may be one that forward made for this call alone; the backward pass lets go of them.
    """

    def __init__(self, module: Module, before: tuple[tuple[int, Hook], ...], after: tuple[tuple[int, Hook], ...]):
        self.module = module
        self.before = tuple(hook for _, hook in before)
        self.after = tuple(hook for _, hook in after)
        self.count = 0
        self.guarded = False  # does a gradient come out at the inputs?
        self.outputs: tuple[Any, ...] | None = None  # the outputs' gradients, while the pass is inside the module

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.count = len(args)
        args, places = gated(Gate, args, lambda gradients: self.at_inputs(places, gradients))
        self.guarded = bool(places)
        return args

    def leave(self, result: Any) -> Any:
        several = isinstance(result, tuple)
        if not several and not isinstance(result, Tensor):
            warnings.warn(
                f"For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received {type(result)}",
                stacklevel=5,
            )
            return result
        count = len(result) if several else 1  # so that the function below holds no result
        values = result if several else (result,)
        results, places = gated(OutputGate, values, lambda gradients: self.at_outputs(count, places, gradients))
        return getattr(type(result), "_make", tuple)(results) if several else results[0]

    def at_outputs(self, count: int, places: list[int], gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        grad_output = spread(count, places, gradients)
        for hook in self.before:
            grad_output = replaced(grad_output, hook.function(self.module, grad_output), "pre hook", "grad_output")
        if self.guarded:
            self.outputs = grad_output
        else:
            self.without_inputs(grad_output)
        return tuple(grad_output[i] for i in places)

    def at_inputs(self, places: list[int], gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.outputs is None:  # a pass that reaches the inputs by another way than the module's outputs
            return gradients
        grad_output, self.outputs = self.outputs, None
        grad_input = spread(self.count, places, gradients)
        for hook in self.after:
            grad_input = replaced(grad_input, hook.function(self.module, grad_input, grad_output), "hook", "grad_input")
        return tuple(grad_input[i] for i in places)

    def without_inputs(self, grad_output: tuple[Any, ...]) -> None:
        """No input takes a gradient, so the hooks run where the outputs' gradients are known."""
        nothing = (None,) * self.count
        for hook in self.after:
            answer = hook.function(self.module, nothing, grad_output)
            if answer is not None and not (isinstance(answer, tuple) and all(g is None for g in answer)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for all gradients."
                )


def gated(
    gate: type[Gate], values: tuple[Any, ...], on_gradients: Callable[[tuple[Any, ...]], tuple[Any, ...]]
) -> tuple[tuple[Any, ...], list[int]]:
    """The values with their Tensors behind a gate, and where those stand; none are where nothing records."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not thread.grad or not any(values[i].requires_grad for i in places):
        return values, []
    behind = gate.apply(on_gradients, *[values[i] for i in places])
    return spread(len(values), places, behind, values), places


def spread(count: int, places: list[int], parts: tuple[Any, ...], others: tuple[Any, ...] | None = None) -> tuple[Any, ...]:
    """A tuple with the parts at their places, and None or the `others` elsewhere."""
    whole = [None] * count if others is None else list(others)
    for i, part in zip(places, parts, strict=True):
        whole[i] = part
    return tuple(whole)


def replaced(given: tuple[Any, ...], answer: Any, kind: str, what: str) -> tuple[Any, ...]:
    """What a backward hook made of the gradients. Raises RuntimeError where their number, a shape or a dtype is another."""
    if answer is None:
        return given
    answer = answer if isinstance(answer, tuple | list) else (answer,)
    if len(answer) != len(given):
        raise RuntimeError(f"Backward {kind} returned an invalid number of {what}, got {len(answer)}, but expected {len(given)}")
    for old, new in zip(given, answer, strict=True):
        if new is not None and not isinstance(new, Tensor):
            raise TypeError(f"Backward {kind} must return Tensors or None for {what}, got a {type(new).__name__}")
        if old is not None and new is not None and (old.shape, old.dtype) != (new.shape, new.dtype):
            raise RuntimeError(
                f"Backward {kind} has changed a {what} of shape {old.shape}, {old.dtype}, to one of shape {new.shape}, {new.dtype}"
            )
    return tuple(answer)
