"""`Optimizer`: groups of parameters with their settings, and a rule that changes one parameter by its gradient."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from autograd_core import writes
from autograd_core.handles import HookHandle
from autograd_core.modes import enable_grad, no_grad
from autograd_core.tensor import Tensor

from . import state
from .blocks import Array
from .hooks import Hooked, hooked, register_optimizer_step_post_hook, register_optimizer_step_pre_hook

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]


class Optimizer(Hooked):
    """The base of all optimizers: a subclass gives its `defaults` (settings by name) and defines `update` (or `step`).

    `params` are Tensors, or (name, Tensor) pairs, or dictionaries with "params" and settings of their own. Raises
    TypeError and ValueError for parameters that cannot be optimized, see add_param_group.
    """

    numbers: tuple[str, ...] = ("step",)  # what of a parameter's state is a number: it keeps its own dtype when it is loaded
    always: tuple[str, ...] | None = None  # what the state of a parameter holds, once it holds anything; None: nobody knows
    sometimes: tuple[str, ...] = ()  # and what it may hold besides
    _opt_called = False  # has a step been made since a schedule first looked?
    _scheduled = False  # is there such a schedule?

    def __init__(self, params: Params, defaults: dict[str, Any]):
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor")
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __init_subclass__(cls, **settings: Any):
        """A `step` that a subclass defines runs the hooks, too."""
        super().__init_subclass__(**settings)
        if "step" in cls.__dict__:
            cls.step = hooked(cls.__dict__["step"])  # type: ignore[method-assign]

    # ------------------------------------------------------------------ the rule

    def update(self, param: Array, grad: Array, state: dict[str, Any], /, **group: Any) -> None:
        """Change `param` in place by its gradient, which stays as it is.

        `state` is the parameter's own, empty at first; `group` are the settings. Nothing is recorded here.
        """
        raise NotImplementedError("abstract: an Optimizer defines update")

    def update_all(self, params: list[Tensor], settings: dict[str, Any]) -> None:
        """Change all parameters of a group that have a gradient."""
        for param in params:
            state = self.state.get(param, {})
            self.update(param.array, param._grad.array, state, **settings)  # type: ignore[union-attr]
            if state:
                self.state[param] = state

    def check_params(self, params: list[Tensor]) -> None:
        """Raise RuntimeError for parameters that a step cannot change: it asks before it changes any."""
        for param in params:
            if not param.array.flags.writeable:
                raise RuntimeError(
                    f"{type(self).__name__}: elements of a parameter of shape {param.array.shape} share memory (it was expanded, or "
                    "its array is read-only); clone() it before it becomes a parameter"
                )

    def state_shape(self, name: str, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """The shape of what the state holds under this name for a parameter of this shape; None: any."""
        return () if name in self.numbers else shape

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient. A `closure` that computes the loss is called first; its loss is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        operation = type(self).__name__ + ".step"
        groups = [
            ([param for param in group["params"] if param._grad is not None], settings_of(self, group)) for group in self.param_groups
        ]
        for params, _ in groups:
            self.check_params(params)
        with np.errstate(all="ignore"):  # a gradient that overflowed makes the parameter so too, as in PyTorch
            for params, settings in groups:
                for param in params:  # first, for an update that fails may have written
                    writes.note(param.array, operation)
                self.update_all(params, settings)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients, or with `set_to_none=False` write zeros into them."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param._grad = None
                elif param._grad is not None:
                    param._grad.detach_().zero_()

    # ------------------------------------------------------------------ groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, with settings of their own or else the defaults.

        Raises TypeError for what is no dictionary or no Tensor and for sets (they have no order), ValueError for
        computed tensors, for parameters that are in another group, and for names given to some only. Warns of a parameter
        that stands in the group twice.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group).__name__}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, a set is none. Please use a list instead.")
        listed = [given] if isinstance(given, Tensor) else list(given)
        names = [entry[0] for entry in listed if isinstance(entry, tuple)]
        params = [entry[1] if isinstance(entry, tuple) else entry for entry in listed]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is a {type(param).__name__}")
            if not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(set(params)) != len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        for group in self.param_groups:
            if ("param_names" in group) != bool(names):
                raise ValueError("all optimizer param groups should be with/without names")
            if not set(params).isdisjoint(group["params"]):
                raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append({**self.defaults, **param_group, "params": params, **({"param_names": names} if names else {})})

    def __repr__(self) -> str:
        groups = []
        for k, group in enumerate(self.param_groups):
            settings = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            groups.append(f"\nParameter Group {k}\n{settings}")
        return f"{type(self).__name__} ({''.join(groups)})"

    # ------------------------------------------------------------------ saving and loading

    def state_dict(self) -> dict[str, Any]:
        """What training needs to go on: `state` by the parameters' numbers, and `param_groups` with numbers for parameters.

        Its tensors are the optimizer's own, not copies.
        """
        for hook in tuple(self._hooks.save_before.values()):
            hook(self)
        saved = state.packed(self)
        for hook in tuple(self._hooks.save_after.values()):
            saved = state.or_else(hook(self, saved), saved)
        return saved

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a copy of what `state_dict` gave: the next steps are those the other optimizer would have made, to the bit.

        Raises ValueError, and changes nothing, when groups or their numbers of parameters differ, and for the state of
        another kind of optimizer or of parameters of other shapes; TypeError for another library's arrays.
        """
        given = dict(state_dict)
        for hook in tuple(self._hooks.load_before.values()):
            given = state.or_else(hook(self, given), given)
        with no_grad():
            loaded, groups = state.unpacked(self, given)
            self.__setstate__({"state": loaded, "param_groups": groups})
        for hook in tuple(self._hooks.load_after.values()):
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: hooks belong to the optimizer that they were registered with."""
        return {name: value for name, value in self.__dict__.items() if name != "_hooks"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """What a copy, a pickle and `load_state_dict` put in. A subclass may add settings here that older states lack."""
        self.__dict__.update(state)

    # ------------------------------------------------------------------ hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(optimizer, args, kwargs)` before every step, with its arguments; a pair that it returns replaces them."""
        return HookHandle(self._hooks.before, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> HookHandle:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return HookHandle(self._hooks.after, hook)

    def register_state_dict_pre_hook(self, hook: Callable[[Optimizer], None], prepend: bool = False) -> HookHandle:
        """Call `hook(optimizer)` before every `state_dict`; `prepend` puts it before the others."""
        return HookHandle(self._hooks.save_before, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call `hook(optimizer, state_dict)` after every `state_dict`; what it returns, if anything, replaces the result."""
        return HookHandle(self._hooks.save_after, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> HookHandle:
        """Call `hook(optimizer, state_dict)` before every `load_state_dict`; what it returns, if anything, is loaded instead."""
        return HookHandle(self._hooks.load_before, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[[Optimizer], None], prepend: bool = False) -> HookHandle:
        """Call `hook(optimizer)` after every `load_state_dict`."""
        return HookHandle(self._hooks.load_after, hook, prepend)


def settings_of(optimizer: Optimizer, group: dict[str, Any]) -> dict[str, Any]:
    """A group without its parameters, for a rule: the optimizer's own settings are numbers, also where they are tensors."""
    own = optimizer.defaults
    return {k: v.item() if k in own and isinstance(v, Tensor) else v for k, v in group.items() if k != "params"}


def check(name: str, value: Any, below: float = float("inf")) -> None:
    """Raises ValueError unless the value is a number (or a tensor of one) of at least 0, and below the bound; TypeError for no number."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(f"Invalid {name}: a tensor of {value.numel()} elements; it takes one number")
    number = value.item() if isinstance(value, Tensor) else value
    if not 0.0 <= number < below and not (below == float("inf") == number):
        raise ValueError(f"Invalid {name}: {value}")


def check_kinds(differentiable: bool = False, foreach: bool | None = None, fused: bool | None = None) -> None:
    """PyTorch's choices of how to compute: here there is one way, so they are only checked."""
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        raise ValueError(
            "differentiable=True: the update is written in place, outside of any graph. To differentiate through it, compute it: "
            "w = w - lr * grad, with autograd.grad(..., create_graph=True)"
        )


def refuse_complex(optimizer: Optimizer, params: list[Tensor]) -> None:
    """Raises RuntimeError for complex parameters."""
    if any(param.array.dtype.kind == "c" for param in params):
        raise RuntimeError(f"{type(optimizer).__name__} does not optimize complex parameters")


def as_float(loss: Any) -> float:
    """A loss as a number, whether it was recorded or not."""
    return loss.item() if isinstance(loss, Tensor) else float(loss)
