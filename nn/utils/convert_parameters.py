"""Parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from autograd_core.errors import ShapeError
from autograd_core.faces.joining import cat
from autograd_core.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements, one parameter after the other, as one vector; recorded, so that gradients flow back to each."""
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parameters parts of this vector, one after the other; they share its memory.

    Raises TypeError unless `vec` is a Tensor, ShapeError when it has too few elements, RuntimeError for integers where one of
    them requires grad.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, got a {type(vec).__name__}")
    start = 0
    listed = list(parameters)
    needed = sum(p.numel() for p in listed)
    if needed > vec.numel():
        raise ShapeError(f"vector_to_parameters: the parameters have {needed} elements, the vector {vec.numel()}")
    if vec.array.dtype.kind in "biu" and any(p.requires_grad for p in listed):
        raise RuntimeError(f"vector_to_parameters: a parameter that requires grad cannot hold {vec.dtype}")
    for parameter in listed:
        end = start + parameter.numel()
        parameter.data = vec.detach()[start:end].reshape(tuple(parameter.shape))
        start = end
