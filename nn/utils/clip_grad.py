"""Keeping gradients from growing too large."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_core import writes
from autograd_core.tensor import Tensor, constant


def get_total_norm(
    tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all tensors together, as if they were one vector, a 0-d tensor.

    `norm_type` may be infinite. Raises RuntimeError for integers, and for a norm that is not finite if `error_if_nonfinite`.
    """
    arrays = [t.array for t in _listed(tensors)]
    if wrong := [a.dtype for a in arrays if a.dtype.kind not in "fc"]:
        raise RuntimeError(f"get_total_norm: only floating-point and complex tensors have a norm, got {wrong[0]}")
    p = float(norm_type)
    norms = np.array([norm(a, p) for a in arrays if a.size])
    total = norm(norms, p).astype(np.result_type(*{a.real.dtype for a in arrays})) if arrays else np.float32(0)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {p} for gradients from `parameters` is non-finite, so it cannot be clipped. To disable this "
            "error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return constant(np.asarray(total))


def norm(array: np.ndarray[Any, Any], p: float) -> Any:
    """(Σ |x|^p)^(1/p) over all elements."""
    flat = array.reshape(-1)
    if flat.dtype.itemsize < 4:
        flat = flat.astype(np.float32)
    if p == 2 and flat.dtype.kind == "f":
        return np.sqrt(np.dot(flat, flat))
    return np.linalg.norm(flat, p) if flat.size else flat.dtype.type(0)


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients, in place, so that their norm together is at most `max_norm`; returns the norm before.

    Raises RuntimeError for a norm that is not finite if `error_if_nonfinite`. Source: arXiv:1211.5063, algorithm 1.
    """
    listed = _listed(parameters)
    total = get_total_norm([p._grad for p in listed if p._grad is not None], norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(listed, max_norm, total, foreach)
    return total


def clip_grads_with_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale the gradients, in place, by max_norm / total_norm if that is below 1."""
    factor = float(max_norm) / (float(total_norm) + 1e-6)
    if factor < 1 or factor != factor:
        for gradient in _gradients(parameters):
            np.multiply(gradient, factor, out=gradient)
            writes.note(gradient, "clip_grad_norm_")


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clamp the gradients' elements, in place, to ±clip_value. Raises RuntimeError for complex ones, which have no order."""
    bound = float(clip_value)
    gradients = _gradients(parameters)
    if any(gradient.dtype.kind == "c" for gradient in gradients):
        raise RuntimeError("clip_grad_value_: complex gradients have no order; clip their norm")
    for gradient in gradients:
        np.clip(gradient, -bound, bound, out=gradient)
        writes.note(gradient, "clip_grad_value_")


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    for t in listed:
        if not isinstance(t, Tensor):
            raise TypeError(f"expected Tensors, got a {type(t).__name__}")
    return listed


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[np.ndarray[Any, Any]]:
    """Their arrays, to be written. Raises RuntimeError where one cannot be."""
    gradients = [p._grad.array for p in _listed(parameters) if p._grad is not None]
    if not all(gradient.flags.writeable for gradient in gradients):
        raise RuntimeError("a gradient is read-only, as expanded tensors are: clone() it before assigning it to .grad")
    return gradients
