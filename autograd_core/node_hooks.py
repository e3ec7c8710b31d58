"""Hooks on nodes and on what a leaf has collected: `Node.register_hook`, `register_prehook`, `register_post_accumulate_grad_hook`.

A hooked node gets a plan of its own, which calls the hooks around what the operation's plan does. A leaf has no plan:
it carries marks among its hooks that `backward` looks for when it fills `.grad`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import ShapeError
from .graph import Node, accumulating, fitted, thread
from .plan import Cotangents, Plan
from .tensor import Tensor, constant
from .tensor_hooks import Handle

Hook = Callable[..., Any]


def add_hook(node: Node, hook: Hook, before: bool) -> Handle | PlanHandle:
    """Call `hook` before or after the node's step; what is returned takes it off again."""
    node = node.call
    if node.plan is None:
        return Handle(node, LeafHook("prehook" if before else "hook", hook))
    if not isinstance(node.plan, HookedPlan):
        node.plan = hooked(node.plan, node.parents)
    return PlanHandle(node.plan.before if before else node.plan.after, hook)


def output_number(node: Node) -> int:
    """Which of the results of its call this node stands for."""
    return node.saved[0] if node.call is not node and node.saved else 0


def at_places(plan: Plan | None, parts: Sequence[Any], missing: Any) -> tuple[Any, ...]:
    """What belongs to the arguments that record, among `missing` for the others, as far as the operation says what it takes."""
    declared = getattr(plan and plan.op, "arguments", ())
    if plan is None or not declared or plan.op.variadic:
        return tuple(parts)
    whole = [missing] * len(declared)
    for i, part in zip(plan.inputs, parts, strict=True):
        whole[i] = part
    return tuple(whole)


class PlanHandle:
    """What registering a hook on a node returns: `remove()` takes it off again; also a context manager."""

    def __init__(self, entries: list[tuple[Hook]], hook: Hook):
        self.entries = entries
        self.entry = (hook,)  # an object of its own: one function may be registered twice
        entries.append(self.entry)

    def remove(self) -> None:
        self.entries[:] = [entry for entry in self.entries if entry is not self.entry]

    def __enter__(self) -> PlanHandle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


# ---------------------------------------------------------------------- around an operation's step


class HookedPlan(Plan):
    """The plan of a node with hooks."""

    __slots__ = ("after", "before")
    before: list[tuple[Hook]]
    after: list[tuple[Hook]]


def hooked(plan: Plan, parents: tuple[Node, ...]) -> HookedPlan:
    """This plan of a node with these parents, with (as yet empty) lists of hooks."""
    before: list[tuple[Hook]] = []
    after: list[tuple[Hook]] = []

    def around(step: Callable[[Any], Any], gradient: Any) -> Any:
        if not thread.hooks:
            return step(gradient)
        for (hook,) in tuple(before):
            given = outputs_of(gradient)
            gradient = with_outputs(gradient, replaced("prehook", given, hook(given)))
        parts = [None if p is None else fitted(p, parent, plan) for p, parent in zip(step(gradient), parents, strict=True)]
        for (hook,) in tuple(after):
            given = at_places(plan, [as_tensor(p) for p in parts], None)
            answer = replaced("hook", given, hook(given, outputs_of(gradient)))
            if answer is not given:
                places = at_places(plan, range(len(parts)), None)
                parts = [like(part, answer[places.index(k)]) for k, part in enumerate(parts)]
        return parts

    def pull(gradient: Any, saved: Any) -> Any:
        return around(lambda g: plan.pull(g, saved), gradient)

    def pull_tensors(node: Node, gradient: Any) -> Any:
        return around(lambda g: plan.pull_tensors(node, g), gradient)

    made = HookedPlan(plan.op, plan.inputs, pull, pull_tensors, plan.keep, plan.shapes, plan.names, plan.frees)
    made.before, made.after = before, after
    return made


def as_tensor(gradient: Any) -> Any:
    """A gradient as hooks get it: a Tensor whose memory is nobody else's, so that writing into it changes no neighbour's."""
    if gradient is None or isinstance(gradient, Tensor):
        return gradient
    if isinstance(gradient, Cotangents):
        return tuple(as_tensor(g) for g in gradient)
    return constant(np.array(gradient))


def like(before: Any, answer: Any) -> Any:
    """What a hook returned, as an array where the pass is one of arrays. Raises ShapeError for another shape."""
    if answer is None or before is None:
        return None if answer is None else answer.array
    if answer.shape != before.shape:
        raise ShapeError(f"hook: returned shape {tuple(answer.shape)}, but the gradient is {tuple(before.shape)}")
    return answer if isinstance(before, Tensor) else answer.array


def outputs_of(gradient: Any) -> tuple[Any, ...]:
    """The grad_outputs of a step: one for each result of the call."""
    return as_tensor(gradient) if isinstance(gradient, Cotangents) else (as_tensor(gradient),)


def with_outputs(gradient: Any, outputs: tuple[Any, ...]) -> Any:
    if isinstance(gradient, Cotangents):
        return Cotangents([like(g, o) for g, o in zip(gradient, outputs, strict=True)], gradient.shape, gradient.dtype)
    return like(gradient, outputs[0])


def replaced(kind: str, given: tuple[Any, ...], answer: Any) -> tuple[Any, ...]:
    """What a hook made of the gradients: what it returned, or None for what it was given (which it may have written into)."""
    if answer is None:
        return given
    answers = answer if isinstance(answer, tuple | list) else (answer,)
    if len(answers) != len(given):
        raise RuntimeError(f"{kind}: returned {len(answers)} gradients, but there are {len(given)}")
    for a in answers:
        if a is not None and not isinstance(a, Tensor):
            raise TypeError(f"{kind}: must return Tensors or None, got a {type(a).__name__}")
    return tuple(answers)


# ---------------------------------------------------------------------- around the filling of a leaf's .grad


class LeafHook:
    """A mark among a leaf's hooks: what is called when its `.grad` is filled. In the pass itself it does nothing."""

    def __init__(self, kind: str, function: Hook):
        self.kind = kind  # "prehook" before, "accumulated" and then "hook" after
        self.function = function

    def __call__(self, gradient: Any) -> Any:
        return gradient


def post_accumulate(tensor: Tensor, hook: Callable[[Tensor], None]) -> Handle:
    """Call `hook(tensor)` whenever a backward pass has added to the `.grad` of this leaf."""
    if tensor.node is None:
        raise RuntimeError("register_post_accumulate_grad_hook: this tensor does not require grad")
    if not tensor.is_leaf:
        raise RuntimeError("register_post_accumulate_grad_hook: only for leaf tensors; a computed one has register_hook and retain_grad")
    return Handle(tensor.node, LeafHook("accumulated", hook))


def fill(tensor: Tensor, node: Node, gradient: Any, accumulate: Callable[[Tensor, Any], None]) -> None:
    """Add a gradient to the `.grad` of a leaf with hooks."""
    hooks = [hook for hook in node.hooks or () if isinstance(hook, LeafHook)]
    for hook in hooks:
        if hook.kind == "prehook":
            given = outputs_of(gradient)
            gradient = with_outputs(gradient, replaced("prehook", given, hook.function(given)))
    if gradient is not None:
        with accumulating:
            accumulate(tensor, gradient)
    for hook in hooks:
        if hook.kind == "accumulated":
            hook.function(tensor)
    for hook in hooks:
        if hook.kind == "hook" and hook.function((), outputs_of(gradient)) not in (None, ()):
            raise RuntimeError("hook: the node of a leaf hands on no gradients, so its hooks return None")
