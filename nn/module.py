"""`Module`: parameters, buffers and other modules under names, and a `forward` that computes with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from autograd_core.creation import empty_like
from autograd_core.dtypes import float16, float32, float64
from autograd_core.graph import Scope, thread
from autograd_core.tensor import Tensor

from . import state
from .convert import convert, converter, floats_to
from .hooked import Hooked
from .hooks import call_hooked

Self = TypeVar("Self", bound="Module")


class Module(Hooked):
    """The base of all layers and models: subclass it, assign Parameters and Modules in `__init__`, and define `forward`.

    `super().__init__()` comes first. What is assigned is found again by `parameters()`, `modules()`, `state_dict()` and
    their like. Calling the module runs `forward`, with the hooks that were registered, and marks every operation
    recorded meanwhile as done inside it.
    """

    _version = 1  # of its state, for load_state_dict pre-hooks

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
        """Put fn(tensor) in the place of every Parameter's data and gradient and of every buffer; extended where there is more."""
        return convert(self, fn, recurse)

    def type(self: Self, dst_type: Any) -> Self:
        """Convert all Parameters and buffers to this dtype."""
        return self._apply(lambda t: t.to(dst_type))

    def float(self: Self) -> Self:
        """Convert floating-point Parameters and buffers to float32."""
        return self._apply(floats_to(float32))

    def double(self: Self) -> Self:
        """Convert floating-point Parameters and buffers to float64."""
        return self._apply(floats_to(float64))

    def half(self: Self) -> Self:
        """Convert floating-point Parameters and buffers to float16."""
        return self._apply(floats_to(float16))

    def bfloat16(self: Self) -> Self:
        """Convert floating-point Parameters and buffers to bfloat16, which stores but does not compute (an extra)."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self: Self) -> Self:
        """Itself: everything is on the CPU."""
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """Raises RuntimeError, as everything is on the CPU."""
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self: Self, *, device: Any, recurse: bool = True) -> Self:
        """Put tensors of the same shapes, with any numbers in them, in the place of all Parameters and buffers."""
        return self._apply(lambda t: empty_like(t, device=device), recurse)

    # ------------------------------------------------------------------ state

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """Parameters and persistent buffers by dotted name, in order, sharing memory with the module's own.

        They are detached unless `keep_vars`. A module with something else to save overrides `get_extra_state`. The three
        arguments may also be given by position.
        """
        given = {"destination": destination, "prefix": prefix, "keep_vars": keep_vars}
        given |= dict(zip(given, args))
        return state.collect(self, **given)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> state.IncompatibleKeys:
        """Copy a `state_dict` into this module, or with `assign` put its tensors in the place of the module's own.

        Returns the missing and the unexpected keys. Raises RuntimeError with a list of all that does not fit: keys
        (unless not `strict`), shapes, dtypes, values that are not Tensors. Then nothing has been changed.
        """
        return state.load(self, state_dict, strict, assign)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Add what this module itself has; to be extended by modules that save something in another form."""
        state.save_own(self, destination, prefix, keep_vars)
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + state.EXTRA] = self.get_extra_state()

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Take what this module itself has; to be extended by modules that first change keys and values of `state_dict`.

        `state_dict` has the keys of this module and of those below it. What is taken is written when all modules have taken
        theirs and nothing was wrong.
        """
        takes_extra = type(self).set_extra_state is not Module.set_extra_state
        state.take_own(self, state_dict, prefix, local_metadata, strict, (missing_keys, unexpected_keys, error_msgs))
        if takes_extra:
            state.take_extra(self, state_dict, prefix, strict, missing_keys)
        if strict:
            unexpected_keys += state.unknown_keys(self, state_dict, prefix, takes_extra)

    def get_extra_state(self) -> Any:
        """What to put into the `state_dict` besides tensors; only asked of modules that define it."""
        raise NotImplementedError("abstract: a module with state besides its tensors defines get_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what get_extra_state gave."""
        raise NotImplementedError("abstract: a module with state besides its tensors defines set_extra_state")

    # ------------------------------------------------------------------ text

    def extra_repr(self) -> str:
        """What stands between the brackets of the printed module; a line for each item."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        text = self.extra_repr()
        own = text.split("\n") if text else []
        children = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        if len(own) == 1 and not children:
            return f"{self._get_name()}({own[0]})"
        lines = "".join(f"\n  {line}" for line in own + children)
        return f"{self._get_name()}({lines}{chr(10) if lines else ''})"


def indented(text: str) -> str:
    """The text with two spaces before every line but the first."""
    return text.replace("\n", "\n  ")
