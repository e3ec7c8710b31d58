"""Weight normalisation in its older form, by a hook before each call. `parametrizations.weight_norm` is the newer one."""

from __future__ import annotations

from typing import Any

from autograd_core.tensor import Tensor

from ..module import Module
from ..parameter import Parameter, is_lazy
from . import matrices


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Split a weight into its length `weight_g` and its direction `weight_v`, and return the module.

    The lengths are of what is left when the index along `dim` is fixed; with None there is one of the whole. The weight is
    computed again before each call. Raises RuntimeError where that is done already, ValueError for a lazy module, TypeError for
    what is no Parameter, IndexError for a `dim` that it does not have.
    Source: arXiv:1602.07868, equation 2.
    """
    if any(hook.name == name for _, hook in weight_norms(module)):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError("weight_norm: this lazy module has no weight yet: call it once first")
    if not isinstance(weight, Parameter):
        raise TypeError(f"weight_norm: {name!r} must be a Parameter, it is a {type(weight).__name__}")
    hook = WeightNorm(name, -1 if dim is None else dim)
    lengths = matrices.lengths(weight.detach(), hook.dim)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(lengths))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module)
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight one Parameter again, and return the module. Raises ValueError where it was not split."""
    for key, hook in weight_norms(module):
        if hook.name == name:
            weight = hook.weight(module)
            for left in (name, f"{name}_g", f"{name}_v"):
                delattr(module, left)
            module.register_parameter(name, Parameter(weight.detach()))
            del module._own_hooks().before[key]
            return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")


class WeightNorm:
    """The hook that computes the weight."""

    def __init__(self, name: str, dim: int):
        self.name = name
        self.dim = dim

    def weight(self, module: Module) -> Tensor:
        return matrices.of_length(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)

    def __call__(self, module: Module, args: Any = None) -> None:
        setattr(module, self.name, self.weight(module))


def weight_norms(module: Module) -> list[tuple[int, WeightNorm]]:
    return [(key, hook.function) for key, hook in module._own_hooks().before.items() if isinstance(hook.function, WeightNorm)]
