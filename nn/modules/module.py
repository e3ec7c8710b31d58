"""Hooks that run for every module, in this process, until they are removed; each before the module's own of its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.handles import HookHandle

from ..hooks import Hook, everywhere
from ..module import Module


class HookHandleOfAll(HookHandle):
    """As a HookHandle. Modules without hooks find these as their class's, so calls are as quick as ever when there are none."""

    def __init__(self, hooks: dict[int, Hook], hook: Hook):
        super().__init__(hooks, hook)
        Module._hooks = everywhere

    def remove(self) -> None:
        super().remove()
        Module._hooks = everywhere if everywhere else None


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> HookHandle:
    """Call `hook(module, args)` before the forward of any module; what it returns, if anything, replaces the arguments."""
    return HookHandleOfAll(everywhere.before, Hook(hook))


def register_module_forward_hook(hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False) -> HookHandle:
    """Call `hook(module, args, output)` after the forward of any module. See Module.register_forward_hook."""
    return HookHandleOfAll(everywhere.after, Hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> HookHandle:
    """Call `hook(module, grad_output)` when the gradients of any module's outputs are known."""
    return HookHandleOfAll(everywhere.backward_before, Hook(hook))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> HookHandle:
    """Call `hook(module, grad_input, grad_output)` when the gradients of any module's inputs are known."""
    return HookHandleOfAll(everywhere.backward_after, Hook(hook))
