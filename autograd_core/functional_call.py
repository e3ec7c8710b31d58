"""Calling a module with other parameters than its own, for the transforms of `func`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .tensor import Tensor


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """What `module(*args, **kwargs)` gives with the parameters and buffers in a dictionary (or several), by their dotted names.

    Those not named are the module's own. With `tie_weights` a parameter that several names share is replaced under all of
    them. The module is as before afterwards, also after an error; meanwhile other threads would see the change. Raises
    ValueError for a name given twice, with `strict` RuntimeError for names unknown or missing.
    """
    given: dict[str, Any] = {}
    for part in [parameter_and_buffer_dicts] if isinstance(parameter_and_buffer_dicts, dict) else parameter_and_buffer_dicts:
        if again := given.keys() & part.keys():
            raise ValueError(f"functional_call: {sorted(again)} are given by more than one dictionary")
        given |= part
    places = places_of(module)
    unknown = sorted(given.keys() - places.keys())
    if unknown and not strict:
        raise KeyError(f"functional_call: the module has no parameter or buffer named {unknown}")
    if tie_weights:
        given |= tied(places, {name: value for name, value in given.items() if name in places})
    if strict and given.keys() != places.keys():
        raise RuntimeError(f"functional_call: unknown names {unknown}, missing names {sorted(places.keys() - given.keys())}")
    before = {name: places[name][0][places[name][1]] for name in given}
    try:
        for name, value in given.items():
            members, key = places[name]
            members[key] = value
        return module(*(args if isinstance(args, tuple) else () if args is None else (args,)), **(kwargs or {}))
    finally:
        for name, value in before.items():
            members, key = places[name]
            members[key] = value


def places_of(module: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """Where each parameter and buffer is kept, by its dotted name."""
    found = {}
    for prefix, owner in module.named_modules(remove_duplicate=False):
        for members in (owner._parameters, owner._buffers):
            for key, value in members.items():
                if value is not None:
                    found[f"{prefix}.{key}" if prefix else key] = (members, key)
    return found


def tied(places: dict[str, tuple[dict[str, Any], str]], given: dict[str, Any]) -> dict[str, Any]:
    """The other names of the tensors that are replaced, with what replaces them. Raises ValueError where it is not one thing."""
    names: dict[int, list[str]] = {}
    for name, (members, key) in places.items():
        names.setdefault(id(members[key]), []).append(name)
    more = {}
    for name in given:
        members, key = places[name]
        for other in names[id(members[key])]:
            if other not in given:
                more[other] = given[name]
            elif given[other] is not given[name]:
                raise ValueError(f"functional_call: {name} and {other} are one tensor of the module, but two different ones were given")
    return more


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of modules of one kind, stacked along a new first dimension: an ensemble, for vmap."""
    from .faces.joining import stack

    if not models:
        raise RuntimeError("stack_module_state: needs at least one model")
    if len({type(m) for m in models}) > 1 or len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: the models must be of one class, and all in train or all in eval mode")

    def stacked(named: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: stack([n[name].detach() for n in named], 0).requires_grad_(named[0][name].requires_grad) for name in named[0]}

    return stacked([dict(m.named_parameters()) for m in models]), stacked([dict(m.named_buffers()) for m in models])
