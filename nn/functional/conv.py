"""Convolutions and transposed convolutions over one, two or three dimensions, with PyTorch's arguments.

Inputs are (N, C, ...) or (C, ...) with that many further dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral
from typing import Any

from autograd_core.errors import ShapeError
from autograd_core.ops.conv import convolution, size_of_convolution, size_of_transposed, transposed_convolution
from autograd_core.ops.shape import expand_dims, squeeze
from autograd_core.tensor import Tensor

from .arguments import as_tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def _conv(dims: int) -> Callable[..., Tensor]:
    def conv(input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
        input, weight, bias = arguments(name, dims, input, weight, bias)
        strides = positive(name, "stride", stride, dims)
        dilations = positive(name, "dilation", dilation, dims)
        check_groups(name, weight, groups)
        kernel = tuple(weight.shape[2:])
        pads = pads_of(name, padding, kernel, strides, dilations)
        batched = with_batch(input, dims)
        channels = weight.shape[1] * groups
        if batched.shape[1] != channels:
            raise misfit(name, input, weight, f"expects inputs of {channels} channels, but this one has {batched.shape[1]}", groups)
        check_bias(name, bias, weight, weight.shape[0])
        size = tuple(batched.shape[2:])
        if min(size_of_convolution(size, kernel, strides, pads, dilations)) < 1:
            padded = tuple(n + before + after for n, (before, after) in zip(size, pads, strict=True))
            reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True))
            raise misfit(name, input, weight, f"reaches over {reach}: kernel size can't be greater than the padded input size {padded}")
        out = convolution(batched, weight, bias, stride=strides, padding=pads, dilation=dilations, groups=int(groups))
        return out if batched is input else squeeze(out, axis=0)

    name = f"conv{dims}d"
    return published(
        conv,
        name,
        f"""Σ weight · input under the kernel at each position, plus bias: {told(dims)}.

    `weight` is (O, C / groups, *kernel), `bias` (O). The kernel moves by `stride`, its elements are `dilation` apart.
    `padding` zeros are put around the input: a number, one for each dimension, "valid" (none), or "same" (for a result of the
    input's size; stride 1). The channels of each of the `groups` see only their own.
    Raises ShapeError where shapes do not fit, RuntimeError for mixed dtypes, numbers that are not positive (padding: negative) or
    not as many as there are dimensions, and an unknown padding; TypeError for what is no Tensor or no integer.
    """,
    )


def _conv_transpose(dims: int) -> Callable[..., Tensor]:
    def conv_transpose(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Tensor:
        input, weight, bias = arguments(name, dims, input, weight, bias)
        strides = positive(name, "stride", stride, dims)
        dilations = positive(name, "dilation", dilation, dims)
        pads = tuple((p, p) for p in positive(name, "padding", padding, dims, least=0))
        extra = positive(name, "output_padding", output_padding, dims, least=0)
        check_groups(name, weight, groups)
        if any(e >= max(s, d) for e, s, d in zip(extra, strides, dilations, strict=True)):
            raise RuntimeError(
                f"{name}: output padding must be smaller than either stride or dilation, got output_padding {extra}, "
                f"stride {strides}, dilation {dilations}"
            )
        batched = with_batch(input, dims)
        if batched.shape[1] != weight.shape[0]:
            raise misfit(name, input, weight, f"expects inputs of {weight.shape[0]} channels, but this one has {batched.shape[1]}", groups)
        check_bias(name, bias, weight, weight.shape[1] * groups)
        sizes = size_of_transposed(tuple(batched.shape[2:]), tuple(weight.shape[2:]), strides, pads, dilations, extra)
        if min(sizes) < 1:
            raise misfit(name, input, weight, f"gives a result of size {sizes}: output size is too small; use less padding")
        out = transposed_convolution(
            batched, weight, bias, stride=strides, padding=pads, dilation=dilations, groups=int(groups), extra=extra
        )
        return out if batched is input else squeeze(out, axis=0)

    name = f"conv_transpose{dims}d"
    return published(
        conv_transpose,
        name,
        f"""The adjoint of conv{dims}d's map of its input, plus bias, which undoes its change of size: {told(dims)}.

    `weight` is (C, O / groups, *kernel), `bias` (O). `padding` cuts that much off both ends of each dimension, `output_padding`
    adds to the far end, for with a stride several sizes lead to one. The other arguments and errors are those of conv{dims}d;
    RuntimeError too for an output_padding that is not less than stride or dilation.
    """,
    )


def published(function: Callable[..., Any], name: str, text: str) -> Callable[..., Any]:
    """The function under its name, documented."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return function


def told(dims: int) -> str:
    """The shapes, for a docstring."""
    size = "DHW"[-dims:] if dims > 1 else "L"
    letters = ", ".join(size)
    return f"(N, C, {letters}) or (C, {letters}) to as many dimensions"


# ---------------------------------------------------------------------- arguments


def arguments(name: str, dims: int, input: Any, weight: Any, bias: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """The three as Tensors of the right ranks and of one dtype."""
    input, weight = as_tensor(name, "input", input), as_tensor(name, "weight", weight)
    bias = None if bias is None else as_tensor(name, "bias", bias)
    if weight.array.ndim != dims + 2:
        raise ShapeError(f"{name}: the weight needs {dims + 2} dimensions, channels twice and then the kernel's, got {tuple(weight.shape)}")
    if input.array.ndim not in (dims + 1, dims + 2):
        raise ShapeError(
            f"{name}: expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input, but got input of size: {tuple(input.shape)}"
        )
    for argument, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.array.dtype != input.array.dtype:
            raise RuntimeError(
                f"{name}: input type {input.dtype} and {argument} type {tensor.dtype} should be the same; convert one, e.g. t.to(dtype)"
            )
    if input.array.dtype.kind == "b":
        raise RuntimeError(f"{name}: not implemented for bool; convert first, e.g. t.float()")
    return input, weight, bias


def positive(name: str, argument: str, value: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """A number for each dimension, given one for all or one for each."""
    numbers = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    if not all(isinstance(n, Integral) for n in numbers):
        raise TypeError(f"{name}(): argument {argument!r} must be an int or a tuple of ints, got {value!r}")
    if len(numbers) not in (1, dims):
        raise RuntimeError(
            f"{name}: expected {argument} to be a single integer value or a list of {dims} values to match the convolution dimensions, "
            f"but got {argument}={value}"
        )
    if min(numbers) < least:
        raise RuntimeError(f"{name}: {'negative' if least == 0 else 'non-positive'} {argument} is not supported, got {value}")
    return tuple(int(n) for n in numbers) * (dims if len(numbers) == 1 else 1)


def pads_of(
    name: str, padding: Any, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """How many zeros come before and after, in each dimension."""
    if not isinstance(padding, str):
        return tuple((p, p) for p in positive(name, "padding", padding, len(kernel), least=0))
    if padding not in ("same", "valid"):
        raise RuntimeError(f"{name}: Invalid padding string: {padding!r}; there are 'same' and 'valid'")
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if set(stride) != {1}:
        raise RuntimeError(f"{name}: padding='same' is not supported for strided convolutions, got stride {stride}")
    return same_pads(kernel, dilation)


def same_pads(kernel: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """What keeps the size: where it is odd, the larger part comes after."""
    return tuple((d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for k, d in zip(kernel, dilation, strict=True))


def check_groups(name: str, weight: Tensor, groups: int) -> None:
    """Raises unless the weight's first dimension, and the kernel's, can be what they are."""
    if not isinstance(groups, Integral):
        raise TypeError(f"{name}(): argument 'groups' must be an int, got {groups!r}")
    shape = tuple(weight.shape)
    if groups < 1:
        raise RuntimeError(f"{name}: non-positive groups is not supported, got {groups}")
    if not shape[0] or shape[0] % groups:
        raise ShapeError(f"{name}: with groups={groups}, the weight's first dimension must be a multiple of {groups}, not 0, got {shape}")
    if min(shape[2:]) < 1:
        raise ShapeError(f"{name}: the kernel must have at least one element, got a weight of shape {shape}")


def check_bias(name: str, bias: Tensor | None, weight: Tensor, channels: int) -> None:
    if bias is not None and bias.array.shape != (channels,):
        raise ShapeError(
            f"{name}: given weight of size {tuple(weight.shape)}, expected bias to be 1-dimensional with {channels} elements, "
            f"but got bias of size {tuple(bias.shape)}"
        )


def with_batch(input: Tensor, dims: int) -> Tensor:
    return input if input.array.ndim == dims + 2 else expand_dims(input, axis=0)


def misfit(name: str, input: Tensor, weight: Tensor, why: str, groups: int = 1) -> ShapeError:
    told = f" with groups={groups}" if groups != 1 else ""
    return ShapeError(f"{name}: input {tuple(input.shape)}, weight {tuple(weight.shape)}{told}: the weight {why}")


conv1d, conv2d, conv3d = (_conv(dims) for dims in (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = (_conv_transpose(dims) for dims in (1, 2, 3))
