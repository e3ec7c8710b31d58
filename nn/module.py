"""`Module`: parameters, buffers and other modules under names, and a `forward` that computes with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from autograd_core.graph import Scope, thread
from autograd_core.tensor import Tensor

from . import state
from .convert import convert, converter
from .hooks import Hook, HookHandle, Hooks, call_hooked
from .members import Members

Self = TypeVar("Self", bound="Module")


class Module(Members):
    """The base of all layers and models: subclass it, assign Parameters and Modules in `__init__`, and define `forward`.

    `super().__init__()` comes first. What is assigned is found again by `parameters()`, `modules()`, `state_dict()` and
    their like. Calling the module runs `forward`, with the hooks that were registered, and marks every operation
    recorded meanwhile as done inside it.
    """

    _hooks: Hooks | None = None

    # ------------------------------------------------------------------ computing

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes."""
        raise NotImplementedError(f'abstract: Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outer = thread.scope
        thread.scope = Scope(self, outer)
        try:
            if self._hooks is None:
                return self.forward(*args, **kwargs)
            return call_hooked(self, self._hooks, args, kwargs)
        finally:
            thread.scope = outer

    # ------------------------------------------------------------------ changing all of them

    def apply(self: Self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below and on this one, children first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self: Self, mode: bool = True) -> Self:
        """Set `training` here and below: it decides what Dropout, BatchNorm and their like do."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """The same as train(False)."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Start or stop collecting the gradients of all Parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all Parameters, or with `set_to_none=False` write zeros into them."""
        for parameter in self.parameters():
            if set_to_none:
                parameter._grad = None
            elif parameter._grad is not None:
                parameter._grad.detach_().zero_()

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating-point and complex Parameters and buffers in place: `to(dtype)`, `to(device)`, `to(tensor)`.

        Raises TypeError for a dtype that is neither, RuntimeError for a device other than the CPU.
        """
        return self._apply(converter(*args, **kwargs))

    def _apply(self: Self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Put fn(tensor) in the place of every Parameter's data and gradient and of every buffer."""
        return convert(self, fn, recurse)

    def type(self: Self, dst_type: Any) -> Self:
        """Convert all Parameters and buffers to this dtype."""
        return self._apply(lambda t: t.to(dst_type))

    def float(self: Self) -> Self:
        """Convert floating-point Parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: Self) -> Self:
        """Convert floating-point Parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self: Self) -> Self:
        """Convert floating-point Parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def cpu(self: Self) -> Self:
        """Itself: everything is on the CPU."""
        return self

    # ------------------------------------------------------------------ state

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """Parameters and persistent buffers by dotted name, in order, sharing memory with the module's own.

        They are detached unless `keep_vars`. A module with something else to save overrides `get_extra_state`.
        """
        return state.collect(self, destination, prefix, keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> state.IncompatibleKeys:
        """Copy a `state_dict` into this module, or with `assign` put its tensors in the place of the module's own.

        Returns the missing and the unexpected keys. Raises RuntimeError with a list of all that does not fit: keys
        (unless not `strict`), shapes, dtypes, values that are not Tensors. Then nothing has been changed.
        """
        return state.load(self, state_dict, strict, assign)

    def get_extra_state(self) -> Any:
        """What to put into the `state_dict` besides tensors; only asked of modules that define it."""
        raise NotImplementedError("abstract: a module with state besides its tensors defines get_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what get_extra_state gave."""
        raise NotImplementedError("abstract: a module with state besides its tensors defines set_extra_state")

    # ------------------------------------------------------------------ hooks

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
        if self._hooks is None:
            self.__dict__["_hooks"] = Hooks()
        return self.__dict__["_hooks"]

    # ------------------------------------------------------------------ text

    def extra_repr(self) -> str:
        """What stands between the brackets of the printed module; a line for each item."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        own = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        if len(own) == 1 and not children:
            return f"{self._get_name()}({own[0]})"
        lines = "".join(f"\n  {line}" for line in own + children)
        return f"{self._get_name()}({lines}{chr(10) if lines else ''})"


def indented(text: str) -> str:
    """The text with two spaces before every line but the first."""
    return text.replace("\n", "\n  ")
