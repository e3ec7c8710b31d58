"""One step of a recurrent layer."""

from __future__ import annotations

import math
from typing import Any

from autograd_core.creation import empty, zeros
from autograd_core.errors import ShapeError
from autograd_core.ops import shape
from autograd_core.tensor import Tensor

from . import init
from .functional.recurrent import sequences
from .module import Module
from .parameter import Parameter


class RNNCellBase(Module):
    """What the cells have in common: (N, input_size) and states (N, hidden_size) to such states, or all without N.

    `weight_ih` (num_chunks · hidden_size, input_size), `weight_hh` (num_chunks · hidden_size, hidden_size), `bias_ih`, `bias_hh`
    (None without `bias`) start uniform within ±1/√hidden_size. Without states they are zeros.
    Raises ValueError for an input or a state of other than one or two dimensions, ShapeError for sizes that do not fit,
    RuntimeError for mixed dtypes, TypeError for what is no Tensor.
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(self, mode: str, input: Any, states: tuple[Any, ...] | None, count: int, *projection: None) -> tuple[Tensor, ...]:
        """The next states; `states` are None for zeros."""
        given = self._checked(input, states)
        batch = input.array.shape[0] if input.ndim == 2 else 1
        if input.ndim == 1:
            input, given = shape.expand_dims(input, axis=0), [shape.expand_dims(s, axis=0) for s in given]
            unbatched = True
        else:
            unbatched = False
        given = given or [zeros(batch, self.hidden_size, dtype=input.dtype)] * count
        output, _, *others = sequences(
            mode, input, given, (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, *projection), (batch,)
        )
        new = (output, *others)
        return tuple(shape.squeeze(s, axis=0) for s in new) if unbatched else new

    def _checked(self, input: Any, states: tuple[Any, ...] | None) -> list[Tensor]:
        name = self._get_name()
        for what, value in (("input", input), *((f"hx[{k}]", s) for k, s in enumerate(states or ()))):
            if not isinstance(value, Tensor):
                raise TypeError(f"{name}: {what} must be a Tensor, got a {type(value).__name__}")
            if value.ndim not in (1, 2):
                raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {value.ndim}D instead")
            if value.dtype != self.weight_ih.dtype:
                raise RuntimeError(f"{name}: {what} is {value.dtype} but the weights are {self.weight_ih.dtype}; convert one of them")
        if input.array.shape[-1] != self.input_size:
            raise ShapeError(f"{name}: input has inconsistent input_size: got {input.array.shape[-1]} expected {self.input_size}")
        for k, s in enumerate(states or ()):
            wanted = (*input.array.shape[:-1], self.hidden_size)
            if s.array.shape != wanted:
                raise ShapeError(f"{name}: hx[{k}] has shape {tuple(s.shape)}, expected {wanted} for an input of {tuple(input.shape)}")
        return list(states or ())

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    """h' = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or with `nonlinearity="relu"` max(0, ·).

    Shapes, parameters and errors as of RNNCellBase; RuntimeError for another nonlinearity.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None, dtype: Any = None
    ):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}; there are 'tanh' and 'relu'")
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, None if hx is None else (hx,), 1)[0]

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (h', c'), with c' = f c + i g and h' = o tanh(c'); hx is the pair (h, c).

    Shapes, parameters and errors as of RNNCellBase; RuntimeError unless hx has two states.
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        if hx is not None and not isinstance(hx, tuple | list):
            raise TypeError(f"LSTMCell: hx must be a pair of Tensors, (h, c), got a {type(hx).__name__}")
        if hx is not None and len(hx) != 2:
            raise RuntimeError(f"LSTMCell: expects two hidden states, (h, c), got {len(hx)}")
        h, c = self._step("LSTM", input, hx and tuple(hx), 2, None)
        return h, c


class GRUCell(RNNCellBase):
    """One step of a GRU: h' = (1 - z) n + z h.

    Shapes, parameters and errors as of RNNCellBase.
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("GRU", input, None if hx is None else (hx,), 1)[0]
