"""Layers that learn the number of their input features from their first input."""

from __future__ import annotations

from typing import Any

from autograd_core.creation import tensor
from autograd_core.dtypes import int64
from autograd_core.modes import no_grad
from autograd_core.tensor import Tensor

from .batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm
from .conv import Conv1d, Conv2d, Conv3d, PaddingMode, _Conv
from .linear import Linear
from .module import Module
from .parameter import UninitializedBuffer, UninitializedParameter, is_lazy


class LazyModuleMixin(Module):
    """For modules some of whose Parameters and buffers have no shape until the first call.

    A subclass makes them UninitializedParameters and UninitializedBuffers, and defines `initialize_parameters`, which the first
    call is given the arguments of; afterwards the module is of the class `cls_to_become`, unless that is None. Until then it
    can be moved, converted, saved and loaded; loading gives it the shapes of the state.
    """

    cls_to_become: type[Module] | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(infer_parameters, with_kwargs=True)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize all that has no shape, as these arguments of forward need it."""
        raise NotImplementedError(f"abstract: initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a Parameter or buffer of this module itself has no shape yet."""
        return any(map(is_lazy, self._parameters.values())) or any(map(is_lazy, self._buffers.values()))


def materialize(module: Module, shapes: dict[str, tuple[int, ...]]) -> None:
    """Give the tensors of these names, where the module has them, their shapes.

    Raises RuntimeError where some were loaded and others not: what draws the ones would draw over the others.
    """
    held = {name: tensor for name in shapes if (tensor := getattr(module, name)) is not None}
    if loaded := [name for name, tensor in held.items() if not is_lazy(tensor)]:
        raise RuntimeError(f"{module._get_name()}: of {', '.join(held)} only {', '.join(loaded)} were loaded; load a whole state")
    for name, tensor in held.items():
        tensor.materialize(shapes[name])


def infer_parameters(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The hook before the first call, which takes itself off when the module has all its shapes."""
    with no_grad():
        module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
    module._initialize_hook.remove()
    del module._initialize_hook
    if not module._own_hooks():
        del module._hooks
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear whose in_features is the last dimension of its first input."""

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the weights anew, where they have shapes."""
        if not self.has_uninitialized_params() and self.in_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Give the weight the shape that this input needs, and draw it."""
        features = input.shape[-1]
        if self.has_uninitialized_params():
            materialize(self, {"weight": (self.out_features, features), "bias": (self.out_features,)})
            self.in_features = features
            self.reset_parameters()
        elif not self.in_features:  # a state was loaded before
            self.in_features = self.weight.shape[-1]


# ---------------------------------------------------------------------- normalisation by batch


class _LazyBatchNorm(LazyModuleMixin, _BatchNorm):
    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__(0, eps, momentum, affine=False, track_running_stats=False)
        settings = {"device": device, "dtype": dtype}
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(**settings)
            if bias:
                self.bias = UninitializedParameter(**settings)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**settings)
            self.running_var = UninitializedBuffer(**settings)
            self.num_batches_tracked = tensor(0, dtype=int64, device=device)

    def reset_parameters(self) -> None:
        """Forget all batches, and set the weight to ones and the bias to zeros again, where they have shapes."""
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Give everything the shape that this input needs."""
        self._check_input_dim(input)
        names, features = ("weight", "bias", "running_mean", "running_var"), input.shape[1]
        if self.has_uninitialized_params():
            materialize(self, dict.fromkeys(names, (features,)))
            self.num_features = features
            self.reset_parameters()
        elif not self.num_features:  # a state was loaded before, or there is nothing to load
            loaded = [tensor for name in names if (tensor := getattr(self, name)) is not None]
            self.num_features = loaded[0].shape[0] if loaded else features


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """A BatchNorm1d whose num_features is the number of channels of its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """A BatchNorm2d whose num_features is the number of channels of its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """A BatchNorm3d whose num_features is the number of channels of its first input."""

    cls_to_become = BatchNorm3d


# ---------------------------------------------------------------------- convolution


class _LazyConv(LazyModuleMixin, _Conv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the weights anew, where they have shapes."""
        if not self.has_uninitialized_params() and self.in_channels:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Give the weight the shape that this input needs, and draw it.

        Raises RuntimeError for an input of another rank, ValueError for channels that the groups do not divide.
        """
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise RuntimeError(
                f"Expected {self.dims + 1}D (unbatched) or {self.dims + 2}D (batched) input to {self._get_name()}, "
                f"but got input of size: {tuple(input.shape)}"
            )
        channels = input.shape[-self.dims - 1]
        if self.has_uninitialized_params():
            if channels % self.groups:
                raise ValueError(f"in_channels must be divisible by groups, got {channels} and {self.groups}")
            weight = (self.out_channels, channels // self.groups, *self.kernel_size)
            materialize(self, {"weight": weight, "bias": (self.out_channels,)})
            self.in_channels = channels
            self.reset_parameters()
        elif not self.in_channels:  # a state was loaded before
            self.in_channels = self.weight.shape[1] * self.groups


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d whose in_channels is the number of channels of its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d whose in_channels is the number of channels of its first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d whose in_channels is the number of channels of its first input."""

    cls_to_become = Conv3d
