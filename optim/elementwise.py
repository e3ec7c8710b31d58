"""`Elementwise`: the base of optimizers that treat every element of every parameter alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_core.tensor import Tensor, constant

from .blocks import Array, Change, sweep
from .optimizer import Optimizer
from .state import number_dtype


class Rule(NamedTuple):
    """One step of an optimizer for all parameters that stand at the same numbers."""

    change: Change  # change(param, grad, *arrays, *spare), in place; the gradient stays as it is
    arrays: tuple[str, ...]  # what of the state it takes, of the parameter's shape
    spare: int  # how many arrays it needs for its intermediate results
    numbers: tuple[float, ...] = ()  # the numbers after the step


class Elementwise(Optimizer):
    """A subclass defines `rule`. Parameters are then updated block by block, on several threads where it pays.

    What `numbers` names is kept as 0-d tensors of the default dtype, as PyTorch does; arrays begin as `begin` says.
    """

    def rule(self, dtype: np.dtype[Any], numbers: tuple[float, ...], /, **settings: Any) -> Rule:
        """The step for parameters of this dtype whose state stands at these numbers."""
        raise NotImplementedError("abstract: an Elementwise optimizer defines rule")

    def first_numbers(self, settings: dict[str, Any]) -> tuple[float, ...]:
        """The numbers before the first step."""
        return (0.0,)

    def begin(self, name: str, param: Array, settings: dict[str, Any]) -> Array:
        """An array of the state before the first step."""
        return np.zeros(param.shape, param.dtype)

    def read(self, state: dict[str, Any], settings: dict[str, Any]) -> tuple[float, ...]:
        """The numbers in a parameter's state."""
        if not state:
            return self.first_numbers(settings)
        return tuple([state[name].item() for name in self.numbers])

    def write(self, state: dict[str, Any], numbers: tuple[float, ...]) -> None:
        for name, value in zip(self.numbers, numbers):
            if name in state:
                state[name].array[...] = value
            else:
                state[name] = constant(np.array(value, number_dtype()))

    def update_all(self, params: list[Tensor], settings: dict[str, Any]) -> None:
        batches: dict[Any, list[tuple[Tensor, dict[str, Any]]]] = {}
        seen: set[Tensor] = set()
        for param in params:
            if param in seen:  # it stands in the group twice, and is updated twice, one after the other
                self.update_batches(batches, settings)
                batches, seen = {}, set()
            seen.add(param)
            state = self.state.get(param, {})
            batches.setdefault((param.array.dtype, self.read(state, settings)), []).append((param, state))
        self.update_batches(batches, settings)

    def update_batches(self, batches: dict[Any, list[tuple[Tensor, dict[str, Any]]]], settings: dict[str, Any]) -> None:
        for (dtype, numbers), batch in batches.items():
            rule = self.rule(dtype, numbers, **settings)
            members = []
            for param, state in batch:
                self.write(state, rule.numbers)
                arrays = [param.array, param._grad.array]  # type: ignore[union-attr]
                for name in rule.arrays:
                    if state.get(name) is None:
                        state[name] = constant(self.begin(name, param.array, settings))
                    arrays.append(state[name].array)
                members.append(tuple(arrays))
                if state:
                    self.state[param] = state
            sweep(rule.change, rule.spare, members)
