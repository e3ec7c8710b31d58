"""Views whose entries may lie on one another: windows, and any strides."""

from __future__ import annotations

from math import prod
from typing import Any

from .. import writes
from ..ops import elementwise, shape
from ..tensor import Tensor
from .arguments import need_tensor, one_dim, shape_of

METHODS = "as_strided"


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The windows of `size` entries that begin every `step` entries along a dimension: a view, the windows' entries its last dimension."""
    if not input.ndim:
        return unfold(shape.reshape(input, shape=(1,)), 0, size, step)[0]
    axis = one_dim("unfold", input.ndim, dimension)
    n = input.array.shape[axis]
    if step <= 0 or not 0 <= size <= n:
        raise RuntimeError(f"unfold: size {size} must be from 0 to {n}, the length of dimension {dimension}, and step {step} positive")
    return shape.windows(input, axis=axis, size=size, step=step)


def as_strided(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the memory of `input` with these sizes and strides, in elements, from element `storage_offset` of that memory on.

    The gradient of what lies on one another is summed. Raises RuntimeError for what reaches out of the memory, negative
    strides, or a tensor that is no part of a contiguous one.
    """
    input = need_tensor("as_strided", input)
    sizes, strides = shape_of("as_strided", (size,)), shape_of("as_strided", (stride,))
    if len(sizes) != len(strides) or min((*strides, *sizes), default=0) < 0:
        raise RuntimeError(f"as_strided: needs as many strides as sizes, none negative, got {sizes} and {strides}")
    begin = offset_in(input) if storage_offset is None else storage_offset
    reach = sum((n - 1) * s for n, s in zip(sizes, strides, strict=True)) + 1 if prod(sizes) else 0
    whole = input
    while True:
        lying = in_order(elementwise.view_as_real(whole) if whole.dtype.kind == "c" != input.dtype.kind else whole)
        first = begin - offset_in(lying)
        if lying.array.flags.c_contiguous and first >= 0 and first + reach <= lying.array.size and lying.dtype == input.dtype:
            return shape.strided(lying, size=sizes, stride=strides, offset=first)
        if whole._view is None or whole._view[1] is None:
            raise RuntimeError(
                f"as_strided: {sizes} with strides {strides} from element {begin} on does not lie within one contiguous tensor; "
                "use .contiguous() or .clone()"
            )
        whole = whole._view[0]


def in_order(input: Tensor) -> Tensor:
    """The dimensions ordered as they lie in memory, the longest stride first."""
    axes = tuple(sorted(range(input.ndim), key=lambda k: -input.array.strides[k]))
    return input if input.array.flags.c_contiguous else shape.transpose(input, axes=axes)


def offset_in(input: Tensor) -> int:
    """How many elements lie between the first of the memory that input looks into and the first of input."""
    first = lambda array: array.__array_interface__["data"][0]
    return (first(input.array) - first(writes.owner(input.array))) // input.itemsize


ONLY_METHODS = {"unfold": unfold}  # PyTorch's function of this name is another
