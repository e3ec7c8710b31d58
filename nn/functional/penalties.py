"""Penalties on the size of weights, to be added to a loss."""

from __future__ import annotations

from collections.abc import Iterable

from autograd_core.ops import elementwise, reduce
from autograd_core.tensor import Tensor

from .arguments import as_tensor

__all__ = ["elastic_net_penalty", "l1_penalty", "l2_penalty"]


def l1_penalty(parameters: Tensor | Iterable[Tensor]) -> Tensor:
    """Σ |w| over all elements of these tensors (the lasso's), its gradient at zero being zero. Source: Tibshirani, 1996.

    Raises TypeError for what is no Tensor, ValueError where there is none.
    """
    return _added("l1_penalty", [reduce.sum(elementwise.abs(w)) for w in _tensors("l1_penalty", parameters)])


def l2_penalty(parameters: Tensor | Iterable[Tensor]) -> Tensor:
    """Σ w² over all elements of these tensors (ridge regression's). λ times it does in SGD what weight_decay=2λ does.

    Raises what l1_penalty raises.
    """
    return _added("l2_penalty", [reduce.sum(elementwise.square(w)) for w in _tensors("l2_penalty", parameters)])


def elastic_net_penalty(parameters: Tensor | Iterable[Tensor], l1: float, l2: float) -> Tensor:
    """l1 · Σ |w| + l2 · Σ w² over all elements of these tensors. Raises what l1_penalty raises, ValueError for negative factors.

    Source: Zou and Hastie, Regularization and variable selection via the elastic net, 2005, equation 3.
    """
    if not (l1 >= 0 and l2 >= 0):
        raise ValueError(f"elastic_net_penalty: l1 and l2 must not be negative, got {l1} and {l2}")
    tensors = _tensors("elastic_net_penalty", parameters)
    return l1_penalty(tensors) * l1 + l2_penalty(tensors) * l2


def _tensors(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [as_tensor(name, "each parameter", w) for w in ([parameters] if isinstance(parameters, Tensor) else parameters)]


def _added(name: str, parts: list[Tensor]) -> Tensor:
    if not parts:
        raise ValueError(f"{name}: got no parameters; an iterator such as model.parameters() can be used once only")
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
