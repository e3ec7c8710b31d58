"""An optimizer's `state_dict` and `load_state_dict`: out and in again, all or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.dtypes import get_default_dtype
from autograd_core.tensor import Tensor, constant

if TYPE_CHECKING:
    from .optimizer import Optimizer

# Settings that came later than the first saved states: where they are missing, the optimizer's own stand.
LATER = frozenset("foreach fused maximize capturable differentiable decoupled_weight_decay amsgrad centered momentum nesterov".split())


def packed(optimizer: Optimizer) -> dict[str, Any]:
    """State and settings with numbers for parameters."""
    order = {id(param): k for k, param in reversed(list(enumerate(parameters(optimizer))))}
    groups = []
    for group in optimizer.param_groups:
        others = {name: value for name, value in group.items() if name != "params"}
        groups.append({**others, "params": [order[id(param)] for param in group["params"]]})
    return {"state": {order.get(id(key), key): value for key, value in optimizer.state.items()}, "param_groups": groups}


def unpacked(optimizer: Optimizer, given: Mapping[str, Any]) -> tuple[defaultdict[Any, dict[str, Any]], list[dict[str, Any]]]:
    """What becomes the optimizer's `state` and `param_groups`. Raises ValueError for what does not fit it."""
    saved = [dict(group) for group in given["param_groups"]]
    sizes, own = [len(group["params"]) for group in saved], [len(group["params"]) for group in optimizer.param_groups]
    if len(sizes) != len(own):
        raise ValueError(f"loaded state dict has a different number of parameter groups: {len(sizes)}, here {len(own)}")
    if sizes != own:
        raise ValueError(
            f"loaded state dict contains a parameter group that doesn't match the size of optimizer's group: {sizes}, here {own}"
        )
    if optimizer.always is not None:
        for group in saved:
            check_settings(optimizer, group)
    numbers = chain.from_iterable(group["params"] for group in saved)
    by_number = dict(zip(numbers, parameters(optimizer), strict=True))
    state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
    for key, entries in given["state"].items():
        if key not in by_number:
            state[key] = deepcopy(entries)
            continue
        param = by_number[key]
        if optimizer.always is not None:
            check_entries(optimizer, key, entries, param)
        state[param] = {name: number(value) if name in optimizer.numbers else copied(value, param) for name, value in entries.items()}
    groups = []
    for group, other in zip(optimizer.param_groups, saved, strict=True):
        names = {"param_names": group["param_names"]} if "param_names" in group else {}
        others = {name: deepcopy(value) for name, value in other.items() if name != "params"}
        groups.append({**optimizer.defaults, **names, **others, "params": group["params"]})
    return state, groups


def check_settings(optimizer: Optimizer, group: dict[str, Any]) -> None:
    missing = [name for name in optimizer.defaults if name not in group and name not in LATER]
    if missing:
        raise ValueError(
            f"loaded state dict is another optimizer's: {type(optimizer).__name__} needs the settings {missing}, "
            f"which are not among {[name for name in group if name != 'params']}"
        )


def check_entries(optimizer: Optimizer, key: Any, entries: Mapping[str, Any], param: Tensor) -> None:
    """Raises ValueError for entries that this optimizer does not have, lacks, or that do not fit, TypeError for what is no Tensor."""
    always = optimizer.always or ()
    if entries and not set(always) <= set(entries) <= {*always, *optimizer.sometimes}:
        raise ValueError(
            f"loaded state dict is another optimizer's: {type(optimizer).__name__} keeps {[*always, *optimizer.sometimes]} "
            f"of a parameter, but parameter {key} comes with {list(entries)}"
        )
    for name, value in entries.items():
        shape = optimizer.state_shape(name, param.array.shape)
        own = name not in optimizer.numbers and shape is not None  # it goes with this parameter, number by number
        if own and not isinstance(value, Tensor | None):
            raise TypeError(f"loaded state dict does not fit: {name} of parameter {key} is a {type(value).__name__}; make it a tensor")
        if isinstance(value, Tensor) and shape is not None and value.array.shape != shape:
            raise ValueError(
                f"loaded state dict does not fit: {name} of parameter {key} has shape {value.array.shape}, "
                f"but for a parameter of shape {param.array.shape} it is {shape}"
            )
        if own and isinstance(value, Tensor) and value.is_complex() != param.is_complex():
            raise ValueError(f"loaded state dict does not fit: {name} of parameter {key} is {value.dtype}, the parameter is {param.dtype}")


def number(value: Any) -> Any:
    """A copy of a number of the state in its own dtype; states saved long ago have Python's."""
    return constant(value.array.copy() if isinstance(value, Tensor) else np.array(value, number_dtype()))


def number_dtype() -> Any:
    """What numbers of the state are kept in: float32, or float64 where that is the default."""
    return np.float64 if get_default_dtype() == np.float64 else np.float32


def copied(value: Any, param: Tensor) -> Any:
    """A copy of a value of the state, in the parameter's dtype if both are real, or both complex."""
    if isinstance(value, list):
        return [copied(entry, param) for entry in value]
    if not isinstance(value, Tensor):
        return deepcopy(value)
    cast = param.array.dtype.kind == value.array.dtype.kind and param.array.dtype.kind in "fc"
    dtype = param.array.dtype if cast else value.array.dtype
    return constant(np.array(value.array, dtype, order="C"))


def parameters(optimizer: Optimizer) -> list[Tensor]:
    return [param for group in optimizer.param_groups for param in group["params"]]


def or_else(answer: Any, given: Any) -> Any:
    """What a hook returned, or what it was given if it returned nothing."""
    return given if answer is None else answer
