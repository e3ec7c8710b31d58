"""Weights that are kept normalised, of spectral norm 1, or orthogonal, as parametrizations."""

from __future__ import annotations

from typing import Any

from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from ..module import Module
from . import matrices
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Split a weight into its length `parametrizations.weight.original0` and its direction `original1`, and return the module.

    The lengths are of what is left when the index along `dim` is fixed; with None there is one of the whole. States with
    `weight_g` and `weight_v`, as of `utils.weight_norm`, can be loaded. Source: arXiv:1602.07868, equation 2.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(_OldNames(name))
    return module


class _WeightNorm(Module):
    def __init__(self, dim: int | None):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return matrices.of_length(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return matrices.lengths(weight, self.dim), weight


class _OldNames:
    """Renames `weight_g` and `weight_v` in a state that is being loaded."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, state_dict: Any, prefix: str, *others: Any) -> None:
        old = [f"{prefix}{self.name}_{letter}" for letter in "gv"]
        if all(key in state_dict for key in old):
            for k, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{self.name}.original{k}"] = state_dict.pop(key)


def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None) -> Module:
    """Divide a weight by its largest singular value, as a matrix with `dim` as its rows, and return the module.

    The value is estimated by the power method, so many steps each time the weight is read in training. `dim` None is 0, and 1 for
    transposed convolutions. Raises ValueError where the module has no such tensor, and for n_power_iterations below 1.
    Source: arXiv:1802.05957, algorithm 1.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{type(module).__name__} has no parameter or buffer with name {name!r}")
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, matrices.rows_of(module, dim), eps))


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim {dim} is out of range: the weight has {weight.ndim} dimensions")
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        self.n_power_iterations = n_power_iterations
        if weight.ndim > 1:
            with no_grad():
                matrix = matrices.as_matrix(weight, self.dim)
                h, w = matrix.shape
                self.register_buffer("_u", matrices.unit(matrix.new_empty(h).normal_(0, 1), eps))
                self.register_buffer("_v", matrices.unit(matrix.new_empty(w).normal_(0, 1), eps))
                matrices.power_method(matrix, self._u, self._v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return matrices.unit(weight, self.eps)
        matrix = matrices.as_matrix(weight, self.dim)
        if self.training:
            matrices.power_method(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        return weight / self._u.clone().vdot(matrix.mv(self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def orthogonal(module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True) -> Module:
    """Keep a matrix orthogonal (or unitary), with orthonormal rows or columns, whichever are fewer; and return the module.

    `orthogonal_map` is "matrix_exp" or "cayley" of a skew matrix, or "householder", a product of reflections; None is
    "matrix_exp" for square and complex matrices, else "householder". With `use_trivialization` a fixed matrix is multiplied
    by the result, and assigning to the weight sets that. Leading dimensions are batches.

    Raises ValueError for fewer than two dimensions, another map, and householder of complex matrices.
    Source: arXiv:1901.08428; arXiv:1909.09501 (trivializations).
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{type(module).__name__} has no parameter or buffer with name {name!r}")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}')
    if orthogonal_map == "householder" and weight.is_complex():
        raise ValueError("The householder parametrization does not support complex tensors.")
    return register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool = True):
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        if self.orthogonal_map == "householder":
            reflections = x.tril(-1)
            tau = 2 / (1 + (reflections * reflections).sum(-2))
            q = matrices.reflected(reflections, tau) * x.diagonal(dim1=-2, dim2=-1).detach().trunc().unsqueeze(-2)
        else:
            q = matrices.rotation(x, exponential=self.orthogonal_map == "matrix_exp")
        if self.use_trivialization and self.base is not None:
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}.")
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        if self.use_trivialization:
            self.base = matrices.completed(tall)
            return matrices.minus_identity(q)
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when use_trivialization=False."
            )
        x = matrices.reflections_of(tall)
        return x.mT if wide else x
