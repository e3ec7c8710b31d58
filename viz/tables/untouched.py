"""Running a model for looking: afterwards it is what it was, to the bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from typing import Any

import numpy as np

from autograd_core.random import fork_rng
from autograd_core.tensor import Tensor
from autograd_core.tree import tree_map
from nn import Module
from nn.hooks import Hooks
from nn.parameter import is_lazy


@contextmanager
def untouched(model: Module) -> Iterator[None]:
    """A block that may call the model, change its modes and hook to it: all of that is undone, and so are draws of random numbers.

    Inside, the modules have copies of their buffers and of Parameters that have no shape yet, so that batch statistics and
    lazy modules are written in the copies, and NumPy warns of nothing. Outside, graphs that were recorded before stay valid.
    """
    with ExitStack() as undo:
        undo.enter_context(fork_rng())
        undo.callback(random.setstate, random.getstate())  # the model's own draws, of Python's and NumPy's global generators
        undo.callback(np.random.set_state, np.random.get_state())
        undo.enter_context(np.errstate(all="ignore"))
        twins: dict[int, Any] = {}
        for module in model.modules():
            undo.callback(_kept(module))
            for members in (module._buffers, module._parameters):
                for name, tensor in members.items():
                    if tensor is not None and (members is module._buffers or is_lazy(tensor)):
                        members[name] = twins.setdefault(id(tensor), deepcopy(tensor))  # type: ignore[assignment]
        yield


def copied(inputs: Any) -> Any:
    """Nested tuples, lists and dicts with copies of their tensors, for a model that writes in what it is given."""
    twins: dict[int, Tensor] = {}

    def twin(value: Any) -> Any:
        if isinstance(value, Tensor) and id(value) not in twins:
            twins[id(value)] = value.clone()
        return twins.get(id(value), value)

    return tree_map(twin, inputs)


def _kept(module: Module) -> Any:
    """A function that gives the module its class, attributes, members and hooks of now back."""
    kind, own = type(module), dict(module.__dict__)
    members: list[tuple[Any, Any]] = [(held, dict(held)) for held in (module._parameters, module._buffers, module._modules)]
    hooks = own.get("_hooks")
    if isinstance(hooks, Hooks):
        members += [(held, dict(held)) for held in vars(hooks).values()]

    def restore() -> None:
        if type(module) is not kind:
            module.__class__ = kind
        module.__dict__.clear()
        module.__dict__.update(own)
        for now, before in members:
            now.clear()
            now.update(before)

    return restore
