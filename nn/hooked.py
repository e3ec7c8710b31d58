"""The half of Module that registers functions to be run around its call, its backward pass, its saving and its loading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.handles import HookHandle

from .hooks import Hook, Hooks
from .members import Members
from .state import StateHook, StateHooks


class Hooked(Members):
    """What `register_*_hook` is called on. Each returns a handle whose `remove()` takes the hook off again."""

    _hooks: Hooks | None = None  # of the class: those of every module, while there are any
    _state_hooks: StateHooks | None = None

    # ------------------------------------------------------------------ the call

    def register_forward_pre_hook(self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False) -> HookHandle:
        """Call `hook(module, args)` before every forward; what it returns, if anything, replaces the arguments.

        `with_kwargs`: `hook(module, args, kwargs)`, which may return a pair. `prepend` puts it before the others.
        """
        return HookHandle(self._own_hooks().before, Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> HookHandle:
        """Call `hook(module, args, output)` after every forward; what it returns, if anything, replaces the output.

        `with_kwargs`: `hook(module, args, kwargs, output)`. `always_call` runs it also when forward raises.
        """
        return HookHandle(self._own_hooks().after, Hook(hook, with_kwargs, always_call), prepend)

    # ------------------------------------------------------------------ the backward pass

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_output)` when the gradients of the outputs are known; a tuple it returns replaces them."""
        return HookHandle(self._own_hooks().backward_before, Hook(hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are known.

        Both are tuples with None for what takes no gradient; keyword arguments are not looked at. A tuple it returns
        replaces the gradients of the inputs.
        """
        return HookHandle(self._own_hooks().backward_after, Hook(hook), prepend)

    def _own_hooks(self) -> Hooks:
        hooks: Hooks = self.__dict__.setdefault("_hooks", Hooks())
        return hooks

    # ------------------------------------------------------------------ state

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(module, prefix, keep_vars)` before this module's part of a `state_dict` is collected."""
        return HookHandle(self._own_state_hooks().before_saving, StateHook(hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after it; it may change the dictionary and must return None."""
        return HookHandle(self._own_state_hooks().after_saving, StateHook(hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call a hook before this module takes its part of a state, of which it may change the keys and values.

        `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`; what it adds to
        the three lists is told with the rest.
        """
        return HookHandle(self._own_state_hooks().before_loading, StateHook(hook, takes_module=True))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(module, incompatible_keys)` after a state was loaded; it may change the two lists, and must return None.

        Keys that it takes out of them are no error.
        """
        return HookHandle(self._own_state_hooks().after_loading, StateHook(hook))

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """As register_state_dict_post_hook; what the hook returns, if anything, replaces the dictionary."""
        return HookHandle(self._own_state_hooks().after_saving, StateHook(hook, may_replace=True))

    def _register_load_state_dict_pre_hook(self, hook: Callable[..., Any], with_module: bool = False) -> HookHandle:
        """As register_load_state_dict_pre_hook, for a hook that takes no module unless `with_module`."""
        return HookHandle(self._own_state_hooks().before_loading, StateHook(hook, takes_module=with_module))

    def _own_state_hooks(self) -> StateHooks:
        hooks: StateHooks = self.__dict__.setdefault("_state_hooks", StateHooks())
        return hooks
