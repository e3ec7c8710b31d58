"""PyTorch's largest and smallest elements, and where they are."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ..ops import elementwise, index, reduce, shape
from ..tensor import Tensor, constant
from .arguments import both_names, dims, need_tensor, one_dim
from .shapes import squeeze

METHODS = "max min amax amin aminmax argmax argmin"

max_result = namedtuple("max_result", ("values", "indices"))
min_result = namedtuple("min_result", ("values", "indices"))
aminmax_result = namedtuple("aminmax_result", ("min", "max"))


def ordered(name: str, input: Any, *, booleans: bool = True) -> Tensor:
    """The input as a Tensor whose elements have an order. Raises RuntimeError for complex ones, and booleans unless allowed."""
    input = need_tensor(name, input)
    if input.dtype.kind == "c" or (input.dtype.kind == "b" and not booleans):
        raise RuntimeError(f"{name}: not for {'complex' if input.dtype.kind == 'c' else 'boolean'} tensors")
    return input


def axis_of(name: str, input: Tensor, dim: Any) -> Any:
    """`dim` as an operation's axis: of a 0-d tensor None."""
    axis = dims(name, input, dim)
    return axis if input.ndim else None


def choosing_axis(name: str, input: Tensor, dim: Any, empty: type[Exception] = RuntimeError) -> Any:
    """`axis_of`. Raises IndexError if there is nothing to choose from, `empty` where no dim was given."""
    axis = axis_of(name, input, dim)
    if axis is None and not input.array.size:
        raise empty(f"{name}: an empty tensor has no extreme; give dims whose length is not 0")
    if axis is not None and not prod(input.array.shape[a] for a in np.atleast_1d(axis)):
        raise IndexError(f"{name}: dim {dim} of {tuple(input.shape)} has length 0, so there is nothing to choose from")
    return axis


def one_choosing_axis(name: str, input: Any, dim: int) -> int:
    """One `dim`, counted from the front. Raises IndexError if there is nothing to choose from along it."""
    axis = one_dim(name, need_tensor(name, input).ndim, dim)
    choosing_axis(name, input, axis)
    return axis


def picked(result: Any, input: Tensor, axis: int, keepdim: bool, choose: Callable[..., Any], **settings: Any) -> Any:
    """The entries along an axis that an operation chooses the indices of, with them."""
    if not input.ndim:
        return result(shape.clone(input), constant(np.zeros((), np.int64)))
    indices = choose(input, axis=axis, **settings)
    values = index.gather(input, indices, axis=axis)
    return result(values, indices) if keepdim else result(squeeze(values, axis), squeeze(indices, axis))


def _extreme(name: str, op: Any) -> Callable[..., Any]:
    def extreme(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        input = ordered(name, input)
        return op(input, axis=choosing_axis(name, input, dim), keepdims=keepdim)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = f"The {name[1:]}imum over `dim`; its gradient goes in equal parts to the elements that attain it."
    return both_names(extreme)


amax, amin = _extreme("amax", reduce.amax), _extreme("amin", reduce.amin)


@both_names
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """`(min, max)` over `dim`, or of all elements, each as `amin` and `amax`."""
    if dim is not None:
        dim = one_dim("aminmax", need_tensor("aminmax", input).ndim, dim)
    return aminmax_result(amin(input, dim, keepdim), amax(input, dim, keepdim))


def _position(name: str, op: Any) -> Callable[..., Any]:
    def position(input: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
        input = ordered(name, input, booleans=False)
        if dim is not None:
            dim = one_dim(name, input.ndim, dim)
        return op(input, axis=choosing_axis(name, input, dim, IndexError), keepdims=keepdim)

    position.__name__ = position.__qualname__ = name
    position.__doc__ = f"The index of the {name[3:]}imum along `dim`, of equals the first; without `dim` into all elements in a row."
    return both_names(position)


argmax, argmin = _position("argmax", reduce.argmax), _position("argmin", reduce.argmin)


def _max_or_min(name: str, whole: Any, choose: Any, other_op: Any, result: Any) -> Callable[..., Any]:
    def extreme(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        input = ordered(name, input)
        if isinstance(dim, Tensor):
            dim, other = None, dim
        if other is not None:
            return other_op(input, other)
        if dim is None:
            choosing_axis(name, input, None)
            return whole(input)
        return picked(result, input, one_choosing_axis(name, input, dim), keepdim, choose, keepdims=True)

    extreme.__name__ = extreme.__qualname__ = name
    extreme.__doc__ = f"Of all elements; over `dim`: `(values, indices)`; with another tensor: element by element the {name}imum."
    return both_names(extreme)


max = _max_or_min("max", reduce.largest, reduce.argmax, elementwise.maximum, max_result)
min = _max_or_min("min", reduce.smallest, reduce.argmin, elementwise.minimum, min_result)
