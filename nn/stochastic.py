"""Regularisation by chance that PyTorch's own modules lack: DropConnect, variational dropout, stochastic depth."""

from __future__ import annotations

from typing import Any

from autograd_core.tensor import Tensor

from . import functional as F
from .functional.arguments import probability
from .functional.stochastic import settings
from .linear import Linear
from .module import Module


class DropConnect(Linear):
    """A Linear layer whose weights are dropped: in training each is zero with probability p, else scaled by 1 / (1 - p).

    Parameters and arguments are Linear's, with `p` third, and so is what it computes in evaluation. The bias is not
    dropped. With `per_example` every example of a batch has weights dropped of its own, as in the paper, which takes the
    memory of a weight matrix for each. Raises ValueError unless 0 ≤ p ≤ 1. Source: Wan et al., Regularization of Neural
    Networks using DropConnect (2013).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        p: float = 0.5,
        bias: bool = True,
        per_example: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        probability("DropConnect", p)
        super().__init__(in_features, out_features, bias, device, dtype)
        self.p = p
        self.per_example = per_example

    def forward(self, input: Tensor) -> Tensor:
        return F.drop_connect(input, self.weight, self.bias, self.p, self.training, self.per_example)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, p={self.p}, per_example={self.per_example}"


class VariationalDropout(Module):
    """Dropout with one mask for all steps of a sequence (L, N, H), with `batch_first` (N, L, H), or without a batch (L, H).

    Each feature of each example is zero in all steps with probability p, else x / (1 - p). Raises ValueError unless
    0 ≤ p ≤ 1, ShapeError for other ranks. Source: arXiv:1512.05287.
    """

    def __init__(self, p: float = 0.5, batch_first: bool = False, inplace: bool = False):
        super().__init__()
        probability("VariationalDropout", p)
        self.p = p
        self.batch_first = batch_first
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.variational_dropout(input, self.p, self.training, self.batch_first, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, batch_first={self.batch_first}, inplace={self.inplace}"


class StochasticDepth(Module):
    """Leaves out a residual branch in training, with probability p; what stays is scaled by 1 / (1 - p).

    `mode` "row" decides for each example (the first dimension), "batch" for all of them at once. Arguments as of torchvision.
    Raises ValueError unless 0 ≤ p ≤ 1, or for another mode. Source: arXiv:1603.09382.
    """

    def __init__(self, p: float, mode: str):
        super().__init__()
        settings("StochasticDepth", p, mode)
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        return F.stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"
