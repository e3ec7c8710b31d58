"""Recording how weights, gradients and activations are distributed while a model trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.graph import thread
from autograd_core.tensor import Tensor
from autograd_core.tree import flatten
from nn import Module
from nn.parameter import is_lazy

SINGLE = 24  # so few elements are seen one by one
KINDS = ("weights", "gradients", "activations")


@dataclass(frozen=True)
class Histogram:
    """The distribution of the finite elements of one array."""

    step: int
    edges: np.ndarray[Any, Any]  # of the bins, one more than there are bins
    counts: np.ndarray[Any, Any]
    mean: float
    deviation: float
    zeros: float  # share of elements that are exactly 0
    broken: int  # elements that are NaN or infinite


def histogram(values: Any, step: int, bins: int = 64) -> Histogram:
    """The histogram of an array, between its smallest and its largest element; some dozens of elements have fewer bins."""
    flat = np.asarray(values).ravel()
    flat = np.abs(flat) if flat.dtype.kind == "c" else flat.astype(np.float64)
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return Histogram(step, np.linspace(-1, 1, bins + 1), np.zeros(bins, np.int64), np.nan, np.nan, 0.0, flat.size)
    low, high = float(finite.min()), float(finite.max())
    room = max(1e-3 * max(abs(low), abs(high)), 1e-12) if high - low <= 1e-9 * max(abs(low), abs(high)) else 0.0
    enough = bins if finite.size <= SINGLE else min(bins, max(int(2 * finite.size**0.5), 4))
    counts, edges = np.histogram(finite, enough, (low - room, high + room))
    zeros = float((finite == 0).mean())
    return Histogram(step, edges, counts, float(finite.mean()), float(finite.std()), zeros, flat.size - finite.size)


class Log:
    """What `watch` has seen: `weights`, `gradients` and `activations`, dicts from names to lists of `Histogram`s."""

    def __init__(self, model: Module, every: int, bins: int) -> None:
        self.weights: dict[str, list[Histogram]] = {}
        self.gradients: dict[str, list[Histogram]] = {}
        self.activations: dict[str, list[Histogram]] = {}
        self.steps = 0  # training steps seen
        self._model, self._every, self._bins = model, every, bins
        self._taking = False
        self._handles: list[Any] = []
        self._hooked: set[int] = set()

    def __enter__(self) -> Log:
        if self._handles:
            raise RuntimeError("viz.plots.watch: this log is running already")
        self._handles.append(self._model.register_forward_pre_hook(self._begin, prepend=True))
        for name, module in self._model.named_modules():
            if not module._modules or module._parameters:
                self._handles.append(module.register_forward_hook(self._activation(name)))
        return self

    def __exit__(self, *exception: Any) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._hooked.clear()
        self._taking = False

    def __repr__(self) -> str:
        return f"<log of {self.steps} training steps, of {len(self.weights)} parameters and {len(self.activations)} layers>"

    def _begin(self, module: Module, args: Any) -> None:
        """Before each call of the model: while it trains, that is a step."""
        training = module.training and thread.grad
        self._taking = training and self.steps % self._every == 0
        self.steps += training
        if self._taking:
            for name, parameter in self._model.named_parameters():
                self.gradients.setdefault(name, [])
                if not is_lazy(parameter):
                    self._note(self.weights, name, parameter.array)
                if parameter.requires_grad and not is_lazy(parameter) and id(parameter) not in self._hooked:
                    self._hooked.add(id(parameter))
                    self._handles.append(parameter.register_post_accumulate_grad_hook(self._gradient(name)))

    def _gradient(self, name: str) -> Any:
        def collected(parameter: Tensor) -> None:
            if self._taking and parameter.grad is not None:
                self._note(self.gradients, name, parameter.grad.array)

        return collected

    def _activation(self, name: str) -> Any:
        def called(module: Module, args: Any, output: Any) -> None:
            first = next((t for t in flatten(output)[0] if isinstance(t, Tensor)), None)
            if self._taking and first is not None and first.array.dtype.kind in "fc":
                self._note(self.activations, name or type(module).__name__, first.array)

        return called

    def _note(self, where: dict[str, list[Histogram]], name: str, values: Any) -> None:
        """Once a step: what comes later in it (an accumulated gradient, a second call) takes the place of what came before."""
        seen = where.setdefault(name, [])
        if seen and seen[-1].step == self.steps:
            seen.pop()
        seen.append(histogram(values, self.steps, self._bins))


def watch(model: Module, *, every: int = 1, bins: int = 64) -> Log:
    """A block in which the distributions of `model`'s weights, gradients and activations are logged; the training is the same.

        with viz.plots.watch(model, every=100) as log:
            train(model)
        viz.plots.histograms(log, "gradients")

    A step is a call of the model in training mode that records; every `every`-th is logged, as histograms of `bins` bins.
    Weights are those before the step, gradients those that its backward pass leaves in `.grad`.
    Raises TypeError for what is no Module, ValueError for numbers below 1.
    """
    if not isinstance(model, Module):
        raise TypeError(f"watch: model is a Module, got a {type(model).__name__}")
    for what, number in (("every", every), ("bins", bins)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ValueError(f"watch: {what} is a number, 1 or more, got {number!r}")
    return Log(model, every, bins)
