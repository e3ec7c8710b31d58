"""Recurrent layers over whole sequences, padded or packed."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from autograd_core.creation import empty, zeros
from autograd_core.errors import ShapeError
from autograd_core.ops import index, shape
from autograd_core.tensor import Tensor

from . import init
from .functional.recurrent import network
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """A recurrent network of `num_layers` layers; `mode` is "LSTM", "GRU", "RNN_TANH" or "RNN_RELU".

    Input is (T, N, input_size), with `batch_first` (N, T, input_size), without a batch (T, input_size), or a PackedSequence; the
    output alike, with proj_size or hidden_size features, twice as many if `bidirectional`. States are (layers · directions, N, ·).
    `dropout` is the probability with which outputs between layers are left out in training. Parameters `weight_ih_l0`,
    `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, for proj_size `weight_hr_l0`, those of the other direction ending in `_reverse`,
    start uniform within ±1/√hidden_size.
    Raises ValueError for sizes that are not positive, a dropout outside of [0, 1], an unknown mode, TypeError for sizes that
    are no integers; when called ShapeError for shapes that do not fit, ValueError and RuntimeError for dtypes that do not.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        check_sizes(mode, input_size, hidden_size, num_layers, proj_size)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = checked_dropout(dropout, num_layers)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        rows, width = GATES[mode] * hidden_size, proj_size or hidden_size
        for layer in range(num_layers):
            features = input_size if not layer else width * self._directions
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, width)}
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
            shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
            for suffix in ("", "_reverse")[: self._directions]:
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
                for name, size in shapes.items():
                    setattr(self, f"{name}_l{layer}{suffix}", Parameter(empty(*size, device=device, dtype=dtype)))
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Nothing: it is for GPUs."""

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The outputs of all steps and the last states: `(output, h_n)`, of an LSTM `(output, (h_n, c_n))`; hx are the first."""
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if not isinstance(input, Tensor):
            raise TypeError(f"{self._get_name()}: input must be a Tensor or a PackedSequence, got a {type(input).__name__}")
        if input.ndim not in (2, 3):
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        states = self._given_states(hx)
        for s in states or ():
            if s.ndim != input.ndim:
                told = "unbatched" if input.ndim == 2 else "batched"
                raise ShapeError(
                    f"{self._get_name()}: for {told} {input.ndim}-D input, hx should also be {input.ndim}-D but got {s.ndim}-D"
                )
        self._check_input(input)
        batched = input.ndim == 3
        if not batched:
            input = shape.expand_dims(input, axis=1)
            states = states and [shape.expand_dims(s, axis=1) for s in states]
        elif self.batch_first:
            input = shape.transpose(input, axes=(1, 0, 2))
        steps, batch, features = input.array.shape
        if not steps:
            raise RuntimeError(f"{self._get_name()}: Expected sequence length to be larger than 0 in RNN")
        rows, ends = self._run(shape.reshape(input, shape=(steps * batch, features)), states, (batch,) * steps)
        output = shape.reshape(rows, shape=(steps, batch, rows.array.shape[1]))
        if not batched:
            output, ends = shape.squeeze(output, axis=1), [shape.squeeze(s, axis=1) for s in ends]
        elif self.batch_first:
            output = shape.transpose(output, axes=(1, 0, 2))
        return output, tuple(ends) if self.mode == "LSTM" else ends[0]

    def _forward_packed(self, input: PackedSequence, hx: Any) -> Any:
        data, batch_sizes, order, back = input
        if data.ndim != 2:
            raise ShapeError(f"{self._get_name()}: a packed input holds (rows, features), got {tuple(data.shape)}")
        self._check_input(data)
        states = self._given_states(hx)
        sizes = tuple(batch_sizes.tolist())
        if states and order is not None:
            self._check_states(states, sizes[0])
            states = [index.index_select(s, order, axis=1) for s in states]
        rows, ends = self._run(data, states, sizes)
        if back is not None:
            ends = [index.index_select(s, back, axis=1) for s in ends]
        return PackedSequence(rows, batch_sizes, order, back), tuple(ends) if self.mode == "LSTM" else ends[0]

    def _given_states(self, hx: Any) -> list[Tensor] | None:
        """hx as a list of one or two tensors. Raises TypeError for anything else."""
        if hx is None:
            return None
        given = hx if self.mode == "LSTM" else (hx,)
        if isinstance(given, tuple | list) and len(given) == self._count and all(isinstance(s, Tensor) for s in given):
            return list(given)
        raise TypeError(f"{self._get_name()}: hx must be {'a pair of Tensors, (h_0, c_0)' if self.mode == 'LSTM' else 'a Tensor, h_0'}")

    @property
    def _count(self) -> int:
        return 2 if self.mode == "LSTM" else 1

    def _check_input(self, input: Tensor) -> None:
        dtype = self.weight_ih_l0.dtype
        if input.dtype != dtype:
            raise ValueError(
                f"{self._get_name()}: RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        if input.array.shape[-1] != self.input_size:
            raise ShapeError(
                f"{self._get_name()}: input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.array.shape[-1]} "
                f"in {tuple(input.shape)}"
            )

    def _check_states(self, states: list[Tensor], batch: int) -> None:
        for k, (s, width) in enumerate(zip(states, (self.proj_size or self.hidden_size, self.hidden_size))):
            wanted = (self.num_layers * self._directions, batch, width)
            if s.array.shape != wanted:
                which = f"hidden[{k}]" if self.mode == "LSTM" else "hidden"
                raise ShapeError(f"{self._get_name()}: Expected {which} size {wanted}, got {list(s.shape)}")
            if s.dtype != self.weight_ih_l0.dtype:
                raise RuntimeError(
                    f"{self._get_name()}: hx is {s.dtype} but the weights are {self.weight_ih_l0.dtype}; convert one of them"
                )

    def _run(self, rows: Tensor, states: list[Tensor] | None, sizes: tuple[int, ...]) -> tuple[Tensor, list[Tensor]]:
        widths = (self.proj_size or self.hidden_size, self.hidden_size)[: self._count]
        if states is None:
            states = [zeros(len(self._all_weights), sizes[0], width, dtype=rows.dtype) for width in widths]
        self._check_states(states, sizes[0])
        weights = [[*w[: 4 if self.bias else 2], *(() if self.bias else (None, None)), *self._projection(w)] for w in self.all_weights]
        return network(self.mode, rows, states, weights, sizes, self._directions, self.dropout if self.training else 0.0)

    def _projection(self, weights: list[Tensor]) -> tuple[Tensor | None, ...]:
        """weight_hr, the last argument of an LSTM, which may be None."""
        return () if self.mode != "LSTM" else (weights[-1] if self.proj_size else None,)

    def extra_repr(self) -> str:
        others = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        said = [f"{name}={getattr(self, name)}" for name, usual in others.items() if getattr(self, name) != usual]
        return ", ".join([str(self.input_size), str(self.hidden_size), *said])


def check_sizes(mode: str, input_size: Any, hidden_size: Any, num_layers: Any, proj_size: Any) -> None:
    """Raises TypeError for sizes that are no integers, ValueError for those out of range, and for an unknown mode."""
    for name, size in {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers, "proj_size": proj_size}.items():
        if not isinstance(size, int | np.integer):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0 and name != "proj_size":
            raise ValueError(f"{name} must be greater than zero, got {size}")
    if mode not in GATES:
        raise ValueError(f"Unrecognized RNN mode: {mode}; there are {sorted(GATES)}")
    if proj_size < 0:
        raise ValueError(f"proj_size should be a positive integer or zero to disable projections, got {proj_size}")
    if proj_size and mode != "LSTM":
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if proj_size >= hidden_size:
        raise ValueError(f"proj_size has to be smaller than hidden_size, got {proj_size} and {hidden_size}")


def checked_dropout(dropout: Any, num_layers: int) -> float:
    """The probability. Raises ValueError unless it is one; warns where there are no outputs to drop."""
    if isinstance(dropout, bool) or not 0 <= float(dropout) <= 1:
        raise ValueError(
            f"dropout should be a number in range [0, 1] representing the probability of an element being zeroed, got {dropout}"
        )
    if dropout and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, but "
            f"got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    return float(dropout)


class RNN(RNNBase):
    """h ← tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh) step by step, or with `nonlinearity="relu"` max(0, ·).

    Shapes, parameters and errors as of RNNBase. Source: Elman, Finding structure in time, Cognitive Science 14 (1990).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device=device, dtype=dtype
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """c ← f c + i g and h ← o tanh(c) step by step, with gates i, f, o = σ(·) and candidate g = tanh(·), each of x W_ihᵀ + b_ih +
    h W_hhᵀ + b_hh; the rows of the weights are in the order i, f, g, o. With `proj_size` h is further multiplied by W_hrᵀ.

    Shapes, parameters and errors as of RNNBase. Source: Hochreiter and Schmidhuber, Neural Computation 9 (1997).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)


class GRU(RNNBase):
    """h ← (1 - z) n + z h step by step, with gates r, z = σ(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh) and n = tanh(x W_ihᵀ + b_ih +
    r (h W_hhᵀ + b_hh)); the rows of the weights are in the order r, z, n.

    Shapes, parameters and errors as of RNNBase. Source: arXiv:1406.1078.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)
