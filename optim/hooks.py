"""Functions that run around an optimizer's steps, and around saving and loading its state."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Self

from autograd_core.handles import HookHandle


class Hooks:
    """The hooks of one optimizer, of each kind in the order in which they run."""

    def __init__(self) -> None:
        self.running = False  # is a step with its hooks under way?
        self.before: dict[int, Callable[..., Any]] = {}  # of the step
        self.after: dict[int, Callable[..., Any]] = {}
        self.save_before: dict[int, Callable[..., Any]] = {}
        self.save_after: dict[int, Callable[..., Any]] = {}
        self.load_before: dict[int, Callable[..., Any]] = {}
        self.load_after: dict[int, Callable[..., Any]] = {}


class Hooked:
    """What has hooks from the beginning: so have copies, and a subclass that wraps another optimizer and is none itself."""

    _hooks: Hooks

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        made._hooks = Hooks()
        return made


everywhere = Hooks()  # those of all optimizers


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> HookHandle:
    """Call `hook(optimizer, args, kwargs)` before every step of every optimizer; a pair that it returns replaces the arguments."""
    return HookHandle(everywhere.before, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> HookHandle:
    """Call `hook(optimizer, args, kwargs)` after every step of every optimizer."""
    return HookHandle(everywhere.after, hook)


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """The method `step` of an optimizer with the hooks around it, and a note that a step was made."""

    @wraps(step)
    def with_hooks(*args: Any, **kwargs: Any) -> Any:
        optimizer = args[0]
        own = optimizer._hooks
        if own.running:  # the step of a subclass calls its parent's
            return step(*args, **kwargs)
        own.running = True
        try:
            for hook in (*everywhere.before.values(), *own.before.values()):
                answer = hook(optimizer, args, kwargs)
                if answer is not None:
                    if not (isinstance(answer, tuple) and len(answer) == 2):
                        raise RuntimeError(f"a step pre-hook returns None or a pair (args, kwargs), but one returned {answer!r}")
                    args, kwargs = answer
            optimizer._opt_called = True
            result = step(*args, **kwargs)
            for hook in (*own.after.values(), *everywhere.after.values()):
                hook(optimizer, args, kwargs)
            return result
        finally:
            own.running = False

    return with_hooks
