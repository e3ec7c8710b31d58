"""Pooling layers; what they compute stands in nn.functional. Inputs are (N, C, ...) or (C, ...)."""

from __future__ import annotations

from typing import Any

from autograd_core.tensor import Tensor

from . import functional
from .functional.pooling import lengths
from .module import Module


class _MaxPool(Module):
    """The largest entries of windows: the base of MaxPool1d, 2d and 3d."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def settings(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """functional.max_pool1d with these arguments: (N, C, L) to (N, C, number of windows)."""

    def forward(self, input: Tensor) -> Any:
        return functional.max_pool1d(input, *self.settings())


class MaxPool2d(_MaxPool):
    """functional.max_pool2d with these arguments: (N, C, H, W) to (N, C, numbers of windows)."""

    def forward(self, input: Tensor) -> Any:
        return functional.max_pool2d(input, *self.settings())


class MaxPool3d(_MaxPool):
    """functional.max_pool3d with these arguments: (N, C, D, H, W) to (N, C, numbers of windows)."""

    def forward(self, input: Tensor) -> Any:
        return functional.max_pool3d(input, *self.settings())


class _MaxUnpool(Module):
    """Back to the places of the largest entries: the base of MaxUnpool1d, 2d and 3d."""

    dims: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0):
        super().__init__()
        self.kernel_size = lengths(type(self).__name__, "kernel_size", kernel_size, self.dims)
        self.stride = lengths(type(self).__name__, "stride", kernel_size if stride is None else stride, self.dims)
        self.padding = lengths(type(self).__name__, "padding", padding, self.dims)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """functional.max_unpool1d: what MaxPool1d(return_indices=True) gave, and its indices, to zeros with it at its places."""

    dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return functional.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """functional.max_unpool2d: what MaxPool2d(return_indices=True) gave, and its indices, to zeros with it at its places."""

    dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return functional.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool3d(_MaxUnpool):
    """functional.max_unpool3d: what MaxPool3d(return_indices=True) gave, and its indices, to zeros with it at its places."""

    dims = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return functional.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class _AvgPool(Module):
    """Means of windows: the base of AvgPool1d, 2d and 3d."""

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """functional.avg_pool1d with these arguments: (N, C, L) to (N, C, number of windows)."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True):
        super().__init__()
        self.kernel_size = lengths("AvgPool1d", "kernel_size", kernel_size, 1)
        self.stride = lengths("AvgPool1d", "stride", kernel_size if stride is None else stride, 1)
        self.padding = lengths("AvgPool1d", "padding", padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return functional.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """functional.avg_pool2d with these arguments: (N, C, H, W) to (N, C, numbers of windows)."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def settings(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return functional.avg_pool2d(input, *self.settings())


class AvgPool3d(AvgPool2d):
    """functional.avg_pool3d with these arguments: (N, C, D, H, W) to (N, C, numbers of windows)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.avg_pool3d(input, *self.settings())


class _LPPool(Module):
    """Norms of windows: the base of LPPool1d, 2d and 3d."""

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def settings(self) -> tuple[Any, ...]:
        return float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode

    def extra_repr(self) -> str:
        return f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, ceil_mode={self.ceil_mode}"


class LPPool1d(_LPPool):
    """functional.lp_pool1d with these arguments: (N, C, L) to (N, C, number of windows)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.lp_pool1d(input, *self.settings())


class LPPool2d(_LPPool):
    """functional.lp_pool2d with these arguments: (N, C, H, W) to (N, C, numbers of windows)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.lp_pool2d(input, *self.settings())


class LPPool3d(_LPPool):
    """functional.lp_pool3d with these arguments: (N, C, D, H, W) to (N, C, numbers of windows)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.lp_pool3d(input, *self.settings())


class _AdaptiveAvgPool(Module):
    """Means of windows that divide the input: the base of AdaptiveAvgPool1d, 2d and 3d."""

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """functional.adaptive_avg_pool1d: (N, C, L) to (N, C, output_size)."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """functional.adaptive_avg_pool2d: (N, C, H, W) to (N, C, *output_size), None keeping a length."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """functional.adaptive_avg_pool3d: (N, C, D, H, W) to (N, C, *output_size), None keeping a length."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptiveAvgPool):
    """Largest entries of windows that divide the input: the base of AdaptiveMaxPool1d, 2d and 3d."""

    def __init__(self, output_size: Any, return_indices: bool = False):
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """functional.adaptive_max_pool1d: (N, C, L) to (N, C, output_size), with `return_indices` and their places."""

    def forward(self, input: Tensor) -> Any:
        return functional.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """functional.adaptive_max_pool2d: (N, C, H, W) to (N, C, *output_size), with `return_indices` and their places."""

    def forward(self, input: Tensor) -> Any:
        return functional.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """functional.adaptive_max_pool3d: (N, C, D, H, W) to (N, C, *output_size), with `return_indices` and their places."""

    def forward(self, input: Tensor) -> Any:
        return functional.adaptive_max_pool3d(input, self.output_size, self.return_indices)
