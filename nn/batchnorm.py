"""Normalisation of channels with statistics that may be kept from batch to batch: BatchNorm, InstanceNorm."""

from __future__ import annotations

import warnings
from typing import Any

from autograd_core.creation import empty, ones, tensor, zeros
from autograd_core.dtypes import int64
from autograd_core.errors import ShapeError
from autograd_core.tensor import Tensor

from . import functional as F
from .module import Module
from .normalization import reset
from .parameter import Parameter


class _NormBase(Module):
    """Weights, biases and running statistics of channels.

    `weight` starts as ones and `bias` as zeros; None without `affine`, or without `bias`. With `track_running_stats` there
    are buffers: `running_mean`, from zeros, `running_var`, from ones, and `num_batches_tracked`.
    """

    _version = 2  # since which there is num_batches_tracked

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        settings = {"device": device, "dtype": dtype}
        self.register_parameter("weight", Parameter(empty(num_features, **settings)) if affine else None)
        self.register_parameter("bias", Parameter(empty(num_features, **settings)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features, **settings) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, **settings) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", tensor(0, dtype=int64, device=device) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget all batches, and set the weight to ones and the bias to zeros again."""
        self.reset_running_stats()
        reset(self)

    def _check_input_dim(self, input: Tensor) -> None:
        """Raises ValueError for an input of a rank that this class is not for."""

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: dict[str, Any], *lists: Any) -> None:
        """States that do not say their version, as old ones and those of other programs, may lack the count of batches."""
        if local_metadata.get("version", 1) < 2 and self.num_batches_tracked is not None:
            state_dict.setdefault(f"{prefix}num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *lists)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


# ---------------------------------------------------------------------- by batch


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        of_batch = self.training or self.running_mean is None
        share = 0.0 if self.momentum is None else self.momentum
        running_mean, running_var = self.running_mean, self.running_var
        if self.training and not self.track_running_stats:
            running_mean = running_var = None
        counts = self.training and self.track_running_stats and self.num_batches_tracked is not None
        if counts and self.momentum is None:
            share = 1 / (self.num_batches_tracked.item() + 1)
        out = F.batch_norm(input, running_mean, running_var, self.weight, self.bias, of_batch, share, self.eps)
        if counts:
            self.num_batches_tracked.add_(1)
        return out


class BatchNorm1d(_BatchNorm):
    """(x - mean) / √(variance + eps) · weight + bias for each feature of (N, C), or channel of (N, C, L). Source: arXiv:1502.03167.

    In training mean and variance are the batch's, and running ones move to them by the share `momentum` (None: they are the
    mean of all batches); in evaluation they are the running ones, or without `track_running_stats` the batch's.
    Raises ValueError for other ranks, and for one value per channel in training.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        ranks("BatchNorm1d", input, 2, 3)


class BatchNorm2d(_BatchNorm):
    """BatchNorm1d for (N, C, H, W)."""

    def _check_input_dim(self, input: Tensor) -> None:
        ranks("BatchNorm2d", input, 4)


class BatchNorm3d(_BatchNorm):
    """BatchNorm1d for (N, C, D, H, W)."""

    def _check_input_dim(self, input: Tensor) -> None:
        ranks("BatchNorm3d", input, 5)


def ranks(name: str, input: Tensor, *allowed: int) -> None:
    """Raises ValueError for an input that has another number of dimensions."""
    if input.ndim not in allowed:
        told = " or ".join(f"{n}D" for n in allowed)
        raise ValueError(f"{name}: expected {told} input (got {input.ndim}D input, {tuple(input.shape)})")


# ---------------------------------------------------------------------- by instance


class _InstanceNorm(_NormBase):
    batched = 0  # the number of dimensions of a batch

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _check_input_dim(self, input: Tensor) -> None:
        ranks(type(self).__name__, input, self.batched - 1, self.batched)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        dim = 1 if input.ndim == self.batched else 0
        if input.shape[dim] != self.num_features:
            told = f"input's size at dim={dim}, {input.shape[dim]}, does not match num_features ({self.num_features})"
            if self.affine:
                raise ShapeError(f"{type(self).__name__}: {told}")
            warnings.warn(f"{told}, which is not used because affine=False", stacklevel=2)
        of_input = self.training or not self.track_running_stats
        share = 0.0 if self.momentum is None else self.momentum
        batch = input if dim else input.unsqueeze(0)
        out = F.instance_norm(batch, self.running_mean, self.running_var, self.weight, self.bias, of_input, share, self.eps)
        return out if dim else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """(x - mean) / √(variance + eps) · weight + bias for each channel of each example of (N, C, L) or (C, L).

    Mean and variance are the channel's, with `track_running_stats` in evaluation running ones, which in training move to
    them by the share `momentum`. Raises ValueError for other ranks, and for one value per channel. Source: arXiv:1607.08022.
    """

    batched = 3


class InstanceNorm2d(_InstanceNorm):
    """InstanceNorm1d for (N, C, H, W) or (C, H, W)."""

    batched = 4


class InstanceNorm3d(_InstanceNorm):
    """InstanceNorm1d for (N, C, D, H, W) or (C, D, H, W)."""

    batched = 5
