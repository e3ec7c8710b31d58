"""`Optimizer`: groups of parameters with their settings, and a rule that changes one parameter by its gradient."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import chain, count
from typing import Any, TypeAlias

import numpy as np

from autograd_core import writes
from autograd_core.modes import enable_grad
from autograd_core.tensor import Tensor, constant

from .blocks import Array

Params: TypeAlias = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]

new_id = count().__next__


class Optimizer:
    """The base of all optimizers: a subclass gives its `defaults` (settings by name) and defines `update`.

    `params` are Tensors, or (name, Tensor) pairs, or dictionaries with "params" and settings of their own. Raises
    TypeError and ValueError for parameters that cannot be optimized, see add_param_group.
    """

    def __init__(self, params: Params, defaults: dict[str, Any]):
        if isinstance(params, Tensor):
            raise TypeError("params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor")
        self.defaults = defaults
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._before: dict[int, Callable[..., Any]] = {}
        self._after: dict[int, Callable[..., Any]] = {}
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    # ------------------------------------------------------------------ the rule

    def update(self, param: Array, grad: Array, state: dict[str, Any], **group: Any) -> None:
        """Change `param` in place by its gradient, which stays as it is.

        `state` is the parameter's own, empty at first; `group` are the settings. Nothing is recorded here.
        """
        raise NotImplementedError("abstract: an Optimizer defines update")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update all parameters that have a gradient. A `closure` that computes the loss is called first; its loss is returned."""
        for hook in tuple(self._before.values()):
            hook(self, (), {"closure": closure})
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with np.errstate(all="ignore"):  # a gradient that overflowed makes the parameter so too, as in PyTorch
            self._update_all()
        for hook in tuple(self._after.values()):
            hook(self, (), {"closure": closure})
        return loss

    def _update_all(self) -> None:
        operation = type(self).__name__ + ".step"
        for group in self.param_groups:
            settings = {k: v.item() if isinstance(v, Tensor) else v for k, v in group.items() if k != "params"}
            for param in group["params"]:
                if param._grad is None:
                    continue
                state = self.state.get(param, {})
                self.update(param.array, param._grad.array, state, **settings)
                if state:
                    self.state[param] = state
                writes.note(param.array, operation)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop all gradients, or with `set_to_none=False` write zeros into them."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param._grad = None
                elif param._grad is not None:
                    param._grad.detach_().zero_()

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> StepHook:
        """Call `hook(optimizer, args, kwargs)` before every step."""
        return StepHook(self._before, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> StepHook:
        """Call `hook(optimizer, args, kwargs)` after every step."""
        return StepHook(self._after, hook)

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: hooks belong to the optimizer that they were registered with."""
        return {**self.__dict__, "_before": {}, "_after": {}}

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
        order = {id(param): k for k, param in reversed(list(enumerate(self._parameters())))}
        groups = [{**group, "params": [order[id(param)] for param in group["params"]]} for group in self.param_groups]
        return {"state": {order.get(id(key), key): value for key, value in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a copy of what `state_dict` gave: the next steps are those the other optimizer would have made, to the bit.

        Raises ValueError, and changes nothing, when groups or their numbers of parameters differ.
        """
        saved = [dict(group) for group in state_dict["param_groups"]]
        sizes, own = [len(group["params"]) for group in saved], [len(group["params"]) for group in self.param_groups]
        if len(sizes) != len(own):
            raise ValueError(f"loaded state dict has a different number of parameter groups: {len(sizes)}, here {len(own)}")
        if sizes != own:
            raise ValueError(
                f"loaded state dict contains a parameter group that doesn't match the size of optimizer's group: {sizes}, here {own}"
            )
        numbers = chain.from_iterable(group["params"] for group in saved)
        by_number = dict(zip(numbers, self._parameters(), strict=True))
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, entries in state_dict["state"].items():
            if key in by_number:
                state[by_number[key]] = {name: copied(name, value, by_number[key]) for name, value in entries.items()}
            else:
                state[key] = deepcopy(entries)
        groups = []
        for group, other in zip(self.param_groups, saved, strict=True):
            names = {"param_names": group["param_names"]} if "param_names" in group else {}
            others = {name: deepcopy(value) for name, value in other.items() if name != "params"}
            groups.append({**self.defaults, **names, **others, "params": group["params"]})
        self.state, self.param_groups = state, groups

    def _parameters(self) -> list[Tensor]:
        return [param for group in self.param_groups for param in group["params"]]


class StepHook:
    """What registering a step hook returns: `remove()` takes the hook off again."""

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]):
        self.id = new_id()
        self.hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        self.hooks.pop(self.id, None)


def copied(name: str, value: Any, param: Tensor) -> Any:
    """A copy of a value of the state, in the parameter's dtype (the number of steps keeps its own)."""
    if not isinstance(value, Tensor):
        return deepcopy(value)
    cast = name != "step" and param.array.dtype.kind in "fc" and value.array.dtype.kind in "fc"
    return constant(np.array(value.array, param.array.dtype if cast else value.array.dtype, order="C"))


def zeros_like(param: Array) -> Tensor:
    """State of a parameter's shape and dtype."""
    return constant(np.zeros(param.shape, param.dtype))


def counted(state: dict[str, Any]) -> float:
    """The number of this step, from 1, kept in the state's `step` as PyTorch keeps it."""
    if "step" not in state:
        state["step"] = constant(np.zeros((), np.float32))
    steps = state["step"].array
    steps += 1
    return steps.item()


def check(name: str, value: Any, below: float = float("inf")) -> None:
    """Raises ValueError unless the value is at least 0, and below the bound."""
    if not 0.0 <= float(value) < below and not (below == float("inf") == float(value)):
        raise ValueError(f"Invalid {name}: {value}")


def check_kinds(differentiable: bool, foreach: bool | None, fused: bool | None) -> None:
    """PyTorch's choices of how to compute: here there is one way, so they are only checked."""
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if differentiable:
        raise ValueError(
            "differentiable=True: the update is written in place, outside of any graph. To differentiate through it, compute it: "
            "w = w - lr * grad, with autograd.grad(..., create_graph=True)"
        )
