"""A convolution or linear layer and the batch normalisation behind it as one layer, for evaluation."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from autograd_core.creation import ones_like, zeros_like
from autograd_core.tensor import Tensor

from ..parameter import Parameter


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of a convolution that computes what it and the batch normalisation behind it do in evaluation.

    `transpose` for transposed convolutions. Raises AssertionError in training mode, and without running statistics.
    """
    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(conv.weight, conv.bias, *statistics(bn), transpose)
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a convolution with these of a batch normalisation behind it."""
    channels = [1] * conv_w.ndim
    channels[1 if transpose else 0] = -1
    return fused_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, channels)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of a linear layer that computes what it and the batch normalisation behind it do in evaluation.

    Raises AssertionError in training mode, for numbers of features that do not fit, and without running statistics.
    """
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(f"To fuse, bn.num_features must be linear.out_features, {linear.out_features}, or 1; it is {bn.num_features}")
    fused = deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(linear.weight, linear.bias, *statistics(bn))
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None, bn_b: Tensor | None
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a linear layer with these of a batch normalisation behind it."""
    return fused_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def statistics(bn: Any) -> tuple[Tensor, Tensor, float, Tensor | None, Tensor | None]:
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Fusion needs the running statistics of the batch normalisation, which this one does not track")
    return bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias


def fused_weights(
    weight: Tensor, bias: Tensor | None, mean: Tensor, variance: Tensor, eps: float, scale: Any, shift: Any, channels: list[int]
) -> tuple[Parameter, Parameter]:
    """w · s/√(variance + eps) and (b - mean) · s/√(variance + eps) + shift; `channels` is the shape in which s meets w."""
    scale = ones_like(mean) if scale is None else scale.detach()
    shift = zeros_like(mean) if shift is None else shift.detach()
    before = zeros_like(mean) if bias is None else bias.detach()
    factor = scale * (variance + eps).rsqrt()
    fused = (weight.detach() * factor.reshape(channels)).to(weight.dtype)
    moved = ((before - mean) * factor + shift).to(weight.dtype if bias is None else bias.dtype)
    return Parameter(fused, weight.requires_grad), Parameter(moved, bias is not None and bias.requires_grad)
