"""Spectral normalisation in its older form, by a hook before each call. `parametrizations.spectral_norm` is the newer one."""

from __future__ import annotations

from typing import Any

from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from ..module import Module
from ..parameter import Parameter, is_lazy
from . import matrices


def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None) -> Module:
    """Divide a weight by its largest singular value, as a matrix with `dim` as its rows, and return the module.

    The weight is computed again before each call from the Parameter `weight_orig` and the buffers `weight_u` and `weight_v`,
    which take so many steps of the power method in training. `dim` None is 0, and 1 for transposed convolutions. Raises
    RuntimeError where that is done already, ValueError for n_power_iterations below 1 and for a lazy module.
    Source: arXiv:1802.05957, algorithm 1.
    """
    if any(hook.name == name for _, hook in spectral_norms(module)):
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    if n_power_iterations <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    if is_lazy(weight):
        raise ValueError("spectral_norm: this lazy module has no weight yet: call it once first")
    hook = SpectralNorm(name, n_power_iterations, matrices.rows_of(module, dim), eps)
    with no_grad():
        h, w = matrices.as_matrix(weight, hook.dim).shape
        vectors = [matrices.unit(weight.new_empty(n).normal_(0, 1), eps) for n in (h, w)]
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for letter, vector in zip("uv", vectors, strict=True):
        module.register_buffer(f"{name}_{letter}", vector)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary Parameter of its normalised value, and return the module. Raises ValueError where it is one."""
    for key, hook in spectral_norms(module):
        if hook.name == name:
            weight = hook.weight(module, steps=0)
            for left in (name, f"{name}_orig", f"{name}_u", f"{name}_v"):
                delattr(module, left)
            module.register_parameter(name, Parameter(weight.detach()))
            del module._own_hooks().before[key]
            return module
    raise ValueError(f"spectral_norm of '{name}' not found in {module}")


class SpectralNorm:
    """The hook that computes the weight."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float):
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def weight(self, module: Module, steps: int) -> Tensor:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = matrices.as_matrix(weight, self.dim)
        if steps:
            matrices.power_method(matrix.mH, v, u, steps, self.eps)
            u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.weight(module, self.n_power_iterations if module.training else 0))


def spectral_norms(module: Module) -> list[tuple[int, SpectralNorm]]:
    return [(key, hook.function) for key, hook in module._own_hooks().before.items() if isinstance(hook.function, SpectralNorm)]
